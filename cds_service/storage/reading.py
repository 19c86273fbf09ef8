"""What was kept, read back for people: decisions with their facts, and feedback with the cards it is about."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, select

from cds_service.storage import schema
from cds_service.storage.database import Database
from cds_service.storage.journal import instant

_AT_ONCE = 500


class Between(NamedTuple):
    """From when, and until when (not included), as far as there are bounds."""

    since: datetime | None = None
    until: datetime | None = None


class Kept(NamedTuple):
    """One decision as it was kept: its row, its orders, and the facts of each by their name."""

    row: Mapping[str, Any]
    orders: list[dict[str, Any]]
    facts: Mapping[str, dict[str, Any]]


def decisions(database: Database, when: Between) -> Iterator[Kept]:
    """Every decision of that time, the oldest first."""
    for rows in _portions(database, schema.decisions, "decided_at", when):
        yield from _with_facts(database, rows)


def decision(database: Database, name: str) -> Kept | None:
    """The decision of that id."""
    table = schema.decisions
    asked = select(table).where(table.c.decision == name)
    rows = database.transact(partial(_rows, asked=asked))
    return next(_with_facts(database, rows), None)


def feedback(database: Database, when: Between) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    """Every report of that time with the card it is about, when it is one of ours; the oldest first."""
    table = schema.issued_cards
    for rows in _portions(database, schema.feedback, "received_at", when):
        names = {_canonical(row["card"]) for row in rows}
        asked = select(table).where(table.c.card.in_(names))
        cards = {row["card"]: row for row in database.transact(partial(_rows, asked=asked))}
        for row in rows:
            card = cards.get(_canonical(row["card"]))
            yield row, card if card is not None and card["client"] == row["client"] else None


def _with_facts(database: Database, rows: list[dict[str, Any]]) -> Iterator[Kept]:
    table = schema.facts
    orders = [msgspec.json.decode(row["verdicts"] or "[]") for row in rows]
    names = {order.get("facts", "") for one in orders for order in one}
    asked = select(table).where(table.c.facts.in_(names))
    found = database.transact(partial(_rows, asked=asked))
    said = {one["facts"]: msgspec.json.decode(one["said"]) for one in found}
    for row, made in zip(rows, orders, strict=True):
        yield Kept(row, made, {name: said[name] for order in made if (name := order.get("facts", "")) in said})


def _portions(database: Database, table: Table, column: str, when: Between) -> Iterator[list[dict[str, Any]]]:
    """Rows by time, some at once: nobody holds the database while they are written out."""
    time, (key,) = table.c[column], table.primary_key
    after: tuple[Any, Any] | None = None
    while True:
        asked = select(table).order_by(time, key).limit(_AT_ONCE)
        if when.since is not None:
            asked = asked.where(time >= instant(when.since))
        if when.until is not None:
            asked = asked.where(time < instant(when.until))
        if after is not None:
            asked = asked.where((time > after[0]) | ((time == after[0]) & (key > after[1])))
        rows = database.transact(partial(_rows, asked=asked))
        if not rows:
            return
        yield rows
        after = rows[-1][column], rows[-1][key.name]


def _rows(connection: Connection, asked: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(asked).mappings()]


def _canonical(card: str) -> str:
    try:
        return str(uuid.UUID(card))
    except ValueError:
        return card
