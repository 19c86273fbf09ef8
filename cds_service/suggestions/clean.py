"""An order's JSON made fit to send back: nothing empty, nothing that cannot be encoded, nothing bottomless."""

from __future__ import annotations

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
    if isinstance(value, str):
        return sound(value) or None
    if isinstance(value, dict):
        return _object(value, depth + 1) or None
    if isinstance(value, list):
        items = [clean(item, depth=_deeper(depth)) for item in value]
        return items if gaps and any(item is not None for item in items) else _full(items)
    return None if isinstance(value, float) and not isfinite(value) else value


_UNTIDY: Final = (b'""', b"null", b"[]", b"{}", b"\\u")
_SPACED: Final = tuple(opening + space for opening in (b"[", b"{") for space in (b" ", b"\n", b"\r", b"\t"))


def tidy(raw: bytes) -> bool:
    """
    Whether cleaning what the JSON *raw* says would change nothing; False also where that takes a closer look.

    Much quicker than cleaning, which most orders don't need.

    >>> tidy(b'{"code": {"text": "CT"}}'), tidy(b'{"note": [ ]}'), tidy(b'{"text": "null"}')
    (True, False, False)
    """
    if raw.count(b"{") + raw.count(b"[") > DEEPEST:
        return False
    if any(sign in raw for sign in _UNTIDY):
        return False
    if not any(sign in raw for sign in _SPACED):
        return True
    dense = raw.translate(None, b" \t\r\n")
    return b"[]" not in dense and b"{}" not in dense


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
