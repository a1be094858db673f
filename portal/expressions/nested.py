"""How deep a text of CQL2 nests, told before it is parsed: the library's parser goes down its own stack for each level, and
where that ends, the process ends with it.

Charter: a text in, nothing out; BadExpression for what nests too deep. Nothing is parsed: whatever might nest is counted.

On a stack of 512 KiB the parser survives 94 pairs of brackets within one another (188 levels as counted here), 200 signs that
each take the rest as their right side (`a=a=a`, `NOT NOT a`, `- - a`), and 1,000 ANDs beside one another.
"""

from __future__ import annotations

import re
from typing import Final

from portal.expressions.fields import BadExpression

DEEPEST: Final = 150
"""Levels: a sign is one, a pair of brackets two, five ANDs and ORs are one."""
_BRACKET: Final = 2
_JOINS: Final = 5

TEXTS: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*\"""")
# The parser takes words of letters as signs without a space beside them (`1like1and1`), and as names where a value must stand
# (`a = or = b`): they are counted anywhere, but an AND or OR ends what earlier signs began only where it surely is one.
_PARTS: Final = re.compile(
    r"""(?P<open>[(\[]) | (?P<close>[)\]]) | (?P<comma>,)
    | (?P<join>(?<=[ \t\r\n)'])(?:and|or)(?=[ \t\r\n(']|$)) | (?P<hidden>and|or)
    | (?P<between>between) | (?P<sign>not|like|div|in|<=|>=|<>|!=|[-+*/%^=<>])""",
    re.IGNORECASE | re.VERBOSE,
)


def shallow(text: str) -> None:
    """Refuse what nests so deep that the parser could run out of stack."""
    bare = TEXTS.sub("''", text)
    here, awaited, joins, deepest, value_from = 0, 0, 0, 0, 0
    around: list[tuple[int, int]] = []
    for part in _PARTS.finditer(bare):
        kind = part.lastgroup
        if kind == "join" and not bare[value_from : part.start()].strip():
            kind = "hidden"
        value_from = part.start() if kind == "close" else part.end()
        if kind == "open":
            around.append((here, awaited))
            here, awaited = here + _BRACKET, 0
        elif kind == "close" and around:
            here, awaited = around.pop()
        elif kind == "comma":
            here = _begun(around)
        elif kind == "join" and awaited:  # the AND of a BETWEEN
            awaited -= 1
        elif kind in ("join", "hidden"):
            joins += 1
            here = _begun(around) if kind == "join" else here
        elif kind in ("sign", "between"):
            here += 1
            awaited += kind == "between"
        deepest = max(deepest, here)
    if deepest + joins // _JOINS > DEEPEST:
        raise BadExpression(
            f"The condition is nested too deep: more than {DEEPEST} brackets and signs within one another."
        )


def _begun(around: list[tuple[int, int]]) -> int:
    """How deep what the last bracket holds begins."""
    return around[-1][0] + _BRACKET if around else 0
