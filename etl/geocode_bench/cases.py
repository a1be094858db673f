"""Addresses with known truth, and the strict reading that says which of them are well-formed.

Charter: text, coordinates in EPSG:4326 and kinds of cases; asks no geocoder. The patterns here are strict on purpose:
an address is well-formed only where a person would not have to think.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.crs import Floats

SUFFIXES: Final = {
    "ST": "STREET", "AVE": "AVENUE", "BLVD": "BOULEVARD", "RD": "ROAD", "DR": "DRIVE", "LN": "LANE", "CT": "COURT",
    "PL": "PLACE", "TER": "TERRACE", "WAY": "WAY", "CIR": "CIRCLE", "PKWY": "PARKWAY", "SQ": "SQUARE", "ALY": "ALLEY",
    "HWY": "HIGHWAY", "PARK": "PARK", "ROW": "ROW", "PATH": "PATH", "PLZ": "PLAZA", "LOOP": "LOOP", "HL": "HILL",
    "STWY": "STAIRWAY", "TUNL": "TUNNEL", "EXPY": "EXPRESSWAY", "WHRF": "WHARF", "GRN": "GREEN", "XING": "CROSSING",
}  # fmt: skip
"""Suffixes that the strict reading knows, with their full words."""
DIRECTIONS: Final = ("N", "S", "E", "W", "NE", "NW", "SE", "SW")

_SUFFIX = "|".join(sorted({*SUFFIXES, *SUFFIXES.values()}, key=len, reverse=True))
_DIRECTION = "|".join(sorted(DIRECTIONS, key=len, reverse=True))
_STREET = re.compile(
    rf"(?:(?P<pre>{_DIRECTION}) )?(?P<base>[A-Z0-9][A-Z0-9'. -]*?) (?P<suffix>{_SUFFIX})(?: (?P<post>{_DIRECTION}))?"
)
_NUMBER = re.compile(r"(?P<low>\d{1,6})(?P<letter> ?[A-Z]| HF| 1/2)?(?:-(?P<high>\d{1,6})[A-Z]?)?")
_CROSSING = re.compile(r"INTERSECTION OF (?P<a>.+?) AND (?P<b>.+)")


class Parts(NamedTuple):
    """A street address in its parts, upper case: '' or -1 for what is not there. `tail`: what follows, with its comma."""

    number: str
    low: int
    high: int
    predir: str
    base: str
    suffix: str
    postdir: str
    tail: str

    def street(self) -> str:
        """The street's name in one line."""
        return " ".join(part for part in (self.predir, self.base, self.suffix, self.postdir) if part)

    def text(self) -> str:
        """The address again."""
        return f"{self.number} {self.street()}{self.tail}"


def tidy(text: str) -> str:
    """Upper case, without spaces at the ends or doubled."""
    return re.sub(r"\s+", " ", text).strip().upper()


def street_parts(text: str) -> tuple[str, str, str, str] | None:
    """A tidy street name as (predir, base, suffix, postdir); None where it does not end in a known suffix."""
    found = _STREET.fullmatch(text)
    return None if found is None else tuple(found[k] or "" for k in ("pre", "base", "suffix", "post"))  # type: ignore[return-value]


def strict(text: str) -> Parts | None:
    """A well-formed street address ('420 BERRY ST, SAN FRANCISCO, CA, 94107'), or None."""
    line, comma, tail = tidy(text).partition(",")
    number, _, street = line.strip().partition(" ")
    if street.startswith(("HF ", "HF-", "1/2 ")):
        mark, _, street = street.partition(" ")
        number = f"{number} {mark}"
    found, parts = _NUMBER.fullmatch(number), street_parts(street)
    if found is None or parts is None or not int(found["low"]):  # 0 stands for "somewhere on it"
        return None
    low = int(found["low"])
    return Parts(number, low, int(found["high"] or low), *parts, comma + tail)


def strict_crossing(text: str) -> tuple[str, str] | None:
    """Both street names of 'Intersection of A and B', tidy; None where either lacks or both are the same."""
    found = _CROSSING.fullmatch(tidy(text).partition(",")[0])
    if found is None:
        return None
    a, b = found["a"].strip(), found["b"].strip()
    return (a, b) if a and b and a != b else None


@dataclass(frozen=True)
class Cases:
    """Addresses with their truth, one entry each. `kind`: 'address', 'intersection' or 'other'; `lon`, `lat`: EPSG:4326.

    `well_formed`: read by `strict` or `strict_crossing`. `doubtful`: the truth contradicts the address by itself.
    `label`: what was done to the text ('clean', 'delete', 'missing suffix', …). `twin`: the text as it stands names
    another real place as well.
    """

    text: list[str]
    lon: Floats
    lat: Floats
    kind: NDArray[np.str_]
    well_formed: NDArray[np.bool_]
    doubtful: NDArray[np.bool_]
    label: NDArray[np.str_]
    twin: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many."""
        return len(self.text)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Cases:
        """Some of them."""
        at = np.arange(len(self.text))[rows]
        return Cases(
            [self.text[i] for i in at], self.lon[at], self.lat[at], self.kind[at], self.well_formed[at],
            self.doubtful[at], self.label[at], self.twin[at],
        )  # fmt: skip


def cases_of(text: list[str], lon: Floats, lat: Floats) -> Cases:
    """Cases of texts as they are: kinds and well-formedness read from the text, nothing doubtful yet."""
    kind, well = [], []
    for one in text:
        address, crossing = strict(one), strict_crossing(one)
        loose = "intersection" if re.match(r"\s*INTERSECTION\b", one, re.IGNORECASE) else "other"
        kind.append("address" if address else loose)
        well.append(bool(address or crossing))
    no = np.zeros(len(text), dtype=bool)
    return Cases(
        text, np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), np.array(kind, dtype=np.str_),
        np.array(well, dtype=bool), no, np.full(len(text), "clean", dtype="<U24"), no.copy(),
    )  # fmt: skip


def distinct(text: list[str], lon: Floats, lat: Floats) -> tuple[list[str], Floats, Floats, int]:
    """Each tidy text once, with the middle one of its places; and how many texts have places over 200 m apart.

    The middle one is a place that occurs (nearest to the median), so that no truth is made up.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(text):
        if tidy(one):
            rows[tidy(one)].append(i)
    keep: list[int] = []
    torn = 0
    for at in rows.values():
        if len(at) == 1:
            keep.append(at[0])
            continue
        east = (lon[at] - np.median(lon[at])) * 88_000  # coarse metres, only to compare with one another
        north = (lat[at] - np.median(lat[at])) * 111_000
        away = np.hypot(east, north)
        torn += bool(away.max() > 200)
        keep.append(at[int(away.argmin())])
    chosen = np.array(keep, dtype=np.int64)
    return [text[i] for i in keep], lon[chosen], lat[chosen], torn
