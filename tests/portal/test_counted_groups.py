"""Groups counted over mapped columns are those that SQL makes of the rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.expressions import tree
from portal.queries import counted_groups, grouped
from portal.queries.projection import Projection
from portal.queries.tabled import Aggregate, Ask
from portal.release import Release
from portal.tables import table
from tests.portal.expressions.trees import conditions

REQUESTED, CLOSED, DAY = (tree.Column(name) for name in ("requested_datetime", "closed_datetime", "requested_date"))
ZONES = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
FUNCTIONS = ("year_start", "month_start", "day_start", "year_of", "month_of", "day_of", "week_of", "weekday_of")


def _call(name: str, *args: tree.Expression) -> tree.Expression:
    return tree.Call(name, args)


def _times() -> st.SearchStrategy[tree.Expression]:
    column = st.sampled_from([REQUESTED, CLOSED])
    zone = st.sampled_from(ZONES).map(tree.Literal)
    clock = st.builds(lambda c, z: _call("at_zone", c, z), column, zone)
    hours = st.builds(_call, st.sampled_from([*FUNCTIONS, "hour_of"]), column | clock)
    return hours | hours.map(lambda of: tree.Arithmetic("+", of, tree.Literal(1)) if _numeric(of) else of)


def _numeric(of: tree.Expression) -> bool:
    return isinstance(of, tree.Call) and of.name.endswith("_of")


KEYS = st.one_of(
    _times(),
    st.builds(_call, st.sampled_from(FUNCTIONS), st.just(DAY)),
    st.sampled_from([DAY, *(tree.Column(name) for name in ("status", "service_code", "ward", "outcome", "flags"))]),
    st.just(_call("upper", tree.Column("channel"))),
)


def _found(release: Release, ask: Ask, keys: list[tree.Expression]) -> list[tuple[Any, ...]]:
    named = tuple((f"#k{i}", key) for i, key in enumerate(keys))
    columns = tuple((name, tree.Column(name)) for name, _ in named)
    made = Projection(
        ask, (*columns, ("n", tree.Column("#n"))), grouped=True, keys=named, figures=(("#n", Aggregate("count")),)
    )
    release.forget()
    found = [tuple(row.values()) for row in grouped.groups(release, made)]
    assert grouped.total(release, made) == len(found)
    return found


def _both(release: Release, ask: Ask, keys: list[tree.Expression]) -> None:
    counted = _found(release, ask, keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counted_groups, "groups", lambda *_: None)
        assert _found(release, ask, keys) == counted


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(keys=st.lists(KEYS, max_size=3, unique=True), condition=st.none() | conditions)
def test_any_groups(release: Release, keys: list[tree.Expression], condition: tree.Condition | None) -> None:
    _both(release, Ask(table(release, "requests"), condition=condition), keys)


@pytest.mark.parametrize(
    "key", [REQUESTED, _call("minute_of", REQUESTED), tree.Column("address"), tree.Literal(1)], ids=str
)
def test_what_columns_do_not_tell_is_left_to_sql(release: Release, key: tree.Expression) -> None:
    assert counted_groups.groups(release, Ask(table(release, "requests")), [key]) is None


@pytest.mark.parametrize("zone", ZONES)
def test_hours_of_a_zone_are_told(release: Release, zone: str) -> None:
    key = _call("hour_of", _call("at_zone", REQUESTED, tree.Literal(zone)))
    assert counted_groups.groups(release, Ask(table(release, "requests")), [key]) is not None
    _both(release, Ask(table(release, "requests")), [key])
