"""How long a new request should take, in sentences: what is forecast, what that stands on, and how such forecasts held.

Charter: from answers to words and markup; no queries. Each number carries its receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from dash import html

from portal.charts import held as drawn
from portal.components.links import address
from portal.components.parts import Column, chart, rich, table
from portal.components.receipt import Figures
from portal.figures.expected_time import ENOUGH
from portal.selection import Selection
from portal.text import MONTHS, N_, _, date_words, duration_words, month_name, number

if TYPE_CHECKING:
    from portal.answers_expected import Calibration, Forecast, Held
    from portal.answers_figures import Estimate
    from portal.release import Release

Node = Any
PATH = "/expected"

BASES = {
    "season": N_(
        "This stands on the {n} requests for this service made in {area} in the same season a year before, {first} to {last}."
    ),
    "area": N_("This stands on the {n} requests for this service made in {area} since {first}."),
    "recent": N_("This stands on the {n} requests for this service made in the whole city since {first}."),
    "service": N_("This stands on the {n} requests for this service made in the whole city, all that are on record."),
}
SHORT = {
    "season": N_("here, the same season a year before"),
    "area": N_("here, the last twelve months"),
    "recent": N_("the whole city, the last twelve months"),
    "service": N_("the whole city, all on record"),
}


@dataclass(frozen=True)
class Told:
    """A forecast in words: `words` for those who are read to, `nodes` with marks for the page."""

    words: str
    nodes: list[Node]


def selection_of(forecast: Forecast) -> Selection:
    """The requests that a forecast stands on."""
    area = ((forecast.layer, forecast.area),) if forecast.layer and forecast.area else ()
    return Selection(
        service=(forecast.service,), area=area, from_date=forecast.first, to_date=forecast.last
    )  # fmt: skip


def expected_address(service: str = "", layer: str | None = None, area: str = "") -> str:
    """The address of the page of expected times for a service and an area, either of which may be ''."""
    chosen = Selection(service=(service,) if service else (), area=((layer, area),) if layer and area else ())
    return address(PATH, chosen)


def figures_of(forecast: Forecast) -> Figures:
    """The receipt of a forecast."""
    return Figures("expected", selection_of(forecast))


def held_figures() -> Figures:
    """The receipt of how forecasts held: of the whole record, whatever is selected."""
    return Figures("held", Selection())


def sentence(release: Release, forecast: Forecast) -> Told:
    """'Half of the requests for Pothole repair made in East Side in November are closed within 6 days, 9 in 10 …'."""
    service = release.allowed("service").get(forecast.service, forecast.service)
    area = release.allowed(forecast.layer).get(forecast.area or "", "") if forecast.layer else ""
    if forecast.basis == "season":
        which = _("requests for {service} made in {area} in {month}").format(
            service=service, area=area, month=_(MONTHS[forecast.month.month - 1])
        )
    elif area:
        which = _("requests for {service} made in {area}").format(service=service, area=area)
    else:
        which = _("requests for {service} made in the whole city").format(service=service)
    half, most = forecast.half_hours, forecast.most_hours
    if half is None:
        message = _("Less than half of the {requests} are closed so far.")
    elif most is None:
        message = _("Half of the {requests} are closed within {half}; when 9 in 10 are closed is not yet known.")
    else:
        message = _("Half of the {requests} are closed within {half}, 9 in 10 within {most}.")
    of = figures_of(forecast)
    plain = {"half": duration_words(half), "most": duration_words(most)}
    marked = {
        "half": html.Strong(of.told(plain["half"], "half_hours", half)),
        "most": html.Strong(of.told(plain["most"], "most_hours", most)),
    }
    return Told(message.format(requests=which, **plain), rich(message, requests=which, **marked))


def basis(release: Release, forecast: Forecast, area: str) -> list[Node]:
    """Which requests a forecast stands on, and by what it was multiplied; `area` is the one that was asked for."""
    of = figures_of(forecast)
    names = release.allowed(forecast.layer) if forecast.layer else {}
    first = rich(
        _(BASES[forecast.basis]), n=of.told(number(forecast.requests), "n", forecast.requests),
        area=names.get(forecast.area or "", ""), first=date_words(forecast.first) if forecast.first else "",
        last=date_words(forecast.last) if forecast.last else "",
    )  # fmt: skip
    rest = rich(
        _("Of them {events} are closed; the others count as still waiting. {link}"),
        events=of.told(number(forecast.events), "events", forecast.events), link=of.link(),
    )  # fmt: skip
    said = [html.P([*first, " ", *rest], className="detail")]
    if area and not forecast.area:
        words = _("In {area} too few of them were closed to say it of there alone, so this is of the whole city.")
        said.insert(0, html.P(words.format(area=area)))
    return said


def factors(forecast: Forecast, calibration: Calibration | None) -> Node:
    """By what the times were multiplied, and why."""
    if calibration is None:
        return None
    of, (half, most) = figures_of(forecast), calibration.factors
    words = _(
        "The times were then multiplied by {half} (half) and {most} (9 in 10): with that, the forecasts of the last three "
        "months would have held."
    )
    told = {
        "half": of.told(f"{half:.2f}", "half_factor", half),
        "most": of.told(f"{most:.2f}", "most_factor", most),
    }
    return html.P(rich(words, **told), className="detail")


def held(calibration: Calibration | None) -> Node:
    """How well such forecasts held in the last months, with the way to all of it."""
    pooled = calibration.pooled if calibration else None
    more = html.A(_("How this is made, and how it held month by month"), href=address("/methods") + "#expected-times")
    if calibration is None or pooled is None or pooled.half.value is None or pooled.most.value is None:
        words = _("The record is too short to say how well such forecasts hold.")
        return html.P([words, " ", more])
    months = [row.month for row in calibration.months if row.month]
    words = _(
        "How well such forecasts held, from {first} to {last}: of 100 requests, {half} were closed within the time stated "
        "for half of them, and {most} within the time stated for 9 in 10. That is of {n} requests for all services."
    )
    of = held_figures()
    parts = rich(
        words, first=month_name(months[0]), last=month_name(months[-1]),
        half=of.told(of_hundred(pooled.half.value), "all/half_share", pooled.half.value),
        most=of.told(of_hundred(pooled.most.value), "all/most_share", pooled.most.value),
        n=of.told(number(pooled.forecasts), "all/forecasts", pooled.forecasts),
    )  # fmt: skip
    return html.P([*parts, " ", more])


def held_chart(calibration: Calibration, source: str) -> Node:
    """Month by month the share that was within each stated time, beside the one that was promised."""
    title = _("How expected times held on months that were not used for them")
    rows = calibration.months
    svg = drawn.held(
        [(0.5, [_kept(row, row.half) for row in rows]), (0.9, [_kept(row, row.most) for row in rows])], "held", title,
        _("Each point is the share of a month's requests that were closed within the stated time, the upright line its 95% band; "
          "the dotted lines are the shares that were promised."),
    )  # fmt: skip
    subtitle = _(
        "Share of requests closed within the time that was stated for half of them, and for 9 in 10; the dotted lines are what "
        "was promised. {source}"
    )
    return chart("held", title, subtitle.format(source=source), svg, _columns(), _cells(calibration))


def held_table(calibration: Calibration) -> Node:
    """The same months as a table that is not folded away, and all of them together."""
    return table(_("How expected times held, by month of request"), _columns(), _cells(calibration), "held-months")


def _columns() -> list[Column]:
    return [
        Column(_("Requests made in")), Column(_("With a forecast"), "number"), Column(_("Promised 50%: kept"), "number"),
        Column(_("95% band"), "number"), Column(_("Promised 90%: kept"), "number"), Column(_("95% band"), "number"),
    ]  # fmt: skip


def _cells(calibration: Calibration) -> list[list[Node]]:
    rows = [*calibration.months, *([calibration.pooled] if calibration.pooled else [])]
    of, cells = held_figures(), []
    for row in rows:
        key = f"{row.month:%Y-%m}" if row.month else "all"
        cells.append(
            [
                month_name(row.month) if row.month else _("All of them"),
                of.told(number(row.forecasts), f"{key}/forecasts", row.forecasts),
                *_kept_cells(of, f"{key}/half", row.half), *_kept_cells(of, f"{key}/most", row.most),
            ]
        )  # fmt: skip
    return cells


def _kept_cells(of: Figures, item: str, value: Estimate) -> list[Node]:
    if value.value is None or value.low is None:
        return [_percent(value.value), _band(value)]
    return [
        of.told(_percent(value.value), f"{item}_share", value.value),
        of.band(_band(value), item, value.low, value.high),
    ]


def _kept(row: Held, share: Estimate) -> drawn.Kept:
    month = row.month or date.min
    said = _("{month}: {value} (95% band: {range})").format(
        month=month_name(month), value=_percent(share.value), range=_band(share)
    )
    return drawn.Kept(month, share.value, share.low, share.high, said)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}%"


def _band(value: Estimate) -> str:
    if value.low is None or value.high is None:
        return "–"
    return _("{low} to {high}").format(low=_percent(value.low), high=_percent(value.high))


def of_hundred(share: float) -> str:
    """'50', of 100."""
    return number(round(share * 100))


def too_little() -> str:
    """What is said where nothing is forecast."""
    words = _("Too little is known: fewer than {n} requests for this service are closed in the record.")
    return words.format(n=ENOUGH)
