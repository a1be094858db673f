"""Words of sources to words of the city."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.config import OutcomeRule
from etl.transform import vocabulary as words


def _text(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@pytest.mark.parametrize(
    ("stated", "how", "code"),
    [
        ("Ward 3", "number", "3"), ("03", "number", "3"), ("3.0", "number", "3"), ("0.0", "number", None),
        ("none", "number", None), ("2111.0", "zip", "02111"), ("02111-3312", "zip", "02111"), ("021112", "zip", None),
        ("  Back   Bay ", "text", "Back Bay"), (" ", "text", None),
    ],
)  # fmt: skip
def test_areas_come_in_one_spelling(stated: str, how: str, code: str | None) -> None:
    assert words.area_code(stated, how) == code


@given(st.text(max_size=80))
def test_a_slug_is_stable_short_and_plain(text: str) -> None:
    code = words.slug(text)
    assert words.slug(code) == code
    assert code.isascii() and 0 < len(code) <= 60 and " " not in code


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", " A ", "c"]))))
def test_mapping_distinct_values_equals_mapping_each(values: list[str | None]) -> None:
    got = words.look_up(_text(*values), {"A": "x", "b": "y"}, otherwise=lambda v: v.upper())
    table = {"a": "x", "b": "y"}
    assert got.to_pylist() == [None if v is None else table.get(v.strip().casefold(), v.upper()) for v in values]


def test_unknown_and_blank_statuses_are_shown_as_unmapped() -> None:
    got = words.statuses(_text("Open", " CLOSED ", "frozen", None), {"open": "open", "closed": "closed"})
    assert got.to_pylist() == ["open", "closed", "unmapped", "unmapped"]


def test_the_first_rule_that_matches_decides_and_open_requests_have_no_outcome() -> None:
    rules = [
        OutcomeRule(match="(?i)duplicate", outcome="duplicate"),
        OutcomeRule(match="^X", outcome="referred", column="CODE"),
        OutcomeRule(match="(?i)fixed", outcome="done"),
    ]
    status = _text("closed", "closed", "closed", "closed", "open")
    notes = _text("fixed, DUPLICATE", "fixed", None, "fixed", "fixed")
    codes = _text("X1", None, None, "X2", None)
    got = words.outcomes(status, {None: notes, "CODE": codes}, rules)
    assert got.to_pylist() == ["duplicate", "done", "unknown", "referred", None]
