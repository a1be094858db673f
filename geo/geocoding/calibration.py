"""A city's own calibration: how far the geocoder errs where the truth is known.

Charter: results and true places in, the factors of a Passport out. The truth is the city's own: address points that
are held out of the reference, or records whose coordinates are trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import Floats, from_wgs84
from geo.geocoding.model import METHODS, Ints, Located, Objects, Points, Reference
from geo.geocoding.passport import Passport

HELD_OUT: Final = 0.1
MOST: Final = 20_000
NOT_A_GUESS: Final = 0.3
"""Results of a lower score are of a wrong street as likely as not, which no radius is about."""
FEWEST: Final = 200
"""Results of a method that its factor must rest on."""
LOWEST, HIGHEST = 0.25, 4.0
MOST_BINS: Final = 100
LEAST_STEP: Final = 0.001
"""Scores that are nearer to each other than this are one bin's."""
PARTS: Final = 997


class Locates(Protocol):
    """What is calibrated: a Geocoder."""

    def locate(self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None) -> Located:
        """Results for addresses."""
        ...


def factors_of(located: Located, lon: Floats, lat: Floats, crs: str) -> dict[str, float]:
    """What each method's radius must be multiplied by to hold the truth (EPSG:4326) in 95 of 100 cases.

    Split conformal prediction (after Papadopoulos et al.): the 95% quantile of error over radius. Only methods with
    FEWEST results have a factor; no factor is below LOWEST or above HIGHEST.
    """
    x, y = from_wgs84(located.lon, located.lat, crs)
    tx, ty = from_wgs84(lon, lat, crs)
    ratio = np.hypot(x - tx, y - ty) / located.radius_m
    found: dict[str, float] = {}
    for code, name in enumerate(METHODS):
        mine = ratio[(located.method == code) & np.isfinite(ratio) & (located.score >= NOT_A_GUESS)]
        if code and len(mine) >= FEWEST:
            found[name] = round(float(np.clip(np.quantile(mine, 0.95), LOWEST, HIGHEST)), 3)
    return found


def scores_of(score: Floats, right: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """The share right by score, as Passport.scores has it: bins of equally many results, pooled until they rise.

    Bins hold FEWEST results or more; with fewer in all there is no table. Isotonic regression by pooling adjacent
    violators (after Ayer et al.).
    """
    order = np.argsort(score, kind="stable")
    bins = min(len(order) // FEWEST, MOST_BINS)
    if not bins:
        return ()
    pools: list[list[float]] = []
    for part in np.array_split(order, bins):
        pools.append([float(len(part)), float(score[part].sum()), float(right[part].sum())])
        # A share that is no higher than the one before, or scores that are the same: one pool.
        while len(pools) > 1 and (
            pools[-1][2] * pools[-2][0] <= pools[-2][2] * pools[-1][0]
            or pools[-1][1] / pools[-1][0] - pools[-2][1] / pools[-2][0] < LEAST_STEP
        ):
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    knots = [(round(total / n, 4), round(hits / n, 4)) for n, total, hits in pools]
    return ((0.0, 0.0), *knots) if knots[0][0] > 0 else tuple(knots)


def calibrated(reference: Reference, build: Callable[[Reference], Locates]) -> Passport:
    """A Passport with the factors that a reference's own address points tell; without enough of them, the default.

    Points between others are judged by points that are held out, ranges of centerlines by the same ones.
    """
    points = reference.points
    if points is None or len(points) * HELD_OUT < 2 * FEWEST:
        return Passport()
    left, out = held_out(points)
    texts, zips = texts_of(out), out.zip.tolist()
    bare = replace(reference, places=None)
    found = factors_of(build(replace(bare, points=left)).locate(texts, zips), out.lon, out.lat, reference.crs)
    if reference.segments is not None:
        by_ranges = build(replace(bare, points=None)).locate(texts, zips)
        found |= factors_of(by_ranges, out.lon, out.lat, reference.crs)
    # A held-out address that is listed once more under another name says nothing of one that is listed.
    found.pop("address_point", None)
    return Passport(factors=found)


def held_out(points: Points) -> tuple[Points, Points]:
    """Points without a tenth of their addresses, and those: whole addresses, the same ones in every run."""
    keys = pd.util.hash_array(points.street) ^ (points.number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    part = (keys >> np.uint64(20)) % np.uint64(PARTS)
    out = part < np.uint64(PARTS * HELD_OUT)
    return _take(points, np.flatnonzero(~out)), _take(points, np.flatnonzero(out)[:MOST])


def texts_of(points: Points) -> Objects:
    """Addresses as they would be written: '12-14 MAIN ST', '120-05 QUEENS BLVD', '12A MAIN ST'."""
    low, high = points.number.astype(str), points.number_high.astype(str)
    number = np.where(points.number == points.number_high, low, np.char.add(np.char.add(low, "-"), high)).astype(object)
    for i in np.flatnonzero(points.hyphenated):
        number[i] = f"{points.number[i] // 10000}-{points.number[i] % 10000:02d}"
    texts: Objects = number + points.number_suffix + " " + points.street
    return texts


def _take(points: Points, rows: Ints) -> Points:
    return Points(*(getattr(points, name)[rows] for name in points.__dataclass_fields__))
