"""Conditions answered by mapped columns choose the rows that plain SQL chooses, whatever part of them the columns tell."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.expressions import tree
from portal.filtered import Filter
from portal.mapped_conditions import split
from portal.outline import Circle
from portal.release import Release
from portal.selection import Selection
from tests.portal.expressions.trees import conditions

HOURS = tree.Column("response_hours")
REQUESTED = tree.Column("requested_datetime")
CLOSED = tree.Column("closed_datetime")


def rows(release: Release, of: tree.Condition) -> list[int]:
    """As the portal finds them."""
    release.forget()
    return release.chosen(Selection(filter=Filter.made(of, release))).places().tolist()


def in_sql(release: Release, of: tree.Condition) -> list[int]:
    where, params = Selection(filter=Filter.made(of, release)).where()
    return [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where} ORDER BY rid", params)]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_any_condition_chooses_what_sql_chooses(release: Release, condition: tree.Condition) -> None:
    assert rows(release, condition) == in_sql(release, condition)


def _values(release: Release, name: str, n: int = 60) -> list[object]:
    """Some that there are, so that comparisons meet them exactly."""
    sql = f"SELECT DISTINCT {name} FROM requests WHERE {name} IS NOT NULL ORDER BY hash({name}) LIMIT {n}"
    return [value for (value,) in release.query(sql)]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_edges_of_ranges_are_exact(release: Release, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["response_hours", "requested_datetime", "closed_datetime", "requested_date"]))
    near = st.just(0.0) | st.sampled_from([1e-9, -1e-9, 1e-4, -1e-4, 1.0])
    value = data.draw(st.sampled_from(_values(release, name)))
    if isinstance(value, float):
        value = value + data.draw(near) if data.draw(st.booleans()) else int(value)
    elif isinstance(value, datetime):
        value = data.draw(
            st.sampled_from(
                [value, value.replace(microsecond=1), value.date(), value.isoformat() + "Z", str(value.date())]
            )
        )
    op = data.draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    pair = (tree.Column(name), tree.Literal(value))
    left, right = pair if data.draw(st.booleans()) else pair[::-1]
    condition: tree.Condition = tree.Compare(op, left, right)
    for _ in range(data.draw(st.integers(0, 2))):
        condition = tree.Not(condition)
    _, left_over = split(condition, release.known())
    assert not left_over
    assert rows(release, condition) == in_sql(release, condition)


@pytest.mark.parametrize(
    "condition",
    [
        tree.Compare(">", HOURS, tree.Literal(-5)),
        tree.Compare("<", HOURS, tree.Literal(1e30)),
        tree.Compare("=", HOURS, tree.Literal(None)),
        tree.Not(tree.Compare("=", CLOSED, tree.Literal(datetime(1969, 1, 1)))),
        tree.Not(tree.Compare("<", CLOSED, tree.Literal(datetime(9999, 1, 1)))),
        tree.Between(REQUESTED, tree.Literal(date(2024, 6, 1)), tree.Literal(date(2024, 1, 1))),
        tree.Not(tree.Between(CLOSED, tree.Literal(date(2024, 1, 1)), tree.Literal(date(2024, 6, 1)))),
        tree.Or((tree.Compare("=", tree.Column("status"), tree.Literal("open")), tree.Null(HOURS))),
        tree.Not(tree.Or((tree.Compare("=", tree.Column("ward"), tree.Literal("1")), tree.Compare(">", HOURS, tree.Literal(5))))),
        tree.And((tree.Compare("=", tree.Column("status"), tree.Literal("open")), tree.Null(tree.Column("address")))),
        tree.Null(tree.Column("requested_date")),
        tree.Null(CLOSED),
        tree.Not(tree.Null(CLOSED)),
        tree.Null(HOURS),
        tree.Not(tree.Or((tree.Null(REQUESTED), tree.Null(HOURS)))),
        tree.Truth(tree.Literal(False)),
    ],
    ids=str,
)  # fmt: skip
def test_conditions_of_some_note(release: Release, condition: tree.Condition) -> None:
    assert rows(release, condition) == in_sql(release, condition)


def test_a_place_and_a_condition_together(release: Release) -> None:
    [(lat, long)] = release.query("SELECT lat, long FROM requests WHERE lat IS NOT NULL LIMIT 1")
    circle = Circle(lat, long, 3000)
    for of in (
        tree.Compare("=", tree.Column("status"), tree.Literal("closed")),
        tree.Not(tree.Null(tree.Column("address"))),
        tree.Or((tree.Null(tree.Column("address")), tree.Compare(">", HOURS, tree.Literal(10)))),
    ):
        selection = Selection(near=circle, filter=Filter.made(of, release))
        where, params = selection.where()
        meant = [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where} ORDER BY rid", params)]
        release.forget()
        assert release.chosen(selection).places().tolist() == meant
        assert meant


def test_hours_and_times_of_a_release_are_known(release: Release) -> None:
    known = release.known()
    assert known.day
    assert known.hours is not None
    assert known.times == {"requested_datetime", "closed_datetime"}
