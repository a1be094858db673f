"""Words of a source to words of the city: statuses, channels, services, outcomes.

Charter: everything here works on the distinct values of a column and maps the
result back, so the cost follows the vocabulary and not the rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.config import OutcomeRule

UNMAPPED = "unmapped"
Text: TypeAlias = pa.ChunkedArray


def fold(value: str) -> str:
    """How two spellings of one word are compared: trimmed, inner blanks single, case ignored."""
    return " ".join(value.split()).casefold()


def slug(value: str) -> str:
    """A stable code made from a name: 'Pothole Repair (Internal)' is 'pothole_repair_internal'."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.casefold()).strip("_")[:60] or "unnamed"


def trimmed(column: Text) -> Text:
    """Without blanks around; a value that is only blanks is null."""
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def map_distinct(column: Text, function: Callable[[str], str | None]) -> Text:
    """The column with `function` applied to each distinct value; nulls stay null."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    mapped = pa.array([function(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([mapped.take(encoded.indices)])


def look_up(column: Text, table: Mapping[str, str], *, otherwise: Callable[[str], str]) -> Text:
    """Spelling-tolerant translation by a table of the city's YAML; what is not in it goes through `otherwise`."""
    folded = {fold(key): value for key, value in table.items()}
    return map_distinct(column, lambda value: folded.get(fold(value)) or otherwise(value))


def statuses(column: Text, table: Mapping[str, str]) -> Text:
    """open, closed, or unmapped; a blank status is unmapped too."""
    return pc.fill_null(look_up(column, table, otherwise=lambda _: UNMAPPED), UNMAPPED)


def channels(column: Text, table: Mapping[str, str]) -> Text:
    """The city's channel; without a table the source's own word as a code."""
    return look_up(column, table, otherwise=(lambda _: UNMAPPED) if table else slug)


def outcomes(status: Text, texts: Mapping[str | None, Text], rules: Sequence[OutcomeRule]) -> Text:
    """What became of each closed request by the first rule that matches; unknown without one, null while open.

    `texts` holds the column of each rule (None: the status notes). Matching is RE2's, on distinct values.
    """
    rows = len(status)
    result = np.full(rows, None, dtype=object)
    undecided = np.asarray(pc.equal(status, "closed").to_numpy(zero_copy_only=False), dtype=bool)
    result[undecided] = "unknown"
    encoded = {key: text.combine_chunks().dictionary_encode() if len(text) else None for key, text in texts.items()}
    for rule in rules:
        coded = encoded.get(rule.column)
        if coded is None or not undecided.any():
            continue
        hits = pc.match_substring_regex(coded.dictionary, pattern=rule.match)
        hit_rows = pc.fill_null(hits.take(coded.indices), False).to_numpy(zero_copy_only=False).astype(bool)
        now = undecided & hit_rows
        result[now] = rule.outcome
        undecided &= ~now
    return pa.chunked_array([pa.array(result, pa.string())])


def area_code(value: str, normalise: str) -> str | None:
    """A stated area in one spelling: by number, 'Ward 3', '03' and '3.0' are all '3'; 0 is no area.

    By zip, '2111.0' and '02111-3312' are '02111'.
    """
    text = " ".join(value.split())
    if normalise == "text":
        return text or None
    if normalise == "zip":
        digits = re.match(r"\d{1,5}(?!\d)", text)
        return digits.group().zfill(5) if digits else None
    found = re.search(r"(\d+)(?:\.0+)?(?!\d)", text)
    if not found:
        return None
    return str(int(found.group(1))) if int(found.group(1)) else None
