"""
A number as a record gives it, as an interval in the fact's own unit.

A comparator or a range keeps an interval. Text is read only where it holds exactly one number, so that
"10T" (verbal part replaced by a tube) or "3 or 4" are not guessed at. Whatever lies outside the range
that can be true is unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from cds_service.facts.findings.units import conversion
from cds_service.fhir.resources import Quantity, Range
from cds_service.vocabulary.readings import Interval

_TEXT: Final = re.compile(r"\s*([<>]=?|≤|≥)?\s*(\d{1,9}(?:\.\d{1,6})?)\s*(?:/\s*(\d{1,3})\b)?\s*([^\d]*)")
_GLASGOW: Final = re.compile(r"e\s*([1-4])[\s,;]*v\s*([1-5])[\s,;]*m\s*([1-6])", re.IGNORECASE)
_LONGEST: Final = 80
_STRICT: Final = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">="}


def exactly(value: float) -> Interval:
    """A point."""
    return Interval(value, value)


def of_quantity(quantity: Quantity, unit: str, legal: Interval, own: Mapping[str, float]) -> Interval | None:
    """
    A Quantity in *unit*, within *legal*; None when its unit is missing or another, or it can't be true.

    >>> of_quantity(Quantity(value=4, unit="ft", code="[ft_us]"), "m", Interval(0, 100), {}).low
    1.2192
    >>> of_quantity(Quantity(value=4), "m", Interval(0, 100), {}) is None
    True
    """
    if quantity.value is None or not math.isfinite(quantity.value):
        return None
    for written in (quantity.code, quantity.unit):
        how = conversion(written or "", unit, own) if written or not (quantity.code or quantity.unit) else None
        if how is not None:
            value = round(quantity.value * how.factor + how.offset, 9)
            return bounded(value, quantity.comparator, legal)
    return None


def of_range(stated: Range, unit: str, legal: Interval, own: Mapping[str, float]) -> Interval | None:
    """A Range in *unit*; an open end reaches to the end of *legal*."""
    low = of_quantity(stated.low, unit, legal, own) if stated.low is not None else exactly(legal.low)
    high = of_quantity(stated.high, unit, legal, own) if stated.high is not None else exactly(legal.high)
    if low is None or high is None or low.low > high.high or (stated.low is None and stated.high is None):
        return None
    return Interval(low.low, high.high)


def of_text(text: str, unit: str, legal: Interval, own: Mapping[str, float]) -> Interval | None:
    """
    The one number a text holds.

    >>> of_text("15/15", "{score}", Interval(3, 15), {}), of_text("10T", "{score}", Interval(3, 15), {})
    (Interval(low=15.0, high=15.0), None)
    >>> of_text("4 spontaneous", "{score}", Interval(1, 4), {})
    Interval(low=4.0, high=4.0)
    """
    if len(text) > _LONGEST:
        return None
    parts = _GLASGOW.search(text) if unit == "{score}" else None
    if parts is not None:
        return bounded(float(sum(map(int, parts.groups()))), None, legal)
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    comparator, number, whole, rest = found.groups()
    if whole is not None and float(whole) != legal.high:
        return None
    said = rest.strip()
    if unit == "{score}" and not text[found.end(2) : found.end(2) + 1].isalpha():
        said = ""  # a score may be followed by words, but not by a letter that touches it
    quantity = Quantity(value=float(number), comparator=_STRICT.get(comparator or ""), unit=said)
    return of_quantity(quantity, unit, legal, own)


def bounded(value: float, comparator: str | None, legal: Interval) -> Interval | None:
    """
    A value with its comparator as an interval within *legal*; None outside it or for an unknown comparator.

    >>> bounded(60, ">", Interval(0, 250)).low > 60
    True
    """
    if not legal.low <= value <= legal.high:
        return None
    if comparator is None:
        return exactly(value)
    return {
        "<": Interval(legal.low, math.nextafter(value, -math.inf)),
        "<=": Interval(legal.low, value),
        ">": Interval(math.nextafter(value, math.inf), legal.high),
        ">=": Interval(value, legal.high),
    }.get(comparator)
