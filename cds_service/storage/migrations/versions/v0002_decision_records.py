"""Decisions that can be judged again, and columns by which to find what is new or old."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ADDED = ("hook_instance", "patient", "encounter", "cards", "incomplete", "steps")


def upgrade() -> None:
    """Add what a decision lacked, the facts it was made on, and indices by time."""
    for name in _ADDED:
        op.add_column("decisions", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("suppressions", sa.Column("noted_at", sa.Float, nullable=False, server_default="0"))
    op.create_table(
        "facts",
        sa.Column("facts", sa.Text, primary_key=True),
        sa.Column("read_at", sa.Text, nullable=False, server_default=""),
        sa.Column("said", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("decisions_by_time", "decisions", ["decided_at"])
    op.create_index("facts_by_time", "facts", ["read_at"])
    op.create_index("issued_cards_by_time", "issued_cards", ["issued_at"])
    op.create_index("feedback_by_time", "feedback", ["received_at"])
    op.create_index("suppressions_by_time", "suppressions", ["noted_at"])
    op.execute("DROP TABLE IF EXISTS schema_version")
