"""Streets and house numbers as people read them: '12A Main St', '400 block of McAllister St', '120-55 16th Ave NW'.

Charter: canonical names and stored numbers in, texts out that `Geocoder.locate` reads back as the same place.
"""

from __future__ import annotations

from typing import Final

from geo.geocoding.model import StreetName

HYPHEN_UNIT: Final = 10_000
"""A hyphenated number is stored as first * HYPHEN_UNIT + second."""
SMALL: Final = frozenset("OF THE AND".split())
CAPITALS: Final = frozenset("US NE NW SE SW II III IV FM".split())


def readable(name: StreetName) -> str:
    """A street's name in mixed case: '16th St', 'Avenue of the Americas', 'W Broadway'."""
    parts = (name.predir, readable_words(name.base), name.suffix.capitalize(), name.postdir)
    return " ".join(part for part in parts if part)


def readable_words(text: str) -> str:
    """Upper-case words in mixed case; a text that has small letters already stays as it is."""
    if any(c.islower() for c in text):
        return text
    return " ".join(_word(word, at) for at, word in enumerate(text.split()))


def _word(word: str, at: int) -> str:
    if word in CAPITALS or len(word) == 1:
        return word
    if word in SMALL and at:
        return word.lower()
    if word[0].isdigit():
        return word.lower() if word.endswith(("ST", "ND", "RD", "TH")) else word
    if word.startswith("MC") and len(word) > 4:
        return "Mc" + word[2:].capitalize()
    return "-".join(part.capitalize() for part in word.split("-"))


def number_text(number: int, suffix: str = "", hyphenated: bool = False) -> str:
    """A house number: 12, 12A, 12 1/2; hyphenated ones as 120-55. `suffix` as the index has it."""
    if hyphenated:
        return f"{number // HYPHEN_UNIT}-{number % HYPHEN_UNIT:02d}"
    if suffix in {"1/2", "1 2"}:
        return f"{number} 1/2"
    return f"{number}{suffix}"


def block_text(hundred: int, street: str, hyphenated: bool = False) -> str:
    """'400 block of Main St'."""
    return f"{number_text(hundred, '', hyphenated)} block of {street}"


def zip_text(code: int) -> str:
    """Five digits, '' for 0."""
    return f"{code:05d}" if code else ""
