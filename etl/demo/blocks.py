"""City blocks: the faces between streets and shores, and which of them are parks.

Charter: from a street network to polygons that tile the land. Grouping blocks
into neighborhoods and districts is done in areas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Point, Polygon
from shapely.geometry.base import BaseGeometry

from etl.demo.streets import Network
from etl.demo.terrain import Terrain, smooth

Ints = npt.NDArray[np.int64]

PARKS: Final = (
    ("Founders Common", Polygon([(8150, 7350), (8500, 7200), (8650, 7500), (8250, 7700)])),
    ("Alder Woods", Polygon(smooth(((2700, 9000), (3600, 9100), (3500, 10000), (2700, 9900)), 3, closed=True))),
    ("Pond Reservation", Point(3550, 2850).buffer(1000)),
    ("Fort Point Park", Polygon([(13150, 2400), (13900, 2300), (13900, 3600), (13250, 3500)])),
    ("Millrace Green", Point(6350, 4550).buffer(260)),
    ("Northgate Park", Polygon([(6950, 9650), (7900, 9650), (7850, 10200), (6950, 10200)])),
    ("Southside Park", Point(9500, 2100).buffer(330)),
    ("Beacon Hill Park", Point(11300, 9300).buffer(420)),
    ("Riverside Fields", Point(2500, 6200).buffer(330)),
    ("Turnpike Playground", Point(5750, 7350).buffer(150)),
    ("Far Fields Farm", Point(1500, 2300).buffer(480)),
    ("Ropewalk Square", Point(9150, 5150).buffer(130)),
    ("Crossing Woods", Point(5250, 3650).buffer(260)),
    ("Grove Cemetery", Point(6000, 1300).buffer(420)),
    ("Market Square", Point(9150, 6750).buffer(90)),
)
"""Blocks whose middle falls in these shapes (plan metres) are open green."""


@dataclass(frozen=True)
class Blocks:
    """``shape[i]`` is a block; ``park[i]`` the number of its park in ``park_names`` or -1; ``zone[i]`` of terrain."""

    shape: npt.NDArray[np.object_]
    zone: Ints
    park: Ints
    park_names: tuple[str, ...]
    park_shapes: npt.NDArray[np.object_]

    def tree(self) -> shapely.STRtree:
        """For looking up the block of a point."""
        return shapely.STRtree(self.shape)


def block_of(tree: shapely.STRtree, points: npt.NDArray[np.object_]) -> Ints:
    """Number of the block that holds each point, -1 for none (water or beyond the city)."""
    result = np.full(len(points), -1, dtype=np.int64)
    point, block = tree.query(points, predicate="within")
    result[point] = block
    return result


def _faces(network: Network, land: BaseGeometry) -> npt.NDArray[np.object_]:
    lines = np.concatenate([network.geometry, network.fences])
    faces = shapely.get_parts(shapely.polygonize(lines))
    inside = shapely.point_on_surface(faces)
    shapely.prepare(land)
    dry: npt.NDArray[np.object_] = faces[shapely.contains(land, inside)]
    return dry


def _zone_of(points: npt.NDArray[np.object_], terrain: Terrain) -> Ints:
    nearest: Ints = shapely.STRtree(terrain.zones).nearest(points)
    return nearest


def _park_of(inside: npt.NDArray[np.object_], faces: npt.NDArray[np.object_], terrain: Terrain) -> Ints:
    park = np.full(len(faces), -1, dtype=np.int64)
    for number, (_, shape) in enumerate(PARKS):
        park[shapely.intersects(shape, inside)] = number
    bank = shapely.union_all([terrain.river, terrain.harbor, terrain.pond]).buffer(3.0)
    waterside = shapely.length(shapely.intersection(bank, faces)) > 60.0
    inner = shapely.get_coordinates(inside)
    esplanade = waterside & (inner[:, 0] > 5_900) & (inner[:, 0] < 9_000) & (inner[:, 1] > 5_300)
    park[esplanade & (inner[:, 1] < 6_900) & (shapely.area(faces) < 400_000)] = len(PARKS)
    park[shapely.intersects(terrain.island, inside)] = len(PARKS) + 1
    return park


def make_blocks(network: Network, terrain: Terrain) -> tuple[Blocks, Network]:
    """Find the parks, take the local streets out of them, and cut the land into its final blocks."""
    faces = _faces(network, terrain.land)
    park = _park_of(shapely.point_on_surface(faces), faces, terrain)
    names = (*(name for name, _ in PARKS), "Esplanade", "Gull Island")
    wholes = np.array([shapely.coverage_union_all(faces[park == i]) for i in range(len(names))], dtype=object)
    green = shapely.union_all(wholes).buffer(-2.0)
    middle = shapely.line_interpolate_point(network.geometry, 0.5, normalized=True)
    shapely.prepare(green)
    network = network.keep(~((network.rank >= 3) & shapely.contains(green, middle)))
    faces = _faces(network, terrain.land)
    faces = faces[
        np.argsort(np.round(shapely.get_coordinates(shapely.point_on_surface(faces)), 1)[:, 0], kind="stable")
    ]
    inside = shapely.point_on_surface(faces)
    final = np.full(len(faces), -1, dtype=np.int64)
    for number, whole in enumerate(wholes):
        if not shapely.is_empty(whole):
            final[shapely.intersects(whole, inside)] = number
    shapes = np.array([shapely.coverage_union_all(faces[final == i]) for i in range(len(names))], dtype=object)
    return Blocks(faces, _zone_of(inside, terrain), final, names, shapes), network
