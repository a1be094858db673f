"""Fair comparison of areas: what an area shows beside what its mix of strata would show at the city's pace.

A stratum is a service type, or a service type in a month. Shares and the speed of closing are standardised indirectly
(observed over expected under the city's strata, which stays sound where an area has few of a stratum); quantiles of
response times directly (the area's curves, weighted as the city's strata are). Ratios of two areas, each against
the city, are not a ratio of one area to the other, as their mixes differ.

Sources: Breslow & Day (1987) on indirect standardisation; Kitagawa (1955) on parts of a gap; Peto & Peto (1972) on
observed and expected closings; Louis (1981) and Tsiatis (1990) on time ratios from the log-rank; Hjort (1990) on
curves that lean on a known one where data are few.

Charter: counts by area, stratum and bin in; figures by area out. No ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.figures.kaplan_meier import Z95
from portal.figures.poisson import Interval, exact_interval, exact_share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAN = 5.0
"""So many requests' worth of the city's curve are added to each stratum of an area."""

SMALL_GAP = 0.05
"""A gap to the city's quantile of less than this part of it is not split into parts: they would be noise."""

_FARTHEST = 64.0
"""A time ratio is sought from 1/64 to 64."""

_HALVINGS = 50


@dataclass(frozen=True)
class StandardisedShare:
    """Shares of areas, raw and adjusted. All of shape (areas,) but the city's share and the count of strata.

    `mix + rest` is the gap between the raw and the city's share. An adjusted share that would exceed 1 is 1.
    """

    observed: Ints
    n: Ints
    expected: Floats
    ratio: Interval
    raw: Interval
    city: float
    adjusted: Interval
    mix: Floats
    rest: Floats
    strata_left_out: int
    n_left_out: Ints


def standardised_share(
    k: NDArray[Any],
    n: NDArray[Any],
    city_k: NDArray[Any] | None = None,
    city_n: NDArray[Any] | None = None,
    level: float = 0.95,
) -> StandardisedShare:
    """Compare the share k/n of each area with what the city's shares by stratum lead one to expect of its mix.

    `k`, `n` of shape (areas, strata); `city_k`, `city_n` of shape (strata,) where the city is more than the sum of
    the areas (requests without a place). Strata in which the city has nobody are left out and counted.

    The interval of O/E is Clopper–Pearson's of O of n, over the expected share: O is a sum of binomial counts, which
    varies no more than one binomial count of the same mean (Hoeffding 1956), so it holds its level; it is narrower
    than a Poisson one, and its upper end is possible. ValueError where k is not within 0…n.
    """
    k, n = np.asarray(k, np.int64), np.asarray(n, np.int64)
    whole_k = k.sum(axis=0) if city_k is None else np.asarray(city_k, np.int64)
    whole_n = n.sum(axis=0) if city_n is None else np.asarray(city_n, np.int64)
    if (whole_k < 0).any() or (whole_k > whole_n).any():
        raise ValueError("a share's count lies within 0 and its total")
    known = whole_n > 0
    left_out = n[:, ~known].sum(axis=1)
    k, n, whole_k, whole_n = k[:, known], n[:, known], whole_k[known], whole_n[known]
    observed, total = k.sum(axis=1), n.sum(axis=1)
    expected = n @ (whole_k / whole_n)
    city = float(whole_k.sum() / whole_n.sum()) if known.any() else np.nan
    raw = exact_share(observed, total, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected_share = np.where(total > 0, expected / total, np.nan)
        ratio = raw.scaled(np.where(expected > 0, 1 / expected_share, np.nan))
    return StandardisedShare(
        observed=observed,
        n=total,
        expected=expected,
        ratio=ratio,
        raw=raw,
        city=city,
        adjusted=ratio.scaled(city, most=1.0),
        mix=expected_share - city,
        rest=raw.estimate - expected_share,
        strata_left_out=int((~known).sum()),
        n_left_out=left_out,
    )


@dataclass(frozen=True)
class StandardisedTimes:
    """Response times of areas, raw and adjusted, in the unit of the edges; NaN for what is not reached.

    `speed` is observed over expected closings, of shape (areas,): above 1 closes faster than the city.
    `time_ratio` is how many times as long a request takes as the same service takes in the rest of the city.
    `raw` and `city` are quantiles, (areas, shares) and (shares,); `adjusted` is (areas, shares, 3): the estimate and
    its 95% band, if the area were asked for what the city is asked for. `mix` is the time that the area's mix adds,
    raw - adjusted, and `mix_share` its part of the gap, mix / (raw - city): above 1 where the area is faster for its
    mix but looks slower, below 0 where its mix hides a part of the gap; NaN where the gap is under SMALL_GAP.
    """

    n: Ints
    observed: Ints
    expected: Floats
    speed: Interval
    time_ratio: Interval
    raw: Floats
    city: Floats
    adjusted: Floats
    mix: Floats
    mix_share: Floats


def standardised_times(
    edges: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    shares: Sequence[float] = (0.5, 0.9),
    city_events: NDArray[Any] | None = None,
    city_censored: NDArray[Any] | None = None,
) -> StandardisedTimes:
    """Compare response times with open requests censored, area by area, so that memory stays flat.

    `edges` of the bins, shape (bins + 1,), ascend from 0; `events` and `censored` are whole numbers of shape
    (areas, strata, bins), `city_…` of shape (strata, bins) where the city is more than the sum of the areas.
    Within a bin requests are spread evenly and those censored are at risk for half of it (actuarial).

    - Speed: each area's requests at risk times the city's hazard of their stratum and bin, summed, are the closings
      expected; their ratio has the exact Poisson interval (the log-rank's observed and expected).
    - Time ratio: the factor by which the times of the rest of the city must be stretched, in every stratum, to expect
      the closings that the area had. Of what was tried on planted factors of 0.6 and 1.6 it errs least (within 2.5%
      on average, at 120 requests too). Ratios of restricted means come out 12–25% too near 1, cut off by the
      horizon; the speed is a ratio of hazards, 13–18% off as a time ratio; ratios of adjusted quantiles err as
      little but spread more (2.8% and 4% beside 2% in an area of 5,000). The rest, not the whole city, as a large
      area would be compared with itself. The interval is where the stretched times expect the exact limits of the
      closings seen, widened by the chance in the rest of the city.
    - Adjusted quantiles: the area's curves by stratum, weighted by the city's strata. To each stratum are added
      LEAN requests of the rest of the city's curve, stretched by the area's time ratio, so that sparse strata and
      tails are filled in (the mean of a beta process, Hjort 1990); filled in by the ratio of hazards instead, the
      90th percentile of lognormal times came out 6–30% too late. The city's strata are taken as they are.
    """
    scale = np.asarray(edges, np.float64)
    whole_e = np.asarray(events.sum(axis=0, dtype=np.int64) if city_events is None else city_events, np.int64)
    whole_c = np.asarray(censored.sum(axis=0, dtype=np.int64) if city_censored is None else city_censored, np.int64)
    if whole_e.shape[-1] != scale.size - 1:
        raise ValueError(f"{scale.size} edges do not bound {whole_e.shape[-1]} bins")
    city = _Table.of(whole_e, whole_c)
    weights = city.n / max(1.0, city.n.sum())
    areas = len(events)
    expected, raw = np.zeros(areas), np.full((areas, len(shares)), np.nan)
    ratio, adjusted = np.full((areas, 3), np.nan), np.full((areas, len(shares), 3), np.nan)
    for area in range(areas):
        own = _Table.of(events[area], censored[area])
        expected[area] = float((own.at_risk * city.hazard).sum())
        raw[area] = _quantiles(scale, _pooled(own).survival(), shares)
        rest = _Table.of(whole_e - events[area], whole_c - censored[area])
        ratio[area] = _time_ratio(scale, own, rest)
        if not own.n.any():
            continue
        reference = _Table.where(rest.n > 0, rest, city)
        adjusted[area] = _adjusted(scale, own, reference, ratio[area], weights, shares)
    observed = events.sum(axis=(1, 2), dtype=np.int64)
    whole = _quantiles(scale, _pooled(city).survival(), shares)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = raw - whole
        mix_share = np.where(np.abs(gap) >= SMALL_GAP * whole, (raw - adjusted[..., 0]) / gap, np.nan)
    return StandardisedTimes(
        n=observed + censored.sum(axis=(1, 2), dtype=np.int64),
        observed=observed,
        expected=expected,
        speed=exact_interval(observed, expected),
        time_ratio=Interval(ratio[:, 0], ratio[:, 1], ratio[:, 2]),
        raw=raw,
        city=whole,
        adjusted=adjusted,
        mix=raw - adjusted[..., 0],
        mix_share=mix_share,
    )


@dataclass(frozen=True)
class _Table:
    """A life table for each stratum: arrays of shape (strata, bins); n of shape (strata,)."""

    events: Floats
    censored: Floats
    at_risk: Floats
    hazard: Floats
    n: Floats

    @classmethod
    def of(cls, events: NDArray[Any], censored: NDArray[Any]) -> _Table:
        closed, cut = np.asarray(events, np.float64), np.asarray(censored, np.float64)
        if (closed < 0).any() or (cut < 0).any():
            raise ValueError("the city has at least the requests of each of its areas, and counts are never below 0")
        entering = np.cumsum((closed + cut)[:, ::-1], axis=1)[:, ::-1]
        at_risk = entering - cut / 2
        hazard = np.divide(closed, at_risk, out=np.zeros_like(closed), where=at_risk > 0)
        return cls(closed, cut, at_risk, hazard, closed.sum(axis=1) + cut.sum(axis=1))

    @classmethod
    def where(cls, chosen: NDArray[np.bool_], one: _Table, other: _Table) -> _Table:
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


def _pooled(table: _Table) -> _Table:
    return _Table.of(table.events.sum(axis=0)[None], table.censored.sum(axis=0)[None])


def _place(edges: Floats, times: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The bin in which each time lies, and how far into it (0…1); what is beyond the last edge is at its end."""
    index = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, edges.size - 2)
    return np.asarray(index, np.intp), np.clip((times - edges[index]) / (edges[index + 1] - edges[index]), 0.0, 1.0)


def _time_ratio(edges: Floats, own: _Table, rest: _Table) -> tuple[float, float, float]:
    """The factor that stretches the rest's times to expect the area's closings, and its 95% interval."""
    both = (rest.n > 0) & (own.n > 0)
    counts = (own.events + own.censored)[both]
    observed = own.events[both].sum()
    middle = (edges[1:] + edges[:-1]) / 2
    # How much hazard the requests that ended in a bin have gathered by each edge of the rest's curves. After this
    # one product over strata, any factor costs no more than a look-up.
    gathered = counts.T @ rest.cumulated()[both]
    rows = np.arange(middle.size)

    def expected(factor: float) -> float:
        bin_, into = _place(edges, middle / factor)
        return float((gathered[rows, bin_] * (1 - into) + gathered[rows, bin_ + 1] * into).sum())

    def solved(target: float) -> float:
        low, high = -np.log(_FARTHEST), np.log(_FARTHEST)
        if not expected(1 / _FARTHEST) > target:
            return 0.0
        if not expected(_FARTHEST) < target:
            return np.inf
        for _ in range(_HALVINGS):
            center = (low + high) / 2
            low, high = (center, high) if expected(float(np.exp(center))) > target else (low, center)
        return float(np.exp((low + high) / 2))

    if not counts.sum() or not rest.events[both].sum():
        return np.nan, np.nan, np.nan
    exact = exact_interval(observed)
    estimate, fewest, most = solved(observed), solved(float(exact.high)), solved(float(exact.low))
    if not 0 < estimate < np.inf:
        return estimate, fewest, most
    # The chance in the rest's hazards, on top of the chance in the area's count.
    bin_, into = _place(edges, middle / estimate)
    at_least = rows[None] < bin_[:, None]
    exposed = counts @ np.where(rows[None] == bin_[:, None], into[:, None], at_least)
    at_risk = rest.at_risk[both]
    spread = np.divide(rest.events[both], at_risk**2, out=np.zeros_like(at_risk), where=at_risk > 0)
    wider = np.sqrt(1 + float((exposed**2 * spread).sum()) / observed)
    with np.errstate(divide="ignore"):
        ends = np.exp(np.log(estimate) + wider * np.log(np.array([fewest, most]) / estimate))
    return estimate, float(ends[0]), float(ends[1])


def _adjusted(
    edges: Floats, own: _Table, reference: _Table, ratio: Floats, weights: Floats, shares: Sequence[float]
) -> Floats:
    """Quantiles of the area's curves, weighted as the city's strata are: shape (shares, 3)."""
    known = np.where(np.isnan(ratio), 1.0, ratio)
    stretch, least, most = (float(end) for end in np.clip(known, 1 / _FARTHEST, _FARTHEST))
    survival, terms = _leaning(edges, own, reference, stretch)
    variance = survival**2 * np.pad(np.cumsum(terms, axis=1), ((0, 0), (1, 0)))
    mean = weights @ survival
    # Where few are the area's own, the curve moves with the time ratio that it leans by, which is itself uncertain.
    moved = [np.abs(weights @ _leaning(edges, own, reference, end)[0] - mean) for end in (least, most)]
    error = np.sqrt(Z95**2 * (weights**2 @ variance) + np.maximum(*moved) ** 2)
    # On the arcsine scale, which does not blow up while next to nobody has closed (Borgan & Liestøl 1990).
    spread = np.sqrt(np.maximum(mean * (1 - mean), 0.0))
    margin = np.divide(error / 2, spread, out=np.zeros_like(mean), where=spread > 0)
    angle = np.arcsin(np.sqrt(np.clip(mean, 0.0, 1.0)))
    early, late = (np.sin(np.clip(angle + side, 0.0, np.pi / 2)) ** 2 for side in (-margin, margin))
    return np.stack([_quantiles(edges, line[None], shares) for line in (mean, early, late)], axis=-1)


def _leaning(edges: Floats, own: _Table, reference: _Table, stretch: float) -> tuple[Floats, Floats]:
    """The area's curves with LEAN requests of the stretched reference in each stratum, and Greenwood's terms."""
    bin_, into = _place(edges, edges / stretch)
    curve = reference.survival()
    stretched = curve[:, bin_] * (1 - into) + curve[:, bin_ + 1] * into
    still = stretched[:, :-1] > 0
    lean = np.divide(stretched[:, 1:], stretched[:, :-1], out=np.zeros_like(own.hazard), where=still)
    # Where the city's curve has ended it says nothing more, unless the area has nobody left either.
    strength = np.where(still | (own.at_risk == 0), LEAN, 0.0)
    base = own.at_risk + strength
    closing = (own.events + strength * (1 - lean)) / base
    survival = np.cumprod(np.pad(1 - closing, ((0, 0), (1, 0)), constant_values=1.0), axis=1)
    return survival, np.divide(closing, base * (1 - closing), out=np.zeros_like(closing), where=closing < 1)


def _quantiles(edges: Floats, survival: Floats, shares: Sequence[float]) -> Floats:
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
