"""An order's JSON made fit to send back: nothing empty, nothing that cannot be encoded, nothing bottomless."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Any, Final

DEEPEST: Final = 48


def clean(value: Any, *, gaps: bool = False, depth: int = 0) -> Any:
    """
    The same JSON without empty members; None when nothing is left. Raises ValueError when nested too deep.

    Neither FHIR nor CDS Hooks allows ``null``, ``""``, ``[]`` or ``{}``, yet drafts come with them. With *gaps*, a
    null in a list stays: there it keeps the place of a value whose extension stands in the list beside it.

    >>> clean({"reasonCode": [], "code": {"coding": [{}], "text": "CT"}, "note": None})
    {'code': {'text': 'CT'}}
    >>> clean({"given": ["A", None], "_given": [None, {"id": "x"}]})
    {'given': ['A', None], '_given': [None, {'id': 'x'}]}
    """
    if not depth and isinstance(value, dict | list) and tidy(value):
        return value
    if isinstance(value, str):
        return sound(value) or None
    if isinstance(value, dict):
        return _object(value, depth + 1) or None
    if isinstance(value, list):
        items = [clean(item, depth=_deeper(depth)) for item in value]
        return items if gaps and any(item is not None for item in items) else _full(items)
    return None if isinstance(value, float) and not isfinite(value) else value


def tidy(value: dict[str, Any] | list[Any], deepest: int = DEEPEST) -> bool:
    """
    Whether cleaning would change nothing; False also where that takes a closer look.

    Most orders are tidy, and looking is much quicker than writing them anew.

    >>> tidy({"code": {"text": "CT"}}), tidy({"note": []}), tidy({"given": ["A", None]})
    (True, False, False)
    """
    if not value or not deepest:
        return False
    if isinstance(value, dict):
        for name in value:
            if not name or not name.isascii():
                return False
    for one in value.values() if isinstance(value, dict) else value:
        kind = type(one)
        if kind is str:
            if not one or not one.isascii():
                return False
        elif kind is dict or kind is list:
            if not tidy(one, deepest - 1):
                return False
        elif not (kind is bool or kind is int or kind is Decimal or (kind is float and isfinite(one))):
            return False
    return True


def sound(text: str) -> str:
    """
    The text with halves of character pairs, which no encoder accepts, replaced.

    >>> sound("pain \\ud83d") == "pain \\ufffd", sound("Bauchschmerz, übel")
    (True, 'Bauchschmerz, übel')
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _object(members: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {}
    for name, value in members.items():
        beside = isinstance(value, list) and (name[:1] == "_" or f"_{name}" in members)
        cleaned = clean(value, gaps=beside, depth=_deeper(depth))
        if cleaned is not None and name:
            kept[sound(name)] = cleaned
    return kept


def _full(items: list[Any]) -> list[Any] | None:
    return [item for item in items if item is not None] or None


def _deeper(depth: int) -> int:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    return depth + 1
