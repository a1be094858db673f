"""Takes personal data out of free text: one text, or a whole column at once.

Charter: cleans a text's characters, runs the rules of patterns.py and then the
names of names.py, and puts marks in. Does not decide which columns are
published. Raise VERSION when the same text may come out otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.privacy.names import NameFinder
from etl.privacy.patterns import RULES, Rule
from etl.privacy.screen import Screen

VERSION: Final = 1
NAME: Final = "[name]"

# Characters that nobody sees: they hide a number from a rule and a name from a list.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_BLANKS: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_DASHES: Final = re.compile("[\u2010-\u2012\u2212\u2043\ufe58\ufe63]")
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PASSES: Final = 4


def clean(text: str) -> str:
    """The text in NFC, with plain digits, blanks and dashes, and without unseen characters."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", text)).translate(_WIDE)
    text = _DASHES.sub("-", _BLANKS.sub(" ", text))
    if any(c.isdecimal() and not c.isascii() for c in text):
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return unicodedata.normalize("NFC", text)


class Redactor:
    """Redacts texts; `keep` are the city's own words and phrases, which are no names.

    >>> Redactor().redact("Spoke with Maria Gonzalez at 617-555-0123")
    'Spoke with [name] at [phone]'
    """

    def __init__(self, keep: Iterable[str] = ()) -> None:
        """Take the vocabulary; the lists are read with the first text."""
        self._names = NameFinder(keep)
        self._screen = Screen(self._names)
        self._rules = [(re.compile(r.gate), re.compile(r.needs), r.rewrite) for r in RULES]

    def redact(self, text: str) -> str:
        """The text with a mark in the place of each personal detail; doing it again changes nothing."""
        text = clean(text)
        # A mark can be the neighbour that makes the next word a name: so until it holds still.
        for _ in range(_PASSES):
            after = self._named(self._numbers(text))
            if after == text:
                break
            text = after
        return text

    def _numbers(self, text: str, start: int = 0) -> str:
        for gate, needs, rewrite in self._rules[start:]:
            if gate.search(text) and needs.search(text):
                text = rewrite(text)
        return text

    def _first(self, text: str, rules: list[int], named: bool) -> str:
        """As redact does it, for an ASCII text of which it is known which gates it passes."""
        for k in rules:
            after = self._rules[k][2](text)
            if after != text:
                # What the gates said holds no longer.
                return self.redact(self._named(self._numbers(after, k + 1)))
        after = self._named(text) if named else text
        return after if after == text else self.redact(after)

    def _named(self, text: str) -> str:
        for start, end in reversed(self._names.spans(text)):
            text = f"{text[:start]}{NAME}{text[end:]}"
        return text

    def redact_all(self, column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
        """The column redacted; nulls stay null, and each distinct text is read once."""
        if isinstance(column, pa.ChunkedArray):
            if column.num_chunks == 0 or not len(column):
                return column
            whole = self.redact_all(pa.concat_arrays([c.cast(column.type) for c in column.chunks]))
            return pa.chunked_array([whole], type=column.type)
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        texts = coded.dictionary.cast(pa.large_string())
        out = self._each(texts)
        return out.take(coded.indices).cast(column.type)

    def _each(self, texts: pa.Array) -> pa.Array:
        """Distinct texts: only those that pass a gate are read."""
        gates = [self._passing(texts, rule) for rule in RULES]
        odd = np.asarray(pc.invert(pc.string_is_ascii(texts)).to_numpy(zero_copy_only=False), dtype=bool)
        named = self._screen.suspects(texts)
        rows = np.flatnonzero(np.logical_or.reduce([odd, named, *gates]))
        if not len(rows):
            return texts
        out = texts.to_pylist()
        for row in rows:
            if odd[row]:
                out[row] = self.redact(out[row])
            else:
                passed = [k for k, gate in enumerate(gates) if gate[row]]
                out[row] = self._first(out[row], passed, bool(named[row]))
        return pa.array(out, pa.large_string())

    @staticmethod
    def _passing(texts: pa.Array, rule: Rule) -> npt.NDArray[np.bool_]:
        found = pc.match_substring_regex(texts, rule.gate)
        if rule.needs:
            found = pc.and_(found, pc.match_substring_regex(texts, rule.needs))
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
