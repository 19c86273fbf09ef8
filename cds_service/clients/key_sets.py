"""
Where a client's keys come from: its entry, or the address registered for it.

A fetched set is kept. It is fetched again in the background when it is some minutes old,
and at once when a token names a key that is not in it, but never in a storm: each further
try waits longer. While the address is down the kept keys go on serving for a day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from cds_service.clients.keys import Key, KeySet, NotKeys, read_keys
from cds_service.errors import OutboundError
from cds_service.telemetry import log

REFRESH_SECONDS = 300.0
MOST_AGE_SECONDS = 86_400.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two fetches that nobody profits from: doubled each time, up to the longest."""

CALM_SECONDS = 60.0
"""After so long without a fetch the pause begins anew."""

Fetch = Callable[[], Awaitable[bytes]]
Clock = Callable[[], float]


class KeySource(Protocol):
    """Gives keys by their name."""

    async def find(self, kid: str) -> tuple[Key, ...]:
        """The keys called *kid*; none when there are none. OutboundError when there has never been a set to look in."""
        ...  # pragma: no cover


class RegisteredKeys:
    """The keys of a client's own entry; they change with it."""

    def __init__(self, source: bytes) -> None:
        self.set = read_keys(source)

    async def find(self, kid: str) -> tuple[Key, ...]:
        """The keys called *kid*."""
        return self.set.keys.get(kid, ())


class FetchedKeys:
    """The keys published at one registered address; *fetch* gives the bytes found there."""

    def __init__(self, fetch: Fetch, counted: Callable[[str], None], *, clock: Clock = time.monotonic) -> None:
        self.set = KeySet()
        self._fetch = fetch
        self._counted = counted
        self._clock = clock
        self._read_at: float | None = None
        self._asked_at = float("-inf")
        self._pause = 0.0
        self._running: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> tuple[Key, ...]:
        """The keys called *kid*: from what is kept, or fetched when that is due or may help."""
        now = self._clock()
        found = self._kept(kid, now)
        if found:
            if now - (self._read_at or 0.0) >= REFRESH_SECONDS:
                self._begin(now)
            return found
        task = self._begin(now)
        if task is not None:
            await asyncio.shield(task)
            found = self._kept(kid, self._clock())
            if found:
                self._pause = 0.0
        if self._too_old(self._clock()):
            raise OutboundError("no keys")
        return found

    def begin(self) -> None:
        """Fetch now, so that the first caller need not wait."""
        self._begin(self._clock())

    async def close(self) -> None:
        """Give up a fetch that is still running."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _kept(self, kid: str, now: float) -> tuple[Key, ...]:
        return () if self._too_old(now) else self.set.keys.get(kid, ())

    def _too_old(self, now: float) -> bool:
        return self._read_at is None or now - self._read_at > MOST_AGE_SECONDS

    def _begin(self, now: float) -> asyncio.Task[None] | None:
        """The fetch that is running or may begin now; None while it would be one too many."""
        if self._running is None or self._running.done():
            since = now - self._asked_at
            if since < self._pause:
                return None
            self._pause = FIRST_PAUSE if since > CALM_SECONDS else min(LONGEST_PAUSE, max(FIRST_PAUSE, self._pause * 2))
            self._running = asyncio.create_task(self._refresh())
        return self._running

    async def _refresh(self) -> None:
        try:
            self.set = read_keys(await self._fetch())
            if self._read_at is None:
                self._pause = 0.0
            self._read_at = self._clock()
        except Exception as error:
            known = isinstance(error, OutboundError | NotKeys)
            log().warning("keys of a client could not be fetched", reason=str(error) if known else type(error).__name__)
            self._counted("failed")
        else:
            self._counted("fetched")
        finally:
            self._asked_at = self._clock()
