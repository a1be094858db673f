"""What a report card says in plain sentences: written from its figures, each number marked with its receipt.

Charter: figures in, sentences out. A sentence is chosen by what its interval allows to be said, never by the estimate
alone; nothing is said of too few requests. No queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dash import html

from portal.answers import RequestRow
from portal.answers_figures import Changed, Compared, Report
from portal.components.links import address, part
from portal.components.parts import rich
from portal.components.receipt import Figures
from portal.components.verdicts import LATE, late_words, ratio_words, said, verdict
from portal.text import FEW, _, date_words, duration_words, local, number, share

Node = Any

NOTABLE = 0.03
"""A ratio that is surely not 1, but nearer to it than this, is not worth a sentence of difference."""


@dataclass(frozen=True)
class Handles:
    """The receipts of a report card."""

    here: Figures
    city: Figures
    times: Figures
    city_times: Figures
    late: Figures
    ratio: Figures
    backlog: Figures
    backlog_before: Figures
    year_ago: Figures

    @classmethod
    def of(cls, report: Report) -> Handles:
        """The receipts of a report's figures."""
        return cls(
            here=Figures("counts", report.here),
            city=Figures("counts", report.base),
            times=Figures("response", report.here),
            city_times=Figures("response", report.base),
            late=Figures("late", report.base, dimension=report.dimension),
            ratio=Figures("time-ratio", report.base, dimension=report.dimension, key=report.key),
            backlog=Figures("backlog", report.ever, at=report.backlog.day.isoformat()),
            backlog_before=Figures("backlog", report.ever, at=report.backlog_before.day.isoformat()),
            year_ago=Figures("year-ago", report.here),
        )


def sentences(report: Report, name: str, zone: str) -> list[Node]:
    """What the report card of `name` says, one sentence or two a paragraph; `zone` is the city's time zone."""
    handles = Handles.of(report)
    found = [
        *_asked(report, handles, name),
        *_time(report, handles),
        *_fair(report, handles),
        *_late(report, handles),
        *_waiting(report, handles, zone),
        *_done(report, handles),
    ]
    return [sentence for sentence in found if sentence is not None]


def percent_change(changed: Changed, handle: Figures) -> list[Node]:
    """'4% more (between 3% and 6%)', 'about as many', by what the interval allows; nothing where nothing is known."""
    value, low, high = changed.ratio.value, changed.ratio.low, changed.ratio.high
    if value is None or low is None or high is None:
        return []
    if low <= 1 <= high or abs(value - 1) < NOTABLE / 3:
        return [_("about as many as in the same months of the year before")]
    words = (
        _("{change} more than in the same months of the year before (95% band: {low} to {high} more)")
        if value > 1
        else _("{change} fewer than in the same months of the year before (95% band: {low} to {high} fewer)")
    )
    change = handle.told(share(abs(value - 1)), "requests_ratio", value)
    near, far = sorted((("low", low), ("high", high)), key=lambda end: abs(end[1] - 1))
    return rich(
        words, change=change,
        low=handle.told(share(abs(near[1] - 1)), f"requests_ratio_{near[0]}", near[1]),
        high=handle.told(share(abs(far[1] - 1)), f"requests_ratio_{far[0]}", far[1]),
    )  # fmt: skip


def _asked(report: Report, handles: Handles, name: str) -> Iterator[Node]:
    n = handles.here.told(number(report.totals.requests), "requests", report.totals.requests)
    start, end = report.here.from_date, report.here.to_date
    change = percent_change(report.year_ago.requests, handles.year_ago) if report.year_ago else []
    words = _("{n} requests were made for {name} from {start} to {end}.")
    if report.dimension == "department":
        words = _("{name} was asked {n} times from {start} to {end}.")
    parts: dict[str, Node] = {"n": html.Strong(n), "name": name, "start": _day(start), "end": _day(end)}
    sentence = rich(words, **parts)
    if change:
        sentence += [" ", *rich(_("That is {change}."), change=change)]
    yield html.P(sentence)


def _time(report: Report, handles: Handles) -> Iterator[Node]:
    here, city = report.response.quantiles, report.city_response.quantiles
    if report.response.n < FEW:
        yield html.P(_("There are too few requests to say how long they take."))
        return
    half = handles.times.told(duration_words(here[50].hours), "median_hours", here[50].hours)
    whole = handles.city_times.told(duration_words(city[50].hours), "median_hours", city[50].hours)
    if here[50].hours is None:
        words = _("Fewer than half of them are closed so far; in the whole city half are closed within {whole}.")
    else:
        words = _("Half of them were closed within {half}; in the whole city it was {whole}.")
    sentence = rich(words, half=html.Strong(half), whole=whole)
    if report.year_ago:
        sentence += [" ", *slower(report.year_ago.median, report.year_ago.requests.months, handles.year_ago)]
    yield html.P(sentence)


def slower(changed: Changed, of: int, handle: Figures) -> list[Node]:
    """'That is 2.1 days slower than in the same months of the year before (95% band: 1.4 to 2.9 days slower).'

    `of` is how many months the period has: it is said where not all of them could be compared.
    """
    gap, low, high = changed.difference.value, changed.difference.low, changed.difference.high
    ratio = changed.ratio.value
    if gap is None or low is None or high is None or ratio is None:
        return [_("Too little is known yet to compare that with the year before.")]
    if low <= 0 <= high or abs(ratio - 1) < NOTABLE:
        return [_("That is about as fast as in the same months of the year before.")]
    near, far = sorted((("low", low), ("high", high)), key=lambda end: abs(end[1]))
    words = (
        _("That is {gap} slower than in the same months of the year before (95% band: {low} to {high} slower).")
        if gap > 0
        else _("That is {gap} faster than in the same months of the year before (95% band: {low} to {high} faster).")
    )
    told = handle.told(duration_words(abs(gap)), "median_difference", gap)
    sentence = rich(
        words, gap=told,
        low=handle.told(duration_words(abs(near[1])), f"median_difference_{near[0]}", near[1]),
        high=handle.told(duration_words(abs(far[1])), f"median_difference_{far[0]}", far[1]),
    )  # fmt: skip
    if changed.months < of:
        sentence += [
            " ",
            *rich(
                _("({n} of {all} months are compared; of the others too much is still open.)"),
                n=handle.told(str(changed.months), "median_months", changed.months),
                all=handle.told(str(of), "requests_months", of),
            ),
        ]
    return sentence


def _fair(report: Report, handles: Handles) -> Iterator[Node]:
    compared = report.compared
    if not alike(report) or compared is None or report.response.n < FEW or compared.times.too_few:
        return
    ratio = compared.times.time_ratio
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return
    factor = html.Strong(
        handles.ratio.told(_("{n} times").format(n=ratio_words(ratio.value)), "time_ratio", ratio.value)
    )
    band = {
        end: handles.ratio.told(ratio_words(value), f"time_ratio_{end}", value)
        for end, value in (("low", ratio.low), ("high", ratio.high))
    }
    if ratio.low > 1 and ratio.value > 1 + NOTABLE:
        words = _(
            "The same services take {factor} as long here as in the rest of the city (95% band: {low} to {high})."
        )
    elif ratio.high < 1 and ratio.value < 1 - NOTABLE:
        words = _(
            "The same services are faster here: they take {factor} as long as in the rest of the city (95% band: {low} to {high})."
        )
    else:
        words = _(
            "The same services take about as long here as in the rest of the city ({factor} as long; 95% band: {low} to {high})."
        )
    yield html.P([*rich(words, factor=factor, **band), *_mix(report, compared)])


def alike(report: Report) -> bool:
    """Whether pace and lateness can be compared: not where the selection names a status, an outcome or a standard, which
    would decide the answer, and not between departments, which do different work."""
    return not _one_sided(report) and report.dimension != "department"


def _one_sided(report: Report) -> bool:
    return bool(report.base.status or report.base.outcome or report.base.on_time)


def _mix(report: Report, compared: Compared) -> list[Node]:
    """What the difference between this place's median and the city's comes from."""
    here, city = report.response.quantiles[50], report.city_response.quantiles[50]
    ratio = compared.times.time_ratio
    if here.low is None or here.high is None or city.hours is None or ratio.value is None:
        return []
    if here.low > city.hours and ratio.value <= 1 + NOTABLE:
        return [" ", _("So the longer time comes from what is asked for here, not from slower work.")]
    if here.high < city.hours and ratio.value >= 1 - NOTABLE:
        return [" ", _("So the shorter time comes from what is asked for here, not from faster work.")]
    return []


def _late(report: Report, handles: Handles) -> Iterator[Node]:
    late = report.compared.late if report.compared else None
    if _one_sided(report) or late is None or late.n < FEW or late.raw.value is None:
        return
    raw = html.Strong(handles.late.told(share(late.raw.value), f"{report.key}/raw", late.raw.value))
    first = rich(_("Of the requests whose standard came due, {raw} were late."), raw=raw)
    if not alike(report):  # nobody else does the same work, so there is nothing to expect of it
        yield html.P(first)
        return
    expected = handles.late.told(number(late.expected), f"{report.key}/expected", late.expected)
    observed = handles.late.told(number(late.observed), f"{report.key}/observed", late.observed)
    yield html.P(
        [
            *first,
            " ",
            *rich(
                _("That is {observed} requests; if each service were late as often as in the whole city, it would be {expected}."),
                observed=observed, expected=expected,
            ),
            " ",
            *_judged_late(report, handles),
        ]
    )  # fmt: skip


def _judged_late(report: Report, handles: Handles) -> list[Node]:
    """The same as `late_verdict` with its number marked."""
    late = report.compared.late if report.compared else None
    found = verdict(late.ratio, late.position, late.too_few, None, report.late_phi) if late else None
    if late is None or found is None or not found.compared or late.ratio.value is None:
        return [late_verdict(report)]
    ratio = handles.late.told(ratio_words(late.ratio.value), f"{report.key}/ratio", late.ratio.value)
    return [*rich(_("{ratio} times as many late as expected; {verdict}"), ratio=ratio, verdict=said(found, LATE)), "."]


def late_verdict(report: Report) -> str:
    """What a place's lateness allows to be said, in the words of the page that compares all places: a sentence."""
    late = report.compared.late if report.compared else None
    if late is None:
        return ""
    words = late_words(late, verdict(late.ratio, late.position, late.too_few, None, report.late_phi))
    return words[:1].upper() + words[1:] + "."


def _waiting(report: Report, handles: Handles, zone: str) -> Iterator[Node]:
    now, before = report.backlog, report.backlog_before
    words = _("{n} requests were open at the end of {day}; three months before it were {before}.")
    sentence = rich(
        words,
        n=html.Strong(handles.backlog.told(number(now.open), "open", now.open)),
        day=_day(now.day),
        before=handles.backlog_before.told(number(before.open), "open", before.open),
    )
    year = next((n for low, _high, n in now.ages if low == 365), 0)
    if year:
        longest = handles.backlog.told(number(year), "from_365_days", year)
        sentence += [" ", *rich(_("{n} of them had waited more than a year."), n=longest)]
    if report.oldest:
        sentence += [
            " ",
            *rich(_("The oldest that is open now has waited since {link}."), link=oldest_link(report.oldest[0], zone)),
        ]
    yield html.P(sentence)


def oldest_link(row: RequestRow, zone: str) -> Node:
    """'3 March 2024 (Tree request)', with the way to its page."""
    when = day_words(row.requested_datetime, zone)
    words = _("{date} ({service})").format(date=when, service=row.service_name or row.service_code)
    return html.A(words, href=request_address(row))


def request_address(row: RequestRow) -> str:
    """The page of a request."""
    return address(f"/requests/{part(row.service_request_id)}", None, source=row.source)


def day_words(moment: datetime | None, zone: str) -> str:
    """The day of a UTC time without zone, on the city's clock; nothing where there is none."""
    if moment is None:
        return ""
    return date_words(local(moment.replace(tzinfo=UTC), zone).date())


def _done(report: Report, handles: Handles) -> Iterator[Node]:
    done, city = report.totals.done_share, report.city.done_share
    if done.share is None or city.share is None or done.n < FEW:
        return
    words = _("For {done} of the closed requests the record says that the work was done; in the whole city for {city}.")
    yield html.P(
        rich(
            words,
            done=html.Strong(handles.here.told(share(done.share), "done_share", done.share)),
            city=handles.city.told(share(city.share), "done_share", city.share),
        )
    )


def _day(day: date | None) -> str:
    return date_words(day) if day else ""
