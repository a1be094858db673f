"""The outline along a street: all that lies within a few metres of its middle line, for a selection.

Charter: the index of a geocoder and a street as it found it in, an Outline out; None where no outline of few corners holds
the street and little else. An outline is one ring: pieces of a street are joined, and what it runs around is left out, by
strips too narrow to hold anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from portal.errors import BadSelection
from portal.outline import Outline

if TYPE_CHECKING:
    from geo.geocoding.index import Index

BESIDE_M: Final = 40
"""How far from its middle line something is still along the street: the width of a wide one, and the lots beside it."""
GAP_M: Final = 100
"""A street that crosses a square or a junction is one; holes and gaps narrower than this are closed."""
MOST_CORNERS: Final = 100
TOLERANCES_M: Final = (2.0, 5.0, 10.0, 15.0)
STRIP_M: Final = 2.0
"""Half of the width of a strip; corners are rounded to a metre."""
SAME_M: Final = 60.0


def along(index: Index, street: str, lat: float, long: float) -> Outline | None:
    """The outline along the street of this name whose middle is nearest to the point."""
    from geo.crs import from_wgs84, to_wgs84

    wanted = street.casefold()
    names = [n for n, name in enumerate(index.streets.names) if name.text().casefold() == wanted]
    if len(names) != 1:
        return None
    x, y = (float(part[0]) for part in from_wgs84(np.array([long]), np.array([lat]), index.crs))
    first, last = (int(index.instances.first[names[0] + i]) for i in (0, 1))
    far = np.hypot(index.instances.x_m[first:last] - x, index.instances.y_m[first:last] - y)
    # The middle of one of several streets that are called so, or else that of all of them.
    mine = [first + int(far.argmin())] if len(far) and far.min() <= SAME_M else list(range(first, last))
    parts = _parts(index, mine)
    if not parts:
        return None
    shape = shapely.union_all(shapely.buffer(parts, BESIDE_M + GAP_M / 2)).buffer(-GAP_M / 2)
    for tolerance in TOLERANCES_M:
        simple = _one_ring(shape.simplify(tolerance))
        if simple is None:
            continue
        ring = shapely.get_coordinates(simple.exterior)[:-1]
        if len(ring) <= MOST_CORNERS:
            lon, lats = to_wgs84(ring[:, 0], ring[:, 1], index.crs)
            return _outline(lon, lats)
    return None


def _parts(index: Index, instances: list[int]) -> list[Any]:
    """The lines of a street or, in a city that has none, the points of its addresses."""
    segments = np.flatnonzero(np.isin(index.segment_instance, instances))
    lines = index.lines
    found: list[Any] = [
        shapely.LineString(np.column_stack([lines.x_m[start:end], lines.y_m[start:end]]))
        for start, end in zip(lines.first[segments].tolist(), lines.first[segments + 1].tolist(), strict=True)
        if end - start > 1
    ]
    if not found:
        mine = np.isin(index.numbers.instance, instances)
        found = list(shapely.points(index.numbers.x_m[mine], index.numbers.y_m[mine]))
    return found


def _one_ring(shape: Any) -> Any:
    """A polygon without holes; None where strips do not make one."""
    pieces = list(shapely.get_parts(shape))
    while len(pieces) > 1:
        first, *rest = pieces
        nearest = min(rest, key=first.distance)
        strip = shapely.shortest_line(first, nearest).buffer(STRIP_M, cap_style="square")
        joined = shapely.union_all([first, strip, nearest])
        if joined.geom_type != "Polygon":
            return None
        pieces = [joined, *(piece for piece in rest if piece is not nearest)]
    one = pieces[0] if pieces else None
    while one is not None and len(one.interiors):
        strip = shapely.shortest_line(one.interiors[0], one.exterior).buffer(STRIP_M, cap_style="square")
        cut = one.difference(strip)
        one = cut if cut.geom_type == "Polygon" and len(cut.interiors) < len(one.interiors) else None
    return one


def _outline(lon: Any, lat: Any) -> Outline | None:
    text = Outline(
        tuple(zip(np.round(lon * 1e5).astype(int).tolist(), np.round(lat * 1e5).astype(int).tolist(), strict=True))
    )
    try:
        return Outline.read(text.text())  # as rounding left it
    except BadSelection:
        return None
