"""Tiles of requests: counted in cells, or one by one, whatever the filter.

Rows lie along a Hilbert curve, so that those of a tile are a few stretches of the mapped columns: `_near` finds them by the
bounding box of each stretch, and only they are read. A tile that holds most of a large city counts the map cells that
rows carry instead, and puts a circle at the mean place of all requests of its cells, so that it stays where it is when the
filter changes.

Charter: rows to MVT bytes. What is in a tile is documented in `portal.tiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geo.tiles import EXTENT, GRID_BITS, Tile
from portal.asked import Between, Test, Testing
from portal.choosing import EPOCH
from portal.columns import STRETCH
from portal.mvt import ABSENT, distinct, points_layer
from portal.release import Release
from portal.selection import Selection
from portal.tally import Among, Ints, Part, Rows, count_in_parts, in_parts

MAX_FEATURES: Final = 20_000
MAX_BYTES: Final = 500_000
CELL_PX: Final = 16
FINE_CELL_PX: Final = 4
SINGLE_ZOOM: Final = 13
"""From here on a point that is one request says which (in a release of few rows, at any zoom)."""
SMALL_ROWS: Final = 300_000
PLACE_ZOOM: Final = 17
"""From here on requests are put together only where they are at the same place."""
LONGEST_RUN: Final = 65_535
MOST: Final = 0.4
"""A tile for which more than this share of all rows is looked at is counted from the whole."""
SHORT_GAP: Final = 6
SHORT_RUN: Final = 24
"""In stretches."""
INSIDE: Final = 2
CONTRADICTS: Final = "location_contradicts_address"
_TILE_PX: Final = 256

Floats = NDArray[np.float64]
_NONE: Final = np.empty(0, np.int64)


@dataclass(frozen=True)
class Points:
    """Points of a tile: place in tile coordinates, requests at it, and the row of one of them."""

    x: Ints
    y: Ints
    n: Ints
    row: Ints | None


def request_tile(release: Release, place: Tile, selection: Selection) -> bytes:
    """The tile's layer `requests`; no bytes where there is nothing."""
    if place.z < SINGLE_ZOOM and release.rows > SMALL_ROWS:
        return _encoded(release, _cells(release, place, selection))
    rows = in_parts(release.counting, _near(release, place, _tests(release, selection)))
    data = b""
    for cell_px in (0, FINE_CELL_PX, CELL_PX) if place.z >= PLACE_ZOOM else (CELL_PX,):
        points = _grouped(rows, place, cell_px)
        if points.n.size <= MAX_FEATURES:
            data = _encoded(release, points)
            if len(data) <= MAX_BYTES:
                break
    return data


def _tests(release: Release, selection: Selection) -> list[Testing]:
    """What a row of the selection passes; of a circle, an outline or a condition being among those found once for all tiles."""
    tests: list[Testing] = [*release.tests(selection)]
    placed = selection.placed()
    return [*tests, Among(release.chosen(placed))] if placed else tests


def _near(release: Release, place: Tile, tests: list[Testing]) -> list[Part]:
    """Where rows of a tile lie, and what is to be asked of them: where they are only where all of a stretch is not."""
    x0, x1, y0, y1 = _seen(place)
    window, counting = _window(release, place), release.counting
    stretches = counting.stretches
    near = stretches.meet(x0, x1, y0, y1)
    if not near.any():
        return []
    inside = stretches.lie_in(x0, x1, y0, y1)
    # A part costs as much as some thousand rows: short gaps are read too, and short runs within are tested like others.
    near = ~_long_runs(~near, SHORT_GAP)
    inside = _long_runs(inside, SHORT_RUN)
    kind = near.astype(np.int8) + (inside & near)
    breaks = np.flatnonzero(np.diff(kind)) + 1
    starts, stops = np.append(0, breaks), np.append(breaks, kind.size)
    return [
        (slice(start * STRETCH, min(stop * STRETCH, counting.rows)), tests if of == INSIDE else [*window, *tests])
        for start, stop, of in zip(starts.tolist(), stops.tolist(), kind[starts].tolist(), strict=True)
        if of
    ]


def _long_runs(flags: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """The flags that are true with at least so many neighbours in a row."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    long = stops - starts >= least
    changes = np.zeros(flags.size + 1, np.int8)
    changes[starts[long]] = 1
    changes[stops[long]] = -1
    return np.cumsum(changes[:-1]) > 0


def _edge(place: Tile) -> int:
    """How far beyond its edges a tile tells points, in grid units: a cell, so that marks on an edge are drawn whole."""
    return 1 << max(place.shift - (_TILE_PX // CELL_PX).bit_length() + 1, 0)


def _seen(place: Tile) -> tuple[int, int, int, int]:
    """First and last `gx`, first and last `gy` of what a tile tells."""
    x0, x1, y0, y1 = place.window()
    edge, last = _edge(place), (1 << GRID_BITS) - 1
    return max(x0 - edge, 0), min(x1 + edge, last), max(y0 - edge, 0), min(y1 + edge, last)


def _window(release: Release, place: Tile) -> list[Test | Between]:
    x0, x1, y0, y1 = _seen(place)
    return [Between(release.counting["gx"], max(x0, 1), x1), Between(release.counting["gy"], y0, y1)]


def _grouped(rows: Rows, place: Tile, cell_px: int) -> Points:
    """Requests in cells of so many pixels, at their mean place; `cell_px` 0: at their very places."""
    west, _, north, _ = place.window()
    at, edge = rows.places(), _edge(place)
    dx = rows.columns["gx"].read(at).astype(np.int64) - west
    dy = rows.columns["gy"].read(at).astype(np.int64) - north
    if cell_px:
        cells = _TILE_PX // cell_px
        shift = max(place.shift - cells.bit_length() + 1, 0)
        key = ((dy + edge >> shift) << place.shift + 1) + (dx + edge >> shift)
        # Rows of a cell lie together along the curve, so that sums of runs are all that there is to do.
        start = np.append(0, np.flatnonzero(np.diff(key)) + 1)[: key.size]
        used, run = np.unique(key[start], return_inverse=True)
        first = np.full(used.size, at.size)
        np.minimum.at(first, run, start)
        n = np.bincount(run, np.diff(start, append=key.size)).astype(np.int64)
        mean_x, mean_y = (
            np.bincount(run, np.add.reduceat(d, start) if start.size else d) / np.maximum(n, 1) for d in (dx, dy)
        )
        row = at[first]
    else:
        key = (dy + edge << place.shift + 1) + dx + edge
        _, first, n = np.unique(key, return_index=True, return_counts=True)
        mean_x, mean_y, row = dx[first].astype(float), dy[first].astype(float), at[first]
    scale = EXTENT / (1 << place.shift)
    return Points(_floor(mean_x * scale), _floor(mean_y * scale), n.astype(np.int64), row)


def _cells(release: Release, place: Tile, selection: Selection) -> Points:
    """Cells of 16 pixels of a tile that may hold millions of requests, by the map cell that each row carries."""
    gx, gy = release.constants.get("map_cells", lambda: _map_cells(release))
    x0, _, y0, _ = place.window()
    first_x, last_x, first_y, last_y = _seen(place)
    shift = place.shift - (_TILE_PX // CELL_PX).bit_length() + 1
    edge, cells = _edge(place), _TILE_PX // CELL_PX + 2
    inside = (gx >= first_x) & (gx <= last_x) & (gy >= first_y) & (gy <= last_y)
    if not inside.any():
        return Points(_NONE, _NONE, _NONE, None)
    tests = _tests(release, selection)
    parts = _near(release, place, tests)
    if sum(part.stop - part.start for part, _ in parts) > MOST * release.rows:
        # Tiles beside this one, and above and below it, are counted from the same.
        counts = release.scans.get(("map cells", selection), lambda: _by_map_cell(release, selection))
    else:
        counts = count_in_parts(release.counting, parts, "cell")
    cell = np.flatnonzero(counts[1:])
    cell = cell[inside[cell]]
    n = counts[1:][cell]
    column, row = ((g[cell].astype(np.int64) - start + edge) >> shift for g, start in ((gx, x0), (gy, y0)))
    key = row * cells + column
    total = np.bincount(key, n, minlength=1)
    used = np.flatnonzero(total)
    scale = EXTENT / (1 << place.shift)
    mean = [np.bincount(key, (g[cell] - start) * n)[used] / total[used] for g, start in ((gx, x0), (gy, y0))]
    return Points(_floor(mean[0] * scale), _floor(mean[1] * scale), total[used].astype(np.int64), None)


def _by_map_cell(release: Release, selection: Selection) -> Ints:
    """The selected rows of each map cell (number and 1 more; 0: those without)."""
    rows, column = release.chosen(selection), release.counting["cell"]
    counts = np.zeros(column.size, np.int64)
    if rows.mask is None:
        found = rows.tally("cell")
        counts[found.codes[0]] = found.n
        return counts
    # Rows of a cell lie together: a run of the mask is added up ten times as quickly as its rows are counted one by one.
    starts, cells = release.constants.get("cell_runs", lambda: _cell_runs(release))
    n = np.add.reduceat(rows.mask.view(np.uint8), starts, dtype=np.uint16)
    return np.bincount(cells, n, minlength=column.size).astype(np.int64)


def _cell_runs(release: Release) -> tuple[Ints, Ints]:
    """Where runs of rows of one map cell start, none longer than a small integer can count, and the cell of each."""
    codes = release.counting["cell"].codes
    changes = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    starts = np.union1d(np.append(0, changes), np.arange(0, codes.size, LONGEST_RUN))
    return starts.astype(np.int64), codes[starts].astype(np.int64)


def _map_cells(release: Release) -> tuple[Floats, Floats]:
    """Mean place of each map cell's requests, on the grid."""
    rows = np.array(release.query("SELECT gx, gy FROM map_cells ORDER BY cell"), np.float64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _floor(values: Floats) -> Ints:
    return np.floor(values).astype(np.int64)


def _encoded(release: Release, points: Points) -> bytes:
    attributes: dict[str, tuple[Ints, Any]] = {"n": distinct(points.n)}
    if points.row is not None:
        attributes |= _told(release, points.n == 1, points.row)
    return points_layer("requests", points.x, points.y, attributes, EXTENT)


def _told(release: Release, single: NDArray[np.bool_], row: Ints) -> dict[str, tuple[Ints, Any]]:
    """What is told of points that are one request: only what there is to tell."""
    at = np.flatnonzero(single)
    if not at.size:
        return {}
    rows, counting = row[at], release.counting

    def spread(found: tuple[Ints, Any], there: NDArray[np.bool_] | None = None) -> tuple[Ints, Any]:
        place = np.full(single.size, ABSENT)
        place[at] = found[0] if there is None else np.where(there, found[0], ABSENT)
        return place, found[1]

    def labelled(name: str, labels: Any = None, but: tuple[Any, ...] = (None,)) -> tuple[Ints, Any]:
        codes, used = distinct(counting[name].read(rows))
        told = [(labels or counting.labels(name))[code] for code in used]
        kept = np.array([label not in but for label in told])
        return spread((codes, ["" if label is None else str(label) for label in told]), kept[codes])

    services = release.allowed("service")
    names = [None if code is None else services.get(code, code) for code in counting.labels("service_code")]
    flags = [CONTRADICTS if CONTRADICTS in (label or "") else None for label in counting.labels("flags")]
    days, used = distinct(counting["requested_day"].read(rows))
    dated = np.array(used)[days] > 0  # 0 is any day before 1970-01-02
    found = {
        "service_request_id": spread(distinct(np.array(counting.texts["service_request_id"].take(pa.array(rows)).to_pylist()))),
        "source": labelled("source"),
        "service_name": labelled("service_code", names),
        "status": labelled("status"),
        "requested_date": spread((days, [(EPOCH + timedelta(days=day)).isoformat() for day in used]), dated),
        "location_precision": labelled("location_precision", but=(None, "exact", "none")),
    }  # fmt: skip
    geocoded = np.array([label == "geocoder" for label in counting.labels("location_source")])
    by_us = geocoded[counting["location_source"].read(rows)]
    method, radius = labelled("geocode_method"), distinct(counting["radius_m"].read(rows))
    method[0][at[~by_us]] = ABSENT
    note, contradicts = labelled("location_note"), labelled("flags", flags)
    doubted = contradicts[0] != ABSENT
    place = np.where(doubted, len(note[1]), note[0])
    found |= {
        "geocode_method": method,
        "geocode_radius_m": spread(radius, by_us & (np.array(radius[1])[radius[0]] > 0)),
        "location_note": (place, [*note[1], CONTRADICTS]),
    }
    return {name: column for name, column in found.items() if (column[0] != ABSENT).any()}
