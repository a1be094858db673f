"""Who the city is, and how it measures time and distance."""

from __future__ import annotations

from pydantic import Field, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from etl.config.base import Slug, Strict, known_zone


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
        return known_zone(value)

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
