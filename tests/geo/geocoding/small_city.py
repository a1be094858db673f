"""A made-up city of a few streets, by hand: points on some, only ranges on others, a name that stands twice."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from geo.boundaries import Vintage
from geo.crs import to_wgs84
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Intersections, Places, Points, Reference, Segments

CRS = "EPSG:26986"
X0, Y0 = 236_000.0, 900_000.0
STEP = 200.0
ACROSS = (
    "MAIN ST",
    "ELM ST",
    "W BROADWAY",
    "GUERRERO ST",
    "MARTIN LUTHER KING JR BLVD",
    "O'FARRELL ST",
    "MCALLISTER ST",
)
"""From south to north, from west to east, in blocks of 100 numbers: even on the right, odd on the left."""
ALONG = ("16TH ST", "17TH ST", "VAN NESS AVE", "GOLDEN GATE AVE", "NORTH POINT ST")
"""From west to east, running north."""
POINTED = ("MAIN ST", "16TH ST", "VAN NESS AVE")
BLOCKS = 4
FAR = 9_000.0
"""How far away the other Elm St is."""
ZIP = "02118"
FAR_ZIP = "02131"


def degrees(x: np.ndarray | float, y: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Metres from the city's corner in degrees."""
    return to_wgs84(np.atleast_1d(np.asarray(x, float)) + X0, np.atleast_1d(np.asarray(y, float)) + Y0, CRS)


def _line(x: float, y: float, dx: float, dy: float) -> shapely.LineString:
    return shapely.LineString(np.column_stack(degrees(np.array([x, x + dx]), np.array([y, y + dy]))))


def reference() -> Reference:
    """Segments, points, crossings and places."""
    rows: list[tuple[str, shapely.LineString, int, int, str, bool]] = []
    homes: list[tuple[str, int, float, float]] = []
    for row, name in enumerate(ACROSS):
        rows += [
            (name, _line(b * STEP, row * STEP, STEP, 0), b * 100 + 2, b * 100 + 99, ZIP, False) for b in range(BLOCKS)
        ]
    for column, name in enumerate(ALONG):
        rows += [
            (name, _line(column * STEP, b * STEP, 0, STEP), b * 100 + 2, b * 100 + 99, ZIP, False)
            for b in range(BLOCKS)
        ]
    rows.append(("ELM ST", _line(FAR, 0, STEP, 0), 2, 99, FAR_ZIP, False))
    rows.append(("QUEENS RD", _line(FAR, STEP, STEP, 0), 120 * 10_000 + 2, 120 * 10_000 + 99, FAR_ZIP, True))
    for name in POINTED:
        for number in (1, 2, 12, 14, 15, 120, 121, 122, 123, 240, 251, 312):
            along, side = number * 2.0, -12.0 if number % 2 == 0 else 12.0
            if name in ACROSS:
                homes.append((name, number, along, ACROSS.index(name) * STEP + side))
            else:
                homes.append((name, number, ALONG.index(name) * STEP - side, along))
    n, m = len(rows), len(homes)
    low = np.array([r[2] for r in rows], dtype=np.int64)
    high = np.array([r[3] for r in rows], dtype=np.int64)
    zips = np.array([r[4] for r in rows], dtype=object)
    blank = np.full(n, "", dtype=object)
    lines = np.empty(n, dtype=object)
    lines[:] = [r[1] for r in rows]
    nodes = np.full(n, -1, dtype=np.int64)
    segments = Segments(
        np.array([r[0] for r in rows], dtype=object), lines, low - 1, high, low, high - 1,
        np.array([r[5] for r in rows]), zips, zips, blank, blank, nodes, nodes,
    )  # fmt: skip
    lon, lat = degrees(np.array([h[2] for h in homes]), np.array([h[3] for h in homes]))
    numbers = np.array([h[1] for h in homes], dtype=np.int64)
    letters = np.where(numbers == 15, "A", "").astype(object)
    points = Points(
        np.array([h[0] for h in homes], dtype=object), numbers, numbers, letters, np.zeros(m, bool),
        np.full(m, ZIP, dtype=object), np.full(m, "South End", dtype=object), lon, lat,
    )  # fmt: skip
    pairs = [(a, b, c * STEP, r * STEP) for r, a in enumerate(ACROSS[:5]) for c, b in enumerate(ALONG)]
    lon, lat = degrees(np.array([p[2] for p in pairs]), np.array([p[3] for p in pairs]))
    crossings = Intersections(
        np.array([p[0] for p in pairs], dtype=object), np.array([p[1] for p in pairs], dtype=object), lon, lat,
        np.full(len(pairs), 4, dtype=np.int64),
    )  # fmt: skip
    lon, lat = degrees(np.array([100.0, 500.0]), np.array([100.0, 700.0]))
    places = Places(np.array(["Golden Bear Park", "JOE MOAKLEY POOL"], dtype=object), lon, lat, np.array([80.0, 30.0]))
    return Reference(CRS, segments, points, places, crossings, {"DIVISION AVE": "GOLDEN GATE AVE"})


def areas() -> list[Vintage]:
    """Two neighborhoods: the west and the east half."""
    shapes = [
        shapely.Polygon(
            np.column_stack(degrees(np.array([x, x + 500, x + 500, x]), np.array([-100.0, -100, 2000, 2000])))
        )
        for x in (-100.0, 400.0)
    ]
    frame = gpd.GeoDataFrame(
        {"area": ["W1", "E1"], "name": ["Westwood", "Eastwood"], "population": [1.0, 1.0]},
        geometry=shapes,
        crs="EPSG:4326",
    )
    return [Vintage("neighborhood", frame)]


def city() -> Geocoder:
    """The geocoder of it all."""
    return Geocoder.build(reference(), areas=areas())
