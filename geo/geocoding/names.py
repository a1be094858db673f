"""The canonical name of a US street: whatever spelling, one StreetName.

The same function is used on what people type and on the names in a reference file, so where English leaves a choice
any choice will do as long as it is always the same. The choices: a leading directional is always the predir unless
nothing but a suffix follows ('NORTH POINT ST' is N + POINT + ST, 'NORTH ST' is NORTH + ST); the last word is the suffix
if it can be one and something stands before it ('SOUTH PARK' is SOUTH + PARK); a leading THE is dropped; short words
inside a name are written out ('PARK PL DR' is PARK PLACE + DR); bare numbers become ordinals ('5 AVE' is 5TH + AVE).
`alternatives` gives the other choices.

Charter: words of one street name to StreetName; numbers, units, cities and crossings are read in `rests`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from geo.geocoding.model import LONGEST_TEXT, NO_STREET, StreetName
from geo.geocoding.words import (
    BEFORE_LETTER,
    DIGITS,
    DIRECTION_WORDS,
    DIRECTIONS,
    HIGHWAY_STARTS,
    HIGHWAY_WORDS,
    HIGHWAYS,
    INSIDE,
    LONGEST_HIGHWAY,
    NAMES,
    ORDINALS,
    PLURAL,
    STATE_CODES,
    STATES,
    SUFFIX_WORDS,
    SUFFIXES,
    TENS,
    TITLES,
    ordinal,
)  # fmt: skip

LONGEST_NAME: Final = 12
"""Words of a street's name; what has more is a sentence."""

_ODD = str.maketrans(
    {"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Æ": "AE", "Œ": "OE", "Þ": "TH", "İ": "I", "ı": "I", "½": " 1/2 ",
     "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "\u2028": " ", "\u2029": " ", "\x85": " ", "，": ","}
)  # fmt: skip
_CONTROLS: Final[dict[int, str | None]] = dict.fromkeys([*range(9), *range(14, 32), 127]) | dict.fromkeys(
    range(9, 14), " "
)
_NOT_WORD = {code: " " for code in range(128) if not chr(code).isalnum()} | {ord("'"): None, ord("`"): None}
_INITIALS = re.compile(r"\b([A-Z])\.(?=[A-Z]\b)")
_ORDINAL = re.compile(r"0*([1-9]\d{0,3}|0)(ST|ND|RD|TH)$")
_NUMBER_END: Final = frozenset({"TH", "ND"})
_STREETLIKE: Final = frozenset({"ST", "AVE", "PL", "RD", "DR", "LN", "CT", "TER", "WAY", "CIR"})
_ARTICLES: Final = frozenset({"THE", "LA", "EL", "LAS", "LOS", "LE"})
_POSTDIRS: Final = frozenset(DIRECTIONS) - {"NO", "SO"}
_NUMERIC: Final = frozenset(ORDINALS) | frozenset(TENS) | {"ONE"}
_HIGHWAY_FIRSTS: Final = HIGHWAY_STARTS | frozenset(DIRECTIONS) | STATE_CODES | frozenset(STATES)
_NAME_STARTS: Final = frozenset(words[0] for words in NAMES) | {"DR", "DOCTOR", "REV", "REVEREND", "PRESIDENT"}


def fold(text: str) -> str:
    """Upper-case printable ASCII: accents dropped, ligatures written out, controls, marks, emoji and surrogates gone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_ODD).upper().translate(_ODD))
        text = text.encode("ascii", "ignore").decode()
    return text.upper().translate(_CONTROLS)


def street_name(text: str) -> StreetName:
    """The canonical name of a street; NO_STREET where the text has no words, too many, or more than LONGEST_TEXT."""
    return _street_name(text) if len(text) <= LONGEST_TEXT else NO_STREET


@lru_cache(maxsize=1 << 16)
def _street_name(text: str) -> StreetName:
    folded = fold(text)
    if "." in folded:
        folded = _INITIALS.sub(r"\1", folded)
    return name_of(folded.translate(_NOT_WORD).split())


def name_of(words: list[str]) -> StreetName:
    """The canonical name of a street that is upper-case ASCII words already."""
    if not words or len(words) > LONGEST_NAME:
        return NO_STREET
    name, plain = _once(words)
    if plain:
        return name
    # What one pass wrote out may be read differently by the next ('ST N'): the name is where that comes to rest.
    for _ in range(6):
        again, _plain = _once(name.text().split())
        if again == name:
            return name
        name = again
    return StreetName("", name.text(), "", "")


def _once(words: list[str]) -> tuple[StreetName, bool]:
    """One pass; the second says that another pass would surely give the same."""
    if min(words) < "A" or not _NUMERIC.isdisjoint(words):  # digits sort before letters
        words = _numbers(words)
    if words[0] == "THE" and len(words) > 1:
        words = words[1:]
    highway = _highway(words) if words[0] in _HIGHWAY_FIRSTS or words[0][-1].isdigit() else None
    if highway:
        return highway, False
    words, post = _postdir(words)
    suffix = ""
    if len(words) > 1 and (words[-1] in SUFFIXES or words[-1] in PLURAL) and not _is_whole(words):
        suffix = PLURAL.get(words[-1]) or SUFFIXES[words[-1]]
        words = words[:-1]
    words, pre = _predir(words)
    if len(words) == 1:
        word = words[0]
        if word.isdigit() and len(word) < 4:
            return StreetName(pre, ordinal(int(word)), suffix, post), False
        if word not in INSIDE and word not in _NAME_STARTS:
            return StreetName(pre, word, suffix, post), not post and word not in DIRECTIONS and word not in _ARTICLES
    return StreetName(pre, _base(words, suffix), suffix, post), False


def _is_whole(words: list[str]) -> bool:
    """'THE ALAMEDA', 'LA PLAZA', 'AVENUE OF THE PINES': the last word is no suffix."""
    return (len(words) == 2 and words[0] in _ARTICLES) or (words[1] == "OF" and words[0] in SUFFIXES)


def _postdir(words: list[str]) -> tuple[list[str], str]:
    if len(words) < 2 or words[-1] not in _POSTDIRS:
        return words, ""
    last = DIRECTIONS[words[-1]]
    if len(words) == 2 and words[0] in BEFORE_LETTER and len(words[-1]) == 1:
        return words, ""  # 'AVENUE N' is a name
    if len(words) > 2 and last in "EW" and words[-2] in {"N", "S", "NORTH", "SOUTH"} and words[-3] in SUFFIXES:
        return words[:-2], DIRECTIONS[words[-2]] + last  # 'MAIN ST N W'
    return words[:-1], last


def _predir(words: list[str]) -> tuple[list[str], str]:
    if len(words) < 2 or words[0] not in DIRECTIONS:
        return words, ""
    first = DIRECTIONS[words[0]]
    if len(words) > 2 and first in "NS" and words[1] in {"E", "W", "EAST", "WEST"}:
        words, first = words[1:], first + DIRECTIONS[words[1]]
    words = words[1:]
    return (words[1:] if words[0] == "THE" and len(words) > 1 else words), first


def _base(words: list[str], suffix: str) -> str:
    """The words of a base, written out."""
    if len(words) == 1:
        known = NAMES.get((words[0],))
        return known or INSIDE.get(words[0], words[0])
    first, last = words[0], words[-1]
    full = [TITLES.get(first) or INSIDE.get(first, first)]
    for at, word in enumerate(words[1:], 1):
        if word in {"ST", "SNT"}:
            before = words[at - 1]
            word = "STREET" if at == len(words) - 1 or before[0].isdigit() or before == "SAINT" else "SAINT"
        full.append(INSIDE.get(word, word))
    if last.isdigit() and len(last) < 4 and suffix in _STREETLIKE and first not in HIGHWAY_WORDS:
        full[-1] = ordinal(int(last))  # 'BEACH 95 STREET'
    if first in _NAME_STARTS:
        bare = tuple(full[1:] if full[0] in {"DOCTOR", "REV", "REVEREND", "PRESIDENT"} else full)
        return NAMES.get(bare) or " ".join(full)
    return " ".join(full)


def _numbers(words: list[str]) -> list[str]:
    """Ordinals in words and digits in one form: 'TWENTY FIRST' -> 21ST, '03RD' -> 3RD, '20 TH' -> 20TH."""
    found: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        after = words[at + 1] if at + 1 < len(words) else ""
        number, used = _ordinal_words(words, at)
        if number:
            found.append(ordinal(number))
            at += used
            continue
        if word == "NO" and found and after[:1].isdigit():
            at += 1  # 'PUBLIC ALLEY NO 101'
            continue
        if word[0].isdigit():
            written = _ORDINAL.match(word)
            if written:
                # A wrong ending ('43TH') stays: it is as likely a slip in the digits as in the letters.
                right = ordinal(int(written[1]))
                word = right if right.endswith(written[2]) else word.lstrip("0")
            elif word.isdigit():
                word = word.lstrip("0") or "0"
                more = words[at + 2] if at + 2 < len(words) else ""
                if len(word) < 5 and (after in _NUMBER_END or (after in {"ST", "RD"} and more in SUFFIXES)):
                    word = ordinal(int(word))
                    at += 1
        found.append(word)
        at += 1
    return found


def _ordinal_words(words: list[str], at: int) -> tuple[int, int]:
    """The ordinal written in words from `at` and how many words it takes; (0, 0): none."""
    word = words[at]
    after = words[at + 1] if at + 1 < len(words) else ""
    if word in ORDINALS:
        return ORDINALS[word], 1
    if word in TENS and 0 < ORDINALS.get(after, 99) < 10:
        return TENS[word] + ORDINALS[after], 2
    if word in DIGITS and after == "HUNDRED":
        rest = at + 3 if words[at + 2 : at + 3] == ["AND"] else at + 2
        number, used = _ordinal_words(words, rest) if rest < len(words) else (0, 0)
        if 0 < number < 100:
            return DIGITS[word] * 100 + number, rest + used - at
    return 0, 0


def _highway(words: list[str]) -> StreetName | None:
    """'US-101', 'HWY 101', 'STATE ROUTE 9 N', 'I 280 N OFF RAMP'; None: not a numbered highway."""
    pre = ""
    if len(words) > 2 and words[0] in DIRECTIONS and words[1] in HIGHWAY_STARTS:
        pre, words = DIRECTIONS[words[0]], words[1:]
    if words[0] in HIGHWAY_STARTS:
        first, number = words[0], ""
    else:
        first, number = _split_highway(words[0])
    if number:
        kind, after = HIGHWAYS[(first,)], words[1:]
    else:
        count = next((n for n in range(LONGEST_HIGHWAY, 0, -1) if tuple(words[:n]) in HIGHWAYS), 0)
        if count and len(words) > count and _is_highway_number(words[count]):
            kind, number, after = HIGHWAYS[tuple(words[:count])], words[count], words[count + 1 :]
        else:
            kind, number, after = _state_highway(words)
    if not number or (
        after and (after[0] in SUFFIXES or after[0] in PLURAL) and after[0] not in {"RAMP", "BYP", "BYPASS"}
    ):
        return None  # 'STATE 5TH ST', 'I 5 ST'
    post = ""
    if after and after[-1] in {"NB", "SB", "EB", "WB", "NORTHBOUND", "SOUTHBOUND", "EASTBOUND", "WESTBOUND"}:
        after = [*after[:-1], after[-1][0]]
    if len(after) == 1 and after[0] in _POSTDIRS:
        post, after = DIRECTIONS[after[0]], []
    return StreetName(pre, " ".join([kind, number, *after]), "", post)


def _is_highway_number(word: str) -> bool:
    return word[0].isdigit() and len(word) < 6 and (word.isdigit() or (word[:-1].isdigit() and word[-1].isalpha()))


def _split_highway(word: str) -> tuple[str, str]:
    """'I280' -> ('I', '280'), 'SR9' -> ('SR', '9')."""
    letters = word.rstrip("0123456789")
    number = word[len(letters) :]
    return (letters, number) if letters in {"I", "US", "SR", "CR", "HWY", "RTE"} and 0 < len(number) < 4 else ("", "")


def _state_highway(words: list[str]) -> tuple[str, str, list[str]]:
    """'CA 1', 'CA HWY 1', 'TEXAS HIGHWAY 71' as ('STATE HIGHWAY', '1', [])."""
    if words[0] in STATE_CODES or words[0] in STATES:
        at = 2 if len(words) > 2 and words[1] in HIGHWAY_WORDS else 1
        code_only = words[0] in STATE_CODES and words[0] not in SUFFIXES and words[0] not in DIRECTIONS
        if len(words) > at and (at == 2 or code_only) and words[at].isdigit() and len(words[at]) < 5:
            return "STATE HIGHWAY", words[at], words[at + 1 :]
    return "", "", []


_HIGHWAY_KINDS: Final = ("US HIGHWAY", "STATE HIGHWAY", "INTERSTATE", "COUNTY ROAD")


def alternatives(name: StreetName) -> tuple[StreetName, ...]:
    """Other ways to cut the same words into parts, best first: 'N' + 'POINT' or 'NORTH POINT'; no corrections."""
    pre, base, suffix, post = name
    found: list[StreetName] = []
    if base.startswith("HIGHWAY "):
        found += [StreetName(pre, f"{kind} {base[8:]}", suffix, post) for kind in _HIGHWAY_KINDS]
    elif base.startswith(("STATE HIGHWAY ", "US HIGHWAY ")):
        found.append(StreetName(pre, base[base.index("HIGHWAY ") :], suffix, post))
    if pre:
        found.append(StreetName("", f"{DIRECTION_WORDS[pre]} {base}", suffix, post))
    if suffix and not pre and base in DIRECTIONS:
        # 'NORTH POINT' for 'NORTH POINT ST'; 'N ST' for 'NORTH ST', and the other way round.
        short = DIRECTIONS[base]
        found.append(StreetName(short, SUFFIX_WORDS[suffix], "", post))
        found.append(StreetName("", DIRECTION_WORDS[short] if base == short else short, suffix, post))
    if suffix and suffix not in _STREETLIKE:
        found.append(StreetName(pre, f"{base} {SUFFIX_WORDS[suffix]}", "", post))
    if post and not pre:
        found.append(StreetName(post, base, suffix, ""))
    if suffix:
        head, _, last = base.rpartition(" ")
        if post:
            found.append(StreetName(pre, f"{base} {DIRECTION_WORDS[post]}", suffix, ""))
        elif head and last in DIRECTIONS:  # 'VISTA WEST AVE' for 'VISTA AVE W'
            found.append(StreetName(pre, head, suffix, DIRECTIONS[last]))
    return tuple(found)
