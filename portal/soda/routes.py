"""`/resource/{name}.json|csv|geojson`: SODA 2.1 over HTTP.

Charter: thin: parameters to a projection, its rows to a stream. The answers are those of `portal.queries.projected`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import format_datetime
from typing import Final

import pyarrow as pa
from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from portal.answered import joined, listed, not_modified, of_question
from portal.context import Current
from portal.errors import NotFound
from portal.queries import projected
from portal.queries.projection import Column, Writer, columns
from portal.release import Release
from portal.soda import written
from portal.soda.asked import SYSTEM, asked
from portal.soda.datasets import dataset, type_of
from portal.soda.errors import SodaRoute
from portal.soda.written import MEDIA_TYPES, Form
from portal.tables import Table

_WRITERS: Final[dict[Form, Writer]] = {
    "json": written.json_row, "csv": written.csv_row, "geojson": written.geojson_row,
}  # fmt: skip
_CRS: Final = '"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}'
router = APIRouter(route_class=SodaRoute, include_in_schema=False)


@router.get("/resource/{name}", response_class=Response)
def resource(name: str, request: Request, now: Current) -> Response:
    """Rows of a dataset, or figures of their groups, as a query asks for them."""
    stem, form = _form(name, request.headers.get("accept", ""))
    table = dataset(now, stem)
    projection = asked(now, table, request.query_params.multi_items())
    shown = columns(projection)
    headers = headers_of(now, request, form) | {
        "X-SODA2-Fields": json.dumps([column.name for column in shown]),
        "X-SODA2-Types": json.dumps([_type(now, table, column) for column in shown]),
    }
    if known := not_modified(request, headers):
        return known
    lines = projected.lines(now, projection, _WRITERS[form])
    return StreamingResponse(_text(lines, shown, form), media_type=MEDIA_TYPES[form], headers=headers)


def _type(now: Release, table: Table, column: Column) -> str:
    return "fixed_timestamp" if column.name in SYSTEM[1:] else type_of(now, table, column.kind)


def headers_of(now: Release, request: Request, form: str) -> dict[str, str]:
    """What every answer says of itself; a release and a question make one answer, so the ETag is known beforehand."""
    changed = format_datetime(now.created.replace(microsecond=0), usegmt=True)
    return {
        "X-Openward-Release": now.id,
        "ETag": of_question(request, now, form),
        "Last-Modified": changed,
        "X-SODA2-Truth-Last-Modified": changed,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }


def _form(name: str, accepted: str) -> tuple[str, Form]:
    """The dataset's name and the format: by the ending, or by what the client accepts."""
    stem, dot, ending = name.rpartition(".")
    if dot and ending in MEDIA_TYPES:
        return stem, ending
    if dot:
        raise NotFound(f"There is no format '{ending[:20]}'; there are: {', '.join(MEDIA_TYPES)}.")
    if "text/csv" in accepted:
        return name, "csv"
    return name, "geojson" if "geo+json" in accepted else "json"


def _text(lines: Iterator[pa.ChunkedArray], columns: list[Column], form: Form) -> Iterator[bytes | memoryview]:
    """The whole answer in parts, as Socrata lays it out."""
    if form == "csv":
        yield (written.csv_head(columns) + "\n").encode()
        for part in filter(len, lines):
            yield joined(part, "\n")
            yield b"\n"
        return
    opening, closing = ("[", "]\n") if form == "json" else ('{"type":"FeatureCollection","features":[', f"],{_CRS}}}\n")
    yield opening.encode()
    yield from listed(lines, "\n,")
    yield closing.encode()
