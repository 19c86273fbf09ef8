"""
Doses in plain text: "CTDIvol 9.8 mGy; DLP 520 mGy.cm".

Read is only what names the measure, a number and a unit of it, one after the other. What is said of another exam, of a
level or of a limit is no dose of this one. Several values of one measure, none of them called the total, are parts or
repeats, and nobody can tell which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.facts.dose.units import CTDI, DAP, DLP, EFFECTIVE, factor, sound

_READ: Final = 4000
_WANTED: Final = re.compile(r"dlp|dose|ctdi|\bdap\b|\bkap\b|kerma", re.IGNORECASE)
_CLAUSES: Final = re.compile(r"[;\n\r()\[\]]|[.,](?=\s)|\s(?:and|und|et|e|vs|versus)\s")
_BRACKETED: Final = re.compile(r"[(\[]\s*(total)\s*[)\]]", re.IGNORECASE)
_OTHER: Final = re.compile(
    r"\b(?:prior|previous|earlier|last|compar\w*|reference|drls?|levels?|limits?|alert\w*|notif\w*|threshold\w*|exceed\w*"
    r"|estimat\w*|expected|planned|predicted|forward|target\w*|typical\w*|usual\w*|average|median|adult\w*|allow\w*"
    r"|sub-?totals?|topogram|scout|localizer|vorunters\w*|referenz\w*|mother|twin|sibling|no|not|below|under|above"
    r"|over|than|per)\b",
    re.IGNORECASE,
)
_MEASURE: Final = re.compile(
    r"""
    (?P<name>\bdlp|\bdose[\s-]length[\s-]product|\bctdi\s?(?:vol)?|\bdap|\bkap|\b(?:dose|kerma)[\s-]area[\s-]product
      |\beffective\s+dose)\b
    (?:\s*[:=]|\s+(?:total|was|is|of|ist|betr\S{1,3}gt|approximately|about|ca\.?))*\s*
    (?<![\d.,+-])(?P<number>\d{1,7}(?:[.,]\d{1,6}){0,2})\s?
    (?P<unit>[a-zA-Zµμ]{1,4}(?:\s?[.*·⋅×x-]?\s?c?m(?:²|\^?2)?)?)(?![\w²^*·/]|\s?[x×*]\s?\d)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMES: Final = {"dlp": DLP, "doselengthproduct": DLP, "ctdi": CTDI, "ctdivol": CTDI, "effectivedose": EFFECTIVE}
_TOTAL: Final = re.compile(r"\b(?:total\w*|gesamt\w*|totaal|sum)\b", re.IGNORECASE)
_THOUSANDS: Final = 3


class Said(NamedTuple):
    """Values of a measure in one text: the lowest and the highest that it may say, or neither when it is not clear."""

    low: float = 0.0
    high: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether the text says one value, or bounds."""
        return self.high > 0


@lru_cache(maxsize=256)
def said(text: str) -> Mapping[str, Said]:
    """
    The doses that *text* says, by measure; one that it names without being clear is told as unclear.

    >>> said("CTDIvol 9.8 mGy; DLP 520 mGy.cm")
    {'CTDIvol': Said(low=9.8, high=9.8), 'DLP': Said(low=520.0, high=520.0)}
    >>> said("DLP 312,5 mGy*cm")["DLP"].low, said("DLP 312 mSv"), said("DLP 100 mGy*cm, DLP 90 mGy*cm")["DLP"].clear
    (312.5, {}, False)
    """
    text = text[:_READ]
    if not _WANTED.search(text):
        return {}
    found: dict[str, list[tuple[float | None, bool]]] = {}
    for clause in _CLAUSES.split(_BRACKETED.sub(r" \1 ", text)):
        if clause and not _OTHER.search(clause):
            for match in _MEASURE.finditer(clause):
                what, value = _value(match)
                if what:
                    found.setdefault(what, []).append((value, _TOTAL.search(clause) is not None))
    return {what: _together(what, values) for what, values in found.items()}


def _value(match: re.Match[str]) -> tuple[str, float | None]:
    """The measure and its value in the unit it is told in; no measure when the unit is of another, no value if odd."""
    name = re.sub(r"[\s-]", "", match["name"]).lower()
    what = _NAMES.get(name, DAP)
    one = factor(match["unit"].replace("x", "*").replace("X", "*"), what)
    if one is None:
        return "", None
    number = _number(match["number"])
    value = number * one if number is not None else None
    return what, value if value is not None and sound(value) else None


def _number(text: str) -> float | None:
    """
    A number with a decimal point or comma; None where the sign may as well part thousands.

    >>> _number("312,5"), _number("1,312.5"), _number("1.312,5"), _number("1,312"), _number("1.312"), _number("312")
    (312.5, 1312.5, 1312.5, None, None, 312.0)
    """
    signs = [sign for sign in text if sign in ".,"]
    if not signs:
        return float(text)
    whole, _, rest = text.rpartition(signs[-1])
    if len(signs) == 2:
        first, _, second = whole.partition(signs[0])
        if signs[0] == signs[1] or len(second) != _THOUSANDS:
            return None
        return float(f"{first}{second}.{rest}")
    return None if len(rest) == _THOUSANDS and whole != "0" else float(f"{whole}.{rest}")


def _together(what: str, values: list[tuple[float | None, bool]]) -> Said:
    """What several values of one measure in one text come to; those called the total go before the others."""
    totals = [value for value, total in values if total]
    told = totals or [value for value, _ in values]
    known = [value for value in told if value is not None]
    if len(known) < len(told) or (len(told) > 1 and not totals and what != CTDI):
        return Said()
    return Said(min(known), max(known))
