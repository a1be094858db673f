"""Whatever is asked, the OpenAPI document tells what is answered: every address in it, by schemathesis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from schemathesis import GenerationMode

from portal.app import create_app
from portal.settings import PortalSettings
from tests.portal.contract import broken

EXAMPLES = 6
ELSEWHERE = {
    "/ogc": "has an OpenAPI document of its own, /ogc/api, which tests/portal/ogc holds against it",
    "/open311": "is described by GeoReport v2 and its discovery document; tests/portal/test_open311.py holds it against these",
    "/resource": "is described by SODA 2.1: what it takes is a language; tests/portal/soda asks with sodapy",
    "/api/views": "likewise",
    "/api/catalog": "likewise",
    "/api/3/action": "is described by CKAN's documentation, and by help_show; tests/portal/ckan asks with ckanapi",
    "/api/action": "likewise",
    "/mcp": "describes itself to its clients; it is off here",
    "/data.json": "a document of DCAT, held against its schemas by tests/portal/test_catalogue.py",
    "/dcat-us-3.jsonld": "likewise",
    "/datapackage.json": "likewise, by frictionless",
    "/sitemap": "for crawlers",
    "/robots.txt": "for crawlers",
    "/healthz": "for whoever runs the portal",
    "/embed": "a page",
    "/map": "a page, or a picture of one",
    "/charts": "a picture of a page",
    "/areas": "a page as PDF",
    "/departments": "a page as PDF",
    "/api/v1/openapi.json": "the document itself",
}
"""Public addresses that the document does not tell of, and why."""


@pytest.fixture(scope="module")
def app(releases_path: Path) -> FastAPI:
    return create_app(PortalSettings(releases=releases_path))


@pytest.fixture(scope="module")
def address(serve: Callable[[Any], str], app: FastAPI) -> str:
    """Base URL of the portal over the small release."""
    return serve(app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_declared(address: str, mode: GenerationMode) -> None:
    """Each address, asked for what the document allows and for what it does not: none fails, all are told of there."""
    wrong = broken(f"{address}/api/v1/openapi.json", mode, EXAMPLES)
    assert not wrong, "\n\n".join(wrong)


def test_what_is_not_in_the_document_is_told_elsewhere(app: FastAPI) -> None:
    told = set(app.openapi()["paths"])
    left = set()
    for route in app.router.routes:
        inner = getattr(route, "original_router", None)
        for each in inner.routes if inner else [route]:
            path = str(getattr(each, "path", "")).replace(":path}", "}")
            if path.strip("/") and not path.startswith(("/_", "/assets", "/{", "{")) and path not in told:
                left.add(path)
    assert {path for path in left if not path.startswith(tuple(ELSEWHERE))} == set()
    assert {start for start in ELSEWHERE if not any(path.startswith(start) for path in left)} == set(), "not there"
