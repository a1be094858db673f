"""How sure a result is: its score and its 95% error radius, calibrated by method.

Charter: posteriors and scales of `matching` in, scores and metres out. Figures of the default calibration are those of
`openward bench geocode`; a city that has records with trusted coordinates calibrates for itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.crs import Floats
from geo.geocoding.model import METHODS

DEFAULT_RADII: Final[Mapping[str, tuple[float, float]]] = {
    "none": (0.0, 0.0),
    "address_point": (50.0, 1.0),
    "address_range": (20.0, 0.2),
    "between_points": (28.0, 0.1),
    "intersection": (25.0, 0.0),
    "block": (45.0, 0.9),
    "place": (50.0, 1.0),
    "street": (50.0, 1.0),
    "area": (50.0, 1.0),
}
"""Of each method: metres, and metres for each metre of scale (block length, gap between points, reach of a street)."""

RIGHT_M: Final = 200.0
"""A result is right if it lies within so many metres of the truth: about a block."""
SUREST: Final = 0.995
"""No result is surer than this: sources themselves are wrong about one address in two hundred."""
MOST_FACTOR: Final = 100.0


@dataclass(frozen=True)
class Passport:
    """A calibration."""

    radii: Mapping[str, tuple[float, float]] = field(default_factory=lambda: DEFAULT_RADII)
    factors: Mapping[str, float] = field(default_factory=dict)
    """What a city's own calibration multiplies the radius of a method by."""
    scores: tuple[tuple[float, float], ...] = ()
    """What a city's own calibration makes of scores: (score, share right), both rising, a line between; empty: nothing."""

    def score(self, posterior: Floats, radius_m: Floats) -> Floats:
        """The share right among results like these: the right place at all, and found to within RIGHT_M."""
        return self.corrected(posterior * within(radius_m))

    def corrected(self, score: Floats) -> Floats:
        """Scores as the city's own calibration has them."""
        if self.scores:
            stated, right = np.array(self.scores).T
            score = np.interp(score, stated, right)
        return np.minimum(score, SUREST)

    @classmethod
    def from_json(cls, text: str) -> Passport:
        """A city's calibration as `to_json` wrote it; ValueError says in one line what is wrong with it."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("is not JSON") from error
        if not isinstance(found, dict) or not {"factors", "scores"} <= found.keys():
            raise ValueError("is not a calibration: it must have 'factors' and 'scores'")
        factors, scores = found["factors"], found["scores"]
        if not isinstance(factors, dict) or not all(
            name in METHODS and _number(value) and 0 < value <= MOST_FACTOR for name, value in factors.items()
        ):
            raise ValueError(f"factors: must be numbers above 0 and up to {MOST_FACTOR:g} by method")
        if not isinstance(scores, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and all(_number(v) and 0 <= v <= 1 for v in pair)
            for pair in scores
        ):
            raise ValueError("scores: must be pairs of numbers from 0 to 1")
        pairs = tuple((float(stated), float(right)) for stated, right in scores)
        if any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(pairs)):
            raise ValueError("scores: must rise from pair to pair")
        return cls(factors={name: float(value) for name, value in factors.items()}, scores=pairs)

    def to_json(self, about: Mapping[str, Any] | None = None) -> str:
        """Factors and scores as text for `from_json`; `about` stands beside them and is not read back."""
        own = {"factors": dict(self.factors), "scores": [list(pair) for pair in self.scores]}
        return json.dumps({**(about or {}), **own}, ensure_ascii=False, indent=1) + "\n"

    def radius(self, method: NDArray[np.int8], scale_m: Floats) -> Floats:
        """Metres within which the truth lies in 95 of 100 cases."""
        table = np.array([self.radii[name] for name in METHODS])
        factor = np.array([self.factors.get(name, 1.0) for name in METHODS])
        return factor[method] * (table[method, 0] + table[method, 1] * scale_m)


def within(radius_m: Floats) -> Floats:
    """The share of results at the right place that lie within RIGHT_M, given their 95% radius.

    Errors are taken as circular normal: a share of 1 - 0.05 ** (r / radius) ** 2 lies within r.
    """
    found: Floats = 1.0 - 0.05 ** ((RIGHT_M / np.maximum(radius_m, 1.0)) ** 2)
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
