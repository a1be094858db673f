"""The register of standards in words, as a table and as small charts.

Charter: from answers to markup; no queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from portal.answers_standards import DueMonth, Register, Standard
from portal.charts import multiples as drawn
from portal.charts.multiples import Panel
from portal.components.change_words import MANY, signed_points, sure
from portal.components.links import address
from portal.components.parts import Column, chart, more, rich, table
from portal.components.receipt import Figures
from portal.selection import Selection
from portal.text import FEW, _, duration_words, month_name, number, share, span_words

Node = Any

MULTIPLES = 12
SHOWN = 40
FLATTERS = 0.1
"""Of a service of which a larger part is not yet due, it is said that those which are closed already flatter."""
SAME = 1.1
"""Due times that differ by less are one standard."""


def register_table(register: Register, selection: Selection) -> Node:
    """Each service with its standard, how often it was kept, and what is past due; those of few requests folded away."""
    now, targets = Figures("standards", register.period), Figures("targets", Selection())
    then, change = (
        Figures("standards", register.before or register.period),
        Figures("standards-change", register.period),
    )
    columns = [
        Column(_("Service")), Column(_("Standard")), Column(_("Came due"), "number"), Column(_("On time"), "number"),
        Column(_("95% interval"), "number"),
    ]  # fmt: skip
    if register.before:
        columns += [Column(_("Year before"), "number"), Column(_("Change, points"), "number")]
    columns += [Column(_("Open past due"), "number"), Column(_("Typically late by"), "number")]
    cells = [_row(row, register, selection, (now, targets, then, change)) for row in register.rows]
    links = [now.link(_("Receipt of this table")), " · ", targets.link(_("Receipt of the standards' times"))]
    if register.before:
        links += [" · ", change.link(_("Receipt of the change"))]
    first = table(_("Services with a standard, those with most requests due first"), columns, cells[:SHOWN], "register")
    rest = cells[SHOWN:]
    words = _("{n} more services with a standard").format(n=len(rest))
    return html.Div(
        [
            first,
            more(words, table(words, columns, rest, "register-rest", hidden_caption=True)) if rest else None,
            html.P(links, className="detail receipts"),
        ]
    )


def _row(row: Standard, register: Register, selection: Selection, receipts: tuple[Figures, ...]) -> list[Node]:
    now, targets, then, change = receipts
    link = html.A(row.name, href=address("/trends", selection.replace(service=(row.service,))))
    cell: list[Node] = [link, html.Span([*_target(row, targets), *_partly(row, now)])]
    if not row.requests:
        return [*cell, "0", *["–"] * (6 if register.before else 4)]
    cell += [html.Span([now.told(number(row.on_time.n), f"{row.service}/due", row.on_time.n), *_pending(row, now)])]
    if row.on_time.n < FEW or row.on_time.share is None:
        cell += [_("too few to say"), "–"]
    else:
        cell += [
            now.told(share(row.on_time.share), f"{row.service}/on_time_share", row.on_time.share),
            _interval(row, now),
        ]
    if register.before:
        cell += [_before(row, then), _change(row, change)]
    return [*cell, now.told(number(row.open_late), f"{row.service}/open_late", row.open_late), _lateness(row, now)]


def _target(row: Standard, targets: Figures) -> list[Node]:
    """'3 days', and where the due times differ between which most lie."""
    target = row.target
    if target is None:
        return ["–"]
    told = targets.told(duration_words(target.hours), f"{row.service}/hours", target.hours)
    if target.high <= target.low * SAME:
        return [told]
    return [
        told,
        html.Br(),
        html.Span(
            targets.band(span_words(target.low, target.high), f"{row.service}/target", target.low, target.high),
            className="detail",
        ),
    ]


def without_list(register: Register) -> Node:
    """Services that have no standard, with how often they were asked for."""
    handle = Figures("standards", register.period)
    items = [
        html.Li([name, " ", html.Span(handle.told(number(n), f"{key}/requests", n), className="detail")])
        for key, name, n in register.without
    ]
    return html.Ul(items, className="columns-list")


def multiples(register: Register, source: str) -> Node:
    """The share on time by month of the services with most requests due, one small chart each, on one scale."""
    rows = [row for row in register.rows if row.on_time.n >= FEW][:MULTIPLES]
    months = [m.month for m in register.total.months]
    shown = months[len(months) - _months_of(register) :]
    before = [month.replace(year=month.year - 1) for month in shown] if register.before else []
    panels, series = [], []
    receipts = [Figures("due-months", register.period.replace(service=(row.service,))) for row in rows]
    for row in rows:
        at = {m.month: m for m in row.months}
        series.append(at)
        behind = [_share(at.get(month)) for month in before]
        said = share(row.on_time.share or 0.0)
        panels.append(
            Panel(row.name, _("{share} on time").format(share=said), [_share(at.get(m)) for m in shown], behind, 1.0)
        )
    columns = [Column(_("Month")), *(Column(row.name, "number") for row in rows)]
    cells = [
        [
            month_name(month),
            *(
                "–" if (s := _share(at.get(month))) is None else of.told(share(s), f"{month:%Y-%m}/on_time_share", s)
                for at, of in zip(series, receipts, strict=True)
            ),
        ]
        for month in reversed(shown)
    ]
    title, words = _("On time, month by month"), multiples_words(register)
    svg = drawn.multiples(panels, "kept-months", title, words)
    return chart("kept-months", title, f"{words} {source}", svg, columns, cells)


def multiples_words(register: Register) -> str:
    """What the small charts show."""
    months = [m.month for m in register.total.months][-_months_of(register) :]
    words = _("Share on time by month of request, from {first} to {last}; the scale is from none to all.")
    grey = " " + _("In grey the same months of the year before.") if register.before else ""
    young = " " + _("Months of which many requests are not yet due are left out.")
    return words.format(first=month_name(months[0]), last=month_name(months[-1])) + grey + young


def _months_of(register: Register) -> int:
    """How many of the register's months are of the period itself."""
    first = register.period.from_date
    if first is None:
        return len(register.total.months)
    return max(sum(m.month >= first.replace(day=1) for m in register.total.months), 1)


def _share(month: DueMonth | None) -> float | None:
    if month is None or month.young or month.due < FEW:
        return None
    return month.on_time / month.due


def _partly(row: Standard, now: Figures) -> list[Node]:
    """That some of a service's requests have no standard."""
    share_without = row.no_standard / row.requests if row.requests else 0.0
    if share_without < 0.05:
        return []
    part = now.told(
        share(share_without), f"{row.service}/no_standard", share_without, over=now.at(f"{row.service}/requests")
    )
    return [html.Br(), html.Span(rich(_("{share} of its requests have none"), share=part), className="detail")]


def _pending(row: Standard, now: Figures) -> list[Node]:
    """That so many are not yet due that the share of the others flatters."""
    if row.pending <= FLATTERS * (row.on_time.n + row.pending):
        return []
    told = now.told(number(row.pending), f"{row.service}/pending", row.pending)
    return [html.Br(), html.Span(rich(_("{n} not yet due"), n=told), className="detail")]


def _interval(row: Standard, now: Figures) -> Node:
    low, high = row.on_time.low, row.on_time.high
    if low is None or high is None:
        return "–"
    words = _("{low} to {high}").format(low=share(low), high=share(high))
    return now.band(words, f"{row.service}/on_time_share", low, high)


def _before(row: Standard, then: Figures) -> Node:
    if row.before is None or row.before.share is None or row.before.n < FEW:
        return "–"
    return then.told(share(row.before.share), f"{row.service}/on_time_share", row.before.share)


def _change(row: Standard, receipt: Figures) -> Node:
    """'+2.1' with its interval; in bold where it is surely no chance."""
    if row.change is None or row.before is None or min(row.on_time.n, row.before.n) < FEW:
        return "–"
    value, ends = signed_points(row.change)
    if value == "–":
        return value
    told = receipt.told(value, f"{row.service}/difference", row.change.difference.value)
    ends = receipt.band(ends, f"{row.service}/difference", row.change.difference.low, row.change.difference.high)
    figure = html.Strong(told) if sure(row.change, MANY) else told
    return html.Span([figure, " ", html.Span(["(", ends, ")"], className="detail")])


def _lateness(row: Standard, now: Figures) -> Node:
    if row.late < FEW:
        return "–"
    return now.told(duration_words(row.lateness.hours), f"{row.service}/lateness_hours", row.lateness.hours)


def changes(rows: Sequence[Standard]) -> tuple[list[Standard], list[Standard]]:
    """Services that surely got better, and those that surely got worse, the largest change first."""
    told = [row for row in rows if row.change and row.before and min(row.on_time.n, row.before.n) >= FEW]
    size = {row.service: abs(row.change.difference.value or 0.0) for row in told if row.change}
    found = sorted((row for row in told if sure(row.change, MANY)), key=lambda row: -size[row.service])
    return [row for row in found if sure(row.change) > 0], [row for row in found if sure(row.change) < 0]
