"""
The child's imaging history: one exam told by many resources is one exam.

    read.py       resources → records: what counts, what exam, when
    ties.py       which records can have to do with what is asked, so that the rest can wait
    keys.py       what ties a record to others
    join.py       records → groups: the strongest key first
    requests.py   orders that no exam answers
    classify.py   groups → earlier exams
    select.py     earlier exams like a given one

Absence is "none found here": ``complete`` is False unless imaging studies, reports and procedures were all
answered whole.
"""

from __future__ import annotations

from cds_service.facts.history.exams import History, prior_exams
from cds_service.facts.history.results import NO_WORDS, ResultWords, load_results
from cds_service.facts.history.select import alike, is_own, pending, performed, requested

__all__ = [
    "NO_WORDS",
    "History",
    "ResultWords",
    "alike",
    "is_own",
    "load_results",
    "pending",
    "performed",
    "prior_exams",
    "requested",
]
