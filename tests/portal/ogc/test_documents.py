"""The documents about the API: what they say holds, in JSON and as pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from lxml import etree
from schemathesis.specs.openapi.definitions import OPENAPI_30_VALIDATOR

from portal.ogc.documents import CONFORMANCE
from portal.release import Release
from tests.portal.ogc import test_clients, test_contract, test_filters, test_items, test_tiles
from tests.portal.ogc.conftest import ALL_SYSTEMS, CRS84

Ask = Callable[..., httpx.Response]
DOCUMENTS = [
    "/", "/conformance", "/api", "/collections", "/collections/requests", "/collections/incidents",
    "/collections/areas-district", "/collections/requests/queryables", "/collections/requests/sortables",
    "/collections/requests/items", "/collections/areas-district/items", "/collections/areas-district/items/1",
    "/collections/requests/tiles", "/collections/requests/tiles/WebMercatorQuad", "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad",
]  # fmt: skip


def test_every_link_leads_to_what_it_says(site: str) -> None:
    seen, todo = set[str](), [f"{site}/ogc"]
    while todo:
        at = todo.pop()
        answer = httpx.get(at, headers={"Accept": "application/json"})
        assert answer.status_code == 200, at
        for link in answer.json().get("links", []) + [
            link for key in ("collections", "tilesets", "tileMatrixSets") for one in answer.json().get(key, []) for link in one["links"]
        ]:  # fmt: skip
            href = link["href"]
            if href in seen or link.get("templated") or not href.startswith(site):
                continue
            seen.add(href)
            if link["rel"] == "enclosure":
                assert httpx.head(href).status_code == 200
                continue
            found = httpx.get(href)
            assert found.status_code == 200, href
            kind = found.headers["content-type"]
            assert kind == (f"{link['type']}; charset=utf-8" if link["type"] == "text/html" else link["type"]), href
            if "json" in kind and "cursor=" not in href:
                todo.append(href)
    assert len(seen) > 40


@pytest.mark.parametrize("path", DOCUMENTS)
def test_each_is_json_and_a_page(ask: Ask, path: str) -> None:
    as_json = ask(path)
    assert "json" in as_json.headers["content-type"] and as_json.headers["x-openward-release"]
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for asked in (
        ask(path, f="html"),
        ask(path, {"Accept": browser}),
        ask(path, {"Accept": "text/html;q=0.2, image/png"}),
    ):
        assert asked.status_code == 200 and asked.headers["content-type"] == "text/html; charset=utf-8"
        page = etree.fromstring(asked.content, etree.HTMLParser())
        assert page.find(".//h1").text and page.find(".//main") is not None and page.find(".//script") is None
        assert "Accept" in asked.headers["vary"]
    assert "json" in ask(path, {"Accept": browser}, f="json").headers["content-type"]
    assert "json" in ask(path, {"Accept": "application/geo+json, application/json"}).headers["content-type"]
    assert ask(path, {"Accept": "image/png"}).status_code == 406
    assert ask(path, f="xml").status_code == ask(path, unknown="1").status_code == ask(path, f="").status_code == 400
    etag = as_json.headers["etag"]
    assert ask(path, {"If-None-Match": etag}).status_code == 304


def test_pages_are_in_the_readers_language(ask: Ask) -> None:
    page = ask("/collections/requests/items", f="html", lang="es").text
    assert '<html lang="es">' in page and "lang=es" in page
    spanish = ask("/", {"Accept": "text/html", "Accept-Language": "es"})
    assert '<html lang="es">' in spanish.text and "Accept-Language" in spanish.headers["vary"]


def test_a_page_of_features_shows_them_and_what_follows(ask: Ask) -> None:
    page = etree.fromstring(
        ask("/collections/requests/items", f="html", limit=5, service_code="=heating").content, etree.HTMLParser()
    )
    rows = page.findall(".//table[2]/tbody/tr") or page.findall(".//tbody/tr")
    text = " ".join(page.itertext())
    assert "Heating <b>off</b>, 'urgent'" in text and len(rows) >= 5
    [following] = [a.get("href") for a in page.findall(".//a") if "cursor=" in (a.get("href") or "")]
    after = etree.fromstring(httpx.get(following).content, etree.HTMLParser())
    shown, next_shown = ([a.get("href") for a in part.findall(".//tbody//th/a")] for part in (page, after))
    assert len(shown) == len(next_shown) == 5 and not set(shown) & set(next_shown)
    [other] = [a.get("href") for a in page.findall(".//a") if "f=json" in (a.get("href") or "")]
    assert httpx.get(other).json()["numberReturned"] == 5


def test_the_landing_page_is_there_with_and_without_a_slash(site: str) -> None:
    for at in ("/ogc", "/ogc/"):
        found = httpx.get(site + at).json()
        rels = {link["rel"] for link in found["links"]}
        assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= rels


def test_collections_say_where_and_when_they_are(city: Release, ask: Ask) -> None:
    found = {one["id"]: one for one in ask("/collections").json()["collections"]}
    assert list(found) == ["requests", "incidents", "areas-district"]
    for name, one in found.items():
        assert ask(f"/collections/{name}").json() == one
        assert one["crs"] == list(ALL_SYSTEMS) and one["storageCrs"] == CRS84 and one["itemType"] == "feature"
        assert one["extent"]["spatial"]["crs"] == CRS84
    times = city.query(
        "SELECT min(long), min(lat), max(long), max(lat), min(requested_datetime), max(requested_datetime) FROM requests"
    )
    west, south, east, north, begin, end = times[0]
    assert found["requests"]["extent"]["spatial"]["bbox"] == [[west, south, east, north]]
    assert found["requests"]["extent"]["temporal"]["interval"] == [[f"{begin.isoformat()}Z", f"{end.isoformat()}Z"]]
    assert found["areas-district"]["extent"]["temporal"]["interval"] == [
        [None, None]
    ]  # some have no begin, some no end
    assert found["areas-district"]["extent"]["spatial"]["bbox"][0] == pytest.approx([-71.2, 42.3, -71.0, 42.4])


def test_a_release_without_incidents_has_no_such_collection(client: Any) -> None:
    found = [one["id"] for one in client.get("/ogc/collections").json()["collections"]]
    assert found == ["requests", "areas-district"]
    answer = client.get("/ogc/collections/incidents/items")
    assert answer.status_code == 404 and "areas-district" in answer.json()["detail"]


def test_the_openapi_document_is_one(ask: Ask) -> None:
    document = ask("/api").json()
    OPENAPI_30_VALIDATOR.validate(document)
    asked = {
        parameter.get("name") for parameter in document["paths"]["/collections/requests/items"]["get"]["parameters"]
    }
    named = set(ask("/collections/requests/queryables").json()["properties"]) - {"geometry"}
    assert named <= asked
    operations = [one["get"]["operationId"] for one in document["paths"].values()]
    assert len(operations) == len(set(operations))


HOLD: dict[str, tuple[Any, ...]] = {
    "ogcapi-common-1/1.0": (test_every_link_leads_to_what_it_says, test_each_is_json_and_a_page),
    "ogcapi-common-2/1.0": (test_collections_say_where_and_when_they_are,),
    "ogcapi-features-1/1.0": (
        test_items.test_pages_follow_one_another_without_gap_or_overlap, test_items.test_a_box_holds_what_sql_says,
        test_items.test_times, test_items.test_what_is_not_understood_is_refused, test_items.test_a_feature_by_its_id,
        test_each_is_json_and_a_page, test_the_openapi_document_is_one, test_contract.test_answers_are_as_declared,
        test_clients.test_gdal_reads_all_features,
    ),
    "ogcapi-features-2/1.0": (
        test_items.test_coordinates_are_those_of_the_system, test_items.test_a_box_of_a_grid_holds_the_points_within_it_there,
    ),
    "ogcapi-features-3/1.0": (
        test_filters.test_what_a_filter_can_name, test_filters.test_a_filter_means_what_sql_means,
        test_filters.test_geometries_in_other_systems, test_items.test_properties_by_name,
    ),
    "ogcapi-tiles-1/1.0": (
        test_tiles.test_tiles_are_those_of_the_portal, test_tiles.test_a_tileset_says_what_is_in_it,
        test_tiles.test_there_is_no_such_tile, test_contract.test_answers_are_as_declared,
    ),
    "tms/2.0": (test_tiles.test_the_tile_matrix_set_is_the_registered_one,),
}  # fmt: skip


def test_only_what_a_test_holds_is_declared(ask: Ask) -> None:
    assert ask("/conformance").json()["conformsTo"] == list(CONFORMANCE)
    held = set(HOLD)
    for uri in CONFORMANCE:
        standard, _, name = uri.removeprefix("http://www.opengis.net/spec/").partition("/conf/")
        if standard == "cql2/1.0":
            assert name in ("cql2-text", "cql2-json") or test_filters.CLASSES[name], (
                name
            )  # both ways of writing: each filter
        else:
            assert standard in held, uri
    assert {uri.split("/conf/")[1] for uri in CONFORMANCE if "cql2/1.0" in uri} == {
        "cql2-text",
        "cql2-json",
        *test_filters.CLASSES,
    }
