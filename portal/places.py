"""The geocoder behind the portal: made in the background of a release's public address index, asked by pages and API.

Charter: when it is made and of what, and what its answers say; how addresses are read and found is geo.geocoding's. What
people type is looked up and forgotten: it is never kept, and in no log or message of an error.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import numpy as np

from portal.errors import BadRequest, NotFound, NotReady, PortalError
from portal.street_outline import along

if TYPE_CHECKING:
    from geo.boundaries import Vintage
    from geo.geocoding.geocoder import Geocoder
    from geo.geocoding.passport import Passport
    from portal.outline import Outline
    from portal.release import Release

T = TypeVar("T")

log = logging.getLogger("openward.portal")

INDEX = ("address_points", "street_segments", "intersections", "place_names")
"""Files of a release that hold its address index; any of the first two is enough to find something."""
LONGEST_TYPED = 200
MOST_SUGGESTIONS = 20
MOST_OTHERS = 6
NEAR_M = 250.0
"""What is farther from a point says nothing of it."""
SURE = 0.995
DIGITS = 6
METRES_A_DEGREE = 111_000.0
REACH = 2.0
"""Radii beyond which a point does not lie: all but a millionth of them lie within."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a half-typed text may become, and where that leads."""

    label: str
    kind: str  # address, intersection, street, place or area
    detail: str  # tells equal labels apart
    lat: float
    long: float
    radius_m: float
    layer: str | None  # of an area
    area: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Likely:
    """An area that a point with its error radius may lie in; `area` None: outside of all areas of the layer."""

    layer: str
    area: str | None
    name: str | None
    probability: float | None  # None: the point has no radius
    assigned: bool  # the area that the point itself lies in
    url: str | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another place that an address may mean."""

    address: str
    method: str
    score: float
    lat: float
    long: float
    where: str  # the area of the first layer that it lies in
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """An address as the geocoder found it, with its passport; method 'none': nowhere, and most members are None."""

    method: str
    address: str | None
    score: float | None  # the share that is right among results like this one
    radius_m: float | None  # holds the true place in 95 of 100 cases
    lat: float | None
    long: float | None
    zip: str | None
    corrected: bool  # the spelling of the street was corrected
    areas: tuple[Likely, ...]
    alternatives: tuple[Other, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What is nearest to a point; None where there is nothing near."""

    address: str | None
    address_distance_m: float | None
    interpolated: bool  # the number was worked out from the block's
    block: str | None
    block_distance_m: float | None
    crossing: str | None
    crossing_distance_m: float | None
    areas: tuple[Likely, ...]


def has_index(release: Release) -> bool:
    """Whether a release carries what addresses can be looked up in."""
    return any(release.package.resource(name) is not None for name in INDEX[:2])


def place_url(text: str, at: tuple[float, float] | None = None) -> str:
    """The page about an address, without a language; `at` (lat, long) says which one where several are called so."""
    pairs = {"q": text} | ({"at": f"{at[0]:.5f},{at[1]:.5f}"} if at else {})
    return f"/places?{urlencode(pairs, safe=',')}"


@dataclass(frozen=True)
class _Meant:
    """A place that an address may mean."""

    matched: str
    method: str
    score: float
    lat: float
    long: float
    radius_m: float


@dataclass(frozen=True)
class Gazetteer:
    """A geocoder that is ready, and the areas that its answers name."""

    geocoder: Geocoder
    vintages: Mapping[str, Vintage]
    crs: str
    _lock: threading.Lock

    def suggest(
        self, release: Release, text: str, limit: int = 8, near: tuple[float, float] | None = None
    ) -> list[Suggested]:
        """What a text that is still being typed may become, the likeliest first; `near` is (lat, long)."""
        typed = _typed(text)
        place = (near[1], near[0]) if near else None
        found = _quietly(lambda: self.geocoder.suggest(typed, min(limit, MOST_SUGGESTIONS), place))
        rows = []
        for s in found:
            url = place_url(", ".join(filter(None, (s.label, s.detail))))
            if s.layer:
                if not any(layer.layer == s.layer for layer in release.layers) or s.area not in release.allowed(
                    s.layer
                ):
                    continue  # made of the release before
                url = area_url(s.layer, s.area)
            rows.append(
                Suggested(
                    s.label, s.kind, s.detail, round(s.lat, DIGITS), round(s.lon, DIGITS), round(s.radius_m, 1),
                    s.layer or None, s.area or None, url,
                )
            )  # fmt: skip
        return rows

    def locate(self, release: Release, text: str, at: tuple[float, float] | None = None) -> Found:
        """One address with its passport, its alternatives, and the areas that it may lie in.

        `at` (lat, long) chooses among the alternatives: the nearest one is the answer.
        """
        typed = _typed(text)
        found = _quietly(lambda: self.geocoder.locate([typed]))
        if not found.method[0]:
            return Found("none", None, None, None, None, None, None, False, (), ())
        method, radius = str(found.methods()[0]), float(found.radius_m[0])
        first = _Meant(
            str(found.matched[0] or ""), method, float(found.score[0]), float(found.lat[0]), float(found.lon[0]), radius
        )
        meant = [first]
        for o in found.alternatives.get(0, ()):
            # Of another method not even the scale is known: no better than the one that was preferred.
            its = radius if o.method == method else max(radius, self._least_radius(o.method))
            meant.append(_Meant(o.matched, o.method, float(o.score), float(o.lat), float(o.lon), its))
        if at is not None:
            meant.sort(key=lambda m: (m.lat - at[0]) ** 2 + ((m.long - at[1]) * np.cos(np.radians(at[0]))) ** 2)
        best, *rest = meant
        return Found(
            method=best.method,
            address=_readable(best.matched) or None,
            score=round(best.score, 4),
            radius_m=round(best.radius_m, 1),
            lat=round(best.lat, DIGITS),
            long=round(best.long, DIGITS),
            zip=(str(found.zip[0]) or None) if best is first else None,
            corrected=bool(found.corrected[0]),
            areas=self.likely(release, best.lat, best.long, best.radius_m),
            alternatives=tuple(self._other(release, text, m) for m in rest[:MOST_OTHERS]),
        )

    def along(self, found: Found) -> Outline | None:
        """The outline along a street that was found; None where it cannot be had in one."""
        if found.method != "street" or not found.address or found.lat is None or found.long is None:
            return None
        street, lat, long = found.address, found.lat, found.long
        return _quietly(lambda: along(self.geocoder.index, street, lat, long))

    def _least_radius(self, method: str) -> float:
        from geo.geocoding.model import METHODS

        code = np.array([METHODS.index(method)], dtype=np.int8)
        return float(self.geocoder.passport.radius(code, np.array([100.0]))[0])

    def _other(self, release: Release, text: str, meant: _Meant) -> Other:
        inside = [row.name for row in self.likely(release, meant.lat, meant.long, 0.0) if row.name]
        return Other(
            _readable(meant.matched), meant.method, round(meant.score, 4), round(meant.lat, DIGITS),
            round(meant.long, DIGITS), inside[0] if inside else "", place_url(text, (meant.lat, meant.long)),
        )  # fmt: skip

    def reverse(self, release: Release, lat: float, long: float) -> Around:
        """The nearest address, block and crossing of a point in degrees, and the areas that it lies in."""
        west, south, east, north = release.city.bbox
        if not (west - 0.5 <= long <= east + 0.5 and south - 0.5 <= lat <= north + 0.5):
            raise BadRequest(
                f"The point is not in or near {release.city.name}: west {west}, south {south}, east {east}, north {north}."
            )
        found = _quietly(lambda: self.geocoder.reverse(np.array([long]), np.array([lat])))

        def near(text: Any, metres: Any) -> tuple[str | None, float | None]:
            return (str(text), round(float(metres), 1)) if text is not None and metres <= NEAR_M else (None, None)

        address, address_m = near(found.address[0], found.address_distance_m[0])
        block, block_m = near(found.block[0], found.block_distance_m[0])
        crossing, crossing_m = near(found.crossing[0], found.crossing_distance_m[0])
        areas = self.likely(release, lat, long, 0.0)
        return Around(
            address, address_m, bool(found.interpolated[0]) and address is not None, block, block_m, crossing,
            crossing_m, areas,
        )  # fmt: skip

    def likely(self, release: Release, lat: float, long: float, radius_m: float) -> tuple[Likely, ...]:
        """For each layer of boundaries the areas that a point may lie in, the one it was put in first."""
        from geo.geocoding.certainty import certainty

        rows: list[Likely] = []
        at = (np.array([long]), np.array([lat]), np.array([radius_m]), np.zeros(1, "datetime64[D]"))
        for layer in release.layers:
            vintage = self.vintages.get(layer.layer)
            if vintage is None:
                continue
            near = _near(vintage, lat, long, radius_m)
            if not len(near.areas):
                rows.append(Likely(layer.layer, None, None, 1.0, True, None))
                continue
            with self._lock:  # shapes must not be asked by two threads at once
                sure = certainty([near], *at, self.crs)
            assigned = sure.assigned[0]
            odds = list(zip(sure.area, sure.area_probability, strict=True)) or [(assigned, float(sure.probability[0]))]
            odds.sort(key=lambda pair: (pair[0] != assigned, -pair[1]))
            names = release.allowed(layer.layer)
            for code, chance in odds:
                known = code is not None and code in names
                rows.append(
                    Likely(
                        layer.layer, code, names.get(code) if known else None, round(float(chance), 4),
                        code == assigned, area_url(layer.layer, code) if known else None,
                    )
                )  # fmt: skip
        return tuple(rows)


def _near(vintage: Vintage, lat: float, long: float, radius_m: float) -> Vintage:
    """The areas that a point may lie in: a city's other hundred need not be projected for it."""
    north = REACH * (radius_m + 1) / METRES_A_DEGREE
    east = north / max(np.cos(np.radians(lat)), 0.01)
    box = vintage.areas.bounds
    near = (box.minx <= long + east) & (box.maxx >= long - east) & (box.miny <= lat + north) & (box.maxy >= lat - north)
    return replace(vintage, areas=vintage.areas[near].reset_index(drop=True))


def area_url(layer: str, area: str) -> str:
    """The page of an area, without a language."""
    return f"/areas/{layer}/{quote(area, safe='')}"


class Places:
    """The one gazetteer of a process: built in the background, replaced when the release's index is another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: Gazetteer | None = None
        self._key: Any = None
        self._building: Any = None
        self._failed: Any = None
        self._thread: threading.Thread | None = None

    def at_hand(self, release: Release) -> Gazetteer | None:
        """What can answer now: of this release or, while that is being made, of the one before; None: nothing yet."""
        if not has_index(release):
            return None
        key = _key(release)
        with self._lock:
            if key not in (self._key, self._building, self._failed):
                self._building = key
                self._thread = threading.Thread(target=self._build, args=(release, key), daemon=True, name="places")
                self._thread.start()
            return self._ready

    def ask(self, release: Release) -> Gazetteer:
        """`at_hand`, or the error that says why there is none: NotFound for good, NotReady for now."""
        if not has_index(release):
            raise NotFound("This release has no address index, so addresses cannot be looked up in it.")
        found = self.at_hand(release)
        if found is None:
            if self._failed == _key(release):
                raise NotFound(
                    "The address index of this release cannot be read, so addresses cannot be looked up in it."
                )
            raise NotReady
        return found

    def wait(self, seconds: float = 60) -> None:
        """Until what is being built is ready."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _build(self, release: Release, key: Any) -> None:
        try:
            made: Gazetteer | None = gazetteer(release)
        except Exception:
            log.warning("the address index of release %s cannot be used", release.id, exc_info=True)
            made = None
        with self._lock:
            if self._building != key:
                return  # a newer release overtook it
            self._building = None
            if made is None:
                self._failed = key
            else:
                self._ready, self._key = made, key


def gazetteer(release: Release) -> Gazetteer:
    """Read a release's address index and build the geocoder of it. Seconds, and memory, for a million addresses."""
    import pyarrow.parquet as pq

    from geo.geocoding.geocoder import Geocoder
    from geo.geocoding.tables import SCHEMAS, from_tables

    tables = {}
    for name in INDEX:
        resource = release.package.resource(name)
        if resource is not None:
            tables[name] = pq.read_table(release.folder / resource.path, columns=SCHEMAS[name].names)
    about = release.package.openward.geocoder
    vintages = _vintages(release)
    geocoder = Geocoder.build(
        from_tables(tables, release.city.crs),
        about.settings.parser if about else "us",
        list(vintages.values()),
        _passport(release),
    )
    geocoder.suggest("a", 1)  # the rest of it is made at the first question
    west, south, east, north = release.city.bbox
    geocoder.reverse(np.array([(west + east) / 2]), np.array([(south + north) / 2]))
    return Gazetteer(geocoder, vintages, release.city.crs, threading.Lock())


def _passport(release: Release) -> Passport:
    """The calibration that the release was made with; the built-in one where it names none."""
    from geo.geocoding.passport import DEFAULT_RADII, Passport

    about = release.package.openward.geocoder
    if about is None:
        return Passport()
    radii = {**DEFAULT_RADII, **about.calibration.radii}
    return Passport(radii=radii, factors=dict(about.calibration.factors), scores=about.calibration.scores)


def _vintages(release: Release) -> dict[str, Vintage]:
    """The areas that are in force now, by layer."""
    import geopandas as gpd
    import shapely

    from geo.boundaries import Vintage
    from geo.crs import WGS84

    rows = release.query(
        """SELECT layer, area, coalesce(name, area), ST_AsWKB(geom_4326)::BLOB FROM areas
           WHERE current AND geom_4326 IS NOT NULL ORDER BY layer, area"""
    )
    found: dict[str, Vintage] = {}
    for layer in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == layer]
        frame = gpd.GeoDataFrame(
            {"area": [row[1] for row in mine], "name": [row[2] for row in mine], "population": np.nan},
            geometry=shapely.from_wkb([bytes(row[3]) for row in mine]),
            crs=WGS84,
        )
        found[layer] = Vintage(layer, frame)
    return found


def _key(release: Release) -> tuple[Any, ...]:
    """What the gazetteer is made of: releases with the same streets, areas and calibration share one."""
    resources = [release.package.resource(name) for name in (*INDEX, "areas")]
    about = release.package.openward.geocoder
    return tuple(r.hash if r else "" for r in resources), about.model_dump_json() if about else ""


def _readable(matched: str) -> str:
    from geo.geocoding.labels import readable_words

    return readable_words(matched)


def _typed(text: str) -> str:
    if len(text) > LONGEST_TYPED:
        raise BadRequest(f"An address may have at most {LONGEST_TYPED} characters.")
    return text


def _quietly(ask: Callable[[], T]) -> T:
    """An answer of the geocoder; an error of it says nothing of what was asked."""
    try:
        return ask()
    except PortalError:
        raise
    except Exception as error:
        log.error("the geocoder failed: %s", type(error).__name__)
    raise PortalError("Looking this up failed on our side. That it failed has been logged; what was asked has not.")
