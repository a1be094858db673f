"""The map for a page of someone else: who may frame it, what it says of itself, and that it keeps nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.app import create_app
from portal.release import Release
from portal.selection import Selection
from portal.settings import PortalSettings
from portal.text import number

OTHERS = (
    "/map",
    "/map/frame",
    "/map/print?layer=district",
    "/map/standalone.html",
    "/map/standalone.svg",
    "/",
    "/feed.atom",
    "/oembed",
)


@pytest.fixture(scope="module")
def portal(releases_path: Path) -> Iterator[TestClient]:
    settings = PortalSettings(releases=releases_path, public_url="https://data.example.org")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_only_what_is_embedded_may_be_framed_by_others(portal: TestClient) -> None:
    policy = portal.get("/embed/map?layer=district").headers["content-security-policy"]
    assert "frame-ancestors *" in policy and "unsafe" not in policy and "default-src 'self'" in policy
    for path in OTHERS:
        assert "frame-ancestors 'self'" in portal.get(path).headers["content-security-policy"], path


@pytest.mark.parametrize("query", ["", "service=pothole&figure=median", "near=42.35,-71.1,800", "service=%3Dheating"])
def test_it_says_what_it_shows_and_where_it_is_from(portal: TestClient, release: Release, query: str) -> None:
    answer = portal.get(f"/embed/map?layer=district&{query}")
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    selection = Selection.from_query(query, release)
    header, footer = (re.findall(rf"<{tag}.*?</{tag}>", answer.text, re.DOTALL)[0] for tag in ("header", "footer"))
    assert number(queries.totals(release, selection).requests) in header
    assert selection.sentence(release) in unescape(header) and "<b>" not in header
    assert release.city.license.title in footer and "June 20, 2025" in footer
    (live,) = re.findall(r'href="(https://data\.example\.org/map[^"]*)" target="_blank"', footer)
    assert Selection.from_query(unescape(live).partition("?")[2], release) == selection
    still = re.findall(r'<noscript>.*?src="([^"]+)"', answer.text, re.DOTALL)[0]
    assert portal.get(unescape(still)).status_code == 200


def test_without_a_layer_it_is_led_to_the_one_that_it_tells_of(portal: TestClient) -> None:
    answer = portal.get("/embed/map?status=open&lang=es", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "/embed/map?status=open&figure=requests&layer=district&lang=es"


def test_on_paper_it_is_light_says_what_it_shows_and_where_the_live_map_is(
    portal: TestClient, release: Release
) -> None:
    answer = portal.get("/map/print?layer=district&figure=median&age=7-&lang=es")
    assert answer.status_code == 200 and 'data-theme="light"' in answer.text and "theme.js" not in answer.text
    selection = Selection.from_query("age=7-", release)
    assert (
        number(queries.totals(release, selection).requests)
        in re.findall(r"<header.*?</header>", answer.text, re.DOTALL)[0]
    )
    footer = unescape(re.findall(r"<footer.*?</footer>", answer.text, re.DOTALL)[0])
    assert "https://data.example.org/map?age=7-&figure=median&layer=district&lang=es" in footer
    answer = portal.get("/map/print?age=7-", follow_redirects=False)
    assert answer.headers["location"] == "/map/print?age=7-&figure=requests&layer=district"


def test_nonsense_is_refused(portal: TestClient) -> None:
    for query in ("figure=no-such", "layer=ward", "at=1", "service=no-such", "within=x"):
        assert portal.get(f"/embed/map?{query}").status_code == 400, query
