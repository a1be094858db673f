"""What a page's head tells programs: the feed that the page offers, and how it is embedded (oEmbed discovery).

Charter: it follows from what the page itself shows, so that the two cannot differ.
"""

from __future__ import annotations

import re
from html import escape, unescape

from portal.components.follow import FEED
from portal.oembed import NOT_TOLD, discovery

_FOLLOWED = re.compile(rf'href="({re.escape(FEED)}[^"]*)"')
_CHART = '<details class="twin take">'


def head_links(base: str, path: str, query: str, title: str, shown: str) -> str:
    """The <link> elements for a page; `shown` is its HTML."""
    links = []
    feed = _FOLLOWED.search(shown)
    if feed:
        href = escape(base + unescape(feed[1]))
        links.append(f'<link rel="alternate" type="application/atom+xml" title="{escape(title)}" href="{href}">')
    if path == "/map" or (_CHART in shown and not path.startswith(NOT_TOLD)):
        links.append(discovery(base, base + path + (f"?{query}" if query else "")))
    return "".join(f"{link}\n" for link in links)
