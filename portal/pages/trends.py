"""Trends: how much is asked for and how long it takes, over time and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import MonthRow
from portal.charts.events import Event
from portal.components import control, figures
from portal.components.absent import footing
from portal.components.change_words import late_shifts, on_time_words, time_shifts
from portal.components.elements import Field
from portal.components.filters import count_words, filter_form, labelled
from portal.components.happened import happened_section, marks
from portal.components.labels import DIMENSIONS
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import more, page_head, rich, section
from portal.components.period import period
from portal.components.receipt import Figures
from portal.components.sentences import percent_change, slower
from portal.errors import BadSelection
from portal.pages.overview import source_words
from portal.pages.trends_compared import compared
from portal.queries.annotations import happened
from portal.queries.change import year_ago
from portal.queries.control import due_months, late_control, median_control, open_ages
from portal.queries.standards import total_change
from portal.selection import Selection
from portal.text import FEW, _, date_words, duration_words, number, share

if TYPE_CHECKING:
    from portal.release import Release

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
        body += compared(release, selection, by, ways[by], months, source)
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
    of_times, of_late = Figures("usual-times", selection), Figures("usual-late", selection)
    said, charts, links = [], [], []
    if usual:
        said.append(html.Li([html.Strong(_("How long:")), " ", *time_shifts(usual, of_times)]))
        charts.append(control.median_chart(usual, source, handle, of_times, happened=events))
        links += [handle.link(_("Receipt of the months")), " · ", of_times.link(_("Receipt of what is usual"))]
    if standard:
        said.append(html.Li([html.Strong(_("Late:")), " ", *late_shifts(standard, of_late)]))
        charts.append(
            control.late_chart(standard, due_months(release, selection), source, late, of_late, happened=events)
        )
        links += [
            *([" · "] if links else []),
            late.link(_("Receipt of what was late")),
            " · ",
            of_late.link(_("Receipt of what is usual: late")),
        ]
    return section(
        _("What really changed"), "shifts",
        html.Ul(said, className="findings"), *charts, control.how_to_read(), html.P(links, className="detail receipts"),
        lead=_("Months go up and down with the season and by chance. Here a lasting shift is told from that."),
    )  # fmt: skip
