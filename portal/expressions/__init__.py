"""What clients ask in languages of their own (CQL2, SoQL), as one tree, and the tree as parameterised SQL.

Charter: text in, a tree out (`cql2`, `soql`); a tree and the columns of a table in, SQL and parameters out (`compiled`).
Nothing that a client sends ever becomes part of the SQL but as a parameter: columns and functions are looked up.
"""

from portal.expressions.tree import (
    And,
    Arithmetic,
    Around,
    Between,
    Call,
    Column,
    Compare,
    Condition,
    Expression,
    Literal,
    Not,
    Null,
    OneOf,
    Or,
    Pattern,
    Spatial,
    Truth,
)

__all__ = [
    "And",
    "Arithmetic",
    "Around",
    "Between",
    "Call",
    "Column",
    "Compare",
    "Condition",
    "Expression",
    "Literal",
    "Not",
    "Null",
    "OneOf",
    "Or",
    "Pattern",
    "Spatial",
    "Truth",
]
