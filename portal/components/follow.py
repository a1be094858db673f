"""'Follow this': the way to a view's feed, and what a feed is in one sentence."""

from __future__ import annotations

from typing import Any

from dash import html

from portal.components.links import address
from portal.components.parts import rich
from portal.selection import Selection
from portal.text import _

FEED = "/feed.atom"


def feed_address(selection: Selection, page: int = 1) -> str:
    """The address of the feed of exactly these requests, or of a page of it."""
    return address(FEED, selection, page=str(page) if page > 1 else "")


def followed(selection: Selection) -> Selection:
    """What there is to follow of a view: it goes on after the last day that the view was asked for."""
    return selection.replace(from_date=None, to_date=None)


def follow(selection: Selection) -> Any:
    """The link, and what it is for."""
    link = html.A(_("Follow this"), href=feed_address(followed(selection)))
    words = _("{link}: a feed (Atom) that brings the newest of these requests to a feed reader, without an account.")
    return html.P(rich(words, link=link), className="detail follow")
