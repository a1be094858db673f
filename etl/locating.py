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

from etl.errors import SourceError
from etl.events import emit
from etl.geocoder_reference import ReferenceFiles
from geo.boundaries import Vintage
from geo.crs import Floats
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Located, Objects, Reference
from geo.geocoding.passport import Passport
from geo.geocoding.reverse import Reverse

NEAR_M: Final = 100.0
"""An address farther than this from a point says nothing of it."""


class CityGeocoder:
    """The geocoder of a city. Answers only; threads may share it."""

    def __init__(self, files: ReferenceFiles, layers: Mapping[str, Sequence[Vintage]]) -> None:
        """Nothing is read yet; `layers` are the boundary layers whose areas addresses may name."""
        self._files, self._layers = files, layers
        self._lock = Lock()

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
        name = self._files.settings.calibration
        if name is None:
            return Passport()
        path = self._files.paths[name]
        try:
            return Passport.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SourceError(f"geocoder: calibration: {path}: {error}") from error

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
        """Places for addresses, one entry each."""
        with self._lock:
            geocoder = self.geocoder
        return geocoder.locate(texts, zips, places)

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
