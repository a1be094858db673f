"""Methods: how each figure is made, what is left out and how much that is, and what the data cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import Exclusion, Quality
from portal.background import Failed
from portal.components.expected import held_chart, held_figures, held_table
from portal.components.labels import (
    EXCLUSION_KINDS,
    LOCATION_NOTES,
    LOCATION_SOURCES,
    METHOD_MEANINGS,
    METHODS,
    OUTCOME_MEANINGS,
    OUTCOMES,
    PRECISIONS,
    REASONS,
    named,
)
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Bar, Column, code, contents, more, page_head, rich, section, table
from portal.errors import NotReady
from portal.figures.expected_time import ENOUGH
from portal.package import file_url
from portal.pages.overview import source_words
from portal.queries.expected import calibration
from portal.receipts import receipt
from portal.selection import Selection
from portal.text import FEW, _, listed, ngettext, number, share

if TYPE_CHECKING:
    from portal.answers_expected import Calibration
    from portal.package import GeocoderAbout
    from portal.release import Release


def layout(release: Release, selection: Selection) -> Page:
    """Definitions with their SQL, exclusions and quality with their counts."""
    quality = queries.quality(release, selection)
    parts = (
        ("response-time", _("Response time"), _response_time(release)),
        ("outcomes", _("Outcomes: closed is not the same as done"), _outcomes(release)),
        ("on-time", _("On time"), _on_time(release)),
        ("expected-times", _("Expected times, and how they held"), _expected(release)),
        ("comparing", _("Comparing places"), _comparing()),
        ("location", _("Where requests are"), _location(release, quality)),
        ("texts", _("What people wrote"), _texts(release)),
        ("left-out", _("What is left out"), _left_out(queries.exclusions(release), quality)),
        ("edits", _("Times that were edited later"), _edits()),
        ("measures", _("Measures and feedback"), _measures(release)),
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


def _sql(release: Release, figure: str, summary: str, **arguments: str) -> Any:
    """What a reader runs with DuckDB in the folder of the downloaded files."""
    return more(summary, code(receipt(release, figure, queries.EVERYTHING, arguments).sql, summary))


def _response_time(release: Release) -> list[Any]:
    return [
        html.P(_("“Half are closed within 3 days” means: of all requests, the open ones included, half were closed no later "
                 "than 3 days after they were made. “9 in 10” is the same for nine tenths.")),
        html.P(_("Most portals average only what is closed. That flatters: the hard cases are still open and would not count. "
                 "Here an open request counts as “not closed yet, after this many days” (the Kaplan–Meier method of medical "
                 "statistics). The figure without the open ones is shown beside it, so that you see the difference.")),
        html.P(_("Where so few are closed that the answer is not known yet, it says “not yet reached”. The band is "
                 "the range that "
                 "holds the true value 19 times in 20.")),
        _sql(release, "response", _("The SQL of response times")),
        _sql(release, "counts", _("The SQL of the counts")),
    ]  # fmt: skip


def _outcomes(release: Release) -> list[Any]:
    meanings = [part for key in OUTCOMES for part in (html.Dt(_(OUTCOMES[key])), html.Dd(_(OUTCOME_MEANINGS[key])))]
    return [
        html.P(_("Cities close requests for several reasons. They are read from the note that the city's staff wrote, "
                 "by rules that "
                 "the city publishes in its configuration, and they are never added together.")),
        html.Dl(meanings, className="definition"),
        _sql(release, "counts", _("The SQL of outcomes")),
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
        _sql(release, "counts", _("The SQL of on time")),
    ]  # fmt: skip


def _expected(release: Release) -> list[Any]:
    try:
        found = calibration(release)
    except NotReady:
        held: list[Any] = [
            html.P(_("They are worked out anew for each release, which takes a few seconds. Load this page again."))
        ]
    except Failed:
        held = [html.P(_("Expected times could not be worked out."))]
    else:
        held = _held(release, found)
    return [
        html.P(_("How long a new request should take is read off similar ones: the same service in the same area in the same "
                 "three months a year before; if fewer than {n} of those are closed, or 9 in 10 are not, the same service and area in the "
                 "last twelve months; then the service in the whole city in the last twelve months; then all on record. Open ones "
                 "count as waiting, as in all times here.").format(n=ENOUGH)),
        html.P(_("“Half” and “9 in 10” are promises about the next request, so they are tested: for each of the last months every "
                 "request gets the times that could have been stated when its month began, from nothing that was known only later, "
                 "and then it is counted how many were closed within them. Of a good forecast 50% and 90% are.")),
        html.P(_("Cities get slower and faster. So the times are multiplied by the factor by which the forecasts of the three months "
                 "before would have held, as it was known then; one factor serves the whole city. What changes within a month or in "
                 "one service alone is not in it, and shows as a share that was not kept.")),
        *held,
        html.P(html.A(_("How long will mine take?"), href=address("/expected"), className="onward")),
    ]  # fmt: skip


def _held(release: Release, found: Calibration | None) -> list[Any]:
    if found is None:
        return [html.P(_("The record is too short to say how well such forecasts hold."))]
    half, most = found.factors
    words = _("The factors of a request that is made now are {half} for half and {most} for 9 in 10. In the band lies the true "
              "share 19 times in 20, if requests are independent; of those still open it counts how long they have waited.")  # fmt: skip
    of = held_figures()
    told = {
        "half": of.told(f"{half:.2f}", "now/half_factor", half), "most": of.told(f"{most:.2f}", "now/most_factor", most),
    }  # fmt: skip
    return [
        held_chart(found, source_words(release)),
        held_table(found),
        html.P([*rich(words, **told), " ", of.link()], className="detail"),
    ]


def _comparing() -> list[Any]:
    return [
        html.P(_("There are no ranks here. Places ask for different things, and some things take longer; a league table would "
                 "mostly rank what people ask for. Every page of a place therefore compares service by service.")),
        html.P(_("With fewer than {n} requests no median and no share is shown: it would say more about chance than "
                 "about the work. "
                 "Shares carry 95% Wilson intervals, times the 95% band of the Kaplan–Meier curve.").format(n=FEW)),
        html.P(_("Few requests need not mean little need: some neighborhoods report the same problem far sooner than others.")),
    ]  # fmt: skip


def _location(release: Release, quality: Quality) -> list[Any]:
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
        _sql(release, "located", _("The SQL of locations")),
        *_geocoder(release),
        *_location_band(release),
        *_precision(release),
    ]  # fmt: skip


def _geocoder(release: Release) -> list[Any]:
    """Tiers, score, radius and calibration, with the release's own figures."""
    methods, about = queries.methods(release), release.package.openward.geocoder
    if not methods and about is None:
        return []
    total = sum(row.requests for row in methods) or 1
    columns = [
        Column(_("Found by")), Column(_("What that means")), Column(_("Requests"), "bar"),
        Column(_("Score (median)"), "number"), Column(_("Radius (median)"), "number"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            named(METHODS, row.method),
            _(METHOD_MEANINGS[row.method]) if row.method in METHOD_MEANINGS else "–",
            Bar(number(row.requests), row.requests / total),
            "–" if row.median_score is None else share(row.median_score),
            "–" if row.median_radius_m is None else _("{n} m").format(n=number(row.median_radius_m)),
        ]
        for row in methods
    ]
    return [
        html.H3(_("Places found from an address")),
        html.P(_("The point that a source gives is used where it can be believed. Where there is none, or one that "
                 "stands for “unknown”, the address is looked up in the city's own list of addresses and streets, which is "
                 "published with the release. The surest way that works is taken: the very address, then the house "
                 "numbers of its block, then the crossing, the block, the street.")),
        html.P(_("The score is the share that is right among results like that one: of 100 results with a score of 90%, "
                 "about 90 are the right place. The radius is a circle around the mark that holds the true place in 95 of "
                 "100 cases.")),
        *_bar(about),
        table(_("How the geocoder found them"), columns, rows, "geocoder-methods") if rows else None,
        _sql(release, "methods", _("The SQL of methods")) if rows else None,
        *_calibration(about),
    ]  # fmt: skip


def _location_band(release: Release) -> list[Any]:
    """Totals of areas with their bands: only where a release tells what they are made of."""
    unsure = queries.unsure(release)
    if not unsure:
        return []
    told = [
        _("{what}: {n} requests").format(what=release.layer(layer).title, n=number(n)) for layer, n in unsure.items()
    ]
    return [
        html.H3(_("Totals of areas when locations are uncertain"), id="location-band"),
        html.P(_("A request near a border may belong to the area beside the one in which it is drawn. How likely that is follows "
                 "from its radius: the true place is taken to lie around the mark, nearer more likely than farther, in all "
                 "directions alike. The release lists each such request with every area that it may be in and the probability "
                 "of each.")),
        html.P(_("An area's band is made from these: requests that are surely there, and of the others each with its "
                 "probability; requests at the same place are right or wrong together. The true total is in the band 19 times in "
                 "20. Beside a border with much more on one side, or water, the truth leans to the busy side by more than "
                 "this says.")),
        html.P(_("Near a border in this release: {list}.").format(list=listed(told))),
        _sql(release, "expected-totals", _("The SQL of expected totals"), layer=next(iter(unsure))),
    ]  # fmt: skip


def _bar(about: GeocoderAbout | None) -> list[Any]:
    if about is None:
        return []
    drawn = {
        "address": _("an address"), "intersection": _("a crossing"), "block": _("a block"), "street": _("a street"),
        "area": _("an area"),
    }  # fmt: skip
    settings = about.settings
    said = [_("Nothing vaguer than {what} is drawn as a point.").format(what=drawn.get(settings.draw, settings.draw))]
    if settings.min_score is not None:
        said.append(_("Nor is a result with a score below {score}.").format(score=share(settings.min_score)))
    against = {
        "flag": _(
            "Where a point and its address lie farther apart than both can err, the point is kept and marked as doubtful."
        ),
        "replace": _("Where a point and its address lie farther apart than both can err, the address is taken."),
    }
    defaults = {
        "replace": _(
            "A point that many unrelated addresses share stands for “unknown”; their addresses are taken instead."
        ),
        "flag": _("A point that many unrelated addresses share is marked as doubtful."),
    }
    said += [
        words[key]
        for words, key in ((against, settings.contradiction), (defaults, settings.default_points))
        if key in words
    ]
    return [html.P(" ".join(said))]


def _calibration(about: GeocoderAbout | None) -> list[Any]:
    if about is None or not about.calibration.radii:
        return []
    columns = [
        Column(_("Found by")), Column(_("Radius at least"), "number"), Column(_("and for each meter of scale"), "number"),
        Column(_("times, measured here"), "number"),
    ]  # fmt: skip
    factors = about.calibration.factors
    rows: list[list[Any]] = [
        [named(METHODS, method), _("{n} m").format(n=number(least)), f"{scale:g}", f"{factors.get(method, 1.0):g}"]
        for method, (least, scale) in about.calibration.radii.items()
        if method != "none"
    ]
    words = _("Radii were set so that they hold the true place in 95 of 100 cases where it is known, method by method; the scale "
              "is the length of the block, the gap between the neighbors or the reach of the street. Where a city's own "
              "addresses tell, its factor is measured by leaving some of them out and looking them up.")  # fmt: skip
    measured = None
    if about.calibration.scores:
        measured = html.P(_("Scores are those that were measured on records of this city whose place is known."))
    return [
        more(
            _("How radii are calibrated"), html.P(words), measured, table(_("Radii by method"), columns, rows, "radii")
        )
    ]


def _precision(release: Release) -> list[Any]:
    found = queries.precision(release)
    if found is None:
        return []
    words = html.P(_("Some requests are about a home. A city may decide that their place is told less exactly than it "
                     "is known: as a place on "
                     "the same side of the same block, as the middle of the area, or not at all. Such a place is "
                     "chosen once and never again, "
                     "so that many releases tell no more than one. "
                     "Areas count it where that place is; one that is not told is in none of them."))  # fmt: skip
    rows: list[list[Any]] = [
        [named(PRECISIONS, key), html.Code(key), Bar(number(n), n / (sum(found.values()) or 1))]
        for key, n in found.items()
    ]
    columns = [Column(_("The place that is told")), Column("location_precision"), Column(_("Requests"), "bar")]
    return [words, table(_("How exactly places are told"), columns, rows, "precision")]


def _texts(release: Release) -> list[Any]:
    if not {"description", "status_notes"} & release.columns:
        return [
            html.P(_("What people wrote is not published, to protect those who wrote and those they wrote about.")),
        ]
    return [
        html.P(_("Before a text is published, a program takes out what could name a person: telephone numbers, e-mail "
                 "addresses, plates, card "
                 "numbers, names. In its place stands what it was, such as [phone].")),
        html.P([_("It is not perfect. How much it finds is measured for every release, and no release leaves below "
                  "the limits."), " ",
                html.A(_("What the privacy audit measured"), href=address("/sources") + "#privacy")]),
    ]  # fmt: skip


def _edits() -> list[Any]:
    return [
        html.P(_("Cities sometimes change an opening or closing time after it was first stated. Figures always use "
                 "the newest time, and every "
                 "change is written down with the time before, the time after, and when it was first seen.")),
        html.P(_("Moved: another time than was stated before. Taken back: a time that is stated no more, as when a "
                 "request is opened again. Closed "
                 "with an earlier date: a closing more than a day before the moment when the request was last seen open.")),
        html.P(html.A(_("The edits that were seen"), href=address("/sources") + "#edits", className="onward")),
    ]  # fmt: skip


def _measures(release: Release) -> list[Any]:
    words = [
        html.P(_("Measures are figures that departments report of themselves, such as the share of calls answered in "
                 "time. They are published as "
                 "they were reported, with their target and the number of cases behind them; they are not made from "
                 "these requests.")),
        html.P(_("Feedback is what people answered when they were asked how satisfied they were, from 0 (worst) to "
                 "100 (best). Those who answer are "
                 "not all, and not the average: compare a department with itself over time.")),
    ]  # fmt: skip
    files = [r for r in release.package.resources if r.name in ("measures", "feedback", "feedback_monthly") and r.rows]
    if not files:
        return [*words, html.P(_("This release holds neither."), className="detail")]
    links = [
        html.Li([html.A(r.path, href=file_url(release.id, r.path), download=""), " ",
                 ngettext("{n} row", "{n} rows", r.rows or 0).format(n=number(r.rows or 0))])
        for r in files
    ]  # fmt: skip
    return [*words, html.Ul(links)]


def _left_out(exclusions: list[Exclusion], quality: Quality) -> list[Any]:
    columns = [Column(_("What")), Column(_("Why")), Column(_("Source")), Column(_("Rows"), "number")]
    rows: list[list[Any]] = [
        [
            named(EXCLUSION_KINDS, e.kind), named(LOCATION_NOTES if e.kind == "not_located" else REASONS, e.reason),
            e.source or "–", _("too few to be told") if e.rows is None else number(e.rows),
        ]
        for e in sorted(exclusions, key=lambda e: (e.kind, -(e.rows or 0)))
    ]  # fmt: skip
    words = _(
        "{n} requests are published but not in the response times, because their times are missing or contradict "
        "one another, or their status is not understood."
    )
    return [
        html.P(_("A row that cannot be trusted is quarantined: it is kept with the reason, but it is not published "
                 "and in no figure, because "
                 "nothing sure could be said with it. If its source mends it, it comes in with the next run.")),
        html.P([_("A request that its source no longer has is withdrawn: it leaves every figure, and is listed in a "
                  "file of its own."), " ",
                html.A(_("Both, source by source"), href=address("/sources"))]),
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
    ]


def _verify(release: Release) -> list[Any]:
    return [
        html.P(_("Each release lists the fingerprint (sha256) of every file, and of the release before it. "
                 "Anyone who kept an old one can show that it was not rewritten.")),
        code(f"openward release verify {release.city.id} --release {release.id}", _("Command to verify a release")),
        html.P(html.A(_("All releases and files"), href=address("/data"), className="onward")),
    ]  # fmt: skip
