"""Made-up cities of other styles: quadrants, grids of coordinates, suburbs that use one name for everything.

Texts are made from the city's own segments, so the truth is known; what is asked of the geocoder is a share.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import METHODS
from geo.geocoding.passport import Passport
from tests.geo.geocoding.by_hand import Line, Spot, city, metres, street

BLOCK = 160.0
SUFFIXES = {"ST": "Street", "AVE": "Avenue", "DR": "Drive", "LN": "Lane", "CT": "Court", "CIR": "Circle", "RD": "Road"}
DIRECTIONS = {
    "N": "North", "S": "South", "E": "East", "W": "West", "NW": "Northwest", "NE": "Northeast", "SW": "Southwest",
    "SE": "Southeast",
}  # fmt: skip
GOOD = {METHODS.index(name) for name in ("address_point", "address_range", "between_points", "intersection", "block")}
FAR_M = 200.0


def _ordinal(n: int) -> str:
    return f"{n}{'TH' if 10 < n % 100 < 14 else {1: 'ST', 2: 'ND', 3: 'RD'}.get(n % 10, 'TH')}"


def _zip(x: float, y: float) -> str:
    return f"{20_000 + int((x + 9000) // 1500) * 40 + int((y + 9000) // 1500):05d}"


def _street(name: str, corners: Sequence[Spot], first: int = 0, place: str = "") -> list[Line]:
    return [line._replace(zip=_zip(*line.start), place=place) for line in street(name, corners, first)]


def quadrants() -> list[Line]:
    """Letter and number streets in four quadrants, avenues of states across them, circles."""
    lines: list[Line] = []
    for quadrant, east, north in (("NW", -1, 1), ("NE", 1, 1), ("SW", -1, -1), ("SE", 1, -1)):
        for row, letter in enumerate("ABCDEFGHIKLMN", 1):
            lines += _street(f"{letter} ST {quadrant}", [(east * BLOCK * k, north * BLOCK * row) for k in range(13)])
        for column in range(1, 13):
            name = f"{_ordinal(column)} ST {quadrant}"
            lines += _street(name, [(east * BLOCK * column, north * BLOCK * k) for k in range(14)])
    for state, quadrant, angle in (
        ("PENNSYLVANIA", "NW", 150), ("PENNSYLVANIA", "SE", -30), ("NEW YORK", "NE", 20), ("NEW YORK", "NW", 160),
        ("NEW JERSEY", "NW", 105), ("NORTH CAROLINA", "SE", -15), ("SOUTH CAROLINA", "SE", -65),
        ("WEST VIRGINIA", "SW", -140), ("MASSACHUSETTS", "NE", 35),
    ):  # fmt: skip
        dx, dy = BLOCK * math.cos(math.radians(angle)), BLOCK * math.sin(math.radians(angle))
        lines += _street(f"{state} AVE {quadrant}", [(dx * k, dy * k) for k in range(1, 11)])
    for x, name in ((-700.0, "DUPONT CIR NW"), (-1500.0, "LOGAN CIR NW")):
        ring = [(x + 60 * math.cos(t), 1500 + 60 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 5)]
        for k, (a, b) in enumerate(pairwise(ring)):
            lines.append(Line(name, a, b, (25 * k + 1, 25 * k + 23), (25 * k + 2, 25 * k + 24), _zip(*a)))
    return lines


def grid() -> list[Line]:
    """North and south halves that share numbers, diagonals, and a part where streets are coordinates."""
    lines: list[Line] = []
    for half, north in (("N", 1), ("S", -1)):
        for name, column in (("STATE ST", 0), ("CLARK ST", -3), ("HALSTED ST", -8), ("SAINT LOUIS AVE", -12)):
            lines += _street(f"{half} {name}", [(BLOCK * column, north * BLOCK * k) for k in range(26)])
    for half, east in (("W", -1), ("E", 1)):
        for name, row in (("MADISON ST", 0), ("LAKE ST", 4), ("FULLERTON AVE", 15), ("ADDISON ST", 22)):
            lines += _street(f"{half} {name}", [(east * BLOCK * k, BLOCK * row) for k in range(15)])
        for n in range(12, 26):
            lines += _street(f"{half} {_ordinal(n)} ST", [(east * BLOCK * k, -BLOCK * n) for k in range(15)])
    lines += _street("N MILWAUKEE AVE", [(-500 - 120.0 * k, 400 + 120.0 * k) for k in range(15)], 4)
    lines += _street("S ARCHER AVE", [(-200 - 130.0 * k, -2500 - 70.0 * k) for k in range(15)], 16)
    for n in range(1, 14):
        for half, sign in (("N", 1), ("S", -1)):
            for side, east in (("W", -1), ("E", 1)):
                along = [(12_000 + east * BLOCK * k, sign * BLOCK * n) for k in range(12)]
                lines += _street(f"{side} {n * 100} {half}", along)
                lines += _street(
                    f"{half} {n * 100} {side}", [(12_000 + east * BLOCK * n, sign * BLOCK * k) for k in range(12)]
                )
    return lines


def suburbs() -> list[Line]:
    """Three towns that call everything around a block by the same name."""
    lines: list[Line] = []
    draw = random.Random(3)  # noqa: S311 - made-up cities
    names = [*"MAPLE OAK BIRCH WILLOW CEDAR SYCAMORE HERITAGE COLONIAL ORCHARD LAUREL".split(), "FOX RUN", "DEER CREEK"]
    for town, place in enumerate(("ASHBY", "BELTON", "CARVER")):
        for k, name in enumerate(draw.sample(names, 9)):
            x, y, first = town * 9000.0 + k % 3 * 900, k // 3 * 900.0, draw.choice([0, 1, 10, 40])
            lines += _street(f"{name} ST", [(x + BLOCK * i, y) for i in range(6)], first, place)
            lines += _street(f"{name} LN", [(x, y + BLOCK * i) for i in range(5)], first, place)
            lines += _street(f"{name} DR", [(x + BLOCK * i, y + 640) for i in range(6)], first, place)
            lines += _street(f"{name} CT", [(x + 320, y), (x + 320, y + 120)], first, place)
    return lines


class Asked(NamedTuple):
    """A text and where it truly is."""

    text: str
    x: float
    y: float


def _parts(name: str) -> tuple[str, str, str, str]:
    words = name.split()
    before = words.pop(0) if words[0] in DIRECTIONS and words[1] not in SUFFIXES else ""  # N St is a letter's
    after = words.pop() if words[-1] in DIRECTIONS and len(words) > 1 else ""
    suffix = words.pop() if words[-1] in SUFFIXES and len(words) > 1 else ""
    return before, " ".join(words), suffix, after


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _written_out(name: str, draw: random.Random) -> str:
    before, base, suffix, after = _parts(name)
    if base in {"N", "E", "S", "W"}:
        return name  # nobody writes North Street for N St
    return _joined(DIRECTIONS.get(before, ""), base.title(), SUFFIXES.get(suffix, ""), DIRECTIONS.get(after, ""))


def _no_suffix(name: str, draw: random.Random) -> str:
    before, base, _, after = _parts(name)
    return _joined(before, base, after)


def _no_direction(name: str, draw: random.Random) -> str:
    _, base, suffix, _ = _parts(name)
    return _joined(base, suffix)


def _slip(name: str, draw: random.Random) -> str:
    before, base, suffix, after = _parts(name)
    if len(base) < 5 or base[0].isdigit():
        return name
    at = draw.randrange(1, len(base) - 1)
    typed = draw.choice([base[:at] + base[at + 1 :], base[:at] + "X" + base[at:], base[:at] + "Q" + base[at + 1 :]])
    return _joined(before, typed, suffix, after)


def _plain(name: str, draw: random.Random) -> str:
    return name


def _texts(lines: Sequence[Line], write: Callable[[str, random.Random], str], tail: str, seed: int) -> list[Asked]:
    draw = random.Random(seed)  # noqa: S311 - made-up cities
    asked = []
    for line in draw.choices(lines, k=400):
        side, (low, high) = draw.choice([(1, line.left), (-1, line.right)])
        number = draw.randrange(low, high + 1, 2)
        a, b = np.array(line.start), np.array(line.end)
        along = (b - a) / np.hypot(*(b - a))
        at = a + (b - a) * (0.05 + 0.9 * (number - low) / (high - low)) + 12.0 * side * np.array([-along[1], along[0]])
        end = {"": "", "zip": f", {line.zip}", "town": f", {line.place}, MA"}[tail]
        asked.append(Asked(f"{number} {write(line.street, draw)}{end}", float(at[0]), float(at[1])))
    return asked


@cache
def _city(make: Callable[[], list[Line]]) -> tuple[Geocoder, list[Line]]:
    lines = make()
    return Geocoder.build(city(lines), passport=Passport()), lines


@pytest.mark.parametrize(
    ("make", "write", "tail", "right", "sure"),
    [
        (quadrants, _plain, "", 1.0, 0.99), (quadrants, _plain, "zip", 1.0, 0.99), (quadrants, _written_out, "", 1.0, 0.99),
        (quadrants, _no_suffix, "", 0.99, 0.95), (quadrants, _slip, "", 0.98, 0.9), (quadrants, _no_direction, "zip", 0.85, 0.5),
        (quadrants, _no_direction, "", 0.2, 0.0),
        (grid, _plain, "", 1.0, 0.99), (grid, _plain, "zip", 1.0, 0.99), (grid, _written_out, "", 1.0, 0.99),
        (grid, _no_suffix, "", 0.99, 0.95), (grid, _slip, "", 0.98, 0.9), (grid, _no_direction, "", 0.2, 0.0),
        (suburbs, _plain, "zip", 1.0, 0.99), (suburbs, _written_out, "zip", 1.0, 0.99), (suburbs, _plain, "town", 1.0, 0.2),
        (suburbs, _slip, "zip", 0.99, 0.9), (suburbs, _no_suffix, "town", 0.2, 0.0),
    ],
)  # fmt: skip
def test_addresses_are_found_and_what_is_ambiguous_is_not_sure(
    make: Callable[[], list[Line]], write: Callable[[str, random.Random], str], tail: str, right: float, sure: float
) -> None:
    geocoder, lines = _city(make)
    asked = _texts(lines, write, tail, 5)
    found = geocoder.locate([a.text for a in asked])
    x, y = metres(found.lon, found.lat)
    error = np.hypot(x - [a.x for a in asked], y - [a.y for a in asked])
    good = np.isin(found.method, list(GOOD)) & (error <= FAR_M)
    confident = found.score >= 0.9
    wrong = [(a.text, found.matched[i]) for i, a in enumerate(asked) if confident[i] and not error[i] <= FAR_M]
    assert len(wrong) <= 0.005 * len(asked), wrong
    assert good.mean() >= right
    assert confident.mean() >= sure
    if sure > 0.9:
        assert np.median(error) < 10


@pytest.mark.parametrize("make", [quadrants, grid])
@pytest.mark.parametrize("write", [_plain, _written_out])
def test_crossings_are_found(make: Callable[[], list[Line]], write: Callable[[str, random.Random], str]) -> None:
    geocoder, lines = _city(make)
    draw = random.Random(9)  # noqa: S311 - made-up cities
    crossings = city(lines).intersections
    assert crossings is not None
    rows = draw.sample(range(len(crossings)), 200)
    rows = [r for r in rows if _parts(crossings.street[r])[1] != _parts(crossings.cross[r])[1]]
    texts = [f"{write(crossings.street[r], draw)} & {write(crossings.cross[r], draw)}" for r in rows]
    found = geocoder.locate(texts)
    x, y = metres(found.lon, found.lat)
    tx, ty = metres(crossings.lon[rows], crossings.lat[rows])
    assert (np.hypot(x - tx, y - ty) <= 30).mean() >= 0.98
    assert (found.score >= 0.9).mean() >= 0.95
