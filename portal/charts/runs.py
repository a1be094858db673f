"""The last runs of a source in a row: how many rows each made or changed, and whether it got an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from portal.charts.svg import Canvas, both, short_number
from portal.text import _

WIDE, NARROW = (980.0, 190.0), (360.0, 190.0)
LOADED, UNCHANGED, FAILED = "loaded", "unchanged", "failed"


@dataclass(frozen=True)
class RunMark:
    """One run: `kind` is LOADED, UNCHANGED or FAILED, `rows` what it made or changed, `said` what the pointer is told."""

    kind: str
    rows: int
    day: str
    said: str


def runs(marks: Sequence[RunMark], name: str, title: str, description: str) -> str:
    """Runs in the order of time, evenly spaced; rows on a scale on which each line is ten times the one below."""
    most = max((mark.rows for mark in marks), default=1)
    decades = max(math.ceil(math.log10(max(most, 10))), 1)

    def draw(canvas: Canvas) -> None:
        left, right, top, bottom = 46.0, canvas.width - 8, 44.0, canvas.height - 26
        _key(canvas, left)
        # Nothing has a place of its own below 1, which a logarithm does not reach.
        step_up = (bottom - top) / (decades + 1)
        for decade in range(-1, decades + 1):
            y = bottom - (decade + 1) * step_up
            canvas.line(left, y, right, y, "base" if decade < 0 else "grid")
            canvas.text(left - 8, y + 4, "0" if decade < 0 else short_number(10**decade), "tick", "end")
        step = (right - left) / max(len(marks), 1)
        for i, mark in enumerate(marks):
            x = left + (i + 0.5) * step
            y = bottom - (math.log10(mark.rows) + 1) * step_up if mark.rows > 0 else bottom
            _mark(canvas, x, y, bottom, mark.kind)
            canvas.rect(left + i * step, top - 8, step, bottom - top + 16, "hit", mark.said)
        if marks:
            canvas.text(left, bottom + 21, marks[0].day, "tick")
            canvas.text(right, bottom + 21, marks[-1].day, "tick", "end")

    return both(draw, WIDE, NARROW, name, title, description)


def _mark(canvas: Canvas, x: float, y: float, bottom: float, kind: str) -> None:
    """Told apart by shape, so that colour says nothing alone."""
    if kind == FAILED:
        for dx in (-5, 5):
            canvas.line(x - dx, bottom - 5, x + dx, bottom + 5, "mark")
    elif kind == UNCHANGED or y == bottom:
        canvas.dot(x, bottom, 4, "dot hollow")
    else:
        canvas.line(x, bottom, x, y, "line accent")
        canvas.dot(x, y, 4.5, "dot accent")


def _key(canvas: Canvas, left: float) -> None:
    entries = ((LOADED, _("new or changed")), (UNCHANGED, _("nothing new")), (FAILED, _("no answer")))
    fits = left + sum(34 + 6.6 * len(words) for _kind, words in entries) <= canvas.width
    x, gap, letter = (left, 34.0, 6.6) if fits else (4.0, 27.0, 6.2)
    for kind, words in entries:
        _mark(canvas, x + 5, 12 if kind == LOADED else 14, 19 if kind == LOADED else 14, kind)
        canvas.text(x + 16, 18, words, "tick")
        x += gap + letter * len(words)
