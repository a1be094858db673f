"""Texts that nobody types in good faith, or that a broken export holds: none may cost time or end in an error.

Charter: makes them and times them; each alone, and a batch of small ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure

_BIG: Final = 10_000_000
LIMIT_S: Final = 0.1
"""A quick 'not an address', in numbers."""


def texts() -> dict[str, str]:
    """The texts by what is wrong with them; the first ones are of 10 MB."""
    return {
        "10 MB of one letter": "A" * _BIG,
        "10 MB of digits": "1" * _BIG,
        "10 MB of '12 OAK ST '": "12 OAK ST " * (_BIG // 10),
        "10 MB of '&'": "&" * _BIG,
        "10 MB of blanks": " " * _BIG,
        "10 MB of '1-'": "1-" * (_BIG // 2),
        "10 MB of emoji": "\U0001f600" * (_BIG // 4),
        "control characters": "\x00\x01\x1b[31m12\x07 OAK\x00 ST\x7f" * 3,
        "SQL": "1 OAK ST'; DROP TABLE requests; --",
        "SQL comment": "12 OAK ST/**/UNION/**/SELECT/**/1",
        "emoji": "12 \U0001f3e0 \U0001f1fa\U0001f1f8 ST",
        "right-to-left marks": "\u202e12 \u200fOAK\u200e ST\u202c",
        "joiners and combining marks": "1" + "\u0301" * 100 + " O\u200dA\u200dK ST",
        "lone surrogate": "12 OAK \ud800 ST",
        "Arabic digits": "\u0661\u0662 OAK ST",
        "superscript and Roman digits": "\u00b2\u00b3 OAK \u2167 ST",
        "brackets": "(" * 200 + "12 OAK ST" + ")" * 200,
        "a number without end": "9" * 40 + " OAK ST",
        "AND AND AND": "A AND " * 40,
        "script": "<script>alert(1)</script>",
        "format and path": "%s%n{0}{__class__} ../../etc/passwd",
        "only a suffix": "ST ST ST ST",
        "newlines": "12\n\r\u2028OAK\u2029ST\x85",
    }


def hostile(ours: Ours) -> Iterator[Figure]:
    """Seconds of each, of a thousand small ones together, and of search as you type with each; an error is a NaN."""
    section = "Hostile text"
    every = texts()
    ours(["12 OAK ST"])
    for name, text in every.items():
        yield Figure(section, name, _seconds(ours, [text]), "s", None, LIMIT_S, len(text))
    small = [t for t in every.values() if len(t) < 1000]
    many = [f"{t} {i}" for i in range(1000 // len(small) + 1) for t in small]
    yield Figure(section, "all small ones, a thousand together", _seconds(ours, many), "s", None, 1.0, len(many))
    worst = 0.0
    for text in every.values():
        start = time.perf_counter()
        try:
            ours.suggest(text)
        except Exception:  # an error is what is looked for
            worst = float("nan")
            break
        worst = max(worst, time.perf_counter() - start)
    yield Figure(section, "search as you type, the slowest of all", worst, "s", None, LIMIT_S, len(every))


def _seconds(ours: Ours, asked: list[str]) -> float:
    """The better of two, so that what is loaded at its first use is not laid to the text's charge."""
    took = []
    for _ in range(2):
        start = time.perf_counter()
        try:
            ours(asked)
        except Exception:  # an error is what is looked for
            return float("nan")
        took.append(time.perf_counter() - start)
    return min(took)
