# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""A condition of a client's own as tests of mapped columns, as far as these tell it: exactly the rows that SQL finds.

A part of it that names one column with labels, or the day, is worked out by the database for each label or day there is, and is
a table of truths from then on. Times and hours of response are ranges of whole seconds, where a release has no others. As in
SQL a test of what is not there is neither true nor false, which matters under NOT.

Charter: a tree in, tests and what they leave to the database out. How rows are tested is `portal.tally`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from portal.asked import AllOf, Between, Bools, Not, OneOf, Test, Testing
from portal.columns import Column, Columns
from portal.expressions import compiled, tree
from portal.expressions.fields import BadExpression, Field, moment
from portal.expressions.mapped import columns_of
from portal.mapped_known import CODE, DAY, HOURS, TIMES, Known
from portal.selection import quoted

EPOCH: Final = datetime(1970, 1, 1)
_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Sure:
    """Which rows a condition is true of, and which it is false of; the others it does not tell."""

    true: Testing
    false: Testing


@dataclass(frozen=True)
class Elapsed:
    """A row passes if it has a time of response, from `low` to `high` seconds."""

    columns: Columns
    low: int
    high: int

    def passed(self, rows: Any) -> Bools:
        """For each of the rows whether it passes."""
        key = self.columns["elapsed_key"].read(rows)
        passed = (key & key.dtype.type(1)) == 0  # what was waited and is an event is even, and 0 is neither
        passed &= key > 0
        seconds = self.columns["closed_at"].read(rows) - self.columns["requested_at"].read(rows)
        wide = max(min(self.high, 2**32 - 1) - self.low, -1)
        if wide < 0:
            return np.zeros(passed.shape, bool)
        passed &= seconds - np.uint32(self.low) <= np.uint32(wide)
        return np.asarray(passed)


def split(of: tree.Condition | None, known: Known) -> tuple[list[Testing], list[tree.Condition]]:
    """Tests, and conditions that they leave: rows that pass and meet all of them meet the whole."""
    tests: list[Testing] = []
    left: list[tree.Condition] = []
    for part in _conjuncts(of):
        sure = _sure(part, known)
        if sure is None:
            left.append(part)
        else:
            tests.append(sure.true)
    return tests, left


def _conjuncts(of: tree.Condition | None) -> list[tree.Condition]:
    if of is None:
        return []
    return [part for each in of.of for part in _conjuncts(each)] if isinstance(of, tree.And) else [of]


def _sure(of: tree.Condition, known: Known) -> Sure | None:
    names = columns_of(of)
    if len(names) == 1:
        [name] = names
        column = known.told(name)
        if column is not None:
            return _truths(of, known, name, column)
    match of:
        case tree.And(parts) | tree.Or(parts):
            found = [_sure(part, known) for part in parts]
            sure = [each for each in found if each is not None]
            if len(sure) < len(found) or not found:
                return None
            true, false = tuple(each.true for each in sure), tuple(each.false for each in sure)
            return Sure(AllOf(true), OneOf(false)) if isinstance(of, tree.And) else Sure(OneOf(true), AllOf(false))
        case tree.Not(inner):
            turned = _sure(inner, known)
            return None if turned is None else Sure(turned.false, turned.true)
        case tree.Null(tree.Column(name)):
            made = _made(name, known)
            return None if made is None else Sure(Not(made(0, _END)), made(0, _END))
        case tree.Compare(op, tree.Column(name), tree.Literal(value)):
            return _range(name, op, value, known)
        case tree.Compare(op, tree.Literal(value), tree.Column(name)):
            return _range(name, _TURNED[op], value, known)
        case tree.Between(tree.Column(name), tree.Literal(low), tree.Literal(high)):
            least, most = _range(name, ">=", low, known), _range(name, "<=", high, known)
            if least is None or most is None:
                return None
            return Sure(AllOf((least.true, most.true)), OneOf((least.false, most.false)))
    return None


def _truths(of: tree.Condition, known: Known, name: str, column: Column) -> Sure:
    """A table of truths: the database says of each value there is what it makes of the condition."""
    field = Field("date" if name == DAY else "text", quoted(name))
    sql, params = compiled.condition(of, {name: field})
    values, bound = known.values(name)
    told = known.query(f"SELECT {sql} FROM ({values}) ORDER BY {CODE}", [*params, *bound])
    true, false = (np.array([truth is wanted for (truth,) in told], bool) for wanted in (True, False))
    return Sure(Test(column, true), Test(column, false))


def _range(name: str, op: str, value: Any, known: Known) -> Sure | None:
    """A comparison with a value as a range of whole seconds."""
    made = _made(name, known)
    found = None if made is None else _hours(known.hours, value) if name == HOURS else _seconds(value)
    if made is None or found is None:
        return None
    low, high = _bounds(op, *found)
    inner = made(low, high)
    outer = OneOf((made(0, low - 1), made(high + 1, _END)))
    return Sure(outer, inner) if op == "<>" else Sure(inner, outer)


def _made(name: str, known: Known) -> Callable[[int, int], Testing] | None:
    """What tests a range of whole seconds, not negative, of a time or of hours; the whole of it is what is there."""
    if name == HOURS and known.hours is not None:
        return lambda low, high: Elapsed(known.columns, max(low, 0), high)
    if name in known.times:
        column = known.columns[TIMES[name]]
        return lambda low, high: Between(column, max(low, 1), high)  # 0 is none
    return None


def _seconds(value: Any) -> tuple[int, bool] | None:
    """The first whole second that is not before a moment, and whether it is the moment."""
    try:
        when = moment(value) if isinstance(value, str) else value
    except BadExpression:
        return None
    if not isinstance(when, date):
        return None
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day)
    seconds, parts = divmod((when - EPOCH) // timedelta(microseconds=1), 1_000_000)
    return seconds + (parts > 0), not parts


def _hours(hours: Callable[[int], float] | None, value: Any) -> tuple[int, bool] | None:
    """The least number of seconds, not negative, whose hours are not below a value, and whether they are it."""
    if hours is None or isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST_HOURS:
        return None
    first = max(int(value * 3600) - 3, 0)
    while hours(first) < value:
        first += 1
    return first, hours(first) == value


_END: Final = 2**40
_MOST_HOURS: Final = 1e6


def _bounds(op: str, first: int, there: bool) -> tuple[int, int]:
    """What a comparison with a value leaves of whole numbers: `first` is the least that is not below it, `there` whether it
    is that value. (Of <> it is what is left out.)"""
    match op:
        case "<":
            return -1, first - 1
        case "<=":
            return -1, first if there else first - 1
        case ">":
            return first + 1 if there else first, _END
        case ">=":
            return first, _END
    return (first, first) if there else (_END, _END)
