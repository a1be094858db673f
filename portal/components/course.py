"""The course of requests as a chart with its table: how soon they are closed, and what became of them.

Charter: an answer of `queries.course` in, a section's parts out; no queries.
"""

from __future__ import annotations

from typing import Any

from dash import html

from portal.answers_course import Course, Mark
from portal.charts import course as drawing
from portal.components.labels import OUTCOMES
from portal.components.parts import Column, chart, rich
from portal.components.receipt import Figures
from portal.selection import Selection
from portal.text import FEW, _, duration_words, ngettext, share, span_words

Node = Any


def course_chart(found: Course, selection: Selection, source: str, key: str = "course") -> Node:
    """The chart, its legend, its table and the mean; nothing of too few requests."""
    if found.n < FEW or not found.hours:
        return None
    told, mean = Figures("course", selection), Figures("mean", selection)
    title = _("How soon they are closed, and as what")
    layers = [
        drawing.Layer(_(label), found.outcomes[name], f"outcome-{name}")
        for name, label in OUTCOMES.items()
        if any(found.outcomes[name])
    ]
    svg = drawing.course(
        found.hours, layers, found.low, found.high, key, title,
        _("The share of all requests that was closed by each time after it was made, by outcome. Open requests count as long as "
          "they have been watched. The thin lines hold the true share of all closed ones 19 times in 20."),
    )  # fmt: skip
    legend = html.Ul(
        [
            html.Li([html.Span("", className=f"swatch {layer.css}", **{"aria-hidden": "true"}), layer.label])
            for layer in layers
        ],
        className="legend",
    )
    columns = [
        Column(_("After")),
        Column(_("Still open"), "number"),
        *(Column(layer.label, "number") for layer in layers),
    ]
    shown = [mark for mark in found.marks if mark.waiting.value is not None]
    names = [name for name in OUTCOMES if any(found.outcomes[name])]
    rows = [
        [when, waiting, *(cells[n] for n in names)] for when, waiting, cells in (_row(mark, told) for mark in shown)
    ]
    subtitle = _("Share of the requests, by time since they were made (a logarithmic axis). {source}")
    return html.Div(
        [
            chart(key, title, subtitle.format(source=source), svg, columns, rows),
            legend,
            _mean(found, mean),
            html.P([told.link(of=title), " · ", mean.link(_("Receipt of the mean"))], className="detail"),
        ]
    )


def _row(mark: Mark, told: Figures) -> tuple[str, Node, dict[str, Node]]:
    when = ngettext("{n} day", "{n} days", mark.days).format(n=mark.days)
    cells = {}
    for name, estimate in mark.outcomes.items():
        value = estimate.value
        cells[name] = "–" if value is None else told.told(share(value), f"{mark.days}/{name}", value)
    waiting = mark.waiting.value or 0.0
    return when, told.told(share(waiting), f"{mark.days}/waiting", waiting), cells


def _mean(found: Course, mean: Figures) -> Node:
    """'On average 6.2 days of the first 90 are waited (95% band 6.1 to 6.3).'"""
    value = found.mean_hours
    if value.value is None:
        return None
    band: Node = ""
    mean_words = duration_words(value.value)
    if value.low is not None and value.high is not None and span_words(value.low, value.high) != mean_words:
        ends = mean.band(span_words(value.low, value.high), "mean", value.low, value.high)
        band = rich(_(" (95% band: {range})"), range=ends)
    return html.P(
        rich(
            _("Of the first {days} days a request waits {mean} on average{band}."),
            days=str(found.horizon_days),
            mean=html.Strong(mean.told(mean_words, "mean_hours", value.value)),
            band=band,
        )
    )
