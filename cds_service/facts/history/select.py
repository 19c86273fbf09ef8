"""Earlier exams like a given one."""

from __future__ import annotations

from typing import Final

from cds_service.facts.history.record import DIAGNOSTIC
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Prior, Priors

_APART: Final = frozenset({"echocardiography", "obstetric", "other"})
"""Exams that answer other questions than a plain exam of the same modality and region."""


def alike(priors: Priors, like: Exam) -> Priors:
    """
    The diagnostic exams already done with the modality of *like* in one of its regions.

    An exam whose region, or even modality, is not known might be one of them: then the answer is incomplete.
    """
    found, unknown = _matching([prior for prior in priors.items if not prior.pending], like)
    return Priors(found, priors.complete and not unknown, priors.now)


def pending(priors: Priors, like: Exam, *, complete: bool = False) -> Priors:
    """
    The exams like *like* that are requested and not done.

    ``complete`` says whether the orders were read whole, which the history itself does not depend on.
    """
    found, unknown = _matching([prior for prior in priors.items if prior.pending], like)
    return Priors(found, complete and not unknown, priors.now)


def _matching(priors: list[Prior], like: Exam) -> tuple[tuple[Prior, ...], bool]:
    modality, mask, special = like.modality, like.mask, like.techniques & _APART
    found: list[Prior] = []
    unknown = False
    for prior in priors:
        exam = prior.exam
        if exam.modality != modality:
            unknown = unknown or not exam.modality
        elif prior.kind == DIAGNOSTIC:
            if not exam.regions:
                unknown = True
            elif exam.mask & mask and exam.techniques & _APART == special:
                found.append(prior)
    return tuple(found), unknown
