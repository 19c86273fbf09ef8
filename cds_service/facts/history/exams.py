"""
Every distinct earlier exam of one child, worked out as far as somebody asks.

Rules mostly ask for the last days or months of a history of years. So all accounts are dated and recognised
first, which is cheap; joined, judged and put in words are then only those that can have to do with the answer,
and those tied to them. Whether some exam of unknown modality or region leaves an answer open is asked apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from cds_service.facts.history.classify import Context, prior_of, request_of
from cds_service.facts.history.doubt import doubtful
from cds_service.facts.history.join import join
from cds_service.facts.history.keys import identify
from cds_service.facts.history.read import Accounts, Bounds
from cds_service.facts.history.recognition import Eyes
from cds_service.facts.history.record import DOCUMENT, ORDER, PENDING, POSSIBLE, Record, Seen
from cds_service.facts.history.requests import Ordered, unanswered
from cds_service.facts.history.results import NO_WORDS, ResultWords
from cds_service.facts.history.ties import is_loose, tied
from cds_service.fhir.dates import When, when
from cds_service.fhir.records import Records
from cds_service.fhir.resources import DiagnosticReport, DocumentReference, ImagingStudy, Patient, Procedure
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Pick, Prior, Priors

_SLACK: Final = 2  # days by which a local day and a moment may be apart
_NEVER: Final = 10**7  # a day after all others
_LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)
_FEW: Final = 2  # a part of all that is worth working out alone


class Account(NamedTuple):
    """One exam and the accounts it was made of, the one believed first in front; none for a request."""

    prior: Prior
    records: tuple[Record, ...] = ()


def prior_exams(
    records: Records, patient: Patient | None, codes: ExamCodes, now: datetime, *, words: ResultWords = NO_WORDS
) -> History:
    """
    The distinct imaging exams that the record tells of, newest first, requested ones among them.

    Nothing after *now* or before birth is history. The answer is complete only when imaging studies, reports
    and procedures were all read whole: one missing source may hold the exam that the others lack.
    """
    bounds = Bounds(when(patient.birthDate) if patient is not None else None, now)
    if records.read(DocumentReference).items:  # when a document was filed is read in the light of the hour
        found = Accounts(records, Eyes(codes), bounds)
    else:
        found = records.derived(codes, lambda: Accounts(records, Eyes(codes), bounds))
    return History(found, bounds, words, complete=_complete(records) and not found.unread)


def _complete(records: Records) -> bool:
    sections = (records.read(ImagingStudy), records.read(DiagnosticReport), records.read(Procedure))
    return all(section.complete and not section.unreadable for section in sections)


class History(Priors):
    """All earlier exams; ``unread`` names the types of resources in which one of them may stand unread."""

    __slots__ = ("_answered", "_asked", "_bounds", "_everything", "_seen", "_told", "_windows", "_words", "unread")

    def __init__(self, found: Accounts, bounds: Bounds, words: ResultWords, *, complete: bool) -> None:
        super().__init__((), complete, bounds.now)
        self.unread = tuple(found.unread)
        self._told = found.told
        self._asked = found.asked
        self._bounds = bounds
        self._words = words
        self._answered = _answered(self._told, self._asked, bounds) if self._asked else frozenset()
        self._seen: frozenset[Seen] | None = None
        self._everything: tuple[Prior, ...] | None = None
        self._windows: dict[int, tuple[Prior, ...]] = {}

    @property
    def items(self) -> tuple[Prior, ...]:
        """All of them."""
        if self._everything is None:
            self._everything = self._settle((*self._told, *self._asked))
        return self._everything

    def since(self, moment: datetime | None) -> tuple[Prior, ...]:
        """Those that took place at *moment* or later, or may have."""
        if moment is None:
            return self.items
        return tuple(prior for prior in self.reaching(moment) if prior.last >= moment)

    def waiting(self) -> Priors:
        """Those only requested or booked."""
        found = [prior for prior in self._window(_NEVER) if prior.pending] if self._asked else ()
        return Priors(found, self.complete, self.now)

    def select(self, pick: Pick, like: Exam | None = None) -> Priors:
        """Those that *pick* takes, once somebody asks."""
        return Priors((), self.complete, self.now) if self._lacks(like) else Selected(self, pick, like)

    def worked_out(self, *, whole: bool) -> tuple[Prior, ...]:
        """
        What is known so far, for the decision record; with *whole* all of it.

        Older accounts that nobody asked about stand there as possible exams of their kind, at any time up to the
        newest of them. Where the kind of one is not told, all are worked out.
        """
        if not (self._told or self._asked):
            return ()
        if whole or self._everything is not None:
            return self.items
        if self._asked:
            self.waiting()
        known = min(self._windows, default=_NEVER)
        older: dict[Exam, int] = {}
        for one in self._told:
            if one.when is not None and one.when.until < known:
                if one.seen.open or one.seen.exam is None:
                    return self.items
                older[one.seen.exam] = max(one.when.until, older.get(one.seen.exam, 0))
        return (*self._windows.get(known, ()), *(_possible(exam, day) for exam, day in older.items()))

    def reaching(self, moment: datetime) -> tuple[Prior, ...]:
        """All that may have taken place at *moment* or later, all that wait, and perhaps some more."""
        return self._window(moment.toordinal() - _SLACK)

    def open(self, like: Exam | None) -> Iterator[tuple[Prior, ...]]:
        """
        All exams that may be like *like* for all that is told of them, and perhaps some more, in portions.

        The newest comes first and alone: mostly one is enough to leave an answer open.
        """
        if self._everything is None:
            records = [one for one in (*self._told, *self._asked) if one.seen.open and one not in self._answered]
            if like is not None:
                records = [one for one in records if one.seen.modality in ("", like.modality)]
            if not records:
                return
            yield self._around([max(records, key=_latest)])
            if len(records) > 1:
                yield self._around(records)
        else:
            yield self._everything

    def _around(self, seeds: Sequence[Record]) -> tuple[Prior, ...]:
        return self._settle(tied(seeds, (*self._told, *self._asked), answered=self._answered))

    def _lacks(self, like: Exam | None) -> bool:
        """Whether there is certainly nothing like *like*, nor anything that may be."""
        if like is None:
            return False
        if self._seen is None:
            self._seen = frozenset([record.seen for record in (*self._told, *self._asked)])
        return not any(one.open or _is_like(one, like) for one in self._seen)

    def _window(self, day: int) -> tuple[Prior, ...]:
        """The exams that reach *day*, and what waits; from a wider window if there is one."""
        if self._everything is not None:
            return self._everything
        wider = [known for known in self._windows if known <= day]
        if wider:
            return self._windows[max(wider)]
        held = self._held(day)
        if len(held) * _FEW > len(self._told) + len(self._asked):
            return self.items
        self._windows[day] = priors = self._settle(held) if held else ()
        return priors

    def _held(self, day: int) -> Collection[Record]:
        """The accounts needed for the exams that reach *day*."""
        seeds = [one for one in self._told if one.when is None or one.when.until >= day]
        seeds += [order for order in self._asked if order not in self._answered]
        if not seeds:
            return ()
        every = (*self._told, *self._asked)
        held = tied(seeds, every, answered=self._answered)
        loose = [one for one in held if one.kind != ORDER and is_loose(one.when)]
        if loose:  # an exam with a wide date may be any other of its modality told again
            near = {one.seen.modality for one in tied(loose, every, days=False)}
            held = tied(
                {*held, *(one for one in self._told if one.seen.modality in near)}, every, answered=self._answered
            )
        return held

    def accounts(self) -> tuple[Account, ...]:
        """All exams with the accounts of each, newest first: worked out anew, for what judging never asks."""
        kept: dict[int, tuple[Record, ...]] = {}
        priors = self._settle((*self._told, *self._asked), kept)
        return tuple(Account(prior, kept.get(id(prior), ())) for prior in priors)

    @property
    def birth(self) -> When | None:
        """The child's birth, if known."""
        return self._bounds.birth

    def _settle(
        self, records: Iterable[Record], kept: dict[int, tuple[Record, ...]] | None = None
    ) -> tuple[Prior, ...]:
        """The exams that *records* tell of, newest first; what each was made of is *kept* by its ``id``."""
        bounds = self._bounds
        held = [one for one in records if one.standing == PENDING or one.said == "requested" or bounds.hold(one.when)]
        for one in held:
            identify(one)
        asked = [one for one in held if one.kind == ORDER]
        groups = join([one for one in held if one.kind != ORDER])
        context = Context(bounds, Ordered(asked), self._words, doubtful(groups))
        priors = []
        for group in groups:
            prior = prior_of(group, context)
            if prior is not None:
                priors.append(prior)
                if kept is not None:
                    kept[id(prior)] = tuple(sorted(group.records, key=Record.rank))
        priors += [request_of(chain, bounds) for chain in unanswered(asked, groups)]
        priors.sort(key=_newest, reverse=True)
        return tuple(priors)


class Selected(Priors):
    """Some exams of a history, picked when somebody asks for them."""

    __slots__ = ("_earliest", "_history", "_like", "_pick")

    def __init__(self, history: History, pick: Pick, like: Exam | None) -> None:
        super().__init__((), history.complete, history.now)
        self._history = history
        self._pick = pick
        self._like = like
        self._earliest = history.now

    @property
    def items(self) -> tuple[Prior, ...]:
        """All of them."""
        self._earliest = None
        return self._pick(self._history.items)[0]

    @property
    def complete(self) -> bool:
        """Whether there can be no other."""
        return self._history.complete and not any(self._pick(found)[1] for found in self._history.open(self._like))

    def since(self, moment: datetime | None) -> tuple[Prior, ...]:
        """Those that took place at *moment* or later, or may have."""
        if moment is None:
            return self.items
        if self._earliest is not None:
            self._earliest = min(moment, self._earliest)
        found, _ = self._pick(self._history.reaching(moment))
        return tuple(prior for prior in found if prior.last >= moment)

    def considered(self, count: int) -> tuple[Prior, ...]:
        """The newest *count* of those that answers so far were made of: none older than anybody asked about."""
        return self.since(self._earliest)[:count]

    def select(self, pick: Pick, like: Exam | None = None) -> Priors:
        """Those of them that *pick* takes."""

        def both(priors: Iterable[Prior]) -> tuple[tuple[Prior, ...], bool]:
            first, in_question = self._pick(tuple(priors))
            found, also = pick(first)
            return found, in_question or also

        return self._history.select(both, like or self._like)


def _answered(told: Iterable[Record], asked: Iterable[Record], bounds: Bounds) -> frozenset[Record]:
    """The orders that a performed exam names as its own, beyond doubt."""
    named = {
        reference.reference
        for one in told
        if one.kind != DOCUMENT and one.standing >= POSSIBLE and bounds.hold(one.when)
        for reference in one.teller.basedOn or ()
    }
    return frozenset(order for order in asked if f"ServiceRequest/{order.teller.id}" in named)


def _is_like(seen: Seen, like: Exam) -> bool:
    exam = seen.exam
    return exam is not None and exam.modality == like.modality and exam.mask & like.mask != 0


def _latest(record: Record) -> int:
    return 0 if record.when is None else record.when.until


def _possible(exam: Exam, day: int) -> Prior:
    last = datetime.combine(date.fromordinal(day + _SLACK), time.min, UTC)
    return Prior(exam, _LONG_AGO, last, certain=False)


def _newest(prior: Prior) -> tuple[object, ...]:
    """A sort key that leaves no two exams alike that anything tells apart: the order of resources is never seen."""
    told = prior.evidence[0]
    said = (told.source, told.text, prior.exam.modality, prior.exam.mask, str(prior.exam), prior.kind, prior.result)
    return (prior.first.timestamp(), prior.last.timestamp(), *said, prior.certain, str(prior.images), prior.place)
