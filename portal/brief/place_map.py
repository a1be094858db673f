# ruff: noqa: S608 - the names in the SQL are fixed, numbers are this module's own, values are parameters
"""What a map on paper or in a file shows: the place's outline, the city's own base map, and its requests in cells.

Charter: one window's geometry in EPSG:3857 metres, already cut and simplified to what ink can show. No drawing.
Reads the release only; the number of shapes is bounded whatever the size of the city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.tiles import GRID_BITS, HALF_WORLD_M
from portal.answers_figures import Report
from portal.release import Release
from portal.selection import Selection

Window = tuple[float, float, float, float]

MARGIN: Final = 0.06
SMALLEST_M: Final = 600.0
"""A window is no narrower: around a very small area there must be something to know it by."""
MOST_LINES: Final = 3000
CELL_MM: Final = 2.5
"""About the side of a cell of requests, on paper."""
DETAIL_MM: Final = 0.1
"""What lines are simplified to: finer steps are not seen on paper."""
UNITS: Final = (1 << GRID_BITS) / (2 * HALF_WORLD_M)
"""Units of the integer grid in a metre of EPSG:3857."""


@dataclass(frozen=True)
class PlaceMap:
    """Geometry within `window` (west, south, east, north). `cells`: rows of x, y and number of requests."""

    window: Window
    land: Sequence[Any]
    water: Sequence[Any]
    parks: Sequence[Any]
    lines: Sequence[tuple[int, Sequence[Any]]]
    areas: Sequence[tuple[str, Any]]
    here: Any | None
    cells: NDArray[np.float64]
    located: int

    @property
    def aspect(self) -> float:
        """How many times as wide as high."""
        return (self.window[2] - self.window[0]) / (self.window[3] - self.window[1])

    @property
    def ground_m(self) -> float:
        """Width of the window on the ground: Web Mercator stretches it by 1 / cos(latitude)."""
        middle = (self.window[1] + self.window[3]) / 2
        return (self.window[2] - self.window[0]) / float(np.cosh(middle * np.pi / HALF_WORLD_M))


@dataclass(frozen=True)
class View:
    """What a map is of: `selection` in cells, `layer` the areas whose outlines are drawn as they were on `day`, `key` the
    one of them that it is about. `whole`: the window is the city's, not that of the selected requests; `bounds` decide it
    where they are given."""

    selection: Selection
    layer: str = ""
    key: str = ""
    day: date | None = None
    whole: bool = True
    bounds: Window | None = None

    @classmethod
    def of(cls, release: Release, report: Report) -> View:
        """The view of a report's place; the layer is the area's own, or for a department the first with any."""
        drawn = [layer.layer for layer in release.layers if layer.geometry]
        own = report.dimension in drawn
        layer = report.dimension if own else drawn[0] if drawn else ""
        whole = report.dimension == "department"
        return cls(report.here, layer, report.key if own else "", report.base.to_date, whole)


def natural_aspect(release: Release, report: Report) -> float:
    """How many times as wide as high the place is."""
    view = View.of(release, report)
    outlines = areas_of(release, view)
    west, south, east, north = _bounds(release, view, outlines, _here(outlines, view))
    return float(max(east - west, SMALLEST_M) / max(north - south, SMALLEST_M))


def place_map(release: Release, view: View, width_mm: float, aspects: tuple[float, float]) -> PlaceMap:
    """The map of a view for a frame of `width_mm`, in a window that is as many times as wide as high as suits the place,
    within `aspects` (lowest, highest)."""
    outlines = areas_of(release, view)
    here = _here(outlines, view)
    window = _window(_bounds(release, view, outlines, here), *aspects)
    box = shapely.box(*window)
    fine = (window[2] - window[0]) / width_mm * DETAIL_MM
    near = [(name, shape) for code, name, shape in outlines if code != view.key or here is None]
    cells, located = _cells(release, view.selection, window, (window[2] - window[0]) / width_mm * CELL_MM)
    return PlaceMap(
        window=window,
        land=_ground(release, "land", window, fine),
        water=_ground(release, "water", window, fine),
        parks=_ground(release, "park", window, fine),
        lines=_lines(release, window, fine),
        areas=[(name, shape.simplify(fine)) for name, shape in near if shape.intersects(box)],
        here=None if here is None else here.simplify(fine),
        cells=cells,
        located=located,
    )


def areas_of(release: Release, view: View) -> list[tuple[str, str, Any]]:
    """Code, name and outline of the view's layer, of the vintage that was in force on its day."""
    force, params = "current", [view.layer]
    if day := view.day:
        force = "(valid_from IS NULL OR valid_from <= ?) AND (valid_to IS NULL OR valid_to > ?)"
        params += [day, day]  # type: ignore[list-item]
    rows = release.query(
        f"""SELECT area, coalesce(name, area), ST_AsWKB(geom_3857) FROM areas
            WHERE layer = ? AND {force} AND geom_3857 IS NOT NULL ORDER BY area""",
        params,
    )
    return [(str(code), str(name), shapely.from_wkb(bytes(wkb))) for code, name, wkb in rows]


def _here(outlines: Sequence[tuple[str, str, Any]], view: View) -> Any:
    return next((shape for code, _name, shape in outlines if view.key and code == view.key), None)


def _bounds(release: Release, view: View, outlines: Sequence[tuple[str, str, Any]], here: Any) -> Window:
    """The place's own; for an area that no boundaries are known of, where most of its requests are; else the city."""
    if view.bounds is not None:
        return view.bounds
    if here is not None:
        return tuple(here.bounds)
    if not view.whole:
        where, params = release.where(view.selection)
        found = release.query(
            f"""SELECT quantile_disc(gx, 0.005), quantile_disc(gy, 0.995), quantile_disc(gx, 0.995),
                       quantile_disc(gy, 0.005) FROM requests WHERE gx IS NOT NULL AND {where}""",
            params,
        )[0]
        if None not in found:
            x, y = ([v / UNITS - HALF_WORLD_M for v in found[::2]], [HALF_WORLD_M - v / UNITS for v in found[1::2]])
            return x[0], y[0], x[1], y[1]
    return _whole(release, outlines)


def _whole(release: Release, outlines: Sequence[tuple[str, str, Any]]) -> Window:
    """The bounds of all outlines, else of the city as it is configured."""
    if outlines:
        return tuple(shapely.total_bounds([shape for _code, _name, shape in outlines]))
    west, south, east, north = release.city.bbox
    x = [degrees / 180 * HALF_WORLD_M for degrees in (west, east)]
    y = [float(np.arctanh(np.sin(np.radians(degrees)))) / np.pi * HALF_WORLD_M for degrees in (south, north)]
    return x[0], y[0], x[1], y[1]


def _window(bounds: Window, lowest: float, highest: float) -> Window:
    west, south, east, north = map(float, bounds)
    width, height = max(east - west, SMALLEST_M) * (1 + 2 * MARGIN), max(north - south, SMALLEST_M) * (1 + 2 * MARGIN)
    aspect = min(max(width / height, lowest), highest)
    width, height = max(width, height * aspect), max(height, width / aspect)
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


NEAR: Final = "maxx >= ? AND maxy >= ? AND minx <= ? AND miny <= ?"
"""Shapes whose box touches a window; its parameters are the window."""


def _ground(release: Release, kind: str, window: Window, fine: float) -> list[Any]:
    """Surfaces, cut to the window; those that would be smaller than a dot are left out."""
    if "basemap" not in release.tables:
        return []
    rows = release.query(
        f"""SELECT ST_AsWKB(ST_SimplifyPreserveTopology(geom_3857, ?)) FROM basemap
            WHERE kind = ? AND {NEAR} AND greatest(maxx - minx, maxy - miny) > ?
            ORDER BY (maxx - minx) * (maxy - miny) DESC LIMIT {MOST_LINES}""",
        [fine, kind, *window, 4 * fine],
    )
    return _cut(rows, window)


def _lines(release: Release, window: Window, fine: float) -> list[tuple[int, list[Any]]]:
    """Streets and rails by rank, least important first: whole ranks only, as many as there is room for."""
    if "basemap" not in release.tables:
        return []
    where = f"kind IN ('street', 'rail') AND {NEAR}"
    ranks: list[int] = []
    total = 0
    counted = release.query(f"SELECT rank, count(*) FROM basemap WHERE {where} GROUP BY rank ORDER BY rank", window)
    for rank, n in counted:
        total += n
        if ranks and total > MOST_LINES:
            break
        ranks.append(int(rank))
    found = []
    for rank in reversed(ranks):
        rows = release.query(
            f"""SELECT ST_AsWKB(ST_Simplify(geom_3857, ?)) FROM basemap
                WHERE {where} AND rank = ? LIMIT {MOST_LINES}""",
            [fine, *window, rank],
        )
        found.append((rank, _cut(rows, window)))
    return found


def _cut(rows: Sequence[tuple[Any, ...]], window: Window) -> list[Any]:
    shapes = shapely.from_wkb([bytes(wkb) for (wkb,) in rows if wkb is not None])
    cut = shapely.clip_by_rect(shapes, *window)
    return [shape for shape in np.atleast_1d(cut) if shape is not None and not shape.is_empty]


def _cells(release: Release, selection: Selection, window: Window, side: float) -> tuple[NDArray[np.float64], int]:
    """The place's requests in square cells of about `side` metres, each at their mean place, and how many there are in all."""
    shift = max(round(np.log2(side * UNITS)), 0)
    where, params = release.where(selection)
    rows = release.query(
        f"""SELECT avg(gx), avg(gy), count(*) FROM requests WHERE gx IS NOT NULL AND {where}
            GROUP BY gx >> {shift}, gy >> {shift} ORDER BY 3 DESC, 1, 2""",
        params,
    )
    if not rows:
        return np.empty((0, 3)), 0
    found = np.array(rows, dtype=float)
    found[:, 0] = found[:, 0] / UNITS - HALF_WORLD_M
    found[:, 1] = HALF_WORLD_M - found[:, 1] / UNITS
    located = int(found[:, 2].sum())
    inside = (
        (found[:, 0] > window[0]) & (found[:, 0] < window[2]) & (found[:, 1] > window[1]) & (found[:, 1] < window[3])
    )
    return found[inside], located


def coordinates_of(shape: Any) -> list[Any]:
    """The rings of a surface, or the parts of a line."""
    found = []
    for part in shapely.get_parts(shape):
        kind = part.geom_type
        if kind == "Polygon":
            found += [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
        elif kind in ("LineString", "LinearRing"):
            found.append(shapely.get_coordinates(part))
        elif kind.startswith(("Multi", "GeometryC")):
            found += coordinates_of(part)
    return found
