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
    "address_point": (15.0, 1.0),
    "address_range": (20.0, 0.2),
    "between_points": (12.0, 0.5),
    "intersection": (25.0, 0.0),
    "block": (25.0, 1.0),
    "place": (50.0, 1.0),
    "street": (50.0, 1.0),
    "area": (50.0, 1.0),
}
"""Of each method: metres, and metres for each metre of scale (block length, gap between points, reach of a street)."""

RIGHT_M: Final = 200.0
"""A result is right if it lies within so many metres of the truth: about a block."""
VAGUE: Final = tuple(METHODS.index(name) for name in ("street", "place", "area"))


@dataclass(frozen=True)
class Passport:
    """A calibration."""

    radii: Mapping[str, tuple[float, float]] = field(default_factory=lambda: DEFAULT_RADII)

    def score(self, method: NDArray[np.int8], posterior: Floats, scale_m: Floats) -> Floats:
        """The share right among results like these: within RIGHT_M of the truth."""
        vague = np.isin(method, VAGUE)
        return np.where(vague, posterior * np.clip(RIGHT_M / np.maximum(scale_m, RIGHT_M), 0.0, 0.85), posterior)

    def radius(self, method: NDArray[np.int8], scale_m: Floats) -> Floats:
        """Metres within which the truth lies in 95 of 100 cases."""
        table = np.array([self.radii[name] for name in METHODS])
        return table[method, 0] + table[method, 1] * scale_m
