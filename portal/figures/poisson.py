"""Exact intervals of counts and of shares, for whole arrays at once.

A count is taken as Poisson (Garwood 1936), a share as binomial (Clopper & Pearson 1934). Both hold their level at
every size, so they are somewhat wide where counts are small.

Charter: numbers in, numbers out; what was expected is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammainccinv, gammaincinv

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and the two ends of its interval, each of the same shape; NaN where there is nothing to tell."""

    estimate: Floats
    low: Floats
    high: Floats

    def scaled(self, by: ArrayLike, most: float = np.inf) -> Interval:
        """All three times a factor, and no more than `most`."""
        factor = np.asarray(by, np.float64)
        estimate, low, high = (np.minimum(end * factor, most) for end in (self.estimate, self.low, self.high))
        return Interval(estimate, low, high)


def exact_interval(observed: ArrayLike, expected: ArrayLike | None = None, level: float = 0.95) -> Interval:
    """Observed over expected with its exact interval (Garwood 1936); the count itself without `expected`.

    Shapes broadcast. The expected count is taken as known. NaN where it is not above 0; ValueError for a count
    below 0.

    >>> found = exact_interval(10, 5.0)
    >>> [round(float(x), 3) for x in (found.low, found.estimate, found.high)]
    [0.959, 2.0, 3.678]
    """
    tail = _tail(level)
    count = np.asarray(observed, np.float64)
    if (count < 0).any():
        raise ValueError("a count is never below 0")
    base = np.ones_like(count) if expected is None else np.asarray(expected, np.float64)
    base = np.where(base > 0, base, np.nan)
    with np.errstate(invalid="ignore"):
        low = np.where(count > 0, gammaincinv(count, tail), 0.0)
    return Interval(count / base, low / base, gammainccinv(count + 1, tail) / base)


def exact_share(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """The share k/n with its exact interval (Clopper & Pearson 1934), 0…1; shapes broadcast.

    NaN where n is 0; ValueError where k is not within 0…n.

    >>> found = exact_share(0, 10)
    >>> [round(float(x), 4) for x in (found.low, found.estimate, found.high)]
    [0.0, 0.0, 0.3085]
    """
    tail = _tail(level)
    some, everyone = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(n, np.float64))
    if ((some < 0) | (some > everyone)).any():
        raise ValueError("a share's count lies within 0 and its total")
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.where(everyone > 0, some / everyone, np.nan)
        low = np.where(some > 0, betaincinv(some, everyone - some + 1, tail), 0.0)
        high = np.where(some < everyone, betaincinv(some + 1, everyone - some, 1 - tail), 1.0)
    nobody = everyone == 0
    return Interval(estimate, np.where(nobody, np.nan, low), np.where(nobody, np.nan, high))


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")
    return (1 - level) / 2
