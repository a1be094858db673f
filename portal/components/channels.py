"""Requests by channel, and whether any door is the wrong one.

Charter: a section for a page, from the release's answers; the comparison itself is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers_figures import Compared
from portal.components import told
from portal.components.filters import label_of
from portal.components.links import address
from portal.components.parts import Bar, Column, rich, section, table
from portal.components.receipt import Figures
from portal.components.sentences import NOTABLE
from portal.components.verdicts import ratio_words
from portal.selection import NOT_STATED, Selection
from portal.text import _, share

if TYPE_CHECKING:
    from portal.release import Release

Node = Any


def channels_section(release: Release, selection: Selection, source: str) -> Node:
    """Requests and response times by channel: whether any door is the wrong one."""
    rows = [row for row in queries.by(release, selection, "channel") if row.key != NOT_STATED]
    if len(rows) < 2:
        return None
    handle, most = Figures("by", selection, dimension="channel"), max(row.requests for row in rows)
    total = sum(row.requests for row in rows)
    columns = [
        Column(_("Channel")), Column(_("Requests"), "bar"), Column(_("Share"), "number"),
        Column(_("Half closed within"), "number"), Column(_("95% band"), "number"),
        Column(_("9 in 10 within"), "number"), Column(_("On time"), "number"),
        Column(_("The same services take"), "number"),
    ]  # fmt: skip
    alike = {row.key: row for row in queries.compare(release, selection, "channel").rows}
    cells = [
        [
            html.A(
                label_of(release, "channel", row.key), href=address("/trends", selection.replace(channel=(row.key,)))
            ),
            Bar(told.count(handle, row.key, "requests", row.requests), row.requests / most),
            handle.told(share(row.requests / total), f"{row.key}/share_of_stated", row.requests / total),
            told.time(handle, row.key, "median", row.median, row.n),
            told.time_band(handle, row.key, "median", row.median, row.n),
            told.time(handle, row.key, "p90", row.p90, row.n),
            told.on_time(handle, row.key, row.on_time),
            _ratio(alike.get(row.key), selection),
        ]
        for row in rows
    ]
    return section(
        _("By channel"), "channels",
        html.P(_doors([alike[row.key] for row in rows if row.key in alike], selection)),
        table(_("Requests by how they were made"), columns, cells, "by-channel"),
        html.P([source, " ", handle.link(_("Receipt of this table"))], className="detail"),
        lead=_("No door should be the wrong one. Channels are used for different things, so the last column compares like with "
               "like: how many times as long the same services take as by the other channels."),
    )  # fmt: skip


def _ratio(row: Compared | None, selection: Selection) -> Node:
    """'1.04 times', with its interval; '–' where too little is known."""
    if not _known(row) or row is None:
        return "–"
    factor, ratio = _factor(row, selection), row.times.time_ratio
    words = _("{low} to {high}").format(low=ratio_words(ratio.low or 0.0), high=ratio_words(ratio.high or 0.0))
    of = Figures("time-ratio", selection, dimension="channel", key=row.key)
    band = of.band(words, "time_ratio", ratio.low, ratio.high)
    return html.Span([factor, " ", html.Span(["(", band, ")"], className="detail")])


def _doors(rows: Sequence[Compared], selection: Selection) -> list[Node]:
    """Which channels are surely slower or faster for the same services; or that none is."""
    found: list[Node] = []
    for row in filter(_known, rows):
        ratio = row.times.time_ratio
        value, low, high = ratio.value or 1.0, ratio.low or 0.0, ratio.high or 0.0
        if abs(value - 1) < NOTABLE or low <= 1 <= high:
            continue
        words = (
            _("{channel} is slower: the same services take {factor} as long as by the others.")
            if value > 1
            else _("{channel} is faster: the same services take {factor} as long as by the others.")
        )
        found += [*rich(words, channel=html.Strong(row.name), factor=_factor(row, selection)), " "]
    return found or [_("For the same services no channel is noticeably faster or slower than the others.")]


def _known(row: Compared | None) -> bool:
    return row is not None and not row.times.too_few and None not in (
        row.times.time_ratio.value, row.times.time_ratio.low, row.times.time_ratio.high
    )  # fmt: skip


def _factor(row: Compared, selection: Selection) -> Node:
    handle = Figures("time-ratio", selection, dimension="channel", key=row.key)
    value = row.times.time_ratio.value
    return handle.told(_("{n} times").format(n=ratio_words(value or 0.0)), "time_ratio", value)
