"""Real clients read the collections over HTTP: GDAL (driver OAPIF) and OWSLib."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import shapely
from owslib.ogcapi.features import Features

from portal.app import create_app
from portal.release import Release
from portal.settings import PortalSettings
from tests.portal.ogc.conftest import names

Items = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """What the portal was asked for, in order: paths with their queries."""
    return []


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], city_path: Path, asked: list[str]) -> str:
    """The address of a portal that notes what it is asked for."""
    app = create_app(PortalSettings(releases=city_path))

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(f"{scope['path']}?{unquote(scope['query_string'].decode())}")
        await app(scope, receive, send)

    return serve(noting)


def gdal(site: str, path: str = "/collections/requests", **options: Any) -> dict[str, Any]:
    """What GDAL reads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.portal.ogc.gdal_reads", f"OAPIF:{site}/ogc{path}", json.dumps(options)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def of(found: dict[str, Any], name: str) -> list[Any]:
    at = found["columns"].index(name)
    return [row[at] for row in found["rows"]]


def test_gdal_reads_all_features(site: str, city: Release, items: Items) -> None:
    """Over several pages, each with its fields and its place."""
    found = gdal(site)
    told = items("requests", limit=10_000)["features"]
    assert len(found["rows"]) == city.rows
    assert of(found, "id") == [one["id"] for one in told]
    for name in ("service_name", "status", "address", "ward"):
        assert of(found, name) == [one["properties"][name] for one in told]
    hours = [one["properties"]["response_hours"] for one in told]
    assert [None if value is None else float(value) for value in of(found, "response_hours")] == pytest.approx(
        hours, nan_ok=True
    )
    for wkt, one in zip(of(found, "geometry"), told, strict=True):
        assert (wkt is None) == (one["geometry"] is None)
        if wkt:
            assert list(shapely.from_wkt(wkt).coords[0]) == pytest.approx(one["geometry"]["coordinates"], abs=1e-9)


def test_gdal_reads_a_box_and_a_filter(site: str, asked: list[str], items: Items) -> None:
    box = [-71.12, 42.33, -71.05, 42.37]
    found = gdal(site, bbox=box)
    assert (
        of(found, "id") == names(items("requests", bbox=",".join(map(str, box)), limit=10_000))
        and len(found["rows"]) > 50
    )
    assert [query for query in asked if "bbox=-71.12" in query]
    found = gdal(site, where="status = 'open' AND service_code = 'tree'")
    assert (
        of(found, "id") == names(items("requests", status="open", service_code="tree", limit=10_000)) and found["rows"]
    )
    assert [
        query for query in asked if "status=open" in query and "service_code=tree" in query
    ]  # the server chose them
    found = gdal(site, bbox=box, where="response_hours > 100")
    both = items("requests", bbox=",".join(map(str, box)), filter="response_hours > 100", limit=10_000)
    assert of(found, "id") == names(both) and both["numberMatched"] > 10


def test_gdal_reads_every_collection_from_the_landing_page(site: str, items: Items) -> None:
    for layer in ("requests", "incidents", "areas-district"):
        found = gdal(site, path="", layer=layer)
        assert of(found, "id") == names(items(layer, limit=10_000))
    assert {shapely.from_wkt(wkt).geom_type for wkt in of(found, "geometry")} == {"Polygon"}


def test_gdal_reads_another_system(site: str, asked: list[str]) -> None:
    """It asks for the city's own system where it is told to."""
    found = gdal(site, path="/collections/areas-district", CRS="EPSG:26986")
    assert "26986" in found["crs"]
    x, y = shapely.from_wkt(of(found, "geometry")[0]).exterior.coords[0]
    assert [query for query in asked if "crs=http://www.opengis.net/def/crs/EPSG/0/26986" in query]
    assert 200_000 < x < 260_000 and 890_000 < y < 920_000


def test_owslib_reads_features(site: str, items: Items) -> None:
    client = Features(f"{site}/ogc")
    assert client.feature_collections() == ["requests", "incidents", "areas-district"]
    assert client.conformance()["conformsTo"] and client.api()["openapi"].startswith("3.0")
    assert client.collection("requests")["id"] == "requests"
    assert "status" in client.collection_queryables("requests")["properties"]
    found = client.collection_items(
        "requests", bbox=[-71.12, 42.33, -71.05, 42.37], limit=20, datetime_="2023-01-01/.."
    )
    assert names(found) == names(
        items("requests", bbox="-71.12,42.33,-71.05,42.37", limit=20, datetime="2023-01-01/..")
    )
    filtered = client.collection_items("requests", filter="response_hours > 100", sortby=("response_hours", "desc"))
    hours = [one["properties"]["response_hours"] for one in filtered["features"]]
    assert hours == sorted(hours, reverse=True) and hours[0] > 100
    one = client.collection_item("requests", names(found)[0])
    assert one["id"] == names(found)[0]
