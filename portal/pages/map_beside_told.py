"""Two on the map in words and figures: both totals and their difference, and a table by area. No script needed.

Charter: two selections in, a section out; each number is marked with its receipt. Periods of unequal length are said to be
so, and counts are then told for each day of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dash import html

from portal import queries
from portal.answers import GroupRow, Share, Totals
from portal.beside import dates_of, differing, heading_of, overlap
from portal.components import told
from portal.components.figure_words import too_few
from portal.components.links import address, part
from portal.components.parts import Column, rich, section, table
from portal.components.receipt import Figures
from portal.components.verdicts import ratio_words
from portal.pages.areas import by_name
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, ngettext, number

if TYPE_CHECKING:
    from portal.release import Release

Node = Any

EVEN: Final = 1.02
"""Periods that differ by no more are held against one another as they are: a leap day says little."""


@dataclass(frozen=True)
class Side:
    """One of the two: its requests, their heading, its totals and receipts, and how many days of it the record covers."""

    selection: Selection
    title: str
    totals: Totals
    counts: Figures
    days: int

    def by(self, release: Release, layer: str) -> tuple[dict[str, GroupRow], Figures]:
        """Its areas, and their receipt."""
        rows = queries.by(release, self.selection, layer)
        return {row.key: row for row in rows}, Figures("by", self.selection, dimension=layer)


def sides_of(release: Release, one: Selection, other: Selection) -> tuple[Side, Side]:
    """Both, headed by what they differ in."""
    keys = differing(one, other)
    sides = [
        Side(each, heading_of(release, each, keys), queries.totals(release, each), Figures("counts", each),
             days_of(release, each))
        for each in (one, other)
    ]  # fmt: skip
    return sides[0], sides[1]


def unevenly(days: int, others: int) -> bool:
    """Whether counts of so many days say little beside those of so many others."""
    return min(days, others) > 0 and max(days, others) > EVEN * min(days, others)


def warning(release: Release, one: Selection, other: Selection) -> Any:
    """What stands below two maps whose colours and circles are of periods of unequal length; nothing elsewhere."""
    days = [days_of(release, each) for each in (one, other)]
    if not unevenly(*days):
        return None
    words = _(
        "The periods are not equally long: {m} and {n} days. Circles and counts are of all their days; below they are told "
        "by the day."
    )
    return html.P(words.format(m=number(days[0]), n=number(days[1])), id="beside-uneven", className="detail")


def days_of(release: Release, selection: Selection) -> int:
    """Of a selection's dates the days that the record covers."""
    start, end = _covered(release, selection)
    return max((end - start).days + 1, 0) if start else 0


def _covered(release: Release, selection: Selection) -> tuple[date | None, date]:
    begun, until = queries.period(release)[0], queries.covered_until(release)
    start, end = dates_of(selection)
    return max(start or begun, begun) if begun else None, min(end or until, until)


def told_section(release: Release, one: Selection, other: Selection, figure: str, layer: str) -> Any:
    """What both come to; `figure` and `layer` are those of the map."""
    here, there = sides = sides_of(release, one, other)
    uneven = unevenly(here.days, there.days)
    parts: list[Any] = [
        html.P(total_words(here, there, uneven), id="beside-told"),
        *_remarks(release, here, there, figure),
    ]
    if layer:
        parts.append(_counts(release, sides, layer, uneven))
        if figure in MEASURES:
            parts.append(_measured(release, sides, layer, figure))
    receipts = [here.counts.link(_("Receipt of the first"), of=here.title), " · ",
                there.counts.link(_("Receipt of the second"), of=there.title)]  # fmt: skip
    parts.append(html.P(receipts, className="detail receipts"))
    words = _("Data: {what}")
    ways = [
        html.Li(html.A(words.format(what=side.title), href=address("/data", side.selection), className="onward"))
        for side in sides
    ]
    parts.append(html.Ul(ways, className="actions"))
    return section(_("Side by side"), "beside", *parts)


def total_words(here: Side, there: Side, uneven: bool) -> list[Node]:
    """'1,204 requests (…) beside 1,100 (…): 104 more, 1.09 times as many.'; of unequal periods what came a day."""
    n, of = here.totals.requests, there.totals.requests
    daily = [a_day(side.totals.requests, side.days) if side.days else "" for side in (here, there)]
    gap = here.counts.told(number(abs(n - of)), "requests", n - of, less=there.counts.at("requests"))
    if uneven:
        words = _("{n} requests ({one}) beside {of} ({other}). For each day that is {daily} beside {daily_of}.")
    elif n == of:
        words = _("{n} requests ({one}) beside {of} ({other}): as many.")
    elif min(n, of) < FEW:
        words = _("{n} requests ({one}) beside {of} ({other}): {gap} more.")
        words = words if n > of else _("{n} requests ({one}) beside {of} ({other}): {gap} fewer.")
    else:
        words = _("{n} requests ({one}) beside {of} ({other}): {gap} more, {ratio} times as many.")
        words = (
            words if n > of else _("{n} requests ({one}) beside {of} ({other}): {gap} fewer, {ratio} times as many.")
        )
    return rich(
        words, n=told.count(here.counts, "", "requests", n), of=told.count(there.counts, "", "requests", of), gap=gap,
        one=html.Strong(here.title), other=html.Strong(there.title), ratio=_ratio(here.counts, there.counts, "", n, of),
        daily=daily[0], daily_of=daily[1],
    )  # fmt: skip


def _ratio(mine: Figures, theirs: Figures, row: str, n: int, of: int) -> Node:
    """'1.09', or that it is too little to say."""
    if min(n, of) < FEW:
        return too_few()
    item = told.item(row, "requests")
    return mine.told(ratio_words(n / of), item, n / of, over=theirs.at(item))


def _remarks(release: Release, here: Side, there: Side, figure: str) -> list[Any]:
    """What to keep in mind: lengths of periods, requests in both, time to be closed."""
    said: list[str] = []
    if here.days != there.days and here.days and there.days:
        words = _("The periods are not equally long: {m} and {n} days.")
        said.append(words.format(m=number(here.days), n=number(there.days)))
    elif dates_of(here.selection) != dates_of(there.selection) and here.days:
        said.append(
            ngettext("Each of the periods has {n} day.", "Each of the periods has {n} days.", here.days).format(
                n=number(here.days)
            )
        )
    for side in (here, there):
        if side.days == 0:
            said.append(_("The record covers no day of this: {what}.").format(what=side.title))
        elif _cut(release, side.selection):
            words = _("The record covers only a part of this: {what}. Only its days there are counted.")
            said.append(words.format(what=side.title))
    if overlap(here.selection, there.selection):
        said.append(_("Some requests may be in both, and are counted in both."))
    if figure in MEASURES and differing(here.selection, there.selection)[-1] == "dates":
        said.append(_("What was asked for later has had less time to be closed."))
    return [html.P(" ".join(said), className="detail", id="beside-remarks")] if said else []


def _cut(release: Release, selection: Selection) -> bool:
    start, end = _covered(release, selection)
    return (selection.from_date or start, selection.to_date or end) != (start, end)


def a_day(n: int, days: int) -> str:
    """'4.2', or '1,204'."""
    rate = n / days
    return f"{rate:.2f}" if rate < 1 else f"{rate:.1f}" if rate < 100 else number(rate)


Pair = tuple[str, Node, GroupRow | None, GroupRow | None]


def _paired(release: Release, sides: tuple[Side, Side], layer: str) -> tuple[tuple[Figures, Figures], list[Pair]]:
    """Both receipts, and key, name, row of the first and row of the second of each area in either."""
    (mine, of_mine), (theirs, of_theirs) = (side.by(release, layer) for side in sides)
    every = by_name([row for row in {**theirs, **mine}.values() if row.key != NOT_STATED])
    rows: list[Pair] = []
    for row in every:
        name = html.A(row.name, href=address(f"/areas/{layer}/{part(row.key)}", sides[0].selection))
        rows.append((row.key, name, mine.get(row.key), theirs.get(row.key)))
    if NOT_STATED in mine or NOT_STATED in theirs:
        rows.append((NOT_STATED, _("In none of them"), mine.get(NOT_STATED), theirs.get(NOT_STATED)))
    return (of_mine, of_theirs), rows


def _counts(release: Release, sides: tuple[Side, Side], layer: str, uneven: bool) -> Any:
    here, there = sides
    (of_here, of_there), rows = _paired(release, sides, layer)
    title = release.layer(layer).title
    columns = [Column(title), Column(here.title, "number"), Column(there.title, "number")]
    if uneven:
        each = _("{what}, a day")
        columns += [Column(each.format(what=here.title), "number"), Column(each.format(what=there.title), "number")]
    else:
        columns += [Column(_("Difference"), "number"), Column(_("Times as many"), "number")]
    cells = []
    for key, name, mine, theirs in rows:
        n, of = (row.requests if row else 0 for row in (mine, theirs))
        both = [told.count(figures, key, "requests", row.requests) if row else "0"
                for figures, row in ((of_here, mine), (of_there, theirs))]  # fmt: skip
        if uneven:
            cells.append([name, *both, a_day(n, here.days), a_day(of, there.days)])
            continue
        gap: Node = signed(n - of)
        if mine and theirs:
            item = told.item(key, "requests")
            gap = of_here.told(gap, item, n - of, less=of_there.at(item))
        cells.append([name, *both, gap, _ratio(of_here, of_there, key, n, of)])
    caption = _("Requests by {what}, side by side").format(what=title.lower())
    return table(caption, columns, cells, "beside-areas")


def signed(n: int) -> str:
    """'+104', '−12' or '0'."""
    return number(n) if n == 0 else f"{'+' if n > 0 else '−'}{number(abs(n))}"


MEASURES = ("median", "p90", "open", "on_time", "done")
"""Figures of the map that are times or shares: both are told, and no difference between them."""


def _measured(release: Release, sides: tuple[Side, Side], layer: str, figure: str) -> Any:
    from portal.pages.map_page import FIGURES  # that page holds this section

    here, there = sides
    receipts, rows = _paired(release, sides, layer)
    title = release.layer(layer).title
    columns = [Column(title), Column(here.title, "number"), Column(there.title, "number")]
    cells = [[html.Strong(_("All of them together")), *(_of_all(release, side, figure) for side in sides)]]
    cells += [
        [name, *(_of_row(receipt, row, figure) for receipt, row in zip(receipts, pair, strict=True))]
        for _key, name, *pair in rows
    ]
    return table(_("{figure}, side by side").format(figure=_(FIGURES[figure])), columns, cells, "beside-measured")


def _of_row(of: Figures, row: GroupRow | None, figure: str) -> Node:
    if row is None:
        return "–"
    if figure in ("median", "p90"):
        return told.time(of, row.key, figure, row.median if figure == "median" else row.p90, row.n)
    if figure == "open":
        return told.part(of, row.key, "open_share", row.open, row.requests)
    return _share(of, row.key, row.on_time if figure == "on_time" else row.done, figure)


def _of_all(release: Release, side: Side, figure: str) -> Node:
    if figure in ("median", "p90"):
        times = queries.response(release, side.selection)
        quantile = times.quantiles[50 if figure == "median" else 90]
        return told.time(Figures("response", side.selection), "", figure, quantile, times.n)
    if figure == "open":
        return told.part(side.counts, "", "open_share", side.totals.open, side.totals.requests)
    return _share(side.counts, "", side.totals.on_time_share if figure == "on_time" else side.totals.done_share, figure)


def _share(of: Figures, row: str, value: Share, figure: str) -> Node:
    return "–" if figure == "done" and not value.n else told.on_time(of, row, value, f"{figure}_share")
