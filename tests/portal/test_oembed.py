"""oEmbed 1.0: what a consumer asks for views of the map and for charts, and what it must not be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.settings import PortalSettings

BASE = "https://data.example.org"
SHOWN = (
    "/map",
    "/map?service=pothole&figure=median&layer=district",
    "/map?near=42.35,-71.1,800",
    "/embed/map?status=open&layer=district",
    "/trends?department=parks",
    "/",
    "/?lang=es#monthly",
    "/embed/charts/monthly?page=%2F",
    "/charts/monthly.svg?page=%2Ftrends",
)


@pytest.fixture(scope="module")
def portal(releases_path: Path) -> Iterator[TestClient]:
    settings = PortalSettings(releases=releases_path, public_url=BASE)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def asked(portal: TestClient, path: str, **more: Any) -> Any:
    return portal.get("/oembed", params={"url": path if "//" in path else BASE + path, **more})


@pytest.mark.parametrize("path", SHOWN)
def test_an_address_is_answered_with_a_frame_that_is_there(portal: TestClient, path: str) -> None:
    answer = asked(portal, path, format="json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    told = answer.json()
    assert told["version"] == "1.0" and told["type"] == "rich" and told["provider_url"].startswith(BASE)
    assert told["title"] and isinstance(told["width"], int) and isinstance(told["height"], int)
    source = unescape(re.findall(r'<iframe src="([^"]+)"', told["html"])[0])
    assert source.startswith(f"{BASE}/embed/")
    framed = portal.get(source.removeprefix(BASE))
    assert framed.status_code == 200 and "frame-ancestors *" in framed.headers["content-security-policy"]
    assert f'width="{told["width"]}" height="{told["height"]}"' in told["html"]


@pytest.mark.parametrize("path", SHOWN)
def test_xml_says_the_same(portal: TestClient, path: str) -> None:
    answer = asked(portal, path, format="xml")
    assert answer.headers["content-type"].startswith("text/xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == "oembed"
    assert {node.tag: node.text for node in root} == {k: str(v) for k, v in asked(portal, path).json().items()}


@pytest.mark.parametrize("path", SHOWN)
def test_it_is_no_larger_than_there_is_room_for(portal: TestClient, path: str) -> None:
    small = asked(portal, path, maxwidth=300, maxheight=200).json()
    assert (small["width"], small["height"]) == (300, 200)
    wide = asked(portal, path, maxwidth=5000, maxheight=5000).json()
    assert wide == asked(portal, path).json()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/map", f"{BASE}.evil.example/map", "https://data.example.org@evil.example/map",
        "//data.example.org/map", "javascript:alert(1)", f"{BASE}//evil.example/", f"{BASE}/no-such-page", f"{BASE}/data",
        f"{BASE}/map?service=no-such", f"{BASE}/map?figure=x", f"{BASE}/trends#no-such-chart", f"{BASE}/places?q=1+Main",
        f"{BASE}/api/v1/totals", f"{BASE}/embed/charts/monthly?page=//evil", f"{BASE}/ma p", "x",
    ],
)  # fmt: skip
def test_what_is_not_ours_or_not_there_is_not_found(portal: TestClient, url: str) -> None:
    answer = portal.get("/oembed", params={"url": url})
    assert answer.status_code == 404 and "<iframe" not in answer.text


def test_other_formats_are_not_implemented(portal: TestClient) -> None:
    assert asked(portal, "/map", format="yaml").status_code == 501
    assert portal.get("/oembed").status_code == 400
    for wrong in ({"maxwidth": "0"}, {"maxheight": "-3"}, {"maxwidth": "wide"}):
        assert asked(portal, "/map", **wrong).status_code == 400


@pytest.mark.parametrize("path", ["/map?service=%3Dheating&lang=es", "/trends?department=parks", "/"])
def test_pages_tell_where_to_ask(portal: TestClient, path: str) -> None:
    head = portal.get(path).text.split("</head>")[0]
    found = dict(re.findall(r'<link rel="alternate" type="([^"]+\+oembed)" href="([^"]+)">', head))
    assert set(found) == {"application/json+oembed", "text/xml+oembed"}
    for href in map(unescape, found.values()):
        assert parse_qs(urlsplit(href).query)["url"] == [BASE + path]
        assert portal.get(href.removeprefix(BASE)).status_code == 200


def test_pages_without_such_a_thing_tell_nothing(portal: TestClient) -> None:
    for path in ("/data", "/map?service=no-such", "/no-such-page", f"/places?q={quote('1 Main St')}"):
        assert "+oembed" not in portal.get(path).text.split("</head>")[0], path
