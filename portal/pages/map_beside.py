"""Two on the map: the form that sets another period or service beside the first, ready links, and the two frames.

Charter: controls and frames; what the two come to in figures is `portal.pages.map_beside_told`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from dash import html

from portal import queries
from portal.beside import PREFIX, Beside, dates_of, dates_words, differing, heading_of
from portal.components.elements import Field, MapFrame
from portal.components.filters import label_of, labelled
from portal.components.links import Kept, address, pairs_of
from portal.queries.month_numbers import ends_month, first_day, month_number
from portal.selection import NOT_STATED, Selection
from portal.text import _, language, main_language

if TYPE_CHECKING:
    from portal.release import Release

YEAR: Final = 12
OF_FORM: Final = ("service", "from", "to")
"""What the form asks for; whatever else an address sets beside stays."""


def beside_control(release: Release, selection: Selection, beside: Beside, shown: Mapping[str, Kept]) -> Any:
    """The form, folded away until it is wanted; `shown` is what the map's address holds beside the selection."""
    other = beside.other(selection)
    parts: list[Any] = [html.P(_("What you leave empty stays as it is on the first map."), className="detail")]
    if beside and not other:
        parts.append(html.P(_("That is what the first map shows already: choose something else."), className="detail"))
    parts += [_form(release, selection, beside, shown), _ready(release, selection, shown)]
    words = _("Set something else beside") if other else _("Set something beside")
    fold = html.Details(
        [html.Summary(words, id="beside-summary"), html.Div(parts, className="details-body")],
        className="more", open=bool(beside and not other),
    )  # fmt: skip
    return html.Div([fold, _away(selection, shown) if beside else None], id="beside-box", className="beside-box")


def frames(
    release: Release, selection: Selection, other: Selection | None, query: str, shown: Mapping[str, Kept]
) -> Any:
    """The map, or two of them under a heading each. The first keeps its place on the page, so that it is not loaded again."""
    name = _("Map of service requests")
    if other is None:
        return html.Div(
            _side(1, None, MapFrame("map", f"/map/frame?{query}", query, name)), id="maps", className="maps"
        )
    keys = differing(selection, other)
    titles = [heading_of(release, one, keys) for one in (selection, other)]
    ids = ("map", "map-2")
    sides = [
        _side(
            i + 1,
            html.Div(
                [html.H2(title, id=f"map-title-{i + 1}"),
                 html.A([_("As a list"), html.Span(f": {title}", className="visually-hidden")],
                        href=address("/map/list", one, **(shown if i == 0 else {})))],
                className="map-side-head", id=f"map-head-{i + 1}",
            ),
            MapFrame(ids[i], f"/map/frame?{query}", query, f"{name}: {title}"),
        )
        for i, (one, title) in enumerate(zip((selection, other), titles, strict=True))
    ]  # fmt: skip
    return html.Div(sides, id="maps", className="maps two")


def _side(n: int, head: Any, frame: MapFrame) -> Any:
    return html.Div([head, frame], id=f"map-side-{n}", className="map-side")


def _away(selection: Selection, shown: Mapping[str, Kept]) -> Any:
    rest = {key: value for key, value in shown.items() if not key.startswith(PREFIX)}
    link = html.A(_("Take the second map away"), href=address("/map", selection, **rest),
                  className="clear", **{"data-keep-focus": "beside-summary"})  # fmt: skip
    return html.P(link)


def _form(release: Release, selection: Selection, beside: Beside, shown: Mapping[str, Kept]) -> Any:
    of_form = {PREFIX + key for key in OF_FORM}
    hidden = [*selection.pairs(), *pairs_of({key: value for key, value in shown.items() if key not in of_form})]
    hidden += [(PREFIX + "service", value) for value in beside.named.service[1:]]
    if language() != main_language():
        hidden.append(("lang", language()))
    start, end = dates_of(beside.named)
    services = [{"value": "", "label": _("As on the first map")}]
    services += [
        {"value": code, "label": label_of(release, "service", code)}
        for code in release.allowed("service")
        if code != NOT_STATED
    ]
    chosen = beside.named.service[0] if beside.named.service else ""

    def day(key: str, label: str, value: date | None) -> Any:
        name = f"beside-{key}"
        return labelled(label, name, Field("date", PREFIX + key, value.isoformat() if value else "", id=name))

    return html.Form(
        [
            *[Field("hidden", key, value) for key, value in hidden],
            html.Div(
                [
                    labelled(_("Service beside"), "beside-service",
                             Field("select", PREFIX + "service", chosen, id="beside-service", options=services)),
                    day("from", _("From date, beside"), start),
                    day("to", _("To date, beside"), end),
                ],
                className="controls",
            ),
            html.Div(html.Button(_("Set beside"), type="submit", className="button"), className="form-actions"),
        ],
        method="get", action="/map",
        **{"data-filter": "", "aria-label": _("Set something beside the map")},
    )  # fmt: skip


def _ready(release: Release, selection: Selection, shown: Mapping[str, Kept]) -> Any:
    """Links to what is most often set beside: the year before, the period before; nothing that the record does not cover."""
    rest = {key: value for key, value in shown.items() if not key.startswith(PREFIX)}
    items = []
    for words, one, start, end in ready(release, selection):
        there = Beside.of(from_date=start, to_date=end)
        days = dates_words(start, end)
        link = html.A(words, href=address("/map", one, **rest, **there.kept()), **{"data-keep-focus": "beside-summary"})
        items.append(html.Li([link, html.Span(f" {days}", className="hint")]))
    return html.Ul(items, className="beside-ready") if items else None


def ready(release: Release, selection: Selection) -> list[tuple[str, Selection, date, date]]:
    """Words, the first selection, and the dates beside it."""
    begun = queries.period(release)[0]
    one, words = selection, _("The same dates a year before")
    if selection.from_date is None:
        one, words = (
            queries.dated(release, selection.replace(to_date=None)),
            _("The last twelve months and the year before"),
        )
    start, end = one.from_date, one.to_date or queries.covered_until(release)
    if start is None or begun is None or end < start:
        return []
    offers = [(words, one, *year_before(start, end))]
    if selection.from_date:
        offers.append((_("The period before, as long"), one, *period_before(start, end)))
    found: list[tuple[str, Selection, date, date]] = []
    for offer in offers:
        if offer[2] >= begun and offer[2:] not in [other[2:] for other in found]:
            found.append(offer)
    return found


def year_before(start: date, end: date) -> tuple[date, date]:
    """The same dates a year earlier; the end of a month stays one.

    >>> year_before(date(2025, 2, 1), date(2025, 2, 28))
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """

    def back(day: date) -> date:
        last = first_day(month_number(day) - YEAR + 1) - timedelta(days=1)
        return last if ends_month(day) or day.day > last.day else last.replace(day=day.day)

    first = start.replace(day=1)
    return (back(start) if start != first else first_day(month_number(start) - YEAR)), back(end)


def period_before(start: date, end: date) -> tuple[date, date]:
    """As many days before; of whole months as many months.

    >>> period_before(date(2025, 3, 1), date(2025, 3, 31)), period_before(date(2025, 3, 4), date(2025, 3, 10))
    ((datetime.date(2025, 2, 1), datetime.date(2025, 2, 28)), (datetime.date(2025, 2, 25), datetime.date(2025, 3, 3)))
    """
    before = start - timedelta(days=1)
    if start.day == 1 and ends_month(end):
        return first_day(2 * month_number(start) - month_number(end) - 1), before
    return start - (end - start) - timedelta(days=1), before
