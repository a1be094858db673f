"""Addresses over HTTP, `/api/v1/places`: search as you type, one address with its passport, and what is near a point.

Charter: the questions of `portal.places`, bounded and documented. Answers may be kept by the one who asked and by nobody
between: what people type stays out of shared caches, as it stays out of logs.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from portal.answered import etag_of, not_modified
from portal.api import FRESH_SECONDS, PREFIX, Many, Single
from portal.context import Current
from portal.errors import BadRequest
from portal.places import LONGEST_TYPED, MOST_SUGGESTIONS, Around, Found, Gazetteer, Suggested
from portal.problems import MEDIA_TYPE, Problem
from portal.release import Release

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(
    prefix=f"{PREFIX}/places",
    tags=["places"],
    responses={304: {"description": "as the ETag names it"}, 400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM},
)

Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84")]
Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84")]


@router.get("/suggest", response_model=Many[Suggested])
def suggest(
    request: Request,
    now: Current,
    q: Annotated[str, Query(max_length=LONGEST_TYPED, description="what is typed so far; not kept")],
    limit: Annotated[int, Query(ge=1, le=MOST_SUGGESTIONS)] = 8,
    lat: Annotated[float | None, Query(ge=-90, le=90, description="with long: what is nearer comes earlier")] = None,
    long: Annotated[float | None, Query(ge=-180, le=180)] = None,
) -> Response:
    """What a half-typed text may become: addresses, crossings, streets, places and areas, the likeliest first."""
    if (lat is None) != (long is None):
        raise BadRequest("lat and long go together; give both or neither.")
    near = (lat, long) if lat is not None and long is not None else None
    rows = _gazetteer(now).suggest(now, q, limit, near) if q.strip() else []
    return _told(request, now, Many[Suggested](rows=rows, release_id=now.id, as_of=now.as_of))


@router.get("/locate", response_model=Single[Found])
def locate(
    request: Request,
    now: Current,
    address: Annotated[str, Query(min_length=1, max_length=LONGEST_TYPED, description="as people write it; not kept")],
) -> Response:
    """Where an address is and how sure that is, with other places it may mean and the areas it may lie in."""
    return _told(
        request, now, Single[Found](result=_gazetteer(now).locate(now, address), release_id=now.id, as_of=now.as_of)
    )


@router.get("/reverse", response_model=Single[Around])
def reverse(request: Request, now: Current, lat: Latitude, long: Longitude) -> Response:
    """The nearest address, block and crossing of a point, and the areas that it lies in."""
    result = _gazetteer(now).reverse(now, lat, long)
    return _told(request, now, Single[Around](result=result, release_id=now.id, as_of=now.as_of))


def _gazetteer(now: Release) -> Gazetteer:
    return now.places.ask(now)


def _told(request: Request, now: Release, answer: BaseModel) -> Response:
    content = answer.model_dump_json()
    headers = {
        "X-Openward-Release": now.id,
        "Cache-Control": f"private, max-age={FRESH_SECONDS}",
        "ETag": etag_of(content),
    }
    return not_modified(request, headers) or Response(content, media_type="application/json", headers=headers)
