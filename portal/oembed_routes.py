"""`/oembed`: the oEmbed endpoint for views of the map and for charts, as JSON or XML."""

from __future__ import annotations

import json
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from portal.answered import answered, xml_text
from portal.context import Current, base_of
from portal.errors import PortalError
from portal.oembed import CACHE_S, LONGEST_URL, Size, oembed
from portal.problems import MEDIA_TYPE as PROBLEM_TYPE
from portal.problems import Problem

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {PROBLEM_TYPE: {}}}
router = APIRouter(tags=["embedding"], responses={400: _PROBLEM, 404: _PROBLEM, 501: _PROBLEM, 503: _PROBLEM})

Pixels = Annotated[int | None, Query(ge=1, le=100_000)]


class NotImplementedFormat(PortalError):
    """A format that oEmbed allows for and we do not answer in."""

    status = 501
    title = "Format not known"


@router.get("/oembed", response_class=Response)
def endpoint(
    request: Request,
    release: Current,
    url: Annotated[str, Query(max_length=LONGEST_URL, description="address of a view of the map, or of a chart")],
    format: Annotated[str, Query(max_length=40, description="json or xml")] = "json",
    maxwidth: Pixels = None,
    maxheight: Pixels = None,
) -> Response:
    """What shows the map or chart at `url` in another page (oEmbed 1.0, type rich)."""
    if format not in ("json", "xml"):
        raise NotImplementedFormat("The formats are json and xml.")
    members = oembed(release, base_of(request), url, Size(maxwidth, maxheight))
    text, media_type = (as_xml(members), "text/xml") if format == "xml" else (_json(members), "application/json")
    answer = answered(
        request, release, text, f"{media_type}; charset=utf-8", {"Access-Control-Allow-Origin": "*"}
    )  # fmt: skip
    answer.headers["Cache-Control"] = f"public, max-age={CACHE_S}"
    return answer


def as_xml(members: dict[str, Any]) -> str:
    """The members as the XML of the specification."""
    inner = "".join(f"<{name}>{escape(str(value), quote=False)}</{name}>" for name, value in members.items())
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{xml_text(inner)}</oembed>\n'


def _json(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False)
