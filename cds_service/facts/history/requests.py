"""
Orders beside the exams: which still wait, which were perhaps done, and what they tell of a nameless exam.

An order adds no exam once a performed one points to it. An order nobody points to, though an exam of its
kind without an order of its own was done since, is taken as that exam's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cds_service.facts.history.group import Group
from cds_service.facts.history.modalities import agree
from cds_service.facts.history.record import PENDING, POSSIBLE, Record
from cds_service.vocabulary.exams import Exam

_CHAINS: Final = 8  # orders of different exams that share a key and are looked through

_Loose = dict[str, dict[int, int]]
"""Exams without an order, by modality: the last day of each set of regions."""


class Ordered:
    """What each order asked for, by its keys, put together when first asked for."""

    __slots__ = ("_exams", "_orders")

    def __init__(self, orders: Sequence[Record]) -> None:
        self._orders = orders
        self._exams: dict[str, Exam | None] | None = None

    def get(self, key: str) -> Exam | None:
        """The exam that the order of this key asked for; None for a key of orders that asked for several."""
        if self._exams is None:
            self._exams = {}
            for order in self._orders:
                exam = order.seen.exam
                for each in order.keys.orders:
                    self._exams[each] = exam if self._exams.get(each, exam) == exam else None
        return self._exams.get(key)


def unanswered(orders: Sequence[Record], groups: Iterable[Group]) -> list[list[Record]]:
    """The orders that no performed exam answers, those of one chain together."""
    if not orders:
        return []
    answered: set[object] = set()
    loose: _Loose = {}
    for group in groups:
        if any(record.standing >= POSSIBLE for record in group.records):
            answered.update(group.orders, group.accessions)
            if group.exam is not None and group.day is not None and not group.orders:
                latest = loose.setdefault(group.exam.modality, {})
                latest[group.mask] = max(latest.get(group.mask, 0), group.until)
    left = _left(orders, answered)
    return [chain for chain in _chains(left) if not all(_done_since(order, loose) for order in chain)] if left else []


def _left(orders: Sequence[Record], answered: set[object]) -> list[Record]:
    """The orders no key of which is answered, nor that of another order in its chain."""
    waiting: dict[object, list[Record]] = {}
    for order in orders:
        for key in (*order.keys.orders, *order.keys.accessions):
            waiting.setdefault(key, []).append(order)
    done: set[int] = set()
    reached: list[object] = [key for key in waiting if key in answered]
    while reached:
        for order in waiting.pop(reached.pop(), ()):
            if id(order) not in done:
                done.add(id(order))
                reached += order.keys.orders
    return [order for order in orders if id(order) not in done]


def _chains(orders: Sequence[Record]) -> list[list[Record]]:
    """Orders of the same exam that share a key: placer and filler, an order and the one it replaces."""
    chains: list[list[Record]] = []
    homes: dict[object, list[list[Record]]] = {}
    for order in sorted(orders, key=Record.rank):
        keys = (*order.keys.orders, *order.keys.accessions)
        near = (chain for key in keys for chain in homes.get(key, ())[:_CHAINS])
        chain = next((chain for chain in near if _alike(chain[0], order)), None)
        if chain is None:
            chain = []
            chains.append(chain)
        chain.append(order)
        for key in keys:
            homes.setdefault(key, []).append(chain)
    return chains


def _alike(one: Record, other: Record) -> bool:
    first, second = one.seen.exam, other.seen.exam
    if first is None or second is None or not agree(first, second):
        return False
    return not first.mask or not second.mask or bool(first.mask & second.mask)


def _done_since(order: Record, loose: _Loose) -> bool:
    exam = order.seen.exam
    if exam is None or order.when is None:
        return False
    mask, since = exam.mask, order.when.day - (order.standing != PENDING)
    return any(seen & mask and until >= since for seen, until in loose.get(exam.modality, {}).items())
