"""Measures and feedback: what departments measure of themselves, and what people answered.

Charter: sections for a department's page and for the page of standards. Asks the release; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dash import html

from portal.answers_standards import Feedback, Measure, MeasureValue, Score
from portal.charts import compare
from portal.charts.multiples import Panel, multiples
from portal.charts.svg import nice_ticks
from portal.components import figure_words
from portal.components.links import address
from portal.components.parts import Column, chart, rich, section
from portal.components.receipt import Figures
from portal.queries.measures import CITY, feedback, measures
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, N_, _, date_words, month_name, number

if TYPE_CHECKING:
    from portal.release import Release

Node = Any

TITLE_KEY = "measures"
ANSWERED_BY = {
    "email": N_("E-mail"), "sms": N_("Text message"), "phone": N_("Telephone"), "web": N_("Web"), "app": N_("App"),
    "unmapped": N_("Another way"),
}  # fmt: skip
"""How answers are given; a city's channels are those of requests, and may stand for more than one way."""
PERIODS = 36
"""So many of the last periods are drawn."""


def measures_section(release: Release, department: str, source: str) -> Node:
    """Measures and satisfaction of one department, of the whole record; None where the release has neither of it."""
    own = [m for m in measures(release) if m.department == department]
    answers = feedback(release, department)
    receipt = Figures("feedback", Selection(department=(department,)))
    lead = _("Reported by the department itself, as it was reported.")
    told = _satisfaction(answers, receipt, False, source) if answers else []
    return _both(_measures(own, source), told, lead)


def city_section(release: Release, source: str) -> Node:
    """The measures of the whole city and the satisfaction with every department; None where there is neither."""
    every, answers = measures(release), feedback(release)
    own = [m for m in every if m.department == CITY]
    others = sorted({m.department for m in every} - {CITY})
    receipt = Figures("feedback", Selection())
    told = _satisfaction(answers, receipt, True, source) if answers else []
    lead = _("Figures that the city reports of itself beside its requests. The filters above do not change them.")
    return _both([*_measures(own, source), *_elsewhere(release, others)], told, lead)


def _both(reported: list[Node], told: list[Node], lead: str) -> Node:
    """Measures and satisfaction, each where there is any."""
    parts = [
        section(_("Measures"), TITLE_KEY, *reported, lead=lead) if reported else None,
        section(_("Satisfaction"), "satisfaction", *told) if told else None,
    ]
    return html.Div(parts) if any(parts) else None


def value_words(value: float, unit: str) -> str:
    """A measure's value with its unit: '81.5%', '33 seconds', '1,204'."""
    words = f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:,.1f}"
    if unit in ("percent", "%"):
        return f"{words}%"
    if unit in ("", "count", "index", "number"):
        return words
    return _("{value} {unit}").format(value=words, unit=_unit(unit))


def period_words(value: MeasureValue) -> str:
    """'May 2025', '2024', 'January 2025 to March 2025', or two days."""
    last = value.end - timedelta(days=1)
    if value.start.day == 1 and value.end.day == 1:
        if value.start.month == 1 and value.end == date(value.start.year + 1, 1, 1):
            return str(value.start.year)
        if (value.start.year, value.start.month) == (last.year, last.month):
            return month_name(value.start)
        return _("{first} to {last}").format(first=month_name(value.start), last=month_name(last))
    if value.start == last:
        return date_words(value.start)
    return _("{first} to {last}").format(first=date_words(value.start), last=date_words(last))


def _unit(unit: str) -> str:
    return {"seconds": _("seconds"), "minutes": _("minutes"), "hours": _("hours"), "days": _("days")}.get(unit, unit)


def _measures(found: Sequence[Measure], source: str) -> list[Node]:
    """Each measure's latest value beside its target, and one chart with the last periods of all."""
    if not found:
        return []
    receipt = Figures("measures", Selection())
    title = _("Measures, period by period")
    columns = [Column(_("Measure")), Column(_("Period")), Column(_("Value"), "number"), Column(_("Target"), "number"),
               Column(_("Target reached")), Column(_("Cases"), "number")]  # fmt: skip
    cells = [
        [
            measure.name,
            period_words(value),
            receipt.told(value_words(value.value, measure.unit), _item(measure, value), value.value),
            "–"
            if value.target is None
            else receipt.told(value_words(value.target, measure.unit), _item(measure, value, "target"), value.target),
            _met(value.met(measure.direction)),
            "–"
            if value.responses is None
            else receipt.told(number(value.responses), _item(measure, value, "responses"), value.responses),
        ]
        for measure in found
        for value in reversed(measure.values)
    ]
    words = _("Each has its own scale, from nothing to the value beneath it. The grey line is the target.")
    svg = multiples([_panel(measure) for measure in found], "measures-chart", title, words)
    told = _("{words} Published as reported. {source}").format(words=words, source=source)
    return [
        html.Ul([html.Li(_latest(measure, receipt)) for measure in found], className="findings"),
        chart("measures-chart", title, told, svg, columns, cells),
        html.P(receipt.link(_("Receipt of the measures")), className="detail"),
    ]


def _panel(measure: Measure) -> Panel:
    drawn, latest = measure.values[-PERIODS:], measure.values[-1]
    known = [v for value in drawn for v in (value.value, value.target) if v is not None]
    top = 100.0 if measure.unit in ("percent", "%") else nice_ticks(max(known))[-1]
    said = _("{value} in {period}").format(value=value_words(latest.value, measure.unit), period=period_words(latest))
    scale = _("scale from 0 to {top}").format(top=value_words(top, measure.unit))
    return Panel(measure.name, said, [v.value for v in drawn], [v.target for v in drawn], top, scale)


def _latest(measure: Measure, receipt: Figures) -> list[Node]:
    latest = measure.values[-1]
    words = value_words(latest.value, measure.unit)
    now = rich(
        _("{value} in {period}"),
        value=html.Strong(receipt.told(words, _item(measure, latest), latest.value)), period=period_words(latest),
    )  # fmt: skip
    return [f"{measure.name}: ", *now, "; ", *_target(measure, latest, receipt)]


def _item(measure: Measure, value: MeasureValue, column: str = "value") -> str:
    return f"{measure.source} {measure.measure} {measure.department} {value.start.isoformat()}/{column}"


def _target(measure: Measure, latest: MeasureValue, receipt: Figures) -> list[Node]:
    if latest.target is None:
        words = {"higher": _("no target; higher is better"), "lower": _("no target; lower is better")}
        return [words.get(measure.direction, _("no target"))]
    target = receipt.told(value_words(latest.target, measure.unit), _item(measure, latest, "target"), latest.target)
    said = {"higher": _("target: {target} or more, {met}"), "lower": _("target: {target} or less, {met}")}.get(
        measure.direction, _("target: {target}")
    )
    return rich(said, target=target, met=_("reached") if latest.met(measure.direction) else _("not reached"))


def _met(met: bool | None) -> str:
    return "–" if met is None else _("yes") if met else _("no")


def _elsewhere(release: Release, departments: Sequence[str]) -> list[Node]:
    """Where the measures of departments stand."""
    if not departments:
        return []
    links: list[Node] = []
    for department in departments:
        name = release.allowed("department").get(department)
        if name is None:
            continue
        links += [", " if links else "", html.A(name, href=address(f"/departments/{department}") + f"#{TITLE_KEY}")]
    return [html.P(rich(_("Measures of their own: {departments}."), departments=html.Span(links)))] if links else []


def _satisfaction(answers: Feedback, receipt: Figures, by_department: bool, source: str) -> list[Node]:
    """Mean satisfaction with its interval: overall in words, by department and channel as charts."""
    start, end = answers.start, answers.end - timedelta(days=1)
    overall = answers.overall
    if overall.responses < FEW:
        words = _("{n} people answered how satisfied they were from {first} to {last}: too few to say.")
        said = rich(
            words, n=receipt.told(number(overall.responses), "all/responses", overall.responses),
            first=month_name(start), last=month_name(end),
        )  # fmt: skip
    else:
        words = _(
            "{n} people answered how satisfied they were from {first} to {last}: {mean} of 100 on average (95% band: {low} to {high})."
        )
        said = rich(
            words, n=receipt.told(number(overall.responses), "all/responses", overall.responses),
            first=month_name(start), last=month_name(end),
            mean=html.Strong(receipt.told(_score(overall.mean.value), "all/mean", overall.mean.value)),
            low=receipt.told(_score(overall.mean.low), "all/mean_low", overall.mean.low),
            high=receipt.told(_score(overall.mean.high), "all/mean_high", overall.mean.high),
        )  # fmt: skip
    caution = _("Those who answer are not all, and not the average. The band tells of chance alone.")
    parts: list[Node] = [html.P([*said, " ", caution, " ", receipt.link()])]
    for title, kind, rows in (
        (_("Satisfaction by department"), "department", answers.departments if by_department else ()),
        (_("Satisfaction by channel of the answer"), "channel", answers.channels),
    ):
        if len(rows) > 1:
            parts.append(_scores(title, kind, rows, overall, receipt, source))
    told = [(month, score) for month, score in answers.months if score.responses >= FEW]
    if len(told) > 2:
        parts.append(_by_month(told, receipt, source))
    return parts


def _scores(title: str, kind: str, rows: Sequence[Score], overall: Score, receipt: Figures, source: str) -> Node:
    data, cells = [], []
    for row in rows:
        few, name = row.responses < FEW, _("Not stated") if row.key == NOT_STATED else row.name
        if kind == "channel" and row.key in ANSWERED_BY:
            name = _(ANSWERED_BY[row.key])
        mean = row.mean
        words = figure_words.too_few() if few else _score(mean.value)
        data.append(compare.Dot(name, *((None, None, None) if few else (mean.value, mean.low, mean.high)), words))
        cells.append(
            [
                name,
                receipt.told(number(row.responses), f"{kind}:{row.key}/responses", row.responses),
                words if few else receipt.told(words, f"{kind}:{row.key}/mean", mean.value),
                "–" if few else _mean_band(receipt, f"{kind}:{row.key}", row),
            ]
        )
    known = overall.mean.value
    reference = (
        compare.Reference(_("All: {value}").format(value=_score(known)), known)
        if known and overall.responses >= FEW
        else None
    )
    svg = compare.dots(
        data, "count", f"satisfaction-{kind}", title,
        _("A dot is the mean answer from 0 (worst) to 100 (best); the line through it is its 95% band."), reference,
    )  # fmt: skip
    columns = [Column(_("Department") if kind == "department" else _("Channel")), Column(_("Answers"), "number"),
               Column(_("Mean"), "number"), Column(_("95% band"), "number")]  # fmt: skip
    subtitle = _("Mean of the answers, 0 (worst) to 100 (best), with the 95% band of Student's t. {source}")
    return chart(f"satisfaction-{kind}", title, subtitle.format(source=source), svg, columns, cells)


def _by_month(told: Sequence[tuple[date, Score]], receipt: Figures, source: str) -> Node:
    title = _("Satisfaction, month by month")
    shown = told[-PERIODS:]
    words = _("Mean of the answers, from {first} to {last}; the scale is from 0 to 100.").format(
        first=month_name(shown[0][0]), last=month_name(shown[-1][0])
    )
    latest = _("{value} in {period}").format(value=_score(shown[-1][1].mean.value), period=month_name(shown[-1][0]))
    panel = Panel("", latest, [score.mean.value for _month, score in shown], [], 100.0)
    columns = [
        Column(_("Month")),
        Column(_("Answers"), "number"),
        Column(_("Mean"), "number"),
        Column(_("95% band"), "number"),
    ]
    cells = [
        [month_name(month), receipt.told(number(score.responses), f"{month:%Y-%m}/responses", score.responses),
         receipt.told(_score(score.mean.value), f"{month:%Y-%m}/mean", score.mean.value),
         _mean_band(receipt, f"{month:%Y-%m}", score)]
        for month, score in reversed(told)
    ]  # fmt: skip
    svg = multiples([panel], "satisfaction-months", title, words)
    return chart("satisfaction-months", title, f"{words} {source}", svg, columns, cells)


def _mean_band(receipt: Figures, row: str, score: Score) -> Node:
    words = _("{low} to {high}").format(low=_score(score.mean.low), high=_score(score.mean.high))
    return receipt.band(words, f"{row}/mean", score.mean.low, score.mean.high)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
