"""The JSON API, `/api/v1`: the questions of `portal.queries` over HTTP, and nothing of its own.

Every answer names its release, so that a figure can be cited. Errors are problem JSON (RFC 9457).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

import duckdb
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from portal import queries, tables_asked
from portal.answered import not_modified
from portal.answers import (
    Choice,
    Exclusion,
    FieldDoc,
    FileDoc,
    GroupRow,
    LocatedBy,
    MonthRow,
    Quality,
    ReleaseDoc,
    RequestRow,
    ResponseTime,
    Totals,
)
from portal.context import Asked, Chosen, Current, next_link, onward
from portal.context import releases as folder_of
from portal.errors import NoStatus, NotFound
from portal.figures.location_band import Band
from portal.package import Channel, City, Layer
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.lists import rows_at
from portal.queries.ordered import MAX_OFFSET, MAX_ROWS
from portal.queries.paged import paged
from portal.queries.paged import total as total_of
from portal.queries.tabled import Ask
from portal.release import Release
from portal.status import Status, read_status
from portal.tables import table
from portal.tables_written import json_line, named

T = TypeVar("T")

PREFIX = "/api/v1"
NEWEST: Final = "-requested_datetime"
FRESH_SECONDS = 60
"""How long a client may go on with an answer without asking whether there is a new release."""

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(
    prefix=PREFIX,
    tags=["figures"],
    responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM},
)


class Cited(BaseModel):
    """What every answer says of itself."""

    release_id: str
    as_of: datetime = Field(description="when the data was taken; open requests are censored then")
    query: str = Field(default="", description="the selection in canonical form; empty: all requests")


class Single(Cited, Generic[T]):
    """An answer that is one thing."""

    result: T


class Many(Cited, Generic[T]):
    """An answer that is a list."""

    rows: list[T]


class Paged(Many[T], Generic[T]):
    """A part of a long list."""

    total: int
    limit: int
    offset: int
    cursor: str | None = Field(default=None, description="for the page after this one; null after the last")
    next: str | None = Field(default=None, description="address of the page after this one; null after the last")


@dataclass(frozen=True)
class AreaBand(Band):
    """The band of one area."""

    area: str


class About(BaseModel):
    """The current release."""

    release_id: str
    created: datetime
    as_of: datetime
    city: City
    layers: tuple[Layer, ...]
    channels: tuple[Channel, ...]
    counts: dict[str, int]
    standards: str
    files: list[FileDoc]
    fields: list[FieldDoc]
    exclusions: list[Exclusion]


Dimension = Annotated[
    str,
    Path(description="service, group, department, status, outcome, channel, on_time or a boundary layer's name"),
]


@router.get("/release")
def release(now: Current, response: Response) -> About:
    """The current release: city, layers, files, data dictionary, and what it leaves out."""
    _cite(now, response)
    about = now.package.openward
    return About(
        release_id=now.id,
        created=about.created,
        as_of=about.as_of,
        city=about.city,
        layers=now.layers,
        channels=about.channels,
        counts=about.counts,
        standards=about.standards,
        files=queries.files(now),
        fields=queries.dictionary(now),
        exclusions=queries.exclusions(now),
    )


@router.get("/releases")
def releases(now: Current, response: Response) -> Many[ReleaseDoc]:
    """The chain of releases, newest first."""
    _cite(now, response)
    return Many(rows=queries.chain(now), release_id=now.id, as_of=now.as_of)


@router.get("/status", response_model=Status, responses={304: {"description": "as the ETag names it"}})
def status(request: Request) -> Response:
    """How fresh each source is and how its last runs went, also when nothing was published. No release is needed."""
    found = read_status(folder_of(request).path)
    if found.status is None:
        if found.unreadable:
            raise NoStatus("status.json beside the releases cannot be read; the next run writes it anew.")
        raise NotFound("There is no status.json beside the releases: no run has written one yet.")
    headers = {"Cache-Control": "no-cache", "ETag": found.etag}
    return not_modified(request, headers) or Response(
        found.status.model_dump_json(), media_type="application/json", headers=headers
    )


@router.get("/totals")
def totals(chosen: Chosen, response: Response) -> Single[Totals]:
    """Counts of the selected requests."""
    return _single(chosen, response, queries.totals(chosen.release, chosen.selection))


@router.get("/response")
def response_time(chosen: Chosen, response: Response) -> Single[ResponseTime]:
    """Hours from request to closing: Kaplan–Meier quantiles with 95% bands, open requests censored."""
    return _single(chosen, response, queries.response(chosen.release, chosen.selection))


@router.get("/quality")
def quality(chosen: Chosen, response: Response) -> Single[Quality]:
    """How well the selected requests are located and timed."""
    return _single(chosen, response, queries.quality(chosen.release, chosen.selection))


@router.get("/located")
def located(chosen: Chosen, response: Response) -> Single[LocatedBy]:
    """How the selected requests were placed: at the source's point, by the geocoder and how, or not at all."""
    return _single(chosen, response, queries.located(chosen.release, chosen.selection))


@router.get("/location-bands/{layer}")
def location_bands(
    layer: Annotated[str, Path(description="a boundary layer's name", max_length=80)],
    chosen: Chosen,
    response: Response,
) -> Many[AreaBand]:
    """Each area's total as drawn, and the band that holds the true one in 95 of 100 cases, given uncertain locations.

    No row where the release does not tell, or no selected request is uncertain.
    """
    found = queries.location_bands(chosen.release, layer, chosen.selection)
    rows = [
        AreaBand(b.requests, b.expected, b.low, b.high, b.uncertain, area=area) for area, b in sorted(found.items())
    ]
    return _many(chosen, response, rows)


@router.get("/monthly")
def monthly(chosen: Chosen, response: Response) -> Many[MonthRow]:
    """One row a month."""
    return _many(chosen, response, queries.monthly(chosen.release, chosen.selection))


@router.get("/by/{dimension}")
def by(
    dimension: Dimension,
    chosen: Chosen,
    response: Response,
    limit: Annotated[int | None, Query(ge=1, le=10_000, description="the largest groups only")] = None,
) -> Many[GroupRow]:
    """One row a value of a dimension, most requests first."""
    return _many(chosen, response, queries.by(chosen.release, chosen.selection, dimension, limit))


@router.get("/choices/{dimension}")
def choices(dimension: Dimension, now: Current, response: Response) -> Many[Choice]:
    """Values that a filter may take."""
    _cite(now, response)
    return Many(rows=queries.choices(now, dimension), release_id=now.id, as_of=now.as_of)


@router.get("/requests")
def requests(
    request: Request,
    chosen: Chosen,
    response: Response,
    limit: Annotated[int, Query(ge=0, le=MAX_ROWS)] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    cursor: Annotated[str, Query(max_length=2000, description="where the page before said that this one begins")] = "",
    sort: Annotated[
        str, Query(max_length=500, description="fields with commas, a minus before those that fall")
    ] = NEWEST,
    fields: Annotated[
        str | None,
        Query(max_length=2000, description="names with commas: rows are then as those of /api/v1/tables/requests"),
    ] = None,
) -> Paged[RequestRow | dict[str, Any]]:
    """The selected requests, newest first where no other order is asked for. For all of them download a file."""
    now = chosen.release
    _cite(now, response)
    of = table(now, "requests")
    ask = Ask(of, chosen.selection, order=tables_asked.order(of, sort or NEWEST))
    line = [json_line(of, named(of, fields))] if fields else []
    try:
        found, total = paged(now, ask, line, limit, cursor, offset), total_of(now, ask)
    except duckdb.Error as error:
        raise tables_asked.refused(error) from error
    rows: list[RequestRow | dict[str, Any]]
    rows = [json.loads(text) for text in found.rows["line"].to_pylist()] if fields and limit else []
    rows = rows if fields else [_zoned(row) for row in rows_at(now, found.at)]
    further = None
    if found.cursor:
        further = onward(request, {"cursor": found.cursor}, ("offset",))
        response.headers.update(next_link(further))
    response.headers["X-Total-Count"] = str(total)
    return Paged(
        rows=rows,
        total=total,
        limit=limit,
        offset=offset,
        cursor=found.cursor or None,
        next=further,
        release_id=now.id,
        as_of=now.as_of,
        query=chosen.selection.to_query(),
    )


@router.get("/requests/{service_request_id:path}")
def request(
    service_request_id: Annotated[str, Path(max_length=200)],
    now: Current,
    response: Response,
    source: Annotated[str | None, Query(max_length=80, description="where two sources use the same id")] = None,
) -> Single[RequestRow]:
    """One request."""
    _cite(now, response)
    row = _zoned(queries.request(now, service_request_id, source))
    return Single(result=row, release_id=now.id, as_of=now.as_of)


def _single(chosen: Asked, response: Response, result: T) -> Single[T]:
    _cite(chosen.release, response)
    query = chosen.selection.to_query()
    return Single(result=result, release_id=chosen.release.id, as_of=chosen.release.as_of, query=query)


def _many(chosen: Asked, response: Response, rows: list[T]) -> Many[T]:
    _cite(chosen.release, response)
    query = chosen.selection.to_query()
    return Many(rows=rows, release_id=chosen.release.id, as_of=chosen.release.as_of, query=query)


def _cite(now: Release, response: Response) -> None:
    response.headers["X-Openward-Release"] = now.id
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"


def _zoned(row: RequestRow) -> RequestRow:
    """The row with its UTC times marked as such."""
    names = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")
    stated = {name: getattr(row, name) for name in names}
    return replace(row, **{name: t.replace(tzinfo=UTC) for name, t in stated.items() if t is not None})
