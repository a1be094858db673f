"""Places told less exactly: the face of a block, or an area, in place of a point.

Charter: points and levels in, generalised points out. Which point needs which level is the
caller's policy. Everything here is a function of the layers and of one point at a time: no
randomness, hence nothing that many releases could average away, and no look at other points,
hence nothing that adding, removing or reordering them could betray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geo.boundaries import Vintage
from geo.crs import Floats, from_wgs84, to_wgs84

EXACT, BLOCK_FACE, AREA, WITHHELD = range(4)
"""Levels, from the most telling to the least."""
PRECISIONS = ("exact", "block_face", "area", "withheld", "none")
"""What became of a point; none: there was no point."""

MIN_MOVE_M = 2.0
"""No published point may lie nearer to the true one than this."""
KEEP_AWAY_M = 7.5
"""Nearer than this a place is not chosen, so that a source that mends its points by up to 5 m never brings one
within MIN_MOVE_M later: the fall of a row between two releases would tell where it is."""
MAX_STREET_M = 150.0
"""A point farther than this from every street is on no block."""
MIN_FACE_M = 30.0
"""A shorter piece of street has room for one house or none: its points go to the nearest longer one."""
SETBACK_M = 8.0
"""How far from the street's line a face's place stands: about where the pavement meets the front gardens."""
ON_LINE_M = 1.0
"""Nearer to the line than this, a side is rounding error: such points count as on the left."""
DECIMALS = 6
_NODE_M = 0.01
_EARTH_M = 6_371_008.8
_CHUNK = 65_536


@dataclass(frozen=True)
class Generalised:
    """What may be told of each point: degrees (EPSG:4326, NaN where nothing), how exact it is, and of what.

    `precision` is one of PRECISIONS; `area` the code of the area (precision area), `street` the name of
    the face's street where the layer has one (precision block_face); both None elsewhere.
    """

    lon: Floats
    lat: Floats
    precision: NDArray[np.object_]
    area: NDArray[np.object_]
    street: NDArray[np.object_]


def metres_between(lon: Floats, lat: Floats, other_lon: Floats, other_lat: Floats) -> Floats:
    """Metres along the sphere between points in degrees (EPSG:4326); NaN where either is missing.

    Source: the haversine formula with the mean radius of the Earth (IUGG).
    """
    a, b = np.radians(lat), np.radians(other_lat)
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(other_lon - lon) / 2) ** 2
    return 2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(h, 0, 1)))


class BlockFaces:
    """The faces of a city's blocks: each side of each piece of street from crossing to crossing.

    `lon`, `lat` (degrees, EPSG:4326) are the places that stand for them: face 2i is the left and 2i + 1 the
    right of piece i. A place is the middle of the piece, moved SETBACK_M to its side; it depends on the
    shape of the streets alone. `street` holds the name of each face's street, None where unknown.
    """

    def __init__(self, streets: gpd.GeoDataFrame, crs: str) -> None:
        """Cut the streets (any CRS; optional column `name`) at their crossings; `crs` is the city's, in metres."""
        self.crs = crs
        names, lines = _lines(streets, crs)
        # Snapping to a centimetre joins ends that miss a crossing by rounding; merging undoes cuts that are none.
        noded = shapely.union_all(lines, grid_size=_NODE_M)
        pieces = shapely.get_parts(shapely.line_merge(noded))
        pieces = pieces[(shapely.get_type_id(pieces) == 1) & (shapely.length(pieces) >= MIN_FACE_M)]
        # One direction and one order, however the layer was digitised and sorted.
        pieces = shapely.normalize(pieces)
        self.pieces = pieces[np.argsort(shapely.to_wkb(pieces, byte_order=1))] if len(pieces) else pieces
        self._tree = STRtree(self.pieces)
        half = shapely.length(self.pieces) / 2
        middle = shapely.line_interpolate_point(self.pieces, half)
        dx, dy = self._direction(np.arange(len(self.pieces)), half)
        side = np.array([1.0, -1.0])
        x = (shapely.get_x(middle)[:, None] - SETBACK_M * dy[:, None] * side).ravel()
        y = (shapely.get_y(middle)[:, None] + SETBACK_M * dx[:, None] * side).ravel()
        lon, lat = to_wgs84(x, y, crs)
        self.lon, self.lat = np.round(lon, DECIMALS), np.round(lat, DECIMALS)
        self.street = np.repeat(_names_at(middle, names, lines), 2)

    def __len__(self) -> int:
        return 2 * len(self.pieces)

    def find(self, lon: Floats, lat: Floats) -> NDArray[np.int64]:
        """The face of each point (degrees, EPSG:4326), -1 beyond MAX_STREET_M of every piece.

        Of pieces equally near the first in their order is taken, so that a point always gets the same face.
        """
        face = np.full(lon.shape, -1, dtype=np.int64)
        if not len(self.pieces):
            return face
        x, y = from_wgs84(lon, lat, self.crs)
        points = shapely.points(x, y)
        piece = np.full(lon.shape, len(self.pieces), dtype=np.int64)
        for start in range(0, len(points), _CHUNK):
            which, found = self._tree.query_nearest(points[start : start + _CHUNK], max_distance=MAX_STREET_M)
            np.minimum.at(piece, which + start, found)
        near = np.flatnonzero(piece < len(self.pieces))
        if near.size == 0:
            return face
        nearest = piece[near]
        along = shapely.line_locate_point(self.pieces[nearest], points[near])
        foot = shapely.line_interpolate_point(self.pieces[nearest], along)
        dx, dy = self._direction(nearest, along)
        to_left = dx * (y[near] - shapely.get_y(foot)) - dy * (x[near] - shapely.get_x(foot))
        face[near] = 2 * nearest + (to_left < -ON_LINE_M)
        return face

    def _direction(self, piece: NDArray[np.int64], along: Floats) -> tuple[Floats, Floats]:
        """Unit vector of travel at a distance along each piece (metres)."""
        lines = self.pieces[piece]
        length = shapely.length(lines)
        before = shapely.line_interpolate_point(lines, np.clip(along - 0.5, 0, length - 1.0))
        after = shapely.line_interpolate_point(lines, np.clip(along + 0.5, 1.0, length))
        dx, dy = shapely.get_x(after) - shapely.get_x(before), shapely.get_y(after) - shapely.get_y(before)
        size = np.hypot(dx, dy)
        size = np.where(size > 0, size, 1.0)
        return dx / size, dy / size


class AreaCentres:
    """One place within each area of a layer, for each of its vintages.

    `lon`, `lat` (degrees, EPSG:4326), `code` and `vintage` (its position in the list given) are parallel arrays;
    a sliver in which no rounded point lies strictly within has NaN and stands for nothing.
    """

    def __init__(self, vintages: Sequence[Vintage]) -> None:
        """Choose the places; they depend on the polygons alone."""
        self.vintages = list(vintages)
        polygons = [v.areas.geometry.to_numpy() for v in self.vintages]
        every = np.concatenate(polygons) if polygons else np.array([], dtype=object)
        centre = shapely.point_on_surface(every)
        lon, lat = np.round(shapely.get_x(centre), DECIMALS), np.round(shapely.get_y(centre), DECIMALS)
        within = shapely.contains_properly(every, shapely.points(lon, lat))
        self.lon, self.lat = np.where(within, lon, np.nan), np.where(within, lat, np.nan)
        codes = [v.areas["area"].to_numpy(dtype=object) for v in self.vintages]
        self.code = np.concatenate(codes) if codes else np.array([], dtype=object)
        self.vintage = np.repeat(np.arange(len(polygons)), [len(p) for p in polygons])
        self._trees = [STRtree(p) for p in polygons]
        self._start = np.concatenate([[0], np.cumsum([len(p) for p in polygons])]).astype(np.int64)

    def find(self, lon: Floats, lat: Floats, days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """The area (position in the arrays) that each point lay in on its day, -1 outside; the last vintage wins.

        On a shared border it is the area whose code sorts first, as in `geo.boundaries.assign`.
        """
        found = np.full(lon.shape, -1, dtype=np.int64)
        for vintage, tree, start in zip(self.vintages, self._trees, self._start, strict=False):
            rows = np.flatnonzero(vintage.in_force(days))
            if rows.size == 0:
                continue
            which, area = tree.query(shapely.points(lon[rows], lat[rows]), predicate="intersects")
            first = np.full(rows.shape, len(vintage.areas), dtype=np.int64)
            np.minimum.at(first, which, area)
            hit = first < len(vintage.areas)
            found[rows[hit]] = start + first[hit]
        return found


def generalise(
    lon: Floats,
    lat: Floats,
    level: NDArray[np.int8],
    *,
    faces: BlockFaces | None = None,
    areas: AreaCentres | None = None,
    days: NDArray[np.datetime64] | None = None,
) -> Generalised:
    """Tell each point (degrees, EPSG:4326) as exactly as its level allows, and no more.

    `level` is EXACT, BLOCK_FACE, AREA or WITHHELD; `days` (datetime64[D], the city's) choose the vintage of
    `areas`. A point without a face falls to its area, one without an area is withheld.

    A place within KEEP_AWAY_M of the true one is not used either: the row falls one level. This is safe in that
    no published point ever stands on a true one. What it leaks: of a row that fell, someone who knows the layers
    learns that it is on no block *or* within 7.5 m of the place of one of its area's faces, and of a withheld row
    of an area-level service that it is in no area or within 7.5 m of one of the layer's centres, without learning
    of which. Places stand off the street's line and before the houses to keep such rows rare.
    """
    out_lon, out_lat = lon.astype(np.float64), lat.astype(np.float64)
    located = np.isfinite(lon) & np.isfinite(lat)
    names = np.array(PRECISIONS, dtype=object)
    precision = names[np.where(located, EXACT, 4)]
    area = np.full(lon.shape, None, dtype=object)
    street = np.full(lon.shape, None, dtype=object)
    out_lon[~located], out_lat[~located] = np.nan, np.nan
    rows = np.flatnonzero(located & (level > EXACT))
    if rows.size == 0:
        return Generalised(out_lon, out_lat, precision, area, street)
    day = np.full(rows.shape, np.datetime64("NaT", "D")) if days is None else days[rows].astype("datetime64[D]")
    era = _eras(areas, day)
    place, _ = pd.factorize(lon[rows] + 1j * lat[rows])
    which, _ = pd.factorize((place * (WITHHELD + 1) + level[rows]) * (era.max() + 1) + era)
    _, first = np.unique(which, return_index=True)
    one = _Unique(lon[rows][first], lat[rows][first], level[rows][first].astype(np.int64), day[first])
    told = one.told(faces, areas)
    out_lon[rows], out_lat[rows] = told.lon[which], told.lat[which]
    precision[rows], area[rows], street[rows] = told.precision[which], told.area[which], told.street[which]
    return Generalised(out_lon, out_lat, precision, area, street)


@dataclass
class _Unique:
    """Distinct points above EXACT, on their way down the levels."""

    lon: Floats
    lat: Floats
    level: NDArray[np.int64]
    day: NDArray[np.datetime64]

    def told(self, faces: BlockFaces | None, areas: AreaCentres | None) -> Generalised:
        """Try each level in turn; what a level cannot place is left to the next."""
        out_lon, out_lat = np.full(self.lon.shape, np.nan), np.full(self.lon.shape, np.nan)
        reached = np.full(self.lon.shape, WITHHELD)
        area, street = (np.full(self.lon.shape, None, dtype=object) for _ in range(2))
        rows = np.flatnonzero(self.level == BLOCK_FACE)
        if faces is not None and rows.size:
            at = faces.find(self.lon[rows], self.lat[rows])
            kept, at = self._far_enough(rows, at, faces.lon, faces.lat)
            out_lon[kept], out_lat[kept] = faces.lon[at], faces.lat[at]
            reached[kept], street[kept] = BLOCK_FACE, faces.street[at]
        rows = np.flatnonzero((self.level <= AREA) & (reached == WITHHELD))
        if areas is not None and rows.size:
            at = areas.find(self.lon[rows], self.lat[rows], self.day[rows])
            kept, at = self._far_enough(rows, at, areas.lon, areas.lat)
            out_lon[kept], out_lat[kept] = areas.lon[at], areas.lat[at]
            reached[kept], area[kept] = AREA, areas.code[at]
        return Generalised(out_lon, out_lat, np.array(PRECISIONS, dtype=object)[reached], area, street)

    def _far_enough(
        self, rows: NDArray[np.int64], at: NDArray[np.int64], lon: Floats, lat: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that have a place, and which, at least KEEP_AWAY_M from where they truly are."""
        rows, at = rows[at >= 0], at[at >= 0]
        # NaN (an area without a centre) compares as not far enough
        far = metres_between(self.lon[rows], self.lat[rows], lon[at], lat[at]) >= KEEP_AWAY_M
        return rows[far], at[far]


def _eras(areas: AreaCentres | None, day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """A number for each set of vintages in force, so that days alike in this share one lookup."""
    era = np.zeros(day.shape, dtype=np.int64)
    for vintage in areas.vintages if areas is not None else ():
        era = 2 * era + vintage.in_force(day)
        _, era = np.unique(era, return_inverse=True)
    return era


def _lines(streets: gpd.GeoDataFrame, crs: str) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Names and single lines (metres) of a street layer, without what is no line."""
    named = "name" in streets.columns
    names = streets["name"].astype(object).where(streets["name"].notna(), None) if named else [None] * len(streets)
    shapes = streets.geometry.to_crs(crs).to_numpy() if len(streets) else np.array([], dtype=object)
    present = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    lines, origin = shapely.get_parts(shapely.force_2d(shapes[present]), return_index=True)
    is_line = np.isin(shapely.get_type_id(lines), (1, 2))
    return np.array(names, dtype=object)[present][origin[is_line]], lines[is_line]


def _names_at(
    middle: NDArray[np.object_], names: NDArray[np.object_], lines: NDArray[np.object_]
) -> NDArray[np.object_]:
    """The name of the original line under each piece's middle; of several the first in the alphabet."""
    found = np.full(len(middle), None, dtype=object)
    named = np.array([bool(name and str(name).strip()) for name in names], dtype=bool)
    if not len(middle) or not named.any():
        return found
    words = np.array([" ".join(str(name).split()) for name in names[named]], dtype=object)
    order, codes = np.unique(words, return_inverse=True)
    which, line = STRtree(lines[named]).query(middle, predicate="dwithin", distance=0.1)
    first = np.full(len(middle), len(order), dtype=np.int64)
    np.minimum.at(first, which, codes[line])
    hit = first < len(order)
    found[hit] = order[first[hit]]
    return found
