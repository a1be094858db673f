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
from portal.queries.scans import ON_TIME, OUTCOMES, STATUSES, bin_edges, binned, counts, kept, minutes
from portal.release import Release
from portal.selection import Selection

EVERYTHING = Selection()
SHARES = (50, 75, 90)


@kept
def totals(release: Release, selection: Selection = EVERYTHING) -> Totals:
    """Counts of the selected requests."""
    c = counts(release, selection)
    by_status = _sums(c.status, c.n, len(STATUSES))
    by_outcome = dict(zip(OUTCOMES, _sums(c.outcome, c.n, len(OUTCOMES)), strict=True))
    standard = dict(zip(ON_TIME, _sums(c.on_time, c.n, len(ON_TIME)), strict=True))
    requests, closed, located = int(c.n.sum()), by_status[1], int(c.n[c.located].sum())
    first, last = _dates(release, selection)
    return Totals(
        requests=requests,
        open=by_status[0],
        closed=closed,
        outcomes=by_outcome,
        on_time=standard["on_time"],
        late=standard["late"],
        pending=standard["pending"],
        no_standard=standard["no_standard"],
        located=located,
        not_located=requests - located,
        excluded_from_response=int(binned(release, selection, "month").excluded.sum()),
        first_requested=first,
        last_requested=last,
        on_time_share=share(standard["on_time"], standard["on_time"] + standard["late"]),
        done_share=share(by_outcome["done"], closed),
    )


@kept
def response(release: Release, selection: Selection = EVERYTHING) -> ResponseTime:
    """Response time quantiles with 95% bands, exact to the minute.

    The 1% wide bins tell how far the minutes must be known: from the longest band's end on, a request
    only counts as still at risk.
    """
    b = binned(release, selection, "month")
    events, censored = b.events.sum(axis=0), b.censored.sum(axis=0)
    rough = quantiles(np.arange(len(events)), events, censored, [q / 100 for q in SHARES])
    total, waiting = int(events.sum()), int(censored.sum())
    found, closed_only = _exact(release, selection, _bound(release, rough), total, waiting)
    if np.isnan(found[~np.isnan(rough)]).any():
        found, closed_only = _exact(release, selection, None, total, waiting)
    return ResponseTime(
        n=total + waiting,
        events=total,
        censored=waiting,
        quantiles={q: quantile(row) for q, row in zip(SHARES, found, strict=True)},
        closed_only_median_hours=hours(closed_only),
    )


def _bound(release: Release, rough_bins: Any) -> int | None:
    """The minute below which all quantiles lie, a few bins spared; None if one is not reached."""
    if np.isnan(rough_bins).any():
        return None
    edges = bin_edges(release)
    last = min(int(rough_bins.max()) + 3, len(edges) - 1)
    return int(edges[last, 1])


def _exact(release: Release, selection: Selection, below: int | None, events: int, censored: int) -> tuple[Any, Any]:
    """Quantiles and the closed-only median in minutes, of so many events and censored in all."""
    m = minutes(release, selection, below)
    rest = events + censored - int(m.events.sum() + m.censored.sum())
    # What took longer than the bound only counts as at risk until then.
    end = below if below is not None else int(m.minutes.max(initial=0)) + 1
    found = quantiles(
        np.append(m.minutes, end), np.append(m.events, 0), np.append(m.censored, rest), [q / 100 for q in SHARES]
    )
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


def _sums(position: Any, n: Any, size: int) -> list[int]:
    known = position >= 0
    return [int(v) for v in np.bincount(position[known], n[known], minlength=size)]


def _dates(release: Release, selection: Selection) -> tuple[date | None, date | None]:
    where, params = release.where(selection)
    first, last = release.query(f"SELECT min(requested_date), max(requested_date) FROM requests WHERE {where}", params)[
        0
    ]
    return first, last
