"""Reading addresses as people type them: many texts at once to Readings.

Numbers are split off in Arrow, what remains is made distinct, and each distinct rest is read once. What the fast reader
takes for a place or for nothing although it holds a number is shown to `usaddress`.

Covered: US addresses, crossings, blocks, places, units, city and ZIP tails. Not covered: grid addresses of Utah and
Wisconsin ('W123 N456'), kilometre posts, rural routes and PO boxes (nothing), numbers with more than six digits.

Charter: texts in, Readings out; no knowledge of any city. `names` has the streets, `rests` what stands around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.geocoding.model import LONGEST_TEXT, NO_STREET, NOTHING, Ints, Objects, ReadingKind, Readings, Rest
from geo.geocoding.names import alternatives, fold, name_of, street_name
from geo.geocoding.rests import BARE_STREET, FRONT, LONGEST_PLACE, read_rest
from geo.geocoding.words import STRONG

__all__ = ["Reading", "read", "read_many", "street_name"]

_BLOCK: Final = r"^(?:BLOCKS?|BLK|BLCK)\.?\s+(?:OF\s+)?(?P<rest>\S.*)$"


@dataclass(frozen=True, slots=True)
class Reading:
    """One address as read: the number and what Readings has beside it, and the Rest."""

    number: int
    number_high: int
    hyphen: bool
    number_first: int
    number_second: int
    number_suffix: str
    block: bool
    rest: Rest


def read(text: str | None) -> Reading:
    """One address; the same as `read_many([text])`."""
    found = read_many([text])
    return Reading(
        int(found.number[0]),
        int(found.number_high[0]),
        bool(found.hyphen[0]),
        int(found.number_first[0]),
        int(found.number_second[0]),
        str(found.number_suffix[0]),
        bool(found.block[0]),
        found.rests[found.rest[0]],
    )


def read_many(texts: Sequence[str | None] | Objects | Any) -> Readings:
    """Addresses to Readings, one entry a text: a sequence of texts, a numpy or pandas column, or an Arrow array.

    Nulls, texts longer than LONGEST_TEXT and everything that is not an address read as NOTHING; no text raises.
    """
    distinct = _as_text(texts).dictionary_encode()
    clean = _clean(distinct.dictionary)
    parts = _split(clean)
    position = pc.fill_null(distinct.indices, len(clean)).to_numpy(zero_copy_only=False)
    return Readings(
        number=parts.number[position],
        number_high=parts.number_high[position],
        hyphen=parts.hyphen[position],
        number_first=parts.number_first[position],
        number_second=parts.number_second[position],
        number_suffix=parts.number_suffix[position],
        block=parts.block[position],
        rest=parts.rest[position],
        rests=parts.rests,
    )


def _as_text(texts: Any) -> pa.Array:
    """Any column of texts as one Arrow array; what is no text is null."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if isinstance(texts, pa.Array):
        array = texts.cast(pa.large_string())
    else:
        try:
            array = pa.array(texts, type=pa.large_string(), from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError):  # numbers among them, or surrogates
            plain = [_encodable(text) if isinstance(text, str) else None for text in texts]
            array = pa.array(plain, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _encodable(text: str) -> str | None:
    return text.encode("utf-8", "ignore").decode() if len(text) <= LONGEST_TEXT else None


def _clean(texts: pa.Array) -> pa.Array:
    """Upper-case printable ASCII without blanks at the ends; '' for what is too long."""
    # Four bytes a character at most: the cheap test cuts what is huge before anything looks at its characters.
    short = pc.if_else(pc.less_equal(pc.binary_length(texts), 4 * LONGEST_TEXT), texts, "")
    short = pc.if_else(pc.less_equal(pc.utf8_length(short), LONGEST_TEXT), short, "")
    odd = pc.match_substring_regex(short, "[^ -~]").to_numpy(zero_copy_only=False)
    if odd.any():
        values = short.to_numpy(zero_copy_only=False)
        values[odd] = [fold(text) for text in values[odd]]
        short = pa.array(values, type=pa.large_string())
    upper = pc.utf8_trim_whitespace(pc.ascii_upper(short))
    if pc.any(pc.match_substring(upper, "-BL")).as_py():
        upper = pc.replace_substring_regex(upper, r"^((?:THE )?\d{1,6})-(BLOCK|BLK)\b", r"\1 \2")
    return upper


@dataclass(frozen=True, slots=True)
class _Parts:
    """Readings' arrays, with one entry more at the end: that of a null."""

    number: Ints
    number_high: Ints
    hyphen: NDArray[np.bool_]
    number_first: Ints
    number_second: Ints
    number_suffix: Objects
    block: NDArray[np.bool_]
    rest: Ints
    rests: list[Rest]


def _split(clean: pa.Array) -> _Parts:
    """Numbers off the fronts, and each distinct rest read once."""
    front = pc.extract_regex(clean, pattern=FRONT)
    rest = front.field("rest")
    numbered = front.is_valid()
    street_number = pc.match_substring_regex(rest, BARE_STREET)
    numbered = pc.and_(numbered, pc.invert(pc.fill_null(street_number, False)))
    number_first = _whole(front.field("n1"), numbered)
    second = _whole(front.field("n2"), numbered)
    number_second = np.where(second < 0, number_first, second)
    hyphen = pc.and_(numbered, pc.equal(front.field("joint"), "-"))
    suffix = _suffixes(front.field("s1"), numbered)
    is_block, rest = _blocks(rest, number_first)
    rest = pc.if_else(numbered, rest, clean)
    block = is_block & _bools(numbered)
    # With or without a number the same rest may mean different things: 'DELANO PARK' with one is a street.
    mark = pc.if_else(pa.array(block), "2", pc.if_else(numbered, "1", "0")).cast(pa.large_string())
    marked = pc.binary_join_element_wise(mark, rest, pa.scalar("", pa.large_string())).dictionary_encode()
    rests = [_of_block(_read_rest(key[1:], key[0] != "0"), key[0] == "2") for key in marked.dictionary.to_pylist()]
    codes = marked.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    rests.append(NOTHING)
    parts = _Parts(
        number=_more(np.minimum(number_first, number_second), -1),
        number_high=_more(np.maximum(number_first, number_second), -1),
        hyphen=_more(_bools(hyphen), False),
        number_first=_more(number_first, -1),
        number_second=_more(number_second, -1),
        number_suffix=_more(suffix, ""),
        block=_more(block, False),
        rest=_more(codes, len(rests) - 1),
        rests=rests,
    )
    _settle(parts)
    return parts


def _of_block(rest: Rest, block: bool) -> Rest:
    return replace(rest, kind="block") if block and rest.kind == "address" else rest


def _settle(parts: _Parts) -> None:
    """Numbers found inside join those of the front; numbers of what is no address go; blocks get their kind."""
    kinds = np.array([rest.kind for rest in parts.rests], dtype=object)
    inside = np.array([rest.number >= 0 for rest in parts.rests])
    for at in np.flatnonzero(inside[parts.rest] | (kinds == "block")[parts.rest]):
        rest = parts.rests[parts.rest[at]]
        if parts.number[at] < 0:
            parts.number[at] = parts.number_first[at] = rest.number
            parts.number_high[at] = parts.number_second[at] = rest.number_high
            parts.hyphen[at] = rest.hyphen
            parts.number_suffix[at] = rest.number_suffix
        parts.block[at] |= rest.kind == "block"
    idle = np.isin(kinds, ["nothing", "place"])[parts.rest]
    for numbers in (parts.number, parts.number_high, parts.number_first, parts.number_second):
        numbers[idle & ~inside[parts.rest]] = -1
    parts.hyphen[idle] = False
    parts.block[idle] = False
    parts.number_suffix[idle] = ""


def _blocks(rest: pa.Array, number: Ints) -> tuple[NDArray[np.bool_], pa.Array]:
    """'BLOCK OF 20TH AVE': which rests are so, and the rests without those words."""
    found = _bools(pc.match_substring_regex(rest, _BLOCK))
    # 'BLOCK ISLAND AVE' may be a street; blocks are hundreds.
    found &= (number % 100 == 0) | _bools(pc.match_substring_regex(rest, r"^\S+\s+OF "))
    if found.any():
        rest = pc.if_else(pa.array(found), pc.replace_substring_regex(rest, _BLOCK, r"\1"), rest)
    return found, rest


def _bools(values: pa.Array) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return result.astype(np.bool_)


def _whole(digits: pa.Array, valid: pa.Array) -> Ints:
    """Digits as numbers; -1 where there are none."""
    kept = pc.if_else(pc.and_(valid, pc.not_equal(digits, "")), digits, "-1")
    numbers: Ints = pc.cast(pc.fill_null(kept, "-1"), pa.int64()).to_numpy(zero_copy_only=False)
    return numbers.copy()


def _suffixes(suffix: pa.Array, numbered: pa.Array) -> Objects:
    """'A', '1/2' or ''."""
    kept = pc.fill_null(pc.if_else(numbered, suffix, ""), "").dictionary_encode()
    words = [word.strip(" -").replace("HF", "1/2") for word in kept.dictionary.to_pylist()]
    result: Objects = np.array([*words, ""], dtype=object)[kept.indices.to_numpy(zero_copy_only=False)]
    return result


def _more(values: NDArray[Any], last: object) -> NDArray[Any]:
    """The values and one more."""
    return np.append(values, np.array([last], dtype=values.dtype))


# --- what the fast reader does not understand --------------------------------------------------


def _read_rest(text: str, numbered: bool) -> Rest:
    rest = read_rest(text, numbered)
    if rest.kind in {"nothing", "place"} and text and _worth_tagging(text, rest, numbered):
        return _tagged(text, numbered) or rest
    return rest


def _worth_tagging(text: str, rest: Rest, numbered: bool) -> bool:
    """Only texts with a number and a few words may hold an address that was not seen."""
    if not 6 <= len(text) <= 2 * LONGEST_PLACE or (rest.place and rest.street != NO_STREET):
        return False
    return (numbered or any(map(str.isdigit, text))) and sum(map(str.isalpha, text)) > len(text) // 2


@lru_cache(maxsize=4096)
def _tagged(text: str, numbered: bool) -> Rest | None:
    """The reading of `usaddress`; None where it sees no street, or one without number and suffix."""
    import usaddress

    try:
        tags: dict[str, str] = usaddress.tag(text)[0]
    except Exception:  # RepeatedLabelError, and whatever a statistical model meets
        return None
    name = name_of(fold(" ".join(tags[part] for part in _STREET_TAGS if part in tags)).replace("-", " ").split())
    if name.suffix not in STRONG:
        return None
    number = tags.get("AddressNumber", "")
    value = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else -1
    kind: ReadingKind = "address" if value >= 0 or numbered else "street"
    return Rest(kind, name, alternatives(name), (), value, value, zip=tags.get("ZipCode", "")[:5])


_STREET_TAGS: Final = (
    "StreetNamePreDirectional", "StreetNamePreModifier", "StreetNamePreType", "StreetName", "StreetNamePostType",
    "StreetNamePostDirectional",
)  # fmt: skip
