"""The database server is restarted under a run, at any moment: one line, nothing half-written, the next run converges.

On a cluster of the test's own, as tests/services.sh makes one: the other tests' server is left alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import _execute, unavailable
from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import STEPS, Expected, World, read_marks, said, seeded, wait_for_phase

FindExpected = Callable[[str], Expected]
STORE_ERROR = 5
PHASES = {
    1: ("open", "fetch", "clean", "transaction", "index", "validation"),
    2: ("stage", "transaction", "files", "promotion", "status"),
}
"""In the order of a run: one that came past its commit does not come to the earlier ones again."""
pytestmark = pytest.mark.store


class Cluster:
    """A PostgreSQL server with PostGIS on a free loopback port, in a folder of its own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._data = programs, folder / "data"
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._folder = folder
        if self._as:
            shutil.chown(folder, "postgres")
        self._call(
            "initdb",
            "-D",
            str(self._data),
            "-U",
            "openward",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c timezone=UTC"
        (self._data / "postgresql.auto.conf").write_text("shared_buffers = '32MB'\nmax_wal_size = '256MB'\n")
        self._options = ["-D", str(self._data), "-s", "-w", "-t", "90", "-l", str(folder / "log"), "-o", options]
        self._call("pg_ctl", "start", *self._options)

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}"

    @property
    def url(self) -> str:
        """Of the server's own database."""
        return f"postgresql+psycopg://openward@127.0.0.1:{self._port}/postgres"

    def database(self, name: str) -> str:
        """A fresh database with PostGIS."""
        _execute(self.url, f'CREATE DATABASE "{name}"')
        _execute(self.url, "CREATE EXTENSION postgis", database=name)
        return self.url.replace("/postgres", f"/{name}")

    def restart(self) -> None:
        """As after a crash: no session is asked, and the server recovers from its log."""
        self._call("pg_ctl", "restart", "-m", "immediate", *self._options)

    def stop(self) -> None:
        """End it."""
        self._call("pg_ctl", "stop", "-m", "immediate", "-s", "-D", str(self._data))


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: (len(str(p)), str(p)))
    for path in reversed(found):
        version = path.parents[1].name
        if Path(f"/usr/share/postgresql/{version}/extension/postgis.control").exists():
            return path.parent
    return None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server that may be restarted."""
    programs = _programs()
    if programs is None:
        unavailable("there are no programs of PostgreSQL with PostGIS in /usr/lib/postgresql to start a server with")
    folder = Path(os.path.realpath("/tmp")) / f"openward-restart-{os.getpid()}"  # noqa: S108 - short enough for a socket
    folder.mkdir(mode=0o755)
    started = Cluster(programs, folder)
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_restart_of_the_server_at_any_moment_leaves_all_or_nothing(
    cluster: Cluster, worlds: MakeWorld, expected: FindExpected, record_property: Callable[[str, object], None]
) -> None:
    chance, known, hit = seeded("restart"), expected("sqlite"), Counter[str]()
    kin = worlds("sqlite")
    world = World(kin.folder, cluster.database("restarted"), kin.yaml, kin.inputs, kin.driver)
    stores = _as_postgres(world, cluster, known, worlds)
    failed = 0
    for step in STEPS:
        for phase in PHASES[step]:
            job = world.job(step)
            pid = world.driver.start(job)
            wait_for_phase(pid, job, phase)
            time.sleep(chance.random() * known.phases(step).get(phase, 0.1))
            at = (read_marks(job) or ["start"])[-1]
            cluster.restart()
            code, told = world.driver.wait(pid), said(job)
            assert code in (0, STORE_ERROR), told
            if code == STORE_ERROR:
                failed += 1
                hit[at] += 1
                assert told["kind"] == "StoreError" and "\n" not in str(told["error"])
                assert told["stderr"] == "", "more than one line"
            world.must_be_whole(stores, (step - 1, step))
        world.complete(step)
        world.must_have_converged(stores, step)
    print(f"{failed} runs met a restart: {dict(hit)}")
    record_property("restarted_in", dict(hit))
    assert failed >= 4, "the restarts came to nobody"


def _as_postgres(world: World, cluster: Cluster, known: Expected, worlds: MakeWorld) -> Expected:
    """What an undisturbed city comes to on this server: releases are the same as anywhere, stores tell points otherwise."""
    from tests.etl.survival.support import observe

    kin = worlds("sqlite")
    calm = observe(World(kin.folder, cluster.database("calm"), world.yaml, world.inputs, world.driver))
    assert calm.releases == known.releases, "the two stores publish other bytes"
    return calm
