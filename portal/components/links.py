"""Addresses within the portal: a path, a selection and, where it is not the city's first, the language."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from portal.selection import Selection
from portal.text import language, main_language


def address(path: str, selection: Selection | None = None, **extra: str) -> str:
    """'/map?department=parks': keys in a fixed order, so that equal pages have equal addresses."""
    pairs = selection.pairs() if selection else []
    pairs = [*pairs, *sorted((key, value) for key, value in extra.items() if value)]
    if language() != main_language():
        pairs.append(("lang", language()))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def part(text: str) -> str:
    """One part of a path, so that a code with a slash or a question mark stays one part."""
    return quote(text, safe="")
