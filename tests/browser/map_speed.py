"""How fast the map follows a filter in Chromium, and whether its memory grows: `python tests/browser/map_speed.py ADDRESS`.

Charter: a served portal in, figures out; no test, as they hold for a machine and its load, which is told beside them.
A filter's time is from the moment that the page is asked for something else (the press of Apply) until the last
layer of tiles that the map asked for is painted; beside it, until the page around says the same. With `--map-only` the
map alone is asked, as where its page stands by itself. Between two changes the map is panned and zoomed, and what is in
its middle is asked for: all of these are the interactions over which memory is watched, as the page's own after a full
collection of garbage.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import urllib.request
from typing import Any

from playwright.sync_api import sync_playwright

FOLLOWED = """async ([address, alone]) => {
    const inner = document.getElementById('map').contentWindow, M = inner.openward_map;
    const start = performance.now();
    const at = (target, event) => new Promise(
        done => target.addEventListener(event, () => done(performance.now() - start), { once: true }));
    const painted = at(inner, 'openward:painted'), around = alone ? painted : at(window, 'openward:shown');
    if (alone) inner.postMessage({ type: 'openward:query', query: new URL(address).search.slice(1) }, location.origin);
    else window.dispatchEvent(new CustomEvent('openward:go', { detail: { url: address, focus: null } }));
    return Promise.race([Promise.all([painted, around]), new Promise(done => setTimeout(() => done(null), 15000))]);
}"""
MOVED = """async ([x, y, zoom]) => {
    const inner = document.getElementById('map').contentWindow, map = inner.openward_map.map;
    const over = new Promise(done => map.once('moveend', done));
    if (zoom) map.setZoom(map.getZoom() + zoom); else map.panBy([x, y]);
    await Promise.race([over, new Promise(done => setTimeout(done, 3000))]);
    inner.openward_map.pick(map.getCenter());
}"""
MOVES = 4
"""Between two changes of filters."""


def choices(base: str, dimension: str) -> list[str]:
    """The values that a filter takes."""
    with urllib.request.urlopen(f"{base}/api/v1/choices/{dimension}") as answer:  # noqa: S310
        return [row["value"] for row in json.load(answer)["rows"] if not row["value"].startswith("(")]


def addresses(base: str, n: int) -> list[str]:
    """Views of the map, each with other filters than the one before."""
    dice = random.Random(6)  # noqa: S311
    services, departments, found = choices(base, "service"), choices(base, "department"), [""]
    while len(found) < n + 1:
        parts = [
            dice.choice(["", f"service={dice.choice(services)}", f"department={dice.choice(departments)}"]),
            dice.choice(["", "status=open", "status=closed"]),
            dice.choice(["", f"from={dice.choice((2024, 2025))}-0{dice.randrange(1, 10)}-01"]),
            dice.choice(["", "", "figure=count", "figure=median", "figure=on_time"]),
        ]
        query = "&".join(filter(None, parts))
        if query != found[-1]:
            found.append(query)
    return [f"{base}/map?{query}" for query in found[1:]]


def heap_mb(client: Any) -> float:
    """Of the page and its frames, after garbage is collected."""
    for _ in range(3):
        client.send("HeapProfiler.collectGarbage")
    return float(client.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("address", help="of a served portal, as http://127.0.0.1:8160")
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--map-only", action="store_true")
    parser.add_argument("--moves", action="store_true", help="pan, zoom and ask for what is there between two changes")
    parser.add_argument("--chromium", default=None)
    given = parser.parse_args()
    base = given.address.rstrip("/")
    views = addresses(base, given.changes)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{base}/map")
        page.wait_for_selector("#site > .site iframe#map")
        page.wait_for_timeout(4000)
        client = page.context.new_cdp_session(page)
        times, pages, heaps, lost = [], [], [], 0
        dice = random.Random(7)  # noqa: S311
        for i, view in enumerate(views):
            took = page.evaluate(FOLLOWED, [view, given.map_only])
            if took is None:
                lost += 1
            else:
                times.append(took[0])
                pages.append(took[1])
            page.wait_for_timeout(300)
            for turn in range(MOVES if given.moves else 0):
                page.evaluate(MOVED, [dice.randint(-200, 200), dice.randint(-150, 150), (0, 1, 0, -1)[turn]])
                page.wait_for_timeout(150)
            if (i + 1) % (given.changes // 10 or 1) == 0:
                page.wait_for_timeout(3000)  # what was replaced is gone
                heaps.append(heap_mb(client))
        browser.close()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{len(times)} changes of filters painted ({lost} not within 15 s), ms: {quantiles(times)}; load {load}")
    print(f"the page around says the same after, ms: {quantiles(pages)}")
    interactions = given.changes * (1 + (MOVES if given.moves else 0))
    print(f"JS heap after every tenth of {interactions} interactions, MB: {[round(value, 1) for value in heaps]}")
    return 0


def quantiles(times: list[float]) -> dict[str, int]:
    """Some quantiles of times, in whole milliseconds."""
    ordered = sorted(times)
    return {f"p{p}": round(ordered[min(int(p / 100 * len(ordered)), len(ordered) - 1)]) for p in (50, 75, 95, 99)}


if __name__ == "__main__":
    sys.exit(main())
