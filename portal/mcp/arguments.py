"""What each tool takes: typed, described and bounded, from which its input schema is made.

Charter: shapes of arguments, and the selection among them as the query that `/api/v1` takes; what values mean is told and
checked where that query is read.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from portal.declared import SEVERAL
from portal.selection_query import KEYS, MAX_LONG_CHARS, MAX_VALUE_CHARS, MAX_VALUES

MOST_ROWS: Final = 100
"""Rows, groups or values of one answer."""
MOST_METRES: Final = 5_000

Value = Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
Long = Annotated[str, StringConstraints(max_length=MAX_LONG_CHARS)]
Values = Annotated[list[Value], Field(max_length=MAX_VALUES)]


class Nothing(BaseModel):
    """No arguments."""

    model_config = ConfigDict(extra="forbid")


class Selected(Nothing):
    """Which requests: all where nothing is given. Several values of one argument are alternatives, arguments add up."""

    service: Values = Field([], description="codes of services, as list_values tells them")
    group: Values = Field([], description="groups of services")
    department: Values = Field([], description="codes of departments")
    status: Values = Field([], description="open, closed")
    outcome: Values = Field([], description="done, no_action, not_found, duplicate, referred, unknown")
    channel: Values = Field([], description="how they were reported")
    on_time: Values = Field([], description="on_time, late, pending, no_standard")
    area: Values = Field([], description="areas as layer:code, such as district:3; areas_at and list_values tell codes")
    age: Value = Field("", description="whole days open, first included, second not: 7-30, 90-, -7", examples=["90-"])
    from_: Value = Field("", alias="from", description="first day of reporting, in the city's time: 2025-01-31")
    to: Value = Field("", description="last day of reporting, in the city's time")
    filter: Long = Field(
        "",
        description="a condition in CQL2 text on any published field, also functions of them",
        examples=["response_hours > 240 AND CASEI(service_name) LIKE '%street%'"],
    )
    near: Value = Field(
        "", description="latitude,longitude,meters: within that distance", examples=["42.3521,-71.06,300"]
    )
    within: Long = Field("", description="an outline as an encoded polyline: latitude first, five decimals")

    def query(self) -> str:
        """As a query of `/api/v1`; (none) stands for requests that state nothing."""
        given = self.model_dump(by_alias=True, include={"from_" if key == "from" else key for key in KEYS})
        pairs = [(key, value) for key in KEYS for value in (given[key] if key in SEVERAL else [given[key]]) if value]
        return urlencode(pairs)


Limit = Annotated[int, Field(ge=0, le=MOST_ROWS)]
Offset = Annotated[int, Field(ge=0, le=1_000_000)]


class Describe(Nothing):
    """A table, or all of them."""

    table: Value = Field("", description="tell the fields of this table with types and descriptions; none: only names")


class ListValues(Nothing):
    """Values of a dimension."""

    dimension: Value = Field(
        description="service, group, department, status, outcome, channel, on_time or a layer's name"
    )
    contains: Value = Field("", description="only values whose code or name contains this text, whatever its case")
    limit: Limit = 50
    offset: Offset = 0


class Find(Selected):
    """Requests, by pages."""

    fields: Annotated[list[Value], Field(max_length=60)] = Field(
        [], description="fields of the table requests; all without"
    )
    sort: Value = Field("-requested_datetime", description="fields with commas, a minus before those that fall")
    limit: Limit = Field(20, description="0: only the exact total")
    cursor: Annotated[str, StringConstraints(max_length=2000)] = Field("", description="`cursor` of the page before")


class Group(Selected):
    """Figures of groups of requests."""

    by: Annotated[list[Value], Field(max_length=10)] = Field(
        [], description="fields and functions of them", examples=[["service_code", "month_start(requested_datetime)"]]
    )
    figures: Annotated[list[Value], Field(min_length=1, max_length=10)] = Field(
        ["count"],
        description="count, and count, sum, avg, min, max, median, p25, p75, p90, stddev, count_distinct of a field",
        examples=[["count", "count_distinct(department)"]],
    )
    having: Long = Field("", description="which groups: CQL2 text on these columns", examples=["count > 100"])
    sort: Value = Field("", description="columns of the answer with commas, a minus before those that fall: -count")
    limit: Limit = 50
    offset: Offset = 0


class Times(Selected):
    """Response times of what is selected, and of its groups."""

    by: Value = Field(
        "", description="also of each value of a dimension: service, group, department, channel or a layer's name"
    )
    limit: Limit = Field(20, description="the largest groups only")


class One(Nothing):
    """A request's number."""

    service_request_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    source: Value = Field("", description="where two sources use the same number")


class Point(Nothing):
    """A place on earth, WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    long: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    meters: Annotated[int, Field(ge=0, le=MOST_METRES)] = Field(0, description="also areas within so many meters")


class Cite(Selected):
    """What is to be cited."""

    format: Literal["text", "bibtex", "csl", "ris"] = "text"
    release: Annotated[str, StringConstraints(max_length=40)] = Field(
        "", description="a release's id; none: the current one"
    )
