"""What people write when they ask for a place in the made-up city: clean, and dirty in every way, with known truth.

Charter: texts with truth from a city and a seed. What another place in the city fits as well is marked as a twin.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from etl.geocode_bench.cases import Cases, cases_of
from etl.geocode_bench.city import CRS, City, Homes
from etl.geocode_bench.names import STATE, ordinal_word
from etl.geocode_bench.typos import Streets, plant
from geo.crs import to_wgs84
from geo.geocoding.model import Ints

CROSSING_FORMS: Final = (
    "Intersection of {a} and {b}", "{a} & {b}", "{a} / {b}", "{a} AT {b}", "{a} and {b}", "corner of {a} & {b}",
    "{a} @ {b}", "INTERSECTION {a} AND {b}, {town}", "{a}/{b}", "{a} x {b}",
)  # fmt: skip
_UNITS: Final = ("APT 4B", "#12", "UNIT 3", "FL 2", "STE 210", "Apt. 7", "REAR", "BSMT", "# 5-A", "ROOM 118")
_TAILS: Final = (
    " (in front of)", " - by the bus stop", " near the school", " across from the park", " rear of building",
    " (blue house)", " please hurry", "; north side", " in the alley behind",
)  # fmt: skip
_MISSPELT: Final = {
    "ST": ("STR", "STREET", "STRET", "St."), "AVE": ("AV", "AVENUE", "AVENU", "AVEN", "Ave."), "RD": ("ROAD", "RAOD"),
    "DR": ("DRIVE", "DRV", "DRIV"), "BLVD": ("BOULEVARD", "BLV", "BLVRD", "BOUL"), "CT": ("COURT", "CRT"),
    "PL": ("PLACE", "PLC"), "LN": ("LANE", "LA"), "TER": ("TERRACE", "TERR"), "PKWY": ("PARKWAY", "PKY"),
    "CIR": ("CIRCLE", "CIRC"), "WAY": ("WY",),
}  # fmt: skip


def clean_texts(city: City, homes: Homes, rows: Ints) -> list[str]:
    """The addresses of some homes in three usual spellings, each with its ZIP."""
    network = city.network
    texts = []
    for i in rows.tolist():
        segment = homes.segment[i]
        street, town = str(network.street[segment]), str(network.town[segment])
        number, code = network.house(segment, int(homes.number[i])), network.zip[segment, homes.side[i]]
        form = i % 3
        if form == 0:
            texts.append(f"{number} {street}, {town}, {STATE}, {code}")
        elif form == 1:
            texts.append(f"{number} {street} {code}")
        else:
            texts.append(f"{number} {street.title()}, {town.title()} {STATE} {code}")
    return texts


def clean(city: City, count: int, seed: int) -> Cases:
    """Well-formed addresses with their ZIP."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(city.homes))[:count])
    made = _addresses(city.homes, rows, clean_texts(city, city.homes, rows), "clean")
    made.well_formed[:] = True  # by the way they are made, also where no comma parts the ZIP from the street
    return made


def streets_of(city: City) -> Streets:
    """Which numbers the made-up city's streets have."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    network = city.network
    for side in (0, 1):
        for street, low, high in zip(network.street, network.low[:, side], network.high[:, side], strict=True):
            if low:
                found[str(street)].append((int(low), int(high)))
    return Streets(found)


def _addresses(homes: Homes, rows: Ints, texts: list[str], label: str) -> Cases:
    made = cases_of(texts, homes.lon[rows], homes.lat[rows])
    made.kind[:] = "address"
    made.label[:] = label
    return made


_Dirt = Callable[[str, str, str, str, str, random.Random], str | None]
"""number, street, town, zip, other name of the street ('' for none), draws -> text, None where it does not apply."""


def _spelt(number: str, street: str, town: str, code: str, _other: str, rng: random.Random) -> str | None:
    words = street.split()
    at = next((k for k in range(len(words) - 1, 0, -1) if words[k] in _MISSPELT), -1)
    if at < 0:
        return None
    words[at] = rng.choice(_MISSPELT[words[at]])
    return f"{number} {' '.join(words)}, {town}, {STATE} {code}"


def _ordinal(number: str, street: str, town: str, code: str, _other: str, _rng: random.Random) -> str | None:
    words = street.split()
    for k, word in enumerate(words):
        spoken = ordinal_word(int(word[:-2])) if word[:-2].isdigit() else ""
        if spoken:
            return f"{number} {' '.join([*words[:k], spoken, *words[k + 1 :]])}, {town} {code}"
    return None


def _swapped(pairs: Mapping[str, str]) -> _Dirt:
    def change(number: str, street: str, town: str, code: str, _other: str, _rng: random.Random) -> str | None:
        for old, new in pairs.items():
            if f" {old} " in f" {street} ":
                return f"{number} {f' {street} '.replace(f' {old} ', f' {new} ').strip()}, {town}, {STATE} {code}"
        return None

    return change


def _range(number: str, street: str, town: str, code: str, _other: str, rng: random.Random) -> str | None:
    return None if "-" in number else f"{number}-{int(number) + 2 * rng.randint(1, 3)} {street}, {town} {code}"


_WAYS: Final[Mapping[str, _Dirt]] = {
    "suffix spelt otherwise": _spelt,
    "unit": lambda n, s, t, z, _o, r: f"{n} {s} {r.choice(_UNITS)}, {t}, {STATE}, {z}",
    "words behind": lambda n, s, _t, _z, _o, r: f"{n} {s}{r.choice(_TAILS)}",
    "no ZIP": lambda n, s, t, _z, _o, _r: f"{n} {s}, {t}, {STATE}",
    "bare": lambda n, s, _t, _z, _o, _r: f"{n} {s}",
    "small letters and dots": lambda n, s, t, z, _o, _r: f"  {n} {s.lower().replace(' ', '. ', 1)}., {t.lower()}  {z}",
    "ordinal in words": _ordinal,
    "saint as st": _swapped({"SAINT": "ST."}),
    "highway short": _swapped({"STATE HIGHWAY": "STATE HWY", "US HIGHWAY": "US HWY", "COUNTY ROAD": "CO RD"}),
    "other name": lambda n, _s, t, z, o, _r: f"{n} {o}, {t} {z}" if o else None,
    "range": _range,
    "half or letter": lambda n, s, t, z, _o, r: f"{n}{r.choice([' 1/2', 'A', ' B', '½'])} {s}, {t} {z}",
    "directional in words": _swapped(
        {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST", "NW": "NORTHWEST", "SE": "SOUTHEAST"}
    ),
}


def dirty(city: City, count: int, seed: int, streets: Streets | None = None) -> Cases:
    """As many dirty requests, distinct: about a third typos, a sixth crossings, blocks, and all the other ways."""
    known = streets or streets_of(city)
    typed = clean(city, min(count, len(city.homes)), seed + 1)
    planted = plant(typed, known, seed, max(count // 24, 1))
    parts = [planted, crossings(city, count // 6, seed + 2), blocks(city, count // 20, seed + 3)]
    parts.append(beyond(city, count // 50, seed + 4))
    parts.append(_ways(city, max(count - sum(len(p) for p in parts), 0), seed + 5))
    return _distinct(joined(parts))


def _ways(city: City, count: int, seed: int) -> Cases:
    rng = random.Random(seed)  # noqa: S311 - a benchmark that must come out the same again
    homes, network = city.homes, city.network
    fits = Counter(zip(network.street[homes.segment], homes.number.tolist(), strict=True))
    order = np.random.default_rng(seed).permutation(len(homes))
    source = iter(order.tolist())
    rows: list[int] = []
    texts: list[str] = []
    labels: list[str] = []
    twins: list[bool] = []
    ways = list(_WAYS.items())
    for turn, i in enumerate(source):
        if len(rows) == count:
            break
        label, way = ways[turn % len(ways)]
        segment = homes.segment[i]
        street, number = str(network.street[segment]), int(homes.number[i])
        code = str(network.zip[segment, homes.side[i]])
        text = way(
            network.house(segment, number), street, str(network.town[segment]), code, city.renamed.get(street, ""), rng
        )
        if text is None:
            continue
        rows.append(i)
        texts.append(text)
        labels.append(label)
        twins.append(fits[street, number] > 1 and code not in text)
    made = _addresses(homes, np.array(rows, dtype=np.int64), texts, "")
    return _relabelled(made, labels, twins)


def _relabelled(made: Cases, labels: list[str], twins: list[bool]) -> Cases:
    return Cases(
        made.text, made.lon, made.lat, made.kind, made.well_formed, made.doubtful,
        np.array(labels, dtype="<U24"), np.array(twins, dtype=bool),
    )  # fmt: skip


def _crossings(city: City) -> Iterator[tuple[int, str, str, int]]:
    """Node, both names and the segment of every crossing of two differently named streets."""
    network = city.network
    meet: dict[int, dict[str, int]] = defaultdict(dict)
    for ends in (network.a, network.b):
        for segment, node in enumerate(ends.tolist()):
            meet[node].setdefault(str(network.street[segment]), segment)
    for node, streets in meet.items():
        names = sorted(streets)
        for i, a in enumerate(names):
            yield from ((node, a, b, streets[a]) for b in names[i + 1 :])


def crossings(city: City, count: int, seed: int) -> Cases:
    """Crossings in every form; a pair of names that meets at several nodes is a twin."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark that must come out the same again
    every = list(_crossings(city))
    often = Counter((a, b) for _, a, b, _ in every)
    chosen = rng.sample(every, min(count, len(every)))
    texts, twins, labels = [], [], []
    for k, (_, a, b, segment) in enumerate(chosen):
        form = CROSSING_FORMS[k % len(CROSSING_FORMS)]
        first, second = (a, b) if rng.random() < 0.5 else (b, a)
        texts.append(form.format(a=first, b=second, town=city.network.town[segment]))
        labels.append(f"crossing {form.replace('{a}', 'A').replace('{b}', 'B').split(',')[0]}"[:24])
        twins.append(often[a, b] > 1)
    nodes = np.array([node for node, *_ in chosen], dtype=np.int64)
    made = cases_of(texts, *to_wgs84(city.network.node_x[nodes], city.network.node_y[nodes], CRS))
    made.kind[:] = "intersection"
    return _relabelled(made, labels, twins)


def blocks(city: City, count: int, seed: int) -> Cases:
    """'400 Block of W OAK ST' and its like; the truth is the middle of the block."""
    rng = np.random.default_rng(seed)
    network = city.network
    plain = np.flatnonzero(~network.hyphen & (network.low.max(axis=1) > 100))
    chosen = rng.permutation(plain)[:count]
    hundred = network.low[chosen].max(axis=1) // 100 * 100
    forms = ("{h} Block of {s}, {t}", "{h} BLK {s} {z}", "the {h} block of {s}, {t} {z}")
    street, town, code = network.street[chosen], network.town[chosen], network.zip[chosen, 0]
    texts = [
        forms[k % 3].format(h=h, s=s, t=t, z=z)
        for k, (h, s, t, z) in enumerate(zip(hundred, street, town, code, strict=True))
    ]
    made = cases_of(texts, *network.at(chosen, np.full(len(chosen), 0.5), np.zeros(len(chosen))))
    made.kind[:] = "other"
    every = Counter(zip(network.street, network.low.max(axis=1) // 100 * 100, strict=True))
    twins = [every[s, h] > 1 and z not in x for s, h, z, x in zip(street, hundred, code, texts, strict=True)]
    return _relabelled(made, ["block"] * len(texts), twins)


def beyond(city: City, count: int, seed: int) -> Cases:
    """Addresses that are there though the range in the file ends before them."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(city.outside))[:count])
    return _addresses(city.outside, rows, clean_texts(city, city.outside, rows), "outside of ranges")


def joined(parts: list[Cases]) -> Cases:
    """Several lists of cases as one."""
    return Cases(
        [t for p in parts for t in p.text],
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("lon", "lat", "kind", "well_formed", "doubtful", "label", "twin")
        ),
    )


def _distinct(cases: Cases) -> Cases:
    first = {text: i for i, text in reversed(list(enumerate(cases.text)))}
    return cases.take(np.array(sorted(first.values()), dtype=np.int64))
