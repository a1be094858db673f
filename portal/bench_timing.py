"""What the benchmarks of the portal share: how one answer is timed, and what is told of many.

Charter: seconds, shares and memory; what is asked is given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from portal.release import Release

Answer = TypeVar("Answer")


class Spent(NamedTuple):
    """Milliseconds of one answer: on the clock, and of the processor in all threads (on a busy machine the truer one)."""

    wall_ms: float
    cpu_ms: float


def timed(release: Release, answer: Callable[[], Answer]) -> tuple[Answer, Spent]:
    """An answer for which nothing of a selection was kept, and what it took."""
    release.forget()
    started, used = time.perf_counter(), time.process_time()
    found = answer()
    return found, Spent((time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000)


def at(ascending: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return ascending[min(int(len(ascending) * share), len(ascending) - 1)]


def load() -> str:
    """Load of the machine over 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def memory_mb(what: str = "VmRSS") -> float:
    """Memory of this process as Linux tells it (VmRSS: now, VmHWM: at most); 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what + ":")), 0.0)
