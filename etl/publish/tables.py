"""The small tables of a release: areas, services, departments, changes, exclusions, and the counts.

Charter: what is read off the filled index and the store; the requests themselves are `derive` and `index`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection

from etl.config import CityConfig
from etl.publish import chain
from etl.store import export, reference


def all_areas(connection: Connection, db: duckdb.DuckDBPyConnection, config: CityConfig) -> gpd.GeoDataFrame:
    """Areas of the layers with boundaries, and the codes met in requests of those without."""
    frame = reference.read_boundaries(connection)
    more = []
    for layer in config.layers:
        if layer.files:
            continue
        codes = db.execute(
            f'SELECT DISTINCT "{layer.layer}"::VARCHAR FROM requests WHERE "{layer.layer}" IS NOT NULL ORDER BY 1'  # noqa: S608
        ).fetchall()
        more += [
            {"layer": layer.layer, "area": code, "name": layer.area_title.format(area=code), "population": None,
             "valid_from": None, "valid_to": None, "geometry": None}
            for (code,) in codes
        ]  # fmt: skip
    if more:
        frame = gpd.GeoDataFrame(
            pd.concat([pd.DataFrame(frame).astype(object), pd.DataFrame(more, dtype=object)], ignore_index=True),
            geometry="geometry", crs="EPSG:4326",
        )  # fmt: skip
    return frame


def small_tables(
    connection: Connection,
    db: duckdb.DuckDBPyConnection,
    config: CityConfig,
    previous: Path | None,
    public: Sequence[str],
) -> dict[str, pa.Table]:
    """services, departments, changes since the previous release, and exclusions; only `public` fields appear."""
    services = db.execute(
        """SELECT service_code::VARCHAR, service_name, service_group::VARCHAR, department FROM (
             SELECT service_code, any_value(service_name) AS service_name, any_value(service_group) AS service_group,
                    mode(department::VARCHAR ORDER BY department::VARCHAR) AS department
             FROM requests GROUP BY service_code) ORDER BY 1"""
    ).fetchall()
    info = config.services
    observed = {row[0] for row in services}
    unused = sorted(set(info) - observed)
    rows = [
        (
            code,
            info[code].name or name,
            info[code].group or group,
            info[code].department or department,
            info[code].target_hours,
        )
        if code in info
        else (code, name, group, department, None)
        for code, name, group, department in [*services, *((c, c, None, None) for c in unused)]
    ]
    text, number = pa.string(), pa.float64()
    service_table = _table(
        rows,
        [
            ("service_code", text),
            ("service_name", text),
            ("service_group", text),
            ("department", text),
            ("target_hours", number),
        ],
    )
    agency = "agency_responsible::VARCHAR"
    name = f"mode({agency} ORDER BY {agency})" if "agency_responsible" in public else "NULL::VARCHAR"
    departments = db.execute(
        f"SELECT department::VARCHAR, {name} FROM requests GROUP BY 1 ORDER BY 1"  # noqa: S608
    ).fetchall()
    named = [
        (code, config.departments[code].name if code in config.departments else _spoken(code, name))
        for code, name in departments
    ]
    since = chain.read_package(previous)["openward"]["inputs"]["data_version"] if previous else None
    changes = export.changes_after(connection, since if since is not None else 2**62, public)
    flagged = db.execute(
        """SELECT 'flagged', flag, source::VARCHAR, count(*) FROM (
             SELECT source, unnest(string_split(flags, ';')) AS flag FROM requests WHERE flags IS NOT NULL)
           GROUP BY ALL ORDER BY 2, 3"""
    ).fetchall()
    lost = db.execute(
        """SELECT 'not_located', location_note::VARCHAR, source::VARCHAR, count(*) FROM requests
           WHERE location_note IS NOT NULL GROUP BY ALL ORDER BY 2, 3"""
    ).fetchall()
    refused = [("quarantined", reason, source, n) for source, reason, n in export.quarantine_counts(connection)]
    exclusions = _table(
        [*refused, *lost, *flagged], [("kind", text), ("reason", text), ("source", text), ("rows", pa.int64())]
    )
    return {
        "services": service_table,
        "departments": _table(named, [("department", text), ("name", text)]),
        "changes": changes,
        "exclusions": exclusions,
    }


def counts(db: duckdb.DuckDBPyConnection, connection: Connection) -> dict[str, int]:
    """What the package says in numbers: requests, open, located, quarantined."""
    row = db.execute(
        """SELECT count(*), count(*) FILTER (status = 'open'), count(*) FILTER (location_source <> 'none') FROM requests"""
    ).fetchone() or (0, 0, 0)
    quarantined = sum(n for _, _, n in export.quarantine_counts(connection))
    return {"requests": row[0], "open": row[1], "located": row[2], "quarantined": quarantined}


def _spoken(code: str, agency: str | None) -> str:
    return agency or code.replace("_", " ").capitalize()


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
    return pa.table(
        [pa.array([row[i] for row in rows], kind) for i, (_, kind) in enumerate(columns)], names=[n for n, _ in columns]
    )
