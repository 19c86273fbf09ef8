"""
How the words of a finding file become values: bounds, lengths of time, choices, general answers.

Each function raises PhraseError, which the file reader turns into a problem with its line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from cds_service.errors import PhraseError, nearest
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_facts import ALWAYS, ENCOUNTER, Computed, Measured, Sign, Value
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Interval

_SIGNS: Final = {sign.value: sign for sign in Sign if sign is not Sign.SILENT}
_BARE_FLAG: Final = {"present": True, "yes": True, "absent": False, "no": False}


def remedy(word: str, known: Iterable[str]) -> str:
    """
    What to write for a word that is not *known*: the nearest that is, or any of them.

    >>> remedy("presnt", ["present", "absent"]), remedy("on", ["present", "absent"])
    ('did you mean present?', 'use one of: absent, present')
    """
    names = sorted(known)
    return nearest(word, names, f"use one of: {', '.join(names)}")


def number(text: Any) -> float:
    """
    A plain number.

    >>> number("38.0")
    38.0
    """
    try:
        value = float(text)
    except (TypeError, ValueError):
        raise PhraseError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise PhraseError(f"{text!r} is not a number")
    return value


def bounds(text: Any) -> Interval:
    """
    One number, or two joined by "to".

    >>> bounds("13 to 15")
    Interval(low=13.0, high=15.0)
    """
    low, _, high = str(text).partition(" to ")
    found = Interval(number(low), number(high or low))
    if found.low > found.high:
        raise PhraseError(f"{text!r}: the first number is larger than the second")
    return found


def lasting(text: Any) -> float:
    """
    How long a statement holds, in seconds: encounter, always, or a length of time.

    >>> lasting("24 hours")
    86400.0
    """
    if text == "encounter":
        return ENCOUNTER
    return ALWAYS if text == "always" else float(span(str(text)).rough_seconds)


def value(word: str, kind: Kind, choices: Iterable[str]) -> Value | Sign:
    """
    What *word* stands for in a fact of this kind; several choices are joined by "or".

    >>> sorted(value("microscopic or gross", Kind.CHOICE, ["absent", "microscopic", "gross"]))
    ['gross', 'microscopic']
    >>> value("present", Kind.FLAG, ())
    True
    """
    legal = tuple(choices)
    if word in ("suspected", "unknown") and word not in legal:
        return _SIGNS[word]
    if kind is Kind.NUMBER:
        return bounds(word)
    if kind is Kind.FLAG:
        if word not in _BARE_FLAG:
            raise PhraseError(f"{word} is not an answer; {remedy(word, _BARE_FLAG)}")
        return _BARE_FLAG[word]
    words = word.split(" or ")
    for one in words:
        if one not in legal:
            raise PhraseError(f"{one} is not a choice of this fact; {remedy(one, legal)}")
    return frozenset(words)


def sign(word: str) -> Sign:
    """
    A general answer by its name.

    >>> sign("yes")
    <Sign.YES: 'yes'>
    """
    if word not in _SIGNS:
        raise PhraseError(f"{word} is not a general answer; {remedy(word, _SIGNS)}")
    return _SIGNS[word]


def measured(block: Any) -> Measured:
    """Read how a number answers a flag, such as ``{unit: Cel, range: 30 to 45, present: at_least 38}``."""
    known = {"unit", "range", "present", "absent"}
    if not isinstance(block, dict) or not {"unit", "range"} <= set(block) <= known:
        raise PhraseError("measured needs unit and range, and present or absent as in: at_least 38")
    present, absent = (_half(block[side]) if side in block else None for side in ("present", "absent"))
    return Measured(str(block["unit"]), bounds(block["range"]), present, absent)


def _half(text: Any) -> Interval:
    side, _, amount = str(text).partition(" ")
    if side == "at_least":
        return Interval(number(amount), math.inf)
    if side == "below":
        return Interval(-math.inf, math.nextafter(number(amount), -math.inf))
    raise PhraseError(f"{text!r}: write at_least or below, and a number")


def computed(block: Any) -> Computed:
    """Read a formula such as ``{product: [exam.wbc, exam.neutrophil_percent], factor: 0.01}``."""
    known = {"sum", "product", "over", "factor", "first"}
    if not isinstance(block, dict) or set(block) - known or not {"sum", "product"} & set(block):
        raise PhraseError("computed needs sum or product, with over, factor and first if wanted")
    total, product, over = (tuple(map(str, block.get(part) or ())) for part in ("sum", "product", "over"))
    return Computed(total, product, over, number(block.get("factor", "1")), block.get("first") is True)
