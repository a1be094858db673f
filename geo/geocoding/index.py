"""What is built once from a city's reference layers: streets, sorted house numbers, ranges, lines and crossings.

Charter: a Reference in, arrays that `matching`, `reverse` and `suggest` look things up in. Metres are those of the
city's metric CRS. A street's name may belong to several streets that do not touch: each is an *instance* of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.boundaries import Vintage
from geo.crs import Floats, from_wgs84
from geo.geocoding.model import Ints, Objects, Places, Points, Reference, Segments, StreetName
from geo.geocoding.parsers import Parser
from geo.geocoding.streets import Streets

CELL_M: Final = 300.0
"""Two stretches of one name with more than one empty cell of this size between them are two streets."""
SAME_SPOT_M: Final = 100.0
"""Address points of the same number on the same street within a cell of this size are one."""
LONGEST_RANGE: Final = 120
"""House numbers that one address point may stand for; of a longer range only the ends are kept."""
NUMBER_BITS: Final = 30
LARGEST_NUMBER: Final = (1 << NUMBER_BITS) - 1
"""What is larger would spill over into the next street's keys; no house has such a number."""
LOOK_BACK: Final = 12


@dataclass(frozen=True)
class Instances:
    """Streets that hang together, sorted by name: `first[n]` to `first[n + 1]` are those of name n.

    `reach_m`: half of the diagonal of the box around a street, and `x_m`, `y_m` its middle; `name_…`: the same for
    everything of one name.
    """

    name: Ints
    first: Ints
    x_m: Floats
    y_m: Floats
    reach_m: Floats
    hyphenated: NDArray[np.bool_]
    name_x_m: Floats
    name_y_m: Floats
    name_reach_m: Floats

    def __len__(self) -> int:
        """How many streets."""
        return len(self.name)


@dataclass(frozen=True)
class Lines:
    """Every segment's line as one run of vertices: `first[s]` to `first[s + 1]`; `along` rises over all of them."""

    first: Ints
    x_m: Floats
    y_m: Floats
    along: Floats
    length_m: Floats

    def at(self, segment: Ints, share: Floats, inset_m: float, offset_m: Floats) -> tuple[Floats, Floats]:
        """Points at a share of segments' lengths, kept `inset_m` from the ends, `offset_m` to the left (negative: right)."""
        length = self.length_m[segment]
        inset = np.minimum(inset_m, length * 0.25)
        start = self.along[self.first[segment]]
        target = start + inset + np.clip(share, 0.0, 1.0) * (length - 2 * inset)
        after = np.searchsorted(self.along, target, side="right")
        after = np.clip(after, self.first[segment] + 1, self.first[segment + 1] - 1)
        before = after - 1
        step = np.maximum(self.along[after] - self.along[before], 1e-9)
        part = np.clip((target - self.along[before]) / step, 0.0, 1.0)
        dx, dy = self.x_m[after] - self.x_m[before], self.y_m[after] - self.y_m[before]
        x = self.x_m[before] + part * dx - dy / step * offset_m
        y = self.y_m[before] + part * dy + dx / step * offset_m
        return x, y


@dataclass(frozen=True)
class Ranges:
    """One entry a side of a segment and parity, sorted by `key` = (instance, parity, low).

    `start`, `end`: numbers in the direction of the line; `side`: 1 left, -1 right; `back`: how many entries before it
    may still hold a number that falls behind its own low end. `parity`: of the numbers, as they are looked up.
    """

    key: Ints
    instance: Ints
    low: Ints
    high: Ints
    start: Ints
    end: Ints
    segment: Ints
    side: NDArray[np.int8]
    parity: NDArray[np.int8]
    zip: Ints
    place: Ints
    back: NDArray[np.int8]


@dataclass(frozen=True)
class Numbers:
    """One entry a house number of an address point, sorted by `key` = (instance, number), and by parity in `by_parity`.

    `parity_key` = (instance, parity, number) is sorted and `by_parity` gives the entries in that order. `high`: the end
    of the range that its point is written with, else the number; `exact`: it is the start or the end of that.
    """

    key: Ints
    instance: Ints
    number: Ints
    suffix: Ints
    x_m: Floats
    y_m: Floats
    zip: Ints
    place: Ints
    high: Ints
    exact: NDArray[np.bool_]
    parity_key: Ints
    by_parity: Ints

    def __len__(self) -> int:
        """How many numbers."""
        return len(self.key)


@dataclass(frozen=True)
class Crossings:
    """Where streets of two names meet, sorted by `key` = (smaller name, larger name)."""

    key: Ints
    x_m: Floats
    y_m: Floats


@dataclass(frozen=True)
class Named:
    """Places and areas by canonical name; `area`: not a place but an area. `reach_m`: how far it extends."""

    names: Mapping[str, Sequence[int]]
    texts: tuple[str, ...]
    x_m: Floats
    y_m: Floats
    reach_m: Floats
    area: NDArray[np.bool_]


@dataclass(frozen=True)
class Index:
    """Everything that a city's addresses are looked up in."""

    crs: str
    streets: Streets
    instances: Instances
    lines: Lines
    segment_instance: Ints
    ranges: Ranges
    numbers: Numbers
    crossings: Crossings
    named: Named
    suffixes: Mapping[str, int]
    places: Mapping[str, int]
    """Towns and neighborhoods that stand behind addresses, folded, and their numbers."""


def build_index(reference: Reference, parser: Parser, areas: Iterable[Vintage] = ()) -> Index:
    """Build the index of a city; the work is in arrays, but for each distinct name of a street."""
    segments = reference.segments
    points = reference.points
    names = _Names(parser)
    segment_name = names.of(segments.street) if segments is not None else np.zeros(0, np.int64)
    point_name = names.of(points.street) if points is not None else np.zeros(0, np.int64)
    crossing_names = (
        [names.of(reference.intersections.street), names.of(reference.intersections.cross)]
        if reference.intersections is not None
        else [np.zeros(0, np.int64)] * 2
    )
    aliases = _aliases(names, segments, segment_name, reference.aliases)
    streets = Streets(names.names, aliases)
    geometry, lines = _lines(segments, reference.crs)
    px, py = from_wgs84(points.lon, points.lat, reference.crs) if points is not None else (np.zeros(0), np.zeros(0))
    instances, segment_instance, point_instance = _instances(
        len(names.names), segment_name, geometry, point_name, px, py, segments, points
    )
    suffixes, places = {"": 0}, {"": 0}
    return Index(
        crs=reference.crs,
        streets=streets,
        instances=instances,
        lines=lines,
        segment_instance=segment_instance,
        ranges=_ranges(segments, segment_instance, places),
        numbers=_numbers(points, point_instance, px, py, suffixes, places),
        crossings=_crossings(reference, crossing_names),
        named=_named(reference.places, areas, reference.crs),
        suffixes=suffixes,
        places=places,
    )


class _Names:
    """Distinct canonical names, numbered in the order in which they come."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self.names: list[StreetName] = []
        self._number: dict[StreetName, int] = {}

    def of(self, texts: Objects) -> Ints:
        codes, distinct = pd.factorize(texts)
        numbers = np.array([self.one(str(text)) for text in distinct], dtype=np.int64)
        return numbers[codes] if len(numbers) else np.zeros(len(texts), dtype=np.int64)

    def one(self, text: str) -> int:
        name = self._parser.street_name(text)
        if name not in self._number:
            self._number[name] = len(self.names)
            self.names.append(name)
        return self._number[name]

    def known(self, text: str) -> int | None:
        return self._number.get(self._parser.street_name(text))

    def name(self, text: str) -> StreetName:
        return self._parser.street_name(text)


def _aliases(
    names: _Names, segments: Segments | None, segment_name: Ints, more: Mapping[str, str]
) -> dict[StreetName, list[int]]:
    found: dict[StreetName, list[int]] = {}
    if segments is not None:
        for column in segments.alternates:
            stated = pd.notna(column) & (column != "")
            pairs = pd.DataFrame({"other": column[stated].astype(str), "name": segment_name[stated]}).drop_duplicates()
            for other, name in pairs.itertuples(index=False):
                if names.names[name] != names.name(other):
                    found.setdefault(names.name(other), []).append(int(name))
    for other, own in more.items():
        whom = names.known(own)
        if whom is not None:
            found.setdefault(names.name(other), []).append(whom)
    return {name: sorted(set(whom)) for name, whom in found.items()}


def _lines(segments: Segments | None, crs: str) -> tuple[Objects, Lines]:
    """Every line in metres, as shapes and as one run of vertices."""
    if segments is None or not len(segments):
        none = np.zeros(0)
        return np.zeros(0, object), Lines(np.zeros(1, np.int64), none, none, none, none)
    coordinates, owner = shapely.get_coordinates(segments.geometry, return_index=True)
    x, y = from_wgs84(coordinates[:, 0], coordinates[:, 1], crs)
    geometry = shapely.linestrings(np.column_stack([x, y]), indices=owner)
    first = np.searchsorted(owner, np.arange(len(segments) + 1))
    step = np.hypot(np.diff(x), np.diff(y))
    step[first[1:-1] - 1] = 1.0  # from one line to the next: any gap will do
    along = np.concatenate([[0.0], np.cumsum(step)])
    return geometry, Lines(first, x, y, along, along[first[1:] - 1] - along[first[:-1]])


def _instances(
    names: int, segment_name: Ints, geometry: Objects, point_name: Ints, px: Floats, py: Floats,
    segments: Segments | None, points: Points | None,
) -> tuple[Instances, Ints, Ints]:  # fmt: skip
    """Which stretches of a name hang together, by the cells that they pass through."""
    if len(geometry):
        dense = shapely.segmentize(geometry, CELL_M * 0.9)
        coordinates, owner = shapely.get_coordinates(dense, return_index=True)
    else:
        coordinates, owner = np.zeros((0, 2)), np.zeros(0, np.int64)
    name = np.concatenate([segment_name[owner], point_name])
    x, y = np.concatenate([coordinates[:, 0], px]), np.concatenate([coordinates[:, 1], py])
    column = np.floor(x / CELL_M).astype(np.int64)
    row = np.floor(y / CELL_M).astype(np.int64)
    column -= column.min(initial=0) - 1
    row -= row.min(initial=0) - 1
    key = (name << 40) | (column << 20) | row
    cells, which = np.unique(key, return_inverse=True)
    label = _connected(cells)
    cell_name = cells >> 40
    order = np.lexsort((label, cell_name))
    groups, _ = pd.factorize(label[order])
    instance_of_cell = np.empty(len(cells), dtype=np.int64)
    instance_of_cell[order] = groups
    instance = instance_of_cell[which]
    count = int(instance_of_cell.max(initial=-1)) + 1
    instance_name = np.zeros(count, dtype=np.int64)
    instance_name[instance_of_cell] = cell_name
    middle_x, middle_y, reach = _boxes(instance, count, x, y)
    name_x, name_y, name_reach = _boxes(name, names, x, y)
    first_vertex = np.searchsorted(owner, np.arange(len(segment_name)))
    segment_instance = instance[: len(owner)][first_vertex] if len(owner) else np.zeros(0, np.int64)
    point_instance = instance[len(owner) :]
    hyphens, entries = np.zeros(count), np.zeros(count)
    for table, of in ((segments, segment_instance), (points, point_instance)):
        if table is not None:
            np.add.at(entries, of, 1)
            np.add.at(hyphens, of, table.hyphenated)
    return (
        Instances(
            instance_name,
            np.searchsorted(instance_name, np.arange(names + 1)),
            middle_x,
            middle_y,
            reach,
            hyphens * 2 > entries,
            name_x,
            name_y,
            name_reach,
        ),
        segment_instance,
        point_instance,
    )


def _boxes(group: Ints, count: int, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Middle of the box around each group's points, and half of its diagonal."""
    low_x, high_x = np.full(count, np.inf), np.full(count, -np.inf)
    low_y, high_y = low_x.copy(), high_x.copy()
    np.minimum.at(low_x, group, x)
    np.maximum.at(high_x, group, x)
    np.minimum.at(low_y, group, y)
    np.maximum.at(high_y, group, y)
    none = low_x > high_x  # a name that only crossings or aliases use
    low_x[none] = high_x[none] = low_y[none] = high_y[none] = np.nan
    return (low_x + high_x) / 2, (low_y + high_y) / 2, np.hypot(high_x - low_x, high_y - low_y) / 2


def _connected(cells: Ints) -> Ints:
    """A label for each cell (sorted keys of name, column, row): cells of one name that touch get the same."""
    label = np.arange(len(cells))
    pairs = []
    for step in (1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1):
        at = np.searchsorted(cells, cells + step)
        at[at == len(cells)] = 0
        met = np.flatnonzero(cells[at] == cells + step) if len(cells) else np.zeros(0, np.int64)
        pairs.append(np.stack([met, at[met]]))
    a, b = np.concatenate(pairs, axis=1)
    while True:
        low = np.minimum(label[a], label[b])
        before = label.copy()
        np.minimum.at(label, label[a], low)
        np.minimum.at(label, label[b], low)
        np.minimum.at(label, a, low)
        np.minimum.at(label, b, low)
        while True:  # follow labels to their own labels, so that long streets settle in few rounds
            jumped = label[label]
            if np.array_equal(jumped, label):
                break
            label = jumped
        if np.array_equal(before, label):
            return label


def codes_of(texts: Objects, table: dict[str, int]) -> Ints:
    """Numbers for texts, new ones added to the table; '' and missing are 0."""
    codes, distinct = pd.factorize(texts)
    numbers = np.array(
        [table.setdefault("" if pd.isna(t) else folded(str(t)), len(table)) for t in distinct] + [0], dtype=np.int64
    )
    return numbers[codes]


def folded(text: str) -> str:
    """A name of a place as it is compared."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.upper()).split())


def zip_codes(texts: Objects) -> Ints:
    """Five digits as a number, 0 where there are none."""
    codes, distinct = pd.factorize(texts)
    numbers = np.array([zip_code(t) for t in distinct] + [0], dtype=np.int64)
    return numbers[codes]


def zip_code(text: object) -> int:
    """One ZIP code as a number; 0 for what is none."""
    digits = str(text)[:5]
    return int(digits) if len(digits) == 5 and digits.isascii() and digits.isdigit() else 0


def _ranges(segments: Segments | None, instance: Ints, places: dict[str, int]) -> Ranges:
    parts: list[dict[str, NDArray[np.int64]]] = []
    if segments is not None:
        for side, start, end, zips, names in (
            (1, segments.left_from, segments.left_to, segments.left_zip, segments.left_place),
            (-1, segments.right_from, segments.right_to, segments.right_zip, segments.right_place),
        ):
            some = np.flatnonzero(((start > 0) | (end > 0)) & (np.maximum(start, end) <= LARGEST_NUMBER))
            low, high = np.minimum(start, end)[some], np.maximum(start, end)[some]
            one_parity = (low % 2 == high % 2) | (low == 0)
            zip_number, place_number = zip_codes(zips), codes_of(names, places)
            for parity in (0, 1):
                holds = ~one_parity | (high % 2 == parity)
                rows = some[holds]
                parts.append(
                    {
                        "instance": instance[rows], "low": low[holds], "high": high[holds],
                        "start": start[rows], "end": end[rows], "segment": rows,
                        "side": np.full(len(rows), side), "parity": np.full(len(rows), parity),
                        "zip": zip_number[rows], "place": place_number[rows],
                    }
                )  # fmt: skip
    fields = ("instance", "low", "high", "start", "end", "segment", "side", "parity", "zip", "place")
    joined = {f: np.concatenate([p[f] for p in parts]) if parts else np.zeros(0, np.int64) for f in fields}
    group = (joined["instance"] * 2 + joined["parity"]) << NUMBER_BITS
    key = group | joined["low"]
    order = np.lexsort((joined["high"], key))
    joined = {f: v[order] for f, v in joined.items()}
    key, group = key[order], group[order]
    return Ranges(
        key=key,
        instance=joined["instance"],
        low=joined["low"],
        high=joined["high"],
        start=joined["start"],
        end=joined["end"],
        segment=joined["segment"],
        side=joined["side"].astype(np.int8),
        parity=joined["parity"].astype(np.int8),
        zip=joined["zip"],
        place=joined["place"],
        back=_back(group, joined["low"], joined["high"]),
    )


def _back(group: Ints, low: Ints, high: Ints) -> NDArray[np.int8]:
    """For each entry, how many before it in its group reach at least its own low end."""
    back = np.zeros(len(low), dtype=np.int8)
    for depth in range(1, LOOK_BACK + 1):
        if len(low) <= depth:
            break
        reaches = (group[depth:] == group[:-depth]) & (high[:-depth] >= low[depth:])
        back[depth:][reaches] = depth
    return back


def _numbers(
    points: Points | None, instance: Ints, x: Floats, y: Floats, suffixes: dict[str, int], places: dict[str, int]
) -> Numbers:
    if points is None or not len(points):
        none, empty = np.zeros(0), np.zeros(0, np.int64)
        return Numbers(empty, empty, empty, empty, none, none, empty, empty, empty, np.zeros(0, bool), empty, empty)
    low, high = np.minimum(points.number, points.number_high), np.maximum(points.number, points.number_high)
    span = high - low
    step = np.where(span % 2 == 0, 2, 1)
    long = span > LONGEST_RANGE
    count = np.where(long, 2, span // step + 1)
    row = np.repeat(np.arange(len(low)), count)
    slot = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    number = low[row] + slot * np.where(long, span, step)[row]
    exact = (slot == 0) | (number == high[row])
    suffix = codes_of(points.number_suffix, suffixes)[row]
    zips, place = zip_codes(points.zip)[row], codes_of(points.place, places)[row]
    keep = (number >= 0) & (high[row] <= LARGEST_NUMBER)
    row, number, exact, suffix, zips, place = (v[keep] for v in (row, number, exact, suffix, zips, place))
    end = high[row]
    owner, at_x, at_y = instance[row], x[row], y[row]
    # One entry for all points of a number that lie together: units, doors, the same address read twice.
    cell = (np.floor(at_x / SAME_SPOT_M).astype(np.int64) << 24) ^ np.floor(at_y / SAME_SPOT_M).astype(np.int64)
    key = (owner << NUMBER_BITS) | number
    order = np.lexsort((cell, end, suffix, zips, ~exact, key))
    columns = [v[order] for v in (key, owner, number, suffix, zips, place, end, exact, cell)]
    key, owner, number, suffix, zips, place, end, exact, cell = columns
    new = np.ones(len(key), dtype=bool)
    new[1:] = (
        (key[1:] != key[:-1]) | (suffix[1:] != suffix[:-1]) | (zips[1:] != zips[:-1]) | (cell[1:] != cell[:-1])
        | (exact[1:] != exact[:-1]) | (end[1:] != end[:-1])
    )  # fmt: skip
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(key)))
    mean_x, mean_y = np.add.reduceat(at_x[order], starts) / sizes, np.add.reduceat(at_y[order], starts) / sizes
    key, owner, number = key[starts], owner[starts], number[starts]
    parity_key = ((owner * 2 + number % 2) << NUMBER_BITS) | number
    by_parity = np.argsort(parity_key, kind="stable")
    return Numbers(
        key=key,
        instance=owner,
        number=number,
        suffix=suffix[starts],
        x_m=mean_x,
        y_m=mean_y,
        zip=zips[starts],
        place=place[starts],
        high=end[starts],
        exact=exact[starts],
        parity_key=parity_key[by_parity],
        by_parity=by_parity,
    )


def _crossings(reference: Reference, names: Sequence[Ints]) -> Crossings:
    found = reference.intersections
    if found is None or not len(found):
        return Crossings(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    x, y = from_wgs84(found.lon, found.lat, reference.crs)
    key = (np.minimum(*names) << 32) | np.maximum(*names)
    order = np.argsort(key, kind="stable")
    return Crossings(key[order], x[order], y[order])


def _named(places: Places | None, areas: Iterable[Vintage], crs: str) -> Named:
    texts: list[str] = []
    x_m: list[float] = []
    y_m: list[float] = []
    reach: list[float] = []
    is_area: list[bool] = []
    if places is not None and len(places):
        x, y = from_wgs84(places.lon, places.lat, crs)
        texts += [str(name) for name in places.name]
        x_m, y_m, reach = list(x), list(y), list(places.radius_m)
        is_area = [False] * len(places)
    for vintage in areas:
        shapes = vintage.areas.geometry.to_crs(crs)
        inside = shapely.point_on_surface(shapes.to_numpy())
        spot = shapely.get_coordinates(inside)
        texts += [str(name) for name in vintage.areas["name"]]
        x_m += list(spot[:, 0])
        y_m += list(spot[:, 1])
        reach += list(shapely.hausdorff_distance(inside, shapely.boundary(shapes.to_numpy())))
        is_area += [True] * len(vintage.areas)
    names: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        names.setdefault(folded(text), []).append(i)
    return Named(
        {name: tuple(whom) for name, whom in names.items() if name and not name.isdigit()},
        tuple(texts),
        np.array(x_m, dtype=np.float64),
        np.array(y_m, dtype=np.float64),
        np.array(reach, dtype=np.float64),
        np.array(is_area, dtype=bool),
    )
