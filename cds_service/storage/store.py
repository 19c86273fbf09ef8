"""
Everything that is kept, behind one door.

Nothing here can stop advice: what advice hands over is written later, what advice asks is
answered from memory, and a database that cannot be opened is tried again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, select

from cds_service.errors import StorageError
from cds_service.hooks.feedback import FeedbackItem
from cds_service.storage import schema
from cds_service.storage.database import Database
from cds_service.storage.feedback import Feedback
from cds_service.storage.identity import identity_in
from cds_service.storage.journal import Decision, IssuedCard, Journal
from cds_service.storage.quiet import Quiet, Shown
from cds_service.telemetry import log

QUIET_HOURS = 24.0
"""How long an overridden rule stays silent where no encounter is named; a site may choose otherwise."""

_RECENT_CARDS = 5_000


class Store:
    """What one installation keeps, in *data* and in the database at *url*."""

    def __init__(self, data: Path, url: str, *, quiet_hours: float = QUIET_HOURS) -> None:
        self.identity = identity_in(data)
        self._quiet = Quiet(quiet_hours)
        self._database = Database(url, self._opened)
        self._recent: dict[str, tuple[Shown, ...]] = {}
        self._journal = Journal(self._database)
        self._feedback = Feedback(self._database, self.identity, self._quiet, issued=self._recent.get)
        self._open()

    @property
    def dropped(self) -> int:
        """Records of advice that could not be kept."""
        return self._journal.dropped

    def issued(self, card: IssuedCard) -> None:
        """Keep a card that was issued; never waits, never fails."""
        if len(self._recent) >= _RECENT_CARDS:
            self._recent.pop(next(iter(self._recent)), None)
        self._recent[card.card] = card.shown()
        self._journal.record(card)

    def decided(self, decision: Decision) -> None:
        """Keep what was decided; never waits, never fails."""
        self._journal.record(decision)

    async def record_feedback(self, client: str, items: Sequence[FeedbackItem]) -> None:
        """Return when *items* are committed; StorageError when they are not. The same item twice is kept once."""
        await self._feedback.record(client, items)

    def suppressed(self, shown: Shown, now: datetime) -> bool:
        """Whether a clinician has overridden *shown* in this encounter, or lately where none is named."""
        return self._quiet.holds(shown, now)

    async def close(self) -> None:
        """Write what is still waiting, then let go of the database."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._feedback.close()
        self._journal.close()
        self._database.close()

    def _opened(self, connection: Connection) -> None:
        """Make the tables, and read what is to stay silent."""
        schema.prepare(connection)
        for shown, until in _unexpired(connection):
            self._quiet.add(shown, until)

    def _open(self) -> None:
        """Open the database now if that is possible; otherwise whoever needs it tries again."""
        try:
            self._database.transact(lambda _: None)
        except StorageError as error:
            log().warning("database cannot be opened yet", error=str(error))


def _unexpired(connection: Connection) -> list[tuple[Shown, float]]:
    table, now = schema.suppressions, datetime.now(UTC).timestamp()
    connection.execute(delete(table).where(table.c.until <= now))
    rows = connection.execute(select(table).order_by(table.c.until)).mappings()
    return [(Shown(*(row[name] for name in Shown._fields)), row["until"]) for row in rows]
