"""How many times as long an area's requests take, and its curves where they lean on the city's.

Sources: Louis (1981) and Tsiatis (1990) on time ratios from the log-rank; Hjort (1990) on curves that lean on a known
one where data are few; Borgan & Liestøl (1990) on bands on the arcsine scale.

Charter: life tables of an area and of what it is held against in, ratios and quantiles out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from portal.figures.kaplan_meier import Z95
from portal.figures.life_table import Floats, LifeTable, curve_quantiles, place
from portal.figures.poisson import exact_interval

LEAN = 5.0
"""So many requests' worth of the city's curve are added to each stratum of an area."""

_FARTHEST = 64.0
"""A time ratio is sought from 1/64 to 64."""

_HALVINGS = 50


def time_ratio(edges: Floats, own: LifeTable, rest: LifeTable) -> tuple[float, float, float]:
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
        bin_, into = place(edges, middle / factor)
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
    bin_, into = place(edges, middle / estimate)
    at_least = rows[None] < bin_[:, None]
    exposed = counts @ np.where(rows[None] == bin_[:, None], into[:, None], at_least)
    at_risk = rest.at_risk[both]
    spread = np.divide(rest.events[both], at_risk**2, out=np.zeros_like(at_risk), where=at_risk > 0)
    wider = np.sqrt(1 + float((exposed**2 * spread).sum()) / observed)
    with np.errstate(divide="ignore"):
        ends = np.exp(np.log(estimate) + wider * np.log(np.array([fewest, most]) / estimate))
    return estimate, float(ends[0]), float(ends[1])


def adjusted_quantiles(
    edges: Floats, own: LifeTable, reference: LifeTable, ratio: Floats, weights: Floats, shares: Sequence[float]
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
    return np.stack([curve_quantiles(edges, line[None], shares) for line in (mean, early, late)], axis=-1)


def _leaning(edges: Floats, own: LifeTable, reference: LifeTable, stretch: float) -> tuple[Floats, Floats]:
    """The area's curves with LEAN requests of the stretched reference in each stratum, and Greenwood's terms."""
    bin_, into = place(edges, edges / stretch)
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
