"""A typed view of a release's datapackage.json. Reads what the ETL wrote; knows no SQL and no pages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from portal.errors import NoRelease

SUPPORTED_FORMAT = 1
FILES: Final = "/download/release/"
"""Addresses of the files of releases begin so."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class License(_View):
    """The licence that a release is published under."""

    name: str = ""
    title: str = ""
    path: str = ""


class City(_View):
    """The city as its releases describe it; `bbox` is west, south, east, north in degrees."""

    id: str
    name: str
    region: str = ""
    timezone: str = "UTC"
    crs: str = ""
    bbox: tuple[float, float, float, float]
    synthetic: bool = False
    languages: tuple[str, ...] = ("en",)
    title: str = ""
    contact: str = ""
    accent: str = "#0b5cad"
    license: License = License()
    attribution: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.timezone)


class Layer(_View):
    """A boundary layer; `geometry` False: only names, nothing to draw."""

    layer: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str
    plural: str
    geometry: bool = True
    located_by: str = "boundary"


class Channel(_View):
    """A way of reporting."""

    channel: str
    title: str


class Previous(_View):
    """The release before, as the chain names it."""

    release_id: str
    sha256: str


class SchemaField(_View):
    """A field of a table, as Frictionless describes it."""

    name: str
    type: str = "string"
    title: str = ""
    description: str = ""
    unit: str = ""
    constraints: dict[str, Any] = {}


class TableSchema(_View):
    """A table's fields."""

    fields: tuple[SchemaField, ...] = ()


class Resource(_View):
    """One file of the package."""

    name: str
    path: str
    title: str = ""
    description: str = ""
    mediatype: str = "application/octet-stream"
    rows: int | None = Field(default=None, validation_alias=AliasChoices("rows", "rowCount"))
    bytes: int | None = Field(default=None, validation_alias=AliasChoices("openward:bytes", "bytes"))
    hash: str = ""
    table: TableSchema = Field(default=TableSchema(), validation_alias=AliasChoices("schema", "table"))

    @property
    def sha256(self) -> str:
        """The hexadecimal digest without its prefix."""
        return self.hash.removeprefix("sha256:")


class GeocoderSettings(_View):
    """How addresses were read, and what became of the results."""

    parser: Literal["us", "generic"] = "us"
    draw: str = "block"
    min_score: float | None = None
    contradiction: str = "off"
    default_points: str = "off"
    swapped: str = "off"


class Calibration(_View):
    """By method of the geocoder: metres and metres for each metre of scale, and what a city multiplies them by."""

    radii: dict[str, tuple[float, float]] = {}
    factors: dict[str, float] = {}
    scores: tuple[tuple[float, float], ...] = Field(
        default=(), description="score, and the share right that was measured"
    )


class GeocoderAbout(_View):
    """The geocoder that placed what came without coordinates."""

    settings: GeocoderSettings = GeocoderSettings()
    fingerprint: str = ""
    calibration: Calibration = Calibration()


class Index(_View):
    """The serving index and its columns for counting: not resources."""

    path: str = "serve.duckdb"
    sha256: str = ""
    counting: str = "serve.counting"
    counting_sha256: str = ""


class Accepted(_View):
    """Who let a release through although it broke a limit, why, and which limits those were."""

    by: str = ""
    reason: str = ""
    limits: tuple[str, ...] = ()


class Openward(_View):
    """Our own object in datapackage.json."""

    release_id: str = Field(pattern=r"^[0-9A-Za-z-]{1,40}$")
    format: int
    created: datetime
    as_of: datetime
    previous: Previous | None = None
    city: City
    layers: tuple[Layer, ...] = ()
    channels: tuple[Channel, ...] = ()
    counts: dict[str, int] = {}
    standards: str = "none"
    profile: dict[str, Any] = {}
    privacy: dict[str, Any] | None = None
    accepted: Accepted | None = None
    geocoder: GeocoderAbout | None = None
    index: Index = Index()

    @field_validator("created", "as_of")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Package(_View):
    """The whole datapackage.json."""

    name: str = ""
    title: str = ""
    description: str = ""
    resources: tuple[Resource, ...] = ()
    openward: Openward

    def resource(self, name: str) -> Resource | None:
        """The resource of that name, or None."""
        return next((r for r in self.resources if r.name == name), None)


def file_url(release_id: str, path: str, base: str = "") -> str:
    """Where a file of a release is to be had, for good; `base` is the portal's address, '' on its own pages."""
    return f"{base}{FILES}{quote(release_id)}/{quote(path)}"


def read_package(folder: Path) -> Package:
    """Read `folder/datapackage.json`; NoRelease says what is wrong with it."""
    path = folder / "datapackage.json"
    try:
        package = Package.model_validate_json(path.read_bytes())
    except OSError as error:
        raise NoRelease(f"The release {folder.name} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NoRelease(f"The release {folder.name} has a bad datapackage.json: {where}: {first['msg']}.") from error
    if package.openward.format != SUPPORTED_FORMAT:
        raise NoRelease(
            f"The release {folder.name} has format {package.openward.format}; "
            f"this portal reads format {SUPPORTED_FORMAT}: upgrade it, or publish again."
        )
    return package
