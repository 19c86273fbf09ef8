"""How long what is kept, and the forgetting: a few rows at a time, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, delete, select

from cds_service.storage import schema
from cds_service.storage.database import Database
from cds_service.storage.journal import instant

STEP = 500
"""Rows of a table deleted at once."""

DECISION_DAYS = 400
FEEDBACK_DAYS = 1_100


class Keeping(NamedTuple):
    """For how many days decisions, and feedback with the cards it is about, are kept; 0 is for ever."""

    decision_days: int = DECISION_DAYS
    feedback_days: int = FEEDBACK_DAYS


def chore(database: Database, keeping: Keeping) -> Callable[[], bool]:
    """Deletes one step of what is over at each call, and says whether there may be more."""

    def forget() -> bool:
        now = datetime.now(UTC)
        return database.transact(lambda connection: step(connection, keeping, now))

    return forget


def step(connection: Connection, keeping: Keeping, now: datetime) -> bool:
    """Delete at most ``STEP`` rows of each table; True when one of them may hold more that is over."""
    gone = [_delete(connection, table, when, now - timedelta(days=days)) for table, when, days in _over(keeping)]
    return any(count >= STEP for count in gone)


def _over(keeping: Keeping) -> Iterator[tuple[Table, Column[str], int]]:
    """
    Each table, the column of its time, and its days.

    Facts are kept a day longer than the decisions made on them.
    """
    if keeping.decision_days:
        yield schema.decisions, schema.decisions.c.decided_at, keeping.decision_days
        yield schema.facts, schema.facts.c.read_at, keeping.decision_days + 1
    if keeping.feedback_days:
        yield schema.feedback, schema.feedback.c.received_at, keeping.feedback_days
        yield schema.issued_cards, schema.issued_cards.c.issued_at, keeping.feedback_days


def _delete(connection: Connection, table: Table, when: Column[str], before: datetime) -> int:
    (key,) = table.primary_key
    old = select(key).where(when < instant(before)).order_by(when).limit(STEP)
    return connection.execute(delete(table).where(key.in_(old))).rowcount
