"""The parameter `bbox`: a text and a system in, a condition on a collection's features out.

Charter: boxes of Part 1 in any system of Part 2. In degrees a box may reach over the antimeridian; points are then told by
their columns alone.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry

from portal.errors import BadRequest
from portal.expressions import tree
from portal.ogc.collections import Box, Collection
from portal.ogc.crs import Crs

_NEVER: Final = tree.Truth(tree.Literal(False))
THIN: Final = 1e-3
"""In units of a projected system: what is thinner is a line."""
_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)


def _numbers(text: str) -> Box:
    """The corners of a box, least first; heights, which no feature has, do not matter."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(isfinite(number) for number in numbers):
        raise BadRequest("bbox must be four numbers (or six, with heights): the least of each axis, then the greatest.")
    half = len(numbers) // 2
    return numbers[0], numbers[1], numbers[half], numbers[half + 1]


def in_box(of: Collection, text: str, crs: Crs) -> tree.Condition:
    """Features that meet the box of a text; BadRequest where it is none."""
    x0, y0, x1, y1 = _numbers(text)
    if crs.swapped:
        x0, y0, x1, y1 = y0, x0, y1, x1
    if y0 > y1 or (x0 > x1 and not crs.degrees):
        raise BadRequest("bbox: the box ends before it begins.")
    if of.table.geometry is None:
        return _NEVER
    if not crs.degrees:
        return _in_grid_box(of, crs, (x0, y0, x1, y1))
    if max(abs(x0), abs(x1)) > 360 or y0 > 90 or y1 < -90:
        raise BadRequest("bbox: there is no such place on earth.")
    if x0 > x1:  # over the antimeridian
        return tree.Or((_rectangle(of, (x0, y0, 180.0, y1)), _rectangle(of, (-180.0, y0, x1, y1))))
    return _rectangle(of, (x0, y0, x1, y1))


def _rectangle(of: Collection, box: Box) -> tree.Condition:
    """Features that meet a box in degrees; points by their columns, whose extremes let parts of the table be skipped."""
    west, south = max(box[0], _WORLD[0]), max(box[1], _WORLD[1])
    east, north = min(box[2], _WORLD[2]), min(box[3], _WORLD[3])
    if west > east:
        return _NEVER
    if of.points:
        return tree.And((_between("long", west, east), _between("lat", south, north)))
    return tree.Spatial("intersects", "geometry", _outline(west, south, east, north).wkt)


def _outline(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """The box as a shape, a line or a point where it has no extent."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _between(name: str, low: float, high: float) -> tree.Condition:
    return tree.Between(tree.Column(name), tree.Literal(low), tree.Literal(high))


def _in_grid_box(of: Collection, crs: Crs, box: Box) -> tree.Condition:
    """Features that meet a box of a projected system: nearly all of them by two boxes in degrees, one within the other."""
    x0, y0, x1, y1 = box
    thin = (
        x0 if x1 - x0 < THIN else x1,
        y0 if y1 - y0 < THIN else y1,
    )  # so thin that it crosses itself when it is changed
    shape = crs.to_degrees(_turned(crs, _outline(x0, y0, *thin)))
    if not shape.within(shapely.box(*_WORLD)):
        raise BadRequest("bbox: there is no such place on earth.")
    exact = tree.Spatial("intersects", "geometry", shape.wkt)
    if not of.points or shape.geom_type != "Polygon":
        return exact
    outer = _rectangle(of, shape.bounds)
    if crs.code == "EPSG:3857":  # its lines run along longitudes and latitudes
        return outer
    inner = _within(shape)
    return tree.And((outer, tree.Or((_rectangle(of, inner.bounds), exact)) if inner else exact))


def _turned(crs: Crs, shape: BaseGeometry) -> BaseGeometry:
    """With the axes in the order of the system."""
    return shapely.transform(shape, lambda at: at[:, ::-1]) if crs.swapped else shape


def _within(shape: BaseGeometry) -> BaseGeometry | None:
    """A box in degrees that is wholly within a nearly rectangular shape; None where none is found."""
    west, south, east, north = shape.bounds
    for share in (0.02, 0.05, 0.1, 0.2):
        inner = shapely.box(
            west + share * (east - west), south + share * (north - south),
            east - share * (east - west), north - share * (north - south),
        )  # fmt: skip
        if inner.within(shape):
            return inner
    return None
