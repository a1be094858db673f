"""One request: what happened to it, what it should take, how similar ones went, what became of it, and its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.background import Failed
from portal.components.expected import expected_address
from portal.components.expected import sentence as forecast_sentence
from portal.components.labels import ON_TIME, OUTCOME_MEANINGS, OUTCOMES, REASONS, STATUSES, named, source_name
from portal.components.links import address, part
from portal.components.page import Page
from portal.components.parts import aside, code, key_figures, page_head, rich, section
from portal.components.passport import ABOUT_PLACE, passport, place_map, where_words
from portal.components.similar import closed_sooner, expected_words, share_of_100, standard_words, standing_words
from portal.components.timeline import against_due, moment_node, timeline
from portal.errors import NotFound, NotReady
from portal.pages.data import citation
from portal.pages.overview import source_words
from portal.queries.expected import drawn_layer, expected
from portal.queries.one_request import one_request, withdrawn
from portal.queries.similar import similar
from portal.selection import Selection
from portal.text import _, date_words, duration_words, local, month_name, time_words

if TYPE_CHECKING:
    from portal.answers_request import OneRequest, Similar, Withdrawn
    from portal.release import Release

PATH = "/requests"
LONGEST_NUMBER = 200
SHOWN = 60
"""So much of a number that leads nowhere is said back."""


def layout(release: Release, selection: Selection, number: str, source: str = "") -> Page:
    """The page of a request; where several sources use its number, `source` tells which one is meant."""
    del selection
    if len(number) > LONGEST_NUMBER:
        raise NotFound(_("No request has so long a number."))
    found = one_request(release, number, source or None)
    if len(found) > 1:
        return _which(release, number, found)
    if not found:
        gone = withdrawn(release, number, source or None)
        return _withdrawn(release, gone) if gone else _unknown(release, number)
    return _request(release, found[0])


def page_address(number: str, source: str = "") -> str:
    """The address of a request's page."""
    return address(f"{PATH}/{part(number)}", None, source=source)


def _request(release: Release, request: OneRequest) -> Page:
    row = request.row
    title = row.service_name or row.service_code
    like = similar(release, request)
    standard = None
    if row.expected_datetime and row.requested_datetime:
        standard = (row.expected_datetime - row.requested_datetime).total_seconds() / 3600
    service = Selection(service=(row.service_code,))
    body = [
        page_head(
            title,
            html.P(where_words(release, request), className="lead"),
            html.P(sentence(release, request)),
            kicker=_("Request {number}").format(number=row.service_request_id),
        ),
        _key(release, request, like),
        _doubts(request),
        section(_("What happened, and when"), "timeline", timeline(release, request)),
        section(
            _("What it should take"), "expected",
            html.P(standard_words(release, request)),
            *expected_words(release, like),
            _made_now(release, request),
        ),
        section(
            _("How similar ones went"), "similar",
            html.P(standing_words(request, like) or _not_placed(request)),
            closed_sooner(request, like, standard, source_words(release)),
        ) if like else None,
        section(_("What became of it"), "outcome", *_outcome(request)),
        section(_("Where it is, and how sure that is"), "place", *passport(release, request), *place_map(request, service)),
        section(_("The record"), "record", *_record(release, request, service)),
    ]  # fmt: skip
    return Page(
        title=_("{service}, request {number}").format(service=title, number=row.service_request_id),
        description=sentence(release, request),
        body=body,
        section="/map",
    )


def _made_now(release: Release, request: OneRequest) -> Any:
    """Of an open request: what one that is made now should take, which is no promise for this one; the way to more."""
    row, layer = request.row, drawn_layer(release)
    if row.status != "open":
        return None
    area = row.areas.get(layer, "") if layer else ""
    link = html.A(_("How long will mine take?"), href=expected_address(row.service_code, layer, area))
    try:
        found = expected(release, row.service_code, area or None)
    except (NotReady, Failed):
        found = None
    if found is None:
        return html.P(link)
    words = _(
        "For a new request made in {month}, where this data ends, and so no promise for this one: {forecast} {link}"
    )
    told = html.Span(forecast_sentence(release, found).nodes)
    return html.P(rich(words, month=month_name(found.month), forecast=told, link=link))


def sentence(release: Release, request: OneRequest) -> str:
    """'Asked for on March 3, 2026 (mobile app). Closed after 2.3 days. The record says that the work was done.'"""
    row = request.row
    said = []
    if row.requested_date:
        channel = {c.channel: c.title for c in release.package.openward.channels}.get(row.channel or "", row.channel)
        words = _("Asked for on {date} ({channel}).") if channel else _("Asked for on {date}.")
        said.append(words.format(date=date_words(row.requested_date), channel=_inside(channel or "")))
    if row.status == "closed":
        words = _("Closed after {time}.")
        if row.response_hours is None:
            words = _("Closed; how long that took cannot be told.")
        elif row.response_hours < 1 / 60:
            words = _("Closed within a minute.")
        said.append(words.format(time=duration_words(row.response_hours)))
        if row.outcome in OUTCOME_MEANINGS:
            said.append(_(OUTCOME_MEANINGS[row.outcome]))
    elif row.status == "open":
        day = date_words(local(release.as_of, release.city.timezone).date())
        if request.elapsed_minutes is None:
            said.append(_("Still open on {day}, when this data was taken.").format(day=day))
        else:
            time = duration_words(request.elapsed_minutes / 60)
            said.append(_("Still open after {time}, on {day}, when this data was taken.").format(time=time, day=day))
    else:
        said.append(_("The city's configuration does not know its status."))
    return " ".join(said)


def _inside(title: str) -> str:
    """A title within a sentence: 'mobile app', but '311 app' and 'TTY'."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _key(release: Release, request: OneRequest, like: Similar | None) -> Any:
    row = request.row
    items: list[tuple[str, Any, Any]] = [
        (_("Status"), named(STATUSES, row.status), named(OUTCOMES, row.outcome) if row.outcome else "")
    ]
    if request.elapsed_minutes is not None and request.closed is not None:
        what, caption = (_("Took"), _("from request to closing")) if request.closed else (
            _("Has waited"), _("when this data was taken"))  # fmt: skip
        items.append((what, duration_words(request.elapsed_minutes / 60), caption))
    if row.on_time:
        items.append((_("Against the standard"), named(ON_TIME, row.on_time), against_due(request, release.as_of)))
    if like and like.sooner:
        caption = _("of such requests were closed sooner") if request.closed else _(
            "of such requests are closed sooner than this one has waited")  # fmt: skip
        items.append(
            (_("Among similar ones"), rich(_("{x} of 100"), x=share_of_100(request, like, like.sooner)), caption)
        )
    return key_figures(items)


def _doubts(request: OneRequest) -> Any:
    """What the city's record contradicts itself in, of all but the place."""
    flags = [flag for flag in request.row.flags if flag not in ABOUT_PLACE]
    if not flags:
        return None
    return aside(_("The record leaves a doubt."), *(html.P(named(REASONS, flag)) for flag in flags))


def _not_placed(request: OneRequest) -> str:
    if request.closed is None:
        return _("Its own times contradict one another, so it has no place among them.")
    return _("None of them has been watched for so long, so its place among them cannot be told.")


def _outcome(request: OneRequest) -> list[Any]:
    row = request.row
    how = html.P(html.A(_("How outcomes are read"), href=address("/methods") + "#outcomes"))
    if row.status != "closed":
        return [html.P(_("It has no outcome yet: the record does not say that it was closed.")), how]
    name, meaning = named(OUTCOMES, row.outcome), _(OUTCOME_MEANINGS.get(row.outcome or "", ""))
    read = _("The city's rules read this from what its record says at closing; closed alone does not mean done.")
    return [
        html.P(rich(_("{outcome}. {meaning}"), outcome=html.Strong(name), meaning=meaning)),
        html.P(read, className="detail"),
        how,
    ]


def _record(release: Release, request: OneRequest, service: Selection) -> list[Any]:
    row = request.row
    department = release.allowed("department").get(row.department or "", row.department)
    facts: list[tuple[str, Any]] = [
        (_("Number"), row.service_request_id),
        (_("Service"), html.A(row.service_name or row.service_code, href=address("/trends", service))),
        (_("Group of services"), row.service_group),
        (_("Department"),
         html.A(department, href=address(f"/departments/{part(row.department)}")) if row.department else None),
        (_("Agency responsible"), request.agency),
        (_("Source"), source_name(row.source)),
    ]  # fmt: skip
    cited = f"{citation(release)} {_('Request {number}').format(number=row.service_request_id)} ({row.source})."
    data = f"/api/v1{PATH}/{part(row.service_request_id)}?source={part(row.source)}"
    return [
        html.Dl(
            [node for what, said in facts if said for node in (html.Dt(what), html.Dd(said))], className="facts-list"
        ),
        html.P(html.A(_("This request as data (JSON)"), href=data)),
        code(cited, _("Citation"), wraps=True),
    ]


def _which(release: Release, number: str, found: tuple[OneRequest, ...]) -> Page:
    """Several sources use the number: the reader says which one is meant."""
    title = _("Which request is meant?")
    items = []
    for request in found:
        row = request.row
        day = date_words(row.requested_date) if row.requested_date else ""
        words = ", ".join(filter(None, (row.service_name or row.service_code, day)))
        items.append(html.Li([html.A(source_name(row.source), href=page_address(number, row.source)), " ",
                              html.Span(words, className="hint")]))  # fmt: skip
    lead = _("More than one source has a request {number}.").format(number=number)
    return Page(
        title=title,
        description=lead,
        body=[page_head(title, html.P(lead, className="lead")), html.Ul(items)],
        section="/map",
    )


def _withdrawn(release: Release, gone: Withdrawn) -> Page:
    title, zone = _("This request was withdrawn"), release.city.timezone
    lead = _("Its source no longer has it, so it is in no figure. This is all that is still told of it.")
    facts: list[tuple[str, Any]] = [
        (_("Number"), gone.service_request_id),
        (_("Service"), gone.service_name),
        (_("Asked for"), moment_node(gone.requested, zone) if gone.requested else None),
        (_("Found to be gone"), moment_node(gone.withdrawn, zone) if gone.withdrawn else None),
        (_("Source"), source_name(gone.source)),
    ]
    body = [
        page_head(title, html.P(lead, className="lead"),
                  kicker=_("Request {number}").format(number=gone.service_request_id)),
        html.Dl([node for what, said in facts if said for node in (html.Dt(what), html.Dd(said))], className="facts-list"),
        html.P(html.A(_("All that was withdrawn, and why"), href=address("/sources"), className="onward")),
    ]  # fmt: skip
    return Page(title=title, description=lead, body=body, status=410, section="/map")


def _unknown(release: Release, number: str) -> Page:
    title = _("There is no such request")
    shown = number if len(number) <= SHOWN else number[:SHOWN] + "…"
    lead = _("No request of this release has the number {number}.").format(number=shown)
    taken = time_words(release.as_of, release.city.timezone)
    reasons = [
        _("It was made after {time}, when this data was taken.").format(time=taken),
        _("The number has a mistake: it must be written as the city writes it, with every zero and dash."),
        _("Its row could not be trusted, or it is of a kind that the city does not publish."),
    ]
    body = [
        page_head(title, html.P(lead, className="lead")),
        html.P(_("It may be that:")),
        html.Ul([html.Li(reason) for reason in reasons]),
        html.P(html.A(_("Which rows are left out, and why"), href=address("/sources"), className="onward")),
        html.P(html.A(_("Find it on the map"), href=address("/map"), className="onward")),
    ]
    return Page(title=title, description=lead, body=body, status=404, section="/map")
