"""Words that are looked for in the texts of a table: what portals call full-text search.

Charter: a text of words and a table in, a condition out. Every word must be found, each in any of the table's texts,
whatever its case and wherever in the text it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from portal.errors import BadRequest
from portal.expressions import tree
from portal.tables import Table

MOST_WORDS: Final = 5
MOST_LABELS: Final = 40
"""So many values of a field are named one by one; where more of them hold the word, the texts are read."""


def containing(table: Table, text: str, fields: Sequence[str] | None = None) -> tree.Condition | None:
    """Rows that have all the words, in the fields or in any; None where no word is given."""
    words = text.split()
    if len(words) > MOST_WORDS or len(text) > 200:
        raise BadRequest(f"At most {MOST_WORDS} words can be looked for at once.")
    known = table.filterable
    names = [name for name in (fields or table.fields) if name in known and known[name].kind == "text"]
    found = [_anywhere(table, names, word) for word in words]
    if not found:
        return None
    return found[0] if len(found) == 1 else tree.And(tuple(found))


def _anywhere(table: Table, names: Sequence[str], word: str) -> tree.Condition:
    made = [condition for name in names for condition in _held(table, name, word)]
    return tree.Or(tuple(made)) if made else tree.Truth(tree.Literal(False))


def _held(table: Table, name: str, word: str) -> list[tree.Condition]:
    """The word in one field. Where a field's values are known, those that hold it are named: they are found by code."""
    column = tree.Column(name)
    codes = table.filterable[name].codes
    if codes is not None:
        labels = [label for label in codes if _lower(word) in _lower(label)]
        if len(labels) <= MOST_LABELS:
            return [tree.OneOf(column, tuple(map(tree.Literal, labels)))] if labels else []
    # Both by the database, which alone knows how it folds; of ASCII there is one way.
    said = tree.Literal(word)
    wanted = tree.Literal(word.lower()) if word.isascii() else tree.Call("lower", (said,))
    return [tree.Truth(tree.Call("contains", (tree.Call("lower", (column,)), wanted)))]


def _lower(text: str) -> str:
    """Character by character, as the database folds: a sigma is one wherever it stands."""
    return "".join(c.lower()[:1] for c in text)
