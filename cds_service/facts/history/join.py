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

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cds_service.facts.history.group import Group, apart, keys_differ, root, same_region, same_scan, two
from cds_service.facts.history.record import STUDY, Record

_CONFLICT: Final = 3  # days apart that only a Study UID bridges
_UNASSIGNED: Final = 2
_NEAR: Final = 1
_PRECISE: Final = 3  # a date wider than these days joins nothing without a key
_OPEN: Final = 16  # neighbours in time that a group is compared with

Fits = Callable[[Group, Group], bool]


def join(records: Sequence[Record]) -> list[Group]:
    """The distinct exams that *records* tell of, each with all of its accounts."""
    names = _Names(records)
    groups = _by_study(records, names)
    if len(records) > 1:
        _by_accession(groups)
        _by_reference(records, names)
        _by_order(groups, names)
        _without_key([group for group in groups if group.into is None])
    return [group for group in groups if group.into is None]


class _Names:
    """Which account a reference means: by ``Type/id``, by bare id, and studies by UID too."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._bare: dict[str, int] | None = None
        self.named: dict[str, int] = {}
        self.groups: list[Group] = []

    def find(self, link: str) -> int | None:
        """The place of the account that *link* means."""
        if not link.startswith("*/"):
            return self.named.get(link)
        if self._bare is None:
            self._bare = {f"*/{r.source.partition('/')[2]}": place for place, r in enumerate(self._records)}
        return self._bare.get(link)


def _by_study(records: Sequence[Record], names: _Names) -> list[Group]:
    """Step 1, on the bare records: it has no conditions. A report of two studies goes with one of them."""
    places = list(range(len(records)))
    named, joined = names.named, False
    for place, record in enumerate(records):
        if record.source[-1] != "/" and named.setdefault(record.source, place) != place:
            joined = _unite(places, named[record.source], place)
        for uid in record.keys.uids:
            if named.setdefault("uid:" + uid, place) != place:
                joined = _unite(places, named["uid:" + uid], place)
    for place, record in enumerate(records):
        if record.keys.links:
            found = [link for link in record.keys.links if _is_study(names.find(link), records)]
            target = names.find(min(found)) if found else None
            if target is not None:
                joined = _unite(places, target, place)
    if not joined:
        names.groups = [Group(record) for record in records]
        return names.groups
    bunches: dict[int, list[Record]] = {}
    for place, record in enumerate(records):
        bunches.setdefault(_first(places, place), []).append(record)
    made = {home: Group(*(sorted(bunch, key=Record.rank))) for home, bunch in bunches.items()}
    names.groups = [made[_first(places, place)] for place in range(len(records))]
    return list(made.values())


def _is_study(place: int | None, records: Sequence[Record]) -> bool:
    return place is not None and records[place].kind == STUDY


def _first(places: list[int], place: int) -> int:
    while places[place] != place:
        places[place] = places[places[place]]
        place = places[place]
    return place


def _unite(places: list[int], one: int, other: int) -> bool:
    places[_first(places, other)] = _first(places, one)
    return True


def _by_accession(groups: Sequence[Group]) -> None:
    shared: dict[str, list[Group]] = {}
    for group in groups:
        for _, number in group.accessions:
            shared.setdefault(number, []).append(group)
    for number in sorted(number for number, sharing in shared.items() if len(sharing) > 1):
        _gather(shared[number], _fits_accession)


def _fits_accession(one: Group, other: Group) -> bool:
    if not one.accessions.isdisjoint(other.accessions):
        return apart(one, other) < _CONFLICT
    told = {system for system, _ in one.accessions}, {system for system, _ in other.accessions}
    if "" not in told[0] and "" not in told[1]:
        return False
    if one.exam is None or other.exam is None or one.day is None or other.day is None:
        return False
    return apart(one, other) <= _UNASSIGNED and one.exam.modality == other.exam.modality


def _by_reference(records: Sequence[Record], names: _Names) -> None:
    pairs = []
    for place, record in enumerate(records):
        for link in record.keys.links:
            target = names.find(link)
            if target is not None and records[target].kind != STUDY:
                pairs.append((link, record.rank(), place, target))
    for _, _, place, target in sorted(pairs):
        one, other = root(names.groups[target]), root(names.groups[place])
        if one is not other and apart(one, other) < _CONFLICT and not keys_differ(one, other):
            one.absorb(other)


def _by_order(groups: Sequence[Group], names: _Names) -> None:
    shared: dict[str, list[Group]] = {}
    for group in groups:
        if group.into is None:
            for order in group.orders:
                shared.setdefault(order, []).append(group)
    for order in sorted(shared):
        bearing = shared[order]
        place = names.find(order)
        if place is not None:
            bearing = [*bearing, names.groups[place]]
        if len(bearing) > 1:
            _gather(bearing, _fits_order)


def _fits_order(one: Group, other: Group) -> bool:
    days = apart(one, other)
    if days > _NEAR or (days and one.kinds & other.kinds):
        return False
    return same_scan(one, other) and not keys_differ(one, other)


def _without_key(groups: Sequence[Group]) -> None:
    alike: dict[str, list[Group]] = {}
    for group in groups:
        if group.day is not None and group.until - group.day < _PRECISE and group.exam is not None:
            alike.setdefault(group.exam.modality, []).append(group)
    for modality, same in alike.items():
        if modality and len(same) > 1:
            _gather(same, _fits_time)


def _fits_time(one: Group, other: Group) -> bool:
    return apart(one, other) <= _NEAR and same_region(one, other) and not two(one, other)


def _gather(groups: Iterable[Group], fits: Fits) -> None:
    """Join each group with the nearest earlier one that fits."""
    distinct = {id(found): found for found in map(root, groups)}
    if len(distinct) < 2:
        return
    kept: list[Group] = []
    for group in sorted(distinct.values(), key=Group.rank):
        fitting = [other for other in kept[-_OPEN:] if fits(other, group)]
        if fitting:
            min(fitting, key=lambda other: _distance(other, group)).absorb(group)
        else:
            kept.append(group)


def _distance(one: Group, other: Group) -> tuple[int, float]:
    if one.moment is None or other.moment is None:
        return apart(one, other), 0.0
    return apart(one, other), abs(one.moment - other.moment).total_seconds()
