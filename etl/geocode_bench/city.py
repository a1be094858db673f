"""A made-up US city with known truth: streets, ranges and address points of every awkward kind, from one seed.

Charter: geometry and names by seeded draws; knows nothing of the geocoder but the shape of its reference tables. Metres
are those of `CRS`. Streets run along the lines of a bent grid; a line is cut into stretches, each a street of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from etl.geocode_bench.names import (
    ALONE,
    HIGHWAY,
    PLACE_KIND,
    SAINT,
    SUFFIX,
    SUFFIX_SHARE,
    TOWN,
    bases,
    ordinal,
)  # fmt: skip
from geo.crs import Floats, to_wgs84
from geo.geocoding.model import Ints, Objects, Places, Points, Segments

CRS: Final = "EPSG:26915"
HYPHEN: Final = 10_000
_ORIGIN: Final = (430_000.0, 4_610_000.0)
_PART: Final = 11
_BENDS: Final = np.linspace(0, 1, 7)


@dataclass(frozen=True)
class Network:
    """Segments as they were drawn, before they were digitised this way or that: along rising house numbers.

    `a`, `b`: node indices; `bow_m`: how far the middle bends to the left; `low`, `high`: theirs by side (0 left, 1 right),
    0: none; `step`: 2, or 1 where a side has both parities; `top`: what `high` would be without a gap at the end. `hyphen`:
    numbers are first * HYPHEN + second.
    """

    node_x: Floats
    node_y: Floats
    a: Ints
    b: Ints
    bow_m: Floats
    low: Ints
    high: Ints
    top: Ints
    step: Ints
    street: Objects
    town: Objects
    zip: Objects
    hyphen: NDArray[np.bool_]

    def house(self, segment: int, number: int) -> str:
        """A house number as it is written on a segment: 120-05 where numbers have a hyphen."""
        return f"{number // HYPHEN}-{number % HYPHEN:02d}" if self.hyphen[segment] else str(number)

    def at(self, segment: Ints, part: Floats, left_m: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude of places along segments (part 0 to 1), so many metres to the left of the line."""
        ax, ay = self.node_x[self.a[segment]], self.node_y[self.a[segment]]
        dx, dy = self.node_x[self.b[segment]] - ax, self.node_y[self.b[segment]] - ay
        length = np.hypot(dx, dy)
        bow = self.bow_m[segment]
        side = bow * np.sin(np.pi * part) + left_m
        slope = (
            bow * np.pi * np.cos(np.pi * part) / length
        )  # the line's own turn, so that the offset stays square to it
        x = ax + dx * part - dy / length * side + dx / length * -slope * left_m
        y = ay + dy * part + dx / length * side + dy / length * -slope * left_m
        return to_wgs84(x, y, CRS)


@dataclass(frozen=True)
class Homes:
    """Addresses with their truth: one entry each. `number` of a hyphenated one is first * 10000 + second."""

    segment: Ints
    side: Ints
    number: Ints
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        """How many."""
        return len(self.segment)


@dataclass(frozen=True)
class City:
    """The made-up city: what a geocoder may see (`segments`, `points`, `places`) and what is true of it."""

    network: Network
    segments: Segments
    points: Points
    places: Places
    homes: Homes
    outside: Homes
    """Addresses that are there, though the centerlines' ranges end before them."""
    renamed: dict[str, str]
    """Streets with another name besides: name -> the other."""


def make_city(segments: int = 100_000, homes: int = 1_000_000, seed: int = 11) -> City:
    """A city of so many segments and homes; the same seed gives the same city."""
    rng = np.random.default_rng(seed)
    network = _network(segments, rng)
    renamed = _renamed(network, rng)
    inside = _homes(network, homes, rng, beyond=False)
    return City(
        network, _digitised(network, renamed, rng), points_of_homes(network, inside), _places(network, rng), inside,
        _homes(network, max(homes // 100, 50), rng, beyond=True), renamed,
    )  # fmt: skip


def _network(segments: int, rng: np.random.Generator) -> Network:
    n = max(math.ceil((1 + math.sqrt(1 + 2 * segments)) / 2), 4)  # n lines each way make 2 n (n - 1) segments
    x, y = _nodes(n, rng)
    parts = _lines(n, rng)
    spare = len(parts["a"]) - segments
    keep = np.sort(rng.permutation(len(parts["a"]))[: len(parts["a"]) - max(spare, 0)])
    parts = {k: v[keep] for k, v in parts.items()}
    m = len(keep)
    low, high, top, step = _ranges(parts["hundred"], parts["odd_left"], parts["hyphen"], rng)
    bow = np.where(rng.random(m) < 0.15, rng.uniform(5, 16, m) * rng.choice([-1.0, 1.0], m), 0.0)
    return Network(
        x, y, parts["a"], parts["b"], bow, low, high, top, step, parts["street"], parts["town"],
        _zips(parts["a"], parts["b"], n), parts["hyphen"],
    )  # fmt: skip


def _nodes(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    across, up = np.cumsum(rng.uniform(80, 150, n)), np.cumsum(rng.uniform(80, 150, n))
    gx, gy = (g.ravel() + rng.normal(0, 3, n * n) for g in np.meshgrid(across, up, indexing="ij"))
    gx += 25 * np.sin(gy / 1700)  # streets that bend with the land
    turn = math.radians(7)
    return (
        _ORIGIN[0] + gx * math.cos(turn) - gy * math.sin(turn),
        _ORIGIN[1] + gx * math.sin(turn) + gy * math.cos(turn),
    )


def _region(i: int, j: int, n: int) -> str:
    """The way of numbering at a crossing of lines i (from the west) and j (from the south)."""
    if i > 0.85 * n:
        return "hyphen"
    if j < 0.15 * n:
        return "quarter"
    return "old" if j > 0.85 * n else "grid"


def _lines(n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Every segment of the grid with its street, town and first number, along rising numbers."""
    pool, used = bases(), _Names(rng)
    columns: dict[str, list[object]] = {k: [] for k in ("a", "b", "hundred", "odd_left", "hyphen", "street", "town")}
    for upright in (True, False):
        for line in range(n):
            at = 0
            while at < n - 1:
                here = _cell(upright, line, at, n)
                end = at + (n if rng.random() < 0.02 else 2 + int(rng.geometric(0.15)))
                stop = next(
                    (k for k in range(at, min(end, n - 1)) if _cell(upright, line, k, n) != here), min(end, n - 1)
                )
                zips = {(line // _PART, k // _PART)[:: 1 if upright else -1] for k in range(at, stop)}
                name = used.draw(pool, line, here, upright=upright, zips=zips)
                odd_left, first = bool(rng.random() < 0.5), int(rng.integers(0, 4))
                for k in range(at, stop):
                    _segment(columns, n, upright, line, k, here, name, odd_left, first + k - at)
                at = stop
    kinds = {"street": object, "town": object, "odd_left": bool, "hyphen": bool}
    return {k: np.array(v, dtype=kinds.get(k, np.int64)) for k, v in columns.items()}


def _cell(upright: bool, line: int, k: int, n: int) -> str:
    return _region(line, k, n) if upright else _region(k, line, n)


def _segment(
    columns: dict[str, list[object]], n: int, upright: bool, line: int, k: int, region: str,
    name: tuple[str, bool], odd_left: bool, nth: int,
) -> None:  # fmt: skip
    """Add the k-th segment of a line: directionals, direction and hundred by the region's way of numbering."""
    lower, upper = (line * n + k, line * n + k + 1) if upright else (k * n + line, (k + 1) * n + line)
    middle = n // 2 if region == "grid" or not upright else n // 13
    street, plain = name
    hundred, rising = nth * 100, True
    if region in ("grid", "quarter"):
        rising = k >= middle
        hundred = 100 * (k - middle if rising else middle - 1 - k)
    if region == "hyphen":
        hundred = (k + 1) * HYPHEN
    if not plain and region == "grid":
        street = f"{('N' if rising else 'S') if upright else ('E' if rising else 'W')} {street}"
    elif not plain and region == "quarter":
        east, north = (line >= n // 2, rising) if upright else (rising, line >= n // 13)
        street = f"{street} {'N' if north else 'S'}{'E' if east else 'W'}"
    columns["a"].append(lower if rising else upper)
    columns["b"].append(upper if rising else lower)
    columns["hundred"].append(hundred)
    columns["odd_left"].append(odd_left)
    columns["hyphen"].append(region == "hyphen")
    columns["street"].append(street)
    columns["town"].append(TOWN[region])


class _Names:
    """Draws street names: families of suffixes, numbered streets, and names that recur in other ZIP areas, never in one."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._where: dict[str, set[tuple[int, ...]]] = {}
        self._all: list[str] = []

    def draw(
        self, pool: list[str], line: int, region: str, *, upright: bool, zips: set[tuple[int, ...]]
    ) -> tuple[str, bool]:
        """A name without directional, and whether it takes none; new within these ZIP areas."""
        while True:
            name, plain = self._propose(pool, line, region, upright)
            near = {(a + i, b + j) for a, b in zips for i in (-1, 0, 1) for j in (-1, 0, 1)}
            if not near & self._where.get(name, set()):
                break
        if name not in self._where:
            self._all.append(name)
        self._where.setdefault(name, set()).update(zips)
        return name, plain

    def _propose(self, pool: list[str], line: int, region: str, upright: bool) -> tuple[str, bool]:
        rng = self._rng
        dice = rng.random()
        if dice < (0.6 if region == "hyphen" else 0.15):
            suffix = "ST" if upright else ("AVE", "RD", "DR")[line % 3]
            number = line + 1 if region != "hyphen" or upright else line // 3 + 1
            if rng.random() < 0.9:
                return f"{ordinal(number)} {suffix if region == 'hyphen' else ('AVE' if upright else 'ST')}", False
            return f"{ordinal(int(rng.integers(1, 13)))} {rng.choice(['PL', 'CT', 'TER'])}", False
        if dice > 0.98:
            return str(rng.choice(HIGHWAY if rng.random() < 0.5 else ALONE)), True
        suffix = str(rng.choice(SUFFIX, p=SUFFIX_SHARE))
        if dice > 0.95:
            return f"SAINT {rng.choice(SAINT)} {suffix}", False
        if dice > 0.87 and self._all:
            again = self._all[int(rng.integers(len(self._all)))]
            if again not in HIGHWAY and again not in ALONE:
                return again, False
        if dice > 0.75 and self._all:  # the same base with another suffix: a family
            again = self._all[int(rng.integers(len(self._all)))]
            if again not in HIGHWAY and again not in ALONE:
                return f"{again.rpartition(' ')[0]} {suffix}", False
        return f"{pool[int(rng.integers(len(pool)))]} {suffix}", False


def _ranges(
    hundred: Ints, odd_left: NDArray[np.bool_], hyphen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Lowest and highest number of both sides, what the highest would be, and steps: with gaps, empty and mixed sides."""
    m = len(hundred)
    full = np.where(hyphen, 59, 99)
    low, top = np.zeros((m, 2), dtype=np.int64), np.zeros((m, 2), dtype=np.int64)
    for side in (0, 1):
        odd = odd_left if side == 0 else ~odd_left
        low[:, side] = hundred + np.where(odd, 1, 2)
        top[:, side] = hundred + np.where(odd, full, full - 1)
    high = top - np.where(rng.random((m, 2)) < 0.3, 2 * rng.integers(1, 20, (m, 2)), 0)
    step = np.full((m, 2), 2, dtype=np.int64)
    mixed = np.flatnonzero(rng.random(m) < 0.04)  # all houses on one side, odd and even
    one = rng.integers(0, 2, mixed.size)
    low[mixed, one], high[mixed, one] = hundred[mixed] + 1, hundred[mixed] + full[mixed] - 1
    top[mixed, one], step[mixed, one] = high[mixed, one], 1
    low[mixed, 1 - one] = 0
    low[rng.random((m, 2)) < 0.05] = 0
    high[low == 0], top[low == 0] = 0, 0
    return low, high, top, step


def _zips(a: Ints, b: Ints, n: int) -> Objects:
    """ZIP codes by side (0 left, 1 right of rising numbers): those of the blocks to either side of the line."""
    ai, aj, bi, bj = a // n, a % n, b // n, b % n
    upright = ai == bi
    rising = np.where(upright, bj > aj, bi > ai)
    along_i, along_j = np.minimum(ai, bi), np.minimum(aj, bj)
    before = np.where(upright, np.maximum(along_i - 1, 0) // _PART * 100 + along_j // _PART,
                      along_i // _PART * 100 + np.maximum(along_j - 1, 0) // _PART)  # fmt: skip
    after = along_i // _PART * 100 + along_j // _PART
    # Going north the west is to the left; going east the north is.
    west_left = np.where(upright, rising, ~rising)
    left, right = np.where(west_left, before, after), np.where(west_left, after, before)
    return np.array([[f"{50000 + x:05d}", f"{50000 + y:05d}"] for x, y in zip(left, right, strict=True)], dtype=object)


def _renamed(network: Network, rng: np.random.Generator) -> dict[str, str]:
    streets = np.unique(network.street.astype(str))
    chosen = rng.choice(streets, max(len(streets) // 40, 1), replace=False)
    pool = bases()
    taken = {" ".join(s.split()[1:-1]) or s for s in streets}
    free = [b for b in pool if b not in taken] or pool
    return {str(s): f"{free[int(rng.integers(len(free)))]} MEMORIAL WAY" for s in chosen}


def _digitised(network: Network, renamed: dict[str, str], rng: np.random.Generator) -> Segments:
    """The centerline file: two fifths of the lines drawn against the numbers, sides and ends swapped with them."""
    m = len(network.a)
    flip = rng.random(m) < 0.4
    at = np.repeat(np.arange(m), len(_BENDS))
    lon, lat = network.at(at, np.tile(_BENDS, m), np.zeros(at.size))
    lines = np.stack([lon, lat], axis=1).reshape(m, len(_BENDS), 2)
    lines[flip] = lines[flip, ::-1]
    bent = network.bow_m != 0
    geometry = np.empty(m, dtype=object)
    geometry[bent] = shapely.linestrings(lines[bent])
    geometry[~bent] = shapely.linestrings(lines[~bent][:, [0, -1]])
    low, high = network.low, network.high
    left, right = np.where(flip, 1, 0), np.where(flip, 0, 1)
    row = np.arange(m)

    def start(side: Ints) -> Ints:
        return np.asarray(np.where(flip, high[row, side], low[row, side]))

    def end(side: Ints) -> Ints:
        return np.asarray(np.where(flip, low[row, side], high[row, side]))

    other = np.array([renamed.get(s, "") for s in network.street], dtype=object)
    return Segments(
        street=network.street, geometry=geometry, left_from=start(left), left_to=end(left), right_from=start(right),
        right_to=end(right), hyphenated=network.hyphen, left_zip=network.zip[row, left],
        right_zip=network.zip[row, right], left_place=network.town, right_place=network.town,
        from_node=np.where(flip, network.b, network.a), to_node=np.where(flip, network.a, network.b), alternates=(other,),
    )  # fmt: skip


def _homes(network: Network, count: int, rng: np.random.Generator, *, beyond: bool) -> Homes:
    """Distinct addresses with their places; `beyond`: those past the ends of the ranges."""
    floor = np.where(network.high > 0, network.high + 2, 0) if beyond else network.low
    top = network.top if beyond else network.high
    usable = np.argwhere((floor > 0) & (top >= floor))
    if not usable.size:
        usable, floor = np.argwhere(network.low > 0), network.low
    picked = usable[rng.integers(0, len(usable), int(count * 1.35) + 20)]
    segment, side = picked[:, 0], picked[:, 1]
    low, high, step = floor[segment, side], top[segment, side], network.step[segment, side]
    number = low + step * np.floor(rng.random(len(segment)) * ((high - low) // step + 1)).astype(np.int64)
    unique = np.unique(np.stack([segment, side, number], axis=1), axis=0)
    rows = unique[np.sort(rng.permutation(len(unique))[:count])]
    segment, side, number = rows.T
    start, reach = network.low[segment, side], network.top[segment, side]
    if not beyond:
        reach = network.high[segment, side]
    part = np.where(reach > start, (number - start) / np.maximum(reach - start, 1), 0.5)
    part = np.clip(0.05 + 0.9 * part + rng.normal(0, 0.03, len(rows)), 0.01, 0.99)
    left_m = np.where(side == 0, 1, -1) * np.clip(rng.normal(14, 4, len(rows)), 5, 30)
    return Homes(segment, side, number, *network.at(segment, part, left_m))


def points_of_homes(network: Network, homes: Homes) -> Points:
    """The address points of homes."""
    none = np.full(len(homes), "", dtype=object)
    return Points(
        street=network.street[homes.segment], number=homes.number, number_high=homes.number, number_suffix=none,
        hyphenated=network.hyphen[homes.segment], zip=network.zip[homes.segment, homes.side],
        place=network.town[homes.segment], lon=homes.lon, lat=homes.lat,
    )  # fmt: skip


def _places(network: Network, rng: np.random.Generator) -> Places:
    names = [f"{b} {PLACE_KIND[i % len(PLACE_KIND)]}" for i, b in enumerate(rng.choice(bases(), 800, replace=False))]
    m = len(names)
    segment = rng.integers(0, len(network.a), m)
    lon, lat = network.at(segment, np.full(m, 0.5), np.full(m, 50.0))
    return Places(np.array(names, dtype=object), lon, lat, rng.uniform(30, 250, m))
