"""Numbers made of other numbers: the sum of a score's parts, a percentage of a count."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cds_service.vocabulary.finding_facts import Computed
from cds_service.vocabulary.readings import Interval, Reading


def combine(made: Computed, parts: Sequence[Reading], legal: Interval) -> Reading | None:
    """
    The number a formula makes of its *parts*; None unless every part is known and the outcome can be true.

    A sum takes exact parts only: a score with an untestable part has no total.

    >>> four, five = (Reading(Interval(n, n)) for n in (4, 5))
    >>> combine(Computed(sum=("a", "b")), [four, five], Interval(2, 15)).value
    Interval(low=9, high=9)
    """
    known = [part.value for part in parts if isinstance(part.value, Interval)]
    if len(known) < len(parts):
        return None
    value = _sum(known) if made.sum else _product(made, known)
    if value is None or not legal.low <= value.low <= value.high <= legal.high:
        return None
    return Reading(value, tuple(evidence for part in parts for evidence in part.evidence[:1]))


def _sum(known: Sequence[Interval]) -> Interval | None:
    if any(part.low != part.high for part in known):
        return None
    return Interval(sum(part.low for part in known), sum(part.high for part in known))


def _product(made: Computed, known: Sequence[Interval]) -> Interval | None:
    times, over = known[: len(made.product)], known[len(made.product) :]
    if any(part.low <= 0 for part in over) or any(part.low < 0 for part in times):
        return None
    low = made.factor * prod(part.low for part in times) / prod(part.high for part in over)
    high = made.factor * prod(part.high for part in times) / prod(part.low for part in over)
    return Interval(round(low, 9), round(high, 9))
