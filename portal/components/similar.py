"""What a request should take and what similar ones took: sentences and the curve, each number with its receipt.

Charter: from answers to markup; no queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.charts.closed_by import Mark, Step, closed_by
from portal.components.parts import Column, chart, rich
from portal.components.receipt import Figures
from portal.receipts.standing import key_of
from portal.text import FEW, N_, _, date_words, duration_words, local, number

if TYPE_CHECKING:
    from portal.answers_request import OneRequest, Point, Similar
    from portal.release import Release

BASES = {
    "season": N_(
        "Such requests are the {n} for the same service in {area} in the same season a year before, {first} to {last}."
    ),
    "area": N_(
        "Such requests are the {n} for the same service in {area} that were made before this one, {first} to {last}."
    ),
    "recent": N_(
        "Such requests are the {n} for the same service in the whole city in the twelve months before, {first} to {last}."
    ),
    "service": N_(
        "Such requests are the {n} for the same service in the whole city that were made before this one, {first} to {last}."
    ),
}
NEARLY_ALL = 0.99


def standard_words(release: Release, request: OneRequest) -> str:
    """What the standard asks for, and whose it is."""
    row = request.row
    if row.expected_datetime is None or row.requested_datetime is None:
        return _("No standard is stated for it.")
    time = duration_words((row.expected_datetime - row.requested_datetime).total_seconds() / 3600)
    day = date_words(local(row.expected_datetime, release.city.timezone).date())
    words = {
        "source": _("The standard: closed within {time}, by {day}. The city's own system set that for this request."),
        "config": _("The standard: closed within {time}, by {day}. The city states it for this service."),
    }.get(release.package.openward.standards, _("The standard: closed within {time}, by {day}."))
    return words.format(time=time, day=day)


def expected_words(release: Release, found: Similar | None) -> list[Any]:
    """'Half of such requests were closed within 6 days, 9 of 10 within 21 days.', and which requests those are."""
    if found is None:
        words = _("Fewer than {n} requests for this service were made before it, too few to say what it should take.")
        return [html.P(words.format(n=FEW))]
    figures = Figures("response", found.selection)
    half, most = found.median.hours, found.p90.hours
    told = {
        "half": html.Strong(figures.told(duration_words(half), "median_hours", half)),
        "most": html.Strong(figures.told(duration_words(most), "p90_hours", most)),
    }
    if half is None:
        sentence = _("Less than half of such requests are closed so far.")
    elif most is None:
        sentence = _("Half of such requests were closed within {half}; fewer than 9 in 10 are closed so far.")
    else:
        sentence = _("Half of such requests were closed within {half}, 9 in 10 within {most}.")
    return [html.P(rich(sentence, **told), className="lead"), _which(release, found, figures)]


def standing(request: OneRequest, found: Similar) -> Figures:
    """The receipt of the shares closed by some times, and by the request's own."""
    return Figures("closed-by", found.selection, minutes=_own(request, found))


def share_of_100(request: OneRequest, found: Similar, point: Point) -> Any:
    """'67', marked: of those closed before this one was, or by the age of one that is open."""
    return standing(request, found).told(of_100(point.share), f"{_own(request, found)}/share", point.share)


def _own(request: OneRequest, found: Similar) -> str:
    """The row of the request's own time; of one that is closed, just before it."""
    if found.sooner is None or request.elapsed_minutes is None:
        return key_of(0)
    return key_of(request.elapsed_minutes - (0.5 if request.closed else 0))


def standing_words(request: OneRequest, found: Similar | None) -> list[Any]:
    """Where the request stands among them, as a sentence with its band; nothing where that cannot be said."""
    point = found.sooner if found else None
    if found is None or point is None:
        return []
    of, key = standing(request, found), _own(request, found)
    if request.closed:
        words = _("{x} of 100 such requests were closed sooner than this one (95% band: {low} to {high}).")
    elif point.share >= NEARLY_ALL:
        words = _("It has waited longer than 99 of 100 such requests take.")
    elif point.share >= 0.1:
        words = _(
            "It has waited longer than {tenths} of 10 such requests take ({x} of 100, 95% band: {low} to {high})."
        )
    else:
        words = _("So far {x} of 100 such requests are closed sooner than this (95% band: {low} to {high}).")
    tenths = str(int(point.share * 10 + 1e-9))
    return rich(
        words.replace("{tenths}", tenths), x=share_of_100(request, found, point),
        low=of.told(of_100(point.low), f"{key}/share_low", point.low),
        high=of.told(of_100(point.high), f"{key}/share_high", point.high),
    )  # fmt: skip


def of_100(share: float) -> str:
    """A share as a number of 100, which says 0 or 100 only of none and of all.

    >>> of_100(0.704), of_100(0.002), of_100(0.999), of_100(0.0)
    ('70', 'fewer than 1', 'more than 99', '0')
    """
    if 0 < share < 0.005:
        return _("fewer than 1")
    if 0.995 <= share < 1:
        return _("more than 99")
    return number(round(share * 100))


def closed_sooner(request: OneRequest, found: Similar, standard_hours: float | None, source: str) -> Any:
    """The curve with the request in it, and the same as a table."""
    if not found.curve:
        return None
    point, title = found.sooner, _("How soon such requests were closed")
    own = None
    if request.closed is not None and request.elapsed_minutes is not None:
        label = _("this one: {time}") if request.closed else _("this one, still open: {time}")
        hours = request.elapsed_minutes / 60
        own = Mark(hours, label.format(time=duration_words(hours)), point.share if point else None)
    standard = None
    if standard_hours is not None and standard_hours > 0:
        standard = Mark(standard_hours, _("standard: {time}").format(time=duration_words(standard_hours)))
    steps = [Step(p.hours, p.share, p.low, p.high) for p in found.curve]
    svg = closed_by(
        steps, found.reach_hours, own, standard, "sooner", title,
        _("The line is the share closed within a time, the area around it the 95% band; the upright line is this request."),
    )  # fmt: skip
    columns = [
        Column(_("Closed within")),
        Column(_("Of 100 such requests"), "number"),
        Column(_("95% band"), "number"),
    ]
    of, at = standing(request, found), _own(request, found)
    rows = [[duration_words(p.hours), *_cells(of, key_of(p.hours * 60), p)] for p in found.told]
    if point and request.closed:
        rows.append([_("sooner than this one"), *_cells(of, at, point)])
    elif point:
        rows.append([_("the time that this one has waited"), *_cells(of, at, point)])
    subtitle = _("Share closed within a time; open requests count as not closed yet. {source}").format(source=source)
    return chart("sooner", title, subtitle, svg, columns, rows)


def _cells(of: Figures, key: str, point: Point) -> list[Any]:
    band = _("{low} to {high}").format(low=of_100(point.low), high=of_100(point.high))
    return [
        of.told(of_100(point.share), f"{key}/share", point.share),
        of.band(band, f"{key}/share", point.low, point.high),
    ]


def _which(release: Release, found: Similar, figures: Figures) -> Any:
    area = ""
    if found.layer:
        code = found.selection.codes(found.layer)[0]
        area = release.allowed(found.layer).get(code, code)
    day = date_words(local(release.as_of, release.city.timezone).date())
    which = rich(
        _(BASES[found.basis]), n=figures.told(number(found.n), "n", found.n), area=area,
        first=date_words(found.first), last=date_words(found.last),
    )  # fmt: skip
    words = _(
        "Of them {events} were closed by {day}, when this data was taken; the others count as still waiting. {link}"
    )
    rest = rich(words, events=figures.told(number(found.events), "events", found.events), day=day, link=figures.link())
    return html.P([*which, " ", *rest], className="detail")
