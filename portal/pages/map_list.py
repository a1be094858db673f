"""The list twin of the map: the same requests, in an order, page by page. No script needed.

Charter: an order, a page and the map's own address in; rows out. How many places are told how exactly stands above them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.beside import Beside
from portal.components import whereabouts
from portal.components.filters import count_words, filter_form, label_of
from portal.components.links import Kept, address
from portal.components.page import Page
from portal.components.paging import paging
from portal.components.parts import Column, breadcrumbs, page_head, table
from portal.components.sentences import request_address
from portal.components.spot import Spot
from portal.errors import BadSelection
from portal.pages.trends import nothing
from portal.selection import Selection
from portal.text import N_, _, number, share, time_short

if TYPE_CHECKING:
    from portal.answers import RequestRow, ToldPlaces
    from portal.release import Release

PATH = "/map/list"
SIZE = 25
ORDERS = {
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "longest": N_("Longest open first"),
    "service": N_("By service"),
    "status": N_("Open before closed"),
}
LONGEST_NUMBER = 9


@dataclass(frozen=True)
class _View:
    """What the addresses of this list carry."""

    selection: Selection
    sort: str
    map: dict[str, Kept]  # what the map of this list shows: figure, layer, mark, what is beside

    def to(self, sort: str = "", page: int = 1) -> str:
        """The same list in another order or at another page."""
        return address(PATH, self.selection, **self.kept(sort or self.sort), page=str(page) if page > 1 else "")

    def kept(self, sort: str) -> dict[str, Kept]:
        """Keys beside the filters."""
        return {**self.map, **({"sort": sort} if sort != "newest" else {})}


def layout(
    release: Release, selection: Selection, sort: str = "newest", page: str = "1", figure: str = "", layer: str = "",
    at: str = "", place: str = "", beside: Beside | None = None,
) -> Page:  # fmt: skip
    """The list of the selected requests. What of `figure`, `layer`, `at`, `place` and `beside` the map's address had leads
    back."""
    spot = Spot.read(at, place)
    shown: dict[str, Kept] = {"figure": figure[:40], "layer": layer[:63], **(spot.query() if spot else {})}
    shown |= beside.kept() if beside else {}
    view = _View(selection, sort, {key: value for key, value in shown.items() if value})
    wanted = _page_number(page)
    found = queries.ordered(release, selection, sort, wanted, SIZE)
    pages = max(-(-found.total // SIZE), 1)
    if wanted > pages:
        wanted, found = pages, queries.ordered(release, selection, sort, pages, SIZE)
    back = address("/map", selection, **view.map)
    body = [
        breadcrumbs([(_("Map"), back)], _("List")),
        page_head(
            _("The map as a list"),
            html.P(selection.sentence(release) + ".", className="lead"),
            html.P(html.A(_("On the map"), href=back, className="onward")),
        ),
        filter_form(
            release, selection, PATH, found.total, opened=False, without="", of=selection, **view.kept(sort)
        ),
    ]  # fmt: skip
    body += _list(release, view, found, wanted, pages) if found.total else [nothing(selection, PATH)]
    return Page(
        title=_("The map as a list"),
        description=_("Service requests in {city}, as a list.").format(city=release.city.name),
        body=body,
        announce=_("{requests}, page {n} of {all}").format(
            requests=count_words(found.total), n=number(wanted), all=number(pages)
        ),
        section="/map",
    )


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER and int(text)):
        raise BadSelection("page", text, why="it must be a whole number from 1 on")
    return int(text)


def _list(release: Release, view: _View, found: Any, page: int, pages: int) -> list[Any]:
    first, last = found.offset + 1, found.offset + len(found.rows)
    caption = _("{first} to {last} of {all}: {order}").format(
        first=number(first), last=number(last), all=number(found.total), order=_(ORDERS[view.sort]).lower()
    )
    ways = paging(page, pages, lambda to: view.to(page=to), "list")
    return [
        html.P(_placed(queries.told_places(release, view.selection)), className="detail"),
        html.H2(_("Requests"), id="list", tabIndex="-1", className="list-title"),
        _orders(view),
        html.Div(
            table(caption, _columns(view), [_cells(release, row) for row in found.rows], "map-list"),
            className="map-list",
        ),
        ways,
        html.P(html.A(_("Download all of them"), href=address("/data", view.selection), className="onward")),
    ]


def _placed(places: ToldPlaces) -> str:
    """How many are on the map, and of how many the place is told less exactly than it is known, or than it should be."""
    words = _("{located} of {all} requests have a place on the map ({share}); {rest} have none.")
    located = places.requests - places.none
    parts = [
        words.format(
            located=number(located), all=number(places.requests), share=share(located, places.requests),
            rest=number(places.none),
        )
    ]  # fmt: skip
    if places.geocoder:
        words = _("{n} were placed by their address, which may be some way off: each says how far.")
        parts.append(words.format(n=number(places.geocoder)))
    if places.block_face or places.area or places.withheld:
        words = _(
            "To protect privacy {block} are told only to their block, {area} only to their area, and {none} not at all."
        )
        parts.append(
            words.format(block=number(places.block_face), area=number(places.area), none=number(places.withheld))
        )
    return " ".join(parts)


def _orders(view: _View) -> Any:
    """The orders as links where columns stack and their heads are gone."""
    links = [
        html.Li(
            html.A(
                _(words),
                href=view.to(key),
                **({"aria-current": "true"} if key == view.sort else {}),
                **{"data-keep-focus": "list"},
            )
        )
        for key, words in ORDERS.items()
    ]
    return html.Nav(html.Ul(links), className="orders", **{"aria-label": _("Order")})


def _columns(view: _View) -> list[Column]:
    def column(title: str, kind: str, orders: tuple[tuple[str, str], ...]) -> Column:
        """A head that sorts: by the first of the orders, or by the next one if it is sorted so already."""
        names = [name for name, _way in orders]
        now = view.sort if view.sort in names else ""
        to = names[(names.index(now) + 1) % len(names)] if now else names[0]
        hint = html.Span(": " + _(ORDERS[to]).lower(), className="visually-hidden")
        link = html.A([title, hint], href=view.to(to), className="sorts", **{"data-keep-focus": "list"})
        return Column(title, kind, link, dict(orders).get(now, ""))

    return [
        column(_("Request"), "text", (("service", "ascending"),)),
        column(_("Asked for"), "text", (("newest", "descending"), ("oldest", "ascending"))),
        Column(_("Where")),
        Column(_("On the map")),
        column(_("State"), "text", (("status", "ascending"),)),
        column(_("How long"), "text", (("longest", "descending"),)),
    ]


def _cells(release: Release, row: RequestRow) -> list[Any]:
    name = row.service_name or label_of(release, "service", row.service_code)
    asked = row.requested_datetime
    return [
        html.A([name, " ", html.Span(row.service_request_id, className="hint")], href=request_address(row)),
        html.Time(time_short(asked, release.city.timezone), dateTime=f"{asked.isoformat()}Z") if asked else "–",
        whereabouts.place(release, row) or _("not known"),
        whereabouts.exactness(row),
        whereabouts.state(row),
        whereabouts.lasted(release, row),
    ]
