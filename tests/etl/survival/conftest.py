"""Fixtures of the survival tests: the driver, fresh worlds in either store, and what undisturbed ones come to."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import _execute
from tests.etl.survival.support import Driver, Expected, World, observe, small_inputs

MakeWorld = Callable[[str], World]


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """One driver for all tests of a worker."""
    found = Driver()
    yield found
    found.close()


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> Iterator[Callable[[str, Path], str]]:
    """`stores(kind, folder)` is the URL of a fresh, empty store: in the folder, or a database of its own."""
    made: list[tuple[str, str]] = []

    def make(kind: str, folder: Path) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder / 'store.sqlite'}"
        url, template = request.getfixturevalue("_postgis_template")
        name = f"openward_survival_{uuid.uuid4().hex[:12]}"
        _execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made.append((url, name))
        return make_url(url).set(database=name).render_as_string(hide_password=False)

    yield make
    for url, name in made:
        _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, driver: Driver, stores: Callable[[str, Path], str]) -> MakeWorld:
    """`worlds(kind)` is the small city in a fresh store of that kind; all have the same inputs."""
    base = tmp_path_factory.mktemp("survival")
    yaml, inputs = small_inputs(base / "city")
    number = itertools.count()

    def make(kind: str) -> World:
        folder = base / f"world{next(number)}"
        folder.mkdir()
        return World(folder, stores(kind, folder), yaml, inputs, driver)

    return make


@pytest.fixture(scope="session")
def expected(worlds: MakeWorld) -> Callable[[str], Expected]:
    """`expected(kind)`: what the small city comes to when nobody disturbs it."""
    known: dict[str, Expected] = {}

    def find(kind: str) -> Expected:
        if kind not in known:
            known[kind] = observe(worlds(kind))
        return known[kind]

    return find


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=pytest.mark.store)])
def kind(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs on SQLite and on PostGIS."""
    return str(request.param)
