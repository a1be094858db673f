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
from etl.privacy.patterns import RULES

VERSION: Final = 1
NAME: Final = "[name]"

# Characters that nobody sees: they hide a number from a rule and a name from a list.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_BLANKS: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_DASHES: Final = re.compile("[\u2010-\u2012\u2212\u2043\ufe58\ufe63]")
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPLIT: Final = r"[^\pL'’‘`ʼ]+"
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
        self._gates: dict[str, int] = {}
        self._rules = [(re.compile(rule.gate), rule.rewrite) for rule in RULES]

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

    def _numbers(self, text: str) -> str:
        for gate, rewrite in self._rules:
            if gate.search(text):
                text = rewrite(text)
        return text

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
        rows = np.flatnonzero(self._suspects(texts))
        if not len(rows):
            clean_ones = texts
        else:
            out = texts.to_pylist()
            for row in rows:
                out[row] = self.redact(out[row])
            clean_ones = pa.array(out, pa.large_string())
        return clean_ones.take(coded.indices).cast(column.type)

    def _suspects(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Which texts can change at all: a superset, found without a loop over texts."""
        found = pc.invert(pc.string_is_ascii(texts))
        for rule in RULES:
            found = pc.or_(found, pc.match_substring_regex(texts, rule.gate))
        mask: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).astype(bool)
        rest = np.flatnonzero(~mask)
        mask[rest] = self._namelike(texts.take(pa.array(rest)))
        return mask

    def _namelike(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Which texts hold a word that can be a name."""
        if not len(texts):
            return np.zeros(0, dtype=bool)
        parts = pc.split_pattern_regex(texts, _SPLIT)
        tokens = parts.flatten().dictionary_encode()
        table = np.array([self._gate(token) for token in tokens.dictionary.to_pylist()], dtype=np.uint8)
        bits = table[tokens.indices.to_numpy()]
        starts = parts.offsets.to_numpy()[:-1] - parts.offsets[0].as_py()
        each = np.bitwise_or.reduceat(bits, starts)
        return ((each & 1) > 0) | ((each & 6) == 6)

    def _gate(self, token: str) -> int:
        bits = self._gates.get(token)
        if bits is None:
            if len(self._gates) > 400_000:
                self._gates.clear()
            bits = self._gates[token] = self._names.gate(token)
        return bits
