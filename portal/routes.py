"""Which page answers an address.

`render` is all that the server and the Dash callback need: path and query in,
a finished `Page` out, whatever happens short of having no release at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from portal.beside import PREFIX, Beside
from portal.components.page import Page
from portal.components.shell import shell
from portal.components.take_chart import at_address
from portal.errors import BadSelection, NotFound, PortalError
from portal.head_links import with_head
from portal.pages import (
    areas,
    cited,
    data,
    dataset,
    departments,
    diff,
    equity,
    expected_page,
    map_list,
    map_page,
    methods,
    overview,
    place,
    places,
    problem,
    ready,
    receipt_page,
    request_page,
    sources,
    standards,
    trends,
    verify,
)
from portal.selection import Selection
from portal.text import answering
from portal.was import selection_then, unknowable

if TYPE_CHECKING:
    from portal.release import Release

Layout = Callable[..., Page]

_ONE = r"(?P<{}>[^/]+)"
ROUTES: tuple[tuple[re.Pattern[str], Layout, tuple[str, ...]], ...] = (
    (re.compile(r"/"), overview.layout, ()),
    (re.compile(r"/map"), map_page.layout, ("figure", "layer", "at", "place", "radius", PREFIX)),
    (re.compile(r"/map/list"), map_list.layout, ("sort", "page", "figure", "layer", "at", "place", PREFIX)),
    (re.compile(r"/places"), places.layout, ("q", "at", "radius")),
    (re.compile(r"/expected"), expected_page.layout, ("q", "at", "place", "shown")),
    (re.compile(r"/trends"), trends.layout, ("by",)),
    (re.compile(r"/areas"), areas.layers, ("fair",)),
    (re.compile("/areas/" + _ONE.format("layer")), areas.layout, ("fair",)),
    (re.compile("/areas/" + _ONE.format("layer") + "/" + _ONE.format("area")), place.area, ("beside",)),
    (re.compile(r"/departments"), departments.layout, ("fair",)),
    (re.compile("/departments/" + _ONE.format("department")), place.department, ("beside",)),
    (re.compile(r"/standards"), standards.layout, ()),
    (re.compile(r"/equity"), equity.layout, ("layer", "measure")),
    (re.compile(r"/requests/(?P<number>.+)", re.DOTALL), request_page.layout, ("source",)),
    (re.compile(r"/data"), data.layout, ()),
    (re.compile("/data/" + _ONE.format("name")), dataset.layout, ()),
    (re.compile(ready.PATH), ready.layout, ()),
    (re.compile(r"/verify"), verify.layout, ("sha256",)),
    (re.compile("/r/" + _ONE.format("cited")), cited.layout, ()),
    (
        re.compile("/releases/" + _ONE.format("before") + "/" + _ONE.format("after")),
        diff.layout,
        ("table", "kind", "field", "at_row"),
    ),
    (re.compile(r"/sources"), sources.layout, ()),
    (re.compile(r"/methods"), methods.layout, ()),
    (re.compile("/receipts/" + _ONE.format("figure")), receipt_page.layout, receipt_page.ARGUMENTS),
)
"""Pattern of the path, the page's function, and the query keys of its own that it takes as arguments; PREFIX stands for
all that begin with it."""


def render(release: Release, pathname: str, search: str = "", accept_language: str = "", base: str = "") -> Page:
    """The finished page for an address: body with header and footer, complete title, HTTP status.

    `search` is the query with or without '?'. A value that the release does not have, or a path that leads
    nowhere, is a page too (400, 404) that says what to do. `base` is the address that visitors see the portal at.
    `page.body` is one Dash component: give it to the callback's output, or to `portal.html.to_html`.
    """
    path = normal(pathname)
    query = parse_qs(search.removeprefix("?"))
    with answering(release.city.languages, search, accept_language), at_address(base, path, search):
        try:
            page = _page(release, path, search, query)
        except PortalError as error:
            page = problem.layout(error)
        return with_head(shell(release, page, path))


def normal(pathname: str) -> str:
    """The path without a slash at its end, percent-decoded per part where it is matched."""
    return "/" + (pathname or "/").strip("/")


def _page(release: Release, path: str, search: str, query: dict[str, list[str]]) -> Page:
    for pattern, layout, own in ROUTES:
        found = pattern.fullmatch(path)
        if found:
            arguments: dict[str, Any] = {name: unquote(value) for name, value in found.groupdict().items()}
            arguments |= {key: query[key][0] for key in own if key in query and key != PREFIX}
            if PREFIX in own:
                arguments["beside"] = Beside.read(search, release)
            past = [arguments[name] for name in ("cited", "before", "after") if name in arguments]
            if not past:
                return layout(release, Selection.from_query(search, release), **arguments)
            try:
                return layout(release, selection_then(release, past, search), **arguments)
            except BadSelection:
                if layout is cited.layout and unknowable(release, past[0]):
                    return cited.unreadable(release, past[0], search)
                raise
    raise NotFound("There is no page at this address.")
