"""Reading a Selection from a query: what is given under which key, checked against the release and bounded.

Charter: the query in, a Selection or BadSelection out, which names the key and the value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from portal.age import Age
from portal.errors import BadSelection
from portal.filtered import Filter
from portal.given_text import is_text
from portal.outline import Circle, Outline
from portal.selection import COLUMNS, NOT_STATED, Query, Selection

if TYPE_CHECKING:
    from portal.release import Release

MAX_VALUES = 50
MAX_QUERY_BYTES = 16_384
"""Of a query as it is sent, where a character may take nine bytes."""
MAX_SELECTION_BYTES = 4096
"""Of all keys and values of a selection, as they are meant; in canonical form too, so that it can be asked for again."""
MAX_VALUE_CHARS = 200
MAX_LONG_CHARS = 3500
LONG = ("within", "filter")

KEYS = (*COLUMNS, "age", "from", "to", "area", "filter", "near", "within")


def read(query: Query, release: Release, also: Mapping[str, Collection[str]] | None = None) -> Selection:
    """The selection that a query string (or mapping, or multi-dict) asks for.

    Unknown keys and empty values are ignored. Raises BadSelection for a value that the release does not
    have, for a date that is not one, and for too many or too long values. `also` are values of dimensions that do as well.
    """
    given, also = _pairs(query), also or {}
    chosen: dict[str, Any] = {}
    for key in COLUMNS:
        if values := given.get(key):
            chosen[key] = tuple(_checked(key, values, release.allowed(key), also.get(key, ())))
    if areas := given.get("area"):
        chosen["area"] = tuple(_checked_areas(areas, release, also))
    for key in ("from", "to"):
        if dates := given.get(key):
            chosen[f"{key}_date"] = _date(key, dates)
    if ages := given.get("age"):
        chosen["age"] = Age.read(_only("age", ages, "range of days"), release.as_of)
    if filters := given.get("filter"):
        chosen["filter"] = Filter.read(_only("filter", filters, "filter"), release)
    for key, kind in (("near", Circle), ("within", Outline)):
        if places := given.get(key):
            place = _only(key, places, "place")
            if "lat" not in release.columns:
                raise BadSelection(key, place[:40], why="this release tells no points")
            chosen[key] = kind.read(place)
    selection = Selection(**chosen)
    first, last = selection.from_date, selection.to_date
    if first and last and first > last:
        raise BadSelection("from", first.isoformat(), why=f"the first date, {first}, is after the last one, {last}")
    return _to_be_asked_again(selection)


def _only(key: str, values: list[str], what: str) -> str:
    if len(set(values)) > 1:
        raise BadSelection(key, values[1], why=f"only one {what} can be given")
    return values[0]


def fields_of(query: str) -> list[tuple[str, str]]:
    """The fields of a query string, bounded; what is no UTF-8 is left for who reads the value to refuse."""
    text = query.removeprefix("?")
    if len(text.encode("utf-8", "replace")) > MAX_QUERY_BYTES:
        raise BadSelection("query", text[:40], why=f"the query is longer than {MAX_QUERY_BYTES} bytes")
    try:
        return parse_qsl(text, max_num_fields=8 * MAX_VALUES, errors="surrogateescape")
    except ValueError:
        raise BadSelection("query", text[:40], why="the query has too many fields") from None


def _pairs(query: Query) -> dict[str, list[str]]:
    """Non-empty values by known key, bounded in number and length."""
    items: Iterable[tuple[str, Any]]
    if isinstance(query, str):
        items = fields_of(query)
    elif hasattr(query, "multi_items"):
        items = query.multi_items()
    else:
        items = query.items()
    found: dict[str, list[str]] = {}
    for key, value in items:
        if key in KEYS:
            many = [value] if isinstance(value, str | date) else list(value or ())
            found.setdefault(key, []).extend(str(v) for v in many if v)
    for key, values in found.items():
        _bounded(key, values)
    _measured((key, value) for key, values in found.items() for value in values)
    return found


def _to_be_asked_again(selection: Selection) -> Selection:
    """What answers and pages name a selection by must be taken like what was asked, which may have been shorter."""
    said = selection.filter.text() if selection.filter else ""
    if len(said) > MAX_LONG_CHARS:
        why = f"in canonical form it has {len(said)} characters, more than {MAX_LONG_CHARS}"
        raise BadSelection("filter", said[:40], why=why)
    _measured(selection.pairs())
    return selection


def _measured(pairs: Iterable[tuple[str, str]]) -> None:
    if sum(len(key) + len(value.encode("utf-8", "replace")) for key, value in pairs) > MAX_SELECTION_BYTES:
        raise BadSelection("query", "", why=f"what is selected by has more than {MAX_SELECTION_BYTES} bytes")


def _bounded(key: str, values: list[str]) -> None:
    if len(values) > MAX_VALUES:
        raise BadSelection(key, values[0], why=f"more than {MAX_VALUES} values")
    longest = MAX_LONG_CHARS if key in LONG else MAX_VALUE_CHARS
    for value in values:
        if not is_text(value):
            shown = value[:40].encode("utf-8", "replace").decode()
            raise BadSelection(key, shown, why="no text: not UTF-8, or with a NUL")
        if len(value) > longest:
            raise BadSelection(key, value[:40], why=f"a value longer than {longest} characters")


def _checked(key: str, values: list[str], allowed: Mapping[str, str], also: Collection[str]) -> list[str]:
    for value in values:
        if value not in allowed and value not in also and value != NOT_STATED:
            raise BadSelection(key, value, list(allowed))
    return values


def _checked_areas(values: list[str], release: Release, also: Mapping[str, Collection[str]]) -> list[tuple[str, str]]:
    layers = [layer.layer for layer in release.layers]
    areas = []
    for value in values:
        layer, colon, code = value.partition(":")
        if not colon or layer not in layers:
            raise BadSelection("area", value, [f"{name}:…" for name in layers])
        known = code == NOT_STATED or code in also.get(layer, ())
        if not known and code not in (allowed := release.allowed(layer)):
            raise BadSelection("area", value, [f"{layer}:{known}" for known in list(allowed)[:8]])
        areas.append((layer, code))
    return areas


def _date(key: str, values: list[str]) -> date:
    text = _only(key, values, "date")
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):  # fromisoformat takes weeks as well
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise BadSelection(key, text, why=f"'{text[:20]}' is not a date such as 2025-01-31") from None
