"""Small drawings: a bar of parts, a bar in a table's cell, one line of a row of small charts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from portal.charts.svg import Canvas


def stacked(parts: Sequence[tuple[str, float, str]], name: str, title: str, description: str) -> str:
    """One bar of (words, share, css class), as wide as its place; the words stand in the list beneath it."""
    x, drawn = 0.0, []
    for words, share, css in parts:
        width = share * 1000
        if width > 0:
            drawn.append(
                f'<rect class="part {css}" x="{x:.2f}" y="0" width="{width:.2f}" height="40">'
                f"<title>{escape(words)}</title></rect>"
            )
        x += width
    return (
        f'<svg class="stacked" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(description)}</desc>{"".join(drawn)}</svg>'
    )


def cell_bar(share: float, css: str = "bar") -> str:
    """A bar behind a number in a table's cell. The number says it all: hidden from screen readers."""
    width = min(max(share, 0.0), 1.0) * 100
    return (
        '<svg class="cell-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="track" width="100" height="8"/><rect class="{css}" width="{width:.1f}" height="8"/></svg>'
    )


def spark(
    values: Sequence[float | None], city: Sequence[float | None], top: float, name: str, title: str, description: str
) -> str:
    """One line over time, with the city's in grey behind it; all of a row share the scale 0…`top`."""
    canvas = Canvas(240, 92, "spark")
    left, right, low, high = 2.0, 238.0, 84.0, 8.0

    def points(series: Sequence[float | None]) -> list[list[tuple[float, float]]]:
        runs: list[list[tuple[float, float]]] = [[]]
        for i, value in enumerate(series):
            if value is None:
                runs.append([])
                continue
            x = left + (right - left) * (i / max(len(series) - 1, 1))
            runs[-1].append((x, low - (low - high) * min(value / (top or 1), 1)))
        return [run for run in runs if run]

    canvas.line(left, low, right, low, "base")
    for run in points(city):
        canvas.path(run, "line city")
    for run in points(values):
        canvas.path(run, "line accent")
    ends = points(values)
    if ends:
        canvas.dot(*ends[-1][-1], 3, "dot accent")
    return canvas.svg(name, title, description)
