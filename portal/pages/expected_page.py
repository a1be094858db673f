"""How long will mine take? A service and a place in, a sentence out; and all services of the place. No script needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dash import html

from portal.background import Failed
from portal.components import expected as told
from portal.components.elements import Field
from portal.components.filters import labelled
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, aside, more, page_head, rich, section, table
from portal.components.spot import Spot
from portal.errors import NotReady
from portal.places import SURE, Likely, has_index
from portal.queries.expected import calibration, drawn_layer, expected, expected_all
from portal.selection import NOT_STATED, Selection
from portal.text import _, duration_words, language, main_language, month_name, number, share

if TYPE_CHECKING:
    from portal.answers_expected import Calibration, Forecast
    from portal.release import Release

PATH = told.PATH


@dataclass
class _Where:
    """The area that is asked for ('' for the whole city), what is said of how it was found, and the page's status."""

    area: str = ""
    said: list[Any] = field(default_factory=list)
    status: int = 200


def layout(release: Release, selection: Selection, q: str = "", at: str = "", place: str = "", shown: str = "") -> Page:
    """The page of a service and an area, or an address `q`, or a point `at` named `place`.

    `shown` is the area that the form showed: an address counts unless another area was chosen since.
    """
    layer = drawn_layer(release)
    area = next((f"{name}:{code}" for name, code in selection.area if name == layer), "")
    text = " ".join(q.split()) if area == shown else ""
    where = _where(release, selection, layer, text, at if area == shown else "", place)
    service = next((code for code in selection.service if code != NOT_STATED), "")
    title = _("How long will mine take?")
    body = [
        page_head(
            title,
            html.P(_("Choose what it is about and where, and see how soon such requests are closed."), className="lead"),
        ),
        _form(release, layer, service, where.area, text),
        *where.said,
    ]  # fmt: skip
    status, announce = where.status, ""
    try:
        answers, announce = _answers(release, layer, service, where.area)
        body += answers
    except NotReady:
        status, announce = 503, _("Expected times are being worked out.")
        words = _("They are worked out anew for each release, which takes a few seconds. Load this page again.")
        body.append(aside(announce, html.P(words)))
    except Failed:
        status, announce = 500, _("Expected times could not be worked out.")
        body.append(aside(announce, html.P(_("That is our fault and has been logged. All other figures are there."))))
    return Page(
        title=title,
        description=_("How long a request to {city} should take, from how similar ones went.").format(
            city=release.city.name
        ),
        body=body,
        status=status,
        announce=announce,
        section=PATH,
    )


def _where(release: Release, selection: Selection, layer: str | None, text: str, at: str, place: str) -> _Where:
    spot = Spot.read(at, place)
    if layer is not None and (text or spot) and has_index(release):
        return _of_place(release, layer, text, spot)
    if layer is None:
        return _Where()
    codes = [code for code in selection.codes(layer) if code != NOT_STATED]
    if codes:
        return _Where(codes[0])
    if selection.area:
        words = _("Forecasts are made by {layer} only; this one is of the whole city.")
        return _Where("", [html.P(words.format(layer=release.layer(layer).title.lower()), className="detail")])
    return _Where()


def _of_place(release: Release, layer: str, text: str, spot: Spot | None) -> _Where:
    """The area of an address or a point, as the gazetteer knows it."""
    try:
        gazetteer = release.places.ask(release)
    except NotReady:
        words = _("The list of addresses is being read. Try again in a few seconds.")
        return _Where("", [aside(_("One moment."), html.P(words))], 503)
    if spot and not text:
        name, areas = (
            spot.name or f"{spot.lat:.5f}, {spot.long:.5f}",
            gazetteer.likely(release, spot.lat, spot.long, spot.radius_m),
        )
    else:
        found = gazetteer.locate(release, text)
        if found.lat is None:
            words = _("Nothing in this city's list of addresses is like “{text}”; this is of the whole city. {link}")
            link = html.A(_("Look for it"), href=address("/places", None, q=text))
            return _Where("", [html.P(rich(words, text=text, link=link), role="status")])
        name, areas = found.address or text, found.areas
    mine = [row for row in areas if row.layer == layer]
    first = mine[0] if mine else None
    if first is None or first.name is None or first.area is None:
        words = _("{place} is in no {layer} that is known, so this is of the whole city.")
        return _Where("", [html.P(words.format(place=name, layer=release.layer(layer).title.lower()), role="status")])
    return _Where(first.area, [_found(release, layer, name, text, first, mine[1:])])


def _found(release: Release, layer: str, name: str, text: str, first: Likely, others: list[Likely]) -> Any:
    """Where an address lies, how sure that is, and where it may lie else."""
    sure = (first.probability or 0.0) >= SURE
    words = _("{place} is in {area}. {link}") if sure else _(
        "{place} is in {area}, which is {share} sure; else it is in {others}. {link}")  # fmt: skip
    links: list[Any] = []
    for row in others:
        if row.area and row.name:
            links += [", " if links else "", html.A(row.name, href=told.expected_address("", layer, row.area))]
    parts = rich(
        words, place=html.Strong(name), area=first.name, share=share(first.probability or 0.0),
        others=links or _("no area that is known"),
        link=html.A(_("Is that the place you mean?"), href=address("/places", None, q=text or name)),
    )  # fmt: skip
    return html.P(_flat(parts), role="status")


def _flat(parts: list[Any]) -> list[Any]:
    return [node for part in parts for node in (part if isinstance(part, list) else [part])]


def _form(release: Release, layer: str | None, service: str, area: str, text: str) -> Any:
    services = [{"value": "", "label": _("All services")}]
    services += [
        {"value": code, "label": name} for code, name in release.allowed("service").items() if code != NOT_STATED
    ]
    controls = [
        labelled(_("What is it about?"), "expected-service",
                 Field("select", "service", service, id="expected-service", options=services)),
    ]  # fmt: skip
    if layer is not None:
        of = release.layer(layer)
        areas = [{"value": "", "label": _("The whole city")}]
        areas += [
            {"value": f"{layer}:{code}", "label": name}
            for code, name in release.allowed(layer).items()
            if code != NOT_STATED
        ]
        chosen = f"{layer}:{area}" if area else ""
        controls.append(
            labelled(of.title, "expected-area", Field("select", "area", chosen, id="expected-area", options=areas))
        )
        if has_index(release):
            release.places.at_hand(release)  # by the time someone types, it is read
            box = labelled(
                _("Or an address"), "expected-q",
                Field("search", "q", text, id="expected-q", describedby="expected-q-hint"),
                _("Instead of the area. It is not kept."),
            )  # fmt: skip
            controls.append(box)
    return html.Form(
        [
            *([Field("hidden", "lang", language())] if language() != main_language() else []),
            *([Field("hidden", "shown", f"{layer}:{area}")] if area else []),
            html.Div(controls, className="controls"),
            html.Div(html.Button(_("Show how long"), type="submit", className="button"), className="form-actions"),
        ],
        method="get", action=PATH, className="filter-form expected-form",
        **{"data-filter": "", "aria-label": _("What you would report, and where")},
    )  # fmt: skip


def _answers(release: Release, layer: str | None, service: str, area: str) -> tuple[list[Any], str]:
    """The answer for a service if one is chosen, the table of all, and what a screen reader is told."""
    how = calibration(release)
    name = release.allowed(layer).get(area, area) if layer and area else ""
    parts: list[Any] = []
    announce = name or _("The whole city")
    if service:
        title = release.allowed("service").get(service, service)
        found = expected(release, service, area or None)
        if found is None:
            announce = told.too_little()
            parts.append(section(title, "answer", html.P(announce, className="lead")))
        else:
            answer = told.sentence(release, found)
            announce = answer.words
            parts.append(
                section(
                    title, "answer",
                    html.P(answer.nodes, className="lead"),
                    html.P(_when(found)),
                    *told.basis(release, found, name),
                    told.factors(found, how),
                    told.held(how),
                )
            )  # fmt: skip
    parts.append(_table(release, layer, area, name, how, bool(service)))
    return parts, announce


def _when(forecast: Forecast) -> str:
    words = _(
        "That is a forecast for a request made in {month}, where this data ends. Closed means that the city closed its "
        "record, which is not always the same as done."
    )
    return words.format(month=month_name(forecast.month))


def _table(release: Release, layer: str | None, area: str, name: str, how: Calibration | None, answered: bool) -> Any:
    """All services of a place by name: no ranks."""
    rows, unknown = [], []
    for service, found in expected_all(release, area or None).items():
        if service == NOT_STATED:
            continue
        title = release.allowed("service")[service]
        link = html.A(title, href=told.expected_address(service, layer, area))
        if found is None:
            unknown.append(title)
        else:
            rows.append(_row(link, found))
    columns = [
        Column(_("Service")), Column(_("Half are closed within"), "number"), Column(_("9 in 10 within"), "number"),
        Column(_("Based on"), "text"), Column(_("Requests"), "number"),
    ]  # fmt: skip
    heading = _("All services in {area}").format(area=name) if name else _("All services in the whole city")
    return section(
        heading, "all",
        html.P(_("By name. The link of a service tells what its times stand on.")),
        table(_("Expected times by service"), columns, rows, "expected-all", hidden_caption=True) if rows else None,
        more(
            _("Services of which too little is known"),
            html.Ul([html.Li(title) for title in unknown], className="columns-list"),
        ) if unknown else None,
        None if answered else told.held(how),
    )  # fmt: skip


def _row(link: Any, found: Forecast) -> list[Any]:
    of = told.figures_of(found)
    return [
        link,
        of.told(duration_words(found.half_hours), "half_hours", found.half_hours),
        of.told(duration_words(found.most_hours), "most_hours", found.most_hours),
        _(told.SHORT[found.basis]),
        of.told(number(found.requests), "n", found.requests),
    ]
