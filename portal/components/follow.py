"""'Follow this': the way to a view's feed, and what a feed is in one sentence."""

from __future__ import annotations

from typing import Any

from dash import html

from portal.components.links import address
from portal.components.parts import rich
from portal.outline import Circle
from portal.selection import Selection
from portal.text import _

FEED = "/feed.atom"
AROUND_M = 500
"""How far around a place its feed looks, in metres."""


def feed_address(selection: Selection) -> str:
    """The address of the feed of exactly these requests."""
    return address(FEED, selection)


def followed(selection: Selection) -> Selection:
    """What there is to follow of a view: it goes on after the last day that the view was asked for."""
    return selection.replace(from_date=None, to_date=None)


def around(lat: float, long: float) -> Selection:
    """The requests around a place."""
    return Selection(near=Circle(round(lat, 6), round(long, 6), AROUND_M))


def follow(selection: Selection, around_place: bool = False) -> Any:
    """The link, and what it is for; of `around_place` the sentence says how far it looks."""
    link = html.A(_("Follow this"), href=feed_address(followed(selection)))
    words = _("{link}: a feed (Atom) that brings the newest of these requests to a feed reader, without an account.")
    if around_place:
        words = _("{link}: a feed (Atom) that brings the newest requests within {n} m to a feed reader, without an account.")  # fmt: skip
    return html.P(rich(words, link=link, n=str(AROUND_M)), className="detail follow")
