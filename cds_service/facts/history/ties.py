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

from cds_service.facts.history.keys import SOURCES, assigners_of, name_of, target
from cds_service.facts.history.record import DOCUMENT, DOSE, ORDER, PENDING, PRECISE, PROCEDURE, REPORT, STUDY, Record
from cds_service.fhir.dates import When
from cds_service.fhir.resources import DocumentReference, ImagingStudy, Reference

_PADDING: Final = "\0" + "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())

_STEPS: Final = 5  # to follow from tie to tie before all are taken

_Days = dict[int, set[frozenset[str]]]
"""
By day, who assigned accession numbers to the accounts of that day, one set an account.

Two accounts with numbers of one assigner are joined by their numbers or not at all.
"""

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
    seeds: Iterable[Record], others: Collection[Record], *, days: bool = True, answered: Collection[Record] = ()
) -> Collection[Record]:
    """
    *seeds* and all of *others* that may be joined with one of them, or with one so joined.

    Without *days* by keys alone. Of the orders, those *answered* need no exam to answer them. When it takes too
    many steps to tell, all are.
    """
    held, marks = set(seeds), Marks(answered)
    fresh: Collection[Record] = held
    for _ in range(_STEPS):
        rest = [record for record in others if record not in held]
        marks.learn(fresh)
        fresh = marks.find(rest, days=days)
        if not fresh:
            return held
        held.update(fresh)
    return others


class Marks:
    """What some accounts can be recognised by: their names and numbers, those they mention, and their days."""

    def __init__(self, answered: Collection[Record] = ()) -> None:
        self._answered = answered
        self._ids: set[str] = set()
        self._names: set[str] = set()
        self._bare: set[str] = set()
        self._numbers: set[str] = set()
        self._days: dict[str, _Days] = {}
        self._asked: dict[str, int] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Add the marks of *records*."""
        for record in records:
            if record.teller.id:
                self._ids.add(record.teller.id)
                self._names.add(name_of(record))
            for get in _REFERENCES[record.kind]:
                for reference in get(record.teller) or ():
                    self._mention(reference)
            if record.kind in _NUMBERED:
                for number in record.teller.identifier or ():
                    self._numbers.add(_core(number.value or ""))
            self._day(record)
        self._numbers.discard("")

    def _mention(self, reference: Reference) -> None:
        if reference.reference:
            name = target(reference.reference)
            kind, _, bare = name.partition("/")
            self._names.add(name)
            self._ids.add(bare)
            if kind == "*":
                self._bare.add(bare)
                self._names.update([source + bare for source in SOURCES.values()])
            elif not bare:
                self._numbers.add(_core(name))
        if reference.identifier is not None:
            self._numbers.add(_core(reference.identifier.value or ""))

    def _day(self, record: Record) -> None:
        """The days, by modality, on which joining without a key may look at a record, and whose numbers it bears."""
        when, modality = record.when, record.seen.modality
        if when is None:
            return
        if record.kind == ORDER:  # it is answered by an exam of its kind after it, however much later
            if record not in self._answered:
                since = when.day - (record.standing != PENDING)
                self._asked[modality] = min(since, self._asked.get(modality, since))
        elif when.until - when.day < PRECISE:
            days, assigners = self._days.setdefault(modality, {}), assigners_of(record)
            for day in range(when.day - 1, when.until + 2):
                days.setdefault(day, set()).add(assigners)

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
        if days:
            found.update(self._near(records))
        return found

    def _named(self, records: Sequence[Record]) -> list[Record]:
        ids, names, bare = self._ids, self._names, self._bare
        found = [record for record in records if record.teller.id in ids]
        return [record for record in found if record.teller.id in bare or name_of(record) in names]

    def _mentioning(self, records: Sequence[Record], get: References) -> list[Record]:
        """Those that mention a name; only what is not written plainly, as ``Type/id``, is looked at more closely."""
        names, means = self._names, self._means
        return [
            record
            for record in records
            for reference in get(record.teller) or ()
            if (text := reference.reference) in names
            or (
                (not text or text[0] >= "a" or text.count("/") != 1 or reference.identifier is not None)
                and means(reference)
            )
        ]

    def _means(self, reference: Reference) -> bool:
        """Whether a reference that is written in some other way means one of the names or numbers."""
        if reference.identifier is not None and _core(reference.identifier.value or "") in self._numbers:
            return True
        if not reference.reference:
            return False
        name = target(reference.reference)
        kind, _, bare = name.partition("/")
        return name in self._names or (kind == "*" and bare in self._ids) or (not bare and _core(name) in self._numbers)

    def _numbered(self, records: Sequence[Record]) -> list[Record]:
        numbers = self._numbers
        return [
            record
            for record in records
            for number in record.teller.identifier or ()
            if number.value and number.value.rpartition(":")[2].strip(_PADDING) in numbers
        ]

    def _near(self, records: Sequence[Record]) -> list[Record]:
        """Those that joining without a key, or an order waiting for its exam, may look at."""
        low = min((*self._asked.values(), *map(min, self._days.values())), default=None)
        if low is None:
            return []
        late = [one for one in records if one.when is not None and one.when.until >= low and one.kind != ORDER]
        return [one for one in late if one.when is not None and self._meets(one, one.when)]

    def _meets(self, record: Record, when: When) -> bool:
        """An account that tells no modality takes that of another one, so it may meet any."""
        modality = record.seen.modality
        asked = self._asked if not modality else [one for one in (modality, "") if one in self._asked]
        if any(when.until >= self._asked[one] for one in asked):
            return True
        near = [days for one, days in self._days.items() if not modality or one in (modality, "")]
        if is_loose(when):
            return any(when.day <= day <= when.until for days in near for day in days)
        met = [found for days in near for day in range(when.day, when.until + 1) if (found := days.get(day))]
        if not met:
            return False
        ours = assigners_of(record)
        return any(ours.isdisjoint(theirs) for found in met for theirs in found)


def is_loose(when: When | None) -> bool:
    """Whether a date is too wide to join anything without a key."""
    return when is None or when.until - when.day >= PRECISE


def _core(number: str) -> str:
    """
    A number without prefix and padding, so that two that are the same are so here.

    >>> _core("urn:oid:1.2.3"), _core(" A7")
    ('1.2.3', 'A7')
    """
    return number.rpartition(":")[2].strip(_PADDING)
