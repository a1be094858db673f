"""Pages that mapped columns find are those that SQL sorts, and rows read through them hold what the table holds."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import tally
from portal.expressions import tree
from portal.queries import by_column, looked_up, projected, stretched
from portal.queries.paged import paged, total
from portal.queries.tabled import PLACE, Ask, Order, sorts_of
from portal.release import Release
from portal.selection import Selection
from portal.tables import table
from portal.tables_written import json_line, named
from tests.portal.expressions.trees import conditions

MAPPED = ("service_code", "status", "outcome", "channel", "ward", "flags", "on_time", "requested_date", "requested_datetime",
          "closed_datetime", "response_hours")  # fmt: skip


@pytest.fixture
def closely(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with millions of rows: nothing is few, and values are told by small bins first."""
    monkeypatch.setattr(by_column, "FEW_ROWS", 5)
    monkeypatch.setattr(tally, "MANY_PLACES", 50)
    monkeypatch.setattr(by_column, "BINS", 40)
    monkeypatch.setattr(looked_up, "MANY", 0)
    monkeypatch.setattr(looked_up, "AT_ONCE", 7)


def _in_sql(release: Release, ask: Ask) -> list[int]:
    where, params = ask.where(release)
    keys = [(f'"{order.by.name}"' + ("::VARCHAR" if order.by.name in release.codes else ""), [], None)
            for order in ask.order if isinstance(order.by, tree.Column)]  # fmt: skip
    sql = f"SELECT {PLACE} FROM requests WHERE {where} ORDER BY {', '.join([*sorts_of(ask, keys), PLACE])}"
    return [place for (place,) in release.query(sql, params)]


def _orders() -> st.SearchStrategy[tuple[Order, ...]]:
    one = st.builds(lambda name, falling: Order(tree.Column(name), falling), st.sampled_from(MAPPED), st.booleans())
    more = st.builds(
        lambda falling, then: (Order(tree.Column("requested_datetime"), falling), then), st.booleans(), one
    )
    return st.just(()) | one.map(lambda order: (order,)) | more


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    order=_orders(),
    condition=st.none() | conditions,
    keys=st.sampled_from([{}, {"status": ("closed",)}]),
    data=st.data(),
)
def test_any_stretch(
    closely: None, release: Release, order: tuple[Order, ...], condition: tree.Condition | None, keys: Any, data: st.DataObject
) -> None:  # fmt: skip
    ask = Ask(table(release, "requests"), Selection(**keys), condition, order)
    meant = _in_sql(release, ask)
    release.forget()
    assert total(release, ask) == len(meant)
    start = data.draw(st.integers(0, len(meant) + 3))
    stop = start + data.draw(st.integers(0, 300))
    if order:
        assert stretched.told(release, ask)
    if stretched.told(release, ask):
        assert stretched.stretch(release, ask, start, stop) == meant[start:stop]


@pytest.mark.parametrize("name", MAPPED)
@pytest.mark.parametrize("falling", [False, True])
def test_pages_follow_one_another(closely: None, release: Release, name: str, falling: bool) -> None:
    ask = Ask(table(release, "requests"), order=(Order(tree.Column(name), falling),))
    meant, found, cursor = _in_sql(release, ask), [], ""
    for _ in range(4):
        page = paged(release, ask, [], 150, cursor)
        found += page.at
        cursor = page.cursor
    assert found == meant[:600]


def test_rows_hold_what_the_table_holds(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    of = table(release, "requests")
    line = json_line(of, named(of, None))
    at = [place for (place,) in release.query(f"SELECT {PLACE} FROM requests ORDER BY hash(rid) LIMIT 700")]
    plain = looked_up.looked_up(release, "requests", at, [line])["line"].to_pylist()
    monkeypatch.setattr(looked_up, "MANY", 0)
    monkeypatch.setattr(looked_up, "AT_ONCE", 64)
    assert looked_up.looked_up(release, "requests", at, [line])["line"].to_pylist() == plain
    assert looked_up.looked_up(release, "requests", [], [line]).num_rows == 0
    assert len({text[:60] for text in plain}) > 100


@pytest.mark.parametrize("where", [{}, {"$where": "status = 'closed'"}, {"$where": "address is not null"}], ids=str)
@pytest.mark.parametrize("form", ["json", "csv", "geojson"])
def test_long_streams_are_the_short_ones_one_after_the_other(
    client: TestClient, where: dict[str, str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(**more: str) -> str:
        select = {"$select": ":id, *"} if form == "json" else {}
        answer = client.get(f"/resource/requests.{form}", params={**where, **select, **more})
        assert answer.status_code == 200, answer.text
        return answer.text

    limits = ({"$limit": "9000"}, {"$limit": "500", "$offset": "700"}, {"$limit": "700", "$offset": "8000"})
    meant = [told(**limit) for limit in limits]
    monkeypatch.setattr(projected, "_FEW", 10)
    assert [told(**limit) for limit in limits] == meant
    assert len(meant[0]) > len(meant[1]) > 10_000
