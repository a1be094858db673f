"""Any table of a release over HTTP, `/api/v1/tables`: what it holds, its rows by pages, and figures of groups of them.

Charter: thin: a query read by `portal.tables_asked`, rows of `portal.queries.paged`, in JSON or CSV. Every page tells the exact
number of all rows and the address of the next one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, TypeVar

import duckdb
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from portal import tables_asked
from portal.api import FRESH_SECONDS, PREFIX, Cited, Many, Single
from portal.context import Current, base_of, next_link, onward, query_of
from portal.declared import selection_keys
from portal.groups_asked import Asked, groups
from portal.kept import Answers
from portal.plain_texts import harmless
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.paged import MOST_OFFSET, paged, total
from portal.queries.tabled import MAX_ROWS, Ask
from portal.release import Release
from portal.tables import GEOMETRY, Table, table, tables
from portal.tables_written import csv_line, json_line, named

CSV_TYPE: Final = "text/csv; charset=utf-8"
OWN: Final = ("fields", "sort", "limit", "offset", "cursor", "format")
OF_GROUPS: Final = ("by", "figures", "having", "sort", "limit", "offset", "format")
KEEP_UP_TO: Final = 100
PAGES: Final = ("pages of tables",)
PAGES_KEPT: Final = 64
"""So many pages of so many rows are kept for each release: some 200 kB each at the most."""
T = TypeVar("T")

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(prefix=f"{PREFIX}/tables", tags=["tables"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})


class TableDoc(BaseModel):
    """A table of the release."""

    table: str
    title: str
    description: str
    rows: int
    key: list[str] = Field(description="fields that name one row; none where nothing does")
    geometry: bool
    href: str = Field(description="address of its rows")


class TableField(BaseModel):
    """A field; `kind` is what conditions can compare it with: text, number, bool, date, time, geometry; null: with nothing."""

    name: str
    type: str
    kind: str | None
    title: str
    description: str
    unit: str
    required: bool


class TableDetail(TableDoc):
    """A table with its fields."""

    fields: list[TableField]


class TablePage(Cited):
    """A page of a table, or of groups of its rows."""

    table: str
    total: int = Field(description="all rows (or groups) that the query selects, exactly")
    limit: int
    offset: int
    cursor: str | None = Field(description="for the page after this one; null after the last, and of groups")
    next: str | None = Field(description="address of the page after this one; null after the last")
    rows: list[dict[str, Any]]


Name = Annotated[str, Path(max_length=80, description="name of a table, as /api/v1/tables lists them")]
Limit = Annotated[int, Query(ge=0, le=MAX_ROWS, description="so many rows at most")]
Offset = Annotated[
    int, Query(ge=0, le=MOST_OFFSET, description="so many rows are left out first; pages by cursor are quicker")
]
Language = Annotated[
    Literal["cql2-text", "cql2-json"], Query(alias="filter-lang", description="the language of `filter`")
]
Format = Annotated[
    Literal["json", "csv"] | None, Query(alias="format", description="without it, as the Accept header prefers")
]
_CSV_TOO: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "the rows"},
}
Declared = Depends(selection_keys)


@router.get("")
def list_tables(now: Current, request: Request, response: Response) -> Many[TableDoc]:
    """The tables of the release that can be asked for rows."""
    _cite(now, response)
    found = [TableDoc(**_about(now, of, request)) for of in tables(now).values()]
    return Many(rows=found, release_id=now.id, as_of=now.as_of)


@router.get("/{name}")
def describe_table(name: Name, now: Current, request: Request, response: Response) -> Single[TableDetail]:
    """One table: its fields, their types, and the fields that name a row."""
    _cite(now, response)
    of = table(now, name)
    fields = [
        TableField(
            name=field.name,
            type=field.type,
            kind=of.filterable[field.name].kind if field.name in of.filterable else None,
            title=field.title,
            description=field.description,
            unit=field.unit,
            required=bool(field.constraints.get("required", False)),
        )
        for field in of.schema
    ]
    if of.geometry:
        about = "longitude and latitude, WGS 84; told where `fields` names it"
        fields.append(TableField(name=GEOMETRY, type="geojson", kind="geometry", title="Geometry", description=about,
                                 unit="", required=False))  # fmt: skip
    return Single(result=TableDetail(fields=fields, **_about(now, of, request)), release_id=now.id, as_of=now.as_of)


@router.get("/{name}/rows", response_model=TablePage, responses=_CSV_TOO, dependencies=[Declared])
def rows_of_table(
    name: Name,
    now: Current,
    request: Request,
    fields: Annotated[
        str | None, Query(max_length=2000, description="names with commas; all but `geometry` without it")
    ] = None,
    sort: Annotated[
        str | None, Query(max_length=500, description="fields with commas, a minus before those that fall")
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
    cursor: Annotated[str, Query(max_length=2000, description="where the page before said that this one begins")] = "",
    filter_lang: Language = "cql2-text",  # noqa: ARG001 - declared here, read with the query
    form: Format = None,
) -> Response:
    """Rows of any table that a condition in CQL2 leaves; of requests all keys of a selection too. Unknown keys are refused.

    Without `sort` rows come as they lie in the table, which of requests is by place. What is not there comes last.
    """
    of = table(now, name)
    ask = replace(tables_asked.ask(now, of, query_of(request), OWN), order=tables_asked.order(of, sort))
    return page_of(request, now, ask, fields, limit, cursor, offset, form)


def page_of(
    request: Request, now: Release, ask: Ask, fields: str | None, limit: int, cursor: str, offset: int, form: str | None
) -> Response:
    """A page of rows as it was asked for."""
    names = named(ask.table, fields)
    as_csv = _is_csv(request, form)
    line = (csv_line if as_csv else json_line)(ask.table, names)
    try:
        key = (ask.table.name, ask.selection, ask.condition, ask.order, line, limit, cursor, offset)
        found, n = _kept(now, limit, key, lambda: (paged(now, ask, [line], limit, cursor, offset), total(now, ask)))
    except duckdb.Error as error:
        raise tables_asked.refused(error) from error
    lines = found.rows["line"].to_pylist() if limit else []
    further = onward(request, {"cursor": found.cursor}, ("offset",)) if found.cursor else None
    about = {"table": ask.table.name, "total": n, "limit": limit, "offset": offset, "cursor": found.cursor or None}
    if as_csv:
        return _csv_answer(now, "\r\n".join([",".join(names), *lines, ""]), n, further)
    return _json_answer(now, _query(ask), about, ",".join(lines), n, further)


@router.get("/{name}/groups", response_model=TablePage, responses=_CSV_TOO, dependencies=[Declared])
def groups_of_table(
    name: Name,
    now: Current,
    request: Request,
    by: Annotated[
        str | None,
        Query(
            max_length=1000,
            description="fields and functions of them with commas: service_code,month_start(requested_datetime)",
        ),
    ] = None,
    figures: Annotated[
        str, Query(max_length=1000, description="with commas: count,avg(response_hours),median(response_hours)")
    ] = "count",
    having: Annotated[
        str | None,
        Query(
            max_length=2000,
            description="which groups: a condition in CQL2 text on columns of the answer, named as they are asked for",
            examples=["count > 100", "median(response_hours) > 48 AND count >= 10"],
        ),
    ] = None,
    sort: Annotated[
        str | None,
        Query(max_length=1000, description="columns of the answer with commas, a minus before those that fall"),
    ] = None,
    limit: Limit = 1000,
    offset: Offset = 0,
    filter_lang: Language = "cql2-text",  # noqa: ARG001 - declared here, read with the query
    form: Format = None,
) -> Response:
    """Figures of groups of rows: count, sum, avg, min, max, median, p25, p75, p90, stddev and count_distinct of fields.

    They are of the fields as they are: open requests have no `response_hours` and are left out of its mean and median.
    The portal's own figures, with open requests censored and with intervals, are /api/v1/by/{dimension}, /api/v1/monthly,
    /api/v1/response and /api/v1/compare/{dimension}. Times are UTC; `at_zone(field, 'America/New_York')` tells them as
    clocks showed them.
    """
    ask = tables_asked.ask(now, table(now, name), query_of(request), OF_GROUPS)
    found = groups(now, ask, Asked(by, figures, having, sort, limit, offset))
    names, rows, n = list(found.names), found.rows, found.total
    further = onward(request, {"offset": str(offset + limit)}) if rows and offset + len(rows) < n else None
    if _is_csv(request, form):
        return _csv_answer(now, _csv(names, rows), n, further)
    about = {"table": name, "total": n, "limit": limit, "offset": offset, "cursor": None}
    lines = ",".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return _json_answer(now, _query(ask), about, lines, n, further)


def _about(now: Release, of: Table, request: Request) -> dict[str, Any]:
    return {
        "table": of.name, "title": of.title, "description": of.description, "rows": Ask(of).total(now), "key": list(of.key),
        "geometry": of.geometry is not None, "href": f"{base_of(request)}{PREFIX}/tables/{of.name}/rows",
    }  # fmt: skip


def _kept(now: Release, limit: int, key: Any, make: Callable[[], T]) -> T:
    """A short page as it was made before: a release never changes, and first pages are asked for again and again."""
    if limit > KEEP_UP_TO:
        return make()
    pages: Answers = now.constants.get(PAGES, lambda: Answers(PAGES_KEPT))
    return pages.get(key, make)


def _query(ask: Ask) -> str:
    return ask.selection.to_query()


def _is_csv(request: Request, form: str | None) -> bool:
    """By `format`, or by whether the Accept header names CSV before JSON and anything."""
    if form:
        return form == "csv"
    accepted = request.headers.get("accept", "")[:500].lower()
    places = [accepted.find(kind) for kind in ("application/json", "*/*")]
    at = accepted.find("text/csv")
    return at >= 0 and all(place < 0 or at < place for place in places)


def _headers(now: Release, n: int, further: str | None) -> dict[str, str]:
    told = {
        "X-Openward-Release": now.id,
        "Cache-Control": f"public, max-age={FRESH_SECONDS}",
        "X-Total-Count": str(n),
        "Vary": "Accept",
    }
    return told | (next_link(further) if further else {})


def _json_answer(now: Release, query: str, about: dict[str, Any], lines: str, n: int, further: str | None) -> Response:
    as_of = now.as_of.isoformat().replace("+00:00", "Z")
    head = json.dumps(
        {"release_id": now.id, "as_of": as_of, "query": query, **about, "next": further}, ensure_ascii=False
    )
    return Response(
        f'{head[:-1]}, "rows": [{lines}]}}'.encode(), media_type="application/json", headers=_headers(now, n, further)
    )


def _csv_answer(now: Release, text: str, n: int, further: str | None) -> Response:
    return Response(text.encode(), media_type=CSV_TYPE, headers=_headers(now, n, further))


def _csv(names: list[str], rows: list[dict[str, Any]]) -> str:
    """Lines as RFC 4180 has them; what a spreadsheet would run as a formula has a ' in front."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(names)
    for row in rows:
        lines.writerow(harmless(value) if isinstance(value, str) else value for value in row.values())
    return out.getvalue()


def _cite(now: Release, response: Response) -> None:
    response.headers["X-Openward-Release"] = now.id
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
