"""The audit of places before a release is promoted: what is about to be published, held against what is true.

Charter: figures over the stored and the published rows, and the refusal when one of them is not what it
must be. It reads what was built and trusts nothing of how it was built: distances, levels, places, order
and columns are worked out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etl.config.privacy import LEVELS, folded
from etl.errors import ReleaseError
from etl.privacy.locations import BOUND_TO_PLACE, Anchors, LocationRules, levels_in_force, request_keys
from geo.crs import Floats, mercator_grid
from geo.privacy import AREA, BLOCK_FACE, EXACT, MIN_MOVE_M, PRECISIONS, WITHHELD, metres_between
from geo.sorting import hilbert_key

NONE = PRECISIONS.index("none")
UNLOCATED_KEY = np.uint64(2**64 - 1)


@dataclass
class AuditFigures:
    """What the audit of places counted; all of it is fit to be published (`released`)."""

    sensitive: dict[str, int] = field(default_factory=dict)  # stored rows above exact, by level in force
    published: dict[str, int] = field(default_factory=dict)  # of these, the published ones by precision
    closest_m: float | None = None
    places: int = 0
    shared_min: int = 0
    shared_median: float = 0.0
    unheard_of: tuple[str, ...] = ()  # services and groups that the policy names and no stored request has
    too_exact: int = 0
    too_close: int = 0
    elsewhere: int = 0
    grid: int = 0
    out_of_order: int = 0
    unexpected: int = 0
    forbidden: dict[str, int] = field(default_factory=dict)

    def released(self) -> dict[str, Any]:
        """The figures as they go into the release; the distance in whole metres, lest it measure one row's."""
        return {
            "sensitive": self.sensitive,
            "published": self.published,
            "closest_m_at_least": None if self.closest_m is None else int(self.closest_m),
            "places": self.places,
            "true_places_per_published": {"min": self.shared_min, "median": self.shared_median},
            "policy_names_without_requests": list(self.unheard_of),
            "violations": self.violations(),
        }

    def violations(self) -> int:
        """Rows (or values, for forbidden columns) that must not leave; 0 in every promoted release."""
        rows = self.too_exact + self.too_close + self.elsewhere + self.grid + self.out_of_order + self.unexpected
        return rows + sum(self.forbidden.values())


def audit_locations(
    true: Iterable[pa.Table],
    published: Iterable[pa.Table],
    rules: LocationRules,
    *,
    anchors: Anchors | None = None,
    past: pa.Table | None = None,
    exact_only: Mapping[str, pa.Table] | None = None,
) -> AuditFigures:
    """Hold the rows of a built release against the stored ones, by source and service_request_id.

    `true` are batches of stored rows as `etl.privacy.locations.apply` takes them; `published` batches of the built
    release in its order, with `location_precision` and one column a layer; `gx`, `gy`, `cell` and `rid` are checked
    where they are. `anchors` are all, those of this release included; `past` is the answer of `past_levels`.
    `exact_only`: other tables of the release, with source and service_request_id, in which no sensitive row may be.
    Memory grows with the sensitive rows only.
    """
    audit = _Audit(rules, anchors or Anchors.none())
    for batch in true:
        audit.read_true(batch, past)
    audit.index()
    for batch in published:
        audit.read_published(batch)
    for name, table in (exact_only or {}).items():
        audit.read_exact_only(name, table)
    return audit.figures()


def must_hold(figures: AuditFigures) -> None:
    """ReleaseError, in one line, unless nothing that tells a sensitive place is about to leave."""
    found = {
        f"{figures.too_exact} rows more exact than the policy allows": figures.too_exact,
        f"{figures.too_close} sensitive points within {MIN_MOVE_M:g} m of their true place": figures.too_close,
        f"{figures.elsewhere} sensitive points that stand on no block face's or area's place": figures.elsewhere,
        f"{figures.grid} map positions that do not follow from the published point": figures.grid,
        f"{figures.out_of_order} rows whose order does not follow from the published point": figures.out_of_order,
        f"{figures.unexpected} rows generalised that no policy generalises": figures.unexpected,
        "values in forbidden columns: " + ", ".join(f"{k} {v}" for k, v in figures.forbidden.items()): len(
            figures.forbidden
        ),
    }
    wrong = [text for text, count in found.items() if count]
    if wrong:
        raise ReleaseError(f"the audit of places holds this release back: {'; '.join(wrong)}; nothing was promoted")


class _Audit:
    """Sensitive stored rows, and what is found in the published ones."""

    def __init__(self, rules: LocationRules, anchors: Anchors) -> None:
        self._rules, self._anchors = rules, anchors
        lon, lat = rules.places(anchors)
        self._allowed = pd.Index(_place(lon, lat)).dropna().drop_duplicates()
        self._told = {a for a in anchors.table["address"].to_pylist() if a is not None}
        self._true: list[tuple[NDArray[np.object_], Floats, Floats, NDArray[np.int64]]] = []
        self._seen: list[tuple[NDArray[np.complex128], NDArray[np.complex128]]] = []
        self._unheard = {*rules.policy.services, *rules.policy.groups}
        self._last: tuple[np.uint64, str] = (np.uint64(0), "")
        self._found = AuditFigures()

    def read_true(self, batch: pa.Table, past: pa.Table | None) -> None:
        register = self._rules.config.services
        codes = pc.unique(batch["service_code"]).to_pylist()
        groups = [*pc.unique(batch["service_group"]).to_pylist(), *(register[c].group for c in codes if c in register)]
        heard = {folded(text) for text in (*codes, *groups)}
        self._unheard = {name for name in self._unheard if folded(name) not in heard}
        level, _ = levels_in_force(batch, self._rules, self._anchors, past)
        rows = np.flatnonzero(level > EXACT)
        some = batch.select(["source", "service_request_id", "lat", "long"]).take(pa.array(rows))
        self._true.append((request_keys(some), some["long"].to_numpy(), some["lat"].to_numpy(), level[rows]))

    def index(self) -> None:
        keys, lon, lat, level = (
            (np.concatenate(parts) for parts in zip(*self._true, strict=True))
            if self._true
            else (np.array([]) for _ in range(4))
        )
        self._keys = pd.Index(keys, dtype=object)
        self._lon, self._lat, self._level = lon, lat, level.astype(np.int64)
        counts = np.bincount(self._level, minlength=len(LEVELS))
        self._found.sensitive = {name: int(n) for name, n in zip(LEVELS, counts, strict=True) if n}

    def read_published(self, batch: pa.Table) -> None:
        lon, lat = (batch[name].to_numpy().astype(np.float64) for name in ("long", "lat"))
        keys = request_keys(batch)
        self._check_grid(batch, lon, lat, keys)
        precision = pd.Index(PRECISIONS, dtype=object).get_indexer(
            pd.Index(batch["location_precision"].cast(pa.string()).to_pylist(), dtype=object)
        )
        at = self._keys.get_indexer(pd.Index(keys, dtype=object))
        city_wide = not self._rules.publishes_points
        stray = (at < 0) & ~np.isin(precision, (EXACT, NONE)) & ~((precision == WITHHELD) & city_wide)
        self._found.unexpected += int(stray.sum())
        rows = np.flatnonzero(at >= 0)
        if rows.size:
            taken = batch.take(pa.array(rows))
            self._check_places(lon[rows], lat[rows], precision[rows], at[rows])
            self._check_columns(taken, lon[rows], lat[rows], precision[rows], self._level[at[rows]])

    def read_exact_only(self, name: str, table: pa.Table) -> None:
        at = self._keys.get_indexer(pd.Index(request_keys(table), dtype=object))
        self._forbid(name, at >= 0)

    def _check_places(self, lon: Floats, lat: Floats, precision: NDArray[np.int64], at: NDArray[np.int64]) -> None:
        found, level = self._found, self._level[at]
        for name, n in zip(PRECISIONS, np.bincount(precision, minlength=len(PRECISIONS)), strict=True):
            if n:
                found.published[name] = found.published.get(name, 0) + int(n)
        shown = np.isfinite(lon) | np.isfinite(lat)
        found.too_exact += int(((precision < level) | (shown & (precision >= WITHHELD))).sum())
        gap = metres_between(self._lon[at], self._lat[at], lon, lat)
        found.too_close += int((gap < MIN_MOVE_M).sum())
        if np.isfinite(gap).any():
            nearest = float(np.nanmin(gap))
            found.closest_m = nearest if found.closest_m is None else min(found.closest_m, nearest)
        place = _place(lon[shown], lat[shown])
        found.elsewhere += int((self._allowed.get_indexer(pd.Index(place)) < 0).sum())
        self._seen.append((place, _place(self._lon[at][shown], self._lat[at][shown])))

    def _check_columns(
        self, rows: pa.Table, lon: Floats, lat: Floats, precision: NDArray[np.int64], level: NDArray[np.int64]
    ) -> None:
        everywhere = np.ones(len(level), dtype=bool)
        as_area = (precision == AREA) | ((precision == NONE) & (level == AREA))
        as_face = precision == BLOCK_FACE
        placed = np.isfinite(lon) & np.isfinite(lat)
        wrong = dict.fromkeys((*BOUND_TO_PLACE, "source_lat", "source_long"), everywhere)
        wrong |= dict.fromkeys(("gx", "gy", "cell"), ~placed)
        for layer in self._rules.config.layers:
            name = layer.layer
            wrong[name] = ~((as_area & (name == self._rules.area_layer)) | (as_face & (name in self._rules.layers)))
        for name, mask in wrong.items():
            if name in rows.column_names:
                self._forbid(name, np.asarray(rows[name].is_valid()) & mask)
        if "address" in rows.column_names:
            numbered = (precision == NONE) & (level == BLOCK_FACE)
            self._forbid("address", self._bad_addresses(rows["address"].to_pylist(), as_face | numbered, numbered))

    def _bad_addresses(
        self, addresses: list[str | None], may: NDArray[np.bool_], numbered: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        streets = self._rules.streets
        bad = [
            text is not None and not (ok and (text in self._told or streets.tells_a_block(text, numbered=bool(block))))
            for text, ok, block in zip(addresses, may, numbered, strict=True)
        ]
        return np.array(bad, dtype=bool)

    def _forbid(self, name: str, rows: NDArray[np.bool_]) -> None:
        if rows.any():
            self._found.forbidden[name] = self._found.forbidden.get(name, 0) + int(rows.sum())

    def _check_grid(self, batch: pa.Table, lon: Floats, lat: Floats, keys: NDArray[np.object_]) -> None:
        """Position and order of every row, exact or not: they must follow from what is published, and from no more."""
        located = np.isfinite(lon) & np.isfinite(lat)
        gx, gy = mercator_grid(np.where(located, lon, 0.0), np.where(located, lat, 0.0))
        if "gx" in batch.column_names:
            same = _equal(batch["gx"], gx) & _equal(batch["gy"], gy)
            self._found.grid += int((located & ~same).sum())
        if "rid" in batch.column_names and len(batch):
            order = np.where(located, hilbert_key(gx, gy), UNLOCATED_KEY)
            before = np.concatenate([[self._last[0]], order[:-1]]).astype(np.uint64)
            named = np.concatenate([[self._last[1]], keys[:-1]])
            wrong = (order < before) | ((order == before) & (keys < named))
            self._found.out_of_order += int(wrong.sum())
            self._last = (order[-1], keys[-1])

    def figures(self) -> AuditFigures:
        found = self._found
        found.unheard_of = tuple(sorted(self._unheard))
        if self._seen:
            places, truths = (np.concatenate(parts) for parts in zip(*self._seen, strict=True))
            pairs = pd.DataFrame({"place": places, "truth": truths}).dropna().drop_duplicates()
            shared = pairs.groupby("place")["truth"].size()
            found.places = len(shared)
            if len(shared):
                found.shared_min, found.shared_median = int(shared.min()), float(shared.median())
        return found


def _place(lon: Floats, lat: Floats) -> NDArray[np.complex128]:
    """Places to a millionth of a degree, as numbers that can be looked up."""
    return np.round(lon, 6) + 1j * np.round(lat, 6)


def _equal(column: pa.ChunkedArray, values: NDArray[np.uint32]) -> NDArray[np.bool_]:
    same = pc.equal(column.cast(pa.int64()), pa.array(values.astype(np.int64)))
    return np.asarray(pc.fill_null(same, False))
