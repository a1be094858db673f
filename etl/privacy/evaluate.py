"""Measures a redactor on planted examples: recall by kind, and words that were wrongly removed.

Charter: figures only. A planted item counts as found only if nothing of it is
left; what the figures must reach is the audit's to say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from etl.privacy.planted import Example, Item

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_MARK: Final = re.compile(r"\[[a-z-]+(?: [a-z]+)?\]")
# What an e-mail or a name shares with any text.
_COMMON: Final = frozenset("at dot com net org co uk ext x de la los del da el al jr s".split())
PATTERNS: Final = ("phone", "email", "plate", "card", "ssn")
_Z: Final = 1.959964


class Redacts(Protocol):
    """Anything that redacts one text."""

    def redact(self, text: str) -> str:
        """The text without personal data."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the planted items of a kind were found."""

    planted: int
    found: int

    @property
    def share(self) -> float:
        """Found of planted; 1 where nothing was planted."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def lower(self) -> float:
        """The lower end of Wilson's 95% interval."""
        n = self.planted
        if not n:
            return 0.0
        p, z2 = self.share, _Z * _Z
        return max(0.0, (p + z2 / (2 * n) - _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n))


@dataclass(frozen=True, slots=True)
class RedactionFigures:
    """What was measured; `as_dict` is what a release publishes."""

    examples: int
    kinds: dict[str, Recall]
    words: int
    removed: int

    @property
    def removed_share(self) -> float:
        """Words wrongly removed, of all words that are not planted."""
        return self.removed / self.words if self.words else 0.0

    @property
    def patterns(self) -> Recall:
        """All kinds but names together."""
        kinds = [self.kinds[k] for k in PATTERNS if k in self.kinds]
        return Recall(sum(k.planted for k in kinds), sum(k.found for k in kinds))

    @property
    def names(self) -> Recall:
        """Names of people."""
        return self.kinds.get("name", Recall(0, 0))

    def as_dict(self) -> dict[str, object]:
        """The figures for publication."""
        every = {**self.kinds, "patterns": self.patterns}
        return {
            "examples": self.examples,
            "recall": {
                kind: {
                    "planted": r.planted,
                    "found": r.found,
                    "recall": round(r.share, 4),
                    "at_least": round(r.lower, 4),
                }
                for kind, r in sorted(every.items())
            },
            "words": self.words,
            "words_wrongly_removed": self.removed,
            "share_wrongly_removed": round(self.removed_share, 5),
        }


def _words(text: str) -> Counter[str]:
    return Counter(w.lower().replace("’", "'") for w in _WORD.findall(_MARK.sub(" ", text)))


def _identifying(kind: str, value: str) -> set[str]:
    """The words of an item that would tell something if they were left."""
    words = {w.removesuffix("'s") for w in _words(value)}
    if kind == "name":
        return {w for w in words if len(w) > 1 and w not in _COMMON}
    return {w for w in words if w not in _COMMON}


def _outside(example: Example) -> str:
    """The text without its items."""
    out, at = [], 0
    for item in sorted(example.items, key=lambda i: i.start):
        out.append(example.text[at : item.start])
        at = item.end
    return " ".join([*out, example.text[at:]])


def left_over(example: Example, redacted: str) -> list[Item]:
    """The items of which something is still in the redacted text."""
    after, around = _words(redacted), _words(_outside(example))
    bare = Counter({w.removesuffix("'s"): n for w, n in after.items()})
    missed = []
    for item in example.items:
        parts = _identifying(item.kind, example.text[item.start : item.end])
        if any(max(after[p], bare[p]) > around[p] for p in parts):
            missed.append(item)
    return missed


def wrongly_removed(example: Example, redacted: str) -> Counter[str]:
    """The words outside of the items that are gone; the "s" of a possessive is none."""
    gone = _words(_outside(example)) - _words(redacted)
    del gone["s"]
    return gone


def evaluate(redactor: Redacts, examples: Iterable[Example]) -> RedactionFigures:
    """Redact each example and count."""
    planted: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    count = words = removed = 0
    for example in examples:
        redacted = redactor.redact(example.text)
        count += 1
        planted.update(item.kind for item in example.items)
        missed.update(item.kind for item in left_over(example, redacted))
        words += _words(_outside(example)).total()
        removed += wrongly_removed(example, redacted).total()
    kinds = {kind: Recall(n, n - missed[kind]) for kind, n in sorted(planted.items())}
    return RedactionFigures(count, kinds, words, removed)
