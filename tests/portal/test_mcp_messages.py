"""MCP byte by byte: which messages are taken, by the types of its specification; who may ask; input that means harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp_types import JSONRPCError
from mcp_types.methods import validate_server_result

from portal.app import create_app
from portal.expressions import tree, written
from portal.mcp import toolbox
from portal.mcp.protocol import LEGACY, MODERN
from portal.mcp.routes import PATH
from portal.security import MAX_BODY_BYTES
from portal.selection_query import MAX_LONG_CHARS
from portal.settings import PortalSettings
from tests.portal.expressions.trees import conditions

NOW = MODERN[0]
META = {"io.modelcontextprotocol/protocolVersion": NOW, "io.modelcontextprotocol/clientCapabilities": {}}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def mcp(releases_path: Path) -> Iterator[TestClient]:
    app = create_app(PortalSettings(releases=releases_path, mcp=True, public_url="https://data.example.org"))
    with TestClient(app, base_url="https://data.example.org", raise_server_exceptions=False) as client:
        yield client


def message(method: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}} | more


def modern(mcp: TestClient, method: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
    said = {"MCP-Protocol-Version": NOW, "Mcp-Method": method}
    if method == "tools/call":
        said["Mcp-Name"] = str((params or {}).get("name"))
    return mcp.post(PATH, json=message(method, {"_meta": META} | (params or {})), headers=said | headers)


def legacy(mcp: TestClient, method: str, params: dict[str, Any] | None = None, version: str = LEGACY[0]) -> Any:
    return mcp.post(PATH, json=message(method, params), headers={"MCP-Protocol-Version": version})


def refused(answer: Any, status: int, code: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error = JSONRPCError.model_validate(answer.json())
    assert error.error.code == code and "\n" not in error.error.message, answer.text
    assert answer.headers["cache-control"] == "no-store"
    about: dict[str, Any] = answer.json()
    return about


def test_answers_are_of_the_types_of_the_specification(mcp: TestClient) -> None:
    call = {"name": "find_requests", "arguments": {"limit": 1}}
    wrong = {"name": "find_requests", "arguments": {"limit": -1}}
    for method, params in (("server/discover", {}), ("tools/list", {}), ("tools/call", call), ("tools/call", wrong)):
        answer = modern(mcp, method, params)
        assert answer.status_code == 200 and answer.json()["id"] == 7
        result = answer.json()["result"]
        validate_server_result(method, NOW, result)
        assert result["resultType"] == "complete"
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "openward"
    for version in LEGACY:
        opened = legacy(mcp, "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {}}).json()
        validate_server_result("initialize", version, opened["result"])
        assert opened["result"]["protocolVersion"] == version
        for method, params in (("ping", {}), ("tools/list", {}), ("tools/call", call), ("tools/call", wrong)):
            answer = legacy(mcp, method, params, version)
            assert answer.status_code == 200 and "mcp-session-id" not in answer.headers
            validate_server_result(method, version, answer.json()["result"])
    older = legacy(mcp, "initialize", {"protocolVersion": "2024-11-05"}).json()["result"]["protocolVersion"]
    assert older == LEGACY[0]


def test_schemas_are_schemas_and_answers_keep_to_them(mcp: TestClient) -> None:
    for tool in toolbox.listed():
        for name in ("inputSchema", "outputSchema"):
            Draft202012Validator.check_schema(tool[name])
            assert tool[name]["type"] == "object"
    schemas = {tool["name"]: tool["outputSchema"] for tool in toolbox.listed()}
    for name, arguments in (("response_times", {"by": "ward"}), ("describe_release", {"table": "areas"})):
        found = legacy(mcp, "tools/call", {"name": name, "arguments": arguments}).json()["result"]["structuredContent"]
        Draft202012Validator(schemas[name]).validate(found)


def test_versions_are_negotiated(mcp: TestClient) -> None:
    strange = {"io.modelcontextprotocol/protocolVersion": "1900-01-01"}
    answer = mcp.post(
        PATH,
        json=message("tools/list", {"_meta": META | strange}),
        headers={"MCP-Protocol-Version": "1900-01-01", "Mcp-Method": "tools/list"},
    )
    data = refused(answer, 400, -32022)["error"]["data"]
    assert data == {"supported": [*MODERN, *LEGACY], "requested": "1900-01-01"}
    refused(legacy(mcp, "tools/list", version="2025-03-26"), 400, -32022)
    refused(mcp.post(PATH, json=message("tools/list")), 400, -32020)
    assert mcp.post(PATH, json=message("initialize", {"protocolVersion": LEGACY[1]})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Mcp-Method": "tools/call"},
        {"Mcp-Method": "Tools/List"},
        {"MCP-Protocol-Version": LEGACY[0]},
        {"MCP-Protocol-Version": ""},
    ],
)
def test_headers_say_what_the_message_says(mcp: TestClient, headers: dict[str, str]) -> None:
    refused(modern(mcp, "tools/list", **headers), 400, -32020)


def test_names_in_headers(mcp: TestClient) -> None:
    call = {"name": "find_requests", "arguments": {"limit": 0}}
    refused(modern(mcp, "tools/call", call, **{"Mcp-Name": "get_request"}), 400, -32020)
    refused(modern(mcp, "tools/call", call, **{"Mcp-Name": "=?base64?x?="}), 400, -32020)
    assert modern(mcp, "tools/call", call, **{"Mcp-Name": "=?base64?ZmluZF9yZXF1ZXN0cw==?="}).status_code == 200
    twice = [("MCP-Protocol-Version", NOW), ("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/list"), *JSON.items()]
    refused(mcp.post(PATH, content=json.dumps(message("tools/list", {"_meta": META})), headers=twice), 400, -32020)


def test_what_is_no_method_or_tool(mcp: TestClient) -> None:
    for method in (
        "initialize",
        "resources/list",
        "prompts/list",
        "tasks/get",
        "ping",
        "subscriptions/listen",
        "x" * 900,
    ):
        refused(modern(mcp, method), 404, -32601)
    for method in ("resources/list", "server/discover", "logging/setLevel"):
        refused(legacy(mcp, method), 200, -32601)
    refused(modern(mcp, "tools/call", {"name": "drop_tables"}), 400, -32602)
    refused(legacy(mcp, "tools/call", {"name": "drop_tables"}), 200, -32602)
    refused(modern(mcp, "tools/list", {"cursor": "x"}), 400, -32602)
    refused(modern(mcp, "tools/list", {"_meta": {}}), 400, -32602)
    refused(modern(mcp, "tools/list", {"_meta": META | {"io.modelcontextprotocol/clientCapabilities": 1}}), 400, -32602)


def test_notifications_are_taken_and_passed_over(mcp: TestClient) -> None:
    for method in ("notifications/initialized", "notifications/cancelled"):
        answer = mcp.post(PATH, json={"jsonrpc": "2.0", "method": method}, headers={"MCP-Protocol-Version": LEGACY[0]})
        assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700), (b"{", -32700), (b"\xff", -32700), (b"[" * 30_000, -32700), (b'{"a":' * 9_000, -32700),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"x"}', -32700), (b"[]", -32600), (b"null", -32600), (b"1", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600), (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600), (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600), (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600), (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', -32600), (b'{"jsonrpc":"2.0","method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}', -32700),
    ],
    ids=range(20),
)  # fmt: skip
def test_what_is_no_message(mcp: TestClient, body: bytes, code: int) -> None:
    refused(mcp.post(PATH, content=body, headers=JSON | {"MCP-Protocol-Version": LEGACY[0]}), 400, code)


def test_params_must_be_objects(mcp: TestClient) -> None:
    for params in ([1], "x", 5):
        body = json.dumps(message("tools/list") | {"params": params})
        refused(mcp.post(PATH, content=body, headers=JSON | {"MCP-Protocol-Version": LEGACY[0]}), 200, -32602)
    for arguments in ([1], "x", 5):
        refused(legacy(mcp, "tools/call", {"name": "find_requests", "arguments": arguments}), 200, -32602)
    for name in (5, None, ["find_requests"]):
        refused(legacy(mcp, "tools/call", {"name": name}), 200, -32602)


ALL = [tool["name"] for tool in toolbox.listed()]
NAMES = sorted({name for tool in toolbox.listed() for name in tool["inputSchema"].get("properties", {})})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(ALL), arguments=st.dictionaries(st.sampled_from([*NAMES, "x"]), ANYTHING, max_size=5))
def test_any_arguments_are_answered(mcp: TestClient, name: str, arguments: dict[str, Any]) -> None:
    answer = legacy(mcp, "tools/call", {"name": name, "arguments": arguments})
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    validate_server_result("tools/call", LEGACY[0], result)
    assert result["isError"] == ("structuredContent" not in result)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions, by=st.sampled_from(["status", "service_code", "year_of(requested_date)"]))
def test_any_condition_leaves_the_rows_that_the_api_has(mcp: TestClient, condition: tree.Condition, by: str) -> None:
    said = written.text(condition)
    assume(len(said) < MAX_LONG_CHARS)
    call = {"name": "find_requests", "arguments": {"filter": said, "limit": 100}}
    found = legacy(mcp, "tools/call", call).json()["result"]["structuredContent"]
    asked = {"filter": said, "sort": "-requested_datetime", "limit": "100"}
    api = mcp.get("/api/v1/tables/requests/rows", params=asked).json()
    assert (found["total"], found["rows"]) == (api["total"], api["rows"])
    call = {"name": "group_requests", "arguments": {"filter": said, "by": [by], "having": "count > 3"}}
    groups = legacy(mcp, "tools/call", call).json()["result"]["structuredContent"]
    api = mcp.get("/api/v1/tables/requests/groups", params={"filter": said, "by": by, "having": "count > 3"}).json()
    assert (groups["total"], groups["rows"]) == (api["total"], api["rows"])
    assert (
        all(row["count"] > 3 for row in groups["rows"])
        and sum(row["count"] for row in groups["rows"]) <= found["total"]
    )


def test_without_a_release_it_is_said(tmp_path: Path) -> None:
    with TestClient(create_app(PortalSettings(releases=tmp_path, mcp=True)), base_url="http://localhost") as client:
        assert legacy(client, "tools/list").status_code == 200
        result = legacy(client, "tools/call", {"name": "describe_release"}).json()["result"]
    assert result["isError"] and "no release" in result["content"][0]["text"]


def test_only_posts_of_json(mcp: TestClient) -> None:
    for method in ("GET", "HEAD", "DELETE", "PUT", "PATCH"):
        answer = mcp.request(method, PATH)
        assert answer.status_code == 405 and answer.headers["allow"] == "POST, OPTIONS"
    body = json.dumps(message("ping"))
    assert mcp.post(PATH, content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    assert mcp.post(PATH, content=body, headers=JSON | {"Accept": "text/html"}).status_code == 406
    assert mcp.post(PATH, content=b" " * (MAX_BODY_BYTES + 1), headers=JSON).status_code == 413


ORIGINS = (
    ("https://data.example.org", 200), ("http://localhost:6274", 200), ("http://127.0.0.1:6274", 200), ("http://[::1]", 200),
    ("http://data.example.org", 403), ("https://data.example.org.evil.example", 403), ("https://evil.example", 403),
    ("null", 403), ("", 403), ("file://", 403), ("http://localhost.evil.example", 403), ("https://[::1", 403),
    ("http://10.0.0.1", 403), ("javascript://localhost", 403),
)  # fmt: skip


@pytest.mark.parametrize(("origin", "status"), ORIGINS)
def test_pages_of_other_sites_may_not_ask(mcp: TestClient, origin: str, status: int) -> None:
    headers = {"MCP-Protocol-Version": LEGACY[0], "Origin": origin, "Host": "localhost"}
    answer = mcp.post(PATH, json=message("ping"), headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers.get("access-control-allow-origin") == (origin if status == 200 else None)
    before = mcp.options(PATH, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert before.status_code == (204 if status == 200 else 403)
    assert answer.headers["vary"] == "Origin" and "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [("data.example.org", 200), ("data.example.org:443", 200), ("DATA.example.org", 200), ("localhost:8050", 200),
     ("127.0.0.1:8050", 200), ("[::1]:8050", 200), ("192.0.2.7", 200), ("evil.example", 421), ("evil.example:8050", 421),
     ("data.example.org.evil.example", 421), ("localhost.evil.example", 421), ("[::1", 421), ("", 421), ("a:b:c", 421)],
)  # fmt: skip
def test_names_that_were_made_to_point_here_are_turned_away(mcp: TestClient, host: str, status: int) -> None:
    """A page of evil.example whose name points at this machine has that name as its host and its origin."""
    headers = {"MCP-Protocol-Version": LEGACY[0], "Host": host}
    assert mcp.post(PATH, json=message("ping"), headers=headers).status_code == status
    if status == 421:
        assert mcp.post(PATH, json=message("ping"), headers=headers | {"Origin": f"http://{host}"}).status_code == 421


def test_calls_are_counted_with_what_else_is_asked(releases_path: Path) -> None:
    app = create_app(PortalSettings(releases=releases_path, mcp=True, rate_limit=2))
    with TestClient(app, base_url="http://localhost", client=("203.0.113.9", 1)) as client:
        left = [client.post(PATH, json=message("ping"), headers={"MCP-Protocol-Version": LEGACY[0]}) for _ in range(3)]
    assert [answer.status_code for answer in left] == [200, 200, 429]
    assert "ratelimit" in left[0].headers and "retry-after" in left[2].headers


def test_a_mistake_of_ours_tells_nothing(mcp: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("a path such as /etc/passwd")

    monkeypatch.setattr(toolbox, "call", fails)
    answer = legacy(mcp, "tools/call", {"name": "find_requests"})
    assert "passwd" not in answer.text
    assert refused(answer, 500, -32603)["id"] == 7
