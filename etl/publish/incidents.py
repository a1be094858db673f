"""Which requests are reports of one incident, and which ask again for what was closed.

Two requests of one kind are reports of one incident where the later was made while the earlier was open, near it, and
sooner and nearer than chance would have it. What chance would have is worked out from the service itself: of the
requests of the kind that came between the two, so many are to be expected at this distance as the neighbourhood's share
of the kind says. That number must be small; it may be less small where the city itself treats the later one as a
duplicate, or closed both together. So a distance of 50 m joins two reports of a rare thing, and does not join two of the
forty parking reports of one evening.

A report is held against the first report of its incident alone, so that no chain grows along a street: an incident is no
wider than the distance, measured from its first report, and no longer than the limit of days. First reports are chosen
in the order of time: a request that fits no first report before it is one.

Charter: arrays of the requests of one kind in, links between their rows out; no database, no identifiers.
Sources: the expected number of chance neighbours is that of a Poisson field with local density; choosing first reports
in order is the lexicographically first maximal independent set (Luby 1986), here by rounds over all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from etl.publish.near import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY = 86_400
TOGETHER_SECONDS = 3_600
"""Two closings within an hour of one another are one visit's."""
LEAST_METRES = 10.0
"""Nearer than this, nearness says no more: addresses stand so far apart, and telephones err by more."""
PRIOR_REQUESTS = 0.5
"""The ground counts for as much as half a request of the kind."""
NONE = -1


@dataclass(frozen=True)
class Requests:
    """The requests of one kind in the order of time; all of shape (rows,).

    `x`, `y` metres; `requested` and `ended` seconds, `ended` being the closing, or the as-of time of an open one;
    `closed`: there is a closing that can be believed; `duplicate`: closed as a duplicate; `ground`: which share of all
    requests, of whatever kind, lies on a square metre around here.
    """

    x: Floats
    y: Floats
    requested: Ints
    ended: Ints
    closed: Bools
    duplicate: Bools
    ground: Floats

    def __len__(self) -> int:
        return len(self.x)


def first_reports(
    rows: Requests,
    grid: Grid,
    *,
    metres: float,
    max_days: float,
    after_closing_hours: float,
    chance: float,
    chance_with_evidence: float,
) -> Ints:
    """Of each row the row of the first report of its incident: itself, where it is the first or the only one; (rows,).

    `grid` is of these rows and `metres`. A first report that was closed as a duplicate does not end its incident by
    that. ValueError for rows out of order.
    """  # fmt: skip
    size = len(rows)
    if size and (np.diff(rows.requested) < 0).any():
        raise ValueError("requests are to be given in the order of time")
    # Two of the neighbourhood are the pair itself. The rest says how much of the kind is to be expected on a square
    # metre here; where that is little, or the kind is rare, so does the ground (a gamma prior of that mean).
    others = np.maximum(grid.around() - 2, 0)
    share = (others + PRIOR_REQUESTS) / (max(size - 2, 0) * 9 * metres * metres + PRIOR_REQUESTS / rows.ground)
    limit = rows.requested + int(max_days * DAY)
    end = np.where(rows.duplicate, limit, rows.ended + int(after_closing_hours * 3600))
    firsts, laters, scores = [_EMPTY], [_EMPTY], [np.empty(0)]
    for pairs in grid.pairs(np.arange(size), rows.requested, np.minimum(limit, end)):
        first, later = pairs.first, pairs.second
        unrelated = (later - first) * share[first] * np.pi * np.maximum(pairs.metres, LEAST_METRES) ** 2
        evidence = rows.duplicate[later] | (
            rows.closed[first] & rows.closed[later]
            & (np.abs(rows.ended[first] - rows.ended[later]) <= TOGETHER_SECONDS)
        )  # fmt: skip
        kept = (later > first) & (unrelated <= np.where(evidence, chance_with_evidence, chance))
        firsts.append(first[kept])
        laters.append(later[kept])
        scores.append(unrelated[kept])
    return _assigned(size, np.concatenate(firsts), np.concatenate(laters), np.concatenate(scores))


_EMPTY = np.empty(0, np.int64)


def _assigned(size: int, first: Ints, later: Ints, score: Floats) -> Ints:
    """Choose first reports in the order of rows, and give every other row the best of those that it fits."""
    leads = np.ones(size, bool)
    leads[later] = False
    decided = leads.copy()
    left, right = first, later
    while len(right):
        joins = decided[left] & leads[left]
        decided[right[joins]] = True
        waiting = ~decided[right]
        left, right = left[waiting], right[waiting]
        blocked = np.zeros(size, bool)
        blocked[right[~decided[left]]] = True
        free = right[~blocked[right]]
        leads[free] = decided[free] = True
        waiting = ~decided[right]
        left, right = left[waiting], right[waiting]
    fits = leads[first] & ~leads[later]
    first, later, score = first[fits], later[fits], score[fits]
    order = np.lexsort((first, score, later))
    rows, at = np.unique(later[order], return_index=True)
    found = np.arange(size)
    found[rows] = first[order][at]
    return found


def repeats(rows: Requests, grid: Grid, first: Ints, *, days: float) -> Ints:
    """Of each row the row of the request that it repeats: the latest closed before it, near by; -1 for none; (rows,).

    `grid` is of these rows and says what is near. A closing as a duplicate closes nothing, and a further report of an
    open incident (`first`) repeats nothing.
    """
    size = len(rows)
    found = np.full(size, NONE, np.int64)
    done = np.flatnonzero(rows.closed & ~rows.duplicate)
    if not len(done):
        return found
    best = np.full(size, np.iinfo(np.int64).min)
    span = int(days * DAY)
    for pairs in grid.pairs(done, rows.ended[done], rows.ended[done] + span):
        fits = (pairs.second > pairs.first) & (first[pairs.second] == pairs.second)
        before, after = pairs.first[fits], pairs.second[fits]
        order = np.lexsort((before, rows.ended[before], after))
        before, after = before[order], after[order]
        last = np.flatnonzero(np.append(after[1:] != after[:-1], True)) if len(after) else _EMPTY
        before, after = before[last], after[last]
        # The row breaks a tie, so that the order in which squares are looked at changes nothing.
        later = (rows.ended[before] > best[after]) | ((rows.ended[before] == best[after]) & (before > found[after]))
        found[after[later]] = before[later]
        best[after[later]] = rows.ended[before[later]]
    return found
