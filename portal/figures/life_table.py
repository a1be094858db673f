"""Life tables of strata side by side: who is at risk in each bin, hazards, curves, and quantiles of a curve.

Within a bin requests are spread evenly and those censored are at risk for half of it (actuarial; Cutler & Ederer 1958).

Charter: counts by stratum and bin in, curves out; what is compared with what is `standardise` and `time_ratio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LifeTable:
    """A life table for each stratum: arrays of shape (strata, bins); n of shape (strata,)."""

    events: Floats
    censored: Floats
    at_risk: Floats
    hazard: Floats
    n: Floats

    @classmethod
    def of(cls, events: NDArray[Any], censored: NDArray[Any]) -> LifeTable:
        """From closings and censorings by stratum and bin; ValueError for counts below 0."""
        closed, cut = np.asarray(events, np.float64), np.asarray(censored, np.float64)
        if (closed < 0).any() or (cut < 0).any():
            raise ValueError("the city has at least the requests of each of its areas, and counts are never below 0")
        entering = np.cumsum((closed + cut)[:, ::-1], axis=1)[:, ::-1]
        at_risk = entering - cut / 2
        hazard = np.divide(closed, at_risk, out=np.zeros_like(closed), where=at_risk > 0)
        return cls(closed, cut, at_risk, hazard, closed.sum(axis=1) + cut.sum(axis=1))

    @classmethod
    def where(cls, chosen: NDArray[np.bool_], one: LifeTable, other: LifeTable) -> LifeTable:
        """The strata of `one` where they are chosen, else those of `other`."""
        rows = chosen[:, None]
        return cls.of(np.where(rows, one.events, other.events), np.where(rows, one.censored, other.censored))

    def survival(self) -> Floats:
        """Share still open at each edge: shape (strata, bins + 1)."""
        return np.asarray(
            np.cumprod(np.pad(1 - self.hazard, ((0, 0), (1, 0)), constant_values=1.0), axis=1), np.float64
        )

    def cumulated(self) -> Floats:
        """Cumulated hazard at each edge, from the rate within each bin: shape (strata, bins + 1)."""
        rate = self.hazard / (1 - self.hazard / 2)
        return np.pad(np.cumsum(rate, axis=1), ((0, 0), (1, 0)))


def pooled(table: LifeTable) -> LifeTable:
    """All strata as one."""
    return LifeTable.of(table.events.sum(axis=0)[None], table.censored.sum(axis=0)[None])


def place(edges: Floats, times: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The bin in which each time lies, and how far into it (0…1); what is beyond the last edge is at its end."""
    index = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, edges.size - 2)
    return np.asarray(index, np.intp), np.clip((times - edges[index]) / (edges[index + 1] - edges[index]), 0.0, 1.0)


def curve_quantiles(edges: Floats, survival: Floats, shares: Sequence[float]) -> Floats:
    """When a curve, straight between edges, first leaves 1 - share open; NaN if never. `survival`: (1, edges)."""
    curve = survival[0]
    found = np.full(len(shares), np.nan)
    for place, share in enumerate(shares):
        reached = curve <= 1 - share + 1e-12
        if reached.any():
            after = int(reached.argmax())
            into = (curve[after - 1] - (1 - share)) / (curve[after - 1] - curve[after])
            found[place] = edges[after - 1] + min(1.0, float(into)) * (edges[after] - edges[after - 1])
    return found
