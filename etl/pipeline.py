"""One run of the ETL: files in, record store changed, a release out, or nothing at all.

Charter: the order of the steps and what a run records about itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from etl.config import CityConfig
from etl.config.connections import FileConnection
from etl.errors import ConfigError, EtlError, SourceError
from etl.extract.files import DelimitedFile, MalformedRows, open_delimited, sha256_of
from etl.layers import Basemap, read_layers
from etl.layers import fingerprint as layers_fingerprint
from etl.progress import Reporter, Silent
from etl.publish import build, chain
from etl.records import QUARANTINE
from etl.store import load, reference
from etl.store.engine import exclusive, writing
from etl.store.models import Quarantined, Run
from etl.transform.requests import RequestCleaner
from geo.boundaries import Vintage

PIPELINE_VERSION = 2
"""Raised when the same input would be cleaned differently, so that it is loaded again."""


@dataclass(frozen=True)
class SourceCounts:
    """What became of one source's rows: `read` is the sum of all others but the changes."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0
    quarantined: int = 0
    field_changes: int = 0


@dataclass(frozen=True)
class RunReport:
    """What a run did. `release_id` is None where nothing was published."""

    run_id: int | None
    sources: Mapping[str, SourceCounts]
    release_id: str | None
    current: str | None


@dataclass(frozen=True)
class Place:
    """Where a city is kept: its configuration, its record store and its releases."""

    config: CityConfig
    engine: Engine
    releases: Path


@dataclass(frozen=True)
class Prepared:
    """Inputs that were looked at and accepted, before any store is opened: `prepare` makes it."""

    files: Mapping[str, DelimitedFile]
    layers: Mapping[str, Sequence[Vintage]]
    basemap: Basemap


def prepare(config: CityConfig, config_path: Path, inputs: Mapping[str, Path]) -> Prepared:
    """Open every source and layer that a run needs; `inputs` overrides the paths of sources.

    ConfigError, SourceError or MappingError say what is wrong while nothing has been touched.
    """
    files = _open_inputs(config, config_path, inputs)
    folders = [config_path.parent, *dict.fromkeys(f.path.parent for f in files.values())]
    layers = read_layers(config, folders)
    return Prepared(files, layers, Basemap(config.basemap, folders, layers))


def run(
    place: Place,
    prepared: Prepared,
    *,
    now: dt.datetime | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> RunReport:
    """Load what was prepared and publish a release if anything changed.

    `force` loads files that are already loaded. Any error leaves the stored records and the releases as they
    were; it is noted in the `run` table.
    """
    moment = now or dt.datetime.now(dt.UTC)
    say = reporter or Silent()
    with exclusive(place.engine, place.config.city.id):
        try:
            run_id, counts = _load(place, prepared, moment, force, say)
            return _publish(place, run_id, counts, moment, say)
        except Exception as error:
            _note_failure(place, moment, str(error) if isinstance(error, EtlError) else repr(error))
            raise


def _open_inputs(config: CityConfig, config_path: Path, inputs: Mapping[str, Path]) -> dict[str, DelimitedFile]:
    unknown = sorted(set(inputs) - set(config.sources))
    if unknown:
        known = ", ".join(config.sources)
        raise ConfigError(f"--input {unknown[0]}=…: '{unknown[0]}' is not a source of {config_path}; it has {known}")
    files = {}
    for name, source in config.sources.items():
        path = inputs.get(name)
        reached = source.connection
        if not isinstance(reached, FileConnection):
            raise ConfigError(f"source '{name}' of {config_path}: kind '{reached.kind}' is not fetched yet")
        if path is None and reached.path:
            path = config_path.parent / reached.path
        if path is None:
            raise ConfigError(f"source '{name}' of {config_path} has no file; give one with --input {name}=FILE")
        files[name] = open_delimited(
            path, delimiter=reached.delimiter, encoding=reached.encoding, null_values=source.null_values
        )
        files[name].require(source.source_columns())
    return files


def _load(
    place: Place, prepared: Prepared, moment: dt.datetime, force: bool, say: Reporter
) -> tuple[int | None, dict[str, SourceCounts]]:
    """Everything that changes the store, in one transaction; (None, {}) where every input is already loaded."""
    config, files, layers, basemap = place.config, prepared.files, prepared.layers, prepared.basemap
    boundary_print = layers_fingerprint(layers)
    prints = {
        name: hashlib.sha256(
            f"{PIPELINE_VERSION} {sha256_of(file.path)} {config.fingerprint()} {boundary_print}".encode()
        ).hexdigest()
        for name, file in files.items()
    }
    with writing(place.engine) as connection:
        due = [
            name for name in files if force or reference.known_fingerprint(connection, f"source:{name}") != prints[name]
        ]
        places_due = {
            "boundaries": boundary_print,
            "basemap": basemap.sha256,
        }
        places_due = {k: v for k, v in places_due.items() if reference.known_fingerprint(connection, k) != v}
        if not due and not places_due:
            return None, {}
        run_id = connection.execute(
            sa.insert(Run).values(
                started=moment, status="running", config_sha256=config.fingerprint(), inputs="{}", counts="{}"
            )
        ).inserted_primary_key
        number = int(run_id[0]) if run_id else 0
        if "boundaries" in places_due:
            reference.replace_boundaries(connection, layers)
        if "basemap" in places_due:
            reference.replace_features(connection, basemap.read())
        counts = {name: _load_source(connection, place, name, files[name], layers, number, moment, say) for name in due}
        for name, digest in (places_due | {f"source:{name}": prints[name] for name in due}).items():
            reference.set_fingerprint(connection, name, digest, number)
        moved = (
            bool(places_due) or any(c.new + c.changed for c in counts.values()) or _quarantine_moved(connection, counts)
        )
        connection.execute(
            sa.update(Run)
            .where(Run.run_id == number)
            .values(
                finished=dt.datetime.now(dt.UTC),
                status="loaded" if moved else "unchanged",
                inputs=json.dumps({n: {"file": files[n].path.name, "print": prints[n]} for n in due}),
                counts=json.dumps({n: asdict(c) for n, c in counts.items()}),
            )
        )
    return number, counts


def _quarantine_moved(connection: Connection, counts: Mapping[str, SourceCounts]) -> bool:
    """Whether a source quarantined another number of rows than the last time it was loaded."""
    rows = connection.execute(
        sa.select(Run.counts).where(Run.status.in_(["loaded", "unchanged", "published"])).order_by(Run.run_id.desc())
    ).scalars()
    before: dict[str, Any] = {}
    for text in rows:
        for name, found in json.loads(text).items():
            before.setdefault(name, found.get("quarantined"))
        if set(counts) <= set(before):
            break
    return any(c.quarantined != before.get(name, 0) for name, c in counts.items())


def _load_source(
    connection: Connection,
    place: Place,
    name: str,
    file: DelimitedFile,
    layers: Mapping[str, Sequence[Vintage]],
    run_id: int,
    moment: dt.datetime,
    say: Reporter,
) -> SourceCounts:
    cleaner = RequestCleaner(place.config, name, layers, moment)
    staging = load.Staging(connection)
    connection.execute(sa.delete(Quarantined).where(Quarantined.source == name))
    malformed = MalformedRows()
    read = quarantined = 0
    step = f"{name}: loading {file.path.name}"
    say.step(step, 0, file.bytes_total)

    def taken(done: int) -> None:
        say.step(step, done, file.bytes_total)

    for chunk in file.chunks(place.config.sources[name].source_columns(), malformed, taken):
        read += len(chunk)
        clean = cleaner.clean(chunk)
        staging.add(clean.records)
        load.quarantine(connection, clean.quarantined, run_id)
        quarantined += len(clean.quarantined)
    load.quarantine(connection, _malformed_table(name, malformed), run_id)
    say.step(f"{name}: merging {staging.rows:,} rows", 0)
    merged = staging.merge(run_id, moment)
    lost = len(malformed.rows)
    if not staging.rows:
        raise SourceError(
            f"{file.path}: every one of its {read + lost:,} rows was refused, most for "
            f"'{_commonest(connection, name)}'; correct the source's part of the YAML. Nothing was changed"
        )
    return SourceCounts(
        read=read + lost,
        new=merged.new,
        changed=merged.changed,
        unchanged=merged.unchanged,
        duplicates=merged.duplicates,
        quarantined=quarantined + lost + merged.conflicts,
        field_changes=merged.field_changes,
    )


def _commonest(connection: Connection, source: str) -> str:
    """The reason for which most rows of a source were refused."""
    count = sa.func.count()
    query = sa.select(Quarantined.reason).where(Quarantined.source == source).group_by(Quarantined.reason)
    return str(connection.execute(query.order_by(count.desc()).limit(1)).scalar())


def _malformed_table(source: str, malformed: MalformedRows) -> pa.Table:
    rows = malformed.rows
    nothing = [None] * len(rows)
    return pa.table(
        [
            [source] * len(rows),
            [n for n, _ in rows],
            nothing,
            ["wrong_number_of_fields"] * len(rows),
            nothing,
            [text for _, text in rows],
        ],
        schema=QUARANTINE,
    )


def _publish(
    place: Place, run_id: int | None, counts: Mapping[str, SourceCounts], moment: dt.datetime, say: Reporter
) -> RunReport:
    folder = chain.current_folder(place.releases)
    with place.engine.connect() as connection:
        inputs = build.inputs_of(connection, place.config, moment)
        if build.is_current(place.releases, inputs):
            return RunReport(run_id, counts, None, folder.name if folder else None)
        published = build.publish(connection, place.config, place.releases, inputs, now=moment, progress=say.step)
    if run_id is not None:
        with writing(place.engine) as connection:
            connection.execute(
                sa.update(Run).where(Run.run_id == run_id, Run.status == "loaded").values(status="published")
            )
    return RunReport(run_id, counts, published.release_id, published.release_id)


def _note_failure(place: Place, moment: dt.datetime, message: str) -> None:
    with writing(place.engine) as connection:
        connection.execute(
            sa.insert(Run).values(
                started=moment, finished=dt.datetime.now(dt.UTC), status="failed",
                config_sha256=place.config.fingerprint(), inputs="{}", counts="{}", message=message,
            )
        )  # fmt: skip
