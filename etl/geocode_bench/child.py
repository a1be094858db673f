"""The measured half of `speed`: one job over files in a folder, its figures as one line of JSON.

Charter: `python -m etl.geocode_bench.child JOB FOLDER`; loads, builds, asks, and says how long and how much memory.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import Any

from etl.geocode_bench import tables
from etl.geocode_bench.city import CRS
from etl.geocode_bench.door import Ours
from etl.geocode_bench.measures import BLOCK_OR_BETTER
from geo.geocoding.model import Points, Reference, Segments


def peak_mb(pid: int | str = "self") -> float:
    """Highest resident memory of a process so far, in MB.

    Linux hands getrusage's figure down from the parent that started it; what /proc says of the process is its own.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024**2 if sys.platform == "darwin" else 1024)


def _warm(reference: Reference) -> None:
    """Import and set up what a process has to once, so that the build alone is timed."""
    Ours(reference)


def _few(segments: Segments) -> Reference:
    from dataclasses import fields

    plain = {f.name: getattr(segments, f.name)[:50] for f in fields(segments) if f.name != "alternates"}
    return Reference(crs=CRS, segments=Segments(**plain))


def build_segments(folder: Path) -> dict[str, Any]:
    """Seconds to build from segments, crossings included; the best of three."""
    segments = tables.load(Segments, folder / "segments.parquet")
    _warm(_few(segments))
    before, times = peak_mb(), []
    for _ in range(3):
        start = time.perf_counter()
        Ours(Reference(crs=CRS, segments=segments))
        times.append(time.perf_counter() - start)
    return {"seconds": min(times), "before_mb": before, "peak_mb": peak_mb()}


def build_points(folder: Path) -> dict[str, Any]:
    """Seconds to build from address points alone."""
    points = tables.load(Points, folder / "points.parquet")
    before, start = peak_mb(), time.perf_counter()
    Ours(Reference(crs=CRS, points=points))
    return {"seconds": time.perf_counter() - start, "before_mb": before, "peak_mb": peak_mb()}


def locate(folder: Path) -> dict[str, Any]:
    """Addresses a second against segments, in one process and in one for each core; the share at block or better."""
    segments = tables.load(Segments, folder / "segments.parquet")
    texts = tables.load_texts(folder / "texts.parquet")
    before, start = peak_mb(), time.perf_counter()
    ours = Ours(Reference(crs=CRS, segments=segments))
    build_s = time.perf_counter() - start
    ours(texts[:10])
    start, busy = time.perf_counter(), time.process_time()
    found = ours(texts)
    alone, busy = time.perf_counter() - start, time.process_time() - busy
    with ours.crew() as crew:
        crew.start()
        start = time.perf_counter()
        crew.locate(texts)
        shared = time.perf_counter() - start
        peak = peak_mb() + sum(peak_mb(child.pid or 0) for child in multiprocessing.active_children())
    located = sum(m in BLOCK_OR_BETTER for m in found.methods().tolist()) / max(len(texts), 1)
    n = len(texts)
    figures = {"rate": n / shared, "alone_rate": n / alone, "busy_rate": n / busy, "build_s": build_s}
    return {**figures, "located": located, "before_mb": before, "peak_mb": peak}


JOBS = {"build_segments": build_segments, "build_points": build_points, "locate": locate}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))) + "\n")
