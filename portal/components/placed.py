"""How many of the selected requests are on a map, in one sentence."""

from __future__ import annotations

from portal.answers import Totals
from portal.text import _, number, share


def placed_words(totals: Totals) -> str:
    """What a map shows and what it cannot show."""
    if not totals.requests:
        return _("Nothing to show.")
    words = _("{located} of {all} requests have a place on the map ({share}); {rest} have none.")
    return words.format(
        located=number(totals.located), all=number(totals.requests), share=share(totals.located, totals.requests),
        rest=number(totals.not_located),
    )  # fmt: skip
