"""One chunk of a source's rows to clean request records and quarantined rows.

Charter: composes times, vocabulary, places and flags; decides which rows
cannot be trusted at all. A row either becomes a record or is quarantined with
a reason: none is lost.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etl.config import CityConfig, LatLong, PointColumn, RequestSource, TimeColumn
from etl.errors import MappingError
from etl.extract.files import ROW_NUMBER
from etl.records import LATER, QUARANTINE, RECORD, VALUE_FIELDS
from etl.transform import vocabulary as words
from etl.transform.flags import FlagSet
from etl.transform.placing import Finder, Placer, Places, Stated
from etl.transform.times import Times, clock_to_utc, parse_times, utc_to_local_days
from geo.boundaries import Vintage, assign, places_of
from geo.crs import Floats, to_wgs84
from geo.points import KnownSentinel

EARLIEST = np.datetime64("1980-01-01")
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class CleanChunk:
    """Records (etl.records.RECORD) and quarantined rows (etl.records.QUARANTINE) of one chunk.

    `unmapped`: (field, the source's own word) -> rows, for every word that the city's YAML does not map.
    """

    records: pa.Table
    quarantined: pa.Table
    unmapped: Mapping[tuple[str, str], int]


class RequestCleaner:
    """Cleans the chunks of one source by a city's configuration and boundary layers."""

    def __init__(
        self, config: CityConfig, source: str, layers: Mapping[str, Sequence[Vintage]], now: dt.datetime,
        finder: Finder | None = None, defaults: Sequence[KnownSentinel] = (),
    ) -> None:  # fmt: skip
        """`layers` holds the vintages of each layer that has polygons; `now` (UTC) bounds believable times.

        `finder` is the city's geocoder, `defaults` the source's default points that were found out.
        """
        self._config = config
        self._name = source
        self._source: RequestSource = config.sources[source]
        self._layers = layers
        self._now = np.datetime64(now.replace(tzinfo=None), "s")
        self._placer = Placer(config, self._source, finder, defaults)

    def clean(self, chunk: pa.Table) -> CleanChunk:
        """Records and quarantined rows of a chunk of text columns with `__row__`."""
        rows = len(chunk)
        flags = FlagSet(rows)
        times, unreadable_requested = self._times(chunk, flags)
        text = {name: self._text(chunk, name) for name in self._source.columns if name not in times}
        requested = times["requested_datetime"]
        reasons = self._reasons(text["service_request_id"], requested, unreadable_requested)
        columns = self._vocabulary(chunk, text, flags)
        self._order_of_times(columns["status"], times, flags)
        source_lon, source_lat = self._points(chunk)
        said = Stated(source_lon, source_lat, *self._stated_place(chunk, columns))
        places = self._placer.place(said, flags)
        safe = np.where(np.isnat(requested), EARLIEST, requested)
        days = utc_to_local_days(safe, self._config.city.timezone)
        columns |= {name: pa.chunked_array([pa.array(value)]) for name, value in times.items()}
        columns |= {
            "source": constant(self._name, rows),
            "lat": _floats(places.lat),
            "long": _floats(places.lon),
            "source_lat": _floats(source_lat),
            "source_long": _floats(source_lon),
            "location_source": _objects(places.source),
            "location_note": _objects(places.note),
            "geocode_method": _objects(places.method),
            "geocode_score": _floats(places.score),
            "geocode_radius_m": _floats(places.radius_m),
            "geocode_address": _objects(places.address),
            "geocode_alternatives": _objects(places.alternatives),
            "nearest_address": _objects(places.nearest),
            "areas": self._areas(chunk, places, days),
            "flags": flags.text(),
        }
        table = pa.table(
            {
                name: columns[name] if name in columns else pa.chunked_array([pa.nulls(rows, RECORD.field(name).type)])
                for name in RECORD.names
                if name != "row_hash"
            }
        ).cast(pa.schema([f for f in RECORD if f.name != "row_hash"]))
        good = pd.isna(reasons)
        kept = with_hash(table.filter(pa.array(good)), RECORD, VALUE_FIELDS)
        return CleanChunk(
            kept, refused_rows(self._name, chunk, reasons, text["service_request_id"]), self._unmapped(text, columns)
        )

    def _unmapped(
        self, text: Mapping[str, pa.ChunkedArray], columns: Mapping[str, pa.ChunkedArray]
    ) -> dict[tuple[str, str], int]:
        """The source's words that no rule of the YAML knows: a status, a channel, a service, a department."""
        found: dict[tuple[str, str], int] = {}
        doubtful = [("status", text["status"], pc.equal(columns["status"], words.UNMAPPED))]
        if "channel" in text:
            doubtful.append(("channel", text["channel"], pc.equal(columns["channel"], words.UNMAPPED)))
        for field, known in (("service_code", self._config.services), ("department", self._config.departments)):
            if known:
                names = pa.array(list(known), pa.string())
                doubtful.append((field, columns[field], pc.invert(pc.is_in(columns[field], value_set=names))))
        for field, column, unknown in doubtful:
            for entry in pc.value_counts(column.filter(pc.fill_null(unknown, False)).combine_chunks()).to_pylist():
                found[field, entry["values"] or "(blank)"] = entry["counts"]
        return found

    def _text(self, chunk: pa.Table, field: str) -> pa.ChunkedArray:
        column = self._source.columns[field]
        return words.trimmed(chunk[column if isinstance(column, str) else column.column])

    def _times(self, chunk: pa.Table, flags: FlagSet) -> tuple[dict[str, Times], Mask]:
        specs = {f: c for f, c in self._source.columns.items() if isinstance(c, TimeColumn)}
        parsed = parse_times(chunk, {f: (c.column, c.formats) for f, c in specs.items()})
        utc: dict[str, Times] = {}
        unreadable_requested = np.zeros(len(chunk), dtype=bool)
        requested: Times | None = None
        for field in sorted(specs, key=lambda name: name != "requested_datetime"):
            spec = specs[field]
            got = clock_to_utc(parsed[field].clock, spec.timezone or self._config.city.timezone)
            value = np.where(np.isnat(parsed[field].utc), got.utc, parsed[field].utc)
            if requested is None:
                requested = value
            else:
                value = np.where(got.repeated & (value < requested), got.second, value)
            flags.mark("repeated_hour", got.repeated)
            flags.mark("skipped_hour", got.skipped)
            given = words.trimmed(chunk[spec.column]).is_valid().to_numpy()
            unreadable = given & np.isnat(value)
            if field == "requested_datetime":
                unreadable_requested = unreadable
            else:
                flags.mark(f"unreadable_{field}", unreadable)
            utc[field] = value
        return utc, unreadable_requested

    def _reasons(self, ids: pa.ChunkedArray, requested: Times, unreadable: Mask) -> NDArray[np.object_]:
        reasons = np.full(len(requested), None, dtype=object)
        missing = np.isnat(requested)
        reasons[~missing & (requested < EARLIEST)] = "requested_datetime_implausible"
        reasons[~missing & (requested > self._now + np.timedelta64(1, "D"))] = "requested_datetime_in_future"
        reasons[missing] = "requested_datetime_missing"
        reasons[unreadable] = "requested_datetime_unreadable"
        reasons[ids.is_null().to_numpy()] = "service_request_id_missing"
        return reasons

    def _vocabulary(
        self, chunk: pa.Table, text: dict[str, pa.ChunkedArray], flags: FlagSet
    ) -> dict[str, pa.ChunkedArray]:
        source, config = self._source, self._config
        columns = dict(text)
        status = words.statuses(text["status"], source.statuses)
        columns["status"] = status
        flags.mark("unmapped_status", pc.equal(status, words.UNMAPPED).to_numpy())
        if "channel" in text:
            columns["channel"] = words.channels(text["channel"], source.channels)
            unmapped = pc.fill_null(pc.equal(columns["channel"], words.UNMAPPED), False)
            flags.mark("unmapped_channel", unmapped.to_numpy())
        name = text.get("service_name", text.get("service_code"))
        if name is None:  # the configuration's validation requires one of the two
            raise MappingError(f"source '{self._name}': neither service_code nor service_name is mapped")
        code = text.get("service_code")
        made = words.map_distinct(name, words.slug)
        columns["service_code"] = made if code is None else pc.coalesce(code, made)
        columns["service_code"] = pc.fill_null(columns["service_code"], words.UNMAPPED)
        columns["service_name"] = pc.coalesce(name, columns["service_code"])
        stated = text.get("department", text.get("agency_responsible"))
        by_service = {c: s.department for c, s in config.services.items() if s.department}
        department = words.map_distinct(columns["service_code"], by_service.get)
        if stated is not None:
            codes = {words.fold(c): c for c in config.departments}
            codes |= {words.fold(d.name): c for c, d in config.departments.items()}
            from_source = words.map_distinct(stated, lambda v: codes.get(words.fold(v)) or words.slug(v))
            department = pc.coalesce(department, from_source)
            columns.setdefault("agency_responsible", stated)
        columns["department"] = pc.fill_null(department, words.UNMAPPED)
        if "zip" in text:
            columns["zip"] = words.map_distinct(text["zip"], lambda v: words.area_code(v, "zip"))
        columns["outcome"] = words.outcomes(
            status,
            {
                rule.column: words.trimmed(chunk[rule.column])
                if rule.column
                else text.get("status_notes", constant(None, len(chunk)))
                for rule in source.outcomes
            },
            source.outcomes,
        )
        return columns

    @staticmethod
    def _order_of_times(status: pa.ChunkedArray, times: dict[str, Times], flags: FlagSet) -> None:
        closed_at = times.get("closed_datetime")
        is_closed = pc.equal(status, "closed").to_numpy()
        if closed_at is None:
            flags.mark("closed_without_time", is_closed)
            return
        flags.mark("closed_without_time", is_closed & np.isnat(closed_at))
        flags.mark("closed_before_requested", closed_at < times["requested_datetime"])
        flags.mark("open_with_closed_time", pc.equal(status, "open").to_numpy() & ~np.isnat(closed_at))

    def _stated_place(
        self, chunk: pa.Table, columns: Mapping[str, pa.ChunkedArray]
    ) -> tuple[pa.ChunkedArray, pa.ChunkedArray, pa.ChunkedArray]:
        """Address, ZIP and neighborhood as the source states them, null where it does not."""
        nothing = constant(None, len(chunk))
        stated = self._source.areas
        zips = columns.get("zip")
        if zips is None and "zip" in stated:
            zips = words.map_distinct(chunk[stated["zip"]], lambda v: words.area_code(v, "zip"))
        named = [layer.layer for layer in self._config.layers if layer.normalise == "text" and layer.layer in stated]
        named.sort(key=lambda layer: layer != "neighborhood")
        place = words.trimmed(chunk[stated[named[0]]]) if named else nothing
        return columns.get("address", nothing), nothing if zips is None else zips, place

    def _points(self, chunk: pa.Table) -> tuple[Floats, Floats]:
        """Longitude and latitude as the source gives them, NaN where it does not."""
        lat = np.full(len(chunk), np.nan)
        lon = np.full(len(chunk), np.nan)
        for location in self._source.locations:
            if isinstance(location, LatLong):
                more_lat, more_lon = _numbers(chunk[location.lat]), _numbers(chunk[location.long])
            elif isinstance(location, PointColumn):
                more_lat, more_lon = _point_text(chunk[location.point])
            else:
                x, y = _numbers(chunk[location.x]), _numbers(chunk[location.y])
                more_lon, more_lat = to_wgs84(x, y, location.crs)
            need = ~(np.isfinite(lat) & np.isfinite(lon))
            lat, lon = np.where(need, more_lat, lat), np.where(need, more_lon, lon)
        return lon, lat

    def _areas(self, chunk: pa.Table, points: Places, days: NDArray[np.datetime64]) -> pa.ChunkedArray:
        """JSON text {layer: code}; by the point where the layer has polygons, else as the source states it."""
        combined = np.zeros(len(chunk), dtype=np.int64)
        per_layer: list[tuple[str, NDArray[np.object_]]] = []
        places = places_of(points.lon, points.lat)
        for layer in self._config.layers:
            vintages = list(self._layers.get(layer.layer, ()))
            codes = np.full(len(chunk), None, dtype=object)
            column = self._source.areas.get(layer.layer)
            if column:
                stated = words.map_distinct(chunk[column], lambda v, how=layer.normalise: words.area_code(v, how))  # type: ignore[misc]
                codes = stated.to_numpy().astype(object)
            if vintages:
                known = {words.fold(a): a for v in vintages for a in v.areas["area"]}
                codes = np.array([known.get(words.fold(c)) if c else None for c in pd.unique(codes)], dtype=object)[
                    pd.factorize(codes, use_na_sentinel=False)[0]
                ]
                assigned = assign(vintages, points.lon, points.lat, days, places)
                located = np.isfinite(points.lon)
                codes = np.where(located, assigned, codes)
            index, distinct = pd.factorize(codes, use_na_sentinel=False)
            combined = combined * (len(distinct) + 1) + index
            _, combined = np.unique(combined, return_inverse=True)
            per_layer.append((layer.layer, codes))
        _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
        texts = [
            json.dumps({name: codes[i] for name, codes in per_layer if codes[i] is not None}, ensure_ascii=False)
            for i in first
        ]
        return pa.chunked_array([pa.array(texts, pa.string()).take(pa.array(inverse))])


def refused_rows(source: str, chunk: pa.Table, reasons: NDArray[np.object_], ident: pa.ChunkedArray) -> pa.Table:
    """Rows of a chunk that have a reason (None: trusted) as quarantined rows, their text kept as JSON.

    `ident` is the records' own number, for every row of the chunk.
    """
    bad = np.flatnonzero(~pd.isna(reasons))
    raw = chunk.take(pa.array(bad))
    lines = [
        json.dumps({k: v for k, v in row.items() if k != ROW_NUMBER and v is not None}, ensure_ascii=False)
        for row in raw.to_pylist()
    ]
    return pa.table(
        {
            "source": constant(source, len(bad)),
            "row_number": raw[ROW_NUMBER],
            "service_request_id": ident.take(pa.array(bad)),
            "reason": pa.array(reasons[bad], pa.string()),
            "detail": pa.nulls(len(bad), pa.string()),
            "raw": pa.array(lines, pa.string()),
        },
        schema=QUARANTINE,
    )


def constant(value: str | None, rows: int) -> pa.ChunkedArray:
    """A column of text that says the same in every row."""
    return pa.chunked_array([pa.repeat(pa.scalar(value, pa.string()), rows)])


def _floats(values: Floats) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64(), from_pandas=True)])


def _objects(values: NDArray[np.object_]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string(), from_pandas=True)])


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pd.to_numeric(column.to_pandas(), errors="coerce"), dtype=np.float64)


def _point_text(column: pa.ChunkedArray) -> tuple[Floats, Floats]:
    """Latitude and longitude out of '(37.77, -122.39)', 'POINT (…)' not included: latitude comes first."""
    found = pc.extract_regex(
        column, pattern=r"^\s*\(?\s*(?P<lat>-?\d+(?:\.\d+)?)\s*,\s*(?P<long>-?\d+(?:\.\d+)?)\s*\)?\s*$"
    )
    return _numbers(pc.struct_field(found, "lat")), _numbers(pc.struct_field(found, "long"))


def with_hash(table: pa.Table, schema: pa.Schema, fields: Sequence[str]) -> pa.Table:
    """Add `row_hash`: 64 bits of MD5 over the named fields, so that an unchanged row is recognised by one number."""
    told = {name: f'CAST("{name}" AS VARCHAR)' for name in fields}
    parts = ", ".join(  # concat_ws passes over a null
        f"'{name}=' || {text}" if name in LATER else f"ifnull({text}, chr(30))" for name, text in told.items()
    )
    connection = duckdb.connect(config={"threads": 1})
    try:
        connection.register("records", table)
        sql = f"SELECT CAST(md5_number_lower(concat_ws(chr(31), {parts}))::HUGEINT - 9223372036854775808 AS BIGINT) AS h FROM records"  # noqa: S608
        hashes = connection.execute(sql).to_arrow_table()["h"]
    finally:
        connection.close()
    return table.append_column("row_hash", hashes).cast(schema)
