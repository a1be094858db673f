"""Equity as charts, tables and sentences.

Charter: from `portal.answers_equity` to components. No queries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dash import html

from portal.answers_equity import Contrast, Equity, EquityArea, Fifth, Measure, WithinService
from portal.answers_figures import Estimate
from portal.charts.scatter import Area, Step, Words, beyond, scatter
from portal.charts.svg import nice_ticks
from portal.components.parts import Column, chart, table
from portal.text import FEW, _, ngettext, number, share

Node = Any
MOST_DOTS = 1500


def value_words(measure: Measure, value: float) -> str:
    """'$22,377', '13%' or '35.1 years'."""
    if measure.unit == "dollars":
        return f"${number(round(value))}"
    if measure.unit == "share":
        return share(value)
    if measure.unit == "years":
        return _("{n} years").format(n=f"{value:.1f}".removesuffix(".0"))
    return number(round(value))


def times_words(value: Estimate) -> str:
    """'0.95', or what is said instead."""
    return _("too few to compare") if value.value is None else f"{value.value:.2f}"


def band_words(value: Estimate) -> str:
    """'0.90 to 1.00'."""
    if value.value is None or value.low is None or value.high is None:
        return "–"
    return _("{low} to {high}").format(low=f"{value.low:.2f}", high=f"{value.high:.2f}")


def title_of(figure: str) -> str:
    """What a figure is called."""
    return {
        "speed": _("How fast requests are closed, beside the same services elsewhere"),
        "late": _("How often requests are late, beside the same services elsewhere"),
        "reports": _("How many requests are made for each 1,000 residents"),
    }[figure]


def sentence(found: Equity, contrast: Contrast) -> Node:
    """What the slope says, and whether it says anything."""
    low, high = (value_words(found.measure, value) for value in (found.low_value, found.high_value))
    if contrast.too_few or contrast.ratio.value is None:
        return html.Li(_("{what}: too few areas or requests to compare.").format(what=title_of(contrast.figure)))
    words = {
        "speed": _("Areas at {high} have their requests closed at {ratio} times the speed of areas at {low} "
                   "(95% interval {band}), for the same services."),
        "late": _("Areas at {high} have {ratio} times as large a share of late requests as areas at {low} "
                  "(95% interval {band}), for the same services."),
        "reports": _("Areas at {high} make {ratio} times as many requests for each resident as areas at {low} "
                     "(95% interval {band})."),
    }[contrast.figure]  # fmt: skip
    told = words.format(high=high, low=low, ratio=times_words(contrast.ratio), band=band_words(contrast.ratio))
    return html.Li([told, " ", html.Strong(verdict(contrast.ratio))])


def verdict(ratio: Estimate) -> str:
    """Whether an interval leaves out 'no difference'."""
    if ratio.low is None or ratio.high is None:
        return ""
    if ratio.low <= 1 <= ratio.high:
        return _("The data do not show a difference: the interval holds 1.")
    return _(
        "The interval leaves out 1, which chance alone does about once in 20; why there is a difference, these figures cannot say."
    )


def plot(found: Equity, figure: str, source: str) -> Node:
    """Areas, fifths and slope of one figure, with the areas as a table."""
    about = found.measure
    contrast = next(c for c in found.contrasts if c.figure == figure)
    of: Callable[[EquityArea | Fifth], Estimate] = {
        "speed": lambda row: row.speed, "late": lambda row: row.late, "reports": lambda row: row.per_1000,
    }[figure]  # fmt: skip
    drawn = [a for a in found.areas if of(a).value is not None][:MOST_DOTS]
    most = max((_weight(a, figure) for a in drawn), default=1) or 1
    dots = [
        Area(a.value, of(a).value or 0.0, _weight(a, figure) / most, f"{a.name}: {figure_words(of(a), figure)}")
        for a in drawn
    ]
    steps = [
        Step(f.low, f.high, e.value, e.low, e.high, fifth_name(f.fifth, len(found.fifths)))
        for f, e in ((f, of(f)) for f in found.fifths)
        if e.value is not None and e.low is not None and e.high is not None
    ]
    title, key = title_of(figure), f"equity-{figure}"
    words = Words(
        about.title, _("times") if figure != "reports" else _("per 1,000"), _ticks(about, [d.x for d in dots])
    )
    description = _(
        "A dot is an area. A step is a fifth of the residents with its 95% interval. The dashed line is the slope."
    )
    svg = ""
    if len(dots) > 1:
        svg = scatter(
            dots, steps, _line(found, contrast, figure), words, key, title, description,
            ratio=figure != "reports", x_log=found.logged,
        )  # fmt: skip
    columns = [
        Column(_("Area")), Column(about.title, "number"), Column(_("90% margin"), "number"),
        Column(_("Residents"), "number"), Column(_("Requests"), "number"), Column(column_of(figure), "number"),
        Column(_("95% interval"), "number"),
    ]  # fmt: skip
    cells = [
        [
            a.name, value_words(about, a.value), "–" if a.moe is None else f"± {value_words(about, a.moe)}",
            "–" if a.residents is None else number(a.residents), number(a.requests), figure_words(of(a), figure),
            interval_words(of(a), figure),
        ]
        for a in found.areas
    ]  # fmt: skip
    outside = beyond(dots, steps, ratio=figure != "reports") if svg else 0
    note = None
    if outside:
        note = ngettext(
            "{n} area lies beyond the chart and is drawn at its edge.",
            "{n} areas lie beyond the chart and are drawn at its edge.",
            outside,
        ).format(n=outside)
    return chart(key, title, f"{description} {source}", svg, columns, cells, note=note)


def column_of(figure: str) -> str:
    """The column's title."""
    return {
        "speed": _("Speed of closing"),
        "late": _("Late, times the expected"),
        "reports": _("Requests per 1,000 residents"),
    }[figure]


def figure_words(value: Estimate, figure: str) -> str:
    """'1.05' or '14.4'."""
    if value.value is None:
        return "–"
    return f"{value.value:.1f}" if figure == "reports" else f"{value.value:.2f}"


def interval_words(value: Estimate, figure: str) -> str:
    """'1.02 to 1.09' or '13.9 to 15.0'."""
    if value.value is None or value.low is None or value.high is None:
        return "–"
    digits = 1 if figure == "reports" else 2
    return _("{low} to {high}").format(low=f"{value.low:.{digits}f}", high=f"{value.high:.{digits}f}")


def fifth_name(fifth: int, of: int) -> str:
    """'Lowest fifth', 'Second fifth', …"""
    names = (_("Lowest fifth"), _("Second fifth"), _("Middle fifth"), _("Fourth fifth"), _("Highest fifth"))
    return names[min(fifth, len(names)) - 1] if of else ""


def fifths_table(found: Equity) -> Node:
    """About equal numbers of residents, from the lowest of the measure to the highest."""
    late = any(f.due >= FEW for f in found.fifths)
    columns = [
        Column(_("Fifth of residents")), Column(found.measure.title, "number"), Column(_("Areas"), "number"),
        Column(_("Requests"), "number"), Column(_("Speed of closing"), "number"), Column(_("95% interval"), "number"),
        *([Column(_("Late, at equal mix"), "number"), Column(_("95% interval"), "number")] if late else []),
        Column(_("Requests per 1,000 residents"), "number"), Column(_("95% interval"), "number"),
    ]  # fmt: skip
    rows = []
    for f in found.fifths:
        low, high = value_words(found.measure, f.low), value_words(found.measure, f.high)
        shares = [_percent(f.late_share.value), _percents(f.late_share)] if late else []
        rows.append(
            [
                fifth_name(f.fifth, len(found.fifths)), low if low == high else _("{low} to {high}").format(low=low, high=high),
                number(f.areas), number(f.requests), figure_words(f.speed, "speed"), interval_words(f.speed, "speed"),
                *shares, figure_words(f.per_1000, "reports"), interval_words(f.per_1000, "reports"),
            ]
        )  # fmt: skip
    return table(_("Areas in fifths of their residents"), columns, rows, "equity-fifths", hidden_caption=True)


def services_table(rows: Sequence[WithinService]) -> Node:
    """The slopes within single services."""
    columns = [
        Column(_("Service")), Column(_("Requests"), "number"), Column(_("Speed of closing"), "number"),
        Column(_("95% interval"), "number"), Column(_("Requests for each resident"), "number"),
        Column(_("95% interval"), "number"),
    ]  # fmt: skip
    cells = [
        [
            r.name,
            number(r.requests),
            times_words(r.speed),
            band_words(r.speed),
            times_words(r.reports),
            band_words(r.reports),
        ]
        for r in rows
    ]
    return table(_("Within single services"), columns, cells, "equity-services", hidden_caption=True)


def left_out_words(found: Equity) -> list[str]:
    """What the figures leave out, and how sure the measure is."""
    words = []
    if found.unpeopled:
        words.append(
            ngettext(
                "{n} area is left out because less than a tenth as many people live there as in the median area: what is "
                "reported in parks and docks is reported by visitors.",
                "{n} areas are left out because less than a tenth as many people live there as in the median area: what is "
                "reported in parks and docks is reported by visitors.",
                found.unpeopled,
            ).format(n=number(found.unpeopled))
        )
    if found.elsewhere:
        words.append(_("{n} requests are in none of these areas.").format(n=number(found.elsewhere)))
    if found.reliability is not None:
        words.append(
            _(
                "Of the differences in this measure between areas, about {share} are real and the rest is the error of its "
                "survey, so that the slopes come out somewhat flatter than they are."
            ).format(share=share(found.reliability))
        )
    return words


def _percent(value: float | None) -> str:
    return "–" if value is None else share(value)


def _percents(value: Estimate) -> str:
    if value.low is None or value.high is None:
        return "–"
    return _("{low} to {high}").format(low=share(value.low), high=share(value.high))


def _weight(area: EquityArea, figure: str) -> float:
    if figure == "reports":
        return float(area.residents or 0)
    return float(area.closings if figure == "speed" else area.due)


def _ticks(measure: Measure, values: Sequence[float]) -> list[tuple[float, str]]:
    if not values:
        return []
    marks = nice_ticks(max(values), 8)
    if measure.unit == "dollars":
        marks = sorted({*marks, *(m * 10.0**e for e in range(3, 6) for m in (1, 2, 5))})
    return [(mark, f"{mark:g}" if measure.unit == "years" else value_words(measure, mark)) for mark in marks]


def _line(found: Equity, contrast: Contrast, figure: str) -> list[tuple[float, float]]:
    """The slope drawn through the middle of the residents, from end to end of the areas."""
    low, high = found.low_value, found.high_value
    if contrast.ratio.value is None or not high > low:
        return []
    scale = math.log if found.logged else float
    slope = math.log(contrast.ratio.value) / (scale(high) - scale(low))
    weights = [(a, _base(a, figure)) for a in found.areas]
    total = sum(w for _a, w in weights)
    if not total:
        return []
    # Through the point where the line's own expectation has the total that was observed.
    lifted = sum(w * math.exp(slope * scale(a.value)) for a, w in weights) / total
    level = (
        sum(a.per_1000.value * w for a, w in weights if a.per_1000.value is not None) / total
        if figure == "reports"
        else 1.0
    )
    xs = [found.areas[0].value, *(a.value for a in found.areas[1:-1:4]), found.areas[-1].value]
    return [(x, level * math.exp(slope * scale(x)) / lifted) for x in xs]


def _base(area: EquityArea, figure: str) -> float:
    """What an area's figure is over: its expected events or its residents."""
    if figure == "reports":
        return float(area.residents or 0)
    if figure == "late":
        return float(area.due)
    return area.closings / area.speed.value if area.speed.value else 0.0
