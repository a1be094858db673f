"""Where a request is: the source's point where it can be believed, else what its address tells, and how that was decided.

Charter: one chunk's coordinates and addresses in, places with their passport out. What is believable is geo.points',
what is mistaken geo.geocoding.doubt's, what an address means the geocoder's; the order and the policy are decided here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType

from etl.config import CityConfig, GeocoderSettings, RequestSource
from etl.transform.flags import FlagSet
from geo.crs import WEB_MERCATOR, Floats
from geo.geocoding.doubt import SENTINEL_RADIUS_M, contradicts, mend
from geo.geocoding.model import METHODS, Alternative, Located, Objects
from geo.points import KnownSentinel, believe

Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]

DEFAULT_POINT: Final = "default_point"
CONTRADICTS: Final = "contradicts_address"
VAGUE: Final = "vague"
SURE_ENOUGH: Final = 0.9
"""Only a result this sure speaks against the source's own point."""
EXACT_METHODS: Final = ("address_point", "address_range", "between_points", "intersection")
DRAWN_TO: Final[Mapping[str, str]] = {
    "address": "between_points", "intersection": "intersection", "block": "place", "street": "street", "area": "area",
}  # fmt: skip
"""`geocoder.draw` -> the vaguest method that is drawn; a named place stands beside the block."""

DEGREE_DIGITS: Final = 6
METRE_DIGITS: Final = 1
SCORE_DIGITS: Final = 4
"""What the geocoder says is kept to a tenth of a metre: no row changes for the last bit of a sum."""

_SEP: Final = "\x1f"


class Finder(Protocol):
    """What is asked of a geocoder here."""

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses."""
        ...

    def nearest_address(self, lon: Floats, lat: Floats) -> Objects:
        """The nearest address of each point as text, None where there is none near."""
        ...


@dataclass(frozen=True)
class Stated:
    """What a chunk's rows say of their places: degrees (NaN: nothing), and texts (null: nothing)."""

    lon: Floats
    lat: Floats
    address: pa.ChunkedArray
    zip: pa.ChunkedArray
    place: pa.ChunkedArray


@dataclass(frozen=True)
class Places:
    """Where the rows are, one entry a row: NaN and None for what is not known. `source`: source, geocoder or none."""

    lon: Floats
    lat: Floats
    source: Objects
    note: Objects
    method: Objects
    score: Floats
    radius_m: Floats
    address: Objects
    alternatives: Objects
    nearest: Objects


class Placer:
    """Places the rows of one source by its city's policy. It reads only, so that threads may share it."""

    def __init__(
        self, config: CityConfig, source: RequestSource, finder: Finder | None, defaults: Sequence[KnownSentinel] = ()
    ) -> None:
        """`defaults` are the source's default points that were found out; without `finder` no address is looked up."""
        self._city = config.city
        self._settings = config.geocoder or GeocoderSettings(contradiction="off", default_points="off", swapped="off")
        self._radius_m = source.radius_m
        self._finder = finder
        self._sentinels = [KnownSentinel(s.lat, s.long, s.radius_m) for s in source.sentinels]
        self._defaults = list(defaults)

    def place(self, said: Stated, flags: FlagSet) -> Places:
        """Decide for every row of a chunk; marks what is doubtful about a place."""
        rows = len(said.lon)
        lon, lat, note = self._believed(said, flags)
        own = np.isfinite(lon)
        text = [np.full(rows, None, dtype=object) for _ in range(4)]
        places = Places(
            lon=lon, lat=lat, source=np.where(own, "source", "none").astype(object), note=note, method=text[0],
            score=np.full(rows, np.nan), radius_m=np.full(rows, np.nan), address=text[1], alternatives=text[2],
            nearest=text[3],
        )  # fmt: skip
        if self._finder is None:
            return places
        asked = said.address.is_valid().to_numpy()
        if self._settings.contradiction == "off":
            asked &= ~own
        self._by_address(said, asked, own, places, flags)
        bare = own & ~said.address.is_valid().to_numpy()
        if bare.any():
            places.nearest[bare] = self._nearest(lon[bare], lat[bare])
        return places

    def _believed(self, said: Stated, flags: FlagSet) -> tuple[Floats, Floats, Objects]:
        """The source's points that stand: longitude, latitude (NaN where none stands) and what was wrong with them."""
        policy, box = self._settings, self._city.bbox
        lon, lat = said.lon, said.lat
        mended: Objects = np.full(len(lon), None, dtype=object)
        if policy.swapped != "off" and _stray(lon, lat, box).any():
            found = mend(lon, lat, box, plane_systems(self._city.crs, box))
            if policy.swapped == "mend":
                lon, lat, mended = found.lon, found.lat, found.note
            else:
                flags.mark("location_mistaken", ~pd.isna(found.note))
        points = believe(lon, lat, bbox=box, crs=self._city.crs, sentinels=self._sentinels)
        note = np.where(pd.isna(points.note), mended, points.note)
        lon, lat = points.lon.copy(), points.lat.copy()
        if self._defaults and policy.default_points != "off":
            on = on_defaults(lon, lat, self._defaults)
            if policy.default_points == "replace":
                lon[on], lat[on], note[on] = np.nan, np.nan, DEFAULT_POINT
            else:
                flags.mark("location_default_point", on)
        return lon, lat, note

    def _by_address(self, said: Stated, asked: Mask, own: Mask, places: Places, flags: FlagSet) -> None:
        """Look the addresses up, each once, and put what is found where the policy wants it."""
        which = np.flatnonzero(asked)
        if not which.size:
            return
        keys = _keys(said, which)
        texts = [key.split(_SEP) for key in keys.dictionary.to_pylist()]
        columns = [[parts[i] for parts in texts] for i in range(3)]
        found = self._finder.locate(*columns)  # type: ignore[union-attr]
        index = keys.indices.to_numpy()
        shown = self._drawn(found)[index]
        wrong = self._contradicted(found, index, places.lon[which], places.lat[which])
        mine = own[which]
        located = np.asarray(found.method)[index] > 0
        replaced = wrong & (self._settings.contradiction == "replace") & shown
        flags.mark("location_contradicts_address", _spread(wrong & ~replaced, which, len(own)))
        taken = (~mine & shown) | replaced
        told = (~mine & located) | wrong
        self._tell(found, index, which, told, places)
        at = which[taken]
        places.lon[at] = np.round(found.lon[index[taken]], DEGREE_DIGITS)
        places.lat[at] = np.round(found.lat[index[taken]], DEGREE_DIGITS)
        places.source[at] = "geocoder"
        places.note[which[replaced]] = CONTRADICTS
        places.note[which[~mine & located & ~shown]] = VAGUE

    def _drawn(self, found: Located) -> Mask:
        """Results that the policy lets stand as a point."""
        last = METHODS.index(DRAWN_TO[self._settings.draw])
        west, south, east, north = self._city.bbox
        with np.errstate(invalid="ignore"):
            inside = (found.lon >= west) & (found.lon <= east) & (found.lat >= south) & (found.lat <= north)
        fine = (found.method > 0) & (found.method <= last) & inside
        out: Mask = fine & (np.round(found.score, SCORE_DIGITS) >= self._settings.min_score)
        return out

    def _contradicted(self, found: Located, index: NDArray[np.int64], lon: Floats, lat: Floats) -> Mask:
        """Rows whose own point lies farther from the place of their address than both can err."""
        if self._settings.contradiction == "off":
            return np.zeros(len(index), dtype=bool)
        codes = [METHODS.index(name) for name in EXACT_METHODS]
        sure = np.isin(found.method, codes) & (np.round(found.score, SCORE_DIGITS) >= SURE_ENOUGH)
        at = np.flatnonzero(sure[index] & np.isfinite(lon))
        out = np.zeros(len(index), dtype=bool)
        these = index[at]
        out[at] = contradicts(
            lon[at], lat[at], self._radius_m, found.lon[these], found.lat[these], found.radius_m[these], self._city.crs
        )
        return out

    @staticmethod
    def _tell(found: Located, index: NDArray[np.int64], which: NDArray[np.int64], told: Mask, places: Places) -> None:
        """The geocoder's word on the rows where it matters."""
        at, these = which[told], index[told]
        names = found.methods()
        ties: Objects = np.full(len(found), None, dtype=object)
        for row, others in found.alternatives.items():
            ties[row] = alternatives_text(others)
        places.method[at] = names[these]
        places.score[at] = np.round(found.score[these], SCORE_DIGITS)
        places.radius_m[at] = np.round(found.radius_m[these], METRE_DIGITS)
        places.address[at] = found.matched[these]
        places.alternatives[at] = ties[these]

    def _nearest(self, lon: Floats, lat: Floats) -> Objects:
        """Nearest addresses, each place asked for once."""
        index, distinct = pd.factorize(lon + 1j * lat)
        found = self._finder.nearest_address(distinct.real.copy(), distinct.imag.copy())  # type: ignore[union-attr]
        out: Objects = found[index]
        return out


def on_defaults(lon: Floats, lat: Floats, defaults: Sequence[KnownSentinel]) -> Mask:
    """Points within reach of a default point; degrees in, NaN is on none."""
    on = np.zeros(len(lon), dtype=bool)
    metres = np.pi / 180 * 6_371_009.0
    with np.errstate(invalid="ignore"):
        for point in defaults:
            east = (lon - point.lon) * np.cos(np.radians(point.lat)) * metres
            on |= np.hypot(east, (lat - point.lat) * metres) <= max(point.radius_m, SENTINEL_RADIUS_M)
    return on


def alternatives_text(others: Sequence[Alternative]) -> str:
    """The other places that an address may mean, as JSON text."""
    return json.dumps(
        [
            {
                "address": other.matched, "method": other.method, "score": round(float(other.score), SCORE_DIGITS),
                "lat": round(float(other.lat), DEGREE_DIGITS), "long": round(float(other.lon), DEGREE_DIGITS),
            }
            for other in others
        ],
        ensure_ascii=False,
    )  # fmt: skip


@lru_cache(maxsize=8)
def plane_systems(crs: str, bbox: Box) -> tuple[str, ...]:
    """Planes in which a source may have written its coordinates: the city's, the state's in feet, the web maps'."""
    found = query_crs_info(
        auth_name="EPSG",
        pj_types=[PJType.PROJECTED_CRS],
        area_of_interest=AreaOfInterest(*bbox),
        contains=True,
    )
    feet = [f"EPSG:{info.code}" for info in found if info.name.startswith("NAD83 / ") and info.name.endswith("(ftUS)")]
    return tuple(dict.fromkeys([crs, *feet, WEB_MERCATOR]))


def _stray(lon: Floats, lat: Floats, box: Box) -> Mask:
    west, south, east, north = box
    with np.errstate(invalid="ignore"):
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    out: Mask = np.isfinite(lon) & np.isfinite(lat) & ~inside
    return out


def _keys(said: Stated, which: NDArray[np.int64]) -> pa.DictionaryArray:
    """Address, ZIP and stated place of rows as one text each, made distinct."""
    at = pa.array(which)
    parts = [pc.fill_null(column.take(at), "") for column in (said.address, said.zip, said.place)]
    parts = [pc.replace_substring(part, _SEP, " ") for part in parts]
    return pc.binary_join_element_wise(*parts, _SEP).combine_chunks().dictionary_encode()


def _spread(mask: Mask, which: NDArray[np.int64], rows: int) -> Mask:
    out = np.zeros(rows, dtype=bool)
    out[which[mask]] = True
    return out
