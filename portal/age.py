"""How long requests have been open: whole days from the report to the closing, or to when the data was taken.

Charter: text of a URL in, the same text, a condition and words out. The moment that open requests are counted to is the
release's own, and so an age is read for a release; the address names the days alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from portal.errors import BadSelection

MOST_DAYS: Final = 36_500
USUAL: Final = ("0-1", "1-7", "7-30", "30-90", "90-365", "365-")
"""What a form offers."""
_RANGE: Final = re.compile(r"(\d{0,5})-(\d{0,5})", re.ASCII)
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True)
class Age:
    """At least so many days, and less than so many (None: or longer), as of a moment (UTC, aware)."""

    least: int
    below: int | None
    as_of: datetime

    @classmethod
    def read(cls, text: str, as_of: datetime) -> Age:
        """`7-30`, `30-` or `-7`; BadSelection for what is no such range."""
        parts = _RANGE.fullmatch(text)
        if not parts or text == "-":
            raise BadSelection("age", text, why="it must be a range of days: age=7-30, age=30- or age=-7")
        least, below = int(parts[1] or 0), int(parts[2]) if parts[2] else None
        if not (least < (MOST_DAYS if below is None else below) <= MOST_DAYS):
            raise BadSelection("age", text, why=f"the first number must be the smaller one, and none over {MOST_DAYS}")
        return cls(least, below, as_of)

    def text(self) -> str:
        """As in a URL."""
        return f"{self.least}-{'' if self.below is None else self.below}"

    def where(self) -> tuple[str, list[Any]]:
        """A parameterised SQL condition over `status`, `requested_datetime` and `closed_datetime`.

        What was closed before it was reported has no age, nor has what is closed at a time that nobody knows.
        """
        days = "(CASE WHEN status = 'open' THEN ? ELSE epoch_us(closed_datetime) END - epoch_us(requested_datetime))"
        least, until = self.least * _DAY_US, None if self.below is None else self.below * _DAY_US - 1
        as_of = round(self.as_of.timestamp()) * 1_000_000
        if until is None:
            return f"{days} >= ?", [as_of, least]
        return f"{days} BETWEEN ? AND ?", [as_of, least, until]

    def codes(self) -> tuple[int, int]:
        """First and last code of the column `age_days` for counting: 1 is the first day, the last all that was longer."""
        return self.least + 1, MOST_DAYS + 1 if self.below is None else self.below

    def holds(self, other: Age | None) -> bool:
        """Whether every request of the other age is of this one."""
        if other is None or other.as_of != self.as_of or other.least < self.least:
            return False
        return self.below is None or (other.below is not None and other.below <= self.below)

    def words(self) -> str:
        """'7 to 30 days', in the reader's language."""
        from portal.text import _, ngettext, number

        if self.below is None:
            return ngettext("{n} day or longer", "{n} days or longer", self.least).format(n=number(self.least))
        if not self.least:
            return ngettext("under {n} day", "under {n} days", self.below).format(n=number(self.below))
        return _("{first} to {last} days").format(first=number(self.least), last=number(self.below))
