"""Sources and runs: how fresh each source is, what of it was refused, and what was edited or withdrawn afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import Doubts, Edit, Edits, PrivacyAudit
from portal.components.labels import (
    EDITED_FIELDS,
    EDITS,
    LEVELS,
    LOCATION_NOTES,
    PRECISIONS,
    REASONS,
    REDACTED,
    named,
    source_name,
)
from portal.components.links import address
from portal.components.notices import notices
from portal.components.page import Page
from portal.components.parts import Bar, Column, aside, key_figures, page_head, section, table, tabs
from portal.components.sources import Clock, source_part
from portal.components.spot import Spot
from portal.package import file_url
from portal.selection import Selection
from portal.status import Found, Status
from portal.text import N_, _, ago_words, duration_words, ngettext, number, share, time_short, time_words

if TYPE_CHECKING:
    from portal.release import Release

PATH = "/sources"
LAST_RUNS = {
    "published": N_("The last run made the release that is shown."),
    "loaded": N_("The last run took in new data; a release of it is not made yet."),
    "unchanged": N_("The last run found nothing new."),
    "held": N_("The last run's release is held back until someone has looked at it."),
    "failed": N_("The last run failed; the figures are those of the run before."),
    "running": N_("A run is under way, or was stopped."),
}


def layout(release: Release, selection: Selection, now: datetime | None = None) -> Page:
    """Everything that can be said about where the data comes from. Filters do not apply: sources are whole."""
    del selection
    clock = Clock(now or datetime.now(UTC), release.city.timezone)
    found = queries.status(release)
    edits = queries.edits(release)
    body = [
        page_head(
            _("Sources and runs"),
            html.P(
                _("Where the data comes from, how fresh each source is, and what did not make it into the figures."),
                className="lead",
            ),
        ),
        ways(PATH),
        *notices(release, link=False),
        _summary(release, found, edits, clock),
        section(_("Sources"), "sources", *_sources(found, clock)),
        section(_("The release that is shown"), "release", *_release(release, found.status)),
        section(
            _("Edits after the fact"), "edits", *_edits(release, edits),
            lead=_("When a city changes an opening or closing time later on, response times change with it. "
                   "Here is every such edit that was seen."),
        ),
        section(_("Points that sources got wrong"), "points", *_points(release, found),
                lead=_("A source may give a point that is not where the request is. This was noticed.")),
        section(_("Withdrawn requests"), "withdrawn", *_withdrawn(release)),
        section(_("What the privacy audit measured"), "privacy", *_privacy(release)),
    ]  # fmt: skip
    return Page(
        title=_("Sources and runs"),
        description=_("How fresh the sources of {city}'s service requests are, and what was left out.").format(
            city=release.city.name
        ),
        body=body,
        section="/data",
    )


def ways(here: str) -> Any:
    """The two pages about the data itself."""
    items = (("/data", _("Files")), (PATH, _("Sources and runs")))
    return tabs([(words, address(path), path == here) for path, words in items], _("About the data"))


def _summary(release: Release, found: Found, edits: Edits | None, clock: Clock) -> Any:
    absent = queries.absent(release)
    items: list[tuple[str, str, Any]] = []
    if found.status and found.status.sources:
        answering = [s for s in found if not s.failing and s.state != "never"]
        of = len(found.status.sources)
        items.append((
            _("Sources that answer"), _("{part} of {whole}").format(part=len(answering), whole=of),
            _("looked at {ago}").format(ago=ago_words(found.status.written, clock.now)) if found.status.written else "",
        ))  # fmt: skip
    items += [
        (
            _("Age of the newest data"),
            duration_words(max((clock.now - release.as_of).total_seconds() / 3600, 0)),
            time_words(release.as_of, release.city.timezone),
        ),
        (_("In quarantine"), number(absent.quarantined), _("rows of requests that could not be trusted")),
    ]
    if absent.withdrawn is not None:
        items.append((_("Withdrawn"), number(absent.withdrawn), _("requests that their source no longer has")))
    if edits is not None:
        items.append((_("Edited after the fact"), number(edits.total), _("opening and closing times")))
    return key_figures(items)


def _sources(found: Found, clock: Clock) -> list[Any]:
    if found.unreadable:
        words = _("The file that says how the sources stand cannot be read just now. The figures do not depend on it.")
        return [aside(_("Not known."), html.P(words))]
    if found.status is None:
        words = _("No run has left word of itself beside the releases. It will after the next one.")
        return [aside(_("Not known yet."), html.P(words))]
    if not found.status.sources:
        return [html.P(_("The city's configuration names no source."))]
    parts = [source_part(source, f"source-{i}", clock) for i, source in enumerate(found, 1)]
    said = [html.P(_("The same for programs: "), className="detail")]
    said[0].children = [_("The same for programs: "), html.A(html.Code("/api/v1/status"), href="/api/v1/status")]
    return [*parts, *said]


def _release(release: Release, status: Status | None) -> list[Any]:
    zone, about = release.city.timezone, release.package.openward
    facts: list[tuple[str, Any]] = [
        (_("Release"), html.A(html.Code(release.id), href=address("/data"))),
        (_("Made"), time_words(release.created, zone)),
        (_("Data as of"), time_words(release.as_of, zone)),
        (_("Before it"), html.Code(about.previous.release_id) if about.previous else _("none: it is the first")),
    ]
    parts: list[Any] = [
        html.Dl([html.Div([html.Dt(what), html.Dd(value)]) for what, value in facts], className="facts")
    ]
    if status and status.last_run in LAST_RUNS:
        parts.append(html.P(_(LAST_RUNS[status.last_run])))
    return [*parts, _accepted(release)]


def _accepted(release: Release) -> Any:
    about = release.package.openward
    if about.accepted:
        said = about.accepted
        return aside(
            _("A person let this release through."),
            html.P(_("It differs from the one before by more than the city's limits allow. {by} accepted that: “{reason}”").format(
                by=said.by or _("Someone"), reason=said.reason)),
            html.Ul([html.Li(html.Code(limit)) for limit in said.limits]) if said.limits else None,
        )  # fmt: skip
    if "accepted" not in about.model_fields_set:
        return html.P(_("This release does not say whether it kept to the city's limits."), className="detail")
    if about.previous is None:
        return html.P(_("There is no release before it to compare it with."), className="detail")
    return html.P(_("It keeps to every limit that the city sets between one release and the next."), className="detail")


def _edits(release: Release, edits: Edits | None) -> list[Any]:
    if edits is None:
        return [html.P(_("This release does not say: it was made before edits were watched for."))]
    if not edits.total:
        return [html.P(_("No opening or closing time has been seen to change."))]
    kinds = [[named(EDITS, kind), Bar(number(n), n / edits.total)] for kind, n in edits.by_kind.items()]
    columns = [
        Column(_("Request")), Column(_("Which time")), Column(_("Edit")), Column(_("Before")), Column(_("After")),
        Column(_("By how much"), "number"), Column(_("First seen")),
    ]  # fmt: skip
    rows = [_edit(edit, release.city.timezone) for edit in edits.latest]
    caption = _("The latest edits, newest first")
    return [
        table(_("Edits by kind"), [Column(_("Kind")), Column(_("Edits"), "bar")], kinds, "edits-kinds"),
        html.H3(caption),
        html.Div(table(caption, columns, rows, "edits-latest", hidden_caption=True, stack=False), className="long"),
        _download(release, "retroactive_edits", _("Download all edits")),
    ]


def _edit(edit: Edit, zone: str) -> list[Any]:
    def told(moment: datetime | None) -> str:
        return time_short(moment, zone) if moment else _("none")

    which: Any = named(EDITED_FIELDS, edit.field)
    if edit.cause == "configuration":
        which = [which, " ", html.Span(_("(the city's rules changed, not the source)"), className="hint")]
    return [
        html.Code(edit.service_request_id), which, named(EDITS, edit.edit), told(edit.old), told(edit.new),
        moved_words(edit.moved_hours), told(edit.first_seen),
    ]  # fmt: skip


def moved_words(hours: float | None) -> str:
    """'3 days earlier'."""
    if hours is None:
        return "–"
    words = _("{time} earlier") if hours < 0 else _("{time} later")
    return words.format(time=duration_words(abs(hours)))


def _withdrawn(release: Release) -> list[Any]:
    n = queries.absent(release).withdrawn
    if n is None:
        return [html.P(_("This release does not say: it was made before withdrawn requests were watched for."))]
    if not n:
        return [html.P(_("No request that was in the record has gone from its source."))]
    words = ngettext(
        "{n} request was in the record, and then its source had it no more. It is in no figure, but it is not forgotten: "
        "it is listed in a file of its own.",
        "{n} requests were in the record, and then their source had them no more. They are in no figure, but they are not "
        "forgotten: they are listed in a file of their own.",
        n,
    )
    return [html.P(words.format(n=number(n))), _download(release, "withdrawn", _("Download the withdrawn requests"))]


def _points(release: Release, found: Found) -> list[Any]:
    return [*_default_points(release, found), *_doubts(queries.doubts(release))]


def _default_points(release: Release, found: Found) -> list[Any]:
    rows: list[list[Any]] = []
    for source in found:
        for point in source.default_points:
            place: Any = _("not told")
            if point.lat is not None and point.long is not None:
                spot = Spot(point.lat, point.long, 0.0, _("stands for “unknown”"))
                place = html.A(f"{point.lat:.5f}, {point.long:.5f}", href=address("/map", None, **spot.query()))
            seen = time_short(point.first_seen, release.city.timezone) if point.first_seen else "–"
            rows.append([place, source_name(source.source), number(point.rows), number(point.addresses), seen])
    if not rows:
        return [html.P(_("No point has been found that a source writes wherever it does not know the place."))]
    columns = [
        Column(_("Point")), Column(_("Source")), Column(_("Requests at it"), "number"),
        Column(_("Different addresses"), "number"), Column(_("First seen")),
    ]  # fmt: skip
    words = ngettext(
        "{n} point stands for “unknown”: far more requests than could be at one place, with addresses from all over the "
        "city, all have it. It is not taken for their place.",
        "{n} points stand for “unknown”: far more requests than could be at one place, with addresses from all over the "
        "city, all have them. They are not taken for their places.",
        len(rows),
    )
    about = release.package.openward.geocoder
    if about is not None and about.settings.default_points == "flag":
        words = _("Such points stand for “unknown”. In this city their requests stay there, marked as doubtful.")
    return [
        html.P(words.format(n=number(len(rows)))),
        table(_("Points that stand for “unknown”, as the runs found them"), columns, rows, "default-points"),
    ]


def _doubts(doubts: Doubts | None) -> list[Any]:
    if doubts is None:
        return [html.P(_("This release does not say what was wrong with points."))]
    rows: list[list[Any]] = [
        [
            _("Its source gave no point") if note == "missing" else named(LOCATION_NOTES, note),
            number(doubts.placed.get(note, 0)),
            number(doubts.lost.get(note, 0)),
        ]
        for note in dict.fromkeys((*doubts.placed, *doubts.lost))
        if note != "withheld"  # nothing was wrong with it
    ]
    parts: list[Any] = []
    if rows:
        columns = [
            Column(_("About the source's point")), Column(_("On the map all the same"), "number"),
            Column(_("Not on the map"), "number"),
        ]  # fmt: skip
        parts.append(table(_("Requests whose point was not used as it came"), columns, rows, "point-notes"))
    contradictions = doubts.kept.get("location_contradicts_address", 0)
    if contradictions:
        words = ngettext(
            "{n} request has a point and an address that lie farther apart than both can err. The point was kept; which of "
            "the two is wrong is not known.",
            "{n} requests have a point and an address that lie farther apart than both can err. The point was kept; which of "
            "the two is wrong is not known.",
            contradictions,
        )
        parts.append(html.P(words.format(n=number(contradictions))))
    other = [
        [named(REASONS, flag), number(n)] for flag, n in doubts.kept.items() if flag != "location_contradicts_address"
    ]
    if other:
        columns = [Column(_("Kept, and marked as doubtful")), Column(_("Requests"), "number")]
        parts.append(
            table(_("Points that were kept although something speaks against them"), columns, other, "kept-points")
        )
    return parts or [html.P(_("Nothing else was found wrong with a point."))]


def _download(release: Release, name: str, words: str) -> Any:
    resource = release.package.resource(name)
    if resource is None:
        return None
    return html.P(html.A(words, href=file_url(release.id, resource.path), download="", className="button"))


def _privacy(release: Release) -> list[Any]:
    precision, audit = queries.precision(release), queries.privacy_audit(release)
    parts: list[Any] = []
    if precision is None:
        parts.append(html.P(_("This release does not say how exactly each place is told.")))
    else:
        total = sum(precision.values()) or 1
        rows = [[named(PRECISIONS, key), Bar(number(n), n / total), share(n, total)] for key, n in precision.items()]
        columns = [Column(_("The place that is told")), Column(_("Requests"), "bar"), Column(_("Share"), "number")]
        parts.append(table(_("How exactly places are told"), columns, rows, "precision"))
    if audit is None:
        return [*parts, html.P(_("This release holds no figures of a privacy audit."))]
    return [*parts, *_audited_places(audit), *_audited_texts(audit)]


def _audited_places(audit: PrivacyAudit) -> list[Any]:
    if not audit.sensitive:
        return [html.P(_("The city's policy makes no place less exact than its source."))]
    rows = [[named(LEVELS, level), number(n)] for level, n in audit.sensitive.items()]
    said = _("Each of them was held against its true place before the release was let go.")
    if audit.closest_m is not None:
        said = _(
            "Each was held against its true place before the release was let go: no point is closer to it than {n} meters."
        ).format(n=number(audit.closest_m))
    columns = [Column(_("The place is told")), Column(_("Requests"), "number")]
    return [table(_("Requests whose place the city's policy protects"), columns, rows, "protected"), html.P(said)]


def _audited_texts(audit: PrivacyAudit) -> list[Any]:
    if audit.recall is None:
        return [html.P(_("No text that people wrote is published, so none had to be cleaned."))]
    rows = [
        [named(REDACTED, r.kind), number(r.planted), number(r.found), share(r.share), share(r.at_least)]
        for r in audit.recall
    ]
    columns = [
        Column(_("What was hidden in the examples")), Column(_("Hidden"), "number"), Column(_("Found"), "number"),
        Column(_("Share"), "number"), Column(_("At least, with 95% certainty"), "number"),
    ]  # fmt: skip
    parts: list[Any] = [
        html.P(_("What could name a person is taken out of published text by program. How well was measured on {n} made-up examples with "
                 "something hidden in each; it is not perfect, and this says by how much.").format(n=number(audit.examples))),
        table(_("What was found of what was hidden"), columns, rows, "recall"),
    ]  # fmt: skip
    if audit.wrongly_removed is not None:
        words = _("Of the words that name nobody, {share} were taken out as well.")
        parts.append(html.P(words.format(share=f"{audit.wrongly_removed * 100:.2g}%")))
    return parts
