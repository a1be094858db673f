"""Standards: what each service promises and how often that was kept; measures and feedback of the whole city."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.answers_standards import Register, Standard
from portal.components import standards as shown
from portal.components.absent import footing
from portal.components.change_words import on_time_words, points
from portal.components.channels import channels_section
from portal.components.filters import count_words, filter_form
from portal.components.measures import city_section
from portal.components.page import Page
from portal.components.parts import more, page_head, rich, section
from portal.components.period import period
from portal.components.receipt import Figures
from portal.pages.overview import source_words
from portal.pages.trends import nothing
from portal.queries.standards import ALL, standards
from portal.selection import Selection
from portal.text import FEW, _, number, share

if TYPE_CHECKING:
    from portal.release import Release

NAMED = 4


def layout(release: Release, selection: Selection) -> Page:
    """The register of the selected services, in the dates asked for or the last twelve whole months."""
    register = standards(release, selection)
    requests = register.total.requests
    body: list[Any] = [
        page_head(
            _("Standards"),
            html.P(_("How long the city gives itself for each kind of request, and how often it keeps to that."),
                   className="lead"),
            period(release, register.period),
        ),
        filter_form(release, selection, "/standards", requests, of=register.period),
        footing(release, register.period),
    ]  # fmt: skip
    if not requests:
        body.append(nothing(selection, "/standards"))
    elif register.rows:
        body += _register(register, selection, source_words(release))
    else:
        body.append(section(_("No standards"), "none", html.P(_("None of the selected services has a standard."))))
    if requests:
        body.append(channels_section(release, register.period, source_words(release)))
    body.append(city_section(release, source_words(release)))
    return Page(
        title=_("Standards"),
        description=_("How often {city} keeps its standards for service requests.").format(city=release.city.name),
        body=body,
        announce=count_words(requests),
        section="/standards",
    )


def _register(register: Register, selection: Selection, source: str) -> list[Any]:
    parts = [
        section(_("All together"), "together", *_together(register)),
        section(
            _("Service by service"), "services",
            shown.register_table(register, selection),
            _how(register),
            lead=_("In the order of how many requests came due, not of how well they do: standards differ, and so does the work."),
        ),
    ]  # fmt: skip
    if any(row.on_time.n >= FEW for row in register.rows) and len(register.total.months) > 1:
        parts.append(
            section(_("From month to month"), "kept", shown.multiples(register, source))
        )  # fmt: skip
    if register.without:
        parts.append(
            section(
                _("Services without a standard"), "without", shown.without_list(register),
                lead=_("Nobody can say whether these were on time. Beside each: how often it was asked for."),
            )
        )  # fmt: skip
    return parts


def _together(register: Register) -> list[Any]:
    total, handle = register.total, Figures("standards", register.period)
    kept = total.on_time
    if kept.share is None or kept.n < FEW:
        return [html.P(_("Too few of the selected requests have come due to say how many were on time."))]
    words = _("{n} requests came due; {share} were closed on time (95% interval: {low} to {high}).")
    sentence = rich(
        words,
        n=html.Strong(handle.told(number(kept.n), f"{ALL}/due", kept.n)),
        share=html.Strong(handle.told(share(kept.share), f"{ALL}/on_time_share", kept.share)),
        low=handle.told(_percent(kept.low), f"{ALL}/on_time_share_low", kept.low),
        high=handle.told(_percent(kept.high), f"{ALL}/on_time_share_high", kept.high),
    )  # fmt: skip
    if total.change and register.before:
        months = sum(1 for m in total.months if register.period.from_date and m.month >= register.period.from_date)
        sentence += [" ", *on_time_words(total.change, months, Figures("standards-change", register.period))]
    late = rich(
        _("Of the {late} late ones {open} are still open."),
        late=handle.told(number(total.late), f"{ALL}/late", total.late),
        open=handle.told(number(total.open_late), f"{ALL}/open_late", total.open_late),
    )
    return [html.P(sentence), html.P(late), *_changed(register)]


def _changed(register: Register) -> list[Any]:
    """Which services surely did better or worse than a year before."""
    better, worse = shown.changes(register.rows)
    handle, found = Figures("standards-change", register.period), []
    for rows, words in (
        (better, _("More often on time than a year before: {services}.")),
        (worse, _("Less often on time than a year before: {services}.")),
    ):
        if rows:
            found.append(html.Li(rich(words, services=_named(rows, handle))))
    if not found:
        return []
    return [html.Ul(found, className="findings")]


def _named(rows: list[Standard], handle: Figures) -> list[Any]:
    parts: list[Any] = []
    for row in rows[:NAMED]:
        value = row.change.difference.value if row.change else None
        told = handle.told(points(value or 0.0), f"{row.service}/difference", value)
        parts += [", " if parts else "", *rich(_("{service} ({change})"), service=row.name, change=told)]
    if len(rows) > NAMED:
        parts.append(_(" and {n} more").format(n=len(rows) - NAMED))
    return parts


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}%"


def _how(register: Register) -> Any:
    notes = [
        html.P(_("The standard is the middle of the times that the service's requests have until they are due, over the whole "
                 "record; where these differ, nine in ten lie between the two times beneath it.")),
        html.P(_("On time is the share, of the requests whose standard has come due, that were closed within it. One that is open "
                 "and past due is late; one that is open and not yet due is in neither number. Where many are not yet due, it is said "
                 "under the number that came due: those that are closed already make the share look better than it will be.")),
        html.P(_("Typically late by: half of the late ones were closed within this time after the due time; those that are still open "
                 "count as late so far (Kaplan–Meier).")),
    ]  # fmt: skip
    if register.before:
        notes.append(
            html.P(
                _("The change compares the same months of both years, each with the same weight, and leaves out months of which "
                  "more than 2% are not yet due; so it may differ a little from the gap between the two shares. Behind it "
                  "stands its 95% interval. In bold, and named above, are changes so sure that chance makes 2 in 1,000 of them: "
                  "among many services it makes one that looks sure now and then. Requests are taken as independent of one another.")
            )
        )  # fmt: skip
    return more(_("How to read this"), *notes)
