"""What the map's areas are coloured by: each figure's value, what it rests on, and how it is said.

Charter: rows of `queries.by` in, values by area and their classes out; the words of a figure are the map page's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from portal import queries
from portal.answers import GroupRow, Share
from portal.charts.map_classes import Classes, classes
from portal.map_view import MapView
from portal.release import Release
from portal.text import FEW, duration_words, number


@dataclass(frozen=True)
class Figure:
    """`of` a row is the value, `n` the requests it stands on (None: it is exact); `slow` the end to wait at."""

    of: Callable[[GroupRow], float | None]
    n: Callable[[GroupRow], int] | None
    say: Callable[[float], str]
    slow: Literal["", "low", "high"] = ""
    quantile: int = 0
    k: Callable[[GroupRow], int] | None = None


def _percent(value: float) -> str:
    return f"{value * 100:.0f}%"


def _rounded(value: float) -> str:
    return f"{value:.1f}" if value < 10 else number(value)


def _of_share(part: Callable[[GroupRow], Share]) -> Figure:
    return Figure(
        lambda row: part(row).share, lambda row: part(row).n, _percent, "low", k=lambda row: part(row).k
    )  # fmt: skip


FIGURES: Final = {
    "count": Figure(lambda row: row.requests, None, number),
    "rate": Figure(lambda row: row.requests, lambda row: row.requests, _rounded),
    "median": Figure(lambda row: row.median.hours, lambda row: row.n, duration_words, "high", 50),
    "p90": Figure(lambda row: row.p90.hours, lambda row: row.n, duration_words, "high", 90),
    "open": Figure(
        lambda row: row.open / row.requests if row.requests else None, lambda row: row.requests, _percent, "high",
        k=lambda row: row.open,
    ),
    "on_time": _of_share(lambda row: row.on_time),
    "done": _of_share(lambda row: row.done),
}  # fmt: skip


@dataclass(frozen=True)
class Values:
    """The values by area that can be told, their classes and their words."""

    of: dict[str, float]
    classes: Classes
    say: Callable[[float], str]


def values_of(release: Release, view: MapView) -> Values | None:
    """What the view's areas are coloured by; None where it colours none."""
    figure = FIGURES.get(view.figure)
    if figure is None or not view.layer:
        return None
    rows = queries.by(release, view.selection, view.layer)
    people = {area.area: area.population for area in queries.areas(release, view.layer)}
    found: dict[str, float] = {}
    for row in rows:
        value = figure.of(row)
        if view.figure == "rate":
            residents = people.get(row.key)
            value = 1000 * row.requests / residents if residents else None
        if value is not None and (figure.n is None or figure.n(row) >= FEW):
            found[row.key] = float(value)
    drawn = [value for key, value in found.items() if key in people]
    sorting = classes(drawn, figure.say, _together(release, view, figure, rows), figure.slow, figure.quantile > 0)
    return Values(found, sorting, figure.say)


def _together(release: Release, view: MapView, figure: Figure, rows: list[GroupRow]) -> float | None:
    """The value of all the selected requests; each is told of in one row."""
    if figure.quantile:
        return queries.response(release, view.selection).quantiles[figure.quantile].hours
    if figure.k is None or figure.n is None:
        return None
    n = sum(map(figure.n, rows))
    return sum(map(figure.k, rows)) / n if n else None
