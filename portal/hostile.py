"""Questions that every door must refuse, at once and in its own words: for the tests, and for measuring (`portal.bench_hostile`).

Charter: doors and what is asked of them, as bytes on the wire; what is wrong with an answer. No server.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from portal.hostile_given import (
    BODIES,
    BYTES,
    CKAN,
    DEEP,
    FIGURES,
    FILTERED,
    INJECTED,
    LONG,
    OGC,
    OPEN311,
    PAGED,
    PAGES,
    PATHS,
    SELECTED,
    SELECTING,
    SODA,
    Shape,
)  # fmt: skip


class Attack(NamedTuple):
    """One question."""

    door: str
    shape: Shape
    what: str
    target: str
    method: str = "GET"
    body: bytes = b""


INSIDE: Final = ("Traceback", "duckdb", "site-packages", "SELECT ", "/home/", ".py")
"""Words that would tell how it is made."""


def attacks(release: str) -> Iterator[Attack]:
    """Everything, against the release that is served."""
    for door, path in SELECTING:
        yield from _selecting(door, "problem", path.format(release=release), "filter")
    for path in PAGES:
        yield from _selecting("pages", "page", path.format(release=release), "filter")
    for path in FILTERED:
        yield from _texts(_door(path), "problem", path, "filter", "layer = 'district' AND name = '{}'")
    rows = "/api/v1/tables/requests/rows"
    yield from _selecting("/api/v1/tables", "problem", rows, "filter")
    yield from _each("/api/v1/tables", "problem", rows, PAGED)
    yield from _each("/api/v1/tables", "problem", "/api/v1/requests", PAGED)
    yield from _each("/api/v1/tables", "problem", "/api/v1/tables/requests/groups", FIGURES)
    items = "/ogc/collections/requests/items"
    yield from _texts("/ogc", "problem", items, "filter", "service_name = '{}'")
    yield from _texts(
        "/ogc", "problem", "/ogc/collections/requests/tiles/WebMercatorQuad/5/11/9", "filter", "status = '{}'"
    )
    yield from _each("/ogc", "problem", items, OGC)
    for ending in ("json", "csv", "geojson"):
        yield from _texts("/resource", "soda", f"/resource/requests.{ending}", "$where", "service_name = '{}'")
        yield from _each("/resource", "soda", f"/resource/requests.{ending}", SODA)
    search = "/api/3/action/datastore_search"
    yield from _each("/api/3/action", "ckan", search, CKAN)
    for what, body in BODIES.items():
        yield Attack("/api/3/action", "ckan", f"a body: {what}", search, "POST", body)
    for ending in ("json", "xml"):
        yield from _each("/open311", "open311", f"/open311/v2/requests.{ending}", OPEN311)
    for (door, shape), paths in PATHS.items():
        for path in paths:
            yield Attack(door, shape, path, _filled(path, release))


def _filled(path: str, release: str) -> str:
    path = path.replace("{release}", release).replace("{79 digits}", "f" * 79)
    return path.replace("{long}", "x" * 5000).replace("{digits}", "9" * 500)


def _door(path: str) -> str:
    return "/download" if path.startswith("/download") else "/api/v1/tables"


def _selecting(door: str, shape: Shape, path: str, key: str) -> Iterator[Attack]:
    yield from _texts(door, shape, path, key, "service_name = '{}'")
    yield from _each(door, shape, path, SELECTED)


def _texts(door: str, shape: Shape, path: str, key: str, good: str) -> Iterator[Attack]:
    """What any condition's text is tried with."""
    for kind in (DEEP, INJECTED):
        for what, text in kind.items():
            yield Attack(door, shape, f"{path} {key}: {what}"[-110:], f"{path}?{key}={quote(text)}")
    before, after = good.split("{}")
    for what, raw in BYTES.items():
        yield Attack(
            door, shape, f"{path} {key}: {what} in it"[-110:], f"{path}?{key}={quote(before)}{raw}{quote(after)}"
        )
    for what, length in LONG.items():
        yield Attack(door, shape, f"{path} {key}: {what}"[-110:], f"{path}?{key}={'x' * length}")


def _each(door: str, shape: Shape, path: str, given: dict[str, str]) -> Iterator[Attack]:
    for what, query in given.items():
        yield Attack(door, shape, f"{path}: {what}"[-110:], f"{path}?{query}")


def release_of(address: str) -> str:
    """The release that a running portal serves."""
    import httpx

    return str(httpx.get(f"{address}/api/v1/release", timeout=60).raise_for_status().json()["release_id"])


def wrong(attack: Attack, status: int, media_type: str, body: bytes) -> str:
    """What is wrong with an answer; nothing if it is a refusal in the words and the shape of its door."""
    if not 400 <= status < 500:
        return f"{status} {body[:80]!r}"
    if body == b"Invalid HTTP request received.":  # the server's own, before any of us is asked: a line, and a 400
        return ""
    shape: Shape = "problem" if status == 413 else attack.shape  # a body too large is read by no door
    try:
        said = _said(attack, shape, status, media_type, body)
    except (ValueError, KeyError, TypeError, IndexError, ET.ParseError) as error:
        return f"{status} {media_type}, not in the shape of {attack.shape}: {error!r} {body[:80]!r}"
    if not said.strip() or "\n" in said or len(said) > 2000:
        return f"{status}: not one clear line: {said[:200]!r}"
    leaked = [word for word in INSIDE if word in said and word not in unquote(attack.target)]
    return f"{status}: tells {leaked}: {said[:200]}" if leaked else ""


def _said(attack: Attack, shape: Shape, status: int, media_type: str, body: bytes) -> str:
    text = body.decode()
    if shape == "page":
        if not media_type.startswith("text/html") or "<h1" not in text:
            raise ValueError("no page")
        return "a page"
    if shape == "open311" and ".xml" in attack.target:
        [error] = ET.fromstring(text).findall("error")  # noqa: S314 - of our own server
        return error.findtext("description") or ""
    told = json.loads(text)
    if shape == "open311":
        return str(told[0]["description"])
    if shape == "ckan":
        return (
            told if isinstance(told, str) else str({**told["error"], "__type": ""} if told["success"] is False else "")
        )
    if shape == "soda":
        return str(told["message"] if told["error"] is True else "")
    if media_type != "application/problem+json" or told["status"] != status:
        raise ValueError("no problem details")
    return str(told["detail"])
