"""Measures and feedback: rows of text to clean records, or to quarantine with a reason.

Charter: the same promises as for requests (nothing lost, nothing guessed), for two plain tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etl.config import CityConfig, TimeColumn
from etl.config.tables import FeedbackSource, MeasureSource
from etl.records import FEEDBACK, FEEDBACK_KIND, MEASURE, MEASURE_KIND
from etl.transform import vocabulary as words
from etl.transform.requests import EARLIEST, CleanChunk, constant, refused_rows, with_hash
from etl.transform.times import Times, clock_to_utc, parse_times, utc_to_local_days

MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}
DIRECTIONS = ("higher", "lower", "none")
WHOLE_CITY = "city"
"""Stands for the department of a measure that is the whole city's."""
Reasons = NDArray[np.object_]


class _Table:
    """What both cleaners share: reading columns, and parting good rows from refused ones."""

    def __init__(
        self, config: CityConfig, source: str, columns: Mapping[str, str | TimeColumn], now: dt.datetime
    ) -> None:
        self._config, self._name, self._columns = config, source, columns
        self._now = np.datetime64(now.replace(tzinfo=None), "s")
        known = {words.fold(c): c for c in config.departments}
        self._departments = known | {words.fold(d.name): c for c, d in config.departments.items()}

    def _text(self, chunk: pa.Table, field: str) -> pa.ChunkedArray:
        column = self._columns.get(field)
        if column is None:
            return pa.chunked_array([pa.nulls(len(chunk), pa.string())])
        return words.trimmed(chunk[column if isinstance(column, str) else column.column])

    def _numbers(self, chunk: pa.Table, field: str) -> NDArray[np.float64]:
        text = pc.replace_substring_regex(self._text(chunk, field), pattern=r"[%,\s]", replacement="")
        return np.asarray(pd.to_numeric(text.to_pandas(), errors="coerce"), dtype=np.float64)

    def _times(self, chunk: pa.Table) -> dict[str, tuple[Times, Times]]:
        """UTC and the city's clock of every time column."""
        specs = {f: c for f, c in self._columns.items() if isinstance(c, TimeColumn)}
        parsed = parse_times(chunk, {f: (c.column, c.formats) for f, c in specs.items()})
        found = {}
        for field, spec in specs.items():
            zone = spec.timezone or self._config.city.timezone
            utc = np.where(np.isnat(parsed[field].utc), clock_to_utc(parsed[field].clock, zone).utc, parsed[field].utc)
            local = utc_to_local_days(utc, zone)
            clock = np.where(np.isnat(parsed[field].clock), local.astype("datetime64[s]"), parsed[field].clock)
            found[field] = (utc, clock)
        return found

    def _department(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return words.map_distinct(column, lambda v: self._departments.get(words.fold(v)) or words.slug(v))

    def _split(
        self, chunk: pa.Table, columns: Mapping[str, object], reasons: Reasons, ident: pa.ChunkedArray,
        schema: pa.Schema, fields: Sequence[str],
    ) -> CleanChunk:  # fmt: skip
        plain = pa.schema([f for f in schema if f.name != "row_hash"])
        table = pa.table({f.name: columns[f.name] for f in plain}).cast(plain)
        good = pd.isna(reasons)
        kept = with_hash(table.filter(pa.array(good)), schema, fields)
        return CleanChunk(kept, refused_rows(self._name, chunk, reasons, ident), {})


class MeasureCleaner(_Table):
    """Cleans the chunks of a source of periodic measures."""

    def __init__(self, config: CityConfig, source: str, now: dt.datetime) -> None:
        """`now` (UTC) bounds believable periods."""
        self._source: MeasureSource = config.measures[source]
        super().__init__(config, source, self._source.columns, now)

    def clean(self, chunk: pa.Table) -> CleanChunk:
        """Records (etl.records.MEASURE) and refused rows of a chunk of text columns with `__row__`."""
        rows = len(chunk)
        info = {words.fold(word): m for word, m in self._source.measures.items()}
        named = self._text(chunk, "measure")

        def known(attribute: str) -> pa.ChunkedArray:
            def look(word: str) -> str | None:
                found = getattr(info.get(words.fold(word)), attribute, None)
                return None if found is None else str(found)

            return words.map_distinct(named, look)

        times = self._times(chunk)
        start = times["period_start"][1].astype("datetime64[D]")
        end = self._ends(start, times.get("period_end"), self._text(chunk, "period"))
        value = self._numbers(chunk, "value")
        target = self._numbers(chunk, "target")
        stated = np.asarray(pd.to_numeric(known("target").to_pandas(), errors="coerce"), dtype=np.float64)
        direction = pc.coalesce(pc.utf8_lower(self._text(chunk, "direction")), known("direction"))
        direction = pc.fill_null(direction, "none")
        department = pc.coalesce(self._department(self._text(chunk, "department")), known("department"))
        code = words.map_distinct(named, words.slug)
        responses = self._numbers(chunk, "responses")
        columns = {
            "source": constant(self._name, rows),
            "measure": code,
            "department": pc.fill_null(department, WHOLE_CITY),
            "period_start": pa.array(start, pa.date32()),
            "period_end": pa.array(end, pa.date32()),
            "measure_name": pc.coalesce(known("name"), named),
            "value": pa.array(value, pa.float64(), from_pandas=True),
            "target": pa.array(np.where(np.isnan(target), stated, target), pa.float64(), from_pandas=True),
            "direction": direction,
            "unit": pc.fill_null(pc.coalesce(self._text(chunk, "unit"), known("unit")), "count"),
            "responses": pa.array(np.round(responses), pa.float64(), from_pandas=True).cast(pa.int64()),
        }
        reasons = np.full(rows, None, dtype=object)
        reasons[~pc.is_in(direction, value_set=pa.array(DIRECTIONS)).to_numpy()] = "direction_unknown"
        reasons[end <= start] = "period_ends_before_it_begins"
        reasons[start > self._now.astype("datetime64[D]")] = "period_start_in_future"
        reasons[start < EARLIEST.astype("datetime64[D]")] = "period_start_implausible"
        reasons[self._outside(columns["unit"], value)] = "value_out_of_range"
        reasons[~np.isfinite(value)] = "value_unreadable"
        reasons[np.isnat(start)] = "period_start_unreadable"
        reasons[code.is_null().to_numpy()] = "measure_missing"
        ident = pc.binary_join_element_wise(
            pc.fill_null(code, "?"),
            columns["department"],
            pc.fill_null(pc.cast(columns["period_start"], pa.string()), "?"),
            " ",
        )
        return self._split(chunk, columns, reasons, ident, MEASURE, MEASURE_KIND.values)

    def _ends(
        self, start: NDArray[np.datetime64], stated: tuple[Times, Times] | None, period: pa.ChunkedArray
    ) -> NDArray[np.datetime64]:
        """First day that a row no longer covers: stated, else by the row's period, else by the source's."""
        names = period.to_numpy(zero_copy_only=False)
        found = np.full(start.shape, np.datetime64("NaT"), dtype="datetime64[D]")
        for name in {*MONTHS, *DAYS}:
            mine = np.array([(words.fold(n) if n else self._source.period) == name for n in names], dtype=bool)
            if name in DAYS:
                found[mine] = start[mine] + np.timedelta64(DAYS[name], "D")
                continue
            months = start[mine].astype("datetime64[M]")
            day = start[mine] - months.astype("datetime64[D]")
            found[mine] = (months + np.timedelta64(MONTHS[name], "M")).astype("datetime64[D]") + day
        if stated is not None:
            clock = stated[1].astype("datetime64[D]")
            found = np.where(np.isnat(clock), found, clock)
        return found

    @staticmethod
    def _outside(unit: pa.ChunkedArray, value: NDArray[np.float64]) -> NDArray[np.bool_]:
        bounded = pc.is_in(unit, value_set=pa.array(["percent", "index"])).to_numpy()
        outside: NDArray[np.bool_] = bounded & ((value < 0) | (value > 100))
        return outside


class FeedbackCleaner(_Table):
    """Cleans the chunks of a source of satisfaction answers."""

    def __init__(self, config: CityConfig, source: str, now: dt.datetime) -> None:
        """`now` (UTC) bounds believable times."""
        self._source: FeedbackSource = config.feedback[source]
        super().__init__(config, source, self._source.columns, now)

    def clean(self, chunk: pa.Table) -> CleanChunk:
        """Records (etl.records.FEEDBACK) and refused rows of a chunk of text columns with `__row__`."""
        rows = len(chunk)
        ident = self._text(chunk, "feedback_id")
        received = self._times(chunk)["received_datetime"][0]
        worst, best = self._source.scale
        score = (self._numbers(chunk, "score") - worst) / (best - worst) * 100
        channel = self._text(chunk, "channel")
        columns = {
            "source": constant(self._name, rows),
            "feedback_id": ident,
            "service_request_id": self._text(chunk, "service_request_id"),
            "department": self._department(self._text(chunk, "department")),
            "counter": self._text(chunk, "counter"),
            "channel": words.channels(channel, self._source.channels),
            "received_datetime": pa.array(received, pa.timestamp("s")),
            "score": pa.array(np.round(score, 4), pa.float64(), from_pandas=True),
            "flags": constant(None, rows),
        }
        tied = np.zeros(rows, dtype=bool)
        for field in ("service_request_id", "department", "counter"):
            tied |= columns[field].is_valid().to_numpy()
        reasons = np.full(rows, None, dtype=object)
        reasons[~tied] = "tied_to_nothing"
        reasons[(score < 0) | (score > 100)] = "score_out_of_range"
        reasons[~np.isfinite(score)] = "score_unreadable"
        reasons[received > self._now + np.timedelta64(1, "D")] = "received_datetime_in_future"
        reasons[received < EARLIEST] = "received_datetime_implausible"
        reasons[np.isnat(received)] = "received_datetime_unreadable"
        reasons[ident.is_null().to_numpy()] = "feedback_id_missing"
        return self._split(chunk, columns, reasons, ident, FEEDBACK, FEEDBACK_KIND.values)
