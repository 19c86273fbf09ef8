"""
What advice leaves behind: issued cards and decisions, written behind its back.

Advice hands over a record and goes on. Until the record is in the database a copy stands on the
local disk, which a later start takes up. When the database is away the records wait; when there is
no more room they are counted and dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from cds_service.errors import StorageError
from cds_service.storage import schema
from cds_service.storage.batches import Batches
from cds_service.storage.copies import NOWHERE, Copies
from cds_service.storage.database import Database, passes
from cds_service.storage.quiet import Shown
from cds_service.telemetry import log

ROOM = 10_000
"""Records that may wait for the database."""

_LINGER_SECONDS = 0.2
_RETRY_SECONDS = 1.0


class IssuedCard(NamedTuple):
    """
    A card as it was issued, with what feedback on it will lack.

    ``patient`` and ``encounter`` are hashes; ``rules`` are id and version of everything on the card;
    ``suggestions`` gives each suggestion's label by its uuid.
    """

    card: str
    client: str
    service: str
    issued_at: datetime
    patient: str
    exam: str
    rules: Sequence[tuple[str, str]]
    suggestions: Mapping[str, str] = {}
    encounter: str = ""
    user: str = ""
    location: str = ""
    decision: str = ""

    def shown(self) -> tuple[Shown, ...]:
        """What this card shows, rule by rule."""
        return tuple(Shown(self.client, self.patient, self.encounter, rule, self.exam) for rule, _ in self.rules)


class Facts(NamedTuple):
    """What one order was judged by, as JSON; ``facts`` is the name decisions know it by."""

    facts: str
    read_at: datetime
    said: bytes


class Decision(NamedTuple):
    """
    One call's outcome: under which content, what every rule said, what was shown, and how long each step took.

    ``verdicts`` are those of each order; ``facts`` are those no earlier decision has recorded. ``cards`` are the ids
    of what was shown, ``incomplete`` what could not be read and why, ``steps`` the milliseconds of each step.
    """

    decision: str
    decided_at: datetime
    client: str
    service: str
    digest: str
    verdicts: Sequence[Any]
    milliseconds: float
    hook_instance: str = ""
    patient: str = ""
    encounter: str = ""
    cards: Sequence[str] = ()
    incomplete: Sequence[tuple[str, str]] = ()
    steps: Mapping[str, float] = {}
    facts: Sequence[Facts] = ()


Rows = Sequence[tuple[str, dict[str, Any]]]
"""Rows of the database, each with the name of its table."""


class Entry(NamedTuple):
    """The rows of one record, and where their copy stands."""

    rows: Rows
    place: int


_TABLES = {str(table.name): table for table in (schema.issued_cards, schema.facts, schema.decisions)}
_CARDS, _FACTS, _DECISIONS = _TABLES
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[tuple[str, dict[str, Any]]])


class Journal:
    """Writes records in batches on a thread of its own; *copies* keep them until then."""

    def __init__(
        self, database: Database, copies: Copies, *, room: int = ROOM, linger: float = _LINGER_SECONDS
    ) -> None:
        self.dropped = 0
        self._database = database
        self._copies = copies
        self._batches: Batches[Entry] = Batches("journal", self._write, room=room, linger=linger)

    def record(self, record: IssuedCard | Decision) -> None:
        """Take *record* to be written; never waits for the database, never fails."""
        try:
            rows = _rows(record)
            place = self._copies.put(_ENCODER.encode(rows))
        except Exception as error:
            self._lost(1, type(error).__name__)
            return
        if not self._batches.offer(Entry(rows, place)):
            self._copies.done([place])
            self.dropped += 1
            if self.dropped == 1:
                log().warning("journal is full, records are dropped")

    def adopt(self) -> bool:
        """Write what a process that is gone had no time to write; StorageError when the database is away."""
        self._copies.adopt(self._take)
        return False

    def close(self, seconds: float = 5.0) -> None:
        """Write what has gathered, if that takes no longer than *seconds*."""
        self._batches.close(seconds)
        self._copies.close()

    def _write(self, batch: list[Entry]) -> None:
        rows = [row for entry in batch for row in entry.rows]
        try:
            while not self._written(rows):
                if self._batches.stopping.is_set():
                    self._left(batch)
                    return
                self._batches.stopping.wait(_RETRY_SECONDS)
        except StorageError as error:
            self._lost(len(batch), str(error))
        self._copies.done(entry.place for entry in batch)

    def _left(self, batch: list[Entry]) -> None:
        """The database did not come back: what has a copy waits for the next start."""
        without = sum(entry.place == NOWHERE for entry in batch)
        if without:
            self._lost(without, "The database did not come back.")

    def _lost(self, count: int, why: str) -> None:
        self.dropped += count
        log().warning("records are dropped", error=why, count=count)

    def _take(self, records: Sequence[bytes]) -> None:
        for record in records:
            try:
                if not self._written(_DECODER.decode(record)):
                    raise StorageError("The database is away.")
            except msgspec.MsgspecError:
                self._lost(1, "not readable")

    def _written(self, rows: Rows) -> bool:
        """Whether they are written; False when they may be later, StorageError when they never will be."""
        try:
            self._database.transact(lambda connection: _insert(connection, rows))
        except StorageError as error:
            if passes(error):
                return False
            raise
        return True


def _insert(connection: Connection, rows: Rows) -> None:
    for name, table in _TABLES.items():
        schema.add(connection, table, [row for one, row in rows if one == name])


def _rows(record: IssuedCard | Decision) -> Rows:
    if isinstance(record, IssuedCard):
        return [(_CARDS, _plain(record))]
    facts = [
        (_FACTS, {"facts": one.facts, "read_at": instant(one.read_at), "said": one.said.decode()})
        for one in record.facts
    ]
    return [*facts, (_DECISIONS, _row(record))]


def instant(moment: datetime | None) -> str:
    """
    A moment as text that sorts by time; empty for none.

    >>> instant(datetime(2026, 3, 2, 14, tzinfo=UTC))
    '2026-03-02T14:00:00.000000+00:00'
    """
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def as_json(value: Any) -> str:
    """*value* as JSON text; what JSON cannot say is said in words."""
    return msgspec.json.encode(value, enc_hook=str).decode()


def _row(record: Decision) -> dict[str, Any]:
    row = record._asdict()
    del row["facts"]
    row["decided_at"] = instant(record.decided_at)
    row["client"] = clean(record.client)
    for name in _LISTED:
        row[name] = as_json(row[name]) if row[name] else ""
    return row


_LISTED = ("verdicts", "cards", "incomplete", "steps")


def _plain(record: IssuedCard) -> dict[str, Any]:
    return {name: _column(value) for name, value in record._asdict().items()}


def _column(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, str):
        return clean(value)
    return value if value is None or isinstance(value, float | int) else as_json(value)


def clean(text: str) -> str:
    """Text any database takes: no NUL, no half characters."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.encode("utf-8", "replace").decode().replace("\0", "")
