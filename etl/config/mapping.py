"""What the columns of a source mean: the mapping from its words and clocks to ours."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from etl.config.base import Outcome, Slug, Status, Strict, known_zone
from etl.config.connections import OPEN311_COLUMNS, Reached
from etl.config.limits import Limits

TIME_FIELDS = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")
TEXT_FIELDS = (
    "service_request_id",
    "service_code",
    "service_name",
    "service_group",
    "agency_responsible",
    "department",
    "status",
    "status_notes",
    "description",
    "channel",
    "address",
    "zip",
    "media_url",
)


class TimeColumn(Strict):
    """A column of clock times: which, in which formats (tried in order), in which zone."""

    column: str
    formats: tuple[str, ...] = Field(
        default=("ISO8601",), description="strptime formats, ISO8601, epoch (seconds), epoch_ms"
    )
    timezone: str | None = Field(default=None, description="zone of the column; default: the city's")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)

    @field_validator("formats")
    @classmethod
    def _formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for fmt in value:
            if fmt in ("ISO8601", "epoch", "epoch_ms"):
                continue
            if "%" not in fmt:
                raise ValueError(
                    f"'{fmt}' is no strptime format, such as '%m/%d/%Y %I:%M:%S %p', and none of ISO8601, epoch, epoch_ms"
                )
            if "%z" in fmt or "%Z" in fmt:
                raise ValueError(f"'{fmt}': a time that states its offset is read as ISO8601")
            try:
                duckdb.execute("SELECT try_strptime('', ?)", [fmt])
            except duckdb.Error as error:
                raise ValueError(f"'{fmt}' is no strptime format, such as '%m/%d/%Y %I:%M:%S %p'") from error
        return value


class Location(Strict):
    """Columns that give a point, and how far it may lie from the true place."""

    radius_m: float | None = Field(
        default=None, gt=0, description="the true place is this near in 95 of 100 cases; default: not known"
    )


class LatLong(Location):
    """Two columns of degrees (EPSG:4326)."""

    lat: str
    long: str


class PointColumn(Location):
    """One column such as '(37.77, -122.39)', latitude first."""

    point: str


class Projected(Location):
    """Two columns in another CRS."""

    x: str
    y: str
    crs: str

    @field_validator("crs")
    @classmethod
    def _known_crs(cls, value: str) -> str:
        try:
            CRS.from_user_input(value)
        except CRSError as error:
            raise ValueError("not a coordinate reference system, such as EPSG:2263") from error
        return value


class Sentinel(Strict):
    """A point that the source writes when it does not know the place."""

    lat: float
    long: float
    why: str
    radius_m: float = 15.0


class OutcomeRule(Strict):
    """Requests whose text matches get this outcome; the first rule that matches wins."""

    match: str = Field(description="regular expression, searched in the column")
    outcome: Outcome
    column: str | None = Field(default=None, description="source column; default: the one of status_notes")

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            pc.match_substring_regex(pa.array(["probe"]), pattern=value)
        except pa.ArrowInvalid as error:
            raise ValueError(f"not a regular expression of RE2: {error}") from error
        return value


class RequestSource(Reached):
    """A source of service requests and what its columns mean."""

    null_values: tuple[str, ...] = ("", "NA", "N/A", "NULL", "null")
    extract: Literal["full", "window", "partial"] = Field(
        default="partial",
        description="full: what a fetch does not hold is withdrawn; window: likewise between its first and last request; "
        "partial: nothing is concluded",
    )
    as_of: Literal["newest"] | dt.datetime = Field(
        default="newest", description="when the extract was taken (local ISO time), or newest: its newest time"
    )
    columns: dict[str, str | TimeColumn]
    areas: dict[Slug, str] = Field(default={}, description="boundary layer -> column in which the source states it")
    locations: tuple[LatLong | PointColumn | Projected, ...] = ()
    sentinels: tuple[Sentinel, ...] = ()
    statuses: dict[str, Status]
    channels: dict[str, Slug] = {}
    outcomes: tuple[OutcomeRule, ...] = ()
    limits: Limits = Limits()

    @model_validator(mode="before")
    @classmethod
    def _standard_columns(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("kind") == "open311":
            places: list[dict[str, str]] = [{"lat": "lat", "long": "long"}]
            standard = {
                "columns": OPEN311_COLUMNS,
                "locations": places,
                "statuses": {"open": "open", "closed": "closed"},
            }
            return {**standard, **data}
        return data

    @model_validator(mode="after")
    def _columns_make_sense(self) -> RequestSource:
        known = {*TIME_FIELDS, *TEXT_FIELDS}
        for field, spec in self.columns.items():
            if field not in known:
                raise ValueError(f"columns: '{field}' is not a field; allowed: {', '.join(sorted(known))}")
            if isinstance(spec, TimeColumn) != (field in TIME_FIELDS):
                shape = "{column: …, formats: […]}" if field in TIME_FIELDS else "the name of a column"
                raise ValueError(f"columns: '{field}' must be {shape}")
        for field in ("service_request_id", "requested_datetime", "status"):
            if field not in self.columns:
                raise ValueError(f"columns: '{field}' is required")
        if "service_code" not in self.columns and "service_name" not in self.columns:
            raise ValueError("columns: 'service_code' or 'service_name' is required")
        return self

    @property
    def radius_m(self) -> float | None:
        """How far the source's points may lie from the true place; None unless all of its `locations` say."""
        told = [location.radius_m for location in self.locations]
        return max((r for r in told if r is not None), default=None) if None not in told else None

    def source_columns(self) -> list[str]:
        """Names of every column of the file that the mapping needs, in a stable order, once each."""
        names: list[str] = [s.column if isinstance(s, TimeColumn) else s for s in self.columns.values()]
        names += list(self.areas.values())
        for location in self.locations:
            names += [str(v) for k, v in location.model_dump().items() if k not in ("crs", "radius_m")]
        names += [rule.column for rule in self.outcomes if rule.column]
        return list(dict.fromkeys(names))
