"""The policy on places, applied to records: points, addresses, area codes, and what changed about them.

Charter: Arrow tables of stored requests in, the same with nothing that tells a place better than its
level allows. How a point is generalised is `geo.privacy`. Whatever was first published about a
sensitive request's place is kept in an anchor and used again, because a second sample of the same
place (from a newer street layer, say) could be intersected with the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etl.config import CityConfig
from etl.config.privacy import FREE_TEXT, LEVELS
from etl.transform.times import utc_to_local_days
from geo.boundaries import Vintage, assign
from geo.crs import WGS84, Floats
from geo.privacy import (
    AREA,
    BLOCK_FACE,
    EXACT,
    KEEP_AWAY_M,
    MIN_MOVE_M,
    PRECISIONS,
    WITHHELD,
    AreaCentres,
    BlockFaces,
    Generalised,
    generalise,
    metres_between,
)

Integers = NDArray[np.int64]

NEW_PLACE_M = 250.0
"""A true point that the source moves less than this is the same place, mended; farther away it is a new fact."""
NONE = PRECISIONS.index("none")
KEY = ("source", "service_request_id")

ANCHORS = pa.schema(
    [
        ("source", pa.string()),
        ("service_request_id", pa.string()),
        ("level", pa.string()),  # what the policy said
        ("precision", pa.string()),  # what became of it: one of geo.privacy.PRECISIONS
        ("lat", pa.float64()),
        ("long", pa.float64()),
        ("areas", pa.string()),
        ("address", pa.string()),
        ("from_lat", pa.float64()),  # the true point, never published: tells a mended place from a new one
        ("from_long", pa.float64()),
    ]
)
"""What was first published of each sensitive place. Private to the store; in the order in which they were made."""

LEVEL_OF_REQUEST = pa.schema([("source", pa.string()), ("service_request_id", pa.string()), ("level", pa.int8())])

BOUND_TO_PLACE = (
    *FREE_TEXT, "media_url", "zip", "source_lat", "source_long", "agency_responsible",
    "geocode_method", "geocode_score", "geocode_radius_m", "geocode_address", "geocode_alternatives",
    "nearest_address",
)  # fmt: skip
"""Fields that tell a place besides those that say so: text names addresses, crews have districts of their own, and that
the geocoder found a crossing tells which end of a block it is."""
PLACE_FIELDS = frozenset(
    ("lat", "long", "address", "areas", "location_source", "location_note", "geom", *BOUND_TO_PLACE)
)
"""Fields whose changes are not published for a request that is, or ever was, not exact."""

_PRECISIONS = pd.Index(PRECISIONS, dtype=object)
_SPELLINGS = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln",
    "court": "ct", "place": "pl", "square": "sq", "terrace": "ter", "highway": "hwy", "parkway": "pkwy",
    "circle": "cir", "alley": "aly", "plaza": "plz", "turnpike": "tpke", "saint": "st", "mount": "mt",
    "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip
_HOUSE = re.compile(r"(\d{1,6})(?:\s*[-–]\s*\d+)?[a-z]?(?:\s+1/2)?\s+(?=\S)", re.IGNORECASE)
_CORNER = re.compile(r"^(?:intersection of|corner of)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Applied:
    """A batch as it may be published, who in it is not exact, and the anchors to keep with the release."""

    rows: pa.Table
    protected: pa.Table
    anchors: pa.Table


class Streets:
    """The street names of the city's own layer, to recognise them in addresses."""

    def __init__(self, names: Iterable[str | None]) -> None:
        """Names as the layer spells them; of two spellings of one name the first in the alphabet is used."""
        self._names: dict[str, str] = {}
        for name in sorted({" ".join(n.split()) for n in names if n and n.strip()}):
            self._names.setdefault(_spelled(name.split()), name)

    def tells_a_block(self, address: str, *, numbered: bool) -> bool:
        """Whether an address is a street of the layer, or where `numbered` a hundred of its house numbers."""
        hundred = re.match(r"(?:1-99|[1-9]\d*00) block of ", address) if numbered else None
        return address[hundred.end() if hundred else 0 :] in self._names.values()

    def block(self, address: str | None) -> str | None:
        """'412 Main Street, Apt 3' as '400 block of Main St'; a street without a number as its name.

        None where no street of the layer is recognised, since what remains may be the name of a person or house.
        """
        text = _CORNER.sub("", " ".join((address or "").split(",")[0].split()))
        house = _HOUSE.match(text)
        words = (text[house.end() :] if house else text).split()
        for last in range(min(len(words), 8), 0, -1):
            street = self._names.get(_spelled(words[:last]))
            if street is not None:
                return f"{_hundred(int(house[1]))} block of {street}" if house else street
        return None


class Anchors:
    """Earlier published places, found by request and, for block faces, by true place."""

    def __init__(self, table: pa.Table) -> None:
        """`table` has the schema ANCHORS, oldest first."""
        self.table = table
        codes, requests = pd.factorize(request_keys(table))
        self._requests = pd.Index(requests, dtype=object)
        self._order = np.argsort(codes, kind="stable")
        self._start = np.searchsorted(codes[self._order], np.arange(len(requests) + 1))
        self.level = _codes(table["level"], LEVELS)
        self.precision = _codes(table["precision"], PRECISIONS)
        # How much an anchor tells: of what has no point, what the policy then allowed
        self.rank = np.where(self.precision == NONE, self.level, self.precision)
        self.lat, self.lon = table["lat"].to_numpy(), table["long"].to_numpy()
        self.from_lat, self.from_lon = table["from_lat"].to_numpy(), table["from_long"].to_numpy()
        faces = np.flatnonzero(self.precision == BLOCK_FACE)
        spots = pd.Index(_spots(self.from_lat[faces], self.from_lon[faces]))
        fresh = ~spots.duplicated()
        self._faces, self._spots = faces[fresh], spots[fresh]

    @classmethod
    def none(cls) -> Anchors:
        """Nothing was published yet."""
        return cls(ANCHORS.empty_table())

    def group(self, keys: NDArray[np.object_]) -> Integers:
        """Number of each request's group of anchors, -1 where it has none."""
        return _find(self._requests, keys)

    def strictest_level(self, group: Integers) -> Integers:
        """The strictest level under which anything of the request was published."""
        top = np.zeros(len(self._requests) + 1, dtype=np.int64)  # the last stands for 'no anchor'
        for turn in range(self._most()):
            at, there = self._nth(np.arange(len(self._requests)), turn)
            top[:-1] = np.maximum(top[:-1], np.where(there, self.level[at], 0))
        return top[group]

    def choose(self, group: Integers, level: Integers, lon: Floats, lat: Floats) -> Integers:
        """The first anchor of each request that tells no more than `level` and is of the same place; -1 if none."""
        chosen = np.full(group.shape, -1, dtype=np.int64)
        for turn in range(self._most() if (group >= 0).any() else 0):
            at, there = self._nth(group, turn)
            gap = metres_between(self.from_lon[at], self.from_lat[at], lon, lat)
            fits = there & (self.rank[at] >= level) & ~(gap > NEW_PLACE_M) & (chosen < 0)
            chosen[fits] = at[fits]
        return chosen

    def face_of(self, lon: Floats, lat: Floats) -> Integers:
        """The first block-face anchor of any request at the same true place (to a metre), -1 if none."""
        found = _find(self._spots, _spots(lat, lon))
        return np.where(found >= 0, self._faces[found] if len(self._faces) else -1, -1)

    def _most(self) -> int:
        return int(np.diff(self._start).max(initial=0))

    def _nth(self, group: Integers, turn: int) -> tuple[Integers, NDArray[np.bool_]]:
        start, end = self._start[group], self._start[group + 1]
        there = (group >= 0) & (start + turn < end)
        return self._order[np.where(there, start + turn, 0)], there


class LocationRules:
    """A city's policy on places with the layers that it needs."""

    def __init__(self, config: CityConfig, streets: gpd.GeoDataFrame, layers: Mapping[str, Sequence[Vintage]]) -> None:
        """`streets` are lines with an optional column `name`, any CRS; `layers` the vintages of each polygon layer."""
        policy = config.privacy.locations
        self.policy, self.config = policy, config
        self.timezone = config.city.timezone
        self.publishes_points = "location" in config.privacy.publish
        self.layers = {layer: list(vintages) for layer, vintages in layers.items()}
        used = set(policy.named())
        self.faces = BlockFaces(streets, config.city.crs) if "block_face" in used else None
        self.area_layer = policy.area_layer
        vintages = self.layers.get(policy.area_layer or "", [])
        self.centres = AreaCentres(vintages) if vintages else None
        self.streets = Streets(streets["name"] if "name" in streets.columns and self.faces is not None else ())
        self.area_codes = {code for vintage in vintages for code in vintage.areas["area"]}

    def level_of(self, service_code: str | None, service_group: str | None) -> int:
        """Number of the level of a service, by the record's group and by the register's: the strictest."""
        register = self.config.services
        info = register.get(service_code or "")
        registered = info is not None or not register
        groups = {service_group, info.group if info else None} - {None} or {None}
        return max(LEVELS.index(self.policy.level_of(service_code, group, registered=registered)) for group in groups)

    def levels(self, rows: pa.Table) -> Integers:
        """Number of each row's level, from its service as it is now."""
        code, group = (pc.fill_null(rows[n].cast(pa.string()), "") for n in ("service_code", "service_group"))
        services = pc.binary_join_element_wise(code, group, "\x1f").combine_chunks().dictionary_encode()
        pairs = (text.split("\x1f", 1) for text in services.dictionary.to_pylist())
        found = np.array([self.level_of(code or None, group or None) for code, group in pairs], dtype=np.int64)
        return found[services.indices.to_numpy()]

    def places(self, anchors: Anchors) -> tuple[Floats, Floats]:
        """Every place (longitude, latitude, EPSG:4326) that may stand for a sensitive one in a release."""
        sets = [s for s in (self.faces, self.centres) if s is not None]
        lon = np.concatenate([*(s.lon for s in sets), anchors.lon])
        return lon, np.concatenate([*(s.lat for s in sets), anchors.lat])


def rules_of(config: CityConfig, basemap: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame) -> LocationRules:
    """The rules from what the store holds: the base map's features and the boundaries of every vintage."""
    streets = basemap[basemap["kind"] == "street"] if len(basemap) else gpd.GeoDataFrame(geometry=[], crs=WGS84)
    layers: dict[str, list[Vintage]] = {}
    if len(boundaries):
        columns = ["layer", "valid_from", "valid_to"]
        for (layer, start, end), areas in boundaries.groupby(columns, dropna=False, sort=False):
            vintage = areas.sort_values("area", ignore_index=True)
            layers.setdefault(str(layer), []).append(
                Vintage(str(layer), vintage, *(None if pd.isna(day) else day for day in (start, end)))
            )
    return LocationRules(config, streets, layers)


def past_levels(history: pa.Table, rules: LocationRules) -> pa.Table:
    """The strictest level that any service named in a request's history has now; only those above exact.

    `history` has the columns source, service_request_id, field, old and new, of every change ever seen.
    """
    codes = _values(history, "service_code")
    groups = _values(history, "service_group")
    found: dict[tuple[str, str], int] = {}
    for key, code in codes:
        found[key] = max(found.get(key, EXACT), rules.level_of(code, None))
    # A group that the policy does not name says nothing: what its service is, the code tells.
    named_only = rules.policy.model_copy(update={"default": "exact"})
    for key, group in groups:
        found[key] = max(found.get(key, EXACT), LEVELS.index(named_only.level_of(None, group)))
    kept = sorted((key, level) for key, level in found.items() if level > EXACT)
    columns: list[list[Any]] = [[k[0] for k, _ in kept], [k[1] for k, _ in kept], [level for _, level in kept]]
    return pa.table(columns, schema=LEVEL_OF_REQUEST)


def levels_in_force(
    rows: pa.Table, rules: LocationRules, anchors: Anchors, past: pa.Table | None
) -> tuple[Integers, Integers]:
    """Each stored row's strictest level, of now, ever or when it was published; and its group of anchors, or -1."""
    keys = request_keys(rows)
    level = rules.levels(rows)
    if past is not None and len(past):
        found = _find(pd.Index(request_keys(past), dtype=object), keys)
        level = np.maximum(level, np.append(past["level"].to_numpy().astype(np.int64), EXACT)[found])
    group = anchors.group(keys)
    return np.maximum(level, anchors.strictest_level(group)), group


def apply(
    batch: pa.Table, rules: LocationRules, *, anchors: Anchors | None = None, past: pa.Table | None = None
) -> Applied:
    """Take out of a batch of stored rows what tells a place better than the policy allows.

    `anchors` are those of all earlier releases, the same for every batch of one release; `past` is the answer
    of `past_levels`. A request keeps the strictest level that it has, ever had, or was published under. Rows and
    their order stay; the column `location_precision` is new. To be called before anything is derived.
    """
    anchors = anchors or Anchors.none()
    level, group = levels_in_force(batch, rules, anchors, past)
    lat, lon = batch["lat"].to_numpy(), batch["long"].to_numpy()
    precision = np.where(np.isfinite(lat) & np.isfinite(lon), EXACT, NONE)
    protected = np.flatnonzero(level > EXACT)
    new_anchors = ANCHORS.empty_table()
    if protected.size:
        some = _Sensitive(batch.take(pa.array(protected)), level[protected], group[protected], rules, anchors)
        precision[protected] = some.precision
        new_anchors = some.new_anchors()
        mask = pa.array(level > EXACT)
        for name, values in some.columns().items():
            if name in batch.column_names:
                old = batch[name].combine_chunks()
                batch = _set(batch, name, pc.replace_with_mask(old, mask, values.cast(old.type)))
    if not rules.publishes_points:
        precision = np.where(precision == NONE, NONE, WITHHELD)
        batch = _without_points(batch)
    batch = _set(batch, "location_precision", pa.array(np.array(PRECISIONS, dtype=object)[precision], pa.string()))
    return Applied(batch, batch.select(KEY).take(pa.array(protected)), new_anchors)


def public_changes(changes: pa.Table, protected: Iterable[pa.Table], rules: LocationRules) -> pa.Table:
    """The changes that may be published; their order stays.

    Free text never, of nobody. Nothing about the place of a request in `protected` (tables of source and
    service_request_id: what `apply` and `past_levels` return), nor of one whose service before or after any of
    these changes is not exact. Without this the table of changes would show the true point, old beside new.
    """
    sensitive = {key for table in protected for key in request_keys(table)}
    sensitive |= set(request_keys(past_levels(changes, rules)))
    fields = changes["field"].to_pylist()
    place = PLACE_FIELDS | set(rules.layers) | {layer.layer for layer in rules.config.layers}
    keep = [
        field not in (*FREE_TEXT, "media_url") and not (field in place and key in sensitive)
        for field, key in zip(fields, request_keys(changes), strict=True)
    ]
    return changes.filter(pa.array(keep, pa.bool_()))


class _Sensitive:
    """The rows of a batch that are not exact, worked out column by column."""

    def __init__(
        self, rows: pa.Table, level: Integers, group: Integers, rules: LocationRules, anchors: Anchors
    ) -> None:
        self.rows, self.level, self.rules, self.anchors = rows, level, rules, anchors
        self.true_lat, self.true_lon = rows["lat"].to_numpy(), rows["long"].to_numpy()
        requested = rows["requested_datetime"].to_numpy().astype("datetime64[s]")
        days = utc_to_local_days(requested, rules.timezone)
        self.reused = anchors.choose(group, level, self.true_lon, self.true_lat)
        self.forced = self._moved_onto_its_place()
        told = generalise(
            self.true_lon, self.true_lat, self.level.astype(np.int8), faces=rules.faces, areas=rules.centres, days=days
        )
        self.lat, self.lon, self.precision = told.lat, told.lon, _positions(told.precision)
        self.address = self._addresses(told)
        self._same_place_same_face()
        self.areas = self._areas(told, days)
        self._as_first_published()

    def _moved_onto_its_place(self) -> NDArray[np.bool_]:
        """Rows whose true point the source mended to within 2 m of what was published: they fall a level for good.

        That the row falls tells about as much as it hides, but no published point may stand on a true one. As places
        are chosen KEEP_AWAY_M away, it takes a point mended by more than 5 m that hits a disc of four metres.
        """
        at = self.reused
        lon, lat = self.anchors.lon, self.anchors.lat
        hit = np.zeros(at.shape, dtype=bool)
        rows = np.flatnonzero(at >= 0)
        gap = metres_between(self.true_lon[rows], self.true_lat[rows], lon[at[rows]], lat[at[rows]])
        hit[rows] = gap < MIN_MOVE_M
        self.level = np.where(hit, self.anchors.rank[at] + 1 if len(lon) else self.level, self.level)
        self.reused = np.where(hit, -1, at)
        return hit

    def _addresses(self, told: Generalised) -> NDArray[np.object_]:
        """Of a face its street as the layer names it, and no number: with the face it would tell a part of it."""
        address = told.street.copy()
        bare = np.flatnonzero((self.precision == NONE) & (self.level == BLOCK_FACE))
        for i, text in zip(bare, self.rows["address"].take(pa.array(bare)).to_pylist(), strict=True):
            address[i] = self.rules.streets.block(text)
        return address

    def _same_place_same_face(self) -> None:
        """Another request at a place that has a published face gets that face, whatever the streets are now."""
        at = self.anchors.face_of(self.true_lon, self.true_lat)
        rows = np.flatnonzero((at >= 0) & (self.level == BLOCK_FACE) & (self.reused < 0))
        lon, lat = self.anchors.lon[at[rows]], self.anchors.lat[at[rows]]
        far = metres_between(self.true_lon[rows], self.true_lat[rows], lon, lat) >= KEEP_AWAY_M
        rows = rows[far]
        self.lon[rows], self.lat[rows], self.precision[rows] = lon[far], lat[far], BLOCK_FACE
        self.address[rows] = _objects(self.anchors.table["address"], at[rows])

    def _areas(self, told: Generalised, days: NDArray[np.datetime64]) -> NDArray[np.object_]:
        """JSON of the codes: of a face where its place lies, of an area only itself."""
        found: list[dict[str, str]] = [{} for _ in self.level]
        faces = np.flatnonzero(self.precision == BLOCK_FACE)
        for layer, vintages in self.rules.layers.items():
            codes = assign(vintages, self.lon[faces], self.lat[faces], days[faces])
            for i, code in zip(faces, codes, strict=True):
                if code is not None:
                    found[i][layer] = code
        layer = self.rules.area_layer or ""
        for i in np.flatnonzero(self.precision == AREA):
            found[i][layer] = told.area[i]
        bare = np.flatnonzero((self.precision == NONE) & (self.level == AREA))
        for i, text in zip(bare, self.rows["areas"].take(pa.array(bare)).to_pylist(), strict=True):
            stated = json.loads(text or "{}").get(layer)
            if stated in self.rules.area_codes:
                found[i][layer] = stated
        return np.array([json.dumps(f, sort_keys=True, ensure_ascii=False) for f in found], dtype=object)

    def _as_first_published(self) -> None:
        """What an anchor holds goes before what was worked out; a point that the source took back stays away."""
        rows = np.flatnonzero(self.reused >= 0)
        at = self.reused[rows]
        self.lon[rows], self.lat[rows] = self.anchors.lon[at], self.anchors.lat[at]
        unlocated = self.precision[rows] == NONE
        self.precision[rows] = np.where(unlocated, NONE, self.anchors.precision[at])
        self.lon[rows[unlocated]], self.lat[rows[unlocated]] = np.nan, np.nan
        self.areas[rows] = _objects(self.anchors.table["areas"], at)
        self.address[rows] = _objects(self.anchors.table["address"], at)

    def columns(self) -> dict[str, pa.Array]:
        """What takes the place of the stored columns."""
        rows = len(self.level)
        nowhere = np.isin(self.precision, (WITHHELD, NONE))
        note = np.array(self.rows["location_note"].to_pylist(), dtype=object)
        hidden = (self.precision == WITHHELD) | (
            (self.precision == NONE) & (pd.isna(note) | np.isfinite(self.true_lat))
        )
        return {
            "lat": pa.array(self.lat, pa.float64(), from_pandas=True),
            "long": pa.array(self.lon, pa.float64(), from_pandas=True),
            "address": pa.array(self.address, pa.string()),
            "areas": pa.array(self.areas, pa.string()),
            "location_source": pc.if_else(pa.array(nowhere), "none", self.rows["location_source"].combine_chunks()),
            "location_note": pa.array(np.where(hidden, "withheld", note), pa.string()),
        } | {name: pa.nulls(rows, self.rows.schema.field(name).type) for name in self._bound()}

    def _bound(self) -> list[str]:
        return [name for name in BOUND_TO_PLACE if name in self.rows.column_names]

    def new_anchors(self) -> pa.Table:
        """What is published of a place for the first time; what the policy withholds leaves nothing to keep."""
        something = (self.precision != NONE) | (self.areas != "{}") | ~pd.isna(self.address)
        fresh = np.flatnonzero((self.reused < 0) & ((self.level < WITHHELD) & something | self.forced))
        take = pa.array(fresh)
        columns = [
            *(self.rows[name].take(take) for name in KEY),
            pa.array(np.array(LEVELS, dtype=object)[self.level[fresh]], pa.string()),
            pa.array(np.array(PRECISIONS, dtype=object)[self.precision[fresh]], pa.string()),
            pa.array(self.lat[fresh], pa.float64(), from_pandas=True),
            pa.array(self.lon[fresh], pa.float64(), from_pandas=True),
            pa.array(self.areas[fresh], pa.string()),
            pa.array(self.address[fresh], pa.string()),
            pa.array(self.true_lat[fresh], pa.float64(), from_pandas=True),
            pa.array(self.true_lon[fresh], pa.float64(), from_pandas=True),
        ]
        return pa.table(columns, schema=ANCHORS)


def _without_points(batch: pa.Table) -> pa.Table:
    """A city that publishes no points: none of anybody, and no word on why."""
    rows = len(batch)
    for name in ("lat", "long"):
        batch = _set(batch, name, pa.nulls(rows, pa.float64()))
    batch = _set(batch, "location_source", pa.array(["none"] * rows, pa.string()))
    return _set(batch, "location_note", pa.array(["withheld"] * rows, pa.string()))


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def request_keys(table: pa.Table) -> NDArray[np.object_]:
    """One text for each row's source and number; the separator occurs in neither."""
    source, number = (table[name].cast(pa.string()) for name in KEY)
    joined = pc.binary_join_element_wise(source, number, "\x1f")
    keys = np.empty(len(table), dtype=object)
    keys[:] = joined.to_pylist()
    return keys


def _values(history: pa.Table, field: str) -> list[tuple[tuple[str, str], str]]:
    """(request, value) for every value that a field had, before or after a change."""
    rows = history.filter(pc.equal(history["field"], field))
    keys = list(zip(*(rows[name].to_pylist() for name in KEY), strict=True))
    return [
        (key, value)
        for name in ("old", "new")
        for key, value in zip(keys, rows[name].to_pylist(), strict=True)
        if value is not None
    ]


def _find(index: Any, values: NDArray[Any]) -> Integers:
    """Position of each value in a pandas index of distinct values, -1 where it is not in it."""
    found: Integers = index.get_indexer(pd.Index(values))
    return found


def _codes(column: Any, values: Sequence[str]) -> Integers:
    numbers = {value: i for i, value in enumerate(values)}
    return np.array([numbers[value] for value in column.to_pylist()], dtype=np.int64)


def _positions(precision: NDArray[np.object_]) -> Integers:
    return _find(_PRECISIONS, precision)


def _objects(column: Any, at: Integers) -> NDArray[np.object_]:
    taken = np.empty(len(at), dtype=object)
    taken[:] = column.take(pa.array(at)).to_pylist()
    return taken


def _spots(lat: Floats, lon: Floats) -> NDArray[np.complex128]:
    """Places to a metre: degrees rounded to five decimals."""
    return np.round(lon, 5) + 1j * np.round(lat, 5)


def _spelled(words: Sequence[str]) -> str:
    """Street names that differ only in case, dots and the usual abbreviations become one."""
    bare = (word.strip(".'’").casefold() for word in words)
    return " ".join(_SPELLINGS.get(word, word) for word in bare)


def _hundred(number: int) -> str:
    return str(number // 100 * 100) if number >= 100 else "1-99"
