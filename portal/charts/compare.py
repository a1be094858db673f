"""Places, services or departments one under the other, each with its interval, beside the whole city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portal.charts.svg import Axis, Canvas, both, count_axis, hours_axis, ratio_axis, share_axis
from portal.text import _

ROW_WIDE, ROW_NARROW = 30.0, 46.0


@dataclass(frozen=True)
class Dot:
    """One row. `value` None is said by `words` alone ('too few to say', 'not yet reached')."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    words: str
    mark: float | None = None
    """What the row is compared with, where that differs from row to row."""


@dataclass(frozen=True)
class Reference:
    """A line through all rows: the city."""

    label: str
    value: float


def dots(rows: Sequence[Dot], unit: str, name: str, title: str, description: str,
         reference: Reference | None = None) -> str:  # fmt: skip
    """A dot with its 95% interval for each row; `unit` is 'hours', 'share', 'ratio' or 'count'."""
    values = [v for r in rows if r.value is not None for v in (r.value, r.low, r.high) if v is not None]
    values += [reference.value] if reference else []
    values += [r.mark for r in rows if r.mark is not None]
    label_room = min(28 + 7.3 * max((len(_fit(r.label, 33)) for r in rows), default=0), 270)
    words_room = 22 + 7.3 * max((len(r.words) for r in rows), default=0)

    def draw(canvas: Canvas) -> None:
        wide = canvas.kind == "wide"
        left, right, top = (label_room, canvas.width - words_room, 46.0) if wide else (6.0, canvas.width - 14, 46.0)
        row_height = ROW_WIDE if wide else ROW_NARROW
        bottom = top + row_height * len(rows)
        axis = _axis(unit, values, left, right)
        _scale(canvas, axis, top, bottom)
        if reference:
            _reference(canvas, axis, reference, top, bottom)
        for i, row in enumerate(rows):
            y = top + row_height * i + (row_height / 2 if wide else 32)
            if wide:
                canvas.text(left - 14, y + 4.5, _fit(row.label, 33), "label", "end")
                canvas.text(canvas.width, y + 4.5, row.words, "value muted" if row.value is None else "value", "end")
            else:
                canvas.text(6, y - 14, _fit(row.label, 24), "label")
                canvas.text(canvas.width - 2, y - 14, row.words, "value muted" if row.value is None else "value", "end")
            canvas.line(left, y, right, y, "row")
            if row.mark is not None:
                canvas.line(axis.at(row.mark), y - 9, axis.at(row.mark), y + 9, "mark")
            if row.value is None:
                continue
            low = row.value if row.low is None else row.low
            high = (axis.high if row.high is None else row.high) if row.low is not None else row.value
            canvas.line(axis.at(low), y, axis.at(high), y, "interval")
            canvas.dot(axis.at(row.value), y, 5.5, "dot accent", f"{row.label}: {row.words}")

    height = [46 + row * len(rows) + 8 for row in (ROW_WIDE, ROW_NARROW)]
    return both(draw, (980, height[0]), (360, height[1]), name, title, description)


def _axis(unit: str, values: Sequence[float], left: float, right: float) -> Axis:
    if unit == "share":
        return share_axis(left, right)
    if unit == "ratio":
        axis = ratio_axis(values, left, right)
        # The reference stands at 1, and its line would run through the figure.
        return replace(axis, ticks=tuple((value, "" if value == 1 else words) for value, words in axis.ticks))
    return hours_axis(values, left, right) if unit == "hours" else count_axis(max(values, default=1), left, right)


def _scale(canvas: Canvas, axis: Axis, top: float, bottom: float) -> None:
    """Grid lines for all ticks, words for those that have room; the first and the last always have it."""
    narrow = canvas.kind == "narrow"
    final = len(axis.ticks) - 1
    taken: list[tuple[float, float]] = []
    for i in sorted(range(len(axis.ticks)), key=lambda i: (i not in (0, final), i)):
        value, words = axis.ticks[i]
        x, width = axis.at(value), 6.8 * len(words)
        canvas.line(x, top - 6, x, bottom, "grid")
        anchor = "start" if narrow and i == 0 else "end" if narrow and i == final else "middle"
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        if words and all(left > end + 10 or left + width < start - 10 for start, end in taken):
            canvas.text(x, top - 12, words, "tick", anchor)
            taken.append((left, left + width))


def _reference(canvas: Canvas, axis: Axis, reference: Reference, top: float, bottom: float) -> None:
    x = axis.at(reference.value)
    canvas.line(x, top - 26, x, bottom, "reference")
    anchor = "end" if x > canvas.width * 0.6 else "start"
    canvas.text(x + (-6 if anchor == "end" else 6), top - 32, reference.label, "label reference-label", anchor)


def _fit(label: str, most: int) -> str:
    return label if len(label) <= most else _("{start}…").format(start=label[: most - 1].rstrip())
