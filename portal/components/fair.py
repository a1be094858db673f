"""Areas or departments compared fairly: each beside what the same services lead one to expect.

Charter: answers of `queries.compare` in, a section of a page out, every number of a receipt marked with it. No ranks: rows
are in the order of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from dash import html

from portal.answers_figures import Compared, Comparison, Estimate
from portal.charts.compare import Dot, Reference, dots
from portal.charts.funnel import Lines, Unit, funnel, unseen
from portal.components.fair_table import (
    Judged,
    Subject,
    comparison_table,
    count_words,
    ratio_told,
    time_span,
    time_told,
)
from portal.components.parts import Column, Node, chart, more, rich, section
from portal.components.receipt import Figures
from portal.components.verdicts import LATE, TIMES, Kind, counted, late_words, ratio_words, said, verdict
from portal.figures.funnel import share_limits
from portal.text import _, natural, number

KEY = "fair"
CHARTED = 40
"""More rows than this are in the table only."""
_POINTS = 90
"""Points of a limit's line."""


def section_of(
    found: Comparison, subject: Subject, link: Callable[[str], str], others: Mapping[str, tuple[float, float]]
) -> Node:
    """The section; `link` gives a row's page by its key.

    `others`, for departments: what part of their due and of their timed requests the other departments make, of the same
    services; {} for areas.
    """
    judged = sorted((_judged(row, found, others) for row in found.rows), key=lambda one: natural(one.row.name))
    lead = _("Places and departments are asked for different things, and some things take longer everywhere. Here each is held "
             "against what the same services lead one to expect: its late requests beside the number that the whole city's pace would "
             "give, and how many times as long the same services take as in the rest of the city.")  # fmt: skip
    if not any(one.late.compared or one.times.compared for one in judged):
        return section(_("Compared fairly"), KEY, html.P(lead), html.P(_nothing(judged)))
    late = any(one.late.compared for one in judged)
    return section(
        _("Compared fairly"), KEY, html.P(lead),
        *([_late_chart(found, judged, subject)] if late else []),
        _times_chart(judged, subject),
        comparison_table(judged, subject, link, late),
        _reading(found, subject),
    )  # fmt: skip


def not_now(words: str, link: Node = None) -> Node:
    """The section where there is no comparison: why, and what to do."""
    return section(_("Compared fairly"), KEY, html.P([words, " ", link] if link is not None else words))


def _judged(row: Compared, found: Comparison, others: Mapping[str, tuple[float, float]]) -> Judged:
    by_others = others.get(row.key, (0.0, 0.0)) if others else (None, None)
    late, times = row.late, row.times
    longer = times.time_ratio if times.time_ratio.value else Estimate(None, None, None)  # 0: beyond what can be told
    return Judged(
        row,
        verdict(late.ratio, late.position, late.too_few, by_others[0], found.late_phi),
        # In the funnel of closings above 1 is faster; here above 1 is longer.
        verdict(longer, -times.position, times.too_few, by_others[1], found.times_phi),
    )


def _nothing(judged: Sequence[Judged]) -> str:
    if any(one.times.kind is Kind.ALONE for one in judged):
        return _("Each service belongs to one department here: no other department does the same things, so there is nobody to "
                 "compare a department with. What stands below shows each as it is.")  # fmt: skip
    return _("There are too few requests for that in what is selected.")


def _late_chart(found: Comparison, judged: Sequence[Judged], subject: Subject) -> Node:
    late_of = Figures("late", subject.selection, dimension=subject.dimension)
    shown = [one for one in judged if one.row.late.expected > 0 and one.late.kind is not Kind.ALONE]
    city = next((one.row.late.city for one in shown if one.row.late.city), None) or 0.0
    units = [
        Unit(one.row.name, one.row.late.expected, one.row.late.ratio.value or 0.0, one.late.position,
             one.late.kind is Kind.FEW, late_words(one.row.late, one.late))
        for one in shown
    ]  # fmt: skip
    title = _("Late requests, beside those expected")
    chance, wide = limit_lines(max(u.expected for u in units), city, found.late_phi)
    svg = funnel(
        units, wide, chance if found.late_phi > 1 else None, "fair-late", title,
        _("Each mark is one of the {plural}. At 1 as many requests are late as the same services lead one to expect; the lines are "
          "the limits of what chance explains, wide where little is expected.").format(plural=subject.plural.lower()),
        _("Late requests expected"), _("Late, as a multiple of expected"),
    )  # fmt: skip
    columns = [Column(subject.title), *(Column(c, "number") for c in (_("Late"), _("Expected"), _("Late ÷ expected"))),
               Column(_("What it says"))]  # fmt: skip
    cells = [
        [one.row.name, late_of.told(number(one.row.late.observed), f"{one.row.key}/observed", one.row.late.observed),
         late_of.told(count_words(one.row.late.expected), f"{one.row.key}/expected", one.row.late.expected),
         ratio_told(late_of, one), said(one.late, LATE)]
        for one in shown
    ]  # fmt: skip
    subtitle = _("{counted}. {source}").format(
        counted=counted((one.late for one in judged), LATE), source=subject.source
    )
    absent = unseen(units, wide)
    return chart("fair-late", title, subtitle, svg, columns, cells, note=[
        _("Diamonds lie beyond the 99.8% limits, ringed dots beyond the 95% ones, hollow ones are too few to compare."),
        *([" ", _("They vary more than chance explains, even for the same services, so the limits are widened until they hold the "
                  "usual spread; the dotted lines are the limits of chance alone.")] if found.late_phi > 1 else []),
        *([" ", _("{n} of those with too few lie beyond the picture; the table has them.").format(n=absent)] if absent else []),
    ])  # fmt: skip


def limit_lines(most: float, city: float, phi: float) -> tuple[Lines, Lines]:
    """The funnel's limits by chance alone, and widened by `phi`, at the city's share of late requests."""
    expected = np.linspace(np.sqrt(city), np.sqrt(most * 1.04), _POINTS) ** 2
    n = np.unique(np.maximum(np.rint(expected / city), 1.0))
    limits = share_limits(n, city)
    both = [limits, limits.widened(city, phi, 1.0) if phi > 1 else limits]
    chance, wide = (
        Lines(
            (n * city).tolist(), *((side / city).tolist() for side in (one.low95, one.high95, one.low998, one.high998))
        )
        for one in both
    )
    return chance, wide


def _times_chart(judged: Sequence[Judged], subject: Subject) -> Node:
    shown = [one for one in judged if one.times.kind is not Kind.ALONE]
    if len(shown) > CHARTED:
        most = {one.row.key for one in sorted(shown, key=lambda one: -one.row.times.n)[:CHARTED]}
        shown = [one for one in shown if one.row.key in most]
    if not any(one.times.compared for one in shown):
        return None
    title = _("How many times as long the same services take")
    data = [
        Dot(one.row.name, *(_ends(one.row.times.time_ratio) if one.times.compared else (None, None, None)), _times_short(one))
        for one in shown
    ]  # fmt: skip
    svg = dots(
        data, "ratio", "fair-times", title,
        _("A dot is how many times as long as in the rest of the city; the line through it is its 95% interval."),
        Reference(_("1: as the rest of the city"), 1.0),
    )  # fmt: skip
    columns = [Column(subject.title), Column(_("Times as long"), "number"), Column(_("95% interval"), "number"),
               Column(_("What it says"))]  # fmt: skip
    cells = [
        [one.row.name, time_told(one, subject), time_span(one, subject), said(one.times, TIMES)]
        for one in shown
    ]  # fmt: skip
    subtitle = _("{counted}. {source}").format(
        counted=counted((one.times for one in judged), TIMES), source=subject.source
    )
    note = None
    if len(shown) < len(judged) and len(shown) == CHARTED:
        note = _("The {n} with the most requests; the table has all.").format(n=CHARTED)
    return chart("fair-times", title, subtitle, svg, columns, cells, note=note)


def _reading(found: Comparison, subject: Subject) -> Node:
    words: list[Node] = [
        _("Expected is what would be late if each service were late as often here as in the whole city (indirect standardisation), and a "
          "ratio of 1.2 means a fifth more than that. Times are compared within each service, open requests counted."),
        _("The limits say how far chance alone can carry one that is no different: 19 in 20 lie within the 95% limits, 998 in 1,000 "
          "within the 99.8% ones. They are drawn for the city's share; each is held against those of its own mix."),
        _("The city's pace is that of all together: where one large part of it is very slow, the others look a little fast."),
        _("With fewer than 20 late requests expected, or 20 closings, nothing is said: chance would say it."),
    ]  # fmt: skip
    late, speed = (Figures(kind, subject.selection, dimension=subject.dimension) for kind in ("late", "speed"))
    for name, phi, of in ((_("late requests"), found.late_phi, late), (_("closings"), found.times_phi, speed)):
        if phi > 1:
            told = _(
                "In {figure} the {plural} vary {phi} times as much as chance (variance), and the limits are widened by that."
            )
            marked = of.told(f"{phi:.1f}", f"{found.rows[0].key}/phi", phi)
            words.append(rich(told, figure=name, plural=subject.plural.lower(), phi=marked))
    return more(_("How to read this"), *(html.P(text) for text in words))


def _times_short(one: Judged) -> str:
    value = one.row.times.time_ratio.value
    if one.times.compared and value is not None:
        return _("{n} times").format(n=ratio_words(value))
    return said(one.times, TIMES)


def _ends(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high
