"""Knowing when a source's coordinates are wrong: default points, mistaken coordinates, contradicted addresses.

A default point stands for 'unknown': unrelated requests share it. Nobody lists them by hand; they give themselves away
by what is on them, and a busy place does not look so: a housing block has one address, a crossing's address lies at
the crossing. `PointTally` counts the evidence and can be kept, so that a later run adds its new rows to it.

Charter: pure functions over arrays; they tell and mend, and what is then done with a row is the caller's policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import Floats, from_wgs84, to_wgs84
from geo.geocoding.model import Objects
from geo.points import KnownSentinel

SOURCE_RADIUS_M: Final = 100.0
"""How far a source's own coordinate may lie from the place it means: the middle of a large lot, or of its block."""

FAR_M: Final = 500.0
"""Nearer addresses are no evidence for a default point: campuses and estates have one coordinate for many doors. In a
town of a kilometre's radius three quarters of all addresses are still farther from its middle."""

MIN_ROWS: Final = 20
"""Rows on a point before its addresses are judged; fewer are told one by one, with `contradicts`."""

MIN_ADDRESSES: Final = 8
"""Different addresses that lie elsewhere. One or two may be the geocoder's own mistake, eight on one spot are not."""

MIN_SHARE: Final = 0.6
"""Share of the point's evidence that must speak against it; a real place that also serves as default stays above it."""

MIN_UNADDRESSED: Final = 50
"""Rows without any address on a point before it is compared with the usual."""

TIMES_USUAL: Final = 10
"""Rows without address, as a multiple of the rows at the usual busy point. A city's busiest real point has five times."""

MIN_PART: Final = 0.02
"""… and their part of all rows: the busiest real places of a large city have some 0.3% of its requests."""

BUSY_POINTS: Final = 10
"""The usual busy point: the middle one of so many busiest others. One more default among them does not move it."""

MIN_POINTS: Final = 30
"""Other points that must be known before 'usual' means anything."""

COARSE_POINTS: Final = 10
COARSE_SHARE: Final = 0.5
"""Where more points than this are shared by MIN_ADDRESSES addresses or more, and hold more than this share of the
located rows, the source is coarse as a whole (ZIP middles, a grid): its radius is wrong, not some of its points."""

SENTINEL_RADIUS_M: Final = 2.0
"""Reach of a default point as a sentinel: its own rounding, not its neighbours."""

_UNIT: Final = 1e5
"""Points are the same that agree to 1e-5 degrees, about a metre: coarser than the noise of a projection, finer than two
front doors. A source with fewer decimals is thereby taken at its own precision."""

_KEYS = ["x", "y", "address"]
_COUNTS = ["rows", "placed", "contradicted"]


@dataclass(frozen=True, slots=True)
class DefaultPoint:
    """A point (degrees, EPSG:4326) that stands for 'unknown', and the evidence.

    `rows`: all rows on it; `addresses`: different addresses among them; `contradicted`: rows whose address lies
    elsewhere; `unaddressed`: rows without address; `why`: the evidence in one line.
    """

    lon: float
    lat: float
    rows: int
    addresses: int
    contradicted: int
    unaddressed: int
    why: str

    def sentinel(self) -> KnownSentinel:
        """The same as what `geo.points.believe` takes."""
        return KnownSentinel(lat=self.lat, lon=self.lon, radius_m=SENTINEL_RADIUS_M)


@dataclass(frozen=True)
class PointTally:
    """What is on each point: one line a pair of point and address, sums only, so that tallies can be added up.

    `table`: x, y (units of 1e-5 degrees), address (a hash, 0: none), rows, placed (those whose address was located),
    contradicted (those located elsewhere), ordered by the first three. It does not depend on the order of rows, nor on
    the parts in which they came.
    """

    table: pd.DataFrame

    @classmethod
    def empty(cls) -> PointTally:
        """Nothing counted yet."""
        columns: dict[str, NDArray[np.int64] | NDArray[np.uint64]] = {c: np.empty(0, np.int64) for c in _KEYS + _COUNTS}
        return cls(pd.DataFrame(columns | {"address": np.empty(0, np.uint64)}))

    @classmethod
    def of(
        cls,
        lon: Floats,
        lat: Floats,
        address_key: Objects,
        located_lon: Floats,
        located_lat: Floats,
        located_radius_m: Floats,
        crs: str,
        *,
        source_radius_m: float = SOURCE_RADIUS_M,
        rows: NDArray[np.int64] | None = None,
    ) -> PointTally:
        """Count rows: the source's points, their addresses (text; None, NaN or '' for none) and where those lie.

        Degrees in EPSG:4326, NaN for what is not there (such rows are not counted, or not as placed); `crs` is the
        city's metric CRS. Coordinates that are no degrees are left out; call `mend` before. `rows`: how many rows each
        entry stands for, where equal ones were put together before; one unless told.
        """
        here = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        lon, lat, located_lon, located_lat = lon[here], lat[here], located_lon[here], located_lat[here]
        address = _hashes(address_key[here])
        placed = (address != 0) & np.isfinite(located_lon) & np.isfinite(located_lat)
        apart = _apart_m(lon, lat, located_lon, located_lat, crs)
        radius = np.nan_to_num(located_radius_m[here], nan=SOURCE_RADIUS_M)
        many = np.ones(len(lon), dtype=np.int64) if rows is None else rows[here]
        elsewhere = placed & (apart > np.maximum(radius + source_radius_m, FAR_M))
        counted = {
            "x": np.rint(lon * _UNIT).astype(np.int64),
            "y": np.rint(lat * _UNIT).astype(np.int64),
            "address": address,
            "rows": many,
            "placed": np.where(placed, many, 0),
            "contradicted": np.where(elsewhere, many, 0),
        }
        return cls(_summed(pd.DataFrame(counted)))

    def merge(self, other: PointTally) -> PointTally:
        """Both together. Rows must not be in both: nothing here knows one row from another."""
        return PointTally(_summed(pd.concat([self.table, other.table], ignore_index=True)))

    def detect(self) -> list[DefaultPoint]:
        """The points that stand for 'unknown', most rows first."""
        points = self._points()
        if points.empty:
            return []
        points["by_address"] = _by_address(points)
        points["by_absence"] = _by_absence(points)
        found = points[points["by_address"] | points["by_absence"]].reset_index()
        found = found.sort_values(["rows", "x", "y"], ascending=[False, True, True])
        named = found[
            ["x", "y", "rows", "addresses", "contradicted", "unaddressed", "far_addresses", "placed_addresses"]
        ]
        return [_told(*line) for line in named.to_numpy(dtype=np.int64).tolist()]

    def _points(self) -> pd.DataFrame:
        """One line a point: sums, and how many different addresses are on it, are placed, are mostly elsewhere."""
        pairs = self.table
        named = pairs["address"].to_numpy() != 0
        elsewhere = 2 * pairs["contradicted"] > pairs["placed"]
        wide = pairs.assign(
            unaddressed=np.where(named, 0, pairs["rows"]),
            addresses=named.astype(np.int64),
            placed_addresses=(pairs["placed"] > 0).astype(np.int64),
            far_addresses=elsewhere.astype(np.int64),
        )
        return wide.drop(columns="address").groupby(["x", "y"], sort=True).sum()


def default_points(
    lon: Floats,
    lat: Floats,
    address_key: Objects,
    located_lon: Floats,
    located_lat: Floats,
    located_radius_m: Floats,
    crs: str,
    *,
    before: PointTally | None = None,
    source_radius_m: float = SOURCE_RADIUS_M,
) -> list[DefaultPoint]:
    """The points among these rows (and those counted `before`) that stand for 'unknown'; arguments as in PointTally.of."""
    tally = PointTally.of(
        lon, lat, address_key, located_lon, located_lat, located_radius_m, crs, source_radius_m=source_radius_m
    )
    return (before.merge(tally) if before else tally).detect()


def contradicts(
    lon: Floats,
    lat: Floats,
    radius_m: Floats | float | None,
    located_lon: Floats,
    located_lat: Floats,
    located_radius_m: Floats,
    crs: str,
) -> NDArray[np.bool_]:
    """Whether the source's point and the address's place lie farther apart than both radii together.

    `radius_m` is the source's; None or NaN: SOURCE_RADIUS_M. False where either is missing: nothing contradicts.
    """
    given = np.full(lon.shape, np.nan) if radius_m is None else np.broadcast_to(np.asarray(radius_m), lon.shape)
    reach = np.nan_to_num(given, nan=SOURCE_RADIUS_M) + np.nan_to_num(located_radius_m, nan=SOURCE_RADIUS_M)
    return _apart_m(lon, lat, located_lon, located_lat, crs) > reach


@dataclass(frozen=True)
class MendedPoints:
    """Degrees in EPSG:4326, mended where a note says how ('swapped', 'sign', 'projected', 'scaled'), else as given."""

    lon: Floats
    lat: Floats
    note: Objects


SAME_DEGREES: Final = 1e-4
"""Repairs that agree to about ten metres are one repair (the two kinds of feet differ by 2 in a million)."""


def mend(
    lon: Floats, lat: Floats, bbox: tuple[float, float, float, float], crs_candidates: Sequence[str]
) -> MendedPoints:
    """Undo the usual mistakes where exactly one repair brings a stray point into `bbox` (west, south, east, north).

    Tried are: latitude and longitude swapped (also with a lost sign), a lost sign, degrees times 1e6 or 1e7, and, for
    what cannot be degrees, coordinates in one of `crs_candidates` (the city's metric CRS, its state plane in feet,
    EPSG:3857) in either order. Points inside, 0,0 and missing ones are left alone. CrsError names a bad candidate.
    """
    west, south, east, north = bbox
    out_lon, out_lat = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    note: Objects = np.full(out_lon.shape, None, dtype=object)
    stray = np.isfinite(out_lon) & np.isfinite(out_lat) & ~((out_lon == 0) & (out_lat == 0))
    stray &= ~((out_lon >= west) & (out_lon <= east) & (out_lat >= south) & (out_lat <= north))
    at = np.flatnonzero(stray)
    if at.size == 0:
        return MendedPoints(out_lon, out_lat, note)
    x, y = out_lon[at], out_lat[at]
    chosen_lon, chosen_lat = np.full(len(at), np.nan), np.full(len(at), np.nan)
    how: Objects = np.full(len(at), None, dtype=object)
    unclear = np.zeros(len(at), dtype=bool)
    for name, to_lon, to_lat in _repairs(x, y, crs_candidates):
        fits = (to_lon >= west) & (to_lon <= east) & (to_lat >= south) & (to_lat <= north)
        taken = np.isfinite(chosen_lon)
        agrees = (np.abs(to_lon - chosen_lon) <= SAME_DEGREES) & (np.abs(to_lat - chosen_lat) <= SAME_DEGREES)
        unclear |= fits & taken & ~agrees
        first = fits & ~taken
        chosen_lon[first], chosen_lat[first], how[first] = to_lon[first], to_lat[first], name
    good = np.isfinite(chosen_lon) & ~unclear
    out_lon[at[good]], out_lat[at[good]], note[at[good]] = chosen_lon[good], chosen_lat[good], how[good]
    return MendedPoints(out_lon, out_lat, note)


def _repairs(x: Floats, y: Floats, crs_candidates: Sequence[str]) -> list[tuple[str, Floats, Floats]]:
    """Every way to read x and y as degrees, with its name; NaN where a way does not apply."""
    found = [("swapped", y, x)]
    for a, b in ((-1, 1), (1, -1), (-1, -1)):
        found += [("sign", a * x, b * y), ("swapped", a * y, b * x)]
    found += [("scaled", x / scale, y / scale) for scale in (1e6, 1e7)]
    plane = (np.abs(x) > 180) | (np.abs(y) > 90)
    plane &= ~((np.abs(x) <= 90) & (np.abs(y) <= 180))  # swapped degrees are not metres
    for crs in crs_candidates:
        for east, north in ((x, y), (y, x)):
            lon, lat = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
            lon[plane], lat[plane] = to_wgs84(east[plane], north[plane], crs)
            found.append(("projected", lon, lat))
    return found


def _apart_m(lon: Floats, lat: Floats, other_lon: Floats, other_lat: Floats, crs: str) -> Floats:
    """Metres between points in the plane of `crs`; NaN where one is missing."""
    apart = np.full(lon.shape, np.nan)
    both = np.isfinite(lon) & np.isfinite(lat) & np.isfinite(other_lon) & np.isfinite(other_lat)
    x, y = from_wgs84(lon[both], lat[both], crs)
    other_x, other_y = from_wgs84(other_lon[both], other_lat[both], crs)
    apart[both] = np.hypot(x - other_x, y - other_y)
    return apart


def _hashes(address_key: Objects) -> NDArray[np.uint64]:
    """A number for each address, the same on every machine and day; 0 for none."""
    codes, distinct = pd.factorize(pd.Series(address_key, dtype=object))
    texts = np.array([str(text) for text in distinct], dtype=object)
    hashes = pd.util.hash_array(texts, categorize=False) if len(texts) else np.empty(0, dtype=np.uint64)
    hashes = np.where(texts == "", np.uint64(0), np.maximum(hashes, np.uint64(1)))
    out: NDArray[np.uint64] = np.append(hashes, np.uint64(0)).astype(np.uint64)[codes]  # -1: missing, the last
    return out


def _summed(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.groupby(_KEYS, sort=True, as_index=False)[_COUNTS].sum()


def _by_address(points: pd.DataFrame) -> NDArray[np.bool_]:
    """Points whose addresses, many and different, lie elsewhere."""
    crowded = (points["rows"] >= MIN_ROWS) & (points["placed_addresses"] >= MIN_ADDRESSES)
    part = points.loc[crowded, "placed"].sum() / max(points["placed"].sum(), 1)
    if crowded.sum() > COARSE_POINTS and part > COARSE_SHARE:
        return np.zeros(len(points), dtype=bool)
    yes: NDArray[np.bool_] = (
        crowded
        & (points["far_addresses"] >= MIN_ADDRESSES)
        & (points["contradicted"] >= MIN_SHARE * points["placed"])
        & (points["far_addresses"] >= MIN_SHARE * points["placed_addresses"])
    ).to_numpy()
    return yes


def _by_absence(points: pd.DataFrame) -> NDArray[np.bool_]:
    """Points with far more rows without address than any busy place has rows."""
    rows = points["rows"].to_numpy()
    nothing = points["unaddressed"].to_numpy()
    yes = nothing >= max(MIN_UNADDRESSED, MIN_PART * rows.sum())
    yes &= nothing + points["contradicted"].to_numpy() >= MIN_SHARE * rows
    if len(rows) <= MIN_POINTS:
        return np.zeros(len(rows), dtype=bool)
    busiest = np.sort(rows)[::-1][: BUSY_POINTS + 1]
    for i in np.flatnonzero(yes):
        others = np.delete(busiest, np.flatnonzero(busiest == rows[i])[:1])[:BUSY_POINTS]
        yes[i] = nothing[i] >= TIMES_USUAL * float(np.median(others))
    return yes


def _told(
    x: int, y: int, rows: int, addresses: int, contradicted: int, unaddressed: int, far: int, placed: int
) -> DefaultPoint:
    """A default point with its evidence in one line; `far` of its `placed` addresses lie elsewhere."""
    parts = []
    if far:
        parts.append(f"{far:,} of {placed:,} located addresses lie elsewhere")
    if unaddressed:
        parts.append(f"{unaddressed:,} rows have no address")
    why = f"{rows:,} rows share this point: {'; '.join(parts)}"
    return DefaultPoint(x / _UNIT, y / _UNIT, rows, addresses, contradicted, unaddressed, why)
