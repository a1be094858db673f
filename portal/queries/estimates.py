"""From what the figures compute to what the answers tell: NaN and infinity are 'not known', which is None."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from portal.answers_figures import Estimate
from portal.figures.poisson import Interval


def finite(value: Any) -> float | None:
    """A number; None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def estimate(values: Iterable[Any]) -> Estimate:
    """An estimate and the two ends of its interval, as arrays hold them along their last axis."""
    return Estimate(*(finite(value) for value in values))


def estimate_of(interval: Interval, i: int) -> Estimate:
    """The entry `i` of intervals of one axis."""
    return estimate((interval.estimate[i], interval.low[i], interval.high[i]))
