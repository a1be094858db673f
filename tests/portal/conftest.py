"""A small release of an invented city, and the portal over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.queries.expected import wait
from portal.release import Release, Releases
from portal.settings import PortalSettings
from tests.release_factory import build_release


@pytest.fixture(scope="session")
def releases_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of releases: one of 5,000 requests."""
    root = tmp_path_factory.mktemp("factory")
    build_release(root)
    return root / "releases"


@pytest.fixture(scope="session")
def settings(releases_path: Path) -> PortalSettings:
    """Settings for the small release."""
    return PortalSettings(releases=releases_path)


@pytest.fixture(scope="session")
def release(settings: PortalSettings) -> Iterator[Release]:
    """The small release, open, its expected times worked out."""
    releases = Releases(settings.releases, settings)
    wait(releases.current())
    yield releases.current()
    releases.close()


@pytest.fixture(scope="session")
def with_geocoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release of a city that has a geocoder, its address index read and its expected times worked out."""
    yield from city_with_geocoder(tmp_path_factory.mktemp("geocoder"), 3000)


def city_with_geocoder(root: Path, rows: int) -> Iterator[Release]:
    """A release that has all that is worked out after it is opened, until the caller is done with it."""
    build_release(root, rows=rows, geocoder=True)
    releases = Releases(root / "releases")
    release = releases.current()
    release.places.at_hand(release)
    release.places.wait()
    wait(release)
    yield release
    releases.close()


@pytest.fixture(scope="session")
def few_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The portal over 1,200 requests: for whoever reads all rows of many answers."""
    root = tmp_path_factory.mktemp("few")
    build_release(root, rows=1200)
    with TestClient(create_app(PortalSettings(releases=root / "releases")), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def few(few_client: TestClient) -> Release:
    """The release of 1,200 requests."""
    releases: Releases = few_client.app.state.releases  # type: ignore[attr-defined]
    return releases.current()


@pytest.fixture(scope="module")
def portal(releases_path: Path) -> Iterator[TestClient]:
    """The whole portal, in process, as visitors see it at an address of its own."""
    settings = PortalSettings(releases=releases_path, public_url="https://data.example.org")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def client(settings: PortalSettings) -> Iterator[TestClient]:
    """The whole portal, in process; errors of the server become 500 as they would for a visitor."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client
