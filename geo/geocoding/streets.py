"""Names of streets that a city has, and which of them a typed name may mean, with how likely that is.

Charter: StreetNames in, candidates with log-likelihoods out. What numbers a street has, and where it lies, is `index`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isnan, nan
from typing import Final, NamedTuple

import jellyfish
from rapidfuzz import process
from rapidfuzz.distance import OSA

from geo.geocoding.model import StreetName

# Log-likelihoods of what people and systems do to a street's name, relative to writing it right. They are rounded from
# counts on public 311 records; the calibration in `passport` is what turns their sum into a share that is right.
SUFFIX_MISSING: Final = -2.2
SUFFIX_ADDED: Final = -3.2
SUFFIX_WRONG: Final = -4.5
DIRECTION_MISSING: Final = -2.2
DIRECTION_ADDED: Final = -3.5
DIRECTION_WRONG: Final = -5.0
DIRECTION_MOVED: Final = -0.7
OTHER_READING: Final = -0.8
RESPACED: Final = -1.2
ONE_EDIT: Final = -3.6
MORE_EDITS: Final = -3.4
"""For each edit after the first."""
SHORT_EDIT: Final = -1.5
"""An edit in a name of three letters or fewer, where it is as likely another street."""
NUMBER_EDIT: Final = -1.0
"""An edit among digits makes another street's name more often than a slip of the finger does."""
SOUNDS_ALIKE: Final = -6.0
WORDS_MISSING: Final = -4.0
HOPELESS: Final = -14.0
DIRECTIONS: Final = {
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W",
    "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
}  # fmt: skip
WORDS: Final = {short: word for word, short in DIRECTIONS.items()}
BROKEN_ORDINAL: Final = re.compile(r"0*([0-9]{1,3})[A-Z]{0,3}", re.ASCII)
MANY: Final = 200
"""Names looked at for one word or one sound: a word of more is no evidence."""
ENOUGH: Final = 8
"""Candidates kept of one typed name."""


class Candidate(NamedTuple):
    """A street that a typed name may mean: its number in the list of names, how likely, and whether it was corrected."""

    name: int
    likelihood: float
    corrected: bool


def loose(text: str) -> str:
    """A name without its blanks: 'VAN NESS' and 'VANNESS' are the same."""
    return text.replace(" ", "")


def affixes(asked: StreetName, known: StreetName) -> float:
    """Log-likelihood of the typed suffix and directionals, given the street's own."""
    total = 0.0
    if asked.suffix != known.suffix:
        total += SUFFIX_MISSING if not asked.suffix else SUFFIX_ADDED if not known.suffix else SUFFIX_WRONG
    if asked.predir == known.predir and asked.postdir == known.postdir:
        return total
    typed, own = {asked.predir, asked.postdir} - {""}, {known.predir, known.postdir} - {""}
    if typed == own:
        return total + DIRECTION_MOVED
    if not typed:
        return total + DIRECTION_MISSING
    if not own:
        return total + DIRECTION_ADDED
    return total + (DIRECTION_MISSING if typed < own else DIRECTION_ADDED if own < typed else DIRECTION_WRONG)


def moved(asked: StreetName) -> Iterator[StreetName]:
    """The name with a directional that stands inside taken out to its end: 'BAY VIEW EAST AVE' for 'BAY VIEW AVE E'."""
    first, _, rest = asked.base.rpartition(" ")
    if first and rest in DIRECTIONS and not asked.postdir:
        yield StreetName(asked.predir, first, asked.suffix, DIRECTIONS[rest])


def written_out(name: StreetName) -> StreetName:
    """The name with its leading directional as a word of its base: people write 'SOUTHHILL' for S HILL."""
    return StreetName("", f"{WORDS[name.predir]} {name.base}", name.suffix, name.postdir)


def ordinal(asked: StreetName) -> Iterator[StreetName]:
    """The numbered street that a broken ordinal may mean: '05TX', '5HT' and '5' for 5TH."""
    found = BROKEN_ORDINAL.fullmatch(asked.base)
    if found:
        number = int(found[1])
        ending = "TH" if 10 < number % 100 < 14 else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
        if number and f"{number}{ending}" != asked.base:
            yield asked._replace(base=f"{number}{ending}")


class Streets:
    """Every name of a city's streets, with keys under which a misspelt one is found again.

    `names` are distinct; `aliases` gives other names and the positions in `names` that they stand for.
    """

    def __init__(self, names: Sequence[StreetName], aliases: Mapping[StreetName, Sequence[int]]) -> None:
        """Make the keys that exact names need; those for misspelt ones are made when the first one comes."""
        self.names = tuple(names)
        self._known: list[tuple[StreetName, int]] = [(name, i) for i, name in enumerate(self.names)]
        self._known += [(name, i) for name, whom in aliases.items() for i in whom]
        self._known += [(written_out(name), i) for name, i in self._known if name.predir]
        self._exact: dict[StreetName, list[int]] = {}
        self._by_base: dict[str, list[tuple[StreetName, int]]] = {}
        for name, i in self._known:
            self._exact.setdefault(name, []).append(i)
            self._by_base.setdefault(name.base, []).append((name, i))

    def known(self) -> tuple[tuple[StreetName, int], ...]:
        """Every name and other name, with the position in `names` of the street that it stands for."""
        return tuple(self._known)

    @cached_property
    def _by_loose(self) -> dict[str, list[tuple[StreetName, int, float]]]:
        """Loose keys: of the base (NaN), and of more than the base with what it costs to have written no more than that."""
        found: dict[str, list[tuple[StreetName, int, float]]] = {}
        for name, i in self._known:
            base, full = loose(name.base), loose(name.text())
            found.setdefault(base, []).append((name, i, nan))
            found.setdefault(full, []).append((name, i, 0.0))
            if (name.predir or name.postdir) and name.suffix:
                found.setdefault(base + name.suffix, []).append((name, i, DIRECTION_MISSING))
        return found

    @cached_property
    def _deletions(self) -> dict[str, list[str]]:
        """Every loose key with one letter left out, and the keys that it comes from (after Garbe's symmetric delete)."""
        found: dict[str, list[str]] = {}
        for key in self._by_loose:
            for shorter in {key[:i] + key[i + 1 :] for i in range(len(key))}:
                found.setdefault(shorter, []).append(key)
        return found

    @cached_property
    def _sounds(self) -> dict[str, list[tuple[StreetName, int]]]:
        found: dict[str, list[tuple[StreetName, int]]] = {}
        for name, i in self._known:
            sound = jellyfish.metaphone(name.base)
            if len(sound) >= 2:
                found.setdefault(sound, []).append((name, i))
        return found

    @cached_property
    def _words(self) -> dict[str, list[tuple[StreetName, int]]]:
        """Names of more than one word by each of their words."""
        found: dict[str, list[tuple[StreetName, int]]] = {}
        for name, i in self._known:
            for word in set(name.base.split()):
                found.setdefault(word, []).append((name, i))
        return found

    @cached_property
    def _keys(self) -> list[str]:
        return list(self._by_loose)

    def plain(self, asked: StreetName, others: Iterable[StreetName] = ()) -> list[Candidate]:
        """Streets of the very name, or of its base with another suffix or directional; the likeliest first."""
        whom = self._exact.get(asked)
        found: dict[int, tuple[float, bool]] = dict.fromkeys(whom, (0.0, False)) if whom else {}
        for name, i in self._by_base.get(asked.base, ()):
            if i not in found:
                found[i] = affixes(asked, name), True
        for other in others:
            for name, i in self._by_base.get(other.base, ()):
                how = OTHER_READING + affixes(other, name)
                if i not in found or found[i][0] < how:
                    found[i] = how, name != other
        return _best(found)

    def near(self, asked: StreetName, others: Iterable[StreetName] = ()) -> list[Candidate]:
        """Streets whose name was misspelt, split, joined or shortened into the typed one; the plain ones among them."""
        more = (*others, *moved(asked))
        found = {c.name: (c.likelihood, c.corrected) for c in self.plain(asked, more)}
        readings = [(asked, 0.0), *((other, OTHER_READING) for other in more)]
        for reading, prior in readings:
            self._misspelt(reading, prior, found)
        for reading in ordinal(asked):
            for c in self.plain(reading):
                _take(found, c.name, c.likelihood + ONE_EDIT)
        if max((how for how, _ in found.values()), default=HOPELESS) < ONE_EDIT + SUFFIX_WRONG:
            for reading, prior in readings:
                self._worse(reading, prior, found)
        return _best(found)

    def _misspelt(self, asked: StreetName, prior: float, found: dict[int, tuple[float, bool]]) -> None:
        """At most one edit away: base and base with the affixes beside them, or everything written as one word."""
        for typed, bare in ((loose(asked.base), True), (loose(asked.text()), False)):
            if len(typed) < 2:
                continue
            for key in self._one_edit(typed):
                edit = _edit(typed, key, 1) if key != typed else RESPACED
                for name, i, left_out in self._by_loose[key]:
                    if bare != isnan(left_out):
                        continue
                    _take(found, i, prior + edit + (affixes(asked, name) if bare else left_out))

    def _one_edit(self, typed: str) -> set[str]:
        """Loose keys at most one insertion, deletion, substitution or transposition away."""
        keys, deletions = self._by_loose, self._deletions
        near = {typed} if typed in keys else set()
        near.update(deletions.get(typed, ()))
        for shorter in {typed[:i] + typed[i + 1 :] for i in range(len(typed))}:
            if shorter in keys:
                near.add(shorter)
            found = deletions.get(shorter)
            if found:  # equal after one deletion each: one substitution, one transposition, or farther apart
                near.update(key for key in found if key not in near and OSA.distance(typed, key, score_cutoff=1) <= 1)
        return near

    def _worse(self, asked: StreetName, prior: float, found: dict[int, tuple[float, bool]]) -> None:
        """Words left out or added, names that sound alike, and, where there is nothing else, what is nearest of all."""
        parts = (self._of_words(asked), self._of_sound(asked))
        for i, how in (pair for part in parts for pair in part):
            _take(found, i, prior + how)
        if not found:
            for i, how in self._nearest(asked):
                _take(found, i, prior + how)

    def _of_words(self, asked: StreetName) -> Iterator[tuple[int, float]]:
        """Names that have all words of the typed one and more, or only some of them."""
        words = set(asked.base.split())
        if len(asked.base) < 4 or not words:
            return
        rarest = min(words, key=lambda word: len(self._words.get(word, ())) or MANY)
        for name, i in self._words.get(rarest, ())[:MANY]:
            own = set(name.base.split())
            if words < own or own < words:
                yield i, WORDS_MISSING - 1.5 * (len(own ^ words) - 1) + affixes(asked, name)

    def _of_sound(self, asked: StreetName) -> Iterator[tuple[int, float]]:
        """Names that sound like the typed one."""
        sound = jellyfish.metaphone(asked.base)
        if len(sound) >= 2:
            for name, i in self._sounds.get(sound, ())[:MANY]:
                if asked.base[:1].isdigit() == name.base[:1].isdigit():
                    yield i, SOUNDS_ALIKE + affixes(asked, name)

    def _nearest(self, asked: StreetName) -> Iterator[tuple[int, float]]:
        """Names two or three edits away."""
        base, full = loose(asked.base), loose(asked.text())
        if len(base) < 6:
            return
        for typed, bare in ((base, True), (full, False)):
            close = process.extract(
                typed, self._keys, scorer=OSA.distance, score_cutoff=2 if len(base) < 10 else 3, limit=ENOUGH
            )
            for key, edits, _ in close:
                for name, i, left_out in self._by_loose[key]:
                    if bare == isnan(left_out):
                        yield i, _edit(typed, key, int(edits)) + (affixes(asked, name) if bare else left_out)


def _take(found: dict[int, tuple[float, bool]], i: int, how: float) -> None:
    """Keep a corrected name if it is likelier than what is known of it."""
    if how > HOPELESS and (i not in found or found[i][0] < how):
        found[i] = how, True


def _edit(typed: str, known: str, edits: int) -> float:
    """Log-likelihood of so many edits between two names."""
    how = ONE_EDIT + MORE_EDITS * (edits - 1)
    if min(len(typed), len(known)) <= 3:
        how += SHORT_EDIT
    if not typed.isalpha() and _digits(typed) != _digits(known):
        how += NUMBER_EDIT
    return how


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _best(found: Mapping[int, tuple[float, bool]]) -> list[Candidate]:
    ranked = [Candidate(i, how, corrected) for i, (how, corrected) in found.items()]
    if len(ranked) > 1:
        ranked.sort(key=lambda c: (-c.likelihood, c.name))
    return ranked[:ENOUGH]
