"""Where rows of requests are in the order of a mapped column, however far down: labels, days, times and hours of response.

Rows are counted by what is small of the column, which tells the values that a page lies on; only rows of these are looked at
closer, and where many are equal only as many as the page takes.

Charter: rows, a column and a stretch of the order in, places of rows out; None for a column that is not mapped, or not exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from portal.asked import Bools, Test
from portal.columns import Binned, Codes, Column
from portal.mapped_known import DAY, HOURS, TIMES, Known
from portal.queries.scans import kept_scans
from portal.release import Release
from portal.selection import Selection
from portal.tally import Ints, Rows

BINS: Final = 60_000
FEW_ROWS: Final = 40_000
"""So many rows are sorted at once."""
LAST: Final = 2**62
"""The rank of what is not there: last, whatever the direction."""


@dataclass(frozen=True)
class Sorting:
    """What to sort by: a column of few codes, the rank of each, and the column that goes on where ranks are equal; None
    where equal ranks are equal values, as LAST ones always are."""

    name: str
    coarse: Column
    ranks: Ints
    fine: Column | None = None


@dataclass(frozen=True)
class Took(Column):
    """Seconds from the times of one column to those of another: `codes` are the later ones, `since` the earlier."""

    since: Codes | None = None

    def read(self, rows: slice | Any) -> Codes:
        """The seconds of rows that have both."""
        assert self.since is not None  # noqa: S101 - made below
        later, earlier = (
            codes[rows] if isinstance(rows, slice) else codes.take(rows) for codes in (self.codes, self.since)
        )
        return np.asarray(later - earlier)


def sorting(known: Known, name: str) -> Sorting | None:
    """How a published field sorts."""
    column = known.told(name)
    if column is not None:
        if name == DAY:
            return Sorting(name, column, _rising(column.size))
        labels = list(known.columns.labels(name))
        ranks = np.full(len(labels), LAST, np.int64)
        ranks[sorted(range(1, len(labels)), key=lambda code: str(labels[code]))] = np.arange(len(labels) - 1)
        return Sorting(name, column, ranks)
    if name in known.times:
        times, first = known.columns[TIMES[name]], known.first(name)
        width = max(times.size - first, 0) // BINS + 1
        bins = max(times.size - 1 - first, 0) // width + 1
        binned = Binned(times.codes, bins + 1, base=first, width=width)
        return Sorting(name, binned, np.append(np.arange(bins), LAST), times)
    if name == HOURS and known.hours is not None:
        coarse = known.columns["elapsed_code"]
        ranks = _rising(coarse.size)
        ranks[1::2] = LAST  # what was waited without an end
        closed, requested = known.columns["closed_at"], known.columns["requested_at"]
        return Sorting(name, coarse, ranks, Took(closed.codes, closed.size, since=requested.codes))
    return None


def stretch(release: Release, selection: Selection, how: Sorting, descending: bool, start: int, stop: int) -> Ints:
    """The selected rows from `start` to `stop` in that order; where values are equal they come as they lie."""
    rows = release.chosen(selection)
    stop = min(stop, rows.n)
    if start >= stop:
        return np.empty(0, np.int64)
    if rows.n <= FEW_ROWS:
        return _sorted(rows, how, descending)[start:stop]
    ranks, n = kept_scans(release, selection).get(("ranks", selection, how.name), lambda: _counted(rows, how))
    in_order = np.argsort(_turned(ranks, descending), kind="stable")
    ranks, ends = ranks[in_order], np.cumsum(n[in_order])
    begins = ends - n[in_order]
    on_page = np.flatnonzero((ends > start) & (begins < stop))
    found = []
    # Those in the middle are on the page as a whole, so they are few; the first and the last may be many.
    for part in filter(len, (on_page[:1], on_page[1:-1], on_page[1:][-1:])):
        begin, end = int(begins[part[0]]), int(ends[part[-1]])
        low, high = max(start, begin) - begin, min(stop, end) - begin
        test = Test(how.coarse, np.isin(how.ranks, ranks[part]))
        equal = part.size == 1 and (how.fine is None or ranks[part[0]] == LAST)
        places = rows.first([test], low, high) if equal else _sorted(rows.few([test]), how, descending)[low:high]
        found.append(places)
    return np.concatenate(found)


def _rising(size: int) -> Ints:
    ranks = np.arange(size)
    ranks[0] = LAST
    return ranks


def _turned(ranks: Ints, descending: bool) -> Ints:
    return np.where(ranks == LAST, LAST, -ranks) if descending else ranks


def _counted(rows: Rows, how: Sorting) -> tuple[Ints, Ints]:
    """Ranks, and how many rows have each."""
    tally = rows.tally(how.coarse)
    ranks, at = np.unique(how.ranks[tally.codes[0]], return_inverse=True)
    return ranks, np.bincount(at, tally.n, ranks.size).astype(np.int64)


def _sorted(rows: Rows, how: Sorting, descending: bool) -> Ints:
    """All of some rows in order."""
    places = rows.places()
    ranks = how.ranks[how.coarse.read(places)]
    there: Bools = ranks != LAST
    fine = np.zeros(places.size, np.int64)
    if how.fine is not None:
        fine[there] = how.fine.read(places[there])
    fine = -fine if descending else fine
    return places[np.lexsort((places, fine, _turned(ranks, descending)))]
