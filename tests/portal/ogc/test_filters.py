"""Part 3 and CQL2: a filter chooses the rows that SQL, a Selection and the other interfaces choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from pyproj import Transformer

from portal import queries
from portal.expressions import tree, written
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from tests.portal.expressions.trees import conditions
from tests.portal.ogc.conftest import CITY, CRS84, LATLONG, MERCATOR, names

Items = Callable[..., dict[str, Any]]
POLYGON = "POLYGON((-71.15 42.31, -71.05 42.32, -71.08 42.39, -71.15 42.31))"

CLASSES: dict[str, list[tuple[str, str]]] = {
    "basic-cql2": [
        ("status = 'closed' AND NOT (ward = '3' OR lat >= 42.35)", "status = 'closed' AND NOT (ward = '3' OR lat >= 42.35)"),
        ("department IS NULL", "department IS NULL"),
        ("department IS NOT NULL", "department IS NOT NULL"),
        ("requested_date < DATE('2023-01-01')", "requested_date < '2023-01-01'"),
        ("requested_datetime >= TIMESTAMP('2024-05-01T12:00:00Z')", "requested_datetime >= '2024-05-01 12:00:00'"),
        ("synthetic = TRUE", "synthetic"),
        ("response_hours <> 10 AND status <> 'open'", "response_hours <> 10 AND status <> 'open'"),
    ],
    "advanced-comparison-operators": [
        ("service_name LIKE '%repair'", "service_name LIKE '%repair'"),
        ("response_hours BETWEEN 24 AND 48", "response_hours BETWEEN 24 AND 48"),
        ("service_code IN ('tree', 'noise')", "service_code IN ('tree', 'noise')"),
        ("service_code NOT IN ('tree', 'noise')", "service_code NOT IN ('tree', 'noise')"),
    ],
    "case-insensitive-comparison": [("CASEI(service_name) = CASEI('POTHOLE REPAIR')", "service_code = 'pothole'")],
    "accent-insensitive-comparison": [("ACCENTI(service_name) = ACCENTI('Nóise')", "service_code = 'noise'")],
    "basic-spatial-functions": [
        ("S_INTERSECTS(geometry, POINT(-71.1 42.35))", "long = -71.1 AND lat = 42.35"),
        ("S_INTERSECTS(geometry, BBOX(-71.1, 42.32, -71.05, 42.36))", "long BETWEEN -71.1 AND -71.05 AND lat BETWEEN 42.32 AND 42.36"),
    ],
    "basic-spatial-functions-plus": [
        (f"S_INTERSECTS(geometry, {POLYGON})", f"ST_Intersects(ST_Point(long, lat), ST_GeomFromText('{POLYGON}'))"),
        ("S_INTERSECTS(geometry, MULTIPOINT((-71.1 42.35), (-71.0 42.3)))", "FALSE"),
    ],
    "spatial-functions": [
        (f"S_WITHIN(geometry, {POLYGON})", f"ST_Within(ST_Point(long, lat), ST_GeomFromText('{POLYGON}'))"),
        (f"S_DISJOINT(geometry, {POLYGON})", f"ST_Disjoint(ST_Point(long, lat), ST_GeomFromText('{POLYGON}'))"),
        (f"S_CONTAINS({POLYGON}, geometry)", f"ST_Within(ST_Point(long, lat), ST_GeomFromText('{POLYGON}'))"),
        (f"S_TOUCHES(geometry, {POLYGON})", f"ST_Touches(ST_Point(long, lat), ST_GeomFromText('{POLYGON}'))"),
    ],
    "temporal-functions": [
        ("T_AFTER(requested_datetime, TIMESTAMP('2024-03-01T05:00:00Z'))", "requested_datetime > '2024-03-01 05:00:00'"),
        ("T_BEFORE(requested_datetime, DATE('2024-03-01'))", "requested_datetime < '2024-03-01'"),
        ("T_DURING(INTERVAL(requested_datetime, closed_datetime), INTERVAL('2024-01-01', '2024-02-01T00:00:00Z'))",
         "requested_datetime > '2024-01-01' AND closed_datetime < '2024-02-01'"),
        ("T_INTERSECTS(requested_datetime, INTERVAL('2024-03-01','..'))", "requested_datetime >= '2024-03-01'"),
    ],
    "property-property": [("closed_datetime < requested_datetime", "closed_datetime < requested_datetime")],
    "arithmetic": [("response_hours / 24 + 1 > 10 * 2", "response_hours / 24 + 1 > 20")],
}  # fmt: skip
FILTERS = [(name, text, sql) for name, pairs in CLASSES.items() for text, sql in pairs]
NONE_MEANT = ("POINT", "MULTIPOINT", "S_TOUCHES")
"""No request of the city lies just there: what these say is held by other rows than requests below."""


@pytest.mark.parametrize(("name", "text", "sql"), FILTERS)
def test_a_filter_means_what_sql_means(city: Release, items: Items, name: str, text: str, sql: str) -> None:
    [(meant,)] = city.query(f"SELECT count(*) FROM requests WHERE {sql}")
    assert meant > 0 or any(word in text for word in NONE_MEANT), name
    found = items("requests", filter=text, limit=10_000)
    assert found["numberMatched"] == found["numberReturned"] == meant
    as_json = json.dumps(written.condition(Filter.read(text, city).of))
    for told in ({"filter": as_json, "filter__lang": "cql2-json"}, {"filter": text, "filter__lang": "cql2-text"}):
        assert names(items("requests", limit=10_000, **told)) == names(found)


@pytest.mark.parametrize(
    "op", ["INTERSECTS", "WITHIN", "CONTAINS", "DISJOINT", "EQUALS", "TOUCHES", "CROSSES", "OVERLAPS"]
)
@pytest.mark.parametrize(
    "wkt",
    ["POLYGON((-71.15 42.32, -71.07 42.32, -71.07 42.38, -71.15 42.38, -71.15 42.32))", "POINT(-71.12 42.31)",
     "LINESTRING(-71.25 42.33, -70.95 42.33)", "POLYGON((-71.2 42.3, -71.15 42.3, -71.15 42.4, -71.2 42.4, -71.2 42.3))",
     "POLYGON((-71.3 42.3, -71.2 42.3, -71.2 42.4, -71.3 42.4, -71.3 42.3))", "POLYGON((-72 42, -70 42, -70 43, -72 43, -72 42))"],
)  # fmt: skip
def test_areas_lie_as_the_database_says(city: Release, items: Items, op: str, wkt: str) -> None:
    sql = (
        f"SELECT count(*) FROM areas WHERE layer = 'district' AND ST_{op.title()}(geom_4326, ST_GeomFromText('{wkt}'))"
    )
    assert items("areas-district", filter=f"S_{op}(geometry, {wkt})")["numberMatched"] == city.query(sql)[0][0]


@pytest.mark.parametrize(("system", "code"), [(LATLONG, "EPSG:4326"), (MERCATOR, "EPSG:3857"), (CITY, "EPSG:26986")])
def test_geometries_in_other_systems(items: Items, system: str, code: str) -> None:
    """A triangle whose corners are changed; near its slanted sides a line of a grid is another one than a line of degrees."""
    meant = set(names(items("requests", filter=f"S_INTERSECTS(geometry, {POLYGON})", limit=10_000)))
    to = Transformer.from_crs("OGC:CRS84", code, always_xy=False)
    corners = [to.transform(*map(float, corner.split())) for corner in POLYGON[9:-2].split(", ")]
    text = f"S_INTERSECTS(geometry, POLYGON(({', '.join(f'{x} {y}' for x, y in corners)})))"
    found = set(names(items("requests", filter=text, filter__crs=system, limit=10_000)))
    assert len(meant) > 100 and len(found ^ meant) <= (0 if system == LATLONG else 3)
    nested = items("requests", filter=f"NOT ({text}) AND status = 'open'", filter__crs=system)["numberMatched"]
    outside = items("requests", filter=f"NOT ({text})", status="open", filter__crs=system)["numberMatched"]
    assert nested == outside > 0
    assert names(items("requests", filter="status = 'open'", filter__crs=system)) == names(
        items("requests", status="open")
    )


def test_the_system_of_a_filter_is_degrees_without_a_word(items: Items) -> None:
    text = f"S_INTERSECTS(geometry, {POLYGON})"
    assert names(items("requests", filter=text)) == names(items("requests", filter=text, filter__crs=CRS84))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_the_same_filter_chooses_the_same_rows_everywhere(
    city: Release, items: Items, ask: Callable[..., httpx.Response], condition: tree.Condition
) -> None:
    selection = Selection(filter=Filter.made(condition, city))
    where, params = selection.where()
    meant = city.query(f"SELECT source || ':' || service_request_id FROM requests WHERE {where} ORDER BY rid", params)
    found = items("requests", filter=selection.filter.text() if selection.filter else "", limit=10_000)
    assert names(found) == [name for (name,) in meant]
    assert found["numberMatched"] == queries.totals(city, selection).requests
    download = httpx.get(f"{ask('/').url.copy_with(path='/download/requests.geojson')}?{selection.to_query()}").json()
    assert [one["properties"] for one in download["features"]] == [one["properties"] for one in found["features"]]


def test_what_a_filter_can_name(ask: Callable[..., httpx.Response], items: Items) -> None:
    """Every queryable can be asked for, by name and in a filter, and nothing else can."""
    for collection in ("requests", "incidents", "areas-district"):
        answer = ask(f"/collections/{collection}/queryables")
        assert answer.headers["content-type"] == "application/schema+json"
        told = answer.json()
        assert told["$id"] == str(answer.url) and told["type"] == "object"
        assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        examples: dict[Any, str] = {"string": "'x'", "number": "1", "boolean": "TRUE"}
        for name, about in told["properties"].items():
            if name == "geometry":
                assert about["x-ogc-role"] == "primary-geometry" and "type" not in about
                continue
            value = {"date": "2024-01-01", "date-time": "2024-01-01T00:00:00Z"}.get(about.get("format", ""))
            quoted = f"'{value}'" if value else examples[about["type"]]
            in_filter = items(collection, filter=f"{name} = {quoted}", limit=1)["numberMatched"]
            assert items(collection, **{name: quoted.strip("'").lower()}, limit=1)["numberMatched"] == in_filter, name
        for nothing in ("rid = 1", "geom_3857 IS NULL", "gx > 1", '"current" = TRUE'):
            answer = ask(f"/collections/{collection}/items", filter=nothing)
            assert answer.status_code == 400 and "no field" in answer.json()["detail"]
