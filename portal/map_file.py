"""A view of the map as a file: an SVG picture, and a page that opens from a disk without any network.

Charter: a view in, text out. It asks the same queries as the map's page, so that the two cannot differ.
"""

from __future__ import annotations

from html import escape
from math import cos, degrees, radians
from typing import Any, Final

from shapely import Point, total_bounds
from shapely.affinity import scale

from portal import queries
from portal.answers import Totals
from portal.brief.place_map import PlaceMap, areas_of, place_map
from portal.brief.place_map import View as Shown
from portal.charts.map_drawing import Shaded, dark_rules, draw_view, in_metres
from portal.charts.standalone import Drawing, dark_palette, file_style, on_dark_screens, palette, standalone, style
from portal.components import figure_words
from portal.components.placed import placed_words
from portal.components.shell import made_up, site_title
from portal.components.take_map import map_title
from portal.map_values import values_of
from portal.map_view import MapView
from portal.outline import EARTH_M, Circle, Outline
from portal.pages.map_page import FIGURES, areas_told
from portal.release import Release
from portal.text import _, language, time_words

PAPER_MM: Final = 250.0
"""The drawing is as detailed as a map this wide on paper: 10 pixels to a cell of requests."""
ASPECTS: Final = (0.75, 2.0)


def title_of(release: Release, view: MapView) -> str:
    """What the map shows, as a headline."""
    return map_title(release, view.figure, _(FIGURES[view.figure]))


def source_of(release: Release) -> str:
    """Where the figures are from, and that an invented city is none."""
    released = _("Release {id}, data as of {time}.").format(
        id=release.id, time=time_words(release.as_of, release.city.timezone)
    )
    licence = _("License: {license}.").format(license=release.city.license.title) if release.city.license.title else ""
    return " ".join(
        filter(None, [f"{site_title(release)}.", made_up(release), released, licence, release.city.attribution])
    )


def drawing_of(release: Release, view: MapView, totals: Totals) -> Drawing:
    """The view as one drawing."""
    drawn = [in_metres(_outline(place)) for place in (view.selection.near, view.selection.within) if place]
    shown, shaded = _shown(release, view, drawn), _shaded(release, view)
    about = f"{view.selection.sentence(release)}. {placed_words(totals)}"
    return draw_view(shown, title_of(release, view), about, shaded, drawn)


def svg_file(release: Release, view: MapView, base: str) -> tuple[str, str]:
    """The picture with its title above and its source below, and the text of its one style element."""
    totals = queries.totals(release, view.selection)
    above = [f"{view.selection.sentence(release)}.", placed_words(totals)]
    below = [source_of(release), base + view.address()]
    drawing, accent = drawing_of(release, view, totals), release.city.accent
    text = standalone(drawing, title_of(release, view), above, below, (), accent, language(), dark_rules())
    return text, file_style(drawing, (), accent, dark_rules())


def html_file(release: Release, view: MapView, base: str) -> tuple[str, str]:
    """The page, and the text of its one style element."""
    totals = queries.totals(release, view.selection)
    drawing, title = drawing_of(release, view, totals), title_of(release, view)
    css = PAGE_STYLE.format(**{name.replace("-", "_"): value for name, value in palette(release.city.accent).items()})
    night = {name.replace("-", "_"): value for name, value in dark_palette().items()}
    css += style(drawing.inner, release.city.accent, within=".chart ")
    css += on_dark_screens(DARK_STYLE.format(**night) + dark_rules(within=".chart "))
    picture = (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-labelledby="map-title map-about">'
        f'<title id="map-title">{drawing.title}</title><desc id="map-about">{drawing.description}</desc>'
        f"{drawing.inner}</svg>"
    )
    back = base + view.address()
    text = (
        f'<!DOCTYPE html>\n<html lang="{escape(language())}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{css}</style></head><body><main><h1>{escape(title, quote=False)}</h1>"
        f"<p>{escape(view.selection.sentence(release), quote=False)}.</p><p>{escape(placed_words(totals), quote=False)}</p>"
        f'<div class="chart" role="region" tabindex="0" aria-labelledby="map-title">{picture}</div>{_table(release, view)}'
        f'<p class="source">{escape(source_of(release), quote=False)}<br><a href="{escape(back)}">{escape(back)}</a></p>'
        "</main></body></html>\n"
    )
    return text, css


PAGE_STYLE: Final = (
    ":root{{color-scheme:light dark}}body{{margin:0;padding:20px;background:{surface};color:{ink};"
    "font:400 16px/1.5 {sans}}}main{{max-width:64rem;margin:auto}}h1{{font-size:1.6rem;line-height:1.2;margin:0 0 8px}}"
    "p{{margin:0 0 6px;max-width:48rem}}.chart{{margin:14px 0 22px;overflow-x:auto}}"
    ".chart>svg{{display:block;width:100%;min-width:30rem;height:auto}}table{{border-collapse:collapse;margin-bottom:22px}}"
    "caption{{text-align:left;font-weight:700;padding-bottom:6px}}"
    "th,td{{text-align:right;padding:5px 0 5px 22px;border-bottom:1px solid {rule};font-variant-numeric:tabular-nums}}"
    "th:first-child{{text-align:left;padding-left:0;font-weight:400}}thead th{{color:{ink_2};font-size:.875rem}}"
    ".scroll{{overflow-x:auto}}.source{{color:{ink_2};font-size:.875rem;overflow-wrap:anywhere}}a{{color:{accent_ink}}}"
)

DARK_STYLE: Final = (
    "body{{background:{surface};color:{ink}}}th,td{{border-color:{rule}}}"
    "thead th,.source{{color:{ink_2}}}a{{color:{accent_ink}}}"
)


def _shown(release: Release, view: MapView, drawn: list[Any]) -> PlaceMap:
    selection = view.selection
    mine = selection.codes(view.layer)
    key = mine[0] if len(mine) == 1 and view.figure == "requests" else ""
    whole = view.figure != "requests" or not (selection.near or selection.within or selection.area)
    bounds = tuple(total_bounds(drawn)) if drawn and not whole else None
    return place_map(release, Shown(selection, view.layer, key, selection.to_date, whole, bounds), PAPER_MM, ASPECTS)


def _shaded(release: Release, view: MapView) -> Shaded | None:
    known = values_of(release, view)
    if known is None:
        return None
    areas = areas_of(release, Shown(view.selection, view.layer, day=view.selection.to_date))
    drawn = {code: known.of[code] for code, _name, _shape in areas if code in known.of}
    return Shaded(_(FIGURES[view.figure]), areas, drawn, known.classes, known.say, figure_words.too_few())


def _outline(place: Circle | Outline) -> Any:
    """A circle or an outline as a shape in degrees."""
    if isinstance(place, Outline):
        return place.polygon
    high = degrees(place.radius_m / EARTH_M)
    return scale(Point(place.long, place.lat).buffer(high, quad_segs=24), xfact=1 / cos(radians(place.lat)))


def _table(release: Release, view: MapView) -> str:
    """The figures of the map by area, as on its page."""
    if not view.layer:
        return ""
    caption, columns, rows = areas_told(release, view.selection, view.layer)
    head = "".join(f'<th scope="col">{escape(column.title, quote=False)}</th>' for column in columns)
    lines = []
    for row, words in rows:
        cells = "".join(f"<td>{escape(cell, quote=False)}</td>" for cell in words)
        lines.append(f'<tr><th scope="row">{escape(row.name, quote=False)}</th>{cells}</tr>')
    return (
        '<div class="scroll" role="region" tabindex="0" aria-labelledby="map-table"><table>'
        f'<caption id="map-table">{escape(caption, quote=False)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
