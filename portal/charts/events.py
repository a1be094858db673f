"""Events on a chart over time: a line at a day or a band over a period, each with its words above the drawing.

Charter: shapes only, within the room that `room` says they need; what happened is the city's word.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.charts.svg import Canvas

ROW = 17.0
LABELLED = 6
"""So many events have their words in the drawing; those after them a mark only, and all a line in the page's list."""
_LETTER = 6.7


@dataclass(frozen=True)
class Event:
    """What happened on a day, or from `first` to `last`; `dated` is what the pointer is told, with its dates."""

    first: date
    last: date | None
    words: str
    dated: str


def within(events: Sequence[Event], months: Sequence[date]) -> list[Event]:
    """Those that touch the months drawn."""
    if not months:
        return []
    first, last = min(months), max(months)
    end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    return [event for event in events if event.first <= end and (event.last or event.first) >= first]


def room(events: Sequence[Event]) -> float:
    """Height that their words take above a drawing."""
    return ROW * min(len(events), LABELLED) + (3.0 if events else 0.0)


def draw(
    canvas: Canvas, events: Sequence[Event], months: Sequence[date], left: float, step: float, top: float, bottom: float
) -> None:
    """Marks from `top`, at which the plot begins, to `bottom`, and words above it; months are `step` wide, from `left`."""
    right = left + step * len(months)

    def at(day: date) -> float:
        over = (day.year - months[0].year) * 12 + day.month - months[0].month
        part = (day.day - 1) / calendar.monthrange(day.year, day.month)[1]
        return min(max(left + (over + part) * step, left), right)

    for i, event in enumerate(events):
        x = at(event.first)
        labelled = i < LABELLED
        y = top - room(events) + ROW * i + 12 if labelled else top
        if event.last is not None and event.last > event.first:
            end = at(event.last + timedelta(days=1))
            canvas.rect(x, y - 11 if labelled else top, max(end - x, 2.0), bottom - y + (11 if labelled else 0), "event-span",
                        event.dated)  # fmt: skip
        canvas.line(x, y - 11 if labelled else top, x, bottom, "event")
        if labelled:
            _words(canvas, event.words, x, y, left, right)


def _words(canvas: Canvas, words: str, x: float, y: float, left: float, right: float) -> None:
    """To the right of the mark where they fit, else to its left, else cut on the wider side."""
    most = max(right - x - 6, x - left - 6)
    if len(words) * _LETTER > most:
        words = words[: max(int(most / _LETTER) - 1, 1)].rstrip() + "…"
    after = x + 6 + len(words) * _LETTER <= right
    canvas.text(x + (5 if after else -5), y, words, "label event-words", "start" if after else "end")
