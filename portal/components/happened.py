"""What happened, beside charts over time: as marks in drawings, as a column of their tables, and as a list.

Charter: answers in, marks and parts of a page out. A mark says that something happened, never that it is the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import html

from portal.answers_annotations import Annotation
from portal.charts.events import Event
from portal.components.parts import Column, section
from portal.text import _, date_words, listed

Node = Any


def marks(found: Sequence[Annotation]) -> list[Event]:
    """The events as charts draw them."""
    return [Event(one.first, one.last, one.text, f"{days_words(one)}: {one.text}") for one in found]


def days_words(one: Annotation) -> str:
    """'March 1, 2025', or the first and the last day of a period."""
    if one.last is None or one.last == one.first:
        return date_words(one.first)
    return _("{start} to {end}").format(start=date_words(one.first), end=date_words(one.last))


def with_events(
    columns: Sequence[Column], cells: Sequence[Sequence[Node]], months: Sequence[date], events: Sequence[Event]
) -> tuple[list[Column], list[list[Node]]]:
    """A table by month with a column of what happened in the month of each row; unchanged where nothing did."""
    said = ["; ".join(event.words for event in events if _touches(event, month)) for month in months]
    rows = [list(row) for row in cells]
    if not any(said):
        return list(columns), rows
    return [*columns, Column(_("What happened"))], [[*row, words] for row, words in zip(rows, said, strict=True)]


def _touches(event: Event, month: date) -> bool:
    begun, over = event.first.replace(day=1), (event.last or event.first).replace(day=1)
    return begun <= month <= over


def happened_section(found: Sequence[Annotation]) -> Node:
    """The list of all events that the charts are marked with; nothing where there are none."""
    if not found:
        return None
    return section(
        _("What happened"), "happened",
        html.Ul([html.Li(_line(one)) for one in found], className="findings"),
        lead=_("In the city's own words, as marked on the charts above. That something happened then does not make it the cause."),
    )  # fmt: skip


def _line(one: Annotation) -> list[Node]:
    words: list[Node] = [html.Strong(days_words(one)), ": ", html.A(one.text, href=one.link) if one.link else one.text]
    if one.about:
        words += [" ", html.Span(_("(only {what})").format(what=listed(one.about)), className="detail")]
    return words
