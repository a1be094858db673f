"""How forecasts held, month by month: the share closed within each stated time beside the share that was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.charts.monthly import grid, month_labels
from portal.charts.svg import Canvas, both, share_axis

WIDE, NARROW = (980.0, 300.0), (360.0, 270.0)


@dataclass(frozen=True)
class Kept:
    """A month's share with its 95% band, 0 to 1 (None: not known), and what the pointer is told."""

    month: date
    share: float | None
    low: float | None
    high: float | None
    said: str


def held(series: Sequence[tuple[float, Sequence[Kept]]], name: str, title: str, description: str) -> str:
    """For each promised share a dotted line with its value after it, and on each month the share that was kept with its band."""
    months = [row.month for row in series[0][1]] if series else []

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 50.0, canvas.width - 44, 14.0, canvas.height - 40
        axis = share_axis(bottom, top)
        grid(canvas, axis, left, right)
        step = (right - left) / max(len(months), 1)
        month_labels(canvas, months, left, step, bottom)
        for promised, rows in series:
            y = axis.at(promised)
            canvas.line(left, y, right, y, "reference")
            canvas.text(right + 8, y + 4, f"{promised * 100:g}%", "label")
            for i, row in enumerate(rows):
                x = left + (i + 0.5) * step
                if row.low is not None and row.high is not None:
                    canvas.line(x, axis.at(row.low), x, axis.at(row.high), "interval")
                if row.share is not None:
                    canvas.dot(x, axis.at(row.share), 4.2, "dot accent")
        for promised, rows in series:
            half = (bottom - top) / (2 * len(series))
            middle = min(max(axis.at(promised), top + half), bottom - half)
            for i, row in enumerate(rows):
                canvas.rect(left + i * step, middle - half, step, 2 * half, "hit", row.said)

    return both(draw, WIDE, NARROW, name, title, description)
