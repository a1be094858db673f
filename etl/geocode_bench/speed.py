"""How long building and asking take, and how much memory: each in a process of its own that does nothing else.

Charter: writes what a process needs, runs it, reads its figures. `child` is the only other half.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from etl.geocode_bench import tables
from etl.geocode_bench.baseline import Lookup
from etl.geocode_bench.city import City, make_city
from etl.geocode_bench.figures import Figure
from etl.geocode_bench.requests import clean, dirty

SMALL: Final = 15_600
"""As many segments as San Francisco has."""
_RIVAL: Final = 2_000


def in_child(job: str, folder: Path, timeout_s: float = 3_600) -> dict[str, Any]:
    """Run a job of `child` over the files in a folder and return its figures; RuntimeError says why it failed."""
    command = [sys.executable, "-m", "etl.geocode_bench.child", job, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    if done.returncode:
        raise RuntimeError(f"{job} exited with {done.returncode}: {done.stderr.strip()[-600:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(city: City, folder: Path, addresses: int, seed: int) -> Iterator[list[Figure]]:
    """Builds from segments and from points, then clean and dirty addresses a second; with peak memory of each."""
    said = f"Speed and memory, {len(city.segments):,} segments, {len(city.points):,} points"
    small = folder / "small"
    small.mkdir()
    tables.save(make_city(min(SMALL, len(city.segments)), 1_000, seed).segments, small / "segments.parquet")
    got = in_child("build_segments", small)
    rows = min(SMALL, len(city.segments))
    yield [Figure(said, f"index from {rows:,} segments, crossings included", got["seconds"], "s", None, 2.0, rows)]
    tables.save(city.points, folder / "points.parquet")
    tables.save(city.segments, folder / "segments.parquet")
    got = in_child("build_points", folder)
    yield [
        Figure(
            said, f"index from {len(city.points):,} address points", got["seconds"], "s", None, 20.0, len(city.points)
        ),
        Figure(said, "  peak memory", got["peak_mb"], "MB", None, 2048),
        Figure(said, "  of it, before building", got["before_mb"], "MB"),
    ]
    for name, make, low in (("clean", clean, 100_000.0), ("dirty", dirty, 20_000.0)):
        asked = make(city, addresses if name == "clean" else addresses // 5, seed)
        tables.save_texts(asked.text, folder / "texts.parquet")
        got = in_child("locate", folder)
        yield [
            Figure(
                said, f"{name} distinct addresses", got["rate"], "/s", low, None, len(asked), _instead(city, asked.text)
            ),
            Figure(said, "  in one process", got["alone_rate"], "/s", n=len(asked)),
            Figure(said, "  by its processor time, on a machine that others use", got["busy_rate"], "/s", n=len(asked)),
            Figure(said, "  built in", got["build_s"], "s", n=len(city.segments)),
            Figure(said, "  located at block or better", got["located"], "%", n=len(asked)),
            Figure(said, "  peak memory", got["peak_mb"], "MB", None, 2048),
            Figure(said, "  of it, before building", got["before_mb"], "MB"),
        ]


def _instead(city: City, texts: list[str]) -> float:
    """Addresses a second of usaddress and a dictionary, once built."""
    lookup, few = Lookup(segments=city.segments), texts[: min(_RIVAL, len(texts))]
    start = time.perf_counter()
    lookup(few)
    seconds = time.perf_counter() - start
    return len(few) / seconds if seconds else math.nan
