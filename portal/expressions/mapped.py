"""A condition with other values in it: the same tests, of what a function makes of each value; and what it mentions.

Charter: trees in, trees or names out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

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


def mentions(of: tree.Condition, names: Collection[str]) -> bool:
    """Whether a condition names one of some columns."""
    found = False

    def look(node: tree.Expression) -> tree.Expression:
        nonlocal found
        match node:
            case tree.Column(name):
                found = found or name in names
            case tree.Arithmetic(_, left, right):
                look(left), look(right)
            case tree.Call(_, args):
                for arg in args:
                    look(arg)
        return node

    def walk(node: tree.Condition) -> None:
        match node:
            case tree.And(parts) | tree.Or(parts):
                for part in parts:
                    walk(part)
            case tree.Not(inner):
                walk(inner)
            case tree.Spatial() | tree.Around():
                pass
            case _:
                mapped(node, look)

    walk(of)
    return found


def turned(of: tree.Condition, name: str) -> bool:
    """Whether a column is named under a NOT, in a list, or between two values."""
    match of:
        case tree.And(parts) | tree.Or(parts):
            return any(turned(part, name) for part in parts)
        case tree.Compare():
            return False
    return mentions(of, {name})
