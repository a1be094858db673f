"""What kind of values a column of text holds, told from a sample, so that a change of kind can be reported.

Charter: a guess for reports only; nothing is converted by it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from etl.extract.files import ROW_NUMBER

SAMPLE = 2_000
SHARE = 0.98
PATTERNS = {
    "integer": r"^\s*-?\d{1,18}\s*$",
    "number": r"^\s*-?\d*\.?\d+([eE][-+]?\d+)?\s*$",
    "time": r"^\s*(\d{4}-\d\d?-\d\d?|\d\d?[/.]\d\d?[/.]\d{2,4})([T ].*)?$",
    "boolean": r"(?i)^\s*(true|false|yes|no|y|n)\s*$",
}
FEWEST = 20
"""Values below which nothing is said: a handful may look like anything."""


def column_kinds(chunk: pa.Table) -> dict[str, str]:
    """integer, number, time, boolean or text for each column with enough values; others are left out."""
    found = {}
    for name in chunk.column_names:
        if name == ROW_NUMBER:
            continue
        values = chunk[name].drop_null().slice(0, SAMPLE)
        if len(values) < FEWEST:
            continue
        for kind, pattern in PATTERNS.items():
            if pc.sum(pc.match_substring_regex(values, pattern=pattern)).as_py() >= SHARE * len(values):
                found[name] = kind
                break
        else:
            found[name] = "text"
    return found
