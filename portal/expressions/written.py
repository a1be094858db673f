"""A tree as CQL2: as JSON, and as the text that stands in an address. What is read from it again is the same tree.

Charter: a tree in, JSON or text out; the text is written by the library `cql2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import cql2
import shapely
from shapely.geometry import mapping

from portal.expressions import tree

AROUND: Final = "within_meters"
"""Our function for a distance: a geometry field, latitude, longitude and metres."""

_LARGEST: Final = 2**62
"""Whole numbers from here on are told as floating point, in the SQL too: the library knows none of more than 64 bits."""
FOLDED: Final = {"lower": "casei", "without_accents": "accenti"}
"""What a pattern can be put through -> as CQL2 says it."""


def text(of: tree.Condition) -> str:
    """A condition as CQL2 text."""
    return str(cql2.Expr(condition(of)).to_text())


def condition(of: tree.Condition) -> Any:
    """A condition as CQL2 JSON."""
    match of:
        case tree.And(parts) | tree.Or(parts):
            if len(parts) == 1:
                return condition(parts[0])
            return _op("and" if isinstance(of, tree.And) else "or", *map(condition, parts))
        case tree.Not(inner):
            return _op("not", condition(inner))
        case tree.Compare(op, left, right):
            return _op(op, expression(left), expression(right))
        case tree.Between(value, low, high):
            return _op("between", expression(value), expression(low), expression(high))
        case tree.OneOf(value, values):
            return _op("in", expression(value), [expression(each) for each in values])
        case tree.Pattern(value, pattern, folds):
            return _op("like", expression(value), _pattern(pattern, folds))
        case tree.Null(value):
            return _op("isNull", expression(value))
        case tree.Spatial(op, column, wkt):
            return _op(f"s_{op}", {"property": column}, mapping(shapely.from_wkt(wkt)))
        case tree.Around(column, lat, long, metres):
            return _op(AROUND, {"property": column}, lat, long, metres)
        case tree.Truth(value):
            # What is not there is no condition of CQL2; compared with itself it is one, that no row meets either.
            return _op("=", None, None) if value == tree.Literal(None) else expression(value)
    raise TypeError(of)


def expression(of: tree.Expression) -> Any:
    """A value as CQL2 JSON."""
    match of:
        case tree.Column(name):
            return {"property": name}
        case tree.Literal(value):
            return _literal(value)
        case tree.Arithmetic(op, left, right):
            return _op(op, expression(left), expression(right))
        case tree.Call(name, args):
            return _op(name, *map(expression, args))
    raise TypeError(of)


def _pattern(pattern: str, folds: Sequence[str]) -> Any:
    said: Any = pattern
    for fold in folds:
        said = _op(FOLDED[fold], said)
    return said


def _literal(value: tree.Scalar | None) -> Any:
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat() + "Z"}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return float(value)
    return value


def _op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}
