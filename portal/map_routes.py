"""The map away from its page: `/map/standalone.html`, `/map/standalone.svg` and `/embed/map`, with the query of `/map`.

The language is the one that the address names, else the city's first: a file is the same for whoever asks.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from portal.answered import answered, base_of, language_of
from portal.context import Current, query_of
from portal.map_embed import embed_page
from portal.map_file import html_file, svg_file
from portal.map_view import MapView
from portal.release import Release
from portal.security import content_security_policy
from portal.text import speaking

router = APIRouter(tags=["downloads"], include_in_schema=False)


@router.get("/map/standalone.{form}", response_class=Response)
def map_file(request: Request, release: Current, form: Literal["html", "svg"]) -> Response:
    """The view as a page or a picture that needs no network."""
    view = MapView.read(query_of(request), release)
    name = "-".join(filter(None, [release.city.id, "synthetic" if release.city.synthetic else "", "map", release.id]))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    with speaking_of(request, release):
        if form == "html":
            text, css = html_file(release, view, base_of(request))
        else:
            text, css = svg_file(release, view, base_of(request))
    headers["Content-Security-Policy"] = only_painted(css)
    return answered(request, release, text, "text/html; charset=utf-8" if form == "html" else "image/svg+xml", headers)


@router.get("/embed/map", response_class=Response)
def embedded(request: Request, release: Current) -> Response:
    """The map as a page that any other page may frame; it sets no cookie and asks no other host."""
    view = MapView.read(query_of(request), release)
    with speaking_of(request, release):
        if view.layer and "layer" not in request.query_params:  # its script would choose another one
            return RedirectResponse(view.address("/embed/map"), 307, {"Cache-Control": "no-cache"})
        page = embed_page(release, view, base_of(request))
    headers = {
        "Content-Security-Policy": content_security_policy(page.script_hashes, framed_by="*"),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return answered(request, release, page.html, "text/html; charset=utf-8", headers)


@contextmanager
def speaking_of(request: Request, release: Release) -> Iterator[None]:
    """Within the block the language is that of the address."""
    languages = release.city.languages
    tag = language_of(release, parse_qs(query_of(request)).get("lang", [""])[0])
    with speaking(tag, main=languages[0] if languages else tag):
        yield


def only_painted(css: str) -> str:
    """What a file may do in a browser: be painted with its own style."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
