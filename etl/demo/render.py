"""Rows as the source writes them: one Arrow table of text per slice.

Charter: numbers to text, column by column, in the form of a city's export. Decides nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.demo.areas import DISTRICT_COUNT
from etl.demo.city import to_lonlat
from etl.demo.clock import Clock, ClockText, degrees
from etl.demo.dirt import (
    DEFAULT_POINT,
    DISTRICT_FORMS,
    NO_LOCATION,
    OUTSIDE,
    STATUS_TEXTS,
    SWAPPED,
    ZERO_POINT,
    Dirt,
    service_texts,
)
from etl.demo.frame import CITY_HALL_XY_M, ZIPS
from etl.demo.notes import NotePool
from etl.demo.places import PlaceTable
from etl.demo.plan import BITS
from etl.demo.records import CONFLICTING, Rows
from etl.demo.services import CHANNEL_TITLES, CHANNELS, DEPARTMENTS, SERVICES

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FIRST_ID: Final = 101_000_000_000
YARDS: Final = ("North", "South", "Central")
BAD_TIMES: Final = ("00/00/0000 00:00:00", "13/45/2024 10:00:00 AM", "TBD", "02/30/2025 09:15:00 AM")
COLUMNS: Final = (
    "CASE_ID", "OPENED", "CLOSED", "DUE", "UPDATED", "STATUS", "CLOSURE_NOTE", "SERVICE_CODE", "SERVICE",
    "DEPARTMENT", "QUEUE", "CHANNEL", "ADDRESS", "ZIP", "LAT", "LON", "DISTRICT",
)  # fmt: skip
SCHEMA: Final = pa.schema([(name, pa.int64() if name == "CASE_ID" else pa.string()) for name in COLUMNS])


def city_hall_micro() -> tuple[int, int]:
    """Longitude (counted west) and latitude of the default point, millionths of a degree, at 4 decimals."""
    lon, lat = to_lonlat(np.array([CITY_HALL_XY_M[0]]), np.array([CITY_HALL_XY_M[1]]))
    return round(float(-lon[0]) * 1e4) * 100, round(float(lat[0]) * 1e4) * 100


class Renderer:
    """Holds the dictionaries of texts; ``table`` writes one slice."""

    def __init__(self, places: PlaceTable, notes: NotePool, clock: Clock) -> None:
        self._places, self._notes, self._clock = places, notes, clock
        self._text = ClockText()
        self._hall_lon, self._hall_lat = city_hall_micro()
        departments = list(DEPARTMENTS)
        self._department_of = np.array([departments.index(service.department) for service in SERVICES])
        self._target_s = np.array([round((service.target_hours or 0) * 3_600) for service in SERVICES])
        self._codes = pa.array([service.code for service in SERVICES])
        self._services = pa.array(service_texts()[0])
        self._departments = pa.array(departments)
        self._queues = pa.array([f"{name} - {yard} Yard" for name in DEPARTMENTS.values() for yard in YARDS])
        self._channels = pa.array([CHANNEL_TITLES[channel][k] for k in range(3) for channel in CHANNELS])
        self._statuses = pa.array(STATUS_TEXTS)
        self._districts = pa.array([form.format(d + 1) for form in DISTRICT_FORMS for d in range(DISTRICT_COUNT)])
        self._zips = pa.array(ZIPS)

    def table(self, rows: Rows, dirt: Dirt, rng: np.random.Generator) -> pa.Table:
        """The slice as text; columns are COLUMNS."""
        service, place = rows.service, rows.place
        department = self._department_of[service]
        opened_local = self._clock.to_local(rows.opened_utc)
        lat, lon = self._position(rows, dirt)
        columns = {
            "CASE_ID": _numbers(FIRST_ID + rows.number * 3, (dirt.bits & BITS["missing_id"]) == 0),
            "OPENED": self._opened(opened_local, dirt),
            "CLOSED": self._closed(rows, dirt),
            "DUE": self._due(rows),
            "UPDATED": self._updated(rows, dirt, rng),
            "STATUS": _take(self._statuses, dirt.status),
            "CLOSURE_NOTE": _take(self._notes.texts, dirt.note, dirt.note >= 0),
            "SERVICE_CODE": _take(self._codes, service),
            "SERVICE": _take(self._services, dirt.service_text),
            "DEPARTMENT": _take(self._departments, department),
            "QUEUE": _take(self._queues, department * len(YARDS) + self._places.neighborhood[place] % len(YARDS)),
            "CHANNEL": _take(self._channels, dirt.channel_text),
            "ADDRESS": _take(
                self._places.address_forms, dirt.address_form.astype(np.int64) * len(self._places) + place,
                dirt.address_form >= 0,
            ),
            "ZIP": _take(self._zips, self._places.zip_area[place], dirt.zip_shown),
            "LAT": lat,
            "LON": lon,
            "DISTRICT": _take(self._districts, dirt.district, dirt.district >= 0),
        }  # fmt: skip
        return pa.table(columns, schema=SCHEMA)

    def _opened(self, local_s: Ints, dirt: Dirt) -> pa.Array:
        text = self._text.write(np.where(dirt.opened_bad == 2, local_s - (local_s // 3_600 % 24 - 2) * 3_600, local_s))
        iso = dirt.opened_bad == 1
        text = _replace(text, iso, self._text.write(local_s[iso], iso=True))
        return _replace(text, dirt.opened_bad == 3, _bad_times(int((dirt.opened_bad == 3).sum())))

    def _closed(self, rows: Rows, dirt: Dirt) -> pa.Array:
        utc = np.where(dirt.shown_closed, rows.closed_utc + dirt.closed_shift_s, rows.opened_utc)
        text = self._text.write(self._clock.to_local(utc), valid=dirt.shown_closed)
        bad = dirt.closed_bad & dirt.shown_closed
        return _replace(text, bad, _bad_times(int(bad.sum())))

    def _due(self, rows: Rows) -> pa.Array:
        target = self._target_s[rows.service]
        local = self._clock.to_local(rows.opened_utc + target)
        return self._text.write(local, iso=True, valid=target > 0)

    def _updated(self, rows: Rows, dirt: Dirt, rng: np.random.Generator) -> pa.Array:
        u = rng.random(len(rows)) ** 3
        last = self._clock.as_of_utc - 1
        closed = rows.closed_utc + (u * 172_800).astype(np.int64)
        still_open = rows.opened_utc + (u * (last - rows.opened_utc)).astype(np.int64)
        utc = np.minimum(np.where(dirt.shown_closed, closed, still_open), last)
        copies = np.flatnonzero(rows.copy != 0)
        utc[copies] = np.where(
            rows.copy[copies] == CONFLICTING, np.minimum(rows.opened_utc[copies] + 60, last), utc[copies - 1]
        )
        return self._text.write(self._clock.to_local(utc))

    def _position(self, rows: Rows, dirt: Dirt) -> tuple[pa.Array, pa.Array]:
        where = dirt.location
        lon = self._places.lon_micro[rows.place] + dirt.jitter_lon
        lat = self._places.lat_micro[rows.place] + dirt.jitter_lat
        hall = where == DEFAULT_POINT
        lon[hall], lat[hall] = self._hall_lon, self._hall_lat
        outside = np.flatnonzero(where == OUTSIDE)
        lon[outside] += 600_000 + lon[outside] % 97 * 1_000
        lat[outside] -= 300_000 + lat[outside] % 89 * 1_000
        shown = where != NO_LOCATION
        lat_text, lon_text = degrees(lat, "", shown), degrees(lon, "-", shown)
        swapped, zero = where == SWAPPED, where == ZERO_POINT
        turned_lat, turned_lon = degrees(lon[swapped], "-"), degrees(lat[swapped], "")
        lat_text = _replace(_replace(lat_text, swapped, turned_lat), zero, _zeros(zero))
        lon_text = _replace(_replace(lon_text, swapped, turned_lon), zero, _zeros(zero))
        return lat_text, lon_text


def _zeros(mask: Bools) -> pa.Array:
    return pa.array(["0.0"] * int(mask.sum()), type=pa.string())


def _bad_times(count: int) -> pa.Array:
    return pa.array([BAD_TIMES[i % len(BAD_TIMES)] for i in range(count)], type=pa.string())


def _replace(text: pa.Array, mask: Bools, values: pa.Array) -> pa.Array:
    return pc.replace_with_mask(text, pa.array(mask), values) if mask.any() else text


def _numbers(values: Ints, valid: Bools) -> pa.Array:
    return pa.array(values, mask=~valid)


def _take(texts: pa.Array, index: npt.NDArray[np.generic], valid: Bools | None = None) -> pa.Array:
    rows = pa.array(index.astype(np.int32), mask=None if valid is None else ~valid)
    return texts.take(rows)
