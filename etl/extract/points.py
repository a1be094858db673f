"""Geometries of any CRS as longitude and latitude, written as text.

Charter: one point for each geometry, in EPSG:4326. Which file says what about
its CRS is the readers' knowledge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from etl.errors import SourceError
from etl.extract.tabular import text_of

X, Y = "x", "y"
GEOMETRY_KINDS = {X: "number", Y: "number"}
PLACES = 9
"""Digits kept after reprojection: 0.1 mm."""


def attribute(name: str) -> str:
    """The column of an attribute: its own name, unless the geometry takes that.

    >>> attribute("status"), attribute("x")
    ('status', 'attributes.x')
    """
    return f"attributes.{name}" if name in GEOMETRY_KINDS else name


def to_degrees(crs: Any, name: str) -> Transformer | None:
    """What turns coordinates of `crs` into longitude and latitude; None if they are that already."""
    if crs is None:
        raise SourceError(
            f"{name}: does not say in which CRS its coordinates are; give it one (a .prj beside a shapefile), "
            "or map columns other than x and y"
        )
    try:
        known = CRS.from_user_input(crs)
        if known.to_epsg() == 4326 or known.to_authority() == ("OGC", "CRS84"):
            return None
        return Transformer.from_crs(known, 4326, always_xy=True)
    except CRSError as error:
        raise SourceError(f"{name}: states a CRS that is not known; save the file again in EPSG:4326") from error


def from_wkb(binary: pa.Array, transformer: Transformer | None) -> tuple[pa.Array, pa.Array]:
    """Columns x and y of well-known binary; null where there is no geometry."""
    values = np.array([bytes(v) if v is not None else None for v in binary.to_pylist()], dtype=object)
    return of_shapes(shapely.from_wkb(values, on_invalid="ignore"), transformer)


def of_shapes(shapes: Any, transformer: Transformer | None) -> tuple[pa.Array, pa.Array]:
    """Columns x and y of geometries: of a point itself, of anything else a point on it."""
    shapes = np.array(shapes, dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    kinds = shapely.get_type_id(shapes)
    others = (kinds != shapely.GeometryType.POINT) & (kinds != shapely.GeometryType.MISSING)
    for i in np.flatnonzero(others):
        shapes[i] = _point_on(shapes[i])
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    known = np.isfinite(x) & np.isfinite(y)
    if transformer is not None and known.any():
        x[known], y[known] = (np.round(v, PLACES) for v in transformer.transform(x[known], y[known]))
        known = np.isfinite(x) & np.isfinite(y)
    return text_of(pa.array(x, pa.float64(), mask=~known)), text_of(pa.array(y, pa.float64(), mask=~known))


def _point_on(shape: Any) -> Any:
    try:
        return shapely.point_on_surface(shape)
    except shapely.GEOSException:  # a polygon that crosses itself has no clear inside
        return shapely.centroid(shape)
