"""The abstract tests of OGC API – Features Part 1 (OGC 17-069r4, annex A), one by one, by their own names.

The OGC's suite (ets-ogcapi-features10) runs in its TEAM engine, which is not to be had as a package. What it asks is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

Ask = Callable[..., httpx.Response]
CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"


@pytest.fixture
def collections(ask: Ask) -> list[dict[str, Any]]:
    return list(ask("/collections").json()["collections"])


@pytest.fixture
def document(ask: Ask) -> dict[str, Any]:
    return dict(ask("/api").json())


def link(told: dict[str, Any], rel: str, kind: str = "") -> str:
    found = [each["href"] for each in told["links"] if each["rel"] == rel and each.get("type", "").startswith(kind)]
    assert found, (rel, kind)
    return str(found[0])


def parameter(document: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    for given in document["paths"][path]["get"]["parameters"]:
        found = document["components"]["parameters"][given["$ref"].rsplit("/", 1)[-1]] if "$ref" in given else given
        if found["name"] == name:
            return dict(found)
    raise AssertionError(name)


def test_http(site: str) -> None:
    """/conf/core/http"""
    answer = httpx.get(f"{site}/ogc")
    assert answer.http_version == "HTTP/1.1" and answer.status_code == 200


def test_the_landing_page(ask: Ask) -> None:
    """/conf/core/root-op, root-success"""
    answer = ask("/")
    told = answer.json()
    assert answer.status_code == 200
    assert link(told, "service-desc") and link(told, "service-doc", "text/html")
    assert link(told, "conformance") and link(told, "data")


def test_the_definition(ask: Ask) -> None:
    """/conf/core/api-definition-op, api-definition-success; /conf/oas30/completeness"""
    told = ask("/").json()
    for address in (link(told, "service-desc"), link(told, "service-doc")):
        assert httpx.get(address).status_code == 200
    definition = httpx.get(link(told, "service-desc"))
    assert definition.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert definition.json()["openapi"].startswith("3.0.")


def test_conformance(ask: Ask) -> None:
    """/conf/core/conformance-op, conformance-success"""
    told = httpx.get(link(ask("/").json(), "conformance")).json()["conformsTo"]
    assert {CORE + name for name in ("core", "oas30", "html", "geojson")} <= set(told)


def test_the_collections(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/fc-md-op, fc-md-success, fc-md-links, fc-md-items, fc-md-items-links, fc-md-extent"""
    told = httpx.get(link(ask("/").json(), "data")).json()
    assert link(told, "self") and link(told, "alternate", "text/html")
    assert all("type" in each and "rel" in each for each in told["links"])
    assert len(collections) > 1
    for one in collections:
        assert one["id"] and one["title"]
        items = [each for each in one["links"] if each["rel"] == "items"]
        assert {each["type"] for each in items} == {"application/geo+json", "text/html"}
        for box in one["extent"]["spatial"]["bbox"]:
            assert len(box) == 4 and -180 <= box[0] <= box[2] <= 180 and -90 <= box[1] <= box[3] <= 90
        for begin, end in one["extent"].get("temporal", {}).get("interval", []):
            for moment in filter(None, (begin, end)):
                assert datetime.fromisoformat(moment).tzinfo is not None


def test_one_collection(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/sfc-md-op, sfc-md-success: each by itself is what the list says of it"""
    for one in collections:
        alone = ask(f"/collections/{one['id']}").json()
        assert {key: alone[key] for key in ("id", "title", "description", "extent")} == {
            key: one[key] for key in ("id", "title", "description", "extent")
        }
        assert {each["href"] for each in one["links"]} <= {each["href"] for each in alone["links"]}
        assert alone["crs"] and (one.get("crs") == alone["crs"] or one.get("crs") == ["#/crs"])


def test_parameters_are_defined_as_the_standard_has_them(document: dict[str, Any]) -> None:
    """/conf/core/fc-bbox-definition, fc-limit-definition, fc-time-definition"""
    paths = [path for path in document["paths"] if path.endswith("/items")]
    assert len(paths) > 2
    for path in paths:
        limit, box = (parameter(document, path, name) for name in ("limit", "bbox"))
        assert limit["in"] == box["in"] == "query"
        for one in (limit, box):
            assert (
                one.get("required", False) is False and one.get("style", "form") == "form" and one["explode"] is False
            )
        assert limit["schema"]["type"] == "integer" and limit["schema"]["minimum"] == 1
        assert limit["schema"]["minimum"] <= limit["schema"]["default"] <= limit["schema"]["maximum"]
        shapes = [(each["minItems"], each["maxItems"]) for each in box["schema"]["oneOf"]]
        assert box["schema"]["type"] == "array" and sorted(shapes) == [(4, 4), (6, 6)]
        assert box["schema"]["items"]["type"] == "number"
        moment = parameter(document, path, "datetime")
        assert (
            moment["schema"]["type"] == "string"
            and moment.get("style", "form") == "form"
            and moment["explode"] is False
        )


def test_features(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/fc-op, fc-response, fc-links, fc-timeStamp, fc-numberMatched, fc-numberReturned; /conf/geojson/content"""
    for one in collections:
        answer = httpx.get(link(one, "items", "application/geo+json"))
        told = answer.json()
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
        assert told["type"] == "FeatureCollection" and all(each["type"] == "Feature" for each in told["features"])
        assert link(told, "self", "application/geo+json") and link(told, "alternate", "text/html")
        assert all("rel" in each and "type" in each for each in told["links"])
        assert datetime.fromisoformat(told["timeStamp"]).tzinfo is not None and told["timeStamp"].endswith("Z")
        assert told["numberReturned"] == len(told["features"]) <= told["numberMatched"]
        assert all(each["id"] for each in told["features"])


def test_limits(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/fc-limit-response: never more than was asked for, nor than the definition's maximum"""
    for one in collections:
        path = f"/collections/{one['id']}/items"
        for limit in (1, 7, 10_000, 50_000):
            told = ask(path, limit=limit).json()
            assert len(told["features"]) <= min(limit, 10_000)
            assert (told["numberReturned"] < told["numberMatched"]) == any(
                each["rel"] == "next" for each in told["links"]
            )


def test_boxes(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/fc-bbox-response: of four numbers, of six, over the whole, and over nothing"""
    for one in collections:
        path, [west, south, east, north] = f"/collections/{one['id']}/items", one["extent"]["spatial"]["bbox"][0]
        whole = ask(path, bbox="-180,-90,180,90", limit=1).json()["numberMatched"]
        assert ask(path, bbox=f"{west},{south},{east},{north}", limit=1).json()["numberMatched"] == whole > 0
        assert ask(path, bbox=f"{west},{south},-10,{east},{north},9000", limit=1).json()["numberMatched"] == whole
        assert ask(path, bbox="0,0,1,1", limit=1).json()["numberMatched"] == 0


def test_times(ask: Ask) -> None:
    """/conf/core/fc-time-response: an instant, intervals, and intervals that are open"""
    path = "/collections/requests/items"
    every = ask(path, limit=1).json()["numberMatched"]
    [[begin, end]] = ask("/collections/requests").json()["extent"]["temporal"]["interval"]
    assert ask(path, datetime=f"{begin}/{end}", limit=1).json()["numberMatched"] == every
    for given in (f"{begin}/..", f"../{end}", f"{begin}/", f"/{end}"):
        assert ask(path, datetime=given, limit=1).json()["numberMatched"] == every, given
    after = ask(path, datetime="2024-06-01T00:00:00Z/..", limit=200).json()
    assert 0 < after["numberMatched"] < every
    assert min(each["properties"]["requested_datetime"] for each in after["features"]) >= "2024-06-01"
    first = after["features"][0]["properties"]["requested_datetime"]
    assert ask(path, datetime=first, limit=1).json()["numberMatched"] >= 1


@pytest.mark.parametrize(
    "query", ["unknown=1", "limit=abc", "limit=0", "limit=-1", "bbox=1,2,3", "bbox=a,b,c,d", "datetime=now"]
)
def test_parameters_that_are_unknown_or_invalid(site: str, collections: list[dict[str, Any]], query: str) -> None:
    """/conf/core/query-param-unknown, query-param-invalid"""
    for one in collections:
        assert httpx.get(f"{site}/ogc/collections/{one['id']}/items?{query}").status_code == 400, one["id"]


def test_one_feature(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/core/f-op, f-success, f-links"""
    for one in collections:
        [first] = ask(f"/collections/{one['id']}/items", limit=1).json()["features"]
        answer = ask(f"/collections/{one['id']}/items/{first['id']}")
        told = answer.json()
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
        assert told["id"] == first["id"] and told["properties"] == first["properties"]
        assert (
            link(told, "self", "application/geo+json")
            and link(told, "alternate", "text/html")
            and link(told, "collection")
        )
        assert ask(f"/collections/{one['id']}/items/there-is-none").status_code == 404
    assert ask("/collections/there-is-none").status_code == ask("/collections/there-is-none/items").status_code == 404


def test_pages(ask: Ask, collections: list[dict[str, Any]]) -> None:
    """/conf/html/definition, content: every document as a page with all its links' addresses or its features' values"""
    for path in ("/", "/conformance", "/collections", *(f"/collections/{one['id']}" for one in collections)):
        page = ask(path, f="html")
        assert page.headers["content-type"].startswith("text/html") and re.search(r"<h1[ >]", page.text), path
    one = ask("/collections/requests/items", limit=1).json()["features"][0]
    page = ask(f"/collections/requests/items/{one['id']}", f="html").text
    assert all(str(value) in page for value in (one["properties"]["service_request_id"], one["properties"]["status"]))
