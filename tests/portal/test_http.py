"""The portal over HTTP: statuses, problems, headers, the API's description, pages before JavaScript."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.app import create_app
from portal.declared import KEYS_ABOUT, SEVERAL
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import KEYS
from portal.settings import PortalSettings
from tests.release_factory import build_release

PAGES = [
    "/", "/map", "/trends", "/areas", "/areas/district", "/areas/district/2", "/departments", "/departments/parks",
    "/data", "/data/requests", "/verify", "/sources", "/methods",
]  # fmt: skip
API = [
    "release", "releases", "totals", "response", "quality", "monthly", "by/service", "by/district", "requests",
    "choices/ward", "located", "location-bands/district",
]  # fmt: skip
CALLBACK = {
    "output": "page.children",
    "outputs": {"id": "page", "property": "children"},
    "inputs": [
        {"id": "address", "property": "pathname", "value": "/data"},
        {"id": "address", "property": "search", "value": "?status=open"},
    ],
    "changedPropIds": ["address.pathname"],
}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(PortalSettings(releases=tmp_path)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_complete_before_javascript(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    html = answer.text
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert "<h1" in html.split('<div id="react-entry-point">')[0]
    assert "Testville service requests</title>" in html and '<meta name="description" content="' in html
    assert "made up" in html  # it is a synthetic city
    scripts = [part.split('"')[0] for part in html.split('<script src="')[1:]]
    assert not [s for s in scripts if not s.startswith("/") or "plotly" in s or "dash_table" in s or "/dcc/" in s]


def test_pages_speak_the_reader_s_language(client: TestClient) -> None:
    assert '<html lang="es">' in client.get("/", headers={"Accept-Language": "es-MX,es;q=0.9"}).text
    assert client.get("/").headers["vary"].startswith("Accept-Language")


def test_pages_that_do_not_exist_are_404_pages(client: TestClient) -> None:
    for path in ("/nope", "/areas/nowhere", "/areas/district/99", "/departments/police", "/nope/_dash-layout"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "<h1" in answer.text and "<title>" in answer.text


def test_a_filter_that_does_not_exist_is_a_readable_400(client: TestClient) -> None:
    answer = client.get("/?department=<script>alert(1)</script>")
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text and "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("path", API)
def test_figures_name_their_release(client: TestClient, release: Release, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200
    assert answer.json()["release_id"] == release.id == answer.headers["x-openward-release"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_api_says_what_the_queries_say(client: TestClient, release: Release) -> None:
    selection = Selection(service=("tree",), area=(("district", "2"),))
    query = selection.to_query()
    totals = client.get(f"/api/v1/totals?{query}").json()
    assert totals["query"] == query and totals["result"]["requests"] == queries.totals(release, selection).requests
    response = client.get(f"/api/v1/response?{query}").json()["result"]
    assert response["quantiles"]["50"]["hours"] == queries.response(release, selection).quantiles[50].hours
    rows = client.get(f"/api/v1/requests?{query}&limit=2&offset=1").json()
    assert rows["total"] == totals["result"]["requests"] and len(rows["rows"]) == 2
    assert rows["rows"][0]["requested_datetime"].endswith("Z")
    one = client.get(f"/api/v1/requests/{rows['rows'][0]['service_request_id']}").json()
    assert one["result"] == rows["rows"][0]
    assert client.get("/api/v1/by/district?limit=2").json()["rows"][0]["key"]


def test_the_api_is_described(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    names = {p["name"] for p in document["paths"]["/api/v1/totals"]["get"]["parameters"]}
    assert names == set(KEYS)
    assert {f"/api/v1/{p}" for p in ("release", "response", "monthly", "requests")} <= set(document["paths"])
    operations = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(operations) == len(set(operations))
    for path in document["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["400"]["content"]
            assert operation["description"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/totals?service=nope", 400),
        ("/api/v1/totals?from=2024-13-01", 400),
        ("/api/v1/by/nope", 404),
        ("/api/v1/by/district?limit=0", 400),
        ("/api/v1/choices/%22;DROP", 404),
        ("/api/v1/requests?limit=1001", 400),
        ("/api/v1/requests?limit=x", 400),
        ("/api/v1/requests?offset=99999999999999999999", 400),
        ("/api/v1/requests/nope", 404),
        ("/api/v1/requests/" + "x" * 300, 400),
        ("/api/v1/nope", 404),
        ("/api/v1/totals?" + "&".join(["service=tree"] * 60), 400),
        ("/api/v1/totals?x=" + "y" * 20_000, 414),
        ("/tiles/nope/requests/1/0/0.mvt", 404),
        ("/tiles/{id}/nope/1/0/0.mvt", 404),
        ("/tiles/{id}/requests/99/0/0.mvt", 400),
        ("/tiles/{id}/requests/1/5/0.mvt", 400),
        ("/tiles/{id}/requests/1/-1/0.mvt", 400),
        ("/tiles/{id}/requests/a/b/c.mvt", 400),
        ("/tiles/{id}/requests/1/0/99999999999999999999999999.mvt", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?status=x", 400),
        ("/tiles/{id}/nope.json", 404),
        ("/tiles/nope/requests.json", 404),
        ("/tiles/{id}/requests.json?status=x", 400),
        ("/tiles/{id}/requests.json?near=1,2", 400),
        ("/tiles/{id}/requests/23/0/0.mvt", 400),
        ("/tiles/{id}/requests/-1/0/0.mvt", 400),
        ("/tiles/{id}/requests/1/0/2.mvt", 400),
        ("/tiles/{id}/requests/1.5/0/0.mvt", 400),
        ("/tiles/{id}/requests/1e3/0/0.mvt", 400),
        ("/tiles/{id}/requests/1.0/0/0.mvt", 400),
        ("/tiles/{id}/requests/01/0/0.mvt", 400),
        ("/tiles/{id}/requests/+1/0/0.mvt", 400),
        ("/tiles/{id}/requests/1_0/0/0.mvt", 400),
        ("/tiles/{id}/requests/%201/0/0.mvt", 400),
        ("/tiles/{id}/requests/%EF%BC%91/0/0.mvt", 400),
        ("/tiles/{id}/requests/1/0/" + "9" * 6000 + ".mvt", 400),
        ("/tiles/{id}/requests/0x1/0/0.mvt", 400),
        ("/tiles/{id}/requests/%00/0/0.mvt", 400),
        ("/tiles/{id}/requests/nan/inf/0.mvt", 400),
        ("/tiles/{id}/requests/1/0/0.mvt%00", 404),
        ("/tiles/{id}/requests/1/0/0.pbf", 404),
        ("/tiles/{id}/requests/1/0.mvt", 404),
        ("/tiles/{id}/requests/1/0/0/0.mvt", 404),
        ("/tiles/{id}/requests'%20OR%201=1--/1/0/0.mvt", 404),
        ("/tiles/{id}/areas-district';DROP/1/0/0.mvt", 404),
        ("/tiles/{id}/areas-/1/0/0.mvt", 404),
        ("/tiles/{id}/" + "x" * 5000 + "/1/0/0.mvt", 404),
        ("/tiles/%2e%2e%2f%2e%2e/requests/1/0/0.mvt", 404),
        ("/tiles/..%5c..%5cserve.duckdb/requests/1/0/0.mvt", 404),
        ("/tiles/" + "9" * 3000 + "/requests/1/0/0.mvt", 404),
        ("/tiles/{id}/requests/1/0/0.mvt?within=~~~", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?near=nan,nan,nan", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?near=0,0,1e308", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?from=2024-02-30", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?age=x", 400),
        ("/tiles/{id}/requests/1/0/0.mvt?" + "&".join(["status=open"] * 500), 400),
        ("/download/requests.xls", 400),
        ("/download/requests.csv?outcome=x", 400),
        ("/download/nope", 404),
        ("/assets/package.json", 404),
        ("/assets/js/../package.json", 404),
        ("/assets/js/%2e%2e/%2e%2e/pyproject.toml", 404),
        ("/_dash-nope", 404),
    ],
)
def test_what_makes_no_sense_is_refused_readably(client: TestClient, release: Release, path: str, status: int) -> None:
    answer = client.get(path.format(id=release.id))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert "Traceback" not in answer.text and "SELECT" not in answer.text


def test_a_bad_filter_names_key_value_and_what_would_do(client: TestClient) -> None:
    problem = client.get("/api/v1/totals?department=police").json()
    assert (problem["key"], problem["value"]) == ("department", "police") and "parks" in problem["allowed"]


def test_tiles_can_be_kept_for_ever(client: TestClient, release: Release) -> None:
    x, y = release.query("SELECT gx >> 20, gy >> 20 FROM requests WHERE gx IS NOT NULL LIMIT 1")[0]
    address = f"/tiles/{release.id}/requests/12/{x}/{y}.mvt"
    answer = client.get(address)
    assert answer.status_code == 200 and answer.content
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert client.get(f"{address}?status=open").headers["etag"] != answer.headers["etag"]
    empty = client.get(f"/tiles/{release.id}/requests/12/0/0.mvt")
    assert (empty.status_code, empty.content) == (200, b"")
    missing = client.get("/tiles/20000101T000000Z-00000000/requests/1/0/0.mvt").json()
    assert release.id in missing["detail"]


def test_tilejson_leads_to_tiles(client: TestClient, release: Release) -> None:
    listed = client.get("/tiles/").json()["tilejson"]
    assert set(listed) == {"requests", "areas-district", "basemap"}
    for address in listed.values():
        document = client.get(address, params={"status": "open"}).json()
        assert document["tilejson"] == "3.0.0" and document["vector_layers"]
        assert document["scheme"] == "xyz" and release.id in document["description"]
        west, south, east, north = document["bounds"]
        long, lat, zoom = document["center"]
        assert -180 <= west < long < east <= 180 and -85 <= south < lat < north <= 85
        assert document["minzoom"] <= zoom <= document["maxzoom"]
        for part in document["vector_layers"]:
            assert part["description"] and set(part["fields"].values()) <= {"String", "Number"} and part["fields"]
        tile = document["tiles"][0].format(z=1, x=0, y=0)
        assert "?status=open" in tile
        assert client.get(tile).status_code == 200


def test_all_that_is_drawn_lies_within_the_bounds_of_a_tilejson(client: TestClient, release: Release) -> None:
    """Clients ask for no tile beyond them."""
    drawn = {
        "requests": "SELECT min(long), min(lat), max(long), max(lat) FROM requests",
        "areas-district": """SELECT min(ST_XMin(geom_4326)), min(ST_YMin(geom_4326)), max(ST_XMax(geom_4326)),
                                    max(ST_YMax(geom_4326)) FROM areas WHERE layer = 'district'""",
    }
    for layer, sql in drawn.items():
        west, south, east, north = client.get(f"/tiles/{release.id}/{layer}.json").json()["bounds"]
        ends = release.query(sql)[0]
        assert west <= ends[0] and south <= ends[1] and east >= ends[2] and north >= ends[3], layer


def test_every_key_of_a_selection_is_described_wherever_it_is_taken(client: TestClient, release: Release) -> None:
    assert set(KEYS_ABOUT) == set(KEYS)
    document = client.get("/api/v1/openapi.json").json()
    taking = [
        "/api/v1/totals",
        "/api/v1/requests",
        "/download/requests.{form}",
        "/feed.atom",
        "/tiles/{release_id}/{layer}.json",
    ]
    for path in [*taking, "/tiles/{release_id}/{layer}/{z}/{x}/{y}.mvt"]:
        parameters = document["paths"][path]["get"]["parameters"]
        told = {p["name"]: p for p in parameters if p["in"] == "query"}
        assert len(told) == sum(p["in"] == "query" for p in parameters)
        assert set(KEYS) <= set(told), path
        for key in KEYS:
            schema = told[key]["schema"]
            assert told[key]["description"] == KEYS_ABOUT[key].text
            kind = next(option for option in schema.get("anyOf", [schema]) if option["type"] != "null")
            assert (kind["type"] == "array") == (key in SEVERAL)
            for example in schema.get("examples", []):
                answer = client.get("/api/v1/totals", params={key: example})
                assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("key", sorted(set(KEYS) - set(SEVERAL)))
def test_a_key_that_is_given_once_is_refused_twice(client: TestClient, key: str) -> None:
    problem = client.get("/api/v1/totals", params=[(key, KEYS_ABOUT[key].examples[0]), (key, "x")]).json()
    assert (problem["status"], problem["key"]) == (400, key)


@pytest.mark.parametrize(
    "path", [*PAGES, "/api/v1/totals", "/tiles/", "/healthz", "/assets/css/1-base.css", "/nope", "/map/frame"]
)
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "object-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=(self)" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    assert "access-control-allow-origin" not in headers or path.startswith(("/api/", "/tiles/", "/download/"))


def test_behind_https_browsers_are_told_to_stay_there(releases_path: Path) -> None:
    app = create_app(PortalSettings(releases=releases_path, public_url="https://data.example.org"))
    client = TestClient(app)
    assert "max-age" in client.get("/healthz").headers["strict-transport-security"]
    assert client.get("/tiles/").json()["tilejson"]["requests"].startswith("https://data.example.org/tiles/")


def test_the_callback_draws_the_page_of_an_address(client: TestClient) -> None:
    answer = client.post("/_dash-update-component", json=CALLBACK)
    assert answer.status_code == 200
    assert "datapackage.json" in answer.text
    assert answer.json()["response"]["page"]["children"]["type"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"[" * 20_000, json.dumps({**CALLBACK, "output": "x.y"}).encode(),
        json.dumps({**CALLBACK, "inputs": [{"id": {"a": 1}, "property": "x", "value": 1}]}).encode(),
        json.dumps({**CALLBACK, "inputs": CALLBACK["inputs"] * 2}).encode(),
        json.dumps({**CALLBACK, "changedPropIds": [{"x": 1}]}).encode(),
        json.dumps({**CALLBACK, "changedPropIds": ["nope"]}).encode(),
        json.dumps({**CALLBACK, "outputs": [1]}).encode(),
    ],
)  # fmt: skip
def test_anything_else_posted_to_the_callback_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/_dash-update-component", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400)
    assert "Traceback" not in answer.text
    plain = client.post("/_dash-update-component", content=body)
    assert plain.status_code == 400


def test_large_bodies_are_turned_away(client: TestClient) -> None:
    for path in ("/_dash-update-component", "/api/v1/totals", "/"):
        assert client.post(path, content=b"x" * 70_000).status_code == 413
    assert client.post("/api/v1/totals", json={}).status_code == 405


def test_first_visit_is_light(client: TestClient) -> None:
    html = client.get("/")
    addresses = [part.split('"')[0] for part in html.text.replace('href="/assets', 'src="/assets').split('src="')[1:]]
    sizes: dict[str, int] = {a: len(gzip.compress(client.get(a).content, 6)) for a in addresses}
    assert len(sizes) > 8
    assert sum(sizes.values()) + len(gzip.compress(html.content)) < 300_000


def test_fingerprinted_assets_are_kept_for_ever(client: TestClient) -> None:
    assert "immutable" in client.get("/assets/css/1-base.css?v=1").headers["cache-control"]
    assert "immutable" not in client.get("/assets/css/1-base.css").headers["cache-control"]


def test_without_a_release_everything_says_so(empty: TestClient) -> None:
    page = empty.get("/")
    assert page.status_code == 503 and "openward etl run" in page.text and page.headers["retry-after"] == "60"
    for path in ("/healthz", "/api/v1/totals", "/tiles/", "/download/requests.csv"):
        answer = empty.get(path)
        assert answer.status_code == 503 and "openward etl run" in answer.json()["detail"]
    drawn = empty.post("/_dash-update-component", json=CALLBACK)
    assert drawn.status_code == 200 and "openward etl run" in drawn.text


def test_a_failure_of_ours_tells_nothing(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("portal.queries.totals", broken)
    answer = client.get("/api/v1/totals")
    assert answer.status_code == 500 and "secret" not in answer.text
    monkeypatch.setattr("portal.site.render", broken)
    drawn = client.post("/_dash-update-component", json=CALLBACK)
    assert drawn.status_code == 500 and "secret" not in drawn.text
    assert drawn.headers["content-security-policy"]


def test_a_new_release_is_served_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.release.CHECK_SECONDS", 0.0)
    first = build_release(tmp_path, rows=200).name
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases"))) as client:
        assert client.get("/healthz").json()["release_id"] == first
        second = build_release(tmp_path, rows=300, seed=5).name
        assert client.get("/healthz").json()["release_id"] == second
        assert client.get("/api/v1/totals").json()["result"]["requests"] == 300
        assert client.get(f"/tiles/{first}/requests/0/0/0.mvt").status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/totals", "/tiles/", "/map/frame", "/assets/css/1-base.css"])
def test_head_is_answered_like_get_without_a_body(client: TestClient, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/_dash-component-suites/x/y.js", "/_dash-component-suites/dash/nope.js"])
def test_a_script_that_dash_does_not_have_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
