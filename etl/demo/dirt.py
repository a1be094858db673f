"""How the source garbles what truly happened, in the ways that real exports do.

Charter: decides per row, as small numbers, what will be wrong or oddly written; render writes it.
Every damage sets its bit (plan.BITS) in ``bits``; harmless variety (spellings of a status, forms of an
address, forms of a district) sets none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from etl.demo.clock import DAY_S, Clock
from etl.demo.notes import NotePool
from etl.demo.places import (
    FORM_BLOCK,
    FORM_LOWER,
    FORM_PADDED,
    FORM_PLAIN,
    FORM_POSTAL,
    FORM_SPACED,
    FORM_TYPO,
    FORM_UNIT,
    PlaceTable,
)
from etl.demo.plan import BITS, DEFAULT_KEEPS_ADDRESS, DIRT, STALE_DAYS, UNLOCATED_KEEPS_ADDRESS
from etl.demo.records import CONFLICTING, IDENTICAL, Rows
from etl.demo.services import CHANNELS, SERVICES

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes8 = npt.NDArray[np.int8]

LOCATED, NO_LOCATION, DEFAULT_POINT, ZERO_POINT, SWAPPED, OUTSIDE = range(6)
_MODES: Final = ("no_location", "default_point", "zero_point", "swapped_point", "outside_point")
DISTRICT_FORMS: Final = ("{}", "District {}", "{:02d}", "{}.0")
CLOSED_TEXTS: Final = ("Closed", "closed ", "CLOSED - resolved", "Completed")
OPEN_TEXTS: Final = ("Open", "In Progress", "open", "Assigned")
UNKNOWN_STATUS: Final = "Pending Migration"
STATUS_TEXTS: Final = (*CLOSED_TEXTS, *OPEN_TEXTS, UNKNOWN_STATUS)


@dataclass(frozen=True)
class Dirt:
    """One value a row: what the source shows. -1 in an index means blank."""

    bits: npt.NDArray[np.int32]
    shown_closed: Bools
    """The record says closed (the closing is not after the extract, and this is not a stale copy)."""
    location: Bytes8
    jitter_lon: npt.NDArray[np.int32]
    jitter_lat: npt.NDArray[np.int32]
    address_form: Bytes8
    district: Ints
    """Index of a text: form * districts + district."""
    zip_shown: Bools
    status: Bytes8
    note: Ints
    service_text: Ints
    channel_text: Ints
    opened_bad: Bytes8
    """0 fine, 1 ISO, 2 in the clocks' gap, 3 unparseable."""
    closed_shift_s: Ints
    closed_bad: Bools


def service_texts() -> tuple[list[str], Ints]:
    """All spellings of service names, and where each service's begin (one more at the end)."""
    texts = [name for service in SERVICES for name in (service.name, *service.variants)]
    count = [1 + len(service.variants) for service in SERVICES]
    return texts, np.concatenate([[0], np.cumsum(count)]).astype(np.int64)


_SERVICE_START: Final = service_texts()[1]


class Striker:
    """Hits rows at random at a kind's share and remembers it in ``bits``."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.bits = np.zeros(size, dtype=np.int32)
        self._rng = rng

    def __call__(self, kind: str, among: Bools | None = None) -> Bools:
        """The rows that are hit, of those ``among``."""
        hit = self._rng.random(len(self.bits), dtype=np.float32) < DIRT[kind]
        if among is not None:
            hit &= among
        self.bits[hit] |= BITS[kind]
        return hit


def soil(rows: Rows, places: PlaceTable, notes: NotePool, clock: Clock, redrawn_utc: int,
         rng: np.random.Generator) -> Dirt:  # fmt: skip
    """Decide the damage of one slice; a copy that is identical gets exactly its original's."""
    size = len(rows)
    strike = Striker(size, rng)
    bits = strike.bits
    shown_closed = rows.closed_utc <= clock.as_of_utc
    location, jitter_lon, jitter_lat = _location(rows, bits, rng)
    form = _address_form(location, bits, rng)
    place = rows.place
    kept = (form >= 0) | ((location != NO_LOCATION) & (location != DEFAULT_POINT))
    changed = places.district_former[place] != places.district_current[place]
    late = rows.after & (rows.opened_utc < redrawn_utc + STALE_DAYS * DAY_S)
    stale = strike("stale_district", late & changed & kept)
    now = np.where(rows.after & ~stale, places.district_current[place], places.district_former[place])
    district_form = np.searchsorted([0.82, 0.90, 0.96], rng.random(size, dtype=np.float32))
    district = np.where(kept, district_form * 9 + now, -1)
    note = _notes(rows, notes, shown_closed, rng, strike)
    variant = strike("service_variant", np.diff(_SERVICE_START)[rows.service] > 1)
    spellings = np.maximum(np.diff(_SERVICE_START)[rows.service] - 1, 1)
    service_text = _SERVICE_START[rows.service] + np.where(variant, 1 + rng.integers(0, 9, size) % spellings, 0)
    spelling = np.searchsorted([0.9, 0.95], rng.random(size, dtype=np.float32))
    opened_bad = _opened(rows, clock, strike)
    before = strike("closed_before_opened", shown_closed)
    shift = np.where(before, rows.opened_utc - rows.closed_utc - rng.integers(300, 3 * DAY_S, size), 0)
    closed_bad = strike("unparseable_closed", shown_closed & ~before)
    strike("missing_id")
    status = _status(shown_closed, rng, strike)
    dirt = Dirt(
        bits, shown_closed, location, jitter_lon, jitter_lat, form, district,
        kept & (rng.random(size, dtype=np.float32) < 0.9), status, note, service_text,
        spelling * len(CHANNELS) + rows.channel, opened_bad, shift, closed_bad,
    )  # fmt: skip
    _copies(rows, dirt)
    return dirt


def _location(rows: Rows, bits: npt.NDArray[np.int32], rng: np.random.Generator) -> tuple[
    Bytes8, npt.NDArray[np.int32], npt.NDArray[np.int32]
]:  # fmt: skip
    size = len(rows)
    u = rng.random(size, dtype=np.float32)
    edges = np.cumsum([DIRT[mode] for mode in _MODES])
    mode = np.searchsorted(edges, u, side="right")
    location = np.where(mode < len(_MODES), mode + 1, LOCATED).astype(np.int8)
    bit = np.array([0] + [BITS[kind] for kind in _MODES], dtype=np.int32)
    bits |= bit[location]
    app = (rows.channel == CHANNELS.index("app")) & (location == LOCATED)
    app &= rng.random(size, dtype=np.float32) < DIRT["gps_jitter"]
    bits[app] |= BITS["gps_jitter"]
    jitter = np.zeros((2, size), dtype=np.int32)
    which = np.flatnonzero(app)
    jitter[:, which] = rng.standard_normal((2, len(which)), dtype=np.float32) * np.array([[95.0], [70.0]])
    return location, jitter[0], jitter[1]


def _address_form(location: Bytes8, bits: npt.NDArray[np.int32], rng: np.random.Generator) -> Bytes8:
    """Forms in the shares of a mixed export; block numbers and slips are damage."""
    size = len(location)
    edges = np.cumsum([0.40, 0.32, 0.13, 0.04, 0.03, 0.035])
    order = np.array([FORM_PLAIN, FORM_POSTAL, FORM_SPACED, FORM_LOWER, FORM_PADDED, FORM_UNIT], dtype=np.int8)
    u = rng.random(size, dtype=np.float32)
    left = 1.0 - DIRT["address_block"] - DIRT["address_typo"]
    form = order[np.minimum(np.searchsorted(edges / edges[-1] * left, u), len(order) - 1)]
    block = (u >= left) & (u < left + DIRT["address_block"])
    typo = u >= left + DIRT["address_block"]
    form[block], form[typo] = FORM_BLOCK, FORM_TYPO
    keep = np.array([1.0 - DIRT["no_address"]] * 6)
    keep[NO_LOCATION], keep[DEFAULT_POINT] = UNLOCATED_KEEPS_ADDRESS, DEFAULT_KEEPS_ADDRESS
    blank = rng.random(size, dtype=np.float32) >= keep[location]
    bits[blank] |= BITS["no_address"]
    bits[block & ~blank] |= BITS["address_block"]
    bits[typo & ~blank] |= BITS["address_typo"]
    form[blank] = -1
    return form


def _notes(rows: Rows, notes: NotePool, shown_closed: Bools, rng: np.random.Generator, strike: Striker) -> Ints:
    blank = strike("blank_note", shown_closed)
    personal = strike("personal_note", shown_closed & ~blank)
    awkward = strike("awkward_text", shown_closed & ~blank & ~personal)
    kind = np.where(personal, 1, 0) + np.where(awkward, 2, 0)
    within = rng.random(len(rows), dtype=np.float32) ** 2 * notes.size[kind]
    index = notes.start[kind, rows.outcome] + within.astype(np.int64)
    return np.asarray(np.where(shown_closed & ~blank, index, -1))


def _opened(rows: Rows, clock: Clock, strike: Striker) -> Bytes8:
    local = clock.to_local(rows.opened_utc)
    in_gap = np.isin(local // DAY_S, clock.gap_days) & np.isin(local % DAY_S // 3_600, (3, 4, 5, 6))
    opened_bad = np.zeros(len(rows), dtype=np.int8)
    gap = strike("clock_gap", in_gap)
    iso = strike("iso_opened", ~gap)
    opened_bad[iso] = 1
    opened_bad[gap] = 2
    opened_bad[strike("unparseable_opened", ~gap & ~iso)] = 3
    return opened_bad


def _status(shown_closed: Bools, rng: np.random.Generator, strike: Striker) -> Bytes8:
    u = rng.random(len(shown_closed), dtype=np.float32)
    closed = np.searchsorted([0.90, 0.94, 0.97], u)
    still_open = np.searchsorted([0.70, 0.90, 0.93], u) + len(CLOSED_TEXTS)
    status = np.where(shown_closed, closed, still_open).astype(np.int8)
    status[strike("unknown_status")] = len(STATUS_TEXTS) - 1
    return status


def _copies(rows: Rows, dirt: Dirt) -> None:
    """Identical copies repeat the row before; conflicting ones show it as it stood when it was open."""
    second = np.flatnonzero(rows.copy != 0)
    for array in vars(dirt).values():
        array[second] = array[second - 1]
    dirt.bits[rows.copy == IDENTICAL] |= BITS["copy_identical"]
    conflict = rows.copy == CONFLICTING
    dirt.bits[conflict] |= BITS["copy_conflicting"]
    stale = np.flatnonzero(conflict)
    dirt.shown_closed[stale] = False
    dirt.note[stale] = -1
    dirt.status[stale] = len(CLOSED_TEXTS)
