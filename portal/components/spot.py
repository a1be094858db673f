"""A place that an address of the portal carries: `at=lat,long,radius`, with `place` as its name.

Charter: read and written in one place, and checked; no look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from portal.errors import BadSelection

LONGEST_NAME = 120
LARGEST_M = 20_000


@dataclass(frozen=True)
class Spot:
    """A point in degrees with its error radius (0: not told) and a name that may be ''."""

    lat: float
    long: float
    radius_m: float = 0.0
    name: str = ""

    @classmethod
    def read(cls, at: str, name: str = "") -> Spot | None:
        """The spot of an address's `at` and `place`; None without one; BadSelection for what is none."""
        if not at:
            return None
        try:
            numbers = [float(part) for part in at.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (2, 3) or len(at) > 60 or not all(isfinite(n) for n in numbers):
            raise BadSelection("at", at, why="it must be latitude, longitude and perhaps meters: 42.35,-71.06,20")
        lat, long, radius = (*numbers, 0.0)[:3]
        if not (-90 <= lat <= 90 and -180 <= long <= 180 and 0 <= radius <= LARGEST_M):
            raise BadSelection(
                "at", at, why=f"it must be a place on earth, with a radius of at most {LARGEST_M} meters"
            )
        return cls(lat, long, radius, " ".join(name.split())[:LONGEST_NAME])

    def query(self) -> dict[str, str]:
        """What an address carries of it."""
        return {"at": f"{self.lat:.6f},{self.long:.6f},{self.radius_m:.0f}"} | (
            {"place": self.name} if self.name else {}
        )
