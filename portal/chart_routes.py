"""A chart away from its page: `/charts/{key}.svg`, `/charts/{key}.csv` and `/embed/charts/{key}`, each with `?page=`.

`page` is the address of the page within the portal, path and query. The page is made as for a reader, and the
chart taken out of it, so that a file can never say something else than the page does. The language is the one that the
address names, else the city's first: a file is the same for whoever asks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from portal.answered import answered, file_name
from portal.charts.standalone import Drawing, drawings, file_style, standalone, style
from portal.components.shell import made_up, site_title
from portal.components.take_chart import LONGEST, caption_id
from portal.context import Current, base_of
from portal.errors import BadRequest, NotFound
from portal.plain_texts import harmless
from portal.release import Release
from portal.routes import render
from portal.security import only_painted
from portal.text import _, speaking

PageAddress = Annotated[str, Query(max_length=LONGEST, description="path and query of the page that shows the chart")]

HEAVIEST_EMBED = 60_000
"""Bytes of an embedded page; of a chart that needs more, one drawing is sent instead of two, or none but its file."""

LEGENDS = ("legend", "outcome-list")
"""Lists of colours that stand next after a chart."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PLAIN_NUMBER = re.compile(r"[-+][\d.,]+ ?%?")
EMBED_STYLE = (
    "body{margin:0;padding:16px;background:#fff;color:#16202a;"
    'font:400 15px/1.45 "Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif}'
    "figure{margin:0;max-width:61rem}h1{font-size:1.25rem;line-height:1.25;margin:0 0 4px}"
    "p{margin:0 0 10px;color:#4b5763;font-size:.9rem}a{color:#0a4f96}"
    ".chart svg,.chart img{display:block;width:100%;height:auto;overflow:visible}.chart{margin-bottom:10px}"
    ".chart ul{list-style:none;padding:0;margin:0 0 10px;display:flex;flex-wrap:wrap;gap:4px 20px;font-size:.9rem}"
    ".chart li svg{display:inline-block;width:12px}"
    ".chart svg+svg{display:none;max-width:34rem}"
    "@media(max-width:42rem){.chart svg+svg{display:block}.chart svg:has(+svg){display:none}}"
)

router = APIRouter(tags=["downloads"], include_in_schema=False)


@dataclass(frozen=True)
class Chart:
    """What a page shows as one chart; `legend` is (css class, words) of colours that it explains beside the
    drawing, `table` its twin, the head first, and `language` that of its words."""

    key: str
    title: str
    subtitle: str
    note: str
    svg: str
    legend: tuple[tuple[str, str], ...]
    table: tuple[tuple[str, ...], ...]
    language: str


@router.get("/charts/{key}.{form}", response_class=Response)
def chart_file(
    request: Request, release: Current, key: str, form: Literal["svg", "csv"], page: PageAddress
) -> Response:
    """The wide drawing with its title and source, or the values of its table."""
    chart = chart_of(release, key, page)
    name = file_name(release, key, release.id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Access-Control-Allow-Origin": "*"}
    if form == "csv":
        return answered(request, release, csv_of(chart), "text/csv; charset=utf-8", headers)
    drawing = _drawing(chart)
    with speaking(chart.language):
        about = " ".join(filter(None, [f"{site_title(release)}.", made_up(release), release.city.attribution]))
    below = [*filter(None, [chart.note]), about, f"{base_of(request)}{page}#{key}"]
    text = standalone(drawing, chart.title, [chart.subtitle], below, chart.legend, release.city.accent, chart.language)
    headers["Content-Security-Policy"] = only_painted(
        file_style(drawing, chart.legend, release.city.accent), "frame-ancestors 'self'"
    )
    return answered(request, release, text, "image/svg+xml", headers)


@router.get("/embed/charts/{key}", response_class=Response)
def embedded(request: Request, release: Current, key: str, page: PageAddress) -> Response:
    """The chart alone, as a page that any other page may frame; no scripts, no cookies."""
    chart = chart_of(release, key, page)
    drawn = drawings(chart.svg)
    wide = _drawing(chart)
    file = f"/charts/{key}.svg?{request.url.query}"
    picture = f'<img src="{escape(file)}" alt="{escape(chart.title)}" width="{wide.width:g}" height="{wide.height:g}">'
    for drawing in ("".join(map(_inline, drawn.values())), _inline(wide), picture):
        shown = _marks(chart) + drawing if drawing is not picture else drawing
        css = EMBED_STYLE + style(shown, release.city.accent, within=".chart ")
        text = _embed_page(release, chart, page, shown, css)
        if len(text.encode()) <= HEAVIEST_EMBED:
            break
    policy = only_painted(css, "frame-ancestors *; img-src 'self'")
    return answered(request, release, text, "text/html; charset=utf-8", {"Content-Security-Policy": policy})


def chart_of(release: Release, key: str, page: str) -> Chart:
    """The chart `key` of the page at `page`; raises BadRequest for what is no address of ours, NotFound for no chart."""
    if not page.startswith("/") or page.startswith("//") or re.search(r"[\x00-\x20\x7f\\#]", page):
        raise BadRequest("page: give the path and query of a page of this portal, such as /trends?department=parks.")
    path, _mark, query = page.partition("?")
    made = render(release, path, query)
    if made.status == 400:
        raise BadRequest("page: this release has no page for such a query; open it to read what would do.")
    if made.status == 200 and _KEY.fullmatch(key):
        for figure, after in _figures(made.body.tree):
            if figure["props"].get("aria-labelledby") == key:
                return _chart(key, figure, after, made.body.lang)
        for element in _elements(made.body.tree):
            if element["type"] == "Div" and element["props"].get("aria-labelledby") == caption_id(key):
                return _table(key, element, made.body.lang)
    raise NotFound(f"There is no chart '{key[:40]}' on the page {path[:80]}.")


def charts_on(release: Release, page: str) -> list[str]:
    """The keys of what is drawn on a page, in its order."""
    path, _mark, query = page.partition("?")
    made = render(release, path, query)
    found = [figure for figure, _after in _figures(made.body.tree)] if made.status == 200 else []
    return [str(figure["props"]["aria-labelledby"]) for figure in found if "aria-labelledby" in figure["props"]]


def csv_of(chart: Chart) -> str:
    """The twin table as RFC 4180 text; what a spreadsheet would run as a formula gets a ' in front."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in chart.table)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return cell if _PLAIN_NUMBER.fullmatch(cell) else harmless(cell)


def _figures(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """The figures in a tree of components as JSON, each with what stands next after it."""
    found = list(_elements(node))
    for element in found:
        children = element["props"].get("children")
        listed = children if isinstance(children, list) else [children]
        for child, after in zip(listed, [*listed[1:], None], strict=True):
            if isinstance(child, dict) and child["type"] == "Figure":
                yield child, after


def _elements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for child in node:
            yield from _elements(child)
    elif isinstance(node, dict):
        yield node
        yield from _elements(node["props"].get("children"))


def _chart(key: str, figure: dict[str, Any], after: Any, tag: str) -> Chart:
    parts = list(_elements(figure))
    of_class = {part["props"].get("className"): part for part in reversed(parts)}
    return Chart(
        key=key,
        title=_text(next(part for part in parts if part["props"].get("id") == key)),
        subtitle=_text(of_class.get("subtitle")),
        note=_text(of_class.get("note")),
        svg=next((part["props"]["svg"] for part in parts if part["type"] == "Svg"), ""),
        legend=tuple(_legend(after)),
        table=_rows(list(_elements(of_class.get("twin")))),
        language=tag,
    )


def _table(key: str, region: dict[str, Any], tag: str) -> Chart:
    """A table of a page, which has nothing drawn but bars in its cells."""
    parts = list(_elements(region))
    title = next((_text(part) for part in parts if part["type"] == "Caption"), "")
    return Chart(key, title, "", "", "", (), _rows(parts), tag)


def _rows(parts: list[dict[str, Any]]) -> tuple[tuple[str, ...], ...]:
    """The cells of all rows of a table, the head first."""
    rows = [part for part in parts if part["type"] == "Tr"]
    return tuple(tuple(_text(c) for c in _elements(row) if c["type"] in ("Th", "Td")) for row in rows)


def _legend(node: Any) -> Iterator[tuple[str, str]]:
    """(css class, words) of the entries of a list of colours; nothing of anything else."""
    if isinstance(node, dict) and node["props"].get("className") in LEGENDS:
        for item in (part for part in _elements(node) if part["type"] == "Li"):
            spans = [part for part in _elements(item) if part["type"] == "Span"]
            if spans:
                # Of a list that also explains, only what names the colour and says how much it is.
                told = [part for part in spans if part["props"].get("className") in ("name", "share")]
                yield (
                    str(spans[0]["props"].get("className", "")).removeprefix("swatch "),
                    " ".join(map(_text, told)) or _text(item),
                )


def _text(node: Any) -> str:
    """The words of a component; a space between two elements that only their boxes keep apart."""
    return " ".join("".join(_words(node)).split())


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from _words(node["props"].get("children"))
    elif isinstance(node, list):
        for i, child in enumerate(node):
            if i and isinstance(child, dict) and isinstance(node[i - 1], dict):
                yield " "
            yield from _words(child)
    elif node is not None and not isinstance(node, bool):
        yield str(node)


def _drawing(chart: Chart) -> Drawing:
    found = drawings(chart.svg)
    if "wide" not in found:
        raise NotFound(f"There is nothing drawn in the chart '{chart.key}': it says why on its page.")
    return found["wide"]


def _inline(drawing: Drawing) -> str:
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-label="{drawing.title}">'
        f"{drawing.inner}</svg>"
    )


def _marks(chart: Chart) -> str:
    """The legend as HTML; the picture of a file has it already."""
    marks = (
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="{escape(css)}" width="12" height="12"/></svg> '
        f"{escape(words)}</li>"
        for css, words in chart.legend
    )
    return f"<ul>{''.join(marks)}</ul>" if chart.legend else ""


def _embed_page(release: Release, chart: Chart, page: str, shown: str, css: str) -> str:
    with speaking(chart.language):
        site, invented, back = site_title(release), made_up(release), _("Open the page of this chart")
    note = f"<p>{escape(chart.note)}</p>" if chart.note else ""
    by = " · ".join(escape(words) for words in (invented, site, release.city.attribution) if words)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(chart.language)}"><head><meta charset="utf-8">'
        f"<title>{escape(chart.title)} · {escape(site)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{css}</style></head><body><main><figure><h1>{escape(chart.title)}</h1>"
        f'<p>{escape(chart.subtitle)}</p><div class="chart">{shown}</div>{note}</figure>'
        f'<p>{by} · <a href="{escape(page)}#{chart.key}" target="_blank" rel="noopener">{escape(back)}</a></p>'
        "</main></body></html>\n"
    )
