"""
Which accounts can have to do with which: a wide guess that never leaves one out.

Joining compares keys and days. To work out a few exams of a long history, those accounts are enough that are
tied to them, or to something tied to them: by a number in common, by a reference, or by standing on the same or
the next day. A tie that joining then makes nothing of costs a little time; one that were missed would change the
history. So numbers are compared without their system and type, and references however they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from cds_service.facts.history.keys import SOURCES, name_of, target
from cds_service.facts.history.record import DOCUMENT, DOSE, ORDER, PENDING, PROCEDURE, REPORT, STUDY, Record
from cds_service.fhir.dates import When
from cds_service.fhir.resources import DocumentReference, Identifier, ImagingStudy, Number, Reference

_PRECISE: Final = 3
_PADDING: Final = "\0" + "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())

References = Callable[[Any], Sequence[Reference] | None]


def _procedure_of(study: ImagingStudy) -> Sequence[Reference]:
    return () if study.procedureReference is None else (study.procedureReference,)


def _related(document: DocumentReference) -> Sequence[Reference] | None:
    return None if document.context is None else document.context.related


_REFERENCES: Final[dict[int, tuple[References, ...]]] = {
    STUDY: (attrgetter("basedOn"), _procedure_of),
    PROCEDURE: (attrgetter("report"), attrgetter("basedOn"), attrgetter("partOf")),
    REPORT: (attrgetter("imagingStudy"), attrgetter("basedOn")),
    DOSE: (attrgetter("partOf"), attrgetter("focus"), attrgetter("basedOn")),
    DOCUMENT: (_related,),
    ORDER: (attrgetter("basedOn"), attrgetter("replaces")),
}
_NUMBERED: Final = (STUDY, PROCEDURE, REPORT, DOCUMENT, ORDER)


def tied(
    seeds: Iterable[Record], others: Iterable[Record], *, days: bool = True, answered: Collection[Record] = ()
) -> set[Record]:
    """
    *seeds* and all of *others* that may be joined with one of them, or with one so joined.

    Without *days* by keys alone. Of the orders, those *answered* need no exam to answer them.
    """
    held, marks = set(seeds), Marks(answered)
    fresh: Iterable[Record] = held
    rest = [record for record in others if record not in held]
    while fresh and rest:
        marks.learn(fresh)
        fresh = marks.find(rest, days=days)
        held.update(fresh)
        rest = [record for record in rest if record not in held]
    return held


class Marks:
    """What some accounts can be recognised by: their names and numbers, those they mention, and their days."""

    def __init__(self, answered: Collection[Record] = ()) -> None:
        self._answered = answered
        self._ids: set[str] = set()
        self._names: set[str] = set()
        self._numbers: set[str] = set()
        self._days: dict[str, set[int]] = {}
        self._any_day: set[int] = set()
        self._asked: dict[str, int] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Add the marks of *records*."""
        for record in records:
            if record.teller.id:
                self._name(name_of(record))
            for reference in _references(record):
                if reference.reference:
                    self._name(target(reference.reference))
                if reference.identifier is not None:
                    self._number(reference.identifier)
            for number in _numbers(record):
                self._number(number)
            self._day(record)

    def _name(self, name: str) -> None:
        """A name as written, without its type, and as a number where it may be a Study UID."""
        kind, _, bare = name.partition("/")
        if bare:
            self._ids.add(bare)
            self._names.update((name, "*/" + bare))
        if kind == "*":
            self._names.update([source + bare for source in SOURCES.values()])
        elif name.startswith("uid:"):
            self._names.add(name)
            self._numbers.add(_core(name))

    def _number(self, number: Number | Identifier) -> None:
        core = _core(number.value or "")
        if core:
            self._numbers.add(core)
            self._names.add("uid:" + core)

    def _day(self, record: Record) -> None:
        """
        The days joining without a key may look at, by modality.

        An account that tells no modality takes that of another one, so its days count for each.
        """
        when, exam = record.when, record.seen.exam
        if when is None:
            return
        modality = exam.modality if exam is not None else ""
        if record.kind == ORDER:  # it is answered by an exam of its kind after it, however much later
            if record in self._answered:
                return
            since = when.day - (record.standing != PENDING)
            self._asked[modality] = min(since, self._asked.get(modality, since))
        elif when.until - when.day < _PRECISE:
            days = self._days.setdefault(modality, set()) if modality else self._any_day
            days.update(range(when.day - 1, when.until + 2))

    def find(self, records: Sequence[Record], *, days: bool) -> set[Record]:
        """Those of *records* that have one of the marks."""
        kinds: dict[int, list[Record]] = {}
        for record in records:
            kinds.setdefault(record.kind, []).append(record)
        found: set[Record] = set()
        for kind, alike in kinds.items():
            found.update(self._named(alike))
            for get in _REFERENCES[kind]:
                found.update(self._mentioning(alike, get))
            if kind in _NUMBERED:
                found.update(self._numbered(alike))
            if days and kind != ORDER:
                found.update(self._near(alike))
        return found

    def _named(self, records: Sequence[Record]) -> list[Record]:
        ids, names = self._ids, self._names
        found = [record for record in records if record.teller.id in ids]
        return [record for record in found if record.teller.id and name_of(record) in names]

    def _mentioning(self, records: Sequence[Record], get: References) -> list[Record]:
        names = self._names
        return [
            record
            for record in records
            for reference in get(record.teller) or ()
            if reference.reference in names
            or ((reference.identifier is not None or not _plain(reference)) and self._means(reference))
        ]

    def _means(self, reference: Reference) -> bool:
        """Whether a reference that is written in some other way means one of the names or numbers."""
        if reference.reference and target(reference.reference) in self._names:
            return True
        return reference.identifier is not None and _core(reference.identifier.value or "") in self._numbers

    def _numbered(self, records: Sequence[Record]) -> list[Record]:
        numbers = self._numbers
        return [
            record
            for record in records
            for number in record.teller.identifier or ()
            if number.value and number.value.rpartition(":")[2].strip(_PADDING) in numbers
        ]

    def _near(self, records: Sequence[Record]) -> list[Record]:
        days, none = self._days, frozenset[int]()
        found = []
        for record in records:
            when, exam = record.when, record.seen.exam
            if when is None or exam is None:
                continue
            near = days.get(exam.modality, none)
            if when.until in near or when.day in near or self._may_be_near(when, exam.modality):
                found.append(record)
        return found

    def _may_be_near(self, when: When, modality: str) -> bool:
        if self._any_day and (when.until in self._any_day or when.day in self._any_day):
            return True
        if modality in self._asked and when.until >= self._asked[modality]:
            return True
        if when.until - when.day < _PRECISE:
            return False
        return any(when.day <= day <= when.until for day in (*self._days.get(modality, ()), *self._any_day))


def _references(record: Record) -> list[Reference]:
    return [reference for get in _REFERENCES[record.kind] for reference in get(record.teller) or ()]


def _numbers(record: Record) -> Sequence[Number | Identifier]:
    return record.teller.identifier or () if record.kind in _NUMBERED else ()


def _plain(reference: Reference) -> bool:
    text = reference.reference
    return text is not None and text.count("/") == 1 and ":" not in text


def _core(number: str) -> str:
    """
    A number without prefix and padding, so that two that are the same are so here.

    >>> _core("urn:oid:1.2.3"), _core(" A7")
    ('1.2.3', 'A7')
    """
    return number.rpartition(":")[2].strip(_PADDING)
