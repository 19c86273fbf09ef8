"""
Links to pictures: short-lived, sealed, and without a word about the patient.

A picture stays in the memory of the process that drew it, for minutes, and is found by a random name. The seal lets
a guess be refused before anything is looked up.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

SECONDS: Final = 600
ROOM: Final = 8_000_000
"""Bytes of pictures held at once; the oldest go first."""

_LONGEST: Final = 200

Seal = Callable[[str], str]
"""Proves that a text was written here."""


class Pictures:
    """Pictures by the name their link ends with."""

    def __init__(self, seal: Seal, *, seconds: int = SECONDS, clock: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._seconds = seconds
        self._clock = clock
        self._held: TTLCache[str, bytes] = TTLCache(ROOM, seconds, timer=clock, getsizeof=len)

    def hold(self, drawn: bytes) -> str:
        """Keep a picture for a while; the name it is found by, empty when there is no room for it at all."""
        if len(drawn) > ROOM:
            return ""
        stated = f"{int(self._clock()) + self._seconds:x}.{secrets.token_urlsafe(16)}"
        self._held[stated] = drawn
        return f"{stated}.{self._seal(stated)}"

    def find(self, name: str) -> bytes | None:
        """The picture of that name; None when the seal is not ours, the time is over, or it went."""
        stated, _, sealed = name[:_LONGEST].rpartition(".")
        if not stated or not name.isascii() or not hmac.compare_digest(self._seal(stated), sealed):
            return None
        until, _, _ = stated.partition(".")
        return self._held.get(stated) if int(until, 16) > self._clock() else None
