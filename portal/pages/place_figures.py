"""The first figures of a report card: counts and times beside the city's, and what leaves them in doubt.

Charter: a report in, parts of its page out; each number is marked with its receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import ResponseTime
from portal.answers_figures import Report
from portal.components import figures, told
from portal.components.parts import aside, key_figures, rich
from portal.components.receipt import Figures
from portal.components.sentences import Handles
from portal.text import FEW, _, duration_words, number, share

if TYPE_CHECKING:
    from portal.release import Release


def key_row(report: Report, handles: Handles) -> Any:
    """Requests, times, on time and still open, each beside the city's."""
    totals, city = report.totals, report.city
    in_city = _("whole city: {value}")

    def time(quantile: int, name: str) -> tuple[Any, Any]:
        city_words = told_time(handles.city_times, report.city_response, quantile, name)
        return told_time(handles.times, report.response, quantile, name), rich(in_city, value=city_words)

    half, most = time(50, "median"), time(90, "p90")
    flattering = report.response.closed_only_median_hours
    closed_only = None
    if flattering is not None and report.response.n >= FEW:
        alone = handles.times.told(duration_words(flattering), "closed_only_hours", flattering)
        closed_only = rich(_("of the closed ones alone: {value}, which flatters"), value=alone)
    return html.Div(
        [
            key_figures(
                [
                    (_("Requests"), handles.here.told(number(totals.requests), "requests", totals.requests),
                     rich(_("{share} of the city's {n}"), share=_of_city(handles, totals.requests, city.requests),
                          n=handles.city.told(number(city.requests), "requests", city.requests))),
                    (_("Half closed within"), half[0], [*half[1], *([html.Br(), *closed_only] if closed_only else [])]),
                    (_("9 in 10 within"), most[0], most[1]),
                    (_("On time"), told.on_time(handles.here, "", totals.on_time_share),
                     rich(in_city, value=told.on_time(handles.city, "", city.on_time_share))),
                    (_("Of these still open"), handles.here.told(number(totals.open), "open", totals.open),
                     rich(_("{share} of them; whole city: {city}"),
                          share=told.part(handles.here, "", "open_share", totals.open, totals.requests),
                          city=told.part(handles.city, "", "open_share", city.open, city.requests))),
                ]
            ),
            html.P(
                [handles.here.link(_("Receipt of the counts")), " · ", handles.times.link(_("Receipt of the times")), " · ",
                 handles.late.link(_("Receipt of the comparison"))],
                className="detail receipts",
            ),
        ]
    )  # fmt: skip


def _of_city(handles: Handles, here: int, city: int) -> Any:
    """'14%', made of both counts."""
    return handles.here.told(share(here, city), "requests", here / city, over=handles.city.at("requests"))


def location_band(release: Release, report: Report, name: str, handles: Handles) -> Any:
    """The total with its band, on the page of an area."""
    if report.dimension == "department":
        return None
    bands = queries.location_bands(release, report.dimension, report.base)
    drawn = told.count(handles.here, "", "requests", report.totals.requests)
    return figures.band_sentence(name, bands.get(report.key), drawn)


def few(report: Report) -> Any:
    """What stands where so few requests tell little; nothing where there are enough."""
    if report.response.n >= FEW:
        return None
    return aside(
        _("Too few to compare."),
        html.P(
            _("With fewer than {n} requests, times and shares say more about chance than about the work.").format(n=FEW)
        ),
    )


def told_time(handle: Figures, response: ResponseTime, quantile: int, name: str) -> Any:
    """A quantile in words, marked with its receipt unless there are too few requests to say it."""
    value = response.quantiles[quantile]
    return told.time(handle, "", name, value, response.n)
