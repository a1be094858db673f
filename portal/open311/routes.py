"""`/open311`: GeoReport v2 over HTTP, the read side. Errors are in the specification's shape, whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from portal.answered import answered
from portal.context import base_of, current, next_link, onward
from portal.errors import BadRequest, NotFound, PortalError
from portal.open311 import found, told
from portal.open311.asked import MOST_CHARACTERS, read
from portal.open311.formats import MEDIA_TYPES, document, errors
from portal.release import Release

ROOT: Final = "/open311"
PREFIX: Final = f"{ROOT}/v2"


class _Route(APIRoute):
    """Tells the portal's errors as the specification tells errors."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors told."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except PortalError as error:
                return _refused(request, error.status, str(error))

        return handled


router = APIRouter(prefix=ROOT, include_in_schema=False, route_class=_Route)


@router.get("/discovery.{form}")
@router.get("/v2/discovery.{form}")
def discovery(request: Request, form: str) -> Response:
    """Where the endpoint is, and what it speaks."""
    release = current(request)
    return _told(request, release, form, "discovery", told.discovery(release, [base_of(request) + PREFIX]))


@router.get("/v2/services.{form}")
def services(request: Request, form: str) -> Response:
    """What can be asked for in this city."""
    release = current(request)
    return _told(request, release, form, "services", found.services(release))


@router.get("/v2/services/{path:path}")
def definition(request: Request, path: str) -> Response:
    """The definition of one service."""
    release, (code, form) = current(request), _named(path)
    return _told(request, release, form, "service_definition", found.definition(release, code))


@router.get("/v2/requests.{form}")
def requests(request: Request, form: str) -> Response:
    """Requests by number, time, service, status and place."""
    release = current(request)
    wanted = read(_given(request), release)
    answer = found.requests(release, wanted)
    headers = next_link(onward(request, {"page": str(wanted.page + 1)})) if answer.more else {}
    return _told(request, release, form, "service_requests", answer.records, headers)


@router.get("/v2/requests/{path:path}")
def one_request(request: Request, path: str) -> Response:
    """One request by its number."""
    release, (number, form) = current(request), _named(path)
    wanted = read({"extensions": _given(request).get("extensions", [])}, release)
    return _told(request, release, form, "service_requests", found.request(release, number, wanted.extensions))


@router.get("/{path:path}")
def nothing(path: str) -> Response:
    """No other resource: no tokens either, because nothing is taken in."""
    raise NotFound(f"There is nothing at {ROOT}/{path[:80]}; the documents are named in {ROOT}/discovery.xml.")


@router.api_route("/{path:path}", methods=["POST", "PUT", "PATCH", "DELETE"])
def no_writing(request: Request, path: str) -> Response:
    """This is a copy of the city's record: reports go to the city itself."""
    del path
    words = "This endpoint is for reading only: it takes no reports. Make them with the city itself."
    refused = _refused(request, 405, words)
    refused.headers["Allow"] = "GET, HEAD"
    return refused


def _given(request: Request) -> dict[str, list[str]]:
    if len(request.url.query) > MOST_CHARACTERS:
        raise BadRequest(f"The query is longer than {MOST_CHARACTERS} characters.")
    try:
        pairs = parse_qsl(request.url.query, max_num_fields=1000, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("The query is not UTF-8.") from None
    except ValueError:
        raise BadRequest("The query has too many parameters.") from None
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).append(value)
    return given


def _named(path: str) -> tuple[str, str]:
    """What is before the last dot, and the format after it."""
    name, _, form = path.rpartition(".")
    if not name or len(name) > 400 or "\0" in name:
        raise NotFound("Name what you ask for with its format, such as 12345.json or 12345.xml.")
    return name, form


def _told(
    request: Request, release: Release, form: str, name: str, value: Any, headers: dict[str, str] | None = None
) -> Response:
    if form not in MEDIA_TYPES:
        raise NotFound(f"There is no format '{form[:20]}'; there are: xml, json.")
    return answered(request, release, document(form, name, value), MEDIA_TYPES[form], headers or {})


def _refused(request: Request, status: int, words: str) -> Response:
    form = "xml" if request.url.path.endswith(".xml") else "json"
    headers = {"Retry-After": "60", "Cache-Control": "no-store"} if status == 503 else {"Cache-Control": "no-cache"}
    return Response(errors(form, status, words), status, media_type=MEDIA_TYPES[form], headers=headers)
