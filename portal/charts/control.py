"""Control charts: a line by month before the range of what is usual, with what is unusual marked; columns by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.charts.events import Event, room, within
from portal.charts.events import draw as draw_events
from portal.charts.monthly import NARROW, WIDE, grid, higher, month_labels, runs
from portal.charts.svg import Axis, Canvas, both, count_axis, hours_axis, nice_ticks
from portal.text import _, month_name, number


@dataclass(frozen=True)
class Point:
    """One month: the value, the usual level and range of its kind of month, and whether it is unusual."""

    month: date
    value: float | None
    centre: float | None
    low: float | None
    high: float | None
    unusual: bool
    said: str  # what the pointer is told


@dataclass(frozen=True)
class Note:
    """Words at the month from which a new level holds."""

    month: date
    words: str


def control(
    points: Sequence[Point], notes: Sequence[Note], unit: str, name: str, title: str, description: str,
    happened: Sequence[Event] = (),
) -> str:  # fmt: skip
    """The line of the values before the usual range; `unit` is 'hours' or 'share'."""
    months = [p.month for p in points]
    marked = within(happened, months)
    values = [v for p in points for v in (p.value, p.high, p.low) if v is not None]

    def draw(canvas: Canvas) -> None:
        wide = canvas.kind == "wide"
        left, right, bottom = 64.0, canvas.width - 12, canvas.height - 40
        top = 42.0 + 17 * len(notes) + room(marked)
        axis = _share_axis(values, bottom, top) if unit == "share" else hours_axis(values, bottom, top, may_log=False)
        _key(canvas, left if wide else 4.0, any(p.unusual for p in points))
        grid(canvas, axis, left, right)
        step = (right - left) / max(len(points), 1)
        month_labels(canvas, months, left, step, bottom)
        draw_events(canvas, marked, months, left, step, top, bottom)
        centre = [left + (i + 0.5) * step for i in range(len(points))]
        for run in runs([p.low is not None for p in points]):
            upper = [(centre[i], axis.at(points[i].high or 0.0)) for i in run]
            lower = [(centre[i], axis.at(points[i].low or 0.0)) for i in run]
            canvas.path(upper + lower[::-1], "usual", close=True)
        for i, note in enumerate(notes):
            _note(canvas, points, note, left, step, (38.0 + 17 * i, bottom), right)
        for run in runs([p.value is not None for p in points]):
            canvas.path([(centre[i], axis.at(points[i].value or 0.0)) for i in run], "line accent")
        for x, point in zip(centre, points, strict=True):
            if point.value is not None:
                _dot(canvas, x, axis.at(point.value), point.unusual, 2.6 if len(points) > 40 or not wide else 3.2)
        for i, point in enumerate(points):
            canvas.rect(left + i * step, top, step, bottom - top, "hit", point.said)

    sizes = higher(WIDE, room(marked)), higher(NARROW, 16 + room(marked))
    return both(draw, *sizes, name, title, description)


def aged(rows: Sequence[tuple[date, Sequence[int]]], groups: Sequence[str], name: str, title: str,
         description: str, happened: Sequence[Event] = ()) -> str:  # fmt: skip
    """Columns by month in parts by age, the oldest at the bottom, where it can be followed along the axis."""
    months = [month for month, _parts in rows]
    marked = within(happened, months)
    top_of = max((sum(parts) for _month, parts in rows), default=1)

    def draw(canvas: Canvas) -> None:
        wide = canvas.kind == "wide"
        left, right, bottom = 46.0, canvas.width - 4, canvas.height - 40
        top = (34.0 if wide else 66.0) + room(marked)
        axis = count_axis(max(top_of, 1), bottom, top)
        _ages_key(canvas, groups, left if wide else 4.0)
        grid(canvas, axis, left, right)
        step = (right - left) / max(len(rows), 1)
        month_labels(canvas, months, left, step, bottom)
        draw_events(canvas, marked, months, left, step, top, bottom)
        for i, (month, parts) in enumerate(rows):
            x, under = left + i * step, 0
            for group in range(len(parts) - 1, -1, -1):
                y, base = axis.at(under + parts[group]), axis.at(under)
                if base - y > 0.05:
                    canvas.rect(x + step * 0.12, y, step * 0.76, base - y, f"age-{group}")
                under += parts[group]
            told = "; ".join(f"{words}: {number(n)}" for words, n in zip(groups, parts, strict=True))
            said = _("{month}: {n} open ({parts})").format(month=month_name(month), n=number(sum(parts)), parts=told)
            canvas.rect(x, top, step, bottom - top, "hit", said)

    sizes = higher(WIDE, room(marked)), higher(NARROW, 40 + room(marked))
    return both(draw, *sizes, name, title, description)


def _share_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """From nothing to a round share above the highest, no more than all."""
    ticks = [t for t in nice_ticks(min(max(values, default=1.0), 1.0) * 100) if t <= 100]
    top = max(ticks[-1], 1.0)
    return Axis(0, top / 100, start, end, tuple((t / 100, f"{t:g}%") for t in ticks))


def _dot(canvas: Canvas, x: float, y: float, unusual: bool, size: float) -> None:
    """An unusual month has a ring, so that colour says nothing alone."""
    if unusual:
        canvas.dot(x, y, size + 3.4, "ring")
    canvas.dot(x, y, size, "dot ink" if unusual else "dot accent")


def _note(canvas: Canvas, points: Sequence[Point], note: Note, left: float, step: float, span: tuple[float, float],
          right: float) -> None:  # fmt: skip
    at = next((i for i, p in enumerate(points) if p.month == note.month), None)
    if at is None:
        return
    x, (y, bottom) = left + at * step, span
    canvas.line(x, y - 12, x, bottom, "reference")
    room = 6.6 * len(note.words) + 8
    after = x + 6 + room <= right or x - room < 0
    canvas.text(x + (6 if after else -6), y, note.words, "label", "start" if after else "end")


def _key(canvas: Canvas, left: float, beyond: bool) -> None:
    narrow = canvas.kind == "narrow"
    letter, gap = (6.2, 12.0) if narrow else (6.8, 22.0)
    canvas.line(left, 12, left + 18, 12, "line accent")
    canvas.dot(left + 9, 12, 3.2, "dot accent")
    words = _("each month")
    canvas.text(left + 24, 16.5, words, "tick")
    x = left + 24 + letter * len(words) + gap
    canvas.rect(x, 6, 18, 12, "usual")
    words = _("usual for the month")
    canvas.text(x + 24, 16.5, words, "tick")
    x += 24 + letter * len(words) + gap
    if beyond:
        _dot(canvas, x + 6, 12, True, 2.6)
        canvas.text(x + 18, 16.5, _("unusual"), "tick")


def _ages_key(canvas: Canvas, groups: Sequence[str], left: float) -> None:
    narrow, x, y = canvas.kind == "narrow", left, 6.0
    for group, words in enumerate(groups):
        room = 18 + (6.2 if narrow else 6.6) * len(words) + 16
        if narrow and x + room > canvas.width and x > left:
            x, y = left, y + 19
        canvas.rect(x, y, 12, 12, f"age-{group}")
        canvas.text(x + 18, y + 10.5, words, "tick")
        x += room
