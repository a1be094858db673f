"""Departments: who does the work, beside one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

from portal import queries
from portal.components.absent import footing
from portal.components.filters import count_words, filter_form
from portal.components.links import part
from portal.components.page import Page
from portal.components.parts import page_head, rich
from portal.components.period import period
from portal.components.receipt import Figures
from portal.pages.areas import by_name, compared, comparison
from portal.pages.trends import nothing
from portal.selection import NOT_STATED, Selection
from portal.text import _, number

if TYPE_CHECKING:
    from portal.release import Release


def layout(release: Release, selection: Selection, fair: str = "") -> Page:
    """All departments: how much they are asked for and how long it takes."""
    rows = queries.by(release, selection, "department")
    stated = by_name([row for row in rows if row.key != NOT_STATED])
    totals = queries.totals(release, selection)
    body = [
        page_head(
            _("Departments"),
            html.P(
                _("Who is asked to do the work, and how long it takes. Each does different work."), className="lead"
            ),
            period(release, selection),
        ),
        filter_form(release, selection, "/departments", totals.requests),
        footing(release, selection),
    ]
    if totals.requests:
        what = _("Department")
        body.append(compared(release, selection, "department", what, _("Departments"), "/departments", fair == "1"))
        body += comparison(release, selection, "department", stated, what, lambda row: f"/departments/{part(row.key)}")
        unstated = totals.requests - sum(row.requests for row in stated)
        if unstated:
            of = Figures("by", selection, dimension="department")
            n = of.told(number(unstated), f"{NOT_STATED}/requests", unstated)
            body.append(html.P(rich(_("For {n} requests the record names no department."), n=n), className="detail"))
    else:
        body.append(nothing(selection, "/departments"))
    return Page(
        title=_("Departments"),
        description=_("Service requests in {city} by department.").format(city=release.city.name),
        body=body,
        announce=count_words(totals.requests),
        section="/departments",
    )
