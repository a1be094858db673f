"""How sure it is that a point lies in the area that it was assigned to, given its error radius.

The model: the true place is the stated point plus an error that is normal, the same in all directions, and within
`radius_m` in 95 of 100 cases (a standard deviation of radius_m / 2.4477 along each axis). Nothing is assumed about
where requests are more likely; where much more happens on one side of a border than on the other, or nothing can (a
harbour), the truth leans to the busy side by more than is stated here.

The probability of an area is the model's mass inside its polygon. By Green's theorem that is a sum over the polygon's
edges: with the point as origin, distances in standard deviations and r the distance to an edge, each edge adds the
integral of (1 - exp(-r²/2)) dθ / 2π. The angles add up to 1 inside and 0 outside, so only edges near the point matter,
and a point far from every border is settled without any sum.

Charter: points, radii and boundary layers in, probabilities and bands of totals out; no drawing, no policy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geo.boundaries import Vintage, assign
from geo.crs import Floats, from_wgs84
from geo.geocoding.model import Ints, Objects

SIGMAS_IN_RADIUS: Final = 2.447746830681
"""The 95% radius of a circular normal in standard deviations: the square root of -2 ln 0.05."""

SURE: Final = 0.995
"""From here on an assignment counts as certain, and no other areas are told. Totals lose the little that such rows may
be elsewhere: in the simulations one in ten thousand of them."""

LEAST: Final = 0.005
"""Areas less probable than this are not told."""

REACH: Final = 3.3
"""Standard deviations within which borders matter: the mass beyond is 0.0043, less than LEAST."""

FINENESS: Final = 0.01
"""Borders are thinned by this many standard deviations at most: a coast of a thousand bends is a line to a wide error."""

NUDGE: Final = (1.1e-4, 0.7e-4)
"""Standard deviations by which points are moved: one exactly on a corner sees no angle there. Costs 0.00005."""

PAIRS: Final = 1_000_000
"""Pairs of a point and an edge near it that are held in memory together."""

EXACT_PLACES: Final = 2000
EXACT_STEPS: Final = 200_000_000
"""Above this work (probabilities times rows) the exact distribution is not worth its time."""

Z95: Final = 1.959963984540054

OVERLAP: Final = 1e-4
"""Neighbours that share less than this part of the smaller one overlap by sloppy drawing, which needs no cut."""

_SHORT: Final = 1.0
_FEW_NODES = np.polynomial.legendre.leggauss(3)
_MANY_NODES = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Certainty:
    """What `certainty` tells: one entry a row in the first three, one entry an uncertain row and area in the others.

    `assigned`: the area's code, None outside all areas or without a point. `probability`: of that assignment, NaN
    without a point or radius. `place`: rows with the same number have the same point, radius and vintage, so they are
    right or wrong together; -1: none. `row`, `area`, `area_probability`: for rows whose probability is below SURE,
    every area with at least LEAST, None for outside of all areas, most probable first.
    """

    assigned: Objects
    probability: Floats
    place: Ints
    row: Ints
    area: Objects
    area_probability: Floats

    def band(self, area: str | None) -> LocationBand:
        """How many rows are in an area, given what is uncertain; rows without a probability count as assigned."""
        mine = np.array([code == area for code in self.assigned], dtype=bool)
        sure = ~(self.probability < SURE)
        if area is None:
            sure &= self.place >= 0
            mine &= self.place >= 0
        chosen = np.array([code == area for code in self.area], dtype=bool)
        places, first, rows = np.unique(self.place[self.row[chosen]], return_index=True, return_counts=True)
        return expected_total(
            self.area_probability[chosen][first] if len(places) else np.empty(0),
            certain=int((mine & sure).sum()),
            assigned=int(mine.sum()),
            rows=rows,
        )


@dataclass(frozen=True)
class LocationBand:
    """A total as assigned, as expected, and the band that holds the true total with 95%."""

    assigned: int
    expected: float
    low: int
    high: int


def certainty(
    vintages: Sequence[Vintage],
    lon: Floats,
    lat: Floats,
    radius_m: Floats,
    days: NDArray[np.datetime64],
    crs: str,
) -> Certainty:
    """The probability of each row's assignment to the areas of one layer, and where else uncertain rows may be.

    Degrees in EPSG:4326 (NaN: no point); `radius_m` is the 95% error radius (0: exact; NaN, infinite or negative: not
    known); `days` is datetime64[D]; `crs` is the city's metric CRS. A day on which no vintage is in force is in no
    area for certain. Where areas overlap, the code that sorts first has the place, as in `geo.boundaries.assign`.
    """
    in_force = np.full(lon.shape, -1, dtype=np.int64)
    for i, vintage in enumerate(vintages):
        in_force[vintage.in_force(days)] = i
    radius = np.where(np.isfinite(radius_m) & (radius_m >= 0), radius_m, np.nan)
    place, first = _distinct(lon, lat, radius, in_force)
    lon, lat, sigma, in_force = lon[first], lat[first], radius[first] / SIGMAS_IN_RADIUS, in_force[first]
    code: Objects = np.full(len(first), None, dtype=object)
    probability = np.where(np.isnan(sigma), np.nan, 1.0)
    tables = []
    known: list[str | None] = [None]
    for i, vintage in enumerate(vintages):
        of = np.flatnonzero(in_force == i)
        if of.size == 0:
            continue
        always = dataclasses.replace(vintage, valid_from=None, valid_to=None)
        code[of] = assign([always], lon[of], lat[of], np.zeros(len(of), dtype="datetime64[D]"))
        names: list[str | None] = [*vintage.areas["area"], None]
        number = {name: n for n, name in enumerate(names)}
        own = np.full(len(first), -1, dtype=np.int64)
        own[of] = [number[name] for name in code[of]]
        spread = of[sigma[of] > 0]
        at, area, chance = _near_borders(vintage.areas, lon[spread], lat[spread], sigma[spread], crs)
        at = spread[at]
        probability[at] = 0.0
        hit = area == own[at]
        probability[at[hit]] = chance[hit]
        told = (probability[at] < SURE) & (chance >= LEAST)
        tables.append(pd.DataFrame({"place": at[told], "area": area[told] + len(known), "chance": chance[told]}))
        known += names
    return _by_row(place, code, probability, tables, known)


def expected_total(
    probabilities: Floats, *, certain: int = 0, assigned: int | None = None, rows: Ints | None = None
) -> LocationBand:
    """An area's total from the rows certainly in it and the probabilities of the uncertain ones.

    `rows`: how many rows share each probability's fate, since rows at one place are right or wrong together (1 each
    unless told). `assigned`: the total as drawn; unless told, certain rows and those more likely in than not. The band
    is exact for up to 2,000 probabilities (the weighted sum's distribution, built up one by one) and normal with a
    continuity correction beyond.
    """
    p = np.clip(np.asarray(probabilities, dtype=np.float64), 0.0, 1.0)
    weight = np.ones(len(p), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    if assigned is None:
        assigned = certain + int(weight[p >= 0.5].sum())
    expected = float(p @ weight)
    most = int(weight.sum())
    if len(p) <= EXACT_PLACES and len(p) * most <= EXACT_STEPS:
        cumulative = np.cumsum(_distribution(p, weight))
        low, high = (int(np.searchsorted(cumulative, q * cumulative[-1])) for q in (0.025, 0.975))
    else:
        sd = float(np.sqrt((p * (1 - p)) @ weight.astype(np.float64) ** 2))
        low, high = (int(np.ceil(expected + side * Z95 * sd - 0.5)) for side in (-1, 1))
    return LocationBand(assigned, certain + expected, certain + max(low, 0), certain + min(high, most))


def _distribution(p: Floats, weight: Ints) -> Floats:
    """The probabilities of each total 0 … sum(weight) of independent weighted yes-or-no draws."""
    out = np.zeros(int(weight.sum()) + 1)
    out[0] = 1.0
    top = 0
    for chance, step in zip(p.tolist(), weight.tolist(), strict=True):
        before = out[: top + 1].copy()
        out[: top + 1] *= 1 - chance
        out[step : step + top + 1] += chance * before
        top += step
    return out


def _distinct(lon: Floats, lat: Floats, radius: Floats, in_force: Ints) -> tuple[Ints, Ints]:
    """For each row the number of its point, radius and vintage (-1: no point), and for each number one of its rows."""
    located = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    point, _ = pd.factorize(lon[located] + 1j * lat[located])
    size, radii = pd.factorize(radius[located])  # NaN becomes -1, one more kind
    kind = (size + 1) * (int(in_force.max(initial=0)) + 2) + in_force[located] + 1
    kinds = (len(radii) + 1) * (int(in_force.max(initial=0)) + 2)
    number, distinct = pd.factorize(point.astype(np.int64) * kinds + kind)
    place = np.full(lon.shape, -1, dtype=np.int64)
    place[located] = number
    first = np.empty(len(distinct), dtype=np.int64)
    first[number[::-1]] = located[::-1]
    return place, first


def _by_row(
    place: Ints, code: Objects, probability: Floats, tables: list[pd.DataFrame], known: list[str | None]
) -> Certainty:
    """From distinct places to rows; the tables' areas are positions in `known`."""
    none = pd.DataFrame({"place": np.empty(0, np.int64), "area": np.empty(0, np.int64), "chance": np.empty(0)})
    table = pd.concat([none, *tables], ignore_index=True)
    table = table.sort_values(["place", "chance"], ascending=[True, False], kind="stable")
    lines = np.bincount(table["place"].to_numpy(), minlength=len(code))
    start = np.cumsum(lines) - lines
    has = np.flatnonzero(place >= 0)
    many = lines[place[has]]
    row = np.repeat(has, many)
    step = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    line = np.repeat(start[place[has]], many) + step
    return Certainty(
        assigned=np.array([*code, None], dtype=object)[place],
        probability=np.append(probability, np.nan)[place],
        place=place,
        row=row,
        area=np.array(known, dtype=object)[table["area"].to_numpy()[line]],
        area_probability=table["chance"].to_numpy()[line],
    )


# --- geometry --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edges:
    """Edges of polygons with the inside on their left: from a to b, and the polygon's position."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    polygon: Ints


def _near_borders(
    areas: gpd.GeoDataFrame, lon: Floats, lat: Floats, sigma: Floats, crs: str
) -> tuple[Ints, Ints, Floats]:
    """Points near a border, the areas there (their number: outside of all), and the probability of each.

    Points without a border within REACH are not in the result: they are where they are.
    """
    polygons = _metric(areas.geometry.to_numpy(), crs)
    x, y = from_wgs84(lon, lat, crs)
    x, y = x + NUDGE[0] * sigma, y + NUDGE[1] * sigma
    level = np.floor(np.log2(np.maximum(sigma, 1e-3))).astype(np.int64)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for step in np.unique(level):
        thinned = shapely.simplify(polygons, FINENESS * 2.0**step)
        edges = _edges(thinned)
        tree = STRtree(shapely.box(*_envelopes(edges)))
        shapely.prepare(thinned)
        of = np.flatnonzero(level == step)
        sample = of[:: max(len(of) // 64, 1)]
        pairs = len(tree.query(_squares(x[sample], y[sample], sigma[sample]))[0]) / len(sample)
        chunk = int(np.clip(PAIRS / max(pairs, 1.0), 64, 65536))
        for start in range(0, len(of), chunk):
            some = of[start : start + chunk]
            at, area, chance = _mass(thinned, edges, tree, x[some], y[some], sigma[some])
            found.append((some[at], area, chance))
    at, area, chance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    inside = np.bincount(at, chance, minlength=len(lon))
    near = np.unique(at)
    chance = chance / np.maximum(inside, 1.0)[at]  # thinned neighbours may overlap by a hair
    outside = np.maximum(1.0 - inside[near], 0.0)
    return (
        np.concatenate([at, near]),
        np.concatenate([area, np.full(len(near), len(polygons), dtype=np.int64)]),
        np.concatenate([chance, outside]),
    )


def _mass(
    polygons: NDArray[np.object_], edges: _Edges, tree: STRtree, x: Floats, y: Floats, sigma: Floats
) -> tuple[Ints, Ints, Floats]:
    """For points near borders: point, polygon, and the model's mass inside it."""
    point, edge = tree.query(_squares(x, y, sigma))
    turn = _edge_share(
        (edges.ax[edge] - x[point]) / sigma[point],
        (edges.ay[edge] - y[point]) / sigma[point],
        (edges.bx[edge] - x[point]) / sigma[point],
        (edges.by[edge] - y[point]) / sigma[point],
    )
    matters = np.isfinite(turn)
    key = point[matters] * len(polygons) + edges.polygon[edge[matters]]
    number, distinct = pd.factorize(key)
    missing = np.bincount(number, turn[matters], minlength=len(distinct))
    near = np.unique(point[matters])
    inside_at, inside_of = STRtree(shapely.points(x[near], y[near])).query(polygons, predicate="intersects")[::-1]
    within = pd.Series(1.0, index=near[inside_at] * len(polygons) + inside_of)
    within = within[~within.index.duplicated()]
    mass = within.add(pd.Series(-missing, index=distinct), fill_value=0.0)
    chance = mass.to_numpy()
    chance = chance - np.round(chance - 0.5) * ((chance < -0.25) | (chance > 1.25))  # a point on the very border
    keys = mass.index.to_numpy(dtype=np.int64)
    return keys // len(polygons), keys % len(polygons), np.clip(chance, 0.0, 1.0)


def _squares(x: Floats, y: Floats, sigma: Floats) -> NDArray[np.object_]:
    """What REACH takes in around points."""
    reach = REACH * sigma
    squares: NDArray[np.object_] = shapely.box(x - reach, y - reach, x + reach, y + reach)
    return squares


def _edge_share(ax: Floats, ay: Floats, bx: Floats, by: Floats) -> Floats:
    """The integral of exp(-r²/2) dθ / 2π along each edge's part within REACH of the origin; NaN where it has none.

    The edge is h to the left of the origin's foot on it and runs over [t0, t1]: exp(-s/2) = 1 - s g(s) with the smooth
    g(s) = (1 - exp(-s/2)) / s, so the integral is the angle itself less h times the integral of g(h² + t²) dt, which a
    few nodes get right even where the origin is on the edge.
    """
    dx, dy = bx - ax, by - ay
    length = np.hypot(dx, dy)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = (ax * dy - ay * dx) / length
        along = (ax * dx + ay * dy) / length
    half = np.sqrt(np.maximum(REACH**2 - h**2, 0.0))
    t0, t1 = np.maximum(along, -half), np.minimum(along + length, half)
    share = np.full(len(ax), np.nan)
    there = np.flatnonzero(t1 > t0)
    h, t0, t1 = h[there], t0[there], t1[there]
    angle = np.arctan2(h * (t1 - t0), h * h + t0 * t1)
    smooth = np.empty(len(there))
    long = t1 - t0 > _SHORT
    for which, (nodes, weights) in ((~long, _FEW_NODES), (long, _MANY_NODES)):
        middle, width = (t0[which] + t1[which]) / 2, (t1[which] - t0[which]) / 2
        total = np.zeros(len(middle))
        for node, weight in zip(nodes, weights, strict=True):
            s = np.maximum(h[which] ** 2 + (middle + node * width) ** 2, 1e-12)
            total += weight * -np.expm1(-s / 2) / s
        smooth[which] = total * width
    share[there] = (angle - h * smooth) / (2 * np.pi)
    return share


def _metric(polygons: NDArray[np.object_], crs: str) -> NDArray[np.object_]:
    """Polygons in metres, each less those before it that it overlaps: the code that sorts first has the place."""

    def project(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], crs))

    out: NDArray[np.object_] = np.array(shapely.transform(polygons, project), dtype=object)
    first, second = STRtree(out).query(out, predicate="intersects")
    pairs = (first < second) & ~shapely.touches(out[first], out[second])
    for i, j in zip(first[pairs], second[pairs], strict=True):
        common = shapely.area(shapely.intersection(out[i], out[j]))
        if common > OVERLAP * min(shapely.area(out[i]), shapely.area(out[j])):
            out[j] = shapely.difference(out[j], out[i])
    return out


def _edges(polygons: NDArray[np.object_]) -> _Edges:
    """All edges of polygons (multipart or not), exterior rings counter-clockwise and holes clockwise."""
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    keep = np.isin(shapely.get_type_id(parts), (3, 6)) & ~shapely.is_empty(parts)
    parts, of_part = parts[keep], of_part[keep]
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    exterior = np.append(True, of_ring[1:] != of_ring[:-1])[: len(rings)]
    turned = shapely.is_ccw(rings) != exterior
    rings[turned] = shapely.reverse(rings[turned])
    xy, of_point = shapely.get_coordinates(rings, return_index=True)
    same = np.flatnonzero((of_point[1:] == of_point[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    return _Edges(
        xy[same, 0], xy[same, 1], xy[same + 1, 0], xy[same + 1, 1], of_part[of_ring[of_point[same]]].astype(np.int64)
    )


def _envelopes(edges: _Edges) -> tuple[Floats, Floats, Floats, Floats]:
    return (
        np.minimum(edges.ax, edges.bx),
        np.minimum(edges.ay, edges.by),
        np.maximum(edges.ax, edges.bx),
        np.maximum(edges.ay, edges.by),
    )
