"""What a query asks of a table: text in, an ask, an order, groups and figures out; what is unknown is refused by name.

Charter: keys, sorting, conditions and expressions are read here; no rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

import duckdb

from portal.errors import BadRequest
from portal.expressions import compiled, cql2, tree
from portal.queries.tabled import AGGREGATES, Aggregate, Ask, Order
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import KEYS
from portal.tables import Table

MOST_PAIRS: Final = 200
MOST_SORTS: Final = 5
MOST_TOLD: Final = 20
_PARTS: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[(),]|[^'"(),]+|['"]""")

Pairs = list[tuple[str, str]]


def pairs(query: str) -> Pairs:
    """The parameters of a query."""
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PAIRS)
    except ValueError:
        raise BadRequest(f"The query has more than {MOST_PAIRS} parameters.") from None


def ask(release: Release, table: Table, query: str, own: Sequence[str]) -> Ask:
    """Which rows: the keys of a selection where the table is that of requests, and a condition; `own` keys are others'."""
    given = pairs(query)
    requests = table.name == "requests"
    allowed = (*own, "filter", "filter-lang", *(KEYS if requests else ()))
    for key, _ in given:
        if key not in allowed:
            raise BadRequest(
                f"The table {table.name} takes no parameter '{key[:60]}' here; it takes: {', '.join(allowed)}."
            )
    condition = _condition([(key, value) for key, value in given if value])
    chosen: dict[str, list[str]] = {}
    for key, value in given:
        if requests and key in KEYS and key != "filter":
            chosen.setdefault(key, []).append(value)
    found = Ask(table, Selection.from_query(chosen, release) if chosen else Selection(), condition)
    found.where(release)  # so that what makes no sense is refused before anything else is done
    return found


def _condition(given: Pairs) -> tree.Condition | None:
    said = {key: [value for name, value in given if name == key] for key in ("filter", "filter-lang")}
    for key, values in said.items():
        if len(values) > 1:
            raise BadRequest(f"The parameter '{key}' is given more than once.")
    language = (said["filter-lang"] or ["cql2-text"])[0]
    if language not in ("cql2-text", "cql2-json"):
        raise BadRequest(f"filter-lang must be cql2-text or cql2-json, not '{language[:40]}'.")
    return cql2.read(said["filter"][0], language) if said["filter"] else None


def order(table: Table, text: str | None) -> tuple[Order, ...]:
    """`-requested_datetime,service_code`: fields, a minus before those that are to fall."""
    if not text:
        return ()
    parts = text.split(",")
    if len(parts) > MOST_SORTS:
        raise BadRequest(f"sort takes at most {MOST_SORTS} fields.")
    known = [name for name, field in table.filterable.items() if field.kind != "geometry"]
    found = []
    for part in map(str.strip, parts):
        name = part.removeprefix("-").removeprefix("+")
        if name not in known:
            raise BadRequest(f"sort: the table {table.name} has no field '{name[:60]}'; it has: {', '.join(known)}.")
        found.append(Order(tree.Column(name), part.startswith("-")))
    return tuple(found)


def split(text: str) -> list[str]:
    """A list with commas, those within brackets and quotes left alone."""
    found, depth = [""], 0
    for part in _PARTS.findall(text):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += part
    found = [part.strip() for part in found]
    if len(found) > MOST_TOLD or not all(found):
        raise BadRequest(f"A list has 1 to {MOST_TOLD} parts with a comma between two.")
    return found


def keys(table: Table, text: str | None) -> list[tuple[str, tree.Expression]]:
    """What rows are grouped by: fields, and functions of them."""
    found: list[tuple[str, tree.Expression]] = []
    for part in split(text) if text else []:
        made = cql2.value(part)
        if isinstance(made, tuple):
            raise BadRequest(f"by: '{part[:60]}' is neither a field nor a function of one.")
        if compiled.expression(made, table.filterable)[2] in ("geometry", "nothing") or isinstance(made, tree.Literal):
            raise BadRequest(f"by: rows cannot be grouped by '{part[:60]}'.")
        found.append((part, made))
    return found


def figures(text: str | None) -> list[tuple[str, Aggregate]]:
    """`count`, or a figure of a field: `avg(response_hours)`."""
    found = []
    for part in split(text or "count"):
        made: object = "count" if part in ("count", "count()") else cql2.value(part)
        if made == "count":
            found.append((part, Aggregate("count")))
        elif isinstance(made, tuple) and made[0] in AGGREGATES and len(made[1]) == 1:
            found.append((part, Aggregate(made[0], made[1][0])))
        else:
            raise BadRequest(f"figures: '{part[:60]}' is none of: count, {'(…), '.join(AGGREGATES)}(…).")
    return found


def sorted_by(text: str | None, names: Sequence[str]) -> list[tuple[str, bool]]:
    """What groups are sorted by: names of their columns, a minus before those that are to fall."""
    found = []
    for part in split(text) if text else []:
        name = part if part in names else part.removeprefix("-")
        if name not in names:
            raise BadRequest(f"sort: there is no column '{name[:60]}' among: {', '.join(names)}.")
        found.append((name, part.startswith("-") and part not in names))
    return found


def refused(error: duckdb.Error) -> BadRequest:
    """What the database cannot work out, as far as the question is to blame; anything else is an error of ours."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return BadRequest("That is more than can be worked out at once: ask for fewer groups or rows.")
    if isinstance(error, duckdb.DataError):
        return BadRequest(f"A value cannot be worked out: {str(error).splitlines()[0][:200]}")
    raise error
