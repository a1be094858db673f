"""Files to take away: any table of a release, any part of its requests, in any format, and a release's own files.

Charter: addresses. How files are made is `portal.files`' own. A file of an invented city says so in its name, and in a
column `synthetic` that the release itself has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter

from portal.answered import not_modified
from portal.context import Chosen, Current, releases
from portal.errors import NotFound
from portal.files.forms import FORMS, PRESSED
from portal.files.lying import lying
from portal.files.pieces import Busy
from portal.files.ranged import answer
from portal.files.wanted import Wanted, wanted
from portal.package import Package, read_package
from portal.problems import MEDIA_TYPE, Problem
from portal.selection_query import MAX_LONG_CHARS
from portal.tile_routes import FOREVER

__all__ = ["Busy", "described_by", "router"]

Compressed = Annotated[
    str, Query(max_length=20, description=f"{' or '.join(PRESSED)}: a compressed file of a text format")
]
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_RANGED: dict[int | str, dict[str, Any]] = {
    206: {"description": "the range asked for"},
    304: {"description": "as the ETag names it"},
    416: {**_PROBLEM, "description": "a range beyond the end"},
}
router = APIRouter(prefix="/download", tags=["downloads"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})


@router.head("/requests.{form}", include_in_schema=False)
@router.get("/requests.{form}", response_class=Response, responses=_RANGED)
def requests_file(
    request: Request, form: Annotated[str, PathParameter(max_length=40, examples=list(FORMS))], chosen: Chosen,
    compress: Compressed = "",
) -> Response:  # fmt: skip
    """The selected requests as one file: csv, geojson, geojsons, jsonl, parquet, gpkg, fgb, shp.zip, xlsx or txt."""
    return _file(request, wanted(chosen.release, f"requests.{form}", request.url.query, compress, ""))


@router.head("/{table}.{form}", include_in_schema=False)
@router.get("/{table}.{form}", response_class=Response, responses=_RANGED)
def table_file(
    request: Request, table: Annotated[str, PathParameter(max_length=60)],
    form: Annotated[str, PathParameter(max_length=40, examples=list(FORMS))], now: Current, compress: Compressed = "",
    filter: Annotated[str, Query(max_length=MAX_LONG_CHARS, description="a condition on the table's fields in CQL2 text")] = "",
) -> Response:  # fmt: skip
    """Any table of the release as one file: those of requests, or narrowed by a condition."""
    return _file(request, wanted(now, f"{table}.{form}", request.url.query, compress, filter))


def _file(request: Request, of: Wanted) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{of.name}"',
        "X-Openward-Release": of.release.id,
        "Cache-Control": "no-cache",
    }
    if of.form.text:
        headers["Link"] = described_by(of)
    if of.form.key == "parquet" and of.whole and (own := _own(of)):
        return lying(request, own[0], of.media_type, {**headers, "ETag": own[1]})
    return answer(request, of, headers)


def _own(of: Wanted) -> tuple[Path, str] | None:
    """The release's own file of a table and its ETag, where nothing is missing in it that a GIS would want."""
    resource = of.release.package.resource(of.ask.table.name)
    if resource is None or not (path := of.release.folder / resource.path).is_file():
        return None
    mapped = any(field.name == "geometry" for field in resource.table.fields)
    return (path, f'"{resource.sha256}"') if mapped or of.ask.table.geometry is None else None


@router.head("/release/{release_id}/{file}", include_in_schema=False)
@router.get("/release/{release_id}/{file}", response_class=Response)
def release_file(request: Request, release_id: str, file: str) -> Response:
    """A file of a release that is kept here, or its datapackage.json; ranges and ETag are answered."""
    folder = releases(request).folder(release_id)
    package = read_package(folder)
    media_type, etag = _published(package, file)
    headers = {"Cache-Control": FOREVER, "X-Openward-Release": release_id, "ETag": etag}
    if known := not_modified(request, headers):
        return known
    path = folder / file
    if not path.is_file():
        raise NotFound(f"The file '{file[:60]}' of the release {release_id} is no longer kept.")
    return lying(request, path, media_type, headers, file)


def _published(package: Package, file: str) -> tuple[str, str]:
    """Media type and ETag of a file that the package names."""
    if file == "datapackage.json":
        return "application/json", f'"{package.openward.release_id}"'
    for resource in package.resources:
        if resource.path == file and "/" not in file:
            return resource.mediatype, f'"{resource.sha256}"'
    known = ", ".join(["datapackage.json", *(resource.path for resource in package.resources)])
    raise NotFound(f"This release has no file '{file[:60]}'; it has: {known}.")


def described_by(of: Wanted) -> str:
    """The links by which a program finds what the columns mean (CSV on the Web), and a person what the file is."""
    query = f"?{of.query}" if of.query else ""
    table = of.ask.table.name
    readme = f'</download/{table}.txt{query}>; rel="about"; type="text/plain"'
    if of.form.key != "csv":
        return readme
    return f'</download/{table}.csv-metadata.json{query}>; rel="describedby"; type="application/csvm+json", {readme}'
