"""Trends as charts: control charts of the median and of what is late, and what was open by its age.

Charter: one function a chart, from answers to a chart with its table and its words. No queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from dash import html

from portal.answers_standards import AgesRow, Control, ControlMonth, DueMonth
from portal.charts import control as drawn
from portal.charts.events import Event
from portal.components.change_words import late_note, time_note
from portal.components.figure_words import too_few
from portal.components.happened import with_events
from portal.components.parts import Column, chart, more
from portal.components.receipt import Figures
from portal.figures.control_chart import BEYOND, SHIFT
from portal.queries.control import AGES_MONTHS
from portal.text import FEW, _, duration_words, month_name, number, span_words

Node = Any


def too_short() -> Node:
    """What stands where the months are too few."""
    return html.P(
        _("To tell a shift from the season takes more than two years of months with enough requests; there are fewer."),
        className="detail",
    )


def how_to_read() -> Node:
    """What a control chart is, one click away."""
    return more(
        _("How to read this"),
        html.P(_("Each month stands beside the same months of the first two years. The grey range is where nearly all "
                 "months would lie if nothing had changed: 997 in 1,000.")),
        html.P(_("A ringed month is outside it. A shift is eight months in a row on one side of what is usual whose mean is "
                 "outside too; from its first month on the range moves to the new level. In a record in which nothing "
                 "changes, a month is ringed falsely about once in 320, and a shift begins falsely about once in 2,500.")),
        html.P(_("A shift may come from what is asked for as well as from the work: choose one service to see one kind of "
                 "work. Months of which many requests are not yet due are left out of what was late.")),
    )  # fmt: skip


def median_chart(
    control: Control,
    source: str,
    receipt: Figures,
    usual: Figures,
    key: str = "control-median",
    happened: Sequence[Event] = (),
) -> Node:
    """The monthly median before what is usual for the month."""
    said = [_time_said(row) for row in control.rows]
    notes = [drawn.Note(s.month, time_note(s.size, month_name(s.month))) for s in control.shifts]
    title = _("Half closed within, beside what is usual for the month")
    svg = drawn.control(
        _points(control, said), notes, "hours", key, title,
        _("Months outside the grey range are unusual; a dotted line marks the month from which a new level holds."), happened,
    )  # fmt: skip
    columns = [Column(_("Month")), Column(_("Half closed within"), "number"), Column(_("Usual"), "number"),
               Column(_("It is")), Column(_("Requests"), "number")]  # fmt: skip
    cells = [
        [
            month_name(row.month),
            _unknown(row) if row.value is None
            else receipt.told(duration_words(row.value), f"{row.month:%Y-%m}/median_hours", row.value),
            "–" if row.low is None
            else usual.band(span_words(row.low, row.high), f"{row.month:%Y-%m}/usual", row.low, row.high),
            _judged(row),
            usual.told(number(row.n), f"{row.month:%Y-%m}/n", row.n),
        ]
        for row in reversed(control.rows)
    ]  # fmt: skip
    subtitle = _(
        "By month of request; open requests count. Grey: where {n} in 1,000 months like the first {months} lie. {source}"
    )
    columns, cells = with_events(columns, cells, [row.month for row in reversed(control.rows)], happened)
    return chart(key, title, subtitle.format(n=997, months=control.baseline, source=source), svg, columns, cells)


def late_chart(
    control: Control, due: Sequence[DueMonth], source: str, receipt: Figures, usual: Figures, key: str = "control-late",
    happened: Sequence[Event] = (),
) -> Node:  # fmt: skip
    """The monthly share late before what is usual for the month."""
    at = {row.month: row for row in due}
    said = [_late_said(row) for row in control.rows]
    notes = [drawn.Note(s.month, late_note(s.size, month_name(s.month))) for s in control.shifts]
    title = _("Late, beside what is usual for the month")
    svg = drawn.control(
        _points(control, said), notes, "share", key, title,
        _("Months outside the grey range are unusual; a dotted line marks the month from which a new level holds."), happened,
    )  # fmt: skip
    columns = [Column(_("Month")), Column(_("Late"), "number"), Column(_("Usual"), "number"), Column(_("It is")),
               Column(_("Due"), "number"), Column(_("Not yet due"), "number")]  # fmt: skip
    cells = []
    for row in reversed(control.rows):
        month = f"{row.month:%Y-%m}"
        told = at.get(row.month)
        words = _share(row.value) if row.value is not None else ""
        cells.append(
            [
                month_name(row.month),
                _unknown(row) if row.value is None else receipt.told(words, f"{month}/late_share", row.value),
                "–" if row.low is None or row.high is None
                    else usual.band(
                    _("{low} to {high}").format(low=_share(row.low), high=_share(row.high)), f"{month}/usual", row.low, row.high
                ),
                _judged(row),
                receipt.told(number(told.due), f"{month}/due", told.due) if told and told.due else number(row.n),
                receipt.told(number(told.pending), f"{month}/pending", told.pending) if told else "–",
            ]
        )  # fmt: skip
    subtitle = _(
        "Share of the requests that came due, by month of request. Grey: where {n} in 1,000 months like the first {months} lie. {source}"
    )
    columns, cells = with_events(columns, cells, [row.month for row in reversed(control.rows)], happened)
    return chart(key, title, subtitle.format(n=997, months=control.baseline, source=source), svg, columns, cells)


def ages_chart(
    rows: Sequence[AgesRow], begins: date, source: str, receipt: Figures, key: str = "open-ages",
    happened: Sequence[Event] = (),
) -> Node:  # fmt: skip
    """What was open at the end of each month, by age; `begins` is the first month of the selected requests."""
    title, groups = _("Open at the end of each month, by age"), _age_groups()
    svg = drawn.aged(
        [(row.month, row.ages) for row in rows], groups, key, title,
        _("Columns show what was open at the end of a month; the darker a part, the longer it had been waiting."), happened,
    )  # fmt: skip
    columns = [Column(_("End of")), Column(_("Open"), "number"), *(Column(words, "number") for words in groups)]
    names = [f"from_{start}_months" for start in (0, *AGES_MONTHS)]
    cells = [
        [
            month_name(row.month),
            receipt.told(number(row.open), f"{row.month:%Y-%m}/open", row.open),
            *(receipt.told(number(n), f"{row.month:%Y-%m}/{name}", n) for n, name in zip(row.ages, names, strict=True)),
        ]
        for row in reversed(rows)
    ]
    subtitle = _(
        "Number of requests. Age is in months, from the month of the request to the one at whose end it was open. {source}"
    )
    note = _(
        "The record begins in {month}: what was open from before is not in it, and so the first columns are too low."
    )
    columns, cells = with_events(columns, cells, [row.month for row in reversed(rows)], happened)
    return chart(
        key, title, subtitle.format(source=source), svg, columns, cells, note=note.format(month=month_name(begins))
    )


def _age_groups() -> list[str]:
    edges = (0, *AGES_MONTHS, None)
    words = []
    for start, end in pairwise(edges):
        if start == 0:
            words.append(_("of the same month"))
        elif end is None:
            words.append(_("{n} months or more").format(n=start))
        else:
            words.append(_("{low} to {high} months").format(low=start, high=(end or 0) - 1))
    return words


def _points(control: Control, said: Sequence[str]) -> list[drawn.Point]:
    return [
        drawn.Point(row.month, row.value, row.centre, row.low, row.high, row.mark == BEYOND, words)
        for row, words in zip(control.rows, said, strict=True)
    ]


def _judged(row: ControlMonth) -> str:
    if row.mark == BEYOND:
        return _("unusual")
    return _("of a new level") if row.mark == SHIFT else "" if row.value is None else _("usual")


def _unknown(row: ControlMonth) -> str:
    return too_few() if row.n < FEW else _("not yet known")


def _share(value: float) -> str:
    return f"{value * 100:.1f}%".replace(".0%", "%")


def _time_said(row: ControlMonth) -> str:
    if row.value is None:
        return _("{month}: {words}").format(month=month_name(row.month), words=_unknown(row))
    if row.low is None:
        return _("{month}: {time}").format(month=month_name(row.month), time=duration_words(row.value))
    return _("{month}: {value}; usual are {range}").format(
        month=month_name(row.month), value=duration_words(row.value), range=span_words(row.low, row.high)
    )


def _late_said(row: ControlMonth) -> str:
    if row.value is None:
        return _("{month}: {words}").format(month=month_name(row.month), words=_unknown(row))
    if row.low is None or row.high is None:
        return _("{month}: {time}").format(month=month_name(row.month), time=_share(row.value))
    usual = _("{low} to {high}").format(low=_share(row.low), high=_share(row.high))
    return _("{month}: {value}; usual are {range}").format(
        month=month_name(row.month), value=_share(row.value), range=usual
    )
