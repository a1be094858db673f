"""What a release says of requests by holding them against one another: incidents, repeats, reopenings, suspicious closings.

Only places that are published exactly link requests: one that is generalised or withheld belongs to no incident, repeats
nothing, is repeated by nothing, and its closing text is not looked at, so that nothing here depends on where it truly is.
Nor do vague places: results of the geocoder for a block, a street or an area, and points that stand for "unknown".

Charter: composes `incidents` and `suspicious` over the view `raw` of a release in the making, and counts what they found.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from etl.config import CityConfig
from etl.publish.incidents import Requests, first_reports, repeats
from etl.publish.index import CELL_SHIFT
from etl.publish.near import Grid
from etl.publish.suspicious import FLAGS, flag
from etl.transform.placing import EXACT_METHODS
from geo.crs import GRID, from_wgs84

COLUMNS = ("incident_id", "incident_report", "incident_reports", "repeat_of", "reopened", "suspicious")
"""What `link` finds for requests."""
AT_ONCE = 2
"""Kinds of services whose requests are held against one another at once: NumPy lets others work meanwhile."""
EQUATOR_M = 6_378_137.0
MOST = 65_535
"""More reports than this of one incident are counted as so many."""


def usable(config: CityConfig, row: str = "raw") -> str:
    """SQL over `raw`: whether a row's place is published, exactly, and known well enough to link it with others."""
    if "location" not in config.privacy.publish:
        return "FALSE"
    return (
        f"({row}.lat IS NOT NULL AND {row}.location_precision = 'exact' AND CASE {row}.location_source "
        f"WHEN 'geocoder' THEN {row}.geocode_method IN {EXACT_METHODS} "
        f"AND coalesce({row}.geocode_radius_m, 0) <= {config.incidents.metres} "
        f"ELSE {row}.flags IS NULL OR NOT (contains({row}.flags, 'location_default_point') "
        f"OR contains({row}.flags, 'location_contradicts_address')) END)"
    )


def link(db: duckdb.DuckDBPyConnection, config: CityConfig, as_of: dt.datetime, *, all_exact: bool) -> dict[str, str]:
    """Write `scratch.found`: n and COLUMNS of the rows of `raw` that have any of them; `scratch.change` is the history.

    `all_exact`: no place of this release is or was ever generalised.
    Returns SQL of each of COLUMNS, of `raw r` joined with what was found as `d`.
    """
    _links(db, config, as_of)
    flag(db, config.suspicious, "scratch.flagged", texts="TRUE" if all_exact else "location_precision = 'exact'")
    db.execute(
        """CREATE TABLE scratch.found AS
           WITH reopened AS (
             SELECT r.n, TRUE AS reopened FROM raw r SEMI JOIN (
               SELECT source, service_request_id FROM scratch.change WHERE cause = 'source'
                AND ((field = 'status' AND old = 'closed' AND new = 'open')
                  OR (field = 'closed_datetime' AND old IS NOT NULL AND new IS NULL))) c
             USING (source, service_request_id)),
           named AS (
             SELECT l.n, f.source || ':' || f.service_request_id AS incident_id, l.incident_report, l.incident_reports,
                    e.source || ':' || e.service_request_id AS repeat_of
             FROM scratch.link l LEFT JOIN raw f ON f.n = l.first LEFT JOIN raw e ON e.n = l.repeats)
           SELECT n, incident_id, incident_report, incident_reports, repeat_of, reopened, suspicious
           FROM named FULL JOIN reopened USING (n) FULL JOIN scratch.flagged USING (n)"""
    )
    db.execute("DROP TABLE scratch.link")
    db.execute("DROP TABLE scratch.flagged")
    alone = f"CASE WHEN {usable(config, 'r')} THEN 1::USMALLINT END"
    return {name: f"d.{name}" for name in COLUMNS} | {
        "incident_report": f"coalesce(d.incident_report, {alone})",
        "incident_reports": f"coalesce(d.incident_reports, {alone})",
        "reopened": "coalesce(d.reopened, FALSE)",
    }


def _links(db: duckdb.DuckDBPyConnection, config: CityConfig, as_of: dt.datetime) -> None:
    """Write `scratch.link`: n, first (n of the incident's first report), incident_report, incident_reports, repeats."""
    rules = config.incidents
    codes = [code for (code,) in db.execute("SELECT DISTINCT service_code FROM raw ORDER BY 1").fetchall()]
    kinds = sorted({rules.kind_of(code) for code in codes})
    number = [kinds.index(rules.kind_of(code)) for code in codes]
    db.register("kinds", pa.table({"service_code": pa.array(codes, pa.string()), "kind": pa.array(number, pa.int32())}))
    db.execute(
        f"""CREATE TABLE scratch.placed AS
            WITH cells AS (SELECT gx >> {CELL_SHIFT} AS gx, gy >> {CELL_SHIFT} AS gy, count(*) AS requests,
                                  sum(requests) OVER () AS of_all
                           FROM raw WHERE {usable(config)} GROUP BY 1, 2)
            SELECT kind, n, lat, long, requests / of_all / {_cell_area(config)} AS ground, epoch(requested_datetime)::BIGINT AS requested,
                   coalesce(event AND status = 'closed', FALSE) AS closed,
                   CASE WHEN closed THEN epoch(closed_datetime)::BIGINT WHEN status = 'closed' THEN requested
                        ELSE greatest(requested, {int(as_of.timestamp())}) END AS ended,
                   coalesce(outcome = 'duplicate', FALSE) AS duplicate
            FROM raw JOIN kinds USING (service_code)
            JOIN cells ON cells.gx = raw.gx >> {CELL_SHIFT} AND cells.gy = raw.gy >> {CELL_SHIFT}
            WHERE {usable(config)}
            ORDER BY kind, requested_datetime, source, service_request_id"""  # noqa: S608
    )
    db.unregister("kinds")
    db.execute(
        """CREATE TABLE scratch.link (n UINTEGER, first UINTEGER, incident_report USMALLINT, incident_reports USMALLINT,
                                      repeats UINTEGER)"""
    )

    def linked() -> Iterator[pa.Table]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting: deque[Future[pa.Table]] = deque()
            for index, kind in enumerate(kinds):
                found = db.execute("SELECT * EXCLUDE (kind) FROM scratch.placed WHERE kind = ?", [index]).fetchnumpy()
                waiting.append(
                    pool.submit(_linked, found, config, [code for code in codes if rules.kind_of(code) == kind])
                )
                if len(waiting) > AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    for table in linked():
        if len(table):
            db.register("incoming", table)
            db.execute("INSERT INTO scratch.link SELECT * FROM incoming")
            db.unregister("incoming")
    db.execute("DROP TABLE scratch.placed")


def _cell_area(config: CityConfig) -> float:
    """Square metres of a cell of the map at the city's middle latitude."""
    _, south, _, north = config.city.bbox
    side = 2 * math.pi * EQUATOR_M * math.cos(math.radians((south + north) / 2)) * 2**CELL_SHIFT / GRID
    return side * side


def _linked(found: dict[str, Any], config: CityConfig, codes: list[str]) -> pa.Table:
    """Links of the requests of one kind, only of those that have any."""
    rules = config.incidents
    x, y = from_wgs84(found["long"], found["lat"], config.city.crs)
    rows = Requests(x, y, found["requested"], found["ended"], found["closed"], found["duplicate"],
                    found["ground"])  # fmt: skip
    metres, days = rules.limits_of(codes)
    grid = Grid(x, y, rows.requested, metres)
    first = first_reports(
        rows, grid, metres=metres, max_days=days, after_closing_hours=rules.after_closing_hours, chance=rules.chance,
        chance_with_evidence=rules.chance_with_evidence,
    )  # fmt: skip
    if config.repeats.metres != metres:
        grid = Grid(x, y, rows.requested, config.repeats.metres)
    again = repeats(rows, grid, first, days=config.repeats.days)
    size = np.bincount(first, minlength=len(rows))[first]
    order = np.lexsort((np.arange(len(rows)), first))
    begin = np.flatnonzero(np.diff(first[order], prepend=-1))
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows)) - np.repeat(begin, np.diff(begin, append=len(rows))) + 1
    some = np.flatnonzero((size > 1) | (again >= 0))
    n, many = found["n"], size[some] > 1
    return pa.table(
        {
            "n": pa.array(n[some], pa.uint32()),
            "first": pa.array(n[first[some]], pa.uint32(), mask=~many),
            "incident_report": pa.array(np.minimum(place[some], MOST), pa.uint16()),
            "incident_reports": pa.array(np.minimum(size[some], MOST), pa.uint16()),
            "repeats": pa.array(n[np.maximum(again[some], 0)], pa.uint32(), mask=again[some] < 0),
        }
    )


def incidents_table(db: duckdb.DuckDBPyConnection, layers: list[str]) -> pa.Table:
    """The table `incidents`, read off the filled index: one row for each incident of two reports or more."""
    own = "coalesce(outcome::VARCHAR, '') <> 'duplicate'"
    areas = "".join(f', arg_min("{layer}"::VARCHAR, incident_report) AS "{layer}"' for layer in layers)
    return db.execute(
        f"""SELECT incident_id, arg_min(service_code::VARCHAR, incident_report) AS service_code,
                   arg_min(department::VARCHAR, incident_report) AS department,
                   count(*)::INTEGER AS reports, (count(*) FILTER (NOT {own}))::INTEGER AS duplicates,
                   min(requested_datetime) AS requested_datetime, max(requested_datetime) AS last_requested_datetime,
                   CASE WHEN bool_and(status = 'closed') THEN 'closed' ELSE 'open' END AS status,
                   CASE WHEN bool_and(status = 'closed')
                        THEN coalesce(max(closed_datetime) FILTER ({own} AND event), max(closed_datetime) FILTER (event))
                   END AS closed_datetime,
                   arg_min(lat, incident_report) AS lat, arg_min(long, incident_report) AS long{areas}
            FROM requests WHERE incident_id IS NOT NULL GROUP BY incident_id ORDER BY requested_datetime, incident_id"""  # noqa: S608
    ).to_arrow_table()


def facts(db: duckdb.DuckDBPyConnection, config: CityConfig, names: list[str]) -> dict[str, Any]:
    """What the package tells of all this: the rules as they were applied, and counts."""
    sums = [f"count(*) FILTER (contains(suspicious::VARCHAR, '{name}'))" for name in FLAGS]
    sums += ["count(*) FILTER (suspicious IS NOT NULL)", "count(*) FILTER (reopened)"]
    linked = "incident_id" in names
    if linked:
        sums += ["count(incident_report)", "count(*) FILTER (incident_report = 1)", "count(DISTINCT incident_id)",
                 "count(incident_id)", "count(repeat_of)"]  # fmt: skip
    row = db.execute(f"SELECT {', '.join(sums)} FROM requests").fetchone() or (0,) * len(sums)  # noqa: S608
    told: dict[str, Any] = {
        "suspicious": {"flags": dict(zip(FLAGS, row, strict=False)), "requests": row[3]}
        | {"rules": config.suspicious.model_dump(mode="json")},
        "reopened": row[4],
        "incidents": None,
        "repeats": None,
    }
    if linked:
        told["incidents"] = {
            "looked_at": row[5], "incidents": row[6], "of_several_reports": row[7], "reports_of_these": row[8],
            "rules": config.incidents.model_dump(mode="json"),
        }  # fmt: skip
        told["repeats"] = {"requests": row[9], "rules": config.repeats.model_dump(mode="json")}
    return told
