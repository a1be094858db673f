"""The city's maps as files: areas, streets, water, parks, land, address points (EPSG:4326).

Charter: geometry to files; draws nothing at random.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv
import shapely

from etl.demo.city import SyntheticCity, lonlat_shapes, to_lonlat
from etl.demo.frame import CITY, FORMER_FROM, REDRAWN, STATE, ZIPS
from etl.demo.truth import area_code

Geometries = npt.NDArray[np.object_]

FORMER_FILE: Final = f"council_districts_{FORMER_FROM.isoformat()}.geojson"
CURRENT_FILE: Final = f"council_districts_{REDRAWN.isoformat()}.geojson"


def _geojson(path: Path, shapes: Geometries, properties: Sequence[dict[str, Any]]) -> None:
    """One FeatureCollection, a feature a line; coordinates at 7 decimals."""
    features = []
    for text, values in zip(shapely.to_geojson(lonlat_shapes(shapely.normalize(shapes))), properties, strict=True):
        head = json.dumps({"type": "Feature", "properties": values}, ensure_ascii=False)
        features.append(f'{head[:-1]}, "geometry": {text}}}')
    body = ",\n".join(features)
    path.write_text(f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8")


def write_layers(city: SyntheticCity, out: Path) -> dict[str, Path]:
    """Write every layer into ``out``; name → path."""
    areas, blocks = city.areas, city.blocks
    files: dict[str, Path] = {}

    def save(key: str, name: str, shapes: Geometries, properties: Sequence[dict[str, Any]]) -> None:
        files[key] = out / name
        _geojson(files[key], shapes, properties)

    shapes, people = areas.dissolve(blocks, areas.neighborhood)
    save("neighborhoods", "neighborhoods.geojson", shapes, [
        {"code": area_code(i), "name": name, "population": int(people[i])}
        for i, name in enumerate(areas.neighborhood_names)
    ])  # fmt: skip
    for key, name, index in (
        ("districts_former", FORMER_FILE, areas.district_former),
        ("districts_current", CURRENT_FILE, areas.district_current),
    ):
        shapes, people = areas.dissolve(blocks, index)
        save(key, name, shapes, [
            {"district": str(i + 1), "name": f"District {i + 1}", "population": int(n)} for i, n in enumerate(people)
        ])  # fmt: skip
    shapes, people = areas.dissolve(blocks, areas.zip_area)
    save(
        "zip_codes", "zip_codes.geojson", shapes, [{"zip": ZIPS[i], "population": int(n)} for i, n in enumerate(people)]
    )
    land = np.array([shapely.coverage_union_all(blocks.shape)], dtype=object)
    save("land", "land.geojson", land, [{"name": CITY}])
    terrain = city.terrain
    water = np.array([terrain.harbor, terrain.river, terrain.pond], dtype=object)
    save("water", "water.geojson", water, [{"name": name} for name in ("Alder Harbor", "Alder River", "Mill Pond")])
    some = [i for i, shape in enumerate(blocks.park_shapes) if not shape.is_empty]
    save("parks", "parks.geojson", blocks.park_shapes[some], [{"name": blocks.park_names[i]} for i in some])
    files["streets"] = out / "streets.gpkg"
    _streets(city, files["streets"])
    files["address_points"] = out / "address_points.csv"
    _address_points(city, files["address_points"])
    return files


def _zip_of(city: SyntheticCity, block: npt.NDArray[np.int64]) -> list[str | None]:
    return [ZIPS[city.areas.zip_area[b]] if b >= 0 else None for b in block.tolist()]


_CLASS: Final = {1: "arterial", 2: "parkway", 3: "collector", 4: "local"}


def _streets(city: SyntheticCity, path: Path) -> None:
    segments = city.segments
    ranges = {
        column: [int(v) if v else None for v in segments.ranges[:, k].tolist()]
        for k, column in enumerate(("l_from", "l_to", "r_from", "r_to"))
    }
    frame = gpd.GeoDataFrame(
        {
            "segment_id": np.arange(1, len(segments.name) + 1),
            "name": segments.name.astype(str),
            **{column: np.array(values, dtype="float64") for column, values in ranges.items()},
            "zip_left": _zip_of(city, segments.left_block),
            "zip_right": _zip_of(city, segments.right_block),
            "rank": segments.rank,
            "class": [_CLASS[int(rank)] for rank in segments.rank],
        },
        geometry=lonlat_shapes(segments.geometry),
        crs="EPSG:4326",
    )
    for column in ranges:
        frame[column] = frame[column].astype("Int32")
    path.unlink(missing_ok=True)
    frame.to_file(path, layer="streets", driver="GPKG", engine="pyogrio")


def _address_points(city: SyntheticCity, path: Path) -> None:
    points = city.addresses
    lon, lat = to_lonlat(points.x_m, points.y_m)
    street = city.segments.name[points.segment].tolist()
    number = points.number.tolist()
    zips = _zip_of(city, points.block)
    table = pa.table(
        {
            "address_id": np.arange(1, len(number) + 1),
            "number": points.number,
            "street": street,
            "address": [f"{n} {s}" for n, s in zip(number, street, strict=True)],
            "city": pa.array([CITY]).take(pa.array(np.zeros(len(number), dtype=np.int32))),
            "state": pa.array([STATE]).take(pa.array(np.zeros(len(number), dtype=np.int32))),
            "zip": zips,
            "segment_id": points.segment + 1,
            "side": pa.array(["R", "L"]).take(pa.array(points.left.astype(np.int32))),
            "lat": np.round(lat, 6),
            "lon": np.round(lon, 6),
        }
    )
    pacsv.write_csv(table, path)
