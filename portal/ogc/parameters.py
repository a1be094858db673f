"""Parameters of a request for features: text in, checked conditions out.

Charter: Part 1 (limit, bbox, datetime, properties by name, nothing unknown), Part 2 (crs, bbox-crs), Part 3 (filter,
filter-lang, filter-crs), and sortby as the draft of Part 8 has it. What is wrong is a 400 that says what would do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import shapely

from portal.errors import BadRequest
from portal.expressions import cql2, tree
from portal.expressions.fields import Field, end_of, moment
from portal.expressions.mapped import rebuilt
from portal.ogc.boxes import in_box
from portal.ogc.collections import Collection
from portal.ogc.crs import CRS84, Crs, read
from portal.queries.tabled import MAX_ROWS, Ask, Order, narrowed

if TYPE_CHECKING:
    from portal.release import Release

LIMIT: Final = 100
FORMAT: Final = ("f", "lang")
"""Every address takes these; `lang` is the language of what people read."""
FILTERING: Final = ("filter", "filter-lang", "filter-crs")
ITEMS: Final = ("limit", "cursor", "bbox", "bbox-crs", "datetime", "crs", *FILTERING, "sortby")
MOST_PAIRS: Final = 60
MOST_CHARS: Final = 1_000
"""Of any value but a filter, which is bounded where it is read."""
MOST_SORTS: Final = 5
LANGUAGES: Final = ("cql2-text", "cql2-json")

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?")


@dataclass(frozen=True)
class Asked:
    """Features of a collection: which, in which order, how many, from where on, and in which system; `given` says it."""

    of: Collection
    given: Mapping[str, str]
    ask: Ask
    limit: int
    cursor: str
    crs: Crs


def pairs(query: str, allowed: Mapping[str, Any] | tuple[str, ...], of: str) -> dict[str, str]:
    """The parameters of a query; 400 for one that is unknown, that comes twice, or that is too long."""
    try:
        found = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PAIRS, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise BadRequest(f"The query is not UTF-8, or has more than {MOST_PAIRS} parameters.") from None
    given: dict[str, str] = {}
    for key, value in found:
        if key not in allowed:
            raise BadRequest(f"{of} takes no parameter '{key[:60]}'; it takes: {', '.join(allowed)}.")
        if key in given:
            raise BadRequest(f"The parameter '{key}' is given more than once.")
        if key != "filter" and len(value) > MOST_CHARS:
            raise BadRequest(f"The parameter '{key}' is longer than {MOST_CHARS} characters.")
        given[key] = value
    return given


def properties(of: Collection) -> dict[str, Field]:
    """The fields that a feature can be asked for by name."""
    return {name: field for name, field in of.table.filterable.items() if field.kind != "geometry"}


def of_items(release: Release, of: Collection, query: str) -> Asked:
    """What a query asks of a collection."""
    given = pairs(query, (*FORMAT, *ITEMS, *properties(of)), f"The collection {of.id}")
    ask = replace(of.ask, order=_order(of, given.get("sortby")))
    for condition in _conditions(release, of, given):
        ask = narrowed(ask, condition)
    return Asked(
        of, given, ask, _limit(given.get("limit")), given.get("cursor", ""), read(release, "crs", given.get("crs"))
    )


def filtered(release: Release, given: Mapping[str, str]) -> tree.Condition | None:
    """The condition of `filter`, its geometries in degrees."""
    crs = read(release, "filter-crs", given.get("filter-crs"))
    language = given.get("filter-lang", LANGUAGES[0])
    if language not in LANGUAGES:
        raise BadRequest(f"filter-lang must be {' or '.join(LANGUAGES)}.")
    if "filter" not in given:
        return None
    condition = cql2.read(given["filter"], language)
    return condition if crs.uri == CRS84 else _placed(condition, crs)


def _conditions(release: Release, of: Collection, given: Mapping[str, str]) -> list[tree.Condition]:
    box_crs = read(release, "bbox-crs", given.get("bbox-crs"))
    found: list[tree.Condition | None] = [filtered(release, given)]
    if "bbox" in given:
        found.append(in_box(of, given["bbox"], box_crs))
    if "datetime" in given:
        found.append(in_time(given["datetime"], *of.times))
    known = properties(of)
    found += [_equal(key, known[key], value) for key, value in given.items() if key in known and key not in ITEMS]
    return [condition for condition in found if condition is not None]


def _limit(text: str | None) -> int:
    """At least one; more than the most is the most, as Part 1 wants it."""
    if text is None:
        return LIMIT
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise BadRequest(f"limit must be a whole number from 1 on; at most {MAX_ROWS} features are told at once.")
    return min(int(text), MAX_ROWS)


def _order(of: Collection, text: str | None) -> tuple[Order, ...]:
    if text is None:
        return ()
    known, order = properties(of), []
    parts = text.split(",")
    if len(parts) > MOST_SORTS:
        raise BadRequest(f"sortby takes at most {MOST_SORTS} properties.")
    for part in parts:
        name = part.strip().removeprefix("+").removeprefix("-")
        if name not in known:
            raise BadRequest(f"sortby: there is no property '{name[:60]}'; there are: {', '.join(known)}.")
        order.append(Order(tree.Column(name), part.strip().startswith("-")))
    return tuple(order)


def _equal(name: str, field: Field, text: str) -> tree.Condition:
    """A property that has the value, read as what the property holds."""
    value: Any = text
    if field.kind == "number":
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise BadRequest(f"{name} must be a number, not '{text[:40]}'.")
    elif field.kind == "bool":
        if text not in ("true", "false"):
            raise BadRequest(f"{name} must be true or false, not '{text[:40]}'.")
        value = text == "true"
    elif field.kind in ("date", "time"):
        value = moment(text)
    return tree.Compare("=", tree.Column(name), tree.Literal(value))


# --- when ---------------------------------------------------------------------


def in_time(text: str, begin: str, end: str) -> tree.Condition:
    """Features whose time meets an instant or an interval, open at one end where it is empty or two dots."""
    parts = text.split("/")
    if len(parts) > 2 or (len(parts) == 2 and all(part in ("", "..") for part in parts)):
        raise BadRequest("datetime must be a time, or an interval such as 2025-01-01T00:00:00Z/..")
    first = None if len(parts) == 2 and parts[0] in ("", "..") else _when(parts[0])
    last = None if len(parts) == 2 and parts[1] in ("", "..") else end_of(_when(parts[-1]))
    if first and last and _start_of(first) > last:
        raise BadRequest("datetime: the interval ends before it begins.")
    begins, ends = tree.Column(begin), tree.Column(end)
    found: list[tree.Condition] = []
    if begin == end:
        found += [tree.Compare(">=", begins, tree.Literal(_start_of(first)))] if first else []
        return tree.And((*found, *([tree.Compare("<=", begins, tree.Literal(last))] if last else [])))
    # What begins or ends at no known day has always been, or still is; the last day is the first on which it is no more.
    ended = tree.Compare(">", ends, tree.Literal(_start_of(first))) if first else None
    begun = tree.Compare("<=", begins, tree.Literal(last)) if last else None
    found += [tree.Or((tree.Null(ends), ended))] if ended else []
    return tree.And((*found, *([tree.Or((tree.Null(begins), begun))] if begun else [])))


def _when(text: str) -> date | datetime:
    if not _MOMENT.fullmatch(text):
        raise BadRequest(f"datetime: '{text[:40]}' is not a time such as 2025-01-31T08:30:00Z (RFC 3339).")
    return moment(text.replace("t", "T").replace(" ", "T"))


def _start_of(when: date | datetime) -> datetime:
    return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)


def _placed(condition: tree.Condition, crs: Crs) -> tree.Condition:
    """The condition with its geometries, which are in another system, in degrees."""

    def moved(test: tree.Condition) -> tree.Condition:
        if not isinstance(test, tree.Spatial):
            return test
        return tree.Spatial(test.op, test.column, crs.to_degrees(shapely.from_wkt(test.wkt)).wkt)

    return rebuilt(condition, moved)
