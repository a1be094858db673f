"""Files to take away: the selected requests as CSV, GeoJSON or GeoParquet, and a release's own files.

CSV and GeoJSON are streamed while they are read, so that ten million rows take no more memory than ten.
A file of an invented city says so in its name, and in a column `synthetic` that the release itself has.
"""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Annotated, Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from starlette.responses import FileResponse, StreamingResponse

from portal.answered import file_name as named
from portal.context import Asked, Chosen, releases
from portal.errors import NotFound, PortalError
from portal.package import Package, read_package
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.rows import csv_rows, geojson_rows, parquet_rows
from portal.release import Release
from portal.selection import Selection
from portal.tile_routes import FOREVER

Format = Literal["csv", "geojson", "parquet"]

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
}
PARQUET_AT_ONCE = 2
"""Filtered Parquet files are built on disk before they are sent; so many at a time, others are asked to wait."""

CHUNK_BYTES = 256 * 1024

_building = threading.BoundedSemaphore(PARQUET_AT_ONCE)
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(prefix="/download", tags=["downloads"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})


@router.head("/requests.{form}", include_in_schema=False)
@router.get("/requests.{form}", response_class=Response)
def requests_file(request: Request, form: Annotated[Format, PathParameter()], chosen: Chosen) -> Response:
    """The selected requests as one file: csv, geojson or parquet (GeoParquet 1.1)."""
    headers = _headers(chosen, form)
    if form == "csv":
        headers["Link"] = described_by(chosen.selection)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=MEDIA_TYPES[form])
    if form == "csv":
        return StreamingResponse(
            csv_text(csv_rows(chosen.release, chosen.selection)), media_type=MEDIA_TYPES[form], headers=headers
        )
    if form == "geojson":
        features = geojson_rows(chosen.release, chosen.selection)
        return StreamingResponse(geojson_text(features, _about(chosen)), media_type=MEDIA_TYPES[form], headers=headers)
    whole = chosen.release.folder / "requests.parquet"
    if not chosen.selection and whole.is_file():
        return FileResponse(whole, media_type=MEDIA_TYPES[form], headers=headers)
    file = parquet_file(chosen)
    headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    return StreamingResponse(_chunks(file), media_type=MEDIA_TYPES[form], headers=headers)


@router.head("/release/{release_id}/{file}", include_in_schema=False)
@router.get("/release/{release_id}/{file}", response_class=Response)
def release_file(request: Request, release_id: str, file: str) -> Response:
    """A file of a release that is kept here, or its datapackage.json; ranges and ETag are answered."""
    folder = releases(request).folder(release_id)
    package = read_package(folder)
    media_type, etag = _published(package, file)
    headers = {"Cache-Control": FOREVER, "X-Openward-Release": release_id, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    path = folder / file
    if not path.is_file():
        raise NotFound(f"The file '{file[:60]}' of the release {release_id} is no longer kept.")
    return FileResponse(path, media_type=media_type, filename=file, headers=headers)


def _published(package: Package, file: str) -> tuple[str, str]:
    """Media type and ETag of a file that the package names."""
    if file == "datapackage.json":
        return "application/json", f'"{package.openward.release_id}"'
    for resource in package.resources:
        if resource.path == file and "/" not in file:
            return resource.mediatype, f'"{resource.sha256}"'
    known = ", ".join(["datapackage.json", *(resource.path for resource in package.resources)])
    raise NotFound(f"This release has no file '{file[:60]}'; it has: {known}.")


def csv_text(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    """The CSV file in parts: a header line, then rows as they are read."""
    yield ",".join(reader.schema.names).encode() + b"\r\n"
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed", eol="\r\n")
    with reader:
        for batch in reader:
            part = io.BytesIO()
            pyarrow.csv.write_csv(batch, part, options)
            yield part.getvalue()


def geojson_text(reader: pa.RecordBatchReader, about: dict[str, Any]) -> Iterator[bytes]:
    """The GeoJSON file (RFC 7946) in parts; the members of `about` say what it is."""
    yield json.dumps({"type": "FeatureCollection", **about}, ensure_ascii=False)[:-1].encode() + b', "features": [\n'
    first = True
    with reader:
        for batch in reader:
            text = ",\n".join(batch.column("feature").to_pylist())
            yield (text if first else ",\n" + text).encode()
            first = False
    yield b"\n]}\n"


class Busy(PortalError):
    """There is no room to build another file just now; its problem carries Retry-After."""

    status = 503
    title = "Busy"


def parquet_file(chosen: Asked) -> IO[bytes]:
    """The selection as a GeoParquet file without a name: it is gone once it is closed.

    Raises Busy at once, rather than hold a thread, while as many are being built as may be.
    """
    if not _building.acquire(blocking=False):
        raise Busy("Other Parquet files are being built just now: try again in a minute, or take the CSV or GeoJSON.")
    try:
        return _parquet_file(chosen)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Busy(
            "There is no room to build this Parquet file just now: try again later, select fewer requests, "
            "or take the CSV or GeoJSON."
        ) from error
    finally:
        _building.release()


def _parquet_file(chosen: Asked) -> IO[bytes]:
    reader = parquet_rows(chosen.release, chosen.selection)
    metadata = {"openward": json.dumps(_about(chosen), ensure_ascii=False)}
    if "geometry" in reader.schema.names:
        column = {"encoding": "WKB", "geometry_types": ["Point"]}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        metadata["geo"] = json.dumps(geo)
    schema = reader.schema.with_metadata(metadata)
    file = tempfile.TemporaryFile(prefix="openward-", suffix=".parquet")  # noqa: SIM115 - closed when it is sent
    try:
        with reader, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def file_name(release: Release, selection: Selection, form: str) -> str:
    """Such as testville-synthetic-requests-20250620T180000Z-bfa16020-selection.csv."""
    return named(release, "requests", release.id, "selection" if selection else "") + f".{form}"


def described_by(selection: Selection) -> str:
    """The link by which a program finds what the columns mean (CSV on the Web)."""
    query = f"?{asked}" if (asked := selection.to_query()) else ""
    return f'</download/requests.csv-metadata.json{query}>; rel="describedby"; type="application/csvm+json"'


def _headers(chosen: Asked, form: str) -> dict[str, str]:
    name = file_name(chosen.release, chosen.selection, form)
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Openward-Release": chosen.release.id,
        "Cache-Control": "no-cache",
    }


def _about(chosen: Asked) -> dict[str, Any]:
    """What a file says of itself, beside its rows."""
    release = chosen.release
    return {
        "name": f"{release.city.name}: service requests",
        "release_id": release.id,
        "as_of": release.as_of.isoformat(),
        "query": chosen.selection.to_query(),
        "synthetic": release.city.synthetic,
        "license": release.city.license.model_dump(),
        "attribution": release.city.attribution,
    }
