"""`/api/3/action/{name}`: CKAN's actions over HTTP, by GET or by a POST of JSON, as `ckanapi` calls them.

Charter: thin: the envelope `{help, success, result}`, errors in the same shape, rows of `datastore_search` streamed into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import duckdb
import pyarrow.compute as pc
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from portal.answered import joined, listed, not_modified, of_question
from portal.ckan import actions, datastore
from portal.ckan.errors import Invalid, NoAction, told
from portal.ckan.given import Given, from_json
from portal.context import base_of
from portal.context import releases as folder_of
from portal.errors import PortalError
from portal.given_text import utf8
from portal.queries import projected
from portal.release import Release

MEDIA_TYPE = "application/json;charset=utf-8"
_WRITERS = {"objects": datastore.object_row, "lists": datastore.list_row, "csv": datastore.csv_row}
router = APIRouter(include_in_schema=False)


@router.api_route("/api/3/action/{name}", methods=["GET", "POST"], response_class=Response)
@router.api_route("/api/action/{name}", methods=["GET", "POST"], response_class=Response)
async def answer(name: str, request: Request) -> Response:
    """One action."""
    help_ = f"{base_of(request)}/api/3/action/help_show?name={name[:60]}"
    body = await request.body() if request.method == "POST" else b""
    try:
        asked = _given(request, body)
        return await run_in_threadpool(_answered, request, name, asked, help_)
    except NoAction as error:
        return _json(400, str(error))
    except PortalError as error:
        status, about = told(error)
        return _json(status, {"help": help_, "success": False, "error": about})
    except duckdb.DataError as error:  # a value that no type of the database can hold
        status, about = told(Invalid("query", f"A value cannot be worked out: {str(error).splitlines()[0][:200]}"))
        return _json(status, {"help": help_, "success": False, "error": about})


def _given(request: Request, body: bytes) -> Given:
    """What the action is given: by the URL, or by the body."""
    if not utf8(request.url.query):
        raise Invalid("query", "The query is not UTF-8.")
    asked: dict[str, Any] = dict(request.query_params)
    if body:
        try:
            found = from_json(body)
        except UnicodeEncodeError:
            raise Invalid("query", "A text of the body is no Unicode: half a surrogate pair.") from None
        except (ValueError, RecursionError):
            raise NoAction("Bad request - JSON Error: Error decoding JSON data.") from None
        if not isinstance(found, dict):
            raise NoAction(
                f"Bad request - JSON Error: Request data JSON decoded to {type(found).__name__}, not a dict."
            )
        asked |= found
    return asked


def _answered(request: Request, name: str, asked: Given, help_: str) -> Response:
    now = folder_of(request).current()
    headers = {"X-Openward-Release": now.id, "Cache-Control": "no-cache"}
    if request.method == "GET":
        headers["ETag"] = of_question(request, now, base_of(request))
    if name != actions.DATASTORE_SEARCH:
        result = actions.action(name)(actions.Call(now, asked, base_of(request)))
        return not_modified(request, headers) or _json(200, {"help": help_, "success": True, "result": result}, headers)
    found = datastore.search(now, asked)
    known = not_modified(request, headers)
    if known:
        return known
    about = found.about | {"_links": _links(request.url.path, asked, found)}
    return StreamingResponse(_rows(now, found, about, help_), media_type=MEDIA_TYPE, headers=headers)


def _rows(now: Release, found: datastore.Search, about: dict[str, Any], help_: str) -> Iterator[bytes | memoryview]:
    """The answer in parts: what is said of the rows, then the rows."""
    lines = projected.lines(now, found.projection, _WRITERS[found.form])

    def parts() -> Iterator[bytes | memoryview]:
        said = json.dumps({"help": help_, "success": True, "result": about}, ensure_ascii=False)
        yield (said[:-2] + ', "records": ').encode()
        if found.form == "csv":  # one text: the quotes between the lines are left out
            yield b'"'
            for part in filter(len, lines):
                yield joined(pc.utf8_slice_codeunits(part, 1, -1), "")
            yield b'"}}'
            return
        yield b"["
        yield from listed(lines, ",\n")
        yield b"]}}"

    return parts()


def _links(path: str, asked: Given, found: datastore.Search) -> dict[str, str]:
    """Where to begin and to go on, as addresses that answer by GET whatever they were asked by."""
    kept = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in asked.items()
        if key != "offset" and value is not None
    }
    for key in ("fields", "sort"):
        if isinstance(asked.get(key), list):
            kept[key] = ",".join(asked[key])
    onward = kept | {"offset": str(found.projection.offset + (found.projection.limit or 0))}
    return {"start": f"{path}?{urlencode(kept)}", "next": f"{path}?{urlencode(onward)}"}


def _json(status: int, told_: Any, headers: dict[str, str] | None = None) -> Response:
    extra = {"Retry-After": "60"} if status == 503 else {}
    return Response(json.dumps(told_, ensure_ascii=False), status, {**(headers or {}), **extra}, MEDIA_TYPE)
