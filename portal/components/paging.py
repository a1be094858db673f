"""The way through the pages of a list: first, previous, next, last, and where one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import html

from portal.text import _, number


def paging(page: int, pages: int, href: Callable[[int], str], focus: str) -> Any:
    """Links to other pages; `focus` is the part of the page that a reader is brought to. Nothing where there is one page."""
    if pages < 2:
        return None
    ways = (
        (_("First page"), 1, page > 1, "first"), (_("Previous page"), page - 1, page > 1, "prev"),
        (_("Next page"), page + 1, page < pages, "next"), (_("Last page"), pages, page < pages, "last"),
    )  # fmt: skip
    goes = {"data-keep-focus": focus, "data-show": ""}
    items = [
        html.Li(
            html.A(words, href=href(to), **({"rel": rel} if rel in ("prev", "next") else {}), **goes)
            if there
            else html.Span(words, **{"aria-hidden": "true"})
        )
        for words, to, there, rel in ways
    ]
    here = _("Page {n} of {all}").format(n=number(page), all=number(pages))
    items.insert(2, html.Li(here, className="here"))
    return html.Nav(html.Ul(items), className="paging", **{"aria-label": _("Pages of the list")})
