"""A tree as SQL for DuckDB: columns and functions looked up, values as parameters, kinds checked before the database is asked.

Charter: a tree and the kinds of a table's columns in, SQL and its parameters out; BadExpression for what cannot be compared.
No database is asked. Conditions are those of SQL: a comparison with what is not there is not true.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import inf, isfinite
from typing import Any, Final

import shapely

from portal.expressions import tree
from portal.expressions.fields import BadExpression, Field, Fields, Kind, geometry, moment, plain_text
from portal.expressions.functions import FUNCTIONS, on_clocks, zone_named
from portal.expressions.patterns import like
from portal.indexed import MASK_BITS
from portal.outline import Circle

DEPTH: Final = 64
MOST_NODES: Final = 500


Sql = tuple[str, list[Any]]


_COMPARES: Final = {"=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ADDS: Final = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}
_SPATIAL: Final = {
    "intersects": "ST_Intersects", "within": "ST_Within", "contains": "ST_Contains", "disjoint": "ST_Disjoint",
    "equals": "ST_Equals", "touches": "ST_Touches", "crosses": "ST_Crosses", "overlaps": "ST_Overlaps",
}  # fmt: skip

_TYPES: Final[dict[Kind, str]] = {"text": "VARCHAR", "number": "DOUBLE", "time": "TIMESTAMP"}


def condition(of: tree.Condition, fields: Fields) -> Sql:
    """A condition as SQL that stands in brackets where it must, and its parameters in order."""
    bounded(of)
    return _Compiler(fields).condition(of)


def expression(of: tree.Expression, fields: Fields) -> tuple[str, list[Any], Kind]:
    """A value as SQL, its parameters, and its kind."""
    bounded(of)
    return _Compiler(fields).expression(of)


def bounded(of: Any) -> None:
    """Neither too deep nor too much, whatever parser it came from."""
    count, level = 0, [of]
    for _depth in range(DEPTH + 1):
        if not level:
            return
        count += len(level)
        if count > MOST_NODES:
            break
        level = [child for node in level for child in _children(node)]
    raise BadExpression(f"The condition is too long: at most {MOST_NODES} parts, nested {DEPTH} deep.")


def _children(node: Any) -> list[Any]:
    if isinstance(node, tree.And | tree.Or):
        return list(node.of)
    if isinstance(node, tree.OneOf):
        return [node.of, *node.values]
    if isinstance(node, tree.Call):
        return list(node.args)
    names = ("of", "left", "right", "low", "high")
    return [getattr(node, name) for name in names if hasattr(node, name)]


class _Compiler:
    """Walks a tree; `fields` are all that it can name."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    def condition(self, node: tree.Condition) -> Sql:
        match node:
            case tree.And(of) | tree.Or(of):
                return self._joined(" AND " if isinstance(node, tree.And) else " OR ", of)
            case tree.Not(of):
                text, params = self.condition(of)
                return f"(NOT {text})", params
            case tree.Compare():
                return self._compare(node)
            case tree.Between(of, low, high):
                return self._between(of, low, high)
            case tree.OneOf(of, values):
                return self._one_of(of, values)
            case tree.Pattern(of, pattern, folds):
                text, params, kind = self.expression(of)
                self._must(kind, ("text",), "like")
                test, more = like(f"{text}::VARCHAR", pattern, [FUNCTIONS[fold].sql for fold in folds])
                return test, [*params, *more]
            case tree.Null(of):
                text, params, _kind = self.expression(of)
                return f"({text} IS NULL)", params
            case tree.Spatial():
                return self._spatial(node)
            case tree.Around():
                return self._circle(node)
            case tree.Truth(of):
                text, params, kind = self.expression(of)
                self._must(kind, ("bool",), "a condition")
                return f"({text})", params
        raise BadExpression("This condition is not known.")

    def _joined(self, word: str, parts: tuple[tree.Condition, ...]) -> Sql:
        if not parts:
            raise BadExpression("A condition joins nothing.")
        told = [self.condition(part) for part in parts]
        return f"({word.join(text for text, _ in told)})", [value for _, params in told for value in params]

    def expression(self, node: tree.Expression) -> tuple[str, list[Any], Kind]:
        match node:
            case tree.Column(name):
                field = self._field(name)
                text = f"{field.sql}::VARCHAR" if field.kind == "text" and field.codes is not None else field.sql
                return text, [], field.kind
            case tree.Literal(value):
                return self._literal(value)
            case tree.Arithmetic(op, left, right):
                (a, first, kind_a), (b, second, kind_b) = self.expression(left), self.expression(right)
                for kind in (kind_a, kind_b):
                    self._must(kind, ("number",), op)
                # As floating point: small integers would overflow, and the database then fail.
                return f"({a}::DOUBLE {_ADDS[op]} {b}::DOUBLE)", [*first, *second], "number"
            case tree.Call(name, args):
                return self._call(name, args)
        raise BadExpression("This value is not known.")

    def _field(self, name: str) -> Field:
        if name not in self.fields:
            known = ", ".join(list(self.fields)[:12])
            raise BadExpression(f"There is no field '{name[:60]}'; there are for example {known}.")
        return self.fields[name]

    def _literal(self, value: tree.Scalar | None) -> tuple[str, list[Any], Kind]:
        if value is None:
            return "NULL", [], "nothing"
        if isinstance(value, bool):
            return "?", [value], "bool"
        if isinstance(value, str):
            return "?", [plain_text(value)], "text"
        if isinstance(value, datetime):
            return "?::TIMESTAMP", [value], "time"
        if isinstance(value, date):
            return "?::DATE", [value], "date"
        if isinstance(value, int) and abs(value) < 2**62:
            return "?::BIGINT", [value], "number"
        try:
            number = float(value)
        except OverflowError:
            number = inf
        if not isfinite(number):
            raise BadExpression("A number is too large.")
        return "?::DOUBLE", [number], "number"

    def _call(self, name: str, args: tuple[tree.Expression, ...]) -> tuple[str, list[Any], Kind]:
        function = FUNCTIONS.get(name)
        if function is None:
            raise BadExpression(f"There is no function '{name[:60]}'.")
        if len(args) != len(function.takes):
            raise BadExpression(f"The function {name} takes {len(function.takes)} arguments, not {len(args)}.")
        told = [self.expression(arg) for arg in args]
        for (_, _, kind), takes in zip(told, function.takes, strict=True):
            self._must(kind, takes, name)
        if name == "at_zone":
            zone = zone_named(args[1])
            if isinstance(args[0], tree.Column):
                return on_clocks(told[0][0], zone), [], "time"
            told[1] = f"'{zone}'", [], "text"  # no parameter: it stands before the time in the SQL, and after it here
        # What is not there has no type of its own, and a function that takes several then does not know which is meant.
        texts = [
            f"{text}::{_TYPES[takes[0]]}" if kind == "nothing" else text
            for (text, _, kind), takes in zip(told, function.takes, strict=True)
        ]
        return function.sql.format(*texts), [value for _, params, _ in told for value in params], function.gives

    def _compare(self, node: tree.Compare) -> Sql:
        left, op, right = node.left, node.op, node.right
        if isinstance(right, tree.Column) and isinstance(left, tree.Literal):
            left, op, right = right, _TURNED[op], left  # type: ignore[assignment]
        if op in ("=", "<>") and isinstance(left, tree.Column) and isinstance(right, tree.Literal):
            quick = self._quick(left.name, [right.value])
            if quick:
                return quick if op == "=" else (f"(NOT {quick[0]})", quick[1])
        (a, b), params = self._alike([left, right], f"'{op}'")
        return f"({a} {_COMPARES[op]} {b})", params

    def _between(self, of: tree.Expression, low: tree.Expression, high: tree.Expression) -> Sql:
        (value, least, most), params = self._alike([of, low, high], "between")
        return f"({value} BETWEEN {least} AND {most})", params

    def _one_of(self, of: tree.Expression, values: tuple[tree.Expression, ...]) -> Sql:
        if not values:
            raise BadExpression("'in' needs at least one value.")
        literal = [value.value for value in values if isinstance(value, tree.Literal)]
        if isinstance(of, tree.Column) and len(literal) == len(values):
            quick = self._quick(of.name, literal)
            if quick:
                return quick
        (value, *rest), params = self._alike([of, *values], "in")
        return f"({value} IN ({', '.join(rest)}))", params

    def _quick(self, name: str, values: Sequence[Any]) -> Sql | None:
        """The quicker test of a text of few values, where the column has codes and all values are texts.

        What is not there stays unknown, and not false: it matters under NOT.
        """
        field = self._field(name)
        if field.codes is None or not all(isinstance(value, str) for value in values):
            return None
        wanted = sorted({field.codes[plain_text(value)] for value in values if value in field.codes})
        if len(field.codes) <= MASK_BITS:
            mask = sum(1 << code for code in wanted)
            return f"((({mask}::UBIGINT >> enum_code({field.sql})::UBIGINT) & 1) = 1)", []
        return f"(enum_code({field.sql}) IN ({', '.join(map(str, wanted)) or -1}))", []

    def _alike(self, nodes: list[tree.Expression], what: str) -> tuple[list[str], list[Any]]:
        """Values that are compared with one another: of one kind, a date and a time as times, texts of days as either."""
        told = [self.expression(node) for node in nodes]
        kinds = {kind for _, _, kind in told} - {"nothing"}
        if kinds & {"date", "time"} and "text" in kinds:
            told = [self._dated(node, value) for node, value in zip(nodes, told, strict=True)]
            kinds = {kind for _, _, kind in told} - {"nothing"}
        if kinds == {"date", "time"}:
            told = [(f"{text}::TIMESTAMP" if kind == "date" else text, params, kind) for text, params, kind in told]
            kinds = {"time"}
        if len(kinds) > 1:
            raise BadExpression(f"{what} compares {' with '.join(sorted(kinds))}: both sides must be of one kind.")
        self._must(next(iter(kinds), "nothing"), ("text", "number", "bool", "date", "time", "nothing"), what)
        return [text for text, _, _ in told], [value for _, params, _ in told for value in params]

    def _dated(self, node: tree.Expression, told: tuple[str, list[Any], Kind]) -> tuple[str, list[Any], Kind]:
        """A text that stands beside a date: read as one."""
        if told[2] != "text" or not isinstance(node, tree.Literal):
            return told
        return self._literal(moment(str(node.value)))

    def _spatial(self, node: tree.Spatial) -> Sql:
        """As DuckDB's spatial functions have it; of points first by the box around the geometry, which is often all."""
        field = self._field(node.column)
        self._must(field.kind, ("geometry",), node.op)
        shape = geometry(node.wkt)
        exact = f"{_SPATIAL[node.op]}({field.sql}, ST_GeomFromText(?))"
        if field.point is None or node.op == "disjoint":
            return f"({exact})", [shape.wkt]
        west, south, east, north = shape.bounds
        (long, lat), box = field.point, [west, east, south, north]
        inside = f"{long} BETWEEN ? AND ? AND {lat} BETWEEN ? AND ?"
        if node.op == "intersects" and shape.equals(shapely.box(west, south, east, north)):
            return f"({inside})", box
        return f"({inside} AND {exact})", [*box, shape.wkt]

    def _circle(self, node: tree.Around) -> Sql:
        field = self._field(node.column)
        if field.point is None:
            raise BadExpression(f"'{node.column}' has no single points, of which a distance could be told.")
        text, params = Circle(node.lat, node.long, node.metres).where()
        return f"({text})", params

    def _must(self, kind: Kind, takes: Sequence[Kind], what: str) -> None:
        if kind not in takes and kind != "nothing":
            raise BadExpression(f"{what} takes {' or '.join(takes)}, not {kind}.")
