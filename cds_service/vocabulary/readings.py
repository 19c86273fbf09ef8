"""
What a fact reads as: a value or unknown, always with what it came from.

The facts side makes readings, the rules side asks them questions; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.quantities import Span


class Evidence(NamedTuple):
    """One piece of the record: ``text`` for a clinician, ``source`` as Type/id, ``on`` as an ISO date or empty."""

    text: str
    source: str = ""
    on: str = ""


class Interval(NamedTuple):
    """A number known to lie between two bounds, both included, in the fact's own unit."""

    low: float
    high: float


class Age(NamedTuple):
    """Birth date and today, each between two days: a partial birth date or a disputed time zone widens them."""

    born_first: date
    born_last: date
    today_first: date
    today_last: date

    def below(self, limit: Span) -> bool | None:
        """
        Whether the child has not reached the age *limit* yet; None when the bounds disagree.

        >>> from cds_service.vocabulary.quantities import span
        >>> day = date(2026, 3, 2)
        >>> Age(date(2008, 3, 2), date(2008, 3, 2), day, day).below(span("18 years"))
        False
        >>> Age(date(2008, 3, 3), date(2008, 3, 3), day, day).below(span("18 years"))
        True
        """
        if self.born_first == self.born_last and self.today_first == self.today_last:
            return limit.after(self.born_first) > self.today_first
        earliest = limit.after(self.born_first) > self.today_last
        latest = limit.after(self.born_last) > self.today_first
        return earliest if earliest == latest else None


class Names(NamedTuple):
    """A set of names (reasons, regions); ``complete`` is False when something there was not understood."""

    values: frozenset[str]
    complete: bool = True


class Prior(NamedTuple):
    """
    One distinct earlier exam.

    ``first`` and ``last`` bound when it took place (aware datetimes). ``certain`` is False when its evidence
    only makes it possible. ``kind`` is diagnostic, hybrid, guidance, planning or cone-beam. ``result`` is
    positive, negative, nondiagnostic or empty when unread. ``images`` says whether the images can be opened:
    True, False, or None when not known. ``place`` is where it was done, empty when here or not known.
    ``pending`` marks an exam that was only requested or booked.
    """

    exam: Exam
    first: datetime
    last: datetime
    certain: bool = True
    kind: str = "diagnostic"
    result: str = ""
    images: bool | None = None
    place: str = ""
    pending: bool = False
    evidence: tuple[Evidence, ...] = ()


class Priors(NamedTuple):
    """Distinct earlier exams, newest first; ``complete`` is False when some source could not be read."""

    items: tuple[Prior, ...]
    complete: bool = True
    now: datetime | None = None

    def like(self, exam: Exam) -> Priors:
        """
        Those of the same modality that reach the same parts: performed diagnostic exams only.

        One whose region is not known leaves the answer incomplete.
        """
        alike = [
            prior
            for prior in self.items
            if prior.exam.modality == exam.modality and prior.kind == "diagnostic" and not prior.pending
        ]
        sure = tuple(prior for prior in alike if prior.exam.mask & exam.mask)
        placed = all(prior.exam.regions for prior in alike)
        return Priors(sure, self.complete and placed, self.now)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One fact as read.

    ``value`` is None when unknown; otherwise its type follows the fact's kind (see ``facts.Kind``).
    ``suspected`` marks a finding somebody suspects: unknown as a finding, yes as a safety fact.
    ``gap`` names the resource that could not be read, when that is why it is unknown.
    """

    value: Any = None
    evidence: tuple[Evidence, ...] = ()
    suspected: bool = False
    gap: str = ""


UNKNOWN = Reading()


class Facts(Protocol):
    """Everything known about one order: each fact by its name."""

    def __getitem__(self, name: str) -> Reading:
        """The fact's reading; UNKNOWN when there is none."""
        ...  # pragma: no cover

    @property
    def recorded(self) -> frozenset[str] | None:
        """The findings of which anything is on record, suspected or denied ones too; None when nobody counted."""
        ...  # pragma: no cover

    @property
    def unread(self) -> frozenset[str]:
        """The resource types findings stand in that could not be read whole."""
        ...  # pragma: no cover


class GivenFacts(dict[str, Reading]):
    """Facts written down, as rule examples do; whatever is not named is unknown."""

    recorded: frozenset[str] | None = None
    unread: frozenset[str] = frozenset()

    def __init__(self, given: Mapping[str, Reading]) -> None:
        super().__init__(given)

    def __missing__(self, name: str) -> Reading:
        return UNKNOWN
