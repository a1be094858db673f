"""How sure a result is: its score and its 95% error radius, calibrated by method.

Charter: posteriors and scales of `matching` in, scores and metres out. Figures of the default calibration are those of
`openward bench geocode`; a city that has records with trusted coordinates calibrates for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.crs import Floats
from geo.geocoding.model import METHODS

DEFAULT_RADII: Final[Mapping[str, tuple[float, float]]] = {
    "none": (0.0, 0.0),
    "address_point": (40.0, 1.0),
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


@dataclass(frozen=True)
class Passport:
    """A calibration."""

    radii: Mapping[str, tuple[float, float]] = field(default_factory=lambda: DEFAULT_RADII)
    factors: Mapping[str, float] = field(default_factory=dict)
    """What a city's own calibration multiplies the radius of a method by."""

    def score(self, posterior: Floats, radius_m: Floats) -> Floats:
        """The share right among results like these: the right place at all, and found to within RIGHT_M.

        Errors about the right place are taken as circular normal: a share of 1 - 0.05 ** (r / radius) ** 2 lies within r.
        """
        within = 1.0 - 0.05 ** ((RIGHT_M / np.maximum(radius_m, 1.0)) ** 2)
        return np.minimum(posterior * within, SUREST)

    def radius(self, method: NDArray[np.int8], scale_m: Floats) -> Floats:
        """Metres within which the truth lies in 95 of 100 cases."""
        table = np.array([self.radii[name] for name in METHODS])
        factor = np.array([self.factors.get(name, 1.0) for name in METHODS])
        return factor[method] * (table[method, 0] + table[method, 1] * scale_m)
