"""The lie of the land: coast, harbor, river, pond, and the zones that were laid out together.

Charter: shapes before there were streets, in plan metres (see frame). Nothing is random here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiPoint, Point, Polygon
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]

COAST: Final = (
    (11400, 11000), (11700, 10500), (12300, 9900), (13050, 9300), (13200, 8500), (12600, 7850), (11800, 7450),
    (11250, 7000), (10500, 6750), (9950, 6400), (9650, 5800), (9800, 5250), (10500, 4950), (11200, 5050),
    (11900, 4700), (12700, 4450), (13500, 3800), (13750, 2900), (13200, 2050), (12300, 1700), (11800, 1000),
    (11000, 500), (10300, 350),
)  # fmt: skip
LIMITS: Final = ((7600, 150), (7600, 500), (3900, 300), (500, 900), (250, 3300), (900, 3350), (850, 5200),
                 (150, 6100), (200, 8700), (1700, 8800), (1800, 10300), (4700, 10450), (4900, 10900))  # fmt: skip
RIVER: Final = ((-300, 7800), (900, 7500), (2000, 6900), (3100, 7150), (4000, 7250), (5000, 6750), (5900, 6050),
                (6900, 6050), (7700, 6350), (8600, 6000), (9300, 5750), (10300, 5700))  # fmt: skip
POND: Final = ((3000, 2900), (3300, 3350), (3800, 3300), (4050, 2850), (3900, 2350), (3350, 2250))
CREEK: Final = ((5950, 6100), (5500, 5300), (4700, 4500), (4200, 3700), (3850, 3200))
ISLAND: Final = ((11750, 6150), (12050, 6420), (12500, 6300), (12600, 5980), (12200, 5780), (11850, 5860))


@dataclass(frozen=True)
class Zone:
    """A part of the city laid out at one time: its middle, bearing, block size and manner.

    Lengths in metres; ``turn_deg`` is counter-clockwise from east; ``wiggle_m`` bends the streets;
    ``gaps`` is the share of local segments that were never built; ``frontage_m`` the width of a lot;
    ``people`` per address.
    """

    name: str
    x_m: float
    y_m: float
    turn_deg: float
    short_m: float
    long_m: float
    wiggle_m: float
    gaps: float
    frontage_m: float
    people: float
    along: str
    across: str


ZONES: Final = (
    Zone("Downtown", 8750, 7150, 28, 96, 138, 0, 0.02, 14, 3.4, "civic", "trade"),
    Zone("Old Port", 9050, 4850, -14, 92, 150, 10, 0.05, 13, 3.2, "sea", "trade"),
    Zone("Midtown", 6700, 7900, 0, 104, 212, 0, 0.03, 15, 3.8, "numbered", "trees"),
    Zone("North End", 10300, 8600, 41, 112, 205, 0, 0.04, 15, 3.4, "surnames", "trees"),
    Zone("Northeast", 11600, 9700, 14, 150, 260, 40, 0.10, 21, 2.6, "sea", "surnames"),
    Zone("Northgate", 7500, 10000, -4, 140, 270, 0, 0.07, 19, 2.7, "surnames", "surnames"),
    Zone("Hills", 4200, 9300, 22, 190, 330, 95, 0.16, 24, 2.4, "trees", "hills"),
    Zone("West Bank", 1400, 8100, -15, 200, 330, 60, 0.14, 24, 2.4, "surnames", "hills"),
    Zone("Mills", 6900, 4900, 34, 110, 190, 0, 0.05, 14, 3.3, "trade", "surnames"),
    Zone("Southside", 8600, 2700, -4, 112, 226, 0, 0.03, 15, 3.6, "surnames", "avenues"),
    Zone("South Shore", 11500, 3000, -33, 128, 240, 25, 0.07, 18, 2.7, "sea", "trees"),
    Zone("Southfield", 5900, 1900, 9, 160, 290, 55, 0.12, 21, 2.6, "trees", "surnames"),
    Zone("Pondside", 2700, 3900, 31, 190, 310, 90, 0.15, 24, 2.4, "hills", "trees"),
    Zone("Riverside", 3000, 5700, -9, 145, 270, 20, 0.07, 19, 2.8, "surnames", "surnames"),
    Zone("Far Fields", 1900, 1700, 3, 210, 360, 80, 0.16, 26, 2.3, "hills", "surnames"),
    Zone("Crossing", 5300, 4200, -20, 128, 236, 15, 0.06, 17, 3.0, "trees", "surnames"),
)


@dataclass(frozen=True)
class Terrain:
    """Shapes in plan metres: ``land`` is dry, ``outline`` is the city with its river."""

    outline: Polygon
    land: BaseGeometry
    harbor: BaseGeometry
    river: BaseGeometry
    pond: BaseGeometry
    island: Polygon
    buildable: BaseGeometry
    zones: tuple[BaseGeometry, ...]


def smooth(points: tuple[tuple[float, float], ...], rounds: int = 4, closed: bool = False) -> Floats:
    """Chaikin's corner cutting: a soft curve near ``points`` (k, 2), keeping the ends when open."""
    xy = np.asarray(points, dtype=np.float64)
    for _ in range(rounds):
        ring = np.vstack([xy, xy[:1]]) if closed else xy
        near = ring[:-1] * 0.75 + ring[1:] * 0.25
        far = ring[:-1] * 0.25 + ring[1:] * 0.75
        xy = np.stack([near, far], axis=1).reshape(-1, 2)
        if not closed:
            xy = np.vstack([ring[:1], xy, ring[-1:]])
    return xy


def ragged(xy: Floats, reach_m: float, wave_m: float, phase: float) -> Floats:
    """A shore along ``xy`` with coves: displaced by sums of sines of the distance walked."""
    steps = np.hypot(*np.diff(xy, axis=0).T)
    walked = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(0.0, walked[-1], 25.0)
    x, y = np.interp(at, walked, xy[:, 0]), np.interp(at, walked, xy[:, 1])
    normal = np.stack([-np.gradient(y), np.gradient(x)], axis=1) / 25.0
    shift = reach_m * (
        np.sin(2 * np.pi * at / wave_m + phase + 1.5 * np.sin(at / 3100)) * 0.55
        + np.sin(2 * np.pi * at / (wave_m * 0.41) + 2.1 * phase + 2.2 * np.sin(at / 1300)) * 0.33
        + np.sin(2 * np.pi * at / (wave_m * 0.23) + 3.7 * phase + 2.9 * np.sin(at / 700)) * 0.12
    )
    shift *= np.minimum(1.0, np.minimum(at, at[-1] - at) / 200.0)
    return np.stack([x, y], axis=1) + normal * shift[:, None]


def warp(xy: Floats) -> Floats:
    """Bend the whole plan softly, so that no seam is a ruler's line."""
    x, y = xy[:, 0], xy[:, 1]
    dx = 70 * np.sin(y / 1900 + 0.4) + 45 * np.sin((x + 1.7 * y) / 2700)
    dy = 70 * np.sin(x / 2100 + 1.1) + 45 * np.sin((1.3 * x - y) / 2500 + 0.8)
    return np.stack([x + dx, y + dy], axis=1)


def _tapering(line: Floats, narrow_m: float, wide_m: float) -> BaseGeometry:
    """A river's surface: the line buffered, wider and wider."""
    half = np.linspace(narrow_m, wide_m, len(line) - 1) / 2
    pieces = shapely.buffer([LineString(line[i : i + 2]) for i in range(len(line) - 1)], half)
    return shapely.union_all(pieces).simplify(2.0)


def make_terrain() -> Terrain:
    """The same terrain every time."""
    coast = ragged(smooth(COAST), 130.0, 2100.0, 0.9)
    outline = Polygon(np.vstack([coast, np.asarray(LIMITS, dtype=np.float64)])).buffer(0)
    course = ragged(smooth(RIVER, 3), 60.0, 1700.0, 2.2)
    pond = Polygon(ragged(smooth(POND + POND[:1], 4), 35.0, 900.0, 1.0)).buffer(0)
    river = _tapering(course, 75.0, 230.0)
    creek = _tapering(ragged(smooth(CREEK, 3)[::-1], 50.0, 900.0, 0.3), 18.0, 30.0)
    island = Polygon(smooth(ISLAND, 3, closed=True))
    river = shapely.intersection(shapely.union_all([river, creek]).difference(pond), outline)
    land = shapely.union_all([outline.difference(river).difference(pond), island])
    land = shapely.union_all([part for part in shapely.get_parts(land) if part.area > 50_000])
    sea = shapely.box(5_000, -30_000, 60_000, 42_000).difference(outline)
    sea = max(shapely.get_parts(sea.difference(_inland())), key=lambda part: float(part.area))
    harbor = shapely.difference(sea, island)
    buildable = outline.difference(shapely.union_all([harbor, river, pond]).buffer(55.0))
    seeds = [Point(zone.x_m, zone.y_m) for zone in ZONES]
    frame = shapely.box(-1000, -1000, 15_000, 12_000)
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(seeds), extend_to=frame))
    order = [next(i for i, cell in enumerate(cells) if cell.contains(seed)) for seed in seeds]
    zones = tuple(Polygon(warp(np.asarray(shapely.segmentize(cells[i], 60.0).exterior.coords))) for i in order)
    return Terrain(outline, land, harbor, river, pond, island, buildable, zones)


def _inland() -> Polygon:
    """West of the coast beyond the city limits: not water."""
    shore = ((10_300, 350), (9_000, 3_000), (9_000, 9_000), (11_400, 11_000))
    beyond = ((10_900, 12_500), (11_300, 14_500), (10_400, 17_500), (12_500, 24_000), (11_800, 43_000))
    west = ((4_000, 43_000), (4_000, -31_000), (6_200, -31_000), (7_400, -17_000))
    return Polygon([*shore, *beyond, *west, (9_100, -6_500), (9_700, -4_000), (9_200, -1_800), (9_900, -600)])
