"""The public record over HTTP: the chain as it is, whose file a fingerprint is, what differs between releases, citations.

Charter: addresses and formats; what they tell is worked out in `portal.queries` and `portal.cited`.
"""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from portal import cursors
from portal.answered import answered, file_name
from portal.cited import FORMATS, cite
from portal.context import Asked, Current, Declared, base_of, current, next_link, onward, query_of, releases
from portal.errors import NotFound
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.compared import Compared, Kind, Row
from portal.queries.diff import diff, package_of
from portal.queries.fingerprints import described, known, read_fingerprint
from portal.release import Release
from portal.text import answering
from portal.was import selection_then

MOST: Final = 1000
QUESTION: Final = "these releases and this filter"
CHAIN_BYTES: Final = 64 << 20
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_SAME: Final[dict[str, Any]] = {"description": "as the ETag names it"}
router = APIRouter(tags=["record"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

ReleaseId = Annotated[str, PathParameter(max_length=40, description="the id of a release, as in the chain")]


@router.get("/api/v1/chain.jsonl", response_class=Response, responses={304: _SAME})
def chain_file(request: Request, now: Current) -> Response:
    """The chain of releases, the oldest first: a line each with its id, the sha256 of its datapackage.json, the one before."""
    path = releases(request).path / "chain.jsonl"
    try:
        with path.open("rb") as file:
            text = file.read(CHAIN_BYTES)
    except OSError:
        raise NotFound("There is no chain.jsonl beside the releases.") from None
    whole = text[: text.rfind(b"\n") + 1].decode("utf-8", "replace")
    return answered(request, now, whole, "application/x-ndjson", {})


class KnownFile(BaseModel):
    """A file of a release that has the fingerprint."""

    release_id: str
    file: str
    bytes: int | None
    kept: bool = Field(description="it can still be taken from here")


class Fingerprint(BaseModel):
    """Whose file it is."""

    sha256: str
    found: list[KnownFile] = Field(description="empty: it is no file of the releases that are described here")
    releases: int = Field(description="releases in the chain")
    described: int = Field(description="releases whose files' fingerprints are at hand")


@router.get("/api/v1/fingerprints/{sha256}")
def fingerprint(now: Current, sha256: Annotated[str, PathParameter(max_length=80)]) -> Fingerprint:
    """Which release and file a SHA-256 is of."""
    digest = read_fingerprint(sha256)
    files = [KnownFile(release_id=k.release_id, file=k.file, bytes=k.bytes, kept=k.kept) for k in known(now, digest)]
    total, at_hand = described(now)
    return Fingerprint(sha256=digest, found=files, releases=total, described=at_hand)


class FieldChange(BaseModel):
    """A field before and after; times are UTC."""

    field: str
    old: str | None
    new: str | None


class RowChange(BaseModel):
    """A row that differs. Of one that was added or removed all its values are told."""

    change: Kind
    key: dict[str, str | None]
    fields: list[FieldChange]


class Difference(BaseModel):
    """What differs between two releases in a table."""

    before: str
    after: str
    table: str
    query: str = Field(description="the selection in canonical form; empty: all rows")
    key: tuple[str, ...]
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    unchanged: int
    changed_fields: dict[str, int] = Field(description="changed rows by field")
    only_before: tuple[str, ...] = Field(description="fields that only the first release has: they are not compared")
    only_after: tuple[str, ...] = Field(description="fields that only the second release has")
    total: int = Field(description="rows that differ, of the kind and field that were asked for")
    rows: list[RowChange]
    cursor: str = Field(description="what to ask for the next page with; empty after the last one")


def then(request: Request, _: Declared) -> Asked:
    """The selection that the query asks for, of the releases that the address names: values of theirs do as well."""
    release = current(request)
    given = [*request.path_params.values(), request.query_params.get("release", "")]
    return Asked(release, selection_then(release, [one for one in given if one], query_of(request)))


Then = Annotated[Asked, Depends(then)]


@router.get("/api/v1/diff/{before}/{after}", response_model=Difference, responses={304: _SAME})
def difference(
    request: Request, before: ReleaseId, after: ReleaseId, chosen: Then,
    table: Annotated[str, Query(max_length=60)] = "requests",
    kind: Annotated[Literal["", "added", "removed", "changed"], Query(description="only rows of this kind")] = "",
    field: Annotated[str, Query(max_length=60, description="only rows that changed in this field")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
    format: Annotated[Literal["json", "csv"], Query(description="csv: a line for each field that differs")] = "json",
) -> Response:  # fmt: skip
    """Rows added, removed and changed between two releases whose files are kept: exact counts, rows a page at a time."""
    signed = f"{before} {after} {table} {chosen.selection.to_query()} {kind} {field}"
    place = _place(cursor, signed)  # read first: what it goes on from may take seconds to work out
    found = diff(chosen.release, before, after, table, chosen.selection, field=field)
    page = found.page(limit, place, kind, field)
    following = cursors.written(signed, page.after) if page.after is not None else ""
    if format == "csv":
        name = file_name(chosen.release, table, before, after, "changes") + ".csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        if following:
            headers |= next_link(onward(request, {"cursor": following}))
        return answered(request, chosen.release, as_csv(found, page.rows), "text/csv; charset=utf-8", headers)
    told = Difference(
        before=before, after=after, table=table, query=chosen.selection.to_query(), key=found.key,
        rows_before=found.before, rows_after=found.after, **found.counts, unchanged=found.unchanged,
        changed_fields=found.changed_fields, only_before=found.only_before, only_after=found.only_after,
        total=found.total(kind, field), rows=[_change(row) for row in page.rows], cursor=following,
    )  # fmt: skip
    return answered(request, chosen.release, told.model_dump_json(), "application/json", {})


def as_csv(found: Compared, rows: list[Row]) -> str:
    """A line for each field that differs. What a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["change", *found.key, "field", "old", "new"])
    for row in rows:
        key = [_harmless(row.key[name]) for name in found.key]
        for name, old, new in row.fields or [("", None, None)]:
            writer.writerow([row.kind, *key, name, _harmless(old), _harmless(new)])
    return out.getvalue()


def _harmless(value: str | None) -> str:
    text = value or ""
    number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not number else text


def _change(row: Row) -> RowChange:
    fields = [FieldChange(field=name, old=old, new=new) for name, old, new in row.fields]
    return RowChange(change=row.kind, key=row.key, fields=fields)


def _place(cursor: str, signed: str) -> int:
    """Where the page before ended; 0 without a cursor."""
    if not cursor:
        return 0
    told = cursors.read(cursor, signed, QUESTION)
    if len(told) != 1 or type(told[0]) is not int or not 0 <= told[0] < 2**62:
        raise cursors.refused(QUESTION)
    return told[0]


@router.get("/cite", response_class=Response, responses={304: _SAME})
def citation(
    request: Request, chosen: Then,
    release: Annotated[str, Query(max_length=40, description="a release's id; none: the current one")] = "",
    format: Annotated[Literal["text", "bibtex", "csl", "ris"], Query()] = "text",
) -> Response:  # fmt: skip
    """How to cite a release, and what is selected in it: text, BibTeX, CSL-JSON or RIS. The address in it is permanent."""
    now: Release = chosen.release
    if release:
        _known_release(now, release)
    with answering(now.city.languages, request.url.query, request.headers.get("accept-language", "")):
        text = cite(now, chosen.selection, base_of(request), release).told(format)
    media_type, ending = FORMATS[format]
    headers = {"Access-Control-Allow-Origin": "*", "Vary": "Accept-Language"}
    if format != "text":
        name = file_name(now, release or now.id, "citation") + f".{ending}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answered(request, now, text, media_type, headers)


def _known_release(now: Release, release_id: str) -> None:
    """NotFound for a release that never was: one that is merely gone can still be cited."""
    from portal.queries.diff import Gone

    try:
        package_of(now, release_id)
    except Gone:
        return
