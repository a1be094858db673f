"""Whether what a client sent is text: bytes of an address that are no UTF-8 would be read as some other question.

Charter: a query or a value of one in, yes or no out.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def utf8(query: str) -> bool:
    """Whether a query, as it was sent, is UTF-8.

    >>> utf8("q=caf%C3%A9"), utf8("q=caf%E9"), utf8("q=%ED%A0%80")
    (True, False, False)
    """
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def is_text(value: str) -> bool:
    """Whether a value, as read from an address with `surrogateescape`, is a text that a field could hold.

    >>> is_text("café"), is_text("caf\\udce9"), is_text("a\\0b")
    (True, False, False)
    """
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
