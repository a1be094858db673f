"""Months in a row: what was asked for and closed, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.charts.events import Event, room, within
from portal.charts.events import draw as draw_events
from portal.charts.svg import Axis, Canvas, both, count_axis, hours_axis
from portal.text import _, duration_words, month_name, month_short, number

WIDE, NARROW = (980.0, 320.0), (360.0, 270.0)


@dataclass(frozen=True)
class Columns:
    """A month's two counts; an incomplete month is still going on."""

    month: date
    requested: int
    closed: int
    complete: bool = True


@dataclass(frozen=True)
class Band:
    """A month's duration in hours and its 95% band; None: not yet reached."""

    month: date
    hours: float | None
    low: float | None
    high: float | None
    complete: bool = True


def requested_and_closed(
    rows: Sequence[Columns], name: str, title: str, description: str, happened: Sequence[Event] = ()
) -> str:
    """Columns of what was asked for and a line of what was closed, by month, marked with what happened."""
    months = [r.month for r in rows]
    marked = within(happened, months)

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 46.0, canvas.width - 4, 34.0 + room(marked), canvas.height - 40
        axis = count_axis(max((max(r.requested, r.closed) for r in rows), default=1), bottom, top)
        _key(canvas, left)
        grid(canvas, axis, left, right)
        step = (right - left) / max(len(rows), 1)
        month_labels(canvas, months, left, step, bottom)
        draw_events(canvas, marked, months, left, step, top, bottom)
        line = []
        for i, row in enumerate(rows):
            x, y = left + i * step, axis.at(row.requested)
            css = "bar" if row.complete else "bar part"
            canvas.rect(x + step * 0.14, y, step * 0.72, bottom - y, css)
            line.append((x + step / 2, axis.at(row.closed)))
        # A month that is not over has its point, but no line that would seem to fall.
        over = [at for at, row in zip(line, rows, strict=True) if row.complete]
        canvas.path(over, "halo")
        canvas.path(over, "line ink")
        if len(rows) <= 36:
            for (x, y), row in zip(line, rows, strict=True):
                canvas.dot(x, y, 2.8 if len(rows) > 18 else 3.2, "dot ink" if row.complete else "dot hollow")
        for i, row in enumerate(rows):
            said = _("{month}: {requested} requested, {closed} closed").format(
                month=_month(row.month, row.complete), requested=number(row.requested), closed=number(row.closed)
            )
            canvas.rect(left + i * step, top, step, bottom - top, "hit", said)

    return both(draw, higher(WIDE, room(marked)), higher(NARROW, room(marked)), name, title, description)


def duration_band(rows: Sequence[Band], name: str, title: str, description: str, happened: Sequence[Event] = ()) -> str:
    """A line of durations by month with its 95% band; months not yet reached are shown as such."""
    months = [r.month for r in rows]
    marked = within(happened, months)
    known = [v for r in rows for v in (r.hours, _kept(r.high, r.hours)) if v is not None]

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 64.0, canvas.width - 12, 16.0 + room(marked), canvas.height - 40
        axis = hours_axis(known, bottom, top, may_log=False)
        grid(canvas, axis, left, right)
        step = (right - left) / max(len(rows), 1)
        month_labels(canvas, months, left, step, bottom)
        draw_events(canvas, marked, months, left, step, top, bottom)
        centre = [left + (i + 0.5) * step for i in range(len(rows))]
        for run in runs([r.hours is not None for r in rows]):
            tops = [(i, _kept(rows[i].high, rows[i].hours)) for i in run]
            upper = [(centre[i], axis.at(axis.high if top_of is None else top_of)) for i, top_of in tops]
            lower = [(centre[i], axis.at(rows[i].low or 0.0)) for i in run]
            canvas.path(upper + lower[::-1], "band", close=True)
            points = [(centre[i], axis.at(rows[i].hours or 0.0)) for i in run]
            canvas.path(points, "line accent")
            for x, y in points:
                canvas.dot(x, y, 2.6, "dot accent")
        _not_reached(canvas, rows, left, step, top, bottom)
        for i, row in enumerate(rows):
            canvas.rect(left + i * step, top, step, bottom - top, "hit", band_words(row))

    return both(draw, higher(WIDE, room(marked)), higher(NARROW, room(marked)), name, title, description)


def higher(size: tuple[float, float], by: float) -> tuple[float, float]:
    """A drawing's size with more height."""
    return size[0], size[1] + by


def band_words(row: Band) -> str:
    """What the pointer is told: 'March 2026: 3.2 days (95% band 3 to 3.5 days)'."""
    month = _month(row.month, row.complete)
    if row.hours is None:
        return _("{month}: not yet reached").format(month=month)
    words = _("{month}: {time}").format(month=month, time=duration_words(row.hours))
    if row.low is None or row.high is None:
        return words
    return _("{words} (95% band: {low} to {high})").format(
        words=words, low=duration_words(row.low), high=duration_words(row.high)
    )


def _kept(high: float | None, hours: float | None) -> float | None:
    """The band's upper end, cut where a single wide month would flatten all the others."""
    return None if high is None or hours is None else min(high, 3 * hours)


def _month(month: date, complete: bool) -> str:
    return month_name(month) if complete else _("{month}, so far").format(month=month_name(month))


def runs(present: Sequence[bool]) -> list[list[int]]:
    """Positions of what is there, those next to one another together: a line breaks where nothing is known."""
    found: list[list[int]] = []
    for i, here in enumerate(present):
        if here and i and present[i - 1]:
            found[-1].append(i)
        elif here:
            found.append([i])
    return found


def _not_reached(canvas: Canvas, rows: Sequence[Band], left: float, step: float, top: float, bottom: float) -> None:
    missing = 0
    while missing < len(rows) and rows[len(rows) - 1 - missing].hours is None:
        missing += 1
    if missing:
        x = left + (len(rows) - missing) * step
        canvas.rect(x, top, missing * step, bottom - top, "unknown")
        end = left + len(rows) * step
        canvas.text(end - 4, top + 15, _("not yet reached"), "note", "end")


def _key(canvas: Canvas, left: float) -> None:
    canvas.rect(left, 6, 12, 12, "bar")
    canvas.text(left + 18, 16.5, _("Requested"), "label")
    x = left + 46 + 7.4 * len(_("Requested"))
    canvas.line(x, 12, x + 20, 12, "line ink")
    canvas.dot(x + 10, 12, 3.2, "dot ink")
    canvas.text(x + 27, 16.5, _("Closed"), "label")


def grid(canvas: Canvas, axis: Axis, left: float, right: float) -> None:
    """Lines across, with their values before them."""
    for value, words in axis.ticks:
        y = axis.at(value)
        canvas.line(left, y, right, y, "base" if value == axis.low else "grid")
        canvas.text(left - 8, y + 4, words, "tick", "end")


def month_labels(canvas: Canvas, months: Sequence[date], left: float, step: float, bottom: float) -> None:
    """Month names as often as they fit, and each year under its first month."""
    every = next((n for n in (1, 2, 3, 6, 12) if n * step >= 34), 12)
    year_from = -100.0
    for i, month in enumerate(months):
        x = left + (i + 0.5) * step
        if (month.month - 1) % every == 0 and every < 12:
            canvas.text(x, bottom + 18, month_short(month), "tick", "middle")
        first_of_year = month.month == 1 or i == 0
        if first_of_year and x - year_from > 40 and (month.month < 11 or len(months) < 14):
            canvas.text(x, bottom + (34 if every < 12 else 18), str(month.year), "tick year", "middle")
            year_from = x
