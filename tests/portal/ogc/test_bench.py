"""The benchmark asks what it says, and a small city keeps its target many times over."""

from __future__ import annotations

import random

from portal.ogc.bench import SIDES, bench, boxes, in_process, over_http
from portal.release import Release


def test_it_measures_both_ways(city: Release, site: str) -> None:
    for ask, within in (in_process(city), over_http(site)):
        said: list[str] = []
        times = bench(ask, within, n=3, say=said.append)
        assert len(times) == 3 * len(SIDES) and times == sorted(times) and times[0] > 0
        assert said[-1].startswith("all: p95") and len(said) == len(SIDES) + 3


def test_boxes_lie_within_the_extent() -> None:
    for side in SIDES:
        for box in boxes((-71.2, 42.3, -71.0, 42.4), side, 20, random.Random(2)):  # noqa: S311
            west, south, east, north = map(float, box.split(","))
            assert -71.2 <= west < east <= -70.999999 and 42.3 <= south < north <= 42.400001
