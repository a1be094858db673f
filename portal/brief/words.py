"""Words of the page for paper: markup to runs of words, filters and ages in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.answers_figures import Report
from portal.brief.sheet import Run
from portal.components.filters import label_of
from portal.components.labels import DIMENSIONS
from portal.selection import COLUMNS
from portal.text import _, date_words

if TYPE_CHECKING:
    from portal.release import Release


def runs(node: Any, bold: bool = False) -> list[Run]:
    """What a page's markup says, with what it says in bold.

    >>> from dash import html
    >>> runs(html.P(["Half within ", html.Strong(html.Data("3 days", value="72")), "."]))
    [('Half within ', False), ('3 days', True), ('.', False)]
    """
    if node is None:
        return []
    if isinstance(node, (list, tuple)):
        return [run for part in node for run in runs(part, bold)]
    if hasattr(node, "to_plotly_json"):
        return runs(getattr(node, "children", None), bold or type(node).__name__ == "Strong")
    return [(str(node), bold)]


def text(node: Any) -> str:
    """The same without bold."""
    return "".join(words for words, _bold in runs(node))


def period_words(report: Report) -> str:
    """The sentence under the name."""
    return _("From {start} to {end}, beside the whole city, and beside the same months of the year before.").format(
        start=date_words(report.here.from_date) if report.here.from_date else _("the first request"),
        end=date_words(report.here.to_date) if report.here.to_date else _("today"),
    )


def filter_words(release: Release, report: Report) -> str:
    """'Service: Graffiti · Status: Open', without the dates and the place itself; empty where nothing was chosen."""
    chosen = report.base
    found = [
        f"{_(DIMENSIONS[key])}: {label_of(release, key, value)}" for key in COLUMNS for value in getattr(chosen, key)
    ]
    found += [f"{release.layer(layer).title}: {label_of(release, layer, code)}" for layer, code in chosen.area]
    return " · ".join(found)


def age_words(low: int, high: int | None) -> str:
    """'30 to 90 days'."""
    if low == 0:
        return _("less than {n} days").format(n=high)
    return _("{n} days or more").format(n=low) if high is None else _("{low} to {high} days").format(low=low, high=high)
