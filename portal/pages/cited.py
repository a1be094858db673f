"""What was cited: a release and a filter, its figures then, and what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from dash import html

from portal import queries
from portal.cited import moment_of
from portal.components.cite import cite_box
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import breadcrumbs, key_figures, page_head, section
from portal.errors import NotReady
from portal.package import Package, file_url
from portal.queries.compared import Compared
from portal.queries.diff import Gone, diff, package_of
from portal.selection import Selection
from portal.selection_query import KEYS
from portal.text import _, listed, ngettext, number, time_words
from portal.was import gone

if TYPE_CHECKING:
    from portal.release import Release


SHOWN: Final = 50
"""Parts of a citation that are repeated where they cannot be understood any more."""


def layout(release: Release, selection: Selection, cited: str) -> Page:
    """The page of a citation's address; NotFound for a release that never was."""
    package = _package(release, cited)
    lost = gone(release, selection)
    note = html.P([_lost(lost), " ", _("What was cited stays what it was.")], className="note") if lost else None
    return _page(
        release,
        cited,
        [selection.sentence(release), "."],
        note,
        section(_("Then and now"), "then", *_then(release, selection, cited, bool(lost))),
        section(_("The record of it"), "record", *_record(release, cited, package)),
        section(_("Cite it"), "cite", *cite_box(release, selection, cited)),
    )


def unreadable(release: Release, cited: str, query: str) -> Page:
    """The page of a citation that names values which neither the current release has, nor any file that is kept."""
    named = [(key, value) for key, value in parse_qsl(query)[:SHOWN] if key in KEYS]
    words = _(
        "This filter names a value that the current release does not have. The files of the cited release are no longer "
        "kept here, so whether it had it cannot be told, and its rows cannot be counted again."
    )
    return _page(
        release,
        cited,
        _("Part of the requests of {city}.").format(city=release.city.name),
        html.P(words, className="note"),
        section(
            _("What the citation says"), "said",
            html.Ul([html.Li([html.Code(key), ": ", value[:200]]) for key, value in named]),
            html.P(html.A(_("All data of today"), href=address("/data"), className="onward")),
        ),
        section(_("The record of it"), "record", *_record(release, cited, _package(release, cited))),
    )  # fmt: skip


def _page(release: Release, cited: str, lead: Any, *parts: Any) -> Page:
    title = _("What was cited")
    made = moment_of(cited)
    when = time_words(made, release.city.timezone) if made else ""
    told = html.P([_("Release {id}").format(id=cited), f" · {when}" if when else ""])
    return Page(
        title=title,
        description=_("Release {id} of {city}, as it was cited, and what has changed since.").format(
            id=cited, city=release.city.name
        ),
        body=[
            breadcrumbs([(_("Data"), address("/data"))], title),
            page_head(title, html.P(lead, className="lead"), told),
            *filter(None, parts),
        ],
        section="/data",
    )


def _package(release: Release, cited: str) -> Package | None:
    try:
        return package_of(release, cited)
    except Gone:
        return None


def _lost(values: list[str]) -> str:
    words = ngettext(
        "The current release no longer has {values}, which this citation names.",
        "The current release no longer has these, which this citation names: {values}.",
        len(values),
    )
    return words.format(values=listed([f"“{value}”" for value in values]))


def _then(release: Release, selection: Selection, cited: str, lost: bool) -> list[Any]:
    """Figures then and now; where values are gone there is no such filter today."""
    where, words = (None, _("All data of today")) if lost else (selection, _("The same filter today"))
    now = html.A(words, href=address("/data", where), className="onward")
    if cited == release.id:
        count = queries.totals(release, selection).requests
        return [
            key_figures([(_("Requests then"), number(count), _("in the release that was cited"))]),
            html.P(_("This is the current release: nothing has changed since.")),
        ]
    try:
        found = diff(release, cited, release.id, selection=selection)
    except Gone:
        count = queries.totals(release, selection).requests
        words = _("The rows of this release are no longer kept here, so they cannot be counted again.")
        proof = _("Who has its files can still prove that they are what was published, by their fingerprints.")
        figures = [(_("Requests today"), number(count), _("in the current release"))]
        return [html.P([words, " ", proof], className="note"), key_figures(figures), html.P(now)]
    except NotReady:
        words = _("The two releases are being compared: load the page again in a minute.")
        return [html.P(words, className="note", role="status"), html.P(now)]
    return [*_figures(found), *_changed(release, selection, cited, found), html.P(now)]


def _figures(found: Compared) -> list[Any]:
    counts = found.counts
    return [
        key_figures(
            [
                (_("Requests then"), number(found.before), _("in the release that was cited")),
                (_("Requests now"), number(found.after), _("in the current release")),
                (_("Added"), number(counts["added"]), _("are in the filter now and were not")),
                (_("Removed"), number(counts["removed"]), _("were in the filter and are not now")),
                (_("Changed"), number(counts["changed"]), _("are in both, and differ in a field")),
            ]
        )
    ]


def _changed(release: Release, selection: Selection, cited: str, found: Compared) -> list[Any]:
    if not sum(found.counts.values()):
        return [html.P(_("Not one row of what was cited has changed since."))]
    links = [html.A(_("See every row that changed"), href=address(f"/releases/{cited}/{release.id}", selection))]
    if found.changed_fields.keys() & {"closed_datetime", "requested_datetime"}:
        links += [" · ", html.A(_("Times that were edited after the fact"), href=address("/sources") + "#edits")]
    return [html.P(links)]


def _record(release: Release, cited: str, package: Package | None) -> list[Any]:
    link = next((doc for doc in queries.chain(release) if doc.release_id == cited), None)
    parts: list[Any] = []
    if link and link.sha256:
        words = _("The fingerprint (SHA-256) of the release's description, as it stands in the chain:")
        parts.append(html.P([words, html.Br(), html.Code(link.sha256, className="hash")]))
    if package is None:
        return [*parts, html.P(_("Nothing else of this release is kept here."))]
    requests = package.resource("requests")
    if requests and requests.sha256:
        words = _("The fingerprint of its table of requests:")
        parts.append(html.P([words, html.Br(), html.Code(requests.sha256, className="hash")]))
    about = package.openward
    if "requests" in about.counts:
        when = time_words(about.as_of, release.city.timezone)
        words = _("It told how things stood at {time}, of {n} requests in all.")
        parts.append(html.P(words.format(time=when, n=number(about.counts["requests"]))))
    files = [file_url(cited, "datapackage.json")]
    if requests and (release.folder.parent / cited / requests.path).is_file():
        files.append(file_url(cited, requests.path))
    parts.append(html.Ul([html.Li(html.A(file.rsplit("/", 1)[1], href=file, download="")) for file in files]))
    parts.append(html.P(html.A(_("Verify a file that you hold"), href=address("/verify"), className="onward")))
    return parts
