"""Earlier exams like a given one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from cds_service.facts.history.record import DIAGNOSTIC
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence, Prior, Priors

_APART: Final = frozenset({"echocardiography", "obstetric", "other"})
"""Exams that answer other questions than a plain exam of the same modality and region."""


def performed(priors: Priors) -> Priors:
    """The exams already done, or perhaps done."""
    return priors.select(lambda found: (tuple(prior for prior in found if not prior.pending), False))


def alike(priors: Priors, *like: Exam) -> Priors:
    """
    The diagnostic exams already done with the modality of *like* in one of its regions, or of one of several.

    An exam whose region, or even modality, is not known might be one of them: then the answer is incomplete.
    """
    return priors.select(lambda found: _any_of([prior for prior in found if not prior.pending], like), _only(like))


def pending(priors: Priors, like: Exam, *, complete: bool = False, own: Container[str] = ()) -> Priors:
    """
    The exams like *like* that are requested and not done, but for the request named in *own* as ``Type/id``.

    ``complete`` says whether the orders were read whole, which the history itself does not depend on. A request waits
    for certain only where the history was read whole: an exam that stands unread may have answered it.
    """
    found, unknown = _any_of(priors.waiting().items, (like,))
    others = [prior for prior in found if not is_own(prior, like, own)]
    waits = [prior._replace(certain=True) for prior in others] if complete and priors.complete else others
    return Priors(waits, complete and not unknown, priors.now)


def is_own(prior: Prior, like: Exam, own: Container[str]) -> bool:
    """Whether *prior* is a request for the modality of *like*, told by one of the resources named in *own*."""
    same = prior.pending and prior.exam.modality == like.modality
    return same and any(told.source in own for told in prior.evidence)


def requested(priors: Priors, drafts: Sequence[Exam]) -> Priors:
    """
    The exams requested and not done, and those of *drafts*, which are wanted now.

    A request is one for certain, whether the exam takes place or not; requests nobody could read make no difference.
    """
    waiting = priors.waiting()
    found = [prior._replace(certain=True) for prior in waiting.items]
    if waiting.now is not None:
        told = (Evidence("Ordered at the same time"),)
        found[:0] = [Prior(one, waiting.now, waiting.now, pending=True, evidence=told) for one in drafts]
    return Priors(found, now=waiting.now)


def _only(like: Sequence[Exam]) -> Exam | None:
    return like[0] if len(like) == 1 else None


def _any_of(priors: Sequence[Prior], like: Sequence[Exam]) -> tuple[tuple[Prior, ...], bool]:
    found = [_matching(priors, one) for one in like]
    if len(found) == 1:
        return found[0]
    wanted = {id(prior) for some, _ in found for prior in some}
    return tuple(prior for prior in priors if id(prior) in wanted), any(unknown for _, unknown in found)


def _matching(priors: Sequence[Prior], like: Exam) -> tuple[tuple[Prior, ...], bool]:
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
