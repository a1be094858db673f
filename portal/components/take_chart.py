"""'Take this chart': a chart's files, its address and the code that puts it into another page.

Charter: links only; `portal/chart_routes.py` answers them. A chart is named by the address of its page and its key.
The address is set once for a page, in `portal.routes.render`, as its language is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from dash import html

from portal.text import _, language, main_language

Node = Any

LONGEST = 2000
"""Letters in the address of a page that a chart can be asked for by."""

BESIDE_CHART = 230
"""Height of what an embedded chart has above and below it, in pixels."""

_address: ContextVar[tuple[str, str]] = ContextVar("address", default=("", ""))


@contextmanager
def at_address(base: str, path: str, search: str) -> Iterator[None]:
    """Within the block the page is the one at `path` with the query `search`; `base` is where visitors see the portal.

    The page's language becomes part of the address where it is not the city's first, so that a file does not
    change with who asks for it.
    """
    query = search.removeprefix("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if language() != main_language() and ("lang", language()) not in pairs:
        query = urlencode([*(pair for pair in pairs if pair[0] != "lang"), ("lang", language())])
    token = _address.set((base, f"{path}?{query}" if query else path))
    try:
        yield
    finally:
        _address.reset(token)


def base_address() -> tuple[str, str]:
    """Where visitors see the portal, and the address of this page within it; '' where neither is known."""
    return _address.get()


def take_chart(key: str, title: str, svg: str, code: Callable[[str, str], Node]) -> list[Node]:
    """The folded links of a chart; nothing for a page without an address, or with one that is too long to be passed on.

    `code` makes the block that the embed code is copied from, of its text and its name.
    """
    base, page = _address.get()
    if not page or len(page) > LONGEST or not svg:
        return []
    asked = f"?page={quote(page, safe='')}"
    named = html.Span(f": {title}", className="visually-hidden")
    copied = _("Embed code")
    drawing = f"/charts/{key}.svg{asked}"
    links = [
        html.A(["SVG", named], href=drawing, download=""),
        html.Button(["PNG", named], type="button", className="png", **{"data-png": drawing}),
        html.A(["CSV", named], href=f"/charts/{key}.csv{asked}", download=""),
        html.A([_("Link to this chart"), named], href=f"{page}#{key}"),
    ]
    return [
        html.Details(
            [
                html.Summary([_("Take this chart"), named]),
                html.Ul([html.Li(link) for link in links], className="take-links"),
                html.P(_("To show it in a page of your own:")),
                code(embed_code(f"{base}/embed/charts/{key}{asked}", title, svg), f"{copied}: {title}"),
            ],
            className="twin take",
        )
    ]


def take_table(key: str, title: str) -> list[Node]:
    """The link to a table as a file; nothing for a page that cannot be asked for."""
    _base, page = _address.get()
    if not page or len(page) > LONGEST:
        return []
    named = html.Span(f": {title}", className="visually-hidden")
    words = [_("This table as CSV"), named]
    return [
        html.P(html.A(words, href=f"/charts/{key}.csv?page={quote(page, safe='')}", download=""), className="detail")
    ]


def caption_id(key: str) -> str:
    """The id of a table's caption."""
    return f"{key}-caption"


def embed_code(address: str, title: str, svg: str) -> str:
    """The element that shows a chart in another page, high enough for its wide and its narrow drawing."""
    height = max((float(value) for value in re.findall(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg)), default=300)
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}" width="100%" height="{height + BESIDE_CHART:.0f}" '
        'style="border:0" loading="lazy"></iframe>'
    )
