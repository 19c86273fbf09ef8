"""A store in a folder of its own, and what tests look at in it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.hooks.feedback import FeedbackItem
from cds_service.storage.journal import Decision, IssuedCard
from cds_service.storage.quiet import Shown
from cds_service.storage.store import Store

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'service.db'}"


def store(folder: Path, **settings: Any) -> Store:
    return Store(folder, url(folder), **settings)


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """Everything in *table*, read past the service."""
    connection = sqlite3.connect(folder / "service.db")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"select * from {table}")]
    finally:
        connection.close()


def card(name: str = "card-1", **changes: Any) -> IssuedCard:
    plain = IssuedCard(
        card=name,
        client="ehr",
        service="imaging",
        issued_at=NOW,
        patient="hash-of-p",
        exam="CT head",
        rules=[("rule-a", "3"), ("rule-b", "1")],
        suggestions={"uuid-1": "Order ultrasound"},
        user="Practitioner/1",
    )
    return plain._replace(**changes)


def decision(name: str = "decision-1") -> Decision:
    return Decision(name, NOW, "ehr", "imaging", "digest", [{"rule": "rule-a", "outcome": "advice"}], 1.5)


def overridden(name: str = "card-1", at: datetime | None = NOW, **changes: Any) -> FeedbackItem:
    return FeedbackItem(name, "overridden", at)._replace(**changes)


def shown(rule: str = "rule-a", **changes: Any) -> Shown:
    return Shown("ehr", "hash-of-p", "", rule, "CT head")._replace(**changes)
