"""Areas: the ways of dividing the city, and all areas of one way beside one another. No ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow
from portal.components import fair as fairly
from portal.components import figure_words, figures, told
from portal.components.absent import footing
from portal.components.fair_table import Subject
from portal.components.filters import count_words, filter_form
from portal.components.links import address, part
from portal.components.page import Page
from portal.components.parts import Bar, Column, aside, page_head, rich, section, table, tabs
from portal.components.period import period
from portal.components.receipt import Figures
from portal.components.record import reporting_section
from portal.components.verdicts import by_others
from portal.errors import NotFound
from portal.pages.overview import source_words
from portal.pages.trends import nothing
from portal.queries.report import narrowed
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, natural, number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.figures.location_band import Band
    from portal.release import Release

CHARTED = 40
FAIR_AREAS = 100
"""More areas, or departments, are compared when somebody asks for it: each takes some 25 ms."""


def layers(release: Release, selection: Selection, fair: str = "") -> Page:
    """The first layer's areas; the others are a tab away."""
    if not release.layers:
        raise NotFound(_("This release divides the city by no areas."))
    return layout(release, selection, release.layers[0].layer, fair)


def layout(release: Release, selection: Selection, layer: str, fair: str = "") -> Page:
    """All areas of a layer: how much is asked for and how long it takes, beside the whole city."""
    of = release.layer(layer)
    path = f"/areas/{layer}"
    rows = by_name([row for row in queries.by(release, selection, layer) if row.key != NOT_STATED])
    totals = queries.totals(release, selection)
    ways = [
        (other.plural, address(f"/areas/{other.layer}", selection), other.layer == layer) for other in release.layers
    ]
    body = [
        page_head(
            of.plural,
            html.P(_("The same figures for every part of the city, beside the city as a whole."), className="lead"),
            period(release, selection),
        ),
        tabs(ways, _("Ways of dividing the city")),
        filter_form(release, selection, path, totals.requests),
        footing(release, selection),
    ]
    if not totals.requests:
        body.append(nothing(selection, path))
    else:
        bands = queries.location_bands(release, layer, selection)
        body.append(compared(release, selection, layer, of.title, of.plural, path, asked=fair == "1"))
        body += comparison(release, selection, layer, rows, of.title, lambda row: f"{path}/{part(row.key)}", bands)
        body.append(
            reporting_section(
                queries.reporting(release, selection, layer), selection, layer, of.title, source_words(release)
            )
        )
        elsewhere = totals.requests - sum(row.requests for row in rows)
        if elsewhere:
            words = _("{n} requests ({share}) are in none of these, because their place is not known well enough.")
            groups, counts = Figures("by", selection, dimension=layer), Figures("counts", selection)
            item = f"{NOT_STATED}/requests"
            body.append(
                html.P(
                    rich(
                        words,
                        n=groups.told(number(elsewhere), item, elsewhere),
                        share=groups.told(
                            share(elsewhere, totals.requests),
                            item,
                            elsewhere / totals.requests,
                            over=counts.at("requests"),
                        ),
                    ),
                    className="detail",
                )
            )
        map_link = address("/map", selection, layer=layer, figure="median")
        body.append(html.P(html.A(_("See them on the map"), href=map_link, className="onward")))
    return Page(
        title=of.plural,
        description=_("Service requests in {city} by {what}.").format(city=release.city.name, what=of.title.lower()),
        body=body,
        announce=count_words(totals.requests),
        section="/areas",
    )


def by_name(rows: list[GroupRow]) -> list[GroupRow]:
    """In the order of their names, numbers as numbers: a list to look something up in, not a league table."""

    return sorted(rows, key=lambda row: natural(row.name))


def compared(
    release: Release, selection: Selection, dimension: str, title: str, plural: str, path: str, asked: bool = False
) -> Any:
    """The section of fair comparison; a word on why there is none where the selection allows for none."""
    base = narrowed(selection, dimension, None)
    if selection.status or selection.outcome or selection.on_time:
        return fairly.not_now(
            _("What is selected names a status, an outcome or a standard. Lateness and times can only be compared when open and closed, "
              "late and timely requests are all in it."),
            html.A(_("Compare without that"), href=address(path, selection.replace(status=(), outcome=(), on_time=()))),
        )  # fmt: skip
    many = sum(row.key != NOT_STATED for row in queries.by(release, base, dimension))
    if many > FAIR_AREAS and not asked:
        words = _("Comparing {n} of them, each beside what the same services lead one to expect, takes a few seconds.")
        link = html.A(_("Compare them"), href=address(path, selection, fair="1") + f"#{fairly.KEY}")
        return fairly.not_now(words.format(n=number(many)), link)
    found = queries.compare(release, base, dimension)
    if len(found.rows) < 2:
        return None
    others: dict[str, tuple[float, float]] = {}
    if dimension == "department":
        own = {row.key: queries.by(release, narrowed(base, dimension, row.key), "service") for row in found.rows}
        others = by_others(own, queries.by(release, base, "service"))
    subject = Subject(dimension, title, plural, base, source_words(release))
    return fairly.section_of(found, subject, lambda key: address(f"{path}/{part(key)}", base), others)


def comparison(
    release: Release, selection: Selection, dimension: str, rows: list[GroupRow], what: str, path_of: Any,
    bands: Mapping[str, Band] | None = None,
) -> list[Any]:  # fmt: skip
    """Charts and table of groups beside the city; used for areas (with `bands` of their totals) and for departments."""
    uncertain = any(band.matters for band in (bands or {}).values())
    source = source_words(release)
    city = queries.response(release, selection, exact=False)  # beside medians of the same bins
    on_time = queries.totals(release, selection).on_time_share
    charted = rows if len(rows) <= CHARTED else sorted(rows, key=lambda row: -row.requests)[:CHARTED]
    of = Figures("by", selection, dimension=dimension)
    charts = [figures.medians(charted, city, _("Half closed within"), source, of, "medians", what)]
    if on_time.n >= FEW:
        charts.append(figures.shares_on_time(charted, on_time, _("Closed on time"), source, of, "on-time", what))
    most = max((row.requests for row in rows), default=1)
    columns = [
        Column(what), Column(_("Requests"), "bar"),
        *([Column(_("Allowing for uncertain locations"), "number")] if uncertain else []),
        Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("95% band"), "number"),
        Column(_("On time"), "number"), Column(_("Work done"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(row.name, href=address(path_of(row), selection)),
            Bar(told.count(of, row.key, "requests", row.requests), row.requests / most),
            *([figure_words.total_band_words((bands or {}).get(row.key))] if uncertain else []),
            told.count(of, row.key, "open", row.open),
            told.time(of, row.key, "median", row.median, row.n),
            told.time_band(of, row.key, "median", row.median, row.n),
            told.on_time(of, row.key, row.on_time),
            figure_words.too_few() if row.done.n < FEW else told.on_time(of, row.key, row.done, "done_share"),
        ]
        for row in rows
    ]
    return [
        section(_("Beside one another"), "beside", *charts, fair()),
        section(
            _("All figures"),
            "table",
            table(_("In the order of their names"), columns, cells, "groups"),
            html.P(of.link(_("Receipt of this table")), className="detail"),
            _about_bands() if uncertain else None,
        ),
    ]


def _about_bands() -> Any:
    words = _("Some requests lie so near a border that they may belong to the area beside it. The true total is in the range that "
              "is given for it, 19 times in 20. {link}")  # fmt: skip
    link = html.A(_("How that is known"), href=address("/methods") + "#location-band")
    return html.P(rich(words, link=link), className="detail")


def fair() -> Any:
    """What a difference between places does not mean."""
    return aside(
        _("A difference is a question, not a verdict."),
        html.P(_("Places ask for different things, and some things take longer. Open one to compare it service by service. "
                 "Where bands overlap, the difference may be chance. Few requests need not mean little need.")),
    )  # fmt: skip
