"""Names found by their beginnings, also with one slip of the finger in what is typed so far.

Charter: words and whose they are in, owners and how they match out; what a match is worth is `suggest`'s.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.geocoding.model import Ints

WIDTH: Final = 26
"""Letters of a name that slips are looked for in."""
LEAST_WITH_SLIP: Final = 3


class Key(NamedTuple):
    """A word, whose it is, and whether it begins inside the owner's name ('KINGJR' of MARTIN LUTHER KING JR)."""

    text: str
    owner: int
    inside: bool


class Found(NamedTuple):
    """Owners in no order, perhaps more than once; `left`: letters of the key that were not typed; `slip`: its place, -1: none."""

    owner: Ints
    left: Ints
    inside: NDArray[np.bool_]
    slip: Ints


class Keys:
    """Sorted words. Reads only, so that threads may share it."""

    def __init__(self, keys: Iterable[Key]) -> None:
        """Sort the keys; those without letters are left out."""
        ordered = sorted({key for key in keys if key.text})
        self._texts = [key.text for key in ordered]
        self._owner = np.array([key.owner for key in ordered], dtype=np.int64)
        self._inside = np.array([key.inside for key in ordered], dtype=bool)
        self._length = np.array([len(text) for text in self._texts], dtype=np.int64)
        letters = np.array([text[:WIDTH].encode("ascii", "replace") for text in self._texts], dtype=f"S{WIDTH}")
        # One row a place in the word, one column a word; 0 behind its end.
        self._letters = np.ascontiguousarray(letters.view(np.uint8).reshape(len(letters), WIDTH).T)

    def starting(self, typed: str) -> Found:
        """Keys that begin with what is typed."""
        low = bisect_left(self._texts, typed)
        high = bisect_left(self._texts, f"{typed}\U0010ffff")
        part = slice(low, high)
        left = self._length[part] - len(typed)
        return Found(self._owner[part], left, self._inside[part], np.full(high - low, -1))

    def nearly(self, typed: str) -> Found:
        """Keys that begin with something one insertion, deletion, substitution or transposition away from what is typed.

        Letters are compared in columns: with p letters equal at the front, the rest must be equal in one of four shifts.
        """
        m = len(typed)
        if not LEAST_WITH_SLIP <= m < WIDTH or not self._texts:
            none = np.zeros(0, np.int64)
            return Found(none, none, np.zeros(0, bool), none)
        want = np.frombuffer(typed.encode("ascii", "replace"), dtype=np.uint8)[:, None]
        # One slip leaves one half as it is: at its own place the front one, moved by one at most the other.
        half = m // 2
        letters = self._letters
        some = (letters[:half] == want[:half]).all(axis=0)
        # Two letters that changed places where the halves meet are in both.
        some |= (letters[: half - 1] == want[: half - 1]).all(axis=0) & (letters[half + 1 : m] == want[half + 1 :]).all(
            axis=0
        )
        for shift in (-1, 0, 1):
            some |= (letters[half + shift : m + shift] == want[half:]).all(axis=0)
        which = np.flatnonzero(some)
        letters = letters[:, which]
        same = letters[:m] == want
        front = _run(same)
        back = _run(same[::-1])
        shorter = _run((letters[: m - 1] == want[1:])[::-1])  # one letter too many was typed
        longer = _run((letters[1 : m + 1] == want)[::-1])  # one was left out
        at = np.minimum(front, m - 1)
        after = np.minimum(at + 1, m - 1)
        column = np.arange(len(front))
        flat = want[:, 0]
        swapped = (front < m - 1) & (letters[at, column] == flat[after]) & (letters[after, column] == flat[at])
        missed = longer >= m - front
        replaced = back >= m - front - 1
        added = shorter >= m - front - 1
        turned = swapped & (back >= m - front - 2)
        good = np.flatnonzero((front < m) & (missed | replaced | added | turned))
        key = which[good]
        # What takes most of the key for typed comes first: a whole name rather than the beginning of one.
        taken = np.where(missed, m + 1, np.where(replaced | turned, m, m - 1))[good]
        length = self._length[key]
        taken = np.where(added[good] & (length == m - 1), m - 1, taken)
        taken = np.where((replaced | turned)[good] & (length == m), m, taken)
        return Found(self._owner[key], np.maximum(length - taken, 0), self._inside[key], front[good])


def _run(same: NDArray[np.bool_]) -> Ints:
    """How many rows from the first on are true, by column."""
    count = np.logical_and.accumulate(same, axis=0).sum(axis=0)
    return count.astype(np.int64)
