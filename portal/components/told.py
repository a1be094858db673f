"""Numbers of groups and months in words, each marked with its receipt; what is too little to say is not marked.

Charter: words of `portal.components.figure_words`, marks of `portal.components.receipt`. `row` is the row of a keyed receipt
('' for a receipt of one row).
"""

from __future__ import annotations

from typing import Any

from portal.answers import Quantile, ResponseTime, Share
from portal.answers_figures import Estimate
from portal.components.figure_words import band_words, quantile_words, share_band_words, share_words
from portal.components.parts import rich
from portal.components.receipt import Figures
from portal.text import FEW, _, number, share

Node = Any


def item(row: str, column: str) -> str:
    """A number's name in its receipt."""
    return f"{row}/{column}" if row else column


def count(of: Figures, row: str, column: str, n: float) -> Node:
    """'1,204'."""
    return of.told(number(n), item(row, column), n)


def time(of: Figures, row: str, name: str, value: Quantile, n: int) -> Node:
    """'3.2 days', of the columns `name`_hours."""
    words = quantile_words(value, n)
    return words if n < FEW else of.told(words, item(row, f"{name}_hours"), value.hours)


def time_band(of: Figures, row: str, name: str, value: Quantile, n: int) -> Node:
    """'2.9 to 3.5 days'."""
    words = band_words(value, n)
    return words if n < FEW or value.low is None else of.band(words, item(row, name), value.low, value.high)


def on_time(of: Figures, row: str, value: Share, column: str = "on_time_share") -> Node:
    """'81%'; another column where the share is of something else."""
    words = share_words(value)
    return words if value.n < FEW else of.told(words, item(row, column), value.share)


def share_band(of: Figures, row: str, value: Share, column: str = "on_time_share") -> Node:
    """'78% to 84%'."""
    words = share_band_words(value)
    return words if value.n < FEW or value.low is None else of.band(words, item(row, column), value.low, value.high)


def part(of: Figures, row: str, column: str, n: float, whole: float) -> Node:
    """'34%', or '3 of 8' where the whole is small: a column that is a share already."""
    return of.told(share(n, whole), item(row, column), n / whole) if whole else share(n, whole)


def ends(of: Figures, row: str, column: str, value: Estimate, words: str) -> Node:
    """Both ends of an estimate's interval, in words that are given; '' and '–' stay as they are."""
    return (
        words if value.low is None or words in ("", "–") else of.band(words, item(row, column), value.low, value.high)
    )


def half(of: Figures, response: ResponseTime) -> list[Node]:
    """'Half are closed within 2 days, 9 in 10 within 37 days.', by how much of it is known; of the receipt of times."""
    first, most = response.quantiles[50], response.quantiles[90]
    if response.n < FEW:
        return [_("There are too few requests to say how long they take.")]
    if first.hours is None:
        return [_("Less than half of them are closed so far.")]
    words = _("Half are closed within {half}, 9 in 10 within {most}.")
    if most.hours is None:
        words = _("Half are closed within {half}; fewer than 9 in 10 are closed so far.")
    return rich(words, half=time(of, "", "median", first, response.n), most=time(of, "", "p90", most, response.n))
