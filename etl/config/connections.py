"""How a source is reached: one small model for each kind of system, and what all of them share.

Charter: addresses, paging and patience. What the columns mean is `mapping`;
secrets are named here by their environment variable and never written.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from etl.config.base import Strict

EnvName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
"""Name of an environment variable that holds a secret."""


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a web address, such as https://data.example.org")
    if parts.username or parts.password:
        raise ValueError("must not hold a name or a password; secrets come from the environment")
    return value.rstrip("/")


class Patience(Strict):
    """How long to wait for a system and how often to ask again."""

    timeout_seconds: float = Field(default=60, gt=0, le=3600, description="for a connection and between two reads")
    attempts: int = Field(default=6, ge=1, le=20, description="tries of one request before the fetch is given up")
    longest_wait_seconds: float = Field(
        default=120, ge=0, le=3600, description="between two tries, Retry-After included"
    )


class FileConnection(Strict):
    """A file: on disk, at a web address, or in an S3-compatible store (s3://bucket/key)."""

    kind: Literal["file"] = "file"
    path: str | None = Field(default=None, description="path or URL; --input NAME=FILE overrides it")
    format: Literal["auto", "csv", "excel", "json", "geojson", "parquet", "shapefile", "geopackage"] = Field(
        default="auto", description="auto: by the file's content and name"
    )
    member: str | None = Field(default=None, description="file within a zip; default: its only table")
    sheet: str | None = Field(
        default=None, description="sheet of a workbook or layer of a GeoPackage; default: the first"
    )
    records: str | None = Field(default=None, description="JSON: path of the list of records, such as result.records")
    delimiter: str = Field(default=",", description="one character, or \\t for a tab")
    encoding: str = "utf-8"
    s3_endpoint: str | None = Field(default=None, description="address of an S3-compatible server; default: AWS")
    token_env: EnvName | None = Field(default=None, description="environment variable with a bearer token (web)")
    patience: Patience = Patience()

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = "\t" if value in ("\\t", "tab") else value
        if len(value) != 1:
            raise ValueError("must be one character, such as ',' or ';', or \\t for a tab")
        return value


class Endpoint(Strict):
    """What every system with an address shares."""

    url: str
    page_size: int | None = Field(
        default=None, ge=1, le=50_000, description="rows asked for at once; default: the kind's"
    )
    patience: Patience = Patience()
    refresh_days: float | None = Field(
        default=None, gt=0, description="fetch everything again after so many days, which also shows withdrawn rows"
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _web_address(value)


class SocrataConnection(Endpoint):
    """A Socrata (Tyler) data set by SODA 2.1."""

    kind: Literal["socrata"]
    dataset: str = Field(pattern=r"^[a-z0-9]{4}-[a-z0-9]{4}$", description="four-by-four id, such as erm2-nwe9")
    where: str | None = Field(default=None, description="SoQL filter, such as created_date >= '2020-01-01'")
    app_token_env: EnvName | None = Field(default=None, description="environment variable with the app token")
    overlap_minutes: float = Field(default=60, ge=0, description="how far before the watermark each fetch begins")


class Open311Connection(Endpoint):
    """An Open311 GeoReport v2 endpoint; `url` is the base, or a discovery document with `discovery: true`."""

    kind: Literal["open311"]
    jurisdiction_id: str | None = None
    discovery: bool = False
    format: Literal["json", "xml"] = "json"
    api_key_env: EnvName | None = None
    since: dt.date = Field(default=dt.date(2010, 1, 1), description="day to begin the first fetch at")
    window_days: float = Field(default=7, gt=0, le=90, description="first guess of a window; split until complete")
    row_limit: int | None = Field(
        default=None, ge=1, description="rows that the endpoint returns at most; default: found out"
    )
    overlap_days: float = Field(default=7, ge=0, description="how far before the last fetch each fetch begins")
    watch_days: float = Field(
        default=90, ge=0, description="how long open requests are asked for again by their number"
    )


class ArcgisConnection(Endpoint):
    """A layer of an ArcGIS FeatureServer or MapServer; `url` ends with the layer's number."""

    kind: Literal["arcgis"]
    where: str = "1=1"
    edit_field: str | None = Field(default=None, description="edit-date field; default: the layer's own editFieldsInfo")
    token_env: EnvName | None = None
    overlap_minutes: float = Field(default=60, ge=0)


class CkanConnection(Endpoint):
    """A resource of a CKAN datastore."""

    kind: Literal["ckan"]
    resource: str = Field(pattern=r"^[0-9a-fA-F-]{8,40}$", description="resource id")
    updated_field: str | None = Field(
        default=None, description="column that grows with each edit; default: whole fetches"
    )
    key: str = Field(default="_id", description="column that orders the pages")
    token_env: EnvName | None = None


class SqlConnection(Strict):
    """A query on a database that SQLAlchemy reaches, such as a CRM's own."""

    kind: Literal["sql"]
    url_env: EnvName = Field(description="environment variable with the SQLAlchemy URL")
    query: str = Field(description="one SELECT; ':since' in it is the watermark")
    updated_column: str | None = Field(default=None, description="column of the result that is the watermark")
    first_since: str = Field(default="1900-01-01 00:00:00", description="the watermark of the first fetch")
    overlap_minutes: float = Field(default=60, ge=0)
    refresh_days: float | None = Field(default=None, gt=0)
    patience: Patience = Patience()

    @model_validator(mode="after")
    def _watermark_is_whole(self) -> SqlConnection:
        if (":since" in self.query) != (self.updated_column is not None):
            raise ValueError("query: ':since' in the query and 'updated_column' go together; give both or neither")
        return self


Connection = Annotated[
    FileConnection | SocrataConnection | Open311Connection | ArcgisConnection | CkanConnection | SqlConnection,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Strict]] = {
    "file": FileConnection,
    "socrata": SocrataConnection,
    "open311": Open311Connection,
    "arcgis": ArcgisConnection,
    "ckan": CkanConnection,
    "sql": SqlConnection,
}
OPEN311_COLUMNS: dict[str, Any] = {
    "service_request_id": "service_request_id",
    "service_code": "service_code",
    "service_name": "service_name",
    "agency_responsible": "agency_responsible",
    "status": "status",
    "status_notes": "status_notes",
    "description": "description",
    "requested_datetime": {"column": "requested_datetime"},
    "updated_datetime": {"column": "updated_datetime"},
    "expected_datetime": {"column": "expected_datetime"},
    "address": "address",
    "zip": "zipcode",
    "media_url": "media_url",
}
"""The columns of GeoReport v2 mean the same everywhere, so that a city need not map them. It has no closing time."""


class Reached(Strict):
    """A source of any kind of content. In the YAML the connection's keys stand beside the mapping's."""

    connection: Connection

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "connection" in data:
            return data
        kind = data.get("kind", "file")
        model = KINDS.get(kind) if isinstance(kind, str) else None
        if model is None:
            raise ValueError(f"kind: '{kind}' is not a kind of source; allowed: {', '.join(KINDS)}")
        own = set(model.model_fields) - set(cls.model_fields)
        rest = {key: value for key, value in data.items() if key not in own}
        return {**rest, "connection": {"kind": kind, **{k: v for k, v in data.items() if k in own}}}
