"""A group: the accounts of what is taken to be one exam, with what further joining asks about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeVar

from cds_service.facts.history.modalities import agree
from cds_service.facts.history.record import DOSE, Record

T = TypeVar("T")
_UNASKED: Final = -1
_AT_ONCE: Final = timedelta(hours=1)


class Group:
    """
    Accounts joined into one exam.

    ``exam`` is the one told by the account believed first. ``day`` and ``until`` bound its calendar days;
    ``day`` is None when no account is dated; ``moment`` is its start where time and zone are known.
    ``kinds`` has one bit a kind of account. ``into`` is the group this one was joined into.
    """

    __slots__ = ("_mask", "accessions", "day", "exam", "into", "kinds", "moment", "orders", "records", "uids", "until")

    def __init__(self, first: Record, *others: Record) -> None:
        self.into: Group | None = None
        self.records = [first]
        self.kinds = 1 << first.kind
        keys = first.keys
        self.uids, self.accessions, self.orders = keys.uids, keys.accessions, keys.orders
        self.exam = first.seen.exam
        self._mask = _UNASKED
        when = first.when
        self.day: int | None = None
        self.until = 0
        self.moment: datetime | None = None
        if when is not None:
            self.day, self.until = when.day, when.until
            self.moment = when.first if when.timed else None
        for record in others:
            self._add(record)

    def _add(self, record: Record) -> None:
        """Take in one more account, believed no more than those already here."""
        self.records.append(record)
        self.kinds |= 1 << record.kind
        keys, exam, when = record.keys, record.seen.exam, record.when
        if keys.uids:
            self.uids = _both(self.uids, keys.uids)
        if keys.accessions:
            self.accessions = _both(self.accessions, keys.accessions)
        if keys.orders:
            self.orders = _both(self.orders, keys.orders)
        if exam is not None and (self.exam is None or not self.exam.modality):
            self.exam = exam
        if when is not None:
            self._narrow(when.day, when.until, better=False)
            if self.moment is None and when.timed:
                self.moment = when.first

    @property
    def mask(self) -> int:
        """The parts of the body that any of the accounts names."""
        if self._mask == _UNASKED:
            self._mask = 0
            for record in self.records:
                if record.seen.exam is not None:
                    self._mask |= record.seen.exam.mask
        return self._mask

    def absorb(self, other: Group) -> None:
        """Join *other* into this one."""
        other.into = self
        self._mask = self.mask | other.mask
        self.records += other.records
        self.uids = _both(self.uids, other.uids)
        self.accessions = _both(self.accessions, other.accessions)
        self.orders = _both(self.orders, other.orders)
        better = other.kinds & -other.kinds < self.kinds & -self.kinds
        self.kinds |= other.kinds
        if other.exam is not None and (self.exam is None or not self.exam.modality or better):
            self.exam = other.exam
        if other.moment is not None and (self.moment is None or better):
            self.moment = other.moment
        if other.day is not None:
            self._narrow(other.day, other.until, better)

    def _narrow(self, day: int, until: int, better: bool) -> None:
        if self.day is None:
            self.day, self.until = day, until
        elif self.day <= until and day <= self.until:
            self.day, self.until = max(self.day, day), min(self.until, until)
        elif better:
            self.day, self.until = day, until

    def rank(self) -> tuple[object, ...]:
        """A sort key by day that never depends on the order in which resources came."""
        return (self.day or 0, self.until, *self.records[0].rank())


def _both(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    """The keys of both; their order carries no meaning."""
    if not other or one == other:
        return one
    return tuple({*one, *other}) if one else other


def shared(one: tuple[T, ...], other: tuple[T, ...]) -> bool:
    """Whether two groups have a key in common."""
    return one == other != () or not set(one).isdisjoint(other)


def root(group: Group) -> Group:
    """The group that *group* has been joined into, or itself."""
    while group.into is not None:
        if group.into.into is not None:
            group.into = group.into.into
        group = group.into
    return group


def apart(one: Group, other: Group) -> int:
    """Days between two groups; none when either has no date."""
    if one.day is None or other.day is None:
        return 0
    return max(one.day - other.until, other.day - one.until, 0)


def same_scan(one: Group, other: Group) -> bool:
    """Whether modality and regions let two groups be one exam; what is not told never hinders."""
    if one.exam is None or other.exam is None:
        return True
    if not agree(one.exam, other.exam):
        return False
    return not one.mask or not other.mask or bool(one.mask & other.mask)


def same_region(one: Group, other: Group) -> bool:
    """
    Whether two groups without a common key show the same region.

    Equal regions do. One region inside the other does when different kinds of account tell them, since a
    report is often coded wider than its images; two procedures so coded are two. A dose belongs to any scan.
    """
    if one.mask == other.mask != 0 or 1 << DOSE in (one.kinds, other.kinds):
        return True
    shared = one.mask & other.mask
    return shared != 0 and shared in (one.mask, other.mask) and not one.kinds & other.kinds


def keys_differ(one: Group, other: Group) -> bool:
    """
    Whether both have Study UIDs or accession numbers, and none in common.

    A study imported from elsewhere gets a new number and at times a new UID: numbers of two assigners
    differ without meaning, and so do their UIDs when both studies start at the same time.
    """
    if one.uids and other.uids and not shared(one.uids, other.uids):
        return not (_other_site(one, other) and _at_once(one, other))
    if one.accessions and other.accessions and not shared(one.accessions, other.accessions):
        return not _other_site(one, other)
    return False


def two(one: Group, other: Group) -> bool:
    """Whether there is evidence that two groups are two exams: keys that differ, or starts over an hour apart."""
    if keys_differ(one, other):
        return True
    return one.moment is not None and other.moment is not None and not _at_once(one, other)


def _other_site(one: Group, other: Group) -> bool:
    ours, theirs = {system for system, _ in one.accessions}, {system for system, _ in other.accessions}
    return bool(ours) and bool(theirs) and "" not in ours | theirs and ours.isdisjoint(theirs)


def _at_once(one: Group, other: Group) -> bool:
    if one.moment is None or other.moment is None:
        return False
    return abs(one.moment - other.moment) <= _AT_ONCE
