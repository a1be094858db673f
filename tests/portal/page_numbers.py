"""Reads a page as a sceptic would: which of its numbers say where they come from, and which say nothing.

Charter: finished HTML in, marks and unmarked numbers out. What a mark says is checked in `check_page.py`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import portal
from portal.html import VOID
from portal.queries.measures import measures
from portal.release import Release

NO_FIGURES = {
    "svg": "a drawing: its values are in the table beneath it, and are looked at there",
    "time": "a moment",
    "code": "a release, a query, a citation",
    "pre": "likewise",
    "select": "what can be chosen",
    "header": "the frame of every page",
    "footer": "likewise",
    "nav": "the way elsewhere",
    "h1": "the name of a place or a service",
    "h3": "likewise",
}
"""Elements whose words are not looked at, and why."""
CLASSES = {
    "filter-chips": "what was chosen",
    "timeline": "a request's own moments, from its row",
    "facts-list": "a request's own row",
    "when": "a moment",
}
SENTENCES = frozenset({"p", "li", "tr"})
MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
MOMENTS = (
    re.compile(rf"{MONTH} \d{{1,2}}, \d{{4}}(, \d{{1,2}}:\d\d [ap]\.m\.)?"),
    re.compile(rf"{MONTH} \d{{4}}"),
    re.compile(r"(?<![\d,.])(?:19|20)\d\d(?![\d,.%])"),  # a count of so many has a comma
    re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}"),
)


@dataclass
class Sentence:
    """A paragraph, an item of a list or a row of a table: its words, and the marks in it."""

    words: str = ""
    marks: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Numbers:
    """What a page says: `marks` are the attributes of marked numbers with their words, `bare` the others in their context,
    `sentences` what they stand in."""

    marks: list[dict[str, str]] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.found = Numbers()
        self.said: list[tuple[str, str]] = []  # where, words
        self.within: list[Sentence] = []  # the sentences that are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in SENTENCES:
            self.within.append(Sentence())
            self.found.sentences.append(self.within[-1])
        if tag == "data":
            self.found.marks.append(attributes | {"words": ""})
            for sentence in self.within[-1:]:
                sentence.marks.append(self.found.marks[-1])
        if tag not in VOID:
            self.open.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            closed = self.open.pop()[0]
            if closed in SENTENCES:
                self.within.pop()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        for sentence in self.within[-1:]:
            sentence.words += data
        if any(tag == "data" for tag, _ in self.open):
            self.found.marks[-1]["words"] += data
            return
        if any(
            tag in NO_FIGURES or CLASSES.keys() & attributes.get("class", "").split() for tag, attributes in self.open
        ):
            return
        if any(tag == "th" for tag, _ in self.open):
            return  # names of rows and of columns
        if data.strip():
            where = "/".join(tag for tag, _ in self.open[-3:])
            section = next((a["aria-labelledby"] for _t, a in reversed(self.open) if "aria-labelledby" in a), "")
            self.said.append((f"{section} {where}", data))


@cache
def written() -> tuple[str, ...]:
    """Pieces with a digit of the sentences that the portal's code writes: '95% band', '19 times in 20'. Longest first."""
    found = set()
    for path in Path(portal.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "N_", "ngettext"):
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        found.update(re.split(r"\{[^}]*\}", argument.value))
    pieces = {piece.strip() for piece in found if re.search(r"\d", piece) and re.search(r"[a-zA-Z]{2}", piece)}
    return tuple(sorted(pieces, key=len, reverse=True))


@cache
def names(release: Release) -> tuple[str, ...]:
    """Names of areas, services, departments and measures that have a digit in them."""
    dimensions = ("service", "group", "department", "channel", *(layer.layer for layer in release.layers))
    found = {name for dimension in dimensions for name in release.allowed(dimension).values() if re.search(r"\d", name)}
    found |= {one.name for one in measures(release) if re.search(r"\d", one.name)}
    found.add(release.city.attribution or "")
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def read(html: str, release: Release) -> Numbers:
    """Marks and bare numbers of a page."""
    reader = _Reader()
    reader.feed(html)
    for where, words in reader.said:
        rest = words
        for name in names(release):
            rest = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "", rest)
        for moment in MOMENTS:
            rest = moment.sub("", rest)
        for piece in written():
            rest = rest.replace(piece, "")
        if re.search(r"\d", rest):
            reader.found.bare.append(f"{where}: {words.strip()}")
    return reader.found
