"""Numbers that say where they come from: each carries the receipt that makes it again.

Charter: markup only. `told` marks a number; a test reads these marks and runs the receipts.
"""

from __future__ import annotations

from typing import Any

from dash import html

from portal.components.links import address
from portal.selection import Selection
from portal.text import _


class Figures:
    """The figures of one receipt on a page: `told` marks their numbers, `link` leads to it."""

    def __init__(self, name: str, selection: Selection, **arguments: str) -> None:
        self.href = address(f"/receipts/{name}", selection, **arguments)

    def told(self, words: Any, item: str, value: float | None) -> Any:
        """Words that tell one number of the receipt: `item` is its column, or 'row/column'; None is 'not reached'."""
        return html.Data(words, value="" if value is None else repr(float(value)), **self._mark(item))

    def _mark(self, item: str) -> dict[str, str]:
        return {"data-receipt": self.href, "data-item": item}

    def link(self, words: str = "", of: str = "") -> Any:
        """The way to the receipt; `of` completes it for those who hear links one by one."""
        more = [html.Span(f": {of}", className="visually-hidden")] if of else []
        return html.A([words or _("How this was made"), *more], href=self.href, className="receipt")
