"""Random conditions on requests, and what they mean said once more: in Python, over rows, as SQL's three truths."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from hypothesis import strategies as st

from portal.expressions import tree
from tests.release_factory import CHANNELS, DEPARTMENTS, OUTCOMES, SERVICES

TEXTS = {
    "service_code": [s[0] for s in SERVICES],
    "department": list(DEPARTMENTS),
    "status": ["open", "closed"],
    "outcome": OUTCOMES,
    "channel": list(CHANNELS),
    "service_name": [s[1] for s in SERVICES],
}
NUMBERS = ("response_hours", "lat", "long")
Row = dict[str, Any]


def _text_conditions() -> st.SearchStrategy[tree.Condition]:
    def of(name: str) -> st.SearchStrategy[tree.Condition]:
        column, values = tree.Column(name), [*TEXTS[name], "no such thing", "", "it's", "(none)"]
        value = st.sampled_from(values).map(tree.Literal)
        folded = tree.Call("lower", (column,))
        return st.one_of(
            st.builds(lambda op, v: tree.Compare(op, column, v), st.sampled_from(["=", "<>", "<", ">="]), value),
            st.builds(lambda v: tree.OneOf(column, tuple(v)), st.lists(value, min_size=1, max_size=4)),
            st.builds(lambda p: tree.Pattern(column, p), st.sampled_from(["%a%", "p_%", "", "%", "%\\%%", "Tree%"])),
            st.builds(lambda p: tree.Pattern(folded, p), st.sampled_from(["%tree%", "p%", "graffiti"])),
            st.just(tree.Null(column)),
            st.builds(lambda p: tree.Truth(tree.Call("starts_with", (column, p))), value),
        )

    return st.sampled_from(sorted(TEXTS)).flatmap(of)


def _number_conditions() -> st.SearchStrategy[tree.Condition]:
    number = st.sampled_from([-71.1, 0.0, 1.5, 24.0, 42.35, 1000.0]).map(tree.Literal)

    def of(name: str) -> st.SearchStrategy[tree.Condition]:
        column = tree.Column(name)
        half = tree.Arithmetic("/", column, tree.Literal(2.0))
        return st.one_of(
            st.builds(lambda op, v: tree.Compare(op, column, v), st.sampled_from(["<", "<=", ">", ">=", "<>"]), number),
            st.builds(lambda op, v: tree.Compare(op, half, v), st.sampled_from(["<", ">="]), number),
            st.builds(lambda a, b: tree.Between(column, a, b), number, number),
            st.just(tree.Null(column)),
        )

    return st.sampled_from(NUMBERS).flatmap(of)


def _time_conditions() -> st.SearchStrategy[tree.Condition]:
    moments = st.datetimes(datetime(2022, 1, 1), datetime(2025, 7, 1)).map(
        lambda t: tree.Literal(t.replace(microsecond=0))
    )
    days = st.dates(date(2022, 1, 1), date(2025, 7, 1)).map(tree.Literal)
    ops = st.sampled_from(["<", "<=", ">", ">="])
    return st.one_of(
        st.builds(lambda op, v: tree.Compare(op, tree.Column("requested_datetime"), v), ops, moments | days),
        st.builds(lambda op, v: tree.Compare(op, tree.Column("requested_date"), v), ops, days),
        st.builds(lambda v: tree.Compare(">", tree.Column("closed_datetime"), v), moments),
        st.just(tree.Compare("<", tree.Column("requested_datetime"), tree.Column("closed_datetime"))),
        st.builds(
            lambda y: tree.Compare("=", tree.Call("year_of", (tree.Column("requested_date"),)), tree.Literal(float(y))),
            st.integers(2021, 2025),
        ),
    )


def _place_conditions() -> st.SearchStrategy[tree.Condition]:
    def box(west: float, south: float) -> tree.Condition:
        e, n = west + 0.05, south + 0.04
        wkt = f"POLYGON (({west} {south}, {e} {south}, {e} {n}, {west} {n}, {west} {south}))"
        return tree.Spatial("intersects", "geometry", wkt)

    corner = (st.sampled_from([-71.2, -71.1, -71.05]), st.sampled_from([42.3, 42.33, 42.37]))
    around = st.builds(lambda x, y, m: tree.Around("geometry", y, x, m), *corner, st.sampled_from([300, 3000]))
    return st.builds(box, *corner) | around


conditions: st.SearchStrategy[tree.Condition] = st.recursive(
    st.one_of(_text_conditions(), _number_conditions(), _time_conditions(), _place_conditions()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda of: tree.And(tuple(of))),
        st.lists(inner, min_size=2, max_size=3).map(lambda of: tree.Or(tuple(of))),
        inner.map(tree.Not),
    ),
    max_leaves=6,
)


def truth(of: Any, row: Row) -> bool | None:
    """Whether a row meets a condition without places; None where SQL would not know."""
    match of:
        case tree.And(parts):
            found = [truth(part, row) for part in parts]
            return False if False in found else None if None in found else True
        case tree.Or(parts):
            found = [truth(part, row) for part in parts]
            return True if True in found else None if None in found else False
        case tree.Not(inner):
            known = truth(inner, row)
            return None if known is None else not known
        case tree.Null(value):
            return _value(value, row) is None
        case tree.Truth(value):
            found_one: bool | None = _value(value, row)
            return found_one
    values = [_value(each, row) for each in _operands(of)]
    if isinstance(of, tree.OneOf):
        return None if values[0] is None else values[0] in values[1:]
    if None in values:
        return None
    return _compared(of, values)


def _compared(of: Any, values: list[Any]) -> bool:
    if any(isinstance(value, datetime) for value in values):
        values = [datetime(v.year, v.month, v.day) if type(v) is date else v for v in values]
    match of:
        case tree.Compare(op, _, _):
            a, b = values
            return bool({"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op])
        case tree.Between():
            return bool(values[1] <= values[0] <= values[2])
        case tree.Pattern(_, pattern):
            parts = re.split(r"(\\.|%|_)", pattern)
            said = "".join({"%": ".*", "_": "."}.get(p, re.escape(p[-1:] if p.startswith("\\") else p)) for p in parts)
            return re.fullmatch(said, values[0], re.DOTALL) is not None
    raise TypeError(of)


def _operands(of: Any) -> list[Any]:
    match of:
        case tree.Compare(_, left, right):
            return [left, right]
        case tree.Between(value, low, high):
            return [value, low, high]
        case tree.OneOf(value, values):
            return [value, *values]
        case tree.Pattern(value, _):
            return [value]
    raise TypeError(of)


def _value(of: Any, row: Row) -> Any:
    match of:
        case tree.Column(name):
            return row[name]
        case tree.Literal(value):
            return value
        case tree.Arithmetic(_, left, right):
            a, b = _value(left, row), _value(right, row)
            return None if a is None or b is None else a / b
        case tree.Call(name, args):
            values = [_value(arg, row) for arg in args]
            if None in values:
                return None
            return {"lower": lambda v: v[0].lower(), "starts_with": lambda v: v[0].startswith(v[1]),
                    "year_of": lambda v: float(v[0].year)}[name](values)  # fmt: skip
    raise TypeError(of)


def places(of: Any) -> bool:
    """Whether a condition asks where."""
    if isinstance(of, tree.Spatial | tree.Around):
        return True
    inner = getattr(of, "of", ())
    return any(map(places, inner)) if isinstance(inner, tuple) else places(inner)
