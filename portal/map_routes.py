"""The map away from its page: `/map/standalone.html`, `/map/standalone.svg`, `/map/print` and `/embed/map`, with the query of `/map`.

The language is the one that the address names, else the city's first: a file is the same for whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from geo.maps import MapPage
from portal.answered import answered, file_name
from portal.context import Current, base_of, query_of
from portal.map_embed import embed_page, print_page
from portal.map_file import html_file, svg_file
from portal.map_view import MapView
from portal.release import Release
from portal.security import content_security_policy, only_painted
from portal.text import answering

router = APIRouter(tags=["downloads"], include_in_schema=False)


@router.get("/map/standalone.{form}", response_class=Response)
def map_file(request: Request, release: Current, form: Literal["html", "svg"]) -> Response:
    """The view as a page or a picture that needs no network."""
    view = MapView.read(query_of(request), release)
    name = file_name(release, "map", release.id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    with answering(release.city.languages, query_of(request)):
        if form == "html":
            text, css = html_file(release, view, base_of(request))
        else:
            text, css = svg_file(release, view, base_of(request))
    headers["Content-Security-Policy"] = only_painted(css, "frame-ancestors 'self'")
    return answered(request, release, text, "text/html; charset=utf-8" if form == "html" else "image/svg+xml", headers)


@router.get("/embed/map", response_class=Response)
def embedded(request: Request, release: Current) -> Response:
    """The map as a page that any other page may frame; it sets no cookie and asks no other host."""
    return _by_itself(request, release, embed_page, "*", {"Cross-Origin-Resource-Policy": "cross-origin"})


@router.get("/map/print", response_class=Response)
def printed(request: Request, release: Current) -> Response:
    """The map as a sheet of paper."""
    return _by_itself(request, release, print_page, "'self'", {})


def _by_itself(
    request: Request, release: Release, made: Callable[[Release, MapView, str], MapPage], framed_by: str, headers: dict[str, str]
) -> Response:  # fmt: skip
    view = MapView.read(query_of(request), release)
    with answering(release.city.languages, query_of(request)):
        if view.layer and "layer" not in request.query_params:  # its script would choose another one
            return RedirectResponse(view.address(request.url.path), 307, {"Cache-Control": "no-cache"})
        page = made(release, view, base_of(request))
    headers["Content-Security-Policy"] = content_security_policy(page.script_hashes, framed_by=framed_by)
    return answered(request, release, page.html, "text/html; charset=utf-8", headers)
