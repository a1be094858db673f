"""First answers that nobody asked for before, through every interface: random filters, orders and groups, nothing kept.

    python -m portal.bench_interfaces RELEASES --repeat 40 [--only soda]

The whole portal is asked in this process (ASGI, no sockets). Before each question all that was kept of selections and pages is
forgotten. The time of the processor is told beside the clock's, in all threads, that of the client among it: on a busy
machine the truer measure.

Charter: questions are drawn and timed here; the answers are the portal's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from portal.api_tables import PAGES
from portal.app import create_app
from portal.bench_draws import random_selection
from portal.bench_timing import at, load
from portal.kept import Answers
from portal.ogc.collections import collection, extent
from portal.queries import stretched
from portal.release import Release
from portal.selection import COLUMNS
from portal.settings import PortalSettings

Draw = Callable[[Release, random.Random], str]
"""An address that asks something of a release."""
ROWS: Final = "/api/v1/tables/requests/rows"
ITEMS: Final = "/ogc/collections/requests/items"
SODA: Final = "/resource/requests.json"
CKAN: Final = "/api/3/action/datastore_search?resource_id=requests"
TIMES: Final = ("date_trunc_ym", "date_trunc_ymd", "date_trunc_y", "date_extract_hh", "date_extract_dow",
                "date_extract_m", "date_extract_woy")  # fmt: skip


def keys(release: Release, rng: random.Random) -> str:
    """Keys of a random selection."""
    return random_selection(release, rng).to_query()


def cql2(release: Release, rng: random.Random) -> str:
    """A condition in CQL2 of one to three tests."""
    made = [
        f"status = '{rng.choice(['open', 'closed'])}'",
        f"service_code = '{rng.choice(list(release.codes['service_code']))}'".replace("==", "= ="),
        f"response_hours > {rng.randint(1, 2000)}",
        f"requested_datetime >= TIMESTAMP('{release.as_of - timedelta(days=rng.randint(1, 1000)):%Y-%m-%dT00:00:00Z}')",
        "address IS NULL",
        f"long BETWEEN {' AND '.join(box(release, rng).split(',')[::2])}",
    ]
    return " AND ".join(rng.sample(made, rng.randint(1, 3)))


def soql(release: Release, rng: random.Random) -> str:
    """A condition in SoQL of one to three tests."""
    day = release.as_of - timedelta(days=rng.randint(1, 1000))
    made = [
        f"status = '{rng.choice(['open', 'closed'])}'",
        f"service_code = '{rng.choice(list(release.codes['service_code']))}'",
        f"response_hours > {rng.randint(1, 2000)}",
        f"requested_datetime >= '{day:%Y-%m-%dT00:00:00}'",
    ]
    return " AND ".join(rng.sample(made, rng.randint(1, 3)))


def box(release: Release, rng: random.Random) -> str:
    """A box within the city, of any size."""
    within = extent(release, collection(release, "requests")).box or (0.0, 0.0, 1.0, 1.0)
    side = rng.choice([0.01, 0.05, 0.2, 0.5, 0.95])
    wide, high = side * (within[2] - within[0]), side * (within[3] - within[1])
    x, y = rng.uniform(within[0], within[2] - wide), rng.uniform(within[1], within[3] - high)
    return f"{x:.6f},{y:.6f},{x + wide:.6f},{y + high:.6f}"


def _field(release: Release, rng: random.Random) -> str:
    return rng.choice(release.fields)


def _ckan(release: Release, rng: random.Random, **more: str) -> str:
    filters = {
        "status": rng.choice(["open", "closed"]),
        "service_code": rng.choice(list(release.codes["service_code"])),
    }
    some = dict(rng.sample(sorted(filters.items()), rng.randint(0, 2)))
    return f"{CKAN}&{urlencode({'filters': json.dumps(some), **more})}"


def _open311(release: Release, rng: random.Random) -> str:
    start = release.as_of - timedelta(days=rng.randint(1, 1200))
    asked = {
        "status": rng.choice(["open", "closed"]),
        "service_code": rng.choice(list(release.codes["service_code"])),
        "start_date": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_date": f"{start + timedelta(days=rng.randint(1, 90)):%Y-%m-%dT%H:%M:%SZ}",
    }
    return "/open311/v2/requests.json?" + urlencode(dict(rng.sample(sorted(asked.items()), rng.randint(0, 3))))


def _soda(release: Release, rng: random.Random, **clauses: str) -> str:
    del release, rng
    return f"{SODA}?{urlencode({'$' + name: value for name, value in clauses.items()})}"


def _groups(function: str, release: Release, rng: random.Random, where: bool) -> str:
    told = f"{function}(requested_datetime)"
    clauses = {"select": f"{told} AS t, count(*) AS n", "group": told}
    return _soda(release, rng, **clauses, **({"where": soql(release, rng)} if where else {}))


ASKED: Final[dict[str, Draw]] = {
    "api: newest, keys": lambda r, g: f"/api/v1/requests?{keys(r, g)}",
    "api: newest, CQL2": lambda r, g: f"/api/v1/requests?filter={quote(cql2(r, g))}",
    "api: as they lie, keys": lambda r, g: f"{ROWS}?{keys(r, g)}",
    "api: as they lie, CQL2": lambda r, g: f"{ROWS}?filter={quote(cql2(r, g))}",
    "api: sorted by any, keys": lambda r, g: f"{ROWS}?sort={g.choice(['', '-'])}{_field(r, g)}&{keys(r, g)}",
    "api: sorted by any, all": lambda r, g: f"{ROWS}?sort={g.choice(['', '-'])}{_field(r, g)}",
    "ogc: 1,000 of a box": lambda r, g: f"{ITEMS}?limit=1000&bbox={box(r, g)}",
    "ogc: 100, CQL2": lambda r, g: f"{ITEMS}?limit=100&filter={quote(cql2(r, g))}",
    "ogc: 100, box and CQL2": lambda r, g: f"{ITEMS}?limit=100&bbox={box(r, g)}&filter={quote(cql2(r, g))}",
    "soda: 100, where": lambda r, g: _soda(r, g, where=soql(r, g), limit="100"),
    "soda: 1,000, where": lambda r, g: _soda(r, g, where=soql(r, g)),
    "soda: 100 sorted by any": lambda r, g: _soda(
        r, g, order=_field(r, g) + g.choice([" DESC", ""]), limit="100"
    ),
    "soda: 100 sorted, where": lambda r, g: _soda(
        r, g, order=_field(r, g) + g.choice([" DESC", ""]), where=soql(r, g), limit="100"
    ),
    **{f"soda: {name}": lambda r, g, name=name: _groups(name, r, g, False) for name in TIMES},  # type: ignore[misc]
    "soda: by time, where": lambda r, g: _groups(g.choice(TIMES), r, g, True),
    "soda: by service": lambda r, g: _soda(r, g, select="service_code, count(*)", group="service_code", where=soql(r, g)),
    "soda: mean by ward": lambda r, g: _soda(
        r, g, select="status, avg(response_hours)", group="status", where=soql(r, g)
    ),
    "ckan: 100, filters": _ckan,
    "ckan: 100 sorted by any": lambda r, g: _ckan(r, g, sort=_field(r, g) + g.choice([" desc", ""])),
    "open311: 50": _open311,
}  # fmt: skip


async def bench(
    release: Release, app: Any, n: int, seed: int, only: str, slow: float, say: Callable[[str], Any] = print
) -> None:
    """Measure `n` draws of each question; those slower than `slow` ms of the processor are told one by one."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client:
        say(f"load {load()}; milliseconds, nothing kept")
        say(f"{'':28}{'p50':>8}{'p95':>8}{'max':>8}{'cpu p50':>9}{'cpu p95':>9}{'cpu max':>9}")
        for name, draw in ASKED.items():
            if only not in name:
                continue
            rng, wall, cpu = random.Random(seed), list[float](), list[float]()  # noqa: S311 - nothing secret
            # Once before, that nothing is read from the disk or imported while it is measured.
            await client.get(draw(release, random.Random(seed + 1)))  # noqa: S311
            for _ in range(n):
                path = draw(release, rng)
                release.forget()
                kept = release.constants.get(PAGES, lambda: Answers(0))
                kept.forget()
                begun, used = time.perf_counter(), time.process_time()
                answer = await client.get(path)
                cpu.append((time.process_time() - used) * 1000)
                wall.append((time.perf_counter() - begun) * 1000)
                if answer.status_code != 200:
                    raise SystemExit(f"{answer.status_code} {path}: {answer.text[:300]}")
                if cpu[-1] > slow:
                    say(f"    {cpu[-1]:8.0f} {path}")
            wall.sort(), cpu.sort()
            told = "".join(f"{figure:8.1f}" for figure in (at(wall, 0.5), at(wall, 0.95), wall[-1]))
            say(f"{name:28}{told}" + "".join(f"{figure:9.1f}" for figure in (at(cpu, 0.5), at(cpu, 0.95), cpu[-1])))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", type=Path)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--slow", type=float, default=1e9, help="tell questions that take more ms of the processor")
    given = parser.parse_args()
    app = create_app(PortalSettings(releases=given.releases))
    release = app.state.releases.current()
    for dimension in (*COLUMNS, *(layer.layer for layer in release.layers)):
        release.allowed(dimension)
    stretched.wait(release)
    asyncio.run(bench(release, app, given.repeat, given.seed, given.only, given.slow))


if __name__ == "__main__":
    main()
