"""What a browser is told not to do, and what a client may not send: ASGI middleware, no pages.

Two wrappers: `SecurityHeaders` adds headers to every answer (an answer that has a policy of its own keeps it),
`Limits` turns away bodies that are too large, and those of Dash's one POST address that are not its shape.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.errors import BadRequest
from portal.problems import problem

MAX_BODY_BYTES = 64 * 1024
OPEN_DATA = ("/api/", "/tiles/", "/download/", "/open311/", "/ogc", "/resource/")
"""Anyone's page may read these: they are public and carry no session."""

EXPOSED = (
    "X-Openward-Release, X-Total-Count, X-SODA2-Fields, X-SODA2-Types, X-SODA2-Truth-Last-Modified, Content-Crs, ETag, "
    "Last-Modified, Content-Disposition, Link, RateLimit, RateLimit-Policy, Retry-After"
)
"""Headers that scripts of other sites' pages may read."""

CALLBACK_PATH = "/_dash-update-component"
COMPRESS_FROM_BYTES = 600
COMPRESS_LEVEL = 4
"""A tile of 85 kB takes 1.2 ms, 2.5 at the usual level 6, which saves 4% more."""


def content_security_policy(
    script_hashes: Sequence[str] = (), style_hashes: Sequence[str] = (), framed_by: str = "'self'"
) -> str:
    """A strict policy; the hashes ('sha256-…') allow a page's own inline scripts and style elements.

    `framed_by` is whose pages may show it in a frame: '*' for what is made to be embedded.
    """
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self'", *(f"'{value}'" for value in script_hashes)]),
            " ".join(["style-src 'self'", *(f"'{value}'" for value in style_hashes)]),
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {framed_by}",
        ]
    )


def only_painted(css: str, more: str) -> str:
    """What a file may do in a browser: be painted with its own style."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; {more}"


class SecurityHeaders:
    """Adds the headers that every answer carries."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        script_hashes: Sequence[str] = (),
        style_hashes: Sequence[str] = (),
        https: bool = False,
    ) -> None:
        self.app = app
        self.policy = content_security_policy(script_hashes, style_hashes)
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers when the answer starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), path)
            await send(message)

        await self.app(scope, receive, sending)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        headers.setdefault("Content-Security-Policy", self.policy)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers.setdefault("Permissions-Policy", "geolocation=(self), camera=(), microphone=(), payment=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if path.startswith(OPEN_DATA):
            headers.setdefault("Access-Control-Allow-Origin", "*")
            headers.setdefault("Access-Control-Expose-Headers", EXPOSED)
            headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        if self.https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


class Limits:
    """Reads a request's body, if it is small enough, before anything else sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or 400 with problem JSON, or pass the request on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            refused = BadRequest(f"A body may have at most {MAX_BODY_BYTES} bytes.")
            refused.status, refused.title = 413, "Body too large"
            await problem(refused)(scope, receive, send)
            return
        if scope["path"] == CALLBACK_PATH and not _is_callback(scope, body):
            await problem(BadRequest("This is not a callback of the portal's pages."))(scope, receive, send)
            return
        sent = False

        async def again() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None as soon as it is too large."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


def _is_callback(scope: Scope, body: bytes) -> bool:
    """Whether a body is what our one callback is called with; Dash itself would answer 500 to anything else."""
    if not any(name == b"content-type" and value.startswith(b"application/json") for name, value in scope["headers"]):
        return False
    try:
        asked: Any = json.loads(body)
        ids = [entry["id"] for entry in asked["inputs"]]
        return (
            asked["output"] == "page.children"
            and asked["outputs"] == {"id": "page", "property": "children"}
            and ids == ["address", "address"]
            and [entry["property"] for entry in asked["inputs"]] == ["pathname", "search"]
            and all(isinstance(entry.get("value"), str | None) for entry in asked["inputs"])
            and asked.get("state", []) == []
            and all(isinstance(item, str) for item in asked.get("changedPropIds", []))
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


class Compress:
    """gzip for what gets smaller by it; files that must answer ranges, or are compressed already, go as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.gzip = GZipMiddleware(app, minimum_size=COMPRESS_FROM_BYTES, compresslevel=COMPRESS_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by the path."""
        path = scope.get("path", "")
        plain = path.endswith((".parquet", ".png")) or (path.startswith("/download/") and not path.endswith("a.json"))
        await (self.app if plain else self.gzip)(scope, receive, send)
