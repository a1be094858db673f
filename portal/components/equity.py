"""Equity as charts, tables and sentences.

Charter: from `portal.answers_equity` to components. No queries.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from portal.answers_equity import Contrast, Equity, EquityArea, Fifth, Measure, WithinService
from portal.answers_figures import Estimate
from portal.charts.scatter import Area, Step, Words, beyond, scatter
from portal.charts.svg import nice_ticks
from portal.components.parts import Column, chart, rich, table
from portal.components.receipt import Figures
from portal.selection import Selection
from portal.text import FEW, _, ngettext, number, share

Node = Any
MOST_DOTS = 1500
_COLUMNS = {"speed": "speed", "late": "late", "reports": "per_1000"}
"""Columns of the receipt."""


def value_words(measure: Measure, value: float) -> str:
    """'$22,377', '13%' or '35.1 years'."""
    if measure.unit == "dollars":
        return f"${number(round(value))}"
    if measure.unit == "share":
        return share(value)
    if measure.unit == "years":
        return _("{n} years").format(n=f"{value:.1f}".removesuffix(".0"))
    return number(round(value))


@dataclass(frozen=True)
class Receipts:
    """The receipts of a page: of areas and fifths, and of the measure."""

    areas: Figures
    measure: Figures

    @classmethod
    def of(cls, about: Measure, selection: Selection) -> Receipts:
        """Those of one measure and selection."""
        asked = {"layer": about.layer, "measure": about.measure}
        return cls(Figures("equity", selection, **asked), Figures("equity-measure", selection, **asked))

    def ends(self, found: Equity) -> dict[str, Node]:
        """The measure where a tenth and where nine tenths of the residents are reached, in words."""
        values = (("low", found.low_value), ("high", found.high_value))
        return {
            name: self.measure.told(value_words(found.measure, value), f"{name}_value", value) for name, value in values
        }


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


def sentence(found: Equity, contrast: Contrast, of: Receipts) -> Node:
    """What the slope says, and whether it says anything."""
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
    slope = words.replace("{ratio}", times_words(contrast.ratio)).replace("{band}", band_words(contrast.ratio))
    # A sentence may name an end twice; a component stands in one place only.
    told = [
        of.ends(found).get(piece, piece) if i % 2 else piece for i, piece in enumerate(re.split(r"\{(\w+)\}", slope))
    ]
    return html.Li([*told, " ", html.Strong(verdict(contrast.ratio))])


def verdict(ratio: Estimate) -> str:
    """Whether an interval leaves out 'no difference'."""
    if ratio.low is None or ratio.high is None:
        return ""
    if ratio.low <= 1 <= ratio.high:
        return _("The data do not show a difference: the interval holds 1.")
    return _(
        "The interval leaves out 1, which chance alone does about once in 20; why there is a difference, these figures cannot say."
    )


def plot(found: Equity, figure: str, source: str, receipts: Receipts) -> Node:
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
    title, key, told = title_of(figure), f"equity-{figure}", receipts.areas
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
            a.name, told.told(value_words(about, a.value), f"{a.area}/value", a.value),
            "–" if a.moe is None else told.told(f"± {value_words(about, a.moe)}", f"{a.area}/moe", a.moe),
            "–" if a.residents is None else told.told(number(a.residents), f"{a.area}/residents", a.residents),
            told.told(number(a.requests), f"{a.area}/requests", a.requests), *_figure(told, a.area, of(a), figure),
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


def _figure(of: Figures, row: str, value: Estimate, figure: str) -> list[Node]:
    """A figure and its interval, marked where there is one."""
    if value.value is None:
        return ["–", "–"]
    column = _COLUMNS[figure]
    return [
        of.told(figure_words(value, figure), f"{row}/{column}", value.value),
        of.band(interval_words(value, figure), f"{row}/{column}", value.low, value.high),
    ]


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


def fifths_table(found: Equity, receipts: Receipts) -> Node:
    """About equal numbers of residents, from the lowest of the measure to the highest."""
    late = any(f.due >= FEW for f in found.fifths)
    columns = [
        Column(_("Fifth of residents")), Column(found.measure.title, "number"), Column(_("Areas"), "number"),
        Column(_("Requests"), "number"), Column(_("Speed of closing"), "number"), Column(_("95% interval"), "number"),
        *([Column(_("Late, at equal mix"), "number"), Column(_("95% interval"), "number")] if late else []),
        Column(_("Requests per 1,000 residents"), "number"), Column(_("95% interval"), "number"),
    ]  # fmt: skip
    rows, of = [], receipts.areas
    for f in found.fifths:
        key = f"fifth:{f.fifth}"
        low = of.told(value_words(found.measure, f.low), f"{key}/value", f.low)
        high = of.told(value_words(found.measure, f.high), f"{key}/value_high", f.high)
        shares: list[Node] = []
        if late:
            value = f.late_share
            shares = ["–", "–"] if value.value is None else [
                of.told(_percent(value.value), f"{key}/late_share", value.value),
                of.band(_percents(value), f"{key}/late_share", value.low, value.high),
            ]  # fmt: skip
        rows.append(
            [
                fifth_name(f.fifth, len(found.fifths)),
                low if f.low == f.high else html.Span(rich(_("{low} to {high}"), low=low, high=high)),
                of.told(number(f.areas), f"{key}/areas", f.areas), of.told(number(f.requests), f"{key}/requests", f.requests),
                *_figure(of, key, f.speed, "speed"), *shares, *_figure(of, key, f.per_1000, "reports"),
            ]
        )  # fmt: skip
    return table(_("Areas in fifths of their residents"), columns, rows, "equity-fifths", hidden_caption=True)


def services_table(rows: Sequence[WithinService], receipts: Receipts) -> Node:
    """The slopes within single services."""
    columns = [
        Column(_("Service")), Column(_("Requests"), "number"), Column(_("Speed of closing"), "number"),
        Column(_("95% interval"), "number"), Column(_("Requests for each resident"), "number"),
        Column(_("95% interval"), "number"),
    ]  # fmt: skip
    cells = [
        [
            r.name,
            receipts.areas.told(number(r.requests), f"service:{r.key}/requests", r.requests),
            times_words(r.speed),
            band_words(r.speed),
            times_words(r.reports),
            band_words(r.reports),
        ]
        for r in rows
    ]
    return table(_("Within single services"), columns, cells, "equity-services", hidden_caption=True)


def left_out_words(found: Equity, of: Figures) -> list[Node]:
    """What the figures leave out, and how sure the measure is."""
    words: list[Node] = []
    if found.unpeopled:
        words.append(
            rich(
                ngettext(
                    "{n} area is left out because less than a tenth as many people live there as in the median area: what is "
                    "reported in parks and docks is reported by visitors.",
                    "{n} areas are left out because less than a tenth as many people live there as in the median area: what is "
                    "reported in parks and docks is reported by visitors.",
                    found.unpeopled,
                ),
                n=of.told(number(found.unpeopled), "unpeopled", found.unpeopled),
            )
        )
    if found.elsewhere:
        n = of.told(number(found.elsewhere), "elsewhere", found.elsewhere)
        words.append(rich(_("{n} requests are in none of these areas."), n=n))
    if found.reliability is not None:
        words.append(
            rich(
                _(
                    "Of the differences in this measure between areas, about {share} are real and the rest is the error of its "
                    "survey, so that the slopes come out somewhat flatter than they are."
                ),
                share=of.told(share(found.reliability), "reliability", found.reliability),
            )
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
