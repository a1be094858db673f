"""How fast tiles of requests are: made in this process, beside another maker's, and asked for over HTTP by several visitors.

    openward bench tiles boston --postgis postgresql://…

Every tile is of another random filter, at a place where requests are, more often where there are more; nothing is kept
between two. Over HTTP the portal runs as it does in a city, in processes of its own, with all its answers' caches off.

Charter: times, sizes and what must hold; how another maker is filled and asked is given.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from geo.tiles import Tile
from portal.bench_draws import Places, places, random_selection, random_tile
from portal.bench_tile_agreement import difference
from portal.bench_timing import at, load, memory_mb, timed
from portal.bench_visitors import served, settle, visit
from portal.release import Release
from portal.request_tiles import MAX_BYTES
from portal.selection import COLUMNS, quoted
from portal.tiles import tile

Rival = Callable[[Tile, str, Sequence[Any]], bytes]
"""Another maker of tiles: tile, condition with `?`, its values -> MVT bytes."""

ZOOMS: Final = range(9, 20)
MIXED: Final = range(10, 18)
"""Zooms that visitors ask for over HTTP, each as often."""
PROCESS_P95_MS: Final = 25.0
HTTP_MEAN_MS: Final = 35.0
HTTP_P95_MS: Final = 100.0
HTTP_TILES_A_SECOND: Final = 250.0
RIVAL_REPEAT: Final = 10


@dataclass(frozen=True)
class Timed:
    """Tiles of one kind: milliseconds (and of the processor), sizes in bytes, and the same tiles of another maker."""

    name: str
    wall_ms: list[float]
    sizes: list[int]
    cpu_ms: list[float] = field(default_factory=list)
    beside_ms: list[tuple[float, float]] = field(default_factory=list)  # ours and the rival's of one tile
    differences: list[str] = field(default_factory=list)

    def line(self, limit: float) -> str:
        """Our times, as a line of a table."""
        times = sorted(self.wall_ms)
        figures = [at(times, 0.5), at(times, 0.95), times[-1], at(sorted(self.cpu_ms), 0.5)]
        told = "pass" if figures[1] <= limit and max(self.sizes) <= MAX_BYTES else "FAIL"
        numbers = "".join(f"{figure:9.1f}" for figure in figures)
        return f"{self.name:12}{numbers}{max(self.sizes):10,}  {told}"

    def beside(self) -> str:
        """Our times and the other maker's, of the same tiles, as a line of a table."""
        ours, theirs = (sorted(times) for times in zip(*self.beside_ms, strict=True))
        pairs = [(at(ours, share), at(theirs, share)) for share in (0.5, 0.95)]
        figures = (pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1], *(other / own for own, other in pairs))
        told = "DIFFERENT TILES" if self.differences else "same"
        return f"{self.name:12}{''.join(f'{figure:9.1f}' for figure in figures)}  {told}"


def bench_tiles(
    release: Release, n: int = 100, clients: int = 10, workers: int = 2, seconds: float = 20.0, seed: int = 1,
    say: Callable[[str], Any] = print, rival: Rival | None = None, rival_n: int = RIVAL_REPEAT,
) -> list[Timed]:  # fmt: skip
    """Measure `n` tiles of each zoom here, the first `rival_n` of a rival too, then what `clients` get over HTTP."""
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    known = places(release, seed)
    if not known:
        say("this release has no request with a place")
        return []
    say(f"release {release.id}: {release.rows:,} requests; load of the machine {load()}")
    say(
        f"in process, {n} tiles of each zoom, each of another random filter; p95 must be at most {PROCESS_P95_MS:.0f} ms"
    )
    say(f"{'milliseconds':12}{''.join(f'{head:>9}' for head in ('p50', 'p95', 'max', 'cpu p50'))}{'bytes':>10}")
    for z in (9, 14):  # what depends on no filter
        first = random_tile(known[:1], z, rng)
        tile(release, "requests", first.z, first.x, first.y)
    several = [_in_process(release, z, n, known, rng, rival, rival_n) for z in ZOOMS]
    whole = _together(several)
    for measured in (*several, whole):
        say(measured.line(PROCESS_P95_MS))
    say(f"memory {memory_mb('VmRSS'):.0f} MB now, of which the mapped columns are shared by all processes")
    if whole.beside_ms:
        _tell_beside([*several, whole], say)
    if clients:
        paths = [
            f"/tiles/{release.id}/requests/{place.z}/{place.x}/{place.y}.mvt?{random_selection(release, rng, age=True).to_query()}"
            for place in (random_tile(known, rng.choice(MIXED), rng) for _ in range(20_000))
        ]
        with served(release.folder.parent, workers) as port:
            for line in _over_http(port, paths, clients, workers, seconds):
                say(line)
    return several


def rows_for_rival(release: Release) -> tuple[pa.RecordBatchReader, list[str]]:
    """Requests with a place as far as tiles need them, in their spatial order, and which columns are filtered by."""
    layers = [layer.layer for layer in release.layers]
    filtered = [*COLUMNS.values(), *layers, "requested_date"]
    told = ("service_request_id", "source", "service_name", *filtered)
    columns = [quoted(name) for name in dict.fromkeys(told) if name in release.columns]
    columns += [f"{name}::BIGINT AS {name}" for name in ("gx", "gy")]
    sql = f"SELECT {', '.join(columns)} FROM requests WHERE gx IS NOT NULL ORDER BY rid"  # noqa: S608 - its own columns
    return release.batches(sql, rows=200_000), filtered


def _in_process(
    release: Release, z: int, n: int, known: Places, rng: random.Random, rival: Rival | None, rival_n: int
) -> Timed:
    measured = Timed(f"zoom {z}", [], [])
    for i in range(n):
        place, selection = random_tile(known, z, rng), random_selection(release, rng, age=rival is None)
        data, took = timed(release, lambda p=place, s=selection: tile(release, "requests", p.z, p.x, p.y, s))  # type: ignore[misc]
        measured.wall_ms.append(took.wall_ms)
        measured.cpu_ms.append(took.cpu_ms)
        measured.sizes.append(len(data))
        if rival is None or i >= rival_n:
            continue
        where, values = selection.where()
        started = time.perf_counter()
        theirs = rival(place, where, values)
        measured.beside_ms.append((took.wall_ms, (time.perf_counter() - started) * 1000))
        if told := difference(data, theirs):
            measured.differences.append(f"{place.z}/{place.x}/{place.y}?{selection.to_query()}: {told}")
    return measured


def _together(several: list[Timed]) -> Timed:
    names = ("wall_ms", "sizes", "cpu_ms", "beside_ms", "differences")
    return Timed("all", *([value for one in several for value in getattr(one, name)] for name in names))


def _tell_beside(measured: list[Timed], say: Callable[[str], Any]) -> None:
    say("")
    say(f"the same tiles, {len(measured[0].beside_ms)} of each zoom, made by PostGIS (ST_AsMVT); load {load()}")
    heads = ("our p50", "our p95", "SQL p50", "SQL p95", "faster", "at p95")
    say(f"{'milliseconds':12}{''.join(f'{head:>9}' for head in heads)}")
    for one in measured:
        say(one.beside())
    for text in measured[-1].differences[:5]:
        say(f"DIFFERENT: {text}")


def _over_http(port: int, paths: list[str], clients: int, workers: int, seconds: float) -> Iterator[str]:
    asyncio.run(visit(port, paths[: clients * 20], clients, 5.0))  # every process opens the release
    settle(port)
    times, sizes, took = asyncio.run(visit(port, paths, clients, seconds))
    mean, p95, rate = sum(times) / len(times), at(sorted(times), 0.95), len(times) / took
    ok = mean <= HTTP_MEAN_MS and p95 <= HTTP_P95_MS and rate >= HTTP_TILES_A_SECOND
    yield (
        f"over HTTP, zooms {MIXED[0]} to {MIXED[-1]} mixed, {clients} visitors, {workers} processes, compressed; load {load()}:"
    )
    yield (
        f"{len(times):,} tiles, {rate:.0f} a second (at least {HTTP_TILES_A_SECOND:.0f}), mean {mean:.1f} ms (at most "
        f"{HTTP_MEAN_MS:.0f}), p95 {p95:.1f} ms (at most {HTTP_P95_MS:.0f}), at most {max(sizes):,} bytes on the wire  "
        f"{'pass' if ok else 'FAIL'}"
    )
