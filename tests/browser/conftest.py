"""The portal served over loopback, on a small release of an invented city."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.config.downloads import Downloads
from etl.publish.shelf import stock
from portal.app import create_app
from portal.files.fixed import make
from portal.settings import PortalSettings
from tests.release_factory import build_release, write_status

collect_ignore_glob = ["qgis_*.py"]
"""For the Python that QGIS brings."""

PATHS = (
    "/",
    "/map",
    "/map?figure=median",
    "/map/list?status=open&sort=longest&page=2",
    "/trends",
    "/expected?service=parking&area=district:2",
    "/standards",
    "/trends?by=district&department=parks",
    "/areas",
    "/areas/ward",
    "/areas/district/1",
    "/areas/district/2?beside=3&lang=es",
    "/receipts/response?service=pothole",
    "/equity",
    "/departments",
    "/departments/parks?status=open",
    "/data?service=pothole",
    "/data/requests",
    "/data/areas?lang=es",
    "/data/requests/files",
    "/sources",
    "/sources?lang=es",
    "/methods",
    "/places",
    "/places?q=51+Main+St",
    "/places?q=Spruce+St",
    "/places?q=North",
    "/places?q=zzyzx",
    "/places?at=42.3412,-71.1057,28&radius=1000",
    "/map?at=42.345,-71.108,25&place=Main+St+%26+Harbor+Ave",
    "/requests/R00000012",
    "/requests/R00000047?source=city_311",
    "/requests/W1",
    "/requests/no-such-number",
    "/verify",
    "/verify?sha256=abc&lang=es",
    "/verify?sha256=" + "0" * 64,
    "/r/{now}?status=open",
    "/r/{then}?department=parks&lang=es",
    "/releases/{then}/{now}",
    "/releases/{then}/{now}?kind=removed&lang=es",
    "/no-such-page",
    "/trends?service=no-such-service",
    "/?lang=es",
)
"""One address for each kind of page; `{now}` is the current release, `{then}` one before it."""

PLAIN_PATHS = (
    "/ogc?f=html",
    "/ogc/conformance?f=html&lang=es",
    "/ogc/api?f=html",
    "/ogc/collections?f=html",
    "/ogc/collections/requests?f=html&lang=es",
    "/ogc/collections/requests/queryables?f=html",
    "/ogc/collections/requests/items?f=html&limit=5",
    "/ogc/collections/areas-district/items/1?f=html&lang=es",
    "/ogc/collections/requests/tiles?f=html",
    "/ogc/collections/requests/tiles/WebMercatorQuad?f=html",
)
"""Pages without scripts."""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two releases, the current one with ready files; nobody changes it."""
    root: Path = tmp_path_factory.mktemp("served")
    build_release(root, rows=6000, geocoder=True, change=_as_it_was)
    build_release(root, rows=6000, geocoder=True)
    stock(root / "releases", Downloads(formats=("csv",)), make)
    write_status(root / "releases", datetime.now(UTC))
    return root / "releases"


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], served: Path) -> str:
    """Base URL of the served portal."""
    return serve(create_app(PortalSettings(releases=served)))


def _as_it_was(db: Any) -> None:
    """The release before: it has rows that went since, and others that changed."""
    db.execute("UPDATE requests SET address = '1 Other Street' WHERE rid BETWEEN 10 AND 16")
    db.execute("UPDATE requests SET service_request_id = 'OLD' || rid WHERE rid BETWEEN 20 AND 24")


@pytest.fixture(scope="module")
def releases(site: str) -> dict[str, str]:
    """The ids that stand for `{now}` and `{then}` in an address."""
    chain = httpx.get(f"{site}/api/v1/chain.jsonl").text.splitlines()
    then, now = (json.loads(line)["release_id"] for line in chain)
    return {"now": now, "then": then}


def open_page(page: Any, site: str, releases: dict[str, str], path: str) -> Any:
    """Open a page and wait until it is drawn: by Dash, or as it came where it has no scripts."""
    page.goto(site + path.format(**releases))
    page.wait_for_selector(".site" if path in PLAIN_PATHS else "#site > .site")
    return page


@pytest.fixture
def visit(page: Any, site: str, releases: dict[str, str]) -> Callable[[str], Any]:
    """`visit(path)` opens a page and waits until it is drawn."""
    return lambda path: open_page(page, site, releases, path)
