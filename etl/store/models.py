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
    accepted_by: Mapped[str | None] = mapped_column(Text, doc="who let a release through although a limit held it")
    accepted_reason: Mapped[str | None] = mapped_column(Text)


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
    description: Mapped[str | None] = mapped_column(Text)
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
    geocode_address: Mapped[str | None] = mapped_column(Text, doc="the address as the reference writes it")
    geocode_alternatives: Mapped[str | None] = mapped_column(
        Text, doc="JSON: other places that it may mean, [{address, method, score, lat, long}]"
    )
    nearest_address: Mapped[str | None] = mapped_column(Text, doc="for a point without an address")
    areas: Mapped[str] = mapped_column(Text, doc="JSON: layer -> area code")
    flags: Mapped[str | None] = mapped_column(Text)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    geom: Mapped[Any | None] = mapped_column(geometry("POINT"))
    # No foreign keys to run: PostgreSQL would check each of a million rows, and only one run writes them.
    first_run: Mapped[int] = mapped_column(Identifier)
    last_run: Mapped[int] = mapped_column(Identifier, doc="run that changed it last")
    withdrawn: Mapped[dt.datetime | None] = mapped_column(Utc, doc="when its source was first seen without it")


class Measure(Base):
    """A periodic performance measure of a department or of the call centre, as its source stated it last."""

    __tablename__ = "measure"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    department: Mapped[str] = mapped_column(Text, primary_key=True)
    period_start: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    period_end: Mapped[dt.date] = mapped_column(Date, doc="first day that it no longer covers")
    measure_name: Mapped[str] = mapped_column(Text)
    value: Mapped[float] = mapped_column(Double)
    target: Mapped[float | None] = mapped_column(Double)
    direction: Mapped[str] = mapped_column(Text, doc="higher or lower is better, or none")
    unit: Mapped[str] = mapped_column(Text)
    responses: Mapped[int | None] = mapped_column(BigInteger)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    first_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    last_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    withdrawn: Mapped[dt.datetime | None] = mapped_column(Utc)


class Feedback(Base):
    """One satisfaction answer, tied to a request, a department or a counter."""

    __tablename__ = "feedback"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    feedback_id: Mapped[str] = mapped_column(Text, primary_key=True)
    service_request_id: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    counter: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    received_datetime: Mapped[dt.datetime] = mapped_column(Utc)
    score: Mapped[float] = mapped_column(Double, doc="0 to 100")
    flags: Mapped[str | None] = mapped_column(Text)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    first_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    last_run: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    withdrawn: Mapped[dt.datetime | None] = mapped_column(Utc)


class Change(Base):
    """A field of a record that was one thing and became another, and when we first saw it."""

    __tablename__ = "change"

    change_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(Text, doc="request, measure or feedback")
    source: Mapped[str] = mapped_column(Text)
    service_request_id: Mapped[str] = mapped_column(Text, doc="the record's own number; a measure's name and period")
    field: Mapped[str] = mapped_column(Text)
    old: Mapped[str | None] = mapped_column(Text)
    new: Mapped[str | None] = mapped_column(Text)
    first_seen: Mapped[dt.datetime] = mapped_column(Utc)
    last_seen: Mapped[dt.datetime | None] = mapped_column(Utc, doc="moment of the extract that still said `old`")
    cause: Mapped[str] = mapped_column(Text, doc="source, or configuration: our own rules read it otherwise")
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
    origin: Mapped[str] = mapped_column(Text, doc="file that it stood in; empty for a system that is asked")
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
    """Something that the base map draws."""

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


class SourceState(Base):
    """Where a source stands: what was loaded last, and where the next fetch begins."""

    __tablename__ = "source_state"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    copy: Mapped[str | None] = mapped_column(Text, doc="name of the raw copy that was loaded last")
    copy_sha256: Mapped[str | None] = mapped_column(Text)
    mapping_sha256: Mapped[str | None] = mapped_column(Text, doc="rules that the stored rows were read by")
    watermark: Mapped[str | None] = mapped_column(Text, doc="JSON, the adapter's own")
    as_of: Mapped[dt.datetime | None] = mapped_column(Utc, doc="moment of the newest extract that was loaded")
    whole_at: Mapped[dt.datetime | None] = mapped_column(Utc, doc="when the last whole copy was fetched")
    columns: Mapped[str] = mapped_column(Text, doc="JSON: column -> kind as last seen")
    loaded: Mapped[dt.datetime | None] = mapped_column(Utc)
    run_id: Mapped[int | None] = mapped_column(Identifier, ForeignKey("run.run_id"))


class SourceRun(Base):
    """What one run did with one source."""

    __tablename__ = "source_run"

    source_run_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
    source: Mapped[str] = mapped_column(Text)
    started: Mapped[dt.datetime] = mapped_column(Utc)
    finished: Mapped[dt.datetime] = mapped_column(Utc)
    status: Mapped[str] = mapped_column(Text, doc="loaded, unchanged, unavailable or refused")
    copy: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[str] = mapped_column(Text, doc="JSON: read, new, changed, …")
    message: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("source_run_by_source", "source", "source_run_id"),)


class Drift(Base):
    """Something about a source that was not so before: a column, a kind of value, a word that no rule maps."""

    __tablename__ = "drift"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(
        Text, primary_key=True, doc="new_column, lost_column, type, or the field of a word"
    )
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    detail: Mapped[str | None] = mapped_column(Text)
    rows: Mapped[int | None] = mapped_column(BigInteger, doc="rows of the last load that had it")
    first_seen: Mapped[dt.datetime] = mapped_column(Utc)
    last_seen: Mapped[dt.datetime] = mapped_column(Utc)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))


class PublishedPlace(Base):
    """The generalised place under which a sensitive request was first published: a second sample is never given."""

    __tablename__ = "published_place"

    place_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(Text)
    service_request_id: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    precision: Mapped[str] = mapped_column(Text)
    lat: Mapped[float | None] = mapped_column(Double)
    long: Mapped[float | None] = mapped_column(Double)
    areas: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    from_lat: Mapped[float | None] = mapped_column(Double, doc="the true point: tells a mended place from a new one")
    from_long: Mapped[float | None] = mapped_column(Double)


class GeocoderTable(Base):
    """A table of the geocoder's reference, kept to be published: the whole of it as one Parquet file.

    Nothing in the store asks for a single street or number, so that a million address points are one value here and
    not a million rows to write and to read again.
    """

    __tablename__ = "geocoder_table"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class StoredDemographic(Base):
    """A figure of the people of an area, as the city supplies it."""

    __tablename__ = "demographic"

    layer: Mapped[str] = mapped_column(Text, primary_key=True)
    area: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[float] = mapped_column(Double)
    moe: Mapped[float | None] = mapped_column(Double, doc="90% margin of error, in the unit of the value")
    title: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(Text)
    license: Mapped[str | None] = mapped_column(Text)


class FoundDefault(Base):
    """A point that a source writes where it does not know the place, as it was found out; never forgotten."""

    __tablename__ = "default_point"

    point_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(Text)
    lat: Mapped[float] = mapped_column(Double)
    long: Mapped[float] = mapped_column(Double)
    rows: Mapped[int] = mapped_column(BigInteger, doc="on it when it was found")
    addresses: Mapped[int] = mapped_column(BigInteger, doc="different ones among them")
    why: Mapped[str] = mapped_column(Text, doc="the evidence in one line")
    first_seen: Mapped[dt.datetime] = mapped_column(Utc)
    run_id: Mapped[int] = mapped_column(Identifier, ForeignKey("run.run_id"))
