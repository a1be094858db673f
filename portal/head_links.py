"""What a page's head tells programs: the feed that the page offers, and how it is embedded (oEmbed discovery).

Charter: it follows from what the page itself shows, so that the two cannot differ. The page carries it as data, from which
the first answer's head is written and a head that stays behind is brought up to date (`assets/js/head.js`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any, Final
from urllib.parse import quote

from portal.components.follow import FEED
from portal.components.page import Page
from portal.components.take_chart import base_address

NOT_TOLD: Final = ("/embed", "/charts", "/api", "/assets", "/_", "/places", "/expected")
"""What has no charts to pass on, or holds what somebody typed: an answer is kept by others for a while."""

_CHART = "twin take"
_OEMBED = (("json", "application/json+oembed"), ("xml", "text/xml+oembed"))


def with_head(page: Page) -> Page:
    """The finished page with the links of its head, as attributes of a <link> each; made within `at_address`."""
    base, here = base_address()
    if page.status != 200 or not base:
        return page
    links = list(_links(page, base, here))
    if links:
        page.body.tree["props"]["data-head"] = json.dumps(links, separators=(",", ":"))
    return replace(page, head=tuple(links))


def head_links(page: Page) -> str:
    """The <link> elements of a page."""
    lines = []
    for link in page.head:
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in link.items())
        lines.append(f"<link{attributes}>\n")
    return "".join(lines)


def _links(page: Page, base: str, here: str) -> Iterator[dict[str, str]]:
    feed, charts = _offered(page.body.tree)
    if feed:
        yield {"rel": "alternate", "type": "application/atom+xml", "title": page.title, "href": base + feed}
    path = here.partition("?")[0]
    if path == "/map" or (charts and not path.startswith(NOT_TOLD)):
        asked = f"{base}/oembed?url={quote(base + here, safe='')}"
        for form, kind in _OEMBED:
            yield {"rel": "alternate", "type": kind, "href": f"{asked}&format={form}"}


def _offered(tree: Any) -> tuple[str, bool]:
    """The address of the first feed that a page links to, and whether it has a chart to take."""
    feed, charts, rest = "", False, [tree]
    while rest and not (feed and charts):
        node = rest.pop()
        if isinstance(node, list):
            rest.extend(reversed(node))
        elif isinstance(node, dict):
            props = node["props"]
            if not feed and str(props.get("href", "")).partition("?")[0] == FEED:
                feed = props["href"]
            charts = charts or props.get("className") == _CHART
            rest.append(props.get("children"))
    return feed, charts
