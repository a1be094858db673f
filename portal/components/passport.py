"""A request's place: who said where it is, how sure that is, what else it may be, and which areas it is in.

Charter: from one request to markup; no queries. Nothing of a place that the release does not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.elements import MapFrame
from portal.components.labels import (
    LOCATION_NOTES,
    LOCATION_SOURCES,
    METHOD_MEANINGS,
    METHODS,
    PRECISIONS,
    REASONS,
    named,
)
from portal.components.links import address, part
from portal.components.parts import Column, table
from portal.components.spot import Spot
from portal.places import has_index
from portal.selection import Selection
from portal.text import _, number, share

if TYPE_CHECKING:
    from portal.answers_request import OneRequest
    from portal.release import Release

ABOUT_PLACE = ("location_contradicts_address", "location_default_point", "location_mistaken")


def where_words(release: Release, request: OneRequest) -> str:
    """The place in few words: the address as published, or why there is none."""
    row = request.row
    if row.address:
        return row.address
    if row.location_precision == "withheld" or row.location_note == "withheld":
        return _("Where: not told, to protect privacy")
    if row.nearest_address:
        return _("Near {address}").format(address=row.nearest_address)
    named_area = next(
        (
            release.allowed(layer.layer).get(row.areas[layer.layer])
            for layer in release.layers
            if layer.layer in row.areas
        ),
        None,
    )
    if named_area:
        return _("In {area}; no address is published").format(area=named_area)
    return _("Where: the record does not say")


def passport(release: Release, request: OneRequest) -> list[Any]:
    """Facts about the place, other places it may be, areas."""
    facts = [(what, said) for what, said in _facts(request) if said]
    return [
        html.Dl([node for what, said in facts for node in (html.Dt(what), html.Dd(said))], className="facts-list"),
        *_alternatives(release, request),
        *_areas(release, request),
    ]


def place_map(request: OneRequest, service: Selection) -> list[Any]:
    """The map around the place, with the other requests of the service; nothing where no point is told."""
    row = request.row
    if row.lat is None or row.long is None:
        return []
    title = _("Request {number}").format(number=row.service_request_id)
    spot = Spot(row.lat, row.long, row.geocode_radius_m or 0.0, title)
    query = address("", service, figure="requests", **spot.query()).removeprefix("?")
    more = html.A(_("Open the map here"), href=address("/map", service, **spot.query()), className="onward")
    frame = MapFrame("map", f"/map/frame?{query}", query, _("Map of service requests"))
    return [html.P(_("The marked place, and the other requests of the same service.")), frame, html.P(more)]


def _facts(request: OneRequest) -> list[tuple[str, Any]]:
    row = request.row
    precise = row.location_precision
    method, drawn = row.geocode_method, row.lat is not None
    return [
        (_("How exactly it is told"), named(PRECISIONS, precise) if precise else ""),
        (_("Where the point comes from"), named(LOCATION_SOURCES, row.location_source) if row.location_source else ""),
        (_("About the source's own point"), named(LOCATION_NOTES, row.location_note) if row.location_note else ""),
        (_("How it was found"), _method(method, drawn) if method else ""),
        (_("How sure that is"), _score(row.geocode_score)),
        (_("How far off it may be"), _radius(row.geocode_radius_m, drawn)),
        (_("As the city's list of addresses writes it"), row.geocode_address if row.geocode_address != row.address else ""),
        (_("Nearest address"), row.nearest_address),
        *((_("In doubt"), _(REASONS[flag])) for flag in ABOUT_PLACE if flag in row.flags),
    ]  # fmt: skip


def _method(method: str, drawn: bool) -> str:
    """How it was found; what that means for the mark only where there is one."""
    label = named(METHODS, method)
    label = label[:1].upper() + label[1:]
    return f"{label}. {_(METHOD_MEANINGS[method])}" if drawn and method in METHOD_MEANINGS else label


def _radius(metres: float | None, drawn: bool) -> str:
    if not metres:
        return ""
    words = _("The true place is within {n} m in 95 of 100 cases.")
    if not drawn:
        words = _("Within {n} m in 95 of 100 cases: too vague for a point on the map.")
    return words.format(n=number(metres))


def _score(score: float | None) -> str:
    if score is None:
        return ""
    words = _("{share} of results like this one are the right place, to within 200 m.")
    return words.format(share=share(score))


def _alternatives(release: Release, request: OneRequest) -> list[Any]:
    if not request.alternatives:
        return []
    items = []
    for other in request.alternatives:
        link: Any = html.A(other.address, href=address("/places", None, q=other.address))
        hint = [named(METHODS, other.method)] if other.method else []
        hint += [share(other.score)] if other.score is not None else []
        items.append(
            html.Li([link if has_index(release) else other.address, " ", html.Span(", ".join(hint), className="hint")])
        )
    return [html.H3(_("It may also be")), html.Ul(items)]


def _areas(release: Release, request: OneRequest) -> list[Any]:
    """A row for each layer, and where a border is near one for each area that it may be in."""
    rows: list[list[Any]] = []
    for layer in release.layers:
        code = request.row.areas.get(layer.layer)
        likely = request.likely.get(layer.layer) or (((code, 1.0),) if code is not None else ())
        for i, (area, probability) in enumerate(likely):
            first = layer.title if not i else _("{layer}, or else").format(layer=layer.title)
            rows.append(
                [
                    first,
                    _area(release, layer.layer, area),
                    _sure(layer.located_by, probability, request.row.lat is not None),
                ]
            )
    if not rows:
        return []
    columns = [Column(_("Kind of area")), Column(_("Area")), Column(_("How sure"))]
    doubt = html.P(_("A border is so near that the place may lie on its other side.")) if request.likely else None
    return [table(_("Areas that the place is in"), columns, rows, "areas-of-request"), doubt]


def _area(release: Release, layer: str, area: str | None) -> Any:
    if area is None:
        return _("outside of all of them")
    return html.A(release.allowed(layer).get(area, area), href=address(f"/areas/{layer}/{part(area)}"))


def _sure(located_by: str, probability: float, drawn: bool) -> str:
    if located_by == "source":
        return _("the city's system says so")
    if probability < 1:
        return share(probability)
    return _("by its point") if drawn else _("by what is known of its place")
