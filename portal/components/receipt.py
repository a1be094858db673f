"""Numbers that say where they come from: each carries the receipt that makes it again.

Charter: markup only. `told` and its like mark numbers; a test reads these marks and runs the receipts. A number that is
made of two receipts says both: `over` another one (a share of it), or `less` another one (a difference).
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

    def told(self, words: Any, item: str, value: float | None, over: str = "", less: str = "") -> Any:
        """Words that tell one number of the receipt: `item` is its column, or 'row/column'; None is 'not reached'.

        `over`, `less`: the number (see `at`) that it is divided by, or that is taken from it, to make `value`.
        """
        more = {"data-over": over} if over else {"data-less": less} if less else {}
        return html.Data(words, value=_plain(value), **self._mark(item), **more)

    def band(self, words: Any, item: str, low: float | None, high: float | None) -> Any:
        """Words that tell both ends of an interval: the columns `item`_low and `item`_high."""
        ends = {"data-to": f"{item}_high", "data-high": _plain(high)}
        return html.Data(words, value=_plain(low), **self._mark(f"{item}_low"), **ends)

    def sum(self, words: Any, items: list[str], value: float) -> Any:
        """Words that tell the sum of several numbers of the receipt."""
        return html.Data(words, value=_plain(value), **self._mark(" + ".join(items)))

    def at(self, item: str) -> str:
        """The address of one number of the receipt, for `over` and `less` of another one."""
        return f"{self.href} {item}"

    def _mark(self, item: str) -> dict[str, str]:
        return {"data-receipt": self.href, "data-item": item}

    def link(self, words: str = "", of: str = "") -> Any:
        """The way to the receipt; `of` completes it for those who hear links one by one."""
        more = [html.Span(f": {of}", className="visually-hidden")] if of else []
        return html.A([words or _("How this was made"), *more], href=self.href, className="receipt")


def _plain(value: float | None) -> str:
    return "" if value is None else repr(float(value))
