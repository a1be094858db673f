"""The pages: rendered on the server for the first answer, by one Dash callback from then on.

The only module that knows Dash's insides; what it needs of them is the tags of Dash's scripts.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import logging
import re
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, html
from dash.backends._fastapi import get_current_request, reset_current_request, set_current_request
from dash.development.base_component import Component
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from portal.catalogue.schema_org import script
from portal.errors import PortalError
from portal.head_links import head_links
from portal.html import to_html
from portal.release import Releases
from portal.routes import render

log = logging.getLogger("openward.portal")

STYLES = ("css/1-base.css", "css/2-parts.css", "css/3-charts.css", "css/4-print.css")
FIRST_SCRIPT = "js/theme.js"
COMPONENTS = ("js/components.js", "js/places.js", "js/views.js", "js/address.js")
LAST_SCRIPTS = ("js/openward.js", "js/head.js", "js/locate.js", "js/charts.js", "js/verify.js")
ICON = "img/icon.svg"

# Dash always writes the tags of all its bundles; pages are made of html and our own components only.
UNUSED_BUNDLES = re.compile(r'<script src="[^"]*/(?:dash_table|dcc)/[^"]*"></script>\s*')

_STYLE_TEXT = re.compile(r'\.push\(\[\w+\.id,("(?:[^"\\]|\\.)*")')

TEMPLATE = """<!DOCTYPE html>
<html lang="%(lang)s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%(title)s</title>
<meta name="description" content="%(description)s">
%(head)s</head>
<body>
<div id="first-answer">%(first)s</div>
<div id="react-entry-point"></div>
%(scripts)s
</body>
</html>
"""


class Address(Component):
    """The address bar: `pathname` and `search` follow it (`assets/js/address.js`)."""

    _children_props: list[str] = []
    _base_nodes: list[str] = ["children"]
    _namespace = "openward_components"
    _type = "Address"
    _prop_names: list[str] = ["id", "pathname", "search"]
    _valid_wildcard_attributes: list[str] = []
    available_wildcard_properties: list[str] = []
    available_properties: list[str] = ["id", "pathname", "search"]


class Site:
    """The Dash app within the FastAPI app, and the first answers."""

    def __init__(self, app: FastAPI, releases: Releases, assets: Path) -> None:
        self.releases = releases
        self.assets = assets
        self.public_url: str = app.state.settings.public_url
        self.dash = _Dash(
            "openward",
            server=app,
            assets_folder=str(assets / "-"),  # ours are mounted by the app, with their own cache times
            include_assets_files=False,
            update_title="",
            compress=False,
            serve_locally=True,
        )
        self.dash.layout = html.Div([Address(id="address"), html.Div(id="page")])
        self.dash.callback(Output("page", "children"), Input("address", "pathname"), Input("address", "search"))(
            self._moved
        )
        app.router.routes[:] = [
            r for r in app.router.routes if not getattr(r, "path", "").endswith("_dash-ws-callback")
        ]
        parts = self.dash.parts(app)
        self.script_hashes = [value.strip("'") for value in self.dash.csp_hashes()]
        self.style_hashes = _renderer_styles()
        self._head = self._tags()
        scripts = UNUSED_BUNDLES.sub("", parts["scripts"])
        scripts += "".join(f'<script src="{self.asset(name)}"></script>\n' for name in COMPONENTS)
        self._scripts = parts["config"] + scripts + parts["renderer"]

    def page(self, path: str, query: str = "", accept_language: str = "", base: str = "") -> tuple[int, str]:
        """HTTP status and the complete HTML page for an address; raises NoRelease."""
        page = render(self.releases.current(), path, query, accept_language, base)
        return page.status, TEMPLATE % {
            "lang": escape(getattr(page.body, "lang", None) or "en"),
            "title": escape(page.title),
            "description": escape(page.description),
            "head": self._head + head_links(page) + (script(page.about) if page.about else ""),
            "first": to_html(page.body),
            "scripts": self._scripts,
        }

    def asset(self, name: str) -> str:
        """The address of one of our own files, with a fingerprint of its content."""
        path = self.assets / name
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "none"
        return f"/assets/{name}?v={digest}"

    async def _moved(self, pathname: str | None, search: str | None) -> Any:
        """The one callback: address → page."""
        request = get_current_request()
        accept_language = request.headers.get("accept-language", "")
        base = self.public_url or str(request.base_url).rstrip("/")
        return await run_in_threadpool(self._body, pathname or "/", search or "", accept_language, base)

    def _body(self, pathname: str, search: str, accept_language: str, base: str) -> Any:
        try:
            return render(self.releases.current(), pathname, search, accept_language, base).body
        except PortalError as error:
            return html.Div(html.Main(html.P(str(error)), id="main", className="wrap"), className="site")

    def _tags(self) -> str:
        tags = [f'<link rel="stylesheet" href="{self.asset(name)}">' for name in STYLES]
        tags.append(f'<script src="{self.asset(FIRST_SCRIPT)}"></script>')
        tags += [f'<script src="{self.asset(name)}" defer></script>' for name in LAST_SCRIPTS]
        icon = self.asset(ICON) if (self.assets / ICON).is_file() else "data:,"
        tags.append(f'<link rel="icon" href="{icon}">')
        return "\n".join(tags) + "\n"


class _Dash(Dash):
    """Dash, asked for the parts of its index page instead of the page."""

    _parts: dict[str, str]

    def interpolate_index(self, **parts: str) -> str:
        """Keep the parts; the page is ours."""
        self._parts = parts
        return super().interpolate_index(**parts)

    def _config(self) -> dict[str, Any]:
        """What the browser is told: no versions of ours, and no websocket, which there is none of."""
        config: dict[str, Any] = super()._config()
        return {k: v for k, v in config.items() if k != "websocket"} | {"python_version": "", "dash_version_url": ""}

    def parts(self, app: FastAPI) -> dict[str, str]:
        """Tags of the scripts, the configuration and the renderer."""
        nobody = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "app": app}
        token = set_current_request(Request(nobody))
        try:
            self._setup_server()
            self.index()
        finally:
            reset_current_request(token)
        return self._parts


def _renderer_styles() -> list[str]:
    """Hashes of the style element that Dash's renderer writes: empty at first, then with its text."""
    bundle = files("dash").joinpath("dash-renderer/build/dash_renderer.min.js").read_text(encoding="utf-8")
    texts = [ast.literal_eval(text) for text in _STYLE_TEXT.findall(bundle)]
    digests = [hashlib.sha256(text.encode()).digest() for text in ("", *texts)]
    return [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]


def unavailable(error: PortalError) -> HTMLResponse:
    """A page for an error that leaves no release to make a page of."""
    text = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(error.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/assets/css/1-base.css"></head>'
        f'<body><main class="wrap"><h1>{escape(error.title)}</h1><p>{escape(str(error))}</p></main></body></html>'
    )
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "60"} if error.status == 503 else {})
    return HTMLResponse(text, status_code=error.status, headers=headers)
