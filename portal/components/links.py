"""Addresses within the portal: a path, a selection and, where it is not the city's first, the language."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from portal.selection import Selection
from portal.text import language, main_language

Kept = str | tuple[str, ...]
"""What a key of an address has: one value, or several."""


def address(path: str, selection: Selection | None = None, **extra: Kept) -> str:
    """'/map?department=parks': keys in a fixed order, so that equal pages have equal addresses."""
    pairs = selection.pairs() if selection else []
    pairs = [*pairs, *pairs_of(extra)]
    if language() != main_language():
        pairs.append(("lang", language()))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def pairs_of(kept: Mapping[str, Kept]) -> list[tuple[str, str]]:
    """Keys and values in a fixed order; empty values are left out."""
    several = [
        (key, value) for key, values in kept.items() for value in ((values,) if isinstance(values, str) else values)
    ]
    return sorted((key, value) for key, value in several if value)


def part(text: str) -> str:
    """One part of a path, so that a code with a slash or a question mark stays one part."""
    return quote(text, safe="")
