"""Texts that files and answers of every kind share: a moment as programs read it, and what a spreadsheet must not run.

Charter: values in, text out; the same in SQL is `portal.queries.texts`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would run as a formula: such a text is given a ' in front."""

ISO_UTC: Final = "%Y-%m-%dT%H:%M:%SZ"
"""ISO 8601 and RFC 3339 in whole seconds, for `strftime` here and in DuckDB."""


def utc_text(moment: datetime) -> str:
    """A moment as 2025-01-31T08:30:00Z; one without a zone is UTC already.

    >>> utc_text(datetime(2025, 1, 31, 8, 30))
    '2025-01-31T08:30:00Z'
    """
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime(ISO_UTC)


def harmless(text: str) -> str:
    """A text as a spreadsheet may safely open it."""
    return f"'{text}" if text.startswith(FORMULA) else text
