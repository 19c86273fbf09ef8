"""What the order itself says: the exam, why and how soon, each as a fact with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Protocol

from cds_service.facts.exams import Recognised
from cds_service.fhir.resources import ServiceRequest
from cds_service.vocabulary.exams import BOTH, Exam
from cds_service.vocabulary.readings import UNKNOWN, Evidence, Interval, Names, Reading
from cds_service.vocabulary.regions import DIVISIONS, MASKS, mask

PRIORITIES: Final = frozenset({"routine", "urgent", "asap", "stat"})
_MAY_ADD_A_PASS: Final = frozenset({"angiography", "venography"})
_YES: Final = frozenset({"yes"})
_NO: Final = frozenset({"no"})


class StatedReasons(Protocol):
    """The reasons of an order, as far as facts about the order need them."""

    @property
    def names(self) -> Names:
        """The reasons understood; incomplete when one was not."""
        ...  # pragma: no cover

    @property
    def given(self) -> bool:
        """Whether the order states any reason at all."""
        ...  # pragma: no cover

    @property
    def evidence(self) -> Mapping[str, Evidence]:
        """Where each reason stands, by its name."""
        ...  # pragma: no cover


def order_facts(
    order: ServiceRequest,
    recognised: Recognised,
    reasons: StatedReasons,
    *,
    reason_regions: Mapping[str, frozenset[str]],
) -> dict[str, Reading]:
    """
    Every ``order.*`` fact of one order.

    *reason_regions* gives the regions each reason is about; a reason missing there is about regions unknown.
    """
    facts = exam_facts(recognised)
    facts["order.priority"] = priority(order)
    facts["order.reason"] = Reading(reasons.names, _reason_evidence(reasons))
    facts["order.reason_given"] = Reading(_YES if reasons.given else _NO, _reason_evidence(reasons))
    facts["order.extra_region"] = extra_region(recognised, reasons.names, reason_regions)
    return facts


def exam_facts(recognised: Recognised) -> dict[str, Reading]:
    """The facts that follow from the exam; all but the purpose are unknown when it was not recognised."""
    exam, evidence = recognised.exam, recognised.evidence
    facts = {
        "order.recognised": Reading(exam is not None, evidence),
        "order.purpose": Reading(frozenset({recognised.purpose}), evidence),
    }
    if exam is None:
        unread = Reading(gap=recognised.why)
        facts.update(dict.fromkeys(_FROM_THE_EXAM, unread))
        return facts
    facts["order.modality"] = Reading(frozenset({exam.modality}), evidence)
    facts["order.region"] = Reading(Names(exam.regions), evidence)
    facts["order.technique"] = Reading(Names(exam.techniques), evidence)
    facts["order.contrast"] = UNKNOWN if exam.contrast is None else Reading(frozenset({exam.contrast}), evidence)
    facts["order.passes"] = passes(exam, evidence)
    return facts


_FROM_THE_EXAM: Final = ("order.modality", "order.region", "order.technique", "order.contrast", "order.passes")


def passes(exam: Exam, evidence: tuple[Evidence, ...] = ()) -> Reading:
    """
    The fewest passes; unknown where the order leaves contrast and passes open.

    Angiography "without and with contrast" may hold a pass without contrast, it need not.

    >>> from cds_service.vocabulary.exams import exam
    >>> passes(exam("CT head")).value is None
    True
    >>> passes(exam("CTA head without and with contrast")).value
    Interval(low=1, high=2)
    """
    if exam.passes < 1:
        return UNKNOWN
    may_add = exam.contrast == BOTH and exam.passes == 1 and bool(exam.techniques & _MAY_ADD_A_PASS)
    return Reading(Interval(exam.passes, exam.passes + may_add), evidence)


def priority(order: ServiceRequest) -> Reading:
    """How soon the order is wanted; unknown when it does not say so in FHIR's words."""
    stated = order.priority
    if stated not in PRIORITIES:
        return UNKNOWN
    return Reading(frozenset({stated}), (Evidence(f"Priority: {stated}"),))


def extra_region(recognised: Recognised, reasons: Names, regions: Mapping[str, frozenset[str]]) -> Reading:
    """
    The divisions of the body an order covers whole though no stated reason is about any part of them.

    Known only when every reason was understood and is about known regions.
    """
    exam = recognised.exam
    if exam is None or not reasons.complete or not reasons.values:
        return UNKNOWN
    about = [regions.get(reason) for reason in reasons.values]
    if not all(about):
        return UNKNOWN
    needed = _mask(frozenset().union(*(stated for stated in about if stated)))
    extra = _covered_needlessly(exam.mask, needed)
    told = (Evidence(f"No stated reason is about: {', '.join(sorted(extra))}"),) if extra else ()
    return Reading(Names(extra), (*told, *recognised.evidence))


@lru_cache(maxsize=4096)
def _mask(regions: frozenset[str]) -> int:
    return mask(regions)


@lru_cache(maxsize=4096)
def _covered_needlessly(covered: int, needed: int) -> frozenset[str]:
    """
    The divisions within *covered* that share no part with *needed*.

    >>> sorted(_covered_needlessly(mask(["chest", "abdomen", "pelvis"]), mask(["lungs"])))
    ['abdomen', 'pelvis']
    """
    return frozenset(
        division for division in DIVISIONS if not MASKS[division] & ~covered and not MASKS[division] & needed
    )


def _reason_evidence(reasons: StatedReasons) -> tuple[Evidence, ...]:
    stated: Iterable[Evidence | None] = (reasons.evidence.get(name) for name in sorted(reasons.names.values))
    return tuple(evidence for evidence in stated if evidence is not None)
