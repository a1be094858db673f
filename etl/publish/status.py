"""status.json beside the releases: how fresh each source is and how its last runs went, also when nothing was published.

Charter: what the public may know of runs. Not a part of a release, so that the
portal tells of a failing source while it goes on serving the last good one.
Messages stay inside: they may name hosts, paths and rows.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from etl.config import CityConfig
from etl.config.privacy import SmallCells
from etl.publish import chain
from etl.store import export, state
from etl.store.models import FoundDefault, Run, SourceRun

STATUS = "status.json"
RUNS = 20
TOLD = ("read", "new", "changed", "unchanged", "stale", "quarantined", "withdrawn")


def write(engine: Engine, config: CityConfig, releases: Path, now: dt.datetime) -> None:
    """Replace status.json at once by what the store says now."""
    with engine.connect() as connection:
        found = describe(connection, config, releases, now)
    releases.mkdir(parents=True, exist_ok=True)
    half = releases / f".{STATUS}"
    try:
        with half.open("w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        half.chmod(0o644)
        half.replace(releases / STATUS)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def describe(connection: Connection, config: CityConfig, releases: Path, now: dt.datetime) -> dict[str, Any]:
    """The document: `sources` by name, `runs` newest first, and the release that is current."""
    folder = chain.current_folder(releases)
    stood = state.states(connection)
    last = connection.execute(sa.select(Run.status).order_by(Run.run_id.desc()).limit(1)).scalar()
    refused = export.quarantine_counts(connection)
    cells = config.privacy.small_cells
    few = cells.hides("exclusions", (n for *_, n in refused))
    found = _default_points(connection, told="location" in config.privacy.publish)
    return {
        "written": _moment(now),
        "city": config.city.id,
        "release": folder.name if folder else None,
        "last_run": last,
        "sources": [
            _source(connection, name, source.connection.kind, stood.get(name), refused, cells, few, found.get(name, []))
            for name, source in config.every_source.items()
        ],
    }


def _default_points(connection: Connection, *, told: bool) -> dict[str, list[dict[str, Any]]]:
    """Points that were found to stand for 'unknown', by source; where, only in a city that publishes places."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(sa.select(FoundDefault.__table__).order_by(FoundDefault.point_id)):
        where = {"lat": row.lat, "long": row.long} if told else {}
        found.setdefault(row.source, []).append(
            where
            | {"rows": row.rows, "addresses": row.addresses, "why": row.why, "first_seen": _moment(row.first_seen)}
        )
    return found


def _source(
    connection: Connection,
    name: str,
    kind: str,
    stood: state.State | None,
    refused: list[tuple[str, str, int]],
    cells: SmallCells,
    few: bool,
    points: list[dict[str, Any]],
) -> dict[str, Any]:
    rows = connection.execute(
        sa.select(SourceRun.__table__)
        .where(SourceRun.source == name, SourceRun.status != "replayed")  # a replay asks nobody
        .order_by(SourceRun.source_run_id.desc())
        .limit(RUNS)
    ).all()
    # Where the city's policy hides a count of the quarantine none is told: with the total the others would tell it.
    reasons = {} if few else {reason: n for source, reason, n in refused if source == name}
    answered = next((r.finished for r in rows if r.status in ("loaded", "unchanged")), None)
    return {
        "source": name,
        "kind": kind,
        "state": rows[0].status if rows else "never",
        "as_of": _moment(stood.as_of if stood else None),
        "loaded": _moment(stood.loaded if stood else None),
        "answered": _moment(answered),
        "quarantined": None if few else sum(reasons.values()),
        "reasons": reasons,
        "default_points": points,
        "runs": [
            {
                "started": _moment(r.started),
                "seconds": round((state.utc(r.finished) - state.utc(r.started)).total_seconds(), 1),  # type: ignore[operator]
                "status": r.status,
                **_counted(json.loads(r.counts), cells, few),
            }
            for r in rows
        ],
    }


def _counted(counts: dict[str, int], cells: SmallCells, few: bool) -> dict[str, int]:
    """A run's counts. What was read, less what became of it, is what was refused: both are told or neither."""
    hidden = few or cells.hides("exclusions", [counts.get("quarantined", 0)])
    return {k: v for k, v in counts.items() if k in TOLD and not (hidden and k in ("read", "quarantined"))}


def _moment(value: dt.datetime | None) -> str | None:
    aware = state.utc(value)
    return f"{aware:%Y-%m-%dT%H:%M:%SZ}" if aware else None
