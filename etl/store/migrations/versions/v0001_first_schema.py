"""First schema: runs, requests, changes, quarantine, boundaries, reference features."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0001"
down_revision = None


def _geometry(kind: str) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary().with_variant(Geometry(kind, srid=4326, spatial_index=False), "postgresql")


def upgrade() -> None:
    """Create every table."""
    identifier = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    utc = sa.DateTime(timezone=True)
    text, double, big = sa.Text, sa.Double, sa.BigInteger

    def key(name: str) -> sa.Column[int]:
        return sa.Column(name, identifier, primary_key=True, autoincrement=True)

    def run(name: str) -> sa.Column[int]:
        return sa.Column(name, identifier, sa.ForeignKey("run.run_id"), nullable=False)

    def needed(name: str, kind: type[sa.types.TypeEngine[object]] | sa.types.TypeEngine[object]) -> sa.Column[object]:
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "run",
        key("run_id"),
        needed("started", utc),
        sa.Column("finished", utc),
        needed("status", text),
        needed("config_sha256", text),
        needed("inputs", text),
        needed("counts", text),
        sa.Column("message", text),
    )
    op.create_table(
        "request",
        sa.Column("source", text, primary_key=True),
        sa.Column("service_request_id", text, primary_key=True),
        needed("service_code", text),
        needed("service_name", text),
        sa.Column("service_group", text),
        needed("department", text),
        sa.Column("agency_responsible", text),
        needed("status", text),
        sa.Column("status_notes", text),
        sa.Column("outcome", text),
        sa.Column("channel", text),
        needed("requested_datetime", utc),
        sa.Column("updated_datetime", utc),
        sa.Column("expected_datetime", utc),
        sa.Column("closed_datetime", utc),
        sa.Column("address", text),
        sa.Column("zip", text),
        sa.Column("media_url", text),
        sa.Column("lat", double),
        sa.Column("long", double),
        sa.Column("source_lat", double),
        sa.Column("source_long", double),
        needed("location_source", text),
        sa.Column("location_note", text),
        sa.Column("geocode_method", text),
        sa.Column("geocode_score", double),
        sa.Column("geocode_radius_m", double),
        needed("areas", text),
        sa.Column("flags", text),
        needed("row_hash", big),
        sa.Column("geom", _geometry("POINT")),
        sa.Column("first_run", identifier, nullable=False),
        sa.Column("last_run", identifier, nullable=False),
    )
    op.create_table(
        "change",
        key("change_id"),
        needed("source", text),
        needed("service_request_id", text),
        needed("field", text),
        sa.Column("old", text),
        sa.Column("new", text),
        needed("first_seen", utc),
        run("run_id"),
    )
    op.create_index("change_by_request", "change", ["source", "service_request_id"])
    op.create_index("change_by_run", "change", ["run_id"])
    op.create_table(
        "quarantine",
        key("quarantine_id"),
        needed("source", text),
        sa.Column("row_number", big),
        sa.Column("service_request_id", text),
        needed("reason", text),
        sa.Column("detail", text),
        needed("raw", text),
        run("run_id"),
    )
    op.create_index("quarantine_by_source", "quarantine", ["source"])
    op.create_table(
        "boundary",
        key("boundary_id"),
        needed("layer", text),
        needed("area", text),
        needed("name", text),
        sa.Column("population", double),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        needed("geom", _geometry("MULTIPOLYGON")),
    )
    op.create_table(
        "reference_feature",
        key("feature_id"),
        needed("kind", text),
        sa.Column("name", text),
        needed("rank", sa.Integer),
        needed("geom", _geometry("GEOMETRY")),
    )
    op.create_table("fingerprint", sa.Column("name", text, primary_key=True), needed("sha256", text), run("run_id"))
    if op.get_bind().dialect.name == "postgresql":
        for table in ("request", "boundary", "reference_feature"):
            op.create_index(f"{table}_geom", table, ["geom"], postgresql_using="gist")


def downgrade() -> None:
    """Drop every table, the youngest first."""
    for table in ("fingerprint", "reference_feature", "boundary", "quarantine", "change", "request", "run"):
        op.drop_table(table)
