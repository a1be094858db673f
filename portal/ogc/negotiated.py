"""Which representation a client gets, JSON or HTML, and the answer's headers: ETag, Vary, links, how long it is kept.

Charter: a request and a document in, an HTTP answer out. Pages are plain HTML in the portal's look, and run no script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from portal.answered import etag_of, not_modified
from portal.context import query_of
from portal.errors import BadRequest, PortalError
from portal.release import Release
from portal.text import answering

JSON: Final = "application/json"
HTML: Final = "text/html"
GEOJSON: Final = "application/geo+json"
SCHEMA: Final = "application/schema+json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
_JSONS: Final = frozenset({JSON, GEOJSON, SCHEMA, "application/vnd.oai.openapi+json", "application/*", "*/*"})
_HTMLS: Final = frozenset({HTML, "text/*", "application/xhtml+xml"})
KEPT: Final = "public, max-age=60"

Link = dict[str, Any]


class NotAcceptable(PortalError):
    """A client that takes neither JSON nor HTML."""

    status = 406
    title = "Not acceptable"


def wants_html(request: Request, given: Mapping[str, str]) -> bool:
    """By the parameter `f`, else by the header Accept; JSON where both would do alike."""
    form = given.get("f")
    if form is not None:
        if form not in ("json", "html"):
            raise BadRequest(f"f must be json or html, not '{form[:40]}'.")
        return form == "html"
    best = {"json": 0.0, "html": 0.0}
    for part in request.headers.get("accept", "*/*")[:2000].split(","):
        kind, *rest = (piece.strip().lower() for piece in part.split(";"))
        weight = _weight(rest)
        if kind in _JSONS or not kind:
            best["json"] = max(best["json"], weight)
        elif kind in _HTMLS:
            best["html"] = max(best["html"], weight)
    if not any(best.values()):
        raise NotAcceptable("There is JSON (f=json) and HTML (f=html) here.")
    # A browser asks for HTML, and for anything else at a lower weight.
    return best["html"] > best["json"]


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def answer(
    request: Request,
    release: Release,
    text: str,
    media_type: str,
    headers: dict[str, str] | None = None,
    stamp: str = "",
) -> Response:
    """The text, or 304 for who has it already. `stamp` is the part of the text that changes with every answer."""
    etag = f"W/{etag_of(text.replace(stamp, '', 1))}" if stamp else etag_of(text)
    told = {
        "ETag": etag,
        "Cache-Control": KEPT,
        "Vary": "Accept, Accept-Language" if media_type == HTML else "Accept",
        "X-Openward-Release": release.id,
        **(headers or {}),
    }
    return not_modified(request, told) or Response(
        text.encode(), media_type=f"{HTML}; charset=utf-8" if media_type == HTML else media_type, headers=told
    )


def link_header(links: Sequence[Link]) -> str:
    """Links as a header (RFC 8288)."""
    return ", ".join(
        f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"' for link in links if "type" in link
    )


def page(
    request: Request, release: Release, draw: Callable[[], str], headers: dict[str, str] | None = None
) -> Response:
    """A page that `draw` makes, in the reader's language."""
    accepted = request.headers.get("accept-language", "")
    with answering(release.city.languages, query_of(request), accepted):
        text = draw()
    return answer(request, release, text, HTML, headers)
