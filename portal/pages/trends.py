"""Trends: how much is asked for and how long it takes, over time and compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow, MonthRow, SeriesRow
from portal.charts import small
from portal.charts.events import Event
from portal.components import control, figure_words, figures, told
from portal.components.absent import footing
from portal.components.change_words import late_shifts, on_time_words, time_shifts
from portal.components.elements import Field, Svg
from portal.components.filters import count_words, filter_form, label_of, labelled
from portal.components.happened import happened_section, marks
from portal.components.labels import DIMENSIONS
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Bar, Column, more, page_head, rich, section, table, twin
from portal.components.period import period
from portal.components.receipt import Figures
from portal.components.sentences import percent_change, slower
from portal.errors import BadSelection
from portal.pages.overview import source_words
from portal.queries.annotations import happened
from portal.queries.change import year_ago
from portal.queries.control import due_months, late_control, median_control, open_ages
from portal.queries.standards import total_change
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, date_words, duration_words, month_name, number, share

if TYPE_CHECKING:
    from portal.release import Release

YEAR = 12
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
        body += [_changed(release, selection), *_over_time(release, selection, months, source)]
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


def _changed(release: Release, selection: Selection) -> Any:
    """The last twelve months (or the dates asked for) beside the same months of the year before."""
    year = queries.last_year(release, selection)
    before = year_ago(release, year) if year else None
    title = _("Beside the year before")
    if year is None or before is None or year.from_date is None or year.to_date is None:
        words = _(
            "The record does not reach back to the same months of the year before, so nothing is said of a change."
        )
        return section(title, "change", html.P(words))
    totals, response = queries.totals(release, year), queries.response(release, year)
    counts, times, ago = Figures("counts", year), Figures("response", year), Figures("year-ago", year)
    kept, of = Figures("standards-change", year), before.requests.months
    asked = rich(
        _("{n} requests were made from {start} to {end}."),
        n=html.Strong(counts.told(number(totals.requests), "requests", totals.requests)),
        start=date_words(year.from_date), end=date_words(year.to_date),
    )  # fmt: skip
    if change := percent_change(before.requests, ago):
        asked += [" ", *rich(_("That is {change}."), change=change)]
    sentences = [html.P(asked)]
    half = response.quantiles[50]
    if response.n < FEW:
        sentences.append(html.P(_("There are too few requests to say how long they take.")))
    else:
        words = (
            _("Half of them were closed within {half}.")
            if half.hours
            else _("Less than half of them are closed so far.")
        )
        marked = html.Strong(times.told(duration_words(half.hours), "median_hours", half.hours))
        sentences.append(html.P([*rich(words, half=marked), " ", *slower(before.median, of, ago)]))
    on_time = totals.on_time_share
    if on_time.share is not None and on_time.n >= FEW:
        marked = html.Strong(counts.told(share(on_time.share), "on_time_share", on_time.share))
        changed = total_change(release, year)
        words = _("Of those whose standard came due, {share} were closed on time.")
        sentences.append(
            html.P([*rich(words, share=marked), " ", *(on_time_words(changed, of, kept) if changed else [])])
        )
    links = html.P(
        [counts.link(_("Receipt of the counts")), " · ", times.link(_("Receipt of the times")), " · ",
         ago.link(_("Receipt of the change")),
         *([" · ", kept.link(_("Receipt of the standards"))] if on_time.n >= FEW else [])],
        className="detail receipts",
    )  # fmt: skip
    return section(title, "change", *sentences, links)


def _over_time(release: Release, selection: Selection, months: list[MonthRow], source: str) -> list[Any]:
    handle, ages = Figures("months", selection), open_ages(release, selection)
    listed = happened(release, selection)
    events = marks(listed)
    return [
        section(
            _("How much"), "volume",
            figures.requested_and_closed(months, source, handle, happened=events),
            control.ages_chart(ages, months[0].month, source, Figures("open-ages", selection), happened=events)
            if len(ages) > 1 else None,
            html.P([handle.link(_("Receipt of the months")), " · ",
                    Figures("open-ages", selection).link(_("Receipt of what was open"))], className="detail receipts"),
        ),
        section(
            _("How long"),
            "time",
            figures.durations(months, "median", source, handle, "median", happened=events),
            figures.durations(months, "p90", source, handle, "p90", happened=events),
            more(
                _("How to read this"),
                html.P(_("The line is the time within which half (or 9 in 10) of a month's requests were closed.")),
                html.P(_("Requests that are still open count as taking at least as long as they have waited so far. "
                         "For recent months the time may not be reached yet.")),
                html.P(_("The band is the range in which the true value lies 19 times in 20: few requests, wide band.")),
            ),
        ),
        _shifts(release, selection, source, events),
        happened_section(listed),
    ]  # fmt: skip


def _shifts(release: Release, selection: Selection, source: str, events: Sequence[Event]) -> Any:
    """Control charts, and what they say first."""
    usual, standard = median_control(release, selection), late_control(release, selection)
    handle, late = Figures("months", selection), Figures("due-months", selection)
    if usual is None and standard is None:
        return section(_("What really changed"), "shifts", control.too_short())
    said, charts, links = [], [], []
    if usual:
        said.append(html.Li([html.Strong(_("How long:")), " ", " ".join(time_shifts(usual))]))
        charts.append(control.median_chart(usual, source, handle, happened=events))
        links.append(handle.link(_("Receipt of the months")))
    if standard:
        said.append(html.Li([html.Strong(_("Late:")), " ", " ".join(late_shifts(standard))]))
        charts.append(control.late_chart(standard, due_months(release, selection), source, late, happened=events))
        links += [*([" · "] if links else []), late.link(_("Receipt of what was late"))]
    return section(
        _("What really changed"), "shifts",
        html.Ul(said, className="findings"), *charts, control.how_to_read(), html.P(links, className="detail receipts"),
        lead=_("Months go up and down with the season and by chance. Here a lasting shift is told from that."),
    )  # fmt: skip


def _compared(
    release: Release, selection: Selection, by: str, words: str, months: list[MonthRow], source: str
) -> list[Any]:
    rows = [row for row in queries.by(release, selection, by, SHOWN) if row.key != NOT_STATED]
    if len(rows) < 2:
        return []
    title, years = _("Compared by {what}").format(what=words.lower()), _two_years(months)
    scale = _("All have one scale.")
    if by in DIMENSIONS:
        scale = _("Each has its own scale, from nothing to the time beneath it.")
    city = queries.response(release, selection, exact=False)  # beside medians of the same bins
    leaders = [row for row in rows if row.n >= FEW][:MULTIPLES]
    groups = Figures("by", selection, dimension=by)
    parts = [
        figures.medians(
            rows,
            city,
            _("Half closed within, by {what}").format(what=words.lower()),
            source,
            groups,
            "by-median",
            words,
        )
    ]
    return [
        section(title, "compared", *parts, _table(release, selection, by, words, rows, groups)),
        section(
            _("From month to month"), "multiples", _multiples(release, selection, by, leaders, months, years),
            lead=f"{_multiples_words(months, years, by)} {scale}",
        ),
    ]  # fmt: skip


def _two_years(months: list[MonthRow]) -> tuple[list[date], list[date]] | None:
    """The last twelve whole months and the twelve before them, where the record of the selection has both."""
    whole = [row.month for row in months if row.complete]
    return (whole[-YEAR:], whole[-2 * YEAR : -YEAR]) if len(whole) >= 2 * YEAR else None


def _multiples_words(months: list[MonthRow], years: tuple[list[date], list[date]] | None, by: str) -> str:
    if years:
        words = _(
            "The time within which half were closed, from {first} to {last}; in grey the same months of the year before."
        )
        return words.format(first=month_name(years[0][0]), last=month_name(years[0][-1]))
    words = _("The time within which half were closed, from {first} to {last}.")
    grey = "" if by in DIMENSIONS else " " + _("The thin line is all of the selected requests.")
    return words.format(first=month_name(months[0].month), last=month_name(months[-1].month)) + grey


def _table(
    release: Release, selection: Selection, by: str, words: str, rows: list[GroupRow], of: Figures
) -> Any:  # fmt: skip
    most = max(row.requests for row in rows)
    columns = [
        Column(words), Column(_("Requests"), "bar"), Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("9 in 10 within"), "number"), Column(_("On time"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(label_of(release, by, row.key), href=address("/trends", narrowed(selection, by, row.key), by=by)),
            Bar(told.count(of, row.key, "requests", row.requests), row.requests / most),
            told.count(of, row.key, "open", row.open),
            told.time(of, row.key, "median", row.median, row.n),
            told.time(of, row.key, "p90", row.p90, row.n),
            told.on_time(of, row.key, row.on_time),
        ]
        for row in rows
    ]
    caption = _("The same requests by {what}").format(what=words.lower())
    return html.Div(
        [table(caption, columns, cells, "by-table"), html.P(of.link(_("Receipt of this table")), className="detail")]
    )


def narrowed(selection: Selection, by: str, key: str) -> Selection:
    """The selection within one value of a dimension or layer."""
    if by in DIMENSIONS:
        return selection.replace(**{by: (key,)})
    others = tuple(pair for pair in selection.area if pair[0] != by)
    return selection.replace(area=(*others, (by, key)))


def _multiples(
    release: Release, selection: Selection, by: str, rows: list[GroupRow], months: list[MonthRow],
    years: tuple[list[date], list[date]] | None,
) -> Any:  # fmt: skip
    """Places share one scale; services and departments have each their own. Behind each line stands the year before, or,
    where the record is shorter than two years, for places all requests."""
    series = queries.monthly_by(release, selection, by, [row.key for row in rows])
    at = {row.month: _median(row) for row in months}
    lines = {row.key: {m.month: _median(m) for m in series.get(row.key, [])} for row in rows}
    places = by not in DIMENSIONS
    drawn = [*years[1], *years[0]] if years else list(at)
    shared = _top([line.get(month) for line in lines.values() for month in drawn])
    items = []
    for i, row in enumerate(rows):
        line = lines[row.key]
        top = shared if places else _top([line.get(month) for month in drawn])
        label = label_of(release, by, row.key)
        values, behind = [line.get(month) for month in at], list(at.values()) if places else []
        if years:
            values, behind = ([line.get(month) for month in year] for year in years)
        said = figure_words.quantile_words(row.median, row.n)
        svg = small.spark(
            values, behind, top, f"spark-{i}", label,
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
