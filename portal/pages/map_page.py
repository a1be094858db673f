"""The map: where requests are, and figures by area; below it the same as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow
from portal.beside import Beside
from portal.components import figure_words, whereabouts
from portal.components.absent import footing
from portal.components.address_box import address_box
from portal.components.cite import cite_folded
from portal.components.elements import Field
from portal.components.filters import count_words, filter_form, label_of, labelled
from portal.components.links import Kept, address, part
from portal.components.page import Page
from portal.components.parts import Bar, Column, page_head, rich, section, table
from portal.components.period import period
from portal.components.placed import placed_words
from portal.components.sentences import request_address
from portal.components.spot import Spot
from portal.components.take_map import map_title, take_map
from portal.errors import BadSelection
from portal.pages.areas import by_name
from portal.pages.frame import residents
from portal.pages.map_beside import beside_control, frames
from portal.pages.map_beside_told import MEASURES, told_section, warning
from portal.pages.near import areas_of, near_section
from portal.pages.trends import nothing
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, N_, _, number, share, time_words

if TYPE_CHECKING:
    from portal.release import Release

FIGURES = {
    "requests": N_("Requests, one by one"),
    "count": N_("Requests by area"),
    "rate": N_("Requests per 1,000 residents, by area"),
    "median": N_("Half closed within, by area"),
    "p90": N_("9 in 10 closed within, by area"),
    "open": N_("Share still open, by area"),
    "on_time": N_("Share on time, by area"),
    "done": N_("Share done of those closed, by area"),
}
LATEST = 12
NOTHING = Beside()


def layout(
    release: Release, selection: Selection, figure: str = "requests", layer: str = "", at: str = "", place: str = "",
    radius: str = "", beside: Beside = NOTHING,
) -> Page:  # fmt: skip
    """The map of the selected requests. `figure` is one of FIGURES, `layer` the areas that are coloured, `at` and
    `place` a place that is marked, `radius` how far around it is looked at, `beside` what a second map has in place of
    what the first one shows."""
    spot = Spot.read(at, place)
    here: dict[str, str] = spot.query() if spot else {}
    kept: dict[str, Kept] = {**here, **beside.kept()}
    other = beside.other(selection)
    if figure not in FIGURES:
        raise BadSelection("figure", figure, list(FIGURES))
    drawn = [each for each in release.layers if each.geometry]
    shaded = layer or (drawn[0].layer if drawn else "")
    if layer and layer not in [each.layer for each in drawn]:
        raise BadSelection("layer", layer, [each.layer for each in drawn])
    totals = queries.totals(release, selection)
    query = address("", selection, figure=figure, layer=shaded, **kept).removeprefix("?")
    body = [
        page_head(_("Map"), html.P(_("Where things are asked for, and how each part of the city is served."), className="lead"),
                  period(release, selection)),
        address_box(release, spot.name if spot else "", leads="map"),
        filter_form(
            release, selection, "/map", totals.requests,
            [_choice("figure", _("Show"), _offered(release, figure), figure),
             _choice("layer", _("Areas"), {each.layer: each.plural for each in drawn}, shaded)],
            opened=False, without="", of=selection, **kept,
        ),
        html.P([placed_words(totals), " ", _as_list(selection, figure, layer, kept)], className="detail"),
        footing(release, selection),
        _marked(selection, spot, figure, layer, beside) if spot else None,
        beside_control(release, selection, beside, {"figure": figure, "layer": layer, **kept}),
        frames(release, selection, other, query, {"figure": figure if figure != "requests" else "", "layer": layer, **kept}),
        warning(release, selection, other) if other and figure not in MEASURES else None,
        html.P(_("With a keyboard: arrows move the map, + and − zoom, Tab reaches the buttons. "
                 "The tables below hold the same figures."), className="detail"),
        html.P(_("The file, the picture, the feed and the embedded map show the first of the two."), className="detail")
        if other else None,
        take_map(release, selection, map_title(release, figure, _(FIGURES[figure])), {"figure": figure, "layer": shaded, **here},
                 beside.kept()),
        cite_folded(release, selection),
        near_section(release, selection, spot, radius, areas_of(release, spot), "/map", note="", figure=figure, layer=layer, **kept)
        if spot else None,
    ]  # fmt: skip
    if other:
        body.append(told_section(release, selection, other, figure, shaded))
    if totals.requests:
        if shaded:
            body.append(_areas(release, selection, shaded))
        body.append(_latest(release, selection))
    else:
        body.append(nothing(selection, "/map"))
    return Page(
        title=_("Map"),
        description=_("A map of service requests in {city}.").format(city=release.city.name),
        body=body,
        announce=_("The map shows {place}.").format(place=spot.name)
        if spot and spot.name
        else announced(release, selection, other, totals.requests),
        section="/map",
    )


def announced(release: Release, selection: Selection, other: Selection | None, requests: int) -> str:
    """What a screen reader is told after a change."""
    if other is None:
        return count_words(requests)
    return _("{requests}; beside them {n}").format(requests=count_words(requests), n=number(release.chosen(other).n))


def _choice(key: str, label: str, values: dict[str, str], chosen: str) -> Any:
    options = [{"value": value, "label": words} for value, words in values.items()]
    return labelled(label, f"map-{key}", Field("select", key, chosen, id=f"map-{key}", options=options))


def _offered(release: Release, figure: str) -> dict[str, str]:
    """The figures and their words; a rate only where residents are known, or where the address asks for it."""
    return {key: _(words) for key, words in FIGURES.items() if key == figure or key != "rate" or residents(release)}


def _as_list(selection: Selection, figure: str, layer: str, kept: dict[str, Kept]) -> Any:
    """The way to the same requests as a list, from which the same map can be reached again."""
    shown: dict[str, Kept] = {"figure": figure if figure != "requests" else "", "layer": layer, **kept}
    return html.A(_("As a list"), href=address("/map/list", selection, **shown), id="as-list")


def _marked(selection: Selection, spot: Spot, figure: str, layer: str, beside: Beside) -> Any:
    """What the mark on the map is, and how to be rid of it."""
    name = spot.name or f"{spot.lat:.5f}, {spot.long:.5f}"
    about = html.A(_("About this place"), href=address("/places", None, q=name, at=f"{spot.lat:.5f},{spot.long:.5f}"))
    gone = html.A(_("Take the mark away"), href=address("/map", selection, figure=figure, layer=layer, **beside.kept()))
    words = _("Marked: {place}. The true place is within {n} m of it in 95 of 100 cases. {about} {gone}")
    if not spot.radius_m:
        words = _("Marked: {place}. {about} {gone}")
    parts = rich(words, place=html.Strong(name), n=number(spot.radius_m), about=about, gone=gone)
    soon = html.A(_("How long will mine take?"), href=address("/expected", None, **spot.query()))
    return html.P([*parts, " ", soon], id="marked", tabIndex="-1", className="marked")


def _areas(release: Release, selection: Selection, layer: str) -> Any:
    caption, columns, told = areas_told(release, selection, layer)
    most = max((row.requests for row, _words in told), default=1)
    cells = [
        [
            html.A(row.name, href=address(f"/areas/{layer}/{part(row.key)}", selection)),
            Bar(words[0], row.requests / most),
            *words[1:],
        ]
        for row, words in told
    ]
    return section(release.layer(layer).plural, "areas", table(caption, columns, cells, "map-areas"))


def areas_told(
    release: Release, selection: Selection, layer: str
) -> tuple[str, list[Column], list[tuple[GroupRow, list[str]]]]:
    """The figures of the map as a table: its caption, its columns, and for each area the words after its name."""
    of = release.layer(layer)
    rows: list[GroupRow] = by_name([row for row in queries.by(release, selection, layer) if row.key != NOT_STATED])
    people = residents(release).get(layer, {})
    columns = [
        Column(of.title), Column(_("Requests"), "bar"), *([Column(_("Per 1,000 residents"), "number")] if people else []),
        Column(_("Half closed within"), "number"), Column(_("9 in 10 closed within"), "number"),
        Column(_("Still open"), "number"), Column(_("On time"), "number"), Column(_("Done"), "number"),
    ]  # fmt: skip
    told = [
        (
            row,
            [
                number(row.requests),
                *([_rate(row, people)] if people else []),
                figure_words.quantile_words(row.median, row.n),
                figure_words.quantile_words(row.p90, row.n),
                share(row.open, row.requests),
                figure_words.share_words(row.on_time),
                figure_words.share_words(row.done) if row.done.n else "–",
            ],
        )
        for row in rows
    ]
    return _("The figures of the map, by {what}").format(what=of.title.lower()), columns, told


def _rate(row: GroupRow, people: Mapping[str, int]) -> str:
    if row.key not in people:
        return _("residents not known")
    rate = 1000 * row.requests / people[row.key]
    return figure_words.too_few() if row.requests < FEW else (f"{rate:.1f}" if rate < 10 else number(rate))


def _latest(release: Release, selection: Selection) -> Any:
    rows = queries.latest(release, selection, limit=LATEST)
    columns = [
        Column(_("Request")), Column(_("Asked for")), Column(_("Where")), Column(_("State")), Column(_("How long"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(row.service_name or label_of(release, "service", row.service_code), href=request_address(row)),
            time_words(row.requested_datetime, release.city.timezone) if row.requested_datetime else "–",
            whereabouts.where(release, row),
            whereabouts.state(row),
            whereabouts.lasted(release, row),
        ]
        for row in rows
    ]
    return section(
        _("The latest of these requests"), "latest",
        table(_("The newest {n}, newest first").format(n=len(rows)), columns, cells, "latest-table"),
        html.Ul(
            [
                html.Li(html.A(_("All of them as a list"), href=address("/map/list", selection), className="onward")),
                html.Li(html.A(_("Download all of them"), href=address("/data", selection), className="onward")),
            ],
            className="actions",
        ),
    )  # fmt: skip
