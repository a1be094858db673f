"""The second page of a brief: compared fairly, service by service, by month, what is open, who answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal import queries
from portal.answers_figures import Report
from portal.brief import charts
from portal.brief.first import FOOT_MM, GUTTER, MARGIN, footer, stamp
from portal.brief.sheet import POINT_MM, Sheet, leading, tidy
from portal.brief.words import age_words
from portal.charts.compare import Dot
from portal.charts.monthly import Band, Columns
from portal.components import figure_words, figures
from portal.components.sentences import Handles, day_words, late_verdict
from portal.components.verdicts import ratio_words
from portal.selection import NOT_STATED
from portal.text import FEW, _, date_words, natural, number, share

if TYPE_CHECKING:
    from portal.release import Release

MONTHS_SHOWN: Final = 25
DEPARTMENTS: Final = 6
CHANGED: Final = 5
GAP: Final = 5.0
LEAST_ROWS: Final = 2
"""A table with room for fewer rows than these is left out."""


def second_page(sheet: Sheet, release: Release, report: Report, name: str, base: str, address: str) -> None:
    """Draws it: two columns, each with what fits."""
    sheet.add_page()
    width = sheet.w - 2 * MARGIN
    with sheet.artifact():
        sheet.box(0, 0, sheet.w, 3, sheet.accent)
        stamped = stamp(sheet, release, MARGIN + width, 13.5)
        sheet.line_of(MARGIN, 13.5, f"{release.city.name} · {tidy(name)}", 10, True, sheet.accent,
                      most=width - stamped - 4)  # fmt: skip
    bottom = _checks(sheet, report, base, address, sheet.h - MARGIN - FOOT_MM, width) - 4
    column = (width - GUTTER) / 2
    if report.totals.requests:
        _left(sheet, release, report, MARGIN, 18, column, bottom)
        _right(sheet, release, report, MARGIN + column + GUTTER, 18, column, bottom)
    else:
        sheet.paragraph(MARGIN, 22, width, _("There are no such requests."), 10.5)
    footer(sheet, release, address, 2)


def _left(sheet: Sheet, release: Release, report: Report, x: float, y: float, width: float, bottom: float) -> None:
    y = _services(sheet, report, x, y, width, bottom - 2 * 40)
    months = figures.begun(queries.monthly(release, report.ever)[-MONTHS_SHOWN:])
    if not months:
        return
    counts = [Columns(m.month, m.requested, m.closed, m.complete) for m in months]
    times = [
        Band(m.month, m.median.hours if m.n >= FEW else None, m.median.low, m.median.high, m.complete) for m in months
    ]
    known = any(t.hours is not None for t in times)
    each = (bottom - y - GAP) / 2 if known else min(bottom - y, 60)
    title = _("Requested and closed each month")
    top = charts.heading(sheet, x, y, width, title)
    high = min(each - (top - y), 46)
    y = charts.columns(sheet, x, top, width, high, counts, charts.months_alt(title, counts)) + GAP
    if known:
        title = _("Half were closed within")
        about = _("By the month in which they were asked for; the band holds the true value 19 times in 20.")
        top = charts.heading(sheet, x, y, width, title, about)
        charts.band(sheet, x, top, width, min(bottom - top, 46), times, charts.band_alt(title, times))


def _services(sheet: Sheet, report: Report, x: float, y: float, width: float, bottom: float) -> float:
    if not report.services:
        return y
    rows = []
    for row in report.services:
        whole, few = report.city_services.get(row.key, row), row.n < FEW
        words = figure_words.quantile_words(row.median, row.n)
        if not few and whole.n >= FEW:
            words = _("{here}; city {city}").format(here=words, city=figure_words.quantile_words(whole.median, whole.n))
        rows.append(
            Dot(
                f"{row.name} ({number(row.requests)})",
                None if few else row.median.hours, None if few else row.median.low, row.median.high, words,
                mark=whole.median.hours if whole.n >= FEW else None,
            )
        )  # fmt: skip
    title = _("Service by service")
    about = _(
        "Half closed within this time. Dot and its 95% band: here; upright mark: the whole city. In brackets: requests."
    )
    y = charts.heading(sheet, x, y, width, title, about)
    fit = max(int((bottom - y - charts.AXIS_MM - GAP) / charts.DOT_ROW_MM), 1)
    return charts.dots(sheet, x, y, width, rows[:fit], "hours", charts.dots_alt(title, rows[:fit])) + GAP


def _right(sheet: Sheet, release: Release, report: Report, x: float, y: float, width: float, bottom: float) -> None:
    y = _compared(sheet, report, x, y, width)
    y = _open(sheet, report, x, y, width)
    y = _departments(sheet, report, x, y, width, bottom)
    y = _changed(sheet, report, x, y, width, bottom)
    _oldest(sheet, release, report, x, y, width, bottom)


def _compared(sheet: Sheet, report: Report, x: float, y: float, width: float) -> float:
    """Time and lateness beside the same services in the city, on one scale about 1."""
    about = _("Beside the same services in the city: 1 is the same, 2 is twice as much. The line is the 95% band.")
    compared, rows, said = report.compared, [], []
    if compared is not None and alone(report):
        y = charts.heading(sheet, x, y, width, _("Compared fairly"))
        words = _("No other department does the same things, so its pace cannot be compared with anybody's.")
        return sheet.paragraph(x, y, width, words, charts.BODY, lines=3) + GAP
    y = charts.heading(sheet, x, y, width, _("Compared fairly"), about)
    if compared is not None and not compared.times.too_few and compared.times.time_ratio.value is not None:
        ratio = compared.times.time_ratio
        rows.append(
            Dot(_("How long they take"), ratio.value, ratio.low, ratio.high, _ratio(ratio.value, ratio.low, ratio.high))
        )
    late = compared.late if compared is not None else None
    if late is not None and not late.too_few and late.ratio.value is not None:
        ratio = late.ratio
        rows.append(
            Dot(_("How many are late"), ratio.value, ratio.low, ratio.high, _ratio(ratio.value, ratio.low, ratio.high))
        )
        said.append(
            _("{observed} late, where {expected} would be expected.").format(
                observed=number(late.observed), expected=number(late.expected)
            )
        )
        said.append(late_verdict(report))
        if late.raw.value is not None and late.adjusted.value is not None and late.city is not None:
            said.append(
                _("Of those due, {raw} were late; for the city's mix of services it would be {adjusted}. The city: {city}.").format(
                    raw=share(late.raw.value), adjusted=share(late.adjusted.value), city=share(late.city)
                )
            )  # fmt: skip
    if rows:
        y = charts.dots(sheet, x, y, width, rows, "ratio", charts.dots_alt(_("Compared fairly"), rows)) + 0.8
    words = " ".join(said) if rows else _("Too few to compare.")
    return sheet.paragraph(x, y, width, words, charts.BODY, lines=5) + GAP


def alone(report: Report) -> bool:
    """Whether a department has enough requests but nobody to be compared with: it would be measured by itself."""
    times = report.compared.times if report.compared else None
    return (
        report.dimension == "department" and times is not None and not times.too_few and times.time_ratio.value is None
    )


def _ratio(value: float | None, low: float | None, high: float | None) -> str:
    words = "–" if value is None else _("{n} times").format(n=ratio_words(value))
    if low is None or high is None:
        return words
    return _("{n} ({low} to {high})").format(n=words, low=ratio_words(low), high=ratio_words(high))


def _open(sheet: Sheet, report: Report, x: float, y: float, width: float) -> float:
    now, before = report.backlog, report.backlog_before
    title = _("What is still open")
    y = charts.heading(sheet, x, y, width, title)
    rows = [
        (age_words(low, high), n, number(n), number(then))
        for (low, high, n), (_l, _h, then) in zip(now.ages, before.ages, strict=True)
    ]
    rows.append((_("In all"), 0, number(now.open), number(before.open)))
    alt = "; ".join(f"{label}: {said}" for label, _n, said, _then in rows)
    head = (_("Had waited"), date_words(now.day), date_words(before.day))
    return charts.bars(sheet, x, y, width, head, rows, f"{title}. {alt}.") + GAP


def _departments(sheet: Sheet, report: Report, x: float, y: float, width: float, bottom: float) -> float:
    found = [row for row in report.departments if row.key != NOT_STATED]
    if not found:
        return y
    head = (_("Department"), _("Requests here"), _("Still open"), _("Half closed within"), _("On time"))
    widths = [width * part for part in (0.35, 0.15, 0.11, 0.24, 0.15)]
    most = sorted(sorted(found, key=lambda row: -row.requests)[:DEPARTMENTS], key=lambda row: natural(row.name))
    rest = len(found) - len(most)
    about = _("The {n} with most requests, of {all}.").format(n=len(most), all=len(found)) if rest else ""
    rows = [
        [row.name, number(row.requests), number(row.open), figure_words.quantile_words(row.median, row.n),
         "–" if row.on_time.n < FEW else figure_words.share_words(row.on_time)]
        for row in most
    ]  # fmt: skip
    return _table(sheet, x, y, bottom, _("By department"), about, widths, head, rows)


def _changed(sheet: Sheet, report: Report, x: float, y: float, width: float, bottom: float) -> float:
    title = _("What changed since the last quarter")
    if not report.shifted:
        if y + 14 > bottom:
            return y
        y = charts.heading(sheet, x, y, width, title)
        words = _("No service was asked for more or less often than chance explains.")
        return sheet.paragraph(x, y, width, words, charts.BODY, lines=2) + GAP
    head = (_("Service"), _("Last three months"), _("Three months before"), _("Change"), _("A year before"))
    widths = [width * part for part in (0.4, 0.14, 0.15, 0.17, 0.14)]
    rows = [
        [row.name, number(row.now), number(row.before),
         _("new") if row.ratio.value is None else _("{n} times").format(n=ratio_words(row.ratio.value)),
         "–" if row.year_ago is None else number(row.year_ago)]
        for row in report.shifted[:CHANGED]
    ]  # fmt: skip
    about = _("By more than chance; many services follow the season.")
    return _table(sheet, x, y, bottom, title, about, widths, head, rows)


def _oldest(sheet: Sheet, release: Release, report: Report, x: float, y: float, width: float, bottom: float) -> float:
    rows = [
        [row.service_name or row.service_code, row.service_request_id,
         day_words(row.requested_datetime, release.city.timezone)]
        for row in report.oldest
    ]  # fmt: skip
    head = (_("Service"), _("Request"), _("Waiting since"))
    widths = [width * part for part in (0.4, 0.27, 0.33)]
    return _table(sheet, x, y, bottom, _("The oldest of what is open now"), "", widths, head, rows, words=2)


def _table(sheet: Sheet, x: float, y: float, bottom: float, title: str, about: str, widths: list[float],
           head: tuple[str, ...], rows: list[list[str]], words: int = 1) -> float:  # fmt: skip
    """As many rows as fit; nothing where that is fewer than a table is worth."""
    width = sum(widths)
    above = 2.8 + leading(charts.HEADING) + (sheet.height(about, width, charts.SMALL) if about else 0)
    room = bottom - y - above - charts.table_height(sheet, widths, head, 0)
    fit = min(int(room / charts.TABLE_ROW_MM), len(rows))
    if fit < min(LEAST_ROWS, len(rows)) or not rows:
        return y
    y = charts.heading(sheet, x, y, width, title, about)
    return charts.table(sheet, x, y, widths, head, rows[:fit], words) + GAP


def _checks(sheet: Sheet, report: Report, base: str, address: str, bottom: float, width: float) -> float:
    """Where to check each figure: the page's address, and the receipts as links. Drawn upwards; the y above it."""
    size = charts.BODY
    words = _(
        "Every number on that page leads to its receipt: what it counts, the query that makes it, and how to run "
        "that query on the published release."
    )
    lines = sheet.height(address, width, size) + sheet.height(words, width, size)
    top = bottom - lines - leading(size) * 2 - 6
    y = charts.heading(sheet, MARGIN, top, width, _("Where to check each figure"))
    start = y
    y = sheet.paragraph(MARGIN, y, width, [(address, True)], size, sheet.accent, lines=3)
    sheet.link(MARGIN, start, width, y - start, address)
    y = sheet.paragraph(MARGIN, y, width, words, size, lines=3)
    handles = Handles.of(report)
    at = MARGIN
    for name, figure in (
        (_("Receipt of the counts"), handles.here), (_("Receipt of the times"), handles.times),
        (_("Receipt of the comparison"), handles.late), (_("Receipt of what is open"), handles.backlog),
    ):  # fmt: skip
        wide = sheet.line_of(at, y + leading(size) * 0.74, name, charts.SMALL, colour=sheet.accent)
        sheet.link(at, y, wide, size * POINT_MM * 1.2, base + figure.href)
        at += wide + 5
    return top
