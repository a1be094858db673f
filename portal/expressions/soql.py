"""SoQL, the query language of Socrata's SODA 2.1, as a tree: clauses one by one, or a whole statement.

Charter: text in, `Query` out; what names and functions mean is `soql_meaning`'s. A subset: one table, no joins, no chains of
queries (`|>`), no windows, no casts. What is not known is refused by name. Read by precedence; nesting is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from portal.expressions import tree
from portal.expressions.mapped import columns_in
from portal.expressions.soql_meaning import Meaning
from portal.expressions.soql_parser import MOST_ITEMS, Parser
from portal.expressions.soql_words import SoqlError

MOST_ROWS_SAID: Final = 10**12

T = TypeVar("T")
_NOT_AN_ALIAS: Final = re.compile(r"[^A-Za-z0-9]+", re.ASCII)


@dataclass(frozen=True)
class Sorted:
    """What to sort by."""

    by: tree.Expression
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """What is asked for. `select` None stands for all columns."""

    select: tuple[tuple[str, tree.Expression], ...] | None = None
    distinct: bool = False
    where: tuple[tree.Condition, ...] = ()
    group: tuple[tree.Expression, ...] = ()
    having: tree.Condition | None = None
    order: tuple[Sorted, ...] = ()
    search: str = ""
    limit: int | None = None
    offset: int = 0


class Reader(Parser):
    """Reads texts of one query. `every` are the columns that `*` stands for, `system` those of `:*`."""

    def __init__(self, meaning: Meaning, every: Sequence[str], system: Sequence[str] = ()) -> None:
        super().__init__(meaning)
        self.every = every
        self.system = system

    # --- clauses ----------------------------------------------------------------

    def select(self, text: str, query: Query) -> Query:
        """`$select`."""
        return self._whole(text, lambda: self._select(query))

    def where(self, text: str, query: Query) -> Query:
        """`$where`."""
        return self._whole(text, lambda: self._where(query))

    def group(self, text: str, query: Query) -> Query:
        """`$group`."""
        return self._whole(text, lambda: replace(query, group=self._group()))

    def having(self, text: str, query: Query) -> Query:
        """`$having`."""
        return self._whole(text, lambda: replace(query, having=self._condition()))

    def order(self, text: str, query: Query) -> Query:
        """`$order`."""
        return self._whole(text, lambda: replace(query, order=self._order()))

    def statement(self, text: str) -> Query:
        """`$query`: clauses in the order of SoQL, each at most once."""
        return self._whole(text, self._statement)

    def _statement(self) -> Query:
        query = Query()
        if self._take("select"):
            query = self._select(query)
        read: dict[str, Callable[[Query], Query]] = {
            "where": self._where,
            "group": lambda q: replace(q, group=self._by(self._group)),
            "having": lambda q: replace(q, having=self._condition()),
            "order": lambda q: replace(q, order=self._by(self._order)),
            "search": lambda q: replace(q, search=self._literal_text()),
            "limit": lambda q: replace(q, limit=self._whole_number()),
            "offset": lambda q: replace(q, offset=self._whole_number()),
        }
        # The words that are looked for may stand before what is sorted by, or after it.
        for clause in ("where", "group", "having", "search", "order", "search", "limit", "offset"):
            if not (clause == "search" and query.search) and self._take(clause):
                query = read[clause](query)
        return query

    def _select(self, query: Query) -> Query:
        distinct = self._take("distinct")
        made: dict[str, tree.Expression] = {}
        for name, of, said in self._list(self._item):
            for each in name if isinstance(name, tuple) else (name,):
                low = each.lower()
                if said and low in made:
                    raise SoqlError(f"Duplicate alias: {each[:60]}.", "query.soql.duplicate-alias")
                while low in made:
                    low += "_1"
                made[low] = self.meaning.column(each) if of is None else of
                if said:
                    self.meaning.aliases[low] = made[low]
        if len(made) > MOST_ITEMS:
            raise SoqlError(f"At most {MOST_ITEMS} columns can be selected.")
        for name, of in made.items():  # only now: what is told under a name can be called by it in all later clauses
            self.meaning.aliases.setdefault(name, of)
        return replace(query, select=tuple(made.items()), distinct=distinct)

    def _item(self) -> tuple[str | tuple[str, ...], tree.Expression | None, bool]:
        if self._take_sign("*"):
            return tuple(self.every), None, False
        if self._word.word == ":*":
            self._at += 1
            return tuple(self.system), None, False
        start = self._word.start
        of = self._value()
        end = self._words[self._at - 1].end
        if self._take("as"):
            if self._word.kind not in ("name", "quoted") or self._word.said[0] in ":@" or len(self._word.said) > 60:
                raise self._unexpected("a name of at most 60 characters")
            return self._next().said, of, True
        if isinstance(of, tree.Column) and self._words[self._at - 1].kind in ("name", "quoted") and ":" in of.name:
            return of.name, of, False
        said = _NOT_AN_ALIAS.sub("_", self._text[start:end].replace("_", " ")).strip("_")[:60]
        return said.lower() or "_", of, False

    def _where(self, query: Query) -> Query:
        """Of rows, not groups: a name that the query gives to a figure is a column's own here."""
        known = self.meaning.aliases
        self.meaning.aliases = {
            name: of for name, of in known.items() if not any(map(self.meaning.is_figure, columns_in(of)))
        }
        made = self._without_figures(self._condition)
        self.meaning.aliases = known
        return replace(query, where=(*query.where, made))

    def _group(self) -> tuple[tree.Expression, ...]:
        return self._without_figures(lambda: tuple(self._list(self._value)))

    def _without_figures(self, read: Callable[[], T]) -> T:
        self._figures = False
        made = read()
        self._figures = True
        return made

    def _order(self) -> tuple[Sorted, ...]:
        def item() -> Sorted:
            of = self._value()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            if (self._take("null") or self._take("nulls")) and not self._take("last"):
                raise SoqlError("What is not there comes last: 'null first' is not offered.")
            return Sorted(of, descending)

        return tuple(self._list(item))

    def _by(self, read: Callable[[], T]) -> T:
        if not self._take("by"):
            raise self._unexpected("'by'")
        return read()

    def _literal_text(self) -> str:
        if self._word.kind != "text":
            raise self._unexpected("a text in quotes")
        return self._next().said

    def _whole_number(self) -> int:
        if self._word.kind != "number":
            raise self._unexpected("a number")
        return rows_said(self._next().said)


def rows_said(text: str) -> int:
    """How many rows a text says."""
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) or int(text) > MOST_ROWS_SAID:
        raise SoqlError(f"A number of rows is expected, not '{text[:20]}'.")
    return int(text)
