"""
The child's imaging history: one exam told by many resources is one exam.

    read.py       resources → records: what counts, what exam, when, which keys
    join.py       records → groups: the strongest key first
    requests.py   orders that no exam answers
    classify.py   groups → earlier exams
    select.py     earlier exams like a given one

Absence is "none found here": ``complete`` is False unless imaging studies, reports and procedures were all
answered whole.
"""

from __future__ import annotations

from cds_service.facts.history.exams import prior_exams
from cds_service.facts.history.results import NO_WORDS, ResultWords, load_results
from cds_service.facts.history.select import alike, pending

__all__ = ["NO_WORDS", "ResultWords", "alike", "load_results", "pending", "prior_exams"]
