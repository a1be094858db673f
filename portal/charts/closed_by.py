"""The share of requests that were closed by a time, with its band, and where one of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts.svg import Axis, Canvas, both, hours_axis, share_axis

WIDE, NARROW = (980.0, 330.0), (360.0, 300.0)
LEAST_SHARE = 0.05
"""A logarithmic axis begins where so many are closed: the very first one would stretch it to the minute."""
LETTER = 7.2


@dataclass(frozen=True)
class Step:
    """From this time on the share is closed; `low` and `high` are its 95% band."""

    hours: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Mark:
    """A time to point at: the request itself (with its share, if that is known), or its standard."""

    hours: float
    label: str
    share: float | None = None


def closed_by(steps: Sequence[Step], reach: float, own: Mark | None, standard: Mark | None, name: str, title: str,
              description: str) -> str:  # fmt: skip
    """A rising curve in steps up to `reach` hours; `own` is a line with a dot, `standard` a dotted line."""
    from_share = [step.hours for step in steps if step.share >= LEAST_SHARE]
    marks = [mark.hours for mark in (own, standard) if mark]
    values = [*from_share[:1], steps[-1].hours, reach, *marks]

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 46.0, canvas.width - 10, 50.0, canvas.height - 30
        across, up = hours_axis(values, left, right), share_axis(bottom, top)
        for value, words in up.ticks:
            canvas.line(left, up.at(value), right, up.at(value), "base" if value == 0 else "grid")
            canvas.text(left - 8, up.at(value) + 4, words, "tick", "end")
        _times(canvas, across, top, bottom)
        shown = [Step(reach, steps[-1].share, steps[-1].low, steps[-1].high)] if reach > steps[-1].hours else []
        _curve(canvas, across, up, [*steps, *shown])
        if standard:
            left_of_own = own is not None and standard.hours <= own.hours
            _line(canvas, across.at(standard.hours), top - 8, bottom, "reference", standard.label, 34, left_of_own)
        if own:
            x = across.at(own.hours)
            _line(canvas, x, top - 26, bottom, "line ink", own.label, 16)
            if own.share is not None:
                canvas.dot(x, up.at(own.share), 5.5, "dot ink", own.label)

    return both(draw, WIDE, NARROW, name, title, description)


def _times(canvas: Canvas, axis: Axis, top: float, bottom: float) -> None:
    """Ticks, and the words of those that have room; the first and the last always have it."""
    final = len(axis.ticks) - 1
    taken: list[tuple[float, float]] = []
    for i in sorted(range(len(axis.ticks)), key=lambda i: (i not in (0, final), i)):
        value, words = axis.ticks[i]
        x, width = axis.at(value), LETTER * len(words)
        if i:
            canvas.line(x, top, x, bottom, "grid")
        start = x if i == 0 else x - width if i == final else x - width / 2
        if all(start > end + 8 or start + width < begin - 8 for begin, end in taken):
            canvas.text(x, bottom + 20, words, "tick", "start" if i == 0 else "end" if i == final else "middle")
            taken.append((start, start + width))


def _curve(canvas: Canvas, across: Axis, up: Axis, steps: Sequence[Step]) -> None:
    """The stairs and the band around them, cut where the axis begins."""
    before = [step for step in steps if step.hours <= across.low]
    first = before[-1] if before else Step(across.low, 0.0, 0.0, 0.0)
    rest = [step for step in steps if step.hours > across.low]

    def stairs(which: str) -> list[tuple[float, float]]:
        y = up.at(getattr(first, which))
        points = [(across.at(across.low), y)]
        for step in rest:
            x = across.at(step.hours)
            points.append((x, y))
            y = up.at(getattr(step, which))
            points.append((x, y))
        return points

    canvas.path(stairs("low") + stairs("high")[::-1], "band", close=True)
    canvas.path(stairs("share"), "line accent")


def _line(canvas: Canvas, x: float, top: float, bottom: float, css: str, label: str, y: float,
          leftwards: bool = False) -> None:  # fmt: skip
    """An upright line with its label on the side that has room, on the left if that is wanted."""
    canvas.line(x, top, x, bottom, css)
    width = 8 + LETTER * len(label)
    to_left = (leftwards and x >= width) or x + width > canvas.width
    canvas.text(x + (-8 if to_left else 8), y, label, "label", "end" if to_left else "start")
