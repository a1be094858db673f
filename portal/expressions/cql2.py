"""CQL2 (OGC 21-065r2, text and JSON) as a tree. The text is parsed by `parsed`; what it means here is told below.

Charter: text in, a tree out. Conformance classes: basic CQL2, advanced comparison operators (LIKE, BETWEEN, IN),
case-insensitive and accent-insensitive comparison, basic spatial functions with the plus classes of geometries, spatial
functions, temporal functions, arithmetic, property-property, functions (those of `compiled`, and a distance). No arrays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, cast

import cql2
import shapely
from shapely.geometry import shape

from portal.errors import BadSelection
from portal.expressions import tree
from portal.expressions.compiled import DEPTH
from portal.expressions.fields import BadExpression, end_of, moment
from portal.expressions.functions import FUNCTIONS
from portal.expressions.parsed import parsed
from portal.expressions.written import AROUND, FOLDED
from portal.outline import LARGEST_M, Circle

MOST_CHARS: Final = 8_000

_OPEN: Final = ".."
_COMPARES: Final = ("=", "<>", "<", "<=", ">", ">=")
_ARITHMETIC: Final = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}
_SPATIAL: Final = {f"s_{name}": name for name in (
    "intersects", "within", "contains", "disjoint", "equals", "touches", "crosses", "overlaps",
)}  # fmt: skip
_FOLDS: Final = {said: name for name, said in FOLDED.items()}
_TEMPORAL: Final = (
    "t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedby", "t_finishes",
    "t_intersects", "t_meets", "t_metby", "t_overlappedby", "t_overlaps", "t_startedby", "t_starts",
)  # fmt: skip


def read(text: str, language: str = "cql2-text") -> tree.Condition:
    """The condition of a filter in `cql2-text` or `cql2-json`; BadExpression says what is wrong with it."""
    if len(text) > MOST_CHARS:
        raise BadExpression(f"The filter is longer than {MOST_CHARS} characters.")
    if language not in ("cql2-text", "cql2-json"):
        raise BadExpression(f"filter-lang is cql2-text or cql2-json, not '{language[:40]}'.")
    try:
        if language == "cql2-json":
            return _condition(json.loads(text), 0)
        return _condition(parsed(text), 0)
    except (cql2.ParseError, cql2.ValidationError, ValueError, RecursionError) as error:
        raise BadExpression(f"The filter cannot be read as {language}: {_short(error)}") from None


def over(text: str, names: Sequence[str]) -> tree.Condition:
    """The condition of a filter in CQL2 text over columns that are named by expressions: `avg(response_hours)`."""
    if len(text) > MOST_CHARS:
        raise BadExpression(f"The condition is longer than {MOST_CHARS} characters.")
    try:
        known = {_said(parsed(name)): name for name in names}
        return _condition(_named(parsed(text), known), 0)
    except (cql2.ParseError, cql2.ValidationError, ValueError, RecursionError) as error:
        raise BadExpression(f"The condition cannot be read as cql2-text: {_short(error)}") from None


def _named(node: Any, known: Mapping[str, str]) -> Any:
    """The parser's tree with a property in the place of each expression that is the name of a column."""
    if isinstance(node, dict):
        name = known.get(_said(node))
        return {"property": name} if name else {key: _named(part, known) for key, part in node.items()}
    return [_named(part, known) for part in node] if isinstance(node, list) else node


def _said(node: Any) -> str:
    return json.dumps(node, sort_keys=True)


def value(text: str) -> tuple[str, list[tree.Expression]] | tree.Expression:
    """An expression of CQL2 text, or the name and the arguments of a function that is none of ours (an aggregate)."""
    if len(text) > MOST_CHARS:
        raise BadExpression(f"The expression is longer than {MOST_CHARS} characters.")
    try:
        node: Any = parsed(text)
        ours = {*FUNCTIONS, *_FOLDS, *_ARITHMETIC}
        if isinstance(node, dict) and isinstance(node.get("op"), str) and node["op"] not in ours:
            op, args = _parts(node)
            return op, [_expression(arg, 1) for arg in args]
        return _expression(node, 0)
    except (cql2.ParseError, cql2.ValidationError, ValueError, RecursionError) as error:
        raise BadExpression(f"'{text[:60]}' cannot be read as CQL2: {_short(error)}") from None


def _short(error: BaseException) -> str:
    """A parser's word in one line."""
    told = " ".join(str(error).split())
    return told[:200] or "it is no expression."


def _condition(node: Any, depth: int) -> tree.Condition:
    if depth > DEPTH:
        raise BadExpression(f"The filter is nested more than {DEPTH} deep.")
    if isinstance(node, bool):
        return tree.Truth(tree.Literal(node))
    if isinstance(node, dict) and "property" in node:
        return tree.Truth(_expression(node, depth + 1))
    op, args = _parts(node)
    if op in ("and", "or"):
        joined = tuple(_condition(arg, depth + 1) for arg in args)
        return tree.And(joined) if op == "and" else tree.Or(joined)
    if op in _SPATIAL:
        return _spatial(op, args)
    if op in _TEMPORAL:
        return _temporal(op, args)
    made: dict[str, Callable[[list[Any]], tree.Condition]] = {
        "not": lambda args: tree.Not(_condition(_only(op, args, 1)[0], depth + 1)),
        "isNull": lambda args: tree.Null(_expression(_only(op, args, 1)[0], depth + 1)),
        "between": lambda args: tree.Between(*(_expression(arg, depth + 1) for arg in _flat(_only(op, args, (2, 3))))),
        "in": lambda args: _one_of(*_only(op, args, 2), depth=depth),
        "like": lambda args: _like(*_only(op, args, 2), depth=depth),
    }
    if op in _COMPARES:
        left, right = (_expression(arg, depth + 1) for arg in _only(op, args, 2))
        return tree.Compare(cast(Any, op), left, right)
    if op == AROUND:
        return _around(args)
    if op in FUNCTIONS and FUNCTIONS[op].gives == "bool":
        return tree.Truth(_expression(node, depth + 1))
    if op not in made:
        raise BadExpression(f"The filter asks for '{str(op)[:40]}', which is not known here.")
    return made[op](args)


def _expression(node: Any, depth: int) -> tree.Expression:
    if depth > DEPTH:
        raise BadExpression(f"The filter is nested more than {DEPTH} deep.")
    if node is None or isinstance(node, str | int | float | bool):
        return tree.Literal(node)
    if not isinstance(node, dict):
        raise BadExpression("A list stands where one value must.")
    if "property" in node:
        return tree.Column(str(node["property"]))
    for key in ("date", "timestamp"):
        if key in node:
            return tree.Literal(moment(str(node[key])))
    op, args = _parts(node)
    if op in _FOLDS:
        return tree.Call(_FOLDS[op], (_expression(_only(op, args, 1)[0], depth + 1),))
    if op in _ARITHMETIC:
        if op == "-" and len(args) == 1:
            args = [0, *args]
        left, right = (_expression(arg, depth + 1) for arg in _only(op, args, 2))
        return tree.Arithmetic(cast(Any, op), left, right)
    if op in FUNCTIONS:
        return tree.Call(op, tuple(_expression(arg, depth + 1) for arg in args))
    raise BadExpression(f"The filter asks for '{str(op)[:40]}', which is not known here.")


def _parts(node: Any) -> tuple[str, list[Any]]:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
        raise BadExpression("A part of the filter is neither a condition nor a value.")
    return node["op"], node["args"]


def _only(op: str, args: list[Any], n: int | tuple[int, ...]) -> list[Any]:
    if len(args) not in ((n,) if isinstance(n, int) else n):
        raise BadExpression(f"'{op}' has {len(args)} arguments.")
    return args


def _flat(args: list[Any]) -> list[Any]:
    """The three of BETWEEN, whose bounds older documents put in a list."""
    flat = [args[0], *(args[1] if len(args) == 2 and isinstance(args[1], list) else args[1:])]
    return _only("between", flat, 3)


def _one_of(of: Any, values: Any, *, depth: int) -> tree.Condition:
    if not isinstance(values, list):
        raise BadExpression("'in' needs a list.")
    return tree.OneOf(_expression(of, depth + 1), tuple(_expression(value, depth + 1) for value in values))


def _like(of: Any, pattern: Any, *, depth: int) -> tree.Condition:
    """A pattern that is folded (CASEI) stands beside a value that is: by the database both, which alone knows how it folds.
    Of ASCII there is one way."""
    folds: list[str] = []
    while isinstance(pattern, dict):
        op, args = _parts(pattern)
        if op not in _FOLDS or len(folds) > DEPTH:
            break
        folds.insert(0, _FOLDS[op])
        pattern = _only(op, args, 1)[0]
    if not isinstance(pattern, str):
        raise BadExpression("'like' needs a text as its pattern.")
    if pattern.isascii():
        pattern, folds = pattern.lower() if "lower" in folds else pattern, []
    return tree.Pattern(_expression(of, depth + 1), pattern, tuple(folds))


def _spatial(op: str, args: list[Any]) -> tree.Condition:
    """One side is a column, the other a geometry; turned round where the geometry comes first."""
    first, second = _only(op, args, 2)
    name = _SPATIAL[op]
    if isinstance(second, dict) and "property" in second and not (isinstance(first, dict) and "property" in first):
        first, second = second, first
        name = {"within": "contains", "contains": "within"}.get(name, name)
    if not (isinstance(first, dict) and "property" in first):
        raise BadExpression(f"'{op}' needs a field and a geometry.")
    return tree.Spatial(cast(Any, name), str(first["property"]), _wkt(second))


def _around(args: list[Any]) -> tree.Condition:
    column, lat, long, metres = _only(AROUND, args, 4)
    numbers = [value for value in (lat, long, metres) if isinstance(value, int | float) and not isinstance(value, bool)]
    if not (isinstance(column, dict) and "property" in column) or len(numbers) != 3:
        raise BadExpression(f"{AROUND} takes a geometry field, latitude, longitude and meters.")
    try:
        place = Circle.read(",".join(map(str, numbers)))
    except BadSelection:
        raise BadExpression(f"{AROUND} takes a place on earth and 1 to {LARGEST_M} meters.") from None
    return tree.Around(str(column["property"]), place.lat, place.long, place.radius_m)


def _wkt(node: Any) -> str:
    try:
        if "bbox" in node:
            west, south, east, north = map(float, node["bbox"])
            return str(shapely.box(west, south, east, north).wkt)
        return str(shape(node).wkt)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, shapely.errors.ShapelyError):
        raise BadExpression("A geometry of the filter cannot be read.") from None


Span = tuple[tree.Expression, tree.Expression]
"""First and last moment, both included."""
_EVER: Final[Span] = (tree.Literal(datetime(1, 1, 1)), tree.Literal(datetime(9999, 12, 31)))
"""What an open end stands for."""


def _temporal(op: str, args: list[Any]) -> tree.Condition:
    """Temporal functions of instants and intervals; a day as the end of an interval lasts to its end."""
    (a, b), (c, d) = (_span(arg) for arg in _only(op, args, 2))
    said: dict[str, tuple[tree.Condition, ...]] = {
        "t_after": (_less(d, a),),
        "t_before": (_less(b, c),),
        "t_equals": (_same(a, c), _same(b, d)),
        "t_during": (_less(c, a), _less(b, d)),
        "t_contains": (_less(a, c), _less(d, b)),
        "t_intersects": (_upto(a, d), _upto(c, b)),
        "t_meets": (_same(b, c),),
        "t_metby": (_same(d, a),),
        "t_starts": (_same(a, c), _less(b, d)),
        "t_startedby": (_same(a, c), _less(d, b)),
        "t_finishes": (_less(c, a), _same(b, d)),
        "t_finishedby": (_less(a, c), _same(b, d)),
        "t_overlaps": (_less(a, c), _less(c, b), _less(b, d)),
        "t_overlappedby": (_less(c, a), _less(a, d), _less(d, b)),
    }
    return tree.Not(tree.And(said["t_intersects"])) if op == "t_disjoint" else tree.And(said[op])


def _span(node: Any) -> Span:
    if isinstance(node, dict) and "interval" in node:
        ends = node["interval"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise BadExpression("An interval has a start and an end.")
        return _end(ends[0], 0), _end(ends[1], 1)
    value = _expression(node, 0)
    return value, value


def _end(node: Any, which: int) -> tree.Expression:
    if node == _OPEN or node is None:
        return _EVER[which]
    value = _expression(node, 0)
    if not isinstance(value, tree.Literal) or not isinstance(value.value, str | date):
        return value
    day = moment(value.value) if isinstance(value.value, str) else value.value
    return tree.Literal(end_of(day) if which else day)


def _less(a: tree.Expression, b: tree.Expression) -> tree.Condition:
    return tree.Compare("<", a, b)


def _upto(a: tree.Expression, b: tree.Expression) -> tree.Condition:
    return tree.Compare("<=", a, b)


def _same(a: tree.Expression, b: tree.Expression) -> tree.Condition:
    return tree.Compare("=", a, b)
