"""What the geocoder adds: how it found a place, the reference that it used, the default points that were found out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
COLUMNS = ("geocode_address", "geocode_alternatives", "nearest_address")


def upgrade() -> None:
    """Add its columns and tables."""
    for name in COLUMNS:
        op.add_column("request", sa.Column(name, sa.Text))
    op.create_table(
        "geocoder_table",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "default_point",
        sa.Column("point_id", IDENTIFIER, primary_key=True, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("lat", sa.Double, nullable=False),
        sa.Column("long", sa.Double, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("addresses", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", IDENTIFIER, sa.ForeignKey("run.run_id"), nullable=False),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("default_point")
    op.drop_table("geocoder_table")
    with op.batch_alter_table("request") as batch:
        for name in COLUMNS:
            batch.drop_column(name)
