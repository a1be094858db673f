"""Pairs of requests that are near in place and whose times fit, found on a grid in memory that does not grow with them.

Charter: arrays of one kind of service in, pairs of rows out. What a pair means is `incidents`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK_PAIRS = 4_000_000
"""So many candidates are looked at together."""
_SPAN = np.int64(1) << 36
"""More seconds than any record covers: 2,000 years."""


@dataclass(frozen=True)
class Pairs:
    """Rows `first` and `second` (each of shape (pairs,)) and the metres between them."""

    first: Ints
    second: Ints
    metres: Floats


class Grid:
    """Places (metres in the plane) and times (seconds) of rows, kept by squares of a side of `metres`."""

    def __init__(self, x: Floats, y: Floats, seconds: Ints, metres: float) -> None:
        self._x, self._y, self._metres = x, y, metres
        column = ((x - x.min(initial=0.0)) // metres).astype(np.int64) + 1
        row = ((y - y.min(initial=0.0)) // metres).astype(np.int64) + 1
        self._width = np.int64(column.max(initial=0) + 2)
        square = row * self._width + column
        self._since = np.int64(seconds.min(initial=0))
        self._order = np.lexsort((seconds, square))
        self._squares, index = np.unique(square[self._order], return_inverse=True)
        self._square = np.empty(len(x), np.int64)
        self._square[self._order] = index
        self._key = index.astype(np.int64) * _SPAN + (seconds[self._order] - self._since)
        self._rank = np.empty(len(x), np.int64)
        self._rank[self._order] = np.arange(len(x))
        self._around = list(self._neighbours())

    def around(self) -> Ints:
        """How many rows lie in the nine squares around each row, itself among them; (rows,)."""
        counts = np.bincount(self._square, minlength=len(self._squares))
        total = np.zeros(len(self._squares), np.int64)
        for there, index in self._around:
            total[there] += counts[index[there]]
        return np.asarray(total[self._square])

    def pairs(self, first: Ints, start: Ints, stop: Ints) -> Iterator[Pairs]:
        """For each of the rows `first` all rows within the distance whose time lies in start…stop, both included.

        `start` and `stop` (seconds) are of the shape of `first`. A row is no pair with itself.
        """
        order = np.argsort(self._rank[first])  # in the order of the keys, searching them is several times as fast
        first = first[order]
        low = np.clip(start[order] - self._since, 0, _SPAN - 1)
        high = np.clip(stop[order] - self._since, -1, _SPAN - 1)
        at = self._square[first]
        for there, index in self._around:
            some = np.flatnonzero(there[at] & (high >= low))
            base = index[at[some]] * _SPAN
            begin = np.searchsorted(self._key, base + low[some], side="left")
            end = np.searchsorted(self._key, base + high[some], side="right")
            found = np.flatnonzero(end > begin)
            some, begin, many = first[some[found]], begin[found], (end - begin)[found]
            cuts = np.searchsorted(np.cumsum(many), np.arange(CHUNK_PAIRS, many.sum(), CHUNK_PAIRS))
            for part in np.split(np.arange(len(some)), cuts):
                yield self._near(some[part], begin[part], many[part])

    def _near(self, first: Ints, begin: Ints, many: Ints) -> Pairs:
        left = np.repeat(first, many)
        step = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many)
        right = self._order[step + np.repeat(begin, many)]
        metres = np.hypot(self._x[left] - self._x[right], self._y[left] - self._y[right])
        kept = (metres <= self._metres) & (left != right)
        return Pairs(left[kept], right[kept], metres[kept])

    def _neighbours(self) -> Iterator[tuple[NDArray[np.bool_], Ints]]:
        """For each of nine directions: which squares have a neighbour there, and its index."""
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                wanted = self._squares + dy * self._width + dx
                index = np.searchsorted(self._squares, wanted)
                index[index == len(self._squares)] = 0
                yield self._squares[index] == wanted, index
