"""The line under a heading that says when the requests of the page were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dash import html

from portal import queries
from portal.answers import VolumeRow
from portal.selection import Selection
from portal.text import _, date_words, local, month_name

if TYPE_CHECKING:
    from portal.release import Release


def period(release: Release, selection: Selection, months: Sequence[VolumeRow] = ()) -> html.P | None:
    """'Requests made from March 2020 to November 22, 2026': the dates asked for, else those of the months given,
    else those of the whole release."""
    start = date_words(selection.from_date) if selection.from_date else ""
    end = date_words(selection.to_date) if selection.to_date else ""
    if months:
        start = start or month_name(months[0].month)
        end = end or date_words(local(release.as_of, release.city.timezone).date())
    if not (start and end):
        first, last = queries.period(release)
        start = start or (date_words(first) if first else "")
        end = end or (date_words(last) if last else "")
    if not (start and end):
        return None
    return html.P(_("Requests made from {start} to {end}").format(start=start, end=end), className="detail")
