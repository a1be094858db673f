"""The record store's tables, once for both databases.

Charter: columns, keys and indexes. Geometry is PostGIS geometry there and
WKB in SQLite; times are `timestamptz` there and UTC text in SQLite.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

Identifier = BigInteger().with_variant(Integer, "sqlite")
Utc = DateTime(timezone=True)


def geometry(kind: str) -> TypeEngine[Any]:
    """EPSG:4326 geometry of a kind: PostGIS' own type, or WKB bytes where there is none."""
    return LargeBinary().with_variant(Geometry(kind, srid=4326, spatial_index=False), "postgresql")


class Base(DeclarativeBase):
    """Root of the record store's models."""


class Run(Base):
    """One run of the ETL: when, over what, how it ended."""

    __tablename__ = "run"

    run_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    started: Mapped[dt.datetime] = mapped_column(Utc)
    finished: Mapped[dt.datetime | None] = mapped_column(Utc)
    status: Mapped[str] = mapped_column(Text)
    config_sha256: Mapped[str] = mapped_column(Text)
    inputs: Mapped[str] = mapped_column(
        Text, default="{}", doc="JSON: source -> {file, print}: its name, and the checksum of what was loaded"
    )
    counts: Mapped[str] = mapped_column(Text, default="{}", doc="JSON: read, new, changed, quarantined, …")
    message: Mapped[str | None] = mapped_column(Text)


class Request(Base):
    """A service request as its source stated it last."""

    __tablename__ = "request"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    service_request_id: Mapped[str] = mapped_column(Text, primary_key=True)
    service_code: Mapped[str] = mapped_column(Text)
    service_name: Mapped[str] = mapped_column(Text)
    service_group: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str] = mapped_column(Text)
    agency_responsible: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    status_notes: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    requested_datetime: Mapped[dt.datetime] = mapped_column(Utc)
    updated_datetime: Mapped[dt.datetime | None] = mapped_column(Utc)
    expected_datetime: Mapped[dt.datetime | None] = mapped_column(Utc)
    closed_datetime: Mapped[dt.datetime | None] = mapped_column(Utc)
    address: Mapped[str | None] = mapped_column(Text)
    zip: Mapped[str | None] = mapped_column(Text)
    media_url: Mapped[str | None] = mapped_column(Text)
    lat: Mapped[float | None] = mapped_column(Double)
    long: Mapped[float | None] = mapped_column(Double)
    source_lat: Mapped[float | None] = mapped_column(Double)
    source_long: Mapped[float | None] = mapped_column(Double)
    location_source: Mapped[str] = mapped_column(Text)
    location_note: Mapped[str | None] = mapped_column(Text)
    geocode_method: Mapped[str | None] = mapped_column(Text)
    geocode_score: Mapped[float | None] = mapped_column(Double)
    geocode_radius_m: Mapped[float | None] = mapped_column(Double)
    areas: Mapped[str] = mapped_column(Text, doc="JSON: layer -> area code")
    flags: Mapped[str | None] = mapped_column(Text)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    geom: Mapped[Any | None] = mapped_column(geometry("POINT"))
    first_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    last_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"), doc="run that changed it last")


class Change(Base):
    """A field of a request that was one thing and became another, and when we first saw it."""

    __tablename__ = "change"

    change_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(Text)
    service_request_id: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(Text)
    old: Mapped[str | None] = mapped_column(Text)
    new: Mapped[str | None] = mapped_column(Text)
    first_seen: Mapped[dt.datetime] = mapped_column(Utc)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))

    __table_args__ = (Index("change_by_request", "source", "service_request_id"), Index("change_by_run", "run_id"))


class Quarantined(Base):
    """A row that could not be trusted, with its reason and its text."""

    __tablename__ = "quarantine"

    quarantine_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(Text)
    row_number: Mapped[int | None] = mapped_column(BigInteger)
    service_request_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))

    __table_args__ = (Index("quarantine_by_source", "source"),)


class Boundary(Base):
    """An area of a boundary layer while it was in force."""

    __tablename__ = "boundary"

    boundary_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    layer: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    population: Mapped[float | None] = mapped_column(Double)
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class ReferenceFeature(Base):
    """Something that the base map draws and, later, the geocoder reads."""

    __tablename__ = "reference_feature"

    feature_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    rank: Mapped[int] = mapped_column(Integer)
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"))


class Fingerprint(Base):
    """What the store was last filled from: layer or source -> checksum, so that equal inputs are not loaded twice."""

    __tablename__ = "fingerprint"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    sha256: Mapped[str] = mapped_column(Text)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
