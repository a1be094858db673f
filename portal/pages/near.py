"""Near a place, along a street, in an area: what was asked for there, what became of that, how long it takes, and who looks
after the place.

Charter: a place and filters in, a section of plain sentences and one table out. All figures are the ordinary ones of a
selection narrowed to a circle, to an outline or to an area; each is marked with its receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from dash import html

from portal import queries
from portal.components import told
from portal.components.filters import label_of
from portal.components.follow import follow
from portal.components.labels import OUTCOMES, named
from portal.components.links import Kept, address, part
from portal.components.parts import Column, listed_nodes, rich, section, table, tabs
from portal.components.receipt import Figures
from portal.components.sentences import oldest_link
from portal.components.spot import Spot
from portal.errors import BadSelection
from portal.outline import Circle, Outline
from portal.places import SURE
from portal.selection import NOT_STATED, Selection
from portal.text import _, date_words, ngettext, number, share

if TYPE_CHECKING:
    from portal.answers import GroupRow, Totals
    from portal.places import Likely
    from portal.release import Release

RADII: Final = (250, 500, 1000)
USUAL: Final = 500
SERVICES: Final = 8
DEPARTMENTS: Final = 3
WORTH_TELLING: Final = 0.05


def near_section(
    release: Release, selection: Selection, spot: Spot, radius: str, areas: Sequence[Likely], path: str, note: str = "",
    **kept: Kept,
) -> Any:  # fmt: skip
    """What happens around a spot. `path` and `kept` are the address of the page, at which `radius` is chosen; `note` says
    what the circle is of, where it is not of one place."""
    metres = _metres(radius)
    if "lat" not in release.columns or abs(spot.lat) > 85:
        return None
    around = selection.replace(near=Circle(round(spot.lat, 6), round(spot.long, 6), metres), within=None)
    choices = [
        (_words(each), address(path, selection, **kept, radius=str(each)) + "#near", each == metres) for each in RADII
    ]
    words = {"distance": _words(metres), "place": html.Strong(spot.name) if spot.name else _("this point")}
    parts = [html.P(note, className="detail") if note else None, tabs(choices, _("How far around"))]
    return _happens(release, around, _("What happens near here"), "circle", words, parts, areas, spot.query())


def along_section(release: Release, outline: Outline, beside_m: int, street: str) -> Any:
    """What happens along a street; `outline` holds what is within so many metres of its middle line."""
    around = Selection(within=outline)
    note = _("Along it is what lies within {n} m of its middle line, corners with other streets as well.")
    words = {"place": html.Strong(street)}
    parts = [html.P(note.format(n=number(beside_m)), className="detail")]
    return _happens(release, around, _("What happens along this street"), "street", words, parts, (), {})


def area_section(release: Release, layer: str, area: str, name: str) -> Any:
    """What happens in an area."""
    around = Selection(area=((layer, area),))
    words = {"place": html.Strong(name)}
    return _happens(release, around, _("What happens in this area"), "area", words, [], (), {})


def _happens(
    release: Release, around: Selection, title: str, kind: str, words: dict[str, Any], before: list[Any],
    areas: Sequence[Likely], marked: dict[str, str],
) -> Any:  # fmt: skip
    here = queries.dated(release, around)
    return section(
        title, "near",
        *before,
        html.Div(_said(release, around, here, queries.totals(release, here), kind, words), className="plainly"),
        *_services(release, here, kind),
        *_represents(release, here, areas),
        _ways(here, marked),
        follow(around),
    )  # fmt: skip


def areas_of(release: Release, spot: Spot) -> tuple[Likely, ...]:
    """The areas that a spot is likely in; none while, or where, nothing can tell."""
    gazetteer = release.places.at_hand(release)
    return gazetteer.likely(release, spot.lat, spot.long, spot.radius_m) if gazetteer else ()


def _metres(radius: str) -> int:
    if not radius:
        return USUAL
    if radius not in [str(each) for each in RADII]:
        raise BadSelection("radius", radius, [str(each) for each in RADII])
    return int(radius)


def _words(metres: int) -> str:
    return _("{n} km").format(n=metres // 1000) if metres >= 1000 else _("{n} m").format(n=metres)


def _made(kind: str, n: int) -> str:
    """How many requests there are, in or around a place of this kind; with 0, that there are none."""
    if kind == "area":
        return ngettext(
            "{n} request was made in {place} from {start} to {end}.",
            "{n} requests were made in {place} from {start} to {end}.",
            n,
        ) if n else _("Nothing was asked for in {place} from {start} to {end}.")  # fmt: skip
    if kind == "street":
        return ngettext(
            "{n} request was made along {place} from {start} to {end}.",
            "{n} requests were made along {place} from {start} to {end}.",
            n,
        ) if n else _("Nothing was asked for along {place} from {start} to {end}.")  # fmt: skip
    return ngettext(
        "{n} request was made within {distance} of {place} from {start} to {end}.",
        "{n} requests were made within {distance} of {place} from {start} to {end}.",
        n,
    ) if n else _("Nothing was asked for within {distance} of {place} from {start} to {end}.")  # fmt: skip


def _said(
    release: Release, around: Selection, here: Selection, totals: Totals, kind: str, place: dict[str, Any]
) -> list[Any]:
    """The sentences."""
    counts = Figures("counts", here)
    period = place | {
        "start": date_words(here.from_date) if here.from_date else "",
        "end": date_words(here.to_date) if here.to_date else "",
    }
    words = _made(kind, totals.requests)
    if not totals.requests:
        return [html.P(rich(words, **period)), *_open_now(release, around)]
    first = rich(words, n=told.count(counts, "", "requests", totals.requests), **period)
    times = told.half(Figures("response", here), queries.response(release, here))
    return [
        html.P([*first, " ", *_became(counts, totals)]),
        html.P(times),
        *_open_now(release, around),
        html.P([counts.link(_("Receipt of the counts")), " · ",
                Figures("response", here).link(_("Receipt of the times"))], className="detail"),
    ]  # fmt: skip


def _became(counts: Figures, totals: Totals) -> list[Any]:
    """What became of them: closed or not, and how."""
    if not totals.closed:
        return [_("None of them is closed so far.")]
    done = told.part(counts, "", "done_share", totals.outcomes["done"], totals.closed)
    words = _("{closed} of them are closed; for {share} of these the record says that the work was done.")
    said = rich(words, closed=told.count(counts, "", "closed", totals.closed), share=done)
    others: list[Any] = []
    for name, n in sorted(totals.outcomes.items(), key=lambda item: -item[1]):
        if name != "done" and n >= WORTH_TELLING * totals.closed:
            others.append([f"{named(OUTCOMES, name).lower()} ",
                           told.part(counts, "", f"{name}_share", n, totals.closed)])  # fmt: skip
    if others:
        said += [" ", *rich(_("The others: {list}."), list=listed_nodes(others))]
    return said


def _open_now(release: Release, around: Selection) -> list[Any]:
    """What is open now, whenever it was asked for, and the oldest of it."""
    if around.status and "open" not in around.status:
        return []
    waiting = around.replace(status=("open",), from_date=None, to_date=None)
    n, rows = release.chosen(waiting).n, queries.oldest(release, waiting, 1)
    if not rows:
        return [html.P(_("Nothing here is open now."))]
    words = ngettext(
        "{n} request here is open now: {oldest}.",
        "{n} requests here are open now, whenever they were made; the oldest is of {oldest}.",
        n,
    )
    counts = Figures("counts", waiting)
    oldest = oldest_link(rows[0], release.city.timezone)
    every = html.A(_("All that is open here"), href=address("/map/list", waiting, sort="longest"))
    return [html.P([*rich(words, n=told.count(counts, "", "requests", n), oldest=oldest), " ", every])]


def _services(release: Release, here: Selection, kind: str) -> list[Any]:
    """What is asked for most around here."""
    rows = queries.by(release, here, "service")
    if not rows:
        return []
    handle, shown = Figures("by", here, dimension="service"), rows[:SERVICES]
    columns = [
        Column(_("Service")), Column(_("Requests"), "number"), Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("Work done, of those closed"), "number"),
    ]  # fmt: skip
    cells = [_cells(release, here, handle, row) for row in shown]
    caption = _("What is asked for most near here") if kind == "circle" else _("What is asked for most here")
    rest = len(rows) - len(shown)
    words = ngettext("And {n} more service. ", "And {n} more services. ", rest).format(n=rest) if rest else ""
    return [
        table(caption, columns, cells, "near-services"),
        html.P([words, handle.link(_("Receipt of this table"), of=caption)], className="detail"),
    ]


def _cells(release: Release, here: Selection, handle: Figures, row: GroupRow) -> list[Any]:
    href = address("/map/list", here.replace(service=(row.key,)))
    done = told.on_time(handle, row.key, row.done, "done_share") if row.done.n else "–"
    return [
        html.A(label_of(release, "service", row.key), href=href),
        told.count(handle, row.key, "requests", row.requests),
        told.count(handle, row.key, "open", row.open),
        told.time(handle, row.key, "median", row.median, row.n),
        done,
    ]


def _represents(release: Release, here: Selection, areas: Sequence[Likely]) -> list[Any]:
    """The areas that the place is in, and the departments that did most of the work around it."""
    layers = {layer.layer: layer.title for layer in release.layers}
    items = []
    for row in areas:
        if row.name and row.area and row.layer in layers:
            link = html.A(row.name, href=address(f"/areas/{row.layer}/{part(row.area)}"))
            sure = "" if row.probability is None or row.probability >= SURE else f" ({share(row.probability)})"
            items.append(html.Li([f"{layers[row.layer]}: ", link, sure]))
    handle = Figures("by", here, dimension="department")
    rows = [row for row in queries.by(release, here, "department") if row.key != NOT_STATED and row.closed]
    most: list[Any] = []
    for group in sorted(rows, key=lambda row: (-row.closed, row.key))[:DEPARTMENTS]:
        link = html.A(group.name, href=address(f"/departments/{part(group.key)}"))
        most.append([link, " (", told.count(handle, group.key, "closed", group.closed), ")"])
    if not items and not most:
        return []
    words = _("Most of these requests were closed by {departments}.")
    return [
        html.H3(_("Who represents this place") if items else _("Who does the work here"), id="represents"),
        html.Ul(items) if items else None,
        html.P(rich(words, departments=listed_nodes(most))) if most else None,
    ]


def _ways(here: Selection, marked: dict[str, str]) -> Any:
    ways = [
        (_("These requests on the map"), address("/map", here, **marked)),
        (_("As a list"), address("/map/list", here, **marked)),
        (_("As data"), address("/data", here)),
    ]
    if marked:
        ways.append((_("How long will mine take?"), address("/expected", None, **marked)))
    return html.Ul([html.Li(html.A(words, href=href)) for words, href in ways], className="actions")
