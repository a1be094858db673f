"""What happened to a request, in order: asked for, due, changed, closed, and what the record says that it became later.

Charter: from one request to a list with times in the city's zone; no queries. Every text of the city is shown as
text, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dash import html

from portal.components import labels
from portal.components.labels import named
from portal.components.parts import rich
from portal.text import N_, _, duration_words, local, time_words

if TYPE_CHECKING:
    from portal.answers_request import Change, OneRequest
    from portal.release import Release

CODED = {
    "status": labels.STATUSES,
    "outcome": labels.OUTCOMES,
    "on_time": labels.ON_TIME,
    "location_source": labels.LOCATION_SOURCES,
    "location_note": labels.LOCATION_NOTES,
    "location_precision": labels.PRECISIONS,
    "geocode_method": labels.METHODS,
}
CAUSES = {
    "source": N_("The city's record says something else than before."),
    "configuration": N_("The record is the same; it was read again by other rules."),
}
_ANY = datetime(1970, 1, 1)
UNREADABLE = ("geocode_alternatives", "geometry")
"""Fields whose values are for programs."""


@dataclass(frozen=True)
class Entry:
    """One moment (UTC without zone; None: nobody knows when) and what is said of it. `rank` decides among equals."""

    moment: datetime | None
    what: str
    detail: tuple[Any, ...] = ()
    rank: int = 0
    css: str = ""


def timeline(release: Release, request: OneRequest) -> Any:
    """The list; times are in the city's zone."""
    entries = sorted(
        (entry for entry in _entries(release, request) if entry is not None),
        key=lambda entry: (entry.moment is None, entry.moment or _ANY, entry.rank),
    )
    return html.Ol([_item(entry, release.city.timezone) for entry in entries], className="timeline")


def moment_node(moment: datetime, timezone: str) -> Any:
    """A time in words, and for programs; UTC without zone comes in."""
    return html.Time(time_words(moment, timezone), dateTime=local(moment, timezone).isoformat(timespec="minutes"))


def against_due(request: OneRequest, as_of: datetime) -> str:
    """'3.2 days late', '1 day before it was due', 'past due for 12 days', '' where that cannot be said."""
    row = request.row
    due, closed = row.expected_datetime, row.closed_datetime
    if due is None or row.on_time not in ("on_time", "late", "pending"):
        return ""
    if row.status == "closed" and closed is not None:
        words = _("{time} after it was due") if closed > due else _("{time} before it was due")
        return words.format(time=duration_words(abs((closed - due).total_seconds()) / 3600))
    if row.status == "open":
        left = (due - as_of.replace(tzinfo=None)).total_seconds() / 3600
        words = _("past due for {time}") if left < 0 else _("due in {time}")
        return words.format(time=duration_words(abs(left)))
    return ""


def _item(entry: Entry, timezone: str) -> Any:
    when = moment_node(entry.moment, timezone) if entry.moment else html.Span(_("time not known"))
    details = [html.Div(part, className="detail") if isinstance(part, str) else part for part in entry.detail if part]
    return html.Li(
        [html.Div(when, className="when"), html.Div([html.Strong(entry.what), *details], className="what")],
        className=entry.css or None,
    )


def _entries(release: Release, request: OneRequest) -> Iterable[Entry | None]:
    row, as_of = request.row, release.as_of
    yield Entry(row.requested_datetime, _("Asked for"), (_by(release, row.channel),), 0)
    yield _due(release, request)
    updated = row.updated_datetime
    if updated and updated not in (row.requested_datetime, row.closed_datetime):
        yield Entry(updated, _("Last updated in the city's system"), (), 2)
    yield _closed(request, as_of)
    if row.status == "open":
        waited = _waited(request)
        yield Entry(as_of.replace(tzinfo=None), _("Still open when this data was taken"), (waited,), 8, "now")
    for (seen, _cause), changes in groupby(request.changes, key=lambda change: (change.first_seen, change.cause)):
        yield _changed(release, seen, list(changes))


def _by(release: Release, channel: str | None) -> str:
    titles = {c.channel: c.title for c in release.package.openward.channels}
    return _("How it was reported: {channel}").format(channel=titles.get(channel, channel)) if channel else ""


def _due(release: Release, request: OneRequest) -> Entry | None:
    due = request.row.expected_datetime
    if due is None:
        return None
    over = due.replace(tzinfo=UTC) <= release.as_of
    origin = {
        "source": _("This time was set by the city's own system."),
        "config": _("By the standard that the city states for this service."),
    }.get(release.package.openward.standards, "")
    return Entry(due, _("Was due") if over else _("To be closed by"), (origin,), 4, "due")


def _closed(request: OneRequest, as_of: datetime) -> Entry | None:
    row = request.row
    if row.status != "closed":
        return None
    details: list[Any] = []
    if row.response_hours is not None:
        details.append(_("{time} after it was asked for.").format(time=duration_words(row.response_hours)))
    elif row.closed_datetime is not None:
        details.append(_("This contradicts the other times of the record, so it is left out of all response times."))
    if row.on_time in ("on_time", "late") and (words := against_due(request, as_of)):
        said = _("On time: {words}.") if row.on_time == "on_time" else _("Late: {words}.")
        details.append(said.format(words=words))
    if request.notes:
        details.append(html.Blockquote(request.notes, className="closing-text"))
    outcome = named(labels.OUTCOMES, row.outcome) if row.outcome else ""
    what = _("Closed: {outcome}").format(outcome=outcome) if outcome else _("Closed")
    return Entry(row.closed_datetime, what, tuple(details), 6, "closed")


def _waited(request: OneRequest) -> str:
    if request.elapsed_minutes is None:
        return ""
    return _("{time} after it was asked for.").format(time=duration_words(request.elapsed_minutes / 60))


def _changed(release: Release, seen: datetime, changes: list[Change]) -> Entry:
    told = _(CAUSES[changes[0].cause]) if changes[0].cause in CAUSES else ""
    items = [html.Li(_change(release, change)) for change in changes]
    return Entry(seen, _("A change was seen"), (told, html.Ul(items, className="changes")), 9, "change")


def _change(release: Release, change: Change) -> list[Any]:
    name = _field(release, change.field)
    if change.field in UNREADABLE:
        return [_("{field}: changed").format(field=name)]
    old, new = (_value(release, change.field, value) for value in (change.old, change.new))
    kind = f" ({_(labels.EDITS[change.edit]).lower()})" if change.edit in labels.EDITS else ""
    return rich(_("{field}{kind}: from {old} to {new}"), field=name, kind=kind, old=old, new=new)


def _field(release: Release, field: str) -> str:
    if field in labels.EDITED_FIELDS:
        return _(labels.EDITED_FIELDS[field])
    table = release.package.resource("requests")
    titles = {each.name: each.title for each in table.table.fields} if table else {}
    return _(titles.get(field) or field.replace("_", " ").capitalize())


def _value(release: Release, field: str, value: str | datetime | None) -> Any:
    if value is None or value == "":
        return html.Em(_("nothing"))
    if isinstance(value, str) and field.endswith("_datetime"):
        try:
            value = datetime.fromisoformat(value.removesuffix("Z"))
        except ValueError:
            return html.Strong(value)
    if isinstance(value, datetime):
        return html.Strong(moment_node(value, release.city.timezone))
    if field in CODED:
        return html.Strong(named(CODED[field], value))
    if any(layer.layer == field for layer in release.layers):
        return html.Strong(release.allowed(field).get(value, value))
    return html.Strong(value)
