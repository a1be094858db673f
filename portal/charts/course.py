"""What became of requests as time went on: shares of each outcome one above the other, and the band of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts.svg import Canvas, both, hours_axis, share_axis

FIRST_HOURS = 1.0
"""The drawing begins here: what is closed sooner is the height at which it begins."""


@dataclass(frozen=True)
class Layer:
    """One outcome: its share at each time, and the class of its colour."""

    label: str
    shares: Sequence[float]
    css: str


def course(hours: Sequence[float], layers: Sequence[Layer], low: Sequence[float], high: Sequence[float], name: str,
           title: str, description: str) -> str:  # fmt: skip
    """Areas that rise by steps to the share that is closed; the times ascend and are on a logarithmic axis."""

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 46.0, canvas.width - 14, 16.0, canvas.height - 30
        axis = hours_axis([max(hour, FIRST_HOURS) for hour in (FIRST_HOURS, *hours)], left, right)
        scale = share_axis(bottom, top)
        for value, words in scale.ticks:
            canvas.line(left, scale.at(value), right, scale.at(value), "grid")
            canvas.text(left - 8, scale.at(value) + 4, words, "tick", "end")
        places = [axis.at(max(hour, axis.low)) for hour in hours]
        floor = [0.0] * len(hours)
        for layer in layers:
            ceiling = [a + b for a, b in zip(floor, layer.shares, strict=True)]
            upper, lower = _steps(places, ceiling, right), _steps(places, floor, right)
            points = [(x, scale.at(y)) for x, y in (*upper, *reversed(lower))]
            canvas.path(points, f"part {layer.css}", close=True)
            floor = ceiling
        for edge in (low, high):
            canvas.path([(x, scale.at(y)) for x, y in _steps(places, edge, right)], "line edge")
        narrow = canvas.kind == "narrow"
        ticks = [t for i, t in enumerate(axis.ticks) if not narrow or i % 2 == 0]
        for value, words in ticks:
            x = axis.at(value)
            canvas.line(x, bottom, x, bottom + 5, "base")
            anchor = "start" if x < left + 30 else "end" if x > right - 30 else "middle"
            canvas.text(x, bottom + 20, words, "tick", anchor)
        canvas.line(left, bottom, right, bottom, "base")

    return both(draw, (980, 300), (360, 260), name, title, description)


def _steps(places: Sequence[float], shares: Sequence[float], end: float) -> list[tuple[float, float]]:
    """A line that keeps its height until the next time: what a survival curve is."""
    points: list[tuple[float, float]] = []
    before = None
    for x, y in zip(places, shares, strict=True):
        if before is not None:
            points.append((x, before))
        points.append((x, y))
        before = y
    if before is not None:
        points.append((end, before))
    return points
