"""Services, departments, boundary layers and what the base map draws."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, field_validator

from etl.config.base import Slug, Strict

TAKEN_NAMES = frozenset(
    "source service_request_id service_code service_name service_group department agency_responsible status outcome "
    "channel requested_datetime updated_datetime expected_datetime closed_datetime requested_date address lat long "
    "location_source location_note location_precision geocode_method geocode_score geocode_radius_m "
    "geocode_address geocode_alternatives nearest_address response_hours on_time flags synthetic "
    "incident_id incident_report incident_reports repeat_of reopened suspicious "
    "geometry rid month closed_month event elapsed_minutes elapsed_bin elapsed_key elapsed_code elapsed_coarse facet cell "
    "gx gy hilbert service group area from to lang by figure layer key areas".split()
)
"""Columns of a release, keys of its addresses, and what stands for the whole city: a boundary layer is called otherwise."""


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
