"""What the survival tests share: the driver, a city whose inputs change once, and what must hold at any moment.

Charter: `World` is one city in one store with two inputs, one after the other; `Expected` is what an undisturbed
one came to. `World.must_be_whole` is asked after every kill, restart and full disk.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
import yaml

from etl.publish import chain
from etl.store.engine import open_store
from etl.store.models import Base
from tests.etl.conftest import NOW, ROWS, TinyCity, make_city

ROOT = Path(__file__).resolve().parents[3]
LATER = NOW + dt.timedelta(days=1)
STEPS = (1, 2)
LONG = 120.0
"""Seconds after which something that should have come is given up; never a measure of speed."""

OURS = {
    "run_id", "first_run", "last_run", "change_id", "quarantine_id", "boundary_id", "feature_id", "source_run_id",
    "drift_id", "started", "finished",
}  # fmt: skip
"""Columns that count runs and rows: an interrupted run may use numbers up, and what was told by the clock differs."""
APART = {"run", "source_run", "published_place"}
"""Told by run, or kept in a transaction of its own before a release that names them."""


class Driver:
    """The process that forks runs (driver.py)."""

    def __init__(self) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.etl.survival.driver"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "null") or {"gone": True}
        assert "gone" not in answer, "the driver is gone"
        return answer

    def start(self, job: Mapping[str, Any]) -> int:
        """Fork a run; its process id."""
        return int(self._ask({"start": job})["pid"])

    def wait(self, pid: int) -> int:
        """Exit code of a run, negative for a signal."""
        return int(self._ask({"wait": pid})["code"])

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=LONG)


@dataclass(frozen=True)
class Expected:
    """What a store and a release are after each step (0: before the first), and how long a step's run took."""

    stores: Mapping[int, Mapping[str, str]]
    releases: Mapping[int, Mapping[str, str]]
    marks: Mapping[int, tuple[tuple[str, float], ...]]

    def seconds(self, step: int) -> float:
        """From a run's first mark to its end."""
        return self.marks[step][-1][1]

    def phases(self, step: int) -> dict[str, float]:
        """How long each phase took."""
        found: dict[str, float] = {}
        for (name, begun), (_, ended) in zip(self.marks[step], self.marks[step][1:], strict=False):
            found[name] = found.get(name, 0.0) + ended - begun
        return found


@dataclass
class World:
    """One city in one store. `inputs` gives each step's files by source."""

    folder: Path
    store: str
    yaml: Path
    inputs: Mapping[int, Mapping[str, Path]]
    driver: Driver
    releases: Path = field(init=False)

    def __post_init__(self) -> None:
        self.releases = self.folder / "releases"

    @property
    def postgres(self) -> bool:
        """Whether its store is PostGIS."""
        return self.store.startswith("postgresql")

    def job(self, step: int, name: str = "run", **more: Any) -> dict[str, Any]:
        """What the driver is told of a run. Its files lie apart: the city's disk may be full."""
        told = self.yaml.parent.parent / "told" / hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        told.mkdir(parents=True, exist_ok=True)
        job = {key: str(told / f"{name}.{key}") for key in ("marks", "stderr", "outcome")}
        for path in job.values():
            Path(path).unlink(missing_ok=True)
        return job | {
            "folder": str(self.folder), "yaml": str(self.yaml), "store": self.store, "releases": str(self.releases),
            "inputs": {source: str(path) for source, path in self.inputs[step].items()},
            "now": (NOW if step == 1 else LATER).isoformat(), **more,
        }  # fmt: skip

    def run(self, step: int, **more: Any) -> tuple[int, dict[str, Any]]:
        """A whole run; its exit code and what it said."""
        job = self.job(step, **more)
        code = self.driver.wait(self.driver.start(job))
        return code, said(job)

    def complete(self, step: int) -> None:
        """A run that must succeed."""
        code, told = self.run(step)
        assert code == 0, told

    def timed(self, step: int) -> tuple[tuple[str, float], ...]:
        """A run that must succeed, with the moment at which it entered each phase."""
        job = self.job(step)
        pid = self.driver.start(job)
        begun, found = time.monotonic(), [("start", 0.0)]
        while found[-1][0] != "end":
            found += [(name, time.monotonic() - begun) for name in read_marks(job)[len(found) - 1 :]]
            assert time.monotonic() - begun < LONG, said(job)
            if _ended(pid) and read_marks(job)[-1:] != ["end"]:
                break
            time.sleep(0.0005)
        assert self.driver.wait(pid) == 0, said(job)
        return tuple(found)

    # --- what must hold ---------------------------------------------------------------------

    def must_be_whole(self, expected: Expected, allowed: tuple[int, ...]) -> int:
        """Store and releases are those of one of the `allowed` steps; returns the store's."""
        at = self.store_must_be_whole(expected, allowed)
        shown = self.releases_must_be_whole(expected, tuple(step for step in allowed if step <= at))
        assert shown <= at, "a release of what is not stored"
        return at

    def store_must_be_whole(self, expected: Expected, allowed: tuple[int, ...]) -> int:
        """All of a run or nothing of it."""
        if self.postgres:
            self._sessions_must_end()
        elif (path := Path(sa.make_url(self.store).database or "")).exists():
            with contextlib.closing(sqlite3.connect(path)) as db:
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        found = contents(self.store)
        for step in allowed:
            if found == expected.stores[step]:
                return step
        wrong = {step: [t for t in found if found[t] != expected.stores[step].get(t)] for step in allowed}
        raise AssertionError(f"the store is of none of the steps {allowed}; tables that differ: {wrong}")

    def _sessions_must_end(self) -> None:
        """A killed process' sessions are gone, or go."""
        url = sa.make_url(self.store)
        watch = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")  # else it sees one moment
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        with watch.connect() as connection:
            wait_for(lambda: connection.execute(sa.text(query)).scalar_one() == 0, "sessions of a dead run stay")

    def releases_must_be_whole(self, expected: Expected, allowed: tuple[int, ...]) -> int:
        """What a reader sees is one whole, verified release, or none; returns its step."""
        seen = {p.name for p in self.releases.glob("*") if not p.name.startswith(".")}
        if chain.current_folder(self.releases) is None:
            assert seen <= {"status.json"} | self._waiting(seen), f"visible without a release: {seen}"
            assert 0 in allowed, "the release is gone"
            return 0
        folder = (self.releases / chain.CURRENT).resolve(strict=True)
        findings = chain.verify(self.releases, only=folder.name)
        assert all(f.ok for f in findings), [f for f in findings if not f.ok]
        kept = {link.release_id for link in chain.read_log(self.releases)} | {folder.name}
        extra = seen - kept - {chain.CHAIN, chain.CURRENT, "status.json"}
        assert extra <= self._waiting(extra), f"visible, but no release: {extra}"
        if (self.releases / "status.json").exists():
            json.loads((self.releases / "status.json").read_bytes())
        with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
            served = (db.execute("SELECT count(*) FROM requests").fetchone() or (None,))[0]
        assert served == chain.read_package(folder)["openward"]["counts"]["requests"]
        found = tables_of(folder)
        for step in allowed:
            if found == expected.releases.get(step):
                return step
        raise AssertionError(f"{folder.name} is the release of none of the steps {allowed}")

    def _waiting(self, names: set[str]) -> set[str]:
        """Whole release folders that a run was killed over before it could point at them: at most one, and complete."""
        found = {n for n in names if (self.releases / n / chain.PACKAGE).is_file()}
        assert len(found) <= 1, f"left behind: {found}"
        for name in found:
            package = chain.read_package(self.releases / name)
            for resource in package["resources"]:
                data = (self.releases / name / resource["path"]).read_bytes()
                assert resource["hash"] == "sha256:" + hashlib.sha256(data).hexdigest()
        return found

    def must_have_converged(self, expected: Expected, step: int) -> None:
        """After a run that ended well: exactly what an undisturbed one leaves, and nothing lies about."""
        assert self.must_be_whole(expected, (step,)) == step
        findings = chain.verify(self.releases)
        assert all(f.ok for f in findings), [f for f in findings if not f.ok]
        folder = chain.current_folder(self.releases)
        assert folder is not None
        assert tables_of(folder) == expected.releases[step], "the release's tables are other bytes"
        log = [link.release_id for link in chain.read_log(self.releases)]
        names = {p.name for p in self.releases.iterdir()}
        assert names == {*log, chain.CHAIN, chain.CURRENT, "status.json"}, "left over beside the releases"
        assert not (self.folder / "work").exists()
        hidden = [str(p) for p in (self.folder / "raw").rglob("*") if p.name.startswith(".")]
        assert hidden == [], "left over beside the raw copies"
        told = json.loads((self.releases / "status.json").read_bytes())
        assert told["release"] == folder.name


def said(job: Mapping[str, Any]) -> dict[str, Any]:
    """A run's outcome and what it wrote to standard error."""
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(Path(job["outcome"]).read_bytes())
    with contextlib.suppress(OSError):
        found["stderr"] = Path(job["stderr"]).read_text(encoding="utf-8")
    return found


def read_marks(job: Mapping[str, Any]) -> list[str]:
    """The phases that a run has entered."""
    try:
        text = Path(job["marks"]).read_text(encoding="utf-8")
    except OSError:
        return []
    return text.split("\n")[:-1]


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].startswith("Z")
    except OSError:
        return not os.path.exists(f"/proc/{pid}") and os.path.exists("/proc")  # noqa: PTH110


def wait_for(condition: Any, what: str, pause: float = 0.02) -> None:
    """Until something holds; gives up with `what` after a long time."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(pause)


def wait_for_phase(pid: int, job: Mapping[str, Any], phase: str, times: int = 1) -> bool:
    """Until a run enters a phase; False if it ended before."""
    deadline = time.monotonic() + LONG
    while read_marks(job).count(phase) < times:
        if _ended(pid):
            return read_marks(job).count(phase) >= times
        assert time.monotonic() < deadline, f"the run never came to '{phase}'"
        time.sleep(0.0003)
    return True


def kill_later(driver: Driver, job: Mapping[str, Any], phase: str, delay: float) -> tuple[int, str]:
    """Run until `delay` seconds after entering a phase ('': after the start), then SIGKILL.

    The exit code (-9 where the kill came in time), and the phase that the run was in.
    """
    pid = driver.start(job)
    if phase:
        wait_for_phase(pid, job, phase)
    end = time.monotonic() + delay
    while (left := end - time.monotonic()) > 0 and not _ended(pid):
        time.sleep(min(left, 0.02))
    os.kill(pid, signal.SIGKILL)  # the driver has not waited for it yet: the number is still its own
    return driver.wait(pid), (read_marks(job) or ["start"])[-1]


def contents(store: str) -> dict[str, str]:
    """A checksum of each table, whatever numbers its runs and rows have."""
    url = sa.make_url(store)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return {}
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    found = {}
    with engine.connect() as connection:
        there = set(sa.inspect(connection).get_table_names())
        for name, table in sorted(Base.metadata.tables.items()):
            if name in APART or name not in there:
                continue
            names = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in OURS)
            rows = sorted(repr(tuple(row)) for row in connection.execute(sa.text(f'SELECT {names} FROM "{name}"')))
            if rows:
                found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        if "run" in there:
            _runs_must_agree(connection)
    return found


def _runs_must_agree(connection: sa.Connection) -> None:
    """No run is half told, and every row names a run that is."""
    assert connection.execute(sa.text("SELECT count(*) FROM run WHERE status = 'running'")).scalar_one() == 0
    for table, column in (
        ("request", "last_run"), ("change", "run_id"), ("quarantine", "run_id"), ("source_state", "run_id"),
        ("source_run", "run_id"),
    ):  # fmt: skip
        query = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT run_id FROM run WHERE status <> 'failed')"
        assert connection.execute(sa.text(query)).scalar_one() == 0, f"{table} names a run that is not there"


def tables_of(folder: Path) -> dict[str, str]:
    """The sha256 of each table of a release, by its bytes on disk."""
    names = [r["path"] for r in chain.read_package(folder)["resources"]]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def observe(world: World) -> Expected:
    """Run the two steps undisturbed."""
    stores, releases, marks = {0: contents(world.store)}, {}, {}
    for step in STEPS:
        marks[step] = world.timed(step)
        stores[step] = contents(world.store)
        folder = chain.current_folder(world.releases)
        assert folder is not None
        releases[step] = tables_of(folder)
    assert stores[1] != stores[2] and releases[1] != releases[2]
    assert all(f.ok for f in chain.verify(world.releases))
    return Expected(stores, releases, marks)


# --- a city whose inputs change once ----------------------------------------------------------


def small_inputs(folder: Path, count: int = 240) -> tuple[Path, dict[int, dict[str, Path]]]:
    """Two sources of requests, one of them told by block faces; rows that change, go, come and are refused."""
    folder.mkdir()
    city = make_city(folder, "sqlite://")
    calls = city.config["sources"]["calls"]
    calls |= {"extract": "full", "limits": {"least_rows": 1_000_000}}  # what is held is not what is tested here
    city.config["sources"]["texts"] = json.loads(json.dumps(calls)) | {"path": "texts.csv", "extract": "partial"}
    city.config["services"] |= {"noise": {"group": "quiet"}}
    city.config["privacy"]["locations"] = {
        "groups": {"quiet": "block_face"}, "services": {"noise": "block_face"}, "area_layer": "district",
    }  # fmt: skip
    inputs = {}
    for step in STEPS:
        for name in ("calls", "texts"):
            _write(city, folder / f"{name}{step}.csv", _rows(name, step, count))
        inputs[step] = {name: folder / f"{name}{step}.csv" for name in ("calls", "texts")}
    return city.yaml, inputs


def _rows(name: str, step: int, count: int) -> list[dict[str, str]]:
    made = []
    for n in range(count):
        row = dict(ROWS[n % len(ROWS)]) | {"ID": f"{name}-{n}"}
        if row["LAT"].startswith("42.35"):
            row |= {"LAT": f"{42.345 + n % 7 / 1000:.4f}", "LON": f"{-71.14 + n % 90 / 1000:.4f}"}
        if step == 2 and n % 5 == 0:
            row |= {"STATUS": "closed", "CLOSED": "05/05/2024 09:00", "NOTE": "Fixed, again"}
        if step == 2 and name == "calls" and n % 11 == 0:
            continue  # withdrawn: `calls` is a full extract
        if n % 17 == 0:
            row["OPENED"] = "yesterday" if step == 1 else f"{1 + n % 28:02d}.{step}"
        made.append(row)
    if step == 2:
        made += [dict(ROWS[1]) | {"ID": f"{name}-new-{n}"} for n in range(9)]
    return made


def _write(city: TinyCity, path: Path, rows: list[dict[str, str]]) -> None:
    city.write(rows).rename(path)


def big_inputs(folder: Path, count: int) -> tuple[Path, dict[int, dict[str, Path]]]:
    """The demo city; the second file lacks some rows and has others changed."""
    from etl.demo import generate

    made = generate(folder, requests=count, seed=11)
    config = yaml.safe_load(made.city.read_text(encoding="utf-8"))
    config["sources"]["requests"] |= {"extract": "full", "limits": {"least_rows": 10_000_000}}
    made.city.write_text(yaml.safe_dump(config), encoding="utf-8")
    lines = made.requests.read_text(encoding="utf-8").splitlines(keepends=True)
    second = made.requests.with_name("second.csv")
    kept = [line.replace("Open", "Closed") if n % 3 == 0 else line for n, line in enumerate(lines) if n % 50 != 49]
    second.write_text("".join(kept), encoding="utf-8")
    return made.city, {1: {"requests": made.requests}, 2: {"requests": second}}


def seeded(name: str) -> random.Random:
    """The same kills every time; OPENWARD_SURVIVAL_SEED gives others."""
    return random.Random(f"{os.environ.get('OPENWARD_SURVIVAL_SEED', '1')} {name}")  # noqa: S311


@contextlib.contextmanager
def opened(store: str) -> Iterator[sa.Connection]:
    """A connection to a store, and nothing of it afterwards."""
    engine = open_store(store)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
