"""The lexicon: which tokens are first names, surnames and plain words.

Charter: reads lexicon.txt.xz, once and only when it is asked. What it was made
from: docs/decisions/0008-redaction.md; how: make_lexicon.py. What follows from
a token's letters is decided in names.py.

The letters of a token: F a first name; f a common first name that is a plain
word or a place too (Mark, Rose); g the same, but rare as a name. S a common
surname, T a rare one; s a common surname that is a word too (Brown, Hill), r
the same, but rare as a name. w a plain word of English, Spanish or of service
requests.
"""

from __future__ import annotations

import lzma
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

# Letters that Unicode does not take apart into a base letter and a mark.
_WHOLE: Final = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss"}
)


@lru_cache(maxsize=1)
def letters() -> dict[str, str]:
    """Each folded token with its letters; do not change it."""
    text = lzma.decompress(Path(__file__).with_name("lexicon.txt.xz").read_bytes()).decode("ascii")
    out: dict[str, str] = {}
    for line in text.split("\n"):
        key, _, words = line.partition(" ")
        out.update(dict.fromkeys(words.split(" "), key))
    return out


def fold(token: str) -> str:
    """Lower case, without accents, apostrophes and dots.

    >>> fold("O’Brién")
    'obrien'
    """
    if token.isascii():
        return token.lower().replace("'", "").replace(".", "")
    low = unicodedata.normalize("NFKD", token.lower().translate(_WHOLE))
    return "".join(c for c in low if not unicodedata.combining(c) and c not in "'’‘`ʼ.")


def is_plain(word: str) -> bool:
    """Whether a folded token is a plain word."""
    return "w" in letters().get(word, "")
