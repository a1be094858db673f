"""The tables of a report card: service by service, what changed, what is open, who does the work.

Charter: a report in, parts of its page out, in the order of names or of how much; no ranks.
"""

from __future__ import annotations

from typing import Any

from dash import html

from portal.answers_figures import Report
from portal.components import told
from portal.components.links import address, part
from portal.components.parts import Bar, Column, rich, section, table
from portal.components.receipt import Figures
from portal.components.sentences import Handles, day_words, request_address
from portal.components.verdicts import ratio_words
from portal.selection import NOT_STATED
from portal.text import _, date_words, natural, number

SHIFTED_SHOWN = 8


def services_table(report: Report, name: str, here: Figures, city: Figures) -> Any:
    """What is asked for most, with the times of the same services here and in the whole city."""
    most = max((row.requests for row in report.services), default=1)
    columns = [
        Column(_("Service")), Column(_("Requests here"), "bar"),
        Column(_("Half closed within, here"), "number"), Column(_("95% band"), "number"),
        Column(_("In the whole city"), "number"), Column(_("On time, here"), "number"),
        Column(_("On time, city"), "number"),
    ]  # fmt: skip
    cells = []
    for row in report.services:
        whole = report.city_services.get(row.key, row)
        cells.append(
            [
                row.name,
                Bar(told.count(here, row.key, "requests", row.requests), row.requests / most),
                told.time(here, row.key, "median", row.median, row.n),
                told.time_band(here, row.key, "median", row.median, row.n),
                told.time(city, row.key, "median", whole.median, whole.n),
                told.on_time(here, row.key, row.on_time),
                told.on_time(city, row.key, whole.on_time),
            ]
        )
    return html.Div(
        [
            table(_("What {name} asks for most").format(name=name), columns, cells, "services-beside"),
            html.P(
                here.link(_("Receipt of this table"), of=_("What {name} asks for most").format(name=name)),
                className="detail",
            ),
        ]
    )


def shifted_section(report: Report) -> Any:
    """What is asked for more, or less, than in the quarter before."""
    rows, of = (
        report.shifted[:SHIFTED_SHOWN],
        Figures("quarters", report.here.replace(from_date=None), dimension="service"),
    )
    lead = _("Services whose requests changed by more than chance from one quarter to the next. Many follow the season: "
             "the last column is the same quarter a year before.")  # fmt: skip
    if not rows:
        return section(
            _("What changed since the last quarter"), "changed",
            html.P(_("No service was asked for more or less often than chance explains.")),
        )  # fmt: skip
    columns = [
        Column(_("Service")), Column(_("Last three months"), "number"), Column(_("Three months before"), "number"),
        Column(_("Change"), "number"), Column(_("A year before"), "number"),
    ]  # fmt: skip
    cells = [
        [
            row.name,
            told.count(of, row.key, "now", row.now),
            told.count(of, row.key, "before", row.before),
            _("new")
            if row.ratio.value is None
            else of.told(_("{n} times").format(n=ratio_words(row.ratio.value)), f"{row.key}/ratio", row.ratio.value),
            "–" if row.year_ago is None else told.count(of, row.key, "year_ago", row.year_ago),
        ]
        for row in rows
    ]
    what = _("What changed since the last quarter")
    return section(what, "changed", table(what, columns, cells, "shifted", hidden_caption=True),
                   html.P(of.link(_("Receipt of this table"), of=what), className="detail"), lead=lead)  # fmt: skip


def open_section(report: Report, handles: Handles, zone: str) -> Any:
    """What was open at the end of the period by age, and the oldest of what is open now."""
    now, before = report.backlog, report.backlog_before
    most = max((n for _low, _high, n in now.ages), default=1) or 1
    columns = [
        Column(_("Had waited")), Column(date_words(now.day), "bar"), Column(date_words(before.day), "number"),
    ]  # fmt: skip
    cells = [
        [_age(low, high), Bar(told.count(handles.backlog, "", f"from_{low}_days", n), n / most),
         told.count(handles.backlog_before, "", f"from_{low}_days", then)]
        for (low, high, n), (_l, _h, then) in zip(now.ages, before.ages, strict=True)
    ]  # fmt: skip
    oldest = [
        [
            html.A(row.service_request_id, href=request_address(row)),
            row.service_name or row.service_code,
            day_words(row.requested_datetime, zone),
            row.address or "–",
        ]
        for row in report.oldest
    ]
    what = [Column(_("Request")), Column(_("Service")), Column(_("Waiting since")), Column(_("Where"))]
    return section(
        _("What is still open"), "open",
        table(_("Open at the end of a day, by age"), columns, cells, "ages"),
        html.P(handles.backlog.link(_("Receipt of this table"), of=_("Open at the end of a day, by age")), className="detail"),
        table(_("The oldest of what is open now"), what, oldest, "oldest") if oldest else None,
        lead=_backlog_words(report, handles),
    )  # fmt: skip


def _backlog_words(report: Report, handles: Handles) -> Any:
    gap = report.backlog.open - report.backlog_before.open
    if not gap:
        return _("As many as three months before.")
    words = _("{n} more than three months before.") if gap > 0 else _("{n} fewer than three months before.")
    return rich(words, n=handles.backlog.told(number(abs(gap)), "open", gap, less=handles.backlog_before.at("open")))


def _age(low: int, high: int | None) -> str:
    if low == 0:
        return _("less than {n} days").format(n=high)
    return _("{n} days or more").format(n=low) if high is None else _("{low} to {high} days").format(low=low, high=high)


def departments_section(report: Report) -> Any:
    """Who does the work, by name; nothing on the page of a department."""
    rows = [row for row in report.departments if row.key != NOT_STATED]
    if not rows:
        return None
    handle, most = Figures("by", report.here, dimension="department"), max(row.requests for row in rows)
    columns = [
        Column(_("Department")), Column(_("Requests here"), "bar"), Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("95% band"), "number"), Column(_("On time"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(row.name, href=address(f"/departments/{part(row.key)}", report.here)),
            Bar(told.count(handle, row.key, "requests", row.requests), row.requests / most),
            told.count(handle, row.key, "open", row.open),
            told.time(handle, row.key, "median", row.median, row.n),
            told.time_band(handle, row.key, "median", row.median, row.n),
            told.on_time(handle, row.key, row.on_time),
        ]
        for row in sorted(rows, key=lambda row: natural(row.name))
    ]
    what = _("By department")
    return section(
        what, "departments",
        table(_("In the order of their names"), columns, cells, "by-department"),
        html.P(handle.link(_("Receipt of this table"), of=what), className="detail"),
        lead=_("Who to ask about what."),
    )  # fmt: skip
