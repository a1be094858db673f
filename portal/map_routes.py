"""The map away from its page: `/map/standalone.html`, `/map/standalone.svg` and `/embed/map`, with the query of `/map`.

The language is the one that the address names, else the city's first: a file is the same for whoever asks.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from portal.answered import answered, file_name
from portal.context import Current, base_of, query_of
from portal.map_embed import embed_page
from portal.map_file import html_file, svg_file
from portal.map_view import MapView
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
    view = MapView.read(query_of(request), release)
    with answering(release.city.languages, query_of(request)):
        if view.layer and "layer" not in request.query_params:  # its script would choose another one
            return RedirectResponse(view.address("/embed/map"), 307, {"Cache-Control": "no-cache"})
        page = embed_page(release, view, base_of(request))
    headers = {
        "Content-Security-Policy": content_security_policy(page.script_hashes, framed_by="*"),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return answered(request, release, page.html, "text/html; charset=utf-8", headers)
