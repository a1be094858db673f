"""Two report cards side by side: another area or department in the next column, or the list of those to choose from.

Charter: two reports in, one table out; the last lines compare like with like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers_figures import Report
from portal.components import told
from portal.components.links import address
from portal.components.parts import Column, section, table
from portal.components.sentences import Handles, alike
from portal.components.verdicts import ratio_words
from portal.pages.place_figures import told_time
from portal.selection import NOT_STATED
from portal.text import _, number, share

if TYPE_CHECKING:
    from portal.release import Release


def beside_section(release: Release, report: Report, name: str, beside: str, path: str) -> Any:
    """Another area of the layer in the next column, or the list of those that can be chosen."""
    names = release.allowed(report.dimension)
    others = [key for key in names if key not in (report.key, NOT_STATED)]
    if not others:
        return None
    links = html.Ul(
        [
            html.Li(
                html.A(
                    names[code],
                    href=address(path, report.base, beside=code) + "#beside",
                    **({"aria-current": "true"} if code == beside else {}),
                )
            )
            for code in others
        ],
        className="chips",
    )
    choose = html.Details(
        [html.Summary(_("Choose another one to set beside {name}").format(name=name)), links],
        className="more",
        open=False,
    )
    if not beside or beside == report.key:
        return section(_("Two side by side"), "beside", choose)
    other = queries.report(release, report.base, report.dimension, beside)
    columns = [
        Column(_("Figure")),
        Column(name, "number"),
        Column(names[beside], "number"),
        Column(_("Whole city"), "number"),
    ]
    rows = [[what, *cells] for what, cells in _columns(report, other)]
    return section(
        _("Two side by side"), "beside",
        table(_("{name} and {other}").format(name=name, other=names[beside]), columns, rows, "two"),
        choose,
        lead=_("The last two lines compare like with like: they allow for what each one is asked for.") if alike(report) else "",
    )  # fmt: skip


def _columns(one: Report, other: Report) -> list[tuple[str, list[Any]]]:
    mine, theirs = Handles.of(one), Handles.of(other)

    def counted(item: str) -> list[Any]:
        sides = ((mine.here, one.totals), (theirs.here, other.totals), (mine.city, one.city))
        return [handle.told(number(getattr(t, item)), item, getattr(t, item)) for handle, t in sides]

    def timed(quantile: int, name: str) -> list[Any]:
        sides = ((mine.times, one.response), (theirs.times, other.response), (mine.city_times, one.city_response))
        return [told_time(handle, response, quantile, name) for handle, response in sides]

    def ratio(report: Report, handles: Handles) -> Any:
        found = report.compared.times if report.compared else None
        if found is None or found.too_few or found.time_ratio.value is None:
            return "–"
        words = _("{n} times").format(n=ratio_words(found.time_ratio.value))
        return handles.ratio.told(words, "time_ratio", found.time_ratio.value)

    def late(report: Report, handles: Handles) -> Any:
        found = report.compared.late if report.compared else None
        if found is None or found.too_few or found.adjusted.value is None:
            return "–"
        return handles.late.told(share(found.adjusted.value), f"{report.key}/adjusted", found.adjusted.value)

    city_late = one.compared.late.city if one.compared else None
    rows = [
        (_("Requests"), counted("requests")),
        (_("Still open"), counted("open")),
        (_("Half closed within"), timed(50, "median")),
        (_("9 in 10 within"), timed(90, "p90")),
        (_("Work done, of those closed"), [told.on_time(handle, "", totals.done_share, "done_share") for handle, totals in
          ((mine.here, one.totals), (theirs.here, other.totals), (mine.city, one.city))]),
        (_("Late, of those due, for the city's mix of services"),
         [late(one, mine), late(other, theirs),
          "–" if city_late is None else mine.late.told(share(city_late), f"{one.key}/city", city_late)]),
        (_("The same services take, beside the rest of the city"), [ratio(one, mine), ratio(other, theirs), "–"]),
    ]  # fmt: skip
    return rows if alike(one) else rows[:-2]
