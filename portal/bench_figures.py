"""How fast the figures are: a report card's data and each figure alone, beside the same figures of another database.

    openward bench figures boston --postgis postgresql://…

Each is asked for random selections, places and departments, with nothing kept of a selection (`release.cache`,
`release.scans`). Warm means that the release's file is in the page cache, and that what depends on no selection
(`release.constants`: lists, bins, scans of the whole record) is there, as in a portal that has run for a minute. So
that no figure is read from there, single figures are asked of selections that filter something.

Charter: times and agreement; how the other database is filled and asked is given.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from portal.bench_agreement import differences
from portal.bench_questions import FIGURES, Question, card
from portal.bench_timing import at, load, memory_mb, timed
from portal.release import Release
from portal.selection import COLUMNS, quoted

Rival = Callable[[str, str, Sequence[Any], Mapping[str, Any]], list[tuple[Any, ...]]]
"""Another database: figure, condition with `?`, its values, the figure's own column and parameters -> rows."""

CARD: Final = "report card"
CARD_TARGET_MS: Final = 300.0
FIGURE_TARGET_MS: Final = 100.0
TIMES_TARGET: Final = 10.0
RIVAL_REPEAT: Final = 3

_COLUMNS: Final = (
    "service_request_id", *COLUMNS.values(), "location_source", "requested_datetime", "requested_date",
    "closed_datetime", "month", "closed_month", "event", "elapsed_minutes",
    "incident_report", "repeat_of", "reopened", "suspicious",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One kind of figure: its limit, and times in milliseconds in the order of asking."""

    name: str
    limit: float
    times_ms: list[float]
    cpu_ms: list[float] = field(default_factory=list)  # of all threads: on a busy machine the truer measure
    beside_ms: list[tuple[float, float]] = field(default_factory=list)  # ours and the rival's of one selection
    differences: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Our times, as a line of a table."""
        times = sorted(self.times_ms)
        p95 = at(times, 0.95)
        told = "pass" if p95 <= self.limit else "FAIL"
        numbers = "".join(f"{n:9.1f}" for n in (at(times, 0.5), p95, times[-1], at(sorted(self.cpu_ms), 0.5)))
        return f"{self.name:30}{numbers}{self.limit:9.0f}  {told}"

    def beside(self) -> str:
        """Our times and the other database's, of the same selections, as a line of a table."""
        ours, theirs = (sorted(times) for times in zip(*self.beside_ms, strict=True))
        pairs = [(at(ours, share), at(theirs, share)) for share in (0.5, 0.95)]
        faster = [other / own for own, other in pairs]
        told = "pass" if min(faster) >= TIMES_TARGET else "FAIL"
        numbers = "".join(f"{n:9.1f}" for n in (pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1], *faster))
        return f"{self.name:30}{numbers}  {'DIFFERENT FIGURES' if self.differences else told}"


def bench_figures(
    release: Release, n: int = 60, seed: int = 1, say: Callable[[str], Any] = print, rival: Rival | None = None,
    rival_n: int = RIVAL_REPEAT,
) -> list[Asked]:  # fmt: skip
    """Ask each figure for `n` random selections and say what came out; the first `rival_n` of a rival too."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    dimensions = ["department", *(layer.layer for layer in release.layers)]
    kinds: dict[str, Callable[[], Question | None]] = {
        f"{CARD}, {dimension}": lambda dimension=dimension: card(release, dimension, rng)  # type: ignore[misc]
        for dimension in dimensions
    }
    kinds |= {name: lambda make=make: make(release, rng) for name, make in FIGURES.items()}  # type: ignore[misc]
    for dimension in (*COLUMNS, *dimensions):
        release.allowed(dimension)
    _head(release, n, say)
    found = []
    for name, make in kinds.items():
        asked = [question for question in (make() for _ in range(n)) if question is not None]
        if not asked:
            say(f"{name}: this release has nothing to ask for")
            continue
        found.append(_measure(release, name, asked, rival, rival_n))
        say(found[-1].line())
    _tell(found, say)
    return found


def rows_for_rival(release: Release) -> tuple[pa.RecordBatchReader, list[str]]:
    """The columns of `requests` that the figures need, and which of them are filtered by: for another database."""
    layers = [layer.layer for layer in release.layers]
    names = [name for name in dict.fromkeys((*_COLUMNS, *layers)) if name in release.columns]
    filtered = [*COLUMNS.values(), *layers, "requested_date", "month", "closed_datetime"]
    columns = ", ".join(quoted(name) for name in names)
    return release.batches(f"SELECT {columns} FROM requests", rows=200_000), filtered  # noqa: S608 - its own columns


def _measure(release: Release, name: str, asked: list[Question], rival: Rival | None, rival_n: int) -> Asked:
    asked[0].ours()  # what depends on no selection
    measured = Asked(name, CARD_TARGET_MS if name.startswith(CARD) else FIGURE_TARGET_MS, [])
    for i, question in enumerate(asked):
        answer, took = timed(release, question.ours)
        measured.times_ms.append(took.wall_ms)
        measured.cpu_ms.append(took.cpu_ms)
        if rival is None or i >= rival_n:
            continue
        spent = 0.0
        for part in question.parts:
            mine = part.of(answer)
            if mine is None:  # the record does not say: nothing to ask
                continue
            where, values = part.selection.where()
            started = time.perf_counter()
            rows = rival(part.figure, where, values, part.more)
            spent += time.perf_counter() - started
            told = differences(part.figure, mine, rows)
            measured.differences.extend(f"{part.figure}, {part.selection.to_query()}: {text}" for text in told)
        if spent:
            measured.beside_ms.append((measured.times_ms[-1], spent * 1000))
    return measured


def _head(release: Release, n: int, say: Callable[[str], Any]) -> None:
    say(f"release {release.id}: {release.rows:,} requests, {n} selections of each; load of the machine {load()}")
    say("warm: file in the page cache, what depends on no selection kept; all else forgotten before each")
    say("limits are those of 10 million requests, alone on the machine")
    say(f"{'milliseconds':30}{''.join(f'{head:>9}' for head in ('p50', 'p95', 'max', 'cpu p50', 'limit'))}")


def _tell(found: list[Asked], say: Callable[[str], Any]) -> None:
    for name, cards in (("all report cards", True), ("all single figures", False)):
        several = [asked for asked in found if asked.name.startswith(CARD) == cards]
        wall, cpu = ([t for asked in several for t in getattr(asked, kind)] for kind in ("times_ms", "cpu_ms"))
        say(Asked(name, several[0].limit, wall, cpu).line())
    say(f"load of the machine {load()}; memory {memory_mb('VmRSS'):.0f} MB now, {memory_mb('VmHWM'):.0f} MB at most")
    beside = [asked for asked in found if asked.beside_ms]
    if not beside:
        return
    say("")
    say(f"the same selections, {len(beside[0].beside_ms)} of each, asked of PostGIS in SQL; both give the same figures")
    say("unless it says otherwise. Bands and exact intervals are ours alone: SQL gives estimates.")
    heads = ("our p50", "our p95", "SQL p50", "SQL p95", "faster", "at p95")
    say(f"{'milliseconds':30}{''.join(f'{head:>9}' for head in heads)}")
    for asked in beside:
        say(asked.beside())
    ratios = [theirs / ours for asked in beside for ours, theirs in asked.beside_ms]
    say(
        f"selection by selection: {statistics.median(ratios):.0f} times faster in the middle, {min(ratios):.1f} at least"
    )
    for asked in beside:
        for text in asked.differences[:3]:
            say(f"DIFFERENT: {asked.name}: {text}")
