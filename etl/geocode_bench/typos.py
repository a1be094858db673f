"""Planted typos: one mistake an address, of every kind that people make, with a seed.

Charter: changes texts; knows of a city only which streets have which numbers, to say where a typo makes another of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from etl.geocode_bench.cases import DIRECTIONS, SUFFIXES, Cases, Parts, strict

KEYBOARD: Final = ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
KINDS: Final = (
    "insert", "delete", "substitute", "transpose", "missing suffix", "wrong suffix", "missing directional",
    "wrong directional",
)  # fmt: skip
EDITS: Final = KINDS[:4]
_SHORT: Final = {full: short for short, full in SUFFIXES.items()} | {short: short for short in SUFFIXES}
_COMMON: Final = ("ST", "AVE", "RD", "DR", "CT", "PL", "LN", "WAY", "TER", "BLVD", "CIR")


class Streets:
    """Which numbers a city's streets have: full name in upper case -> lowest and highest of each stretch."""

    def __init__(self, ranges: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        self.ranges = ranges
        self._named: dict[str, list[str]] = {}
        for name in ranges:
            self._named.setdefault(base_of(name), []).append(name)

    def has(self, street: str, number: int) -> bool:
        """Whether the street has a stretch with that number."""
        return any(low <= number <= high for low, high in self.ranges.get(street, ()))

    def others(self, base: str, but: str, number: int) -> bool:
        """Whether another street of this base ('X ST' and 'N X AVE' for X) has that number."""
        return any(name != but and self.has(name, number) for name in self._named.get(base, ()))


def base_of(name: str) -> str:
    """A full street name without its directionals and its suffix; a name of nothing else stays whole."""
    words = name.split()
    if len(words) > 1 and words[0] in DIRECTIONS:
        words = words[1:]
    if len(words) > 1 and words[-1] in DIRECTIONS:
        words = words[:-1]
    if len(words) > 1 and words[-1] in _SHORT:
        words = words[:-1]
    return " ".join(words)


def edit(word: str, kind: str, rng: random.Random) -> str:
    """One edit in a name: never at a space, never without effect. '' where the name allows none of that kind."""
    places = [i for i, c in enumerate(word) if c.isalnum()]
    if kind == "transpose":
        places = [i for i in places if i + 1 < len(word) and word[i + 1].isalnum() and word[i] != word[i + 1]]
    if not places or (kind == "delete" and len(places) < 3):
        return ""
    at = rng.choice(places)
    if kind == "insert":
        return word[:at] + _near(word[at], rng, same=True) + word[at:]
    if kind == "delete":
        return word[:at] + word[at + 1 :]
    if kind == "substitute":
        return word[:at] + _near(word[at], rng, same=False) + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _near(letter: str, rng: random.Random, *, same: bool) -> str:
    """A key that a finger may hit for this one: half of the time a neighbour, else any of its kind."""
    if letter.isdigit():
        return rng.choice([c for c in "0123456789" if same or c != letter])
    if rng.random() < 0.5:
        for row in KEYBOARD:
            at = row.find(letter)
            if at >= 0:
                return rng.choice(row[max(at - 1, 0) : at] + row[at + 1 : at + 2] + (letter if same else ""))
    return rng.choice([c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if same or c != letter])


def _misspelt(parts: Parts, kind: str, rng: random.Random) -> Parts | None:
    base = edit(parts.base, kind, rng)
    return parts._replace(base=base) if base and base != parts.base else None


def _suffix(parts: Parts, kind: str, rng: random.Random) -> Parts | None:
    if kind == "missing suffix":
        return parts._replace(suffix="")
    return parts._replace(suffix=rng.choice([s for s in _COMMON if s != _SHORT[parts.suffix]]))


def _direction(parts: Parts, kind: str, rng: random.Random) -> Parts | None:
    old = parts.predir or parts.postdir
    if not old:
        return None
    new = (
        "" if kind == "missing directional" else rng.choice([d for d in DIRECTIONS if d != old and len(d) == len(old)])
    )
    return parts._replace(predir=new) if parts.predir else parts._replace(postdir=new)


_DOERS: Final[Mapping[str, Callable[[Parts, str, random.Random], Parts | None]]] = {
    **dict.fromkeys(EDITS, _misspelt), "missing suffix": _suffix, "wrong suffix": _suffix,
    "missing directional": _direction, "wrong directional": _direction,
}  # fmt: skip


def plant(cases: Cases, streets: Streets, seed: int, each: int, *, tail: bool = True) -> Cases:
    """At most `each` typos of each kind, planted into the well-formed street addresses among the cases.

    `tail`: keep what follows the street (city and ZIP). `twin` is set where the changed text names another street of
    the city that has the number, or the bare name fits more streets than the one that was meant.
    """
    rng = random.Random(seed)  # noqa: S311 - a benchmark that must come out the same again
    rows = [(i, p) for i in np.flatnonzero(cases.kind == "address") if (p := strict(cases.text[i])) is not None]
    at, texts, labels, twins = [], [], [], []
    for kind in KINDS:
        done = 0
        for i, parts in rng.sample(rows, len(rows)):
            if done == each:
                break
            changed = _DOERS[kind](parts, kind, rng)
            if changed is None:
                continue
            done += 1
            bare = kind in ("missing suffix", "missing directional")
            other = streets.has(changed.street(), parts.low) and changed.street() != parts.street()
            at.append(i)
            texts.append((changed if tail else changed._replace(tail="")).text())
            labels.append(kind)
            twins.append(other or (bare and streets.others(parts.base, parts.street(), parts.low)))
    chosen = cases.take(np.array(at, dtype=np.int64))
    return Cases(
        texts, chosen.lon, chosen.lat, chosen.kind, chosen.well_formed, chosen.doubtful,
        np.array(labels, dtype="<U24"), np.array(twins, dtype=bool),
    )  # fmt: skip
