"""A served portal of a small city with incidents, and what asks it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.app import create_app
from portal.release import Release, Releases
from portal.settings import PortalSettings
from tests.release_factory import build_release

SYSTEMS = "http://www.opengis.net/def/crs/"
CRS84 = f"{SYSTEMS}OGC/1.3/CRS84"
LATLONG = f"{SYSTEMS}EPSG/0/4326"
MERCATOR = f"{SYSTEMS}EPSG/0/3857"
CITY = f"{SYSTEMS}EPSG/0/26986"
ALL_SYSTEMS = {CRS84: "OGC:CRS84", LATLONG: "EPSG:4326", MERCATOR: "EPSG:3857", CITY: "EPSG:26986"}


@pytest.fixture(scope="session")
def city_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of releases of a city that has incidents."""
    root = tmp_path_factory.mktemp("ogc")
    build_release(root, rows=3000, incidents=True)
    return root / "releases"


@pytest.fixture(scope="session")
def city(city_path: Path) -> Iterator[Release]:
    """That release, open."""
    releases = Releases(city_path, PortalSettings(releases=city_path))
    yield releases.current()
    releases.close()


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], city_path: Path) -> str:
    """The address of the served portal."""
    return serve(create_app(PortalSettings(releases=city_path)))


@pytest.fixture(scope="module")
def ask(site: str) -> Iterator[Callable[..., httpx.Response]]:
    """`ask("/collections", limit=3)` asks an address below `/ogc` with parameters; names may have `_` for `-`."""
    with httpx.Client(base_url=f"{site}/ogc", timeout=30) as client:

        def get(path: str, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
            named = {key.replace("__", "-"): value for key, value in given.items()}
            return client.get(path, params=named or None, headers=headers)  # {} would take away a path's own

        yield get


@pytest.fixture(scope="module")
def items(ask: Callable[..., httpx.Response]) -> Callable[..., dict[str, Any]]:
    """`items("requests", bbox=…)`: the answer's JSON; it must be 200."""

    def get(collection: str, **given: Any) -> dict[str, Any]:
        answer = ask(f"/collections/{collection}/items", **given)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return get


def names(found: dict[str, Any]) -> list[str]:
    """Ids of an answer's features."""
    return [feature["id"] for feature in found["features"]]
