"""The mean of bounded scores, such as satisfaction from 0 to 100, with its interval.

Student's t (Gosset 1908) on the mean, cut at the ends of the scale. Where all answers are alike that interval would
have no width however few they are; it then reaches as far as a share of which none was seen may reach (Wilson 1927):
the scale times z² / (n + z²).

The answers are taken as a sample of those who might have answered. Who never answers is not in it, and no interval
tells of that.

Charter: sums in, a mean and its 95% interval out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from portal.figures.kaplan_meier import Z95

Floats = NDArray[np.float64]
UPPER_TAIL = 0.975


def mean_interval(n: ArrayLike, total: ArrayLike, squares: ArrayLike, low: float = 0.0, high: float = 100.0) -> Floats:
    """Mean, lower and upper end, of shape (…, 3): from the number of scores, their sum and the sum of their squares.

    NaN where there is none; of a single score the interval is the whole scale. ValueError for a mean outside the scale.
    """
    count, s, q = (np.asarray(part, np.float64) for part in (n, total, squares))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, s / count, np.nan)
        if np.any((mean < low - 1e-9) | (mean > high + 1e-9)):
            raise ValueError(f"scores are between {low:g} and {high:g}")
        variance = np.maximum(q - count * mean**2, 0.0) / (count - 1)
        spread = stdtrit(np.maximum(count - 1, 1), UPPER_TAIL) * np.sqrt(variance / count)
        unseen = (high - low) * Z95**2 / (count + Z95**2)
        margin = np.where(count == 1, high - low, np.where(variance <= 1e-9, unseen, spread))
    return np.stack([mean, np.maximum(mean - margin, low), np.minimum(mean + margin, high)], axis=-1)
