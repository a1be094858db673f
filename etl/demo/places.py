"""Where requests come from: address points, intersections and spots in parks, with how often each is named.

Charter: one table of places, sampling tables over it, and the ways to write each place's address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from etl.demo.blocks import block_of
from etl.demo.city import SyntheticCity, to_lonlat
from etl.demo.frame import CITY, STATE, ZIPS
from etl.demo.names import SUFFIXES
from etl.demo.plan import COMPOSITION_DISTRICT, SLOW_TILT
from etl.demo.services import SERVICES, Places
from etl.demo.streets import ends, node_ids
from etl.demo.terrain import ZONES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int16]

ADDRESS, INTERSECTION, PARK = 0, 1, 2
KINDS: Final = ("address", "intersection", "park")
CORNER_M: Final = 3.0
"""An intersection's point is on one of its corners, so that it is inside one area."""
FORMS: Final = 8
FORM_PLAIN, FORM_POSTAL, FORM_SPACED, FORM_LOWER, FORM_BLOCK, FORM_TYPO, FORM_PADDED, FORM_UNIT = range(FORMS)
PROFILES: Final = get_args(Places)
DRAW_STEPS: Final = 1 << 19


@dataclass(frozen=True)
class PlaceTable:
    """One row a place. ``lon_micro`` counts west, both in millionths of a degree; areas are indices."""

    kind: npt.NDArray[np.int8]
    lon_micro: npt.NDArray[np.int32]
    lat_micro: npt.NDArray[np.int32]
    neighborhood: Small
    district_former: Small
    district_current: Small
    zip_area: Small
    address_forms: pa.Array
    """FORMS texts of each place: form f of place p is at f * len(kind) + p."""
    draw: npt.NDArray[np.int32]
    """(profile * 4 + slow * 2 + after the redrawing, DRAW_STEPS) -> place."""

    def __len__(self) -> int:
        return len(self.kind)


def _corners(city: SyntheticCity, rng: np.random.Generator) -> tuple[Floats, Ints, list[tuple[str, str]], Ints]:
    """Intersections of two named streets: position, block, names, best rank."""
    segments = city.segments
    nodes = node_ids(segments.geometry)
    first, last = ends(segments.geometry)
    xy = np.zeros((int(nodes.max()) + 1, 2))
    xy[nodes[:, 0]], xy[nodes[:, 1]] = first, last
    named: dict[int, list[str]] = {}
    rank = np.full(len(xy), 9, dtype=np.int64)
    for segment, pair in enumerate(nodes):
        for node in pair:
            names = named.setdefault(int(node), [])
            if segments.name[segment] not in names:
                names.append(str(segments.name[segment]))
            rank[node] = min(rank[node], segments.rank[segment])
    crossing = np.array([node for node, names in sorted(named.items()) if len(names) >= 2])
    turn = rng.uniform(0, 2 * np.pi, len(crossing))
    at = xy[crossing] + CORNER_M * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    block = block_of(city.blocks.tree(), shapely.points(at))
    dry = block >= 0
    names2 = [(named[int(node)][0], named[int(node)][1]) for node in crossing[dry]]
    return at[dry], block[dry], names2, rank[crossing[dry]]


def _park_spots(city: SyntheticCity, rng: np.random.Generator) -> tuple[Floats, Ints, list[str]]:
    """Points strewn over the parks, about one a hectare."""
    blocks = city.blocks
    rows = np.flatnonzero(blocks.park >= 0)
    count = np.maximum(1, (shapely.area(blocks.shape[rows]) / 10_000).astype(int))
    owner = np.repeat(rows, count * 4)
    west, south, east, north = shapely.bounds(blocks.shape[owner]).T
    xy = np.stack([rng.uniform(west, east), rng.uniform(south, north)], axis=1)
    inside = shapely.contains_xy(blocks.shape[owner], xy[:, 0], xy[:, 1])
    keep = np.sort(rng.permutation(np.flatnonzero(inside))[: int(count.sum())])
    names = [blocks.park_names[blocks.park[owner[i]]] for i in keep]
    return xy[keep], owner[keep], names


def _weights(xy: Floats, kind: Ints, zone: Ints, arterial: npt.NDArray[np.bool_], harbor_m: Floats,
             rng: np.random.Generator) -> dict[str, Floats]:  # fmt: skip
    """How often each place is named, per profile, up to a constant."""
    people = np.array([place.people for place in ZONES])[zone]
    away = np.hypot(xy[:, 0] - 8_800, xy[:, 1] - 6_700)
    density = np.exp(-away / 3_200) + 0.22
    spot = np.exp(rng.normal(0.0, 0.7, len(xy)))
    busy = np.where(arterial, 2.2, 1.0)
    address, corner, park = (kind == k for k in (ADDRESS, INTERSECTION, PARK))

    def mix(homes: float, corners: float, parks: float, weight: Floats) -> Floats:
        total = np.zeros(len(xy))
        for share, mask in ((homes, address), (corners, corner), (parks, park)):
            part = np.where(mask, weight, 0.0)
            total += share * part / part.sum()
        return total

    return {
        "street": mix(0.58, 0.42, 0.0, density * spot * busy),
        "home": mix(1.0, 0.0, 0.0, people * spot * density**0.3),
        "centre": mix(0.8, 0.17, 0.03, density**2 * spot * busy),
        "leafy": mix(0.95, 0.0, 0.05, spot / people**1.5 / density**0.3),
        "park": mix(0.12, 0.03, 0.85, spot * density**0.7),
        "signal": mix(0.14, 0.86, 0.0, density * spot * busy**2),
        "shore": mix(0.4, 0.3, 0.3, spot * np.exp(-harbor_m / 180.0) + 1e-9),
    }


def _draw_table(weight: Floats) -> npt.NDArray[np.int32]:
    edges = np.cumsum(weight / weight.sum())
    at = (np.arange(DRAW_STEPS) + 0.5) / DRAW_STEPS
    return np.minimum(np.searchsorted(edges, at), len(weight) - 1).astype(np.int32)


def table_index(profile: str, slow: bool, after: int) -> int:
    """Row of PlaceTable.draw."""
    return PROFILES.index(profile) * 4 + int(slow) * 2 + after


def make_places(city: SyntheticCity, seed: int) -> PlaceTable:
    """Every place that a request can name."""
    rng = np.random.default_rng([seed, 2])
    points, areas = city.addresses, city.areas
    corner_xy, corner_block, corner_names, corner_rank = _corners(city, rng)
    park_xy, park_block, park_names = _park_spots(city, rng)
    xy = np.vstack([np.stack([points.x_m, points.y_m], axis=1), corner_xy, park_xy])
    block = np.concatenate([points.block, corner_block, park_block])
    kind = np.repeat([ADDRESS, INTERSECTION, PARK], [len(points.x_m), len(corner_xy), len(park_xy)])
    arterial = np.concatenate([city.segments.rank[points.segment] <= 2, corner_rank <= 2, np.zeros(len(park_xy), bool)])
    harbor_m = shapely.distance(city.terrain.harbor, shapely.centroid(city.blocks.shape))[block]
    weights = _weights(xy, kind, city.blocks.zone[block], arterial, harbor_m, rng)
    districts = areas.district_former[block], areas.district_current[block]
    draw = np.zeros((len(PROFILES) * 4, DRAW_STEPS), dtype=np.int32)
    for profile, slow in sorted({(service.places, service.slow) for service in SERVICES}):
        for after, district in enumerate(districts):
            tilt = np.where((district + 1 == COMPOSITION_DISTRICT) & slow, SLOW_TILT, 1.0)
            draw[table_index(profile, slow, after)] = _draw_table(weights[profile] * tilt)
    lon, lat = to_lonlat(xy[:, 0], xy[:, 1])
    zip_area = areas.zip_area[block]
    forms = _forms(city, corner_names, park_names, zip_area, rng)
    return PlaceTable(
        kind.astype(np.int8), np.round(-lon * 1e6).astype(np.int32), np.round(lat * 1e6).astype(np.int32),
        areas.neighborhood[block].astype(np.int16), districts[0].astype(np.int16), districts[1].astype(np.int16),
        zip_area.astype(np.int16), forms, draw,
    )  # fmt: skip


def spelled_out(street: str) -> str:
    """``Elm St`` → ``ELM STREET``."""
    base, _, suffix = street.rpartition(" ")
    return f"{base.upper()} {SUFFIXES[suffix]}" if suffix in SUFFIXES and base else street.upper()


def _typo(text: str, k: int) -> str:
    """One slip of the finger: a letter lost, doubled or swapped with the next."""
    letters = [i for i, c in enumerate(text[:-1]) if c.isalpha() and i > 4] or [len(text) // 2]
    i = letters[k % len(letters)]
    slips = (text[:i] + text[i + 1 :], text[:i] + text[i] + text[i:], text[:i] + text[i + 1] + text[i] + text[i + 2 :])
    return slips[k % 3]


def _forms(city: SyntheticCity, corners: list[tuple[str, str]], parks: list[str], zip_area: Ints,
           rng: np.random.Generator) -> pa.Array:  # fmt: skip
    """Each place's address in FORMS ways."""
    points = city.addresses
    town, upper = f"{CITY}  {STATE}", CITY.upper()
    plain: list[str] = []
    forms: list[list[str]] = [[] for _ in range(FORMS)]
    long = {str(name): spelled_out(str(name)) for name in set(city.segments.name)}
    slips = rng.integers(0, 1_000, len(zip_area)).tolist()
    zips = [ZIPS[i] for i in zip_area.tolist()]
    streets = city.segments.name[points.segment].tolist()
    for i, (number, street) in enumerate(zip(points.number.tolist(), streets, strict=True)):
        text = f"{number} {street}"
        plain.append(text)
        forms[FORM_POSTAL].append(f"{number} {long[street]}, {upper}, {STATE} {zips[i]}")
        forms[FORM_BLOCK].append(f"{number // 100 * 100} Block of {street.upper()}")
        forms[FORM_UNIT].append(f"{text} Apt {slips[i] % 12 + 1}{'ABCD'[slips[i] % 4]}")
    for a, b in corners:
        plain.append(f"Intersection of {a} and {b}")
        forms[FORM_POSTAL].append(f"{a.upper()} & {b.upper()}, {upper}, {STATE}")
        forms[FORM_BLOCK].append(f"{a} at {b}")
        forms[FORM_UNIT].append(f"{b} / {a}")
    for name, zip_code in zip(parks, zips[len(plain) :], strict=True):
        plain.append(name)
        forms[FORM_POSTAL].append(f"{name.upper()}, {upper}, {STATE} {zip_code}")
        forms[FORM_BLOCK].append(f"{name} (near the entrance)")
        forms[FORM_UNIT].append(f"{name}, {CITY}")
    forms[FORM_PLAIN] = plain
    forms[FORM_SPACED] = [f"{text}  {town}  {zip_code}" for text, zip_code in zip(plain, zips, strict=True)]
    forms[FORM_LOWER] = [text.lower() for text in plain]
    forms[FORM_TYPO] = [_typo(text, k) for text, k in zip(plain, slips, strict=True)]
    forms[FORM_PADDED] = [f"{text}   " for text in plain]
    return pa.array([text for form in forms for text in form], type=pa.string())
