"""Honest figures over HTTP, `/api/v1`: fair comparison, the backlog of a day, report cards, and the receipt of any figure.

Charter: the questions of `portal.queries` and the texts of `portal.receipts`, bounded and cited, and nothing of its own.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from portal import queries
from portal.answers import GroupRow, RequestRow, ResponseTime, Totals
from portal.answers_expected import Calibration, Forecast
from portal.answers_figures import Backlog, Compared, Shifted, YearAgo
from portal.api import FRESH_SECONDS, PREFIX, Many, Single
from portal.context import Asked, Chosen, Current
from portal.errors import BadRequest, NotFound
from portal.package import file_url
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.expected import calibration, drawn_layer
from portal.queries.expected import expected as expected_of
from portal.queries.report import narrowed, report
from portal.receipts import RECEIPTS, Receipt, receipt
from portal.release import Release
from portal.selection import NOT_STATED, Selection
from portal.text import local

OTHERS = ("department", "channel")
"""What can be compared fairly beside areas: values of other dimensions share no service, or are an outcome themselves."""

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(prefix=PREFIX, tags=["figures"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

Dimension = Annotated[str, Path(description="a boundary layer's name, department or channel", max_length=80)]
Key = Annotated[str, Path(description="code of the area, department or channel", max_length=200)]
Figure = Annotated[str, Path(description=f"one of {', '.join(RECEIPTS)}", max_length=80)]
_ONE_OF = "where the figure is of a "


class ComparedAll(Many[Compared]):
    """All areas of a layer (or departments, channels) beside the city, in the order of the release's own list."""

    late_phi: float = Field(
        description="above 1: they vary more than chance explains; positions are against widened limits"
    )
    times_phi: float = Field(description="the same of closings")


class ReportCard(BaseModel):
    """Every figure of one area, department or channel; `base`, `here`, `ever` are selections in canonical form.

    `base` selects the city in the report's period (the last twelve whole months, unless dates are asked for), `here` the
    place in it, `ever` the place at any time.
    """

    dimension: str
    key: str
    name: str
    base: str
    here: str
    ever: str
    totals: Totals
    city: Totals
    response: ResponseTime
    city_response: ResponseTime
    compared: Compared | None
    late_phi: float = Field(description="as in the comparison")
    year_ago: YearAgo | None
    backlog: Backlog
    backlog_before: Backlog
    oldest: list[RequestRow]
    services: list[GroupRow]
    city_services: dict[str, GroupRow]
    departments: list[GroupRow]
    shifted: list[Shifted]


class ReceiptDoc(BaseModel):
    """How a figure is made, and how to make it again from the release's files."""

    figure: str
    title: str
    definition: str
    excluded: list[str]
    columns: dict[str, str]
    arguments: dict[str, str]
    files: list[str] = Field(description="addresses of the files that the SQL reads")
    sql: str


@router.get("/compare/{dimension}")
def compare(dimension: Dimension, chosen: Chosen, response: Response) -> ComparedAll:
    """Each area beside what the same services lead one to expect: late requests and times, with exact 95% intervals.

    No ranks. `too_few` means that nothing should be said of a row; `position` is where it lies in its funnel plot.
    """
    asked = _without(chosen, _comparable(chosen.release, dimension))
    found = queries.compare(asked.release, asked.selection, dimension)
    return ComparedAll(
        rows=list(found.rows), late_phi=found.late_phi, times_phi=found.times_phi, **_cited(asked, response)
    )


@router.get("/backlog")
def backlog(
    chosen: Chosen,
    response: Response,
    at: Annotated[str, Query(description="a day of the city's clock: 2025-01-31", max_length=10)],
) -> Single[Backlog]:
    """What was open at the end of a day, by how long it had waited."""
    return Single(
        result=queries.backlog(chosen.release, chosen.selection, _day(chosen.release, at)), **_cited(chosen, response)
    )


@router.get("/report/{dimension}/{key:path}")
def report_card(dimension: Dimension, key: Key, chosen: Chosen, response: Response) -> Single[ReportCard]:
    """The report card of one area, department or channel: beside the city, a year ago, and what is still open."""
    asked = _without(chosen, _comparable(chosen.release, dimension))
    names = asked.release.allowed(dimension)
    if key not in names or key == NOT_STATED:
        raise NotFound(f"There is no {dimension} '{key[:40]}' in this release.")
    found = report(asked.release, asked.selection, dimension, key)
    told = {field.name: getattr(found, field.name) for field in fields(found) if field.name in ReportCard.model_fields}
    told |= {name: told[name].to_query() for name in ("base", "here", "ever")}
    told["oldest"] = [_zoned(row) for row in found.oldest]
    return Single(result=ReportCard(name=names[key], **told), **_cited(asked, response))


class ExpectedTime(BaseModel):
    """A forecast, and how well such forecasts held on the last months: both None where too little is known.

    In a forecast `basis` says which requests it stands on: season (this area, the same three months a year before), area
    (this area, the last twelve months), recent (the city, the last twelve months) or service (the city, all of them).
    """

    forecast: Forecast | None
    calibration: Calibration | None


@router.get("/expected/{service}")
def expected(
    service: Annotated[str, Path(description="code of a service", max_length=200)],
    now: Current,
    response: Response,
    area: Annotated[str, Query(description="code of an area of the first drawn layer", max_length=200)] = "",
) -> Single[ExpectedTime]:
    """How long a request of a service that is made now should take: half, and 9 in 10, are closed within these hours.

    Recalibrated on the last three months, and with the share of held-out requests that were within their stated times.
    They are worked out when a release is opened; a few seconds long the answer is 503, with Retry-After.
    """
    if service not in now.allowed("service") or service == NOT_STATED:
        raise NotFound(f"There is no service '{service[:40]}' in this release.")
    layer = drawn_layer(now)
    if area and (layer is None or area not in now.allowed(layer) or area == NOT_STATED):
        raise NotFound(f"There is no area '{area[:40]}' of the layer '{layer}' in this release.")
    told = ExpectedTime(forecast=expected_of(now, service, area or None), calibration=calibration(now))
    return Single(result=told, **_cited(Asked(now, Selection(service=(service,))), response))


def receipt_asked(
    figure: Figure,
    chosen: Chosen,
    dimension: Annotated[str, Query(max_length=80, description=_ONE_OF + "dimension")] = "",
    layer: Annotated[str, Query(max_length=80, description=_ONE_OF + "layer")] = "",
    key: Annotated[str, Query(max_length=200, description=_ONE_OF + "single group")] = "",
    at: Annotated[str, Query(max_length=10, description=_ONE_OF + "day")] = "",
) -> Receipt:
    """The receipt that an address asks for."""
    if at:
        _day(chosen.release, at)
    given = {"dimension": dimension, "layer": layer, "key": key, "at": at}
    return receipt(chosen.release, figure, chosen.selection, given)


Told = Annotated[Receipt, Depends(receipt_asked)]


# Before the route without the ending, which would take it for a part of the figure's name.
@router.get("/receipts/{figure}.sql", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def receipt_sql(
    told: Told,
) -> Response:
    """The SQL of a figure as a file, to be run by DuckDB beside the release's files."""
    return Response(
        told.sql + "\n",
        media_type="text/plain; charset=utf-8",
        headers={
            "X-Openward-Release": told.release_id,
            "Cache-Control": f"public, max-age={FRESH_SECONDS}",
            "Content-Disposition": f'attachment; filename="{told.kind.name}.sql"',
        },
    )


@router.get("/receipts/{figure}")
def receipt_of(
    told: Told,
    chosen: Chosen,
    response: Response,
) -> Single[ReceiptDoc]:
    """What a figure means, what it leaves out, and the SQL that makes it again from the downloaded release."""
    kind = told.kind
    doc = ReceiptDoc(
        figure=kind.name,
        title=kind.title,
        definition=kind.definition,
        excluded=list(kind.excluded),
        columns=kind.columns,
        arguments=told.arguments,
        files=[file_url(told.release_id, name) for name in kind.files],
        sql=told.sql,
    )
    return Single(result=doc, **_cited(chosen, response))


def _comparable(release: Release, dimension: str) -> str:
    known = [layer.layer for layer in release.layers] + list(OTHERS)
    if dimension not in known:
        raise NotFound(f"'{dimension[:40]}' cannot be compared fairly; these can: {', '.join(known)}.")
    return dimension


def _without(chosen: Asked, dimension: str) -> Asked:
    """The selection without the compared dimension: each value is held against all of them."""
    return Asked(chosen.release, narrowed(chosen.selection, dimension, None))


def _day(release: Release, text: str) -> date:
    """A day of the record: not before 1900, and not after the one on which the data was taken."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):  # fromisoformat takes weeks as well
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"at: '{text[:20]}' is not a date such as 2025-01-31.") from None
    last = local(release.as_of, release.city.timezone).date()
    if not date(1900, 1, 1) <= day <= last:
        raise BadRequest(f"at: the data was taken on {last}; give that day, or one before it.")
    return day


def _cited(chosen: Asked, response: Response) -> dict[str, Any]:
    selection: Selection = chosen.selection
    response.headers["X-Openward-Release"] = chosen.release.id
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    return {"release_id": chosen.release.id, "as_of": chosen.release.as_of, "query": selection.to_query()}


def _zoned(row: RequestRow) -> RequestRow:
    """The row with its UTC times marked as such."""
    names = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")
    stated = {name: getattr(row, name) for name in names}
    return replace(row, **{name: t.replace(tzinfo=UTC) for name, t in stated.items() if t is not None})
