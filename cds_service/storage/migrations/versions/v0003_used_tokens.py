"""Which tokens were used, for replicas on several machines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of used tokens."""
    op.create_table(
        "used_tokens",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("used_tokens_by_time", "used_tokens", ["until"])
