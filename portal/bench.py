"""How fast the portal answers when nothing has been kept: pages and tiles for random filters, and the memory taken.

    openward bench serve boston
    python -m portal.bench var/boston/releases

Every page is rendered whole (figures, charts, component tree), and beside that the time of its data alone is
told: what it spent in `portal.queries`. The caches are emptied before each, but what depends on no filter (the
filters' own lists, the whole city's figures, areas, dictionary) is kept, as it is in a running portal.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal import queries
from portal.bench_draws import places, random_selection, random_tile
from portal.bench_timing import at, memory_mb, timed
from portal.release import Release, Releases
from portal.routes import render
from portal.selection import COLUMNS
from portal.tiles import layers, tile

ZOOMS = range(9, 19)
PAGE_TARGET_MS = 150.0
TILE_TARGET_MS = 30.0
RSS_TARGET_MB = 1500.0


@dataclass(frozen=True)
class Measured:
    """Times of one page or tile layer in milliseconds, each ascending, and what the slowest was asked for."""

    name: str
    times_ms: list[float]
    cpu_ms: list[float]  # of all threads: on a busy machine the truer measure
    data_ms: list[float]  # the part of it spent in portal.queries; the whole for tiles
    slowest: str

    def line(self) -> str:
        """The measure as a line of a table."""
        figures = [at(self.data_ms, 0.5), at(self.data_ms, 0.95), at(self.times_ms, 0.5), at(self.times_ms, 0.95)]
        numbers = "".join(f"{f:9.1f}" for f in [*figures, self.times_ms[-1], at(self.cpu_ms, 0.5)])
        return f"{self.name:30}{numbers}   {self.slowest[:80]}"


def bench_serve(release: Release, n: int = 20, seed: int = 1, say: Callable[[str], Any] = print) -> list[Measured]:
    """Measure `n` random selections of each page and `n` tiles of each zoom, and say what came out."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    for dimension in (*COLUMNS, *(layer.layer for layer in release.layers)):
        release.allowed(dimension)
    measured = []
    for path in _paths(release, rng):
        render(release, path)
        measured.append(_measure(release, path, _pages(release, path, n, rng)))
    for layer in layers(release):
        measured += _tiles(release, layer, n, rng)
    say(f"release {release.id}: {release.rows:,} requests, {n} of each, caches emptied before each")
    heads = ("data p50", "data p95", "p50", "p95", "max", "cpu p50")
    say(f"{'milliseconds':30}{''.join(f'{head:>9}' for head in heads)}   slowest")
    for m in measured:
        say(m.line())
    for kind, target in (("/", PAGE_TARGET_MS), ("tiles ", TILE_TARGET_MS)):
        times = sorted(t for m in measured if m.name.startswith(kind) for t in m.data_ms)
        say(f"{'data of all pages' if kind == '/' else 'all tiles'}: p95 {at(times, 0.95):.1f} ms, target {target:.0f}")
    say(f"memory: {memory_mb('VmRSS'):.0f} MB now, {memory_mb('VmHWM'):.0f} MB at most, target {RSS_TARGET_MB:.0f}")
    return measured


def _paths(release: Release, rng: random.Random) -> list[str]:
    paths = ["/", "/map", "/trends", "/areas", "/departments", "/data", "/methods"]
    drawn = [layer.layer for layer in release.layers]
    for layer in drawn[:2]:
        paths.append(f"/areas/{layer}")
        areas = [choice.value for choice in queries.choices(release, layer) if choice.requests]
        paths += [f"/areas/{layer}/{rng.choice(areas)}"] if areas else []
    departments = [choice.value for choice in queries.choices(release, "department") if choice.requests]
    return paths + ([f"/departments/{rng.choice(departments)}"] if departments else [])


def _pages(release: Release, path: str, n: int, rng: random.Random) -> Iterator[tuple[str, Callable[[], Any]]]:
    for _ in range(n):
        query = random_selection(release, rng).to_query()
        yield query, lambda query=query: render(release, path, query)  # type: ignore[misc]


def _tiles(release: Release, layer: str, n: int, rng: random.Random) -> list[Measured]:
    known = places(release, seed=1)

    def asked(z: int) -> Iterator[tuple[str, Callable[[], Any]]]:
        for _ in range(n):
            at_, selection = random_tile(known, z, rng), random_selection(release, rng)
            yield selection.to_query(), lambda at_=at_, s=selection: tile(release, layer, at_.z, at_.x, at_.y, s)  # type: ignore[misc]

    return [_measure(release, f"tiles {layer} {z}", asked(z)) for z in ZOOMS] if known else []


def _measure(release: Release, name: str, asked: Iterator[tuple[str, Callable[[], Any]]]) -> Measured:
    found = []
    for query, answer in asked:
        with _time_in_queries() as spent:
            _, took = timed(release, answer)
        found.append((*took, spent[0] * 1000 or took.wall_ms, query))
    wall_ms, cpu_ms, data_ms, _ = zip(*found, strict=True)
    return Measured(name, sorted(wall_ms), sorted(cpu_ms), sorted(data_ms), max(found)[3])


@contextmanager
def _time_in_queries() -> Iterator[list[float]]:
    """Seconds that pages spend in the functions of `portal.queries` while the block lasts."""
    spent = [0.0]
    functions = {name: getattr(queries, name) for name in queries.__all__ if callable(getattr(queries, name))}

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[0] += time.perf_counter() - started

        return call

    for name, function in functions.items():
        setattr(queries, name, timed(function))
    try:
        yield spent
    finally:
        for name, function in functions.items():
            setattr(queries, name, function)


if __name__ == "__main__":
    bench_serve(Releases(Path(sys.argv[1])).current(), n=int(sys.argv[2]) if len(sys.argv) > 2 else 20)
