"""What asks for nothing there is, or for too much, is refused in a clear line at every door, in the shape of that door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI

from portal import bench_hostile
from portal.app import create_app
from portal.hostile import Attack, attacks, release_of, wrong
from portal.settings import PortalSettings

DOORS = sorted({attack.door for attack in attacks("")})
TAKE_NOTHING = {
    "/healthz", "/robots.txt", "/data.json", "/dcat-us-3.jsonld", "/datapackage.json", "/sitemap.xml", "/tiles/",
    "/api/v1/openapi.json", "/api/v1/release", "/api/v1/releases", "/api/v1/status", "/api/v1/tables", "/api/v1/chain.jsonl",
    "/api/v1/equity", "/map/frame", "/mcp", "/api/v1/quality", "/api/v1/located", "/api/v1/response", "/api/v1/backlog", "/api/v1/files",
    "/ogc", "/ogc/", "/ogc/conformance", "/ogc/api", "/ogc/collections", "/ogc/tileMatrixSets", "/api/views", "/api/views.json",
    "/open311/discovery.{form}", "/open311/v2/discovery.{form}", "/open311/v2/services.{form}",
}  # fmt: skip
"""Doors without parameters, `/mcp` (off here; it has tests of its own), and those that take a selection as
`/api/v1/totals` does, by the same line of code."""


@pytest.fixture(scope="module")
def app(releases_path: Path) -> FastAPI:
    return create_app(PortalSettings(releases=releases_path))


@pytest.fixture(scope="module")
def address(serve: Callable[[Any], str], app: FastAPI) -> str:
    """Base URL of the portal over the small release."""
    return serve(app)


@pytest.mark.parametrize("door", DOORS)
def test_a_door_refuses_what_it_cannot_answer(address: str, door: str) -> None:
    found = []
    for attack in attacks(release_of(address)):
        if attack.door == door:
            answer = bench_hostile.ask(address, attack)
            found += [f"{attack.what}: {why}"] if (why := wrong(attack, *answer[:3])) else []
    assert found == []


def test_no_door_is_left_out(app: FastAPI) -> None:
    asked = [unquote(attack.target.split("?")[0]) for attack in attacks("r")]
    routes = [
        route for route in _routes(app) if "{path" not in route.path and not route.path.startswith(("/_", "/assets"))
    ]
    left = {route.path for route in routes if not any(route.path_regex.match(path) for path in asked)}
    assert left <= TAKE_NOTHING
    assert len(routes) > 60


def _routes(app: FastAPI) -> Iterator[Any]:
    for route in app.router.routes:
        inner = getattr(route, "original_router", None)
        yield from (inner.routes if inner else [route] if hasattr(route, "path_regex") else [])


@pytest.mark.parametrize(
    ("status", "media_type", "body", "why"),
    [
        (200, "application/json", b"[]", "200"),
        (500, "application/problem+json", b"{}", "500"),
        (400, "text/html", b"<h1>", "not in the shape"),
        (400, "application/problem+json", b'{"status": 400, "detail": "two\\nlines"}', "not one clear line"),
        (400, "application/problem+json", b'{"status": 400, "detail": "near line 3 of x.py"}', "tells"),
        (400, "application/problem+json", b'{"status": 404, "detail": "another status"}', "not in the shape"),
        (400, "application/problem+json", b'{"status": 400, "detail": "The filter cannot be read."}', ""),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(status: int, media_type: str, body: bytes, why: str) -> None:
    told = wrong(Attack("/cite", "problem", "", "/cite"), status, media_type, body)
    assert told == "" if not why else why in told


def test_the_measurement_tells_what_is_slow_and_what_is_wrong(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [
        Attack("/cite", "problem", "refused", "/cite?format=exe"),
        Attack("/cite", "problem", "answered", "/cite"),
        Attack("/open311", "open311", "refused", "/open311/v2/requests.xml?page=0"),
    ]
    monkeypatch.setattr(bench_hostile, "attacks", lambda release: given)
    said: list[str] = []
    [wrong_] = bench_hostile.bench(address, 2, said.append)
    assert wrong_.startswith("/cite: answered: 200")
    assert [line.split()[:2] for line in said[2:4]] == [["/cite", "2"], ["/open311", "1"]]
    assert "not refused as they should be: 1" in said[-1]
