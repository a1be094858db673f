"""How much one address may ask for: by a clock that is given, and over the whole portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.rate_limit import EXCEEDED, MOST_CLIENTS, Buckets, client_of
from portal.settings import PortalSettings


class Clock:
    """A clock that is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_quota_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets("default", 60, clock)
    assert [buckets.take("a").left for _ in range(60)] == list(range(59, -1, -1))
    refused = buckets.take("a")
    assert (refused.given, refused.left, refused.next_in, refused.full_in) == (False, 0, 1, 60)
    assert buckets.take("b").given, "another address has a bucket of its own"
    clock.now += 0.9
    assert not buckets.take("a").given
    clock.now += 0.2
    assert buckets.take("a").given and not buckets.take("a").given
    clock.now += 3600
    assert buckets.take("a").left == 59, "it is never fuller than full"
    clock.now -= 7200
    assert buckets.take("a").left == 58, "a clock that goes back gives nothing"


def test_few_addresses_are_remembered() -> None:
    buckets = Buckets("default", 10, Clock())
    for i in range(MOST_CLIENTS + 50):
        buckets.take(str(i))
    assert len(buckets._held) == MOST_CLIENTS


def _scope(host: str, forwarded: str | None = None) -> dict[str, object]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    return {"type": "http", "client": (host, 1), "headers": headers}


def test_who_asks() -> None:
    assert client_of(_scope("203.0.113.9"), 0) == "203.0.113.9"
    assert client_of(_scope("203.0.113.9", "198.51.100.1"), 0) == "203.0.113.9", "a header alone is believed by nobody"
    assert client_of(_scope("127.0.0.1"), 0) is None and client_of(_scope("::1"), 0) is None
    assert client_of({"type": "http", "client": None, "headers": []}, 0) is None
    assert client_of(_scope("10.0.0.1", "1.2.3.4, 198.51.100.1"), 1) == "198.51.100.1", "what is before was made up"
    assert client_of(_scope("10.0.0.1", "198.51.100.1, 10.0.0.7"), 2) == "198.51.100.1"
    assert client_of(_scope("10.0.0.1", "198.51.100.1"), 2) == "10.0.0.1"
    assert client_of(_scope("2001:db8::1"), 0) == client_of(_scope("2001:db8::ffff:1"), 0) == "2001:db8::/64"
    assert client_of(_scope("::ffff:203.0.113.9"), 0) == "203.0.113.9"


@pytest.mark.parametrize(
    ("hop", "client"),
    [
        ("203.0.113.5:4711", "203.0.113.5"), ("203.0.113.5", "203.0.113.5"), (" 203.0.113.5:4711 ", "203.0.113.5"),
        ("[2001:db8::1]:443", "2001:db8::/64"), ("[2001:db8::1]", "2001:db8::/64"), ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:1:2:3:443", "2001:db8::/64"), ("[::ffff:203.0.113.5]:80", "203.0.113.5"), ("::ffff:203.0.113.5", "203.0.113.5"),
        ("fe80::1%eth0", "fe80::/64"), ("127.0.0.1:80", None), ("[::1]:80", None), ("unknown", "10.0.0.1"), ("", "10.0.0.1"),
        ("_hidden:80", "10.0.0.1"), ("203.0.113.5:x", "10.0.0.1"), ("203.0.113.5:80:80", "10.0.0.1"), ("[2001:db8::1", "10.0.0.1"),
        (":" * 5000, "10.0.0.1"),
    ],
)  # fmt: skip
def test_what_a_proxy_calls_its_client(hop: str, client: str | None) -> None:
    """With a port or without; where nothing can be made of it the proxy itself is who asks, and nobody goes uncounted."""
    assert client_of(_scope("10.0.0.1", hop), 1) == client
    assert client_of(_scope("10.0.0.1", f"1.2.3.4, {hop}"), 1) == client


@pytest.fixture(scope="module")
def limited(releases_path: Path) -> Iterator[TestClient]:
    """A portal that limits how much one address may ask for."""
    app = create_app(PortalSettings(releases=releases_path, rate_limit=100))
    with TestClient(app, client=("203.0.113.9", 50_000)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/api/v1/tables/requests/rows?limit=1", {"link", "x-total-count"}),
        ("/resource/requests.json?$limit=1", {"x-soda2-fields", "x-soda2-types", "last-modified"}),
        ("/api/views", {"last-modified"}),
        ("/ogc/collections/requests/items?limit=1", {"link", "content-crs"}),
        ("/ogc/collections", {"link"}),
        ("/open311/v2/requests.json?page_size=1", {"link"}),
    ],
)
def test_scripts_of_other_pages_may_read_all_that_an_answer_says_of_itself(
    limited: TestClient, path: str, own: set[str]
) -> None:
    answer = limited.get(path)
    assert answer.status_code == 200
    told = {name for name in answer.headers if name.startswith(("x-", "ratelimit"))} - {"x-content-type-options"}
    needed = told | own | {"etag", "ratelimit", "ratelimit-policy", "x-openward-release"}
    assert needed <= set(answer.headers)
    assert needed <= set(answer.headers["access-control-expose-headers"].lower().split(", "))


def test_over_the_portal(releases_path: Path) -> None:
    app = create_app(PortalSettings(releases=releases_path, rate_limit=3, rate_limit_tiles=5))
    with TestClient(app, client=("203.0.113.9", 50_000)) as client:
        answers = [client.get("/api/v1/tables") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        refused = answers[-1]
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == EXCEEDED and refused.json()["violated-policies"] == ["default"]
        assert refused.headers["access-control-allow-origin"] == "*"
        assert "RateLimit" in refused.headers["access-control-expose-headers"]
        assert client.get("/data").status_code == 200 and "ratelimit" not in client.get("/data").headers
        assert client.get("/healthz").status_code == 200
        assert client.get("/download/current/files/requests.csv.gz").status_code == 404, "ready files are not limited"
        assert client.options("/api/v1/tables").status_code == 204
        tile = client.get("/tiles/x/requests/1/0/0.mvt")
        assert tile.headers["ratelimit"].startswith('"tiles";r=4')


def test_it_can_be_switched_off_and_leaves_this_machine_alone(releases_path: Path) -> None:
    off = create_app(PortalSettings(releases=releases_path, rate_limit=0, rate_limit_tiles=0))
    with TestClient(off, client=("203.0.113.9", 50_000)) as client:
        assert "ratelimit" not in client.get("/api/v1/tables").headers
    one = create_app(PortalSettings(releases=releases_path, rate_limit=1))
    with TestClient(one, client=("127.0.0.1", 50_000)) as client:
        assert [client.get("/api/v1/tables").status_code for _ in range(3)] == [200, 200, 200]
