"""Writing the release's Parquet files, those with places as GeoParquet 1.1.

Charter: how a table becomes a file. What is in it is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from etl.config import CityConfig
from etl.duck import quoted
from etl.publish.fields import Field
from geo.crs import WGS84

ROW_GROUP = 122_880


def write_requests(db: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str], config: CityConfig) -> None:
    """requests.parquet as they lie, which is in serving order; with a WKB point and GeoParquet metadata where locations are published."""
    columns = ", ".join(f'"{name}"' for name in names)
    facts = notice(config)
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
    if "location" in config.privacy.publish:
        columns += ", CASE WHEN lat IS NOT NULL THEN ST_AsWKB(ST_Point(long, lat))::BLOB END AS geometry"
        bounds = db.execute("SELECT min(long), min(lat), max(long), max(lat) FROM requests").fetchone()
        found = [float(b) for b in bounds] if bounds and bounds[0] is not None else None
        facts["geo"] = _geo_metadata(["Point"], found)
    pairs = ", ".join(f"{key}: '{text}'" for key, text in ((k, v.replace("'", "''")) for k, v in facts.items()))
    options += f", KV_METADATA {{{pairs}}}"
    db.execute(f"COPY (SELECT {columns} FROM requests) TO {quoted(path)} ({options})")  # noqa: S608


def write_table(path: Path, table: pa.Table, config: CityConfig) -> None:
    """A table as it is; one with a column `geometry` (WKB, EPSG:4326) as GeoParquet."""
    facts = notice(config)
    if "geometry" in table.column_names:
        shapes = shapely.from_wkb(table["geometry"].to_numpy())
        types = sorted({shape.geom_type for shape in shapes if shape is not None})
        bounds = [float(b) for b in shapely.total_bounds(shapes)] if types else None
        facts["geo"] = _geo_metadata(types, bounds)
    pq.write_table(table.replace_schema_metadata(facts), path, compression="zstd")


def write_places(path: Path, frame: gpd.GeoDataFrame, described: Sequence[Field], config: CityConfig) -> None:
    """GeoParquet 1.1 with plain types: text codes, dates, WKB."""
    kinds = {
        "string": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "date": pa.date32(),
        "any": pa.binary(),
    }
    arrays = [
        pa.array(shapely.to_wkb(frame.geometry.to_numpy()), pa.binary())
        if field.name == "geometry"
        else pa.array(frame[field.name].tolist(), kinds[field.kind], from_pandas=True)
        for field in described
    ]
    types = sorted(frame.geometry.dropna().geom_type.unique())
    bounds = [float(b) for b in frame.total_bounds] if types else None
    table = pa.table(arrays, names=[f.name for f in described])
    table = table.replace_schema_metadata(notice(config) | {"geo": _geo_metadata(types, bounds)})
    pq.write_table(table, path, compression="zstd")


def _geo_metadata(types: Sequence[str], bounds: Sequence[float] | None) -> str:
    """GeoParquet's `geo` key. The CRS is named, so that readers compare it with other EPSG:4326 data without a guess."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": list(types),
        "crs": CRS.from_user_input(WGS84).to_json_dict(),
    }
    if bounds:
        column["bbox"] = list(bounds)
    return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})


def notice(config: CityConfig) -> dict[str, str]:
    """What every file says of itself in its metadata, because files travel without their package."""
    city = config.city
    about = {
        "city": city.name,
        "license": city.license.name,
        "attribution": city.attribution,
        "synthetic": city.synthetic,
    }
    return {"openward": json.dumps(about, ensure_ascii=False)}
