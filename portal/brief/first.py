"""The first page of a brief: what the figures say, in sentences, key figures and a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal import queries
from portal.answers import ResponseTime
from portal.answers_figures import Report
from portal.brief.draw_map import KEY_MM, draw_map
from portal.brief.place_map import View, natural_aspect, place_map
from portal.brief.sheet import INK, POINT_MM, QUIET, RULE, Run, Sheet, leading, tidy
from portal.brief.words import filter_words, period_words, runs
from portal.components import figure_words, figures
from portal.components.sentences import sentences
from portal.pages.overview import source_words
from portal.text import FEW, _, duration_words, number, share, time_words

if TYPE_CHECKING:
    from portal.release import Release

MARGIN: Final = 16.0
FOOT_MM: Final = 9.0
GUTTER: Final = 8.0
SIZES: Final = (10.5, 10, 9.5, 9, 8.5, 8, 7.5)
PARAGRAPH: Final = 0.55
"""Space after a paragraph, in lines."""
WIDE: Final = 1.15
"""A map that is wider in proportion stands below the sentences, not beside them."""
STAMP: Final = (140, 40, 10)


def first_page(sheet: Sheet, release: Release, report: Report, name: str, kind: str, address: str) -> None:
    """Draws it; whatever the length of names and sentences, it is one page."""
    sheet.add_page()
    width, bottom = sheet.w - 2 * MARGIN, sheet.h - MARGIN - FOOT_MM
    y = _head(sheet, release, report, name, kind, width)
    y = _key_figures(sheet, report, MARGIN, y, width) + 6
    foot = _about(sheet, release, bottom, width)
    room = foot - 5 - y
    said = _said(release, report, name)
    if report.totals.requests and natural_aspect(release, report) > WIDE:
        column = (width - GUTTER) / 2
        below = _two_columns(sheet, said, MARGIN, y, column, room * 0.5) + 3
        _map(sheet, release, report, name, MARGIN, below, width, y + room - below)
    else:
        column = (width - GUTTER) * 0.49
        _sentences(sheet, said, MARGIN, y, column, room)
        _map(sheet, release, report, name, MARGIN + column + GUTTER, y, width - column - GUTTER, room)
    footer(sheet, release, address, 1)


def _head(sheet: Sheet, release: Release, report: Report, name: str, kind: str, width: float) -> float:
    with sheet.artifact():
        sheet.box(0, 0, sheet.w, 3, sheet.accent)
    stamped = stamp(sheet, release, MARGIN + width, 15.5)
    kicker = f"{release.city.name} · {_('Report card: {kind}').format(kind=kind)}"
    sheet.line_of(MARGIN, 15.5, kicker, 10, True, sheet.accent, most=width - stamped - 4)
    size = sheet.size_for(name, width, (27, 24, 21, 18, 16), bold=True)
    y = sheet.paragraph(MARGIN, 18.5, width, [(tidy(name), True)], size, role="H1", lines=2)
    y = sheet.paragraph(MARGIN, y + 0.8, width, period_words(report), 10, QUIET, lines=2)
    if only := filter_words(release, report):
        y = sheet.paragraph(MARGIN, y, width, _("Only: {filters}").format(filters=only), 9, INK, lines=2)
    return y + 4


def stamp(sheet: Sheet, release: Release, right: float, baseline: float) -> float:
    """'Not real data' in a box that ends at `right`, for an invented city; its width."""
    if not release.city.synthetic:
        return 0.0
    words = _("Not real data: an invented city")
    sheet.face(9, True)
    wide = sheet.get_string_width(words) + 4
    with sheet.artifact():
        sheet.set_draw_color(*STAMP)
        sheet.set_line_width(0.4)
        sheet.rect(right - wide, baseline - 4.1, wide, 5.8)
    sheet.line_of(right - wide + 2, baseline, words, 9, True, STAMP)
    return wide


def _key_figures(sheet: Sheet, report: Report, x: float, y: float, width: float) -> float:
    found = _figures(report)
    wide = width / max(len(found), 2)
    long = any(len(sheet.broken(beside, wide - 4, 7.8)) > 1 for _label, _value, beside in found)
    high = 22.0 if long else 18.5
    with sheet.artifact():
        sheet.stroke(x, y, x + width, y, INK, 0.35)
        sheet.stroke(x, y + high, x + width, y + high, RULE, 0.2)
        for i in range(1, len(found)):
            sheet.stroke(x + i * wide, y + 2.5, x + i * wide, y + high - 2.5, RULE, 0.2)
    for i, (label, value, beside) in enumerate(found):
        left, most = x + i * wide + (2.5 if i else 0), wide - 4
        size = sheet.size_for(value, most, (15, 13, 11, 10, 9), bold=True)
        with sheet.tagged("P"):
            sheet.line_of(left, y + 4.6, label, 8, colour=QUIET, most=most)
            sheet.line_of(left, y + 10.9, value, size, True, most=most)
            sheet.paragraph(left, y + 12.6, most, beside, 7.8, QUIET, lines=2)
    return y + high


def _figures(report: Report) -> list[tuple[str, str, str]]:
    """Label, value and the city's."""
    totals, city, whole = report.totals, report.city, _("whole city: {value}")

    def time(response: ResponseTime, quantile: int) -> str:
        return figure_words.quantile_words(response.quantiles[quantile], response.n)

    requests = (
        _("Requests"), number(totals.requests),
        _("{share} of the city's {n}").format(share=share(totals.requests, city.requests), n=number(city.requests)),
    )  # fmt: skip
    if not totals.requests:
        return [requests]
    return [
        requests,
        (_("Half closed within"), time(report.response, 50), whole.format(value=time(report.city_response, 50))),
        (_("9 in 10 within"), time(report.response, 90), whole.format(value=time(report.city_response, 90))),
        (_("On time"), figure_words.share_words(totals.on_time_share),
         whole.format(value=figure_words.share_words(city.on_time_share))),
        (_("Still open"), number(totals.open),
         _("{share} of them; whole city: {city}").format(
             share=share(totals.open, totals.requests), city=share(city.open, city.requests))),
    ]  # fmt: skip


def _said(release: Release, report: Report, name: str) -> list[list[Run]]:
    """The page's own sentences, a paragraph each."""
    if not report.totals.requests:
        return [[(_("There are no such requests."), False)]]
    said = [runs(sentence) for sentence in sentences(report, name, release.city.timezone)]
    return said + [runs(words) for words in (_band(release, report, name), _few(report), _flattering(report)) if words]


def _two_columns(sheet: Sheet, said: list[list[Run]], x: float, y: float, width: float, room: float) -> float:
    """The sentences in two columns, parted where both are about as high; the y below the higher one."""
    heights = [sheet.height(paragraph, width, SIZES[0]) for paragraph in said]
    cut = min(range(1, len(said) + 1), key=lambda i: max(sum(heights[:i]), sum(heights[i:])))
    size = min(_size(sheet, part, width, room) for part in (said[:cut], said[cut:]))
    ends = [
        _sentences(sheet, part, x + i * (width + GUTTER), y, width, room, size)
        for i, part in enumerate((said[:cut], said[cut:]))
    ]
    return max(ends)


def _size(sheet: Sheet, said: list[list[Run]], width: float, room: float) -> float:
    """The largest type in which the paragraphs fit."""

    def high(size: float) -> float:
        return sum(sheet.height(paragraph, width, size) + leading(size) * PARAGRAPH for paragraph in said)

    return next((size for size in SIZES if high(size) <= room), SIZES[-1])


def _sentences(sheet: Sheet, said: list[list[Run]], x: float, y: float, width: float, room: float,
               size: float | None = None) -> float:  # fmt: skip
    """The sentences as large as fits; what does not fit in the smallest size is left to the page. The y below."""
    size = size or _size(sheet, said, width, room)
    for paragraph in said:
        left = int((room + 0.1) / leading(size))
        if left < 1:
            break
        below = sheet.paragraph(x, y, width, paragraph, size, lines=left) + leading(size) * PARAGRAPH
        room -= below - y
        y = below
    return y


def _band(release: Release, report: Report, name: str) -> object:
    if report.dimension == "department":
        return None
    bands = queries.location_bands(release, report.dimension, report.base)
    words = figures.band_sentence(name, bands.get(report.key))
    return None if words is None else words.children[:-1]  # without the link, which paper has no use for


def _few(report: Report) -> str:
    if report.response.n >= FEW:
        return ""
    words = _("With fewer than {n} requests, times and shares say more about chance than about the work.").format(n=FEW)
    return f"{_('Too few to compare.')} {words}"


def _flattering(report: Report) -> str:
    hours = report.response.closed_only_median_hours
    if hours is None or report.response.n < FEW:
        return ""
    return _("Times count the requests that are still open. Of the closed ones alone, half took up to {value}, which flatters.").format(
        value=duration_words(hours)
    )  # fmt: skip


def _map(sheet: Sheet, release: Release, report: Report, name: str, x: float, y: float, width: float,
         room: float) -> None:  # fmt: skip
    caption = _("Where the requests were made for")
    y = sheet.paragraph(x, y, width, [(caption, True)], 10, role="H2")
    highest = room - leading(10) - 1 - KEY_MM - leading(7.5) * 2
    shown = place_map(release, View.of(release, report), width, (width / min(highest, width * 1.75), 2.2))
    placed = _("{n} of {total} requests have a published place.").format(
        n=number(shown.located), total=number(report.totals.requests)
    )
    alt = _("Map of {name}: its requests as circles over streets and boundaries. {placed}").format(
        name=name, placed=placed
    )
    below = draw_map(sheet, shown, x, y + 1, width, alt)
    if report.totals.requests:
        sheet.paragraph(x, below, width, placed, 7.5, QUIET, lines=2)


def _about(sheet: Sheet, release: Release, bottom: float, width: float) -> float:
    """Who made it, from what, and what may be done with it; drawn upwards from `bottom`. The y above it."""
    city = release.city
    told = [source_words(release)]
    told.append(_("Made by Openward from the city's records, published {time}.").format(
        time=time_words(release.created, city.timezone)))  # fmt: skip
    if city.attribution:
        told.append(_("Source: {source}.").format(source=city.attribution.rstrip(".")))
    if city.license.title:
        told.append(_("License: {license}.").format(license=city.license.title))
    if city.contact:
        told.append(_("Questions: {contact}").format(contact=city.contact))
    words = " ".join(told).replace("..", ".")  # "6:59 a.m.."
    lines = min(len(sheet.broken(words, width, 8)), 4)
    top = bottom - lines * leading(8) - 1.5
    with sheet.artifact():
        sheet.stroke(MARGIN, top, MARGIN + width, top, RULE, 0.2)
    sheet.paragraph(MARGIN, top + 1.5, width, words, 8, QUIET, lines=4)
    return top


def footer(sheet: Sheet, release: Release, address: str, page: int) -> None:
    """The page's address, and which of the two this is."""
    y = sheet.h - MARGIN + 3
    right = sheet.w - MARGIN
    with sheet.artifact():
        sheet.stroke(MARGIN, y - 4.5, right, y - 4.5, INK, 0.2)
        taken = sheet.line_of(right, y, _("Page {n} of 2").format(n=page), 8, colour=QUIET, anchor="end")
        words = address if page == 1 else f"{release.city.name} · {release.id}"
        wide = sheet.line_of(MARGIN, y, words, 8, colour=QUIET, most=right - MARGIN - taken - 4)
    if page == 1:
        sheet.link(MARGIN, y - 8 * POINT_MM, wide, 8 * POINT_MM * 1.3, address)
