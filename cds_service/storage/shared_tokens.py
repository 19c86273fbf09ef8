"""
Which tokens were used, for replicas on several machines: the database decides.

A use waits for one insert, together with all others of the moment. A database that is away or
slow must not silence advice: then this machine decides alone for a while, and what was used
meanwhile is brought to the database later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from sqlalchemy import Connection, delete

from cds_service.errors import StorageError
from cds_service.storage import schema
from cds_service.storage.batches import Batches
from cds_service.storage.database import Database
from cds_service.storage.used_tokens import UsedTokens
from cds_service.telemetry import log

PATIENCE_SECONDS = 0.15
REST_SECONDS = 5.0
ROOM = 10_000
_TIDY_SECONDS = 60.0


class Use(NamedTuple):
    """One token's use: until when it must be known, and who waits to hear whether it was the first."""

    name: str
    until: float
    first: Future[bool]


class SharedTokens:
    """Takes each name once among all that share *database*; *own* is what this machine knows by itself."""

    def __init__(self, own: UsedTokens, database: Database) -> None:
        self.since = own.since
        self._own = own
        self._database = database
        self._rests_until = 0.0
        self._tidied = 0.0
        self._missed: list[Use] = []
        self._batches: Batches[Use] = Batches("used tokens", self._commit, room=ROOM)

    async def first(self, name: bytes, seconds: float) -> bool:
        """Whether *name* is used for the first time anywhere; it is known from now on for *seconds*."""
        if not await self._own.first(name, seconds):
            return False
        use = Use(name.hex(), time.time() + seconds, Future())
        if not self._batches.offer(use) or time.monotonic() < self._rests_until:
            return True
        try:
            return await asyncio.wait_for(asyncio.wrap_future(use.first), PATIENCE_SECONDS)
        except (TimeoutError, StorageError) as error:
            log().warning("used tokens are not shared for a while", error=type(error).__name__)
            self._rests_until = time.monotonic() + REST_SECONDS
            return True

    def close(self) -> None:
        """Write what is still waiting, and let go of the database."""
        self._batches.close()
        self._database.close()

    def _commit(self, batch: list[Use]) -> None:
        uses = [*self._missed[:ROOM], *batch]
        try:
            new = self._database.transact(lambda connection: self._insert(connection, uses))
        except Exception as error:
            self._missed = [use for use in uses if use.until > time.time()]
            for use in batch:
                if use.first.set_running_or_notify_cancel():
                    use.first.set_exception(StorageError(str(error)))
            return
        self._missed = []
        for use in batch:
            if use.first.set_running_or_notify_cancel():
                use.first.set_result(use.name in new)

    def _insert(self, connection: Connection, uses: Sequence[Use]) -> set[str]:
        """The names that nobody had used."""
        if connection.dialect.name == "postgresql":
            # A server that falls may forget the last of them; waiting for its disk would cost each call more.
            connection.exec_driver_sql("SELECT set_config('synchronous_commit', 'off', true)")
        now = time.time()
        if now - self._tidied > _TIDY_SECONDS:
            self._tidied = now
            connection.execute(delete(schema.used_tokens).where(schema.used_tokens.c.until < now))
        named = {use.name: {"name": use.name, "until": use.until} for use in uses}
        return schema.add_new(connection, schema.used_tokens, list(named.values()))
