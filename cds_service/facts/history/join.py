"""
Many accounts, one exam: joining by the strongest key first.

    1. the same Study Instance UID, or a reference to the same imaging study: always
    2. the same accession number of the same assigner, less than three days apart; where an assigner is not
       told, two days and the same modality
    3. a direct reference, less than three days apart
    4. the same order, the same scan, at most one day apart: one order can bear several exams
    5. no key at all: the same modality and region, at most one day apart, and nothing that says they are two

Each step looks at groups that share a key and, within those, at neighbours in time, so the work grows with
the number of accounts and not with its square. Every choice is made in a sorted order: the order in which
resources came never changes the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cds_service.facts.history.group import Group, apart, keys_differ, root, same_region, same_scan, shared, two
from cds_service.facts.history.names import Names
from cds_service.facts.history.record import PRECISE, PROCEDURE, STUDY, Record

_CONFLICT: Final = 3  # days apart that only a Study UID bridges
_UNASSIGNED: Final = 2
_NEAR: Final = 1
_ACTS: Final = 1 << STUDY | 1 << PROCEDURE  # two of one kind on two days are two; a reading may follow
_OPEN: Final = 16  # neighbours in time that a group is compared with

Fits = Callable[[Group, Group], bool]


def join(records: Sequence[Record]) -> list[Group]:
    """The distinct exams that *records* tell of, each with all of its accounts."""
    if len(records) < 2:
        return [Group(record) for record in records]
    names = Names(records)
    groups = names.by_study()
    _by_accession(groups)
    _by_reference(names)
    _by_order(groups, names)
    groups = [group for group in groups if group.into is None]
    _without_key(groups)
    return [group for group in groups if group.into is None]


def _by_accession(groups: Sequence[Group]) -> None:
    first: dict[str, Group] = {}
    sharing: dict[str, list[Group]] = {}
    for group in groups:
        for _, number in group.accessions:
            other = first.setdefault(number, group)
            if other is not group:
                sharing.setdefault(number, [other]).append(group)
    _gather_all(sharing, _fits_accession)


def _fits_accession(one: Group, other: Group) -> bool:
    if shared(one.accessions, other.accessions):
        return apart(one, other) < _CONFLICT
    systems = {system for system, _ in one.accessions}, {system for system, _ in other.accessions}
    if "" not in systems[0] and "" not in systems[1]:
        return False
    if one.exam is None or other.exam is None or one.day is None or other.day is None:
        return False
    return apart(one, other) <= _UNASSIGNED and one.exam.modality == other.exam.modality


def _by_reference(names: Names) -> None:
    records, groups = names.records, names.groups
    pairs = [(link, records[place].rank(), place, target) for link, place, target in names.references]
    for _, _, place, target in sorted(pairs):
        one, other = root(groups[target]), root(groups[place])
        if one is not other and apart(one, other) < _CONFLICT and not keys_differ(one, other):
            one.absorb(other)


def _by_order(groups: Sequence[Group], names: Names) -> None:
    first: dict[str, Group] = {}
    sharing: dict[str, list[Group]] = {}
    for group in groups:
        if group.into is None:
            for order in group.orders:
                other = first.setdefault(order, group)
                if other is not group:
                    sharing.setdefault(order, [other]).append(group)
    for order, group in first.items():
        parent = names.named.get(order) if order.startswith("Procedure/") else None  # this one is part of it
        if parent is not None:
            sharing.setdefault(order, [group]).append(names.groups[parent])
    _gather_all(sharing, _fits_order)


def _fits_order(one: Group, other: Group) -> bool:
    days = apart(one, other)
    if days > _NEAR or (days and one.kinds & other.kinds):
        return False
    return same_scan(one, other) and not keys_differ(one, other)


def _without_key(groups: Sequence[Group]) -> None:
    """Only groups with another of their modality on the same or the next day are looked at."""
    calendars: dict[str, dict[int, list[Group]]] = {}
    for group in groups:
        day, exam = group.day, group.exam
        if day is None or exam is None or not exam.modality or group.until - day >= PRECISE:
            continue
        calendar = calendars.setdefault(exam.modality, {})
        for each in range(day, group.until + 1):
            calendar.setdefault(each, []).append(group)
    for calendar in calendars.values():
        crowded: dict[int, Group] = {}
        for day, present in calendar.items():
            following = calendar.get(day + 1, ())
            if following or len(present) > 1:
                crowded.update((id(group), group) for group in (*present, *following))
        if len(crowded) > 1:
            _gather(crowded.values(), _fits_time)


def _fits_time(one: Group, other: Group) -> bool:
    days = apart(one, other)
    if days > _NEAR or (days and one.kinds & other.kinds & _ACTS):
        return False
    return same_region(one, other) and not two(one, other)


def _gather_all(sharing: Mapping[str, list[Group]], fits: Fits) -> None:
    for key in sorted(sharing):
        distinct = {id(found): found for found in map(root, sharing[key])}
        if len(distinct) == 2:
            one, other = distinct.values()
            if fits(one, other):
                first = one.rank() < other.rank()
                (one if first else other).absorb(other if first else one)
        elif len(distinct) > 1:
            _gather(distinct.values(), fits)


def _gather(groups: Iterable[Group], fits: Fits) -> None:
    """Join each group with the nearest earlier one that fits."""
    kept: list[Group] = []
    for group in sorted(groups, key=Group.rank):
        near: Group | None = None
        best = (0, 0.0)
        for other in kept[-_OPEN:]:
            if fits(other, group):
                distance = _distance(other, group)
                if near is None or distance < best:
                    near, best = other, distance
        if near is None:
            kept.append(group)
        else:
            near.absorb(group)


def _distance(one: Group, other: Group) -> tuple[int, float]:
    if one.moment is None or other.moment is None:
        return apart(one, other), 0.0
    return apart(one, other), abs(one.moment - other.moment).total_seconds()
