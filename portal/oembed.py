"""oEmbed 1.0: what a newsroom's system asks to show a view of the map, or a chart, from its address alone.

Charter: an address of ours in, the answer's members out; they are of the type `rich`, a frame. NotFound for what is no
such address. https://oembed.com
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from portal.chart_routes import Chart, chart_of, charts_on
from portal.charts.standalone import drawings
from portal.components.links import address
from portal.components.shell import site_title
from portal.components.take_chart import BESIDE_CHART, LONGEST
from portal.components.take_map import HEIGHT, embed_code
from portal.errors import BadRequest, BadSelection, NotFound
from portal.head_links import NOT_TOLD
from portal.map_file import title_of
from portal.map_view import MapView
from portal.release import Release
from portal.text import answering

WIDTH: Final = 800
"""How wide a frame is where the asking page has room, in pixels."""
LONGEST_URL: Final = 8000
CACHE_S: Final = 3600
"""How long an answer may be kept: the frame shows what is current by itself."""

_CHART = re.compile(r"/(?:embed/charts/([A-Za-z0-9_-]{1,80})|charts/([A-Za-z0-9_-]{1,80})\.svg)")


@dataclass(frozen=True)
class Size:
    """What the asking page has room for, in pixels; None: as much as it takes."""

    width: int | None = None
    height: int | None = None

    def fit(self, width: float, height: float) -> tuple[int, int]:
        """As asked for, but no larger than there is room for."""
        return min(round(width), self.width or round(width)), min(round(height), self.height or round(height))


def oembed(release: Release, base: str, url: str, size: Size) -> dict[str, Any]:
    """The members of the answer for an address of this portal."""
    local = own_address(base, url)
    parts = urlsplit(local)
    with answering(release.city.languages, parts.query):
        try:
            if parts.path in ("/map", "/embed/map"):
                return _map(release, base, parts.query, size)
            found = _CHART.fullmatch(parts.path)
            if found:
                page = parse_qs(parts.query).get("page", [""])[0]
                return _chart(release, base, found[1] or found[2], page, size)
            page = parts.path + (f"?{parts.query}" if parts.query else "")
            if len(page) > LONGEST or parts.path.startswith(NOT_TOLD):
                raise NotFound("There is nothing to embed at this address.")
            key = unquote(parts.fragment) or next(iter(charts_on(release, page)), "")
            return _chart(release, base, key, page, size)
        except (BadSelection, BadRequest) as error:
            raise NotFound(f"There is nothing to embed at this address: {error}") from error


def own_address(base: str, url: str) -> str:
    """Path, query and fragment of an address of this portal; NotFound for those of others."""
    try:
        ours, asked = urlsplit(base), urlsplit(url)
    except ValueError:  # such as half an IPv6 address
        raise NotFound("This address is not one of this portal.") from None
    root = ours.path.rstrip("/")
    path = asked.path
    mine = asked.scheme in ("http", "https") and asked.netloc.lower() == ours.netloc.lower()
    if not mine or not path.startswith(root) or re.search(r"[\x00-\x20\x7f\\]", url):
        raise NotFound("This address is not one of this portal.")
    path = path.removeprefix(root).rstrip("/") or "/"
    if not path.startswith("/") or path.startswith("//"):
        raise NotFound("This address is not one of this portal.")
    query = f"?{asked.query}" if asked.query else ""
    return path + query + (f"#{asked.fragment}" if asked.fragment else "")


def _map(release: Release, base: str, query: str, size: Size) -> dict[str, Any]:
    view = MapView.read(query, release)
    width, height = size.fit(WIDTH, HEIGHT)
    title = title_of(release, view)
    return _rich(
        release, base, title, embed_code(base + view.address("/embed/map"), title, width, height), width, height
    )


def _chart(release: Release, base: str, key: str, page: str, size: Size) -> dict[str, Any]:
    if len(page) > LONGEST:
        raise NotFound("There is nothing to embed at this address.")
    chart = chart_of(release, key, page)
    wide = drawings(chart.svg).get("wide")
    if wide is None:
        raise NotFound("There is nothing to embed at this address.")
    width, height = size.fit(WIDTH, wide.height * min(WIDTH / wide.width, 1) + BESIDE_CHART)
    return _rich(release, base, chart.title, _frame(base, chart, page, width, height), width, height)


def _frame(base: str, chart: Chart, page: str, width: int, height: int) -> str:
    source = f"{base}/embed/charts/{chart.key}?page={quote(page, safe='')}"
    return (
        f'<iframe src="{escape(source)}" title="{escape(chart.title)}" width="{width}" height="{height}" '
        'style="border:0" loading="lazy"></iframe>'
    )


def _rich(release: Release, base: str, title: str, html: str, width: int, height: int) -> dict[str, Any]:
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": site_title(release),
        "provider_url": base + address("/"),
        "cache_age": CACHE_S,
        "html": html,
        "width": width,
        "height": height,
    }
