"""
The tables as this release works with them; a change of one needs a step in ``migrations/versions`` too.

Patients and encounters stand here only as keyed hashes. Everything is plain text, numbers
and JSON text, so that SQLite and PostgreSQL hold the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler

metadata = MetaData()


def _text(name: str, *, key: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=False, primary_key=key, server_default=None if key else "")


feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("client"),
    _text("card"),
    _text("outcome"),
    _text("outcome_at"),
    _text("content"),  # digest of the rest: a retry repeats it, a second outcome does not
    _text("received_at"),
    _text("suggestions"),
    _text("reasons"),
    _text("comment"),
    Column("ours", Boolean, nullable=False),  # whether the card id proves to be one of this client's
    UniqueConstraint("client", "card", "outcome_at", "content"),
    Index("feedback_by_time", "received_at"),
)

issued_cards = Table(
    "issued_cards",
    metadata,
    _text("card", key=True),
    _text("client"),
    _text("service"),
    _text("issued_at"),
    _text("decision"),
    _text("patient"),
    _text("encounter"),
    _text("user"),
    _text("location"),
    _text("exam"),
    _text("rules"),
    _text("suggestions"),
    Index("issued_cards_by_time", "issued_at"),
)

decisions = Table(
    "decisions",
    metadata,
    _text("decision", key=True),
    _text("decided_at"),
    _text("client"),
    _text("service"),
    _text("digest"),
    _text("verdicts"),  # each order: its exam, which facts it was judged by, what every rule said
    Column("milliseconds", Float, nullable=False),
    _text("hook_instance"),
    _text("patient"),
    _text("encounter"),
    _text("cards"),
    _text("incomplete"),
    _text("steps"),
    Index("decisions_by_time", "decided_at"),
)

facts = Table(
    "facts",
    metadata,
    _text("facts", key=True),
    _text("read_at"),
    _text("said"),
    Index("facts_by_time", "read_at"),
)
"""What orders were judged by; the same record judged again has the same facts."""

suppressions = Table(
    "suppressions",
    metadata,
    _text("client", key=True),
    _text("patient", key=True),
    _text("encounter", key=True),
    _text("rule", key=True),
    _text("exam", key=True),
    Column("until", Float, nullable=False),
    Column("noted_at", Float, nullable=False, server_default="0"),
    Index("suppressions_by_time", "noted_at"),
)

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("until", Float, nullable=False),
    Index("used_tokens_by_time", "until"),
)
"""Digests of tokens that were used, for replicas on several machines."""

Row = Mapping[str, Any]


def add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """
    Insert *rows*, which have all the same columns; those already there stay as they are.

    The statement is written once a database and handed to the driver as it is: decisions come by the thousand.
    """
    if rows:
        columns = tuple(rows[0])
        statement = _written(connection, table, columns)
        order = statement.positiontup
        given = [tuple(row[name] for name in order) for row in rows] if order else [dict(row) for row in rows]
        connection.exec_driver_sql(statement.string, given)


_STATEMENTS: dict[tuple[str, str, tuple[str, ...]], SQLCompiler] = {}


def _written(connection: Connection, table: Table, columns: tuple[str, ...]) -> SQLCompiler:
    key = connection.dialect.name, table.name, columns
    known = _STATEMENTS.get(key)
    if known is None:
        statement = _insert(connection, table).on_conflict_do_nothing()
        known = _STATEMENTS[key] = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    return known


def add_new(connection: Connection, table: Table, rows: Sequence[Row]) -> set[Any]:
    """Insert *rows*; the keys of those that were not there before, in one step for everybody who inserts."""
    (key,) = table.primary_key
    statement = _insert(connection, table).on_conflict_do_nothing().returning(key)
    return set(connection.execute(statement, list(rows)).scalars()) if rows else set()


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert *rows*; those already there take the new values."""
    if rows:
        statement = _insert(connection, table)
        keys = [column.name for column in table.primary_key]
        changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # takes a tenth of the start, and most need it never

    return postgresql.insert(table)
