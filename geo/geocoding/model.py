"""The words that the geocoder's rooms share: names of streets, readings, reference tables, results.

Charter: frozen dataclasses and constants; no logic but what makes a name from its parts. Coordinates are EPSG:4326
where they are called lon and lat, and metres of the city's own CRS where they are called x_m and y_m.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.crs import Floats

Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

ReadingKind = Literal["address", "block", "intersection", "street", "place", "nothing"]
Method = Literal[
    "address_point", "address_range", "between_points", "intersection", "block", "street", "place", "area", "none"
]
METHODS: Final[tuple[Method, ...]] = (
    "none", "address_point", "address_range", "between_points", "intersection", "block", "place", "street", "area",
)  # fmt: skip
"""In code order: `Located.method` holds positions in this tuple. From the surest to the vaguest but for none."""

LONGEST_TEXT: Final = 300
"""Characters of an address; what is longer is not one."""


class StreetName(NamedTuple):
    """A street as USPS Publication 28 would write it: upper-case ASCII words, '' for a part that is not there.

    ('W', 'BROADWAY', '', ''), ('', '20TH', 'AVE', ''), ('', 'AVENUE OF THE AMERICAS', '', ''),
    ('', 'MARTIN LUTHER KING JR', 'BLVD', 'NW'), ('', 'SAINT FRANCIS', 'BLVD', ''), ('', 'STATE HIGHWAY 9', '', '').
    """

    predir: str
    base: str
    suffix: str
    postdir: str

    def text(self) -> str:
        """The name in one line."""
        return " ".join(part for part in self if part)


NO_STREET: Final = StreetName("", "", "", "")


@dataclass(frozen=True, slots=True)
class Rest:
    """What an address says after its number, or as a whole where no plain number stands at its front.

    `number` and the fields after it are those that were found inside ('BUILDING 666 ELLIS STREET'); -1: none.
    `street` is NO_STREET where there is none. `others` are further ways to read the street, best first, where the words
    allow more than one. `cross` are the other streets of an intersection, or the end streets of 'A between B and C'.
    `place` is the text where it may name a place ('MOSCONE RECREATION CENTER'), canonical upper-case ASCII words; it may
    stand beside a street and number.
    """

    kind: ReadingKind
    street: StreetName = NO_STREET
    others: tuple[StreetName, ...] = ()
    cross: tuple[StreetName, ...] = ()
    number: int = -1
    number_high: int = -1
    hyphen: bool = False
    number_suffix: str = ""
    unit: str = ""
    zip: str = ""
    city: str = ""
    place: str = ""


NOTHING: Final = Rest("nothing")


@dataclass(frozen=True)
class Readings:
    """Many addresses as read: one entry a text in the arrays, one entry a distinct rest in `rests`.

    `number`: the (lower) number, -1 where there is none; `number_high`: the higher end of a range, else equal to
    `number`; `hyphen`: the two were written with a hyphen ('120-55', '686-692'): a range, or a number of Queens with
    first part `number_first` and second part `number_second` as they were written; `number_suffix`: '', a letter or
    '1/2'; `block`: 'the 400 block of'. `rest` is the position in `rests`.
    """

    number: Ints
    number_high: Ints
    hyphen: NDArray[np.bool_]
    number_first: Ints
    number_second: Ints
    number_suffix: Objects
    block: NDArray[np.bool_]
    rest: Ints
    rests: Sequence[Rest]

    def __len__(self) -> int:
        """How many texts were read."""
        return len(self.rest)


@dataclass(frozen=True)
class Segments:
    """Street centerlines: one entry a segment, in the direction of its line. 0 to 0: no addresses on that side.

    `street` and what `alternates` holds are texts as the file has them; `left_from` … are numbers (hyphenated ones as
    first * 10000 + second, and `hyphenated` says so). `geometry`: LineStrings in EPSG:4326. `left_zip`, `right_zip`: five digits
    or ''. `left_place`, `right_place`: city or neighborhood that people write behind the street, or ''.
    `from_node`, `to_node`: the file's own node numbers, -1 where it has none. `rank`: 1 = most important, 9 = unknown.
    """

    street: Objects
    geometry: Objects
    left_from: Ints
    left_to: Ints
    right_from: Ints
    right_to: Ints
    hyphenated: NDArray[np.bool_]
    left_zip: Objects
    right_zip: Objects
    left_place: Objects
    right_place: Objects
    from_node: Ints
    to_node: Ints
    alternates: tuple[Objects, ...] = ()

    def __len__(self) -> int:
        """How many segments."""
        return len(self.street)


@dataclass(frozen=True)
class Points:
    """Address points: one entry an address as the file has it. `number_high` equals `number` unless it is a range."""

    street: Objects
    number: Ints
    number_high: Ints
    number_suffix: Objects
    hyphenated: NDArray[np.bool_]
    zip: Objects
    place: Objects
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        """How many address points."""
        return len(self.street)


@dataclass(frozen=True)
class Places:
    """Named places: parks, schools, stations. `radius_m`: how far the place reaches from its point."""

    name: Objects
    lon: Floats
    lat: Floats
    radius_m: Floats

    def __len__(self) -> int:
        """How many places."""
        return len(self.name)


@dataclass(frozen=True)
class Intersections:
    """Crossings: one entry a pair of streets at a node. Names as the segments have them; `legs`: lines that meet."""

    street: Objects
    cross: Objects
    lon: Floats
    lat: Floats
    legs: Ints

    def __len__(self) -> int:
        """How many pairs of streets at nodes."""
        return len(self.street)


@dataclass(frozen=True)
class Reference:
    """Everything a geocoder is built from. `aliases`: other name of a street -> its name; `crs`: the city's metric one.

    `area_names`: names of areas that may stand in an address or be all that it says, by layer: layer -> code -> name;
    the polygons are asked for through geo.boundaries.
    """

    crs: str
    segments: Segments | None = None
    points: Points | None = None
    places: Places | None = None
    intersections: Intersections | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Located:
    """Results, one entry an address. Coordinates in EPSG:4326, NaN where nothing was found (method 0: none).

    `score`: the share right among results of that score (calibrated). `radius_m`: the truth lies within it in 95 of 100
    cases (calibrated by method). `matched`: the address as the reference writes it ('1671 25TH AVE'), None where there
    is none. `corrected`: the street had to be corrected (spelling, suffix or directional). `zip`: of what was found, ''
    where unknown. `alternatives`: for entries with ties, the other places, best first; no key where there are none.
    """

    method: NDArray[np.int8]
    score: Floats
    radius_m: Floats
    lon: Floats
    lat: Floats
    matched: Objects
    corrected: NDArray[np.bool_]
    zip: Objects
    alternatives: Mapping[int, tuple[Alternative, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many addresses were asked for."""
        return len(self.method)

    def methods(self) -> Objects:
        """The methods' names."""
        names: Objects = np.array(METHODS, dtype=object)[self.method]
        return names


class Alternative(NamedTuple):
    """Another place that an address may mean."""

    matched: str
    method: Method
    score: float
    lon: float
    lat: float
