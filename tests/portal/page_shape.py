"""What holds of every page's markup, whatever it shows: one title, headings in order, names that lead somewhere."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "for")
_TEXT_AS_IT_IS = re.compile(r"<(code|pre).*?</\1>", re.DOTALL)
_EMPTY = re.compile(r"<(input|br|hr|img)\b([^>]*)>")
_BARE = re.compile(r" (selected|open|hidden|checked)(?=[ >])")


def check_shape(html: str) -> None:
    """Fails with what is wrong with a page's markup."""
    check_headings(html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    doubled = {name for name in ids if ids.count(name) > 1}
    assert not doubled, f"ids that are given twice: {doubled}"
    for attribute in REFERENCES:
        for value in re.findall(rf'\s{attribute}="([^"]+)"', html):
            assert set(value.split()) <= set(ids), f'{attribute}="{value}" leads nowhere'
    unfilled = re.search(r"\{[a-z_0-9]+\}", _TEXT_AS_IT_IS.sub("", html))
    assert unfilled is None, f"a placeholder was left unfilled: {unfilled}"
    ET.fromstring(_BARE.sub(r' \1=""', _EMPTY.sub(r"<\1\2/>", html)))  # noqa: S314 - our own markup


def check_headings(html: str) -> None:
    """One title, before all other headings; no level is skipped on the way down, and none is empty."""
    found = re.findall(r"<h([1-6])\b[^>]*>(.*?)</h\1>", html, re.DOTALL)
    levels = [int(level) for level, _words in found]
    assert levels.count(1) == 1, f"{levels.count(1)} titles"
    assert levels[0] == 1, "a heading stands before the title"
    for (above, words), (below, after) in pairwise(found):
        assert int(below) <= int(above) + 1, f"from h{above} '{words}' to h{below} '{after}'"
    empty = [level for level, words in found if not re.sub(r"<[^>]+>|\s", "", words)]
    assert not empty, f"headings without words: {empty}"
