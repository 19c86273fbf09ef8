"""Why an exam is ordered: reading the reasons of an order, what it says besides, and clauses of free text."""

from cds_service.facts.reasons.beside import Beside, beside
from cds_service.facts.reasons.clauses import Clause, clauses
from cds_service.facts.reasons.pregnancy import with_pregnancy
from cds_service.facts.reasons.recognise import Reasons, recognise_reasons

__all__ = [
    "Beside",
    "Clause",
    "Reasons",
    "beside",
    "clauses",
    "recognise_reasons",
    "with_pregnancy",
]
