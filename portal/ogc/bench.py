"""How fast a running portal answers for a page of features within a box, with their exact number: asked over HTTP.

    openward serve /srv/openward/releases --port 8000 &
    python -m portal.ogc.bench http://127.0.0.1:8000 --repeat 200

Boxes are drawn anew each time, so that no answer and no total is at hand: of a house block up to the whole city.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from portal.bench_timing import at
from portal.ogc.documents import PREFIX

TARGET_MS = 100.0
SIDES = (0.01, 0.05, 0.2, 0.5, 0.95)
"""Of the collection's extent."""


def boxes(extent: Sequence[float], side: float, n: int, rng: random.Random) -> Iterator[str]:
    """So many boxes of a part of the extent's width and height."""
    west, south, east, north = extent
    wide, high = side * (east - west), side * (north - south)
    for _ in range(n):
        x, y = rng.uniform(west, east - wide), rng.uniform(south, north - high)
        yield f"{x:.6f},{y:.6f},{x + wide:.6f},{y + high:.6f}"


def bench(url: str, n: int = 100, limit: int = 1000, seed: int = 1, say: Callable[[str], Any] = print) -> list[float]:
    """Measure `n` boxes of each size, plain and gzipped; the times in milliseconds, ascending."""
    rng, every = random.Random(seed), list[float]()  # noqa: S311 - nothing secret
    with httpx.Client(base_url=f"{url}{PREFIX}", timeout=60) as client:
        about = client.get("/collections/requests").raise_for_status().json()
        [extent] = about["extent"]["spatial"]["bbox"]
        total = client.get("/collections/requests/items", params={"limit": 1}).json()["numberMatched"]
        say(
            f"{total:,} requests; {limit} features of a box with their exact number, {n} boxes of each size; milliseconds"
        )
        say(f"{'side of the box':24}{'p50':>8}{'p95':>8}{'max':>8}   matched, least to most")
        for encoding in ("identity", "gzip"):
            for side in SIDES:
                times, matched = list[float](), list[int]()
                for box in boxes(extent, side, n, rng):
                    begun = time.perf_counter()
                    answer = client.get(
                        "/collections/requests/items",
                        params={"bbox": box, "limit": limit},
                        headers={"Accept-Encoding": encoding},
                    )
                    times.append((time.perf_counter() - begun) * 1000)
                    matched.append(answer.raise_for_status().json()["numberMatched"])
                times.sort()
                every += times
                figures = "".join(f"{figure:8.1f}" for figure in (at(times, 0.5), at(times, 0.95), times[-1]))
                say(
                    f"{side:.0%} of the city, {encoding:10}"[:24].ljust(24)
                    + f"{figures}   {min(matched):,} to {max(matched):,}"
                )
    every.sort()
    say(f"all: p95 {at(every, 0.95):.1f} ms, target {TARGET_MS:.0f}")
    return every


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--repeat", type=int, default=100)
    given = parser.parse_args()
    bench(given.url.rstrip("/"), given.repeat)
