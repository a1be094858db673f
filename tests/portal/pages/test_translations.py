"""The template holds what the source says; Spanish is complete, and its placeholders fit."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from portal import text
from portal.locale.po import read_po as read_ours
from portal.text import LOCALE, duration_words, month_name, ngettext, speaking

SPANISH = LOCALE / "es" / "LC_MESSAGES" / "openward.po"
FIX = "run the two commands of portal/locale/README.md"


def ids(path: object) -> set[object]:
    catalogue = read_po(BytesIO(path.read_bytes()))  # type: ignore[attr-defined]
    return {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalogue if message.id}


def test_the_template_is_what_the_source_says() -> None:
    keywords = {"_": None, "N_": None, "ngettext": (1, 2)}
    found = extract_from_dir(str(LOCALE.parent), method_map=[("**.py", "python")], keywords=keywords)
    said = {message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found}
    assert said == ids(LOCALE / "openward.pot"), FIX


def test_spanish_has_a_translation_of_everything() -> None:
    assert ids(SPANISH) == ids(LOCALE / "openward.pot"), FIX
    untranslated = [
        m.id
        for m in read_po(BytesIO(SPANISH.read_bytes()))
        if m.id and not all([m.string] if isinstance(m.string, str) else m.string)
    ]
    assert untranslated == []


def test_translations_have_the_placeholders_of_their_source() -> None:
    ours = read_ours(SPANISH)
    pairs = list(ours.one.items()) + [(key, form) for key, forms in ours.many.items() for form in forms]
    for source, translated in pairs:
        assert set(re.findall(r"\{(\w+)", source)) == set(re.findall(r"\{(\w+)", translated)), source


def test_our_reader_reads_what_babel_reads() -> None:
    ours = read_ours(SPANISH)
    for message in read_po(BytesIO(SPANISH.read_bytes())):
        if isinstance(message.id, str) and message.id:
            assert ours.one[message.id] == message.string
        elif message.id:
            assert ours.many[message.id[0]] == tuple(message.string)


@pytest.mark.parametrize(("hours", "words"), [(1, "60 minutos"), (30, "30 horas"), (24 * 2.5, "2.5 días")])
def test_durations_speak_spanish(hours: float, words: str) -> None:
    with speaking("es"):
        assert duration_words(hours) == words


def test_a_language_ends_with_its_block() -> None:
    from datetime import date

    with speaking("es", main="en"):
        assert month_name(date(2026, 3, 1)) == "marzo de 2026"
        assert ngettext("{n} day", "{n} days", 1) == "{n} día"
    assert month_name(date(2026, 3, 1)) == "March 2026"
    assert text.language() == "en"


def test_an_unknown_language_is_shown_in_english() -> None:
    with speaking("xx"):
        assert duration_words(30) == "30 hours"
