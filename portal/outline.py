"""Places that a selection is narrowed to: a circle around a point, or a drawn outline; as text of a URL and as SQL.

Charter: degrees (WGS 84) in, text, conditions and words out. What lies on an outline's very edge is within it or not as
DuckDB's ST_Within says. Sources: the haversine formula on a sphere of the earth's mean radius (R. W. Sinnott, 1984), right
within half a percent; the encoded polyline format with five decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, degrees, isfinite, radians, sin
from typing import Any, Final

from shapely import Polygon
from shapely.geometry.polygon import orient

from portal.errors import BadSelection

EARTH_M: Final = 6_371_008.8
LARGEST_M: Final = 50_000
MOST_CORNERS: Final = 500
_FACTOR: Final = 100_000
_EXAMPLE: Final = "near=42.35,-71.06,300"

Condition = tuple[str, list[Any]]


@dataclass(frozen=True)
class Circle:
    """Within so many whole metres of a point."""

    lat: float
    long: float
    radius_m: int

    @classmethod
    def read(cls, text: str) -> Circle:
        """`latitude,longitude,metres`; BadSelection for what is no such place."""
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 3 or not all(isfinite(number) for number in numbers):
            raise BadSelection("near", text, why=f"it must be latitude, longitude and meters: {_EXAMPLE}")
        lat, long, radius = numbers
        if not (-85 <= lat <= 85 and -180 <= long <= 180 and 1 <= radius <= LARGEST_M):
            raise BadSelection("near", text, why=f"it must be a place on earth and 1 to {LARGEST_M} meters")
        return cls(round(lat, 6), round(long, 6), round(radius))

    def text(self) -> str:
        """As in a URL."""
        return f"{self.lat:.6f},{self.long:.6f},{self.radius_m}"

    def box(self) -> tuple[float, float, float, float]:
        """South, north, west, east of what it may hold, in degrees."""
        high = degrees(self.radius_m / EARTH_M) * 1.001
        wide = degrees(asin(min(sin(radians(high)) / cos(radians(self.lat)), 1.0))) * 1.001
        return self.lat - high, self.lat + high, self.long - wide, self.long + wide

    def where(self) -> Condition:
        """A parameterised SQL condition over `lat` and `long`."""
        metres = (
            f"2 * {EARTH_M} * asin(sqrt(power(sin(radians(lat - ?) / 2), 2) "
            "+ cos(radians(?)) * cos(radians(lat)) * power(sin(radians(long - ?) / 2), 2)))"
        )
        return (
            f"lat BETWEEN ? AND ? AND long BETWEEN ? AND ? AND {metres} <= ?",
            [*self.box(), self.lat, self.lat, self.long, float(self.radius_m)],
        )


@dataclass(frozen=True)
class Outline:
    """A polygon without holes: its corners as (longitude, latitude) in whole hundred-thousandths of a degree."""

    corners: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, text: str) -> Outline:
        """An encoded polyline of latitudes and longitudes; BadSelection for what encloses nothing."""
        corners = _decoded(text)
        if corners and corners[0] == corners[-1]:
            corners = corners[:-1]
        if not 3 <= len(corners) <= MOST_CORNERS:
            raise BadSelection("within", text, why=f"an outline has 3 to {MOST_CORNERS} corners")
        if not all(-180 * _FACTOR <= x <= 180 * _FACTOR and -85 * _FACTOR <= y <= 85 * _FACTOR for x, y in corners):
            raise BadSelection("within", text, why="its corners must be places on earth")
        if not Polygon(corners).is_valid:
            raise BadSelection("within", text, why="the outline crosses itself, or encloses nothing")
        return cls(tuple(corners))

    def text(self) -> str:
        """As in a URL, before it is escaped."""
        out, x, y = [], 0, 0
        for next_x, next_y in self.corners:
            out += [_encoded(next_y - y), _encoded(next_x - x)]
            x, y = next_x, next_y
        return "".join(out)

    @property
    def polygon(self) -> Polygon:
        """In degrees, counter-clockwise."""
        return orient(Polygon([(x / _FACTOR, y / _FACTOR) for x, y in self.corners]))

    def box(self) -> tuple[float, float, float, float]:
        """South, north, west, east, in degrees."""
        west, south, east, north = self.polygon.bounds
        return south, north, west, east

    def where(self) -> Condition:
        """A parameterised SQL condition over `lat` and `long`; a reader's own DuckDB needs its extension spatial."""
        return (
            "lat BETWEEN ? AND ? AND long BETWEEN ? AND ? AND ST_Within(ST_Point(long, lat), ST_GeomFromText(?))",
            [*self.box(), self.polygon.wkt],
        )


def _encoded(number: int) -> str:
    """A signed number as characters of five bits each, the lowest first."""
    rest = ~(number << 1) if number < 0 else number << 1
    out = []
    while rest >= 0x20:
        out.append(chr((0x20 | rest & 0x1F) + 63))
        rest >>= 5
    return "".join([*out, chr(rest + 63)])


def _decoded(text: str) -> list[tuple[int, int]]:
    numbers: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - 63
        if not 0 <= bits < 64 or shift > 30:
            raise BadSelection("within", text[:40], why="it is no encoded polyline")
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits < 0x20:
            numbers.append(~(number >> 1) if number & 1 else number >> 1)
            number = shift = 0
    if shift or len(numbers) % 2:
        raise BadSelection("within", text[:40], why="it is an encoded polyline that breaks off")
    corners, x, y = [], 0, 0
    for dy, dx in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        corners.append((x, y))
    return corners
