"""Conditions as SoQL, written by other hands than those that read it: for tests that both mean the same."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import shapely

from portal.expressions import tree

CALLS = {"lower": "lower", "starts_with": "starts_with", "year_of": "date_extract_y"}


def soql(of: tree.Condition) -> str:
    """A condition of `tests.portal.expressions.trees`."""
    match of:
        case tree.And(parts) | tree.Or(parts):
            return "(" + (" and " if isinstance(of, tree.And) else " OR ").join(map(soql, parts)) + ")"
        case tree.Not(inner):
            return f"not ({soql(inner)})"
        case tree.Compare(op, left, right):
            return f"{value(left)} {'!=' if op == '<>' else op} {value(right)}"
        case tree.Between(of_, low, high):
            return f"{value(of_)} between {value(low)} and {value(high)}"
        case tree.OneOf(of_, values):
            return f"{value(of_)} in ({', '.join(map(value, values))})"
        case tree.Pattern(of_, pattern):
            return f"{value(of_)} like {text(pattern)}"
        case tree.Null(of_):
            return f"{value(of_)} IS NULL"
        case tree.Spatial("intersects", column, wkt):
            west, south, east, north = shapely.from_wkt(wkt).bounds
            return f"within_box({column}, {north!r}, {west!r}, {south!r}, {east!r})"
        case tree.Around(column, lat, long, metres):
            return f"within_circle({column}, {lat!r}, {long!r}, {metres})"
        case tree.Truth(of_):
            return value(of_)
    raise TypeError(of)


def value(of: tree.Expression) -> str:
    """A value."""
    match of:
        case tree.Column(name):
            return name
        case tree.Arithmetic(op, left, right):
            return f"({value(left)} {op} {value(right)})"
        case tree.Call(name, args):
            return f"{CALLS[name]}({', '.join(map(value, args))})"
        case tree.Literal(said):
            return literal(said)
    raise TypeError(of)


def literal(said: Any) -> str:
    """A value that is told; times in UTC, which they say."""
    if isinstance(said, datetime):
        return text(said.isoformat() + "Z")
    if isinstance(said, date):
        return text(said.isoformat())
    return text(said) if isinstance(said, str) else repr(said)


def text(said: str) -> str:
    """A text in quotes."""
    return "'" + said.replace("'", "''") + "'"
