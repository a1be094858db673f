"""One area or one department: its figures beside the city's, service by service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow, ResponseTime, Totals
from portal.components import figures
from portal.components.absent import footing
from portal.components.filters import count_words, filter_form
from portal.components.links import address, part
from portal.components.page import Page
from portal.components.parts import Bar, Column, aside, breadcrumbs, key_figures, page_head, section, table
from portal.components.period import period
from portal.errors import NotFound
from portal.pages.overview import source_words
from portal.pages.trends import nothing
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, number, share

if TYPE_CHECKING:
    from portal.release import Release

TOP_SERVICES = 12


def area(release: Release, selection: Selection, layer: str, area: str) -> Page:
    """The page of one area of a layer."""
    of = release.layer(layer)
    names = release.allowed(layer)
    if area not in names:
        raise NotFound(_("There is no {what} '{code}' in this release.").format(what=of.title.lower(), code=area[:40]))
    without = tuple(pair for pair in selection.area if pair[0] != layer)
    base = selection.replace(area=without)
    here = base.replace(area=(*without, (layer, area)))
    trail = [(of.plural, address(f"/areas/{layer}", base))]
    return _place(release, base, here, names[area], trail, f"/areas/{layer}/{part(area)}", "/areas", layer)


def department(release: Release, selection: Selection, department: str) -> Page:
    """The page of one department."""
    names = release.allowed("department")
    if department not in names or department == NOT_STATED:
        raise NotFound(_("There is no department '{code}' in this release.").format(code=department[:40]))
    base = selection.replace(department=())
    here = base.replace(department=(department,))
    trail = [(_("Departments"), address("/departments", base))]
    path = f"/departments/{part(department)}"
    return _place(release, base, here, names[department], trail, path, "/departments", "department")


def _place(
    release: Release, base: Selection, here: Selection, name: str, trail: list[tuple[str, str]], path: str, of: str,
    own: str,
) -> Page:  # fmt: skip
    totals, city_totals = queries.totals(release, here), queries.totals(release, base)
    body: list[Any] = [
        breadcrumbs(trail, name),
        page_head(
            name,
            html.P(_("Beside the whole city: the same kinds of requests, the same dates."), className="lead"),
            period(release, here, queries.volumes(release, here)) if totals.requests else None,
        ),
        filter_form(release, base, path, totals.requests, without=own),
        footing(release, here),
    ]
    if totals.requests:
        body += _figures(release, base, here, totals, city_totals, name, own)
    else:
        body.append(nothing(base, path))
    return Page(
        title=name,
        description=_("Service requests: {name}, beside the whole of {city}.").format(
            name=name, city=release.city.name
        ),
        body=body,
        announce=count_words(totals.requests),
        section=of,
    )


def _figures(
    release: Release, base: Selection, here: Selection, totals: Totals, city_totals: Totals, name: str, own: str
) -> list[Any]:
    response = queries.response(release, here)
    city_response = queries.response(release, base, exact=False)  # the same beside every place
    months = queries.monthly(release, here)
    source = source_words(release)
    stated = [row for row in queries.by(release, here, "service", TOP_SERVICES) if row.key != NOT_STATED]
    city = {row.key: row for row in queries.by(release, base, "service")}
    return [
        _beside(totals, city_totals, response, city_response),
        _location_band(release, base, here, name, own),
        _few(response),
        section(
            _("The same service, here and in the whole city"),
            "services",
            figures.here_and_city(stated, city, _("Half closed within, here and in the whole city"), source, "beside-chart"),
            _services(stated, city, name),
            lead=_("Comparing like with like: this is the fairest comparison on this page."),
        ),
        section(_("Month by month"), "months", figures.requested_and_closed(months, source),
                figures.durations(months, "median", source, "median")),
        section(_("Closed is not the same as done"), "done", figures.outcomes(totals)) if totals.closed else None,
        section(
            _("Take it with you"), "take",
            html.Ul(
                [
                    html.Li(html.A(_("On the map"), href=address("/map", here))),
                    html.Li(html.A(_("Trends"), href=address("/trends", here))),
                    html.Li(html.A(_("These requests as data"), href=address("/data", here))),
                ],
                className="actions",
            ),
        ),
    ]  # fmt: skip


def _beside(totals: Totals, city: Totals, response: ResponseTime, city_response: ResponseTime) -> Any:
    def half(which: ResponseTime, quantile: int) -> str:
        return figures.quantile_words(which.quantiles[quantile], which.n)

    in_city = _("whole city: {value}")
    return key_figures(
        [
            (_("Requests"), number(totals.requests),
             _("{share} of the city's {n}").format(share=share(totals.requests, city.requests), n=number(city.requests))),
            (_("Still open"), share(totals.open, totals.requests),
             in_city.format(value=share(city.open, city.requests))),
            (_("Half closed within"), half(response, 50), in_city.format(value=half(city_response, 50))),
            (_("9 in 10 within"), half(response, 90), in_city.format(value=half(city_response, 90))),
            (_("On time"), figures.share_words(totals.on_time_share),
             in_city.format(value=figures.share_words(city.on_time_share))),
        ]
    )  # fmt: skip


def _location_band(release: Release, base: Selection, here: Selection, name: str, own: str) -> Any:
    """The total with its band, on the page of an area."""
    codes = here.codes(own)
    if own == "department" or len(codes) != 1:
        return None
    return figures.band_sentence(name, queries.location_bands(release, own, base).get(codes[0]))


def _few(response: ResponseTime) -> Any:
    if response.n >= FEW:
        return None
    return aside(
        _("Too few to compare."),
        html.P(
            _("With fewer than {n} requests, times and shares say more about chance than about the work.").format(n=FEW)
        ),
    )


def _services(rows: list[GroupRow], city: dict[str, GroupRow], name: str) -> Any:
    most = max((row.requests for row in rows), default=1)
    columns = [
        Column(_("Service")), Column(_("Requests here"), "bar"),
        Column(_("Half closed within, here"), "number"), Column(_("95% band"), "number"),
        Column(_("In the whole city"), "number"), Column(_("On time, here"), "number"),
        Column(_("On time, city"), "number"),
    ]  # fmt: skip
    cells = []
    for row in rows:
        whole = city.get(row.key, row)
        cells.append(
            [
                row.name,
                Bar(number(row.requests), row.requests / most),
                figures.quantile_words(row.median, row.n),
                figures.band_words(row.median, row.n),
                figures.quantile_words(whole.median, whole.n),
                figures.share_words(row.on_time),
                figures.share_words(whole.on_time),
            ]
        )
    return table(_("What {name} asks for most").format(name=name), columns, cells, "services-beside")
