"""What the command line tells of a run, a store and its releases, as lines of text or one document.

Charter: reading and wording; changing anything stays out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from etl.config import CityConfig
from etl.errors import ConfigError
from etl.pipeline import Place, RunReport
from etl.publish import chain, status
from etl.publish.shelf import Stocked
from etl.store import export, state
from etl.store.models import Drift, Feedback, Measure, Quarantined, Request, Run, SourceRun
from etl.store.state import Drifted

MOST_DRIFT = 20
"""Lines on new words of one source in a run's report; `etl status` has them all."""

WORDS = {
    "unmapped_status": ("status", "it is shown as unmapped, map it under sources.{source}.statuses"),
    "unmapped_channel": ("channel", "it is shown as unmapped, map it under sources.{source}.channels"),
    "unmapped_service_code": ("service", "it is shown under its own name, describe it under services"),
    "unmapped_department": ("department", "it is shown under its own name, describe it under departments"),
}


# --- a run --------------------------------------------------------------------------------------


def run_lines(report: RunReport, releases: Path, *, held: bool = False) -> Iterator[str]:
    """What a run did: a line a source, a line for each thing that is new about one, and what became of the release."""
    for name, counts in report.sources.items():
        yield (
            f"{name}: {counts.read:,} rows read: {counts.new:,} new, {counts.changed:,} changed, "
            f"{counts.unchanged:,} unchanged, {counts.stale:,} stale, "
            f"{counts.duplicates + counts.superseded:,} doubled, {counts.quarantined:,} quarantined; "
            f"{counts.withdrawn:,} withdrawn"
        )
        for point in report.defaults.get(name, ()):
            yield f"{name}: {point.lat:.5f}, {point.lon:.5f} stands for 'unknown' from now on: {point.why}"
        yield from drift_lines(name, report.drift.get(name, ()))
    for name, why in report.unavailable.items():
        yield f"{name}: unavailable: {why}"
    if not report.sources and not report.unavailable:
        yield "every input is already loaded: nothing changed"
    if report.release_id:
        yield f"published {report.release_id} in {releases}"
    elif held:
        yield f"the release is held; the current release is still {report.current}"
    else:
        yield f"nothing published; the current release is {report.current}"
    if report.stocked:
        yield stocked_line(report.stocked)


def stocked_line(stocked: Stocked) -> str:
    """Ready files that were made."""
    return f"{stocked.files:,} ready files of {stocked.release_id}: {stocked.bytes / 1e6:,.1f} MB in {stocked.seconds:.1f} s"


def drift_lines(source: str, found: Sequence[Drifted]) -> Iterator[str]:
    """What was not so before, each with what to do about it."""
    for one in found[:MOST_DRIFT]:
        yield f"{source}: {drift_told(source, one)}"
    if len(found) > MOST_DRIFT:
        yield f"{source}: and {len(found) - MOST_DRIFT:,} more; 'openward etl status' lists them all"


def drift_told(source: str, one: Drifted) -> str:
    """One drifted thing in words."""
    rows = f" ({one.rows:,} rows)" if one.rows is not None else ""
    if one.kind in WORDS:
        what, advice = WORDS[one.kind]
        return f"new word that no rule maps: {what} '{one.name}'{rows}; {advice.format(source=source)}"
    if one.kind == "new_column":
        return f"new column '{one.name}'{f' ({one.detail})' if one.detail else ''}; it is not read until it is mapped"
    if one.kind == "lost_column":
        return f"column '{one.name}' is gone; nothing that is loaded needs it"
    if one.kind == "type":
        return f"column '{one.name}' changed its kind: {one.detail}; look whether its values still mean the same"
    return f"{one.kind.replace('_', ' ')}: '{one.name}'{rows}{f', {one.detail}' if one.detail else ''}"


# --- status -------------------------------------------------------------------------------------


def status_of(place: Place, limit: int, now: dt.datetime) -> dict[str, Any]:
    """What is stored and published, how each source stands, and the last runs, the newest first."""
    with place.engine.connect() as connection:
        public = status.describe(connection, place.config, place.releases, now)
        rows = stored_rows(connection)
        drifted = _drift(connection)
        names = [one["source"] for one in public["sources"]]
        return {
            "city": place.config.city.id,
            "name": place.config.city.name,
            "release": public["release"],
            "held": held_because(connection),
            "last_run": public["last_run"],
            "requests": export.count_requests(connection),
            "quarantined": sum(n for _, _, n in export.quarantine_counts(connection)),
            "sources": [
                one | {"rows": rows.get(one["source"], 0), "drift": drifted.get(one["source"], [])}
                for one in public["sources"]
            ],
            "others": sorted({*rows, *drifted, *state.states(connection)} - set(names)),
            "runs": _runs(connection, limit),
        }


def stored_rows(connection: Connection) -> dict[str, int]:
    """How many records of each source are stored, of whatever kind."""
    found: dict[str, int] = {}
    for table in (Request, Measure, Feedback):
        query = sa.select(table.source, sa.func.count()).group_by(table.source)
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def held_because(connection: Connection) -> str | None:
    """Why what is stored is not published, where a limit holds it; None where none does."""
    query = sa.select(Run.message).where(Run.run_id == export.data_version(connection), Run.status == "held")
    found: str | None = connection.execute(query).scalar()
    return found


def _drift(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(sa.select(Drift.__table__).order_by(Drift.source, Drift.rows.desc(), Drift.name)):
        found.setdefault(row.source, []).append(
            {
                "kind": row.kind, "name": row.name, "detail": row.detail, "rows": row.rows,
                "first_seen": _stamp(row.first_seen), "last_seen": _stamp(row.last_seen),
            }
        )  # fmt: skip
    return found


def _runs(connection: Connection, limit: int) -> list[dict[str, Any]]:
    runs = connection.execute(sa.select(Run.__table__).order_by(Run.run_id.desc()).limit(limit)).all()
    by_run: dict[int, dict[str, Any]] = {}
    query = sa.select(SourceRun.__table__).where(SourceRun.run_id.in_([run.run_id for run in runs]))
    for row in connection.execute(query.order_by(SourceRun.source_run_id)):
        by_run.setdefault(row.run_id, {})[row.source] = {
            "status": row.status,
            "seconds": seconds_between(row.started, row.finished),
            "message": row.message,
            **json.loads(row.counts),
        }
    return [
        {
            "run": run.run_id,
            "started": _stamp(run.started),
            "seconds": seconds_between(run.started, run.finished),
            "status": run.status,
            "message": run.message,
            "accepted_by": run.accepted_by,
            "accepted_reason": run.accepted_reason,
            "files": {name: one.get("file") for name, one in json.loads(run.inputs).items()},
            "sources": by_run.get(run.run_id, {}),
        }
        for run in runs
    ]


def status_lines(found: Mapping[str, Any], now: dt.datetime) -> Iterator[str]:
    """The document of `status_of` as a data officer reads it."""
    yield f"{found['name']}: {found['requests']:,} requests stored, {found['quarantined']:,} rows quarantined"
    yield f"current release: {found['release'] or 'none'}"
    if found["held"]:
        yield f"the next release is held: {found['held']}"
    for source in found["sources"]:
        yield from _source_lines(source, now)
    if found["others"]:
        yield f"the store also holds sources that the YAML does not name: {', '.join(found['others'])}"
    for run in found["runs"]:
        yield from _run_lines(run)


def _source_lines(source: Mapping[str, Any], now: dt.datetime) -> Iterator[str]:
    name = source["source"]
    as_of = source["as_of"]
    age = f" ({_age(now - dt.datetime.fromisoformat(as_of))} old)" if as_of else ""
    yield (
        f"source {name} ({source['kind']}): {source['state']}, as of {as_of or 'never'}{age}, "
        f"loaded {source['loaded'] or 'never'}, answered {source['answered'] or 'never'}, "
        f"{source['rows']:,} rows stored, {source['quarantined']:,} quarantined"
    )
    for reason, rows in source["reasons"].items():
        yield f"  quarantined: {rows:,}  {reason}"
    for point in source["default_points"]:
        where = f"{point['lat']:.5f}, {point['long']:.5f}" if "lat" in point else "a point"
        yield f"  since {point['first_seen'][:10]}: {where} stands for 'unknown': {point['why']}"
    for one in source["drift"]:
        told = drift_told(name, Drifted(one["kind"], one["name"], one["detail"], one["rows"]))
        yield f"  since {one['first_seen'][:10]}: {told}"


def _run_lines(run: Mapping[str, Any]) -> Iterator[str]:
    took = f"  {run['seconds']:,.1f} s" if run["seconds"] is not None else ""
    # A run that came to its sources tells of each; one that did not says why.
    why = f"  {run['message']}" if run["message"] and (not run["sources"] or run["status"] == "held") else ""
    yield f"run {run['run']}  {run['started']}{took}  {run['status']}{why}"
    if run["accepted_by"]:
        yield f"  accepted by {run['accepted_by']}: {run['accepted_reason']}"
    for name, one in run["sources"].items():
        file = run["files"].get(name)
        told = f": {one['message']}" if one["message"] else ""
        if "read" in one:
            told = (
                f": {one['read']:,} read, {one['new']:,} new, {one['changed']:,} changed, "
                f"{one['unchanged']:,} unchanged, {one['stale']:,} stale, "
                f"{one['duplicates'] + one['superseded']:,} doubled, "
                f"{one['quarantined']:,} quarantined, {one['withdrawn']:,} withdrawn"
            )
        yield f"  {name}{f' ({file})' if file else ''}  {one['seconds']:,.1f} s  {one['status']}{told}"


def seconds_between(started: dt.datetime, finished: dt.datetime | None) -> float | None:
    """Seconds between two stored times; None while it is not finished."""
    begin, end = state.utc(started), state.utc(finished)
    return round((end - begin).total_seconds(), 1) if begin and end else None


def _stamp(value: dt.datetime | None) -> str | None:
    aware = state.utc(value)
    return f"{aware:%Y-%m-%dT%H:%M:%SZ}" if aware else None


def _age(span: dt.timedelta) -> str:
    """A span in its largest two units, as people say it."""
    minutes = max(0, int(span.total_seconds()) // 60)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 2 * 1440:
        return f"{minutes // 60} h"
    return f"{minutes // 1440:,} days"


# --- quarantine and releases --------------------------------------------------------------------


def quarantine_lines(
    place: Place, *, count: bool, limit: int, source: str | None = None, reason: str | None = None
) -> Iterator[str]:
    """Quarantined rows as JSON lines, or their number by source and reason; only those of a source or a reason."""
    with place.engine.connect() as connection:
        if count:
            for where, why, rows in export.quarantine_counts(connection):
                if source in (None, where) and reason in (None, why):
                    yield f"{rows:>9,}  {where}  {why}"
            return
        query = sa.select(Quarantined.__table__).order_by(Quarantined.quarantine_id).limit(limit)
        if source is not None:
            query = query.where(Quarantined.source == source)
        if reason is not None:
            query = query.where(Quarantined.reason == reason)
        for row in connection.execute(query).mappings():
            told = ("source", "origin", "row_number", "service_request_id", "reason", "detail", "raw")
            yield json.dumps({name: row[name] for name in told}, ensure_ascii=False)


def must_be_source(config: CityConfig, name: str | None) -> None:
    """ConfigError unless the city has a source of this name."""
    if name is not None and name not in config.every_source:
        raise ConfigError(f"--source {name}: is not a source of this city; it has {', '.join(config.every_source)}")


def release_lines(releases: Path) -> Iterator[str]:
    """Every release of the chain, the oldest first; '*' marks the current one."""
    folder = chain.current_folder(releases)
    log = chain.read_log(releases)
    if not log:
        yield f"{releases}: no release has been published here yet; run 'openward etl run'"
    for link in log:
        mark = "*" if folder and folder.name == link.release_id else " "
        if not (releases / link.release_id).exists():
            yield f"{mark} {link.release_id}  not kept  sha256 {link.sha256}"
            continue
        ours = chain.read_package(releases / link.release_id)["openward"]
        yield (
            f"{mark} {link.release_id}  {ours['counts']['requests']:,} requests as of {ours['as_of']}  sha256 {link.sha256}"
        )
