"""The tree of a condition on a table's rows: frozen values, equal where they say the same.

Charter: shapes only. What a column is, and whether two things can be compared, `compiled` decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal as Only

Scalar = str | float | int | bool | date | datetime
"""Times are UTC without a zone, as in the tables."""


@dataclass(frozen=True)
class Column:
    """A column, by its published name."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A value; None is no value at all. True is not 1, though they are equal in Python."""

    value: Scalar | None
    kind: type = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.value))


@dataclass(frozen=True)
class Arithmetic:
    """A number made of two."""

    op: Only["+", "-", "*", "/", "%"]
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """A function of `functions.FUNCTIONS`."""

    name: str
    args: tuple[Expression, ...]


Expression = Column | Literal | Arithmetic | Call


@dataclass(frozen=True)
class Compare:
    """Two values compared."""

    op: Only["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Between:
    """A value from one to another, both included."""

    of: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True)
class OneOf:
    """A value that is one of several."""

    of: Expression
    values: tuple[Expression, ...]


@dataclass(frozen=True)
class Pattern:
    """A text that matches a pattern of `%` (anything) and `_` (one character); a backslash takes their meaning away.
    `folds` are functions (of `functions.FUNCTIONS`) that the pattern is put through, in this order."""

    of: Expression
    pattern: str
    folds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Null:
    """A value that is not there."""

    of: Expression


@dataclass(frozen=True)
class Spatial:
    """A geometry column and a geometry (WKT, degrees of WGS 84): how they lie to one another."""

    op: Only["intersects", "within", "contains", "disjoint", "equals", "touches", "crosses", "overlaps"]
    column: str
    wkt: str


@dataclass(frozen=True)
class Around:
    """A point that lies within so many metres of another one (degrees)."""

    column: str
    lat: float
    long: float
    metres: int


@dataclass(frozen=True)
class Truth:
    """A value that is true or false by itself."""

    of: Expression


@dataclass(frozen=True)
class And:
    """All of them."""

    of: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    """Any of them."""

    of: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """Not that."""

    of: Condition


Condition = Compare | Between | OneOf | Pattern | Null | Spatial | Around | Truth | And | Or | Not
