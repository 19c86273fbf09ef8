"""
Feedback, stored before it is acknowledged.

Whoever reports waits until the report is committed and on disk, together with everybody
else who reports at the same moment. An overridden card is known from then on not to be
shown again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from cds_service.errors import StorageError
from cds_service.hooks.feedback import FeedbackItem
from cds_service.storage import schema
from cds_service.storage.batches import Batches
from cds_service.storage.database import Database
from cds_service.storage.identity import Identity
from cds_service.storage.journal import as_json, clean, instant
from cds_service.storage.quiet import Quiet, Shown

PATIENCE_SECONDS = 3.0
"""How long a reporter waits at most; after that the report is not acknowledged and will come again."""

ROOM = 1_000
"""Reports that may wait to be committed."""


class Report(NamedTuple):
    """What one client sent at once, and who waits for it."""

    client: str
    items: Sequence[FeedbackItem]
    received: datetime
    done: Future[None]


class Feedback:
    """Commits reports in groups on a thread of its own."""

    def __init__(
        self, database: Database, identity: Identity, quiet: Quiet, *, issued: Callable[[str], tuple[Shown, ...] | None]
    ) -> None:
        self._database = database
        self._identity = identity
        self._quiet = quiet
        self._issued = issued
        self._batches: Batches[Report] = Batches("feedback", self._commit, room=ROOM)

    async def record(self, client: str, items: Sequence[FeedbackItem]) -> None:
        """Return when *items* are on disk; StorageError when they could not be put there."""
        report = Report(client, items, datetime.now(UTC), Future())
        if not self._batches.offer(report):
            raise StorageError("Too much feedback is waiting.")
        try:
            await asyncio.wait_for(asyncio.wrap_future(report.done), PATIENCE_SECONDS)
        except TimeoutError:
            raise StorageError("The database does not answer.") from None

    def close(self) -> None:
        """Commit what has gathered."""
        self._batches.close()

    def _commit(self, batch: list[Report]) -> None:
        reports = [report for report in batch if report.done.set_running_or_notify_cancel()]
        try:
            silent = self._database.transact(lambda connection: self._store(connection, reports))
        except Exception as error:
            for report in reports:
                report.done.set_exception(StorageError(str(error)))
            return
        for shown, until in silent.items():
            self._quiet.add(shown, until)
        for report in reports:
            report.done.set_result(None)

    def _store(self, connection: Connection, reports: Sequence[Report]) -> dict[Shown, float]:
        """Insert everything; give what is to be silent from now on."""
        rows = [self._row(report, item) for report in reports for item in report.items]
        schema.add(connection, schema.feedback, rows)
        silent: dict[Shown, float] = {}
        for report in reports:
            for item in report.items:
                if item.outcome == "overridden":
                    silent.update(self._silenced(connection, report, item))
        schema.put(
            connection, schema.suppressions, [{**shown._asdict(), "until": end} for shown, end in silent.items()]
        )
        return silent

    def _row(self, report: Report, item: FeedbackItem) -> dict[str, Any]:
        said = (item.outcome, sorted(item.accepted_suggestions), item.reasons, item.comment)
        return {
            "client": clean(report.client),
            "card": clean(item.card),
            "outcome": item.outcome,
            "outcome_at": instant(item.at),
            "content": sha256(msgspec.json.encode(said)).hexdigest(),
            "received_at": instant(report.received),
            "suggestions": as_json(item.accepted_suggestions),
            "reasons": as_json(item.reasons),
            "comment": clean(item.comment),
            "ours": self._identity.owns(report.client, item.card),
        }

    def _silenced(self, connection: Connection, report: Report, item: FeedbackItem) -> dict[Shown, float]:
        """What an overridden card had shown, when it is a card of this client that we know."""
        name = _canonical(item.card)
        since = min(item.at or report.received, report.received)
        shown = self._issued(name) or _stored(connection, name)
        return {one: self._quiet.until(one, since) for one in shown if one.client == report.client}


def _stored(connection: Connection, card: str) -> tuple[Shown, ...]:
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
