"""What is wrong, before anybody asks why there is nothing new: checks that change nothing, each with what to do.

Charter: looking and advising. Every check is a small function that returns
findings; none of them writes, migrates, fetches or waits for long.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import platform
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from etl.config import CityConfig, load_city
from etl.config.connections import FileConnection
from etl.duck import builder, quoted
from etl.errors import BusyError, ConfigError, EtlError, ReleaseError, SourceError, SourceUnavailable
from etl.extract.raw import RawArchive
from etl.geocoder_reference import ReferenceFiles
from etl.layers import Basemap, read_layers
from etl.probe import missing_columns, probe
from etl.publish import chain
from etl.report import held_because
from etl.settings import EtlSettings, variables_of
from etl.store import state
from etl.store.engine import revision, revisions
from etl.store.models import Drift, Request, Run

Level = Literal["ok", "warn", "fail"]
OLD_DAYS = 7.0
"""A release of older data than this is told of where the city names no limit of its own."""
SMALL_STORE = 2 << 30
"""Bytes up to which a SQLite store is read through; a larger one takes minutes."""
LARGE_COPY = 1 << 30
MEGABYTE = 1e6
TELL = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` says what to do where it is not well."""

    level: Level
    name: str
    what: str
    advice: str = ""

    def line(self) -> str:
        """As it is printed."""
        mark = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}[self.level]
        return f"{mark} {self.name}: {self.what}{f': {self.advice}' if self.advice else ''}"


@dataclass(frozen=True)
class Patient:
    """One city to look at: its YAML, where it is kept, and what was given for this look alone."""

    path: Path
    config: CityConfig
    settings: EtlSettings
    releases: Path
    now: dt.datetime
    inputs: Mapping[str, Path | str] = field(default_factory=dict)
    timeout: float = 5.0

    @property
    def folder(self) -> Path:
        """Holds raw copies and work."""
        return self.settings.folder_of(self.config.city.id)


def examine(
    path: Path | None,
    settings: EtlSettings,
    *,
    releases: Path | None = None,
    inputs: Mapping[str, Path | str] | None = None,
    now: dt.datetime | None = None,
    timeout: float = 5.0,
) -> Iterator[Finding]:
    """Every finding, one by one: of this machine, and of a city where its YAML is given."""
    moment = now or dt.datetime.now(dt.UTC)
    yield from check_versions()
    yield from check_home(settings)
    if path is None:
        yield from check_clock(moment, None)
        return
    try:
        config = load_city(path)
    except ConfigError as error:
        yield Finding("fail", "configuration", str(error), "correct the YAML; nothing of the city can be looked at")
        return
    patient = Patient(
        path, config, settings, releases or settings.releases_of(config.city.id), moment, dict(inputs or {}), timeout
    )
    checks: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
        check_configuration, check_variables, check_sources, check_store, check_disk, check_release, check_raw,
    )  # fmt: skip
    for check in checks:
        yield from _safely(check, patient)


def _safely(check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> Iterator[Finding]:
    """A check that cannot be finished is a finding too, and no reason to leave the others out."""
    name = check.__name__.removeprefix("check_")
    try:
        yield from check(patient)
    except (EtlError, OSError, sa.exc.SQLAlchemyError, sqlite3.Error, duckdb.Error) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        yield Finding("fail", name, f"could not be looked at ({reason})", "put that right and ask again")


# --- this machine -------------------------------------------------------------------------------


def check_versions() -> Iterator[Finding]:
    """DuckDB with its extensions, which must be of the very same version."""
    try:
        builder(":memory:").close()
    except (ReleaseError, duckdb.Error) as error:
        yield Finding("fail", "versions", " ".join(str(error).split()), "install Openward's requirements.lock anew")
        return
    yield Finding(
        "ok", "versions", f"Python {platform.python_version()}, DuckDB {duckdb.__version__} with its extensions"
    )


def check_home(settings: EtlSettings) -> Iterator[Finding]:
    """The folder of all cities can be written."""
    home = settings.home.absolute()
    if os.access(_existing(home), os.W_OK | os.X_OK):
        yield Finding("ok", "home", f"{home} can be written")
    else:
        yield Finding("fail", "home", f"{home} cannot be written", "set OPENWARD_HOME, or give this user the folder")


def check_clock(now: dt.datetime, newest: dt.datetime | None) -> Iterator[Finding]:
    """The clock is not behind what it has stamped itself."""
    if newest is not None and newest > now + dt.timedelta(minutes=5):
        yield Finding(
            "fail", "clock", f"it is {now:%Y-%m-%d %H:%M} UTC, before the last run of {newest:%Y-%m-%d %H:%M} UTC",
            "set the clock of this machine (NTP)",
        )  # fmt: skip
    elif now.year < 2025:
        yield Finding("fail", "clock", f"it is {now:%Y-%m-%d} here", "set the clock of this machine (NTP)")
    else:
        yield Finding("ok", "clock", f"{now:%Y-%m-%d %H:%M} UTC")


# --- the configuration --------------------------------------------------------------------------


def check_configuration(patient: Patient) -> Iterator[Finding]:
    """The YAML's own parts fit one another, its files, and what was published by it."""
    config = patient.config
    yield Finding(
        "ok", "configuration", f"{patient.path} is valid: {config.city.name}, {len(config.every_source)} sources"
    )
    folders = [patient.path.parent]
    for name, source in config.every_source.items():
        given = patient.inputs.get(name) or getattr(source.connection, "path", None)
        if given and "://" not in str(given):
            file = Path(given) if name in patient.inputs else patient.path.parent / given
            folders.append(file.parent)
    try:
        layers = read_layers(config, list(dict.fromkeys(folders)))
        Basemap(config.basemap, folders, layers)
    except SourceError as error:
        yield Finding("fail", "layers", str(error))
        return
    yield from _geocoder(config, folders)
    lost = [f"'{name}'" for name, vintages in layers.items() if not any(_meets(v, config) for v in vintages)]
    if lost:
        yield Finding(
            "fail", "layers", f"the box of city.bbox holds nothing of {', '.join(lost)}",
            "correct city.bbox (west, south, east, north in degrees), or the layers' files",
        )  # fmt: skip
    elif layers:
        yield Finding("ok", "layers", f"{len(layers)} layers lie in the city's box")
    yield from _never_seen(patient)


def _meets(vintage: Any, config: CityConfig) -> bool:
    west, south, east, north = config.city.bbox
    x0, y0, x1, y1 = vintage.areas.total_bounds
    return bool(x0 <= east and x1 >= west and y0 <= north and y1 >= south)


def _geocoder(config: CityConfig, folders: list[Path]) -> Iterator[Finding]:
    """Whether the files that addresses are looked up in can be read, and what they hold."""
    try:
        files = ReferenceFiles.of(config, list(dict.fromkeys(folders)))
        if files is None:
            return
        reference, dropped = files.read()
    except SourceError as error:
        yield Finding("fail", "geocoder", str(error))
        return
    parts = {"street segments": reference.segments, "address points": reference.points, "places": reference.places}
    held = ", ".join(f"{len(part):,} {name}" for name, part in parts.items() if part is not None)
    lost = sum(found.total for found in dropped.values())
    if not held:
        yield Finding(
            "fail", "geocoder", "it has nothing to find addresses in", "name streets or addresses under geocoder"
        )
    elif lost and reference.points is not None and lost > len(reference.points):
        yield Finding(
            "warn", "geocoder", f"{held}; {lost:,} address points cannot be used",
            "look at the columns that geocoder.addresses names",
        )  # fmt: skip
    else:
        yield Finding("ok", "geocoder", held)


def _never_seen(patient: Patient) -> Iterator[Finding]:
    """Services, departments and channels of the YAML that no published request has: often a word spelt otherwise."""
    folder = chain.current_folder(patient.releases)
    if folder is None or not (folder / "requests.parquet").exists():
        return
    described: dict[str, tuple[str, list[str]]] = {
        "services": ("service_code", list(patient.config.services)),
        "departments": ("department", list(patient.config.departments)),
        "channels": ("channel", list(patient.config.channels)),
    }
    with duckdb.connect() as db:
        for part, (column, names) in described.items():
            table = quoted(folder / "requests.parquet")
            query = f"SELECT DISTINCT {column}::VARCHAR FROM read_parquet({table})"  # noqa: S608
            seen = {row[0] for row in db.execute(query).fetchall()}
            unseen = [name for name in names if name not in seen]
            if unseen:
                yield Finding(
                    "warn", part, f"{len(unseen)} of {len(names)} in the YAML are in no published request: {_some(unseen)}",
                    "look whether the source writes them otherwise, or take them out",
                )  # fmt: skip


def check_variables(patient: Patient) -> Iterator[Finding]:
    """Every environment variable that a source names is set; no value is ever shown."""
    for source, key, variable in variables_of(patient.config):
        if os.environ.get(variable, "").strip():
            yield Finding("ok", f"variable {variable}", f"is set, for {key} of source '{source}'")
        else:
            yield Finding(
                "fail", f"variable {variable}", f"is not set; {key} of source '{source}' names it",
                "set it in the environment of the service, never in the YAML",
            )  # fmt: skip


# --- the sources --------------------------------------------------------------------------------


def check_sources(patient: Patient) -> Iterator[Finding]:
    """Every source answers one small question, and has the columns that are mapped."""
    for name, source in patient.config.every_source.items():
        given = patient.inputs.get(name)
        if given is not None:
            path = str(given) if "://" in str(given) else str(Path(given).resolve())
            old = source.connection
            file = (
                old.model_copy(update={"path": path}) if isinstance(old, FileConnection) else FileConnection(path=path)
            )
            source = source.model_copy(update={"connection": file})
        yield _asked(name, source, patient)


def _asked(name: str, source: Any, patient: Patient) -> Finding:
    label = f"source {name}"
    if isinstance(source.connection, FileConnection) and not source.connection.path:
        return Finding("warn", label, "has no file of its own", f"give one to each run with --input {name}=FILE")
    try:
        answer = probe(source, patient.path.parent, patient.timeout)
    except SourceUnavailable as error:
        return Finding("fail", label, str(error), "until then the other sources are loaded without it")
    except EtlError as error:
        return Finding("fail", label, str(error))
    missing = missing_columns(source, answer)
    if missing:
        there = _some(sorted(answer.columns or ()))
        part = next(p for p in ("sources", "measures", "feedback") if name in getattr(patient.config, p))
        return Finding(
            "fail",
            label,
            f"has no column {_some(missing)}; it has {there}",
            f"correct {part}.{name}.columns in the YAML",
        )
    return Finding("ok", label, f"{answer.told}{', with every mapped column' if answer.columns is not None else ''}")


# --- the store ----------------------------------------------------------------------------------


def check_store(patient: Patient) -> Iterator[Finding]:
    """The record store answers, is whole and of this version, is this city's, and its last run went well."""
    url = sa.make_url(patient.settings.store_of(patient.config.city.id))
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if file is not None and not file.exists():
        yield Finding("warn", "store", f"{file} is not there yet", "the first 'openward etl run' makes it")
        yield from check_clock(patient.now, None)
        return
    with _looking(url, file, patient.timeout) as engine:
        try:
            connection = engine.connect()
        except sa.exc.DBAPIError as error:
            reason = " ".join(str(error.orig).split())[:200]
            yield Finding(
                "fail", "store", f"{url.render_as_string()} does not answer ({reason})",
                "start the database, or correct OPENWARD_STORE_URL and PGPASSWORD",
            )  # fmt: skip
            return
        with connection:
            yield from _store_is_well(connection, url, file)
            schema = _schema(connection)
            yield schema
            yield _lock(connection, file, patient.config.city.id)
            if schema.level == "ok":
                yield from _records(connection, patient)


@contextmanager
def _looking(url: sa.URL, file: Path | None, timeout: float) -> Iterator[Engine]:
    """An engine that changes nothing: `open_store` would bring the schema up to date."""
    if file is not None:
        address = f"{file.resolve().as_uri()}?mode=ro"
        engine = sa.create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=timeout), poolclass=sa.NullPool
        )
    else:
        arguments = {"options": "-c timezone=UTC", "connect_timeout": max(2, int(timeout))}
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"), connect_args=arguments, poolclass=sa.NullPool
        )
    try:
        yield engine
    finally:
        engine.dispose()


def _store_is_well(connection: Connection, url: sa.URL, file: Path | None) -> Iterator[Finding]:
    if file is None:
        server = connection.execute(sa.text("SHOW server_version")).scalar_one()
        there = connection.execute(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")).scalar()
        where = url.render_as_string()
        if there is None:
            yield Finding(
                "warn", "store", f"{where}: PostgreSQL {server} without PostGIS",
                "the first run adds it if it may; else: CREATE EXTENSION postgis",
            )  # fmt: skip
        else:
            yield Finding("ok", "store", f"{where}: PostgreSQL {server}, PostGIS {there}")
        return
    size = file.stat().st_size
    if size > SMALL_STORE:
        yield Finding("ok", "store", f"{file}: {_bytes(size)}, too large to be read through here")
        return
    said = connection.execute(sa.text("PRAGMA quick_check(1)")).scalar_one()
    if said == "ok":
        yield Finding("ok", "store", f"{file}: {_bytes(size)}, SQLite {sqlite3.sqlite_version}, whole")
    else:
        yield Finding(
            "fail", "store", f"{file} is damaged ({said})",
            "restore it from a backup, or move it away and run 'openward etl replay'",
        )  # fmt: skip


def _schema(connection: Connection) -> Finding:
    known, here = revisions(), revision(connection)
    head = known[-1]
    if here == head:
        return Finding("ok", "schema", f"is of this version ({head})")
    if here is None:
        return Finding("warn", "schema", "the store is empty", "the first 'openward etl run' fills it")
    if here in known:
        return Finding(
            "warn",
            "schema",
            f"is older ({here}) than this Openward ({head})",
            "back the store up; the next run updates it",
        )
    return Finding("fail", "schema", f"is of another Openward ({here})", "update Openward to the version that made it")


def _lock(connection: Connection, file: Path | None, city: str) -> Finding:
    """Whether a run holds the lock; taken for a moment and given back, as nothing else can tell."""
    try:
        if file is None:
            key = {"key": zlib.crc32(f"openward:{city}".encode())}
            if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
                raise BusyError
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)
        else:
            path = Path(f"{file}.lock")
            if path.exists():
                with path.open() as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BusyError, BlockingIOError):
        return Finding("ok", "lock", "is held: a run is under way")
    return Finding("ok", "lock", "is free")


def _records(connection: Connection, patient: Patient) -> Iterator[Finding]:
    """What is stored: whose it is, how the last run ended, which words nobody maps."""
    last = connection.execute(sa.select(Run.__table__).order_by(Run.run_id.desc()).limit(1)).first()
    yield from check_clock(patient.now, state.utc(last.started) if last else None)
    yield from _whose(connection, patient)
    if last is None:
        yield Finding("warn", "last run", "there was none", "run 'openward etl run'")
    elif last.status == "failed":
        when = f"{state.utc(last.started):%Y-%m-%d %H:%M} UTC"
        yield Finding("fail", "last run", f"failed at {when} ({last.message})", "put that right and run again")
    else:
        told = f"{last.status} at {state.utc(last.started):%Y-%m-%d %H:%M} UTC"
        yield Finding("ok", "last run", told)
    held = held_because(connection)
    if held:
        yield Finding("warn", "release", f"is held ({held})", "'openward etl status' shows the runs before")
    words = connection.execute(sa.select(Drift.__table__).where(Drift.kind.like("unmapped_%"))).all()
    for kind in sorted({row.kind for row in words}):
        names = [row.name for row in sorted(words, key=lambda r: -(r.rows or 0)) if row.kind == kind]
        part = kind.removeprefix("unmapped_")
        yield Finding(
            "warn", f"words of {part}", f"{len(names)} are not mapped: {_some(names)}", "map them in the YAML"
        )


def _whose(connection: Connection, patient: Patient) -> Iterator[Finding]:
    """A store has one city. Another one's rows are known by its sources' names, or by where they lie."""
    config = patient.config
    strangers = sorted(set(state.states(connection)) - set(config.every_source))
    if strangers:
        yield Finding(
            "fail", "city", f"the store holds sources that the YAML does not name: {_some(strangers)}",
            "give each city a store of its own (OPENWARD_STORE_URL), or name the source as it was",
        )  # fmt: skip
        return
    west, south, east, north = config.city.bbox
    points = connection.execute(
        sa.select(Request.lat, Request.long).where(Request.lat.is_not(None), Request.long.is_not(None)).limit(1000)
    ).all()
    inside = sum(west <= p.long <= east and south <= p.lat <= north for p in points)
    if points and inside * 2 < len(points):
        yield Finding(
            "fail", "city", f"{len(points) - inside} of {len(points)} stored requests lie outside of city.bbox",
            "this is another city's store: set OPENWARD_STORE_URL or OPENWARD_HOME; or correct city.bbox",
        )  # fmt: skip
    else:
        yield Finding("ok", "city", f"the store is of {config.city.name}")


# --- disk, releases, raw copies -----------------------------------------------------------------


def check_disk(patient: Patient) -> Iterator[Finding]:
    """There is room for one more run, judged by the last raw copies and the current release."""
    archive = RawArchive(patient.folder / "raw")
    copies = [found[-1] for name in patient.config.every_source if (found := archive.copies(name))]
    raw = sum(copy.bytes for copy in copies)
    # Packed text grows about eightfold when it is unpacked; unpacked, it is staged once and written once.
    work = sum(copy.bytes * (16 if _is_packed(copy.parts[0].name) else 3) for copy in copies if copy.parts)
    folder = chain.current_folder(patient.releases)
    release = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if folder and folder.is_dir() else 0
    needs: dict[int, tuple[Path, int]] = {}
    for path, size in ((patient.folder, raw + work), (patient.releases, 2 * release)):
        there = _existing(path.absolute())
        device = there.stat().st_dev
        needs[device] = (needs.get(device, (there, 0))[0], needs.get(device, (there, 0))[1] + size)
    for there, size in needs.values():
        free = shutil.disk_usage(there).free
        told = f"{_bytes(free)} free at {there}, a run needs about {_bytes(size)}"
        if free < size:
            yield Finding("fail", "disk", told, "free space, or lower raw.keep_days")
        elif free < 3 * size:
            yield Finding("warn", "disk", told, "it will be full soon; free space, or lower raw.keep_days")
        else:
            yield Finding("ok", "disk", told)


def _is_packed(name: str) -> bool:
    return name.lower().endswith((".gz", ".zip", ".xz", ".bz2", ".zst", ".parquet", ".xlsx"))


def check_release(patient: Patient) -> Iterator[Finding]:
    """The current release exists, is of this city, is what was published, and is not old."""
    folder = chain.current_folder(patient.releases)
    if folder is None:
        yield Finding("warn", "releases", f"{patient.releases} has none yet", "run 'openward etl run'")
        return
    if not folder.is_dir():
        yield Finding("fail", "releases", f"current points at {folder.name}, which is gone", "restore it from a backup")
        return
    bad = [f for f in chain.verify(patient.releases, folder.name) if not f.ok]
    if bad:
        told = "; ".join(f"{f.name} {f.note}" for f in bad[:3])
        yield Finding("fail", "releases", f"{folder.name} does not verify: {told}", "restore the folder from a backup")
        return
    ours = chain.read_package(folder)["openward"]
    if ours["city"]["id"] != patient.config.city.id:
        yield Finding(
            "fail", "releases", f"{patient.releases} holds the releases of '{ours['city']['id']}'",
            "give each city a folder of its own (OPENWARD_RELEASES)",
        )  # fmt: skip
        return
    yield Finding("ok", "releases", f"{folder.name} verifies, {ours['counts']['requests']:,} requests")
    limits = [s.limits.newest_age_days for s in patient.config.sources.values() if s.limits.newest_age_days]
    allowed = min(limits, default=OLD_DAYS)
    age = (patient.now - dt.datetime.fromisoformat(ours["as_of"])).total_seconds() / 86400
    if age > allowed:
        yield Finding(
            "warn", "freshness", f"the release is of {ours['as_of']}, {age:.1f} days ago",
            "look at 'openward etl status': a source that is late, a held release, or no run at all",
        )  # fmt: skip
    else:
        yield Finding("ok", "freshness", f"the release is of {ours['as_of']}, {age:.1f} days ago")


def check_raw(patient: Patient) -> Iterator[Finding]:
    """The newest raw copy of each source, and its oldest, are what was fetched."""
    archive = RawArchive(patient.folder / "raw")
    for name in patient.config.every_source:
        copies = archive.copies(name)
        if not copies:
            continue
        total = sum(copy.bytes for copy in copies)
        looked = [copy for copy in {c.name: c for c in (copies[-1], copies[0])}.values() if copy.bytes <= LARGE_COPY]
        try:
            for copy in looked:
                copy.verify()
        except SourceError as error:
            yield Finding("fail", f"raw copies of {name}", str(error), "without it a replay is not possible")
            continue
        yield Finding(
            "ok",
            f"raw copies of {name}",
            f"{len(copies)} copies, {_bytes(total)}; {len(looked)} of them looked through",
        )


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(p for p in (path, *path.parents) if p.exists())


def _bytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / MEGABYTE:,.1f} MB"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - TELL:,} more" if len(names) > TELL else ""
    return f"{', '.join(repr(name) for name in names[:TELL])}{more}"
