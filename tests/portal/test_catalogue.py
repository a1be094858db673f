"""What catalogues and search engines are told: of the official shape, and true: every file is there, and is what is said."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import frictionless
import jsonschema
import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.catalogue import csvw, sitemap
from portal.release import Release
from portal.selection import NOT_STATED
from portal.settings import PortalSettings
from portal.tables import table, tables
from tests.portal.catalogue_schemas import CATALOG_1, CATALOG_3, URI
from tests.release_factory import build_release

BASE = "https://data.example.org"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def valid(document: Any, schema: dict[str, Any]) -> None:
    jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())


def got(portal: TestClient, path: str, media_type: str) -> Any:
    answer = portal.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"
    assert portal.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    return answer.json()


def path_of(url: str) -> str:
    assert url.startswith(f"{BASE}/")
    return url.removeprefix(BASE)


# --- DCAT-US ----------------------------------------------------------------------------------


def test_the_catalogue_is_dcat_us_1(portal: TestClient, release: Release) -> None:
    document = got(portal, "/data.json", "application/json")
    valid(document, CATALOG_1)
    told = {of["identifier"].partition("#")[2]: of for of in document["dataset"]}
    assert set(told) == {f"testville-{resource.name}" for resource in release.package.resources}
    requests = told["testville-requests"]
    first, last = release.query("SELECT min(requested_date), max(requested_date) FROM requests")[0]
    assert requests["temporal"] == f"{first}/{last}"
    assert requests["description"].startswith("SYNTHETIC")
    formats = {key: {file["format"] for file in of["distribution"]} for key, of in told.items()}
    assert formats["testville-requests"] >= {"Parquet", "CSV", "GeoJSON", "GeoPackage", "Excel", "Shapefile"}
    assert formats["testville-services"] >= {"Parquet", "CSV", "Excel"}
    assert not formats["testville-services"] & {"GeoJSON", "Shapefile"}, "it has no geometry"


def test_the_catalogue_is_dcat_us_3(portal: TestClient, release: Release) -> None:
    document = got(portal, "/dcat-us-3.jsonld", "application/ld+json")
    valid(document, CATALOG_3)
    terms = document.pop("@context")

    def used(node: Any) -> set[str]:
        if isinstance(node, dict):
            kinds = {node["@type"]} if "@type" in node else set()
            return {key for key in node if not key.startswith("@")} | kinds | set().union(*map(used, node.values()))
        return set().union(*map(used, node)) if isinstance(node, list) else set()

    assert used(document) <= set(terms), "every term is defined, or it would be no linked data"
    assert [of["identifier"]["notation"] for of in document["dataset"]] == [
        f"testville-{resource.name}" for resource in release.package.resources
    ]


LEADS = ("landingPage", "accessURL", "describedBy", "endpointDescription")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document but its context."""
    if isinstance(node, list):
        for item in node:
            yield from objects(item)
    elif isinstance(node, dict):
        yield node
        yield from objects([value for key, value in node.items() if key != "@context"])


@pytest.mark.parametrize("path", ["/data.json", "/dcat-us-3.jsonld"])
def test_every_address_in_it_leads_to_what_is_said(portal: TestClient, path: str) -> None:
    found = list(objects(portal.get(path).json()))
    told = [node[key] for node in found for key in LEADS if key in node]
    urls = {url for value in told for url in (value if isinstance(value, list) else [value]) if isinstance(url, str)}
    urls.discard("https://project-open-data.cio.gov/v1.1/schema/catalog.json")
    assert len(urls) >= 4
    for url in urls:
        assert portal.get(path_of(url)).status_code == 200, url
    files = [node for node in found if "downloadURL" in node]
    assert len(files) > 12
    for file in files:
        answer = portal.request("GET" if "checksum" in file else "HEAD", path_of(file["downloadURL"]))
        assert answer.status_code == 200, file
        assert answer.headers["content-type"].split(";")[0] == file["mediaType"]
        if "byteSize" in file:
            assert len(answer.content) == int(file["byteSize"])
        if "checksum" in file:
            assert hashlib.sha256(answer.content).hexdigest() == file["checksum"]["checksumValue"]


def test_the_checks_of_a_catalogue_can_fail(portal: TestClient) -> None:
    for path, schema, spoilt in (
        ("/data.json", CATALOG_1, ("accessLevel", "modified", "contactPoint", "keyword")),
        ("/dcat-us-3.jsonld", CATALOG_3, ("publisher", "contactPoint", "identifier")),
    ):
        document = portal.get(path).json()
        for member in spoilt:
            for value in (None, "somewhat"):
                worse = copy.deepcopy(document)
                worse["dataset"][0][member] = value
                with pytest.raises(jsonschema.ValidationError):
                    valid(worse, schema)


@pytest.mark.parametrize("contact", ["", "https://city.example/contact", "data team", "a@b"])
def test_a_city_without_an_address_for_mail_has_a_valid_catalogue_that_invents_none(
    tmp_path: Path, contact: str
) -> None:
    folder = build_release(tmp_path, rows=200)
    path = folder / "datapackage.json"
    package = json.loads(path.read_text())
    package["openward"]["city"] |= {"contact": contact, "license": {}}
    path.write_text(json.dumps(package))
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases", public_url=BASE))) as portal:
        one, three = portal.get("/data.json").json(), portal.get("/dcat-us-3.jsonld").json()
    valid(one, CATALOG_1)
    valid(three, CATALOG_3)
    assert one["dataset"][0]["contactPoint"]["hasEmail"] == "mailto:"
    assert "license" not in one["dataset"][0]
    assert three["contactPoint"] == []


# --- the data package -------------------------------------------------------------------------


def test_the_data_package_can_be_read_from_its_own_address(portal: TestClient, release: Release) -> None:
    document = got(portal, "/datapackage.json", "application/json")
    assert not list(frictionless.Package.metadata_validate(document))
    kept = json.loads((release.folder / "datapackage.json").read_text())
    assert [r["name"] for r in document["resources"]] == [r["name"] for r in kept["resources"]]
    for now, then in zip(document["resources"], kept["resources"], strict=True):
        assert {k: v for k, v in now.items() if k != "path"} == {k: v for k, v in then.items() if k != "path"}
        answer = portal.get(path_of(now["path"]))
        assert "sha256:" + hashlib.sha256(answer.content).hexdigest() == now["hash"]


# --- CSV on the Web ---------------------------------------------------------------------------

CSVW = {
    "type": "object",
    "required": ["@context", "url", "tableSchema"],
    "properties": {
        "@context": {"type": "array", "prefixItems": [{"const": "http://www.w3.org/ns/csvw"}, {"type": "object"}]},
        "url": URI,
        "dialect": {
            "type": "object",
            "propertyNames": {
                "enum": ["encoding", "lineTerminators", "delimiter", "quoteChar", "doubleQuote", "header"]
            },
        },
        "tableSchema": {
            "type": "object",
            "required": ["columns"],
            "propertyNames": {"enum": ["columns", "primaryKey"]},
            "properties": {
                "columns": {
                    "type": "array",
                    "items": {
                        "required": ["name", "titles", "datatype"],
                        "propertyNames": {"pattern": "^(name|titles|datatype|required|(dc|schema|rdfs):[A-Za-z]+)$"},
                        "properties": {
                            "name": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
                            "required": {"type": "boolean"},
                            "datatype": {
                                "anyOf": [
                                    {"enum": ["string", "number", "integer", "boolean", "date", "dateTime"]},
                                    {"type": "object", "required": ["base", "format"]},
                                ]
                            },
                        },
                    },
                },
                "primaryKey": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
    "propertyNames": {"pattern": "^(@context|url|dialect|tableSchema|(dc|schema|rdfs):[A-Za-z]+)$"},
}
"""The Metadata Vocabulary for Tabular Data: its own properties, and others as prefixed names."""

PARSED: dict[str, Callable[[str], bool]] = {
    "string": lambda _text: True,
    "number": lambda text: float(text) == float(text),
    "integer": lambda text: int(text) == int(text),
    "boolean": lambda text: text in ("true", "false", "1", "0"),
    "date": lambda text: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)),
    "dateTime": lambda text: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)),
}


@pytest.mark.parametrize("query", ["", "?service=pothole&status=closed"])
def test_the_columns_of_the_csv_file_are_what_its_metadata_says(portal: TestClient, query: str) -> None:
    document = got(portal, f"/download/requests.csv-metadata.json{query}", "application/csvm+json")
    valid(document, CSVW)
    answer = portal.get(path_of(document["url"]))
    assert document["url"] == f"{BASE}/download/requests.csv{query}"
    assert (
        f'</download/requests.csv-metadata.json{query}>; rel="describedby"; type="application/csvm+json"'
        in answer.headers["link"]
    )
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    columns = document["tableSchema"]["columns"]
    assert rows[0] == [column["titles"] for column in columns]
    assert len(rows) > 50
    assert "\r\n" in answer.text
    for column, values in zip(columns, zip(*rows[1:], strict=True), strict=True):
        kind = column["datatype"]
        for value in values:
            if not value:
                assert not column.get("required")
            elif isinstance(kind, dict):
                assert re.fullmatch(kind["format"], value), column
            else:
                assert PARSED[kind](value), (column, value)
    key = [rows[0].index(name) for name in document["tableSchema"]["primaryKey"]]
    assert len({tuple(row[i] for i in key) for row in rows[1:]}) == len(rows) - 1


def test_every_table_has_valid_metadata(portal: TestClient, release: Release) -> None:
    for name in tables(release):
        valid(csvw.metadata(release, table(release, name), f"{BASE}/x.csv"), CSVW)
        metadata = portal.get(f"/download/{name}.csv-metadata.json").json()
        header = portal.get(path_of(metadata["url"])).text.partition("\r\n")[0]
        assert header.split(",") == [column["titles"] for column in metadata["tableSchema"]["columns"]]
    answer = portal.get("/download/nothing.csv-metadata.json")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


# --- schema.org -------------------------------------------------------------------------------


def in_head(portal: TestClient, path: str) -> Any:
    head = portal.get(path).text.partition("</head>")[0]
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', head, re.DOTALL)
    return json.loads(text)


def test_a_page_of_a_table_is_a_dataset_in_schema_orgs_words(portal: TestClient, release: Release) -> None:
    """What Google's documentation of Dataset requires and recommends."""
    for name, of in tables(release).items():
        about = in_head(portal, f"/data/{name}")
        assert (about["@context"], about["@type"]) == ("https://schema.org/", "Dataset")
        assert about["url"] == f"{BASE}/data/{name}"
        assert 50 <= len(about["description"]) <= 5000
        assert about["name"] and about["creator"]["name"] == "Testville"
        assert about["license"].startswith("https://")
        assert [field["name"] for field in about["variableMeasured"]] == [
            field.name
            for field in release.package.resource(name).table.fields  # type: ignore[union-attr]
        ]
        assert {of.name for of in of.schema} <= {field["name"] for field in about["variableMeasured"]}
        for file in about["distribution"]:
            assert portal.head(path_of(file["contentUrl"])).status_code == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d{4}-\d\d-\d\d", in_head(portal, "/data/requests")["temporalCoverage"])


def test_the_page_of_all_data_is_a_catalogue_of_them(portal: TestClient, release: Release) -> None:
    about = in_head(portal, "/data")
    assert about["@type"] == "DataCatalog"
    assert len(about["dataset"]) == len(release.package.resources)
    assert len({of["@id"] for of in about["dataset"]}) == len(about["dataset"])
    for of in about["dataset"]:
        if of["url"] != f"{BASE}/data":
            assert {k: in_head(portal, path_of(of["url"]))[k] for k in of} == of
    assert "application/ld+json" not in portal.get("/trends").text


def test_no_name_can_end_the_script(tmp_path: Path) -> None:
    folder = build_release(tmp_path, rows=200)
    path = folder / "datapackage.json"
    package = json.loads(path.read_text())
    package["title"] = "</script><script>alert(1)</script><!-- & \u2028"
    path.write_text(json.dumps(package))
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases", public_url=BASE))) as portal:
        assert in_head(portal, "/data")["name"] == package["title"]
        assert "alert(1)</script>" not in portal.get("/data").text


# --- sitemap and robots -----------------------------------------------------------------------


def test_the_sitemap_names_pages_that_are_there(portal: TestClient, release: Release) -> None:
    answer = portal.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == f"{SITEMAP}urlset"
    paths = [path_of(node.findtext(f"{SITEMAP}loc") or "") for node in root]
    assert len(set(paths)) == len(paths)
    assert {"/", "/data", "/data/requests", "/areas/district/1", "/departments/parks", "/standards"} <= set(paths)
    assert "/equity" not in paths, "this city supplies no demographics"
    for path in paths:
        assert portal.get(path).status_code == 200, path
    areas = [code for code in release.allowed("ward") if code != NOT_STATED]
    assert len([path for path in paths if path.startswith("/areas/ward/")]) == len(areas)
    assert len(answer.content) < 1_000_000


def test_a_long_sitemap_is_an_index_of_parts(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sitemap.paths(release)
    monkeypatch.setattr(sitemap, "MOST", 7)
    index = ET.fromstring(sitemap.sitemap(release, BASE))  # noqa: S314 - our own
    assert index.tag == f"{SITEMAP}sitemapindex"
    names = [node.findtext(f"{SITEMAP}loc") or "" for node in index]
    assert names == [f"{BASE}/sitemap-{n}.xml" for n in range(1, -(-len(whole) // 7) + 1)]
    found: list[str] = []
    for n in range(1, len(names) + 1):
        part = ET.fromstring(sitemap.part(release, BASE, n))  # noqa: S314 - our own
        assert 1 <= len(part) <= 7
        found += [path_of(node.findtext(f"{SITEMAP}loc") or "") for node in part]
    assert found == whole


def test_a_part_that_is_not_there_is_a_problem(portal: TestClient) -> None:
    assert portal.get("/sitemap-1.xml").status_code == 200
    for path in ("/sitemap-2.xml", "/sitemap-0.xml", "/sitemap-x.xml", "/sitemap-99999999999.xml"):
        answer = portal.get(path)
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/problem+json"


def test_robots_are_told_the_sitemap_and_kept_from_what_has_no_end(portal: TestClient, tmp_path: Path) -> None:
    from urllib.robotparser import RobotFileParser

    answer = portal.get("/robots.txt")
    rules = RobotFileParser()
    rules.parse(answer.text.splitlines())
    assert rules.site_maps() == [f"{BASE}/sitemap.xml"]
    for node in ET.fromstring(portal.get("/sitemap.xml").content):  # noqa: S314 - our own
        assert rules.can_fetch("Any", node.findtext(f"{SITEMAP}loc") or "")
    for path in ("/tiles/x", "/api/v1/totals", "/download/requests.csv", "/map/list?page=9"):
        assert not rules.can_fetch("Any", BASE + path)
    for path in ("/data.json", "/datapackage.json", "/assets/css/1-base.css", "/feed.atom", "/open311/discovery.xml"):
        assert rules.can_fetch("Any", BASE + path)
    with TestClient(create_app(PortalSettings(releases=tmp_path)), raise_server_exceptions=False) as empty:
        assert empty.get("/robots.txt").status_code == 200
        assert empty.get("/data.json").status_code == 503


def test_addresses_are_those_that_visitors_see(releases_path: Path) -> None:
    with TestClient(create_app(PortalSettings(releases=releases_path)), base_url="http://other.example:81") as portal:
        for path in ("/data.json", "/dcat-us-3.jsonld", "/datapackage.json", "/sitemap.xml", "/robots.txt"):
            text = portal.get(path).text
            assert "http://other.example:81/" in text
            assert urlsplit(BASE).netloc not in text
