"""Trends: how much is asked for and how long it takes, over time and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow, MonthRow, SeriesRow
from portal.charts import small
from portal.components import figures
from portal.components.absent import footing
from portal.components.elements import Field, Svg
from portal.components.filters import count_words, filter_form, label_of, labelled
from portal.components.labels import DIMENSIONS
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Bar, Column, more, page_head, section, table, twin
from portal.components.period import period
from portal.errors import BadSelection
from portal.pages.overview import source_words
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, duration_words, month_name, number

if TYPE_CHECKING:
    from portal.release import Release

MULTIPLES = 12
SHOWN = 25
COMPARED = ("service", "group", "department", "channel")


def layout(release: Release, selection: Selection, by: str = "service") -> Page:
    """Trends of the selected requests, and the selected requests split by `by`: a dimension or a layer."""
    ways = dimensions(release)
    if by not in ways:
        raise BadSelection("by", by, list(ways))
    totals = queries.totals(release, selection)
    months = queries.monthly(release, selection)
    source = source_words(release)
    control = Field("select", "by", by, id="by", options=[{"value": k, "label": v} for k, v in ways.items()])
    body = [
        page_head(
            _("Trends"),
            html.P(_("How much is asked for, and how long it takes, from month to month."), className="lead"),
            period(release, selection, months) if months else None,
        ),
        filter_form(release, selection, "/trends", totals.requests, [labelled(_("Compare by"), "by", control)]),
        footing(release, selection),
    ]
    if totals.requests:
        body += _over_time(months, source)
        body += _compared(release, selection, by, ways[by], months, source)
    else:
        body.append(nothing(selection, "/trends"))
    return Page(
        title=_("Trends"),
        description=_("Service requests in {city} over time.").format(city=release.city.name),
        body=body,
        announce=count_words(totals.requests),
        section="/trends",
    )


def dimensions(release: Release) -> dict[str, str]:
    """What requests can be split by: key -> words."""
    ways = {key: _(DIMENSIONS[key]) for key in COMPARED}
    return ways | {layer.layer: layer.title for layer in release.layers}


def nothing(selection: Selection, path: str) -> Any:
    """What is said when no request is selected."""
    return html.Div(
        [
            html.H2(_("No requests match these filters")),
            html.P(_("Take a filter away, or choose other dates.")),
            html.P(html.A(_("Clear all filters"), href=address(path))) if selection else None,
        ],
        className="section",
    )


def _over_time(months: list[MonthRow], source: str) -> list[Any]:
    return [
        section(_("How much"), "volume", figures.requested_and_closed(months, source)),
        section(
            _("How long"),
            "time",
            figures.durations(months, "median", source, "median"),
            figures.durations(months, "p90", source, "p90"),
            more(
                _("How to read this"),
                html.P(_("The line is the time within which half (or 9 in 10) of a month's requests were closed.")),
                html.P(_("Requests that are still open count as taking at least as long as they have waited so far. "
                         "For recent months the time may not be reached yet.")),
                html.P(_("The band is the range in which the true value lies 19 times in 20: few requests, wide band.")),
            ),
        ),
    ]  # fmt: skip


def _compared(
    release: Release, selection: Selection, by: str, words: str, months: list[MonthRow], source: str
) -> list[Any]:
    rows = [row for row in queries.by(release, selection, by, SHOWN) if row.key != NOT_STATED]
    if len(rows) < 2:
        return []
    title = _("Compared by {what}").format(what=words.lower())
    city = queries.response(release, selection, exact=False)  # beside medians of the same bins
    leaders = [row for row in rows if row.n >= FEW][:MULTIPLES]
    parts = [
        figures.medians(
            rows, city, _("Half closed within, by {what}").format(what=words.lower()), source, "by-median", words
        )
    ]
    return [
        section(title, "compared", *parts, _table(release, selection, by, words, rows)),
        section(
            _("From month to month"), "multiples", _multiples(release, selection, by, leaders, months),
            lead=_("The time within which half were closed, from {first} to {last}. {scale}").format(
                first=months[0].month.year, last=months[-1].month.year,
                scale=_("Each has its own scale, from nothing to the time beneath it.") if by in DIMENSIONS
                else _("All have one scale; the thin line is all of the selected requests."),
            ),
        ),
    ]  # fmt: skip


def _table(release: Release, selection: Selection, by: str, words: str, rows: list[GroupRow]) -> Any:
    most = max(row.requests for row in rows)
    columns = [
        Column(words), Column(_("Requests"), "bar"), Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("9 in 10 within"), "number"), Column(_("On time"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(label_of(release, by, row.key), href=address("/trends", narrowed(selection, by, row.key), by=by)),
            Bar(number(row.requests), row.requests / most),
            number(row.open),
            figures.quantile_words(row.median, row.n),
            figures.quantile_words(row.p90, row.n),
            figures.share_words(row.on_time),
        ]
        for row in rows
    ]
    return table(_("The same requests by {what}").format(what=words.lower()), columns, cells, "by-table")


def narrowed(selection: Selection, by: str, key: str) -> Selection:
    """The selection within one value of a dimension or layer."""
    if by in DIMENSIONS:
        return selection.replace(**{by: (key,)})
    others = tuple(pair for pair in selection.area if pair[0] != by)
    return selection.replace(area=(*others, (by, key)))


def _multiples(release: Release, selection: Selection, by: str, rows: list[GroupRow], months: list[MonthRow]) -> Any:
    """Places share one scale and stand before all requests; services and departments have each their own."""
    series = queries.monthly_by(release, selection, by, [row.key for row in rows])
    at = {row.month: _median(row) for row in months}
    lines = {row.key: {m.month: _median(m) for m in series.get(row.key, [])} for row in rows}
    places = by not in DIMENSIONS
    shared = _top([value for line in lines.values() for value in line.values()])
    items = []
    for i, row in enumerate(rows):
        top = shared if places else _top(list(lines[row.key].values()))
        label = label_of(release, by, row.key)
        said = figures.quantile_words(row.median, row.n)
        svg = small.spark(
            [lines[row.key].get(month) for month in at], list(at.values()) if places else [], top, f"spark-{i}", label,
            _("Half closed within {time} over all months").format(time=said),
        )  # fmt: skip
        scale = _("top of the scale: {time}").format(time=duration_words(top))
        items.append(html.Li([html.H3(label), html.P(_("{time} over all").format(time=said)), Svg(svg),
                              html.P(scale, className="scale")]))  # fmt: skip
    title = _("Half closed within, month by month")
    columns = [Column(_("Month")), *(Column(label_of(release, by, row.key), "number") for row in rows)]
    cells = [
        [
            month_name(month),
            *("–" if (hours := lines[row.key].get(month)) is None else duration_words(hours) for row in rows),
        ]
        for month in reversed(at)
    ]
    return html.Div([html.Ul(items, className="multiples"), twin("multiples-months", title, columns, cells)])


def _top(values: list[float | None]) -> float:
    """Nearly the largest: one wild month must not flatten all the others."""
    known = sorted(value for value in values if value is not None)
    return known[min(int(len(known) * 0.98), len(known) - 1)] if known else 1.0


def _median(row: MonthRow | SeriesRow) -> float | None:
    return row.median.hours if row.n >= FEW else None
