"""Areas as dots over a measure of who lives there, with the figures of fifths as steps and the slope as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts.svg import Axis, Canvas, both, nice_ticks, short_number

WIDE, NARROW = (980.0, 420.0), (360.0, 360.0)
RATIO_TICKS = (0.1, 0.2, 0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0)
MOST_RATIO = 4.0
"""Ratios further from 1 than this are drawn at the edge: small areas' chance would squeeze all others."""


@dataclass(frozen=True)
class Area:
    """One dot; `size` is its weight, 0…1 of the largest."""

    x: float
    y: float
    size: float
    hover: str


@dataclass(frozen=True)
class Step:
    """A group's figure from the lowest to the highest of its areas, with its interval."""

    from_x: float
    to_x: float
    y: float
    low: float
    high: float
    hover: str


@dataclass(frozen=True)
class Words:
    """What the axes are called, and how a value of the measure is written."""

    x_title: str
    y_title: str
    x_ticks: Sequence[tuple[float, str]]


def scatter(
    areas: Sequence[Area], steps: Sequence[Step], line: Sequence[tuple[float, float]], words: Words, name: str, title: str,
    description: str, *, ratio: bool, x_log: bool,
) -> str:  # fmt: skip
    """Dots, steps and line. `ratio`: the figure is a ratio, drawn on a logarithmic scale around 1; else a count from 0."""

    def draw(canvas: Canvas) -> None:
        wide = canvas.kind == "wide"
        left, right = (64.0, canvas.width - 16) if wide else (44.0, canvas.width - 8)
        top, bottom = 34.0, canvas.height - 54.0
        across = _across(words.x_ticks, [a.x for a in areas], left, right, x_log)
        up = _ratio_axis(areas, steps, bottom, top) if ratio else _count_axis(areas, steps, bottom, top)
        canvas.text(2, 14, words.y_title, "tick")
        for value, tick in up.ticks:
            y = up.at(value)
            canvas.line(left, y, right, y, "grid")
            canvas.text(left - 8, y + 4.5, tick, "tick", "end")
        _across_ticks(canvas, across, bottom, left, right)
        canvas.text(right, canvas.height - 6, words.x_title, "tick", "end")
        if ratio:
            canvas.line(left, up.at(1.0), right, up.at(1.0), "base")
        for area in areas:
            radius = (2.5 + 4.5 * math.sqrt(area.size)) * (1.0 if wide else 0.75)
            canvas.dot(across.at(area.x), up.at(area.y), radius, "dot faint", area.hover)
        for step in steps:
            x1, x2 = across.at(step.from_x), across.at(step.to_x)
            x1, x2 = (x1, x2) if x2 - x1 >= 6 else ((x1 + x2) / 2 - 3, (x1 + x2) / 2 + 3)
            canvas.rect(x1, up.at(step.high), x2 - x1, max(up.at(step.low) - up.at(step.high), 2.0), "band", step.hover)
            canvas.line(x1, up.at(step.y), x2, up.at(step.y), "step")
        if line:
            canvas.path([(across.at(x), up.at(y)) for x, y in line], "line ink dashed")

    return both(draw, WIDE, NARROW, name, title, description)


def beyond(areas: Sequence[Area], steps: Sequence[Step], *, ratio: bool) -> int:
    """How many dots lie beyond the chart and are drawn at its edge."""
    axis = _ratio_axis(areas, steps, 0, 1) if ratio else _count_axis(areas, steps, 0, 1)
    return sum(not axis.low <= area.y <= axis.high for area in areas)


def _across(ticks: Sequence[tuple[float, str]], values: Sequence[float], start: float, end: float, log: bool) -> Axis:
    low, high = min(values), max(values)
    pad = 0.0 if log else (high - low) * 0.03
    shown = tuple((value, words) for value, words in ticks if low - pad <= value <= high + pad)
    if log:
        return Axis(low * 0.97, high * 1.03, start, end, shown, log=True)
    return Axis(low - pad, high + pad if high > low else low + 1, start, end, shown)


def _across_ticks(canvas: Canvas, axis: Axis, bottom: float, left: float, right: float) -> None:
    until = -math.inf
    for value, words in axis.ticks:
        x, half = axis.at(value), 3.6 * len(words)
        canvas.line(x, bottom, x, bottom + 5, "base")
        anchor, start = (
            ("start", x) if x - half < left else ("end", x - 2 * half) if x + half > right else ("middle", x - half)
        )
        if start > until + 8:
            canvas.text(x, bottom + 20, words, "tick", anchor)
            until = start + 2 * half
    canvas.line(left, bottom, right, bottom, "base")


def _ratio_axis(areas: Sequence[Area], steps: Sequence[Step], start: float, end: float) -> Axis:
    ends = [a.y for a in areas if a.y > 0] + [v for s in steps for v in (s.low, s.high) if v > 0]
    reach = min(max([1.25, *(max(v, 1 / v) for v in ends)]), MOST_RATIO) * 1.04
    ticks = tuple((t, f"{t:g}×") for t in RATIO_TICKS if 1 / reach <= t <= reach)
    return Axis(1 / reach, reach, start, end, ticks, log=True)


def _count_axis(areas: Sequence[Area], steps: Sequence[Step], start: float, end: float) -> Axis:
    """From nothing to what all but the topmost twentieth of the areas need; those are drawn at the edge."""
    ends = sorted(a.y for a in areas)
    most = max([ends[int(0.95 * (len(ends) - 1))], *(s.high for s in steps)])
    ticks = nice_ticks(most)
    return Axis(0, ticks[-1], start, end, tuple((t, short_number(t) if t >= 10 else f"{t:g}") for t in ticks))
