"""What a city supplies of who lives where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "demographic",
        sa.Column("layer", sa.Text, primary_key=True),
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("measure", sa.Text, primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("moe", sa.Double, nullable=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("license", sa.Text, nullable=True),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("demographic")
