"""serve.duckdb: the release's tables again, typed and sorted so that any question is one quick scan.

Charter: the schema of the serving index and how it is filled. The contract
with the portal is docs/architecture.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from etl.duck import quoted
from etl.publish.derive import COARSE, elapsed_bins
from geo.crs import WEB_MERCATOR

ENUMS = (
    "source", "service_code", "service_group", "department", "agency_responsible", "status", "outcome", "channel",
    "location_source", "location_note", "geocode_method", "on_time", "suspicious",
)  # fmt: skip
SERVING = (
    "month", "closed_month", "event", "elapsed_minutes", "elapsed_bin", "elapsed_key", "elapsed_code", "elapsed_coarse",
    "facet", "cell", "gx", "gy",
)  # fmt: skip
SERVED = (
    "services", "departments", "exclusions", "changes", "measures", "feedback", "retroactive_edits", "withdrawn",
    "located_by", "demographics", "incidents", "annotations", "figures", "standards", "monthly", "feedback_monthly",
)  # fmt: skip
"""Small tables that the portal reads from the index."""
CELL_SHIFT = 16
"""A map cell is 2^16 grid units wide: 16 pixels of a tile at zoom 12, and a whole part of every tile up to it."""
CATEGORIES = ("status", "outcome", "on_time", "location_source")


def fill_requests(
    db: duckdb.DuckDBPyConnection,
    batches: Iterable[pa.Table],
    derive: Callable[[pa.Table], pa.Table],
    public: Sequence[str],
    layers: Sequence[str],
    folder: Path,
    link: Callable[[duckdb.DuckDBPyConnection], Mapping[str, str]],
) -> int:
    """Write `requests`, sorted along a Hilbert curve (unlocated rows last, by id), and return its rows.

    `derive` adds what a release adds to stored rows. `public` are the published columns in order, without geometry.
    The batches lie in `folder` as Parquet files until they are sorted, and stay there: the view `raw` shows them, each
    row with its number `n`. `link` looks at all of them together, writes `scratch.found` (rows by `n`), and says in SQL
    what columns come of it, over `raw r` and `scratch.found d`.
    """
    rows = 0
    with ThreadPoolExecutor(1) as writer:  # the store is read while the batch before is derived and written
        waiting: list[Future[None]] = []
        for batch in batches:
            if len(waiting) > 1:
                waiting.pop(0).result()
            file = folder / f"raw-{rows:012d}.parquet"
            waiting.append(writer.submit(_write_batch, derive, batch, file, rows))
            rows += len(batch)
        for future in waiting:
            future.result()
    db.execute(f"CREATE TEMP VIEW raw AS SELECT * FROM read_parquet({quoted(folder / 'raw-*.parquet')})")  # noqa: S608
    linked = link(db)
    db.execute(
        """CREATE TEMP TABLE service AS
           SELECT service_code, mode(service_name ORDER BY service_name) AS service_name,
                  mode(service_group ORDER BY service_group) AS service_group
           FROM raw GROUP BY service_code"""
    )
    enums = []
    for name in (*ENUMS, *layers):
        table = "service" if name == "service_group" else "scratch.found" if name in linked else "raw"
        used = f'SELECT DISTINCT "{name}" FROM {table} WHERE "{name}" IS NOT NULL ORDER BY 1'  # noqa: S608
        if name in public and db.execute(f"SELECT count(*) FROM ({used})").fetchone() != (0,):  # noqa: S608
            db.execute(f'CREATE TYPE "{name}" AS ENUM ({used})')
            enums.append(name)  # a column without any value stays text: DuckDB has no empty ENUM
    columns = []
    origins = {"service_name": "s", "service_group": "s", "facet": "f", "cell": "c"}
    for name in (*public, *SERVING):
        value = linked.get(name, f'{origins.get(name, "r")}."{name}"')
        columns.append(f'{value}::"{name}" AS "{name}"' if name in enums else f'{value} AS "{name}"')
    # Eight numbers for each combination that occurs, so that `facet >> 3` is the combination: at most 32 of them.
    db.execute(
        """CREATE TABLE facets AS
           SELECT (row_number() OVER (ORDER BY status, outcome, on_time, minor) - 1)::USMALLINT AS facet,
                  status, outcome, on_time, location_source, excluded
           FROM (SELECT DISTINCT status, outcome, on_time FROM raw)
           CROSS JOIN (VALUES (0, 'source', FALSE), (1, 'source', TRUE), (2, 'geocoder', FALSE), (3, 'geocoder', TRUE),
                              (4, 'none', FALSE), (5, 'none', TRUE), (6, NULL, FALSE), (7, NULL, TRUE))
                AS minors (minor, location_source, excluded)"""
    )
    same_facet = " AND ".join(f"f.{name} IS NOT DISTINCT FROM r.{name}" for name in CATEGORIES)
    db.execute(
        f"""CREATE TABLE map_cells AS
            SELECT (row_number() OVER (ORDER BY gy >> {CELL_SHIFT}, gx >> {CELL_SHIFT}) - 1)::UINTEGER AS cell,
                   gx >> {CELL_SHIFT} AS column_, gy >> {CELL_SHIFT} AS row_, avg(gx) AS gx, avg(gy) AS gy
            FROM raw WHERE gx IS NOT NULL GROUP BY gx >> {CELL_SHIFT}, gy >> {CELL_SHIFT}"""  # noqa: S608
    )
    # The order is found among few columns: texts among what all columns are sorted by, and numbering them afterwards, take
    # a third of the time that this takes (5 million: 12.6 s, so 8.6).
    db.execute(
        """CREATE TEMP TABLE ordered AS
           SELECT n, (row_number() OVER () - 1)::UINTEGER AS rid
           FROM (SELECT n FROM raw ORDER BY hilbert, source, service_request_id)"""
    )
    db.execute(
        f"""CREATE TABLE requests AS
            SELECT o.rid, {", ".join(columns)}
            FROM raw r JOIN ordered o ON o.n = r.n
            JOIN service s USING (service_code)
            JOIN facets f ON {same_facet} AND f.excluded = (r.elapsed_bin IS NULL)
            LEFT JOIN scratch.found d ON d.n = r.n
            LEFT JOIN map_cells c ON c.column_ = r.gx >> {CELL_SHIFT} AND c.row_ = r.gy >> {CELL_SHIFT}
            ORDER BY o.rid"""  # noqa: S608
    )
    db.execute("DROP TABLE ordered")
    db.execute("ALTER TABLE map_cells DROP column_")
    db.execute("ALTER TABLE map_cells DROP row_")
    # A request is looked up by its number; a number instead of the text keeps this small, and its order makes it quick.
    db.execute(
        """CREATE TABLE request_numbers AS
           SELECT md5_number_lower(service_request_id) AS number, rid FROM requests ORDER BY number, rid"""
    )
    return rows


def _write_batch(derive: Callable[[pa.Table], pa.Table], batch: pa.Table, file: Path, before: int) -> None:
    rows = derive(batch)
    number = np.arange(before, before + len(rows), dtype=np.uint32)
    pq.write_table(rows.append_column("n", pa.array(number)), file, compression="none", store_schema=False)


def fill_bins(db: duckdb.DuckDBPyConnection) -> int:
    """Write `elapsed_bins`; returns their number."""
    edges = elapsed_bins()
    bins = pa.table(
        {
            "bin": pa.array(range(len(edges) - 1), pa.uint16()),
            "from_minutes": pa.array(edges[:-1], pa.int32()),
            "to_minutes": pa.array(edges[1:], pa.int32()),
            "coarse": pa.array([i // COARSE for i in range(len(edges) - 1)], pa.uint16()),
        }
    )
    _store(db, "elapsed_bins", bins)
    return len(bins)


def fill_areas(db: duckdb.DuckDBPyConnection, areas: gpd.GeoDataFrame) -> None:
    """Write `areas` with both geometries; `current` marks the vintage that no date has ended."""
    table = pa.table(
        {
            **_plain(areas, ["layer", "area", "name"], pa.string()),
            **_plain(areas, ["valid_from", "valid_to"], pa.date32()),
            **_plain(areas, ["population"], pa.float64()),
            "current": pa.array(areas["valid_to"].isna().to_numpy()),
            "wkb_3857": _wkb(areas.geometry.to_crs(WEB_MERCATOR)),
            "wkb_4326": _wkb(areas.geometry),
        }
    )
    db.register("incoming", table)
    db.execute(
        """CREATE TABLE areas AS SELECT layer, area, name, valid_from, valid_to, population, current,
           ST_GeomFromWKB(wkb_3857) AS geom_3857, ST_GeomFromWKB(wkb_4326) AS geom_4326 FROM incoming"""
    )
    db.unregister("incoming")


def fill_basemap(db: duckdb.DuckDBPyConnection, basemap: gpd.GeoDataFrame) -> None:
    """Write `basemap` with its bounding boxes in metres, spatially sorted."""
    table = pa.table(
        {
            **_plain(basemap, ["kind", "name"], pa.string()),
            **_plain(basemap, ["rank"], pa.int32()),
            "wkb": _wkb(basemap.geometry.to_crs(WEB_MERCATOR) if len(basemap) else basemap.geometry),
        }
    )
    db.register("incoming", table)
    db.execute(
        """CREATE TABLE basemap AS
           SELECT kind, name, rank, g AS geom_3857, ST_XMin(g) AS minx, ST_YMin(g) AS miny,
                  ST_XMax(g) AS maxx, ST_YMax(g) AS maxy
           FROM (SELECT kind, name, rank, ST_GeomFromWKB(wkb) AS g FROM incoming)
           ORDER BY floor(minx / 500), floor(miny / 500), minx, miny"""
    )
    db.unregister("incoming")


def fill_small(db: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    """Write the tables that are served as they are published."""
    for name, table in tables.items():
        _store(db, name, table)


def fill_probabilities(db: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
    """Write `area_probabilities`: rid, layer, area, probability, in the order of `rid`."""
    _store(db, "area_probabilities", table.select(["rid", "layer", "area", "probability"]))


def fill_meta(db: duckdb.DuckDBPyConnection, facts: Mapping[str, Any]) -> None:
    """Write `meta`: each fact as JSON text."""
    table = pa.table({"key": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    _store(db, "meta", table)


def _store(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    db.register("incoming", table)
    db.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608
    db.unregister("incoming")


def _plain(frame: gpd.GeoDataFrame, names: Sequence[str], kind: pa.DataType) -> dict[str, pa.Array]:
    return {name: pa.array(frame[name].tolist(), kind, from_pandas=True) for name in names}


def _wkb(shapes: gpd.GeoSeries) -> pa.Array:
    return pa.array(shapely.to_wkb(shapes.to_numpy()), pa.binary())
