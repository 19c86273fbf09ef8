"""Why an exam is ordered: reading the reasons of an order, what it says besides, and clauses of free text."""

from cds_service.facts.reasons.beside import NOTHING as NOTHING_BESIDE
from cds_service.facts.reasons.beside import Beside, all_beside, beside
from cds_service.facts.reasons.clauses import Clause, clauses
from cds_service.facts.reasons.pregnancy import with_pregnancy
from cds_service.facts.reasons.reading import told
from cds_service.facts.reasons.recognise import Reasons, recognise_reasons

__all__ = [
    "NOTHING_BESIDE",
    "Beside",
    "Clause",
    "Reasons",
    "all_beside",
    "beside",
    "clauses",
    "recognise_reasons",
    "told",
    "with_pregnancy",
]
