"""One place: what an address means, how sure that is, and which areas it is in. Complete without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.address_box import address_box
from portal.components.elements import MapFrame
from portal.components.expected import expected_address
from portal.components.labels import METHOD_MEANINGS, METHODS, PLACE_KINDS, named
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, aside, key_figures, page_head, section, table
from portal.components.spot import Spot
from portal.errors import BadRequest, NotFound, NotReady
from portal.pages.near import along_section, area_section, near_section
from portal.places import SURE, Found, Gazetteer, Likely, Other, has_index
from portal.queries.expected import drawn_layer
from portal.selection import Selection
from portal.street_outline import BESIDE_M
from portal.text import _, number, share

if TYPE_CHECKING:
    from portal.outline import Outline
    from portal.release import Release

PATH = "/places"
SUGGESTIONS = 6
LIKELY_RIGHT = 0.5
VAGUE = ("street", "area")


def layout(release: Release, selection: Selection, q: str = "", at: str = "", radius: str = "") -> Page:
    """The place that `q` names, or that `at` (lat,long) is; with both, `at` tells which of several places called so is meant.
    `radius` is how far around it is looked at."""
    del selection
    if not has_index(release):
        raise NotFound(_("This release has no address index, so addresses cannot be looked up in it."))
    wanted = Spot.read(at)
    text = " ".join(q.split())
    title, status, body = _("Find a place"), 200, [_tips()]
    lead = _("Where an address is, how sure that is, and which parts of the city it belongs to.")
    if text:
        try:
            gazetteer = release.places.ask(release)
        except NotReady:
            status, body = 503, [_one_moment()]
        else:
            found = gazetteer.locate(release, text, (wanted.lat, wanted.long) if wanted else None)
            title = found.address or (text if found.lat is not None else _("Nothing found"))
            spelt = text.casefold().startswith(title.casefold())
            lead = "" if spelt else _("You looked for “{text}”.").format(text=text)
            asked = {"q": text, "at": at if wanted else "", "radius": radius}
            body = (
                _found(release, gazetteer, found, title, asked)
                if found.lat is not None
                else _nothing(release, gazetteer, text)
            )
    elif wanted:
        try:
            title, lead, body = _point(release, release.places.ask(release), wanted, at, radius)
        except NotReady:
            status, body = 503, [_one_moment()]
    return Page(
        title=title,
        description=_("Find a place in {city}, and see which areas it is in.").format(city=release.city.name),
        body=[
            page_head(title, html.P(lead, className="lead") if lead else None),
            address_box(release, text),
            *body,
        ],
        status=status,
        announce=title,
        section="/map",
    )


def _one_moment() -> Any:
    return aside(_("One moment."), html.P(_("The list of addresses is being read. Try again in a few seconds.")))


def _tips() -> Any:
    return aside(
        _("What can be found"),
        html.P(_("Addresses with their number, crossings such as “A St & B Ave”, streets, places with a name, "
                 "neighborhoods and districts. Small mistakes of spelling do no harm.")),
    )  # fmt: skip


def _nothing(release: Release, gazetteer: Gazetteer, text: str) -> list[Any]:
    rows = gazetteer.suggest(release, text, SUGGESTIONS)
    if not rows:
        return [html.P(_("Nothing in this city's list of addresses is like it.")), _tips()]
    items = [
        html.Li([html.A(row.label, href=_with_language(row.url)), " ",
                 html.Span(" · ".join(filter(None, (named(PLACE_KINDS, row.kind), row.detail))), className="hint")])
        for row in rows
    ]  # fmt: skip
    return [section(_("Did you mean"), "meant", html.Ul(items))]


def _point(release: Release, gazetteer: Gazetteer, spot: Spot, at: str, radius: str) -> tuple[str, str, list[Any]]:
    """Title, lead and parts for a point, such as where a device is."""
    try:
        around = gazetteer.reverse(release, spot.lat, spot.long)
    except BadRequest:
        words = _("This point is not in or near {city}, so nothing is known of it.")
        return _("Far away"), "", [html.P(words.format(city=release.city.name)), _tips()]
    what = around.address or around.crossing
    title = _("Near {address}").format(address=what) if what else f"{spot.lat:.4f}, {spot.long:.4f}"
    lead = _("The point {lat}, {long}.").format(lat=f"{spot.lat:.4f}", long=f"{spot.long:.4f}")
    if spot.radius_m:
        lead = _("The point {lat}, {long}, to within {n} m.").format(
            lat=f"{spot.lat:.4f}", long=f"{spot.long:.4f}", n=number(spot.radius_m)
        )
    areas = gazetteer.likely(release, spot.lat, spot.long, spot.radius_m)
    marked = Spot(spot.lat, spot.long, spot.radius_m, title if what else "")
    parts = [
        near_section(release, Selection(), marked, radius, (), PATH, at=at),
        section(_("Which areas it is in"), "areas", *_areas(release, areas)),
        _how_long(release, areas),
        _map(marked),
    ]
    return title, lead, parts


def _map(spot: Spot, along: Outline | None = None) -> Any:
    """The map at a place, or of what lies along a street."""
    shown, marked = (Selection(within=along), {}) if along else (None, spot.query())
    query = address("", shown, figure="requests", **marked).removeprefix("?")
    return section(
        _("On the map"), "where",
        MapFrame("map", f"/map/frame?{query}", query, _("Map of service requests")),
        html.P(html.A(_("Open the map here"), href=address("/map", shown, **marked), className="onward")),
    )  # fmt: skip


def _found(release: Release, gazetteer: Gazetteer, found: Found, title: str, asked: dict[str, str]) -> list[Any]:
    spot = Spot(found.lat or 0.0, found.long or 0.0, found.radius_m or 0.0, title)
    sure = section(
        _("How sure this is"), "sure",
        key_figures(
            [
                (_("Found by"), named(METHODS, found.method), _(METHOD_MEANINGS.get(found.method, ""))
                 if found.method in METHOD_MEANINGS else ""),
                (_("Right"), share(found.score or 0.0), _("of results like this one are the right place, to within 200 m")),
                (_("Within"), _("{n} m").format(n=number(found.radius_m or 0)),
                 _("of the mark lies the true place, in 95 of 100 cases")),
            ]
        ),
        html.P(_("The spelling was corrected: the street is not called quite what was typed.")) if found.corrected else None,
        html.P(html.A(_("How places are found"), href=address("/methods") + "#location")),
    )  # fmt: skip
    radius = asked.pop("radius")
    own = [row for row in found.areas if row.url and row.name == found.address] if found.method == "area" else []
    # What stands in the address is a circle that somebody chose.
    along = gazetteer.along(found) if "lat" in release.columns and not radius else None
    near = _near(release, found, own, along, spot, radius, asked)
    return [
        _is_an_area(release, own) if own else _guess(found, along is not None),
        _others(release, found.alternatives),
        near,
        None if own else section(_("Which areas it is in"), "areas", *_areas(release, found.areas)),
        _how_long(release, found.areas),
        _map(spot, along),
        None if own else sure,
    ]  # fmt: skip


def _near(
    release: Release, found: Found, own: list[Likely], along: Outline | None, spot: Spot, radius: str,
    asked: dict[str, str],
) -> Any:  # fmt: skip
    """What happens there: in the area, along the street, or around the place."""
    if found.method == "area":
        first = own[0] if own else None
        return area_section(release, first.layer, first.area or "", first.name or "") if first else None
    if along is not None:
        return along_section(release, along, BESIDE_M, spot.name)
    note = _("The circle is around the middle of the street, which may go on beyond it.")
    note = note if found.method == "street" else ""
    return near_section(release, Selection(), spot, radius, (), PATH, note, **asked)


def _is_an_area(release: Release, own: list[Likely]) -> Any:
    """The way to the page of what was looked for, where that is an area and no single place."""
    links = [
        html.Li(
            html.A(
                f"{release.layer(row.layer).title}: {row.name}", href=_with_language(row.url or ""), className="onward"
            )
        )
        for row in own
    ]
    return html.Div(
        [html.P(_("This is a part of the city, with a page of its own:")), html.Ul(links, className="actions")]
    )


def _guess(found: Found, along: bool) -> Any:
    """A warning where the result is more likely wrong than right."""
    if found.method in VAGUE:
        words = _("Only the street is known, so all of it is looked at.") if along else _(METHOD_MEANINGS[found.method])
        return aside(_("This is no single place."), html.P(words))
    if (found.score or 0.0) >= LIKELY_RIGHT:
        return None
    words = _(
        "Of results as unsure as this one, {share} are right. A house number, a ZIP code or the neighborhood helps."
    )
    return aside(_("This is only a guess."), html.P(words.format(share=share(found.score or 0.0))))


def _areas(release: Release, areas: tuple[Likely, ...]) -> list[Any]:
    if not areas:
        return [html.P(_("This release has no boundaries to look it up in."))]
    rows: list[list[Any]] = []
    for layer in release.layers:
        mine = [row for row in areas if row.layer == layer.layer]
        for i, row in enumerate(mine):
            name = row.name or row.area or _("outside of all of them")
            link: Any = html.A(name, href=_with_language(row.url)) if row.url else name
            rows.append(
                [layer.title if not i else _("{layer}, or else").format(layer=layer.title), link, sure_words(row)]
            )
    columns = [Column(_("Kind of area")), Column(_("Area")), Column(_("How sure"))]
    parts: list[Any] = [table(_("Areas that the place is in"), columns, rows, "areas-of-place")]
    if any((row.probability or 1) < SURE for row in areas):
        parts.append(html.P(_("A border is so near that the place may lie on its other side.")))
    return parts


def _how_long(release: Release, areas: tuple[Likely, ...]) -> Any:
    """The way to the expected times of the area that it is most likely in."""
    layer = drawn_layer(release)
    here = next((row.area for row in areas if row.layer == layer and row.area and row.name), None)
    if here is None:
        return None
    href = expected_address("", layer, here)
    return html.P(html.A(_("How long will mine take? Expected times here"), href=href, className="onward"))


def sure_words(row: Likely) -> str:
    """'certain', or the probability."""
    if row.probability is None:
        return _("not known")
    return _("certain") if row.probability >= SURE else share(row.probability)


def _others(release: Release, others: tuple[Other, ...]) -> Any:
    if not others:
        return None
    items = []
    for other in others:
        words = ", ".join(filter(None, (named(METHODS, other.method), other.where)))
        items.append(
            html.Li([html.A(other.address, href=_with_language(other.url)), " ", html.Span(words, className="hint")])
        )
    lead = _("These may be meant as well; the one below is the likeliest.")
    return section(_("Did you mean"), "meant", html.P(lead), html.Ul(items))


def _with_language(url: str) -> str:
    """An address of ours in the reader's language."""
    tag = address("").removeprefix("?")
    return url if not tag else f"{url}{'&' if '?' in url else '?'}{tag}"
