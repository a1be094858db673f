"""A city's geocoder within a run: read and built at its first use, once, and shared by all who clean.

Charter: when the geocoder is made and of what; what it answers is geo.geocoding's, what is done with it etl.transform's.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, Final

import numpy as np

from etl.events import emit
from etl.geocoder_reference import ReferenceFiles
from geo.boundaries import Vintage
from geo.crs import Floats
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import LONGEST_TEXT, Ints, Located, Objects, Reference
from geo.geocoding.passport import Passport
from geo.geocoding.reverse import Reverse

NEAR_M: Final = 100.0
"""An address farther than this from a point says nothing of it."""

MOST_REMEMBERED: Final = 500_000
"""Answers that are kept during a run: some 150 MB."""

COLUMNS: Final = tuple(f.name for f in dataclasses.fields(Located) if f.name != "alternatives")


Asked = tuple[str | None, str, str]
"""An address with the ZIP and the place that stand beside it."""


class Remembered:
    """Answers that were given, so that the thousand chunks of a load do not look one corner up a thousand times."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Nothing is known; at most `most` answers are kept, whatever comes after is answered and forgotten."""
        self._most = most
        self._at: dict[Asked, int] = {}
        self._answers: Located | None = None

    def __contains__(self, key: Asked) -> bool:
        """Whether it need not be looked up."""
        return key in self._at

    def answer(self, keys: Sequence[Asked], missing: Sequence[Asked], fresh: Located | None) -> Located:
        """The answers to `keys`, of which `missing` were looked up just now: `fresh`."""
        pool, first = self._answers, 0 if self._answers is None else len(self._answers)
        if fresh is not None:
            pool = fresh if pool is None else _joined(pool, fresh)
        here = {key: first + i for i, key in enumerate(missing)}
        if pool is None:
            raise ValueError("no answer is known and none was given")
        if fresh is not None and len(pool) <= self._most:
            self._answers = pool
            self._at.update(here)
        known = self._at
        return _taken(pool, np.array([here[key] if key in here else known[key] for key in keys], dtype=np.int64))


def _plain(text: str | None) -> str | None:
    """An address in capitals and single blanks: spellings that no geocoder tells apart are asked for once."""
    return text if text is None or len(text) > LONGEST_TEXT else " ".join(text.upper().split())


def _joined(one: Located, other: Located) -> Located:
    """Both, one after the other."""
    columns = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in COLUMNS}
    later = {len(one) + row: ties for row, ties in other.alternatives.items()}
    return Located(**columns, alternatives={**one.alternatives, **later})


def _taken(found: Located, at: Ints) -> Located:
    """The entries at these positions."""
    ties = {}
    if found.alternatives:
        ties = {i: found.alternatives[row] for i, row in enumerate(at.tolist()) if row in found.alternatives}
    return Located(**{name: getattr(found, name)[at] for name in COLUMNS}, alternatives=ties)


class CityGeocoder:
    """The geocoder of a city. Answers only; threads may share it."""

    def __init__(self, files: ReferenceFiles, layers: Mapping[str, Sequence[Vintage]]) -> None:
        """Nothing is read yet; `layers` are the boundary layers whose areas addresses may name."""
        self._files, self._layers = files, layers
        self._lock = Lock()
        self._known = Remembered()

    @property
    def sha256(self) -> str:
        """What tells this reference and these settings from others."""
        return self._files.sha256

    @cached_property
    def reference(self) -> Reference:
        """The city's files as read; SourceError names file and column of what is wrong."""
        reference, dropped = self._files.read()
        emit("geocoder_reference_read", unusable={path: found.total for path, found in dropped.items() if found.total})
        return reference

    @cached_property
    def passport(self) -> Passport:
        """The calibration of scores and radii, the city's own where it has one; SourceError names a bad file."""
        return self._files.passport() or Passport()

    @cached_property
    def geocoder(self) -> Geocoder:
        """The geocoder itself."""
        areas = [vintages[-1] for vintages in self._layers.values() if vintages]
        return Geocoder.build(self.reference, self._files.settings.parser, areas, self.passport)

    @cached_property
    def _reverse(self) -> Reverse:
        return Reverse(self.geocoder.index)

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses, one entry each. An address that was asked for before in this run is not looked up again."""
        with self._lock:
            geocoder = self.geocoder
        rows = len(texts)
        if not rows:
            return geocoder.locate(texts)
        told = [_plain(text) for text in texts]
        keys = list(zip(told, zips or [""] * rows, places or [""] * rows, strict=True))
        missing = list(dict.fromkeys(key for key in keys if key not in self._known))
        asked = ([text for text, _, _ in missing], [zip_ for _, zip_, _ in missing], [place for _, _, place in missing])
        fresh = geocoder.locate(*asked) if missing else None
        with self._lock:
            return self._known.answer(keys, missing, fresh)

    def nearest_address(self, lon: Floats, lat: Floats) -> Objects:
        """The nearest address of each point as text, None where there is none near."""
        with self._lock:
            reverse = self._reverse
        found = reverse(lon, lat)
        near = found.address.copy()
        near[~(found.address_distance_m <= NEAR_M)] = None
        return near

    def described(self) -> dict[str, Any]:
        """Settings, fingerprint and calibration, fit to be published."""
        settings = self._files.settings
        told = ("parser", "draw", "min_score", "contradiction", "default_points", "swapped")
        calibration = json.loads(json.dumps(dataclasses.asdict(self.passport), default=dict))
        return {
            "settings": {name: getattr(settings, name) for name in told},
            "fingerprint": self.sha256,
            "calibration": calibration,
        }
