"""
What advice leaves behind: issued cards and decisions, written behind its back.

Advice hands over a record and goes on. When the database is away the records wait; when
there is no more room they are counted and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from cds_service.errors import StorageError
from cds_service.storage import schema
from cds_service.storage.batches import Batches
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


class Journal:
    """Writes records in batches on a thread of its own."""

    def __init__(self, database: Database, *, room: int = ROOM, linger: float = _LINGER_SECONDS) -> None:
        self.dropped = 0
        self._database = database
        self._batches: Batches[IssuedCard | Decision] = Batches("journal", self._write, room=room, linger=linger)

    def record(self, record: IssuedCard | Decision) -> None:
        """Take *record* to be written; never waits, never fails."""
        if not self._batches.offer(record):
            self.dropped += 1
            if self.dropped == 1:
                log().warning("journal is full, records are dropped")

    def close(self, seconds: float = 5.0) -> None:
        """Write what has gathered, if that takes no longer than *seconds*."""
        self._batches.close(seconds)

    def _write(self, batch: list[IssuedCard | Decision]) -> None:
        cards = [_plain(record) for record in batch if isinstance(record, IssuedCard)]
        decided = [record for record in batch if isinstance(record, Decision)]
        facts = [
            {"facts": one.facts, "read_at": instant(one.read_at), "said": one.said.decode()}
            for record in decided
            for one in record.facts
        ]
        decisions = [_row(record) for record in decided]

        def work(connection: Connection) -> None:
            schema.add(connection, schema.issued_cards, cards)
            schema.add(connection, schema.facts, facts)
            schema.add(connection, schema.decisions, decisions)

        try:
            while not self._written(work):
                if self._batches.stopping.is_set():
                    raise StorageError("The database did not come back.")
                self._batches.stopping.wait(_RETRY_SECONDS)
        except StorageError as error:
            self.dropped += len(batch)
            log().warning("records are dropped", error=str(error), count=len(batch))

    def _written(self, work: Callable[[Connection], None]) -> bool:
        """Whether it is written; False when it may be later, StorageError when it never will be."""
        try:
            self._database.transact(work)
        except StorageError as error:
            if passes(error):
                return False
            raise
        return True


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
