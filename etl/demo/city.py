"""The whole city put together: terrain, streets, blocks, addresses, areas.

Charter: composes the geometry modules; knows the way from plan metres to EPSG:4326.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from etl.demo.addresses import AddressPoints, Segments, number_streets, place_addresses
from etl.demo.areas import Areas, make_areas
from etl.demo.blocks import Blocks, make_blocks
from etl.demo.frame import CRS, EAST0_M, NORTH0_M
from etl.demo.streets import lay_out
from etl.demo.terrain import Terrain, make_terrain

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticCity:
    """Everything that stands still, in plan metres (see frame)."""

    terrain: Terrain
    segments: Segments
    blocks: Blocks
    addresses: AddressPoints
    areas: Areas


def build_city(seed: int) -> SyntheticCity:
    """The same city for the same seed."""
    rng = np.random.default_rng([seed, 1])
    terrain = make_terrain()
    blocks, network = make_blocks(lay_out(terrain, rng), terrain)
    segments = number_streets(network, blocks, rng)
    addresses = place_addresses(segments, blocks, rng)
    per_block = np.bincount(addresses.block, minlength=len(blocks.shape))
    return SyntheticCity(terrain, segments, blocks, addresses, make_areas(blocks, per_block, rng))


@cache
def _transformer() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)


def to_lonlat(x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
    """Plan metres to longitude and latitude (EPSG:4326), rounded to 1e-7 degree (about 1 cm)."""
    lon, lat = _transformer().transform(x_m + EAST0_M, y_m + NORTH0_M)
    return np.round(lon, 7), np.round(lat, 7)


def lonlat_shapes(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Geometries from plan metres to EPSG:4326; equal vertices stay equal."""

    def project(xy: Floats) -> Floats:
        return np.stack(to_lonlat(xy[:, 0], xy[:, 1]), axis=1)

    result: npt.NDArray[np.object_] = shapely.transform(shapes, project)
    return result
