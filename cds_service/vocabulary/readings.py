"""
What a fact reads as: a value or unknown, always with what it came from.

The facts side makes readings, the rules side asks them questions; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """
    A set of names (reasons, regions).

    ``complete`` is False when something there was not understood; ``more`` is True when something is told beside them
    that no name says, such as a finding; ``asked`` is True when what was not understood is asked for.
    """

    values: frozenset[str]
    complete: bool = True
    more: bool = False
    asked: bool = False


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


Pick = Callable[[Sequence[Prior]], tuple[tuple[Prior, ...], bool]]
"""Picks the exams that are asked for, and says whether one of those given may be another of them."""


class Priors:
    """
    Distinct earlier exams, newest first; ``complete`` is False when some source could not be read.

    A long history is rarely asked for all it holds: ``since`` lets those who answer work out no more than that.
    """

    __slots__ = ("_complete", "_items", "now")

    def __init__(self, items: Iterable[Prior] = (), complete: bool = True, now: datetime | None = None) -> None:
        self._items = tuple(items)
        self._complete = complete
        self.now = now

    @property
    def items(self) -> tuple[Prior, ...]:
        """All of them."""
        return self._items

    @property
    def complete(self) -> bool:
        """Whether there can be no other."""
        return self._complete

    def since(self, moment: datetime | None) -> tuple[Prior, ...]:
        """Those that took place at *moment* or later, or may have; all when there is no such moment."""
        return self.items if moment is None else tuple(prior for prior in self.items if prior.last >= moment)

    def considered(self, count: int) -> tuple[Prior, ...]:
        """The newest *count* of those that answers so far were made of: none older than anybody asked about."""
        return self.items[:count]

    def waiting(self) -> Priors:
        """Those only requested or booked."""
        return Priors([prior for prior in self.items if prior.pending], self.complete, self.now)

    def select(self, pick: Pick, like: Exam | None = None) -> Priors:
        """
        Those that *pick* takes.

        *like*, if given, promises that *pick* neither takes nor puts in question an exam that is known to be of
        another modality, or of other regions.
        """
        found, in_question = pick(self.items)
        return Priors(found, self.complete and not in_question, self.now)

    def like(self, exam: Exam) -> Priors:
        """
        Those of the same modality that reach the same parts: performed diagnostic exams only.

        One whose region is not known leaves the answer incomplete.
        """
        return self.select(lambda priors: _alike(priors, exam), exam)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Priors):
            return NotImplemented
        return (self.items, self.complete, self.now) == (other.items, other.complete, other.now)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Priors({self.items!r}, complete={self.complete}, now={self.now!r})"


def _alike(priors: Sequence[Prior], exam: Exam) -> tuple[tuple[Prior, ...], bool]:
    alike = [
        prior
        for prior in priors
        if prior.exam.modality == exam.modality and prior.kind == "diagnostic" and not prior.pending
    ]
    sure = tuple(prior for prior in alike if prior.exam.mask & exam.mask)
    return sure, not all(prior.exam.regions for prior in alike)


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


_SHOWN = 3


class HistoryReading(Reading):
    """Earlier exams as read; its evidence are those that were asked about, put in words when somebody wants to see."""

    __slots__ = ()

    def __init__(self, priors: Priors, gap: str = "") -> None:
        for name, value in (("value", priors), ("suspected", False), ("gap", gap)):
            object.__setattr__(self, name, value)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What tells of the newest of those that were asked about."""
        return tuple(piece for prior in self.value.considered(_SHOWN) for piece in prior.evidence[:1])


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
