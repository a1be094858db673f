"""The page and the API of equity: with demographics, with too few areas, and without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.errors import NotFound
from portal.html import to_html
from portal.queries.equity import equity, measures
from portal.release import Release, Releases
from portal.routes import render
from portal.selection import Selection
from portal.settings import PortalSettings
from tests.portal.page_shape import check_shape
from tests.release_factory import build_release

COLUMNS = (
    "layer VARCHAR, area VARCHAR, measure VARCHAR, value DOUBLE, moe DOUBLE, title VARCHAR, unit VARCHAR, year BIGINT, "
    "source VARCHAR, license VARCHAR"
)


def with_people(db: duckdb.DuckDBPyConnection) -> None:
    """Sixteen blocks by the request's point, and figures of who lives there; four districts with an income."""
    db.execute("ALTER TABLE requests ADD COLUMN block VARCHAR")
    db.execute(
        """UPDATE requests SET block = 'B' || lpad((width_bucket_x * 4 + width_bucket_y)::VARCHAR, 2, '0')
           FROM (SELECT rid AS r, least(floor((long - lo) / (hi - lo) * 4), 3)::INTEGER AS width_bucket_x,
                        least(floor((lat - south) / (north - south) * 4), 3)::INTEGER AS width_bucket_y
                 FROM requests, (SELECT min(long) AS lo, max(long) AS hi, min(lat) AS south, max(lat) AS north FROM requests)
                 WHERE lat IS NOT NULL) WHERE r = rid"""
    )
    db.execute("ALTER TABLE requests DROP COLUMN ward")
    db.execute("ALTER TABLE requests RENAME COLUMN block TO ward")
    db.execute("DELETE FROM areas WHERE layer = 'ward'")
    db.execute(
        """INSERT INTO areas (layer, area, name, current)
           SELECT 'ward', 'B' || lpad(n::VARCHAR, 2, '0'), 'Block ' || n, TRUE FROM range(16) t(n)"""
    )
    db.execute(f"CREATE TABLE demographics ({COLUMNS})")
    about = "2020, 'Survey <of> tests', 'CC0-1.0'"
    db.execute(
        f"""INSERT INTO demographics
            SELECT 'ward', 'B' || lpad(n::VARCHAR, 2, '0'), m.id, m.base + m.step * ((n * 7) % 16), m.moe, m.title, m.unit, {about}
            FROM range(16) t(n), (VALUES ('income', 20000, 3000, 2000.0, 'Income & more', 'dollars'),
                ('renters', 0.1, 0.05, NULL, 'Share of renters', 'share'), ('age', 30, 0.5, NULL, 'Median age', 'years'),
                ('people', 5000, 100, NULL, 'People', 'people')) AS m(id, base, step, moe, title, unit)"""
    )
    db.execute("UPDATE demographics SET value = 20 WHERE area = 'B03' AND measure = 'people'")
    db.execute(
        f"""INSERT INTO demographics SELECT 'district', code, 'income', 30000 + 1000 * code::INTEGER, NULL, 'Income', 'dollars',
            {about} FROM (VALUES ('1'), ('2'), ('3'), ('4')) t(code)"""
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    build_release(root, rows=6000, files=False, change=with_people)
    return root / "releases"


@pytest.fixture(scope="module")
def peopled(path: Path) -> Iterator[Release]:
    releases = Releases(path)
    yield releases.current()
    releases.close()


def test_the_measures_are_told_by_layer_without_the_number_of_people(peopled: Release) -> None:
    assert [(m.layer, m.measure, m.areas) for m in measures(peopled)] == [
        ("district", "income", 4), ("ward", "income", 16), ("ward", "renters", 16), ("ward", "age", 16),
    ]  # fmt: skip


def test_every_request_of_a_peopled_area_is_counted_once(peopled: Release) -> None:
    found = equity(peopled, Selection(), "ward", "income")
    known = dict(peopled.query("SELECT ward, count(*) FROM requests GROUP BY ward"))
    assert {a.area: a.requests for a in found.areas} == {k: n for k, n in known.items() if k not in (None, "B03")}
    assert found.unpeopled == 1 and found.elsewhere == known[None] + known["B03"]
    assert found.requests == sum(f.requests for f in found.fifths) == sum(a.requests for a in found.areas)
    closed = peopled.query("SELECT count(*) FROM requests WHERE ward <> 'B03' AND ward IS NOT NULL AND event")
    assert sum(a.closings for a in found.areas) == closed[0][0]
    due = peopled.query(
        "SELECT count(*) FILTER (on_time = 'late'), count(*) FROM requests WHERE ward <> 'B03' AND ward IS NOT NULL "
        "AND on_time IN ('late', 'on_time')"
    )[0]
    assert sum(f.due for f in found.fifths) == due[1]
    expected = sum(
        (f.late.value or 0) and round((f.late_share.value or 0) / (f.late.value or 1), 9) for f in found.fifths
    )
    assert expected == pytest.approx(5 * due[0] / due[1], abs=1e-6)


def test_fifths_ascend_and_their_per_head_is_requests_over_residents(peopled: Release) -> None:
    found = equity(peopled, Selection(), "ward", "income")
    assert [f.fifth for f in found.fifths] == [1, 2, 3, 4, 5]
    assert all(a.high < b.low for a, b in zip(found.fifths, found.fifths[1:], strict=False))
    for f in found.fifths:
        assert f.per_1000.value == pytest.approx(1000 * f.requests / (f.residents or 0))
        assert (f.per_1000.low or 0) < f.per_1000.value < (f.per_1000.high or 0)


def test_where_nothing_is_planted_nothing_is_claimed_of_speed(peopled: Release) -> None:
    found = equity(peopled, Selection(), "ward", "income")
    speed = next(c for c in found.contrasts if c.figure == "speed")
    assert speed.ratio.low is not None and speed.ratio.high is not None
    assert speed.ratio.low < 1 < speed.ratio.high
    assert found.logged and found.reliability is not None and 0.9 < found.reliability < 1


def test_a_selection_is_heeded(peopled: Release) -> None:
    found = equity(peopled, Selection(service=("parking",)), "ward", "income")
    assert [s.key for s in found.services] == ["parking"]
    assert (
        found.requests + found.elsewhere
        == peopled.query("SELECT count(*) FROM requests WHERE service_code='parking'")[0][0]
    )


@pytest.mark.parametrize(
    "query", ["", "?layer=ward&measure=renters", "?layer=ward&measure=age&lang=es", "?layer=ward&service=noise"]
)
def test_the_page_is_complete(peopled: Release, query: str) -> None:
    page = render(peopled, "/equity", query)
    text = to_html(page.body)
    assert page.status == 200
    check_shape(text)
    if "layer=ward" in query:
        assert "Survey &lt;of&gt; tests" in text and text.count("<figure") >= 2
        assert ("areas, not people" in text) or ("zonas, no personas" in text)


def test_four_districts_are_too_few(peopled: Release) -> None:
    text = to_html(render(peopled, "/equity", "?layer=district").body)
    assert "Too few to compare: only 4 areas" in text and "<figure" not in text


def test_a_city_without_demographics_says_how_to_supply_them(release: Release) -> None:
    page = render(release, "/equity")
    text = to_html(page.body)
    assert page.status == 200 and "demographics in the city" in text and "your-city.md" in text
    assert 'href="/equity"' not in text, "the navigation does not lead to a page without content"


def test_the_navigation_leads_there_where_there_is_something(peopled: Release) -> None:
    assert 'href="/equity"' in to_html(render(peopled, "/").body)


@pytest.mark.parametrize("query", ["?layer=moon", "?layer=ward&measure=moon"])
def test_what_there_is_not_is_a_404_that_says_what_there_is(peopled: Release, query: str) -> None:
    assert render(peopled, "/equity", query).status == 404
    with pytest.raises(NotFound, match="income, renters, age"):
        equity(peopled, Selection(), "ward", "moon")


def test_the_api_tells_the_same(path: Path, peopled: Release) -> None:
    with TestClient(create_app(PortalSettings(releases=path))) as client:
        known: Any = client.get("/api/v1/equity").json()["rows"]
        assert [m["measure"] for m in known] == ["income", "income", "renters", "age"]
        told: Any = client.get("/api/v1/equity/ward/renters?service=litter").json()
        found = equity(peopled, Selection(service=("litter",)), "ward", "renters")
        assert told["query"] == "service=litter" and told["result"]["requests"] == found.requests
        assert told["result"]["contrasts"][0]["ratio"]["value"] == found.contrasts[0].ratio.value
        assert client.get("/api/v1/equity/ward/moon").status_code == 404
