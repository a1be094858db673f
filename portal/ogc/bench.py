"""How fast a page of features within a box is told, with their exact number: by a running portal, or in this process.

    python -m portal.ogc.bench http://127.0.0.1:8000 --repeat 200
    python -m portal.ogc.bench /srv/openward/releases --repeat 200

Boxes are drawn anew each time, of a house block up to the whole city, so that no answer and no total is at hand. In process
the time of the processor is told too, in all threads: on a busy machine the truer measure.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from portal.bench_timing import at, timed
from portal.ogc import items
from portal.ogc.collections import collection, extent
from portal.ogc.documents import PREFIX
from portal.ogc.parameters import of_items
from portal.release import Release, Releases

TARGET_MS: Final = 100.0
SIDES: Final = (0.01, 0.05, 0.2, 0.5, 0.95)
"""Of the collection's extent."""
LIMIT: Final = 1000
Ask = Callable[[str], tuple[float, float, int]]
"""A box to milliseconds on the clock and of the processor, and how many requests it holds."""


def boxes(within: Sequence[float], side: float, n: int, rng: random.Random) -> Iterator[str]:
    """So many boxes of a part of the extent's width and height."""
    west, south, east, north = within
    wide, high = side * (east - west), side * (north - south)
    for _ in range(n):
        x, y = rng.uniform(west, east - wide), rng.uniform(south, north - high)
        yield f"{x:.6f},{y:.6f},{x + wide:.6f},{y + high:.6f}"


def bench(
    ask: Ask, within: Sequence[float], n: int = 100, seed: int = 1, say: Callable[[str], Any] = print
) -> list[float]:
    """Measure `n` boxes of each size; the times on the clock in milliseconds, ascending."""
    rng, every, used = random.Random(seed), list[float](), list[float]()  # noqa: S311 - nothing secret
    say(f"{LIMIT} features of a box with their exact number, {n} boxes of each size; milliseconds")
    say(f"{'side of the box':18}{'p50':>8}{'p95':>8}{'max':>8}{'cpu p50':>9}{'cpu p95':>9}   matched, least to most")
    for side in SIDES:
        found = [ask(box) for box in boxes(within, side, n, rng)]
        wall, cpu, matched = (sorted(column) for column in zip(*found, strict=True))
        every += wall
        used += cpu
        told = "".join(f"{figure:8.1f}" for figure in (at(wall, 0.5), at(wall, 0.95), wall[-1]))
        told += "".join(f"{figure:9.1f}" for figure in (at(cpu, 0.5), at(cpu, 0.95)))
        say(f"{side:.0%} of the city".ljust(18) + f"{told}   {matched[0]:,.0f} to {matched[-1]:,.0f}")
    every.sort()
    say(f"all: p95 {at(every, 0.95):.1f} ms, of the processor {at(sorted(used), 0.95):.1f} ms, target {TARGET_MS:.0f}")
    return every


def in_process(release: Release) -> tuple[Ask, Sequence[float]]:
    """All that an answer is made of, but HTTP; nothing is kept between two."""
    of = collection(release, "requests")

    def told(box: str) -> tuple[str, int]:
        page = items.page(release, of_items(release, of, f"bbox={box}&limit={LIMIT}"), "http://localhost")
        return items.text(page)[0], page.matched

    def ask(box: str) -> tuple[float, float, int]:
        (_, matched), spent = timed(release, lambda: told(box))
        return spent.wall_ms, spent.cpu_ms, matched

    within = extent(release, of).box
    if within is None:
        raise SystemExit("No request of this release has a place.")
    return ask, within


def over_http(url: str) -> tuple[Ask, Sequence[float]]:
    """As a client sees it; the processor's time is the client's own and tells nothing."""
    client = httpx.Client(base_url=f"{url}{PREFIX}", timeout=60)
    [within] = client.get("/collections/requests").raise_for_status().json()["extent"]["spatial"]["bbox"]

    def ask(box: str) -> tuple[float, float, int]:
        begun = time.perf_counter()
        answer = client.get("/collections/requests/items", params={"bbox": box, "limit": LIMIT})
        took = (time.perf_counter() - begun) * 1000
        return took, 0.0, int(answer.raise_for_status().json()["numberMatched"])

    return ask, within


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portal", help="the address of a running portal, or a folder of releases")
    parser.add_argument("--repeat", type=int, default=100)
    given = parser.parse_args()
    if given.portal.startswith("http"):
        ask, within = over_http(given.portal.rstrip("/"))
    else:
        ask, within = in_process(Releases(Path(given.portal)).current())
    bench(ask, within, given.repeat)


if __name__ == "__main__":
    main()
