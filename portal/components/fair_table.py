"""The table of a fair comparison: raw beside expected, the two parts of the gap, times as long, and what that says.

Charter: every number of a receipt is marked with it. Rows come in the order that they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dash import html

from portal.answers_figures import Compared, Estimate
from portal.components import told
from portal.components.parts import Column, Node, rich, table
from portal.components.receipt import Figures
from portal.components.verdicts import LATE, TIMES, Kind, Verdict, ratio_words, said
from portal.selection import Selection
from portal.text import FEW, _, number, share


@dataclass(frozen=True)
class Subject:
    """What is compared: its dimension, its title in the singular and plural, the selection, and where the data is from."""

    dimension: str
    title: str
    plural: str
    selection: Selection
    source: str


@dataclass(frozen=True)
class Judged:
    """One row and what may be said of it."""

    row: Compared
    late: Verdict
    times: Verdict


def comparison_table(judged: Sequence[Judged], subject: Subject, link: Callable[[str], str], late: bool) -> Node:
    """All rows; `late`: whether there are standards to be late by. `link` gives a row's page by its key."""
    late_of = Figures("late", subject.selection, dimension=subject.dimension)
    columns = [Column(subject.title)]
    if late:
        columns += [Column(_("Late"), "number"), Column(_("Expected late"), "number"),
                    Column(_("Late ÷ expected"), "number"), Column(_("Gap to the city, in points"), "number")]  # fmt: skip
    columns += [Column(_("Times as long"), "number"), Column(_("What it says"))]
    cells = [
        [html.A(one.row.name, href=link(one.row.key)), *(_late_cells(one, late_of) if late else []),
         _two(_time_linked(one, subject), time_span(one, subject)), _says(one, late)]
        for one in judged
    ]  # fmt: skip
    city = next(((one.row.key, one.row.late.city) for one in judged if one.row.late.city is not None), None)
    about: list[Node] = []
    if late and city is not None:
        words = _("In the whole city {city} of the requests whose standard came due were late. The gap to that has two parts: what comes "
                  "from the mix of services, and the rest, which remains when services are compared with the same services.")  # fmt: skip
        marked = late_of.told(share(city[1]), f"{city[0]}/city", city[1])
        about = [html.P(rich(words, city=html.Strong(marked)), className="detail")]
    ways: list[Node] = [_("Each number of times as long leads to how it was made.")]
    if late:
        ways = [late_of.link(_("How late and expected were made")), ". ", *ways]
    return html.Div(
        [html.H3(_("As it is, and as expected"), id="fair-all"), *about,
         table(_("In the order of their names, with 95% intervals"), columns, cells, "fair-rows"),
         html.P(ways, className="detail")],
        className="fair",
    )  # fmt: skip


def _late_cells(one: Judged, late_of: Figures) -> list[Node]:
    late, key = one.row.late, one.row.key
    if late.raw.value is None:
        return [_("no standard due"), "–", "–", "–"]
    observed = late_of.told(number(late.observed), f"{key}/observed", late.observed)
    of = rich(_("{part} of {whole}"), part=observed, whole=late_of.told(number(late.n), f"{key}/n", late.n))
    expected = late_of.told(count_words(late.expected), f"{key}/expected", late.expected)
    if late.n < FEW:
        raw, due = _two(of, ""), _two(expected, "")
    else:
        raw = _two(late_of.told(share(late.raw.value), f"{key}/raw", late.raw.value), of)
        due = _two(
            late_of.told(share(late.expected / late.n), f"{key}/expected_share", late.expected / late.n), expected
        )
    if not one.late.compared:
        return [raw, due, "–", "–"]
    ratio = _two(ratio_told(late_of, one), told.ends(late_of, key, "ratio", late.ratio, span(late.ratio, one.late)))
    parts = [
        html.Span(rich(words, points=late_of.told(_points(part), f"{key}/{item}", part)))
        for words, item, part in ((_("its mix {points}"), "mix", late.mix), (_("the rest {points}"), "rest", late.rest))
    ]
    return [raw, due, ratio, html.Span(parts, className="lines")]


def _says(one: Judged, late: bool) -> Node:
    """Both verdicts, or the one that matters where nothing is compared."""
    if late and (one.late.compared or one.times.compared):
        return html.Span([html.Span(said(one.late, LATE)), html.Span(said(one.times, TIMES))], className="lines")
    return said(one.late if late and one.late.kind is Kind.ALONE else one.times, TIMES)


def _time_linked(one: Judged, subject: Subject) -> Node:
    factor = time_told(one, subject)
    if isinstance(factor, str):
        return factor
    hidden = html.Span(f": {_('How this was made')}, {one.row.name}", className="visually-hidden")
    of = Figures("time-ratio", subject.selection, dimension=subject.dimension, key=one.row.key)
    return html.A([factor, hidden], href=of.href, className="receipt")


def _points(part: float | None) -> str:
    return "–" if part is None else f"{round(100 * part, 1) + 0.0:+.1f}".replace("-", "−")


def _two(first: Node, second: Node) -> Node:
    """A figure with a smaller line under it."""
    return html.Span([html.Span(first), *([html.Span(second, className="small")] if second else [])], className="lines")


def time_told(one: Judged, subject: Subject) -> Node:
    """How many times as long, marked; '–' where nothing may be said."""
    value = one.row.times.time_ratio.value
    if not one.times.compared or value is None:
        return "–"
    of = Figures("time-ratio", subject.selection, dimension=subject.dimension, key=one.row.key)
    return of.told(ratio_words(value), "time_ratio", value)


def time_span(one: Judged, subject: Subject) -> Node:
    """The interval of how many times as long, marked."""
    of = Figures("time-ratio", subject.selection, dimension=subject.dimension, key=one.row.key)
    ratio = one.row.times.time_ratio
    return told.ends(of, "", "time_ratio", ratio, span(ratio, one.times))


def ratio_told(late_of: Figures, one: Judged) -> Node:
    """Late over expected, marked; '–' where nothing may be said."""
    value = one.row.late.ratio.value
    if not one.late.compared or value is None:
        return "–"
    return late_of.told(ratio_words(value), f"{one.row.key}/ratio", value)


def span(estimate: Estimate, found: Verdict) -> str:
    """'1.08 to 1.13', or nothing where nothing may be said."""
    if not found.compared or estimate.low is None:
        return ""
    if estimate.high is None:
        return _("at least {low}").format(low=ratio_words(estimate.low))
    return _("{low} to {high}").format(low=ratio_words(estimate.low), high=ratio_words(estimate.high))


def count_words(value: float) -> str:
    """An expected count, with a decimal where it is small."""
    return number(value) if value >= 10 else f"{value:.1f}"
