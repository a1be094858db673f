"""Series by month: what came in, what was closed, what was open at the end, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from portal.answers import MonthRow, SeriesRow, VolumeRow
from portal.errors import BadRequest
from portal.figures.kaplan_meier import quantiles
from portal.queries.month_numbers import first_day, month_number
from portal.queries.scans import (
    MONTH,
    ON_TIME,
    bin_minutes,
    binned,
    by_month,
    coarse_minutes,
    coarse_series,
    counted,
    kept,
    wide_bins,
)
from portal.queries.summary import period, quantile, share
from portal.release import Release
from portal.selection import EVERYTHING, NOT_STATED, Selection

MAX_KEYS = 12


def covered_until(release: Release) -> date:
    """The last local day that the record covers: that of the last request, if it was made before `as_of`.

    An extract may hold a year's requests as they stood months later; those later months have no requests to show.
    """
    before_end = (release.as_of - timedelta(microseconds=1)).astimezone(release.city.zone).date()
    newest = period(release)[1]
    return min(before_end, newest) if newest else before_end


@kept
def volumes(release: Release, selection: Selection = EVERYTHING) -> list[VolumeRow]:
    """What came in, was closed and was on time: one row a month, from that of the first selected request to the
    last that the record covers (or to `to`)."""
    c, flow = by_month(release, selection)
    if not c.keys:
        return []
    end = release.as_of.astimezone(release.city.zone)
    first, newest = min(c.keys), max(c.keys)
    last = max(month_number(covered_until(release)), newest)
    if selection.to_date:
        last = max(min(last, month_number(selection.to_date)), newest)
    size = last - first + 1

    def filled(rows: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.int64]:
        found = np.zeros(size, np.int64)
        found[np.array(c.keys) - first] = c.by_key(rows)
        return found

    requested = filled()
    on_time, late = (filled(c.on_time == ON_TIME.index(name)) for name in ("on_time", "late"))
    closed, untold = (np.array([n.get(first + i, 0) for i in range(size)]) for n in (flow.closed, flow.untold))
    before = sum(n for month, n in flow.closed.items() if month < first)
    still_open = np.cumsum(requested - untold - closed) - before
    return [
        VolumeRow(
            month=first_day(first + i),
            requested=int(requested[i]),
            closed=int(closed[i]),
            open_at_end=int(still_open[i]),
            on_time=share(int(on_time[i]), int(on_time[i] + late[i])),
            complete=first + i < month_number(end.date()),
        )
        for i in range(size)
    ]


@kept
def monthly(release: Release, selection: Selection = EVERYTHING) -> list[MonthRow]:
    """The volumes and how long it took, by month of request.

    Quantiles are of 1% wide bins (each minute its own up to two hours): right within 0.5%.
    """
    rows = volumes(release, selection)
    if not rows:
        return []
    b = binned(release, selection, MONTH)
    found = quantiles(bin_minutes(release), b.events, b.censored, [0.5, 0.9], wide_bins(release))
    timed = {first_day(int(month)): index for index, month in enumerate(b.keys)}
    events, censored = b.events.sum(axis=1), b.censored.sum(axis=1)
    none = np.full((2, 3), np.nan)
    result = []
    for row in rows:
        at = timed.get(row.month)
        figures = none if at is None else found[at]
        seen, waiting = (0, 0) if at is None else (int(events[at]), int(censored[at]))
        result.append(
            MonthRow(
                **{field.name: getattr(row, field.name) for field in fields(row)},
                n=seen + waiting,
                events=seen,
                median=quantile(figures[0]),
                p90=quantile(figures[1]),
            )
        )
    return result


@kept
def monthly_by(
    release: Release, selection: Selection, dimension: str, keys: Sequence[str]
) -> dict[str, list[SeriesRow]]:
    """A series for each of a dimension's keys, at most 12; months without requests of a key are left out.

    One scan over coarse bins (six of the 1% wide ones): quantiles are right within 3%.
    """
    if len(keys) > MAX_KEYS:
        raise BadRequest(f"At most {MAX_KEYS} series can be asked for at once; {len(keys)} were.")
    values = {None if key == NOT_STATED else key for key in keys}
    found = coarse_series(release, selection, counted(release, dimension), values)
    rows = {value: index for index, value in enumerate(found.keys)}
    every_bin = np.ones(len(coarse_minutes(release)), dtype=bool)
    series: dict[str, list[SeriesRow]] = {key: [] for key in keys}
    for key in keys:
        at = rows.get(None if key == NOT_STATED else key)
        if at is None:
            continue
        events, censored, requested = found.events[at], found.censored[at], found.requested[at]
        figures = quantiles(coarse_minutes(release), events, censored, [0.5, 0.9], every_bin)
        seen, waiting = events.sum(axis=1), censored.sum(axis=1)
        series[key] = [
            SeriesRow(
                month=first_day(found.first_month + int(i)),
                requested=int(requested[i]),
                n=int(seen[i] + waiting[i]),
                events=int(seen[i]),
                median=quantile(figures[i, 0]),
                p90=quantile(figures[i, 1]),
            )
            for i in np.flatnonzero(requested)
        ]
    return series
