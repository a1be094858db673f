"""Conditions in CQL2: what they mean, that their text is one with them, and that nothing hostile gets through."""

from __future__ import annotations

import contextlib
import json
import zoneinfo
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal import queries
from portal.errors import BadRequest, PortalError
from portal.expressions import compiled, cql2, functions, tree, written
from portal.expressions.fields import BadExpression, Field
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from tests.portal.expressions.trees import NUMBERS, TEXTS, Row, conditions, places, truth

NAMES = [*TEXTS, *NUMBERS, "requested_datetime", "requested_date", "closed_datetime"]


@pytest.fixture(scope="module")
def rows(few: Release) -> list[Row]:
    found = few.query(f"SELECT {', '.join(NAMES)} FROM requests ORDER BY rid")
    return [dict(zip(NAMES, row, strict=True)) for row in found]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_a_condition_is_its_text_and_its_json(release: Release, condition: tree.Condition) -> None:
    made = Filter.made(condition, release)
    again = Filter.read(made.text(), release)
    assert again == made and again.text() == made.text()
    selection = Selection(filter=made)
    assert Selection.from_query(selection.to_query(), release) == selection
    counted = release.chosen(selection).n
    for other in (again, Filter.read(_json(condition), release, "cql2-json")):
        for clause, params in (other.where(), other.where(quick=True)):
            assert clause.count("?") == len(params)
            assert release.query(f"SELECT count(*) FROM requests WHERE {clause}", params) == [(counted,)], other.text()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_it_means_what_sql_means_by_it(few: Release, rows: list[Row], condition: tree.Condition) -> None:
    assume(not places(condition))
    meant = sum(truth(condition, row) is True for row in rows)
    assert queries.totals(few, Selection(filter=Filter.made(condition, few))).requests == meant


def _json(condition: tree.Condition) -> str:
    return json.dumps(written.condition(condition))


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("status = 'open'", "status = 'open'"),
        ("'open' = status", "status = 'open'"),
        ("NOT status = 'open'", "status <> 'open'"),
        ("requested_date >= DATE('2024-03-01')", "requested_date >= DATE '2024-03-01'"),
        ("requested_datetime >= '2024-03-01'", "requested_datetime >= TIMESTAMP '2024-03-01 00:00:00'"),
        ("T_AFTER(requested_datetime, TIMESTAMP('2024-03-01T05:00:00Z'))", "requested_datetime > TIMESTAMP '2024-03-01 05:00:00'"),
        ("T_INTERSECTS(requested_datetime, INTERVAL('2024-03-01','2024-03-02'))",
         "requested_datetime >= TIMESTAMP '2024-03-01' AND requested_datetime < TIMESTAMP '2024-03-03'"),
        ("T_INTERSECTS(requested_datetime, INTERVAL('..','2024-03-01T00:00:00+02:00'))",
         "requested_datetime <= TIMESTAMP '2024-02-29 22:00:00'"),
        ("T_DISJOINT(requested_datetime, INTERVAL('2024-03-01','..'))", "requested_datetime < TIMESTAMP '2024-03-01'"),
        ("CASEI(service_name) = CASEI('POTHOLE REPAIR')", "service_code = 'pothole'"),
        ("CASEI(service_name) LIKE CASEI('TREE%')", "service_code = 'tree'"),
        ("department IS NULL", "department IS NULL"),
        ("response_hours BETWEEN 24 AND 48", "response_hours BETWEEN 24 AND 48"),
        ("response_hours / 24 > 10", "response_hours > 240"),
        ("S_INTERSECTS(geometry, BBOX(-71.1, 42.32, -71.05, 42.36))", "long BETWEEN -71.1 AND -71.05 AND lat BETWEEN 42.32 AND 42.36"),
        ("S_WITHIN(geometry, POLYGON((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32)))",
         "ST_Within(ST_Point(long, lat), ST_GeomFromText('POLYGON((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32))'))"),
        ("S_CONTAINS(POLYGON((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32)), geometry)",
         "ST_Within(ST_Point(long, lat), ST_GeomFromText('POLYGON((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32))'))"),
        ("synthetic", "synthetic"),
        ("status = '(none)'", "FALSE"),
        (" * ".join(["year_of(requested_date)"] * 7) + " > 0", "TRUE"),
        ("minute_of(requested_datetime) = 7", "minute(requested_datetime) = 7"),
        ("month_start(at_zone(requested_datetime, 'America/New_York')) = TIMESTAMP('2024-03-01T00:00:00Z')",
         "requested_date BETWEEN DATE '2024-03-01' AND DATE '2024-03-31'"),
        ("requested_datetime > at_zone(TIMESTAMP('2024-03-01T05:00:00Z'), 'America/New_York')",
         "requested_datetime > TIMESTAMP '2024-03-01 00:00:00'"),
        ("at_zone(NULL, 'America/New_York') IS NULL", "TRUE"),
        ("contains('a', NULL) IS NULL AND lower(NULL) IS NULL", "TRUE"),
        ("hour_of(NULL) = 1", "FALSE"),
        ("week_of(NULL) = 3", "FALSE"),
        ("year_start(NULL) > requested_datetime", "FALSE"),
        ("NULL LIKE 'a_b'", "FALSE"),
        ("NULL + NULL > 1", "FALSE"),
        ("NULL = NULL OR NULL IN (NULL) OR NULL BETWEEN NULL AND NULL", "FALSE"),
        ("casei(NULL) LIKE 'a%b%'", "FALSE"),
    ],
)  # fmt: skip
def test_each_part_selects_what_it_says(release: Release, text: str, sql: str) -> None:
    selection = Selection.from_query({"filter": text}, release)
    expected = release.query(f"SELECT count(*) FROM requests WHERE {sql}")[0][0]
    assert queries.totals(release, selection).requests == expected
    assert expected > 0 or sql == "FALSE"


@pytest.mark.parametrize(
    "text",
    [
        "", "status", "status =", "nope = 1", "status = 1", "lat = 'x'", "requested_date > 5", "service_code + 1 = 2", "1",
        "status = 'open'; DROP TABLE requests", "status = 'open' -- x", "rid = 1", "facet = 1", "gx > 1", '"lat"" = 1',
        "sleep(10) = 1", "read_csv('/etc/passwd') = 1", "read_text('x')", "A_CONTAINS(flags, ('a','b'))",
        "requested_date > DATE('2024-02-30')", "requested_datetime > 'yesterday'", "S_INTERSECTS(geometry, POINT(500 1))",
        "S_INTERSECTS(lat, POINT(1 1))", "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))", "status LIKE 5",
        "S_INTERSECTS(geometry, geometry)", "within_meters(geometry, 1, 2)", "within_meters(geometry, 99, 2, 5)",
        "starts_with(status) = TRUE", "lower(lat) = 'x'", "status IN ()", "status = 'a\0b'", "lat = 1e999",
        "(" * 3000 + "lat=1" + ")" * 3000, "NOT " * 1000 + "lat=1", "lat=" + "+".join(["1"] * 2000), " OR ".join(["lat=1"] * 900),
        "x" * 9000, "lat = " + "9" * 7000, "status LIKE 'ope\\'", "requested_datetime > TIMESTAMP('0001-01-01T00:00:00+14:00')",
        "at_zone(requested_datetime, 'Mars/Olympus') > requested_datetime", "at_zone(requested_datetime, '../x') IS NULL",
        "at_zone(requested_datetime, status) IS NULL",
    ],
)  # fmt: skip
def test_nonsense_is_refused_plainly(release: Release, text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Filter.read(text, release)
    assert refused.value.status == 400 and 10 < len(str(refused.value)) < 400


WORDS = "status lat = <> ' ( ) AND OR NOT LIKE 'x' 1 .. DATE ? $1 ; -- IN NULL IS".split()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_whatever_is_sent_is_answered_or_refused(release: Release, text: str) -> None:
    try:
        selection = Selection(filter=Filter.read(text, release))
    except PortalError as refused:
        assert refused.status == 400
    else:
        assert release.chosen(selection).n >= 0


OPS = "and not = in like between isNull casei s_within t_after + lower within_meters".split()


def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    operation = st.fixed_dictionaries({"op": st.sampled_from(OPS), "args": st.lists(inner, max_size=3)})
    return (
        st.lists(inner, max_size=3)
        | operation
        | st.sampled_from(["property", "interval", "date"]).flatmap(lambda key: st.fixed_dictionaries({key: inner}))
    )


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from(["status", "open", "and", ".."]), _nodes, max_leaves=8
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(json_values)
def test_json_of_any_shape_is_answered_or_refused(release: Release, value: Any) -> None:
    try:
        selection = Selection(filter=Filter.read(json.dumps(value), release, "cql2-json"))
    except PortalError as refused:
        assert refused.status == 400
    else:
        assert release.chosen(selection).n >= 0


@pytest.mark.parametrize(
    "value",
    [
        {"op": "like", "args": [{"property": "status"}, {"op": "casei"}]},
        {"op": "like", "args": [{"property": "status"}, {"op": []}]},
        {"op": "like", "args": [{"property": "status"}, {"op": "casei", "args": 5}]},
        {"op": "like", "args": [{"property": "status"}, {"op": "casei", "args": ["a", "b"]}]},
        {"op": "like", "args": [{"property": "status"}, {"op": "upper", "args": ["a"]}]},
        {"op": "like", "args": [{"property": "status"}, {"args": {"op": "casei"}}]},
        {"op": "like", "args": [{"property": "status"}, None]},
        {"op": "=", "args": [{"property": "response_hours"}, 10**400]},
        *(
            {"op": "s_within", "args": [{"property": "geometry"}, shape]}
            for shape in (
                {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1], [1, 0], [0, 0]]], []]},
                {"type": "Point", "coordinates": [10**400, 1]},
                {"type": "Point"},
                {"bbox": [0, 0, 1]},
            )
        ),
    ],
)
def test_json_of_the_wrong_shape_is_refused(release: Release, value: Any) -> None:
    with pytest.raises(BadRequest):
        Filter.read(json.dumps(value), release, "cql2-json")


@pytest.mark.parametrize("number", [2**53 + 1, 2**62, 2**63, 2**64, -(2**64), 10**30, 10**300])
def test_numbers_of_any_size_are_told_again(release: Release, number: int) -> None:
    for op in ("<", ">"):
        value = {"op": op, "args": [{"property": "response_hours"}, number]}
        made = Filter.read(json.dumps(value), release, "cql2-json")
        assert Filter.read(made.text(), release) == made
        counted = release.chosen(Selection(filter=made)).n
        assert (counted > 0) == ((op == "<") == (number > 0))


def test_nothing_as_a_condition_is_told_again(release: Release) -> None:
    nothing = tree.Truth(tree.Literal(None))
    for condition in (nothing, tree.Not(nothing), tree.Or((nothing, tree.Not(nothing)))):
        made = Filter.made(condition, release)
        assert Filter.read(made.text(), release) == made
        assert release.chosen(Selection(filter=made)).n == 0


def test_zones_that_are_let_through_are_known_to_the_database(release: Release) -> None:
    zones = []
    for zone in sorted(zoneinfo.available_timezones()):
        with contextlib.suppress(BadExpression):
            functions.zone_named(tree.Literal(zone))
            zones.append(zone)
    assert len(zones) > 400 and {"America/New_York", "America/Argentina/Buenos_Aires", "UTC"} <= set(zones)
    sql = "SELECT count(timezone(zone, timezone('UTC', TIMESTAMP '2025-01-01'))) FROM unnest(?::VARCHAR[]) AS t(zone)"
    assert release.query(sql, [zones]) == [(len(zones),)]


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        "Europe/London",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/Santiago",
        "Pacific/Auckland",
        "UTC",
    ],
)
def test_clocks_are_those_of_the_database(release: Release, zone: str) -> None:
    """To the second around each change, and far before and after all that is listed."""
    moments = "SELECT TIMESTAMP '2008-01-01' + to_minutes(131 * i) + to_seconds(i % 60) AS t FROM range(130000) AS r(i)"
    fields = {"t": Field("time", '"t"')}
    sql, params, _ = compiled.expression(tree.Call("at_zone", (tree.Column("t"), tree.Literal(zone))), fields)
    icu = f"timezone('{zone}', timezone('UTC', t))"
    counted = f"SELECT count(*), count({sql}), count(*) FILTER ({sql} IS DISTINCT FROM {icu}), max(t) FROM ({moments})"
    rows, told, wrong, last = release.query(counted, params)[0]
    assert (rows, told, wrong) == (130_000, 130_000, 0) and last.year == 2040
    changes = [since for since, _ in functions._changes(zone)]
    around = "SELECT unnest(?::VARCHAR[])::TIMESTAMP + to_seconds(s) AS t FROM range(-2, 3) AS r(s)"
    assert release.query(f"SELECT count(*) FILTER ({sql} IS DISTINCT FROM {icu}) FROM ({around})", [changes]) == [(0,)]


def test_the_tree_is_bounded_whatever_parser_it_comes_from() -> None:
    deep: tree.Condition = tree.Truth(tree.Literal(True))
    for _ in range(100):
        deep = tree.Not(deep)
    wide = tree.Or(tuple(tree.Truth(tree.Literal(True)) for _ in range(600)))
    for condition in (deep, wide):
        with pytest.raises(BadExpression, match="too long"):
            compiled.condition(condition, {})
    with pytest.raises(BadExpression, match="cql2-text or cql2-json"):
        cql2.read("lat = 1", "ecql")
