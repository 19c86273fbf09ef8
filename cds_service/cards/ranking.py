"""What one clinician sees first: findings in order of weight, and the changes that fit on one card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cds_service.cards.template import SuggestionPattern, Templates
from cds_service.cards.values import About
from cds_service.findings import Advice, Alternative, ChangeKind, Finding, Indicator, ReasonOffer, importance
from cds_service.vocabulary.exams import Exam


class Wish(NamedTuple):
    """One change a finding would offer, before anybody asked whether this client can do it."""

    finding: Finding
    pattern: SuggestionPattern
    alternative: Alternative | None = None
    offer: ReasonOffer | None = None

    @property
    def key(self) -> object:
        """What the change comes to: two findings that offer the same exam offer one change."""
        if self.alternative is not None:
            return self.alternative.exam
        if self.pattern.kind is ChangeKind.ADD_NOTE:
            return self.finding.note
        return self.offer.reason if self.offer else self.pattern.kind


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are shown, weightiest first: by indicator, then by kind of advice."""
    return sorted((finding for finding in findings if finding.shown), key=importance)


def wishes(findings: Sequence[Finding], templates: Templates) -> list[Wish]:
    """Every change the findings offer, in their order, each once; nobody is asked while a card is critical."""
    distinct: dict[object, Wish] = {}
    urgent = any(finding.indicator is Indicator.CRITICAL for finding in findings)
    for finding in findings:
        for wish in wishes_of(finding, templates):
            if not (urgent and wish.pattern.kind is ChangeKind.ASK):
                distinct.setdefault(wish.key, wish)
    return list(distinct.values())


def wishes_of(finding: Finding, templates: Templates) -> Iterator[Wish]:
    """The changes one finding offers, best first."""
    for pattern in templates[finding.advice].suggestions:
        if pattern.kind is ChangeKind.REPLACE:
            yield from (Wish(finding, pattern, alternative=one) for one in finding.alternatives)
        elif pattern.kind is ChangeKind.ADD_REASON:
            yield from (Wish(finding, pattern, offer=one) for one in finding.offers)
        elif pattern.kind is ChangeKind.REMOVE:
            yield from [Wish(finding, pattern)] * finding.cancel
        elif finding.note if pattern.kind is ChangeKind.ADD_NOTE else finding.contact:
            yield Wish(finding, pattern)


def by_need(offered: Sequence[Wish], about: About) -> list[int]:
    """
    The places of *offered* in the order they are to be tried.

    The single-pass exam comes first when passes are the fault, so that room never runs out before it.
    """
    must = next((place for place, wish in enumerate(offered) if _saves_passes(wish, about.exam)), None)
    rest = [place for place in range(len(offered)) if place != must]
    return rest if must is None else [must, *rest]


def _saves_passes(wish: Wish, ordered: Exam | None) -> bool:
    if wish.alternative is None:
        return False
    if wish.finding.advice is Advice.FEWER_PASSES:
        return True
    exam = wish.alternative.exam
    return (
        ordered is not None
        and 0 < exam.passes < ordered.passes
        and (exam.modality, exam.mask) == (ordered.modality, ordered.mask)
    )
