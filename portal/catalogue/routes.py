"""Addresses by which catalogues and search engines find what there is."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter

from portal.answered import answered
from portal.catalogue import csvw, dcat, sitemap
from portal.catalogue.package import absolute
from portal.context import Current, base_of
from portal.problems import MEDIA_TYPE, Problem
from portal.tables import table as table_of

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(tags=["downloads"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

OPEN: Final = {"Access-Control-Allow-Origin": "*"}


@router.get("/data.json", include_in_schema=False)
def data_json(request: Request, now: Current) -> Response:
    """The catalogue as DCAT-US 1.1 (Project Open Data)."""
    return _json(request, now, dcat.data_json(now, base_of(request)), "application/json")


@router.get("/dcat-us-3.jsonld", include_in_schema=False)
def dcat_us_3(request: Request, now: Current) -> Response:
    """The catalogue as DCAT-US 3.0, JSON-LD."""
    return _json(request, now, dcat.dcat_us_3(now, base_of(request)), "application/ld+json")


@router.get("/datapackage.json", include_in_schema=False)
def datapackage(request: Request, now: Current) -> Response:
    """The current release as a Frictionless data package whose files have absolute addresses."""
    return _json(request, now, absolute(now, base_of(request)), "application/json")


@router.head("/download/{table}.csv-metadata.json", include_in_schema=False)
@router.get("/download/{table}.csv-metadata.json", response_class=Response)
def csv_metadata(request: Request, table: Annotated[str, PathParameter(max_length=60)], now: Current) -> Response:
    """What the columns of a CSV file mean (CSV on the Web); with a filter, of the file with that filter."""
    found = table_of(now, table)
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{base_of(request)}/download/{found.name}.csv{query}"
    return _json(request, now, csvw.metadata(now, found, url), csvw.MEDIA_TYPE)


@router.get("/sitemap.xml", include_in_schema=False)
def site_map(request: Request, now: Current) -> Response:
    """The addresses of all pages, or an index of them."""
    return answered(request, now, sitemap.sitemap(now, base_of(request)), "application/xml", {})


@router.get("/sitemap-{number}.xml", include_in_schema=False)
def site_map_part(request: Request, number: Annotated[int, PathParameter(ge=1, le=10_000)], now: Current) -> Response:
    """A part of a long sitemap."""
    return answered(request, now, sitemap.part(now, base_of(request), number), "application/xml", {})


@router.get("/robots.txt", include_in_schema=False)
def robots(request: Request) -> Response:
    """What crawlers may ask for; no release is needed."""
    return Response(
        sitemap.robots(base_of(request)), media_type="text/plain", headers={"Cache-Control": "public, max-age=3600"}
    )


def _json(request: Request, now: Current, document: dict[str, Any], media_type: str) -> Response:
    return answered(request, now, json.dumps(document, ensure_ascii=False, indent=1), media_type, OPEN)
