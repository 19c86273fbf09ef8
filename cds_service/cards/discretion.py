"""
What a card never says, whatever a rule or a record holds.

A card is seen over the shoulder and by families. Suspected abuse and pregnancy steer what is offered; they are never
named.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_STEMS: Final = (
    "abus",
    "accidental",
    "inflicted",
    "maltreat",
    "neglect",
    "battered",
    "assault",
    "violence",
    "pregnan",
    "gravid",
    "obstetric",
    "miscarr",
    "abortion",
)
_WORDS: Final = re.compile(r"\b(?:nat|hcg)\b")
_CLAUSE: Final = re.compile(r"(?<=[,;.?!])\s+")


@lru_cache(4096)
def sayable(text: str) -> bool:
    """
    Whether *text* may stand on a card.

    >>> sayable("Fever since 2026-03-01"), sayable("Suspected child abuse")
    (True, False)
    """
    lowered = text.lower()
    if any(stem in lowered for stem in _STEMS):
        return False
    return _WORDS.search(lowered) is None


@lru_cache(4096)
def discreet(text: str) -> str:
    """
    The text without the clauses that may not be said.

    >>> discreet("Minor head injury at low risk, abuse not suspected")
    'Minor head injury at low risk'
    >>> discreet("Suspected child abuse")
    ''
    """
    if sayable(text):
        return text
    return " ".join(clause for clause in _CLAUSE.split(text) if sayable(clause)).rstrip(",; ")
