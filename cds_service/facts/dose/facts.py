"""The facts that tell of doses: earlier exams with what is on record, or with what is usual."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.facts.dose.of_exam import Dose
from cds_service.vocabulary.facts import DOSE_RECORDED
from cds_service.vocabulary.readings import Prior, Priors


def told(name: str, found: Sequence[Dose], every: Priors, *, read: bool) -> Priors:
    """
    The exams that the fact *name* is about, each with its dose as evidence.

    Another dose may be on record where one was not plain, or where not all of it was *read*.
    """
    recorded = name == DOSE_RECORDED
    items = [_with(one) for one in found if one.text and one.recorded == recorded]
    open_ = any(one.unclear and not one.recorded for one in found) or any(one.radiation is None for one in found)
    return Priors(items, every.complete and read and not open_, every.now)


def _with(one: Dose) -> Prior:
    return one.prior._replace(evidence=one.evidence or one.prior.evidence)
