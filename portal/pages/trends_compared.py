"""Trends compared: the selected requests by service, department or area, at once and from month to month.

Charter: answers to charts with their tables; which comparison was asked for is the page's to say.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import GroupRow, MonthRow, SeriesRow
from portal.charts.multiples import Panel, multiples
from portal.components import figure_words, figures, told
from portal.components.filters import label_of
from portal.components.labels import DIMENSIONS
from portal.components.links import address
from portal.components.parts import Bar, Column, chart, section, table
from portal.components.receipt import Figures
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, duration_words, month_name

if TYPE_CHECKING:
    from portal.release import Release

YEAR = 12
MULTIPLES = 12
SHOWN = 25


def compared(
    release: Release, selection: Selection, by: str, words: str, months: list[MonthRow], source: str
) -> list[Any]:
    """The groups beside one another, then each from month to month; nothing where there are fewer than two."""
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
            _("From month to month"), "multiples",
            _multiples(release, selection, by, leaders, months, years, f"{_multiples_words(months, years, by)} {scale}", source),
        ) if leaders else None,
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
    years: tuple[list[date], list[date]] | None, words: str, source: str,
) -> Any:  # fmt: skip
    """Places share one scale; services and departments have each their own. Behind each line stands the year before, or,
    where the record is shorter than two years, for places all requests."""
    series = queries.monthly_by(release, selection, by, [row.key for row in rows])
    at = {row.month: _median(row) for row in months}
    lines = {row.key: {m.month: _median(m) for m in series.get(row.key, [])} for row in rows}
    places = by not in DIMENSIONS
    drawn = [*years[1], *years[0]] if years else list(at)
    shared = _top([line.get(month) for line in lines.values() for month in drawn])
    panels = []
    for row in rows:
        line = lines[row.key]
        top = shared if places else _top([line.get(month) for month in drawn])
        values, behind = [line.get(month) for month in at], list(at.values()) if places else []
        if years:
            values, behind = ([line.get(month) for month in year] for year in years)
        said = figure_words.quantile_words(row.median, row.n)
        panels.append(
            Panel(
                label_of(release, by, row.key), _("{time} over all").format(time=said), values, behind, top,
                _("top of the scale: {time}").format(time=duration_words(top)),
            )
        )  # fmt: skip
    title, of = _("Half closed within, month by month"), Figures("series", selection, dimension=by)
    columns = [Column(_("Month")), *(Column(label_of(release, by, row.key), "number") for row in rows)]
    cells = [
        [
            month_name(month),
            *(
                "–"
                if (hours := lines[row.key].get(month)) is None
                else of.told(duration_words(hours), f"{row.key} {month:%Y-%m}/median_hours", hours)
                for row in rows
            ),
        ]
        for month in reversed(at)
    ]
    svg = multiples(panels, "multiples-months", title, words)
    receipt = html.P(of.link(of=title), className="detail")
    return html.Div([chart("multiples-months", title, f"{words} {source}", svg, columns, cells), receipt])


def _top(values: list[float | None]) -> float:
    """Nearly the largest: one wild month must not flatten all the others."""
    known = sorted(value for value in values if value is not None)
    return known[min(int(len(known) * 0.98), len(known) - 1)] if known else 1.0


def _median(row: MonthRow | SeriesRow) -> float | None:
    return row.median.hours if row.n >= FEW else None
