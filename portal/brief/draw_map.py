"""Draws the map of a brief: ground, streets, outlines, the requests as circles, a scale and a key."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

import numpy as np
import shapely

from portal.brief.place_map import PlaceMap, coordinates_of
from portal.brief.sheet import INK, QUIET, RULE, WHITE, Colour, Ring, Sheet, paler
from portal.charts.svg import round_numbers
from portal.text import _, number

OUTSIDE: Final[Colour] = (240, 238, 233)
INSIDE: Final[Colour] = (252, 251, 249)
WATER: Final[Colour] = (205, 222, 233)
PARK: Final[Colour] = (218, 230, 210)
STREET: Final[Colour] = (206, 202, 195)
MAIN_STREET: Final[Colour] = (178, 173, 165)
BORDER: Final[Colour] = (140, 144, 150)
WIDTHS: Final = {1: 0.55, 2: 0.38, 3: 0.24}
LARGEST_MM: Final = 2.3
KEY_MM: Final = 8.0
"""Room under the map for its key."""


def draw_map(sheet: Sheet, shown: PlaceMap, x: float, y: float, width: float, alt: str) -> float:
    """The map in a frame of `width` millimetres with its key below; the y below that."""
    height = width / shown.aspect
    west, south, east, north = shown.window
    scale = np.array([width / (east - west), -height / (north - south)])
    origin = np.array([x - west * scale[0], y - north * scale[1]])

    def rings(shapes: Sequence[Any]) -> list[Ring]:
        return [coordinates * scale + origin for shape in shapes for coordinates in coordinates_of(shape)]

    with sheet.tagged("Figure", alt):
        with sheet.rect_clip(x, y, width, height):
            sheet.box(x, y, width, height, WATER if shown.land else OUTSIDE)
            sheet.shape(rings(shown.land), fill=OUTSIDE)
            if shown.here is not None:
                sheet.shape(rings([shown.here]), fill=INSIDE)
            sheet.shape(rings(shown.parks), fill=PARK)
            sheet.shape(rings(shown.water), fill=WATER)
            for rank, lines in shown.lines:
                colour = MAIN_STREET if rank == 1 else STREET
                sheet.shape(rings(lines), line=colour, width=WIDTHS.get(rank, 0.14), close=False)
            sheet.shape(rings([shape for _name, shape in shown.areas]), line=BORDER, width=0.18)
            if shown.here is not None:
                sheet.shape(rings([shown.here]), line=WHITE, width=1.3)
                sheet.shape(rings([shown.here]), line=INK, width=0.55)
            _names(sheet, shown, scale, origin, (x, y, x + width, y + height))
            largest = shown.cells[0, 2] if len(shown.cells) else 1.0
            with sheet.local_context(fill_opacity=0.62):
                for at_x, at_y, n in shown.cells:
                    place = np.array([at_x, at_y]) * scale + origin
                    sheet.dot(place[0], place[1], radius(n, largest), sheet.accent)
            _scale_bar(sheet, shown, x + 3, y + height - 3.5, width)
        sheet.set_draw_color(*RULE)
        sheet.set_line_width(0.2)
        sheet.rect(x, y, width, height)
        if len(shown.cells):
            _key(sheet, x, y + height + KEY_MM / 2, float(largest), width)
    return y + height + (KEY_MM if len(shown.cells) else 2.0)


def radius(n: float, largest: float) -> float:
    """Area grows with the number; the smallest can still be seen."""
    return max(LARGEST_MM * sqrt(n / max(largest, 4.0)), 0.32)


def _names(sheet: Sheet, shown: PlaceMap, scale: Any, origin: Any, frame: tuple[float, float, float, float]) -> None:
    """Names of the areas around, each in the middle of what is seen of it, where there is room."""
    window = shapely.box(*shown.window)
    places = shown.cells[:, :2] * scale + origin
    taken: list[tuple[float, float, float, float]] = []
    for name, shape in sorted(shown.areas, key=lambda area: -area[1].area):
        seen = shape.intersection(window)
        if seen.is_empty or seen.area < window.area * 0.012:
            continue
        middle = np.array(seen.representative_point().coords[0]) * scale + origin
        sheet.face(6.5, colour=QUIET)
        wide = sheet.get_string_width(name)
        left, top = middle[0] - wide / 2, middle[1] - 1.3
        box = (left - 1, top - 1, left + wide + 1, top + 3.6)
        covered = ((places > np.array(box[:2]) - 1) & (places < np.array(box[2:]) + 1)).all(axis=1).any()
        apart = not covered and all(box[2] < t[0] or box[0] > t[2] or box[3] < t[1] or box[1] > t[3] for t in taken)
        if box[0] > frame[0] and box[2] < frame[2] and box[1] > frame[1] and box[3] < frame[3] - 6 and apart:
            sheet.line_of(left, top + 2.3, name, 6.5, colour=QUIET)
            taken.append(box)


def _scale_bar(sheet: Sheet, shown: PlaceMap, x: float, y: float, width: float) -> None:
    metres = shown.ground_m / width * 22
    step = 10 ** int(np.log10(metres))
    length = max(m * step for m in (1, 2, 5) if m * step <= metres)
    mm = length / shown.ground_m * width
    words = _("{n} km").format(n=f"{length / 1000:g}") if length >= 1000 else _("{n} m").format(n=f"{length:g}")
    sheet.box(x - 1.2, y - 3.4, mm + 2.4, 4.6, WHITE)
    sheet.stroke(x, y, x + mm, y, INK, 0.35)
    sheet.line_of(x + mm / 2, y - 0.9, words, 6, anchor="middle")


def _key(sheet: Sheet, x: float, y: float, largest: float, width: float) -> None:
    """Circles of round numbers, and what they are."""
    at = x + LARGEST_MM
    for n in round_numbers(largest):
        r = radius(n, largest)
        sheet.dot(at, y, r, paler(sheet.accent, 0.7))
        at += r + 1.2
        words = number(n)
        at += sheet.line_of(at, y + 1, words, 7.5, colour=QUIET) + 4.5
    sheet.line_of(at, y + 1, _("requests, put together where they are close"), 7.5, colour=QUIET, most=x + width - at)
