"""One run of the ETL: sources in, record store changed, a release out, or nothing at all.

Charter: the order of the steps and what a run records about itself.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb
import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from etl.config import CityConfig
from etl.config.connections import FileConnection
from etl.demographics import PeopleByArea, read_demographics
from etl.errors import (
    ConfigError,
    EtlError,
    FilesError,
    HeldError,
    MappingError,
    ReleaseError,
    SourceError,
    SourceUnavailable,
    StoreError,
)
from etl.events import emit
from etl.extract.raw import RawArchive, RawCopy
from etl.geocoder_reference import ReferenceFiles
from etl.intake import Counts, Intake, Taken, origin_of, work_folder
from etl.layers import Basemap, read_layers
from etl.layers import fingerprint as layers_fingerprint
from etl.locating import CityGeocoder
from etl.progress import Reporter, Silent
from etl.providers.chain import ProviderChain, chain_of
from etl.publish import build, chain, retention, shelf, status
from etl.publish.annotations import check_areas
from etl.publish.demographics import replace_demographics
from etl.publish.figures import Estimators
from etl.publish.limits import Acceptance
from etl.store import reference, state
from etl.store.engine import Lock, exclusive, writing
from etl.store.load import Writer, arrival
from etl.store.models import Quarantined, Run
from etl.store.state import Drifted, State
from geo.boundaries import Vintage
from geo.geocoding.doubt import DefaultPoint
from geo.geocoding.tables import to_tables

PIPELINE_VERSION = 4
"""Raised when the same input would be cleaned differently, so that it is read again."""
MOST_SEARCHES = 3
"""How often a source's rows are looked through for default points in one run; one found may hide another."""


@dataclass(frozen=True)
class RunReport:
    """What a run did. `release_id` is None where nothing was published.

    `sources` has those whose rows were read; `unavailable` says why the others could not be; `defaults` are the points
    that were found to stand for 'unknown'; `stocked` the ready files that were made, `not_stocked` why they were not.
    """

    run_id: int
    sources: Mapping[str, Counts]
    release_id: str | None
    current: str | None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, Sequence[Drifted]] = field(default_factory=dict)
    defaults: Mapping[str, Sequence[DefaultPoint]] = field(default_factory=dict)
    stocked: shelf.Stocked | None = None
    not_stocked: str = ""


@dataclass(frozen=True)
class Place:
    """Where a city is kept: its configuration, its record store, its releases, and the folder of its raw copies."""

    config: CityConfig
    engine: Engine
    releases: Path
    home: Path | None = None

    @property
    def folder(self) -> Path:
        """Holds `raw/` and, while a run is under way, `work/`."""
        return self.home or self.releases.parent

    @property
    def archive(self) -> RawArchive:
        """The raw copies."""
        return RawArchive(self.folder / "raw")


@dataclass(frozen=True)
class Prepared:
    """Inputs that were looked at and accepted, before any store is opened: `prepare` makes it."""

    base: Path
    inputs: Mapping[str, Path | str]
    layers: Mapping[str, Sequence[Vintage]]
    basemap: Basemap
    reference: ReferenceFiles | None = None
    demographics: PeopleByArea | None = None


def prepare(config: CityConfig, config_path: Path, inputs: Mapping[str, Path | str], *, ask: bool = True) -> Prepared:
    """Check the files and layers that a run needs; `inputs` gives files, or addresses as text, in place of sources.

    `ask` is False for a replay, which needs no source to be there: then inputs only say where layers may lie.
    ConfigError or SourceError say what is wrong while nothing has been touched.
    """
    every = config.every_source
    unknown = sorted(set(inputs) - set(every))
    if unknown:
        raise ConfigError(
            f"--input {unknown[0]}=…: '{unknown[0]}' is not a source of {config_path}; it has {', '.join(every)}"
        )
    folders = [config_path.parent]
    for name, source in every.items():
        reached = source.connection
        path = inputs.get(name)
        if path is None and isinstance(reached, FileConnection):
            if not reached.path and ask:
                raise ConfigError(f"source '{name}' of {config_path} has no file; give one with --input {name}=FILE")
            path = None if not reached.path or "://" in reached.path else config_path.parent / reached.path
        if path is not None and "://" not in str(path):
            if ask:
                _must_be_there(Path(path))
            folders.append(Path(path).parent)
    folders = list(dict.fromkeys(folders))
    layers = read_layers(config, folders)
    basemap = Basemap(config.basemap, folders, layers)
    people = read_demographics(config, folders, layers)
    check_areas(config.annotations, layers)
    return Prepared(config_path.parent, dict(inputs), layers, basemap, ReferenceFiles.of(config, folders), people)


def _must_be_there(path: Path) -> None:
    try:
        if path.stat().st_size == 0 and path.is_file():
            raise SourceError(f"{path}: is empty; there is nothing to load")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error


@dataclass(frozen=True)
class Options:
    """How a run is to be made. `force` reads again what is loaded; `accept` lets limits pass.

    `replay` asks no source but reads the kept copies again, those of the sources in `only` or, if it is empty, of all.
    """

    force: bool = False
    replay: bool = False
    only: frozenset[str] = frozenset()
    accept: Acceptance | None = None


def run(
    place: Place,
    prepared: Prepared,
    *,
    now: dt.datetime | None = None,
    options: Options | None = None,
    reporter: Reporter | None = None,
    make_files: shelf.Maker | None = None,
    estimators: Estimators | None = None,
) -> RunReport:
    """Take in what is new and publish a release if anything changed.

    Any error leaves the stored records and the releases as they were; it is noted in the `run` table. A source that
    does not answer keeps none of the others from being loaded. HeldError: all is stored, but a limit holds the release.
    `make_files` makes the ready files of the current release where it has none; what goes wrong there unpublishes nothing.
    `estimators` stand behind the tables of figures.
    """
    moment = now or dt.datetime.now(dt.UTC)
    chosen, say = options or Options(), reporter or Silent()
    begun = time.monotonic()
    with _plain_errors(), exclusive(place.engine, place.config.city.id, place.folder) as lock:
        emit("run_started", city=place.config.city.id)
        try:
            with _plain_errors():
                report = _run(place, prepared, moment, chosen, say, lock, estimators)
            if make_files is not None:
                report = _stocked(place, report, make_files, say, lock)
        except Exception as error:
            message = str(error) if isinstance(error, EtlError) else repr(error)
            emit("run_failed", level=logging.ERROR, city=place.config.city.id, error=message)
            _note_failure(place, moment, error, message)
            raise
        finally:
            shutil.rmtree(place.folder / "work", ignore_errors=True)
    took = round(time.monotonic() - begun, 3)
    emit("run_finished", city=place.config.city.id, release=report.release_id, current=report.current, seconds=took)
    return report


@contextmanager
def _plain_errors() -> Iterator[None]:
    """What a database or a disk says, in one line that tells what to do."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.PendingRollbackError, psycopg.Error, sqlite3.Error) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
        raise StoreError(
            f"the record store failed ({reason}); nothing is half-written, run it again when the store is well"
        ) from error
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:320]
        raise StoreError(
            f"reading the store or writing the work folder failed ({reason}); nothing is half-written, check both and run it again"
        ) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise StoreError(
            f"{where}cannot be written ({error.strerror}); nothing is half-written, free the disk and run it again"
        ) from error


def _run(
    place: Place,
    prepared: Prepared,
    moment: dt.datetime,
    options: Options,
    say: Reporter,
    lock: Lock,
    estimators: Estimators | None,
) -> RunReport:
    work = work_folder(place.folder)
    boundary_print = layers_fingerprint(prepared.layers)
    geocoder = _geocoder(place, prepared)
    with place.engine.connect() as connection:
        stored = state.states(connection)
        defaults = reference.read_defaults(connection)
    intake = Intake(
        config=place.config,
        base=prepared.base,
        archive=place.archive,
        work=work,
        engine=place.engine,
        layers=prepared.layers,
        now=moment,
        say=say,
        pipeline=f"{PIPELINE_VERSION} {boundary_print}",
        inputs=prepared.inputs,
        geocoder=geocoder,
        defaults=defaults,
    )
    known = {
        name: stored.get(name) or State(name, source.connection.kind)
        for name, source in place.config.every_source.items()
    }
    waiting, unavailable = _fetch_all(intake, known, options)
    taken: list[Taken] = []
    try:
        for name, copies in waiting.items():
            one = _take(intake, name, known[name], copies, options)
            if one is not None:
                taken.append(one)
        run_id, drift = _write(
            place, prepared, geocoder, taken, unavailable, boundary_print, moment, say, options.replay, lock
        )
    finally:
        for one in taken:
            one.staging.close()
        if geocoder is not None:
            geocoder.close()
    shutil.rmtree(work, ignore_errors=True)
    counts = {one.source: one.counts for one in taken}
    found = {one.source: one.defaults for one in taken if one.defaults}
    if unavailable and len(unavailable) == len(place.config.every_source) and not _anything(place):
        raise SourceUnavailable("; ".join(unavailable.values()))
    try:
        release_id, current = _publish(place, run_id, moment, options.accept, say, lock, estimators)
    except HeldError as error:
        folder = chain.current_folder(place.releases)
        error.report = RunReport(run_id, counts, None, folder.name if folder else None, unavailable, drift, found)
        raise
    _prune(place, moment)
    status.write(place.engine, place.config, place.releases, moment)
    return RunReport(run_id, counts, release_id, current, unavailable, drift, found)


def stock(place: Place, make_files: shelf.Maker, reporter: Reporter | None = None) -> shelf.Stocked | None:
    """Make the current release's ready files where it has none, by themselves. FilesError says why they cannot be made."""
    say = reporter or Silent()
    with _plain_errors(), exclusive(place.engine, place.config.city.id, place.folder) as lock:
        chain.tidy(place.releases)
        if chain.current_folder(place.releases) is None:
            raise ReleaseError(f"{place.releases}: no release has been published here yet; run 'openward etl run'")
        return _stock(place, make_files, say, lock)


def _stock(place: Place, make_files: shelf.Maker, say: Reporter, lock: Lock) -> shelf.Stocked | None:
    def progress(done: int, total: int) -> None:
        say.step("release: ready files", done, total)

    try:
        made = shelf.stock(place.releases, place.config.downloads, make_files, progress, lock.must_be_held)
    except Exception as error:  # whatever it is, the release is published and stays so
        reason = getattr(error, "strerror", None) or str(error) or repr(error)
        raise FilesError(
            f"the ready files of the current release could not be made ({' '.join(reason.split())[:200]}); it is published "
            "and served without them. Free the disk if it is full, then run 'openward release files'"
        ) from error
    if made is not None:
        emit("files_made", release=made.release_id, files=made.files, bytes=made.bytes, seconds=made.seconds)
    return made


def _stocked(place: Place, report: RunReport, make_files: shelf.Maker, say: Reporter, lock: Lock) -> RunReport:
    try:
        return replace(report, stocked=_stock(place, make_files, say, lock))
    except FilesError as error:
        emit("files_not_made", level=logging.ERROR, release=report.current, error=repr(error.__cause__))
        return replace(report, not_stocked=str(error))


def _geocoder(place: Place, prepared: Prepared) -> CityGeocoder | None:
    """The city's geocoder, nothing read or opened yet; None where its YAML has no such section."""
    settings = place.config.geocoder
    if prepared.reference is None or settings is None:
        return None

    def services() -> ProviderChain:
        return chain_of(
            settings.providers, place.folder / "geocoding.sqlite", inside=place.config.city.bbox,
            tell=lambda line: emit("geocoding_service", level=logging.WARNING, message=line),
        )  # fmt: skip

    return CityGeocoder(prepared.reference, prepared.layers, services if settings.providers else None)


def _anything(place: Place) -> bool:
    with place.engine.connect() as connection:
        return bool(state.states(connection))


def _fetch_all(
    intake: Intake, known: Mapping[str, State], options: Options
) -> tuple[dict[str, list[RawCopy]], dict[str, str]]:
    """Copies that wait to be read, by source; and why sources that do not answer do not."""
    waiting: dict[str, list[RawCopy]] = {}
    unavailable: dict[str, str] = {}
    for name, stood in known.items():
        if options.replay:
            if not options.only or name in options.only:
                waiting[name] = intake.pending(name, stood)
            continue
        try:
            waiting[name] = intake.fetch(name, stood, options.force)
            emit(
                "source_fetched",
                source=name,
                copies=[c.name for c in waiting[name]],
                bytes=sum(c.bytes for c in waiting[name]),
            )
        except (SourceError, MappingError) as error:
            if not isinstance(error, SourceUnavailable):
                error.source = name
                raise
            unavailable[name] = str(error)
            waiting[name] = intake.pending(name, stood)
            emit("source_unavailable", level=logging.WARNING, source=name, error=str(error))
    return waiting, unavailable


def _take(intake: Intake, name: str, stood: State, waiting: Sequence[RawCopy], options: Options) -> Taken | None:
    """A source's decisions, or None where there is nothing to read. Copies that cannot be read are marked so."""
    copies = intake.to_read(name, stood, waiting)
    if options.replay and not copies:
        copies = intake.to_read(name, State(name, stood.kind, copy="", mapping_sha256=None), [])
    if not copies:
        return None
    try:
        return _taken_knowing_defaults(intake, name, stood, copies, waiting)
    except (SourceError, MappingError) as error:
        intake.refuse(waiting, error)
        error.source = name
        raise


def _taken_knowing_defaults(
    intake: Intake, name: str, stood: State, copies: Sequence[RawCopy], waiting: Sequence[RawCopy]
) -> Taken:
    """A source's decisions, made again as long as its rows give away points that stand for 'unknown'.

    Such a point is one of the source's rules from then on, so that what was loaded before it was known is read again.
    """
    found: list[DefaultPoint] = []
    for _ in range(MOST_SEARCHES):
        one = intake.take(name, stood, copies, fresh=bool(waiting))
        try:
            more = intake.found_out(one, stood)
        except BaseException:
            one.staging.close()
            raise
        one.defaults = found = [*found, *more]
        if not more:
            return one
        for point in more:
            emit("default_point_found", source=name, lat=point.lat, long=point.lon, rows=point.rows, why=point.why)
        one.staging.close()
        shutil.rmtree(one.staging.folder, ignore_errors=True)
        copies = intake.to_read(name, stood, waiting) or copies
    one = intake.take(name, stood, copies, fresh=bool(waiting))
    one.defaults = found
    return one


def _write(
    place: Place,
    prepared: Prepared,
    geocoder: CityGeocoder | None,
    taken: Sequence[Taken],
    unavailable: Mapping[str, str],
    boundary_print: str,
    moment: dt.datetime,
    say: Reporter,
    replay: bool,
    lock: Lock,
) -> tuple[int, dict[str, list[Drifted]]]:
    """Everything that changes the store, in one transaction."""
    basemap = prepared.basemap
    drift: dict[str, list[Drifted]] = {}
    with arrival(place.engine, [one.staging for one in taken], place.folder / "work") as connection:
        run_id = state.begin_run(connection, moment, place.config.fingerprint())
        due = {"boundaries": boundary_print, "basemap": basemap.sha256}
        if geocoder or reference.known_fingerprint(connection, "geocoder"):
            due["geocoder"] = geocoder.sha256 if geocoder else ""
        people = prepared.demographics
        if people is not None and (people.sha256 or reference.known_fingerprint(connection, "demographics")):
            due["demographics"] = people.sha256
        due = {k: v for k, v in due.items() if reference.known_fingerprint(connection, k) != v}
        if "boundaries" in due:
            reference.replace_boundaries(connection, prepared.layers)
        if "basemap" in due:
            reference.replace_features(connection, basemap.read())
        if "geocoder" in due:
            tables = to_tables(geocoder.reference) if geocoder else {}
            reference.replace_geocoder(connection, tables, geocoder.described() if geocoder else None)
        if "demographics" in due and people is not None:
            replace_demographics(connection, people.rows)
        for name, digest in due.items():
            reference.set_fingerprint(connection, name, digest, run_id)
        moved = bool(due)
        for one in taken:
            say.step(f"{one.source}: writing {one.staging.fresh_rows():,} rows", 0)
            # A replay says nothing of whether a source answers.
            moved |= _write_source(connection, one, run_id, moment, drift, "replayed" if replay else "loaded")
            reference.keep_defaults(connection, one.source, one.defaults, run_id, moment)
        for name in place.config.every_source:
            if name in unavailable:
                finished = dt.datetime.now(dt.UTC)
                state.note_source_run(
                    connection, run_id, name, moment, finished, "unavailable", message=unavailable[name]
                )
            elif not replay and name not in {one.source for one in taken}:
                state.note_source_run(connection, run_id, name, moment, dt.datetime.now(dt.UTC), "unchanged")
        state.end_run(
            connection,
            run_id,
            "loaded" if moved else "unchanged",
            finished=dt.datetime.now(dt.UTC),
            inputs=json.dumps({one.source: _input(one) for one in taken}),
            counts=json.dumps({one.source: asdict(one.counts) for one in taken}),
            message="; ".join(unavailable.values()) or None,
        )
        lock.must_be_held()
    return run_id, drift


def _input(one: Taken) -> dict[str, str | None]:
    return {"file": Path(one.origins[len(one.copies) - 1]).name or one.state.copy, "copy": one.state.copy}


def _write_source(
    connection: Connection, one: Taken, run_id: int, moment: dt.datetime, drift: dict[str, list[Drifted]], status: str
) -> bool:
    """One source's decisions and what the store remembers of it; whether a release would be another one."""
    writer = Writer(connection, one.staging, run_id, moment)
    one.counts.field_changes = writer.write(one.cause, one.last_seen)
    before = connection.execute(
        sa.select(sa.func.count()).select_from(Quarantined).where(Quarantined.source == one.source)
    ).scalar_one()
    after = writer.quarantine(one.origins, one.whole)
    if one.cause == "configuration":
        kinds = [f"unmapped_{name}" for name in ("status", "channel", "service_code", "department")]
        state.forget_words(connection, one.source, kinds)
    drift[one.source] = state.note_drift(connection, one.source, one.drift, run_id, moment)
    state.remember(connection, one.state, run_id)
    counts = asdict(one.counts)
    state.note_source_run(
        connection, run_id, one.source, one.started, dt.datetime.now(dt.UTC), status, one.state.copy, counts
    )
    emit("source_loaded", source=one.source, copy=one.state.copy, **counts)
    for found in drift[one.source]:
        emit(
            "drift",
            level=logging.WARNING,
            source=one.source,
            kind=found.kind,
            name=found.name,
            detail=found.detail,
            rows=found.rows,
        )
    return bool(one.counts.new + one.counts.changed + one.counts.withdrawn) or after != before


def _publish(
    place: Place,
    run_id: int,
    moment: dt.datetime,
    accept: Acceptance | None,
    say: Reporter,
    lock: Lock,
    estimators: Estimators | None,
) -> tuple[str | None, str | None]:
    lock.must_be_held()
    chain.tidy(place.releases)
    folder = chain.current_folder(place.releases)
    with place.engine.connect() as connection:
        inputs = build.inputs_of(connection, place.config, moment)
        if folder is None or not build.is_current(place.releases, inputs):
            folder = None
            held = build.held_before(connection, inputs, place.config)
    if folder is not None:
        _note_published(place, folder, inputs.data_version)  # a killed run may not have come to it
        return None, folder.name
    if held and accept is None:
        raise HeldError(held)
    try:
        published = build.publish(
            place.engine, place.config, place.releases, inputs,
            now=moment, work=place.folder / "work", accept=accept, progress=say.step, still_ours=lock.must_be_held,
            estimators=estimators,
        )  # fmt: skip
    except HeldError as error:
        with writing(place.engine) as connection:
            state.end_run(connection, inputs.data_version, "held", message=str(error))
        emit("release_held", level=logging.WARNING, reason=str(error))
        raise
    _note_published(place, published.folder, inputs.data_version or run_id)
    emit("release_published", release=published.release_id, requests=published.requests)
    return published.release_id, published.release_id


def _note_published(place: Place, folder: Path, run_id: int) -> None:
    """Tell the run that brought a release's data that it is published, and who let it through if a limit held it."""
    with place.engine.connect() as connection:
        stands = connection.execute(sa.select(Run.status).where(Run.run_id == run_id)).scalar()
    if stands == "published":
        return
    broken = chain.read_package(folder)["openward"].get("accepted")
    values = {"accepted_by": broken["by"], "accepted_reason": broken["reason"]} if broken else {}
    if broken:
        emit("release_accepted", level=logging.WARNING, release=folder.name, **broken)
    with writing(place.engine) as connection:
        state.end_run(connection, run_id, "published", **values)


def _prune(place: Place, moment: dt.datetime) -> None:
    """Forget raw copies that are older than the configuration keeps and that no replay would need, and old releases' files."""
    before = moment - dt.timedelta(days=place.config.raw.keep_days)
    for name in place.config.every_source:
        copies = place.archive.copies(name)
        latest = {origin_of(c): c.name for c in copies}
        whole = [i for i, c in enumerate(copies) if c.whole and c.kind != "file"]
        needed = {c.name for c in copies[whole[-1] :]} if whole else set()
        if not whole and any(c.kind != "file" for c in copies):
            needed = {c.name for c in copies}
        for gone in place.archive.prune(name, before, frozenset(needed | set(latest.values()))):
            emit("raw_copy_pruned", source=name, copy=gone)
    for release_id in retention.prune(place.releases, place.config.retention, moment):
        emit("release_pruned", release=release_id)


def _note_failure(place: Place, moment: dt.datetime, error: Exception, message: str) -> None:
    """Write down why a run failed, where the store still listens; the release is as it was."""
    if isinstance(error, HeldError):
        _try_status(place, moment)
        return
    try:
        with writing(place.engine) as connection:
            run_id = state.begin_run(connection, moment, place.config.fingerprint())
            ended = dt.datetime.now(dt.UTC)
            state.end_run(connection, run_id, "failed", finished=ended, message=message)
            if isinstance(error, EtlError) and error.source:
                state.note_source_run(connection, run_id, error.source, moment, ended, "refused", message=message)
    except (sa.exc.SQLAlchemyError, psycopg.Error, sqlite3.Error):
        return
    _try_status(place, moment)


def _try_status(place: Place, moment: dt.datetime) -> None:
    try:
        status.write(place.engine, place.config, place.releases, moment)
    except (sa.exc.SQLAlchemyError, OSError):
        emit("status_not_written", level=logging.WARNING)
