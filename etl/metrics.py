"""What monitoring reads: how fresh each source is, what the last run did, whether a release is held.

Charter: numbers from the store and the releases in Prometheus' words, as a page
on loopback or a file for the node exporter. It decides nothing and alerts nobody.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge, generate_latest, start_http_server, write_to_textfile

from etl.config import CityConfig
from etl.errors import ReleaseError, StoreError
from etl.events import emit
from etl.pipeline import Place
from etl.publish import chain, status
from etl.report import held_because, seconds_between, stored_rows
from etl.store import state
from etl.store.models import Run, SourceRun

OUTCOMES = ("read", "new", "changed", "unchanged", "stale", "quarantined", "withdrawn")
STATUSES = ("published", "loaded", "unchanged", "held", "failed")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Metrics:
    """One city's numbers in a registry of their own. Ages are worked out when they are read, all else by `read`."""

    def __init__(self, clock: Callable[[], dt.datetime] = _now) -> None:
        """`clock` says what time it is (UTC)."""
        self.registry = CollectorRegistry()
        self._clock = clock
        self._city: str | None = None
        self._was_read = False
        by_source = ("city", "source")
        self._freshness = self._gauge(
            "openward_source_freshness_seconds",
            "Now less the moment that the newest loaded extract of a source stands for",
            by_source,
        )
        self._as_of = self._gauge(
            "openward_source_as_of_timestamp_seconds",
            "Moment that the newest loaded extract of a source stands for, for ages that grow between two runs",
            by_source,
        )
        self._success = self._gauge(
            "openward_source_last_success_timestamp_seconds",
            "When a source answered last, also if it had nothing new",
            by_source,
        )
        self._up = self._gauge(
            "openward_source_up", "1 if a source answered in the last run that asked it, else 0", by_source
        )
        self._stored = self._gauge(
            "openward_requests_stored", "Requests in the record store, withdrawn ones among them", ("city",)
        )
        self._rows = self._gauge(
            "openward_rows_total",
            "Rows of a source in its last run, by what became of them",
            (*by_source, "outcome"),
        )
        self._quarantined = self._gauge(
            "openward_quarantined_rows", "Rows in quarantine, by the reason for it", (*by_source, "reason")
        )
        self._duration = self._gauge(
            "openward_run_duration_seconds", "Time that the last run spent on a source", by_source
        )
        self._run_duration = self._gauge(
            "openward_run_last_duration_seconds", "Time that the last run took from its start to its release", ("city",)
        )
        self._run_started = self._gauge(
            "openward_run_last_timestamp_seconds", "When the last run began that the store knows of", ("city",)
        )
        self._run_status = self._gauge(
            "openward_run_last_status",
            "1 for the way in which the last run ended, 0 for the others",
            ("city", "status"),
        )
        self._exit_code = self._gauge(
            "openward_run_last_exit_code", "Exit code of the last run of this program, 0 if all was well", ("city",)
        )
        self._store_up = self._gauge(
            "openward_store_up", "1 if the record store could be read after the last run, else 0", ("city",)
        )
        self._release = self._gauge(
            "openward_release_timestamp_seconds", "When the current release was built", ("city",)
        )
        self._held = self._gauge(
            "openward_release_held", "1 while a limit keeps what is stored from being published, else 0", ("city",)
        )

    def _gauge(self, name: str, told: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, told, labels, registry=self.registry)

    @contextmanager
    def around(self, path: Path | None = None) -> Iterator[None]:
        """Note how the run within ends, and write the file at `path`, also where it fails or never finds the store."""
        self._was_read = False
        try:
            yield
        except BaseException as error:
            self._ended(error)
            if path is not None:
                try:
                    self.write(path)
                except StoreError as unwritten:  # why the run failed matters more
                    emit("metrics_not_written", level=logging.WARNING, error=str(unwritten))
            raise
        self._ended(None)
        if path is not None:
            self.write(path)

    def of(self, config: CityConfig) -> None:
        """The run is of this city."""
        self._city = config.city.id

    def _ended(self, error: BaseException | None) -> None:
        if self._city is None:
            return
        code = 0 if error is None else getattr(error, "exit_code", 1)
        self._exit_code.labels(self._city).set(code)
        if error is not None and not self._was_read:
            self._failed(self._city)
            if isinstance(error, StoreError):
                self._store_up.labels(self._city).set(0)

    def _failed(self, city: str) -> None:
        """A run that the store knows nothing of; what was known of it before stays."""
        for name in STATUSES:
            self._run_status.labels(city, name).set(name == "failed")

    def read(self, place: Place) -> None:
        """Take all numbers from the store and the releases as they are now."""
        self.of(place.config)
        city = place.config.city.id
        try:
            with place.engine.connect() as connection:
                public = status.describe(connection, place.config, place.releases, self._clock())
                stored = stored_rows(connection)
                held = held_because(connection) is not None
                last = connection.execute(sa.select(Run.__table__).order_by(Run.run_id.desc()).limit(1)).first()
                runs = {name: _last_run(connection, name) for name in place.config.every_source}
        except (sa.exc.SQLAlchemyError, psycopg.Error):
            self._failed(city)
            self._store_up.labels(city).set(0)
            return
        self._was_read = True
        self._store_up.labels(city).set(1)
        self._stored.labels(city).set(sum(stored.get(name, 0) for name in place.config.sources))
        self._held.labels(city).set(held)
        self._last(city, last)
        self._quarantined.clear()
        for source in public["sources"]:
            self._source(city, source, runs[source["source"]])
        self._released(city, place.releases)

    def _last(self, city: str, last: Any) -> None:
        for name in STATUSES:
            self._run_status.labels(city, name).set(last is not None and last.status == name)
        if last is not None:
            self._run_started.labels(city).set(_seconds(last.started))
            self._run_duration.labels(city).set(seconds_between(last.started, last.finished) or 0)

    def _source(self, city: str, source: dict[str, Any], run: dict[str, Any] | None) -> None:
        name = source["source"]
        if source["as_of"]:
            moment = dt.datetime.fromisoformat(source["as_of"])
            self._as_of.labels(city, name).set(moment.timestamp())
            self._freshness.labels(city, name).set_function(lambda: max(0.0, (self._clock() - moment).total_seconds()))
        if source["answered"]:
            self._success.labels(city, name).set(dt.datetime.fromisoformat(source["answered"]).timestamp())
        for reason, rows in source["reasons"].items():
            self._quarantined.labels(city, name, reason).set(rows)
        if run is None:
            return
        self._up.labels(city, name).set(run["status"] in ("loaded", "unchanged"))
        self._duration.labels(city, name).set(run["seconds"])
        for outcome in OUTCOMES:
            self._rows.labels(city, name, outcome).set(run["counts"].get(outcome, 0))

    def _released(self, city: str, releases: Path) -> None:
        folder = chain.current_folder(releases)
        if folder is None:
            return
        with suppress(ReleaseError, KeyError, ValueError):  # `doctor` and `release verify` tell what is wrong with it
            created = chain.read_package(folder)["openward"]["created"]
            self._release.labels(city).set(dt.datetime.fromisoformat(created).timestamp())

    def text(self) -> str:
        """The page as it is served."""
        return generate_latest(self.registry).decode()

    def write(self, path: Path) -> None:
        """A file for the node exporter's textfile collector, replaced at once; StoreError if it cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_to_textfile(str(path), self.registry)
        except OSError as error:
            raise StoreError(
                f"{path}: the metrics cannot be written ({error.strerror}); check the path and its permissions"
            ) from error

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Serve /metrics in a thread of its own; returns what stops it. StoreError if the address cannot be had."""
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise StoreError(
                f"--metrics {host}:{port}: cannot be listened on ({error.strerror}); choose another port"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)

        return stop


def address_of(text: str) -> tuple[str, int]:
    """HOST:PORT, or a port alone on loopback; ValueError tells what is wrong.

    >>> address_of("9309")
    ('127.0.0.1', 9309)
    >>> address_of("0.0.0.0:9309")
    ('0.0.0.0', 9309)
    >>> address_of("[::1]:9309")
    ('::1', 9309)
    """
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}' is not HOST:PORT, such as 127.0.0.1:9309, or a port")
    return host.strip("[]") or "127.0.0.1", int(port)


def _seconds(value: dt.datetime) -> float:
    aware = state.utc(value)
    return aware.timestamp() if aware else 0.0


def _last_run(connection: sa.Connection, source: str) -> dict[str, Any] | None:
    query = sa.select(SourceRun.__table__).where(SourceRun.source == source, SourceRun.status != "replayed")
    row = connection.execute(query.order_by(SourceRun.source_run_id.desc()).limit(1)).first()
    if row is None:
        return None
    return {
        "status": row.status,
        "seconds": seconds_between(row.started, row.finished) or 0,
        "counts": json.loads(row.counts),
    }
