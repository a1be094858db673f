"""How much one address may ask for: token buckets in each process, told in the headers of every answer (ASGI middleware).

`RateLimit-Policy` and `RateLimit` are those of the IETF's draft (httpapi-ratelimit-headers); who asks too much gets 429 with
`Retry-After`. Pages, static files and files of a release as they lie are not limited. Nor are this machine's own addresses
and clients without one: they are a proxy that does not say for whom it asks, or the operator.

Charter: a clock, an address and a policy in, whether it may and when next out. Nothing is remembered but numbers, for at most
MOST_CLIENTS addresses; of IPv6 the first 64 bits are one address.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.package import FILES
from portal.problems import MEDIA_TYPE

WINDOW_SECONDS: Final = 60
MOST_CLIENTS: Final = 20_000
ASKED: Final = ("/api/", "/ogc", "/open311", "/resource/", "/download/", "/feed.atom", "/oembed", "/charts/", "/mcp")
STATIC: Final = (FILES, "/download/current/")
_WITH_PORT: Final = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?|([^:]*):\d{1,5}", re.ASCII)
EXCEEDED: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"


@dataclass(frozen=True)
class Told:
    """What a bucket says: whether it gives, what is left, seconds until it is full, and until it gives again."""

    given: bool
    left: int
    full_in: int
    next_in: int


class Buckets:
    """One bucket for each address: `quota` at once, and as much again in each window."""

    def __init__(self, name: str, quota: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.quota, self.clock = name, quota, clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def policy(self) -> str:
        """The policy as its header has it."""
        return f'"{self.name}";q={self.quota};w={WINDOW_SECONDS}'

    def take(self, address: str) -> Told:
        """Take one."""
        now, rate = self.clock(), self.quota / WINDOW_SECONDS
        held, then = self._held.pop(address, (float(self.quota), now))
        held = min(self.quota, held + max(0.0, now - then) * rate)
        given = held >= 1
        held -= given
        self._held[address] = (held, now)
        if len(self._held) > MOST_CLIENTS:
            self._held.popitem(last=False)  # the one that has been quiet the longest, whose bucket is the fullest
        return Told(given, int(held), ceil((self.quota - held) / rate), 0 if given else max(1, ceil((1 - held) / rate)))


class RateLimits:
    """Counts what is asked, says so, and turns away what is too much."""

    def __init__(
        self, app: ASGIApp, *, quota: int, tiles: int, proxies: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A quota of 0 is none."""
        self.app, self.proxies = app, proxies
        self.asked = Buckets("default", quota, clock) if quota else None
        self.tiles = Buckets("tiles", tiles, clock) if tiles else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        buckets = self._policy(scope) if scope["type"] == "http" else None
        address = client_of(scope, self.proxies) if buckets else None
        if buckets is None or address is None:
            await self.app(scope, receive, send)
            return
        told = buckets.take(address)
        headers = {
            "RateLimit-Policy": buckets.policy,
            "RateLimit": f'"{buckets.name}";r={told.left};t={told.full_in if told.given else told.next_in}',
        }
        if not told.given:
            await _refusal(buckets, told, headers)(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, sending)

    def _policy(self, scope: Scope) -> Buckets | None:
        path: str = scope["path"]
        if scope["method"] == "OPTIONS" or path.startswith(STATIC):
            return None
        if path.startswith("/tiles/") or (path.startswith("/ogc/") and "/tiles/" in path):
            return self.tiles
        return self.asked if path.startswith(ASKED) else None


def client_of(scope: Scope, proxies: int) -> str | None:
    """The address that asks; None where it cannot be told, or is this machine's.

    Each proxy adds the address that asked it at the end of X-Forwarded-For: with one proxy the last is the client's own, and
    what stands before it is what the client made up.
    """
    address = _address((scope.get("client") or ("",))[0])
    if proxies:
        hops = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        told = _address(hops[-proxies].strip()) if len(hops) >= proxies else None
        address = told or address  # what no proxy makes readable is the proxy's own
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            whole = ipaddress.ip_network((int(address), 64), strict=False)
            return None if address.is_loopback else str(whole)
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also with a port as some proxies add it: `203.0.113.5:4711`, `[2001:db8::1]:443`."""
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _refusal(buckets: Buckets, told: Told, headers: dict[str, str]) -> Response:
    about = {
        "type": EXCEEDED,
        "title": "Too many requests",
        "status": 429,
        "detail": f"At most {buckets.quota} in {WINDOW_SECONDS} seconds: ask again in {told.next_in} s. "
        "All rows at once are files: /download/requests.csv.",
        "violated-policies": [buckets.name],
    }
    return Response(
        json.dumps(about), 429, headers | {"Retry-After": str(told.next_in), "Cache-Control": "no-store"}, MEDIA_TYPE
    )
