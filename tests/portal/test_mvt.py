"""Our encoding of vector tiles, read back by another's decoder."""

from __future__ import annotations

from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.tiles import Tile
from portal.mvt import ABSENT, distinct, points_layer, varint

FEATURE = st.tuples(
    st.integers(-4096, 8192),
    st.integers(-4096, 8192),
    st.integers(0, 2**31 - 1),
    st.none() | st.text(max_size=200),
    st.none() | st.sampled_from(["open", "closed", "ñandú"]),
)


@given(st.lists(FEATURE, min_size=1, max_size=300))
@settings(max_examples=80, deadline=None)
def test_every_feature_comes_back_as_it_was(features: list[tuple[int, int, int, str | None, str | None]]) -> None:
    x, y = (np.array([feature[i] for feature in features], np.int64) for i in (0, 1))
    attributes = {"n": distinct(np.array([feature[2] for feature in features]))}
    for i, name in ((3, "name"), (4, "status")):
        several = sorted({feature[i] for feature in features if feature[i] is not None})
        place = [ABSENT if feature[i] is None else several.index(feature[i]) for feature in features]
        attributes[name] = (np.array(place, np.int64), several)
    found = mapbox_vector_tile.decode(
        points_layer("requests", x, y, attributes), default_options={"y_coord_down": True}
    )
    assert set(found) == {"requests"} and found["requests"]["extent"] == 4096 and found["requests"]["version"] == 2
    assert [
        (*feature["geometry"]["coordinates"], *(feature["properties"].get(key) for key in ("n", "name", "status")))
        for feature in found["requests"]["features"]
    ] == features  # fmt: skip


def test_gdal_reads_it_as_a_tile_of_its_place(tmp_path: Path) -> None:
    """And so QGIS, which reads tiles with GDAL."""
    folder = tmp_path / "14" / "4958"
    folder.mkdir(parents=True)
    attributes = {"n": distinct(np.array([1, 5, 300])), "status": (np.array([0, ABSENT, 1]), ["open", "closed"])}
    x, y = np.array([0, 100, 4095]), np.array([5, 4000, 17])
    (folder / "6059.pbf").write_bytes(points_layer("requests", x, y, attributes))
    found = pyogrio.read_dataframe(folder / "6059.pbf", layer="requests")
    assert found.crs.to_epsg() == 3857
    assert found.n.tolist() == [1, 5, 300] and found.status.fillna("").tolist() == ["open", "", "closed"]
    west, south, east, north = Tile(14, 4958, 6059).bounds_3857()
    assert np.allclose(found.geometry.x, west + x / 4096 * (east - west), atol=0.01)
    assert np.allclose(found.geometry.y, north - y / 4096 * (north - south), atol=0.01)


def test_a_feature_without_any_attribute_is_a_point_all_the_same() -> None:
    nothing = {"n": (np.full(2, ABSENT), [])}
    found = mapbox_vector_tile.decode(points_layer("a", np.array([1, 2]), np.array([3, 4]), nothing))
    assert [feature["properties"] for feature in found["a"]["features"]] == [{}, {}]


def test_nothing_is_no_bytes() -> None:
    none = np.empty(0, np.int64)
    assert points_layer("requests", none, none, {}) == b""


@pytest.mark.parametrize(("number", "told"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")])
def test_a_number_is_told_in_sevens_of_bits(number: int, told: bytes) -> None:
    assert varint(number) == told
