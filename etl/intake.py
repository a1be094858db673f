"""What one source brings to one run: fetched, cleaned, staged and decided, before the store is written.

Charter: from a source's state to decisions. Which raw copies count, in which
order, and what is known of them; writing them is etl.store.load's.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Engine

from etl.config import CityConfig
from etl.config.connections import FileConnection
from etl.default_points import Search
from etl.duck import quoted
from etl.errors import SourceError, StoreError
from etl.extract.adapters import adapter_of
from etl.extract.files import ROW_NUMBER, MalformedRows
from etl.extract.raw import RawArchive, RawCopy
from etl.extract.source import Adapter, Fetching, Known
from etl.locating import CityGeocoder
from etl.progress import Reporter
from etl.records import FEEDBACK_KIND, MEASURE_KIND, QUARANTINE, REQUEST_KIND, Kind
from etl.store.bulk import fetch_into
from etl.store.models import Quarantined, Request
from etl.store.staging import CONFLICT, Decided, Generation, Staging, known_columns
from etl.store.state import Drifted, State
from etl.transform.kinds import column_kinds
from etl.transform.requests import CleanChunk, RequestCleaner
from etl.transform.tables import FeedbackCleaner, MeasureCleaner
from geo.boundaries import Vintage
from geo.geocoding.doubt import DefaultPoint
from geo.points import KnownSentinel

REFUSED = "refused.json"
QUARANTINED = -1
"""The generation of rows that come back from quarantine: before all copies."""
NOT_ROWS = ("wrong_number_of_fields", CONFLICT)
"""Reasons of quarantined texts that are no rows of the source's columns."""
WORKERS = min(2, os.cpu_count() or 1)


class Cleaner(Protocol):
    """Rows of text to records: one for each kind of record."""

    def clean(self, chunk: pa.Table) -> CleanChunk:
        """Records, refused rows and unmapped words of a chunk."""
        ...


@dataclass
class Counts:
    """What became of one source's rows: `read` is the sum of all others but the changes and the withdrawn."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicates: int = 0
    superseded: int = 0
    quarantined: int = 0
    withdrawn: int = 0
    field_changes: int = 0


@dataclass
class Taken:
    """A source's decisions, ready to be written. `last_seen`: moment of the extract that was loaded before."""

    source: str
    staging: Staging
    decided: Decided
    copies: Sequence[RawCopy]
    origins: dict[int, str]
    whole: bool
    cause: str
    last_seen: dt.datetime | None
    state: State
    drift: list[Drifted]
    counts: Counts
    started: dt.datetime
    defaults: list[DefaultPoint] = field(default_factory=list)
    """Default points that this run found out."""


@dataclass(frozen=True)
class Intake:
    """Everything that taking in one source needs, apart from its state."""

    config: CityConfig
    base: Path
    archive: RawArchive
    work: Path
    engine: Engine
    layers: Mapping[str, Sequence[Vintage]]
    now: dt.datetime
    say: Reporter
    pipeline: str
    inputs: Mapping[str, Path | str] = field(default_factory=dict)
    just_fetched: set[str] = field(default_factory=set)
    geocoder: CityGeocoder | None = None
    defaults: dict[str, list[KnownSentinel]] = field(default_factory=dict)
    """The default points of each source that were found out, part of its rules."""

    def source(self, name: str) -> Any:
        """The source as configured, or reading the file that was given instead."""
        source = self.config.every_source[name]
        if name not in self.inputs:
            return source
        given = str(self.inputs[name])
        path = given if "://" in given else str(Path(given).resolve())
        old = source.connection
        file = old.model_copy(update={"path": path}) if isinstance(old, FileConnection) else FileConnection(path=path)
        return source.model_copy(update={"connection": file})

    def as_fetched(self, name: str, copy: RawCopy) -> Any:
        """The source as one of its copies is read: a file that --input gave is a file, whatever the YAML asks."""
        source = self.config.every_source[name]
        if copy.kind == "file" and not isinstance(source.connection, FileConnection):
            return source.model_copy(update={"connection": FileConnection()})
        return source

    def rules(self, name: str) -> str:
        """Checksum of everything that decides how a source's rows are read."""
        found = sorted((point.lat, point.lon) for point in self.defaults.get(name, ()))
        looked_up = f" {self.geocoder.sha256}" if self.geocoder and name in self.config.sources else ""
        return f"{self.pipeline} {self.config.rules_of(name)}{looked_up}{f' {found}' if found else ''}"

    def found_out(self, taken: Taken, stood: State) -> list[DefaultPoint]:
        """Default points that this source's rows give away, with those that are stored; by then the rules are others."""
        name, settings = taken.source, self.config.geocoder
        if self.geocoder is None or settings is None or settings.default_points == "off":
            return []
        if name not in self.config.sources:
            return []
        known = self.defaults.get(name, [])
        search = Search(self.config, self.config.sources[name], self.geocoder, known)
        found = search.found(taken.staging, self.engine, anew=self._other_rules(name, stood))
        self.defaults[name] = [*known, *(point.sentinel() for point in found)]
        return found

    def pending(self, name: str, state: State) -> list[RawCopy]:
        """Finished copies that are not loaded yet, but for those that were refused by these very rules."""
        copies = [c for c in self.archive.copies(name) if state.copy is None or c.name > state.copy]
        return [c for c in copies if not self._is_refused(c)]

    def _is_refused(self, copy: RawCopy) -> bool:
        try:
            return bool(json.loads((copy.folder / REFUSED).read_bytes())["rules"] == self.rules(copy.source))
        except (OSError, ValueError, KeyError):
            return False

    def refuse(self, copies: Sequence[RawCopy], error: Exception) -> None:
        """Mark copies that these rules cannot read, so that they are fetched again and not read again."""
        for copy in copies:
            text = json.dumps({"rules": self.rules(copy.source), "why": str(error)}, ensure_ascii=False)
            (copy.folder / REFUSED).write_text(text, encoding="utf-8")

    def fetch(self, name: str, state: State, force: bool) -> list[RawCopy]:
        """Ask the source for what is new and keep it; returns every copy that waits to be loaded."""
        waiting = self.pending(name, state)
        last = waiting[-1] if waiting else None
        known = Known(
            watermark=last.watermark if last else state.watermark,
            sha256=None if force else (last.sha256 if last else state.copy_sha256),
            whole_at=max((c.fetched for c in waiting if c.whole), default=state.whole_at),
            open_ids=lambda since: self._open_ids(name, since),
        )
        told = f"{name}: fetching"
        fetching = Fetching(
            self.archive, name, self.now, self.base, lambda done, total: self.say.step(told, done, total)
        )
        self.say.step(told, 0)
        source = self.source(name)
        copy = adapter_of(source).fetch(known, fetching)
        if copy is None:
            return waiting
        self.just_fetched.add(copy.name)
        return [*waiting, copy]

    def _open_ids(self, name: str, since: dt.datetime) -> list[str]:
        query = sa.select(Request.service_request_id).where(
            Request.source == name,
            Request.status == "open",
            Request.withdrawn.is_(None),
            Request.requested_datetime >= since,
        )
        with self.engine.connect() as connection:
            return list(connection.execute(query.order_by(Request.service_request_id)).scalars())

    def to_read(self, name: str, state: State, waiting: Sequence[RawCopy]) -> list[RawCopy]:
        """The copies to read: those that wait, and by other rules than before all that are kept.

        A full extract says everything, so that nothing before the last one is read again.
        """
        copies = list(waiting)
        if self._other_rules(name, state):
            copies = [c for c in self.archive.copies(name) if not self._is_refused(c)]
        full = [i for i, c in enumerate(copies) if self._is_full(name, c)]
        return copies[full[-1] :] if full else copies

    def _other_rules(self, name: str, state: State) -> bool:
        return state.copy is not None and state.mapping_sha256 != self.rules(name)

    def _is_full(self, name: str, copy: RawCopy) -> bool:
        return copy.whole and (copy.kind != "file" or self.source(name).extract == "full")

    def take(self, name: str, state: State, copies: Sequence[RawCopy], fresh: bool) -> Taken:
        """Read, clean, stage and decide. `fresh`: there is something that was not loaded before.

        SourceError where not one row can be trusted; MappingError where a mapped column is missing.
        """
        started = dt.datetime.now(dt.UTC)
        kind = kind_of(self.config, name)
        staging = Staging(self.work / name, kind, name)
        try:
            read = _Reading(self, name, staging)
            for number, copy in enumerate(copies):
                read.copy(number, copy)
            if self._other_rules(name, state) and not any(self._is_full(name, c) for c in copies):
                read.quarantined({origin_of(c) for c in copies} - {""})
            if read.rows and not staging.rows:
                raise SourceError(
                    f"source '{name}': every one of its {read.rows:,} rows was refused, most for "
                    f"'{staging.commonest_refusal()}'; correct the source's part of the YAML. Nothing was changed"
                )
            self.say.step(f"{name}: comparing {staging.rows:,} rows with the store", 0)
            where = f"source = {quoted(name)}"
            fetch_into(staging.db, self.engine, kind.table, known_columns(kind), "known", where)
            generations = [Generation(QUARANTINED, None, "partial")]
            generations += [Generation(n, _moment_of(c), self._extract(name, c)) for n, c in enumerate(copies)]
            decided = staging.decide(generations, state.as_of, self.now)
        except BaseException:
            staging.close()
            raise
        return self._taken(name, state, copies, fresh, started, staging, decided, read)

    def _taken(
        self, name: str, state: State, copies: Sequence[RawCopy], fresh: bool, started: dt.datetime,
        staging: Staging, decided: Decided, read: _Reading,
    ) -> Taken:  # fmt: skip
        last = copies[-1]
        moments = [m for m in (state.as_of, decided.as_of) if m]
        return Taken(
            source=name,
            staging=staging,
            decided=decided,
            copies=copies,
            origins={n: origin_of(c) for n, c in enumerate(copies)} | {QUARANTINED: ""},
            whole=any(self._is_full(name, c) for c in copies) or self._other_rules(name, state),
            cause="source" if fresh or state.copy is None else "configuration",
            last_seen=state.as_of,
            state=State(
                source=name,
                kind=last.kind,
                copy=last.name,
                copy_sha256=last.sha256,
                mapping_sha256=self.rules(name),
                watermark=last.watermark,
                as_of=max(moments) if moments else None,
                whole_at=max((c.fetched for c in copies if c.whole), default=state.whole_at),
                columns=read.columns,
                loaded=self.now,
            ),
            drift=[*columns_drift(state.columns, read.columns), *read.unmapped_words()],
            counts=Counts(
                read=read.rows,
                new=decided.new,
                changed=decided.changed,
                unchanged=decided.unchanged,
                stale=decided.stale,
                duplicates=decided.duplicates,
                superseded=decided.superseded,
                quarantined=read.refused + decided.conflicts,
                withdrawn=decided.withdrawn,
            ),
            started=started,
        )

    def _extract(self, name: str, copy: RawCopy) -> str:
        extract: str = self.source(name).extract
        if copy.kind == "file":
            return extract
        return "full" if copy.whole else "partial"


@dataclass
class _Reading:
    """Copies of one source on their way into its staging."""

    intake: Intake
    name: str
    staging: Staging
    rows: int = 0
    refused: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    unmapped: dict[tuple[str, str], int] = field(default_factory=dict)

    def copy(self, number: int, copy: RawCopy) -> None:
        """Read one raw copy through the cleaners."""
        if copy.name not in self.intake.just_fetched:
            copy.verify()
        source = self.intake.as_fetched(self.name, copy)
        adapter: Adapter = adapter_of(source)
        self.columns = dict(adapter.columns(copy))
        malformed = MalformedRows()
        told = f"{self.name}: loading {copy.parts[0].name if copy.kind == 'file' and copy.parts else copy.name}"
        self.intake.say.step(told, 0, copy.bytes)
        chunks = adapter.tables(
            copy, source.source_columns(), malformed, lambda done, total: self.intake.say.step(told, done, total)
        )
        for chunk, clean in _in_parallel(self._cleaners(), self._noted(chunks, number)):
            self.rows += chunk
            self.refused += len(clean.quarantined)
            self.staging.add(clean.records, number)
            self.staging.refuse(clean.quarantined, number)
            for word, rows in clean.unmapped.items():
                self.unmapped[word] = self.unmapped.get(word, 0) + rows
        self.rows += len(malformed.rows)
        self.refused += len(malformed.rows)
        self.staging.refuse(malformed_table(self.name, malformed), number)

    def quarantined(self, read: set[str]) -> None:
        """Try the rows again that are in quarantine: other rules may trust them, and their raw copies may be gone.

        They count as said before everything else. A row that could not even be split stays what it is. Rows of the
        files that were `read` just now are left out: what those still hold has been seen.
        """
        columns = self.intake.source(self.name).source_columns()
        with self.intake.engine.connect() as connection:
            kept = connection.execute(
                sa.select(Quarantined.__table__)
                .where(Quarantined.source == self.name, Quarantined.origin.not_in(read))
                .order_by(Quarantined.quarantine_id)
            ).all()
        whole = [row for row in kept if row.reason not in NOT_ROWS]
        told = [json.loads(row.raw) for row in whole]
        numbers = pa.array([row.row_number or 0 for row in whole], pa.int64())
        table = pa.table({name: pa.array([row.get(name) for row in told], pa.string()) for name in columns})
        cleaner = cleaner_of(self.intake, self.name)
        clean = cleaner.clean(table.append_column(ROW_NUMBER, numbers))
        self.rows += len(kept)
        self.refused += len(clean.quarantined) + len(kept) - len(whole)
        self.staging.add(clean.records, QUARANTINED)
        self.staging.refuse(clean.quarantined, QUARANTINED)
        others = [row for row in kept if row.reason in NOT_ROWS]
        names = QUARANTINE.names
        rest = pa.table([[getattr(row, name) for row in others] for name in names], schema=QUARANTINE)
        self.staging.refuse(rest, QUARANTINED)

    def _noted(self, chunks: Iterator[pa.Table], number: int) -> Iterator[pa.Table]:
        """Pass chunks on; the first one tells the kinds of columns where the source states none."""
        for n, chunk in enumerate(chunks):
            if n == 0 and number == 0:
                self.columns |= {name: kind for name, kind in column_kinds(chunk).items() if not self.columns.get(name)}
            yield chunk

    def _cleaners(self) -> list[Cleaner]:
        """One cleaner a thread, each with shapes of its own: prepared geometries are not shared."""
        return [cleaner_of(self.intake, self.name) for _ in range(WORKERS)]

    def unmapped_words(self) -> list[Drifted]:
        """Words that no rule maps, the commonest first."""
        ranked = sorted(self.unmapped.items(), key=lambda item: (-item[1], item[0]))
        return [Drifted(f"unmapped_{field}", word, None, rows) for (field, word), rows in ranked]


def _moment_of(copy: RawCopy) -> dt.datetime | None:
    """What a copy stands for: its source's word, else the fetch's moment for a system, None (newest row) for a file."""
    if copy.as_of is not None:
        return min(copy.as_of, copy.fetched)  # a source whose clock runs ahead does not know more than it sent
    return None if copy.kind == "file" else copy.fetched


def kind_of(config: CityConfig, name: str) -> Kind:
    """Which kind of record a source brings."""
    if name in config.sources:
        return REQUEST_KIND
    return MEASURE_KIND if name in config.measures else FEEDBACK_KIND


def cleaner_of(intake: Intake, name: str) -> Cleaner:
    """The cleaner of a source."""
    if name in intake.config.sources:
        layers = {layer: [v.copy() for v in vintages] for layer, vintages in intake.layers.items()}
        return RequestCleaner(intake.config, name, layers, intake.now, intake.geocoder, intake.defaults.get(name, ()))
    if name in intake.config.measures:
        return MeasureCleaner(intake.config, name, intake.now)
    return FeedbackCleaner(intake.config, name, intake.now)


def columns_drift(before: Mapping[str, str] | None, after: Mapping[str, str]) -> list[Drifted]:
    """Columns that came, went or changed their kind since the last load."""
    if not before:
        return []
    found = [Drifted("new_column", name, after[name] or None) for name in after if name not in before]
    found += [Drifted("lost_column", name, before[name] or None) for name in before if name not in after]
    found += [
        Drifted("type", name, f"{before[name]} before, {after[name]} now")
        for name in after
        if before.get(name) and after[name] and before[name] != after[name]
    ]
    return found


def malformed_table(source: str, malformed: MalformedRows) -> pa.Table:
    """Rows that could not be split into columns, as quarantined rows."""
    rows = malformed.rows
    nothing = [None] * len(rows)
    reasons = ["wrong_number_of_fields"] * len(rows)
    return pa.table(
        [[source] * len(rows), [n for n, _ in rows], nothing, reasons, nothing, [text for _, text in rows]],
        schema=QUARANTINE,
    )


def origin_of(copy: RawCopy) -> str:
    """The path or address of the file that a copy was, '' for what a system was asked."""
    if copy.kind != "file" or not copy.parts:
        return ""
    return str(copy.parts[0].note.get("name") or copy.parts[0].name)


def _in_parallel(cleaners: Sequence[Cleaner], chunks: Iterator[pa.Table]) -> Iterator[tuple[int, CleanChunk]]:
    """(rows read, what became of them) of each chunk in order; cleaning overlaps, reading runs only a little ahead."""
    free = list(cleaners)

    def work(cleaner: Cleaner, chunk: pa.Table) -> tuple[int, CleanChunk, Cleaner]:
        return len(chunk), cleaner.clean(chunk), cleaner

    with ThreadPoolExecutor(len(free)) as pool:
        waiting: list[Future[tuple[int, CleanChunk, Cleaner]]] = []
        for chunk in chunks:
            if not free:
                rows, clean, cleaner = waiting.pop(0).result()
                free.append(cleaner)
                yield rows, clean
            waiting.append(pool.submit(work, free.pop(), chunk))
        for future in waiting:
            rows, clean, _cleaner = future.result()
            yield rows, clean


def work_folder(folder: Path) -> Path:
    """The run's own scratch folder, empty: what a killed run left there is deleted."""
    import shutil

    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise StoreError(
            f"{work}: cannot be written ({error.strerror}); free the disk or check the permissions"
        ) from error
    return work
