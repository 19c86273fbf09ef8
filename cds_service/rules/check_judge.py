"""One check over one order: extra passes, extra regions, an existing study, a missing reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cds_service.findings import Advice, Alternative, Basis, Finding, Indicator, Outcome, ReasonOffer, Verdict
from cds_service.rules.ratings import Rating, narrowed, rate, single_passes
from cds_service.rules.rule import Check
from cds_service.rules.stand import Stand, ratings_of
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts, Names
from cds_service.vocabulary.regions import mask

MOST_OFFERS = 3


def judge_check(
    check: Check,
    order: Exam,
    facts: Facts,
    stands: Sequence[Stand],
    *,
    broader: Mapping[str, tuple[str, ...]],
) -> Verdict:
    """
    What *check* says on *order*.

    *stands* are of the topics of its reasons, whose ratings choose the remedy; *broader* maps a reason to those it
    also is.
    """

    def verdict(outcome: Outcome, why: str, **more: object) -> Verdict:
        return Verdict(check.id, check.version, outcome, why, **more)  # type: ignore[arg-type]

    if not check.applies_to.holds(facts):
        return verdict(Outcome.OUT, "it does not apply to this order")
    answer = check.criterion.holds(facts)
    if answer is False:
        return verdict(Outcome.OUT, "nothing to flag")
    for exception in check.unless:
        if exception.holds(facts):
            return verdict(Outcome.EXCEPTED, f"exception: {exception.because}")
    if answer is None:
        return verdict(Outcome.UNDECIDED, "unknown facts keep it silent", unknown=check.criterion.unknown_in(facts))
    exams = _remedies(check, order, facts, _Context(stands, broader))
    if check.advice in (Advice.FEWER_PASSES, Advice.NARROWER) and not exams:
        return verdict(Outcome.SILENT, "no better exam of this shape")
    offers = _offers(check.offers, order)
    if check.advice is Advice.ADD_REASON and not offers:
        return verdict(Outcome.SILENT, "no reason to offer for this region")
    level = next((one for one in check.levels if one.is_for(order) and one.criterion.holds(facts)), None)
    if check.levels and level is None:
        return verdict(Outcome.SILENT, "no level is known for this exam and child")
    finding = _finding(check, exams, offers)
    if level is not None:
        finding = replace(finding, because=f"{check.because} {level.text}")
        asked = tuple(sorted(check.criterion.facts | level.criterion.facts))
        finding = replace(finding, basis=finding.basis._replace(facts=asked, activity=level.activity))
    return verdict(Outcome.ADVICE, check.because, finding=finding)


class _Context(NamedTuple):
    """Where the order stands in the topics of its reasons, and what each reason also is."""

    stands: Sequence[Stand]
    broader: Mapping[str, tuple[str, ...]]


def _remedies(check: Check, order: Exam, facts: Facts, context: _Context) -> list[Exam]:
    if check.derive == "single-pass":
        return _single(check, _needed(order, facts), facts, context)
    if check.derive == "needed-regions":
        needed, named = _needed(order, facts), facts["order.reason"].value
        if needed == order or (named is not None and named.more):
            return []  # a finding told beside the reasons may be about the other regions
        return _single(check, needed, facts, context) if order.passes > 1 else [needed]
    return list(check.alternatives)


def _needed(order: Exam, facts: Facts) -> Exam:
    """*order* without the regions nobody asked about."""
    extra = facts["order.extra_region"].value
    if extra is None or not extra.values:
        return order
    return narrowed(order, mask(extra.values)) or order


def _single(check: Check, order: Exam, facts: Facts, context: _Context) -> list[Exam]:
    """
    The single-pass exams that answer every reason of the order; none while one reason has no known contrast.

    A reason asks for a contrast where a topic rates the two passes, or where the check itself tells it.
    """
    named: Names = facts["order.reason"].value or Names(frozenset(), False)
    stands, broader = context
    implied = {wide for reason in named.values for wide in broader.get(reason, ())}
    rated = {reason for one in stands if one.applies and _rates(one, order) for reason in one.topic.reasons}
    wanted: set[str] = set()
    for reason in named.values - implied:
        kinds = {reason, *broader.get(reason, ())}
        told = {check.wanted[kind] for kind in kinds if kind in check.wanted}
        if not told and rated.isdisjoint(kinds):
            return []
        wanted |= told
    if not named.complete or not named.values or len(wanted) > 1:
        return []
    return [exam for exam in _best_single(order, stands) if not wanted or exam.contrast in wanted]


def _rates(one: Stand, order: Exam) -> bool:
    """Whether the topic rates a single pass in a situation this child may be in."""
    return any(_best(exam, [one]) for exam in single_passes(order))


def _best_single(order: Exam, stands: Sequence[Stand]) -> list[Exam]:
    """
    The single-pass exams the topics rate best; both where no topic rates them, none where all are wrong.

    An exam that is never right in a topic is not offered, also when the topic itself keeps silent; nor one that a
    situation this child is in rates usually not appropriate, whatever another says of it.
    """
    rated = {
        exam: _best(exam, stands)
        for exam in single_passes(order)
        if not _never_right(exam, stands) and not _wrong_here(exam, stands)
    }
    best = max(rated.values(), default=Rating.USUALLY_NOT)
    return [] if best == Rating.USUALLY_NOT else [exam for exam, rating in rated.items() if rating == best]


def _best(exam: Exam, stands: Sequence[Stand]) -> int:
    ratings = [ratings_of(one.topic, exam)[place] for one in stands if one.applies for place in one.judged]
    return max((rating or 0 for rating in ratings), default=0)


def _never_right(exam: Exam, stands: Sequence[Stand]) -> bool:
    every = (ratings_of(one.topic, exam) for one in stands)
    return any(all(rating is Rating.USUALLY_NOT for rating in ratings) for ratings in every)


def _wrong_here(exam: Exam, stands: Sequence[Stand]) -> bool:
    return any(
        ratings_of(one.topic, exam)[place] is Rating.USUALLY_NOT for one in stands if one.applies for place in one.met
    )


def _offers(offers: Sequence[ReasonOffer], order: Exam) -> tuple[ReasonOffer, ...]:
    """Reasons about the region ordered; those about nothing beside it come first."""
    near = [offer for offer in offers if not offer.regions or mask(offer.regions) & order.mask]
    near.sort(key=lambda offer: bool(mask(offer.regions) & ~order.mask))
    return tuple(near[:MOST_OFFERS])


def _finding(check: Check, exams: Sequence[Exam], offers: tuple[ReasonOffer, ...]) -> Finding:
    return Finding(
        rule=check.id,
        version=check.version,
        title=check.title,
        topic_code=check.topic_code,
        advice=check.advice,
        indicator=check.indicator,
        situation=check.situation,
        because=check.because,
        alternatives=tuple(
            Alternative(exam, recommended=place == 0 and len(exams) == 1) for place, exam in enumerate(exams[:3])
        ),
        cancel=check.cancel,
        offers=offers,
        note=check.note,
        contact=check.contact,
        basis=Basis(tuple(sorted(check.criterion.facts)), 5, each_prior=True),
        citations=check.citations,
        override_reasons=check.override_reasons,
        reviewed=check.review_last,
        reviewer=check.review_by,
        shown=check.status == "active",
    )


__all__ = ["Indicator", "judge_check", "rate"]
