"""How long the ETL takes, beside a bare load of the same file by a tool that a city would use instead.

Charter: whole processes are timed from start to exit, several times, in the same run, because machines are noisy.
"""

from __future__ import annotations

import os
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

import sqlalchemy as sa


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


def etl(city: Path, inputs: Mapping[str, Path], repeat: int, postgis: str | None) -> Iterator[str]:
    """Lines of a report: first run and second run on each store, and ogr2ogr over the same files.

    `postgis` is the URL of a server on which databases may be created; without it only SQLite is measured.
    """
    rows = 0
    for store, make in _stores(postgis):
        first, second = [], []
        for _ in range(repeat):
            with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder, make() as url:
                env = {**os.environ, "OPENWARD_HOME": folder}
                env.pop("OPENWARD_STORE_URL", None)
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
        yield Timing(f"openward etl run, {store}, first", tuple(first), rows).line()
        yield Timing(f"openward etl run, {store}, same file again", tuple(second), rows).line()
    yield from _ogr2ogr(inputs, repeat, rows)
    yield f"highest peak memory of any process: {_peak_mb():,.0f} MB"


def _timed(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[0]} … exited with {done.returncode}: {done.stderr.strip()[-400:]}")
    return seconds, done.stdout


def _stores(postgis: str | None) -> Iterator[tuple[str, Callable[[], AbstractContextManager[str | None]]]]:
    yield "SQLite", _no_url
    if postgis:
        yield "PostGIS", lambda: _fresh_database(postgis)


@contextmanager
def _no_url() -> Iterator[str | None]:
    yield None


@contextmanager
def _fresh_database(server: str) -> Iterator[str | None]:
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
