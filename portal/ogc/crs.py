"""Coordinate reference systems by their URIs (Part 2): which ones there are, and shapes and points from one to another.

Charter: URIs, axis order and coordinates. Requests lie in degrees, longitude first (CRS84); what a client says or wants in
another system is changed here. A straight line of a projected system is a curve in degrees: it is followed in so many short
pieces that no point of a city lies on the wrong side by more than a millimetre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from geo.crs import WGS84, transformer
from portal.errors import BadRequest

if TYPE_CHECKING:
    from portal.release import Release

_OGC: Final = "http://www.opengis.net/def/crs/"
CRS84: Final = f"{_OGC}OGC/1.3/CRS84"
EPSG: Final = f"{_OGC}EPSG/0/"
PIECES: Final = 800
"""Into so many short lines an outline is cut before it is changed to degrees."""
FARTHEST: Final = 1e9
"""No system has coordinates beyond it."""
_DECIMALS: Final = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crs:
    """A system that features, boxes and filters may be told in. `swapped`: its first axis runs north."""

    uri: str
    code: str = WGS84
    swapped: bool = False

    @property
    def degrees(self) -> bool:
        """Whether it is longitude and latitude of WGS 84, in whatever order."""
        return self.code == WGS84

    def numbers(self, long: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Degrees as coordinates in the order of the axes."""
        x, y = (long, lat) if self.degrees else transformer(WGS84, self.code).transform(long, lat)
        if not self.degrees:
            x, y = np.round(x, _DECIMALS), np.round(y, _DECIMALS)
        return (y, x) if self.swapped else (x, y)

    def shape(self, degrees: BaseGeometry) -> BaseGeometry:
        """A shape in degrees, longitude first, as one of this system."""
        return self._through(degrees, self.numbers)

    def to_degrees(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape of this system in degrees, longitude first; BadRequest where it lies outside of what the system is for."""
        if self.swapped:
            shape = self._through(shape, lambda x, y: (y, x))
        if self.degrees:
            return shape
        outside = BadRequest(f"The geometry lies outside of what {self.uri} is for.")
        if not (np.abs(shapely.get_coordinates(shape)) <= FARTHEST).all():
            raise outside
        if shape.length:
            shape = shapely.segmentize(shape, shape.length / PIECES)
        found = self._through(shape, transformer(self.code, WGS84).transform)
        if not np.isfinite(shapely.get_coordinates(found)).all():
            raise outside
        return found

    @staticmethod
    def _through(shape: BaseGeometry, change: Any) -> BaseGeometry:
        return shapely.transform(shape, lambda at: np.column_stack(change(at[:, 0], at[:, 1])))


def known(release: Release) -> Mapping[str, Crs]:
    """By URI: degrees in both orders, Web Mercator, and the city's own system where its code is of EPSG."""
    return release.constants.get(("crs",), lambda: _known(release.city.crs))


def _known(city: str) -> dict[str, Crs]:
    found = [Crs(CRS84), Crs(f"{EPSG}4326", swapped=True), Crs(f"{EPSG}3857", "EPSG:3857")]
    name, _, number = city.partition(":")
    if name == "EPSG" and number.isdigit() and number not in ("4326", "3857"):
        try:
            axes = CRS.from_user_input(city).axis_info
        except CRSError:
            axes = []
        if axes:
            found.append(Crs(f"{EPSG}{number}", city, axes[0].direction in ("north", "south")))
    return {crs.uri: crs for crs in found}


def read(release: Release, key: str, uri: str | None) -> Crs:
    """The system that a parameter names; CRS84 without one."""
    found = known(release).get(uri or CRS84)
    if found is None:
        raise BadRequest(f"{key}: there is no '{(uri or '')[:80]}' here; there are: {', '.join(known(release))}.")
    return found
