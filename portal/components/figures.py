"""Answers as charts: from rows of `portal.answers` to a chart with its table.

Charter: one function a chart, so that every page draws and words the same
answer in the same way. No queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from dash import html

from portal.answers import GroupRow, MonthRow, Quantile, ResponseTime, Share, Totals, VolumeRow
from portal.charts import compare, monthly, small
from portal.components.elements import Svg
from portal.components.labels import OUTCOME_MEANINGS, OUTCOMES
from portal.components.links import address
from portal.components.parts import Column, chart, rich, twin
from portal.figures.location_band import Band
from portal.text import FEW, _, duration_words, month_name, number, share, span_words

Node = Any
Month = TypeVar("Month", bound=VolumeRow)


def too_few() -> str:
    """What is said instead of a figure of less than FEW requests."""
    return _("too few to say")


def quantile_words(value: Quantile, n: int) -> str:
    """'3.2 days', 'not yet reached' or 'too few to say'."""
    return too_few() if n < FEW else duration_words(value.hours)


def band_words(value: Quantile, n: int) -> str:
    """'2.9 to 3.5 days'."""
    if n < FEW or value.low is None:
        return "–"
    return span_words(value.low, value.high)


def share_words(value: Share) -> str:
    """'81%', or 'too few to say'."""
    if value.n == 0:
        return _("no standard due")
    return too_few() if value.n < FEW else share(value.k, value.n)


def band_sentence(name: str, band: Band | None) -> Node:
    """'1,204 requests are drawn in …; between 1,196 and 1,213 …', or nothing where locations leave no doubt."""
    if band is None or not band.matters:
        return None
    words = _("{n} requests are drawn in {name}: between {low} and {high}, allowing for uncertain locations. {link}")
    link = html.A(_("How that is known"), href=address("/methods") + "#location-band")
    parts = rich(
        words, n=html.Strong(number(band.requests)), name=name, low=html.Strong(number(band.low)),
        high=html.Strong(number(band.high)), link=link,
    )  # fmt: skip
    return html.P(parts, className="detail location-band")


def total_band_words(band: Band | None) -> str:
    """'1,196 to 1,213', or '–' where locations leave no doubt."""
    if band is None or not band.matters:
        return "–"
    return _("{low} to {high}").format(low=number(band.low), high=number(band.high))


def half_words(response: ResponseTime) -> str:
    """The sentence about how long it takes."""
    half, most = response.quantiles[50].hours, response.quantiles[90].hours
    if response.n < FEW:
        return _("There are too few requests to say how long they take.")
    if half is None:
        return _("Less than half of them are closed so far.")
    if most is None:
        return _("Half are closed within {half}; fewer than 9 in 10 are closed so far.").format(
            half=duration_words(half)
        )
    return _("Half are closed within {half}, 9 in 10 within {most}.").format(
        half=duration_words(half), most=duration_words(most)
    )


def begun(rows: Sequence[Month]) -> Sequence[Month]:
    """The months without a last one that has only just begun: nothing in it would look like a fall to nothing."""
    last = rows[-1] if rows else None
    return rows[:-1] if last and not (last.complete or last.requested or last.closed) else rows


def requested_and_closed(rows: Sequence[VolumeRow], source: str, key: str = "monthly") -> Node:
    """Requests and closures by month."""
    rows = begun(rows)
    data = [monthly.Columns(r.month, r.requested, r.closed, r.complete) for r in rows]
    title = _("Requested and closed each month")
    svg = monthly.requested_and_closed(
        data, key, title, _("Columns show requests made in a month, the line shows requests closed in it.")
    )
    columns = [Column(_("Month")), *(Column(c, "number") for c in (_("Requested"), _("Closed"), _("Open at its end")))]
    cells = [[_month(r), number(r.requested), number(r.closed), number(r.open_at_end)] for r in reversed(rows)]
    unfinished = any(not r.complete for r in rows)
    return chart(
        key, title, _("Number of requests. {source}").format(source=source), svg, columns, cells,
        note=_("The lighter column is a month that is not over yet.") if unfinished else None,
    )  # fmt: skip


def durations(rows: Sequence[MonthRow], which: str, source: str, key: str, title: str = "") -> Node:
    """The median or the 90th percentile by month of request, with its band; `which` is median or p90."""
    shown = [(r, r.median if which == "median" else r.p90) for r in begun(rows)]
    data = [
        monthly.Band(r.month, q.hours if r.n >= FEW else None, q.low, q.high, r.complete) for r, q in shown
    ]  # fmt: skip
    title = title or (_("Half were closed within") if which == "median" else _("9 in 10 were closed within"))
    known = any(band.hours is not None for band in data)
    svg = "" if not known else monthly.duration_band(
        data, key, title,
        _("By the month in which they were asked for. The band holds the true value 19 times in 20."),
    )  # fmt: skip
    columns = [
        Column(_("Month")),
        Column(_("Time"), "number"),
        Column(_("95% band"), "number"),
        Column(_("Requests"), "number"),
    ]
    cells = [[_month(r), quantile_words(q, r.n), band_words(q, r.n), number(r.n)] for r, q in reversed(shown)]
    subtitle = _("Time from request to closing, by month of request; open requests count. {source}")
    note = None if known else _("So few are closed so far that this cannot be said of any month.")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells, note=note)


def outcomes(totals: Totals, key: str = "outcomes") -> Node:
    """What became of closed requests: a bar and the list that explains it."""
    closed, title = totals.closed or 1, _("What became of closed requests")
    parts = [(code, totals.outcomes.get(code, 0)) for code in OUTCOMES]
    svg = small.stacked(
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
                html.Span(share(n, totals.closed), className="share"),
                html.Span(number(n), className="count"),
                html.Span(_(OUTCOME_MEANINGS[code]), className="meaning"),
            ]
        )
        for code, n in parts
        if n
    ]
    columns = [Column(_("Outcome")), Column(_("Requests"), "number"), Column(_("Share of those closed"), "number")]
    cells = [[_(OUTCOMES[code]), number(n), share(n, totals.closed)] for code, n in parts]
    list_of_parts = html.Ul(items, className="outcome-list")
    return html.Div([Svg(svg, className="chart stacked-box"), list_of_parts, twin(key, title, columns, cells)])


def medians(rows: Sequence[GroupRow], city: ResponseTime | None, title: str, source: str, key: str,
            what: str) -> Node:  # fmt: skip
    """Medians of several groups with their bands, beside the city's."""
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
    cells = [[r.name, number(r.requests), quantile_words(r.median, r.n), band_words(r.median, r.n)] for r in rows]
    subtitle = _("Half of the requests are closed within this time; the line is the 95% band. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def here_and_city(rows: Sequence[GroupRow], city: Mapping[str, GroupRow], title: str, source: str, key: str) -> Node:
    """Medians service by service: a dot for here, a mark for the whole city."""
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
            [r.name, quantile_words(r.median, r.n), band_words(r.median, r.n), quantile_words(whole.median, whole.n)]
        )
    svg = compare.dots(
        data, "hours", key, title,
        _("A dot is the time within which half were closed here, with its 95% band; the upright mark is the whole city."),
    )  # fmt: skip
    columns = [Column(_("Service")), Column(_("Here"), "number"), Column(_("95% band"), "number"),
               Column(_("Whole city"), "number")]  # fmt: skip
    subtitle = _("Dot and band: here. Upright mark: the whole city. Half were closed within this time. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def shares_on_time(rows: Sequence[GroupRow], city: Share, title: str, source: str, key: str, what: str) -> Node:
    """Shares closed on time of several groups with their intervals, beside the city's."""
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
    cells = [[r.name, number(r.on_time.n), share_words(r.on_time), _interval(r.on_time)] for r in rows]
    subtitle = _("Of the requests whose standard has come due; open ones that are past due count as late. {source}")
    return chart(key, title, subtitle.format(source=source), svg, columns, cells)


def _interval(value: Share) -> str:
    if value.n < FEW or value.low is None or value.high is None:
        return "–"
    return _("{low} to {high}").format(low=share(value.low), high=share(value.high))


def _month(row: VolumeRow) -> str:
    return month_name(row.month) if row.complete else _("{month}, so far").format(month=month_name(row.month))
