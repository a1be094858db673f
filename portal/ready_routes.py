"""Ready files over HTTP: as they lie, at an address that never changes and at one that always leads to the current release.

Charter: addresses, ranges and what a client takes; which files there are is `portal.ready`'s own. A name that the list does not
have is no file, whatever lies on the disk.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from pydantic import Field
from starlette.responses import RedirectResponse, StreamingResponse

from portal.answered import not_modified
from portal.api import FRESH_SECONDS, PREFIX, Many
from portal.context import Current, base_of, releases
from portal.errors import NotFound, PortalError
from portal.files.forms import FORMS
from portal.files.lying import lying, spans
from portal.files.pieces import Busy
from portal.package import file_url
from portal.problems import MEDIA_TYPE, Problem
from portal.ready import FOLDER, MANIFEST, MEDIA, Ready, ReadyFile, ready
from portal.release import Release
from portal.tile_routes import FOREVER

SENT_AT_ONCE: Final = 1 << 20
FAR: Final = 32 << 20
"""Bytes of a text that are unpacked in a fraction of a second."""
SOUGHT_AT_ONCE: Final = 2
MADE_WITHIN: Final = timedelta(hours=6)
"""After its publication a release has its ready files, or none are made."""
_seeking = threading.BoundedSemaphore(SOUGHT_AT_ONCE)
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_RANGED: Final[dict[int | str, dict[str, Any]]] = {
    206: {"description": "the range asked for"},
    304: {"description": "as the ETag names it"},
    416: {**_PROBLEM, "description": "a range beyond the end"},
}
router = APIRouter(tags=["downloads"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

Name = Annotated[str, PathParameter(max_length=200, description="a name of the list; of a .csv.gz also without .gz")]


class NotMadeYet(PortalError):
    """The release before has such a file, the current one is about to: its problem carries Retry-After."""

    status = 503
    title = "Not made yet"


class ListedFile(ReadyFile):
    """A ready file and where it is."""

    url: str = Field(description="an address whose file never changes")
    current: str = Field(description="an address that leads to the same file of whatever release is current")


@router.get(f"{PREFIX}/files")
def list_files(now: Current, request: Request, response: Response) -> Many[ListedFile]:
    """The ready files of the current release: whole tables, requests by year, department and area. Empty: none were made yet."""
    response.headers["X-Openward-Release"] = now.id
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    found, base = ready(now.folder), base_of(request)
    files = [
        ListedFile(
            url=base + address(now.id, file.path), current=f"{base}/download/current/{FOLDER}/{file.path}", **vars(file)
        )
        for file in (found.files if found else ())
    ]
    return Many(rows=files, release_id=now.id, as_of=now.as_of)


def address(release_id: str, name: str) -> str:
    """Where a ready file is had, for ever the same."""
    return file_url(release_id, f"{FOLDER}/{name}")


@router.head(f"/download/current/{FOLDER}/{{name}}", include_in_schema=False)
@router.get(
    f"/download/current/{FOLDER}/{{name}}",
    status_code=307,
    response_class=Response,
    responses={307: {"description": "to the file of the current release"}},
)
def current_file(name: Name, now: Current, request: Request) -> Response:
    """A ready file of whatever release is current: the address for scripts."""
    found = ready(now.folder)
    if found is None:
        raise _missing(now, request, name)
    if name != MANIFEST:
        _named(found, name)
    headers = {"Cache-Control": "no-cache", "X-Openward-Release": now.id}
    return RedirectResponse(address(now.id, name), 307, headers)


def _missing(now: Release, request: Request, name: str) -> PortalError:
    before = now.package.openward.previous if datetime.now(UTC) - now.created < MADE_WITHIN else None
    try:
        earlier = ready(releases(request).folder(before.release_id)) if before else None
    except NotFound:
        earlier = None
    if earlier is None or _find(earlier, name) is None:
        return NotFound("The current release has no ready files; /download/requests.csv makes what is asked for.")
    return NotMadeYet(
        f"The ready files of the release {now.id} are being made: try again in a minute, or take "
        f"{address(earlier.release_id, name)} of the release before."
    )


@router.head(f"/download/release/{{release_id}}/{FOLDER}/{{name}}", include_in_schema=False)
@router.get(f"/download/release/{{release_id}}/{FOLDER}/{{name}}", response_class=Response, responses=_RANGED)
def ready_file(release_id: Annotated[str, PathParameter(max_length=60)], name: Name, request: Request) -> Response:
    """A ready file of a release that is kept, for ever the same; or `files.json`, the list of them with their hashes."""
    found = ready(releases(request).folder(release_id))
    if found is None:
        raise NotFound(f"The release {release_id} has no ready files.")
    headers = {"Cache-Control": FOREVER, "X-Openward-Release": release_id, "Link": _described_by(release_id)}
    if name == MANIFEST:
        headers["ETag"] = f'"{found.sha256}"'
        return lying(request, found.folder / MANIFEST, "application/json", headers, MANIFEST)
    file, unpacked = _named(found, name)
    path = found.path(file)
    if not path.is_file():
        raise NotFound(f"The file '{name}' of the release {release_id} is no longer kept; its hash is in {MANIFEST}.")
    headers["ETag"] = f'"{file.sha256}"'
    if not unpacked:
        return lying(request, path, MEDIA[file.format], headers, path.name)
    media_type = FORMS[file.format].media_type
    headers["Vary"] = "Accept-Encoding"
    if takes_gzip(request.headers.get("accept-encoding", "")):
        return lying(request, path, media_type, headers | {"Content-Encoding": "gzip"}, name)
    return _unpacked(request, path, file, media_type, headers | {"ETag": f'"{file.sha256}-text"'})


def _described_by(release_id: str) -> str:
    """Where the dictionary, the licence and what is left out stand, and the filter of each file with its hash."""
    package = f'<{file_url(release_id, "datapackage.json")}>; rel="describedby"; type="application/json"'
    return f'{package}, <{address(release_id, MANIFEST)}>; rel="collection"; type="application/json"'


def _find(of: Ready, name: str) -> tuple[ReadyFile, bool] | None:
    if name in of.by_name:
        return of.by_name[name], False
    packed = of.by_name.get(f"{name}.gz") if name.endswith(".csv") else None
    return (packed, True) if packed else None


def _named(of: Ready, name: str) -> tuple[ReadyFile, bool]:
    """The file of that name, and whether it is asked for unpacked. NotFound for any other name."""
    found = _find(of, name) if name != MANIFEST else None
    if found is None:
        raise NotFound(f"The release {of.release_id} has no ready file '{name[:80]}'; {PREFIX}/files lists them.")
    return found


def _unpacked(request: Request, path: Path, file: ReadyFile, media_type: str, headers: dict[str, str]) -> Response:
    """The text of a packed file, or a range of it, for who does not take gzip."""
    if known := not_modified(request, headers):
        return known
    length = file.text_bytes or 0
    headers = headers | {
        "Accept-Ranges": "bytes", "Content-Disposition": f'attachment; filename="{path.name.removesuffix(".gz")}"',
    }  # fmt: skip
    found = spans(request, headers["ETag"], length)
    if isinstance(found, Response):
        return found
    (start, stop), status = (found[0], 206) if found else ((0, length), 200)
    if found:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return Response(status_code=status, media_type=media_type, headers=headers)
    return StreamingResponse(_text(_opened(path, start), stop - start), status, headers, media_type)


def _opened(path: Path, start: int) -> gzip.GzipFile:
    """The text from a place on. All before it is unpacked to get there: far places are sought by a few at once."""
    text = gzip.open(path)  # noqa: SIM115 - closed when it is sent
    if start <= FAR:
        text.seek(start)
        return text
    if not _seeking.acquire(blocking=False):
        text.close()
        raise Busy(f"Others are reading far into files just now: try again in a minute, or take {path.name}.")
    try:
        text.seek(start)
    finally:
        _seeking.release()
    return text


def _text(text: gzip.GzipFile, left: int) -> Iterator[bytes]:
    with text:
        while left > 0 and (chunk := text.read(min(SENT_AT_ONCE, left))):
            yield chunk
            left -= len(chunk)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, or anything.

    >>> [takes_gzip(text) for text in ("gzip, br", "br;q=1.0, gzip;q=0.5", "*", "", "identity", "gzip;q=0, *")]
    [True, True, True, False, False, False]
    """
    weights: dict[str, str] = {}
    for part in accepted[:1000].lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.replace(" ", "")
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", "q=0")))
    return not (weight.startswith("q=") and weight[2:].strip("0.") == "")
