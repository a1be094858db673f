"""The overview: what was asked for, what became of it, how long it takes, and where to go from here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow, ResponseTime, Totals
from portal.components import figures, told
from portal.components.absent import footing
from portal.components.address_box import address_box
from portal.components.links import address
from portal.components.notices import notices
from portal.components.page import Page
from portal.components.parts import Bar, Column, aside, key_figures, page_head, rich, section, table
from portal.components.receipt import Figures
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, date_words, duration_words, local, month_name, number, time_words

if TYPE_CHECKING:
    from portal.release import Release

TOP_SERVICES = 10


def layout(release: Release, selection: Selection) -> Page:
    """The overview of the last twelve months; filters of the address narrow it."""
    today = queries.covered_until(release)
    year = selection if selection.from_date or selection.to_date else selection.replace(from_date=a_year_before(today))
    totals = queries.totals(release, year)
    response = queries.response(release, year)
    source = source_words(release)
    groups = [row for row in queries.by(release, year, "service", TOP_SERVICES) if row.key != NOT_STATED]
    months = queries.volumes(release, selection)
    counts, times = Figures("counts", year), Figures("response", year)
    body = [
        html.Div(
            [
                page_head(
                    _("What {city} asks for, and what gets done").format(city=release.city.name),
                    *_hero(release, year, totals, response, counts, times),
                ),
                _fresh(release, selection, sum(row.requested for row in months), months[0].month if months else None),
            ],
            className="opening",
        ),
        address_box(release),
        *notices(release),
        _key_figures(totals, response, year, counts, times),
        html.P(
            [counts.link(_("Receipt of the counts")), " · ", times.link(_("Receipt of the times"))],
            className="detail receipts",
        ),
        footing(release, year),
        _doors(release),
        section(
            _("Month by month"),
            "months",
            figures.requested_and_closed(months[-25:], source, Figures("months", selection)),
        ),
        section(
            _("Closed is not the same as done"),
            "done",
            figures.outcomes(totals, source, counts),
            html.P(counts.link(of=_("Closed is not the same as done")), className="detail"),
            lead=_("A request is closed when the city stops working on it. This is what the records say happened."),
        ),
        section(
            _("What is asked for most, and how long it takes"),
            "services",
            _services(groups, year),
            html.P(html.A(_("Compare all services"), href=address("/trends", by="service"), className="onward")),
        ),
    ]
    return Page(
        title=_("Overview"),
        description=_("Service requests in {city}: how many, what became of them, and how long they take.").format(
            city=release.city.name
        ),
        body=body,
        section="/",
    )


def a_year_before(day: date) -> date:
    """The first of the twelve months that end with `day`."""
    try:
        return day.replace(year=day.year - 1) + timedelta(days=1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28) + timedelta(days=1)


def source_words(release: Release) -> str:
    """Where a figure comes from: the release and the time of its data."""
    as_of = date_words(local(release.as_of, release.city.timezone).date())
    return _("Release {id}, data as of {date}.").format(id=release.id, date=as_of)


def _hero(
    release: Release, year: Selection, totals: Totals, response: ResponseTime, counts: Figures, times: Figures
) -> Any:  # fmt: skip
    today = queries.covered_until(release)
    if year.to_date or year.from_date != a_year_before(today):
        start, end = year.from_date or queries.period(release, year)[0] or today, year.to_date or today
        when = _("From {start} to {end}").format(start=date_words(start), end=date_words(end))
    else:
        when = _("In the twelve months to {date}").format(date=date_words(today))
    return [
        html.P(
            rich(
                _(
                    "{when} people asked the city to fix, clean or look at something {requests}. {closed} of these "
                    "requests are closed; for {done} of those the record says that the work was done."
                ),
                when=when,
                requests=html.Strong(
                    counts.told(_("{n} times").format(n=number(totals.requests)), "requests", totals.requests)
                ),
                closed=html.Strong(told.count(counts, "", "closed", totals.closed)),
                done=told.part(counts, "", "done_share", totals.outcomes.get("done", 0), totals.closed),
            ),
            className="hero",
        ),
        html.P(
            [html.Strong(told.half(times, response)), " ", _("That counts the ones still open.")],
            className="hero",
        ),
    ]


def _fresh(release: Release, selection: Selection, requests: int, since: date | None) -> Any:
    """What the figures rest on, beside the first sentence."""
    n = told.count(Figures("counts", selection), "", "requests", requests)
    facts: list[tuple[str, Any]] = [
        (_("Data as of"), time_words(release.as_of, release.city.timezone)),
        (_("In all"), rich(_("{n} requests since {month}"), n=n, month=month_name(since)) if since else n),
        (_("Release"), html.A(html.Code(release.id), href=address("/data"))),
    ]  # fmt: skip
    return html.Div(
        [
            html.Dl([html.Div([html.Dt(what), html.Dd(value)]) for what, value in facts]),
            html.P(html.A(_("How the figures are made"), href=address("/methods"))),
            html.P(html.A(_("How fresh each source is"), href=address("/sources"))),
        ],
        className="fresh",
    )  # fmt: skip


def _key_figures(
    totals: Totals, response: ResponseTime, year: Selection, counts: Figures, times: Figures
) -> Any:  # fmt: skip
    half = response.quantiles[50].hours
    on_time = totals.on_time_share
    located = told.part(counts, "", "located_share", totals.located, totals.requests)
    flattered = response.closed_only_median_hours
    return key_figures(
        [
            (
                _("Requests"),
                told.count(counts, "", "requests", totals.requests),
                _("since {date}").format(date=date_words(year.from_date)) if year.from_date else _("in this selection"),
            ),
            (
                _("Still open"),
                told.count(counts, "", "open", totals.open),
                rich(
                    _("{share} of these requests"),
                    share=told.part(counts, "", "open_share", totals.open, totals.requests),
                ),
            ),
            (
                _("Half closed within"),
                told.time(times, "", "median", response.quantiles[50], response.n),
                rich(
                    _("{time} if the open ones were left out"),
                    time=times.told(duration_words(flattered), "closed_only_hours", flattered),
                )
                if flattered is not None and half is not None and response.n >= FEW
                else _("counting those still open"),
            ),
            (
                _("On time"),
                told.on_time(counts, "", on_time),
                rich(
                    _("of {n} whose standard has come due; open and past due counts as late"),
                    n=told.count(counts, "", "due", on_time.n),
                )
                if on_time.n
                else _("no standard has come due"),
            ),
            (
                _("On the map"),
                located,
                rich(_("{n} could not be placed"), n=told.count(counts, "", "not_located", totals.not_located)),
            ),
        ]
    )


def _doors(release: Release) -> Any:
    district = district_layer(release)
    areas = f"/areas/{district}" if district else "/areas"
    doors = [
        (_("I live here"), _("See what is reported near you, and how long it usually takes."), address("/map"),
         _("Open the map")),
        (_("I report on the city"), _("Take every row, see how each figure is made, cite a release that stays as it is."),
         address("/data"), _("Get the data")),
        (_("I represent a district"), _("See how each district is served beside the whole city, with what can and cannot be said."),
         address(areas), _("Compare districts")),
    ]  # fmt: skip
    return html.Section(
        [
            html.H2(_("Where to start"), id="doors", className="visually-hidden"),
            html.Ul(
                [
                    html.Li([html.H3(who), html.P(what), html.A(link, href=href, className="onward")])
                    for who, what, href, link in doors
                ],
                className="doors",
            ),
        ],
        **{"aria-labelledby": "doors"},
    )


def district_layer(release: Release) -> str:
    """The layer that council members think in: one that is called a district or ward, else the first."""
    names = [layer.layer for layer in release.layers]
    for wanted in ("council_district", "district", "ward"):
        if wanted in names:
            return wanted
    return names[0] if names else ""


def _services(rows: list[GroupRow], year: Selection) -> Any:
    of = Figures("by", year, dimension="service")
    most = max((row.requests for row in rows), default=1)
    columns = [
        Column(_("Service")),
        Column(_("Requests"), "bar"),
        Column(_("Half closed within"), "number"),
        Column(_("9 in 10 within"), "number"),
        Column(_("On time"), "number"),
        Column(_("Still open"), "number"),
    ]
    cells = [
        [
            html.A(row.name, href=address("/trends", year.replace(service=(row.key,), from_date=None))),
            Bar(told.count(of, row.key, "requests", row.requests), row.requests / most),
            told.time(of, row.key, "median", row.median, row.n),
            told.time(of, row.key, "p90", row.p90, row.n),
            told.on_time(of, row.key, row.on_time),
            told.count(of, row.key, "open", row.open),
        ]
        for row in rows
    ]
    return [
        table(_("The services that were asked for most, over the same time"), columns, cells, "top-services"),
        html.P(of.link(_("Receipt of this table")), className="detail"),
        aside(
            _("Fast is not the same as good."),
            html.P(
                _("Services differ: a parking complaint and a tree take different work. Compare a service with itself.")
            ),
        ),
    ]
