"""A view of the map as one SVG drawing that needs nothing else: ground, streets, outlines, and circles or coloured areas.

Charter: geometry in EPSG:3857 and values in, a `Drawing` for `charts.standalone` out. Colours are those of the light map,
written into the drawing, because a file is printed and put into documents; `dark_rules` turns each into that of the dark map
where a screen is dark. Words arrive already translated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log10, sqrt
from typing import Any, Final

import numpy as np
import shapely

from geo.tiles import HALF_WORLD_M
from portal.brief.place_map import PlaceMap, coordinates_of
from portal.charts.map_classes import APART, DARK_APART, DARK_SEQUENCE, SEQUENCE, Classes
from portal.charts.standalone import Drawing
from portal.charts.svg import round_numbers
from portal.text import _, number

WIDE: Final = 980.0
LARGEST: Final = 9.5
LAND, OUTSIDE, WATER, PARK = "#f6f4ef", "#e9e6de", "#c3d7e4", "#dbe6d1"
STREET, BORDER, INK, QUIET, PAPER = "#d3cec3", "#5b6670", "#16202a", "#4b5763", "#ffffff"
MARK, FOCUS, FEW, HATCH = "#0d4f8b", "#b3410b", "#d9d6cf", "#8b9097"
DARK: Final = {
    LAND: "#18212a", OUTSIDE: "#0e1419", WATER: "#1d3344", PARK: "#1c2b22",
    STREET: "#4a5763", BORDER: "#8b97a2", INK: "#eceff1", QUIET: "#b4bec7", PAPER: "#182027",
    MARK: "#8cc4f2", FOCUS: "#ffb86b", FEW: "#2b343c", HATCH: "#74808b",
    **dict(zip(SEQUENCE, DARK_SEQUENCE, strict=True)), **dict(zip(APART, DARK_APART, strict=True)),
}  # fmt: skip
"""Every colour of a drawing, and what it is on a dark screen."""
STREETS: Final = {1: 1.9, 2: 1.3, 3: 0.8}
KEY: Final = 34.0
"""Height of one line of the key below the map."""


@dataclass(frozen=True)
class Shaded:
    """Areas coloured by a value: `areas` are (code, name, outline), `values` what is known by code, `say` its words."""

    title: str
    areas: Sequence[tuple[str, str, Any]]
    values: Mapping[str, float]
    classes: Classes
    say: Callable[[float], str]
    few: str


def draw_view(
    shown: PlaceMap, title: str, description: str, shaded: Shaded | None, drawn: Sequence[Any] = ()
) -> Drawing:
    """The map with its key. `drawn` are the outlines that the selection was narrowed to."""
    west, south, east, north = shown.window
    high = WIDE / shown.aspect
    scale = np.array([WIDE / (east - west), -high / (north - south)])
    origin = np.array([-west * scale[0], -north * scale[1]])

    def path(shapes: Sequence[Any], paint: str, close: bool = True) -> str:
        lines = [_steps(ring * scale + origin, close) for shape in shapes for ring in coordinates_of(shape)]
        return f'<path {paint} d="{"".join(lines)}"/>' if lines else ""

    def line(colour: str, width: float, more: str = "") -> str:
        return f'fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"{more}'

    filled = 'fill-rule="evenodd" fill="{}"'.format
    parts = [
        _PATTERN,
        f'<clipPath id="map-frame"><rect width="{WIDE:g}" height="{high:.1f}"/></clipPath><g clip-path="url(#map-frame)">',
        f'<rect width="{WIDE:g}" height="{high:.1f}" fill="{WATER if shown.land else OUTSIDE}"/>',
        path(shown.land, filled(LAND)),
        path(shown.parks, filled(PARK)),
        *(_coloured(shaded, path) if shaded else []),
        path(shown.water, filled(WATER)),
    ]
    parts += [path(lines, line(STREET, STREETS.get(rank, 0.5), ' stroke-opacity="0.55"' if shaded else ""), False)
              for rank, lines in shown.lines]  # fmt: skip
    outlines = [shape for _name, shape in shown.areas] + ([shown.here] if shown.here is not None else [])
    parts.append(path(outlines, line(BORDER, 0.9, ' stroke-opacity="0.7"')))
    if shown.here is not None:
        parts.append(path([shown.here], line(INK, 2.2)))
    parts.append(path(drawn, line(FOCUS, 2, ' stroke-dasharray="6 4"')))
    if shaded is None:
        parts += _circles(shown, scale, origin)
    parts += [_scale_bar(shown, high), "</g>"]
    parts.append(f'<rect width="{WIDE:g}" height="{high:.1f}" fill="none" stroke="{HATCH}"/>')
    parts.append(_classes_key(shaded, high + KEY) if shaded else _circles_key(shown, high + KEY))
    return Drawing("wide", WIDE, round(high + KEY * 2.1, 1), escape(title), escape(description), "".join(parts))


def dark_rules(within: str = "") -> str:
    """The rules that make a drawing dark; a rule outweighs the attribute that it selects by. `within` is put before each."""
    return "".join(
        f'{within}[{name}="{light}"]{{{name}:{dark}}}' for light, dark in DARK.items() for name in ("fill", "stroke")
    )


_PATTERN = (
    '<pattern id="map-few" width="8" height="8" patternUnits="userSpaceOnUse">'
    f'<rect width="8" height="8" fill="{FEW}"/><path d="M-2 2L2-2M0 8L8 0M6 10L10 6" stroke="{HATCH}"/></pattern>'
)


def _steps(points: Any, close: bool) -> str:
    """A ring or line; steps shorter than a third of a pixel are left out."""
    kept, last = [], None
    for x, y in np.round(points, 1):
        if last is None or abs(x - last[0]) + abs(y - last[1]) > 0.3:
            kept.append(f"{x:g} {y:g}")
            last = (x, y)
    return "M" + "L".join(kept) + ("Z" if close else "")


def _coloured(shaded: Shaded, path: Callable[..., str]) -> list[str]:
    parts = []
    for code, name, shape in shaded.areas:
        value = shaded.values.get(code)
        fill = "url(#map-few)" if value is None else shaded.classes.colour(value)
        told = f"{name}: {shaded.few if value is None else shaded.say(value)}"
        inner = path([shape], f'fill-rule="evenodd" fill="{fill}" fill-opacity="0.85"')
        parts.append(f"<g><title>{escape(told, quote=False)}</title>{inner}</g>")
    return parts


def _circles(shown: PlaceMap, scale: Any, origin: Any) -> list[str]:
    largest = float(shown.cells[0, 2]) if len(shown.cells) else 1.0
    parts = [f'<g fill="{MARK}" fill-opacity="0.7" stroke="{PAPER}" stroke-width="0.5">']
    for x, y, n in shown.cells:
        at = np.array([x, y]) * scale + origin
        parts.append(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{_radius(n, largest):.1f}"/>')
    return [*parts, "</g>"]


def _radius(n: float, largest: float) -> float:
    """Area grows with the number; the smallest can still be seen."""
    return max(LARGEST * sqrt(n / max(largest, 4.0)), 1.4)


def _scale_bar(shown: PlaceMap, high: float) -> str:
    metres = shown.ground_m / WIDE * 160
    step = 10 ** int(log10(metres))
    length = max(m * step for m in (1, 2, 5) if m * step <= metres)
    wide = length / shown.ground_m * WIDE
    words = _("{n} km").format(n=f"{length / 1000:g}") if length >= 1000 else _("{n} m").format(n=f"{length:g}")
    y = high - 14
    return (
        f'<rect x="8" y="{y - 20:.1f}" width="{wide + 16:.1f}" height="27" fill="{PAPER}" fill-opacity="0.85"/>'
        f'<path d="M16 {y - 4:.1f}V{y:.1f}H{16 + wide:.1f}V{y - 4:.1f}" fill="none" stroke="{INK}" stroke-width="1.5"/>'
        + _words(16 + wide / 2, y - 6, words, ' text-anchor="middle"')
    )


def _words(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{QUIET}"{more}>{escape(words, quote=False)}</text>'


def _circles_key(shown: PlaceMap, y: float) -> str:
    if not len(shown.cells):
        return ""
    largest, x, parts = float(shown.cells[0, 2]), 0.0, []
    for n in round_numbers(largest):
        r = _radius(n, largest)
        parts.append(f'<circle cx="{x + r:.1f}" cy="{y - 5:.1f}" r="{r:.1f}" fill="{MARK}" fill-opacity="0.7"/>')
        parts.append(_words(x + 2 * r + 6, y, number(n)))
        x += 2 * r + 6 + 8 * len(number(n)) + 18
    return "".join(parts) + _words(x, y, _("requests, put together where they are close"))


def _classes_key(shaded: Shaded, y: float) -> str:
    marks = _class_words(shaded) if shaded.values else []
    x, parts = 0.0, []
    for fill, words in [*marks, ("url(#map-few)", shaded.few)]:
        parts.append(f'<rect x="{x:.1f}" y="{y - 12:.1f}" width="20" height="14" fill="{fill}" stroke="{BORDER}"/>')
        parts.append(_words(x + 26, y, words))
        x += 26 + 7 * len(words) + 20
    if shaded.classes.middle is not None:
        told = _("Colors part at {n}, the value of all these requests together")
        parts.append(_words(0, y + KEY * 0.7, told.format(n=shaded.say(shaded.classes.middle))))
    return "".join(parts)


def _class_words(shaded: Shaded) -> list[tuple[str, str]]:
    """Colour and words of each class; where they do not end with the values that there are, the outer ones are open."""
    sorting, say, known = shaded.classes, shaded.say, sorted(shaded.values.values())
    ends = [known[0], *sorting.breaks, known[-1]]
    said = []
    for colour, (low, high) in zip(sorting.colours, pairwise(ends), strict=True):
        first, last = say(low), say(high)
        said.append((colour, first if first == last else _("{low} to {high}").format(low=first, high=last)))
    if sorting.middle is not None:
        said[0] = (said[0][0], _("under {n}").format(n=say(sorting.breaks[0])))
        said[-1] = (said[-1][0], _("{n} or more").format(n=say(sorting.breaks[-1])))
    return said


def in_metres(shape: Any) -> Any:
    """A shape in degrees as one in EPSG:3857."""
    return shapely.transform(shape, _mercator)


def _mercator(points: Any) -> Any:
    x = points[:, 0] / 180 * HALF_WORLD_M
    y = np.arctanh(np.sin(np.radians(points[:, 1]))) / np.pi * HALF_WORLD_M
    return np.column_stack([x, y])
