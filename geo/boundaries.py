"""Boundary layers: reading them, and telling which area a point was in on a date.

Charter: polygons and points, in EPSG:4326, with the days on which each
vintage was in force. What a layer means to a city is configuration.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geo.crs import WGS84, Floats
from geo.errors import LayerError


@dataclass(frozen=True)
class Vintage:
    """The areas of one layer while they were in force: [valid_from, valid_to), None = unbounded.

    `areas` has the columns area (text code, unique), name, population (nullable) and a valid
    polygonal geometry in EPSG:4326, ordered by area.
    """

    layer: str
    areas: gpd.GeoDataFrame
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    def copy(self) -> Vintage:
        """The same with shapes of its own: a prepared geometry must not be asked by two threads at once."""
        areas = self.areas.copy()
        areas["geometry"] = shapely.from_wkb(shapely.to_wkb(self.areas.geometry.to_numpy()))
        return Vintage(self.layer, areas.set_crs(WGS84, allow_override=True), self.valid_from, self.valid_to)

    def in_force(self, days: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Which of the days (datetime64[D]) this vintage was in force on."""
        yes = np.ones(days.shape, dtype=bool)
        if self.valid_from:
            yes &= days >= np.datetime64(self.valid_from)
        if self.valid_to:
            yes &= days < np.datetime64(self.valid_to)
        return yes


def read_features(path: Path) -> gpd.GeoDataFrame:
    """Any file that geopandas reads, in EPSG:4326; LayerError says what is wrong with it."""
    try:
        frame = gpd.read_file(path)
    except Exception as error:  # pyogrio raises a dozen types for a bad file
        raise LayerError(f"{path}: cannot be read as a geographic file ({str(error).splitlines()[0]})") from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise LayerError(f"{path}: holds no features")
    if frame.crs is None:
        raise LayerError(f"{path}: has no coordinate reference system; add a .prj or set one")
    return frame.to_crs(WGS84)


def read_vintage(
    path: Path,
    layer: str,
    *,
    area: str,
    name: str | None = None,
    population: str | None = None,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
) -> Vintage:
    """One vintage of a layer; rows with the same code become one multipart area, bad rings are mended.

    `area`, `name` and `population` name columns of the file; a missing one is a LayerError that lists what is there.
    """
    frame = read_features(path)
    for column in (area, name, population):
        if column is not None and column not in frame.columns:
            there = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise LayerError(f"{path}: column '{column}' is missing; the file has {there}")
    geometry = shapely.make_valid(frame.geometry.to_numpy())
    polygonal = np.isin(shapely.get_type_id(geometry), (3, 6))
    mixed = np.flatnonzero(~polygonal)
    for i in mixed:  # make_valid may leave a line beside a polygon; only the polygons are area
        parts = shapely.get_parts(geometry[i])
        geometry[i] = shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])
    tidy = gpd.GeoDataFrame(
        {
            "area": frame[area].astype("string").str.strip(),
            "name": frame[name or area].astype("string").str.strip(),
            "population": (
                pd.to_numeric(frame[population], errors="coerce") if population else np.full(len(frame), np.nan)
            ),
        },
        geometry=geometry,
        crs=WGS84,
    )
    tidy = tidy[tidy["area"].notna() & ~tidy.geometry.is_empty]
    if tidy["area"].duplicated().any():
        tidy = tidy.dissolve(by="area", aggfunc={"name": "first", "population": "sum"}).reset_index()
    tidy = tidy.sort_values("area", ignore_index=True)
    return Vintage(layer, tidy, valid_from, valid_to)


@dataclass(frozen=True)
class Places:
    """Points looked up once for all layers: distinct places, a tree over them, and which place each row has (-1: none)."""

    which: NDArray[np.int64]
    points: NDArray[np.object_]
    tree: STRtree


def places_of(lon: Floats, lat: Floats) -> Places:
    """Distinct places among points in degrees (NaN: no place)."""
    located = np.isfinite(lon) & np.isfinite(lat)
    which = np.full(lon.shape, -1, dtype=np.int64)
    which[located], distinct = pd.factorize(lon[located] + 1j * lat[located])
    points = shapely.points(distinct.real, distinct.imag)
    return Places(which, points, STRtree(points))


def assign(
    vintages: list[Vintage], lon: Floats, lat: Floats, days: NDArray[np.datetime64], places: Places | None = None
) -> NDArray[np.object_]:
    """The code of the area that each point lay in on its day; None outside all areas or without a point.

    `days` is datetime64[D]. A point on a shared border belongs to the area whose code sorts first,
    so that the same point always gets the same answer. `places` of the same points saves looking them up
    again for the next layer.
    """
    out = np.full(lon.shape, None, dtype=object)
    places = places or places_of(lon, lat)
    for vintage in vintages:
        rows = np.flatnonzero((places.which >= 0) & vintage.in_force(days))
        if rows.size == 0:
            continue
        polygons = vintage.areas.geometry.to_numpy()
        shapely.prepare(polygons)
        area_index, point_index = places.tree.query(polygons, predicate="intersects")
        code = np.full(len(places.points), len(polygons), dtype=np.int64)
        np.minimum.at(code, point_index, area_index)
        names = np.array([*vintage.areas["area"], None], dtype=object)
        out[rows] = names[code[places.which[rows]]]
    return out
