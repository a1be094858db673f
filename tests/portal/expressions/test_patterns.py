"""LIKE: as the database's own matches, in every alphabet, and quickly whatever the pattern."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.errors import BadRequest
from portal.expressions import compiled, cql2, tree, written
from portal.expressions.fields import Field
from portal.expressions.patterns import MOST_CHARS, like
from portal.searched import containing
from portal.tables import Table

ASCII = [chr(c) for c in range(1, 128)]
LETTERS = st.sampled_from(
    ["a", "b", "A", "%", "_", "\\", "\n", "é", "e\u0301", "한", "𝒳", "ß", "Σ", "ς", ".", "*", "(", "[", "^", "$", " "]
)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def escaped(c: str) -> str:
    return "\\" + c if c in "%_\\" else c


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(st.none() | st.lists(LETTERS, max_size=6).map("".join), min_size=30, max_size=30),
    parts=st.lists(st.sampled_from(["%", "_"]) | LETTERS.map(escaped), max_size=7),
)
def test_it_matches_what_the_database_matches(
    database: duckdb.DuckDBPyConnection, texts: list[str | None], parts: list[str]
) -> None:
    pattern = "".join(parts)
    sql, params = like("x", pattern)
    asked = f"SELECT x, {sql}, x LIKE ? ESCAPE '\\' FROM (SELECT unnest(?::VARCHAR[]) AS x)"
    for text, found, meant in database.execute(asked, [*params, pattern, texts]).fetchall():
        assert found == meant, (text, pattern)


def test_each_character_means_itself(database: duckdb.DuckDBPyConnection) -> None:
    for pattern, texts in [("_" + escaped(c), ["x" + c, "x" + c + c, c, "xy"]) for c in ASCII]:
        sql, params = like("x", pattern)
        asked = f"SELECT list(x) FROM (SELECT unnest(?::VARCHAR[]) AS x) WHERE {sql}"
        wanted = [text for text in texts if len(text) == 2 and (text[1] == pattern[-1])]
        assert database.execute(asked, [texts, *params]).fetchone() == (wanted,), pattern


CHILD = """
import json, sys
import duckdb
from portal.expressions.patterns import like
database = duckdb.connect(config={"threads": 1})
for text, pattern in json.load(sys.stdin):
    for column, rows in (("?::VARCHAR", 1), ("x", 100)):
        sql, params = like(column, pattern)
        given = [text, *params] if rows == 1 else params
        asked = f"SELECT count(*) FROM (SELECT repeat('a', 120) AS x FROM range({rows})) WHERE {sql}"
        assert database.execute(asked, given).fetchone() == (0,), pattern
print("all")
"""


def test_no_pattern_keeps_the_database_busy() -> None:
    hostile = [
        ("a" * 3_000, "%" + beside * n + "b")
        for beside in ("a%", "_%", "a_%", "%a", "\\a%", "aa%_", "%_%")
        for n in (5, 40, 240)
    ]
    hostile += [("a" * 3_000, "%a" + "_" * n + "b") for n in (5, 40, 900)]
    hostile += [("a" * 3_000, "%" + "a%" * 1_900 + "b"), ("é" * 3_000, "%é_" * 300 + "b")]
    asked = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(hostile),
        text=True,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert (asked.returncode, asked.stdout) == (0, "all\n"), asked.stderr[-2_000:]


def test_patterns_are_bounded() -> None:
    for pattern in ("_" * (MOST_CHARS + 1), "x\\"):
        with pytest.raises(BadRequest):
            like("x", pattern)


WORDS = ["ΟΔΟΣ ΑΒΓ", "İSTİKLAL", "한글 로", "Straße", "ÉCOLE", "K\u212a", "plain"]


def found(database: duckdb.DuckDBPyConnection, condition: tree.Condition, field: Field) -> list[str]:
    sql, params = compiled.condition(condition, {"x": field})
    kinds = ", ".join(f"'{word}'" for word in WORDS)
    rows = f"SELECT x::ENUM({kinds}) AS e, x FROM (SELECT unnest(?::VARCHAR[]) AS x)"
    return [row[0] for row in database.execute(f"SELECT x FROM ({rows}) WHERE {sql}", [WORDS, *params]).fetchall()]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("fold", ["CASEI({})", "ACCENTI({})", "CASEI(ACCENTI({}))", "ACCENTI(CASEI({}))"])
def test_a_text_is_like_its_own_beginning(database: duckdb.DuckDBPyConnection, word: str, fold: str) -> None:
    for pattern in (word, word[:3] + "%", "%" + word[1:], "_" + word[1:3] + "%"):
        read = cql2.read(f"{fold.format('x')} LIKE {fold.format(repr(pattern))}")
        assert cql2.read(written.text(read)) == read
        assert found(database, read, Field("text", "x")) == [word]


@pytest.mark.parametrize("word", [*WORDS, "οδοσ", "ΟΔΟΣ", "istiklal", "école", "kk"])
def test_a_word_is_found_in_any_case(database: duckdb.DuckDBPyConnection, word: str) -> None:
    codes = {label: code for code, label in enumerate(WORDS)}
    meant = [text for text, said in zip(WORDS, ["οδοσ αβγ", "istiklal", "한글 로", "straße", "école", "kk", "plain"], strict=True)
             if word in (text, said, said.split()[0], text.split()[0])]  # fmt: skip
    for field in (Field("text", "x"), Field("text", "e", codes)):
        searched: Any = SimpleNamespace(filterable={"x": field}, fields=["x"])
        condition = containing(cast(Table, searched), word)
        assert condition is not None and found(database, condition, field) == meant
