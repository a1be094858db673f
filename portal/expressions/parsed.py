"""A text of CQL2 as the JSON of CQL2, by the library `cql2`, asked piece by piece.

Charter: text in, JSON out; BadExpression for what is cut wrong, the library's own errors for the rest.

The library's parser takes twice as long for each bracket around a mistake: 40 characters can keep it busy for hours. So what
stands in brackets is read by itself, from the inside out, and stands in what is around it as a name.
"""

from __future__ import annotations

import re
from typing import Any, Final

import cql2

from portal.expressions.fields import BadExpression
from portal.expressions.nested import TEXTS, shallow

DEEPEST: Final = 2 * 64 + 4
"""Of the JSON: each part of a condition is an object with a list in it."""
MOST_BRACKETS: Final = 64
_DEEPEST_GEOMETRY: Final = 4
_BEFORE: Final = re.compile(r"""([^\s()\[\],'"=<>!+*/%^-]*)\s*\Z""")
"""The word that stands before a bracket."""
_SIGNS: Final = ("", "and", "or", "not", "between", "like", "div")
_GEOMETRIES: Final = re.compile(
    r"(?:point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|zm?|m)", re.IGNORECASE
)


def parsed(text: str) -> Any:
    """The JSON of a text."""
    reading = _Reading(text)
    node = reading.whole()
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise BadExpression("The condition is nested too deep.")
        level = [inner for each in level for inner in _within(each)]
    return node


def _within(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


class _Piece:
    """What stands in one pair of brackets: its text so far, and the brackets within it that are not read by themselves."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.open: list[str] = []


class _Reading:
    """Walks a text from bracket to bracket."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mark = "g"
        while self.mark in text:
            self.mark += "_"
        self.nodes: list[Any] = []

    def whole(self) -> Any:
        """All of the text."""
        # As long as the text, but for what its own texts say: no bracket in them counts.
        bare = TEXTS.sub(lambda said: said[0][0] + "x" * (len(said[0]) - 2) + said[0][0], self.text)
        pieces, at = [_Piece()], 0
        for sign in re.finditer(r"[()]", bare):
            piece = pieces[-1]
            piece.text.append(self.text[at : sign.start()])
            at = sign.end()
            if sign[0] == ")" and not piece.open:
                if len(pieces) == 1:
                    raise BadExpression("A bracket is closed that was not opened.")
                self.nodes.append(self._read("".join(pieces.pop().text)))
                pieces[-1].text.append(f" {self.mark}{len(self.nodes) - 1} ")
            elif sign[0] == ")":
                piece.open.pop()
                piece.text.append(")")
            else:
                kind = _kind(bare[: sign.start()], piece.open)
                if kind == "own" and len(pieces) > MOST_BRACKETS:
                    raise BadExpression(f"The condition is nested more than {MOST_BRACKETS} brackets deep.")
                if kind == "own":
                    pieces.append(_Piece())
                else:
                    piece.open.append(kind)
                    piece.text.append("(")
        if len(pieces) > 1 or pieces[0].open:
            raise BadExpression("A bracket is opened that is not closed.")
        return self._read("".join([*pieces[0].text, self.text[at:]]))

    def _read(self, text: str) -> Any:
        shallow(text)
        return self._stitched(cql2.parse_text(text).to_json())

    def _stitched(self, node: Any) -> Any:
        """The JSON of a piece with those within it in their places."""
        if isinstance(node, list):
            return [self._stitched(each) for each in node]
        if not isinstance(node, dict):
            return node
        name = node.get("property")
        if isinstance(name, str) and name.startswith(self.mark) and name[len(self.mark) :].isdecimal():
            return self.nodes[int(name[len(self.mark) :])]
        return {key: self._stitched(each) for key, each in node.items()}


def _kind(before: str, around: list[str]) -> str:
    """What a bracket opens: a piece of its `own`, or a `geometry`, a `list` of IN, the arguments of a `call`."""
    if "geometry" in around:
        if len(around) - around.index("geometry") >= _DEEPEST_GEOMETRY:
            raise BadExpression("A geometry of the condition is nested too deep.")
        return "geometry"
    found = _BEFORE.search(before[-200:])
    word = found[1].lower() if found else ""
    if word in _SIGNS:
        return "own"
    if word[0].isdigit():
        raise BadExpression(f"There is no sign between '{word[:40]}' and a bracket.")
    if word == "in" and "list" in around:
        raise BadExpression("A list stands in a list.")
    return "list" if word == "in" else "geometry" if _GEOMETRIES.fullmatch(word) else "call"
