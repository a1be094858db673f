"""What requests say of one another, in words: reports and things, repeats, closings worth a look; reporting rates.

Charter: answers in, parts of a page out. Counts and questions, never accusations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from portal.answers_record import Linked, Reporting
from portal.charts import compare
from portal.components.parts import Column, aside, chart, rich, section
from portal.components.receipt import Figures
from portal.selection import Selection
from portal.text import FEW, N_, _, listed, number

Node = Any

UNLIKE = 0.08
"""Where things are watched for more or less than this part of the city's days, the page says so."""

FLAGS = {
    "fast": N_("{n} were closed implausibly fast for their service."),
    "bulk": N_("{n} were closed at the same instant as many others."),
    "boilerplate": N_("{n} carry a closing text that nearly all closings of the service share."),
}


def linked_section(found: Linked | None, selection: Selection) -> Node:
    """Reports beside things, repeats, reopened requests, flags; nothing where the release does not say."""
    if found is None or not found.looked_at:
        return None
    told = Figures("linked", selection)

    def marked(value: int, item: str) -> Node:
        return html.Strong(told.told(number(value), item, value))

    things = rich(
        _("{reports} of these requests have a place that is known well enough to tell whether two report the same thing. They "
          "report {things} things."),
        reports=marked(found.looked_at, "looked_at"), things=marked(found.incidents, "incidents"),
    )  # fmt: skip
    again = rich(
        _("{n} ask again for something that had been closed near by within the last days."),
        n=marked(found.repeats, "repeats"),
    )
    items = [html.Li(again)]
    if found.reopened:
        items.append(html.Li(rich(_("{n} were closed and are open again."), n=marked(found.reopened, "reopened"))))
    items += [html.Li(rich(_(FLAGS[flag]), n=marked(n, flag))) for flag, n in found.flags.items() if n]
    return section(
        _("Reports and things"), "things",
        html.P(things),
        html.Ul(items),
        html.P(told.link(of=_("Reports and things")), className="detail"),
        lead=_("Several people may report one pothole. Each count is a question to ask, not an accusation."),
    )  # fmt: skip


def reporting_section(rows: Sequence[Reporting], selection: Selection, layer: str, what: str, source: str) -> Node:
    """How readily areas report what is known already, beside the city; nothing where there is nothing to tell."""
    if sum(row.further for row in rows) < FEW:
        return None
    told = Figures("reporting", selection, layer=layer)
    title = _("How readily people report what is known already")
    dots = [
        compare.Dot(
            row.name, row.ratio.value if row.further >= FEW else None, row.ratio.low if row.further >= FEW else None,
            row.ratio.high, _ratio(row), row.per_thing.value if row.further >= FEW else None,
        )
        for row in rows
    ]  # fmt: skip
    svg = compare.dots(
        dots, "ratio", "reporting", title,
        _("A dot is the rate of further reports by the day beside the city's for the same services; the line is its 95% interval. An "
          "upright mark is the same for each thing."),
        compare.Reference(_("City"), 1.0),
    )  # fmt: skip
    columns = [
        Column(what), Column(_("Further reports"), "number"), Column(_("Days watched"), "number"),
        Column(_("Expected at the city's rates"), "number"), Column(_("Times the city's rate"), "number"),
        Column(_("95% band"), "number"), Column(_("For each thing, times the city's"), "number"),
        Column(_("Watched, times as long"), "number"),
    ]  # fmt: skip
    cells = [
        [
            row.name,
            told.told(number(row.further), f"{row.key}/further", row.further),
            told.told(number(row.days), f"{row.key}/days", row.days),
            told.told(number(row.expected), f"{row.key}/expected", row.expected),
            told.told(_ratio(row), f"{row.key}/ratio", row.ratio.value) if row.further >= FEW else _ratio(row),
            "–"
            if row.ratio.low is None or row.ratio.high is None
            else told.band(
                f"{row.ratio.low:.2f} – {row.ratio.high:.2f}", f"{row.key}/ratio", row.ratio.low, row.ratio.high
            ),
            "–"
            if row.further < FEW or row.per_thing.value is None
            else told.told(f"{row.per_thing.value:.2f}", f"{row.key}/per_thing", row.per_thing.value),
            told.told(f"{row.lasting:.2f}", f"{row.key}/lasting", row.lasting),
        ]
        for row in rows
    ]
    subtitle = _("Reports of a thing after the first one, for seven days or until it is closed, beside the city's rates of the same "
                 "services: by the day (dot, with its 95% interval) and for each thing (upright mark). {source}")  # fmt: skip
    return section(
        _("Few requests need not mean little need"), "reporting",
        chart("reporting", title, subtitle.format(source=source), svg, columns, cells),
        html.P(told.link(of=title), className="detail"),
        _unlike(rows),
        aside(
            _("What this can tell."),
            html.P(_("Where the same things are reported over and over, people report readily; where they are not, part of what is "
                     "wrong may never be reported. This takes reports as independent of one another and duplicates as found "
                     "equally well everywhere; it tells nothing of things that nobody reported at all.")),
            html.P(_("It also takes things to last equally long everywhere. Where they last longer and most reports come early, "
                     "the rate by the day is too low; where reports keep coming while a thing lasts, the one for each thing is too "
                     "high. The truth lies between the two; where things are watched as long as elsewhere, they agree.")),
        ),
    )  # fmt: skip


def _unlike(rows: Sequence[Reporting]) -> Node:
    """Which areas' things last longer or shorter than the same services' elsewhere; nothing where none do."""
    parts = []
    for words, apart in (
        (_("Things last longer in {areas}: there the rate by the day may be too low, and the one for each thing (upright "
           "mark) too high."),
         [row for row in rows if row.lasting > 1 + UNLIKE]),
        (_("Things last less long in {areas}: there the rate by the day may be too high, and the one for each thing (upright "
           "mark) too low."),
         [row for row in rows if row.lasting < 1 - UNLIKE]),
    ):  # fmt: skip
        told = [row.name for row in apart if row.further >= FEW]
        if told:
            parts.append(html.P(words.format(areas=listed(told))))
    return html.Div(parts, className="detail") if parts else None


def _ratio(row: Reporting) -> str:
    if row.further < FEW or row.ratio.value is None:
        return _("too few to say")
    return f"{row.ratio.value:.2f}"
