"""The parsers that a city may choose from, by name.

'us': USPS conventions, as in `names`, `rests` and `reading`. 'generic': the world's two common forms, number first or
last ('12 rue de Rivoli', 'Hauptstraße 12a', 'Rue de Rivoli 12 bis, 75001 Paris'), with no US conventions at all: the
name is kept whole as the base, folded to upper case (Latin letters to ASCII, other scripts as they are), a postal code
of four to six digits before or after the city is found, crossings are 'A & B', 'A / B', 'A @ B'.
Not covered by 'generic': addresses without street names (Japan's blocks), 'Calle 10 # 20-30' grids, abbreviations
(no 'Str.' = 'Straße'), house names, and units.

Charter: the Parser protocol, the generic parser, and `parser_of`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from geo.geocoding import reading
from geo.geocoding.model import LONGEST_TEXT, NO_STREET, NOTHING, ReadingKind, Readings, Rest, StreetName


class Parser(Protocol):
    """What the geocoder asks of a way to write addresses."""

    def street_name(self, text: str) -> StreetName:
        """The canonical name of a street, the same for every spelling of it; NO_STREET where there is none."""

    def read_many(self, texts: Sequence[str | None] | Any) -> Readings:
        """Addresses to Readings; no text raises."""


class UsParser:
    """US addresses (USPS Publication 28)."""

    def street_name(self, text: str) -> StreetName:
        """See geo.geocoding.reading.street_name."""
        return reading.street_name(text)

    def read_many(self, texts: Sequence[str | None] | Any) -> Readings:
        """See geo.geocoding.reading.read_many."""
        return reading.read_many(texts)


_NUMBER: Final = r"(\d{1,5})(?: ?([A-Z]|BIS|TER|QUATER|1/2))?(?: ?[-/] ?(\d{1,5})(?: ?[A-Z])?)?"
_FIRST: Final = re.compile(rf"^{_NUMBER} (?=.*[^\W\d])(.+)$")
_LAST: Final = re.compile(rf"^((?=.*[^\W\d]).+?) {_NUMBER}$")
_POSTAL_FIRST: Final = re.compile(r"^(?:[A-Z]{1,2}-)?(\d{4,6}) (\D+)$")
_POSTAL_LAST: Final = re.compile(r"^(\D+) (\d{4,6})$")
_CROSSING: Final = re.compile(r"[&@]| / ")
_LETTERS: Final = {"Ø": "O", "Ł": "L", "Đ": "D", "Æ": "AE", "Œ": "OE", "Þ": "TH", "ß": "SS"}


def _fold(text: str) -> str:
    """Upper case, accents dropped, only letters, digits and the marks that part an address."""
    text = unicodedata.normalize("NFKD", text.upper()).upper()
    kept = []
    for char in text:
        kind = unicodedata.category(char)
        if kind[0] in "LN":
            kept.append(_LETTERS.get(char, char))
        elif kind == "Zs" or char in '\t\n\r.;_()"':
            kept.append(" ")
        elif kind == "Pd":
            kept.append("-")
        elif char in ",/&@":
            kept.append(char)
    return " ".join("".join(kept).split())


class GenericParser:
    """Street names and numbers in either order, with no conventions of any country."""

    def street_name(self, text: str) -> StreetName:
        """The folded text as a base; hyphens count as blanks ('Charles-de-Gaulle')."""
        if len(text) > LONGEST_TEXT:
            return NO_STREET
        return _generic_name(_fold(text))

    def read_many(self, texts: Sequence[str | None] | Any) -> Readings:
        """One text after the other, each distinct one once."""
        plain = texts.to_pylist() if hasattr(texts, "to_pylist") else list(texts)
        read = [_generic(text) if isinstance(text, str) and len(text) <= LONGEST_TEXT else _NONE for text in plain]
        rests = list(dict.fromkeys(rest for _, _, _, _, rest in read))
        at = {rest: position for position, rest in enumerate(rests)}
        first = np.array([one[0] for one in read], dtype=np.int64)
        second = np.array([one[1] for one in read], dtype=np.int64)
        suffix = np.empty(len(read), dtype=object)
        suffix[:] = [one[3] for one in read]
        return Readings(
            number=np.minimum(first, second),
            number_high=np.maximum(first, second),
            hyphen=np.array([one[2] for one in read], dtype=np.bool_),
            number_first=first,
            number_second=second,
            number_suffix=suffix,
            block=np.zeros(len(read), dtype=np.bool_),
            rest=np.array([at[one[4]] for one in read], dtype=np.int64),
            rests=rests,
        )


_NONE: Final = (-1, -1, False, "", NOTHING)


def _generic_name(folded: str) -> StreetName:
    base = " ".join(re.sub(r"[^\w]|_", " ", folded).split())
    return StreetName("", base, "", "") if base else NO_STREET


@lru_cache(maxsize=1 << 16)
def _generic(text: str) -> tuple[int, int, bool, str, Rest]:
    """Number, second number, whether written with a hyphen, suffix, Rest."""
    parts = [part.strip() for part in _fold(text).split(",") if part.strip()]
    if not parts:
        return _NONE
    if len(parts) > 1 and len(parts[1]) < 6 and parts[1][0].isdigit():
        parts[:2] = [f"{parts[0]} {parts[1]}"]  # 'Calle Mayor, 12, Madrid'
    elif len(parts) > 1 and re.fullmatch(_NUMBER, parts[0]):
        parts[:2] = [f"{parts[0]} {parts[1]}"]  # '12, rue de Rivoli'
    zip_ = city = ""
    if len(parts) > 1:
        city = parts[-1]
        for pattern, at in ((_POSTAL_FIRST, 1), (_POSTAL_LAST, 2)):
            found = next((match for part in parts[1:] if (match := pattern.match(part))), None)
            if found:
                zip_, city = found[at], found[3 - at]
                break
    sides = [side.strip() for side in _CROSSING.split(parts[0]) if side.strip()]
    if len(sides) > 1 and not re.match(_NUMBER + "$", sides[-1]):
        names = [name for name in map(_generic_name, sides) if name != NO_STREET]
        if len(names) > 1:
            return (-1, -1, False, "", Rest("intersection", names[0], (), tuple(names[1:]), zip=zip_, city=city))
    return _with_number(parts[0], zip_, city)


def _with_number(text: str, zip_: str, city: str) -> tuple[int, int, bool, str, Rest]:
    first, last = _FIRST.match(text), _LAST.match(text)
    if first:
        number, suffix, second, street = first[1], first[2], first[3], first[4]
    elif last:
        street, number, suffix, second = last[1], last[2], last[3], last[4]
    else:
        name = _generic_name(text)
        if not any(map(str.isalpha, name.base)):
            return _NONE
        return (-1, -1, False, "", Rest("street", name, zip=zip_, city=city, place=name.base))
    name = _generic_name(street)
    kind: ReadingKind = "address"
    rest = Rest(kind, name, zip=zip_, city=city)
    low = int(number)
    return (low, int(second) if second else low, bool(second), suffix or "", rest)


_PARSERS: Final[dict[str, Parser]] = {"us": UsParser(), "generic": GenericParser()}


def parser_of(name: str) -> Parser:
    """The parser of that name; ValueError lists the names there are."""
    if name not in _PARSERS:
        raise ValueError(f"'{name}' is no parser of addresses; there are: {', '.join(sorted(_PARSERS))}")
    return _PARSERS[name]
