"""Sources with a state, raw copies, withdrawn rows, measures and feedback, drift, acceptances, published places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UTC = sa.DateTime(timezone=True)


def _text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null)


def _run(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, IDENTIFIER, sa.ForeignKey("run.run_id"), nullable=null)


def _kept() -> list[sa.Column[object]]:
    return [
        sa.Column("row_hash", sa.BigInteger, nullable=False),
        _run("first_run"),
        _run("last_run"),
        sa.Column("withdrawn", UTC),
    ]


def upgrade() -> None:
    """Add what a store that is left running needs."""
    if op.get_bind().dialect.name == "postgresql":
        for column in ("first_run", "last_run"):  # stores from before had them; each row of a load was checked
            op.execute(f"ALTER TABLE request DROP CONSTRAINT IF EXISTS request_{column}_fkey")
    op.add_column("run", _text("accepted_by", null=True))
    op.add_column("run", _text("accepted_reason", null=True))
    op.add_column("request", _text("description", null=True))
    op.add_column("request", sa.Column("withdrawn", UTC))
    op.add_column("change", sa.Column("kind", sa.Text, nullable=False, server_default="request"))
    op.add_column("change", sa.Column("last_seen", UTC))
    op.add_column("change", sa.Column("cause", sa.Text, nullable=False, server_default="source"))
    op.add_column("quarantine", sa.Column("origin", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "measure",
        _text("source", key=True),
        _text("measure", key=True),
        _text("department", key=True),
        sa.Column("period_start", sa.Date, primary_key=True),
        sa.Column("period_end", sa.Date, nullable=False),
        _text("measure_name"),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("target", sa.Double),
        _text("direction"),
        _text("unit"),
        sa.Column("responses", sa.BigInteger),
        *_kept(),
    )
    op.create_table(
        "feedback",
        _text("source", key=True),
        _text("feedback_id", key=True),
        _text("service_request_id", null=True),
        _text("department", null=True),
        _text("counter", null=True),
        _text("channel", null=True),
        sa.Column("received_datetime", UTC, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        _text("flags", null=True),
        *_kept(),
    )
    op.create_table(
        "source_state",
        _text("source", key=True),
        _text("kind"),
        _text("copy", null=True),
        _text("copy_sha256", null=True),
        _text("mapping_sha256", null=True),
        _text("watermark", null=True),
        sa.Column("as_of", UTC),
        sa.Column("whole_at", UTC),
        _text("columns"),
        sa.Column("loaded", UTC),
        _run("run_id", null=True),
    )
    op.create_table(
        "source_run",
        sa.Column("source_run_id", IDENTIFIER, primary_key=True, autoincrement=True),
        _run("run_id"),
        _text("source"),
        sa.Column("started", UTC, nullable=False),
        sa.Column("finished", UTC, nullable=False),
        _text("status"),
        _text("copy", null=True),
        _text("counts"),
        _text("message", null=True),
    )
    op.create_index("source_run_by_source", "source_run", ["source", "source_run_id"])
    op.create_table(
        "drift",
        _text("source", key=True),
        _text("kind", key=True),
        _text("name", key=True),
        _text("detail", null=True),
        sa.Column("rows", sa.BigInteger),
        sa.Column("first_seen", UTC, nullable=False),
        sa.Column("last_seen", UTC, nullable=False),
        _run("run_id"),
    )
    op.create_table(
        "published_place",
        sa.Column("place_id", IDENTIFIER, primary_key=True, autoincrement=True),
        _text("source"),
        _text("service_request_id"),
        _text("level"),
        _text("precision"),
        sa.Column("lat", sa.Double),
        sa.Column("long", sa.Double),
        _text("areas"),
        _text("address", null=True),
        sa.Column("from_lat", sa.Double),
        sa.Column("from_long", sa.Double),
    )


def downgrade() -> None:
    """Take it away again."""
    for table in ("published_place", "drift", "source_run", "source_state", "feedback", "measure"):
        op.drop_table(table)
    for table, columns in (
        ("quarantine", ("origin",)),
        ("change", ("cause", "last_seen", "kind")),
        ("request", ("withdrawn", "description")),
        ("run", ("accepted_reason", "accepted_by")),
    ):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
