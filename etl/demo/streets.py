"""The street network: lines laid out by zone, joined into one planar graph of named segments.

Charter: geometry and names of segments. House numbers are given in addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from etl.demo.names import Namer, ordinal
from etl.demo.terrain import ZONES, Terrain, smooth, warp

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SNAP_M: Final = 0.01
BASELINE_X_M: Final = 6_900.0
"""Numbered streets are East or West of this line (Founders Blvd)."""

AVENUES: Final = (
    ("Alder Ave", 1, ((9750, 6450), (8000, 7900), (5600, 9000), (2100, 10400))),
    ("Avenue of the Mariners", 1, ((8200, 6300), (9300, 6750), (10300, 7400), (11300, 8500), (12300, 10000))),
    ("Founders Blvd", 1, ((6800, 11000), (6900, 9000), (6900, 7000), (6950, 5700), (6700, 4300), (6900, 2000),
                          (6800, 200))),
    ("Old Mill Rd", 1, ((9500, 5100), (7600, 4500), (5900, 3700), (4900, 2300), (2500, 1500), (300, 1200))),
    ("Post Rd", 1, ((100, 5350), (2000, 5000), (4200, 5300), (6900, 4750), (8800, 4300), (10200, 3600), (13700, 2900))),
    ("Grand St", 1, ((8100, 10900), (8050, 9200), (8500, 7600), (8650, 5900), (8500, 4600), (9000, 2400), (9300, 300))),
    ("Ridge Pkwy", 1, ((3700, 10400), (4000, 8700), (3700, 7100), (3400, 5900), (2300, 4000), (2300, 2600), (2700, 400))),
    ("Cannery Rd", 2, ((5300, 10900), (5500, 8200), (5300, 6600), (5050, 4900), (5700, 2900), (5500, 400))),
    ("Turnpike St", 2, ((200, 8300), (2400, 8000), (5000, 7700), (7700, 7300), (9900, 8200), (10600, 10900))),
    ("Southern Pkwy", 2, ((900, 3900), (2700, 3700), (4600, 3100), (7000, 3300), (10000, 2900), (11600, 1700))),
)  # fmt: skip
"""Arterials: name, rank, and the points that they pass near, plan metres."""


@dataclass(frozen=True)
class Line:
    """A street as drawn, before it is cut at crossings. ``zone`` is -1 for those that cross zones."""

    name: str
    rank: int
    zone: int
    geometry: BaseGeometry


@dataclass(frozen=True)
class Network:
    """Noded segments: ``geometry[i]`` belongs to ``lines[parent[i]]`` and is called ``name[i]``."""

    lines: tuple[Line, ...]
    geometry: npt.NDArray[np.object_]
    parent: Ints
    name: npt.NDArray[np.object_]
    rank: Ints
    fences: npt.NDArray[np.object_]
    """Edges of the land itself (shore and city limit), noded with the segments."""

    def keep(self, mask: npt.NDArray[np.bool_]) -> Network:
        """Only the segments of ``mask``."""
        return Network(
            self.lines, self.geometry[mask], self.parent[mask], self.name[mask], self.rank[mask], self.fences
        )


def _grid(zone_index: int, terrain: Terrain, namer: Namer) -> list[Line]:
    """Two families of parallel lines over one zone, clipped to it."""
    zone = ZONES[zone_index]
    shape = shapely.intersection(terrain.zones[zone_index], terrain.buildable)
    turn = np.radians(zone.turn_deg)
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    lines: list[Line] = []
    for family, (step, one, other) in enumerate(
        [(zone.short_m * 1.27, along, across), (zone.long_m * 1.3, across, along)]
    ):
        pool = zone.along if family == 0 else zone.across
        count = int(2_800 // step)
        built = 0
        for k in range(-count, count + 1):
            t = np.arange(-3_000.0, 3_001.0, 50.0)
            sway = zone.wiggle_m * np.sin(t / 420.0 + 0.45 * k + zone_index) + 0.6 * zone.wiggle_m * np.sin(
                t / 900.0 + k
            )
            xy = np.array([zone.x_m, zone.y_m]) + t[:, None] * one + (k * step + sway)[:, None] * other
            clipped = shapely.intersection(LineString(warp(xy)), shape)
            pieces = [part for part in shapely.get_parts(clipped) if part.length > 70.0]
            if not pieces:
                continue
            rank = 3 if k % (5 if family == 0 else 4) == 0 else 4
            built += 1
            name = _grid_name(pool, built, namer)
            lines.append(Line(name, rank, zone_index, shapely.union_all(pieces)))
    return lines


def _grid_name(pool: str, built: int, namer: Namer) -> str:
    if pool == "numbered":
        return f"{ordinal(built)} St"
    if pool == "avenues":
        return f"{ordinal(built)} Ave"
    return namer.draw(pool)


def _seams(terrain: Terrain, namer: Namer) -> list[Line]:
    """The edges between zones, as parkways."""
    lines = []
    open_land = terrain.buildable
    for i in range(len(ZONES)):
        for j in range(i + 1, len(ZONES)):
            shared = shapely.intersection(terrain.zones[i].buffer(1.0).boundary, terrain.zones[j])
            shared = shapely.intersection(shared, open_land)
            if shared.length > 200.0:
                base = namer.draw("surnames").rsplit(" ", 1)[0]
                name = next(n for n in (f"{base} Pkwy", f"{base} Blvd", f"{base} Turnpike") if namer.take(n))
                lines.append(Line(name, 2, -1, shapely.line_merge(shared)))
    return lines


def _shores(terrain: Terrain) -> list[Line]:
    """Drives along the water, one name each side."""
    lines = []
    plan = shapely.box(-1000, -1000, 16_000, 12_000)
    for part in shapely.get_parts(terrain.buildable):
        shore = shapely.difference(part.boundary, terrain.outline.boundary.buffer(1.0))
        for name, box in (
            ("North Bank Rd", shapely.box(0, 6_000, 9_450, 9_000)),
            ("Pond Cir", shapely.box(2_700, 2_000, 4_300, 3_650)),
            ("South Bank Rd", shapely.box(0, 3_650, 9_450, 8_000)),
            ("Shore Rd", shapely.box(10_750, 6_000, 16_000, 12_000)),
            ("Harbor Dr", shapely.box(9_000, 4_600, 12_000, 7_600)),
            ("Ocean Ave", plan),
        ):
            piece = shapely.intersection(shore, box)
            shore = shapely.difference(shore, box)
            if piece.length > 60.0:
                merged = shapely.line_merge(piece) if piece.geom_type == "MultiLineString" else piece
                lines.append(Line(name, 2, -1, merged.simplify(3.0)))
    return lines


def lay_out(terrain: Terrain, rng: np.random.Generator) -> Network:
    """Draw every street, cut all of them at their crossings, and thin what no city would build."""
    namer = Namer(rng)
    lines: list[Line] = []
    dry = shapely.union_all([terrain.buildable, terrain.river.buffer(90.0)])
    dry = shapely.intersection(dry, terrain.outline).difference(terrain.pond.buffer(54.0))
    dry = dry.difference(terrain.harbor.buffer(54.0))
    for name, rank, points in AVENUES:
        namer.take(name)
        lines.append(Line(name, rank, -1, shapely.intersection(LineString(smooth(points, 3)), dry)))
    for line in _shores(terrain):
        namer.take(line.name)
        lines.append(line)
    lines += _seams(terrain, namer)
    arterials = shapely.union_all([line.geometry for line in lines])
    for zone_index in range(len(ZONES)):
        lines += _grid(zone_index, terrain, namer)
    network = _node(lines, terrain)
    network = network.keep(~_hugging(network, arterials))
    network = network.keep(~_never_built(network, rng))
    return _with_directions(network.keep(~_stubs(network)))


def _node(lines: list[Line], terrain: Terrain) -> Network:
    fence = shapely.union_all([terrain.land.boundary, _strip_cuts(terrain)])
    geometry = [*(line.geometry for line in lines), fence]
    noded = shapely.get_parts(shapely.union_all(geometry, grid_size=SNAP_M))
    middle = shapely.line_interpolate_point(noded, 0.5, normalized=True)
    at_fence = shapely.dwithin(middle, fence, 0.05)
    noded, fences, middle = noded[~at_fence], noded[at_fence], middle[~at_fence]
    piece, line_index = shapely.STRtree(geometry[:-1]).query(middle, predicate="dwithin", distance=0.05)
    parent = np.full(len(noded), len(lines), dtype=np.int64)
    np.minimum.at(parent, piece, line_index)
    known = parent < len(lines)
    parent = parent[known]
    name = np.array([lines[i].name for i in parent], dtype=object)
    rank = np.array([lines[i].rank for i in parent], dtype=np.int64)
    return Network(tuple(lines), noded[known], parent, name, rank, fences)


def _strip_cuts(terrain: Terrain) -> BaseGeometry:
    """Lines every 600 m across the strip between the drives and the water, so that it is no single block."""
    strip = shapely.difference(terrain.land, shapely.union_all([terrain.buildable, terrain.island]))
    cuts = [LineString([(x, -500), (x, 12_000)]) for x in range(0, 15_000, 600)]
    cuts += [LineString([(-500, y), (15_000, y)]) for y in range(0, 12_000, 600)]
    parts = shapely.get_parts(shapely.intersection(shapely.union_all(cuts), strip))
    return shapely.union_all(parts[shapely.get_type_id(parts) == 1])


def ends(geometry: npt.NDArray[np.object_]) -> tuple[Floats, Floats]:
    """First and last points of lines, (n, 2) each, metres."""
    first = shapely.get_coordinates(shapely.get_point(geometry, 0))
    last = shapely.get_coordinates(shapely.get_point(geometry, -1))
    return first, last


def node_ids(geometry: npt.NDArray[np.object_]) -> Ints:
    """For each line the numbers of its two end nodes, (n, 2)."""
    first, last = ends(geometry)
    keys = np.round(np.vstack([first, last]) / SNAP_M).astype(np.int64)
    _, ids = np.unique(keys, axis=0, return_inverse=True)
    return ids.reshape(2, -1).T.astype(np.int64)


def _bearing(first: Floats, last: Floats) -> Floats:
    step = last - first
    return np.asarray(np.arctan2(step[:, 1], step[:, 0]))


def _hugging(network: Network, arterials: BaseGeometry) -> npt.NDArray[np.bool_]:
    """Local segments that run beside an arterial within 38 m, nearly parallel to it."""
    first, last = ends(network.geometry)
    middle = shapely.line_interpolate_point(network.geometry, 0.5, normalized=True)
    local = network.rank >= 3
    near = local & (shapely.distance(middle, arterials) < 38.0)
    result = np.zeros(len(near), dtype=bool)
    rows = np.flatnonzero(near)
    on = shapely.line_locate_point(arterials, middle[rows])
    back = shapely.get_coordinates(shapely.line_interpolate_point(arterials, np.maximum(on - 8.0, 0.0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(arterials, on + 8.0))
    angle = np.abs(np.sin(_bearing(first[rows], last[rows]) - _bearing(back, ahead)))
    result[rows] = (angle < 0.5) & (shapely.length(network.geometry[rows]) > 0)
    return result


def _never_built(network: Network, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Holes in the grids: each zone's share of its local segments."""
    gaps = np.array([zone.gaps for zone in ZONES] + [0.0])
    zone = np.array([network.lines[i].zone for i in network.parent])
    return np.asarray((network.rank == 4) & (rng.random(len(zone)) < gaps[zone]))


def _stubs(network: Network, shorter_than_m: float = 45.0) -> npt.NDArray[np.bool_]:
    """Local dead ends that are only a few metres long; twice, as removing one can leave another."""
    gone = np.zeros(len(network.geometry), dtype=bool)
    nodes = node_ids(network.geometry)
    length = shapely.length(network.geometry)
    for _ in range(3):
        degree = np.bincount(nodes[~gone].ravel(), minlength=int(nodes.max()) + 1)
        dead = (degree[nodes] == 1).any(axis=1) & (network.rank >= 3)
        alone = (degree[nodes] == 1).all(axis=1)
        gone |= (dead & (length < shorter_than_m)) | (alone & (length < 150.0))
    return gone


def _with_directions(network: Network) -> Network:
    """``E 5th St`` and ``W 5th St`` either side of the baseline; ``N``/``S`` for avenues that cross Post Rd's line."""
    middle = shapely.get_coordinates(shapely.line_interpolate_point(network.geometry, 0.5, normalized=True))
    name = network.name.copy()
    for i, street in enumerate(name):
        zone = network.lines[network.parent[i]].zone
        if zone >= 0 and ZONES[zone].along == "numbered" and street[0].isdigit():
            name[i] = f"{'E' if middle[i, 0] > BASELINE_X_M else 'W'} {street}"
        elif street in ("Founders Blvd", "Grand St"):
            name[i] = f"{'N' if middle[i, 1] > 6_050.0 else 'S'} {street}"
        elif zone >= 0 and ZONES[zone].across == "avenues" and street[0].isdigit():
            name[i] = f"S {street}"
    return Network(network.lines, network.geometry, network.parent, name, network.rank, network.fences)
