"""The portal served over loopback, on a small release of an invented city."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portal.app import create_app
from portal.settings import PortalSettings
from tests.release_factory import build_release, write_status

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
    "/no-such-page",
    "/trends?service=no-such-service",
    "/?lang=es",
)
"""One address for each kind of page."""


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Base URL of the served portal."""
    root: Path = tmp_path_factory.mktemp("served")
    build_release(root, rows=6000, geocoder=True)
    write_status(root / "releases", datetime.now(UTC))
    return serve(create_app(PortalSettings(releases=root / "releases")))


@pytest.fixture
def visit(page: Any, site: str) -> Callable[[str], Any]:
    """`visit(path)` opens a page and waits until Dash has drawn it."""

    def go(path: str) -> Any:
        page.goto(site + path)
        page.wait_for_selector("#site > .site")
        return page

    return go
