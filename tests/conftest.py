"""Fixtures that every test may use: record stores, a browser, real data, and the guard against the outside.

Charter: how tests reach the real things, and what it means when they cannot.
`tests/services.sh` starts them and tells where they are in OPENWARD_TEST_*
variables. A test that needs a fixture from here carries the right marker by
itself (`store`, `browser`).
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# --- parts that may be missing ----------------------------------------------------------------


def unavailable(reason: str) -> NoReturn:
    """A part of the machinery is missing: in CI that is a failure, on a laptop a skip that says why."""
    if IN_CI:
        pytest.fail(f"CI runs everything, but {reason}", pytrace=False)
    pytest.skip(reason)


MARKED_BY_FIXTURE = {"postgis_url": "store", "store_url": "store", "browser": "browser", "page": "browser"}


LONG = ("survival", "browser")
"""Folders whose files take minutes: they are begun first, or one of them would be run alone at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the fixtures it asks for, so that `-m` cannot miss one, and put what takes long first."""
    items.sort(key=lambda item: LONG.index(item.path.parent.name) if item.path.parent.name in LONG else len(LONG))
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKED_BY_FIXTURE:
                item.add_marker(MARKED_BY_FIXTURE[fixture])


# --- nothing leaves this machine --------------------------------------------------------------


class OutsideConnection(RuntimeError):
    """A test tried to reach something that is not on this machine."""


_outside: list[str] = []


def is_loopback(host: object) -> bool:
    """True for this machine's own names and addresses."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: sees every connection and name look-up of this process, whichever library makes it."""
    if event in ("socket.connect", "socket.sendto"):
        if arguments[0].family not in (socket.AF_INET, socket.AF_INET6):
            return
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not is_loopback(host):
        _outside.append(f"{event.removeprefix('socket.')} {host}")
        raise OutsideConnection(f"tests talk to loopback only; this one tried: {_outside[-1]}")


def pytest_configure() -> None:
    """Arm the guard before any test module is imported."""
    sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def _only_loopback() -> Iterator[None]:
    """Fail the test even when the code under test swallowed the guard's error."""
    _outside.clear()
    yield
    if _outside:
        pytest.fail(f"tests talk to loopback only; this one tried: {', '.join(_outside)}", pytrace=False)


# --- record stores ----------------------------------------------------------------------------


def _conninfo(url: str, database: str | None = None) -> str:
    from psycopg.conninfo import make_conninfo
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    return make_conninfo(
        host=parts.host or "",
        port=parts.port or 5432,
        user=parts.username or "",
        password=parts.password or "",
        dbname=database or parts.database or "postgres",
        connect_timeout=10,
    )


def _execute(url: str, *statements: str, database: str | None = None) -> None:
    import psycopg

    with psycopg.connect(_conninfo(url, database), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def _postgis_template() -> Iterator[tuple[str, str]]:
    """A database with PostGIS in it, once per worker: copies of it are quicker than creating the extension."""
    url = os.environ.get("OPENWARD_TEST_POSTGIS_URL", "")
    if not url:
        unavailable("there is no PostGIS: run 'make store', or set OPENWARD_TEST_POSTGIS_URL")
    if not is_loopback(urlsplit(url).hostname):
        unavailable("OPENWARD_TEST_POSTGIS_URL is not on this machine, and tests talk to loopback only")
    name = f"openward_template_{uuid.uuid4().hex[:12]}"
    _execute(url, f'CREATE DATABASE "{name}"')
    _execute(url, "CREATE EXTENSION postgis", database=name)
    yield url, name
    _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgis_url(_postgis_template: tuple[str, str]) -> Iterator[str]:
    """SQLAlchemy URL of a fresh, empty database with the postgis extension; dropped afterwards."""
    from sqlalchemy.engine import make_url

    url, template = _postgis_template
    name = f"openward_test_{uuid.uuid4().hex[:12]}"
    _execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield make_url(url).set(database=name).render_as_string(hide_password=False)
    _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLAlchemy URL of an empty record store: each test that asks for it runs on SQLite and on PostGIS."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("postgis_url"))


# --- a server and a browser -------------------------------------------------------------------


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Any], str]]:
    """`serve(app)` runs an ASGI app on a free loopback port and returns its base URL; stopped after the module."""
    import uvicorn

    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="auto"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        deadline = time.monotonic() + 30
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                pytest.fail("the server did not start")
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(timeout=10)


CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


PATIENCE_MS = 60_000
"""How long a page may take to be as it should: long, as it bounds what hangs and not what is slow on a busy machine."""
SOFTWARE_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""In place of `--disable-gpu`: WebGL drawn by the processor."""


@contextmanager
def chromium(flags: list[str]) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright, while the block lasts."""
    executable = os.environ.get("OPENWARD_TEST_CHROMIUM") or shutil.which("chromium")
    if not executable:
        unavailable("there is no Chromium: run 'make browser', or set OPENWARD_TEST_CHROMIUM")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Per module: a running one would keep asyncio.run() from other tests."""
    with chromium(CHROMIUM_FLAGS) as running:
        yield running


@contextmanager
def fresh_page(browser: Any) -> Iterator[Any]:
    """A page in a context of its own, while the block lasts.

    It fails afterwards if the page asked for anything from another machine, threw an error that nobody caught, or had
    something blocked by its own Content Security Policy.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US", timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []

    def on_request(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and not is_loopback(parts.hostname):
            complaints.append(f"asked another machine: {request.url}")

    def on_console(message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            complaints.append(message.text)

    context.on("request", on_request)
    context.on("console", on_console)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    fresh = context.new_page()
    yield fresh
    context.close()
    if complaints:
        pytest.fail("the page: " + "; ".join(dict.fromkeys(complaints)), pytrace=False)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page for one test."""
    with fresh_page(browser) as made:
        yield made


AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """`axe(page)` returns the WCAG 2.2 AA violations of a page and its frames, one line each; [] is the aim.

    `axe(page, best_practice=True)` adds axe's own advice; `within="#main"` looks at a part only.
    """
    source_file = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
    if not source_file.is_file():
        unavailable("axe-core is missing: run 'make install-test'")
    source = source_file.read_text(encoding="utf-8")

    def check(page: Any, *, best_practice: bool = False, within: str | None = None) -> list[str]:
        # Evaluated through the debugger's protocol, which the page's CSP does not govern.
        for frame in page.frames:
            frame.evaluate(source)
        tags = [*AXE_TAGS, *(["best-practice"] if best_practice else [])]
        found = page.evaluate(
            "([within, tags]) => axe.run(within || document, {runOnly: tags, resultTypes: ['violations']})",
            [within, tags],
        )
        return [
            f"{violation['id']} ({violation['impact']}): {violation['help']}: "
            + " | ".join(str(node["target"][-1]) for node in violation["nodes"][:5])
            for violation in found["violations"]
        ]

    return check


# --- real data --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real cities' data beside the repository; never committed, so its absence is a skip even in CI."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real data, ../shared/data, is not here")
    return folder
