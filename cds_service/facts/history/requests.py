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


def ordered_exams(orders: Sequence[Record]) -> dict[str, Exam]:
    """What each order asked for, by each of its keys; an order number used twice tells nothing."""
    exams: dict[str, Exam | None] = {}
    for order in orders:
        for key in order.keys.orders:
            if order.exam is not None:
                exams[key] = order.exam if exams.get(key, order.exam) == order.exam else None
    return {key: exam for key, exam in exams.items() if exam is not None}


def unanswered(orders: Sequence[Record], groups: Iterable[Group]) -> list[list[Record]]:
    """The orders that no performed exam answers, those of one chain together."""
    if not orders:
        return []
    answered: set[object] = set()
    loose: dict[str, dict[int, int]] = {}
    for group in groups:
        if not any(record.standing >= POSSIBLE for record in group.records):
            continue
        answered |= group.orders
        answered |= group.accessions
        if group.exam is not None and group.day is not None and not group.orders:
            latest = loose.setdefault(group.exam.modality, {})
            latest[group.mask] = max(latest.get(group.mask, 0), group.until)
    return [chain for chain in _chains(orders) if not _done(chain, answered, loose)]


def _chains(orders: Sequence[Record]) -> list[list[Record]]:
    chains: list[list[Record]] = []
    homes: dict[object, list[list[Record]]] = {}
    for order in sorted(orders, key=Record.rank):
        keys = [*order.keys.orders, *order.keys.accessions]
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
    if one.exam is None or other.exam is None or not agree(one.exam, other.exam):
        return False
    return not one.exam.mask or not other.exam.mask or bool(one.exam.mask & other.exam.mask)


def _done(chain: list[Record], answered: set[object], loose: dict[str, dict[int, int]]) -> bool:
    for order in chain:
        if not answered.isdisjoint(order.keys.orders) or not answered.isdisjoint(order.keys.accessions):
            return True
    return all(_done_since(order, loose) for order in chain)


def _done_since(order: Record, loose: dict[str, dict[int, int]]) -> bool:
    if order.exam is None or order.when is None:
        return False
    mask, since = order.exam.mask, order.when.day - (order.standing != PENDING)
    return any(seen & mask and until >= since for seen, until in loose.get(order.exam.modality, {}).items())
