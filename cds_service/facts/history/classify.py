"""
One group of accounts made one earlier exam: what, when, how certain, with which result.

Dates: the narrowest that the accounts agree on; where they conflict the study is believed before the
procedure and that before the report, but an earlier date in a report or document of the same keys wins over
the study's, which is at times the day of an import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cds_service.facts.history.group import Group
from cds_service.facts.history.modalities import agree, purpose_of, union
from cds_service.facts.history.read import Bounds
from cds_service.facts.history.record import (
    CERTAIN,
    DENIED,
    DIAGNOSTIC,
    DOCUMENT,
    ORDER,
    PENDING,
    POSSIBLE,
    REPORT,
    SOME_EXAM,
    STUDY,
    Record,
)
from cds_service.facts.history.results import ResultWords, result_of
from cds_service.facts.history.words import OUTSIDE, dated, named, place_of
from cds_service.fhir.dates import When
from cds_service.fhir.resources import DiagnosticReport
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence, Prior

_LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)
_FINAL: Final = frozenset({"final", "amended", "corrected", "appended"})


class Context(NamedTuple):
    """
    What judging one group needs beside it.

    ``ordered`` is what each order asked for, ``doubtful`` the ``id`` of each group that may repeat another.
    """

    bounds: Bounds
    ordered: Mapping[str, Exam]
    words: ResultWords
    doubtful: frozenset[int] = frozenset()


def prior_of(group: Group, context: Context) -> Prior | None:
    """The exam that *group* tells of; None when nothing was done."""
    records = group.records
    if len(records) > 1:
        records = sorted(records, key=Record.rank)
    standing = max(record.standing for record in records)
    if standing < POSSIBLE:
        return None
    if all(record.exam is None for record in records):
        return None
    exam, purpose, sure = _exam(records, context.ordered)
    certain = sure and standing == CERTAIN and id(group) not in context.doubtful
    certain = certain and all(record.standing != DENIED for record in records)
    when, said = _date(records)
    result = _result(records, context.words)
    place = place_of(records, context.words)
    text = _text(exam, when, said, place) + (f": {result}" if result else "")
    first, last = _bounded(when, context.bounds)
    images = any(r.kind == STUDY and r.standing >= POSSIBLE for r in records)
    evidence = (Evidence(text, records[0].source, _iso(when, said)),)
    return Prior(exam, first, last, certain, purpose, result, images or None, place, False, evidence)


def request_of(orders: Sequence[Record], bounds: Bounds) -> Prior:
    """The exam that unanswered *orders* ask for: possible when one was closed, otherwise pending."""
    best = max(orders, key=lambda order: order.standing)
    exam, when = best.exam or SOME_EXAM, best.when
    waits = best.standing == PENDING
    purpose = purpose_of(exam)
    evidence = tuple(
        Evidence(_text(exam, order.when, order.said, ""), order.source, _iso(order.when, "")) for order in orders
    )
    if not waits and best.said:
        first, last = (when.first if when is not None else _LONG_AGO), bounds.now
    elif waits and when is not None:
        first, last = when.first, when.last
    else:
        first, last = _bounded(when, bounds)
    return Prior(exam, min(first, last), last, False, purpose, pending=waits, evidence=evidence)


def _exam(records: Sequence[Record], ordered: Mapping[str, Exam]) -> tuple[Exam, str, bool]:
    """The exam, its kind, and whether all accounts of it agree. The order fills in what nobody else tells."""
    if len(records) == 1:
        only = records[0]
        if only.exam is not None and only.exam.regions:
            return only.exam, only.purpose, only.sure
    told = [record for record in records if record.exam is not None and record.exam.modality]
    if not told or not any(record.exam is not None and record.exam.regions for record in told):
        told += _from_order(records, told, ordered)
    if not told:
        return SOME_EXAM, DIAGNOSTIC, False
    return _agreed(told)


def _from_order(records: Sequence[Record], told: Sequence[Record], ordered: Mapping[str, Exam]) -> list[Record]:
    for key in sorted({key for record in records for key in record.keys.orders}):
        exam = ordered.get(key)
        if exam is not None and all(record.exam is None or agree(record.exam, exam) for record in told):
            record = records[0]
            return [Record(ORDER, POSSIBLE, key, record.when, exam, record.keys, None, purpose_of(exam))]
    return []


def _agreed(told: Sequence[Record]) -> tuple[Exam, str, bool]:
    first = told[0].exam or SOME_EXAM
    fitting = [(record, record.exam) for record in told if record.exam is not None and agree(record.exam, first)]
    sure = len(fitting) == len(told) and all(record.sure for record, _ in fitting)
    exams = [exam for _, exam in fitting]
    kinds: dict[int, int] = {}
    for record, exam in fitting:
        kinds[record.kind] = kinds.get(record.kind, 0) | exam.mask
    masks = [mask for mask in kinds.values() if mask]
    sure = sure and all(one & other for place, one in enumerate(masks) for other in masks[place + 1 :])
    exam = union(exams)
    purposes = [record.purpose for record, _ in fitting if record.purpose != DIAGNOSTIC]
    return exam, purposes[0] if purposes else purpose_of(exam), sure


def _date(records: Sequence[Record]) -> tuple[When | None, str]:
    """The date and how it came about; records are sorted with the one believed first in front."""
    when: When | None = None
    said, study = "", False
    for record in sorted(records, key=_own_date_first) if len(records) > 1 else records:
        other = record.when
        if other is None:
            continue
        if when is None:
            when, said, study = other, record.said, record.kind == STUDY
        elif when.day <= other.until and other.day <= when.until:
            if other.last - other.first < when.last - when.first:
                when, said = other, record.said
        elif study and record.kind in (REPORT, DOCUMENT) and not record.said and other.until < when.day:
            when, said = other, record.said
    return when, said


def _own_date_first(record: Record) -> bool:
    return bool(record.said)


def _bounded(when: When | None, bounds: Bounds) -> tuple[datetime, datetime]:
    born = _LONG_AGO if bounds.birth is None else bounds.birth.first
    if when is None:
        return min(born, bounds.now), bounds.now
    last = min(when.last, bounds.now)
    return min(max(when.first, born), last), last


def _result(records: Sequence[Record], words: ResultWords) -> str:
    """What the reports conclude; a preliminary one only while there is no final one."""
    reports = [record.teller for record in records if isinstance(record.teller, DiagnosticReport)]
    if len(reports) > 1:
        reports = [report for report in reports if report.status in _FINAL] or reports
    results = {result_of(report, words) for report in reports} - {""}
    return results.pop() if len(results) == 1 else ""


def _text(exam: Exam, when: When | None, said: str, place: str) -> str:
    date = "date not known" if when is None else dated(when.day, when.until)
    if said and when is not None:
        date = f"{said} {dated(when.until, when.until)}"
    outside = "" if not place else f" ({OUTSIDE})" if place == OUTSIDE else f" ({OUTSIDE}: {place})"
    return f"{named(exam)}, {date}{outside}"


def _iso(when: When | None, said: str) -> str:
    if when is None or said or when.day != when.until:
        return ""
    return when.first.date().isoformat()
