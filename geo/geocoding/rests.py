"""What an address says besides its number: street, crossing, block, place, unit, city, ZIP.

Charter: one text at a time, upper-case ASCII as `names.fold` gives it, to a Rest; the plain case in microseconds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from geo.geocoding.model import LONGEST_TEXT, NO_STREET, NOTHING, ReadingKind, Rest, StreetName
from geo.geocoding.names import LONGEST_NAME, alternatives, name_of
from geo.geocoding.words import (
    COUNTRIES,
    DIRECTIONS,
    ENDING,
    HIGHWAY_STARTS,
    HIGHWAY_WORDS,
    LONE_UNITS,
    NO_ADDRESS,
    PLACE_WORDS,
    PLURAL,
    STATE_CODES,
    STATES,
    STRONG,
    SUFFIXES,
    UNITS,
)  # fmt: skip

LONGEST_PLACE: Final = 80
_MOST_TOKENS: Final = 40
_LONGEST_STREET: Final = 7
FRONT: Final = (
    r"^(?:#\s*|NO\.?\s+|THE\s+)?(?P<n1>\d{1,6})(?P<s1>\s?1/2|-?[A-Z]|\s?HF)?"
    r"(?:\s?(?P<joint>-|/|TO|THRU)\s?(?P<n2>\d{1,6})(?:\s?1/2|-?[A-Z]|\s?HF)?)?(?:\s*,\s*|\s+)(?P<rest>\S.*)$"
)
"""A house number at the front and what follows it, for `re` and RE2 alike."""
_FRONT_RE: Final = re.compile(FRONT)
_TOKENS = {code: " " for code in range(128) if not chr(code).isalnum()} | {
    ord("'"): None, ord("`"): None, ord("-"): "-", ord("&"): " & ", ord("+"): " & ", ord("@"): " @ ", ord("/"): " / ",
    ord("#"): " # ", ord("("): " ( ", ord(")"): " ) ", ord("["): " ( ", ord("]"): " ) ",
}  # fmt: skip
_INITIALS = re.compile(r"\b([A-Z])\.(?=[A-Z]\b)")

_AND: Final = frozenset({"&", "@", "/", "AND", "AT", "X", "NEAR", "BY", "OFF"})
_SURE_AND: Final = frozenset({"&", "@", "/"})
_BETWEEN: Final = frozenset({"BTWN", "BETWEEN", "BET", "BTW", "BTN", "BETW", "FROM"})
_BLOCK: Final = frozenset({"BLOCK", "BLK", "BLCK", "BLOCKS"})
_LEADS: Final[tuple[tuple[str, ...], ...]] = tuple(
    tuple(lead.split())
    for lead in (
        "THE INTERSECTION OF", "INTERSECTION OF", "INTERSECTION AT", "INTERSECTION", "CORNER OF", "CORNER AT", "CORNER",
        "COR OF", "COR", "ACROSS FROM", "ACROSS THE STREET FROM", "ACROSS STREET FROM", "ACROSS", "IN FRONT OF",
        "IN FRONT", "FRONT OF", "FRONT", "NEAR", "NEXT TO", "BEHIND", "OPPOSITE OF", "OPPOSITE", "OPP", "OUTSIDE OF",
        "OUTSIDE", "INSIDE OF", "INSIDE", "REAR OF", "REAR", "BACK OF", "IN BACK OF", "IN REAR OF", "SIDE OF", "AT", "ON",
        "BY", "ADJACENT TO", "ADJ TO", "VICINITY OF", "IN THE VICINITY OF", "AROUND", "BESIDE", "ADDRESS IS", "ADDRESS",
        "LOCATED AT", "JUST PAST", "ALONG", "END OF", "IN THE MIDDLE OF", "MIDDLE OF",
    )
)  # fmt: skip
_LEAD_OF: Final[dict[str, list[tuple[str, ...]]]] = {}
for _lead in sorted(_LEADS, key=len, reverse=True):
    _LEAD_OF.setdefault(_lead[0], []).append(_lead)
_SPECIAL: Final = _AND | _BETWEEN | _BLOCK | frozenset(_LEAD_OF) | {"(", ")", "BOX", "POBOX"}
_UNIT_WORDS: Final = (frozenset(UNITS) | frozenset(LONE_UNITS)) - {"NO"}
_COUNTED: Final = frozenset(
    """FEET FOOT FT INCHES YARDS YDS BLOCKS MILES METERS PEOPLE MEN CARS TREES BAGS DAYS HOURS WEEKS MONTHS YEARS TIMES MINUTES
    FROM WHERE WHEN WITH FOR IN ON OF IS ARE AM PM""".split()
)
"""What follows a number in a sentence."""
_HOUSES: Final = frozenset({"BUILDING", "BLDG", "HOUSE", "PROPERTY", "ADDRESS", "NO", "NUMBER"})
_CROSSING_LEADS: Final = frozenset({"INTERSECTION", "CORNER", "COR"})
_NO_CITY: Final = frozenset(
    """ARCH STEPS STAIRS STAIRWAY EXIT ENTRANCE LINE RAMP ON OFF CONNECTOR UNDERPASS OVERPASS EXTENSION NB SB EB WB CIRCUIT
    CIRT FOOTBRIDGE BRIDGE TUNNEL FRONTAGE SERVICE BYPASS NORTHBOUND SOUTHBOUND EASTBOUND WESTBOUND APPROACH""".split()
)
"""Words behind a suffix that belong to the street."""
_NUMBER_WORDS: Final = HIGHWAY_STARTS | HIGHWAY_WORDS | {"PIER", "PS", "ENGINE", "LADDER", "DISTRICT", "TRACK", "GATE"}


class Front(NamedTuple):
    """A number taken off the front of a text."""

    low: int
    high: int
    hyphen: bool
    suffix: str
    rest: str


def front(text: str) -> Front | None:
    """The house number at the front of a text; None where there is none."""
    found = _FRONT_RE.match(text)
    if not found or _is_ordinal_street(found["rest"]):
        return None
    first = int(found["n1"])
    second = int(found["n2"]) if found["n2"] else first
    suffix = (found["s1"] or "").strip(" -").replace("HF", "1/2")
    return Front(min(first, second), max(first, second), found["joint"] == "-", suffix, found["rest"])


QUADRANTS: Final = frozenset({"NE", "NW", "SE", "SW"})
BARE_STREET: Final = (
    r"^AVENUE( (NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST))?( *,|  | *$| *[&@/(]| (AND|AT|NEAR|BTWN|BETWEEN|BET|FROM) )"
    r"|^(ST|STR|STREET|AVE|AV|RD|ROAD|DR|DRIVE|PL|PLACE|LN|LANE|CT|COURT|TER|TERR|TERRACE|BLVD)\.?"
    r"( (N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST))?( *,|  | *$| *[&@/(]| (AND|AT|NEAR|BTWN|BETWEEN|BET|FROM) )"
    r"|^[&@/]|^(AND|AT) "
)
"""What follows a number that is a street's, not a house's: '5 AVE, NEW YORK', '43 STREET', '16 & MISSION'."""
_BARE_RE: Final = re.compile(BARE_STREET)


def _is_ordinal_street(rest: str) -> bool:
    return _BARE_RE.match(rest) is not None


@lru_cache(maxsize=1 << 16)
def read_rest(text: str, numbered: bool) -> Rest:
    """What a text says after its number (`numbered`) or as a whole; NOTHING where it says nothing of use."""
    if len(text) > LONGEST_TEXT or text in NO_ADDRESS or ("@" in text and " " not in text and "." in text):
        return NOTHING  # the last: an e-mail address
    if "," in text:
        parts = [part.strip() for part in text.split(",")]
    elif "  " in text:
        parts = _padded(text)
    else:
        return _head(text, numbered)
    while len(parts) > 1 and (not parts[-1] or parts[-1] in COUNTRIES):
        parts.pop()
    if len(parts) > 1 and parts[1] in QUADRANTS:  # right behind a street, NE is no state
        parts[:2] = [f"{parts[0]} {parts[1]}"]
    zip_ = ""
    if len(parts) > 1:
        zip_ = _zip_and_state(parts)
    if len(parts) == 1 and not zip_:
        return _head(parts[0], numbered)
    return _of_parts(parts, zip_, numbered)


def _padded(text: str) -> list[str]:
    """Two blanks separate the fields where the last is a ZIP or a state; else they are only padding."""
    parts = [part.strip() for part in text.split("  ") if part.strip()]
    last = parts[-1]
    fields = (last in STATE_CODES and last not in QUADRANTS) or _as_zip(last) or _as_zip(last[-5:])
    if not fields or len(parts) < 2:
        return [" ".join(parts)]
    if parts[0] in DIRECTIONS:
        parts[:2] = [" ".join(parts[:2])]
    return parts


def _as_zip(text: str) -> str:
    """'94122' of '94122' or '94122-1234'; ''."""
    if len(text) == 10 and text[5] == "-" and text[6:].isdigit():
        text = text[:5]
    return text if len(text) == 5 and text.isdigit() else ""


def _zip_and_state(parts: list[str]) -> str:
    """Take ZIP and state off the last parts."""
    last = parts[-1]
    zip_ = _as_zip(last)
    if zip_:
        parts.pop()
    elif " " in last:
        before, _, after = last.rpartition(" ")
        zip_ = _as_zip(after)
        if zip_:
            parts[-1] = before.strip()
    if len(parts) > 1:
        last = parts[-1]
        if last in STATE_CODES or last in STATES:
            if last not in {"NEW YORK", "WASHINGTON"} or len(parts) > 2:
                parts.pop()
        elif " " in last:
            before, _, after = last.rpartition(" ")
            if after in STATE_CODES and not before[0].isdigit():
                parts[-1] = before.strip()
    return zip_


def _of_parts(parts: list[str], zip_: str, numbered: bool) -> Rest:
    """A text with commas, its ZIP and state taken off."""
    city = unit = ""
    if len(parts) > 1:
        if not numbered and any(part[:1].isdigit() for part in parts[1:]):
            inside = _number_in_parts(parts, zip_)
            if inside is not None:
                return inside
        city = parts[-1]
        if len(parts) > 2 or _unit_of(city):
            for at, part in enumerate(parts[1:], 1):
                found = _unit_of(part) if part else ""
                if found:
                    unit = found
                    city = "" if at == len(parts) - 1 else city
    head = _head(parts[0], numbered)
    if head.kind == "place" and len(parts) > 2 and parts[1] and not numbered:
        second = _head(parts[1], False)
        if second.kind in {"street", "intersection"} and (second.street.suffix in STRONG or second.cross):
            head = _changed(second, place=head.place)
    if head.kind == "nothing":
        return NOTHING
    return _changed(head, unit=unit, zip_=zip_, city=city if city and not city[0].isdigit() else "")


def _number_in_parts(parts: list[str], zip_: str) -> Rest | None:
    """'MOSCONE RECREATION CENTER, 1800 CHESTNUT ST, …': the first part that begins with a house number."""
    for at, part in enumerate(parts[1:], 1):
        number = front(part) if part[:1].isdigit() else None
        if number is None:
            continue
        if number.rest in _BLOCK:
            street = _head(parts[0], True)  # 'ELM ST, 300 BLOCK'
            return _changed(_numbered(street, number), kind="block", zip_=zip_) if street.kind == "address" else None
        head = _head(number.rest, True)
        if head.kind != "address":
            continue
        before = parts[0]
        unit = _unit_of(before)
        place = "" if unit else _place(_tokens(before))
        city = parts[-1] if at < len(parts) - 1 else ""
        return _changed(_numbered(head, number), unit=unit, zip_=zip_, city=city, place=place)
    return None


def _unit_of(part: str) -> str:
    """The unit that a whole part names ('APT 8F', '#4', '2ND FLOOR', 'REAR'); ''."""
    tokens = _tokens(part)
    if not tokens or len(tokens) > 3:
        return ""
    if tokens[0] in _UNIT_WORDS or tokens[-1] in {"FLOOR", "FL", "FLR"}:
        cut, unit = _cut_unit(["", "ST", *tokens])
        return unit if len(cut) == 2 else ""
    return ""


def _tokens(text: str) -> list[str]:
    if "." in text:
        text = _INITIALS.sub(r"\1", text)
    if "/" in text:
        text = text.replace(" B/W ", " BTWN ")
    return text.translate(_TOKENS).split()


@lru_cache(maxsize=1 << 16)
def _head(text: str, numbered: bool) -> Rest:
    """A text without commas."""
    if text in NO_ADDRESS:
        return NOTHING
    tokens = _tokens(text)
    if not tokens or len(tokens) > _MOST_TOKENS:
        return NOTHING
    return _of_tokens(tokens, numbered)


def _of_tokens(tokens: list[str], numbered: bool) -> Rest:
    if not _SPECIAL.isdisjoint(tokens):
        found = _special(tokens, numbered)
        if found is not None:
            return found
    return _plain(tokens, numbered)


# --- one street -------------------------------------------------------------------------------


def _plain(tokens: list[str], numbered: bool) -> Rest:
    """No crossing, no lead: a street, perhaps with a unit and a tail, or a place."""
    tokens, zip_, had_state = _cut_tail(tokens)
    unit = ""
    if not _UNIT_WORDS.isdisjoint(tokens):
        tokens, unit = _cut_unit(tokens)
    if not numbered:
        inside = _number_inside(tokens, unit, zip_)
        if inside is not None:
            return inside
    street, city, wider = _cut_city(tokens, bool(zip_) or had_state)
    if len(street) > LONGEST_NAME:
        return _only_place(tokens, zip_)
    words = _split_hyphens(street)
    name = name_of(words)
    if not name.base.isalpha() and not any(map(str.isalpha, name.base)):
        grid = numbered and name.base.isdigit() and (name.predir or name.postdir)
        if not grid:  # '350 W 1200 N': streets of a grid are called by their coordinate
            return NOTHING
    others = alternatives(name)
    if wider:
        others += tuple(other for other in map(name_of, map(_split_hyphens, wider)) if other != name)
    if len(street) > _LONGEST_STREET:
        return _only_place(tokens, zip_)
    if numbered:
        if len(words[0]) == 1 and len(words) > 2 and words[0] not in DIRECTIONS and name.suffix:
            others += (name_of(words[1:]),)  # '1125 A MARKET ST'
        return Rest("address", name, others, unit=unit, zip=zip_, city=city)
    if city and tokens[-1] in PLACE_WORDS and not had_state:
        place = _place(tokens)
        return Rest("place", name, others, zip=zip_, place=place)  # 'HAIGHT ST PLAYGROUND'
    kind, place = _street_or_place(street, name)
    return Rest(kind, name, others, unit=unit, zip=zip_, city=city, place=place)


def _split_hyphens(tokens: list[str]) -> list[str]:
    return " ".join(tokens).replace("-", " ").split()


def _street_or_place(tokens: list[str], name: StreetName) -> tuple[ReadingKind, str]:
    """A text without number: what it is, and the place that it may name."""
    if name.suffix in {"CT", "PL", "TER", "WAY", "CIR"} and tokens[-1] not in {"CT", "PL", "TER", "CIR"}:
        return "street", _place(tokens)  # 'HOLLY COURTS'
    if name.suffix in STRONG or name.base[0].isdigit() or " HIGHWAY " in f" {name.base}" or "INTERSTATE" in name.base:
        return "street", ""
    place = _place(tokens)
    if not PLACE_WORDS.isdisjoint(tokens) or len(tokens) > 4:
        return ("place", place) if place else ("nothing", "")
    return "street", place


def _place(tokens: list[str]) -> str:
    """The text as a place's name; '' where it cannot be one."""
    text = " ".join(word for word in tokens if word.strip("()#@/")).replace("&", "AND")
    if len(text) > LONGEST_PLACE or not any(len(token) > 2 and token.isalpha() for token in tokens):
        return ""
    return text.replace("-", " ")


def _only_place(tokens: list[str], zip_: str) -> Rest:
    place = _place(tokens)
    return Rest("place", zip=zip_, place=place) if place else NOTHING


def _cut_tail(tokens: list[str]) -> tuple[list[str], str, bool]:
    """Take 'IL 62701' off the end: the tokens, the ZIP, whether there was a state."""
    zip_ = ""
    if (
        len(tokens) > 2
        and tokens[-1][0].isdigit()
        and tokens[-2] not in _NUMBER_WORDS
        and tokens[-2] not in _UNIT_WORDS
    ):
        zip_ = _as_zip(tokens[-1])
        if zip_:
            tokens = tokens[:-1]
    last = tokens[-1]
    if len(tokens) > 2 and (last in STATE_CODES or last in STATES):
        ended = any(SUFFIXES.get(token) in ENDING for token in tokens[1:-1])
        clear = last not in SUFFIXES and last not in DIRECTIONS
        follows_suffix = SUFFIXES.get(tokens[-2]) in ENDING
        if (ended and not (follows_suffix and not clear) and (last in STATE_CODES or zip_)) or (zip_ and clear):
            return tokens[:-1], zip_, True
    return tokens, zip_, False


def _cut_unit(tokens: list[str]) -> tuple[list[str], str]:
    """Take the unit off the end: ('ELLIS ST', 'APT 8F')."""
    for at in range(2, len(tokens)):
        token = tokens[at]
        if (
            token in LONE_UNITS
            and at == len(tokens) - 1
            and (tokens[at - 1] in SUFFIXES or tokens[at - 1] in DIRECTIONS)
        ):
            return tokens[:at], LONE_UNITS[token]
        if (
            token in {"FLOOR", "FL", "FLR"}
            and tokens[at - 1][0].isdigit()
            and tokens[at - 1][-2:] in {"ST", "ND", "RD", "TH"}
        ):
            return tokens[: at - 1] + tokens[at + 1 :], f"FL {tokens[at - 1][:-2]}"
    for at in range(1, len(tokens) - 1):
        token = tokens[at]
        if token in _UNIT_WORDS and token in UNITS:
            after = at + 2 if tokens[at + 1] == "#" and at + 2 < len(tokens) else at + 1
            value = tokens[after]
            if value[-1].isdigit() or len(value) == 1 or value[0].isdigit() or token in {"#", "APT"}:
                # 'APT B 2': a second short piece belongs to it.
                end = after + 1
                if end < len(tokens) and len(tokens[end]) == 1 and tokens[end] not in DIRECTIONS:
                    end += 1
                designator = UNITS[token]
                value = " ".join(tokens[after:end])
                return tokens[:at] + tokens[end:], f"#{value}" if designator == "#" else f"{designator} {value}"
    return tokens, ""


def _cut_city(tokens: list[str], tail: bool) -> tuple[list[str], str, list[list[str]]]:
    """A city that follows the suffix without comma: the street, the city, other cuts worth trying."""
    count = len(tokens)
    for at in range(count - 1, 0, -1):
        if SUFFIXES.get(tokens[at]) not in ENDING:
            continue
        if at == count - 1:
            return tokens, "", []
        if at == 1 and tokens[0] in DIRECTIONS and tokens[1] == "ST" and tokens[2] not in QUADRANTS:
            return tokens, "", []  # 'W ST LOUIS' is a saint
        after = tokens[at + 1 :]
        if any(token[0].isdigit() for token in after) or not _NO_CITY.isdisjoint(after):
            return tokens, "", [tokens[: at + 1]]  # 'PUBLIC ALLEY NO 101', 'GARDEN STREET ARCH'
        if after[0] in DIRECTIONS:
            if len(after) == 1 or (len(after) == 2 and after[1] in DIRECTIONS):
                return tokens, "", []
            return tokens[: at + 2], " ".join(after[1:]), [tokens[: at + 1]]
        if tokens[-1] in SUFFIXES and not tail:
            return tokens, "", [tokens[: at + 1]]
        return tokens[: at + 1], " ".join(after), [tokens]
    if tail and count > 1:
        return tokens, "", [tokens[:end] for end in range(count - 1, max(0, count - 4), -1)]
    return tokens, "", []


def _belongs_to_number(tokens: list[str], at: int) -> bool:
    """'HWY 101', 'COUNTY ROAD 12', 'PIER 39': the word before makes the number part of a name."""
    before = tokens[at - 1]
    if before in {"ST", "RD", "ROAD"}:
        return at > 1 and tokens[at - 2] in HIGHWAY_STARTS
    return before in _NUMBER_WORDS


def _number_inside(tokens: list[str], unit: str, zip_: str) -> Rest | None:
    """'BUILDING 666 ELLIS STREET', 'MAIN ST 12'."""
    for at in range(1, len(tokens)):
        token = tokens[at]
        if not token[0].isdigit() or _belongs_to_number(tokens, at):
            continue
        if at == len(tokens) - 1:
            if token.isdigit() and len(token) < 6 and SUFFIXES.get(tokens[at - 1]) in STRONG and at > 1:
                name = name_of(_split_hyphens(tokens[:at]))
                number = int(token)
                return Rest("address", name, alternatives(name), (), number, number, unit=unit, zip=zip_)
            continue
        number_at = front(" ".join(tokens[at:]))
        if number_at is None or tokens[at - 1] in DIRECTIONS:
            continue
        head = _plain(_tokens(number_at.rest), True)
        if number_at.rest.partition(" ")[0] in _COUNTED:
            continue
        if head.kind == "address" and (
            head.street.suffix in STRONG
            or (head.street.base[0].isdigit() and " " not in head.street.base)
            or (at == 1 and tokens[0] in _HOUSES)
        ):
            before = tokens[:at]
            place = "" if len(before) == 1 and before[0] in UNITS else _place(before)
            return _changed(_numbered(head, number_at), unit=unit, zip_=zip_, place=place)
    return None


# --- several streets ---------------------------------------------------------------------------


def _special(tokens: list[str], numbered: bool) -> Rest | None:
    """Texts with a word that joins, leads or brackets; None where it is only a part of a name."""
    if not numbered and ("BOX" in tokens or "POBOX" in tokens) and _is_po_box(tokens):
        return NOTHING
    if "(" in tokens or ")" in tokens:
        return _bracketed(tokens, numbered)
    crossing = False
    if not numbered:
        tokens, lead = _strip_leads(tokens)
        crossing = lead in _CROSSING_LEADS
        if lead and len(tokens) > 1 and tokens[0] == "THE" and tokens[1][0].isdigit():
            tokens = tokens[1:]
        if lead and tokens and tokens[0][0].isdigit():
            found = front(" ".join(tokens))
            if found is not None:
                return _after_lead(found)
    if not tokens:
        return NOTHING
    if not _BETWEEN.isdisjoint(tokens):
        found_between = _between(tokens, numbered)
        if found_between is not None:
            return found_between
    if not _AND.isdisjoint(tokens):
        return _crossing(tokens, numbered, crossing)
    return _plain(tokens, numbered)


def _after_lead(found: Front) -> Rest:
    """A number found behind a lead: an address, or a block."""
    tokens = _tokens(found.rest)
    if tokens and tokens[0] in _BLOCK and len(tokens) > 1:
        head = _of_tokens(tokens[2:] if tokens[1] == "OF" and len(tokens) > 2 else tokens[1:], True)
        return _changed(_numbered(head, found), kind="block") if head.kind == "address" else head
    head = _of_tokens(tokens, True) if tokens else NOTHING
    return _numbered(head, found) if head.kind == "address" else head


def _is_po_box(tokens: list[str]) -> bool:
    text = " ".join(tokens)
    return text.startswith(("PO BOX", "P O BOX", "POST OFFICE BOX", "POBOX", "BOX ")) and not text.startswith("BOX ST")


def _strip_leads(tokens: list[str]) -> tuple[list[str], str]:
    """Take 'ACROSS FROM', 'NE CORNER OF' off the front: the tokens, the last lead's main word ('' for none)."""
    found = ""
    for _ in range(4):
        start = 1 if len(tokens) > 2 and tokens[0] in DIRECTIONS and tokens[1] in {"CORNER", "COR", "SIDE"} else 0
        start = 1 if len(tokens) > 2 and tokens[0] == "THE" and tokens[1] in _LEAD_OF else start
        for lead in _LEAD_OF.get(tokens[start], ()) if tokens else ():
            end = start + len(lead)
            if tuple(tokens[start:end]) != lead:
                continue
            after = tokens[end] if end < len(tokens) else ""
            # 'CORNER ST', 'FRONT AVE': the word is the street's own name; one alone must not be the whole text.
            if after in SUFFIXES and len(lead) == 1 and lead[0] != "INTERSECTION":
                continue
            if len(lead) == 1 and lead[0] in {"FRONT", "REAR", "ACROSS", "ADDRESS", "COR"} and not after[:1].isdigit():
                continue
            tokens, found = tokens[end:], next((word for word in lead if word in _CROSSING_LEADS), lead[0])
            break
        else:
            return tokens, found
        if not tokens:
            break
    return tokens, found


def _bracketed(tokens: list[str], numbered: bool) -> Rest:
    """'NORWAY MAPLE (172-172A L ST)': an address inside wins over what stands outside."""
    outside: list[str] = []
    inside: list[str] = []
    depth = 0
    for word in tokens:
        if word == "(":
            depth += 1
        elif word == ")":
            depth = max(0, depth - 1)
        else:
            (inside if depth else outside).append(word)
    if inside and not numbered:
        number = front(" ".join(inside))
        if number is not None:
            head = _of_tokens(_tokens(number.rest), True) if number.rest else NOTHING
            if head.kind == "address":
                return _changed(_numbered(head, number), place=_place(outside))
        second = _of_tokens(inside, False)
        if not outside or (second.kind == "intersection"):
            return _changed(second, place=_place(outside)) if second.kind != "nothing" else NOTHING
        first = _of_tokens(outside, False)
        if first.kind == "place" and second.kind == "street" and second.street.suffix in STRONG:
            return _changed(second, place=first.place)
        return first
    return _of_tokens(outside, numbered) if outside else NOTHING


def _between(tokens: list[str], numbered: bool) -> Rest | None:
    """'A BETWEEN B AND C', 'A FROM B TO C'."""
    at = next(i for i, token in enumerate(tokens) if token in _BETWEEN)
    before, after = tokens[:at], tokens[at + 1 :]
    if not before or not after:
        return None
    joints = {"TO"} if tokens[at] == "FROM" else {"AND", "&", "TO", "@", "/"}
    joint = next((i for i, token in enumerate(after) if token in joints), -1)
    if tokens[at] == "FROM" and joint < 0:
        return None
    ends = [after[:joint], after[joint + 1 :]] if joint >= 0 else [after]
    names = [name_of(_split_hyphens(_cut_city(end, False)[0])) for end in ends if end]
    head = _plain(before, numbered)
    if head.street == NO_STREET:
        return None
    kind: ReadingKind = head.kind if head.kind == "address" else "street"
    return _changed(head, kind=kind, cross=tuple(name for name in names if name != NO_STREET))


def _crossing(tokens: list[str], numbered: bool, told: bool) -> Rest:
    """'A & B', 'A AT B', 'A AND B AND C'; what is not a crossing is read as one street or place."""
    sides = _sides(tokens, told)
    if not sides:
        return NOTHING
    spot = ""
    if len(sides) == 3 and not told and not numbered and tokens[len(sides[0])] in {"AT", "@", "NEAR"}:
        spot, sides = _place(sides[0]), sides[1:]  # 'BUS STOP AT 5TH AND PINE'
    sides[-1], zip_, had_state = _cut_tail(sides[-1])
    if len(sides) == 1:
        return _plain(sides[0] if told or tokens[0] in _AND or tokens[-1] in _AND else tokens, numbered)
    plural = next((PLURAL[side[-1]] for side in sides if side[-1] in PLURAL), "")
    if not numbered and not told:
        if _SURE_AND.isdisjoint(tokens) and _is_pair_place(sides):
            return _only_place(tokens, zip_)
        inside = next((found for found in map(_address_of, sides) if found is not None), None)
        if inside is not None:
            return inside  # 'BUILDING 3850 18TH STREET / 255 DORLAND STREET'
    city = ""
    names: list[StreetName] = []
    other: tuple[StreetName, ...] = ()
    for at, side in enumerate(sides):
        street, found, _ = _cut_city(
            _cut_unit(side)[0] if not _UNIT_WORDS.isdisjoint(side) else side, bool(zip_) or had_state
        )
        city = found or city
        name = name_of(_split_hyphens(street))
        if plural and not name.suffix:
            name = StreetName(name.predir, name.base, plural, name.postdir)
        if name != NO_STREET and name not in names:
            names.append(name)
        other = alternatives(name) if at == 0 else other
    if not names:
        return NOTHING
    place = _place(tokens) if not any(name.suffix in STRONG for name in names) and not told else ""
    place = spot or place
    kind: ReadingKind = "address" if numbered else "intersection" if len(names) > 1 else "street"
    return Rest(kind, names[0], other, tuple(names[1:]), zip=zip_, city=city, place=place)


def _sides(tokens: list[str], told: bool) -> list[list[str]]:
    """The words between the joining words."""
    sides: list[list[str]] = [[]]
    for at, token in enumerate(tokens):
        if token in _AND and _joins(tokens, at, told):
            sides.append([])
        else:
            sides[-1].append(token)
    return [side for side in sides if side]


def _joins(tokens: list[str], at: int, told: bool) -> bool:
    """Whether the joining word at `at` stands between two streets."""
    word = tokens[at]
    before, after = tokens[:at], tokens[at + 1 :]
    if word in _SURE_AND or (told and word in {"AND", "AT"}):
        return True
    if not before or not after or after[0] == "RAMP" or (len(after) == 1 and SUFFIXES.get(after[0]) in STRONG):
        return False
    if word in {"AND", "AT", "NEAR"}:
        return True
    # X, BY and OFF are words of names too ('MALCOLM X BLVD', 'BY PASS RD'): both sides must look like streets.
    return _looks_street(before) and (_looks_street(after) or word != "X" or len(after) == 1)


def _looks_street(side: list[str]) -> bool:
    return SUFFIXES.get(side[-1]) in ENDING or side[-1][0].isdigit() or (side[-1] in DIRECTIONS and len(side) > 1)


def _is_pair_place(sides: list[list[str]]) -> bool:
    """'RANDOLPH AND BRIGHT MINI PARK' names a place, 'HAIGHT AND ASHBURY' a crossing."""
    first, last = sides[0], sides[-1]
    if len(sides) != 2 or len(last) < 2 or last[-1] not in PLACE_WORDS:
        return False
    if first[0] in DIRECTIONS or last[0] in DIRECTIONS:
        return False  # 'N MILWAUKEE AND W LAKE'
    return not _looks_street(first) and SUFFIXES.get(last[-1]) not in STRONG


def _address_of(side: list[str]) -> Rest | None:
    """One side of a crossing that is an address with a number by itself."""
    if not any(token[0].isdigit() and token[-1] not in "HTD" for token in side):
        return None
    number = front(" ".join(side))
    if number is None:
        return _number_inside(side, "", "")
    head = _plain(_tokens(number.rest), True)
    return _numbered(head, number) if head.kind == "address" and head.street.suffix in STRONG else None


# --- putting together --------------------------------------------------------------------------


def _numbered(head: Rest, number: Front) -> Rest:
    """The Rest with a number that was found inside."""
    return Rest(
        head.kind, head.street, head.others, head.cross, number.low, number.high, number.hyphen, number.suffix,
        head.unit, head.zip, head.city, head.place,
    )  # fmt: skip


def _changed(
    head: Rest,
    *,
    kind: ReadingKind | None = None,
    cross: tuple[StreetName, ...] = (),
    unit: str = "",
    zip_: str = "",
    city: str = "",
    place: str = "",
) -> Rest:
    """The Rest with what was found around it; '' keeps what it has."""
    return Rest(
        kind or head.kind, head.street, head.others, cross or head.cross, head.number, head.number_high, head.hyphen,
        head.number_suffix, unit or head.unit, zip_ or head.zip, city or head.city, place or head.place,
    )  # fmt: skip
