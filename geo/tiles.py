"""Tile arithmetic: which part of the world a z/x/y tile is (Web Mercator, origin north-west, 2**z tiles a side).

Charter: integers and floats in and out. No SQL, no encoding, no cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

GRID_BITS = 32
"""The integer grid (`gx`, `gy`) is that of zoom 32: 2**32 units a side."""

MAX_ZOOM = 22
TILE_PX = 256
EXTENT = 4096
"""Units of a vector tile's own coordinates, a side."""

HALF_WORLD_M = 6378137.0 * pi
"""Half the width of the world in EPSG:3857, in its metres."""


@dataclass(frozen=True)
class Tile:
    """One tile; ValueError if there is no such tile.

    >>> Tile(0, 0, 0).bounds_3857()[2] == HALF_WORLD_M
    True
    """

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= MAX_ZOOM:
            raise ValueError(f"zoom must be 0 to {MAX_ZOOM}, not {self.z}")
        if not (0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            raise ValueError(f"at zoom {self.z}, x and y must be 0 to {(1 << self.z) - 1}")

    @property
    def shift(self) -> int:
        """Grid bits within the tile: its side is 2**shift grid units."""
        return GRID_BITS - self.z

    def window(self) -> tuple[int, int, int, int]:
        """First and last `gx`, first and last `gy` of the tile, all inclusive."""
        side = 1 << self.shift
        return self.x * side, (self.x + 1) * side - 1, self.y * side, (self.y + 1) * side - 1

    def bounds_3857(self) -> tuple[float, float, float, float]:
        """West, south, east, north in EPSG:3857 metres."""
        side = 2 * HALF_WORLD_M / (1 << self.z)
        west, north = self.x * side - HALF_WORLD_M, HALF_WORLD_M - self.y * side
        return west, north - side, west + side, north

    def pixel_m(self) -> float:
        """Width of one of the tile's 256 pixels in EPSG:3857 metres (on the ground less, by the latitude)."""
        return 2 * HALF_WORLD_M / (1 << self.z) / TILE_PX
