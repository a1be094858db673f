"""Methods: how each figure is made, what is left out and how much that is, and what the data cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import Exclusion, Quality
from portal.components.labels import (
    EXCLUSION_KINDS,
    LOCATION_NOTES,
    LOCATION_SOURCES,
    OUTCOME_MEANINGS,
    OUTCOMES,
    named,
)
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Bar, Column, code, contents, more, page_head, section, table
from portal.pages import receipts
from portal.selection import Selection
from portal.text import FEW, _, number, share

if TYPE_CHECKING:
    from portal.release import Release


def layout(release: Release, selection: Selection) -> Page:
    """Definitions with their SQL, exclusions and quality with their counts."""
    quality = queries.quality(release, selection)
    parts = (
        ("response-time", _("Response time"), _response_time(release)),
        ("outcomes", _("Outcomes: closed is not the same as done"), _outcomes()),
        ("on-time", _("On time"), _on_time(release)),
        ("comparing", _("Comparing places"), _comparing()),
        ("location", _("Where requests are"), _location(quality)),
        ("left-out", _("What is left out"), _left_out(queries.exclusions(release), quality)),
        ("limits", _("What the data cannot say"), _limits()),
        ("verify", _("Checking a release"), _verify(release)),
    )
    body = [
        page_head(
            _("How the figures are made"),
            html.P(
                _("Every figure here can be made again from the published files. This page says how."), className="lead"
            ),
        ),
        contents([(title, key) for key, title, _parts in parts]),
        *(section(title, key, *children) for key, title, children in parts),
    ]
    return Page(
        title=_("Methods"),
        description=_("How each figure about service requests in {city} is made.").format(city=release.city.name),
        body=body,
        section="/methods",
    )


def _sql(text: str) -> Any:
    return more(_("The SQL, to run with DuckDB over the downloaded file"), code(text, "SQL"))


def _response_time(release: Release) -> list[Any]:
    return [
        html.P(_("“Half are closed within 3 days” means: of all requests, the open ones included, half were closed no later "
                 "than 3 days after they were made. “9 in 10” is the same for nine tenths.")),
        html.P(_("Most portals average only what is closed. That flatters: the hard cases are still open and would not count. "
                 "Here an open request counts as “not closed yet, after this many days” (the Kaplan–Meier method of medical "
                 "statistics). The figure without the open ones is shown beside it, so that you see the difference.")),
        html.P(_("Where so few are closed that the answer is not known yet, it says “not yet reached”. The band is the range that "
                 "holds the true value 19 times in 20.")),
        _sql(receipts.RESPONSE.format(as_of=release.as_of.strftime("%Y-%m-%d %H:%M:%S"))),
        _sql_totals(),
    ]  # fmt: skip


def _sql_totals() -> Any:
    return more(_("The SQL of the counts"), code(receipts.TOTALS, _("SQL of the counts")))


def _outcomes() -> list[Any]:
    meanings = [part for key in OUTCOMES for part in (html.Dt(_(OUTCOMES[key])), html.Dd(_(OUTCOME_MEANINGS[key])))]
    return [
        html.P(_("Cities close requests for several reasons. They are read from the note that the city's staff wrote, by rules that "
                 "the city publishes in its configuration, and they are never added together.")),
        html.Dl(meanings, className="definition"),
        more(_("The SQL of outcomes"), code(receipts.OUTCOMES, _("SQL of outcomes"))),
    ]  # fmt: skip


def _on_time(release: Release) -> list[Any]:
    where = {
        "source": _("The due time of each request is the one that the city's own system set."),
        "config": _("The city states a standard for each service: the hours within which a request should be closed."),
        "none": _("This city publishes no standards, so nothing here says whether a request was on time."),
    }
    return [
        html.P(where.get(release.package.openward.standards, "")),
        html.P(_("Of the requests whose time has come, this is the share that were closed in time. A request that is open "
                 "and past due counts as late. One that is not due yet counts neither way.")),
        more(_("The SQL of on time"), code(receipts.ON_TIME, _("SQL of on time"))),
    ]  # fmt: skip


def _comparing() -> list[Any]:
    return [
        html.P(_("There are no ranks here. Places ask for different things, and some things take longer; a league table would "
                 "mostly rank what people ask for. Every page of a place therefore compares service by service.")),
        html.P(_("With fewer than {n} requests no median and no share is shown: it would say more about chance than about the work. "
                 "Shares carry 95% Wilson intervals, times the 95% band of the Kaplan–Meier curve.").format(n=FEW)),
        html.P(_("Few requests need not mean little need: some neighborhoods report the same problem far sooner than others.")),
    ]  # fmt: skip


def _location(quality: Quality) -> list[Any]:
    total = quality.requests
    rows: list[list[Any]] = [
        [named(LOCATION_SOURCES, key), Bar(number(n), n / (total or 1)), share(n, total)]
        for key, n in sorted(quality.located.items(), key=lambda item: -item[1])
    ]
    columns = [Column(_("Where the place comes from")), Column(_("Requests"), "bar"), Column(_("Share"), "number")]
    notes: list[list[Any]] = [[named(LOCATION_NOTES, key), number(n)] for key, n in quality.location_notes.items() if n]
    return [
        table(_("How requests were located"), columns, rows, "located"),
        table(_("Why some are not on the map"), [Column(_("Reason")), Column(_("Requests"), "number")], notes, "not-located")
        if notes else None,
        more(_("The SQL of locations"), code(receipts.LOCATED, _("SQL of locations"))),
    ]  # fmt: skip


def _left_out(exclusions: list[Exclusion], quality: Quality) -> list[Any]:
    columns = [Column(_("What")), Column(_("Why")), Column(_("Source")), Column(_("Rows"), "number")]
    rows: list[list[Any]] = [
        [named(EXCLUSION_KINDS, e.kind), e.reason.replace("_", " "), e.source or "–", number(e.rows)]
        for e in sorted(exclusions, key=lambda e: (e.kind, -e.rows))
    ]
    words = _(
        "{n} requests are published but not in the response times, because their times are missing or contradict "
        "one another, or their status is not understood."
    )
    return [
        html.P(words.format(n=number(quality.excluded_from_response))),
        table(_("Everything that is left out of the files or of a figure"), columns, rows, "excluded")
        if rows else html.P(_("Nothing else was left out.")),
    ]  # fmt: skip


def _limits() -> list[Any]:
    return [
        html.Ul(
            [
                html.Li(_("They are requests, not conditions: what nobody reports is not here.")),
                html.Li(
                    _("A closing time is when someone closed the record. The work may have been done before or after.")
                ),
                html.Li(_("One problem may be reported many times, and one report may stand for many people.")),
                html.Li(
                    _("Points are as exact as the source: an address is a doorstep at best, a street segment at worst.")
                ),
            ]
        ),
        html.P(_("What people wrote is not published, to protect those who wrote and those they wrote about.")),
    ]


def _verify(release: Release) -> list[Any]:
    return [
        html.P(_("Each release lists the fingerprint (sha256) of every file, and of the release before it. "
                 "Anyone who kept an old one can show that it was not rewritten.")),
        code(f"openward release verify {release.city.id} --release {release.id}", _("Command to verify a release")),
        html.P(html.A(_("All releases and files"), href=address("/data"), className="onward")),
    ]  # fmt: skip
