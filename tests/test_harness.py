"""The test machinery itself: what it must catch is caught, what it must offer is there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, OutsideConnection, _outside, is_loopback

AXE_TRAP = "<!doctype html><html lang='en'><title>t</title><main><h1>h</h1><img src='data:,'></main></html>"


def run_pytest(folder: Path, body: str, *arguments: str, **environment: str) -> str:
    """Run a test file of its own with our conftest, and return what pytest printed."""
    (folder / "test_inner.py").write_text(body)
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", folder]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-n0", *arguments, folder / "test_inner.py"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith(("OPENWARD_", "CI", "PYTEST_"))}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


# --- loopback only ---


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.8.8.8", "::1", b"127.0.0.1"])
def test_this_machine_is_loopback(host: object) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "example.invalid", "0.0.0.0", "localhost.evil"]
)
def test_any_other_machine_is_outside(host: str) -> None:
    assert not is_loopback(host)


def test_connecting_outside_raises() -> None:
    with socket.socket() as client, pytest.raises(OutsideConnection, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(OutsideConnection, match="example"):
        socket.getaddrinfo("example.invalid", 80)
    _outside.clear()  # seen, and meant


def test_connecting_to_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_swallowing_the_guards_error_does_not_save_the_test(tmp_path: Path) -> None:
    body = (
        "import contextlib, socket\n"
        "def test_it():\n"
        "    with contextlib.suppress(Exception):\n"
        "        socket.create_connection(('192.0.2.1', 80), timeout=0.1)\n"
    )
    printed = run_pytest(tmp_path, body)
    assert "tests talk to loopback only; this one tried: " in printed
    assert "1 error" in printed


# --- missing parts ---


def test_without_postgis_a_store_test_is_skipped_with_the_reason_but_fails_in_ci(tmp_path: Path) -> None:
    body = "def test_it(store_url):\n    assert store_url.startswith('sqlite')\n"
    printed = run_pytest(tmp_path, body)
    assert re.search(r"1 passed, 1 skipped", printed)
    assert "there is no PostGIS: run 'make store'" in printed
    printed = run_pytest(tmp_path, body, CI="true")
    assert re.search(r"1 passed.*, 1 error", printed)
    assert "CI runs everything, but there is no PostGIS" in printed


def test_fixtures_bring_their_markers(tmp_path: Path) -> None:
    body = "def test_a(store_url): pass\ndef test_b(page): pass\ndef test_c(): pass\n"
    assert "1/4 tests collected" in run_pytest(
        tmp_path, body, "--collect-only", "-q", "-m", "not store and not browser and not bench"
    )
    assert "2/4 tests collected" in run_pytest(tmp_path, body, "--collect-only", "-q", "-m", "store")
    assert "1/4 tests collected" in run_pytest(tmp_path, body, "--collect-only", "-q", "-m", "browser")


def test_an_unknown_marker_is_an_error(tmp_path: Path) -> None:
    body = "import pytest\n@pytest.mark.stroe\ndef test_it(): pass\n"
    assert "'stroe' not found in `markers`" in run_pytest(tmp_path, body)


# --- stores ---


def test_a_store_starts_empty_and_takes_a_table(store_url: str) -> None:
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(store_url)
    tables = set(inspect(engine).get_table_names()) - {"spatial_ref_sys"}
    assert tables == set()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    engine.dispose()


def test_the_postgis_store_measures_metres(postgis_url: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(postgis_url)
    with engine.connect() as connection:
        sql = "SELECT ST_Distance('POINT(0 0)'::geography, 'POINT(0 1)'::geography)"
        assert connection.scalar(text(sql)) == pytest.approx(110_574, abs=10)
    engine.dispose()


# --- browser ---


def test_axe_finds_an_image_without_a_text(page, axe) -> None:
    page.set_content(AXE_TRAP)
    assert [line.partition(" ")[0] for line in axe(page)] == ["image-alt"]
    page.set_content(AXE_TRAP.replace("<img", "<img alt='a street'"))
    assert axe(page, best_practice=True) == []


def test_axe_works_under_the_strictest_policy_and_looks_into_frames(page, axe, serve) -> None:
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; frame-src 'self'"}
    outer = AXE_TRAP.replace("<img src='data:,'>", "<iframe title='map' src='/frame'></iframe>")
    app = Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(outer, headers=policy)),
            Route("/frame", lambda _: HTMLResponse(AXE_TRAP, headers=policy)),
        ]
    )
    page.goto(serve(app))
    assert [line.partition(" ")[0] for line in axe(page)] == ["image-alt"]


@pytest.mark.browser
def test_a_page_that_asks_another_machine_or_throws_fails_its_test(tmp_path: Path) -> None:
    body = (
        "def test_outside(page):\n"
        "    page.set_content('<img src=\"http://example.invalid/x.png\">')\n"
        "def test_throws(page):\n"
        "    page.set_content('<script>setTimeout(() => { throw new Error(\"boom\") })</script>')\n"
        "    page.wait_for_timeout(200)\n"
    )
    chromium = os.environ.get("OPENWARD_TEST_CHROMIUM", "")
    printed = run_pytest(tmp_path, body, **({"OPENWARD_TEST_CHROMIUM": chromium} if chromium else {}))
    if "there is no Chromium" in printed:
        pytest.skip("there is no Chromium")
    assert "asked another machine: http://example.invalid/x.png" in printed
    assert "uncaught: " in printed
    assert "boom" in printed
    assert re.search(r"2 passed.*, 2 errors", printed)
