"""The words a clinician reads about an earlier exam. Records' own text is cut short; cards escape it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from cds_service.facts.history.record import DOCUMENT, Record
from cds_service.facts.history.results import ResultWords
from cds_service.fhir.dates import When
from cds_service.fhir.resources import DocumentReference, ImagingStudy, Procedure, Reference
from cds_service.vocabulary.exams import MODALITIES, Exam, name

_MONTHS: Final = (
    *("", "January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MARKS: Final = str.maketrans(dict.fromkeys("-_,.;:/()[]", " "))
_LONGEST_PLACE: Final = 60
_PLACED: Final = (ImagingStudy, Procedure)
OUTSIDE: Final = "outside"


@lru_cache(maxsize=4096)
def dated(day: int, until: int) -> str:
    """
    Calendar days in words, as precise as they are.

    >>> first = date(2026, 3, 2).toordinal()
    >>> dated(first, first), dated(first, first + 1)
    ('2 March 2026', '2 to 3 March 2026')
    >>> dated(date(2025, 1, 1).toordinal(), date(2025, 12, 31).toordinal())
    '2025'
    """
    first, last = date.fromordinal(day), date.fromordinal(until)
    month = f"{_MONTHS[last.month]} {last.year}"
    if first == last:
        return f"{first.day} {month}"
    whole = first.day == 1 and date.fromordinal(until + 1).day == 1
    if (first.year, first.month) == (last.year, last.month):
        return month if whole else f"{first.day} to {last.day} {month}"
    if whole and first.month == 1 and last.month == 12:
        return str(first.year) if first.year == last.year else f"{first.year} to {last.year}"
    return f"{first.day} {_MONTHS[first.month]} {first.year} to {last.day} {month}"


@lru_cache(maxsize=4096)
def named(exam: Exam) -> str:
    """
    The exam's name, also where region or modality are not known.

    >>> named(Exam("CT", frozenset())), named(Exam("", frozenset()))
    ('CT, region not known', 'imaging exam of unknown kind')
    """
    if not exam.modality:
        return "imaging exam of unknown kind"
    if exam.regions:
        return name(exam)
    return f"{' '.join([MODALITIES.get(exam.modality, exam.modality), *sorted(exam.techniques)])}, region not known"


def sentence(name: str, when: When | None, said: str = "", place: str = "", result: str = "") -> str:
    """
    One exam in one line: what, when, where if elsewhere, and the result if read.

    >>> from cds_service.fhir.dates import when
    >>> sentence("CT head", when("2026-03-02"), place="St Elsewhere")
    'CT head, 2 March 2026 (outside: St Elsewhere)'
    """
    if when is None:
        text = f"{name}, date not known"
    elif said:
        text = f"{name}, {said} {dated(when.until, when.until)}"
    else:
        text = f"{name}, {dated(when.day, when.until)}"
    if place:
        text += f" ({OUTSIDE})" if place == OUTSIDE else f" ({OUTSIDE}: {place})"
    return f"{text}: {result}" if result else text


def iso(when: When | None) -> str:
    """The one local day as an ISO date; empty when it is not known to the day."""
    return "" if when is None or when.day != when.until else _iso(when.day)


@lru_cache(maxsize=4096)
def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def place_of(records: Sequence[Record], words: ResultWords) -> str:
    """
    Where an exam was done, if its records say that it was elsewhere; ``outside`` if they don't say where.

    A document's custodian is believed, and the location of a study or procedure that itself says so. A report's
    performer is not: it may be the local second read.
    """
    outside = words.outside
    for record in records:
        if record.title and _outside(record.title, outside):
            return _elsewhere(records, outside)
    return ""


def _elsewhere(records: Sequence[Record], outside: frozenset[str]) -> str:
    for record in sorted(records, key=_custodian_first):
        teller = record.teller
        named: Reference | None = None
        if isinstance(teller, DocumentReference):
            named = teller.custodian
        elif isinstance(teller, _PLACED) and _outside(record.title, outside):
            named = teller.location
        if named is not None and named.display and named.display.strip():
            return " ".join(named.display[:_LONGEST_PLACE].split())
    return OUTSIDE


def _custodian_first(record: Record) -> bool:
    return record.kind != DOCUMENT


@lru_cache(maxsize=4096)
def _outside(title: str, words: frozenset[str]) -> bool:
    said = f" {' '.join(title.lower().translate(_MARKS).split())} "
    return any(f" {word} " in said for word in words)
