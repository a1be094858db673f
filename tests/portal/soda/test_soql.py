"""SoQL as a tree: it means what the same condition in CQL2 means, and nothing hostile gets through."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.errors import PortalError
from portal.expressions import cql2, tree, written
from portal.queries import projected
from portal.queries.tabled import Ask
from portal.release import Release
from portal.soda.asked import asked
from portal.soda.errors import code_of
from portal.soda.written import json_row
from portal.tables import table
from tests.portal.expressions.trees import conditions
from tests.portal.soda.soql_writer import soql

LOCAL = "timezone('America/New_York', timezone('UTC', requested_datetime))"


def counted(release: Release, where: str) -> int:
    return asked(release, table(release, "requests"), [("$where", where)]).ask.total(release)


def dated(of: tree.Condition) -> tree.Condition:
    """A day beside a time is one of the city's in SoQL, of UTC in CQL2: written as a time in UTC it is one in both."""
    match of:
        case tree.Compare(op, tree.Column("requested_datetime") as column, tree.Literal(date() as day)) if (
            not isinstance(day, datetime)
        ):
            midnight = tree.Literal(datetime(day.year, day.month, day.day))
            return tree.Compare(op, column, midnight)
        case tree.And(parts):
            return tree.And(tuple(map(dated, parts)))
        case tree.Or(parts):
            return tree.Or(tuple(map(dated, parts)))
        case tree.Not(inner):
            return tree.Not(dated(inner))
    return of


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(conditions.map(dated))
def test_it_means_what_cql2_means(release: Release, condition: tree.Condition) -> None:
    requests = table(release, "requests")
    meant = Ask(requests, condition=cql2.read(written.text(condition))).total(release)
    assert counted(release, soql(condition)) == meant


@pytest.mark.parametrize(
    ("where", "sql"),
    [
        ("status = 'open'", "status = 'open'"),
        ('status == "open"', "status = 'open'"),
        ("`status` <> 'open'", "status <> 'open'"),
        ("NOT status = 'open' AND ward = '1' or ward = '2'", "(status <> 'open' AND ward = '1') OR ward = '2'"),
        ("not (status = 'open' or ward = '1')", "NOT (status = 'open' OR ward = '1')"),
        ("department is null", "department IS NULL"),
        ("department is not null and lat is not null", "department IS NOT NULL AND lat IS NOT NULL"),
        ("status not in ('open', 'x')", "status <> 'open'"),
        ("response_hours between 24 and 48", "response_hours BETWEEN 24 AND 48"),
        ("response_hours not between 24 and 4.8e1", "response_hours NOT BETWEEN 24 AND 48"),
        ("response_hours / 24 - 1 * 2 > 8", "response_hours > 240"),
        ("response_hours > '240'", "response_hours > 240"),
        ("-response_hours < -240", "response_hours > 240"),
        ("upper(service_name) like '%POTHOLE%'", "service_code = 'pothole'"),
        ("starts_with(service_name, 'Pot')", "service_code = 'pothole'"),
        ("caseless_contains(service_name, 'POTHOLE')", "service_code = 'pothole'"),
        ("service_name not like 'Pot%'", "service_code <> 'pothole'"),
        ("service_name = 'Heating <b>off</b>, ''urgent'''", "service_name LIKE 'Heating%'"),
        ("synthetic", "synthetic"),
        ("synthetic = true", "synthetic"),
        ("requested_datetime >= '2024-03-01T00:00:00'", f"{LOCAL} >= TIMESTAMP '2024-03-01'"),
        ("requested_datetime >= '2024-03-01T00:00:00.000'", f"{LOCAL} >= TIMESTAMP '2024-03-01'"),
        ("requested_datetime between '2024-03-01' and '2024-07-04T12:00:00'",
         f"{LOCAL} BETWEEN TIMESTAMP '2024-03-01' AND TIMESTAMP '2024-07-04 12:00:00'"),
        ("requested_datetime >= '2024-03-01T00:00:00Z'", "requested_datetime >= TIMESTAMP '2024-03-01'"),
        ("requested_datetime >= '2024-03-01T00:00:00+02:00'", "requested_datetime >= TIMESTAMP '2024-02-29 22:00'"),
        ("requested_date >= '2024-03-01T00:00:00.000'", "requested_date >= DATE '2024-03-01'"),
        ("requested_date > '2024-03-01T12:00:00'", "requested_date > DATE '2024-03-01'"),
        ("date_trunc_ym(requested_datetime) = '2024-03-01T00:00:00'", f"date_trunc('month', {LOCAL}) = TIMESTAMP '2024-03-01'"),
        ("date_trunc_y(closed_datetime) = '2024-01-01'",
         "year(timezone('America/New_York', timezone('UTC', closed_datetime))) = 2024"),
        ("date_extract_hh(requested_datetime) = 8", f"hour({LOCAL}) = 8"),
        ("date_extract_dow(requested_datetime) in (0, 6)", f"dayofweek({LOCAL}) IN (0, 6)"),
        ("closed_datetime > requested_datetime", "closed_datetime > requested_datetime"),
        ("closed_datetime > date_trunc_ymd(requested_datetime)",
         f"timezone('America/New_York', timezone('UTC', closed_datetime)) > date_trunc('day', {LOCAL})"),
        ("within_circle(geometry, 42.35, -71.1, 1000)",
         "ST_Distance_Sphere(ST_Point(lat, long), ST_Point(42.35, -71.1)) <= 1000"),
        ("within_box(geometry, 42.36, -71.1, 42.32, -71.05)", "long BETWEEN -71.1 AND -71.05 AND lat BETWEEN 42.32 AND 42.36"),
        ("within_polygon(geometry, 'MULTIPOLYGON(((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32)))')",
         "ST_Within(ST_Point(long, lat), ST_GeomFromText('POLYGON((-71.1 42.32, -71.05 42.32, -71.05 42.36, -71.1 42.32))'))"),
        ("geometry is not null", "lat IS NOT NULL"),
        ("date_extract_y(null) is null and date_trunc_ym(null) is null", "TRUE"),
        ("synthetic or date_extract_y(null) = 1 or contains('a', null) or null", "synthetic"),
    ],
)  # fmt: skip
def test_each_part_selects_what_it_says(release: Release, where: str, sql: str) -> None:
    meant = release.query(f"SELECT count(*) FROM requests WHERE {sql}")[0][0]
    assert counted(release, where) == meant
    assert meant > 0


def ask(release: Release, **given: str) -> list[str]:
    pairs = [(f"${key}", value) for key, value in given.items()]
    parts = projected.lines(release, asked(release, table(release, "requests"), pairs), json_row)
    return [line for part in parts for line in part.to_pylist()]


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("query.soql.no-such-column", {"where": "nope = 1"}),
        ("query.soql.no-such-column", {"where": "rid = 1"}),
        ("query.soql.no-such-column", {"select": "facet"}),
        ("query.soql.no-such-column", {"select": "`:place`"}),
        ("query.soql.no-such-function", {"where": "sleep(10)"}),
        ("query.soql.no-such-function", {"select": "read_csv('/etc/passwd')"}),
        ("query.soql.no-such-column", {"where": "status = 'open' -- x"}),
        ("query.soql.type-mismatch", {"where": "case(lat = 1, 2) = 3"}),
        ("query.soql.type-mismatch", {"where": "status || 'x' = 'y'"}),
        ("query.soql.type-mismatch", {"where": "'a'"}),
        ("query.soql.type-mismatch", {"where": "lat = 'x'"}),
        ("query.soql.type-mismatch", {"where": "ward = 3"}),
        ("query.soql.type-mismatch", {"where": "status"}),
        ("query.soql.type-mismatch", {"where": "service_code + 1 = 2"}),
        ("query.soql.type-mismatch", {"select": "sum(status)"}),
        ("query.soql.type-mismatch", {"where": "within_circle(lat, 1, 2, 3)"}),
        ("query.soql.type-mismatch", {"where": "within_circle(geometry, 1, 2, 1e9)"}),
        ("query.soql.type-mismatch", {"where": "intersects(geometry, 'POINT(1')"}),
        *(("query.soql.type-mismatch", {"where": f"intersects(geometry, '{wkt}')"}) for wkt in (
            "GEOMETRYCOLLECTION(" * 300 + "POINT(1 1)" + ")" * 300, "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)))",
            "LINEARRING(0 0,1 1,1 0,0 0)", "CIRCULARSTRING(0 0,1 1,2 0)", "CURVEPOLYGON((0 0,1 1,1 0,0 0))",
            "GEOMETRYCOLLECTION(POINT(1 1),POINT EMPTY)", "GEOMETRYCOLLECTION EMPTY", "POLYGON((0 0,1 1,1 0,0 0),EMPTY)",
            "MULTIPOLYGON(((0 0,1 1,1 0,0 0)),EMPTY)", "MULTIPOLYGON(((0 0,1 1,1 0,0 0),EMPTY))", "POINT Z(1 1 nan)", "POINT Z(1 1 inf)",
        )),
        ("query.soql.type-mismatch", {"where": "requested_datetime > 'yesterday'"}),
        ("query.soql.type-mismatch", {"where": "requested_datetime > '0001-01-01T00:00:00+14:00'"}),
        ("query.soql.type-mismatch", {"where": "requested_datetime > '9999-12-31T23:59:59'"}),
        ("query.soql.type-mismatch", {"where": "status like 'ope\\'"}),
        ("query.soql.column-not-in-group-bys", {"select": "status, count(*)"}),
        ("query.soql.column-not-in-group-bys", {"select": "ward, count(*)", "group": "status"}),
        ("query.soql.aggregate-in-ungrouped-context", {"where": "count(*) > 1"}),
        ("query.soql.aggregate-in-ungrouped-context", {"group": "sum(lat)"}),
        ("query.soql.aggregate-in-ungrouped-context", {"select": "sum(sum(lat))"}),
        ("query.soql.duplicate-alias", {"select": "ward as a, status as a"}),
        ("query.compiler.malformed", {"where": ""}),
        *(("query.compiler.malformed", {"where": where}) for where in (
            "status =", "status = 'open'; DROP TABLE requests", "(status = 'open'", "status = 'a",
            "status in ()", "status between 1", "lat = 1 lat", "(" * 3000 + "lat=1" + ")" * 3000, "not " * 1000 + "synthetic",
            "-" * 5000 + "1 = lat", "x" * 9000, "lat = 1::text", "lat = 1 . b", "lat = \0", "lat = 1 |> select *",
            "lat is 5",
        )),
        *(("query.soql.type-mismatch", {key: "lat" + "*1" * 900}) for key in ("select", "group", "order")),
        ("query.soql.type-mismatch", {"select": "sum(lat" + "+1" * 900 + ")"}),
        ("query.compiler.malformed", {"select": "status as :id"}),
        ("query.compiler.malformed", {"select": "status as `a b`"}),
        ("query.compiler.malformed", {"order": "status null first"}),
        ("query.compiler.malformed", {"having": "count(*) > 1", "bogus": "1"}),
        ("query.compiler.malformed", {"having": "status = 'open'"}),
        ("query.compiler.malformed", {"limit": "-1"}),
        ("query.compiler.malformed", {"limit": "9" * 40}),
        ("query.compiler.malformed", {"offset": "x"}),
        ("query.compiler.malformed", {"query": "select status", "where": "synthetic"}),
        ("query.compiler.malformed", {"query": "select status limit 1 where synthetic"}),
        ("query.compiler.malformed", {"query": "drop table requests"}),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_its_name(release: Release, code: str, given: dict[str, str]) -> None:
    if given == {"where": ""}:
        given = {"where": "  = "}
    with pytest.raises(PortalError) as refused:
        ask(release, **given)
    assert (code_of(refused.value), refused.value.status) == (code, 400), str(refused.value)
    assert 10 < len(str(refused.value)) < 800


def test_true_is_not_one(release: Release) -> None:
    assert ask(release, select="min(true), min(1), max(1.0), max('1')") == [
        '{"min_true":true,"min_1":"1","max_1_0":"1","max_1":"1"}'
    ]
    grouped = ask(release, select="true as a, 1 as b, count(*) as n", group="true, 1")
    assert grouped == [f'{{"a":true,"b":"1","n":"{counted(release, "true")}"}}']


def test_what_is_not_there_has_functions_too(release: Release) -> None:
    assert ask(release, select="date_trunc_ym(null) as a, min(null) as b", limit="1") == ["{}"]


WORDS = """status lat = != ' ( ) and or not like 'x' 1 . , * + - / % null is in between group by select count( sum( order as
within_circle( date_trunc_ym( requested_datetime '2024-01-01' :id 'row-000000000012' :updated_at > :* "a" `b` case( ; -- || |> ::""".split()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["select", "where", "group", "having", "order", "query"]),
    st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
)
def test_whatever_is_sent_is_answered_or_refused(release: Release, key: str, text: str) -> None:
    try:
        assert len(ask(release, **{key: text})) <= 1000
    except PortalError as refused:
        assert refused.status == 400
