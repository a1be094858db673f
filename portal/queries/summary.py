"""Totals and the response time of the selected requests."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from portal.answers import Quantile, ResponseTime, Share, Totals
from portal.figures.kaplan_meier import closed_only_median, quantiles
from portal.figures.rates import wilson
from portal.queries.scans import (
    ON_TIME,
    OUTCOMES,
    STATUSES,
    any_binned,
    any_counts,
    bin_edges,
    bin_minutes,
    kept,
    minutes,
    wide_bins,
)
from portal.release import Release
from portal.selection import EVERYTHING, Selection

SHARES = (50, 75, 90)
_SHARES = [share / 100 for share in SHARES]
SPARED_BINS = 3


@kept
def totals(release: Release, selection: Selection = EVERYTHING) -> Totals:
    """Counts of the selected requests."""
    c = any_counts(release, selection)
    closed = c.total(c.status == STATUSES.index("closed"))
    still_open = c.total(c.status == STATUSES.index("open"))
    outcomes = {name: c.total(c.outcome == i) for i, name in enumerate(OUTCOMES)}
    standard = {name: c.total(c.on_time == i) for i, name in enumerate(ON_TIME)}
    requests, located = c.total(), c.total(c.located)
    return Totals(
        requests=requests,
        open=still_open,
        closed=closed,
        unmapped=requests - still_open - closed,
        outcomes=outcomes,
        on_time=standard["on_time"],
        late=standard["late"],
        pending=standard["pending"],
        no_standard=standard["no_standard"],
        located=located,
        not_located=requests - located,
        excluded_from_response=c.total(c.excluded),
        on_time_share=share(standard["on_time"], standard["on_time"] + standard["late"]),
        done_share=share(outcomes["done"], closed),
    )


@kept
def response(release: Release, selection: Selection = EVERYTHING, exact: bool = True) -> ResponseTime:
    """Response time quantiles with 95% bands, exact to the minute.

    Not `exact`: of the 1% wide bins, like the groups and months that it then stands beside, right within 0.5%,
    and without a scan of its own. For the exact ones the bins tell how far the minutes must be known: from the
    longest band's end on, a request only counts as still at risk.
    """
    b = any_binned(release, selection)
    events, censored = b.events.sum(axis=0), b.censored.sum(axis=0)
    total, waiting = int(events.sum()), int(censored.sum())
    below = _bound(release, events, censored) if exact and total else 0
    if below == 0:  # where nothing was closed the minutes say no more than the bins
        times = bin_minutes(release)
        found = quantiles(times, events, censored, _SHARES, wide_bins(release))
        closed_only = closed_only_median(times, events)
    else:
        found, closed_only = _exact(release, selection, below, total, waiting)
    return ResponseTime(
        n=total + waiting,
        events=total,
        censored=waiting,
        quantiles={q: quantile(row) for q, row in zip(SHARES, found, strict=True)},
        closed_only_median_hours=hours(closed_only),
    )


def _bound(release: Release, events: Any, censored: Any) -> int | None:
    """The minute below which all quantiles lie that are reached, a few bins spared; None if the bins cannot tell.

    Within a bin those that are closed may come before those that are only watched so long, or after them: the exact
    curve lies between the two. What is reached in one of them only is not decided by bins.
    """
    bins = np.arange(len(events))
    latest = quantiles(bins, events, censored, _SHARES)
    # Those that are only watched so long leave a bin earlier, before the others of their bin are closed.
    earlier = np.append(censored[1:], 0)
    earlier[0] += censored[0]
    soonest = quantiles(bins, events, earlier, _SHARES)
    if (np.isnan(latest) != np.isnan(soonest)).any():
        return None
    ends = np.append(latest, soonest)
    last = max(float(np.nanmax(ends, initial=0)), float(closed_only_median(bins, events))) + SPARED_BINS
    edges = bin_edges(release)
    return int(edges[min(int(last), len(edges) - 1), 1])


def _exact(release: Release, selection: Selection, below: int | None, events: int, censored: int) -> tuple[Any, Any]:
    """Quantiles and the closed-only median in minutes, of so many events and censored in all."""
    m = minutes(release, selection, below)
    rest = events + censored - int(m.events.sum() + m.censored.sum())
    # What took longer than the bound only counts as at risk until then.
    end = below if below is not None else int(m.minutes.max(initial=0)) + 1
    found = quantiles(np.append(m.minutes, end), np.append(m.events, 0), np.append(m.censored, rest), _SHARES)
    return found, closed_only_median(m.minutes, m.events, events)


def share(k: int, n: int) -> Share:
    """`k` of `n` with its interval."""
    interval = wilson(k, n)
    return Share(k, n, k / n if n else None, *(interval or (None, None)))


def quantile(minutes_low_high: Sequence[float]) -> Quantile:
    """Estimate, lower and upper end in minutes (NaN: not reached) as hours."""
    return Quantile(*(hours(value) for value in minutes_low_high))


def hours(value_minutes: Any) -> float | None:
    """Minutes as hours; None for NaN."""
    return None if np.isnan(value_minutes) else float(value_minutes) / 60


@kept
def period(release: Release, selection: Selection = EVERYTHING) -> tuple[date | None, date | None]:
    """The days of the first and of the last selected request; None where there is none."""
    where, params = release.where(selection)
    sql = f"SELECT min(requested_date), max(requested_date) FROM requests WHERE {where}"
    first, last = release.query(sql, params)[0]
    return first, last
