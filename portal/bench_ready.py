"""Times the making of a release's ready files, aside: what they take of time, memory and disk.

Charter: the real maker over a release as it lies; what it makes is thrown away.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from portal.bench_timing import load, memory_mb
from portal.files.fixed import make
from portal.package import read_package

PARTS: Final = ("whole", "year", "department", "layers")
FORMATS: Final = ("csv", "parquet")


def bench_ready(
    releases: Path, say: Callable[[str], None], parts: Sequence[str] = PARTS, formats: Sequence[str] = FORMATS
) -> None:
    """Make the current release's files in a temporary folder (TMPDIR) and tell what it took."""
    folder = (releases / "current").resolve()
    most = before = memory_mb("RssAnon")
    say(f"{read_package(folder).openward.counts.get('requests', 0):,} requests; load {load()}")

    def step(_done: int, _of: int) -> None:
        nonlocal most
        most = max(most, memory_mb("RssAnon"))

    with tempfile.TemporaryDirectory(prefix="openward-bench-") as into:
        started, used = time.perf_counter(), time.process_time()
        made = make(folder, Path(into), parts, formats, step)
        took, cpu = time.perf_counter() - started, time.process_time() - used
        count, size = Counter[str](), Counter[str]()
        for file in made["files"]:
            count[file["format"]] += 1
            size[file["format"]] += (Path(into) / file["path"]).stat().st_size
    say(f"{took:.1f} s, {cpu:.1f} s of the processor; memory grew by {most - before:,.0f} MB at most")
    for name in sorted(count):
        say(f"{name}: {count[name]:,} files, {size[name] / 1e6:,.0f} MB")
    own = (folder / "requests.parquet").stat().st_size if (folder / "requests.parquet").is_file() else 0
    if own:
        say(f"together {sum(size.values()) / own:.1f} times requests.parquet ({own / 1e6:,.0f} MB)")
