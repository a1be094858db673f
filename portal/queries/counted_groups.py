# ruff: noqa: S608 - the types in the SQL are the database's own, expressions are compiled, every value is a parameter
"""How many rows of requests there are in each group: counted over mapped columns, where these tell what is grouped by.

That is a column of labels, the day, or a function of one of these, and functions of a time that tell no minutes: its hour, its
month by the clocks of some zone. What a group is called the database works out of each label, day or quarter of an hour.

Charter: an ask and what to group by in, SQL of the groups and their numbers out; None where the columns do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from portal.columns import Binned, Column
from portal.expressions import compiled, tree
from portal.expressions.fields import Field
from portal.expressions.mapped import columns_in
from portal.mapped_known import CODE, TIMES, Known
from portal.queries.tabled import Ask
from portal.release import Release
from portal.selection import quoted

QUARTER, HOUR, DAY = 900, 3_600, 86_400
"""Seconds. Zones are quarters of an hour apart, and their clocks change at one."""
MOST_BINS: Final = 2_000_000
MOST_GROUPS: Final = 20_000
_SINCE: Final = 157_766_400
"""1975: before it some clocks were not at a quarter of an hour."""
_DAYS: Final = {"year_start", "month_start", "day_start", "year_of", "month_of", "day_of", "week_of", "weekday_of"}
_CLOCKS: Final = _DAYS | {"hour_of"}

Sql = tuple[str, list[Any]]


@dataclass(frozen=True)
class Key:
    """What is grouped by as small codes: `values` are what they stand for, of a type of the database."""

    column: Column
    values: list[Any]
    type: str


def groups(release: Release, ask: Ask, by: Sequence[tree.Expression]) -> Sql | None:
    """The groups that occur: SQL of the columns k0, k1… as `by` has them, and `n`, how many rows each has."""
    if ask.table.name != "requests":
        return None
    keys = []
    for expression in by:
        key = _key(release.known(), expression)
        if key is None:
            return None
        keys.append(key)
    rows = release.chosen(ask.selected(release))
    if not keys:
        return "SELECT ?::BIGINT AS n", [rows.n]
    tally = rows.tally(*(key.column for key in keys))
    if tally.n.size > MOST_GROUPS:
        return None
    told = ", ".join(f"unnest(?::{key.type}[]) AS {quoted(f'k{i}')}" for i, key in enumerate(keys))
    values = [[key.values[code] for code in codes] for key, codes in zip(keys, tally.codes, strict=True)]
    return f"SELECT {told}, unnest(?::BIGINT[]) AS n", [*values, tally.n.tolist()]


def _key(known: Known, of: tree.Expression) -> Key | None:
    names = columns_in(of)
    if len(names) != 1:
        return None
    [name] = names
    column = known.told(name)
    if column is not None:
        values, bound = known.values(name)
        return _coded(known, of, name, column, values, bound)
    width = _width(of, name) if name in known.times else 0
    first = known.first(name) if width else 0
    if not width or first < _SINCE:
        return None
    codes = known.columns[TIMES[name]]
    base = first // width * width
    bins = (codes.size - 1 - base) // width + 1
    if not 0 < bins <= MOST_BINS:
        return None
    # Rows without a time come after all that have one.
    binned = Binned(codes.codes, bins + 1, base=base, width=width)
    time = f"CASE WHEN {CODE} < ? THEN make_timestamp((? + {CODE} * ?) * 1000000) END AS {quoted(name)}"
    return _coded(known, of, name, binned, f"SELECT {time}, {CODE} FROM range(0, ?) AS codes({CODE})",
                  [bins, base, width, bins + 1])  # fmt: skip


def _coded(known: Known, of: tree.Expression, name: str, column: Column, values: str, bound: list[Any]) -> Key | None:
    """What the database makes of each value of a column."""
    field = known.fields[name]
    sql, params, _kind = compiled.expression(of, {name: Field(field.kind, quoted(name))})
    found = known.table(f"SELECT {sql} AS told, typeof({sql}) AS type FROM ({values}) ORDER BY {CODE}",
                        [*params, *params, *bound])  # fmt: skip
    told = found["told"].combine_chunks().dictionary_encode(null_encoding="encode")
    if pa.types.is_floating(told.dictionary.type) and not np.isfinite(told.dictionary.drop_null().to_numpy()).all():
        return None
    size = len(told.dictionary)
    table = told.indices.to_numpy().astype(np.uint8 if size < 2**8 else np.uint16 if size < 2**16 else np.uint32)
    return Key(column.through(table, size), told.dictionary.to_pylist(), found["type"][0].as_py())


def _width(of: tree.Expression, name: str) -> int:
    """The seconds within which an expression of a time tells the same; 0 where it is not known."""
    column = tree.Column(name)
    match of:
        case tree.Call(function, (arg,)) if arg == column and function in _DAYS:
            return DAY
        case tree.Call("hour_of", (arg,)) if arg == column:
            return HOUR
        case tree.Call(function, (arg,)) if function in _CLOCKS and _on_clocks(arg, column):
            return QUARTER
        case tree.Call(_, parts):
            widths = [_width(part, name) for part in parts]
        case tree.Arithmetic(_, left, right):
            widths = [_width(left, name), _width(right, name)]
        case tree.Literal():
            return DAY
        case _:
            return 0
    return min(widths, default=DAY)


def _on_clocks(of: tree.Expression, column: tree.Column) -> bool:
    return isinstance(of, tree.Call) and of.name == "at_zone" and of.args[0] == column
