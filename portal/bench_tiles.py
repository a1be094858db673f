"""How fast tiles of requests are: made in this process, and asked for over HTTP by several visitors at once.

    openward bench tiles boston

Every tile is of another random filter, at a place where requests are, more often where there are more; nothing is kept
between two. Over HTTP the portal runs as it does in a city, in processes of its own, with all its answers' caches off.

Charter: times, sizes and what must hold; no tile is judged for its content (tests do that).
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any, Final

from portal.bench import at, memory_mb, random_selection
from portal.release import Release
from portal.tiles import tile

ZOOMS: Final = range(9, 20)
MIXED: Final = range(10, 18)
"""Zooms that visitors ask for over HTTP, each as often."""
PROCESS_P95_MS: Final = 25.0
HTTP_MEAN_MS: Final = 35.0
HTTP_P95_MS: Final = 100.0
HTTP_TILES_A_SECOND: Final = 250.0
MOST_BYTES: Final = 500_000
START_SECONDS: Final = 60.0
BETWEEN_VISITORS_S: Final = 0.05
READY_SECONDS: Final = 120.0
ASKED_IN_A_ROW: Final = 10
_SAMPLE: Final = 2000


@dataclass(frozen=True)
class Timed:
    """Tiles of one kind: milliseconds ascending (and of the processor), and their sizes in bytes."""

    name: str
    wall_ms: list[float]
    sizes: list[int]
    cpu_ms: list[float] = field(default_factory=list)

    def line(self, limit: float) -> str:
        """The measure as a line of a table."""
        figures = [at(self.wall_ms, 0.5), at(self.wall_ms, 0.95), self.wall_ms[-1], at(sorted(self.cpu_ms), 0.5)]
        told = "pass" if figures[1] <= limit and max(self.sizes) <= MOST_BYTES else "FAIL"
        numbers = "".join(f"{figure:9.1f}" for figure in figures)
        return f"{self.name:12}{numbers}{max(self.sizes):10,}  {told}"


def bench_tiles(
    release: Release, n: int = 100, clients: int = 10, workers: int = 2, seconds: float = 20.0, seed: int = 1,
    say: Callable[[str], Any] = print,
) -> None:  # fmt: skip
    """Measure `n` tiles of each zoom here, then as many as `clients` get over HTTP in so many seconds."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    places = release.query(
        f"SELECT gx, gy FROM requests WHERE gx IS NOT NULL USING SAMPLE {_SAMPLE} ROWS (reservoir, {seed})"  # noqa: S608
    )
    if not places:
        say("this release has no request with a place")
        return
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    say(f"release {release.id}: {release.rows:,} requests; load of the machine {load}")
    say(
        f"in process, {n} tiles of each zoom, each of another random filter; p95 must be at most {PROCESS_P95_MS:.0f} ms"
    )
    say(f"{'milliseconds':12}{''.join(f'{head:>9}' for head in ('p50', 'p95', 'max', 'cpu p50'))}{'bytes':>10}")
    gx, gy = places[0]
    for z in (9, 14):  # what depends on no filter
        tile(release, "requests", z, gx >> (32 - z), gy >> (32 - z))
    several = [_in_process(release, z, n, places, rng) for z in ZOOMS]
    for timed in several:
        say(timed.line(PROCESS_P95_MS))
    whole = Timed(
        "all", sorted(t for timed in several for t in timed.wall_ms), [s for timed in several for s in timed.sizes],
        [t for timed in several for t in timed.cpu_ms],
    )  # fmt: skip
    say(whole.line(PROCESS_P95_MS))
    say(f"memory {memory_mb('VmRSS'):.0f} MB now, of which the mapped columns are shared by all processes")
    if clients:
        paths = [
            f"/tiles/{release.id}/requests/{z}/{gx >> (32 - z)}/{gy >> (32 - z)}.mvt?{random_selection(release, rng).to_query()}"
            for z, (gx, gy) in ((rng.choice(MIXED), rng.choice(places)) for _ in range(20_000))
        ]
        with _served(release.folder.parent, workers) as port:
            for line in _over_http(port, paths, clients, workers, seconds):
                say(line)


def _in_process(release: Release, z: int, n: int, places: list[tuple[int, int]], rng: random.Random) -> Timed:
    wall, cpu, sizes = [], [], []
    for _ in range(n):
        (gx, gy), selection = rng.choice(places), random_selection(release, rng)
        release.forget()
        started, used = time.perf_counter(), time.process_time()
        data = tile(release, "requests", z, gx >> (32 - z), gy >> (32 - z), selection)
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - used) * 1000)
        sizes.append(len(data))
    return Timed(f"zoom {z}", sorted(wall), sizes, cpu)


def _over_http(port: int, paths: list[str], clients: int, workers: int, seconds: float) -> Iterator[str]:
    asyncio.run(_visit(port, paths[: clients * 20], clients, 5.0))  # every process opens the release
    _settled(port)
    times, sizes, took = asyncio.run(_visit(port, paths, clients, seconds))
    mean, p95, rate = sum(times) / len(times), at(sorted(times), 0.95), len(times) / took
    ok = mean <= HTTP_MEAN_MS and p95 <= HTTP_P95_MS and rate >= HTTP_TILES_A_SECOND
    yield f"over HTTP, zooms {MIXED[0]} to {MIXED[-1]} mixed, {clients} visitors, {workers} processes, compressed:"
    yield (
        f"{len(times):,} tiles, {rate:.0f} a second (at least {HTTP_TILES_A_SECOND:.0f}), mean {mean:.1f} ms (at most "
        f"{HTTP_MEAN_MS:.0f}), p95 {p95:.1f} ms (at most {HTTP_P95_MS:.0f}), at most {max(sizes):,} bytes on the wire  "
        f"{'pass' if ok else 'FAIL'}"
    )


def _settled(port: int) -> None:
    """Wait until what a portal works out after it has opened a release is there: it takes a processor while it lasts."""
    deadline, in_a_row = time.monotonic() + READY_SECONDS, 0
    while in_a_row < ASKED_IN_A_ROW and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/expected", timeout=30):
                in_a_row += 1
        except OSError:  # not ready yet in the process that answered
            in_a_row = 0
            time.sleep(0.5)


async def _visit(port: int, paths: list[str], clients: int, seconds: float) -> tuple[list[float], list[int], float]:
    """Milliseconds and bytes of each tile, and the seconds that all took."""
    times: list[float] = []
    sizes: list[int] = []
    coming = iter(paths)
    end = time.perf_counter() + seconds

    async def visitor(i: int) -> None:
        await asyncio.sleep(i * BETWEEN_VISITORS_S)  # or one process takes them all
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for path in coming:
                if time.perf_counter() > end:
                    break
                started = time.perf_counter()
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                if not head.startswith("http/1.1 200"):
                    raise RuntimeError(f"{path}: {head.splitlines()[0]}")
                length = next((line for line in head.splitlines() if line.startswith("content-length:")), "")
                size = int(length.partition(":")[2]) if length else await _chunks(reader)
                if length:
                    await reader.readexactly(size)
                times.append((time.perf_counter() - started) * 1000)
                sizes.append(size)
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(visitor(i) for i in range(clients)))
    return times, sizes, time.perf_counter() - started


async def _chunks(reader: asyncio.StreamReader) -> int:
    size = 0
    while (length := int(await reader.readline(), 16)) > 0:
        await reader.readexactly(length + 2)
        size += length
    await reader.readline()
    return size


@contextmanager
def _served(releases: Path, workers: int) -> Iterator[int]:
    """A portal of its own processes, that keeps no answers; its port."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "portal.app:from_environment", "--host", "127.0.0.1",
        "--port", str(port), "--workers", str(workers), "--log-level", "error", "--no-access-log",
    ]  # fmt: skip
    environment = os.environ | {"OPENWARD_RELEASES": str(releases), "OPENWARD_CACHE_ENTRIES": "0"}
    process = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/tiles/", timeout=5):
                    break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError("the portal did not start") from None
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
