"""One request in a list: where it is, how exactly that is told, what became of it.

Charter: a row in, plain words out. The page of a request says the same at length (`portal.components.passport`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.answers import RequestRow
from portal.components.filters import label_of
from portal.components.labels import METHODS, OUTCOMES, STATUSES, named
from portal.text import _, duration_words, number

if TYPE_CHECKING:
    from portal.release import Release

CONTRADICTS = "location_contradicts_address"


def where(release: Release, row: RequestRow) -> str:
    """The place in words, and how exactly it is told where that is not where it is."""
    found = place(release, row)
    if row.location_precision == "withheld":
        return found
    if row.location_precision == "block_face":
        return _("{place}, somewhere on this block").format(place=found) if found else _("somewhere on a block")
    if row.location_precision == "area":
        return _("{place}, somewhere in this area").format(place=found) if found else _("somewhere in an area")
    if row.location_source == "geocoder" and row.geocode_radius_m:
        return _("{place}, within {n} m (found by {method})").format(
            place=found or _("not known"), n=number(row.geocode_radius_m), method=named(METHODS, row.geocode_method)
        )
    if CONTRADICTS in row.flags:
        return _("{place}; its point and its address disagree").format(place=found)
    return found or _("not known")


def place(release: Release, row: RequestRow) -> str:
    """The place alone: its address, what is near, or its area; '' where nothing is known."""
    if row.location_precision == "withheld":
        return _("place withheld")
    area = next((label_of(release, layer, code) for layer, code in row.areas.items()), "")
    near = _("near {address}").format(address=row.nearest_address) if row.nearest_address else ""
    return area if row.location_precision == "area" and area else row.address or near or area


def exactness(row: RequestRow) -> str:
    """How exactly the mark on the map tells the place, in few words."""
    if row.location_precision == "withheld":
        return _("not on the map, to protect privacy")
    if row.location_source in (None, "none"):
        return _("not on the map")
    if row.location_precision == "block_face":
        return _("to its block, to protect privacy")
    if row.location_precision == "area":
        return _("to its area, to protect privacy")
    if row.location_source == "geocoder":
        if row.geocode_radius_m is None:
            return _("from its address")
        return _("from its address, within {n} m").format(n=number(row.geocode_radius_m))
    return _("point in doubt: its address is elsewhere") if CONTRADICTS in row.flags else _("point of its source")


def state(row: RequestRow) -> str:
    """'Open', or 'Closed: done'."""
    if row.status == "open":
        return named(STATUSES, "open")
    if row.status != "closed":
        return _("Not known")
    return _("Closed: {outcome}").format(outcome=named(OUTCOMES, row.outcome).lower())


def lasted(release: Release, row: RequestRow) -> str:
    """How long it took, or how long it has been open; '–' where that is not known."""
    if row.status == "open" and row.requested_datetime:
        waited = release.as_of.replace(tzinfo=None) - row.requested_datetime
        return _("open for {time}").format(time=duration_words(waited.total_seconds() / 3600))
    return duration_words(row.response_hours) if row.status == "closed" and row.response_hours is not None else "–"
