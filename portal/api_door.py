"""What every address of `/api/v1` does alike, whatever answers: ETag and 304, preflights, and queries that are no text.

Charter: ASGI middleware; nothing is known here of what is asked.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.answered import etag_of, is_known
from portal.problems import MEDIA_TYPE, plain_problem

PREFIX: Final = "/api/v1"
MAX_QUERY_BYTES: Final = 16_384
METHODS: Final = "GET, HEAD, OPTIONS"
_ASKED_HEADERS: Final = re.compile(r"[A-Za-z0-9, -]{0,200}")


def declare_refusals(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with what is refused before a route sees it; what the framework calls 422 is a 400 of ours."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, of in document["paths"].items():
        for operation in of.values():
            answers = operation["responses"]
            if answers.pop("422", None):
                answers.setdefault("400", {"description": "Bad request", "content": content})
            if path.startswith(f"{PREFIX}/"):
                answers.setdefault("414", {"description": "Query too long", "content": content})
                answers.setdefault("429", {"description": "Too many requests", "content": content})
    return document


class ApiDoor:
    """Before and after each answer of the API."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once what is no question; give the others' answers a name by what they hold."""
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(f"{PREFIX}/"):
            await self.app(scope, receive, send)
            return
        early = _refused(scope) or (_preflight(scope) if scope["method"] == "OPTIONS" else None)
        if early is not None:
            await early(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await self._named(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _named(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold an answer back until it is whole: they are bounded (files, which are not, are elsewhere)."""
        known = Headers(scope=scope).get("if-none-match", "")
        start: Message = {}
        body: list[bytes] = []

        async def holding(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.append(message.get("body", b""))
            if message.get("more_body"):
                return
            whole = b"".join(body)
            headers = MutableHeaders(scope=start)
            if start["status"] == 200:
                headers.setdefault("ETag", etag_of(whole))
                if is_known(headers["ETag"], known):
                    start["status"], whole = 304, b""
                    del headers["content-length"]
                    if "content-type" in headers:
                        del headers["content-type"]
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, holding)


def _preflight(scope: Scope) -> Response:
    """Any page may read, with any plain header."""
    asked = Headers(scope=scope).get("access-control-request-headers", "")
    headers = {
        "Allow": METHODS,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": asked if asked and _ASKED_HEADERS.fullmatch(asked) else "Accept, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)


def _refused(scope: Scope) -> Response | None:
    """A query that is too long, or no text that a field could hold."""
    query: bytes = scope.get("query_string", b"")
    if len(query) > MAX_QUERY_BYTES:
        return plain_problem(414, "Query too long", f"A query may have at most {MAX_QUERY_BYTES} bytes.")
    path = unquote_to_bytes(scope.get("raw_path") or b"")
    for what, text in (("query", unquote_to_bytes(query)), ("path", path)):
        try:
            if "\0" not in text.decode():
                continue
        except UnicodeDecodeError:
            pass
        return plain_problem(400, "Bad request", f"The {what} is not UTF-8, or holds a NUL.")
    return None
