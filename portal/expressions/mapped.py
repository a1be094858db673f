"""A condition with other values in it: the same tests, of what a function makes of each value.

Charter: a tree and a function in, a tree out.
"""

from __future__ import annotations

from collections.abc import Callable

from portal.expressions import tree
from portal.expressions.fields import BadExpression

Change = Callable[[tree.Expression], tree.Expression]


def mapped(of: tree.Condition, change: Change) -> tree.Condition:
    """The condition over changed values; BadExpression for a place, which is of rows alone."""
    match of:
        case tree.And(parts):
            return tree.And(tuple(mapped(part, change) for part in parts))
        case tree.Or(parts):
            return tree.Or(tuple(mapped(part, change) for part in parts))
        case tree.Not(inner):
            return tree.Not(mapped(inner, change))
        case tree.Compare(op, left, right):
            return tree.Compare(op, change(left), change(right))
        case tree.Between(value, low, high):
            return tree.Between(change(value), change(low), change(high))
        case tree.OneOf(value, values):
            return tree.OneOf(change(value), tuple(map(change, values)))
        case tree.Pattern(value, pattern):
            return tree.Pattern(change(value), pattern)
        case tree.Null(value):
            return tree.Null(change(value))
        case tree.Truth(value):
            return tree.Truth(change(value))
    raise BadExpression("A place cannot be asked of groups.")
