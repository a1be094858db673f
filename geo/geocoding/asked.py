"""What addresses ask for beside their streets: numbers, letters, ZIP codes and towns as an index knows them.

Charter: Readings and what the source states beside them in, columns out; what ZIP code and town say of a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from geo.crs import Floats
from geo.geocoding.hits import Bools
from geo.geocoding.index import LARGEST_NUMBER, Index, folded, zip_code
from geo.geocoding.model import Ints, Objects, Readings

# Log-likelihoods, relative to saying it right.
ZIP_WRONG: Final = -4.0
PLACE_WRONG: Final = -1.5


@dataclass(frozen=True)
class Asked:
    """What the rows ask for, beside their streets. `number` is -1 where there is none."""

    number: Ints
    high: Ints
    composite: Ints
    block: Bools
    suffix: Ints
    zip: Ints
    place: Ints
    rest: Ints

    def said(self, row: Ints, zips: Ints, places: Ints) -> Floats:
        """What ZIP code and town say of places."""
        stated = self.zip[row]
        wrong_zip = (stated > 0) & (zips > 0) & (stated != zips)
        place = self.place[row]
        wrong_place = (place > 0) & (places > 0) & (place != places)
        return ZIP_WRONG * wrong_zip + PLACE_WRONG * wrong_place


def asked_of(index: Index, readings: Readings, zips: Sequence[str] | None, places: Sequence[str] | None) -> Asked:
    """The columns; a stated ZIP code or town (one entry a text, '' for none) goes before that in the text."""
    rests, rest = readings.rests, readings.rest

    def each(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)[rest] if len(values) else np.zeros(0, np.int64)

    inner = each([r.number for r in rests])
    number = np.where(readings.number >= 0, readings.number, inner)
    high = np.where(readings.number >= 0, readings.number_high, each([r.number_high for r in rests]))
    composite = np.where(
        readings.hyphen,
        readings.number_first * 10000 + readings.number_second,
        number // 100 * 10000 + number % 100,
    )
    suffix = np.where(
        readings.number_suffix == "",
        each([index.suffixes.get(folded(r.number_suffix), -1) for r in rests]),
        _lookup(readings.number_suffix, index.suffixes),
    )
    stated_zip = each([zip_code(r.zip) for r in rests])
    if zips is not None:
        given = _lookup(np.asarray(zips, dtype=object), None)
        stated_zip = np.where(given > 0, given, stated_zip)
    place = each([index.places.get(folded(r.city), 0) if r.city else 0 for r in rests])
    if places is not None:
        given = _lookup(np.asarray(places, dtype=object), index.places)
        place = np.where(given > 0, given, place)
    number, high, composite = (np.minimum(v, LARGEST_NUMBER) for v in (number, high, composite))
    return Asked(number, high, composite, readings.block, suffix, stated_zip, place, rest)


def _lookup(texts: Objects, table: Mapping[str, int] | None) -> Ints:
    """Numbers of texts in a table (folded; -1 or 0 where unknown), or as ZIP codes without one."""
    codes, distinct = pd.factorize(texts)
    if table is None:
        numbers = [0 if pd.isna(t) else zip_code(t) for t in distinct]
    else:
        numbers = [0 if pd.isna(t) or t == "" else table.get(folded(str(t)), -1) for t in distinct]
    return np.array([*numbers, 0], dtype=np.int64)[codes]
