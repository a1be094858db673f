"""Values of columns as texts, made in the database: what several formats write alike.

Charter: SQL of a column in, SQL of a text out; NULL stays NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.plain_texts import FORMULA, ISO_UTC
from portal.selection import quoted

_FORMULA: Final = f"({', '.join(f'chr({ord(sign)})' for sign in FORMULA)})"


def plain_column(types: Mapping[str, str], name: str) -> str:
    """A column; of an ENUM its text, which is what a client knows."""
    return f"{quoted(name)}::VARCHAR" if types[name].startswith("ENUM") else quoted(name)


def number_text(sql: str) -> str:
    """A number; whole ones without a point, NULL for what is no number that can be told."""
    return (
        f"CASE WHEN NOT isfinite({sql}::DOUBLE) THEN NULL WHEN {sql} = trunc({sql}) AND abs({sql}) < 1e15 "
        f"THEN {sql}::BIGINT::VARCHAR ELSE {sql}::VARCHAR END"
    )


def time_text(sql: str) -> str:
    """A time without a zone, which is UTC, in ISO 8601 with Z. The database tells no years after 2262 of columns in whole seconds."""
    return f"strftime({sql}::TIMESTAMP, '{ISO_UTC}')"


def csv_text(sql: str) -> str:
    """A text in quotes as a spreadsheet may safely open it: what it would run as a formula has a ' in front."""
    text = f"replace({sql}::VARCHAR, '\"', '\"\"')"
    safe = f"CASE WHEN left({sql}::VARCHAR, 1) IN {_FORMULA} THEN '''' || {text} ELSE {text} END"
    return quoted_text(safe)


def quoted_text(sql: str) -> str:
    """A text that holds no quotes, in quotes."""
    return f"('\"' || {sql} || '\"')"
