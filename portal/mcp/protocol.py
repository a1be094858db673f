"""Messages of the Model Context Protocol: one HTTP body in, a status and one JSON-RPC answer out.

Two eras are spoken, as its revision 2026-07-28 describes for servers of both: requests that say their version in `_meta` and
in headers, and the ones before, which begin with `initialize`. Nothing is remembered from one message to the next.

Charter: what a message must be and which method it asks for; what tools there are, and HTTP itself, are elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

MODERN: Final = ("2026-07-28",)
LEGACY: Final = ("2025-11-25", "2025-06-18")
"""Those before had batches of messages, which are not taken here."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

_META: Final = "io.modelcontextprotocol/"
_VERSION, _CAPABILITIES, _SERVER = f"{_META}protocolVersion", f"{_META}clientCapabilities", f"{_META}serverInfo"
_ROUTING: Final = ("mcp-protocol-version", "mcp-method", "mcp-name")
_FRESH_MS: Final = 300_000
"""Tools are the same until the portal is updated."""

Json = dict[str, Any]
Headers = Sequence[tuple[str, str]]
Call = Callable[[str, Json], Json]
"""The name of one of the tools and its arguments -> `content`, `structuredContent` and `isError`."""


@dataclass(frozen=True)
class Server:
    """What a client is told of the server, and what answers its calls."""

    name: str
    title: str
    version: str
    instructions: str
    tools: list[Json]
    call: Call

    def info(self) -> Json:
        """`serverInfo`."""
        return {"name": self.name, "title": self.title, "version": self.version}


@dataclass(frozen=True)
class Reply:
    """An HTTP status and what is sent; no message for a notification."""

    status: int
    message: Json | None = None


class Refused(Exception):
    """An error of the protocol."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


def reply(server: Server, headers: Headers, body: bytes) -> Reply:
    """The answer to one POST. Errors that are not of the protocol are the caller's."""
    identity: str | int | None = None
    modern = False
    try:
        message = _read(body)
        if "id" not in message:
            return _notified(message, headers)
        identity = _identity(message["id"])
        method = _method(message)
        modern = _is_modern(message, method, headers)
        params = _params(message)
        if modern:
            _checked(method, params, headers)
        else:
            _legacy(method, headers)
        result = _result(server, method, params, modern)
    except Refused as error:
        about: Json = {"code": error.code, "message": str(error)}
        if error.data is not None:
            about["data"] = error.data
        return Reply(_status(error.code, modern, identity), {"jsonrpc": "2.0", "id": identity, "error": about})
    return Reply(200, {"jsonrpc": "2.0", "id": identity, "result": result})


def failed(body: bytes) -> Json:
    """What is said of a mistake of ours; nothing of what it was."""
    identity = None
    with suppress(Refused, KeyError):
        identity = _identity(_read(body)["id"])
    about = {"code": INTERNAL_ERROR, "message": "Something went wrong on our side; it has been logged."}
    return {"jsonrpc": "2.0", "id": identity, "error": about}


def _read(body: bytes) -> Json:
    try:
        message = json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(PARSE_ERROR, "The body is not JSON in UTF-8.") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or "result" in message or "error" in message:
        raise Refused(
            INVALID_REQUEST, "The body must be one JSON-RPC 2.0 request or notification; batches are not taken."
        )
    return message


def _no_number(text: str) -> None:
    raise ValueError(text)


def _identity(given: Any) -> str | int:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise Refused(INVALID_REQUEST, "The id of a request is a string or an integer.")
    return given


def _method(message: Json) -> str:
    method = message.get("method")
    if not isinstance(method, str) or not method:
        raise Refused(INVALID_REQUEST, "A request names its method.")
    return method


def _params(message: Json) -> Json:
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "params must be an object.")
    return params


def _notified(message: Json, headers: Headers) -> Reply:
    """Taken, and passed over: a server that remembers nothing has nothing to cancel or to begin."""
    _method(message)
    _params(message)
    version = _header(headers, "mcp-protocol-version")
    if version is not None and version not in (*MODERN, *LEGACY):
        raise _unsupported(version)
    return Reply(202)


# --- which era, and whether it is kept to ---------------------------------------


def _is_modern(message: Json, method: str, headers: Headers) -> bool:
    """Who opens with `initialize` is of before; who says a version in the message is not."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    if isinstance(meta, dict) and _VERSION in meta:
        return True
    return method != "initialize" and _header(headers, "mcp-protocol-version") not in LEGACY


def _checked(method: str, params: Json, headers: Headers) -> None:
    """What the message says of itself, and the headers that repeat it."""
    meta = params.get("_meta")
    if _header(headers, "mcp-protocol-version") is None:
        raise Refused(HEADER_MISMATCH, "The header MCP-Protocol-Version is missing.")
    if not isinstance(meta, dict) or not isinstance(meta.get(_VERSION), str):
        version = _header(headers, "mcp-protocol-version") or ""
        if version not in MODERN:
            raise _unsupported(version)
        raise Refused(INVALID_PARAMS, f"params._meta must say {_VERSION} and {_CAPABILITIES}.")
    if not isinstance(meta.get(_CAPABILITIES), dict):
        raise Refused(INVALID_PARAMS, f"params._meta must say {_CAPABILITIES}.")
    meant = {"mcp-protocol-version": meta[_VERSION], "mcp-method": method}
    if method == "tools/call":
        meant["mcp-name"] = params.get("name")
    for name, value in meant.items():
        if _plain(_header(headers, name), name) != value:
            raise Refused(HEADER_MISMATCH, f"The header {name} does not say what the message says.")
    if meta[_VERSION] not in MODERN:
        raise _unsupported(meta[_VERSION])


def _legacy(method: str, headers: Headers) -> None:
    version = _header(headers, "mcp-protocol-version")
    if method != "initialize" and version not in LEGACY:
        raise _unsupported(version or "")


def _unsupported(requested: str) -> Refused:
    data = {"supported": [*MODERN, *LEGACY], "requested": requested[:40]}
    return Refused(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def _header(headers: Headers, name: str) -> str | None:
    """The one value of a header; two would be read in two ways."""
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise Refused(HEADER_MISMATCH, f"The header {name} is given more than once.")
    return values[0].strip() if values else None


def _plain(value: str | None, name: str) -> str | None:
    """A header's value as it was meant: names that are no plain ASCII stand in Base64."""
    if value is None or name != "mcp-name" or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(HEADER_MISMATCH, f"The header {name} cannot be read.") from None


def _status(code: int, modern: bool, identity: str | int | None) -> int:
    """In the older era an error of a method is an answer like any other."""
    if code == METHOD_NOT_FOUND:
        return 404 if modern else 200
    return 200 if code == INVALID_PARAMS and not modern and identity is not None else 400


# --- methods --------------------------------------------------------------------


def _result(server: Server, method: str, params: Json, modern: bool) -> Json:
    made: Mapping[str, Callable[[], Json]] = {
        "tools/list": lambda: _listed(server, params),
        "tools/call": lambda: _called(server, params),
    }
    if modern:
        made = {**made, "server/discover": lambda: _discovered(server)}
    else:
        made = {**made, "initialize": lambda: _initialized(server, params), "ping": dict}
    if method not in made:
        raise Refused(METHOD_NOT_FOUND, f"There is no method '{method[:60]}' here; there are: {', '.join(made)}.")
    result = made[method]()
    if not modern:
        return result
    kept = {"ttlMs": _FRESH_MS, "cacheScope": "public"} if method != "tools/call" else {}
    return {"resultType": "complete", **result, **kept, "_meta": {_SERVER: server.info()}}


def _discovered(server: Server) -> Json:
    return {
        "supportedVersions": [*MODERN, *LEGACY], "capabilities": {"tools": {}}, "instructions": server.instructions,
    }  # fmt: skip


def _initialized(server: Server, params: Json) -> Json:
    asked = params.get("protocolVersion")
    if not isinstance(asked, str):
        raise Refused(INVALID_PARAMS, "params.protocolVersion must say a version.")
    return {
        "protocolVersion": asked if asked in LEGACY else LEGACY[0],
        "capabilities": {"tools": {}},
        "serverInfo": server.info(),
        "instructions": server.instructions,
    }


def _listed(server: Server, params: Json) -> Json:
    if params.get("cursor") is not None:
        raise Refused(INVALID_PARAMS, "All tools are on the first page: give no cursor.")
    return {"tools": server.tools}


def _called(server: Server, params: Json) -> Json:
    name, given = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or not isinstance(given, dict | None):
        raise Refused(INVALID_PARAMS, "tools/call takes the name of a tool, and arguments as an object.")
    known = [tool["name"] for tool in server.tools]
    if name not in known:
        raise Refused(INVALID_PARAMS, f"There is no tool '{name[:60]}'; there are: {', '.join(known)}.")
    return server.call(name, given or {})
