"""A city's geocoder within a run: read and built at its first use, once, and shared by all who clean.

Charter: when the geocoder is made and of what; what it answers is geo.geocoding's, what is done with it etl.transform's.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from threading import Lock
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import SourceUnavailable
from etl.events import emit
from etl.geocoder_reference import ReferenceFiles
from etl.providers.chain import ProviderChain
from geo.boundaries import Vintage
from geo.crs import Floats
from geo.geocoding.crew import Crew
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Located, Objects, Reference
from geo.geocoding.results import filled, joined, nothing, taken
from geo.geocoding.reverse import Reverse

NEAR_M: Final = 100.0
"""An address farther than this from a point says nothing of it."""

MOST_REMEMBERED: Final = 500_000
"""Answers that are kept during a run: some 150 MB."""

Tell = Callable[[str], None]
Asked = tuple[str | None, str, str]
"""An address with the ZIP and the place that stand beside it."""


class Remembered:
    """Answers that were given, so that the thousand chunks of a load do not look one corner up a thousand times."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Nothing is known; at most `most` answers are kept, whatever comes after is answered and forgotten."""
        self._most = most
        self._at: dict[Asked, int] = {}
        self._answers: Located | None = None

    def missing(self, keys: Sequence[Asked]) -> list[Asked]:
        """Those of `keys` that have to be looked up, each once, in their order."""
        known = self._at
        return [key for key in dict.fromkeys(keys) if key not in known]

    def answer(self, keys: Sequence[Asked], missing: Sequence[Asked], fresh: Located | None) -> Located:
        """The answers to `keys`, of which `missing` were looked up just now: `fresh`."""
        pool, first = self._answers, 0 if self._answers is None else len(self._answers)
        if fresh is not None:
            pool = fresh if pool is None else joined([pool, fresh])
        here = {key: first + i for i, key in enumerate(missing)}
        if pool is None:
            raise ValueError("no answer is known and none was given")
        if fresh is not None and len(pool) <= self._most:
            self._answers = pool
            self._at.update(here)
            here = {}
        known = self._at
        at = [here[key] if key in here else known[key] for key in keys] if here else [known[key] for key in keys]
        return taken(pool, np.array(at, dtype=np.int64))


def _plain(texts: Sequence[str | None] | Objects) -> list[str | None]:
    """Addresses in capitals and single blanks: spellings that no geocoder tells apart are asked for once."""
    capitals = pc.utf8_upper(pa.array(texts, pa.string()))
    plain: list[str | None] = pc.utf8_trim_whitespace(pc.replace_substring_regex(capitals, r"\s+", " ")).to_pylist()
    return plain


class CityLocator:
    """What finds a city's addresses: its own reference, then the services that its YAML names."""

    def __init__(
        self, geocoder: Geocoder | None, chain: ProviderChain | None, tell: Tell, crew: Crew | None = None
    ) -> None:
        """`tell` gets a line when the services fail and the reference goes on alone; a `crew` does long lists faster."""
        self.geocoder, self._chain, self._tell = geocoder, chain, tell
        self._own: Crew | Geocoder | None = crew or geocoder
        self._asking = Lock()

    def locate(
        self, texts: Sequence[str | None], zips: Sequence[str] | None = None, places: Sequence[str] | None = None
    ) -> Located:
        """One result an address. SourceUnavailable when there are only services and none answers."""
        found = self._own.locate(texts, zips, places) if self._own else nothing(len(texts))
        open_ = [i for i in np.flatnonzero(found.method == 0).tolist() if texts[i]] if self._chain else []
        if not open_:
            return found
        with self._asking:  # one question after the other: services are asked at a rate
            return self._served(found, texts, zips, open_)

    def _served(
        self, found: Located, texts: Sequence[str | None], zips: Sequence[str] | None, open_: Sequence[int]
    ) -> Located:
        if self._chain is None:
            return found
        try:
            more = self._chain.locate([str(texts[i]) for i in open_], zips=zips and [zips[i] for i in open_])
        except SourceUnavailable as error:
            if self.geocoder is None:
                raise
            self._tell(f"{error}; going on without it")
            self._chain = None
            return found
        return filled(found, more, open_)


class CityGeocoder:
    """The geocoder of a city in a run. Answers only; threads may share it."""

    def __init__(
        self, files: ReferenceFiles, layers: Mapping[str, Sequence[Vintage]],
        services: Callable[[], ProviderChain] | None = None,
    ) -> None:  # fmt: skip
        """Nothing is read yet; `layers` are the boundary layers whose areas addresses may name.

        `services` opens those that the city's YAML names, when the first address is not in its own reference.
        """
        self._files, self._layers, self._services = files, layers, services
        self._lock = Lock()
        self._known = Remembered()
        self._open = ExitStack()

    def close(self) -> None:
        """Let the services go."""
        self._open.close()

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
    def geocoder(self) -> Geocoder:
        """The geocoder itself, with the city's own calibration where the YAML names one; SourceError names a bad file."""
        areas = [vintages[-1] for vintages in self._layers.values() if vintages]
        return Geocoder.build(self.reference, self._files.settings.parser, areas, self._files.passport())

    @cached_property
    def _locator(self) -> CityLocator:
        chain = self._open.enter_context(self._services()) if self._services else None
        return CityLocator(
            self.geocoder, chain, lambda line: emit("geocoding_service", level=logging.WARNING, message=line)
        )

    @cached_property
    def _reverse(self) -> Reverse:
        return Reverse(self.geocoder.index)

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses, one entry each. An address that was asked for before in this run is not looked up again."""
        with self._lock:
            locator = self._locator
        rows = len(texts)
        if not rows:
            return nothing(0)
        keys = list(zip(_plain(texts), zips or [""] * rows, places or [""] * rows, strict=True))
        missing = self._known.missing(keys)
        asked = ([text for text, _, _ in missing], [zip_ for _, zip_, _ in missing], [place for _, _, place in missing])
        fresh = locator.locate(*asked) if missing else None
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
        calibration = json.loads(json.dumps(dataclasses.asdict(self.geocoder.passport), default=dict))
        return {
            "settings": {name: getattr(settings, name) for name in told},
            "fingerprint": self.sha256,
            "calibration": calibration,
        }
