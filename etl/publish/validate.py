"""What a built release must be before anyone sees it.

Charter: checks that return records; the first failure blocks promotion. The
checks read the files as a stranger would, not the builder's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from etl.errors import ReleaseError
from etl.publish.counting import FILE as COUNTING
from etl.publish.fields import Field
from etl.publish.index import SERVING


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it held, and what was found."""

    name: str
    ok: bool
    note: str = ""


def validate(folder: Path, package: dict[str, Any], public: Sequence[Field]) -> list[Check]:
    """Every check of a built folder, in order."""
    checks: list[Check] = []
    with duckdb.connect(config={"threads": 2, "memory_limit": "900MB"}) as db:
        for resource in package["resources"]:
            path = str(folder / resource["path"])
            rows = db.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchone()
            count = rows[0] if rows else -1
            checks.append(
                Check(f"rows of {resource['name']}", count == resource["rows"], f"{count} of {resource['rows']}")
            )
            names = [r[0] for r in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()]
            stated = [f["name"] for f in resource["schema"]["fields"]]
            checks.append(
                Check(f"columns of {resource['name']}", names == stated, ", ".join(sorted(set(names) ^ set(stated))))
            )
        requests = str(folder / "requests.parquet")
        checks += _requests(db, requests, public)
        if any(field.name == "incident_id" for field in public):
            checks += _incidents(db, requests, str(folder / "incidents.parquet"))
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True, config={"threads": 2}) as index:
        rows = index.execute("SELECT count(*) FROM requests").fetchone()
        count = rows[0] if rows else -1
        stated = package["openward"]["counts"]["requests"]
        checks.append(Check("rows of the index", count == stated, f"{count} of {stated}"))
        allowed = {f.name for f in public} | {*SERVING, "rid"}
        there = {
            r[0]
            for r in index.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'requests'").fetchall()
        }
        with pa.memory_map(str(folder / COUNTING)) as file:
            counted = pa.ipc.open_file(file).get_batch(0).num_rows
        checks.append(Check("rows of the columns for counting", counted == count, f"{counted} of {count}"))
        checks.append(
            Check("index holds only what may be published", there <= allowed, ", ".join(sorted(there - allowed)))
        )
    return checks


def _requests(db: duckdb.DuckDBPyConnection, path: str, public: Sequence[Field]) -> list[Check]:
    checks: list[Check] = []
    doubled = _one(db, "SELECT count(*) - count(DISTINCT (source, service_request_id)) FROM read_parquet(?)", path)
    checks.append(Check("request numbers are unique", doubled == 0, f"{doubled} doubled"))
    for field in public:
        column = '"' + field.name.replace('"', '""') + '"'
        if field.required:
            blank = _one(db, f"SELECT count(*) FROM read_parquet(?) WHERE {column} IS NULL", path)  # noqa: S608
            checks.append(Check(f"{field.name} is never empty", blank == 0, f"{blank} empty"))
        if field.values:
            marks = ", ".join("?" * len(field.values))
            query = f"SELECT count(*) FROM read_parquet(?) WHERE {column} NOT IN ({marks})"  # noqa: S608
            strange = _one(db, query, path, *field.values)
            checks.append(Check(f"{field.name} has known values", strange == 0, f"{strange} others"))
    backwards = _one(db, "SELECT count(*) FROM read_parquet(?) WHERE response_hours < 0", path)
    checks.append(Check("no response time is negative", backwards == 0, f"{backwards} negative"))
    if any(field.name == "lat" for field in public):
        half = _one(db, "SELECT count(*) FROM read_parquet(?) WHERE (lat IS NULL) <> (location_source = 'none')", path)
        checks.append(Check("located rows have coordinates", half == 0, f"{half} contradict"))
    return checks


def _incidents(db: duckdb.DuckDBPyConnection, requests: str, incidents: str) -> list[Check]:
    """Each incident has its row and its reports, numbered from 1; what repeats another comes after it."""
    differ = _one(
        db,
        """SELECT count(*) FROM read_parquet(?) i FULL JOIN (
             SELECT incident_id, count(*) AS n, min(incident_report) AS lowest, max(incident_report) AS highest,
                    count(DISTINCT incident_report) AS numbers, min(incident_reports) AS least,
                    max(incident_reports) AS most, max(requested_datetime) AS last
             FROM read_parquet(?) WHERE incident_id IS NOT NULL GROUP BY 1) r USING (incident_id)
           WHERE i.reports IS NULL OR r.n IS NULL OR i.reports < 2 OR i.last_requested_datetime <> r.last
              OR NOT (i.reports = r.n AND r.most = least(r.n, 65535) AND r.least = r.most AND r.highest = r.most
                      AND r.numbers = r.most AND r.lowest = 1)""",
        incidents,
        requests,
    )
    unlike = _one(
        db,
        """SELECT count(*) FROM read_parquet(?) WHERE (incident_report IS NULL) <> (incident_reports IS NULL)
              OR (incident_id IS NOT NULL) <> coalesce(incident_reports > 1, FALSE) OR (repeat_of IS NOT NULL
              AND incident_report IS DISTINCT FROM 1) OR (incident_report IS NOT NULL AND location_precision <> 'exact')""",
        requests,
    )
    lost = _one(
        db,
        """SELECT count(*) FROM read_parquet(?) r LEFT JOIN read_parquet(?) e ON e.source || ':' || e.service_request_id = r.repeat_of
           WHERE r.repeat_of IS NOT NULL AND coalesce(e.closed_datetime > r.requested_datetime, TRUE)""",
        requests,
        requests,
    )
    return [
        Check("incidents have their reports", differ == 0, f"{differ} differ"),
        Check("requests are in the incident that they say", unlike == 0, f"{unlike} contradict"),
        Check("repeats come after a closing", lost == 0, f"{lost} do not"),
    ]


def _one(db: duckdb.DuckDBPyConnection, sql: str, *params: object) -> int:
    row = db.execute(sql, list(params)).fetchone()
    return int(row[0]) if row else -1


def must_hold(checks: Sequence[Check]) -> None:
    """ReleaseError that names the first check that failed."""
    failed = [check for check in checks if not check.ok]
    if failed:
        more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise ReleaseError(
            f"the release was not promoted: '{failed[0].name}' failed ({failed[0].note}){more}; the portal keeps the last one"
        )
