"""A funnel plot: areas by how much is expected of them, and how far what was seen lies from it.

After Spiegelhalter (2005). Charter: draws the limits and positions that it is given; it computes none, ranks nobody, and
marks what lies outside by shape as well as by colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from portal.charts.svg import Axis, Canvas, both, nice_ticks, short_number
from portal.text import _

WIDE, NARROW = (980.0, 470.0), (360.0, 420.0)
_LETTER = 6.9
_ROOM = 46.0
"""Between the labels of two ticks of the axis of counts."""

Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True)
class Unit:
    """One dot. `position`: 0 inside, ±1 beyond the inner limits, ±2 beyond the outer ones; `few`: too few to compare."""

    label: str
    expected: float
    ratio: float
    position: int
    few: bool
    words: str


@dataclass(frozen=True)
class Lines:
    """Limits of observed/expected along ascending expected counts, all of one length."""

    expected: Sequence[float]
    low95: Sequence[float]
    high95: Sequence[float]
    low998: Sequence[float]
    high998: Sequence[float]

    def sides(self) -> tuple[tuple[str, str, Sequence[float]], ...]:
        """Each line with its class and its name."""
        return (
            ("limit", "95%", self.low95), ("limit", "95%", self.high95),
            ("limit outer", "99.8%", self.low998), ("limit outer", "99.8%", self.high998),
        )  # fmt: skip


def funnel(
    units: Sequence[Unit], lines: Lines, chance: Lines | None, name: str, title: str, description: str,
    across: str, up: str,
) -> str:  # fmt: skip
    """The plot; `chance` are limits without widening, drawn as well where given. `across`, `up`: what the axes are.

    Units that are too few to compare do not stretch the axis of ratios; `unseen` are those that lie beyond it.
    """

    def draw(canvas: Canvas) -> None:
        wide = canvas.kind == "wide"
        left, right = (52.0, canvas.width - 64) if wide else (36.0, canvas.width - 44)
        top, bottom = 34.0, canvas.height - 54
        x = count_root_axis(max([*(u.expected for u in units), *lines.expected]), left, right)
        y = around_one(units, lines, bottom, top)
        _frame(canvas, x, y, across, up)
        _bands(canvas, x, y, lines)
        if chance:
            for _css, _words, side in chance.sides():
                canvas.path(_visible(x, y, chance.expected, side), "limit chance")
        for css, _words, side in lines.sides():
            canvas.path(_visible(x, y, lines.expected, side), css)
        canvas.line(left, y.at(1), right, y.at(1), "reference")
        taken = _names_of_limits(canvas, y, right, lines)
        within = [unit for unit in units if y.low <= unit.ratio <= y.high]
        places = [(_place(x, u.expected), y.at(u.ratio)) for u in within]
        for unit, place in sorted(zip(within, places, strict=True), key=lambda pair: abs(pair[0].position)):
            _dot(canvas, unit, place)
        _labels(canvas, within, places, taken, (left, right, top - 6, bottom), 30 if wide else 18)

    return both(draw, WIDE, NARROW, name, title, description)


def unseen(units: Sequence[Unit], lines: Lines) -> int:
    """How many units lie beyond the axis of ratios, and are not drawn; all of them too few to compare."""
    y = around_one(units, lines, 0.0, 1.0)
    return sum(not y.low <= unit.ratio <= y.high for unit in units)


def count_root_axis(top: float, start: float, end: float) -> Axis:
    """Counts on a square-root scale, on which limits open evenly; `Axis.at` takes the root of a count.

    >>> [words for _, words in count_root_axis(5200, 0, 500).ticks]
    ['0', '50', '200', '500', '1,000', '2,000', '5,000']
    """
    high = math.sqrt(max(top, 1.0) * 1.04)
    axis = Axis(0.0, high, start, end, ())
    steps = [m * 10.0**k for k in range(9) for m in (1, 2, 5) if m * 10.0**k <= high**2]
    kept: list[float] = []
    for value in reversed(steps):
        at = axis.at(math.sqrt(value))
        if at - start >= _ROOM and (not kept or axis.at(math.sqrt(kept[-1])) - at >= _ROOM):
            kept.append(value)
    ticks = [(0.0, "0"), *((math.sqrt(value), short_number(value)) for value in reversed(kept))]
    return Axis(0.0, high, start, end, tuple(ticks))


def around_one(units: Sequence[Unit], lines: Lines, start: float, end: float) -> Axis:
    """Ratios from below the lowest that can be compared to above the highest, with the funnel's wider half in sight."""
    middle = len(lines.expected) // 2
    shown = [u.ratio for u in units if not u.few] + [lines.low998[middle], lines.high998[middle], 0.9, 1.1]
    finite = [value for value in shown if math.isfinite(value)]
    low, high = min(finite), max(finite)
    pad = (high - low) * 0.07
    step = nice_ticks(high - low + 2 * pad, 7)[1]
    low, high = max(0.0, low - pad), high + pad
    marks = [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    return Axis(low, high, start, end, tuple((mark, f"{mark:.3g}") for mark in marks))


def _place(x: Axis, expected: float) -> float:
    return x.at(math.sqrt(max(expected, 0.0)))


def _frame(canvas: Canvas, x: Axis, y: Axis, across: str, up: str) -> None:
    for value, words in y.ticks:
        canvas.line(x.start, y.at(value), x.end, y.at(value), "grid")
        canvas.text(x.start - 8, y.at(value) + 4, words, "tick", "end")
    for value, words in x.ticks:
        canvas.line(x.at(value), y.start, x.at(value), y.start + 5, "base")
        canvas.text(x.at(value), y.start + 20, words, "tick", "middle")
    canvas.line(x.start, y.start, x.end, y.start, "base")
    canvas.text((x.start + x.end) / 2, y.start + 42, across, "label", "middle")
    canvas.text(2, 16, up, "label")


def _bands(canvas: Canvas, x: Axis, y: Axis, lines: Lines) -> None:
    for low, high in ((lines.low998, lines.high998), (lines.low95, lines.high95)):
        known = [i for i in range(len(lines.expected)) if math.isfinite(low[i]) and math.isfinite(high[i])]
        upper = [(_place(x, lines.expected[i]), y.at(high[i])) for i in known]
        lower = [(_place(x, lines.expected[i]), y.at(low[i])) for i in reversed(known)]
        canvas.path(upper + lower, "within", close=True)


def _visible(x: Axis, y: Axis, expected: Sequence[float], side: Sequence[float]) -> list[Point]:
    """The part of a line that lies within the plot: what runs along its edge would be no limit."""
    return [
        (_place(x, e), y.at(value)) for e, value in zip(expected, side, strict=True) if y.low < value < y.high
    ]  # fmt: skip


def _names_of_limits(canvas: Canvas, y: Axis, right: float, lines: Lines) -> list[Box]:
    """The limits' names at their right ends, the outer moved away from the inner where they are near."""
    taken: list[Box] = []
    for inner, outer, up in ((lines.high95, lines.high998, -1), (lines.low95, lines.low998, 1)):
        at = None
        for side, words in ((inner, "95%"), (outer, "99.8%")):
            if not y.low < side[-1] < y.high:
                continue
            here = y.at(side[-1]) + 4
            if at is None:
                here = min(here, y.at(1) - 3) if up < 0 else max(here, y.at(1) + 11)
            else:
                here = min(here, at - 14) if up < 0 else max(here, at + 14)
            at = here
            canvas.text(right + 6, here, words, "tick")
            taken.append((right + 4, here - 11, right + 6 + _LETTER * len(words), here + 3))
    return taken


def _dot(canvas: Canvas, unit: Unit, place: Point) -> None:
    x, y = place
    if unit.few:
        canvas.dot(x, y, 4.5, "dot hollow few", f"{unit.label}: {unit.words}")
    elif abs(unit.position) < 2:
        canvas.dot(x, y, 5.5, "dot beyond" if unit.position else "dot inside", f"{unit.label}: {unit.words}")
    else:
        corners = [(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)]
        steps = "L".join(f"{a:.1f} {b:.1f}" for a, b in corners)
        hover = escape(f"{unit.label}: {unit.words}")
        canvas.parts.append(f'<path class="dot outside" d="M{steps}Z"><title>{hover}</title></path>')


def _labels(
    canvas: Canvas, units: Sequence[Unit], places: Sequence[Point], taken: list[Box], plot: Box, most: int
) -> None:
    """Names of those beyond the outer limits, where one has room; the others tell theirs to the pointer and the table."""
    left, right, top, bottom = plot
    dots = [(x - 8, y - 8, x + 8, y + 8) for x, y in places]
    named = [i for i, unit in enumerate(units) if abs(unit.position) == 2 and not unit.few]
    for i in sorted(named, key=lambda i: -abs(math.log(max(units[i].ratio, 1e-3)))):
        label = units[i].label
        label = label if len(label) <= most else _("{start}…").format(start=label[: most - 1].rstrip())
        for x, y, anchor, box in _spots(places[i], _LETTER * len(label)):
            inside = box[0] >= left and box[2] <= right + 40 and box[1] >= top and box[3] <= bottom
            others = (*taken, *(dot for j, dot in enumerate(dots) if j != i))
            if inside and not _overlaps(box, others):
                canvas.text(x, y, label, "label", anchor)
                taken.append(box)
                break


def _spots(place: Point, width: float) -> Iterable[tuple[float, float, str, Box]]:
    """Where a name may stand, the best first: its baseline's point and anchor, and the box that it fills."""
    x, y = place
    yield x + 12, y + 4.5, "start", (x + 12, y - 8, x + 12 + width, y + 8)
    yield x - 12, y + 4.5, "end", (x - 12 - width, y - 8, x - 12, y + 8)
    for below in (False, True):
        line = y + 22 if below else y - 13
        for anchor, start in (("middle", x - width / 2), ("start", x - 4), ("end", x + 4 - width)):
            at = {"middle": x, "start": x - 4, "end": x + 4}[anchor]
            yield at, line, anchor, (start, line - 12, start + width, line + 3)


def _overlaps(box: Box, others: Iterable[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others)
