"""Cursors: where a page ended, as a text that is good for one question only.

Charter: plain values in, an opaque text out, and back; BadRequest for a text of another question, or of nobody's.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

from portal.errors import BadRequest

MOST: Final = 2_000
"""Characters of a cursor."""


def written(signed: str, *told: Any) -> str:
    """A cursor that tells `told`, plain values; `signed` is the question that it is good for."""
    text = json.dumps([_mark(signed), *told], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, signed: str, question: str = "this release, filter and order") -> list[Any]:
    """What a cursor tells; what it is not good for is called `question` to the client. Its values are a client's."""
    try:
        if len(cursor) > MOST:
            raise ValueError
        mark, *told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if mark != _mark(signed):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise refused(question) from None
    return told


def refused(question: str = "this release, filter and order") -> BadRequest:
    """What is said of a cursor that cannot be gone on from."""
    return BadRequest(f"The cursor is not of {question}: begin again without one.")


def _mark(signed: str) -> int:
    return binascii.crc32(signed.encode("utf-8", "replace"))
