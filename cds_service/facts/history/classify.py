"""
One group of accounts made one earlier exam: what, when, how certain, with which result.

Dates: the narrowest that the accounts agree on; where they conflict the study is believed before the
procedure and that before the report, but an earlier date in a report or document of the same keys wins over
the study's, which is at times the day of an import.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
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
    Seen,
)
from cds_service.facts.history.requests import Ordered
from cds_service.facts.history.results import ResultWords, result_of
from cds_service.facts.history.words import iso, named, place_of, sentence
from cds_service.fhir.dates import When
from cds_service.fhir.resources import DiagnosticReport
from cds_service.vocabulary.readings import Evidence, Prior

_FINAL: Final = frozenset({"final", "amended", "corrected", "appended"})


class Context(NamedTuple):
    """
    What judging one group needs beside it.

    ``ordered`` is what each order asked for, ``doubtful`` the ``id`` of each group that may repeat another.
    """

    bounds: Bounds
    ordered: Ordered
    words: ResultWords
    doubtful: frozenset[int] = frozenset()


def prior_of(group: Group, context: Context) -> Prior | None:
    """The exam that *group* tells of; None when nothing was done."""
    records = group.records
    if len(records) > 1:
        records = sorted(records, key=Record.rank)
    standing, denied, images = _standing(records)
    if standing < POSSIBLE:
        return None
    seen = _seen(records, group.orders, context.ordered)
    if seen.exam is None:
        return None
    certain = seen.sure and standing == CERTAIN and not denied and id(group) not in context.doubtful
    when, said = _date(records)
    first, last = context.bounds.cut(when)
    result, place = _result(records, context.words), place_of(records, context.words)
    text = sentence(seen.name, when, said, place, result)
    evidence = Evidence(text, records[0].source, "" if said else iso(when))
    return Prior(seen.exam, first, last, certain, seen.purpose, result, images, place, False, (evidence,))


def request_of(orders: Sequence[Record], bounds: Bounds) -> Prior:
    """The exam that unanswered *orders* ask for: possible when one was closed, otherwise pending."""
    best = max(orders, key=lambda order: order.standing)
    seen, when = best.seen, best.when
    waits = best.standing == PENDING
    told = [Evidence(sentence(o.seen.name, o.when, o.said), o.source, iso(o.when)) for o in orders]
    first, last = bounds.cut(when)
    if when is not None and waits:
        first, last = when.first, when.last
    elif best.said:  # closed at some time after it was asked for
        last = bounds.now
    exam = seen.exam or SOME_EXAM
    return Prior(exam, min(first, last), last, False, seen.purpose, pending=waits, evidence=tuple(dict.fromkeys(told)))


def _standing(records: Sequence[Record]) -> tuple[int, bool, bool | None]:
    """The strongest account's standing, whether one denies the exam, and whether its images are here."""
    strongest, denied, images = DENIED, False, None
    for record in records:
        standing = record.standing
        strongest = max(strongest, standing)
        if standing == DENIED:
            denied = True
        elif record.kind == STUDY:
            images = True
    return strongest, denied, images


def _seen(records: Sequence[Record], orders: Sequence[str], ordered: Ordered) -> Seen:
    """What all accounts together show. The order fills in what nobody else tells."""
    first = records[0].seen
    if len(records) == 1 and first.exam is not None and first.exam.regions:
        return first
    told = [(record.kind, record.seen) for record in records if record.seen.exam is not None]
    if orders and told and not any(seen.exam is not None and seen.exam.regions for _, seen in told):
        told += _from_order(told, orders, ordered)
    return _agreed(tuple(told)) if told else first


def _from_order(told: list[tuple[int, Seen]], orders: Sequence[str], ordered: Ordered) -> list[tuple[int, Seen]]:
    for key in sorted(orders):
        exam = ordered.get(key)
        if exam is not None and all(seen.exam is not None and agree(seen.exam, exam) for _, seen in told):
            return [(ORDER, Seen(exam, purpose_of(exam)))]
    return []


@lru_cache(maxsize=4096)
def _agreed(told: tuple[tuple[int, Seen], ...]) -> Seen:
    """One exam from accounts sorted by belief; those of another modality only make it less sure."""
    known = [(kind, seen, seen.exam) for kind, seen in told if seen.exam is not None and seen.exam.modality]
    if not known:
        return Seen(SOME_EXAM, sure=False, name=named(SOME_EXAM))
    fitting = [(kind, seen, exam) for kind, seen, exam in known if agree(exam, known[0][2])]
    exam = union([exam for _, _, exam in fitting])
    kinds: dict[int, int] = {}
    for kind, _, each in fitting:
        kinds[kind] = kinds.get(kind, 0) | each.mask
    masks = [mask for mask in kinds.values() if mask]
    meet = all(one & other for place, one in enumerate(masks) for other in masks[place + 1 :])
    sure = meet and len(fitting) == len(known) and all(seen.sure for _, seen, _ in fitting)
    purpose = next((seen.purpose for _, seen, _ in fitting if seen.purpose != DIAGNOSTIC), None)
    return Seen(exam, purpose or purpose_of(exam), sure=sure, name=named(exam))


def _date(records: Sequence[Record]) -> tuple[When | None, str]:
    """The date and how it came about; records are sorted with the one believed first in front."""
    if len(records) == 1:
        return records[0].when, records[0].said
    when: When | None = None
    said, study = "", False
    for record in sorted(records, key=_said) if any(map(_said, records)) else records:
        other = record.when
        if other is None:
            continue
        if when is None:
            when, said, study = other, record.said, record.kind == STUDY
        elif when.day <= other.until and other.day <= when.until:
            if not when.timed and other.last - other.first < when.last - when.first:
                when, said = other, record.said
        elif study and _exam_date(record) and other.until < when.day:
            when, said = other, ""
    return when, said


def _said(record: Record) -> bool:
    return bool(record.said)


def _exam_date(record: Record) -> bool:
    return record.kind in (REPORT, DOCUMENT) and not record.said


def _result(records: Sequence[Record], words: ResultWords) -> str:
    """What the reports conclude; a preliminary one only while there is no final one."""
    reports = [r.teller for r in records if r.kind == REPORT and isinstance(r.teller, DiagnosticReport)]
    if not reports:
        return ""
    if len(reports) > 1:
        reports = [report for report in reports if report.status in _FINAL] or reports
    results = {result for report in reports if (result := result_of(report, words))}
    return results.pop() if len(results) == 1 else ""
