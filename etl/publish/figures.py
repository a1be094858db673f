# ruff: noqa: S608 - the names in the SQL are the release's own columns
"""Two tables of figures: by area, department, service and month, and how the standards are kept.

Charter: counts in SQL over the filled index, and which estimates stand beside them. The estimators themselves are handed in:
the portal's own, so that a file says what a page says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etl.duck import identifier
from etl.publish.derive import elapsed_bins

WHOLE_CITY: Final = "city"
CELLS: Final = 2_000
"""Groups whose times are estimated at once."""
_DIMENSIONS: Final = {"service": "service_code", "service_group": "service_group", "department": "department"}
_COUNTS: Final = {
    "requests": "TRUE",
    "open": "status = 'open'",
    "closed": "status = 'closed'",
    "on_time": "on_time = 'on_time'",
    "late": "on_time = 'late'",
    "pending": "on_time = 'pending'",
    "no_standard": "on_time = 'no_standard'",
    "timed": "event IS NOT NULL",
}


@dataclass(frozen=True)
class Estimators:
    """`hours` takes the edges of bins in minutes (bins + 1), events and censored of shape (groups, bins), and gives hours of
    shape (groups, 2, 3): the median and the 90th percentile, each with its 95% interval, NaN for what is not reached.
    `interval` gives that of k of n, None of none."""

    hours: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[np.float64]]
    interval: Callable[[int, int], tuple[float, float] | None]


@dataclass(frozen=True)
class Names:
    """What codes are called: of a dimension or a layer, code -> name."""

    of: Mapping[str, Mapping[str, str]]

    def get(self, dimension: str, key: str | None) -> str | None:
        """The name, or the code where it has none."""
        return self.of.get(dimension, {}).get(key, key) if key is not None else None


def names_of(city: str, small: Mapping[str, pa.Table], areas: gpd.GeoDataFrame) -> Names:
    """From the registers of the release; of areas the names that are valid now."""
    services, departments = small["services"], small["departments"]
    found: dict[str, dict[str, str]] = {
        WHOLE_CITY: {WHOLE_CITY: city},
        "service": _pairs(services["service_code"], services["service_name"]),
        "department": _pairs(departments["department"], departments["name"]),
    }
    now = areas[areas["valid_to"].isna()]
    for layer, area, name in zip(now["layer"], now["area"], now["name"], strict=True):
        found.setdefault(layer, {})[area] = name or area
    return Names(found)


def _pairs(codes: pa.ChunkedArray, names: pa.ChunkedArray) -> dict[str, str]:
    return {code: name for code, name in zip(codes.to_pylist(), names.to_pylist(), strict=True) if code and name}


def monthly_figures(
    db: duckdb.DuckDBPyConnection, layers: Sequence[str], names: Names, covered: dt.date, estimators: Estimators
) -> pa.Table:
    """One row for each service, group, department, area and month in which there were requests, or some were closed.

    `layers` are those whose areas are published; `covered`: the month of that day is not over.
    """
    columns = {**{d: identifier(c) for d, c in _DIMENSIONS.items()}, **{name: identifier(name) for name in layers}}
    parts = [_part(db, WHOLE_CITY, f"'{WHOLE_CITY}'", names, covered, estimators)]
    parts += [_part(db, dimension, column, names, covered, estimators) for dimension, column in columns.items()]
    return pa.concat_tables(parts)


def _part(
    db: duckdb.DuckDBPyConnection, dimension: str, column: str, names: Names, covered: dt.date, estimators: Estimators
) -> pa.Table:
    rows = _counted(db, column)
    keys = [None if dimension == WHOLE_CITY else key for key in rows["key"].to_pylist()]
    months = [dt.date(1970 + month // 12, month % 12 + 1, 1) for month in rows["month"].to_pylist()]
    told = {
        "dimension": pa.array([dimension] * len(rows), pa.string()),
        "key": pa.array(keys, pa.string()),
        "name": pa.array([names.get(dimension, key) for key in rows["key"].to_pylist()], pa.string()),
        "month": pa.array(months, pa.date32()),
        "complete": pa.array([month < covered.replace(day=1) for month in months], pa.bool_()),
    }
    told |= {name: rows[name].combine_chunks() for name in (*_COUNTS, "closed_in_month")}
    told |= _shares(rows, estimators)
    hours = _hours(db, column, rows, estimators)
    for i, name in enumerate(("median", "p90")):
        for j, end in enumerate(("", "_lower", "_upper")):
            told[f"{name}_hours{end}"] = pa.array(hours[:, i, j], from_pandas=True)  # not reached: empty
    return pa.table(told)


def _counted(db: duckdb.DuckDBPyConnection, column: str) -> pa.Table:
    """What is a count, by key and month, with the closings of the month; in the order of both."""
    counted = ", ".join(f"count(*) FILTER ({of}) AS {name}" for name, of in _COUNTS.items())
    known = ", ".join(f"coalesce({name}, 0)::BIGINT AS {name}" for name in (*_COUNTS, "closed_in_month"))
    return db.execute(
        f"""SELECT coalesce(r.key, c.key) AS key, coalesce(r.month, c.month) AS month, {known}
            FROM (SELECT {column}::VARCHAR AS key, month::INTEGER AS month, {counted}
                  FROM requests WHERE month IS NOT NULL GROUP BY ALL) r
            FULL JOIN (SELECT {column}::VARCHAR AS key, closed_month::INTEGER AS month, count(*) AS closed_in_month
                       FROM requests WHERE closed_month IS NOT NULL GROUP BY ALL) c
              ON r.key IS NOT DISTINCT FROM c.key AND r.month = c.month
            ORDER BY 1 NULLS LAST, 2"""
    ).to_arrow_table()


def _shares(rows: pa.Table, estimators: Estimators) -> dict[str, pa.Array]:
    """On time of those that have come due, with its interval."""
    pairs = [(k, k + late) for k, late in zip(rows["on_time"].to_pylist(), rows["late"].to_pylist(), strict=True)]
    ends = [estimators.interval(k, n) or (None, None) for k, n in pairs]
    return {
        "on_time_share": pa.array([k / n if n else None for k, n in pairs], pa.float64()),
        "on_time_lower": pa.array([low for low, _ in ends], pa.float64()),
        "on_time_upper": pa.array([high for _, high in ends], pa.float64()),
    }


def _hours(db: duckdb.DuckDBPyConnection, column: str, rows: pa.Table, estimators: Estimators) -> NDArray[np.float64]:
    """The estimates of each of the rows."""
    db.register("figure_rows", rows.append_column("place", pa.array(range(len(rows)), pa.int64())))
    times = db.execute(
        f"""SELECT f.place, t.* EXCLUDE (key, month) FROM (
              SELECT {column}::VARCHAR AS key, month::INTEGER AS month, elapsed_bin::INTEGER AS bin,
                     count(*) FILTER (event = 1) AS events, count(*) FILTER (event = 0) AS censored
              FROM requests WHERE event IS NOT NULL AND month IS NOT NULL GROUP BY ALL) t
            JOIN figure_rows f ON f.key IS NOT DISTINCT FROM t.key AND f.month = t.month ORDER BY f.place"""
    ).to_arrow_table()
    db.unregister("figure_rows")
    place, bins, events, censored = (times[name].to_numpy() for name in ("place", "bin", "events", "censored"))
    edges = np.asarray(elapsed_bins())
    found = np.full((len(rows), 2, 3), np.nan)
    for start in range(0, len(rows), CELLS):
        some = slice(*np.searchsorted(place, (start, start + CELLS)))
        dense = np.zeros((2, min(CELLS, len(rows) - start), len(edges) - 1), np.int64)
        dense[0, place[some] - start, bins[some]] = events[some]
        dense[1, place[some] - start, bins[some]] = censored[some]
        found[start : start + CELLS] = estimators.hours(edges, *dense)
    return found


def standards(db: duckdb.DuckDBPyConnection, services: pa.Table, estimators: Estimators) -> pa.Table:
    """One row a service: what its standard is, where it comes from, and how it is kept."""
    db.register("services_now", services)
    rows = db.execute(
        """SELECT s.service_code, s.service_name, s.department,
                  CASE WHEN s.target_hours IS NULL AND r.least IS NULL THEN 'none' WHEN s.target_hours IS NULL THEN 'source'
                       WHEN r.others > 0 THEN 'both' ELSE 'configuration' END AS set_by,
                  s.target_hours, r.least AS hours_min, r.typical AS hours_median, r.most AS hours_max,
                  coalesce(r.requests, 0) AS requests, coalesce(r.on_time, 0) AS on_time, coalesce(r.late, 0) AS late,
                  coalesce(r.pending, 0) AS pending, coalesce(r.no_standard, 0) AS no_standard
           FROM services_now s LEFT JOIN (
             SELECT service_code, count(*) AS requests, count(*) FILTER (on_time = 'on_time') AS on_time,
                    count(*) FILTER (on_time = 'late') AS late, count(*) FILTER (on_time = 'pending') AS pending,
                    count(*) FILTER (on_time = 'no_standard') AS no_standard, min(hours) AS least,
                    quantile_cont(hours, 0.5) AS typical, max(hours) AS most,
                    count(*) FILTER (abs(hours - target_hours) > 0.001) AS others
             FROM (SELECT r.service_code::VARCHAR AS service_code, r.on_time, n.target_hours,
                          (epoch(r.expected_datetime) - epoch(r.requested_datetime)) / 3600 AS hours
                   FROM requests r LEFT JOIN services_now n ON n.service_code = r.service_code::VARCHAR)
             GROUP BY 1) r USING (service_code) ORDER BY s.service_code"""
    ).to_arrow_table()
    db.unregister("services_now")
    for name, column in _shares(rows, estimators).items():
        rows = rows.append_column(name, column)
    return rows
