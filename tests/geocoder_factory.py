"""What a geocoder adds to the small release of `tests.release_factory`: an address index, methods, probabilities.

What is true of it: tables, columns and settings are those of a published release with a geocoder. What is not: the
streets are ten by ten blocks of an invented city, and the methods and probabilities of requests are dealt out by number.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from geo.geocoding.model import Places, Points, Reference, Segments
from geo.geocoding.tables import to_tables
from geo.geocoding.topology import intersections_of

CRS = "EPSG:26986"
ACROSS = (
    "Main St",
    "Oak St",
    "Elm St",
    "Pine St",
    "Cedar St",
    "Birch St",
    "Maple St",
    "Walnut St",
    "Spruce St",
    "Ash St",
)
"""From south to north."""
ALONG = ("First Ave", "Second Ave", "Harbor Ave", "Guerrero Ave", "Dolores Ave", "Church Ave", "Sanchez Ave", "Noe Ave")
"""From west to east."""
SOUTH, WEST, STEP_LAT, STEP_LON = 42.345, -71.118, 0.0012, 0.005
METHODS = ("address_point", "address_range", "intersection", "block", "street")
RADII = {"address_point": 12.0, "address_range": 25.0, "intersection": 20.0, "block": 45.0, "street": 400.0}
SCORES = {"address_point": 0.99, "address_range": 0.97, "intersection": 0.98, "block": 0.9, "street": 0.6}
ABOUT = {
    "settings": {
        "parser": "us", "draw": "block", "min_score": 0.5, "contradiction": "flag", "default_points": "replace",
        "swapped": "mend",
    },
    "fingerprint": "0" * 64,
    "calibration": {"radii": {"address_point": [20.0, 1.0]}, "factors": {"address_point": 0.6}, "scores": [[0.5, 0.4], [1.0, 0.95]]},
}  # fmt: skip


def reference() -> Reference:
    """Streets in blocks of 100 numbers, address points on Main St, one of them listed twice, and a park."""
    names, lines, low = [], [], []
    for row, name in enumerate(ACROSS):
        lat = SOUTH + row * STEP_LAT
        for block in range(len(ALONG) - 1):
            names.append(name)
            lines.append(shapely.LineString([(WEST + (block + i) * STEP_LON, lat) for i in (0, 1)]))
            low.append(100 * block)
    for column, name in enumerate(ALONG):
        for block in range(len(ACROSS) - 1):
            names.append(name)
            lines.append(
                shapely.LineString([(WEST + column * STEP_LON, SOUTH + (block + i) * STEP_LAT) for i in (0, 1)])
            )
            low.append(100 * block)
    first, n = np.array(low, np.int64), len(names)
    zips = np.full(n, "02118", dtype=object)
    none = np.full(n, "", dtype=object)
    nodes = np.full(n, -1, np.int64)
    segments = Segments(
        street=np.array(names, dtype=object), geometry=np.array(lines, dtype=object), left_from=first + 1,
        left_to=first + 99, right_from=first + 2, right_to=first + 98, hyphenated=np.zeros(n, bool), left_zip=zips,
        right_zip=zips, left_place=none, right_place=none, from_node=nodes, to_node=nodes,
    )  # fmt: skip
    number = np.arange(1, 100, 2, dtype=np.int64)
    m = len(number)
    points = Points(
        street=np.full(m, "Main St", dtype=object), number=number, number_high=number,
        number_suffix=np.full(m, "", dtype=object), hyphenated=np.zeros(m, bool), zip=np.full(m, "02118", dtype=object),
        place=np.full(m, "", dtype=object), lon=WEST + number / 100 * STEP_LON, lat=np.full(m, SOUTH + 0.0001),
    )  # fmt: skip
    places = Places(
        np.array(["Mirror Lake Park"], dtype=object), np.array([-71.15]), np.array([42.32]), np.array([150.0])
    )
    return Reference(
        crs=CRS, segments=segments, points=points, places=places, intersections=intersections_of(segments, CRS),
        aliases={"Old Post Rd": "Main St"},
    )  # fmt: skip


def located(db: duckdb.DuckDBPyConnection) -> None:
    """Methods of the requests that were found by address, and where some of them may lie instead."""
    names = ", ".join(f"'{name}'" for name in METHODS)
    db.execute(f"CREATE TYPE method AS ENUM ({names})")
    db.execute("ALTER TABLE requests DROP geocode_method")
    db.execute("ALTER TABLE requests ADD COLUMN geocode_method method")
    for column, kind in (
        ("geocode_address", "VARCHAR"),
        ("geocode_alternatives", "VARCHAR"),
        ("nearest_address", "VARCHAR"),
    ):
        db.execute(f"ALTER TABLE requests ADD COLUMN {column} {kind}")
    facts = pd.DataFrame(
        {"name": METHODS[:4], "score": [SCORES[m] for m in METHODS[:4]], "radius": [RADII[m] for m in METHODS[:4]]}
    )
    facts["i"] = np.arange(4)
    db.register("facts", facts)
    db.execute("""UPDATE requests SET geocode_method = name::method, geocode_score = score, geocode_radius_m = radius,
        geocode_address = address FROM facts
        WHERE location_source = 'geocoder' AND location_precision = 'exact' AND i = rid % 4""")
    db.execute("""UPDATE requests SET geocode_score = NULL, geocode_radius_m = NULL
        WHERE location_source = 'geocoder' AND location_precision <> 'exact'""")
    db.execute("""CREATE TABLE area_probabilities AS
        SELECT rid, 'district' AS layer, district::VARCHAR AS area, 0.8::DOUBLE AS probability FROM requests
        WHERE location_source = 'geocoder' AND location_precision = 'exact' AND rid % 5 = 0
        UNION ALL SELECT rid, 'district', (district::VARCHAR::INTEGER % 4 + 1)::VARCHAR, 0.2 FROM requests
        WHERE location_source = 'geocoder' AND location_precision = 'exact' AND rid % 5 = 0 ORDER BY 1, 4 DESC""")
    db.execute("""CREATE TABLE located_by AS
        SELECT source::VARCHAR AS source,
            CASE location_source::VARCHAR WHEN 'geocoder' THEN coalesce(geocode_method::VARCHAR, 'generalised')
                ELSE location_source::VARCHAR END AS method,
            location_note::VARCHAR AS note, count(*) AS rows, median(geocode_score) AS median_score,
            median(geocode_radius_m) AS median_radius_m FROM requests GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""")
    db.execute("""UPDATE requests SET flags = 'location_contradicts_address'
        WHERE location_source = 'source' AND flags IS NULL AND rid % 50 = 0""")


def resources(db: duckdb.DuckDBPyConnection, folder: Path) -> list[dict[str, Any]]:
    """The files, and how datapackage.json names them."""
    tables = to_tables(reference())
    tables["located_by"] = db.execute("FROM located_by").to_arrow_table()
    tables["area_probabilities"] = db.execute(
        """SELECT r.source::VARCHAR AS source, r.service_request_id, p.layer, p.area, p.probability
           FROM area_probabilities p JOIN requests r USING (rid) ORDER BY rid, probability DESC"""
    ).to_arrow_table()
    found = []
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        if "geometry" in table.column_names:
            geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {
                "geometry": {"encoding": "WKB", "geometry_types": ["LineString"]}}}  # fmt: skip
            table = table.replace_schema_metadata({"geo": json.dumps(geo)})
        pq.write_table(table, path)
        found.append(
            {
                "name": name, "path": path.name, "title": name.replace("_", " ").capitalize(),
                "description": f"All {name}.", "format": "parquet",
                "mediatype": "application/vnd.apache.parquet", "bytes": path.stat().st_size,
                "hash": "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(), "rows": table.num_rows,
                "schema": {"fields": [{"name": f.name, "type": _kind(f.type), "title": f.name.replace("_", " "),
                                       "description": f"The {f.name}."} for f in table.schema]},
            }
        )  # fmt: skip
    return found


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_floating(arrow):
        return "number"
    if pa.types.is_integer(arrow):
        return "integer"
    return "boolean" if pa.types.is_boolean(arrow) else "any" if pa.types.is_nested(arrow) else "string"
