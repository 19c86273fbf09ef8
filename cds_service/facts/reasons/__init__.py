"""Why an exam is ordered: reading the reasons of an order, and clauses of free text."""

from cds_service.facts.reasons.clauses import Clause, clauses
from cds_service.facts.reasons.pregnancy import stated_pregnancy, with_pregnancy
from cds_service.facts.reasons.recognise import Reasons, recognise_reasons

__all__ = ["Clause", "Reasons", "clauses", "recognise_reasons", "stated_pregnancy", "with_pregnancy"]
