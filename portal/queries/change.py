"""Change: a period beside the same months a year earlier, a quarter beside the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.answers_figures import Changed, Shifted, YearAgo
from portal.figures.change import Change, quantile_change, rate_change, share_change
from portal.figures.poisson import exact_share
from portal.queries.estimates import estimate
from portal.queries.month_numbers import days_in, first_day, month_number
from portal.queries.periods import YEAR_MONTHS, compared_months, last_months
from portal.queries.scans import MONTH, ON_TIME, bin_minutes, binned, counted, counts, kept, wide_bins
from portal.queries.summary import period
from portal.release import Release
from portal.selection import NOT_STATED, Selection

QUARTER_MONTHS: Final = 3
SURE: Final = 0.998
"""Many groups are looked at: one is told to have changed only where chance would do it in 2 of 1,000."""
FEWEST: Final = 20
"""A group with fewer requests in both quarters together is not told to have changed."""


@kept
def year_ago(release: Release, selection: Selection) -> YearAgo | None:
    """The whole months of a selection's dates beside the same months of the year before, month by month.

    None where the selection has no dates, holds no whole month, is longer than a year, or the record does not
    reach back to the year before.
    """
    months = compared_months(release, selection)
    if not months:
        return None
    # Whole months of the very scans that the series by month is made of.
    both = selection.replace(from_date=None, to_date=None)
    now, before = np.array(months), np.array(months) - YEAR_MONTHS
    c, b = counts(release, both, MONTH), binned(release, both, MONTH)
    days = [np.array([days_in(month) for month in side], float) for side in (now, before)]
    requests, late, on_time = (
        c.by_key(), c.by_key(c.on_time == ON_TIME.index("late")), c.by_key(c.on_time == ON_TIME.index("on_time")),
    )  # fmt: skip

    def picked(values: NDArray[Any], keys: list[Any], side: NDArray[Any]) -> NDArray[Any]:
        place = {key: i for i, key in enumerate(keys)}
        rows = [values[place[month]] if month in place else np.zeros(values.shape[1:], values.dtype) for month in side]
        return np.array(rows)

    rates = [(picked(requests, c.keys, side), of) for side, of in zip((now, before), days, strict=True)]
    shares = [(picked(late, c.keys, side), picked(late + on_time, c.keys, side)) for side in (now, before)]
    times = [(picked(b.events, b.keys, side), picked(b.censored, b.keys, side)) for side in (now, before)]
    medians = quantile_change(bin_minutes(release), times[0], times[1], [0.5], wide_bins(release))
    return YearAgo(
        requests=_changed(rate_change(rates[0], rates[1]), months),
        late=_changed(share_change(shares[0], shares[1]), months),
        median=_changed(medians, months, at=(0,), unit=60.0),
    )


@kept
def shifted(release: Release, selection: Selection, dimension: str) -> list[Shifted]:
    """Groups whose number of requests changed from the last whole quarter's before to it, by more than chance.

    Quarters are the last three whole months of the selection (or of the record) and the three before them. The ratio's
    interval is exact, given the sum of both (Przyborowski & Wilenski 1940).
    """
    start, end = last_months(release, QUARTER_MONTHS, selection.to_date)
    ago, before_end = last_months(release, QUARTER_MONTHS, start - timedelta(days=1))
    if (first := period(release)[0]) is None or ago < first:
        return []
    key = counted(release, dimension)
    then = (
        first_day(month_number(start) - YEAR_MONTHS),
        first_day(month_number(end) + 1 - YEAR_MONTHS) - timedelta(days=1),
    )
    spans = [(start, end), (ago, before_end), *([then] if then[0] >= first else [])]
    by_month = _by_month(release, selection.replace(from_date=min(a for a, _ in spans), to_date=end), key)
    now, before, *same = (_within(by_month, month_number(a), month_number(b)) for a, b in spans)
    labels, rows = release.allowed(dimension), []
    length = (end - start).days + 1, (before_end - ago).days + 1
    for value in [*now, *(key for key in before if key not in now)]:
        one, other = now.get(value, 0), before.get(value, 0)
        if one + other < FEWEST:
            continue
        interval = exact_share(one, one + other, SURE)
        ends = [_odds(float(p)) * length[1] / length[0] for p in (interval.estimate, interval.low, interval.high)]
        if ends[1] > 1 or ends[2] < 1:
            name = NOT_STATED if value is None else str(value)
            rows.append(
                Shifted(
                    name, labels.get(name, name), one, other, same[0].get(value, 0) if same else None, estimate(ends)
                )
            )
    return sorted(rows, key=lambda row: -abs(row.now - row.before))


def _by_month(release: Release, selection: Selection, key: str) -> list[tuple[str | None, int, int]]:
    """Requests by key and month."""
    found = release.chosen(selection).tally(key, MONTH)
    labels, months = release.counting.labels(key), release.counting.labels(MONTH)
    return [
        (labels[code], months[month], n)
        for code, month, n in zip(*(codes.tolist() for codes in found.codes), found.n.tolist(), strict=True)
    ]


def _within(rows: list[tuple[str | None, int, int]], first: int, last: int) -> dict[str | None, int]:
    """Requests by key, of months from first to last."""
    found: dict[str | None, int] = {}
    for key, month, n in rows:
        if first <= month <= last:
            found[key] = found.get(key, 0) + n
    return found


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else np.inf


def _changed(change: Change, months: list[int], at: tuple[int, ...] = (), unit: float = 1.0) -> Changed:
    used = change.months[at] if at else change.months
    compared = tuple(first_day(month) for month, was in zip(months, used.tolist(), strict=True) if was)
    return Changed(
        estimate(change.now[at] / unit), estimate(change.before[at] / unit), estimate(change.difference[at] / unit),
        estimate(change.ratio[at]), len(compared), compared,
    )  # fmt: skip
