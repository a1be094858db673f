"""What the queries of honest figures answer: backlog, change, fair comparison. Frozen, with units in their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was open at the end of a local day, by how long it had waited: (days from, days to, requests)."""

    day: date
    open: int
    ages: tuple[tuple[int, int | None, int], ...]
