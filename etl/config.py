"""A city as one YAML file: the schema, its defaults and its error messages.

Charter: what a city may say about itself and nothing else. Reading data,
touching a database or knowing a column of a particular city stays out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from etl.errors import ConfigError

MAX_CONFIG_BYTES = 2_000_000

Outcome = Literal["done", "no_action", "not_found", "duplicate", "referred", "unknown"]
Status = Literal["open", "closed"]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Publishable = Literal["address", "location", "agency_responsible"]

TIME_FIELDS = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")
TAKEN_NAMES = frozenset(
    "source service_request_id service_code service_name service_group department agency_responsible status outcome "
    "channel requested_datetime updated_datetime expected_datetime closed_datetime requested_date address lat long "
    "location_source location_note geocode_method geocode_score geocode_radius_m response_hours on_time flags synthetic "
    "geometry rid month closed_month event elapsed_minutes elapsed_bin elapsed_key elapsed_code elapsed_coarse facet cell "
    "gx gy hilbert service group area from to lang by figure layer key areas".split()
)
"""Columns of a release and keys of its addresses: a boundary layer must be called otherwise."""
TEXT_FIELDS = (
    "service_request_id",
    "service_code",
    "service_name",
    "service_group",
    "agency_responsible",
    "department",
    "status",
    "status_notes",
    "channel",
    "address",
    "zip",
    "media_url",
)


class Strict(BaseModel):
    """Base of every part: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not a time zone of the IANA database, such as America/New_York") from error
    return value


class License(Strict):
    """The licence that the releases are published under."""

    name: str = Field(description="identifier, such as PDDL-1.0")
    title: str
    path: str = Field(description="URL of the licence text", pattern=r"^https?://")


class City(Strict):
    """Who the city is, and how it measures time and distance."""

    id: Slug
    name: str
    region: str = ""
    title: str = Field(default="", description="name of the portal; default: '<name> service requests'")
    timezone: str
    crs: str = Field(description="projected CRS in metres, for distances: 'EPSG:26986'")
    bbox: tuple[float, float, float, float] = Field(
        description="west, south, east, north in degrees; a point outside is not believed"
    )
    synthetic: bool = Field(default=False, description="marks every page and file as not real")
    languages: tuple[str, ...] = ("en",)
    contact: str = Field(default="", description="e-mail or URL of the data officer")
    accent: str = Field(default="#0b5cad", pattern=r"^#[0-9a-fA-F]{6}$")
    license: License
    attribution: str = ""

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return _known_zone(value)

    @field_validator("crs")
    @classmethod
    def _metric_crs(cls, value: str) -> str:
        try:
            crs = CRS.from_user_input(value)
        except CRSError as error:
            raise ValueError("not a coordinate reference system, such as EPSG:26986") from error
        if not crs.is_projected or crs.axis_info[0].unit_name not in ("metre", "meter"):
            raise ValueError("must be a projected CRS in metres, such as EPSG:26986")
        return value

    @field_validator("bbox")
    @classmethod
    def _ordered_bbox(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("must be west, south, east, north in degrees, west < east and south < north")
        return value


class TimeColumn(Strict):
    """A column of clock times: which, in which formats (tried in order), in which zone."""

    column: str
    formats: tuple[str, ...] = Field(default=("ISO8601",), description="strptime formats, or ISO8601")
    timezone: str | None = Field(default=None, description="zone of the column; default: the city's")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return None if value is None else _known_zone(value)

    @field_validator("formats")
    @classmethod
    def _formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for fmt in value:
            if fmt == "ISO8601":
                continue
            if "%" not in fmt:
                raise ValueError(f"'{fmt}' is no strptime format, such as '%m/%d/%Y %I:%M:%S %p', and not ISO8601")
            if "%z" in fmt or "%Z" in fmt:
                raise ValueError(f"'{fmt}': a time that states its offset is read as ISO8601")
            try:
                duckdb.execute("SELECT try_strptime('', ?)", [fmt])
            except duckdb.Error as error:
                raise ValueError(f"'{fmt}' is no strptime format, such as '%m/%d/%Y %I:%M:%S %p'") from error
        return value


class LatLong(Strict):
    """Two columns of degrees (EPSG:4326)."""

    lat: str
    long: str


class PointColumn(Strict):
    """One column such as '(37.77, -122.39)', latitude first."""

    point: str


class Projected(Strict):
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


class RequestSource(Strict):
    """A file of service requests and what its columns mean."""

    kind: Literal["file"] = "file"
    path: str | None = Field(default=None, description="default input; --input NAME=FILE overrides it")
    format: Literal["csv"] = "csv"
    delimiter: str = Field(default=",", description="one character, or \\t for a tab")
    encoding: str = "utf-8"
    null_values: tuple[str, ...] = ("", "NA", "N/A", "NULL", "null")
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

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = "\t" if value in ("\\t", "tab") else value
        if len(value) != 1:
            raise ValueError("must be one character, such as ',' or ';', or \\t for a tab")
        return value

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

    def source_columns(self) -> list[str]:
        """Names of every column of the file that the mapping needs, in a stable order, once each."""
        names: list[str] = [s.column if isinstance(s, TimeColumn) else s for s in self.columns.values()]
        names += list(self.areas.values())
        for location in self.locations:
            names += [str(v) for k, v in location.model_dump().items() if k != "crs"]
        names += [rule.column for rule in self.outcomes if rule.column]
        return list(dict.fromkeys(names))


class ServiceInfo(Strict):
    """What the city says of one service, over what the records say."""

    name: str | None = None
    group: str | None = None
    department: str | None = None
    target_hours: float | None = Field(default=None, gt=0, description="the standard: hours to close")


class Department(Strict):
    """A department's code is its key in the file."""

    name: str


class BoundaryFile(Strict):
    """One vintage of a layer: a file that geopandas reads, and when it was in force."""

    path: str
    area: str = Field(description="column of the area's code")
    name: str | None = Field(default=None, description="column of the display name; default: the code")
    population: str | None = None
    valid_from: dt.date | None = Field(default=None, description="first day in force")
    valid_to: dt.date | None = Field(default=None, description="first day not in force")


class Layer(Strict):
    """A way of dividing the city: by polygons, or by what the source states where there are none."""

    layer: Slug
    title: str
    plural: str
    files: tuple[BoundaryFile, ...] = ()
    normalise: Literal["text", "number", "zip"] = Field(
        default="text", description="number: 'Ward 3', '03' and '3.0' are all 3; zip: '2111.0' is 02111"
    )
    area_title: str = Field(default="{area}", description="display name made from a stated code: 'Ward {area}'")

    @field_validator("layer")
    @classmethod
    def _free_name(cls, value: str) -> str:
        if value in TAKEN_NAMES:
            raise ValueError("is the name of a column of the release; give the layer another one")
        return value

    @field_validator("area_title")
    @classmethod
    def _names_the_area(cls, value: str) -> str:
        try:
            value.format(area="1")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError("may name {area} only, such as 'Ward {area}'") from error
        return value


class BasemapFile(Strict):
    """What the base map draws: streets, water, parks."""

    kind: Literal["street", "water", "park", "land", "rail"]
    path: str
    name: str | None = None
    rank: str | None = Field(default=None, description="column, 1 = most important; default 3")


class Privacy(Strict):
    """Deny by default: what is not named here does not leave."""

    publish: tuple[Publishable, ...] = ()


class CityConfig(Strict):
    """The whole file."""

    city: City
    sources: dict[Slug, RequestSource] = Field(min_length=1)
    services: dict[str, ServiceInfo] = {}
    departments: dict[str, Department] = {}
    channels: dict[Slug, str] = Field(default={}, description="channel -> title")
    layers: tuple[Layer, ...] = ()
    basemap: tuple[BasemapFile, ...] = ()
    privacy: Privacy = Privacy()

    @model_validator(mode="after")
    def _layers_agree(self) -> CityConfig:
        names = [layer.layer for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError("layers: each layer's name must be unique")
        for source_name, source in self.sources.items():
            for layer in source.areas:
                if layer not in names:
                    raise ValueError(
                        f"sources.{source_name}.areas: '{layer}' is not a layer; allowed: {', '.join(names)}"
                    )
        return self

    def fingerprint(self) -> str:
        """sha256 of the configuration's meaning; layout and comments do not change it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


KINDS = frozenset(["str", "TimeColumn", "LatLong", "PointColumn", "Projected", "datetime", "literal['newest']"])
"""How pydantic names the kinds that a value may be of; they say nothing to a reader of the YAML."""


def _one_line(error: ValidationError) -> str:
    """The first mistake as 'key: found …; allowed …', and how many more there are."""
    mistakes = error.errors()
    # Where a value may be of several kinds, each kind has its mistake: the one that got furthest says most.
    where = [part for part in mistakes[0]["loc"] if part not in KINDS]
    alike = [m for m in mistakes if [p for p in m["loc"] if p not in KINDS][: len(where)] == where]
    first = max(alike, key=lambda mistake: len(mistake["loc"]))
    parts = [str(part) for part in first["loc"] if part not in KINDS]
    key = ".".join(parts) or "the file"
    found: Any = first.get("input")
    message = first["msg"].removeprefix("Value error, ")
    if parts and parts[-1] == "[key]":
        key, message = ".".join(parts[:-2]), f"the key {found!r} is not text to YAML; put it in quotes"
    if first["type"] == "extra_forbidden":
        message = "is not a key of this section"
    text = f"{key}: {message}"
    if not isinstance(found, (dict, list, tuple, BaseModel)) and first["type"] != "missing":
        shown = repr(found)
        text += f" (found {shown if len(shown) <= 80 else shown[:77] + '…'})"
    if len(mistakes) > 1:
        text += f"; and {len(mistakes) - 1} more"
    return " ".join(text.split())


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML's safe loader, but a key that is given twice is a mistake and not the last one's word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' is given twice; keep one of them", key_node.start_mark
                )
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_city(path: Path) -> CityConfig:
    """Read and validate a city's YAML; ConfigError names the file, the key, what was found and what is allowed."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a city's YAML file") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: {len(raw):,} bytes is no configuration; the limit is {MAX_CONFIG_BYTES:,}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    try:
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        if "\\t" in problem or "\t" in problem:
            problem = "a tab; YAML is indented with spaces"
        raise ConfigError(f"{path}{where}: {' '.join(str(problem).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds {type(data).__name__}, not a mapping with the keys city, sources, …")
    try:
        return CityConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_one_line(error)}") from error
