"""
Everything that is kept, behind one door.

Nothing here can stop advice: what advice hands over is written later, what advice asks is
answered from memory, and a database that cannot be opened is tried again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from cds_service.errors import StorageError
from cds_service.hooks.feedback import FeedbackItem
from cds_service.storage import overrides, retention, versions
from cds_service.storage.copies import Copies
from cds_service.storage.database import Database
from cds_service.storage.feedback import SPOOL_BYTES, Feedback
from cds_service.storage.identity import identity_in
from cds_service.storage.journal import Decision, IssuedCard, Journal
from cds_service.storage.quiet import Quiet, Shown
from cds_service.storage.retention import Keeping
from cds_service.storage.upkeep import Chore, Upkeep
from cds_service.telemetry import log

QUIET_HOURS = 24.0
"""How long an overridden rule stays silent where no encounter is named; a site may choose otherwise."""

_RECENT_CARDS = 5_000
_POLL_SECONDS = 2.0
_REPLAY_SECONDS = 1.0
_ADOPT_SECONDS = 10.0
_FORGET_SECONDS = 600.0
_CLOSING_SECONDS = 4.0


class Store:
    """
    What one installation keeps, in *data* and in the database at *url*.

    Feedback may wait for the database in *spool_bytes* of the local disk; *keeping* says for how long what is kept.
    """

    def __init__(
        self,
        data: Path,
        url: str,
        *,
        quiet_hours: float = QUIET_HOURS,
        spool_bytes: int = SPOOL_BYTES,
        keeping: Keeping | None = None,
    ) -> None:
        self._spool = data / "spool"
        self.identity = identity_in(data)
        self._quiet = Quiet(quiet_hours)
        self._database = Database(url, self._opened)
        self._recent: dict[str, tuple[Shown, ...]] = {}
        self._journal = Journal(self._database, Copies(data / "journal"))
        self._feedback = Feedback(
            self._database,
            self.identity,
            self._quiet,
            issued=self._recent.get,
            folder=self._spool,
            room=spool_bytes,
        )
        self._heard = 0.0
        self._open()
        forget = retention.chore(self._database, keeping or Keeping())
        self._upkeep = Upkeep(
            [
                Chore("replay", self._feedback.replay, _REPLAY_SECONDS),
                Chore("journal", self._journal.adopt, _ADOPT_SECONDS),
                Chore("overrides", self._hear, _POLL_SECONDS),
                Chore("forget", forget, _FORGET_SECONDS),
            ]
        )

    @property
    def dropped(self) -> int:
        """Records of advice that could not be kept."""
        return self._journal.dropped

    @property
    def spooled(self) -> int:
        """Bytes on the local disk that wait for the database."""
        with suppress(OSError):
            return sum(path.stat().st_size for path in self._spool.iterdir())
        return 0

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
        self._upkeep.close()
        self._feedback.close(_CLOSING_SECONDS)
        self._journal.close(_CLOSING_SECONDS)
        self._database.close()

    def _opened(self, connection: Connection) -> None:
        """See that the tables are right, and read what is to stay silent."""
        versions.prepare(connection)
        self._take_in(overrides.unexpired(connection))

    def _open(self) -> None:
        """Open the database now if that is possible; otherwise whoever needs it tries again."""
        try:
            self._database.transact(lambda _: None)
        except StorageError as error:
            log().warning("database cannot be opened yet", error=str(error))

    def _hear(self) -> bool:
        """Take in what was overridden elsewhere since the last time."""
        self._take_in(self._database.transact(lambda connection: overrides.since(connection, self._heard)))
        return False

    def _take_in(self, noted: Iterable[overrides.Noted]) -> None:
        for one in noted:
            self._quiet.add(one.shown, one.until)
            self._heard = max(self._heard, one.noted_at)
