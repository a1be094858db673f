"""Whatever is asked, the OpenAPI document tells what is answered; what is hostile is refused, and soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from schemathesis import GenerationMode

from tests.portal.contract import broken
from tests.portal.ogc.conftest import CITY

Ask = Callable[..., httpx.Response]
EXAMPLES = 20


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_declared(site: str, mode: GenerationMode) -> None:
    """Each address, asked for what the document allows and for what it does not: none fails, all are told of there."""
    wrong = broken(f"{site}/ogc/api", mode, EXAMPLES, but=("/api",))  # the document itself
    assert not wrong, "\n\n".join(wrong)


DEEP = "(" * 60 + "status = 'open'" + ")" * 60
HOSTILE = [
    {"filter": "(" * 5000 + "1=1" + ")" * 2500}, {"filter": "NOT " * 1900 + "synthetic"}, {"filter": "x" * 60_000},
    {"filter": "status = 'a' OR " * 480 + "status = 'b'"}, {"filter": "1=1; DROP TABLE requests"},
    {"filter": "status = 'x' UNION SELECT * FROM meta"}, {"filter": "getenv('HOME') = 'x'"}, {"filter": "read_text('/etc/passwd') = 'x'"},
    {"filter": "response_hours = 1e400"}, {"filter": "response_hours = " + "9" * 4000},
    {"filter": json.dumps({"op": "and", "args": []}), "filter__lang": "cql2-json"},
    {"filter": '{"op":"not","args":[' * 900 + "true" + "]}" * 900, "filter__lang": "cql2-json"},
    {"filter": "[" * 7000, "filter__lang": "cql2-json"}, {"filter": "null", "filter__lang": "cql2-json"},
    {"filter": f"S_INTERSECTS(geometry, POLYGON(({', '.join(f'{i} {i}' for i in range(900))}, 0 0)))"},
    {"filter": "S_INTERSECTS(geometry, POINT(1e308 1e308))", "filter__crs": CITY},
    {"filter": "S_INTERSECTS(geometry, LINESTRING EMPTY)", "filter__crs": CITY},
    {"filter": "S_INTERSECTS(status, POINT(0 0))"}, {"filter": "geometry = 'x'"},
    {"bbox": "0," * 400}, {"bbox": "1e309,0,1,1"}, {"datetime": "2" * 900}, {"datetime": "9999-12-31T23:59:59-23:59"},
    {"limit": "9" * 500}, {"limit": "1e3"}, {"cursor": "A" * 900}, {"cursor": "W10"}, {"cursor": "WzEsMSxbXV0"},
    {"cursor": "bnVsbA"}, {"sortby": "-" * 900}, {"sortby": "status;DROP TABLE requests"}, {"status": "\0"}, {"service_name": "a\0b"},
    {"crs": "x" * 900}, {"response_hours": "1e999"}, {"f": "x" * 900}, {f"p{i}": "1" for i in range(70)},
]  # fmt: skip


@pytest.mark.parametrize("given_", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_is_refused(ask: Ask, given_: dict[str, str]) -> None:
    answer = ask("/collections/requests/items", **given_)
    assert 400 <= answer.status_code < 500, answer.text[:300]
    if answer.headers["content-type"] == "application/problem+json":
        assert "\n" not in answer.json()["detail"] and len(answer.json()["detail"]) < 2_000


def test_what_is_only_deep_is_answered(ask: Ask) -> None:
    assert ask("/collections/requests/items", filter=DEEP).json()["numberMatched"] > 0


@pytest.mark.parametrize(
    "path", ["/collections/%00", "/collections/a%2Fb/items", "/collections/requests/items/%ff", "/nothing", "/x/y/z"]
)
def test_other_addresses_are_not_there(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


def test_nothing_but_published_fields_leaves(ask: Ask) -> None:
    published = set(ask("/collections/requests/queryables").json()["properties"])
    feature = ask("/collections/requests/items", limit=1).json()["features"][0]
    assert set(feature["properties"]) == published - {"geometry"}
    assert not published & {"rid", "gx", "gy", "cell", "facet", "elapsed_key", "event"}
    assert ask(f"/collections/requests/items?{quote('rid')}=1").status_code == 400
