"""A city's reference for its geocoder: the files that the YAML's section `geocoder` names, read into one Reference.

Charter: finding, reading and telling whether files changed; what their columns hold is geo.geocoding.reference's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from etl.config import CityConfig
from etl.config.geocoder import AddressesFile, AliasFile, GeocoderSettings, PlacesFile, StreetsFile
from etl.disk import sha256_of
from etl.errors import SourceError
from etl.layers import find_file
from geo.errors import GeoError, LayerError
from geo.geocoding.model import Places, Points, Reference, Segments
from geo.geocoding.passport import Passport
from geo.geocoding.reference import (
    Dropped,
    PlaceColumns,
    PointColumns,
    SegmentColumns,
    join_places,
    join_points,
    join_segments,
    places_of_frame,
    points_and_dropped,
    read_table,
    segments_of,
)
from geo.geocoding.topology import intersections_of

T = TypeVar("T")
F = TypeVar("F", StreetsFile, AddressesFile, PlacesFile, AliasFile)
C = TypeVar("C", SegmentColumns, PointColumns, PlaceColumns)

_OURS = {"lon": "long"}


@dataclass(frozen=True)
class ReferenceFiles:
    """Where the files are, what tells them from others, and what they hold once they are read."""

    settings: GeocoderSettings
    crs: str
    paths: dict[str, Path]
    sha256: str

    @classmethod
    def of(cls, config: CityConfig, folders: Sequence[Path]) -> ReferenceFiles | None:
        """Find the files beside the YAML or the inputs; None without a section; SourceError names one that is nowhere."""
        settings = config.geocoder
        if settings is None:
            return None
        named = [(kind, file.path) for kind, files in _kinds(settings) for file in files]
        if settings.calibration is not None:
            named.append(("calibration", settings.calibration))
        paths = {path: find_file(path, folders, f"geocoder: {kind}") for kind, path in named}
        parts = [config.city.crs, settings.model_dump_json()]
        parts += [f"{path} {sha256_of(found)}" for path, found in sorted(paths.items())]
        return cls(settings, config.city.crs, paths, hashlib.sha256("\n".join(parts).encode()).hexdigest())

    def read(self) -> tuple[Reference, dict[str, Dropped]]:
        """The reference, and by file of address points what could not be used; SourceError names file and column."""
        settings = self.settings
        dropped: dict[str, Dropped] = {}

        def points(frame: pd.DataFrame, file: AddressesFile) -> Points:
            found, dropped[file.path] = points_and_dropped(frame, _columns(file, PointColumns))
            return found

        segments = [self._read("streets", file, _segments) for file in settings.streets]
        addresses = [self._read("addresses", file, points) for file in settings.addresses]
        places = [self._read("places", file, _places) for file in settings.places]
        if settings.named_places:
            places.append(_given(settings))
        aliases: dict[str, str] = {}
        for file in settings.alias_files:
            aliases.update(self._read("alias_files", file, _aliases))
        streets = join_segments(segments) if segments else None
        reference = Reference(
            crs=self.crs,
            segments=streets,
            points=join_points(addresses) if addresses else None,
            places=join_places(places) if places else None,
            intersections=intersections_of(streets, self.crs) if streets is not None else None,
            aliases={**aliases, **settings.aliases},
        )
        return reference, dropped

    def passport(self) -> Passport | None:
        """The calibration that the YAML names; None where it names none. SourceError says what is wrong with the file."""
        named = self.settings.calibration
        return None if named is None else _passport(self.paths[named])

    def _read(self, kind: str, file: F, make: Callable[[pd.DataFrame, F], T]) -> T:
        """One file through `make`; whatever geo refuses is said with the file's name, once."""
        found = self.paths[file.path]
        try:
            return make(read_table(found), file)
        except GeoError as error:
            text = str(error).removeprefix(f"{found}: ")
            raise SourceError(f"geocoder: {kind}: {found}: {text}") from error


def read_reference(config: CityConfig, folders: Sequence[Path]) -> Reference | None:
    """What the city's geocoder is built from; None without a section `geocoder`.

    SourceError says in one line which file is nowhere in `folders`, cannot be read, or lacks which column.
    """
    files = ReferenceFiles.of(config, folders)
    return None if files is None else files.read()[0]


def fingerprint(config: CityConfig, folders: Sequence[Path]) -> str | None:
    """sha256 over the section's settings and its files' bytes; None without a section."""
    files = ReferenceFiles.of(config, folders)
    return None if files is None else files.sha256


def passport_of(settings: GeocoderSettings, folders: Sequence[Path]) -> Passport | None:
    """The calibration of scores and radii that the YAML names, found in `folders`; None where it names none.

    SourceError says where the file was looked for, or what is wrong with it.
    """
    if settings.calibration is None:
        return None
    return _passport(find_file(settings.calibration, folders, "geocoder: calibration"))


def _passport(path: Path) -> Passport:
    try:
        return Passport.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"geocoder: calibration: {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SourceError(
            f"geocoder: calibration: {path}: {why}; make it with 'openward geocode … --write-calibration'"
        ) from error


def _kinds(
    settings: GeocoderSettings,
) -> list[tuple[str, Sequence[StreetsFile | AddressesFile | PlacesFile | AliasFile]]]:
    return [
        ("streets", settings.streets),
        ("addresses", settings.addresses),
        ("places", settings.places),
        ("alias_files", settings.alias_files),
    ]


def _columns(file: StreetsFile | AddressesFile | PlacesFile, kind: type[C]) -> C:
    """The YAML's names of columns as geo takes them."""
    return kind(**{f.name: getattr(file, _OURS.get(f.name, f.name)) for f in fields(kind)})


def _segments(frame: pd.DataFrame, file: StreetsFile) -> Segments:
    return segments_of(frame, _columns(file, SegmentColumns))


def _places(frame: pd.DataFrame, file: PlacesFile) -> Places:
    return places_of_frame(frame, _columns(file, PlaceColumns))


def _given(settings: GeocoderSettings) -> Places:
    """The places that the YAML gives itself."""
    places = settings.named_places
    return Places(
        np.array(list(places), dtype=object),
        *(
            np.array([getattr(p, key) for p in places.values()], dtype=np.float64)
            for key in ("long", "lat", "radius_m")
        ),
    )


def _aliases(frame: pd.DataFrame, file: AliasFile) -> dict[str, str]:
    """Other name -> name, rows without both left out."""
    for column in (file.name, file.stands_for):
        if column not in frame.columns:
            there = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise LayerError(f"column '{column}' is missing; the file has {there}")
    pairs = frame[[file.name, file.stands_for]].dropna().astype(str)
    return {
        name.strip(): street.strip() for name, street in pairs.to_numpy().tolist() if name.strip() and street.strip()
    }
