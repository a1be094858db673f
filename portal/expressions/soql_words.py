"""The words of a SoQL text: names, texts, numbers and signs, each with its place.

Charter: text in, tokens out; SoqlError, with the code that Socrata's own answers carry, for what is no word of the language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from portal.expressions.fields import BadExpression

MOST_CHARS: Final = 8_000
MOST_WORDS: Final = 2_000
"""More than a condition of as many parts as may be has."""
MALFORMED: Final = "query.compiler.malformed"
NO_COLUMN: Final = "query.soql.no-such-column"
NO_FUNCTION: Final = "query.soql.no-such-function"
MISMATCH: Final = "query.soql.type-mismatch"

TokenKind = Literal["name", "quoted", "text", "number", "sign", "end"]

_TOKEN: Final = re.compile(
    r"""\s+
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | `(?P<quoted>[A-Za-z_:@][A-Za-z0-9_]*)`
    | (?P<name>:\*|[:@]?[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><>|!=|<=|>=|==|\|\||\|>|::|[-=<>+*/%^(),.|])""",
    re.VERBOSE | re.ASCII,
)


class SoqlError(BadExpression):
    """A SoQL text that makes no sense; `code` is Socrata's name of what is wrong."""

    def __init__(self, detail: str, code: str = MALFORMED) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Token:
    """A word: what it says (texts without their quotes) and where it stands."""

    kind: TokenKind
    said: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """A name without regard to case, which is how keywords are written; '' for anything else."""
        return self.said.lower() if self.kind == "name" else ""


def tokens(text: str) -> list[Token]:
    """All words of a text, and one for its end."""
    if len(text) > MOST_CHARS:
        raise SoqlError(f"The query is longer than {MOST_CHARS} characters.")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise SoqlError(f"The query cannot be read at character {at + 1}: {text[at : at + 20]!r}.")
        at = match.end()
        if len(found) >= MOST_WORDS:
            raise SoqlError(f"The query has more than {MOST_WORDS} words and signs.")
        kind = match.lastgroup
        if kind is None:
            continue
        said = match[kind]
        if kind == "text":
            said = said[1:-1].replace(said[0] * 2, said[0])
        found.append(Token(kind, said, match.start(), at))  # type: ignore[arg-type]
    return [*found, Token("end", "", at, at)]
