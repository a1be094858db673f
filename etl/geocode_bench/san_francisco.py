"""San Francisco: its centerlines as the reference, its requests' own coordinates as the truth.

Charter: reads the shared files; what is true of them and of no other city stands here. The truth is taken as it is but
for 0,0, places outside the city, and several places of one address, of which the middle one counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from etl.geocode_bench import measures
from etl.geocode_bench.baseline import Lookup, key
from etl.geocode_bench.cases import Cases, cases_of, distinct, strict, strict_crossing
from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure
from etl.geocode_bench.typos import Streets, plant
from geo.boundaries import Vintage, assign, read_vintage
from geo.crs import Floats, from_wgs84
from geo.geocoding.model import Reference, Segments
from geo.geocoding.reference import SegmentColumns, segments_of

CRS = "EPSG:26910"
FOLDER = "san_francisco"
_FAR_M = 300.0
"""A truth so far from every part of the street that its address names contradicts the address."""
_NUMBER_M = 200.0
"""Nor does a truth so far from every part of the street that has the number fit it: the city put it down elsewhere."""
_COLUMNS = SegmentColumns(
    name="STREETNAME", left_from="LF_FADD", left_to="LF_TOADD", right_from="RT_FADD", right_to="RT_TOADD",
    left_zip="ZIP_CODE", left_place="NHOOD", from_node="F_NODE_CNN", to_node="T_NODE_CNN",
)  # fmt: skip


@dataclass(frozen=True)
class Neighborhoods:
    """A layer of areas, asked for points in EPSG:4326."""

    vintage: Vintage
    crs: str

    def of(self, lon: Floats, lat: Floats) -> NDArray[np.object_]:
        """The area of each point, None outside all."""
        return assign([self.vintage], lon, lat, np.full(len(lon), "2016-01-01", dtype="datetime64[D]"))

    @cached_property
    def _borders(self) -> STRtree:
        shapes = self.vintage.areas.to_crs(self.crs).geometry.to_numpy()
        return STRtree(shapely.get_parts(shapely.boundary(shapes)))

    def border_m(self, lon: Floats, lat: Floats) -> Floats:
        """Metres from each point to the nearest border."""
        if not len(lon):
            return np.zeros(0)
        points = shapely.points(*from_wgs84(lon, lat, self.crs))
        distance: Floats = self._borders.query_nearest(points, all_matches=False, return_distance=True)[1]
        return distance


def segments(folder: Path) -> Segments:
    """The city's centerlines."""
    return segments_of(gpd.read_file(folder / FOLDER / "street_centerlines.gpkg"), _COLUMNS)


def neighborhoods(folder: Path) -> Neighborhoods:
    """The city's neighborhoods."""
    return Neighborhoods(read_vintage(folder / FOLDER / "neighborhoods.geojson", "neighborhood", area="name"), CRS)


def cases(folder: Path, reference: Segments) -> tuple[Cases, list[Figure]]:
    """Distinct addresses of both samples with their truth, and figures of what was left out or looks wrong."""
    frames = [
        pd.read_csv(folder / FOLDER / name, dtype=str, keep_default_na=False, usecols=["Address", "Point"])
        for name in ("requests_sample.csv", "requests_sample_with_tracts.csv")
    ]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[~rows["Address"].str.strip().isin(["", "NA"])]
    place = rows["Point"].str.extract(r"\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\)").astype(float)
    lat, lon = place[0].to_numpy(), place[1].to_numpy()
    nowhere = ~(np.isfinite(lat) & np.isfinite(lon)) | ((lat == 0) & (lon == 0))
    x, y = from_wgs84(np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat), CRS)
    tree = STRtree(shapely.transform(reference.geometry, _metric))
    away = np.full(len(rows), np.inf)
    near, distance = tree.query_nearest(
        shapely.points(x[~nowhere], y[~nowhere]), all_matches=False, return_distance=True
    )
    away[np.flatnonzero(~nowhere)[near[0]]] = distance
    abroad = ~nowhere & (away > 1000)
    keep = ~nowhere & ~abroad
    text, lon, lat, torn = distinct(rows["Address"][keep].tolist(), lon[keep], lat[keep])
    made = cases_of(text, lon, lat)
    street_away, number_away = _contradicting(made, reference)
    made = replace(made, doubtful=street_away | number_away)
    spots = Counter(zip(made.lon.round(5), made.lat.round(5), strict=True))
    shared = [
        spots[x, y] > 1 for x, y in zip(made.lon[number_away].round(5), made.lat[number_away].round(5), strict=True)
    ]
    said = "San Francisco: the truth itself"
    return made, [
        Figure(said, "requests with an address", len(rows)),
        Figure(said, "  left out: no place or 0,0", int(nowhere.sum())),
        Figure(said, "  left out: over 1 km from every street", int(abroad.sum())),
        Figure(said, "distinct addresses", len(made)),
        Figure(said, "  well-formed", int(made.well_formed.sum())),
        Figure(said, "  intersections", int((made.kind == "intersection").sum())),
        Figure(said, "  with places over 200 m apart (the middle one counts)", torn),
        Figure(said, f"  truth over {_FAR_M:.0f} m from the street it names", int(street_away.sum())),
        Figure(said, f"  truth near it, but over {_NUMBER_M:.0f} m from where the number is", int(number_away.sum())),
        Figure(said, "    of these, on a point that other addresses have as well", sum(shared)),
    ]


def _metric(lonlat: Floats) -> Floats:
    return np.stack(from_wgs84(lonlat[:, 0], lonlat[:, 1], CRS), axis=1)


def _bare(street: str) -> str:
    """A name as requests and centerlines both spell it: '03RD ST' is '3RD ST'."""
    return key(street).removeprefix("0").removeprefix("0")


def _contradicting(made: Cases, reference: Segments) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whose truth is far from all of a street that the address names; and whose is near it, but not where its number is.

    Streets and numbers that the file does not have under that very name say nothing.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(reference.street):
        rows[_bare(str(name))].append(i)
    lines = shapely.transform(reference.geometry, _metric)
    points = shapely.points(*from_wgs84(made.lon, made.lat, CRS))
    sides = ((reference.left_from, reference.left_to), (reference.right_from, reference.right_to))
    low = np.stack([np.minimum(a, b) for a, b in sides])
    high = np.stack([np.maximum(a, b) for a, b in sides])
    street_away, number_away = np.zeros(len(made), dtype=bool), np.zeros(len(made), dtype=bool)
    for i, text in enumerate(made.text):
        parts, pair = strict(text), strict_crossing(text)
        for street in [parts.street()] if parts else list(pair or ()):
            of = rows.get(_bare(street))
            if of and shapely.distance(lines[of], points[i]).min() > _FAR_M:
                street_away[i] = True
        of = rows.get(_bare(parts.street()), []) if parts else []
        if parts and of and not street_away[i]:
            has = ((low[:, of] <= parts.low) & (parts.low <= high[:, of]) & (high[:, of] > 0)).any(axis=0)
            near = lines[np.array(of)[has]]
            number_away[i] = bool(near.size and shapely.distance(near, points[i]).min() > _NUMBER_M)
    return street_away, number_away


def streets_of(reference: Segments) -> Streets:
    """Which numbers the city's streets have."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for start, end in ((reference.left_from, reference.left_to), (reference.right_from, reference.right_to)):
        for street, a, b in zip(reference.street, start.tolist(), end.tolist(), strict=True):
            if a or b:
                found[_bare(str(street))].append((min(a, b), max(a, b)))
    return Streets(found)


class SanFrancisco:
    """The reference, the cases and both ways to find them, each built once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments = segments(folder)
        self.cases, self.truth = cases(folder, self.segments)
        self.ours = Ours(Reference(crs=CRS, segments=self.segments))

    def accuracy(self) -> tuple[list[Figure], measures.Judged]:
        """Every figure of the city's own addresses."""
        mine = measures.judge(self.ours, self.cases)
        rival = measures.judge(Lookup(segments=self.segments), self.cases)
        areas = neighborhoods(self.folder)
        section = "San Francisco: requests against centerlines"
        said = [*self.truth, *measures.passport(section, mine, rival)]
        said += measures.areas(section, mine, areas.of, areas.border_m)
        return said, mine

    def typos(self, each: int, seed: int) -> Iterator[tuple[list[Figure], measures.Judged]]:
        """Planted typos, with city and ZIP behind the street and without; only the first is judged."""
        streets, rival = streets_of(self.segments), Lookup(segments=self.segments, fuzzy=True)
        fair = self.cases.take(~self.cases.doubtful)
        for tail in (True, False):
            planted = plant(fair, streets, seed, each, tail=tail)
            mine = measures.judge(self.ours, planted)
            section = f"San Francisco: one typo each, {'as in the requests' if tail else 'without city and ZIP'}"
            figures = list(measures.typos(section, mine, measures.judge(rival, planted)))
            yield (figures if tail else [replace(f, low=None, high=None) for f in figures]), mine
