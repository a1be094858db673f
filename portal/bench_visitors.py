"""A portal in processes of its own and visitors who ask it over HTTP, several at once, for a benchmark.

Charter: addresses in, milliseconds and bytes out; what is asked, and what must hold, is the caller's.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Final

START_SECONDS: Final = 60.0
BETWEEN_VISITORS_S: Final = 0.05
READY_SECONDS: Final = 120.0
ASKED_IN_A_ROW: Final = 10


def settle(port: int) -> None:
    """Wait until what a portal works out after it has opened a release is there: it takes a processor while it lasts."""
    deadline, in_a_row = time.monotonic() + READY_SECONDS, 0
    while in_a_row < ASKED_IN_A_ROW and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/expected", timeout=30):
                in_a_row += 1
        except OSError:  # not ready yet in the process that answered
            in_a_row = 0
            time.sleep(0.5)


async def visit(port: int, paths: list[str], clients: int, seconds: float) -> tuple[list[float], list[int], float]:
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
def served(releases: Path, workers: int) -> Iterator[int]:
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
