"""The small tables of a release: areas, services, departments, changes, exclusions, and the counts.

Charter: what is read off the filled index and the store; the requests themselves are `derive` and `index`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import geopandas as gpd
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection

from etl.config import CityConfig
from etl.privacy.locations import ANCHORS
from etl.publish.annotations import with_annotations
from etl.publish.demographics import read_demographics, with_demographics
from etl.publish.located import area_probabilities, located_by
from etl.publish.policy import PublicRows
from etl.store import export, reference
from etl.store.models import PublishedPlace

CHANGE_COLUMNS = ("source", "service_request_id", "field", "old", "new", "first_seen", "last_seen", "cause", "run_id")
WITHDRAWN_COLUMNS = ("source", "service_request_id", "service_code", "service_name", "requested_datetime", "withdrawn")
BACKDATED_HOURS = 24
"""A request that an extract showed open, and that is later said to have been closed longer than this before it."""


@dataclass(frozen=True)
class Stored:
    """What a release takes from the store besides its requests."""

    boundaries: gpd.GeoDataFrame
    basemap: gpd.GeoDataFrame
    places: pa.Table
    quarantined: Sequence[tuple[str, str, int]]
    reference: Mapping[str, pa.Table] = field(default_factory=dict)
    geocoder: Mapping[str, Any] | None = None
    demographics: pa.Table | None = None

    @property
    def quarantined_by_source(self) -> dict[str, int]:
        """Rows in quarantine of each source."""
        found: dict[str, int] = {}
        for source, _reason, rows in self.quarantined:
            found[source] = found.get(source, 0) + rows
        return found


def read_store(connection: Connection) -> Stored:
    """The small things, by one connection that is closed before the bulk is read."""
    query = sa.select(*(PublishedPlace.__table__.c[name] for name in ANCHORS.names)).order_by(PublishedPlace.place_id)
    places = connection.execute(query).all()
    index, geocoder = reference.read_geocoder(connection)
    return Stored(
        boundaries=reference.read_boundaries(connection),
        basemap=reference.read_features(connection),
        places=pa.table([[row[i] for row in places] for i in range(len(ANCHORS))], schema=ANCHORS),
        quarantined=export.quarantine_counts(connection),
        reference=index,
        geocoder=geocoder,
        demographics=read_demographics(connection),
    )


def all_areas(frame: gpd.GeoDataFrame, db: duckdb.DuckDBPyConnection, config: CityConfig) -> gpd.GeoDataFrame:
    """Areas of the layers with boundaries, and the codes met in requests of those without."""
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
    db: duckdb.DuckDBPyConnection,
    config: CityConfig,
    stored: Stored,
    policy: PublicRows,
    since: int | None,
    public: Sequence[str],
) -> dict[str, pa.Table]:
    """Every table of a release besides requests and places; only `public` fields of requests appear.

    `since` is the data version of the release before, None for the first one.
    """
    tables = _registers(db, config, public)
    tables["changes"] = policy.changes(_changes(db, since, public))
    tables["retroactive_edits"] = _edits(db)
    tables["withdrawn"] = db.execute(
        """SELECT source, service_request_id, service_code, service_name, requested_datetime,
                  withdrawn AS withdrawn_datetime FROM scratch.withdrawn ORDER BY source, service_request_id"""
    ).to_arrow_table()
    tables["exclusions"] = policy.cells("exclusions", _exclusions(db, stored))
    tables["measures"] = db.execute(
        "SELECT * FROM scratch.measure ORDER BY source, measure, department, period_start"
    ).to_arrow_table()
    small = config.privacy.small_cells
    minimum = small.minimum if "exclusions" in small.tables else None
    tables["located_by"] = located_by(db, public, tables["exclusions"], minimum)
    if config.geocoder is not None and "lat" in public:
        tables["area_probabilities"] = area_probabilities(db, config, policy.layers)
    tables |= policy.feedback(db)
    if "monthly" in config.privacy.small_cells.tables:
        tables["monthly"] = policy.cells("monthly", _monthly(db, [layer.layer for layer in config.layers]))
    return with_annotations(with_demographics(tables, stored.demographics), config)


def _changes(db: duckdb.DuckDBPyConnection, since: int | None, public: Sequence[str]) -> pa.Table:
    """Changes of published fields, and of whether a request is there at all, since the release before."""
    marks = ", ".join("?" * (len(public) + 1))
    return db.execute(
        f"""SELECT source, service_request_id, field, old, new, first_seen, cause FROM scratch.change
            WHERE run_id > ? AND field IN ({marks})
            ORDER BY source, service_request_id, field, first_seen, run_id""",  # noqa: S608
        [2**62 if since is None else since, *public, "withdrawn"],
    ).to_arrow_table()


def _edits(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """Opening and closing times that were changed after the fact, ever."""
    return db.execute(
        f"""SELECT source, service_request_id, field, edit, old::TIMESTAMP_S AS old, new::TIMESTAMP_S AS new,
                   CASE edit WHEN 'backdated' THEN date_diff('second', last_seen, new::TIMESTAMP_S) / 3600.0
                             WHEN 'moved' THEN date_diff('second', old::TIMESTAMP_S, new::TIMESTAMP_S) / 3600.0 END
                        AS moved_hours,
                   last_seen, first_seen, cause
            FROM (SELECT source, service_request_id, field, last_seen, first_seen, cause, run_id,
                         try_strptime(old, '%Y-%m-%dT%H:%M:%SZ') AS old, try_strptime(new, '%Y-%m-%dT%H:%M:%SZ') AS new,
                         CASE WHEN old IS NOT NULL AND new IS NOT NULL THEN 'moved'
                              WHEN old IS NOT NULL THEN 'removed'
                              WHEN field = 'closed_datetime' AND last_seen IS NOT NULL
                                   AND try_strptime(new, '%Y-%m-%dT%H:%M:%SZ')
                                       < last_seen - INTERVAL {BACKDATED_HOURS} HOUR THEN 'backdated' END AS edit
                  FROM scratch.change WHERE field IN ('requested_datetime', 'closed_datetime'))
            WHERE edit IS NOT NULL ORDER BY source, service_request_id, field, first_seen, run_id"""  # noqa: S608
    ).to_arrow_table()


def _monthly(db: duckdb.DuckDBPyConnection, layers: Sequence[str]) -> pa.Table:
    """Requests by layer, area, service and month requested; the city as a whole is the layer 'city'."""
    parts = [
        f"""SELECT '{layer}' AS layer, "{layer}"::VARCHAR AS area, service_code::VARCHAR AS service_code, month,
                   count(*) AS requests, count(*) FILTER (status = 'closed') AS closed,
                   count(*) FILTER (status <> 'closed') AS open
            FROM requests WHERE "{layer}" IS NOT NULL GROUP BY ALL"""  # noqa: S608
        for layer in layers
    ]
    parts.append(
        """SELECT 'city', '', service_code::VARCHAR, month, count(*), count(*) FILTER (status = 'closed'),
                  count(*) FILTER (status <> 'closed')
           FROM requests GROUP BY ALL"""
    )
    return db.execute(
        f"""SELECT layer, area, service_code, CAST(DATE '1970-01-01' + to_months(month::INT) AS DATE) AS month,
                   requests, closed, open FROM ({" UNION ALL ".join(parts)}) ORDER BY ALL"""  # noqa: S608
    ).to_arrow_table()


def _exclusions(db: duckdb.DuckDBPyConnection, stored: Stored) -> pa.Table:
    """What is not in the requests, not on the map or not in a figure, by reason and source."""
    flagged = db.execute(
        """SELECT 'flagged', flag, source::VARCHAR, count(*) FROM (
             SELECT source, unnest(string_split(flags, ';')) AS flag FROM requests WHERE flags IS NOT NULL)
           GROUP BY ALL ORDER BY 2, 3"""
    ).fetchall()
    lost = db.execute(
        """SELECT 'not_located', location_note::VARCHAR, source::VARCHAR, count(*) FROM requests
           WHERE location_source = 'none' GROUP BY ALL ORDER BY 2, 3"""
    ).fetchall()
    gone = db.execute(
        "SELECT 'withdrawn', 'withdrawn_by_source', source, count(*) FROM scratch.withdrawn GROUP BY ALL ORDER BY 3"
    ).fetchall()
    refused = [("quarantined", reason, source, n) for source, reason, n in stored.quarantined]
    text = pa.string()
    return _table(
        [*refused, *gone, *lost, *flagged], [("kind", text), ("reason", text), ("source", text), ("rows", pa.int64())]
    )


def _registers(db: duckdb.DuckDBPyConnection, config: CityConfig, public: Sequence[str]) -> dict[str, pa.Table]:
    """services and departments: those met in requests, and those that the configuration names."""
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
    return {"services": service_table, "departments": _table(named, [("department", text), ("name", text)])}


def counts(db: duckdb.DuckDBPyConnection, stored: Stored) -> dict[str, int]:
    """What the package says in numbers: requests, open, located, quarantined, withdrawn."""
    row = db.execute(
        """SELECT count(*), count(*) FILTER (status = 'open'), count(*) FILTER (location_source <> 'none') FROM requests"""
    ).fetchone() or (0, 0, 0)
    gone = db.execute("SELECT count(*) FROM scratch.withdrawn").fetchone() or (0,)
    quarantined = sum(stored.quarantined_by_source.values())
    return {
        "requests": row[0], "open": row[1], "located": row[2], "quarantined": quarantined, "withdrawn": gone[0],
    }  # fmt: skip


def _spoken(code: str, agency: str | None) -> str:
    return agency or code.replace("_", " ").capitalize()


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
    return pa.table(
        [pa.array([row[i] for row in rows], kind) for i, (_, kind) in enumerate(columns)], names=[n for n, _ in columns]
    )
