"""What the trends say in words: shifts of level, and shares beside those of a year before.

Charter: figures in, words out, chosen by what the interval allows; no queries.
"""

from __future__ import annotations

from typing import Any

from portal.answers_figures import Changed
from portal.answers_standards import Control
from portal.components.parts import rich
from portal.components.receipt import Figures
from portal.queries.standards import ALL
from portal.text import _, listed, month_name

Node = Any

HALF_A_POINT = 0.005
"""A share that changed by less is not worth a sentence of difference."""
MANY = 3.09 / 1.96
"""Where many are looked at, intervals of 95% are made so much wider: chance leaves them in 2 of 1,000 instead of 1 of 20."""


def points(difference: float) -> str:
    """A difference of two shares.

    >>> points(0.0214), points(-0.132), points(0.0004)
    ('2.1 percentage points', '13 percentage points', 'less than 0.1 percentage points')
    """
    size = abs(difference) * 100
    if 0 < size < 0.05:
        return _("less than 0.1 percentage points")
    return _("{n} percentage points").format(n=_digits(size))


def signed_points(changed: Changed) -> tuple[str, str]:
    """The change and its interval for a table, in percentage points: '+2.1', '1.4 to 2.8'."""
    value, low, high = changed.difference.value, changed.difference.low, changed.difference.high
    if value is None or low is None or high is None:
        return "–", "–"
    ends = _("{low} to {high}").format(low=_signed(low), high=_signed(high))
    return _signed(value), ends


def sure(changed: Changed | None, wider: float = 1.0) -> int:
    """1: surely more, -1: surely less, 0: no difference that the interval vouches for, made so many times `wider`."""
    if changed is None or changed.difference.low is None or changed.difference.high is None:
        return 0
    value = changed.difference.value or 0.0
    end = changed.difference.low if value > 0 else changed.difference.high
    if abs(value) < HALF_A_POINT or abs(value) <= wider * abs(value - end):
        return 0
    return 1 if value > 0 else -1


def on_time_words(changed: Changed, of: int, handle: Figures, key: str = ALL) -> list[Node]:
    """'Of the months that can be compared, 2.1 percentage points more were on time than …', or about as many.

    `of` is how many months the period has; `handle` is the receipt of the change, `key` its row.
    """
    value, low, high = changed.difference.value, changed.difference.low, changed.difference.high
    if value is None or low is None or high is None:
        return [_("Too little is known yet to compare that with the year before.")]
    if sure(changed) == 0:
        sentence: list[Node] = [_("That is about the same share as in the same months of the year before.")]
    else:
        near, far = sorted((("low", low), ("high", high)), key=lambda end: abs(end[1]))
        words = (
            _("That is {gap} more than in the same months of the year before (95% band: {low} to {high} more).")
            if value > 0
            else _("That is {gap} less than in the same months of the year before (95% band: {low} to {high} less).")
        )
        gap = handle.told(points(value), f"{key}/difference", value)
        sentence = rich(
            words, gap=gap,
            low=handle.told(_digits(abs(near[1]) * 100), f"{key}/difference_{near[0]}", near[1]),
            high=handle.told(_digits(abs(far[1]) * 100), f"{key}/difference_{far[0]}", far[1]),
        )  # fmt: skip
    if changed.months < of:
        words = _("({n} of {all} months are compared; of the others too many are not yet due.)")
        n = handle.told(str(changed.months), f"{key}/months", changed.months)
        sentence += [" ", *rich(words.replace("{all}", str(of)), n=n)]
    return sentence


def time_shifts(control: Control, of: Figures) -> list[Node]:
    """'From March 2025 on it took 20% longer than before.', a sentence a shift; that there is none is one too.

    `of` is the receipt of what is usual."""
    found: list[Node] = []
    for shift in control.shifts:
        size = shift.size - 1
        words = (
            _("From {month} on it took {change} longer than in the same months before.")
            if size > 0
            else _("From {month} on it took {change} less time than in the same months before.")
        )
        change = of.told(_percent(abs(size)), f"{shift.month:%Y-%m}/shift", shift.size)
        found += [" " if found else "", *rich(words, month=month_name(shift.month), change=change)]
    return [
        *(found or [_("No lasting shift: the ups and downs are those of the season and of chance.")]),
        *[node for words in _beyond(control) for node in (" ", words)],
    ]


def late_shifts(control: Control, of: Figures) -> list[Node]:
    """'From March 2025 on 4.2 percentage points more were late than before.', likewise."""
    found: list[Node] = []
    for shift in control.shifts:
        words = (
            _("From {month} on {gap} more were late than in the same months before.")
            if shift.size > 0
            else _("From {month} on {gap} fewer were late than in the same months before.")
        )
        gap = of.told(points(shift.size), f"{shift.month:%Y-%m}/shift", shift.size)
        found += [" " if found else "", *rich(words, month=month_name(shift.month), gap=gap)]
    return [
        *(found or [_("No lasting shift: the ups and downs are those of the season and of chance.")]),
        *[node for words in _beyond(control) for node in (" ", words)],
    ]


def time_note(size: float, month: str) -> str:
    """A shift in the chart: 'March 2025: 20% longer'."""
    words = _("{month}: {change} longer") if size > 1 else _("{month}: {change} shorter")
    return words.format(month=month, change=_percent(abs(size - 1)))


def late_note(size: float, month: str) -> str:
    """A shift in the chart: 'March 2025: +4.2 points'."""
    return _("{month}: {change} points").format(month=month, change=_signed(size))


def _beyond(control: Control) -> list[str]:
    """Single months outside their range; the first ones are what sets it, but may be outside too."""
    months = [month_name(row.month) for row in control.rows if row.mark == "beyond"]
    if not months:
        return []
    if len(months) > 6:
        return [_("{n} single months lie outside what is usual for them: they are ringed.").format(n=len(months))]
    return [_("Outside what is usual for the month, for once: {months}.").format(months=listed(months))]


def _percent(size: float) -> str:
    return f"{size * 100:.0f}%" if size >= 0.095 else f"{size * 100:.1f}%".replace(".0%", "%")


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _signed(share: float) -> str:
    value = share * 100
    text = _digits(abs(value))
    return text if text == "0.0" else f"{'+' if value > 0 else '−'}{text}"
