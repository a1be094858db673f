"""How long the ETL takes, beside a bare load of the same file by a tool that a city would use instead.

Charter: whole processes are timed from start to exit, several times, in the same run, because machines are noisy.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv as pa_csv
import sqlalchemy as sa

from etl.config import TimeColumn, load_city
from etl.transform.times import ISO
from etl.transform.vocabulary import fold


@dataclass(frozen=True)
class Timing:
    """Seconds of each repetition of one thing, and the rows that it handled (0: not counted)."""

    name: str
    seconds: tuple[float, ...]
    rows: int = 0

    def line(self) -> str:
        """The timing as a line of a table."""
        best, middle = min(self.seconds), sorted(self.seconds)[len(self.seconds) // 2]
        rate = f"{self.rows / best:>12,.0f} rows/s" if self.rows else ""
        return f"{self.name:<44} best {best:7.2f} s   median {middle:7.2f} s   {rate}".rstrip()


def etl(city: Path, inputs: Mapping[str, Path], repeat: int, postgis: str | None, changes: int = 0) -> Iterator[str]:
    """Lines of a report: first run and second run on each store, and bare loads of the same files beside them.

    `postgis` is the URL of a server on which databases may be created; without it only SQLite is measured.
    `changes`: a third run, over a file of so many of the rows with another status and a later update.
    """
    rows = 0
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    _timed([sys.executable, "-c", "import etl.pipeline, etl.metrics, etl.extract.file_source"], compiled)
    for store, make in _stores(postgis):
        first, second, third = [], [], []
        for _ in range(repeat):
            with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder, make() as url:
                env = {**os.environ, "OPENWARD_HOME": folder}
                env.pop("OPENWARD_STORE_URL", None)
                env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed Openward is compiled
                if url:
                    env["OPENWARD_STORE_URL"] = url
                command = [sys.executable, "-m", "openward", "etl", "run", str(city)]
                command += [part for name, path in inputs.items() for part in ("--input", f"{name}={path}")]
                seconds, said = _timed(command, env)
                first.append(seconds)
                rows = sum(
                    int(line.split(": ")[1].split()[0].replace(",", ""))
                    for line in said.splitlines()
                    if " rows read: " in line
                )
                seconds, said = _timed(command, env)
                second.append(seconds)
                if "nothing published" not in said:
                    yield f"{store}: the second run published something: {said.strip()}"
                if changes:
                    seconds, said = _timed(_changed(city, inputs, changes, Path(folder)), env)
                    third.append(seconds)
                    if _counted(said, "changed") < changes * 0.99:  # a row may be quarantined by what was changed
                        yield f"{store}: the third run did not change {changes:,} rows: {said.strip()}"
        yield Timing(f"openward etl run, {store}, first", tuple(first), rows).line()
        yield Timing(f"openward etl run, {store}, same file again", tuple(second)).line()
        if third:
            yield Timing(f"openward etl run, {store}, {changes:,} changed rows", tuple(third)).line()
    if postgis:
        yield from _bare_copy(inputs, repeat, rows, postgis)
    yield from _ogr2ogr(inputs, repeat, rows)
    yield f"highest peak memory of any process: {_peak_mb():,.0f} MB"


def _timed(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[0]} … exited with {done.returncode}: {done.stderr.strip()[-400:]}")
    return seconds, done.stdout


def _counted(said: str, what: str) -> int:
    """How many rows a run's report says were `what`."""
    found = re.search(rf"([\d,]+) {what}\b", said)
    return int(found.group(1).replace(",", "")) if found else 0


def _changed(city: Path, inputs: Mapping[str, Path], changes: int, folder: Path) -> list[str]:
    """The command over a file of evenly chosen rows of the first input, each with another status and a later update."""
    name, path = next(iter(inputs.items()))
    source = load_city(city).sources[name]
    columns, words = source.columns, source.statuses
    status, updated = columns["status"], columns.get("updated_datetime")
    other = {spelt: next(w for w, kind in words.items() if kind != words[spelt]) for spelt in words}
    mapped = {fold(word): to for word, to in other.items()}
    with pa_csv.open_csv(path, parse_options=pa_csv.ParseOptions(newlines_in_values=True)) as reader:
        total = sum(len(batch) for batch in reader)
    opener = gzip.open if path.suffix == ".gz" else open
    step = max(total // (changes + changes // 50), 1)
    file = folder / f"changed-{path.name.removesuffix('.gz')}"
    written = 0
    with opener(path, "rt", encoding="utf-8", newline="") as lines, file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictReader(lines)
        writer = csv.DictWriter(out, rows.fieldnames or [])
        writer.writeheader()
        seen: set[str] = set()
        for number, row in enumerate(rows):
            ident, word = row[str(columns["service_request_id"])], fold(row[str(status)])
            if number % step or word not in mapped or ident in seen or written == changes:
                continue
            seen.add(ident)
            row[str(status)] = mapped[word]
            if isinstance(updated, TimeColumn):
                row[updated.column] = _later(updated.formats[0])
            writer.writerow(row)
            written += 1
    command = [
        sys.executable,
        "-m",
        "openward",
        "etl",
        "run",
        str(city),
        "--accept",
        "a benchmark changes what it likes",
    ]
    return [*command, "--input", f"{name}={file}"]


def _later(fmt: str) -> str:
    """A time of today in a column's own format."""
    now = dt.datetime.now(dt.UTC)
    return now.isoformat(timespec="seconds") if fmt == ISO else now.strftime(fmt)


def _bare_copy(inputs: Mapping[str, Path], repeat: int, rows: int, postgis: str) -> Iterator[str]:
    """COPY of the same file into a table of text columns, through the same driver."""
    times = []
    for _ in range(repeat):
        with fresh_database(postgis) as url:
            total = 0.0
            for path in inputs.values():
                total += _copy_once(path, str(url))
            times.append(total)
    yield Timing("COPY, bare load into PostGIS, all text", tuple(times), rows).line()


def _copy_once(path: Path, url: str) -> float:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        names = next(csv.reader(lines))
    engine = sa.create_engine(url)
    columns = ", ".join(f'"c{n}" text' for n in range(len(names)))
    start = time.perf_counter()
    with engine.begin() as connection, opener(path, "rb") as data:
        connection.exec_driver_sql(f"CREATE TABLE bare ({columns})")
        raw = connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:  # type: ignore[union-attr]
            while block := data.read(1 << 20):
                copy.write(block)
    seconds = time.perf_counter() - start
    engine.dispose()
    return seconds


def _stores(postgis: str | None) -> Iterator[tuple[str, Callable[[], AbstractContextManager[str | None]]]]:
    yield "SQLite", _no_url
    if postgis:
        yield "PostGIS", lambda: fresh_database(postgis)


@contextmanager
def _no_url() -> Iterator[str | None]:
    yield None


@contextmanager
def fresh_database(server: str) -> Iterator[str | None]:
    """The URL of a new, empty database on a server, dropped afterwards."""
    name = f"openward_bench_{uuid.uuid4().hex[:10]}"
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


def _ogr2ogr(inputs: Mapping[str, Path], repeat: int, rows: int) -> Iterator[str]:
    program = shutil.which("ogr2ogr")
    if program is None:
        yield "ogr2ogr is not installed (gdal-bin): no bare load to compare with"
        return
    times = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder:
            total = 0.0
            for name, path in inputs.items():
                source = f"/vsigzip/{path.resolve()}" if path.suffix == ".gz" else str(path.resolve())
                command = [program, "-f", "SQLite", f"{folder}/{name}.sqlite", f"CSV:{source}", "-gt", "100000"]
                total += _timed(command, os.environ)[0]
            times.append(total)
    yield Timing("ogr2ogr, bare load into SQLite", tuple(times), rows).line()


def demo(requests: int, seed: int, repeat: int) -> Iterator[str]:
    """Lines of a report: how fast the demo city is written, the city itself included."""
    times = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder:
            command = [sys.executable, "-m", "openward", "demo", "--out", f"{folder}/city"]
            times.append(_timed([*command, "--requests", str(requests), "--seed", str(seed)], os.environ)[0])
    yield Timing(f"openward demo --requests {requests}", tuple(times), requests).line()
    yield f"peak memory: {_peak_mb():,.0f} MB"


def _peak_mb() -> float:
    """Highest resident memory of any finished child process; Linux counts in kB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
