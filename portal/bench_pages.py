"""The first page of rows with its exact total, and pages far down, of a served portal: times over HTTP.

python -m portal.bench_pages http://127.0.0.1:8050 [--repeat 100]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import httpx

from portal.bench_timing import at

TARGET_MS = 60.0
ROWS = "/api/v1/tables/requests/rows"
ASKED = {
    "first page, newest first": f"{ROWS}?sort=-requested_datetime",
    "first page, oldest first": f"{ROWS}?sort=requested_datetime",
    "newest, then by service": f"{ROWS}?sort=-requested_datetime,service_code",
    "first page, as they lie": ROWS,
    "newest, five fields": f"{ROWS}?sort=-requested_datetime&fields=service_request_id,service_code,status,lat,long",
    "newest that are open": f"{ROWS}?sort=-requested_datetime&status=open",
    "/api/v1/requests": "/api/v1/requests",
    "newest, from 5,000,000 on": f"{ROWS}?sort=-requested_datetime&offset=5000000",
}


def bench(url: str, n: int = 100, say: Callable[[str], Any] = print) -> float:
    """Ask for each page `n` times after twice to warm up; the 95th percentile of the slowest first page in milliseconds."""
    worst = 0.0
    with httpx.Client(base_url=url, timeout=60) as client:
        say(f"{'100 rows and the exact total; milliseconds':44}{'p50':>8}{'p95':>8}{'max':>8}   total")
        for name, path in ASKED.items():
            for _ in range(2):
                total = client.get(path).raise_for_status().json()["total"]
            times = []
            for _ in range(n):
                begun = time.perf_counter()
                client.get(path)
                times.append((time.perf_counter() - begun) * 1000)
            times.sort()
            worst = max(worst, at(times, 0.95))
            say(f"{name:44}{at(times, 0.5):8.1f}{at(times, 0.95):8.1f}{times[-1]:8.1f}   {total:,}")
    say(f"worst p95 {worst:.1f} ms, target {TARGET_MS:.0f}")
    return worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--repeat", type=int, default=100)
    given = parser.parse_args()
    bench(given.url.rstrip("/"), given.repeat)
