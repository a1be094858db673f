"""Texts of CQL2 that would take the process with them, by its stack or by its time: read in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from portal.expressions import cql2
from portal.expressions.fields import BadExpression

CHILD = """
import json, sys, threading
threading.stack_size(512 * 1024)
from portal.expressions import compiled, cql2, written
from portal.expressions.fields import BadExpression, Field
fields = {name: Field("number", f'"{name}"') for name in ("a", "b", "or")}
def read():
    for language, text in json.load(sys.stdin):
        try:
            made = cql2.read(text, language)
            compiled.condition(made, fields)
            again = cql2.read(written.text(made))
            assert written.text(again) == written.text(made), text
        except BadExpression:
            pass
    print("all")
thread = threading.Thread(target=read)
thread.start()
thread.join()
"""

BESIDE = ["=a", "<a", "<>a", "<=a>=a", " AND a", " OR a=1", " LIKE 'x'", "like1", "and1", "1and1", " NOT IN (1)", " IN (1)",
          "+1", "-1", "- -1", "^1", " div 1", " IS NULL", " IS NOT NULL = 1", " BETWEEN 1 AND 2", "=a BETWEEN 1 AND 2",
          " between and and and", "= or", " = or = and", " AND NOT a", ".a", " a", ", a", "'", '"']  # fmt: skip
AROUND = [("(", ")"), ("((", "a))"), ("NOT (", ")"), ("casei(", ")"), ("f(a, ", ")"), ("a IN (", ")"), ("a=(", ")"),
          ("-(", ")"), ("(b=1 OR (", "))"), ("(", " = 1) AND b=1"), ("a BETWEEN (", ") AND 2"), ("S_INTERSECTS(", ", a)"),
          ("POLYGON((", "))"), ("1and(", ")"), ("GEOMETRYCOLLECTION(", ")"), ("A_CONTAINS(a, (", "))"), ("- ", ""),
          ("NOT ", ""), ("[", "]"), ("a BETWEEN ", " AND 2"), ("INTERVAL(", ", a)")]  # fmt: skip
WITHIN = ["a", "a = 1", "NOT a = 1", "NOT", "a,", "1 1", "'", "a = b OR NOT"]
JSON = [("[", "]"), ('{"op":"not","args":[', "]}"), ('{"op":"lower","args":[', "]}"), ('{"a":', "}")]


def hostile() -> list[tuple[str, str]]:
    """Each shape as long as a filter can be, and of some lengths that are let through, whole and cut short."""
    made = ["a" + beside * n for beside in BESIDE for n in (60, 150, 300, 7_900 // len(beside))]
    for first, last in AROUND:
        for n in (20, 40, 63, 150, 7_900 // len(first + last)):
            made += [first * n + inner + last * n for inner in WITHIN]
            made += [first * n + "a", first * n + "a=a" + "=a" * 100 + last * n]
    found = [("cql2-text", text[:8_000]) for text in made]
    for first, last in JSON:
        found += [
            ("cql2-json", first * n + '{"property":"a"}' + last * n) for n in (50, 60, 120, 7_800 // len(first + last))
        ]
    return found


def test_no_text_ends_the_process_or_keeps_it_busy() -> None:
    texts = hostile()
    asked = subprocess.run(
        [sys.executable, "-c", CHILD], input=json.dumps(texts), text=True, capture_output=True, timeout=120, check=False
    )
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "all\n", ""), asked.stderr[-2_000:]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("((a = 1))", "a = 1"),
        ("(a = 1 OR (b = 2)) AND NOT (b = ')(' OR a = (3))", "((a = 1 OR b = 2)) AND (NOT ((b = ')(' OR a = 3)))"),
        ("a IN ((1), (2), 3)", "a IN (1, 2, 3)"),
        ("-(a) * (b + 1) > (2)", "-a * (b + 1) > 2"),
        ("g0 = 1 AND (g1 = 2)", "(g0 = 1) AND g1 = 2"),
        ('"(x" = 1 AND (b = 2)', '("(x" = 1) AND b = 2'),
        ("lower((a)) = ('X') AND contains((a), ('b'))", "lower(a) = 'X' AND contains(a, 'b')"),
        ("a BETWEEN (1) AND (2) AND (b IS NULL)", "a BETWEEN 1 AND 2 AND b IS NULL"),
        (
            "S_INTERSECTS((geometry), POLYGON ((0 0, 1 0, 1 1, 0 0)))",
            "S_INTERSECTS(geometry, POLYGON((0 0,1 0,1 1,0 0)))",
        ),
        ("a in(1)and(b)in(2)", "a IN (1) AND b IN (2)"),
    ],
)
def test_what_stands_in_brackets_is_what_it_is_without(text: str, same: str) -> None:
    assert cql2.read(text) == cql2.read(same)


@pytest.mark.parametrize(
    "text", ["(a = 1", "a = 1)", ")(", "lower(a = 'x'", "a IN (1", "a = (b", "()", "(a, b) = 1", "1and(a)"]
)
def test_brackets_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        cql2.read(text)


def test_as_many_conditions_stand_beside_one_another_as_may_be() -> None:
    joined = " OR ".join(f"(a = {n} AND NOT b = -{n})" for n in range(80))
    assert len(getattr(cql2.read(joined), "of", ())) == 80
    corners = ", ".join(f"-71.{n:03} 42.{n:03}" for n in range(400))
    assert cql2.read(f"S_INTERSECTS(geometry, LINESTRING({corners}))")
