"""
Which tokens were used: in memory, and in a log that all processes of this machine share.

A use stands in the log before the call goes on. What is written survives the process but not
the machine, because it waits for no disk: after the machine itself went down, tokens issued
before this service started are refused (``since``). A log that cannot be written costs
protection across processes and restarts, never advice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from cds_service.errors import NotReady
from cds_service.storage.use_log import Use, UseLog
from cds_service.telemetry import log

ROOM = 1_000_000
"""Tokens that may be used and still valid at one time, some 100 bytes each."""

SLOT_SECONDS = 60
LOOK_SECONDS = 1.0
REST_SECONDS = 10.0
"""A log that failed, or was slow several times in a row, is left alone for so long."""

MOST_SLOW = 3


class UsedTokens:
    """Takes each name once, for as long as it is told to; nothing is forgotten before."""

    def __init__(self, uses: UseLog | None, *, room: int = ROOM, clock: Callable[[], float] = time.monotonic) -> None:
        self.since = 0.0 if uses is not None and not uses.interrupted else time.time()
        self._log = uses
        self._room = room
        self._clock = clock
        self._used: set[bytes] = set()
        self._slots: dict[int, list[bytes]] = {}
        self._slot = 0
        self._unwritten: list[tuple[bytes, float]] = []
        self._rests_until = float("-inf")
        for use in uses.earlier() if uses is not None else ():
            self._remember(use, clock())

    def __len__(self) -> int:
        return len(self._used)

    async def first(self, name: bytes, seconds: float) -> bool:
        """
        Whether *name* is used for the first time; it is known from now on for *seconds*.

        Nothing is waited for between asking and noting. NotReady when there is no more room.
        """
        now = self._clock()
        self._forget(now)
        if name in self._used:
            return False
        if len(self._used) >= self._room:
            raise NotReady("Too many calls at once; try again.")
        self._remember((name, seconds), now)
        return self._log is None or self._noted(self._log, (name, seconds), now)

    def look(self) -> None:
        """Read what others have used, so that the next call has little to read."""
        now = self._clock()
        if self._log is not None and now >= self._rests_until:
            try:
                for other in self._log.news():
                    self._remember(other, now)
            except OSError:
                self._rests_until = now + REST_SECONDS

    async def watch(self, seconds: float = LOOK_SECONDS) -> None:
        """Look every so often until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            self.look()

    def close(self) -> None:
        """Let go of the log."""
        if self._log is not None:
            self._log.close()

    def _noted(self, uses: UseLog, use: Use, now: float) -> bool:
        """Write the use down; whether nobody else had. What cannot be written now is written with a later one."""
        self._unwritten.append((use[0], now + use[1]))
        if now < self._rests_until:
            return True
        try:
            claim = uses.claim([(name, until - now) for name, until in self._unwritten], use[0])
        except OSError as error:
            log().warning("used tokens cannot be written down", error=type(error).__name__)
            self._rests_until = now + REST_SECONDS
            return True
        self._unwritten.clear()
        if uses.slow >= MOST_SLOW:
            log().warning("used tokens cannot be written down", error="slow")
            self._rests_until = now + REST_SECONDS
        for other in claim.others:
            self._remember(other, now)
        return claim.first

    def _remember(self, use: Use, now: float) -> None:
        name, seconds = use
        if name not in self._used:
            self._used.add(name)
            self._slots.setdefault(int((now + seconds) // SLOT_SECONDS) + 1, []).append(name)

    def _forget(self, now: float) -> None:
        """Once a minute, drop what could not be used again anyway."""
        present = int(now // SLOT_SECONDS)
        if present > self._slot:
            self._slot = present
            for slot in [one for one in self._slots if one <= present]:
                self._used.difference_update(self._slots.pop(slot))


def used_tokens(data: Path, seconds: float) -> UsedTokens:
    """The used tokens of this installation, each known for at most *seconds*; kept in *data* if that is possible."""
    try:
        return UsedTokens(UseLog(data / "used-tokens", seconds))
    except OSError as error:
        log().warning("used tokens cannot be kept", error=type(error).__name__)
        return UsedTokens(None)
