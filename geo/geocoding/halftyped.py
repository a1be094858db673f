"""What a text that is still being typed may say: a number, street words that may end in half a suffix, a crossing.

Charter: texts in, readings out, more than one where the words allow it; no knowledge of any city.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from geo.geocoding.model import LONGEST_TEXT
from geo.geocoding.names import fold, street_name
from geo.geocoding.streets import loose
from geo.geocoding.words import DIRECTIONS, LONE_UNITS, SUFFIXES, UNITS, ordinal

MOST_WORDS: Final = 12
LONGEST_NUMBER: Final = 6
MENDED: Final = -2.0
"""Log-likelihood of an ordinal's wrong ending, as '23nd'."""
_JOINT: Final = re.compile(r"(?<!\d)/|/(?!\d)|[&@+\\]|\bAND\b|\bAT\b|\bCORNER OF\b")
_WORD: Final = re.compile(r"\b1/2\b|\d+[A-Z]*(?:-\d+)?|[A-Z0-9]+")
_NUMBER: Final = re.compile(rf"(\d{{1,{LONGEST_NUMBER}}})([A-Z]?)(?:-(\d{{1,4}}))?$")
_BLOCK: Final = re.compile(r"BL(?:K|O(?:CK?)?)?$|BLOCKS$")
_ENDING: Final = re.compile(r"(\d{1,3})[A-Z]{2,3}$")
_ORDINAL_BEGUN: Final = re.compile(r"\d+(S|N|R|T)$")


class StreetReading(NamedTuple):
    """One way to read street words. `base` is without blanks; `closed`: something follows it, so that it is whole.

    `suffixes`: standard suffixes that the word after the base may become; `directions` likewise; None: none was typed.
    `doubt` is a log-likelihood.
    """

    base: str
    closed: bool
    suffixes: frozenset[str] | None
    directions: frozenset[str] | None
    doubt: float


@dataclass(frozen=True)
class HalfTyped:
    """A text as far as it is typed.

    `words`: all of them before a comma; `number`: of the house, -1 if there is none; `second`: what follows its hyphen, '' if
    nothing does; `letter`: behind it; `street`: words after the number; `block`: it is a hundred block; `sides`: words
    of the two streets of a crossing (the second may be empty); `zip`: stated behind a street, 0: none.
    """

    words: tuple[str, ...] = ()
    number: int = -1
    digits: str = ""
    second: str = ""
    letter: str = ""
    street: tuple[str, ...] = ()
    block: bool = False
    sides: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    zip: int = 0


def half_typed(text: str) -> HalfTyped:
    """Read what is typed so far; a text that is no address reads as one without words."""
    if len(text) > LONGEST_TEXT:
        return HalfTyped()
    folded = fold(text).replace("'", "").replace("`", "").replace(".", " ")
    joint = _JOINT.search(folded)
    if joint and folded[: joint.start()].strip():
        sides = _words(folded[: joint.start()]), _words(folded[joint.end() :])
        return HalfTyped(words=(*sides[0], *sides[1]), sides=sides)
    front, _, behind = folded.partition(",")
    words = _words(front)
    if not words:
        return HalfTyped()
    code = _zip(_words(behind))
    if not code and len(words) > 2:
        code = _zip(words[2:])
        words = words[:-1] if code else words
    number = _NUMBER.match(words[0])
    if not number:
        return HalfTyped(words=words, zip=code)
    letter, rest = number[2], words[1:]
    if rest and rest[0] == "1/2":
        letter, rest = "1/2", rest[1:]
    elif len(rest) > 1 and len(rest[0]) == 1 and rest[0] not in DIRECTIONS and rest[1] not in SUFFIXES:
        letter, rest = letter or rest[0], rest[1:]
    block = bool(rest and _BLOCK.match(rest[0]) and int(number[1]) % 100 == 0)
    if block:
        rest = rest[2:] if len(rest) > 1 and rest[1] == "OF" else rest[1:]
    return HalfTyped(words, int(number[1]), number[1], number[3] or "", letter, rest, block, None, code)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text)[:MOST_WORDS])


def _zip(words: Sequence[str]) -> int:
    last = words[-1][:5] if words else ""
    return int(last) if len(last) == 5 and last.isdigit() else 0


def readings_of(words: tuple[str, ...]) -> list[StreetReading]:
    """Every way to read words as a street's name, without units; the plainest first."""
    words = _without_unit(words)
    mended = tuple(_mended(word) for word in words)
    found: dict[tuple[str, bool, frozenset[str] | None, frozenset[str] | None], float] = {}
    for reading in (*_cut(words), *_canonical(words)):
        found.setdefault(reading[:4], reading.doubt)
    if mended != words:
        for reading in _cut(mended):
            found.setdefault(reading[:4], reading.doubt + MENDED)
    return [StreetReading(*key, doubt) for key, doubt in found.items()]


def _without_unit(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words before 'APT', 'FLOOR' and the like, where a street may stand before it."""
    for at, word in enumerate(words):
        unit = word in UNITS or word in LONE_UNITS
        if at and unit and (at > 1 or words[at - 1] in SUFFIXES) and word not in SUFFIXES and word not in DIRECTIONS:
            return words[:at]
    return words


def _cut(words: tuple[str, ...]) -> list[StreetReading]:
    """Direction, base, suffix, direction: wherever the words allow to cut."""
    if not words:
        return []
    fronts: list[tuple[tuple[str, ...], frozenset[str] | None]] = [(words, None)]
    if words[0] in DIRECTIONS:
        fronts.append((words[1:], frozenset({DIRECTIONS[words[0]]})))
    found = []
    for rest, before in fronts:
        doubt = 0.0 if before is None else -0.1
        found.append(StreetReading("".join(rest), False, None, before, doubt))
        if len(rest) < 2:
            continue
        last = rest[-1]
        suffixes, directions = suffixes_of(last), directions_of(last)
        base = "".join(rest[:-1])
        if suffixes:
            found.append(StreetReading(base, True, suffixes, before, doubt))
        if directions and before is None:
            found.append(StreetReading(base, True, None, directions, doubt - 0.1))
        if len(rest) > 2 and directions and before is None and rest[-2] in SUFFIXES:
            found.append(StreetReading("".join(rest[:-2]), True, frozenset({SUFFIXES[rest[-2]]}), directions, doubt))
    return found


def _canonical(words: tuple[str, ...]) -> list[StreetReading]:
    """The words as whole ones: 'MLK', 'MT', 'SIXTEENTH', 'ST' for SAINT."""
    name = street_name(" ".join(words))
    if not name.base:
        return []
    directions = frozenset({name.predir, name.postdir} - {""}) or None
    suffixes = frozenset({name.suffix}) if name.suffix else None
    return [StreetReading(loose(name.base), suffixes is not None, suffixes, directions, -0.2)]


@lru_cache(maxsize=4096)
def suffixes_of(typed: str) -> frozenset[str]:
    """Standard suffixes that a word may be, or be the beginning of; a whole one is no other's beginning but its own."""
    if typed in SUFFIXES and len(typed) > 1:
        return frozenset({SUFFIXES[typed]})
    return frozenset(standard for spelt, standard in SUFFIXES.items() if spelt.startswith(typed))


@lru_cache(maxsize=1024)
def directions_of(typed: str) -> frozenset[str]:
    """Directionals that a word may be, or be the beginning of."""
    return frozenset(standard for spelt, standard in DIRECTIONS.items() if spelt.startswith(typed))


def _mended(word: str) -> str:
    """'23ND' and '222NFD' as ordinals; other words as they are."""
    found = _ENDING.match(word)
    return ordinal(int(found[1])) if found else word


def may_be_ordinal(word: str) -> bool:
    """'16' and '16T' may become '16TH'."""
    return word.isdigit() or bool(_ORDINAL_BEGUN.match(word))
