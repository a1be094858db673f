"""What a client gives an action: texts of a URL, or values of a JSON body, read alike.

Charter: a mapping and a key in, a checked value out; Invalid names the key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.ckan.errors import Invalid

Given = Mapping[str, Any]


def from_json(said: str | bytes) -> Any:
    """What JSON says. ValueError for what is none; UnicodeEncodeError, which is one, for half a character (`"\\ud800"`): no
    field holds that, and no answer could repeat it."""
    found = json.loads(said)
    json.dumps(found, ensure_ascii=False).encode()
    return found


def text(given: Given, key: str, default: str | None = None) -> str:
    """A text; without a default it must be given."""
    value = given.get(key, default)
    if value in (None, ""):
        if default is not None:
            return default
        raise Invalid(key, "Missing value")
    if not isinstance(value, str) or len(value) > 1000:
        raise Invalid(key, "Must be a text of at most 1000 characters")
    return value


def number(given: Given, key: str, default: int, most: int | None = None) -> int:
    """A whole number that is not negative; CKAN answers those over its limit with the limit."""
    value = given.get(key)
    if value in (None, ""):
        return default
    digits = isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) <= 15
    if isinstance(value, bool) or not (isinstance(value, int) or digits) or not 0 <= int(value) <= 10**15:
        raise Invalid(key, "Must be a natural number")
    return int(value) if most is None else min(int(value), most)


def truth(given: Given, key: str, default: bool) -> bool:
    """Yes or no."""
    value = given.get(key)
    if value in (None, ""):
        return default
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "t": True, "1": True, "false": False, "no": False, "f": False, "0": False}
    if str(value).lower() not in known:
        raise Invalid(key, "Must be true or false")
    return known[str(value).lower()]


def names(given: Given, key: str) -> list[str]:
    """A list, or a text with commas."""
    value = given.get(key)
    if value in (None, "", []):
        return []
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or len(found) > 200 or not all(isinstance(name, str) for name in found):
        raise Invalid(key, "Must be a text with commas, or a list of at most 200 texts")
    return [name.strip() for name in found]


def mapping(given: Given, key: str) -> dict[str, Any]:
    """An object, or its JSON."""
    value = given.get(key)
    if value in (None, ""):
        return {}
    if isinstance(value, str):
        try:
            value = from_json(value)
        except (ValueError, RecursionError):
            raise Invalid(key, "Cannot parse JSON") from None
    if not isinstance(value, dict) or len(value) > 50:
        raise Invalid(key, "Must be an object of at most 50 members")
    return value
