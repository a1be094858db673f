"""SVG text: escaping, shapes, scales and ticks. What every chart is built from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from portal.text import _, duration_words, number

HOUR, DAY = 1.0, 24.0
TIME_TICKS = (1 / 60, 0.25, 1.0, 6.0, 24.0, 72.0, 168.0, 30.44 * 24, 91.3 * 24, 365.25 * 24, 1095.75 * 24)
LOG_FROM_RATIO = 30
"""From this ratio of largest to smallest on, durations are drawn on a logarithmic scale."""


@dataclass
class Canvas:
    """An <svg> under construction; sizes are in its own units, about one pixel each."""

    width: float
    height: float
    kind: str
    parts: list[str] = field(default_factory=list)

    def rect(self, x: float, y: float, width: float, height: float, css: str, hover: str = "") -> None:
        """A rectangle; `hover` is what the pointer is told."""
        inner = f"<title>{escape(hover)}</title>" if hover else ""
        self.parts.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{max(height, 0):.1f}">{inner}</rect>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self.parts.append(f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def path(self, points: Sequence[tuple[float, float]], css: str, close: bool = False) -> None:
        """A line through points, or a filled shape."""
        if points:
            steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            self.parts.append(f'<path class="{css}" d="M{steps}{"Z" if close else ""}"/>')

    def dot(self, x: float, y: float, radius: float, css: str, hover: str = "") -> None:
        """A circle."""
        inner = f"<title>{escape(hover)}</title>" if hover else ""
        self.parts.append(f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{inner}</circle>')

    def text(self, x: float, y: float, words: str, css: str = "", anchor: str = "start") -> None:
        """Words with their baseline at `y`."""
        self.parts.append(
            f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'
        )

    def svg(self, name: str, title: str, description: str) -> str:
        """The finished element; `name` makes its ids unique on the page."""
        key = f"{name}-{self.kind}"
        return (
            f'<svg class="{self.kind}" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(title)}</title>'
            f'<desc id="{key}-d">{escape(description)}</desc>{"".join(self.parts)}</svg>'
        )


def both(draw: Callable[[Canvas], None], wide: tuple[float, float], narrow: tuple[float, float], name: str,
         title: str, description: str) -> str:  # fmt: skip
    """The chart drawn for a wide and for a narrow place."""
    drawn = []
    for kind, (width, height) in (("wide", wide), ("narrow", narrow)):
        canvas = Canvas(width, height, kind)
        draw(canvas)
        drawn.append(canvas.svg(name, title, description))
    return "".join(drawn)


def nice_ticks(top: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least `top`.

    >>> nice_ticks(87)
    [0.0, 25.0, 50.0, 75.0, 100.0]
    """
    if not math.isfinite(top) or top <= 0:
        return [0.0, 1.0]
    raw = top / about
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)]


def round_numbers(largest: float) -> list[float]:
    """At most three, up to the largest: for a key of sizes.

    >>> round_numbers(870), round_numbers(3), round_numbers(1)
    ([5, 50, 500], [1, 3], [1])
    """
    if largest < 10:
        return sorted({1, int(largest)})
    top = 10 ** int(math.log10(largest))
    lead = max(m for m in (1, 2, 5) if m * top <= largest)
    return [n for n in (lead * top // 100, lead * top // 10, lead * top) if n >= 1]


def short_number(value: float) -> str:
    """For an axis: '1,200', '25k', '1.5M'."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 10_000 else number(value)


@dataclass(frozen=True)
class Axis:
    """Where a value lies between `start` and `end`, and which ticks to label."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def at(self, value: float) -> float:
        """The position of a value, kept within the axis."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        ratio = (min(max(value, low), high) - low) / (high - low)
        return self.start + ratio * (self.end - self.start)


def count_axis(top: float, start: float, end: float) -> Axis:
    """From nothing to `top`."""
    ticks = nice_ticks(top)
    return Axis(0, ticks[-1], start, end, tuple((t, short_number(t)) for t in ticks))


def share_axis(start: float, end: float) -> Axis:
    """From 0 to 100%."""
    return Axis(0, 1, start, end, tuple((t / 4, f"{t * 25}%") for t in range(5)))


def hours_axis(values: Sequence[float], start: float, end: float, may_log: bool = True) -> Axis:
    """Durations: linear from nothing, or logarithmic with ticks of everyday units where they span too much."""
    positive = [v for v in values if v > 0]
    top = max(positive, default=1.0)
    bottom = min(positive, default=top)
    if may_log and top / bottom > LOG_FROM_RATIO:
        low = max((t for t in TIME_TICKS if t <= bottom), default=bottom)
        high = min((t for t in TIME_TICKS if t >= top), default=top)
        ticks = tuple((t, _tick_words(t)) for t in TIME_TICKS if low <= t <= high)
        return Axis(low, high, start, end, ticks, log=True)
    unit = DAY if top >= 36 else HOUR
    marks = nice_ticks(top / unit)
    words = [f"{m:g}" for m in marks[:-1]] + [duration_words_of(marks[-1], unit)]
    return Axis(0, marks[-1] * unit, start, end, tuple((m * unit, w) for m, w in zip(marks, words, strict=True)))


def ratio_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Factors about 1 on a logarithmic scale, from an eighth to eight times at most: half and twice are equally far."""
    positive = [v for v in values if v > 0]
    low = min(max(min(positive, default=1.0), 1 / 8), 0.9)
    high = max(min(max(positive, default=1.0), 8.0), 1.1)
    span = high / low
    if span < 1.7:
        marks = [0.5 + i / 10 for i in range(15)]
    else:
        marks = [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 8] if span < 6 else [0.125, 0.25, 0.5, 1, 2, 4, 8]
    low = max((m for m in marks if m <= low + 1e-9), default=low)
    high = min((m for m in marks if m >= high - 1e-9), default=high)
    ticks = tuple((m, f"{m:.3g}") for m in marks if low - 1e-9 <= m <= high + 1e-9)
    return Axis(low, high, start, end, ticks, log=True)


def duration_words_of(value: float, unit: float) -> str:
    """'20 days' or '12 hours', in the unit of an axis."""
    return (_("{n} days") if unit == DAY else _("{n} hours")).format(n=f"{value:g}")


def _tick_words(hours: float) -> str:
    named = {
        1.0: _("1 hour"),
        24.0: _("1 day"),
        168.0: _("1 week"),
        30.44 * 24: _("1 month"),
        91.3 * 24: _("3 months"),
        365.25 * 24: _("1 year"),
    }
    return named.get(hours) or duration_words(hours)
