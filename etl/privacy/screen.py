"""Which texts of a column can hold a name at all, found without reading them one by one.

Charter: an upper bound of what names.py can give to each word, worked out on
whole columns of words with numpy. It may only err by letting a text through:
what it holds back is never read.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.privacy.names import THRESHOLD, NameFinder, Traits, pair_points

_SPLIT: Final = r"[^\pL'’‘`ʼ]+"
# What makes the end of a text a signature: see _Reading in names.py.
_APART: Final = r"[-–—~/|.!?\n]|  "
_BRACKET: Final = r"\("
_MARK: Final = r"\[[a-z-]+(?: [a-z]+)?\]"
_SLACK: Final = 0.01
_REACH: Final = 6

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_T = TypeVar("_T", bound=np.generic)


def _back(values: npt.NDArray[_T], by: int = 1) -> npt.NDArray[_T]:
    """The value of the word `by` places before."""
    out = np.zeros_like(values)
    out[by:] = values[:-by]
    return out


def _ahead(values: npt.NDArray[_T], by: int = 1) -> npt.NDArray[_T]:
    out = np.zeros_like(values)
    out[:-by] = values[by:]
    return out


class Screen:
    """Remembers the traits of each word it has seen."""

    def __init__(self, finder: NameFinder) -> None:
        """Ask this finder about words."""
        self._finder = finder
        self._seen: dict[str, Traits] = {}
        self._pairs = np.array(pair_points(), dtype=np.float32)

    def suspects(self, texts: pa.Array) -> Bools:
        """Of texts without nulls: true where a name can be."""
        if not len(texts):
            return np.zeros(0, dtype=bool)
        found = pc.match_substring_regex(texts, _MARK).to_numpy(zero_copy_only=False).astype(bool)
        # A blank text between two keeps the words of one from being neighbours of the next's.
        parts = pc.split_pattern_regex(texts, _SPLIT)
        tokens = parts.flatten().dictionary_encode()
        offsets = parts.offsets.to_numpy().astype(np.int64)
        sizes = np.diff(offsets)
        apart = pc.match_substring_regex(texts, _APART).to_numpy(zero_copy_only=False).astype(bool)
        bracket = pc.match_substring_regex(texts, _BRACKET).to_numpy(zero_copy_only=False).astype(bool)
        best = self._bound(tokens, sizes, apart) + np.repeat(
            np.where(bracket, np.float32(1.8), np.float32(0.0)), sizes + _REACH
        )
        return found | (
            np.maximum.reduceat(best, np.concatenate(([0], np.cumsum(sizes + _REACH)[:-1]))) >= THRESHOLD - _SLACK
        )

    def _bound(self, tokens: pa.DictionaryArray, sizes: npt.NDArray[np.int64], apart: Bools) -> Floats:
        """The most each word can have while no word is marked; _REACH empty places follow each text."""
        traits = [self._traits(t) for t in tokens.dictionary.to_pylist()]
        rows = np.arange(len(tokens)) + np.repeat(np.arange(len(sizes)) * _REACH, sizes)
        index = np.full(int(sizes.sum()) + _REACH * len(sizes), len(traits), dtype=np.int64)
        index[rows] = tokens.indices.to_numpy()
        traits.append(Traits())

        def column(name: str, kind: type) -> npt.NDArray[np.generic]:
            return np.array([getattr(t, name) for t in traits], dtype=kind)[index]

        def number(name: str) -> Floats:
            return np.array([getattr(t, name) for t in traits], dtype=np.float32)[index]

        def flag(name: str) -> Bools:
            return np.array([getattr(t, name) for t in traits], dtype=bool)[index]

        first, second = number("first").astype(np.int16), number("second").astype(np.int16)
        cue = np.maximum(number("cue"), self._pairs[_back(first), second])
        passes, single, likely, real = flag("passes"), flag("single"), flag("likely"), flag("real")
        reach = cue
        for _ in range(_REACH):
            reach = np.where(passes, np.maximum(cue, _back(reach)), cue)
        bound = number("points") + np.maximum(_back(reach), 0.5 * _back(reach, 2)) + _ahead(number("verb"))
        bound += np.where(_back(flag("particle")), 1.5, 0.0)
        # Neighbours: a pair of possible names, "Last, First", an initial.
        bound += np.where(likely & _back(likely), 1.3, 0.0) + np.where(likely & _ahead(likely), 2.8, 0.0)
        bound += np.where((_back(single) & _back(likely, 2)) | (_ahead(single) & _ahead(likely, 2)), 1.0, 0.0)
        bound += np.where(_back(single), number("initial"), 0.0) + np.where(_ahead(single) & likely, 1.2, 0.0)
        bound += self._edges(sizes, apart, likely, real)
        return np.where(real, bound, -99.0).astype(np.float32)

    @staticmethod
    def _edges(sizes: npt.NDArray[np.int64], apart: Bools, likely: Bools, real: Bools) -> Floats:
        """What the last words of a text can have as a signature, and the first one behind a dash."""
        ends = np.cumsum(sizes + _REACH)
        broad = np.repeat(apart, sizes + _REACH)
        left = np.repeat(ends - _REACH, sizes + _REACH) - np.arange(len(likely))
        closing = (left > 0) & (left <= 5) & broad
        near = likely.copy()
        for by in (1, 2, 3):
            near |= _back(likely, by) | _ahead(likely, by)
        opening = np.concatenate(([True], ~real[:-1])) & broad
        out: Floats = np.where(closing, 2.0, 0.0) + np.where(closing & near, 1.8, 0.0) + np.where(opening, 1.0, 0.0)
        return out.astype(np.float32)

    def _traits(self, token: str) -> Traits:
        found = self._seen.get(token)
        if found is None:
            if len(self._seen) > 400_000:
                self._seen.clear()
            found = self._seen[token] = self._finder.traits(token)
        return found
