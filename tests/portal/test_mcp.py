"""MCP by the client that assistants use, against a portal that is served: the same rows and figures as `/api/v1` has."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from mcp import Client
from mcp_types import CallToolResult

from portal.app import create_app
from portal.mcp.arguments import Selected
from portal.mcp.protocol import LEGACY, MODERN
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import KEYS
from portal.settings import PortalSettings
from portal.tables import table

T = TypeVar("T")


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], releases_path: Path) -> str:
    return serve(create_app(PortalSettings(releases=releases_path, mcp=True)))


def asked(site: str, questions: Callable[[Client], Awaitable[T]], mode: Any = "auto") -> T:
    async def run() -> T | AssertionError:
        async with Client(f"{site}/mcp", mode=mode) as client:
            try:
                return await questions(client)
            except AssertionError as error:  # raised here it would come in groups of groups
                return error

    answer = asyncio.run(run())
    if isinstance(answer, AssertionError):
        raise answer
    return answer


def told(result: CallToolResult) -> dict[str, Any]:
    """The structured answer, which is the text as well."""
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    [block] = result.content
    assert json.loads(block.text) == result.structured_content  # type: ignore[union-attr]
    return result.structured_content


@pytest.mark.parametrize(("mode", "version"), [("auto", MODERN[0]), ("legacy", LEGACY[0]), (MODERN[0], MODERN[0])])
def test_a_client_of_either_era_finds_and_calls_the_tools(site: str, release: Release, mode: str, version: str) -> None:
    async def questions(client: Client) -> None:
        assert client.protocol_version == version
        if mode != MODERN[0]:  # pinned: nothing is asked before the first call
            assert client.server_info.name == "openward" and "describe_release" in (client.instructions or "")
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == [
            "describe_release", "list_values", "find_requests", "group_requests", "response_times", "get_request",
            "areas_at", "cite_selection",
        ]  # fmt: skip
        for tool in tools.values():
            assert tool.annotations and tool.annotations.read_only_hint is True
            assert tool.input_schema["additionalProperties"] is False and tool.output_schema
            assert all("description" in of or name in LIMITS for name, of in tool.input_schema["properties"].items())
        about = told(await client.call_tool("describe_release", {}))
        assert (about["release_id"], about["synthetic"][:9]) == (release.id, "SYNTHETIC")
        found = told(await client.call_tool("find_requests", {"status": ["open"], "limit": 0}))
        assert found["total"] == release.chosen(Selection(status=("open",))).n > 0

    asked(site, questions, mode)


LIMITS = ("limit", "offset", "lat", "long", "format", "service_request_id")
"""Arguments that need no words."""

CHOSEN: list[dict[str, Any]] = [
    {"status": ["open"]},
    {"service": ["pothole", "graffiti"], "from": "2024-01-01", "to": "2024-12-31"},
    {"on_time": ["late"], "area": ["ward:1", "ward:2"]},
    {"filter": "response_hours > 240 AND CASEI(service_name) LIKE '%light%'"},
    {"filter": "S_INTERSECTS(geometry, BBOX(-71.1,42.3,-71.05,42.36))", "department": ["(none)"]},
    {"near": "42.33,-71.07,900", "age": "7-30"},
    {"outcome": ["done"], "filter": "service_name = 'it''s none'"},
]


@pytest.mark.parametrize("chosen", CHOSEN, ids=range(len(CHOSEN)))
def test_the_same_rows_and_figures_as_the_api(
    site: str, client: TestClient, release: Release, chosen: dict[str, Any]
) -> None:
    async def questions(assistant: Client) -> None:
        rows, cursor = [], ""
        for _ in range(4):
            page = told(await assistant.call_tool("find_requests", chosen | {"limit": 50, "cursor": cursor}))
            rows += page["rows"]
            cursor = page["cursor"]
            if not cursor:
                break
        api = client.get(
            "/api/v1/tables/requests/rows", params=chosen | {"limit": 200, "sort": "-requested_datetime"}
        ).json()
        assert (page["total"], rows) == (api["total"], api["rows"])
        assert (cursor is None) == (api["cursor"] is None)
        assert page["query"] == Selection.from_query(chosen, release).to_query()
        assert page["selection"] == Selection.from_query(chosen, release).sentence(release)

        by = {"by": ["service_code", "year_start(requested_datetime)"], "figures": ["count", "median(response_hours)"]}
        more = {"having": "count > 2", "sort": "-count", "limit": 100}
        grouped = told(await assistant.call_tool("group_requests", chosen | by | more))
        api = client.get(
            "/api/v1/tables/requests/groups",
            params=chosen | {name: ",".join(parts) for name, parts in by.items()} | more,
        ).json()
        assert (grouped["total"], grouped["rows"]) == (api["total"], api["rows"])

        times = told(await assistant.call_tool("response_times", chosen | {"by": "service"}))
        for name, path in (("response", "response"), ("totals", "totals")):
            assert times[name] == client.get(f"/api/v1/{path}", params=chosen).json()["result"]
        assert times["groups"] == client.get("/api/v1/by/service", params=chosen | {"limit": 20}).json()["rows"]
        assert len(times["sentences"]) == 3

        # The addresses that an answer names tell the same.
        for answer in (page, grouped, times):
            there = client.get(answer["api"].removeprefix(site))
            assert there.status_code == 200, there.text
            if answer is grouped:
                assert there.json()["rows"] == grouped["rows"]
        for name in ("page", "receipt", "cite"):
            assert client.get(times[name].removeprefix(site)).status_code == 200, times[name]

    asked(site, questions)


def test_what_there_is(site: str, client: TestClient, release: Release) -> None:
    async def questions(assistant: Client) -> None:
        about = told(await assistant.call_tool("describe_release", {}))
        listed = client.get("/api/v1/tables").json()["rows"]
        assert [(of["table"], of["rows"]) for of in about["tables"]] == [(of["table"], of["rows"]) for of in listed]
        assert about["tables"][0]["fields"] == list(table(release, "requests").fields)
        services = client.get("/api/v1/choices/service").json()["rows"]
        assert about["services"] == {"total": len(services), "rows": services[:100]}
        [areas] = told(await assistant.call_tool("describe_release", {"table": "areas"}))["tables"]
        detail = client.get("/api/v1/tables/areas").json()["result"]["fields"]
        assert [(of["name"], of["kind"]) for of in areas["fields"]] == [(of["name"], of["kind"]) for of in detail]

        values = told(await assistant.call_tool("list_values", {"dimension": "service", "contains": "LIGHT"}))
        assert values["rows"] == [of for of in services if "light" in (of["value"] + of["label"]).lower()] != []
        two = told(await assistant.call_tool("list_values", {"dimension": "service", "limit": 2, "offset": 1}))
        assert (two["total"], two["rows"]) == (len(services), services[1:3])

    asked(site, questions)


def test_one_request_places_and_citations(site: str, client: TestClient, release: Release) -> None:
    [(number, lat, long, district)] = release.query(
        "SELECT service_request_id, lat, long, district FROM requests WHERE lat IS NOT NULL AND district IS NOT NULL LIMIT 1"
    )

    async def questions(assistant: Client) -> None:
        one = told(await assistant.call_tool("get_request", {"service_request_id": number}))
        assert one["request"] == client.get(f"/api/v1/requests/{number}").json()["result"]
        assert client.get(one["page"].removeprefix(site)).status_code == 200
        assert client.get(one["api"].removeprefix(site)).json()["result"] == one["request"]

        here = told(await assistant.call_tool("areas_at", {"lat": lat, "long": long}))
        where = f"S_INTERSECTS(geometry, POINT({long:.7f} {lat:.7f}))"
        api = client.get("/api/v1/tables/areas/rows", params={"filter": where}).json()["rows"]
        assert {of["value"] for of in here["areas"]} == {f"{of['layer']}:{of['area']}" for of in api} != set()
        for area in here["areas"]:
            assert client.get(area["page"].removeprefix(site)).status_code == 200
        assert f"district:{district}" in {of["value"] for of in here["areas"]}
        within = {"near": f"{lat},{long},5", "area": [f"district:{district}"], "limit": 0}
        assert told(await assistant.call_tool("find_requests", within))["total"] >= 1
        wide = told(await assistant.call_tool("areas_at", {"lat": lat, "long": long, "meters": 5000}))
        assert {of["value"] for of in wide["areas"]} > {of["value"] for of in here["areas"]}
        assert client.get(wide["api"].removeprefix(site)).json()["total"] == len(wide["areas"])
        for lat_, long_ in ((90, 180), (-90, -180), (0, 180)):
            far = {"lat": lat_, "long": long_, "meters": 5000}
            assert told(await assistant.call_tool("areas_at", far))["areas"] == []

        cited = told(await assistant.call_tool("cite_selection", {"status": ["open"], "format": "bibtex"}))
        assert cited["url"] == cited["cite"] == f"{site}/r/{release.id}?status=open"
        assert cited["citation"].startswith("@misc{") and release.id in cited["citation"]
        assert client.get(cited["url"].removeprefix(site)).status_code == 200

    asked(site, questions)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("find_requests", {"servce": ["pothole"]}, "takes no argument 'servce'; it takes: service,"),
    ("find_requests", {"service": "pothole"}, "service: "),
    ("find_requests", {"service": ["nothing"]}, "service: this release has no service 'nothing'; allowed are for example"),
    ("find_requests", {"filter": "response_hours >"}, "cannot be read as cql2-text"),
    ("find_requests", {"filter": "rid > 1"}, "There is no field 'rid'"),
    ("find_requests", {"fields": ["rid"]}, "has no field 'rid'"),
    ("find_requests", {"fields": ["status", "gx"]}, "has no field 'gx'"),
    ("find_requests", {"sort": "elapsed_minutes"}, "has no field 'elapsed_minutes'"),
    ("find_requests", {"limit": 101}, "limit: "),
    ("find_requests", {"cursor": "W10"}, "The cursor is not of this release"),
    ("find_requests", {"filter": "x" * 3501}, "filter: "),
    ("find_requests", {"filter": "(" * 1200}, "nested"),
    ("find_requests", {"filter": "1=1; DROP TABLE requests"}, "cannot be read"),
    ("find_requests", {"service": ["a\0b"]}, "service: "),
    ("find_requests", {"near": "nan,nan,1"}, "near: "),
    ("group_requests", {"by": ["geometry"]}, "cannot be grouped by"),
    ("group_requests", {"by": ["rid"]}, "There is no field 'rid'"),
    ("group_requests", {"figures": ["version()"]}, "is none of: count"),
    ("group_requests", {"figures": []}, "figures: "),
    ("group_requests", {"having": "avg(response_hours) > 1"}, "is not known here"),
    ("response_times", {"by": "nothing"}, "nothing"),
    ("get_request", {"service_request_id": "none"}, "There is no request 'none'"),
    ("get_request", {}, "service_request_id: Field required"),
    ("areas_at", {"lat": 91, "long": 0}, "lat: "),
    ("areas_at", {"lat": 0, "long": 0, "meters": 5001}, "meters: "),
    ("describe_release", {"table": "meta"}, "There is no table 'meta'"),
    ("list_values", {"dimension": "rid"}, "rid"),
    ("cite_selection", {"release": "20200101T000000Z-00000000"}, "20200101T000000Z-00000000"),
]  # fmt: skip


def test_what_cannot_be_asked_is_told_in_one_line(site: str) -> None:
    async def questions(assistant: Client) -> None:
        for name, arguments, why in WRONG:
            result = await assistant.call_tool(name, arguments)
            [block] = result.content
            assert result.is_error and result.structured_content is None, (name, arguments)
            text = block.text  # type: ignore[union-attr]
            assert why in text and "\n" not in text and len(text) <= 1000, text

    asked(site, questions)


def test_every_key_of_a_selection_can_be_given() -> None:
    assert {field.alias or name for name, field in Selected.model_fields.items()} == set(KEYS)
    made = Selected.model_validate({"status": ["open", "closed"], "from": "2025-01-31", "filter": "a='&b'"})
    assert made.query() == "status=open&status=closed&from=2025-01-31&filter=a%3D%27%26b%27"


def test_addresses_are_those_that_visitors_see(releases_path: Path) -> None:
    settings = PortalSettings(releases=releases_path, mcp=True, public_url="https://data.example.org")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "find_requests", "arguments": {}}}
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        found = client.post("/mcp", json=call, headers={"MCP-Protocol-Version": LEGACY[0]}).json()["result"][
            "structuredContent"
        ]
    for name in ("page", "receipt", "api", "cite"):
        assert urlsplit(found[name])[:2] == ("https", "data.example.org")


def test_without_the_setting_there_is_nothing(client: TestClient) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        answer = client.request(method, "/mcp")
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    code = """
import sys
from portal.app import from_environment
from_environment()
print([name for name in sys.modules if name.split(".")[:2] == ["portal", "mcp"] or name.startswith("dash.mcp")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
