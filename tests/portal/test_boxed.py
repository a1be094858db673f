"""Requests of a box, counted on the grid and along its edges: as many as SQL finds, also where points lie on an edge."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.boxed import Box, box_of, count
from portal.expressions import cql2, tree
from portal.queries.tabled import Ask
from portal.release import Release
from portal.selection import Selection
from portal.tables import table


def _by_sql(release: Release, box: Box) -> int:
    sql = "SELECT count(*) FROM requests WHERE long BETWEEN ? AND ? AND lat BETWEEN ? AND ?"
    return int(release.query(sql, [box.west, box.east, box.south, box.north])[0][0])


def _condition(box: Box) -> tree.Condition:
    def between(name: str, low: float, high: float) -> tree.Condition:
        return tree.Between(tree.Column(name), tree.Literal(low), tree.Literal(high))

    return tree.And((between("long", box.west, box.east), between("lat", box.south, box.north)))


@pytest.fixture(scope="module")
def points(release: Release) -> list[Any]:
    return release.query("SELECT long, lat FROM requests WHERE lat IS NOT NULL ORDER BY rid")


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_box_of_points(release: Release, points: list[Any], data: st.DataObject) -> None:
    """Its corners are points themselves, or a hair's breadth from them."""
    (x0, y0), (x1, y1) = (points[data.draw(st.integers(0, len(points) - 1))] for _ in range(2))
    nudge = [data.draw(st.sampled_from([0.0, 0.0, 1e-9, -1e-9, 3e-8, -3e-8, 3e-7, 1e-5, 0.02])) for _ in range(4)]
    west, east = sorted((x0 + nudge[0], x1 + nudge[1]))
    south, north = sorted((y0 + nudge[2], y1 + nudge[3]))
    box = Box(west, south, east, north)
    assert count(release, box) == _by_sql(release, box)


def test_boxes_of_all_sizes(release: Release) -> None:
    rng, found = random.Random(3), set[int]()  # noqa: S311
    for side in (1e-7, 1e-6, 1e-3, 0.01, 0.05, 0.1, 1.0, 30.0):
        for _ in range(20):
            x, y = rng.uniform(-71.25, -70.95), rng.uniform(42.25, 42.45)
            box = Box(x - side, y - side, x + side, y + side)
            found.add(count(release, box))
            assert count(release, box) == _by_sql(release, box)
    located = _by_sql(release, Box(-180, -90, 180, 90))
    assert 0 in found and located in found and 0 < located < release.rows


def test_a_table_counts_so(release: Release) -> None:
    requests, box = table(release, "requests"), Box(-71.15, 42.31, -71.05, 42.38)
    for condition in (_condition(box), tree.And((_condition(box), tree.Not(tree.Null(tree.Column("source")))))):
        release.forget()
        assert Ask(requests, condition=condition).total(release) == _by_sql(release, box) > 100
    narrowed = Ask(requests, Selection.from_query("status=open", release), _condition(box))
    assert 0 < narrowed.total(release) < _by_sql(release, box)


@pytest.mark.parametrize(
    "text",
    ["long BETWEEN -71.1 AND -71", "long BETWEEN -71.1 AND -71 AND lat BETWEEN 42 AND 43 AND status = 'open'",
     "long BETWEEN -71.1 AND -71 OR lat BETWEEN 42 AND 43", "long BETWEEN -71.1 AND -71 AND lat > 42",
     "long BETWEEN -71 AND -71.1 AND lat BETWEEN 42 AND 43", "long BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90",
     "long BETWEEN -71.1 AND -71 AND long BETWEEN -71.1 AND -71.05", "NOT (long BETWEEN -71.1 AND -71 AND lat BETWEEN 42 AND 43)",
     "long BETWEEN -71.1 AND lat AND lat BETWEEN 42 AND 43", "long BETWEEN -71.1 AND -71 AND response_hours BETWEEN 1 AND 2"],
)  # fmt: skip
def test_what_is_no_box(text: str) -> None:
    assert box_of(cql2.read(text)) is None
    assert box_of(cql2.read("lat BETWEEN 42 AND 43 AND long BETWEEN -71.1 AND -71")) == Box(-71.1, 42, -71, 43)
