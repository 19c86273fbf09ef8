"""
Feedback, stored before it is acknowledged.

Whoever reports waits until the report is committed and on disk, together with everybody
else who reports at the same moment. While the database is away, reports are set down in a
spool on the local disk and acknowledged once they are there; they reach the database when
it is back. An overridden card is known from then on not to be shown again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from cds_service.errors import StorageError
from cds_service.hooks.feedback import FeedbackItem
from cds_service.storage import schema
from cds_service.storage.batches import Batches
from cds_service.storage.database import Database, passes
from cds_service.storage.identity import Identity
from cds_service.storage.journal import as_json, clean, instant
from cds_service.storage.quiet import Quiet, Shown
from cds_service.storage.spool import Spool
from cds_service.telemetry import log

PATIENCE_SECONDS = 2.0
"""How long the database is waited for, and after it the disk."""

ROOM = 1_000
"""Reports that may wait to be committed."""

SPOOL_BYTES = 50_000_000


class Report(NamedTuple):
    """What one client sent at once."""

    client: str
    items: Sequence[FeedbackItem]
    received: datetime


class Waiting(NamedTuple):
    """A report, and who waits for it."""

    report: Report
    done: Future[None]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Report)


class Feedback:
    """Commits reports in groups on a thread of its own; sets them down in *folder* while the database is away."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        quiet: Quiet,
        *,
        issued: Callable[[str], tuple[Shown, ...] | None],
        folder: Path,
        room: int = SPOOL_BYTES,
    ) -> None:
        self._database = database
        self._identity = identity
        self._quiet = quiet
        self._issued = issued
        self._spool = Spool(folder, "feedback", room)
        self._rejected = Spool(folder, "rejected", room)
        self._away = False
        self._batches: Batches[Waiting] = Batches("feedback", self._commit, room=ROOM)

    async def record(self, client: str, items: Sequence[FeedbackItem]) -> None:
        """Return when *items* are on disk; StorageError when they could not be put there."""
        report = Report(client, items, datetime.now(UTC))
        if self._away or not await self._stored(report):
            await self._set_down(report)

    def replay(self) -> bool:
        """Bring to the database what was set down meanwhile; StorageError when it is still away."""
        if self._away or self._spool.waiting:
            self._spool.replay(self._take)
            self._database.transact(lambda _: None)
            self._away = False
        return False

    def close(self, seconds: float = 5.0) -> None:
        """Commit what has gathered; what was set down and could not be committed waits for the next start."""
        self._batches.close(seconds)
        self._spool.close()
        self._rejected.close()

    # into the database

    async def _stored(self, report: Report) -> bool:
        """Whether *report* is in the database; it may get there later, too, and is then set down for nothing."""
        waiting = Waiting(report, Future())
        if not self._batches.offer(waiting):
            return False
        try:
            await asyncio.wait_for(asyncio.wrap_future(waiting.done), PATIENCE_SECONDS)
        except StorageError as error:
            self._away = self._away or passes(error)
            return False
        except TimeoutError:
            self._away = True
            return False
        return True

    def _commit(self, batch: list[Waiting]) -> None:
        waiting = [one for one in batch if one.done.set_running_or_notify_cancel()]
        try:
            self._store([one.report for one in waiting])
        except Exception as error:
            for one in waiting:
                one.done.set_exception(error if isinstance(error, StorageError) else StorageError(str(error)))
            return
        for one in waiting:
            one.done.set_result(None)

    def _store(self, reports: Sequence[Report]) -> None:
        silent = self._database.transact(lambda connection: self._insert(connection, reports))
        for shown, until in silent.items():
            self._quiet.add(shown, until)

    def _insert(self, connection: Connection, reports: Sequence[Report]) -> dict[Shown, float]:
        """Insert everything; give what is to be silent from now on."""
        rows = [self._row(report, item) for report in reports for item in report.items]
        schema.add(connection, schema.feedback, rows)
        silent: dict[Shown, float] = {}
        for report, item in _overridden(reports):
            silent.update(self._silenced(report, item, lambda name: _stored_card(connection, name)))
        now = datetime.now(UTC).timestamp()
        noted = [{**shown._asdict(), "until": end, "noted_at": now} for shown, end in silent.items()]
        schema.put(connection, schema.suppressions, noted)
        return silent

    # onto the local disk

    async def _set_down(self, report: Report) -> None:
        try:
            record = _ENCODER.encode(report)
            await asyncio.wait_for(asyncio.to_thread(self._spool.put, record), PATIENCE_SECONDS)
        except TimeoutError:
            raise StorageError("Neither the database nor the disk answers.") from None
        for _, item in _overridden([report]):
            for shown, until in self._silenced(report, item, lambda _: ()).items():
                self._quiet.add(shown, until)

    def _take(self, records: Sequence[bytes]) -> None:
        """Store *records* of the spool; one that no database takes is kept apart, so that the others get on."""
        try:
            self._store([_DECODER.decode(record) for record in records])
        except (StorageError, msgspec.MsgspecError) as error:
            if isinstance(error, StorageError) and passes(error):
                raise
            if len(records) > 1:
                for record in records:
                    self._take([record])
                return
            self._rejected.put(records[0])
            log().error("feedback cannot be stored, kept apart", error=type(error).__name__)

    # rows

    def _row(self, report: Report, item: FeedbackItem) -> dict[str, Any]:
        said = (item.outcome, sorted(item.accepted_suggestions), item.reasons, item.comment)
        return {
            "client": clean(report.client),
            "card": clean(item.card),
            "outcome": item.outcome,
            "outcome_at": instant(item.at),
            "content": sha256(_ENCODER.encode(said)).hexdigest(),
            "received_at": instant(report.received),
            "suggestions": as_json(item.accepted_suggestions),
            "reasons": as_json(item.reasons),
            "comment": clean(item.comment),
            "ours": self._identity.owns(report.client, item.card),
        }

    def _silenced(
        self, report: Report, item: FeedbackItem, stored: Callable[[str], tuple[Shown, ...]]
    ) -> dict[Shown, float]:
        """What an overridden card had shown, when it is a card of this client that we know."""
        name = _canonical(item.card)
        since = min(item.at or report.received, report.received)
        shown = self._issued(name) or stored(name)
        return {one: self._quiet.until(one, since) for one in shown if one.client == report.client}


def _overridden(reports: Iterable[Report]) -> list[tuple[Report, FeedbackItem]]:
    return [(report, item) for report in reports for item in report.items if item.outcome == "overridden"]


def _stored_card(connection: Connection, card: str) -> tuple[Shown, ...]:
    """What a card of an earlier run had shown."""
    table = schema.issued_cards
    row = connection.execute(select(table).where(table.c.card == card)).first()
    if row is None:
        return ()
    rules = msgspec.json.decode(row.rules, type=list[tuple[str, str]])
    return tuple(Shown(row.client, row.patient, row.encounter, rule, row.exam) for rule, _ in rules)


def _canonical(card: str) -> str:
    """A card id as we issue it, however a client spells it."""
    try:
        return str(uuid.UUID(card))
    except ValueError:
        return card
