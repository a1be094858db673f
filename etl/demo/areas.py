"""Neighborhoods, two maps of council districts and ZIP areas, each a grouping of whole blocks.

Charter: which block is in which area. As areas are unions of blocks, they follow
streets and shores and tile the land exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from etl.demo.blocks import Blocks
from etl.demo.frame import ZIPS
from etl.demo.terrain import ZONES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEIGHBORHOODS: Final = {
    "Downtown": ("Downtown", "Custom House"), "Old Port": ("Old Port", "Ropewalk"),
    "Midtown": ("Midtown", "The Numbers"), "North End": ("North End", "Chapel Hill"),
    "Northeast": ("Beacon Point", "Shoreham"), "Northgate": ("Northgate", "Upper Northgate"),
    "Hills": ("Alder Hills", "Woodside"), "West Bank": ("West Bank", "Quarry"),
    "Mills": ("The Mills", "Millrace"), "Southside": ("Southside", "Saint Brendan"),
    "South Shore": ("South Shore", "Fort Point"), "Southfield": ("Southfield", "Grove"),
    "Pondside": ("Pondside", "Upper Pond"), "Riverside": ("Riverside", "Île Verte"),
    "Far Fields": ("Far Fields", "Old Farms"), "Crossing": ("The Crossing", "Creekside"),
}  # fmt: skip
"""Zone -> the names of its first and, where it is split, second neighborhood."""
NEIGHBORHOOD_COUNT: Final = 24
DISTRICT_COUNT: Final = 9
MOVED_SHARE: Final = 0.125
"""Share of the people whose district changes with the second map."""


@dataclass(frozen=True)
class Areas:
    """The area's index of every block, per layer, and the areas' names; population per block in people."""

    population: Floats
    neighborhood: Ints
    neighborhood_names: tuple[str, ...]
    district_former: Ints
    district_current: Ints
    zip_area: Ints

    def dissolve(self, blocks: Blocks, index: Ints) -> tuple[npt.NDArray[np.object_], Ints]:
        """One geometry per area of ``index`` (plan metres), and its people."""
        count = int(index.max()) + 1
        shapes = np.array([shapely.coverage_union_all(blocks.shape[index == i]) for i in range(count)], dtype=object)
        people = np.round(np.bincount(index, weights=self.population, minlength=count)).astype(np.int64)
        return shapes, people


def neighbours(blocks: Blocks) -> Ints:
    """Pairs of blocks that share at least 1 m of edge, (n, 2), each pair both ways."""
    left, right = shapely.STRtree(blocks.shape).query(blocks.shape, predicate="intersects")
    apart = left < right
    left, right = left[apart], right[apart]
    shared = shapely.length(shapely.intersection(blocks.shape[left], blocks.shape[right])) > 1.0
    pairs = np.stack([left[shared], right[shared]], axis=1)
    return np.vstack([pairs, pairs[:, ::-1]]).astype(np.int64)


def _pieces(index: Ints, pairs: Ints) -> Ints:
    """Number of the connected piece of each block, where only blocks of one area connect."""
    inner = pairs[index[pairs[:, 0]] == index[pairs[:, 1]]]
    piece = np.arange(len(index))
    while True:
        lowest = piece.copy()
        np.minimum.at(lowest, inner[:, 0], piece[inner[:, 1]])
        lowest = lowest[lowest]
        if np.array_equal(lowest, piece):
            return piece
        piece = lowest


def connected(index: Ints, pairs: Ints, weight: Floats) -> Ints:
    """Give pieces cut off from their area to a neighbour, so that each area is one piece (but for islands)."""
    index = index.copy()
    for _ in range(6):
        piece = _pieces(index, pairs)
        size = np.bincount(piece, weights=weight + 1e-3, minlength=len(index))
        best = np.zeros(int(index.max()) + 1)
        np.maximum.at(best, index, size[piece])
        stray = size[piece] < best[index]
        if not stray.any():
            break
        moves = pairs[stray[pairs[:, 0]] & ~stray[pairs[:, 1]]]
        if len(moves) == 0:
            break
        index[moves[:, 0]] = index[moves[:, 1]]
    return index


def _distance2(xy: Floats, seeds: Floats) -> Floats:
    return np.asarray(((xy[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2))


def _centres(xy: Floats, people: Floats, index: Ints, count: int) -> Floats:
    mass = np.bincount(index, weights=people, minlength=count) + 1e-9
    return np.stack([np.bincount(index, weights=people * xy[:, k], minlength=count) / mass for k in (0, 1)], axis=1)


def _seeds(xy: Floats, people: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Spread seeds: each next one far from the others (k-means++)."""
    chosen = [int(people.argmax())]
    for _ in range(count - 1):
        far = _distance2(xy, xy[chosen]).min(axis=1) * people
        chosen.append(int(rng.choice(len(xy), p=far / far.sum())))
    return xy[chosen]


def _balanced(xy: Floats, people: Floats, seeds: Floats, rounds: int = 120) -> Ints:
    """A power diagram whose cells hold nearly equal numbers of people."""
    count = len(seeds)
    weight = np.zeros(count)
    distance2 = _distance2(xy, seeds)
    target = people.sum() / count
    index = distance2.argmin(axis=1)
    for step in range(rounds):
        held = np.bincount(index, weights=people, minlength=count)
        weight += 2.5e6 * (1.0 - held / target) * (1.0 - 0.8 * step / rounds)
        index = (distance2 - weight).argmin(axis=1)
    return np.asarray(index)


def _neighborhoods(xy: Floats, people: Floats, zone: Ints, rng: np.random.Generator) -> tuple[Ints, tuple[str, ...]]:
    in_zone = np.bincount(zone, weights=people, minlength=len(ZONES))
    split = set(np.argsort(-in_zone)[: NEIGHBORHOOD_COUNT - len(ZONES)].tolist())
    index = np.zeros(len(xy), dtype=np.int64)
    names: list[str] = []
    for number, place in enumerate(ZONES):
        rows = np.flatnonzero(zone == number)
        parts = 2 if number in split else 1
        seeds = _seeds(xy[rows], people[rows] + 1.0, parts, rng)
        for _ in range(8):
            inside = _distance2(xy[rows], seeds).argmin(axis=1)
            seeds = _centres(xy[rows], people[rows] + 1.0, inside, parts)
        index[rows] = len(names) + inside
        names += NEIGHBORHOODS[place.name][:parts]
    return index, tuple(names)


def _redrawn(
    xy: Floats, people: Floats, former: Ints, seeds: Floats, rng: np.random.Generator, tidy: Callable[[Ints], Ints]
) -> Ints:
    """Move the seeds until about MOVED_SHARE of the people are in another district."""
    turn = rng.uniform(0, 2 * np.pi, len(seeds))
    drift = np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(0.6, 1.4, len(seeds))[:, None]
    grown = people * (1.0 + 0.25 * (xy[:, 0] > 9_000))
    best, best_gap = former, 1.0
    for shift_m in np.arange(60.0, 900.0, 40.0):
        index = tidy(_balanced(xy, grown, seeds + drift * shift_m))
        gap = abs(float(people[index != former].sum() / people.sum()) - MOVED_SHARE)
        if gap < best_gap:
            best, best_gap = index, gap
    return best


def make_areas(blocks: Blocks, addresses_per_block: Ints, rng: np.random.Generator) -> Areas:
    """Group the blocks of the city three ways (and districts twice)."""
    centre = shapely.get_coordinates(shapely.centroid(blocks.shape))
    per_address = np.array([zone.people for zone in ZONES])[blocks.zone]
    people = addresses_per_block * per_address * np.exp(rng.normal(0.0, 0.25, len(centre)))
    pairs = neighbours(blocks)

    def tidy(index: Ints) -> Ints:
        return connected(index, pairs, people)

    neighborhood, names = _neighborhoods(centre, people, blocks.zone, rng)
    north = centre[:, 1] > np.interp(
        centre[:, 0], (0, 2000, 4000, 5900, 7700, 9300), (7650, 6950, 7250, 6050, 6350, 5750)
    )
    across = centre + np.stack([np.zeros(len(centre)), 1_200.0 * north], axis=1)
    seeds = _seeds(across, people, DISTRICT_COUNT, rng)
    for _ in range(12):
        former = _balanced(across, people, seeds, rounds=60)
        seeds = _centres(across, people, former, DISTRICT_COUNT)
    order = np.argsort(np.argsort(-_centres(across, people, former, DISTRICT_COUNT)[:, 1]))
    seeds = seeds[np.argsort(order)]
    former = tidy(_balanced(across, people, seeds))
    current = _redrawn(across, people, former, seeds, rng, tidy)
    zip_seeds = _seeds(across, people, len(ZIPS), rng)
    for _ in range(6):
        zip_area = _distance2(across, zip_seeds).argmin(axis=1)
        zip_seeds = _centres(across, people, zip_area, len(ZIPS))
    return Areas(people, tidy(neighborhood), names, former, current, tidy(zip_area))
