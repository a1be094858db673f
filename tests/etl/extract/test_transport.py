"""Requests that go wrong in every way that they do."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.config.connections import Patience
from etl.errors import ConfigError, SourceError, SourceUnavailable
from etl.extract.transport import Garbled, Refused, Transport, secret_of
from tests.etl.extract.servers import Answer, Asked, Cut, Hang, LocalServer, Page, Reset, Status, Truncated

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PATIENCE = Patience(timeout_seconds=0.3, attempts=4, longest_wait_seconds=30)
SECRET = "s3cr3t/key+value"
BODY = json.dumps({"rows": list(range(100))}).encode()


def whole(response: httpx.Response) -> None:
    try:
        json.loads(response.content)
    except ValueError:
        raise Garbled("sends JSON that breaks off") from None


@pytest.fixture
def server() -> Any:
    with LocalServer(lambda asked: Answer(BODY)) as running:
        yield running


def client(slept: list[float] | None = None, **more: Any) -> Transport:
    noted = [] if slept is None else slept
    return Transport(
        more.pop("patience", PATIENCE),
        sleep=noted.append,
        jitter=lambda: 1.0,
        clock=lambda: NOW,
        secrets=[SECRET],
        **more,
    )


@pytest.mark.parametrize(
    "fault",
    [Status(429), Status(408), Status(500), Status(503), Page(), Truncated(), Cut(), Reset(), Hang(), Status(202)],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status", "")),
)
def test_what_passes_by_itself_is_asked_again(server: LocalServer, fault: Any) -> None:
    slept: list[float] = []
    server.faults = [fault, fault]
    with client(slept) as transport:
        assert transport.get(f"{server.url}/x", check=whole).content == BODY
    assert len(server.requests) == 3
    assert slept == [1.0, 2.0]


def test_a_web_page_is_never_an_answer(server: LocalServer) -> None:
    server.faults = [Page()]
    with client() as transport:
        assert transport.get(f"{server.url}/x").content == BODY
    server.faults = [Page()] * 4
    with client() as transport, pytest.raises(SourceUnavailable, match="a web page instead of data"):
        transport.get(f"{server.url}/x")


@pytest.mark.parametrize("fault", [Status(503), Page(), Truncated(), Cut(), Reset(), Hang()])
def test_patience_ends_in_one_line(server: LocalServer, fault: Any) -> None:
    server.faults = [fault] * 10
    with client() as transport, pytest.raises(SourceUnavailable) as caught:
        transport.get(f"{server.url}/x", {"token": SECRET}, check=whole)
    assert len(server.requests) == 4
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    assert "token" not in message
    assert f"{server.url}/x" in message
    assert "tried 4 times" in message


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_will_not_get_better_is_asked_once(server: LocalServer, status: int) -> None:
    server.faults = [Status(status, body=json.dumps({"message": f"bad\nkey {SECRET}"}).encode())]
    with client() as transport, pytest.raises(Refused) as caught:
        transport.get(f"{server.url}/x")
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(server.requests) == 1
    assert caught.value.status == status
    assert "bad key ***" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("after", "seconds"), [("7", 7.0), ("Sun, 01 Mar 2026 12:00:20 GMT", 20.0), ("rubbish", 1.0), ("-5", 1.0)]
)
def test_retry_after_is_honoured(server: LocalServer, after: str, seconds: float) -> None:
    slept: list[float] = []
    server.faults = [Status(429, after)]
    with client(slept) as transport:
        transport.get(f"{server.url}/x")
    assert slept == [seconds]


@pytest.mark.parametrize("after", ["3600", "Sun, 01 Mar 2026 13:00:00 GMT"])
def test_a_long_retry_after_says_when_to_come_back(server: LocalServer, after: str) -> None:
    slept: list[float] = []
    server.faults = [Status(503, after)]
    with client(slept) as transport, pytest.raises(SourceUnavailable, match=r"2026-03-01 13:00:00 UTC"):
        transport.get(f"{server.url}/x")
    assert slept == []


def test_the_wait_grows_to_its_limit(server: LocalServer) -> None:
    slept: list[float] = []
    server.faults = [Status(500)] * 9
    with (
        client(slept, patience=Patience(attempts=9, longest_wait_seconds=20)) as transport,
        pytest.raises(SourceUnavailable),
    ):
        transport.get(server.url)
    assert slept == [1, 2, 4, 8, 16, 20, 20, 20]


def test_wrong_content_that_lasts_is_terminal(server: LocalServer) -> None:
    def wrong(_: httpx.Response) -> None:
        raise Garbled("sends something else", SourceError)

    with client() as transport, pytest.raises(SourceError, match="sends something else") as caught:
        transport.get(server.url, check=wrong)
    assert not isinstance(caught.value, SourceUnavailable)
    assert len(server.requests) == 4


@pytest.mark.parametrize("url", ["http://[::1/x", "ftp://127.0.0.1/x", "http://" + "a" * 70 + ".example/x", "nothing"])
def test_an_address_that_cannot_be_parsed_is_terminal(url: str) -> None:
    slept: list[float] = []
    with client(slept) as transport, pytest.raises(SourceError) as caught:
        transport.get(url)
    assert not isinstance(caught.value, SourceUnavailable)
    assert slept == []


def test_nobody_at_home_is_transient() -> None:
    with LocalServer() as gone:
        pass
    with client() as transport, pytest.raises(SourceUnavailable, match="cannot be reached"):
        transport.get(gone.url)


def test_a_body_without_end_is_refused(server: LocalServer) -> None:
    with client(max_body=100) as transport, pytest.raises(SourceError, match="page_size"):
        transport.get(server.url)


def test_secrets_stay_with_their_host(server: LocalServer) -> None:
    def away(asked: Asked) -> Answer:
        return Answer(status=302, headers={"Location": f"{server.url}/there"})

    with LocalServer(away) as first, client(headers={"X-App-Token": SECRET, "X-Odd": f"key {SECRET}"}) as transport:
        assert transport.get(f"{first.url}/here").content == BODY
        assert first.requests[0].headers["X-App-Token"] == SECRET
    assert server.requests[0].headers["X-App-Token"] is None
    assert server.requests[0].headers["X-Odd"] is None


def test_a_redirect_that_would_carry_the_secret_away_is_refused(server: LocalServer) -> None:
    def away(asked: Asked) -> Answer:
        return Answer(status=302, headers={"Location": f"{server.url}/there?token={asked.params['token']}"})

    with LocalServer(away) as first, client() as transport, pytest.raises(SourceError, match="final address") as caught:
        transport.get(f"{first.url}/here", {"token": "s3cr3t/key+value"})
    assert SECRET not in str(caught.value)


def test_redirects_end(server: LocalServer) -> None:
    def around(asked: Asked) -> Answer:
        return Answer(status=307, headers={"Location": "/again"})

    with LocalServer(around) as first, client() as transport, pytest.raises(SourceError, match="redirects more than 5"):
        transport.get(first.url)
    assert len(first.requests) == 6


def test_logs_hold_no_secret(server: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with client() as transport:
        transport.get(f"{server.url}/x", {"token": SECRET})
    assert "/x" in caplog.text
    for form in (SECRET, "s3cr3t%2Fkey%2Bvalue", "s3cr3t"):
        assert form not in caplog.text


def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CITY_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="CITY_TOKEN"):
        secret_of("CITY_TOKEN")
    monkeypatch.setenv("CITY_TOKEN", "x")
    assert secret_of("CITY_TOKEN") == "x"
    assert secret_of(None) is None


class Files(LocalServer):
    """One file with an ETag, ranges and conditional requests (RFC 9110)."""

    content = b"0123456789" * 50_000
    etag = '"v1"'

    def answer(self, asked: Asked) -> Answer:
        head = {"ETag": self.etag, "Last-Modified": "Sun, 01 Mar 2026 10:00:00 GMT"}
        if asked.headers["If-None-Match"] == self.etag:
            return Answer(status=304, headers=head)
        span = asked.headers["Range"]
        if span and asked.headers["If-Range"] == self.etag:
            start = int(span.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.content):
                return Answer(status=416)
            head["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            return Answer(self.content[start:], 206, "text/csv", head)
        return Answer(self.content, 200, "text/csv", head)


def test_a_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with Files() as files, client() as transport:
        files.faults = [Truncated()]
        got = transport.download(f"{files.url}/f", tmp_path / "f", progress=lambda d, t: seen.append((d, t)))
        assert got is not None
        assert (got.etag, got.bytes) == ('"v1"', 500_000)
        assert (tmp_path / "f").read_bytes() == files.content
        assert files.requests[1].headers["Range"] == "bytes=250000-"
        assert files.requests[1].headers["If-Range"] == '"v1"'
        assert seen[-1] == (500_000, 500_000)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_half_file_of_an_earlier_run_is_gone_on_with(tmp_path: Path) -> None:
    with Files() as files:
        files.faults = [Truncated()]
        with client(patience=Patience(attempts=1)) as transport, pytest.raises(SourceUnavailable):
            transport.download(f"{files.url}/f", tmp_path / "f")
        with client() as transport:
            transport.download(f"{files.url}/f", tmp_path / "f")
        assert files.requests[1].headers["Range"] == "bytes=250000-"
        assert files.requests[1].headers["If-Range"] == '"v1"'
        assert (tmp_path / "f").read_bytes() == files.content


def test_a_half_file_of_another_version_is_not(tmp_path: Path) -> None:
    with Files() as files:
        files.faults = [Truncated()]
        with client(patience=Patience(attempts=1)) as transport, pytest.raises(SourceUnavailable):
            transport.download(f"{files.url}/f", tmp_path / "f")
        files.content, files.etag = b"abc" * 1000, '"v2"'
        with client() as transport:
            got = transport.download(f"{files.url}/f", tmp_path / "f")
        assert got is not None
        assert got.etag == '"v2"'
        assert (tmp_path / "f").read_bytes() == b"abc" * 1000


def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    with Files() as files, client() as transport:
        assert transport.download(f"{files.url}/f", tmp_path / "f", etag='"v1"') is None
        assert transport.download(f"{files.url}/f", tmp_path / "f", etag='"v0"') is not None


def test_a_web_page_is_not_a_file(tmp_path: Path) -> None:
    with Files() as files, client() as transport:
        files.faults = [Page()]
        assert transport.download(f"{files.url}/f", tmp_path / "f") is not None
        assert (tmp_path / "f").read_bytes() == files.content


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with Files() as files, client() as transport, pytest.raises(SourceError, match="limit of 1,000"):
        transport.download(f"{files.url}/f", tmp_path / "f", max_bytes=1000)
