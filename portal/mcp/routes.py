"""`/mcp` over HTTP: one address that takes POST, for the hosts and origins that it is meant for.

A page of another site could ask a portal on this machine or in this network by a name that it lets point there (DNS
rebinding); so names of hosts, and the origin where a browser says one, must be the portal's own, or this machine's.

Charter: headers and who may ask; what messages mean is `portal.mcp.protocol`, what is answered `portal.mcp.toolbox`.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from functools import cache, partial
from importlib.metadata import version
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from portal.context import base_of
from portal.context import releases as folder_of
from portal.mcp import toolbox
from portal.mcp.protocol import Reply, Server, failed, reply
from portal.problems import plain_problem

log = logging.getLogger("openward.portal")

PATH: Final = "/mcp"
METHODS: Final = "POST, OPTIONS"
_ASKED_HEADERS: Final = (
    "Accept, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"
)
_JSON: Final = "application/json"
router = APIRouter(include_in_schema=False)


@router.api_route(PATH, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], response_class=Response)
async def endpoint(request: Request) -> Response:
    """One message."""
    answer = _turned_away(request)
    if answer is None:
        answer = _preflight() if request.method == "OPTIONS" else await _answered(request)
    origin = request.headers.get("origin")
    if origin and answer.status_code != 403:
        answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Vary"] = "Origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _turned_away(request: Request) -> Response | None:
    """Why the request is not for us: host, origin, method or form."""
    public = urlsplit(request.app.state.settings.public_url)
    host = _split(f"//{request.headers.get('host', '')}")
    if host is None or not _is_ours(host, public):
        return plain_problem(
            421,
            "Misdirected request",
            "This host's name is not the portal's: set OPENWARD_PUBLIC_URL to the address it has.",
        )
    said = request.headers.get("origin")
    if said is not None and not _may_ask(_split(said), host, public):
        return plain_problem(403, "Forbidden", "Pages of this origin may not ask here.")
    if request.method not in METHODS.split(", "):
        answer = plain_problem(
            405, "Method not allowed", "Messages are sent by POST; there are no streams and no sessions."
        )
        answer.headers["Allow"] = METHODS
        return answer
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return plain_problem(415, "Unsupported media type", f"A message is {_JSON}.")
    accepted = request.headers.get("accept", "*/*").lower()
    if request.method == "POST" and not any(kind in accepted for kind in (_JSON, "application/*", "*/*")):
        return plain_problem(406, "Not acceptable", f"Answers are {_JSON}.")
    return None


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname else None


def _is_ours(host: SplitResult, public: SplitResult) -> bool:
    """A name can be made to point anywhere, an address cannot."""
    name = host.hostname or ""
    return name in (public.hostname, "localhost") or _address(name) is not None


def _may_ask(origin: SplitResult | None, host: SplitResult, public: SplitResult) -> bool:
    if origin is None or origin.scheme not in ("http", "https"):
        return False
    where = _address(origin.hostname or "")
    if origin.hostname == "localhost" or (where is not None and where.is_loopback):
        return True
    if (origin.scheme, origin.netloc.lower()) == (public.scheme, public.netloc.lower()):
        return True
    return origin.netloc.lower() == host.netloc.lower() and host.hostname != public.hostname


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _preflight() -> Response:
    headers = {
        "Allow": METHODS,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": _ASKED_HEADERS,
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)


async def _answered(request: Request) -> Response:
    body = await request.body()
    call = partial(toolbox.call, folder_of(request), base_of(request))
    server = Server("openward", "Openward", _version(), toolbox.INSTRUCTIONS, toolbox.listed(), call)
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.scope["headers"]]
    try:
        made = await run_in_threadpool(reply, server, headers, body)
    except Exception:
        log.error("an MCP message failed", exc_info=True)
        made = Reply(500, failed(body))
    if made.message is None:
        return Response(status_code=made.status)
    text = json.dumps(made.message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode("utf-8", "replace"), made.status, media_type=_JSON)


@cache
def _version() -> str:
    return version("openward")
