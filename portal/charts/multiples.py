"""Small multiples: one line over time for each of several things, side by side in one drawing, and a bar of parts.

Charter: panels in, SVG out. Each panel says its own scale; what is behind a line in grey is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from portal.charts.svg import Canvas, both

WIDTHS = {"wide": 980.0, "narrow": 360.0}
ACROSS = {"wide": 4, "narrow": 2}
GAP = {"wide": 28.0, "narrow": 16.0}
_LETTER = {"wide": 7.8, "narrow": 7.6}
"""Mean width of a letter of a panel's title."""
_LINE, _BELOW = 17.0, 22.0
_FEW, _PLOT, _TALL = 2, 74.0, 116.0
"""On a wide drawing, no more panels than `_FEW` are taller, as they are wider."""


@dataclass(frozen=True)
class Panel:
    """One thing: what it is, what is said of it, its line and the one behind it (None breaks a line), and the scale.

    The scale is from nothing to `top`; `scale` says so in words, "" where all panels have one that is said elsewhere.
    """

    title: str
    said: str
    values: Sequence[float | None]
    behind: Sequence[float | None]
    top: float
    scale: str = ""


def multiples(panels: Sequence[Panel], name: str, title: str, description: str) -> str:
    """All panels on a wide and on a narrow drawing, in reading order; fewer panels than fit across are wider."""

    def draw(canvas: Canvas) -> None:
        for i, (left, top, shape) in enumerate(_places(panels, canvas.kind)):
            _panel(canvas, panels[i], left, top, shape)

    sizes = []
    for kind, width in WIDTHS.items():
        _left, top, shape = _places(panels, kind)[-1]
        sizes.append((width, top + shape.height + (_BELOW if any(p.scale for p in panels) else 8.0)))
    return both(draw, sizes[0], sizes[1], name, title, description)


@dataclass(frozen=True)
class _Shape:
    """Of the panels of a row: their width, the lines that their titles have room for, and the height of their plots."""

    width: float
    lines: int
    plot: float

    @property
    def height(self) -> float:
        return _LINE * (self.lines + 1) + self.plot


def _places(panels: Sequence[Panel], kind: str) -> list[tuple[float, float, _Shape]]:
    """Left and top of each panel; titles of a row have the same room, so that its lines stand at one height."""
    across = max(min(ACROSS[kind], len(panels)), 1)
    width = (WIDTHS[kind] - GAP[kind] * (across - 1)) / across
    plot = _TALL if kind == "wide" and across <= _FEW else _PLOT
    below = 16 + (_BELOW if any(panel.scale for panel in panels) else 8.0)
    found, top = [], 0.0
    for start in range(0, len(panels), across):
        row = panels[start : start + across]
        shape = _Shape(width, max(len(_wrapped(panel.title, kind, width)) for panel in row), plot)
        found += [(i * (width + GAP[kind]), top, shape) for i in range(len(row))]
        top += shape.height + below
    return found


def _wrapped(words: str, kind: str, wide: float) -> list[str]:
    """A title in no more than two lines; none for a title that is said elsewhere."""
    return wrap(words, max(int(wide / _LETTER[kind]), 8), max_lines=2, placeholder=" …")


def _panel(canvas: Canvas, panel: Panel, left: float, top: float, shape: _Shape) -> None:
    for i, line in enumerate(_wrapped(panel.title, canvas.kind, shape.width)):
        canvas.text(left, top + 13 + _LINE * i, line, "panel-title")
    y = top + _LINE * shape.lines
    canvas.text(left, y + 13, panel.said, "tick")
    high, low = y + _LINE + 8, top + shape.height
    right = left + shape.width - 4

    def points(series: Sequence[float | None]) -> list[list[tuple[float, float]]]:
        runs: list[list[tuple[float, float]]] = [[]]
        for i, value in enumerate(series):
            if value is None:
                runs.append([])
                continue
            x = left + 2 + (right - left - 4) * (i / max(len(series) - 1, 1))
            runs[-1].append((x, low - (low - high) * min(value / (panel.top or 1), 1)))
        return [run for run in runs if run]

    canvas.line(left, low, right, low, "base")
    for run in points(panel.behind):
        canvas.path(run, "line city")
    ends = points(panel.values)
    for run in ends:
        canvas.path(run, "line accent")
    if ends:
        canvas.dot(*ends[-1][-1], 3, "dot accent")
    if panel.scale:
        canvas.text(left, low + 16, panel.scale, "tick")
    canvas.rect(
        left, top, shape.width, shape.height, "hit", f"{panel.title}: {panel.said}" if panel.title else panel.said
    )


def stacked(parts: Sequence[tuple[str, float, str]], name: str, title: str, description: str) -> str:
    """One bar of (words, share, css class); the words stand in the list beneath it, and in a file's legend."""

    def draw(canvas: Canvas) -> None:
        x = 0.0
        for words, share, css in parts:
            if share > 0:
                canvas.rect(x, 0, share * canvas.width, canvas.height, f"share-part {css}", words)
            x += share * canvas.width

    return both(draw, (WIDTHS["wide"], 44.0), (WIDTHS["narrow"], 40.0), name, title, description)
