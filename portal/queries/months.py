"""Series by month: what came in, what was closed, what was open at the end, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from portal.answers import MonthRow
from portal.errors import NotFound
from portal.figures.kaplan_meier import quantiles
from portal.queries.scans import ON_TIME, bin_minutes, binned, closings, column, counts, kept
from portal.queries.summary import EVERYTHING, quantile, share
from portal.release import Release
from portal.selection import COLUMNS, Selection

MAX_KEYS = 12


@kept
def monthly(release: Release, selection: Selection = EVERYTHING) -> list[MonthRow]:
    """One row a month, from that of the first selected request to that of the release (or of `to`).

    Quantiles are of 1% wide bins (each minute its own up to two hours): right within 0.5%.
    """
    c = counts(release, selection)
    if not c.n.size:
        return []
    as_of = release.as_of.astimezone(release.city.zone)
    last = (as_of.year - 1970) * 12 + as_of.month - 1
    if selection.to_date:
        last = min(last, (selection.to_date.year - 1970) * 12 + selection.to_date.month - 1)
    first, last = int(c.month.min()), max(last, int(c.month.max()))
    size = last - first + 1
    requested = np.bincount(c.month - first, c.n, minlength=size).astype(int)
    standard = np.zeros((2, size), int)
    for index, name in enumerate(("on_time", "late")):
        rows = c.on_time == ON_TIME.index(name)
        standard[index] = np.bincount(c.month[rows] - first, c.n[rows], minlength=size)
    closed_in = closings(release, selection)
    closed = np.array([closed_in.get(first + i, 0) for i in range(size)])
    before = sum(n for month, n in closed_in.items() if month < first)
    still_open = np.cumsum(requested - closed) - before

    b = binned(release, selection, "month")
    found = quantiles(bin_minutes(release), b.events, b.censored, [0.5, 0.9])
    timed = {int(month): index for index, month in enumerate(b.keys)}
    events, censored = b.events.sum(axis=1), b.censored.sum(axis=1)
    rows_ = []
    for i in range(size):
        at = timed.get(first + i)
        figures = found[at] if at is not None else np.full((2, 3), np.nan)
        seen, waiting = (int(events[at]), int(censored[at])) if at is not None else (0, 0)
        year, month = divmod(first + i, 12)
        rows_.append(
            MonthRow(
                month=date(1970 + year, month + 1, 1),
                requested=int(requested[i]),
                closed=int(closed[i]),
                open_at_end=int(still_open[i]),
                n=seen + waiting,
                events=seen,
                median=quantile(figures[0]),
                p90=quantile(figures[1]),
                on_time=share(int(standard[0, i]), int(standard[0, i] + standard[1, i])),
                complete=first + i < (as_of.year - 1970) * 12 + as_of.month - 1,
            )
        )
    return rows_


def monthly_by(
    release: Release, selection: Selection, dimension: str, keys: Sequence[str]
) -> dict[str, list[MonthRow]]:
    """`monthly` for each of a dimension's keys, at most 12 of them; a key keeps the selection's other filters."""
    if len(keys) > MAX_KEYS:
        raise NotFound(f"At most {MAX_KEYS} series can be asked for at once; {len(keys)} were.")
    column(release, dimension)
    return {key: monthly(release, narrowed(selection, dimension, key)) for key in keys}


def narrowed(selection: Selection, dimension: str, key: str) -> Selection:
    """The selection with one value of one dimension."""
    if dimension in COLUMNS:
        return selection.replace(**{dimension: (key,)})
    others = tuple(pair for pair in selection.area if pair[0] != dimension)
    return selection.replace(area=(*others, (dimension, key)))
