"""What each tool answers: typed, from which its output schema is made. Every answer says what it is of and where it stands.

Charter: shapes, and the part that all answers share; values come from `portal.queries`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from portal.answers import Choice, GroupRow, RequestRow, ResponseTime, Totals
from portal.cited import permanent
from portal.components.links import address
from portal.package import Channel, Layer, License
from portal.places import Around
from portal.release import Release
from portal.selection import Selection

SYNTHETIC = "SYNTHETIC: this city is made up. No request, place or figure here is real."


class Source(BaseModel):
    """What every answer says of itself."""

    release_id: str
    as_of: datetime = Field(description="when the data was taken; what was open then is open here")
    synthetic: str | None = Field(description="set where the city is made up: say so with every figure")
    selection: str = Field(description="what the answer is of, in words")
    query: str = Field(description="the selection in canonical form; empty: all requests")
    license: License
    attribution: str
    page: str = Field(description="the same for people")
    receipt: str = Field(description="what the figures mean, what they leave out, and SQL that makes them again")
    api: str = Field(description="the same over HTTP, without MCP")
    cite: str = Field(description="an address that goes on showing what was told here, whatever is published later")


def source(
    release: Release,
    base: str,
    *,
    page: str,
    api: str,
    selection: Selection | None = None,
    said: str = "",
    receipt: str = "counts",
) -> dict[str, Any]:
    """That part. `page` is a path of pages, `api` of `/api/v1` with its query."""
    chosen = selection or Selection()
    return {
        "release_id": release.id, "as_of": release.as_of, "synthetic": SYNTHETIC if release.city.synthetic else None,
        "selection": said or chosen.sentence(release), "query": chosen.to_query(), "license": release.city.license,
        "attribution": release.city.attribution, "page": base + address(page, selection),
        "receipt": base + address(f"/receipts/{quote(receipt, safe='')}", selection), "api": base + api,
        "cite": base + permanent(release.id, chosen),
    }  # fmt: skip


class TableField(BaseModel):
    """A field; `kind` is what conditions compare it with, null: nothing."""

    name: str
    kind: str | None
    title: str = ""
    description: str = ""
    unit: str = ""


class TableAbout(BaseModel):
    """A table of the release."""

    table: str
    title: str
    rows: int
    fields: list[TableField] | list[str]


class Values(BaseModel):
    """Some values of a dimension, and how many there are in all."""

    total: int
    rows: list[Choice]


class Described(Source):
    """The city and what its release holds."""

    city: str
    region: str
    timezone: str
    bbox: tuple[float, float, float, float] = Field(description="west, south, east, north in degrees")
    created: datetime
    counts: dict[str, int]
    tables: list[TableAbout]
    layers: list[Layer]
    channels: list[Channel]
    services: Values
    groups: Values
    departments: Values


class Listed(Source):
    """Values that an argument may take, with how many requests have each."""

    dimension: str
    total: int
    rows: list[Choice]


class Found(Source):
    """Requests of a page; `total` counts all that are selected, exactly."""

    total: int
    cursor: str | None = Field(description="for the next page; null after the last")
    rows: list[dict[str, Any]]


class Grouped(Source):
    """Groups; `total` counts all of them, exactly."""

    total: int
    limit: int
    offset: int
    rows: list[dict[str, Any]]


class Timed(Source):
    """Counts, and hours from report to closing with 95% intervals: Kaplan-Meier, open requests censored."""

    sentences: list[str] = Field(description="the figures in words")
    totals: Totals
    response: ResponseTime
    groups: list[GroupRow] | None = Field(description="of each value of `by`, most requests first")


class OneRequest(Source):
    """One request as published; times are UTC."""

    request: RequestRow


class AreaHere(BaseModel):
    """An area; `value` is what the argument `area` takes."""

    value: str
    layer: str
    area: str
    name: str | None
    valid_from: str | None
    valid_to: str | None
    population: int | None
    page: str


class Here(Source):
    """Areas of every layer that hold the point, or lie within the distance."""

    areas: list[AreaHere]
    around: Around | None = Field(
        description="nearest address, block and crossing, where the release has an address index"
    )


class Citation(Source):
    """How to cite it; `url` goes on showing what was cited."""

    url: str
    citation: str
