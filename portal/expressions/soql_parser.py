"""Conditions and values of SoQL, read by precedence: a parser that the clauses of `soql` are made with.

Charter: tokens in, nodes of the tree out; what names and functions mean is `soql_meaning`'s. Nesting is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from portal.expressions import tree
from portal.expressions.compiled import bounded
from portal.expressions.soql_meaning import FIGURES, Meaning
from portal.expressions.soql_words import MISMATCH, SoqlError, Token, tokens

DEPTH: Final = 40
MOST_ITEMS: Final = 200

Node = tree.Expression | tree.Condition
T = TypeVar("T")

_COMPARES: Final = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _SIGN = range(1, 8)
_KEYWORDS: Final = (
    "where", "group", "having", "order", "search", "limit", "offset", "select", "and", "or", "not", "is", "in", "like",
    "between", "as", "asc", "desc", "by", "null",
)  # fmt: skip
_EXPRESSIONS: Final = (tree.Column, tree.Literal, tree.Arithmetic, tree.Call)


class Parser:
    """Walks the words of a text."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self._words: list[Token] = []
        self._at = 0
        self._text = ""
        self._depth = 0
        self._figures = True

    def _whole(self, text: str, read: Callable[[], T]) -> T:
        """All of a text, read as one thing."""
        self._words, self._at, self._text, self._depth = tokens(text), 0, text, 0
        made = read()
        if self._word.kind != "end":
            raise self._unexpected()
        return made

    # --- conditions and values --------------------------------------------------

    def _condition(self) -> tree.Condition:
        return self._truth(self._parse(0))

    def _value(self) -> tree.Expression:
        return self._plain(self._parse(0))

    def _truth(self, node: Node) -> tree.Condition:
        """A condition; a value that is true or false by itself is one."""
        if not isinstance(node, _EXPRESSIONS):
            return node
        kind = self.meaning.kind(node)
        if kind not in ("bool", "nothing"):
            raise SoqlError(f"A condition is expected, not a {kind}.", MISMATCH)
        return tree.Truth(node)

    def _plain(self, node: Node) -> tree.Expression:
        if isinstance(node, _EXPRESSIONS):
            return node
        raise SoqlError("A condition stands where a value must.", MISMATCH)

    def _parse(self, least: int) -> Node:
        """What binds at least so tightly, from here on."""
        self._depth += 1
        if self._depth > DEPTH:
            raise SoqlError(f"The query is nested more than {DEPTH} deep.")
        node = self._first()
        while True:
            binds = self._binds()
            if binds == 0 or binds < least:
                break
            node = self._joined(node, binds)
        self._depth -= 1
        return node

    def _binds(self) -> int:
        """How tightly the next word joins what stands before it; 0 if it does not."""
        word = self._word
        if word.kind == "sign":
            found = {"+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY}.get(word.said, 0)
            return _COMPARE if word.said in _COMPARES else found
        words = {
            "or": _OR,
            "and": _AND,
            "is": _COMPARE,
            "in": _COMPARE,
            "like": _COMPARE,
            "between": _COMPARE,
            "not": _COMPARE,
        }
        return words.get(word.word, 0)

    def _first(self) -> Node:
        if self._take("not"):
            return tree.Not(self._truth(self._parse(_NOT)))
        if self._take_sign("-"):
            of = self._plain(self._parse(_SIGN))
            if isinstance(of, tree.Literal) and isinstance(of.value, int | float) and not isinstance(of.value, bool):
                return tree.Literal(-of.value)
            return tree.Arithmetic("-", tree.Literal(0.0), of)
        if self._take_sign("+"):
            return self._parse(_SIGN)
        if self._take_sign("("):
            node = self._parse(0)
            self._must(")")
            return node
        word = self._next()
        if word.kind == "text":
            return tree.Literal(word.said)
        if word.kind == "number":
            return tree.Literal(float(word.said))
        if word.word in ("true", "false", "null"):
            return tree.Literal({"true": True, "false": False, "null": None}[word.word])
        if word.kind == "name" and word.word not in _KEYWORDS and self._take_sign("("):
            return self._call(word.word)
        if word.kind in ("name", "quoted") and word.word not in _KEYWORDS:
            return self.meaning.column(word.said)
        self._at -= word.kind != "end"
        raise self._unexpected("a value")

    def _call(self, name: str) -> Node:
        if name in FIGURES:
            if not self._figures:
                raise SoqlError(
                    f"{name} stands where no figure of a group can.", "query.soql.aggregate-in-ungrouped-context"
                )
            if self._take_sign("*"):
                self._must(")")
                return self.meaning.figure(name, None, False)
            distinct = self._take("distinct")
            of = self._value()
            self._must(")")
            return self.meaning.figure(name, of, distinct)
        if self._take_sign(")"):
            return self.meaning.called(name, [])
        args = self._list(self._value)
        self._must(")")
        return self.meaning.called(name, args)

    def _joined(self, left: Node, binds: int) -> Node:
        if binds in (_OR, _AND):
            self._at += 1
            right = self._truth(self._parse(binds + 1))
            joins: Any = tree.Or if binds == _OR else tree.And
            known = left.of if isinstance(left, joins) else (self._truth(left),)
            return cast(Node, joins((*known, right)))
        if binds == _COMPARE:
            return self._compared(self._plain(left))
        op = self._next().said
        right_value = self._plain(self._parse(binds + 1))
        for value in (left, right_value):
            kind = self.meaning.kind(self._plain(value))
            if kind not in ("number", "nothing"):
                raise SoqlError(f"'{op}' takes numbers, not {kind}.", MISMATCH)
        made = tree.Arithmetic(cast(Any, op), self._plain(left), right_value)
        bounded(made)  # a sum grows deeper with each sign, though the text does not nest
        return made

    def _compared(self, left: tree.Expression) -> tree.Condition:
        if self._word.kind == "sign":
            op = _COMPARES[self._next().said]
            a, b = self.meaning.alike([left, self._plain(self._parse(_ADD))])
            return tree.Compare(cast(Any, op), a, b)
        if self._take("is"):
            turned = self._take("not")
            if not self._take("null"):
                raise self._unexpected("'null'")
            return tree.Not(tree.Null(left)) if turned else tree.Null(left)
        turned = self._take("not")
        made: tree.Condition
        if self._take("in"):
            self._must("(")
            values = self._list(self._value)
            self._must(")")
            of, *rest = self.meaning.alike([left, *values])
            made = tree.OneOf(of, tuple(rest))
        elif self._take("like"):
            pattern = self._plain(self._parse(_ADD))
            if not isinstance(pattern, tree.Literal) or not isinstance(pattern.value, str):
                raise SoqlError("'like' takes a text in quotes as its pattern.", MISMATCH)
            made = tree.Pattern(left, pattern.value)
        elif self._take("between"):
            low = self._plain(self._parse(_ADD))
            if not self._take("and"):
                raise self._unexpected("'and'")
            made = tree.Between(*self.meaning.alike([left, low, self._plain(self._parse(_ADD))]))
        else:
            raise self._unexpected("in, like or between")
        return tree.Not(made) if turned else made

    def _list(self, read: Callable[[], T]) -> list[T]:
        made = [read()]
        while self._take_sign(","):
            made.append(read())
            if len(made) > MOST_ITEMS:
                raise SoqlError(f"A list has more than {MOST_ITEMS} items.")
        return made

    # --- words ------------------------------------------------------------------

    @property
    def _word(self) -> Token:
        return self._words[self._at]

    def _next(self) -> Token:
        word = self._word
        self._at += word.kind != "end"
        return word

    def _take(self, keyword: str) -> bool:
        found = self._word.word == keyword
        self._at += found
        return found

    def _take_sign(self, sign: str) -> bool:
        found = self._word.kind == "sign" and self._word.said == sign
        self._at += found
        return found

    def _must(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise self._unexpected(f"'{sign}'")

    def _unexpected(self, wanted: str = "the end") -> SoqlError:
        word = self._word
        found = "ends" if word.kind == "end" else f"has '{word.said[:40]}' at character {word.start + 1}"
        return SoqlError(f"Could not parse SoQL: it {found} where {wanted} is expected.")
