"""Names of streets that a city has, and which of them a typed name may mean, with how likely that is.

Charter: StreetNames in, candidates with log-likelihoods out. What numbers a street has, and where it lies, is `index`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

import jellyfish
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
DIRECTIONS_SWAPPED: Final = -4.0
"""In a grid 350 W 1200 N and 350 N 1200 W are both there, and far apart."""
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
WORD_ADDED: Final = -1.5
"""For each word after the first that is missing, or is there beside a misspelt one."""
HOPELESS: Final = -14.0
DIRECTIONS: Final = {
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W",
    "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
}  # fmt: skip
WORDS: Final = {short: word for word, short in DIRECTIONS.items()}
BROKEN_ORDINAL: Final = re.compile(r"0*([0-9]{1,3})[A-Z]{0,3}", re.ASCII)
END: Final = 4
"""Letters at the front or at the end that a name keeps, however badly it is spelt."""
MANY: Final = 200
"""Names looked at for one word or one sound: a word of more is no evidence."""
ENOUGH: Final = 8
"""Candidates kept of one typed name."""


FAR_BEHIND: Final = 10.0
"""A street that is so much less likely than the likeliest is not worth looking up."""
_K = TypeVar("_K")
_V = TypeVar("_V")


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
        return total + (DIRECTION_MOVED if len(own) == 1 else DIRECTIONS_SWAPPED)
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


def short_saint(name: StreetName) -> Iterator[StreetName]:
    """The name, and with ST for its SAINT: joined to what follows ('STLOUIS AVE') nobody writes that out."""
    yield name
    if name.base.startswith("SAINT "):
        yield name._replace(base=name.base.replace("SAINT", "ST", 1))


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
        exact: dict[StreetName, list[int]] = {}
        by_base: dict[str, list[int]] = {}
        for at, (name, i) in enumerate(self._known):
            exact.setdefault(name, []).append(i)
            by_base.setdefault(name.base, []).append(at)
        self._exact, self._by_base = _frozen(exact), _frozen(by_base)

    def known(self) -> tuple[tuple[StreetName, int], ...]:
        """Every name and other name, with the position in `names` of the street that it stands for."""
        return tuple(self._known)

    # The keys below hold positions in `_known` or texts, in tuples: the garbage collector need not look at them.

    @cached_property
    def _by_loose(self) -> dict[str, tuple[int, ...]]:
        """Loose keys: of the base (position * 4), of everything (+ 1), of base and suffix without directional (+ 2)."""
        found: dict[str, list[int]] = {}
        for at, (name, _) in enumerate(self._known):
            for own in short_saint(name):
                base, full = loose(own.base), loose(own.text())
                found.setdefault(base, []).append(at * 4)
                found.setdefault(full, []).append(at * 4 + 1)
                if (own.predir or own.postdir) and own.suffix:
                    found.setdefault(base + own.suffix, []).append(at * 4 + 2)
        return _frozen(found)

    @cached_property
    def _deletions(self) -> dict[str, tuple[str, ...]]:
        """Every loose key with one letter left out, and the keys that it comes from (after Garbe's symmetric delete)."""
        found: dict[str, list[str]] = {}
        for key in self._by_loose:
            for shorter in {key[:i] + key[i + 1 :] for i in range(len(key))}:
                found.setdefault(shorter, []).append(key)
        return _frozen(found)

    @cached_property
    def _sounds(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for at, (name, _) in enumerate(self._known):
            sound = jellyfish.metaphone(name.base)
            if len(sound) >= 2:
                found.setdefault(sound, []).append(at)
        return _frozen(found)

    @cached_property
    def _words(self) -> dict[str, tuple[int, ...]]:
        """Names by each of their words."""
        found: dict[str, list[int]] = {}
        for at, (name, _) in enumerate(self._known):
            for word in set(name.base.split()):
                found.setdefault(word, []).append(at)
        return _frozen(found)

    @cached_property
    def _ends(self) -> dict[str, tuple[str, ...]]:
        """Loose keys by their first letters, and by their last ones behind a hyphen."""
        found: dict[str, list[str]] = {}
        for key in self._by_loose:
            found.setdefault(key[:END], []).append(key)
            found.setdefault(f"-{key[-END:]}", []).append(key)
        return _frozen(found)

    def plain(self, asked: StreetName, others: Iterable[StreetName] = ()) -> list[Candidate]:
        """Streets of the very name, or of its base with another suffix or directional; the likeliest first."""
        known = self._known
        found: dict[int, tuple[float, bool]] = dict.fromkeys(self._exact.get(asked, ()), (0.0, False))
        # Beside the very name, only what differs by something left out is worth a look.
        least = SUFFIX_ADDED if found else HOPELESS
        for at in self._by_base.get(asked.base, ()):
            name, i = known[at]
            if i not in found:
                how = affixes(asked, name)
                if how >= least:
                    found[i] = how, True
        for other in others:
            for at in self._by_base.get(other.base, ()):
                name, i = known[at]
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
        """At most one edit away: base and base with the affixes beside them, or everything written as one word.

        The second only where there is no affix, so that a misspelt one may hide in the base, or the first finds nothing.
        """
        base, full = loose(asked.base), loose(asked.text())
        if len(full) < 2:
            return
        near = self._one_edit(base) if len(base) > 1 else ()
        best = HOPELESS
        for key in near:
            edit = _edit(base, key, 1) if key != base else RESPACED
            for name, i, how in self._under(key, asked, True):
                # The very base is not respaced: only what stands around it differs.
                how += prior + (0.0 if name.base == asked.base else edit)
                _take(found, i, how)
                best = max(best, how)
        if full == base:
            whole: Iterable[str] = near
        elif best > prior + ONE_EDIT + SUFFIX_WRONG:
            whole = (full,) if full in self._by_loose else ()
        else:
            whole = self._one_edit(full)
        for key in whole:
            edit = prior + (_edit(full, key, 1) if key != full else RESPACED)
            for _, i, how in self._under(key, asked, False):
                _take(found, i, edit + how)

    def _under(self, key: str, asked: StreetName, bare: bool) -> Iterator[tuple[StreetName, int, float]]:
        """Streets under a loose key of their base (with what the affixes say) or of more than that."""
        for code in self._by_loose[key]:
            kind = code & 3
            if bare == (kind == 0):
                name, i = self._known[code >> 2]
                yield name, i, affixes(asked, name) if bare else DIRECTION_MISSING if kind == 2 else 0.0

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
        rarest = min(sorted(words), key=lambda word: len(self._words.get(word, ())) or MANY)
        for at in self._words.get(rarest, ())[:MANY]:
            name, i = self._known[at]
            own = set(name.base.split())
            missing, more = own - words, words - own
            if not missing or not more:
                if missing or more:
                    yield i, WORDS_MISSING + WORD_ADDED * (len(missing) + len(more) - 1) + affixes(asked, name)
            elif len(missing) == 1 and len(own & words) >= 2:
                # One of many words is misspelt, beside a title too much: 'DOCTOR MATRIN LUTHER KING JR'.
                (lost,) = missing
                if any(OSA.distance(word, lost, score_cutoff=1) <= 1 for word in more):
                    yield i, ONE_EDIT + WORDS_MISSING + WORD_ADDED * (len(more) - 2) + affixes(asked, name)

    def _of_sound(self, asked: StreetName) -> Iterator[tuple[int, float]]:
        """Names that sound like the typed one."""
        sound = jellyfish.metaphone(asked.base)
        if len(sound) >= 2:
            for at in self._sounds.get(sound, ())[:MANY]:
                name, i = self._known[at]
                if asked.base[:1].isdigit() == name.base[:1].isdigit():
                    yield i, SOUNDS_ALIKE + affixes(asked, name)

    def _nearest(self, asked: StreetName) -> Iterator[tuple[int, float]]:
        """Names two or three edits away that begin or end with the same letters."""
        base, full = loose(asked.base), loose(asked.text())
        if len(base) < 6:
            return
        allowed = 2 if len(base) < 10 else 3
        for typed, bare in ((base, True), (full, False)):
            alike = {*self._ends.get(typed[:END], ()), *self._ends.get(f"-{typed[-END:]}", ())}
            for key in sorted(alike):
                edits = OSA.distance(typed, key, score_cutoff=allowed)
                if edits > allowed:
                    continue
                for _, i, how in self._under(key, asked, bare):
                    yield i, _edit(typed, key, edits) + how


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
    """The likeliest first; none that is hopeless beside the best."""
    if len(found) == 1:
        (i, (how, corrected)) = next(iter(found.items()))
        return [Candidate(i, how, corrected)]
    ranked = sorted((-how, i, corrected) for i, (how, corrected) in found.items())[:ENOUGH]
    return [Candidate(i, -less, corrected) for less, i, corrected in ranked if less <= ranked[0][0] + FAR_BEHIND]


def _frozen(table: Mapping[_K, Sequence[_V]]) -> dict[_K, tuple[_V, ...]]:
    return {key: tuple(values) for key, values in table.items()}
