"""Patterns of LIKE as SQL whose time grows with the text and the pattern, and not with all ways to match them.

Charter: the SQL of a text and a pattern in, a test and its parameters out.

DuckDB goes through a pattern without `_` and without escapes from part to part, quickly; any other it tries in all ways that
there are, which four `%` make hours of: such a pattern is a regular expression instead, which RE2 reads in one way at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from portal.expressions.fields import BadExpression, plain_text

MOST_CHARS: Final = 1_000
"""Of a pattern that becomes a regular expression: longer ones are slow to build."""
_PARTS: Final = re.compile(r"\\(?P<said>.)|(?P<any>[%_]+)|(?P<text>[^\\%_]+)", re.DOTALL)


def like(text: str, pattern: str, folds: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """The test of a text; `folds` are the SQL of functions that the pattern is put through first, in this order."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise BadExpression("A pattern of 'like' ends in a backslash that takes nothing's meaning away.")
    simple = "_" not in pattern and "\\" not in pattern
    if not simple and len(pattern) > MOST_CHARS:
        raise BadExpression(f"A pattern of 'like' with '_' or a backslash has at most {MOST_CHARS} characters.")
    told = "?::VARCHAR"
    for fold in folds:
        told = fold.format(told)
    if simple:
        return f"({text} LIKE {told})", [plain_text(pattern)]
    return f"regexp_full_match({text}, {told}, 's')", [_expression(plain_text(pattern))]


def _expression(pattern: str) -> str:
    made = []
    for part in _PARTS.finditer(pattern):
        anything = part["any"]
        if anything:
            made.append("." * anything.count("_") + (".*" if "%" in anything else ""))
        else:
            made.append(re.escape(part["said"] or part["text"]))
    return "".join(made)
