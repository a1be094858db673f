"""Classes of a map's colours: the same as `assets/js/map-figures.js` makes, so that a file looks like the live map.

Charter: values in, breaks and colours out. Counts and rates have classes of equal numbers of areas; times and shares part
at the value of all the selected requests together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Final, Literal

SEQUENCE: Final = ("#e3ebf3", "#b9d0e4", "#86aed1", "#4c84b5", "#1d5590")
APART: Final = ("#3b2f87", "#a39fce", "#f3f1ee", "#f5b46a", "#b35806")
DARK_SEQUENCE: Final = ("#22384b", "#2d567a", "#3f7aab", "#6ba5d3", "#b3d6f1")
DARK_APART: Final = ("#b9b4f0", "#6d68ae", "#333c45", "#a3642a", "#f6b56c")
FACTORS: Final = (1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 2, 3)
STEPS: Final = (0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2)

UNITS: Final = ((1.5, 1 / 60), (48, 1), (2400, 24), (17520, 730.5), (float("inf"), 8766))
"""Below so many hours times are said in a unit of so many."""

Say = Callable[[float], str]


@dataclass(frozen=True)
class Classes:
    """Where classes begin, and the colours, lowest first; `middle` is what they part at, None where they do not."""

    breaks: tuple[float, ...]
    colours: tuple[str, ...]
    middle: float | None = None

    def colour(self, value: float) -> str:
        """The colour of the class that holds a value."""
        return self.colours[sum(value >= at for at in self.breaks)]


def classes(
    values: Sequence[float], say: Say, together: float | None, slow: Literal["", "low", "high"], times: bool
) -> Classes:
    """The classes of some values; `slow` is the end of a scale that parts in the middle that is the one to wait at."""
    ordered = sorted(values)
    if not ordered:
        return Classes((), SEQUENCE[:1])
    if slow and together is not None and (not times or (together > 0 and ordered[0] > 0)):
        colours = APART if slow == "high" else APART[::-1]
        return Classes(_around(ordered, together, times, say), colours, together)
    breaks = _sequence(ordered, say)
    spread = 4 / len(breaks) if breaks else 0
    return Classes(breaks, tuple(SEQUENCE[round(i * spread)] for i in range(len(breaks) + 1)))


def _sequence(ordered: Sequence[float], say: Say) -> tuple[float, ...]:
    """Breaks at equal numbers of areas, in two digits, none that would read like its neighbour."""
    found: list[float] = []
    for i in range(1, 5):
        at = _two_digits(ordered[min(i * len(ordered) // 5, len(ordered) - 1)])
        before = found[-1] if found else ordered[0]
        if at > before and say(at) not in (say(before), say(ordered[-1])):
            found.append(at)
    return tuple(found)


def _around(ordered: Sequence[float], middle: float, times: bool, say: Say) -> tuple[float, ...]:
    """Two classes on either side of the middle one, as wide as keeps four of five areas within them and reads apart."""
    off = sorted(abs(log(value / middle)) if times else abs(value - middle) for value in ordered)
    most = off[int(0.8 * (len(off) - 1))]
    choices: Sequence[float] = FACTORS if times else STEPS
    wide = [step for step in choices if 2 * (log(step) if times else step) >= most] or [choices[-1]]
    made = [
        tuple(_sayable(middle * step**i) if times else round(middle + i * step, 2) for i in (-2, -1, 1, 2))
        for step in wide
    ]
    return next((breaks for breaks in made if len({say(at) for at in breaks}) == len(breaks)), made[-1])


def _sayable(hours: float) -> float:
    """A time as `duration_words` says it: whole from ten on, else to a tenth, in the unit of its size."""
    unit = next((unit for limit, unit in UNITS if hours < limit), UNITS[-1][1])
    n = hours / unit
    return (round(n, 1) if n < 10 else round(n)) * unit


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
