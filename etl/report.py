"""What the command line tells of a store and its releases, as lines of text.

Charter: reading and wording; changing anything stays out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from etl.pipeline import Place
from etl.publish import chain
from etl.store import export
from etl.store.models import Quarantined, Run


def status_lines(place: Place, limit: int) -> Iterator[str]:
    """What is stored and published, and the last runs, the newest first."""
    folder = chain.current_folder(place.releases)
    with place.engine.connect() as connection:
        refused = sum(n for _, _, n in export.quarantine_counts(connection))
        yield f"{place.config.city.name}: {export.count_requests(connection):,} requests stored, {refused:,} rows quarantined"
        yield f"current release: {folder.name if folder else 'none'}"
        runs = connection.execute(sa.select(Run).order_by(Run.run_id.desc()).limit(limit)).all()
    for run in runs:
        counts = json.loads(run.counts)
        files = json.loads(run.inputs)
        told = "; ".join(
            f"{name} ({files.get(name, {}).get('file', '?')}): {c['read']:,} read, {c['new']:,} new, "
            f"{c['changed']:,} changed, {c['unchanged']:,} unchanged, {c['duplicates']:,} doubled, "
            f"{c['quarantined']:,} quarantined"
            for name, c in counts.items()
        )
        yield f"run {run.run_id}  {run.started:%Y-%m-%d %H:%M:%S} UTC  {run.status}  {run.message or told}".rstrip()


def quarantine_lines(place: Place, *, count: bool, limit: int) -> Iterator[str]:
    """Quarantined rows as JSON lines, or their number by source and reason."""
    with place.engine.connect() as connection:
        if count:
            for source, reason, rows in export.quarantine_counts(connection):
                yield f"{rows:>9,}  {source}  {reason}"
            return
        query = sa.select(Quarantined).order_by(Quarantined.quarantine_id).limit(limit)
        for row in connection.execute(query).mappings():
            yield json.dumps(
                {k: row[k] for k in ("source", "row_number", "service_request_id", "reason", "detail", "raw")},
                ensure_ascii=False,
            )


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
