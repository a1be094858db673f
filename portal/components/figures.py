"""Answers as charts: from rows of `portal.answers` to a chart with its table.

Charter: one function a chart, so that every page draws and words the same
answer in the same way. No queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from dash import html

from portal.answers import GroupRow, MonthRow, ResponseTime, Share, Totals, VolumeRow
from portal.charts import compare, monthly
from portal.charts.events import Event
from portal.charts.multiples import stacked
from portal.components import told
from portal.components.figure_words import quantile_words, share_words
from portal.components.happened import with_events
from portal.components.labels import OUTCOME_MEANINGS, OUTCOMES
from portal.components.links import address
from portal.components.parts import Column, chart, rich
from portal.components.receipt import Figures
from portal.figures.location_band import Band
from portal.text import FEW, _, duration_words, month_name, number, share

Node = Any
Month = TypeVar("Month", bound=VolumeRow)


def band_sentence(name: str, band: Band | None, drawn: Node = None) -> Node:
    """'1,204 requests are drawn in …; between 1,196 and 1,213 …', or nothing where locations leave no doubt.

    `drawn`: the first of these numbers, marked with its receipt."""
    if band is None or not band.matters:
        return None
    words = _("{n} requests are drawn in {name}: between {low} and {high}, allowing for uncertain locations. {link}")
    link = html.A(_("How that is known"), href=address("/methods") + "#location-band")
    parts = rich(
        words, n=html.Strong(drawn if drawn is not None else number(band.requests)), name=name, low=html.Strong(number(band.low)),
        high=html.Strong(number(band.high)), link=link,
    )  # fmt: skip
    return html.P(parts, className="detail location-band")


def begun(rows: Sequence[Month]) -> Sequence[Month]:
    """The months without a last one that has only just begun: nothing in it would look like a fall to nothing."""
    last = rows[-1] if rows else None
    return rows[:-1] if last and not (last.complete or last.requested or last.closed) else rows


def requested_and_closed(rows: Sequence[VolumeRow], source: str, of: Figures, key: str = "monthly",
                         happened: Sequence[Event] = ()) -> Node:  # fmt: skip
    """Requests and closures by month, marked with what happened; `of` is the receipt of the months."""
    rows = begun(rows)
    data = [monthly.Columns(r.month, r.requested, r.closed, r.complete) for r in rows]
    title = _("Requested and closed each month")
    svg = monthly.requested_and_closed(
        data, key, title, _("Columns show requests made in a month, the line shows requests closed in it."), happened
    )
    columns = [Column(_("Month")), *(Column(c, "number") for c in (_("Requested"), _("Closed"), _("Open at its end")))]
    cells = [
        [
            _month(r),
            *(
                told.count(of, f"{r.month:%Y-%m}", name, getattr(r, name))
                for name in ("requested", "closed", "open_at_end")
            ),
        ]
        for r in reversed(rows)
    ]
    columns, cells = with_events(columns, cells, [r.month for r in reversed(rows)], happened)
    unfinished = any(not r.complete for r in rows)
    return chart(
        key, title, _("Number of requests. {source}").format(source=source), svg, columns, cells,
        note=_("The lighter column is a month that is not over yet.") if unfinished else None,
    )  # fmt: skip


def durations(rows: Sequence[MonthRow], which: str, source: str, of: Figures, key: str, title: str = "",
              happened: Sequence[Event] = ()) -> Node:  # fmt: skip
    """The median or the 90th percentile by month of request, with its band; `which` is median or p90, `of` the receipt
    of the months."""
    shown = [(r, r.median if which == "median" else r.p90) for r in begun(rows)]
    data = [
        monthly.Band(r.month, q.hours if r.n >= FEW else None, q.low, q.high, r.complete) for r, q in shown
    ]  # fmt: skip
    title = title or (_("Half were closed within") if which == "median" else _("9 in 10 were closed within"))
    known = any(band.hours is not None for band in data)
    svg = "" if not known else monthly.duration_band(
        data, key, title,
        _("By the month in which they were asked for. The band holds the true value 19 times in 20."), happened,
    )  # fmt: skip
    columns = [
        Column(_("Month")),
        Column(_("Time"), "number"),
        Column(_("95% band"), "number"),
        Column(_("Requests"), "number"),
    ]
    cells = []
    for r, q in reversed(shown):
        month = f"{r.month:%Y-%m}"
        cells.append([_month(r), told.time(of, month, which, q, r.n), told.time_band(of, month, which, q, r.n),
                      told.count(of, month, "n", r.n)])  # fmt: skip
    columns, cells = with_events(columns, cells, [r.month for r, _q in reversed(shown)], happened)
    subtitle = _("Time from request to closing, by month of request; open requests count. {source}")
    note = None if known else _("So few are closed so far that this cannot be said of any month.")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells, note=note)


def outcomes(totals: Totals, source: str, of: Figures, key: str = "outcomes") -> Node:
    """What became of closed requests: a bar and the list that explains it; `of` is the receipt of the counts."""
    closed, title = totals.closed or 1, _("What became of closed requests")
    parts = [(code, totals.outcomes.get(code, 0)) for code in OUTCOMES]
    svg = stacked(
        [
            (f"{_(OUTCOMES[code])}: {share(n, totals.closed)}", n / closed, f"outcome-{code}")
            for code, n in parts
        ],
        key, title,
        "; ".join(f"{_(OUTCOMES[code])}: {number(n)}" for code, n in parts),
    )  # fmt: skip
    items = [
        html.Li(
            [
                html.Span("", className=f"swatch outcome-{code}", **{"aria-hidden": "true"}),
                html.Span(_(OUTCOMES[code]), className="name"),
                html.Span(told.part(of, "", f"{code}_share", n, totals.closed), className="share"),
                html.Span(told.count(of, "", code, n), className="count"),
                html.Span(_(OUTCOME_MEANINGS[code]), className="meaning"),
            ]
        )
        for code, n in parts
        if n
    ]
    columns = [Column(_("Outcome")), Column(_("Requests"), "number"), Column(_("Share of those closed"), "number")]
    cells = [
        [_(OUTCOMES[code]), told.count(of, "", code, n), told.part(of, "", f"{code}_share", n, totals.closed)]
        for code, n in parts
    ]
    subtitle = _("Shares of the requests that were closed. {source}").format(source=source)
    return html.Div([chart(key, title, subtitle, svg, columns, cells), html.Ul(items, className="outcome-list")])


def medians(rows: Sequence[GroupRow], city: ResponseTime | None, title: str, source: str, of: Figures, key: str,
            what: str) -> Node:  # fmt: skip
    """Medians of several groups with their bands, beside the city's; `of` is the receipt of the groups."""
    half = city.quantiles[50].hours if city else None
    data = [
        compare.Dot(
            r.name,
            r.median.hours if r.n >= FEW else None,
            r.median.low if r.n >= FEW else None,
            r.median.high,
            quantile_words(r.median, r.n),
        )
        for r in rows
    ]
    reference = compare.Reference(_("City: {time}").format(time=duration_words(half)), half) if half else None
    svg = compare.dots(
        data, "hours", key, title,
        _("A dot is the time within which half were closed; the line through it is its 95% band."), reference,
    )  # fmt: skip
    columns = [
        Column(what),
        Column(_("Requests"), "number"),
        Column(_("Half closed within"), "number"),
        Column(_("95% band"), "number"),
    ]
    cells = [
        [r.name, told.count(of, r.key, "requests", r.requests), told.time(of, r.key, "median", r.median, r.n),
         told.time_band(of, r.key, "median", r.median, r.n)]
        for r in rows
    ]  # fmt: skip
    subtitle = _("Half of the requests are closed within this time; the line is the 95% band. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def here_and_city(rows: Sequence[GroupRow], city: Mapping[str, GroupRow], title: str, source: str,
                  receipts: tuple[Figures, Figures], key: str) -> Node:  # fmt: skip
    """Medians service by service: a dot for here, a mark for the whole city; `receipts` of both, in that order."""
    here, in_city = receipts
    data, cells = [], []
    for r in rows:
        whole = city.get(r.key, r)
        few = r.n < FEW
        data.append(
            compare.Dot(
                r.name, None if few else r.median.hours, None if few else r.median.low, r.median.high,
                quantile_words(r.median, r.n), mark=whole.median.hours if whole.n >= FEW else None,
            )
        )  # fmt: skip
        cells.append(
            [r.name, told.time(here, r.key, "median", r.median, r.n), told.time_band(here, r.key, "median", r.median, r.n),
             told.time(in_city, r.key, "median", whole.median, whole.n)]
        )  # fmt: skip
    svg = compare.dots(
        data, "hours", key, title,
        _("A dot is the time within which half were closed here, with its 95% band; the upright mark is the whole city."),
    )  # fmt: skip
    columns = [Column(_("Service")), Column(_("Here"), "number"), Column(_("95% band"), "number"),
               Column(_("Whole city"), "number")]  # fmt: skip
    subtitle = _("Dot and band: here. Upright mark: the whole city. Half were closed within this time. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def shares_on_time(rows: Sequence[GroupRow], city: Share, title: str, source: str, of: Figures, key: str,
                   what: str) -> Node:  # fmt: skip
    """Shares closed on time of several groups with their intervals, beside the city's; `of` is the groups' receipt."""
    data = [
        compare.Dot(r.name, *((r.on_time.share, r.on_time.low, r.on_time.high) if r.on_time.n >= FEW else (None,) * 3),
                    share_words(r.on_time))
        for r in rows
    ]  # fmt: skip
    reference = None
    if city.share is not None and city.n >= FEW:
        reference = compare.Reference(_("City: {share}").format(share=share(city.share)), city.share)
    svg = compare.dots(
        data, "share", key, title,
        _("A dot is the share closed within the standard; the line through it is its 95% interval."), reference,
    )  # fmt: skip
    columns = [
        Column(what),
        Column(_("Due"), "number"),
        Column(_("On time"), "number"),
        Column(_("95% interval"), "number"),
    ]
    cells = [
        [r.name, told.count(of, r.key, "due", r.on_time.n), told.on_time(of, r.key, r.on_time),
         told.share_band(of, r.key, r.on_time)]
        for r in rows
    ]  # fmt: skip
    subtitle = _("Of the requests whose standard has come due; open ones that are past due count as late. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def _month(row: VolumeRow) -> str:
    return month_name(row.month) if row.complete else _("{month}, so far").format(month=month_name(row.month))
