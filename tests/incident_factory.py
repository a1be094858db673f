"""What a release says of requests by holding them against one another, for the made-up release of release_factory.

What is true of it: names, types and what must add up are those of docs/architecture.md. What is not: which requests go
together is drawn, within a service; no report is truly near another.
"""

from __future__ import annotations

from typing import Any

import duckdb

COLUMNS = ("incident_id", "incident_report", "incident_reports", "repeat_of", "reopened", "suspicious")


def linked(db: duckdb.DuckDBPyConnection) -> None:
    """Add COLUMNS to `requests`, and the table `incidents`: up to four reports within ten days of the first."""
    db.execute(
        """CREATE TEMP TABLE linked AS
           WITH placed AS (
             SELECT rid, source || ':' || service_request_id AS id, service_code, requested_datetime,
                    (epoch(requested_datetime) / 864000)::INTEGER AS decade
             FROM requests WHERE lat IS NOT NULL AND location_precision = 'exact'),
           drawn AS (
             SELECT *, CASE WHEN hash(rid) % 4 = 0 THEN hash(service_code::VARCHAR, decade) ELSE hash(rid, 'alone') END AS k
             FROM placed),
           numbered AS (
             SELECT *, (row_number() OVER (PARTITION BY k ORDER BY requested_datetime, rid) - 1) // 4 AS part FROM drawn),
           grouped AS (
             SELECT rid, id, first(id) OVER w AS of_first, row_number() OVER w AS report,
                    count(*) OVER (PARTITION BY k, part) AS reports, service_code, requested_datetime
             FROM numbered WINDOW w AS (PARTITION BY k, part ORDER BY requested_datetime, rid))
           SELECT rid, CASE WHEN reports > 1 THEN of_first END AS incident_id, report::USMALLINT AS incident_report,
                  reports::USMALLINT AS incident_reports
           FROM grouped"""
    )
    for name, kind, value in (
        ("incident_id", "VARCHAR", "l.incident_id"),
        ("incident_report", "USMALLINT", "l.incident_report"),
        ("incident_reports", "USMALLINT", "l.incident_reports"),
    ):
        db.execute(f"ALTER TABLE requests ADD COLUMN {name} {kind}")
        db.execute(f"UPDATE requests SET {name} = {value} FROM linked l WHERE l.rid = requests.rid")
    db.execute("ALTER TABLE requests ADD COLUMN repeat_of VARCHAR")
    db.execute(
        """UPDATE requests SET repeat_of = e.id FROM (
             SELECT r.rid, max_by(b.source || ':' || b.service_request_id, (b.closed_datetime, b.rid)) AS id
             FROM requests r JOIN requests b ON b.service_code = r.service_code AND b.event AND b.rid <> r.rid
              AND b.closed_datetime BETWEEN r.requested_datetime - INTERVAL 14 DAY AND r.requested_datetime
             WHERE r.incident_report = 1 AND b.incident_report IS NOT NULL AND hash(r.rid) % 10 = 1 GROUP BY 1) e
           WHERE e.rid = requests.rid"""
    )
    db.execute("ALTER TABLE requests ADD COLUMN reopened BOOLEAN")
    db.execute("UPDATE requests SET reopened = hash(rid) % 50 = 2")
    db.execute("CREATE TYPE suspicious AS ENUM ('boilerplate', 'bulk', 'fast', 'fast;bulk')")
    db.execute("ALTER TABLE requests ADD COLUMN suspicious suspicious")
    db.execute(
        """UPDATE requests SET suspicious = ['boilerplate', 'bulk', 'fast', 'fast;bulk'][(hash(rid) % 4)::BIGINT + 1]::suspicious
           WHERE event AND hash(rid, 'odd') % 40 = 0"""
    )
    db.execute(
        """CREATE TABLE incidents AS
           SELECT incident_id, arg_min(service_code::VARCHAR, incident_report) AS service_code,
                  arg_min(department::VARCHAR, incident_report) AS department, count(*)::INTEGER AS reports,
                  (count(*) FILTER (outcome = 'duplicate'))::INTEGER AS duplicates,
                  min(requested_datetime) AS requested_datetime, max(requested_datetime) AS last_requested_datetime,
                  CASE WHEN bool_and(status = 'closed') THEN 'closed' ELSE 'open' END AS status,
                  CASE WHEN bool_and(status = 'closed') THEN max(closed_datetime) FILTER (event) END AS closed_datetime,
                  arg_min(lat, incident_report) AS lat, arg_min(long, incident_report) AS long,
                  arg_min(district::VARCHAR, incident_report) AS district, arg_min(ward::VARCHAR, incident_report) AS ward
           FROM requests WHERE incident_id IS NOT NULL GROUP BY 1 ORDER BY requested_datetime, incident_id"""
    )
    db.execute("DROP TABLE linked")


def facts(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The members of the package's `openward` that tell of it."""
    row = db.execute(
        """SELECT count(incident_report), count(*) FILTER (incident_report = 1), count(DISTINCT incident_id),
                  count(incident_id), count(repeat_of), count(*) FILTER (reopened), count(suspicious),
                  count(*) FILTER (contains(suspicious::VARCHAR, 'fast')),
                  count(*) FILTER (contains(suspicious::VARCHAR, 'bulk')), count(*) FILTER (suspicious = 'boilerplate')
           FROM requests"""
    ).fetchone()
    assert row is not None
    rules = {"metres": 50.0, "max_days": 30.0, "after_closing_hours": 0.0, "chance": 0.0003, "chance_with_evidence": 0.01,
             "services": {}, "interchangeable": []}  # fmt: skip
    names = ("looked_at", "incidents", "of_several_reports", "reports_of_these")
    flags = {"fast": row[7], "bulk": row[8], "boilerplate": row[9]}
    limits = {
        "least_closings": 100,
        "fast_chance": 0.001,
        "fast_minutes": 60.0,
        "bulk_closings": 50,
        "boilerplate_share": 0.5,
    }
    return {
        "incidents": dict(zip(names, row, strict=False)) | {"rules": rules},
        "repeats": {"requests": row[4], "rules": {"days": 14.0, "metres": 50.0}},
        "reopened": row[5],
        "suspicious": {"flags": flags, "requests": row[6], "rules": limits},
    }
