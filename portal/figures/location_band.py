"""An area's total with the band that uncertain locations leave it, from the probabilities of where each request may lie.

A request whose place is sure counts as drawn. One near a border counts in each area with its probability; requests at the
same place are right or wrong together. The band holds the true total in 95 of 100 cases.

Charter: counts and probabilities in, bands out; no queries, no words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.geocoding.certainty import LocationBand, expected_total

EXACT_STEPS: Final = 5_000_000
"""Above this work the normal approximation stands in: a page does not wait for a tenth of a request."""
Z95: Final = 1.959963984540054

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Uncertain:
    """Uncertain places of one area: the probability that each lies in it, and how many requests share its fate."""

    probability: Floats
    rows: Ints


@dataclass(frozen=True)
class Band:
    """An area's total as drawn, as expected, and its band; `uncertain`: requests that may lie in it or may not."""

    requests: int
    expected: float
    low: int
    high: int
    uncertain: int

    @property
    def matters(self) -> bool:
        """Whether there is anything to say beside the total as drawn."""
        return self.uncertain > 0 and (self.low, self.high) != (self.requests, self.requests)


def bands(
    drawn: Mapping[str, int], unsure_drawn: Mapping[str, int], unsure: Mapping[str, Uncertain]
) -> dict[str, Band]:
    """A band for every area: `drawn` are the totals as drawn, `unsure_drawn` how many of these are uncertain,
    `unsure` what may lie in each area, wherever it is drawn."""
    found = {}
    for area in {**drawn, **unsure}:
        total = drawn.get(area, 0)
        some = unsure.get(area, NOTHING)
        band = _band(total - unsure_drawn.get(area, 0), total, some)
        found[area] = Band(total, band.expected, band.low, band.high, int(some.rows.sum()))
    return found


NOTHING: Final = Uncertain(np.empty(0), np.empty(0, np.int64))


def _band(certain: int, total: int, some: Uncertain) -> LocationBand:
    p, rows = np.clip(some.probability, 0.0, 1.0), some.rows
    most = int(rows.sum())
    if len(p) * most <= EXACT_STEPS:
        return expected_total(p, certain=certain, assigned=total, rows=rows)
    mean = float(p @ rows)
    spread = Z95 * float(np.sqrt((p * (1 - p)) @ rows.astype(np.float64) ** 2))
    low, high = (int(np.ceil(mean + side * spread - 0.5)) for side in (-1, 1))
    return LocationBand(total, certain + mean, certain + max(low, 0), certain + min(high, most))
