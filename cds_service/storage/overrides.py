"""What was overridden, in the table that all workers and machines share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, select

from cds_service.storage import schema
from cds_service.storage.quiet import Shown

OVERLAP_SECONDS = 60.0
"""How far clocks may differ, and a commit be late, for an override to be heard of elsewhere."""


class Noted(NamedTuple):
    """What was overridden, until when it is silent, and when that was noted."""

    shown: Shown
    until: float
    noted_at: float


def unexpired(connection: Connection) -> list[Noted]:
    """Everything that is still to be silent; what is over is removed."""
    table = schema.suppressions
    connection.execute(delete(table).where(table.c.until <= _now()))
    return _read(connection, select(table).order_by(table.c.until))


def since(connection: Connection, heard: float) -> list[Noted]:
    """What was noted since the last that was *heard*, and some of it again."""
    table = schema.suppressions
    late = table.c.noted_at >= heard - OVERLAP_SECONDS
    return _read(connection, select(table).where(late, table.c.until > _now()).order_by(table.c.noted_at))


def _read(connection: Connection, asked: Select[tuple[object, ...]]) -> list[Noted]:
    rows = connection.execute(asked).mappings()
    return [Noted(Shown(*(row[name] for name in Shown._fields)), row["until"], row["noted_at"]) for row in rows]


def _now() -> float:
    return datetime.now(UTC).timestamp()
