"""Feedback, issued cards, decisions, and what not to show again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, primary_key=key, server_default=None if key else "")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        *map(_text, ("client", "card", "outcome", "outcome_at", "content", "received_at")),
        *map(_text, ("suggestions", "reasons", "comment")),
        sa.Column("ours", sa.Boolean, nullable=False),
        sa.UniqueConstraint("client", "card", "outcome_at", "content"),
    )
    op.create_table(
        "issued_cards",
        _text("card", key=True),
        *map(_text, ("client", "service", "issued_at", "decision", "patient", "encounter")),
        *map(_text, ("user", "location", "exam", "rules", "suggestions")),
    )
    op.create_table(
        "decisions",
        _text("decision", key=True),
        *map(_text, ("decided_at", "client", "service", "digest", "verdicts")),
        sa.Column("milliseconds", sa.Float, nullable=False),
    )
    op.create_table(
        "suppressions",
        *(_text(name, key=True) for name in ("client", "patient", "encounter", "rule", "exam")),
        sa.Column("until", sa.Float, nullable=False),
    )
