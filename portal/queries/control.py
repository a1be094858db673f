"""Control charts of the selected requests by month, and what was open at the end of each month by its age."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from portal.answers_standards import AgesRow, Control, ControlMonth, DueMonth, Shift
from portal.figures.control_chart import control_chart
from portal.figures.kaplan_meier import Z95
from portal.queries.estimates import finite
from portal.queries.month_numbers import first_day, month_number
from portal.queries.months import covered_until, monthly
from portal.queries.scans import MONTH, ON_TIME, counts, kept, months_of
from portal.release import Release
from portal.selection import Selection
from portal.text import FEW

Floats = NDArray[np.float64]

BASELINE: Final = 24
"""Two of each calendar month, so that the season is not taken for a shift."""
YOUNG: Final = 0.02
"""A month of whose requests with a standard more are not yet due: those that are closed make it look better than it is."""
LEAST_ERROR: Final = 0.005
"""Times are of bins 1% wide, so that no month is known better than this."""
AGES_MONTHS: Final = (1, 3, 6, 12)
"""Where one group of ages ends and the next begins: months from that of the request to that at whose end it was open."""


@kept
def median_control(release: Release, selection: Selection) -> Control | None:
    """The control chart of the monthly median; None where the months are too few to tell a shift from the season.

    Each month's sampling error is read off its band, on the logarithmic scale.
    """
    rows = [row for row in monthly(release, selection) if row.complete]
    told = [row if row.n >= FEW and row.median.hours else None for row in rows]
    values = np.array([np.nan if row is None else row.median.hours for row in told], float)
    low = np.array([np.nan if row is None else row.median.low for row in told], float)
    high = np.array([np.nan if row is None or row.median.high is None else row.median.high for row in told], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A band whose end is not reached is taken to reach as far as its other one.
        errors = np.where(np.isnan(high), 2 * np.log(values / low), np.log(high / low)) / (2 * Z95)
    errors = np.where(np.isfinite(errors), np.maximum(errors, LEAST_ERROR), np.nan)
    return _chart([row.month for row in rows], values, errors, [row.n for row in rows], logarithmic=True)


@kept
def late_control(release: Release, selection: Selection) -> Control | None:
    """The control chart of the monthly share late, of requests that came due; None likewise.

    Young months, of which many are not yet due, have no value. Errors are binomial, at the share of the first months.
    """
    rows = [row for row in due_months(release, selection) if _over(release, row.month)]
    due = np.array([row.due for row in rows], float)
    known = np.array([row.due >= FEW and not row.young for row in rows], bool)
    late = np.array([row.late for row in rows], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(known, late / due, np.nan)
    base = known & (np.arange(len(rows)) < BASELINE)
    if not base.any():
        return None
    # Half a request more, so that a share of none has an error too.
    p = (late[base].sum() + 0.5) / (due[base].sum() + 1)
    errors = np.where(known, np.sqrt(p * (1 - p) / np.maximum(due, 1)), np.nan)
    return _chart([row.month for row in rows], values, errors, [row.due for row in rows], logarithmic=False)


def _chart(months: list[date], values: Floats, errors: Floats, n: list[int], logarithmic: bool) -> Control | None:
    if len(months) <= BASELINE:
        return None
    try:
        chart = control_chart(values, errors, baseline=BASELINE, logarithmic=logarithmic)
    except ValueError:  # too many of the first months have no value
        return None

    def line(values: Floats) -> list[float | None]:
        return [finite(value) for value in values]

    least, most = (0.0, np.inf) if logarithmic else (0.0, 1.0)
    columns = (
        line(values),
        line(chart.centre),
        line(np.clip(chart.low, least, most)),
        line(np.clip(chart.high, least, most)),
    )
    rows = tuple(ControlMonth(*row) for row in zip(months, *columns, chart.marks, n, strict=True))
    shifts = tuple(Shift(months[at], size) for at, size in zip(chart.shifts, chart.sizes, strict=True))
    runs = tuple(tuple(months[at] for at in run) for run in chart.runs)
    return Control(rows, shifts, BASELINE, runs)


@kept
def due_months(release: Release, selection: Selection) -> list[DueMonth]:
    """Requests with a standard by month of request, from the first month that has one to the last."""
    c = counts(release, selection, MONTH)
    on_time, late, pending = (
        dict(zip(c.keys, c.by_key(c.on_time == ON_TIME.index(name)).tolist(), strict=True))
        for name in ("on_time", "late", "pending")
    )
    months = [month for month in c.keys if on_time[month] + late[month] + pending[month]]
    if not months:
        return []
    span = range(min(months), max(months) + 1)
    return [due_month(m, on_time.get(m, 0), late.get(m, 0), pending.get(m, 0)) for m in span]


def due_month(month: int, on_time: int, late: int, pending: int) -> DueMonth:
    """A month's row; `month` counts from 1970-01."""
    young = pending > YOUNG * (on_time + late + pending)
    return DueMonth(first_day(month), on_time, late, pending, young)


@kept
def open_ages(release: Release, selection: Selection) -> list[AgesRow]:
    """What was open at the end of each whole month, by age in months: one scan over months of request and of closing.

    As in `backlog`, a request that is not open, but of which nobody can say when it was closed, is in no month.
    """
    asked, closed, still, n = months_of(release, selection)
    left = np.where(still, np.iinfo(np.int64).max, closed)
    stays = left > asked
    asked, left, n = asked[stays], left[stays], n[stays]
    if not asked.size:
        return []
    first = int(asked.min())
    last = month_number(covered_until(release))
    if selection.to_date:
        last = min(last, month_number(selection.to_date))
    last = last if _over(release, first_day(last)) else last - 1
    if last < first:
        return []
    size = last - first + 1
    edges = (0, *AGES_MONTHS, None)
    ages = np.zeros((size, len(AGES_MONTHS) + 1), np.int64)
    for group, (start, end) in enumerate(pairwise(edges)):
        # Open at the end of month m and asked for in k, with start <= m - k < end: from one month on, and up to another.
        begin = asked + (start or 0)
        stop = np.minimum(left, np.iinfo(np.int64).max if end is None else asked + end)
        real = (stop > begin) & (begin <= last)
        steps = np.bincount(begin[real] - first, n[real], size + 1)[: size + 1]
        steps = steps - np.bincount(np.minimum(stop[real], last + 1) - first, n[real], size + 1)[: size + 1]
        ages[:, group] = np.cumsum(steps)[:size]
    return [
        AgesRow(first_day(first + i), int(row.sum()), tuple(int(n) for n in row)) for i, row in enumerate(ages)
    ]  # fmt: skip


def _over(release: Release, month: date) -> bool:
    """Whether the data were taken after the month's end."""
    return month_number(month) < month_number(release.as_of.astimezone(release.city.zone).date())
