"""Runs the ETL in processes that may be killed: imports everything once, then forks a child for each run.

Why: a SIGKILL has to hit a real process, and a Python that imports the ETL anew for each of a hundred kills would
spend most of its time on that. Talked to in lines of JSON over standard input and output; the parent opens no
database and starts no thread, so that a fork of it is a fresh process.

A child writes each step that it enters into the job's `marks` file, and what became of it into `outcome`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb_extension_spatial  # noqa: F401 - found once, before the first fork
import geopandas  # noqa: F401
import pyarrow.dataset  # noqa: F401
import pyogrio  # noqa: F401

import etl.extract.file_source
import etl.extract.socrata
import etl.extract.spatial
import etl.store.load
from etl import pipeline
from etl.config import load_city
from etl.errors import EtlError
from etl.extract.raw import RawWriter
from etl.pipeline import Options, Place, prepare, run
from etl.publish import build, chain, status
from etl.store import state
from etl.store.engine import open_store


class Marks:
    """A reporter that keeps the name of each step in a file, one a line; whoever reads it knows where the child is."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._last = ""

    def note(self, phase: str) -> None:
        """Write a phase unless it is the one before."""
        if phase != self._last:
            self._last = phase
            os.write(self._file, phase.encode() + b"\n")

    def step(self, name: str, done: int, total: int | None = None) -> None:
        """What a run tells of itself."""
        _, _, what = name.partition(": ")
        phases = {
            "fetching": "fetch", "loading": "clean", "comparing": "stage", "reading": "index", "auditing": "audit",
            "writing": "files" if what == "writing files" else "transaction",
        }  # fmt: skip
        self.note(phases.get((what or name).split()[0], "open"))

    def watch(self, owner: Any, name: str, phase: str) -> None:
        """Note a phase whenever a function is entered; the function itself stays as it is."""
        inner: Callable[..., Any] = getattr(owner, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.note(phase)
            return inner(*args, **kwargs)

        setattr(owner, name, noted)


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("openward.etl").addHandler(logging.NullHandler())  # as quiet as the command line is by itself
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            answer: dict[str, Any] = {"pid": _start(asked["start"])}
        else:
            _, raw = os.waitpid(asked["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(raw)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _start(job: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        told = os.open(job["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, handle in ((0, nothing), (1, nothing), (2, told)):
            os.dup2(handle, number)
        code = _work(job)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(job: dict[str, Any]) -> int:
    marks = Marks(Path(job["marks"]))
    for owner, name, phase in (
        (pipeline, "_write", "ship"),
        (RawWriter, "add", "fetch"),
        (state, "begin_run", "transaction"),
        (etl.store.load.Writer, "quarantine", "transaction"),
        (build, "validate", "validation"),
        (chain, "promote", "promotion"),
        (status, "write", "status"),
    ):
        marks.watch(owner, name, phase)
    if job.get("largest_file"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"], job["largest_file"]))
    if job.get("die_at"):
        _die_at(int(job["die_at"]), job["folder"])
    if job.get("count"):
        _count(Path(job["count"]), job["folder"])
    if job.get("gate"):
        while not Path(job["gate"]).exists():  # two children that start at the same moment
            pass
    found: dict[str, Any]
    try:
        marks.note("open")
        config = load_city(Path(job["yaml"]))
        engine = open_store(job["store"])
        place = Place(config, engine, Path(job["releases"]))
        prepared = prepare(config, Path(job["yaml"]), {k: Path(v) for k, v in job["inputs"].items()})
        report = run(place, prepared, now=dt.datetime.fromisoformat(job["now"]), options=Options(), reporter=marks)
        found = {"code": 0, "release": report.release_id, "current": report.current}
        marks.note("end")
    except EtlError as error:
        found = {"code": error.exit_code, "kind": type(error).__name__, "error": str(error)}
    Path(job["outcome"]).write_text(json.dumps(found), encoding="utf-8")
    return int(found["code"])


CHANGING = {"os.rename", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}


def _changes(event: str, args: tuple[Any, ...], folder: str) -> bool:
    """Whether an audit event is a change of a file or folder of the city, about to be made."""
    if event in CHANGING:
        return event in ("os.remove", "os.rmdir") or folder in str(args[0]) + str(args[1])
    return event == "open" and isinstance(args[1], str) and args[1][0] in "wax" and folder in str(args[0])


def _die_at(number: int, folder: str) -> None:
    """SIGKILL itself just before the `number`-th change that it makes in the city's folder."""
    left = [number]

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if _changes(event, args, folder):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _count(path: Path, folder: str) -> None:
    """Keep each such change, one a line."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if _changes(event, args, folder):
            os.write(handle, f"{event} {args[0]}\n".encode())

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
