"""A condition with other values in it: the same tests, of what a function makes of each value; and what it mentions.

Charter: trees in, trees or names out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from portal.expressions import tree
from portal.expressions.fields import BadExpression

Change = Callable[[tree.Expression], tree.Expression]


def rebuilt(of: tree.Condition, change: Callable[[tree.Condition], tree.Condition]) -> tree.Condition:
    """The condition with each of its tests changed: AND, OR and NOT stay as they are."""
    match of:
        case tree.And(parts):
            return tree.And(tuple(rebuilt(part, change) for part in parts))
        case tree.Or(parts):
            return tree.Or(tuple(rebuilt(part, change) for part in parts))
        case tree.Not(inner):
            return tree.Not(rebuilt(inner, change))
    return change(of)


def mapped(of: tree.Condition, change: Change) -> tree.Condition:
    """The condition over changed values; BadExpression for a place, which is of rows alone."""
    return rebuilt(of, lambda test: _changed(test, change))


def _changed(of: tree.Condition, change: Change) -> tree.Condition:
    match of:
        case tree.Compare(op, left, right):
            return tree.Compare(op, change(left), change(right))
        case tree.Between(value, low, high):
            return tree.Between(change(value), change(low), change(high))
        case tree.OneOf(value, values):
            return tree.OneOf(change(value), tuple(map(change, values)))
        case tree.Pattern(value, pattern, folds):
            return tree.Pattern(change(value), pattern, folds)
        case tree.Null(value):
            return tree.Null(change(value))
        case tree.Truth(value):
            return tree.Truth(change(value))
    raise BadExpression("A place cannot be asked of groups.")


def mentions(of: tree.Condition, names: Collection[str]) -> bool:
    """Whether a condition names one of some columns, but for places."""
    return not columns_of(of, places=False).isdisjoint(names)


def columns_of(of: tree.Condition, places: bool = True) -> set[str]:
    """The columns that a condition names, those of places too or not."""
    found = set[str]()

    def look(node: tree.Expression) -> tree.Expression:
        found.update(columns_in(node))
        return node

    def test(node: tree.Condition) -> tree.Condition:
        if not isinstance(node, tree.Spatial | tree.Around):
            return _changed(node, look)
        if places:
            found.add(node.column)
        return node

    rebuilt(of, test)
    return found


def columns_in(of: tree.Expression) -> set[str]:
    """The columns that a value is made of."""
    match of:
        case tree.Column(name):
            return {name}
        case tree.Arithmetic(_, left, right):
            return columns_in(left) | columns_in(right)
        case tree.Call(_, args):
            return set[str]().union(*map(columns_in, args))
    return set()


def turned(of: tree.Condition, name: str) -> bool:
    """Whether a column is named under a NOT, in a list, or between two values."""
    match of:
        case tree.And(parts) | tree.Or(parts):
            return any(turned(part, name) for part in parts)
        case tree.Compare():
            return False
    return mentions(of, {name})
