"""How quickly a large file is sent, beside DuckDB's own COPY of the same rows and columns.

    openward bench downloads boston
    openward bench downloads /srv/openward/releases --rows 5000000

Charter: a release in, seconds and megabytes out. The portal is one process of its own, asked over HTTP; the memory told is
that process's, over what it had before the download; the first line is the first download of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from portal.bench_timing import load
from portal.bench_visitors import served
from portal.release import Release
from portal.selection import Selection, quoted
from portal.settings import PortalSettings

FIRST_BYTE_S: Final = 1.0
GROWTH_MB: Final = 150.0
TIMES_COPY: Final = 1.5
BLOCK: Final = 1 << 20
IDLE_S: Final = 0.1
"""Of the processor in two seconds: nothing is being prepared any more."""


@dataclass(frozen=True)
class Sent:
    """One download: rows, bytes, seconds to the first byte of rows and to the last, and by how many MB memory grew."""

    rows: int
    bytes: int
    first_s: float
    all_s: float
    grown_mb: float
    cpu_s: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Downloads and copies of the same rows, by turns."""

    sent: list[Sent]
    copies_s: list[float]

    @property
    def times(self) -> float:
        """How many times as long as the copy; of the quickest of each."""
        return min(one.all_s for one in self.sent) / min(self.copies_s)

    @property
    def passed(self) -> bool:
        """Whether all that must hold does."""
        first, grown = max(one.first_s for one in self.sent), max(one.grown_mb for one in self.sent)
        return first <= FIRST_BYTE_S and grown <= GROWTH_MB and self.times <= TIMES_COPY


def bench_downloads(
    release: Release, rows: int = 5_000_000, repeat: int = 3, say: Callable[[str], Any] = print
) -> Measured:
    """Measure the CSV of about so many rows (those up to a day), `repeat` times, and as many copies between them."""
    day = release.query(
        "SELECT requested_date FROM requests WHERE requested_date IS NOT NULL ORDER BY requested_date LIMIT 1 OFFSET ?",
        [max(0, min(rows, release.rows) - 1)],
    )
    selection = Selection(to_date=day[0][0]) if day and rows < release.rows else Selection()
    say(f"release {release.id}: {release.rows:,} requests; load of the machine {load()}")
    say(
        f"{'CSV':10}{'rows':>12}{'MB':>8}{'first s':>9}{'all s':>8}{'cpu s':>8}{'grown MB':>10}{'COPY s':>8}{'cpu s':>8}"
    )
    sent, copies = [], []
    with served(release.folder.parent, 1) as port:
        url = f"http://127.0.0.1:{port}/download/requests.csv?{selection.to_query()}"
        pid = _process(port)
        _settle(url, pid)
        cold = _download(url, pid)
        say(_line("first", cold))
        for i in range(repeat):
            sent.append(_download(url, pid))
            copied, copied_cpu = _copied(release, selection)
            copies.append(copied)
            say(_line(str(i + 1), sent[-1]) + f"{copied:8.2f}{copied_cpu:8.2f}")
    found = Measured(sent, copies)
    say(
        f"{found.times:.2f} times COPY (at most {TIMES_COPY}), first byte at most {FIRST_BYTE_S} s, memory at most "
        f"{GROWTH_MB:.0f} MB: {'pass' if found.passed else 'FAIL'}; load {load()}"
    )
    return found


def _line(name: str, one: Sent) -> str:
    told = f"{name:10}{one.rows:12,}{one.bytes / 1e6:8.0f}{one.first_s:9.2f}{one.all_s:8.2f}{one.cpu_s:8.2f}"
    return f"{told}{one.grown_mb:10.0f}"


def _settle(url: str, pid: int) -> None:
    """Ask for the first row, and wait until what the portal prepares for its pages is done: at most two minutes."""
    with urllib.request.urlopen(url, timeout=600) as answer:  # noqa: S310 - our own portal on this machine
        answer.readline()
    for _ in range(60):
        used = _processor_s(pid)
        time.sleep(2)
        if _processor_s(pid) - used < IDLE_S:
            return


def _download(url: str, pid: int) -> Sent:
    before = most = _memory_mb(pid)
    used = _processor_s(pid)
    started = time.perf_counter()
    first, size, lines = 0.0, 0, 0
    with urllib.request.urlopen(url, timeout=600) as answer:  # noqa: S310 - our own portal on this machine
        size += len(answer.readline())  # the names of the columns
        while block := answer.read1(BLOCK):
            first = first or time.perf_counter() - started
            size += len(block)
            lines += block.count(b"\n")
            if size // BLOCK % 32 == 0:
                most = max(most, _memory_mb(pid))
    took, grown = time.perf_counter() - started, max(most, _memory_mb(pid)) - before
    return Sent(lines, size, first, took, grown, _processor_s(pid) - used)


_COPY: Final = """
import json, sys, time
import duckdb
index, sql, params, threads, path = json.load(sys.stdin)
connection = duckdb.connect(index, read_only=True, config={"threads": threads})
connection.execute("SET enable_progress_bar = false")
for _ in range(2):
    started, used = time.perf_counter(), time.process_time()
    connection.execute(f"COPY ({sql}) TO '{path}' (HEADER)", params)
    took = time.perf_counter() - started, time.process_time() - used
print(*took)
"""
"""In a process of its own: the release is open here, and DuckDB opens a file once in a process. The second one counts."""


def _copied(release: Release, selection: Selection) -> tuple[float, float]:
    """Seconds, on the clock and of the processor, of DuckDB's own COPY, of the same index with as many threads, its buffers filled."""
    where, params = release.where(selection)
    sql = f"SELECT {', '.join(map(quoted, release.fields))} FROM requests WHERE {where}"  # noqa: S608 - its own columns
    with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder:
        index = str(release.folder / release.package.openward.index.path)
        asked = [index, sql, params, PortalSettings().duckdb_threads, f"{folder}/copy.csv"]
        done = subprocess.run(
            [sys.executable, "-c", _COPY],
            input=json.dumps(asked, default=str),
            capture_output=True,
            text=True,
            check=True,
        )
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def _process(port: int) -> int:
    """The process that was started with this port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"portal.app:from_environment" in words and str(port).encode() in words:
            return int(folder.name)
    return 0


def _processor_s(process: int) -> float:
    """Seconds of the processor that a process has used."""
    try:
        words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)
