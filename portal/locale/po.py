"""Reads a gettext `.po` file into a table of translations.

Charter: the part of the format that our catalogues use (msgid, msgid_plural,
msgstr, msgstr[n], continued strings, fuzzy flags), so that a release of the
portal needs neither a compiled `.mo` file nor a build step to speak a
language. Choosing a language and looking words up stays in `portal.text`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

_LINE = re.compile(r'^(msgid_plural|msgid|msgstr(?:\[(\d)\])?|)\s*(".*")$')


@dataclass
class _Entry:
    """One message while its lines are being read."""

    parts: dict[str, str] = field(default_factory=dict)
    fuzzy: bool = False
    at: str = ""


@dataclass(frozen=True)
class Catalogue:
    """Translations of one language: `one` by msgid, `many` by msgid with (singular, plural)."""

    one: dict[str, str]
    many: dict[str, tuple[str, str]]

    @classmethod
    def empty(cls) -> Catalogue:
        """A catalogue that translates nothing: the language of the source."""
        return cls({}, {})


def read_po(path: Path) -> Catalogue:
    """Read the translations of `path`; fuzzy and empty ones are left out, so the source's words are shown."""
    one: dict[str, str] = {}
    many: dict[str, tuple[str, str]] = {}
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        entry = _entry(block)
        source = entry.parts.get("msgid", "")
        if not source or entry.fuzzy:
            continue
        if "msgid_plural" in entry.parts:
            forms = (entry.parts.get("msgstr[0]", ""), entry.parts.get("msgstr[1]", ""))
            if all(forms):
                many[source] = forms
        elif entry.parts.get("msgstr"):
            one[source] = entry.parts["msgstr"]
    return Catalogue(one, many)


def _entry(block: str) -> _Entry:
    entry = _Entry()
    for line in block.splitlines():
        if line.startswith("#,") and "fuzzy" in line:
            entry.fuzzy = True
        found = _LINE.match(line.strip())
        if not found:
            continue
        if found[1]:
            entry.at = found[1]
        entry.parts[entry.at] = entry.parts.get(entry.at, "") + str(ast.literal_eval(found[3]))
    return entry
