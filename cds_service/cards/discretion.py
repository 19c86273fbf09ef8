"""
What a card never says, whatever a rule or a record holds.

A card is seen over the shoulder and by families. Suspected abuse and pregnancy steer what is offered; they are never
named.
"""

from __future__ import annotations

import re
from typing import Final

_UNSAID: Final = re.compile(
    r"(?i)abus|non.?accidental|inflicted|maltreat|neglect|battered|assault|violence|\bNAT\b"
    r"|pregnan|gravid|\bhcg\b|obstetric|miscarr|abortion"
)


def sayable(text: str) -> bool:
    """
    Whether *text* may stand on a card.

    >>> sayable("Fever since 2026-03-01"), sayable("Suspected child abuse")
    (True, False)
    """
    return _UNSAID.search(text) is None
