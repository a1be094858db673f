"""A measured figure, its limit, and the table and the JSON that they are shown in.

Charter: says whether a figure holds; measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One figure. `low` and `high` bound it (None: no bound); a figure without bounds only informs.

    `unit` is '%' (value is a share from 0 to 1), 'm', 's', 'ms', 'MB', '/s' or '' (a count). `n`: out of how many.
    `rival`: the same of what a user would use instead, NaN where there is none.
    """

    section: str
    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0
    rival: float = math.nan

    @property
    def judged(self) -> bool:
        """Whether it has a limit."""
        return self.low is not None or self.high is not None

    @property
    def holds(self) -> bool:
        """Whether it is within its bounds; a figure that could not be measured (NaN) is not."""
        if not self.judged:
            return True
        return (
            not math.isnan(self.value)
            and (self.low is None or self.value >= self.low)
            and (self.high is None or self.value <= self.high)
        )

    def limit(self) -> str:
        """The bounds in words."""
        if self.low is not None and self.high is not None:
            return f"{shown(self.low, self.unit, 0)} to {shown(self.high, self.unit, 0)}"
        if self.low is not None:
            return f"at least {shown(self.low, self.unit)}"
        return "" if self.high is None else f"at most {shown(self.high, self.unit)}"

    def verdict(self) -> str:
        """'pass', 'FAIL', or nothing where there is no limit."""
        return ("pass" if self.holds else "FAIL") if self.judged else ""


def shown(value: float, unit: str, digits: int | None = None) -> str:
    """A value with its unit, '–' for NaN."""
    if math.isnan(value):
        return "–"
    if unit == "%":
        return f"{value * 100:.{2 if digits is None else digits}f}%"
    if unit in ("", "/s", "MB"):
        return f"{value:,.0f}{' ' if unit == 'MB' else ''}{unit}"
    return f"{value:,.{1 if unit == 'm' else 2}f} {unit}"


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """The figures as lines, a heading at each new section."""
    section = ""
    for figure in figures:
        if figure.section != section:
            section = figure.section
            yield ""
            yield f"{section:<66} {'figure':>14}  {'limit':<18} {'':<5} {'of':>9}  instead"
        rival = "" if math.isnan(figure.rival) else shown(figure.rival, figure.unit)
        value, n = shown(figure.value, figure.unit), f"{figure.n:,}" if figure.n else ""
        yield f"  {figure.name:<64} {value:>14}  {figure.limit():<18} {figure.verdict():<5} {n:>9}  {rival}".rstrip()


def summary(figures: list[Figure]) -> str:
    """How many of the judged figures hold."""
    judged = [f for f in figures if f.judged]
    return f"{sum(f.holds for f in judged)} of {len(judged)} figures with a limit hold"


def as_records(figures: Iterable[Figure]) -> list[dict[str, object]]:
    """For JSON: NaN becomes null, and each says its verdict."""
    return [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(f).items()}
        | {"verdict": f.verdict()}
        for f in figures
    ]
