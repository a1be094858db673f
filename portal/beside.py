"""What is set beside the map: another selection, of which the address names only what differs, as `beside_service=tree`.

Charter: the keys `beside_…` read and checked as the plain ones are; the other selection, its keys for addresses, and what
differs in words. No figures and no markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from portal.components.filters import label_of
from portal.components.labels import DIMENSIONS
from portal.errors import BadSelection
from portal.queries.month_numbers import ends_month
from portal.selection import COLUMNS, EVERYTHING, Selection
from portal.selection_query import fields_of
from portal.text import _, date_words, listed, month_name

if TYPE_CHECKING:
    from portal.release import Release

PREFIX: Final = "beside_"
KEYS: Final = (*COLUMNS, "age", "from", "to")
"""Keys of a selection that can be another's beside it; `assets/js/map-beside.js` knows them too."""


@dataclass(frozen=True)
class Beside:
    """What the other selection has in place of the first one's. `named` holds nothing else."""

    named: Selection = EVERYTHING

    @classmethod
    def read(cls, query: str, release: Release) -> Beside:
        """What a query's `beside_…` keys ask for; BadSelection names such a key. Empty values are as if not given."""
        found: dict[str, list[str]] = {}
        for key, value in fields_of(query):
            if key.startswith(PREFIX) and key.removeprefix(PREFIX) in KEYS:
                found.setdefault(key.removeprefix(PREFIX), []).append(value)
        try:
            return cls(Selection.from_query(found, release))
        except BadSelection as error:
            if error.key == "query":
                raise
            why = str(error).removeprefix(f"{error.key}: ")
            raise BadSelection(PREFIX + error.key, error.value, why=why) from None

    @classmethod
    def of(cls, **named: Any) -> Beside:
        """For links: `Beside.of(from_date=…, to_date=…)`."""
        return cls(Selection(**named))

    def __bool__(self) -> bool:
        """Whether anything is named at all."""
        return bool(self.named)

    def other(self, selection: Selection) -> Selection | None:
        """The selection beside the first: the first with what is named here in its place, both dates as one. None where
        that is the first itself."""
        changes: dict[str, Any] = {key: values for key in COLUMNS if (values := getattr(self.named, key))}
        if self.named.age:
            changes["age"] = self.named.age
        if self.named.from_date or self.named.to_date:
            changes |= {"from_date": self.named.from_date, "to_date": self.named.to_date}
        other = selection.replace(**changes)
        return other if other != selection else None

    def kept(self) -> dict[str, tuple[str, ...]]:
        """The keys and values that an address carries."""
        found: dict[str, tuple[str, ...]] = {}
        for key, value in self.named.pairs():
            found[PREFIX + key] = (*found.get(PREFIX + key, ()), value)
        return found


def differing(one: Selection, other: Selection) -> list[str]:
    """The keys in which two selections differ: names of dimensions, 'age' and, last, 'dates'."""
    keys: list[str] = [key for key in (*COLUMNS, "age") if getattr(one, key) != getattr(other, key)]
    return [*keys, *(["dates"] if dates_of(one) != dates_of(other) else [])]


def dates_of(selection: Selection) -> tuple[date | None, date | None]:
    """First and last day; None where open."""
    return selection.from_date, selection.to_date


def heading_of(release: Release, selection: Selection, keys: list[str]) -> str:
    """What a selection has of these keys: 'Pothole repair', or 'January 1, 2025 to June 30, 2025'."""
    told: dict[str, str] = {"dates": _dates(selection)}
    told["age"] = _("Open for {time}").format(time=selection.age.words() if selection.age else _("any time"))
    return " · ".join(told[key] if key in told else _values(release, selection, key) for key in keys)


def overlap(one: Selection, other: Selection) -> bool:
    """Whether a request may be in both."""
    for key in COLUMNS:
        mine, theirs = set(getattr(one, key)), set(getattr(other, key))
        if mine and theirs and not mine & theirs:
            return False
    if one.age and other.age:
        (least, most), (fewest, longest) = one.age.codes(), other.age.codes()
        if most < fewest or longest < least:
            return False
    (start, end), (since, until) = dates_of(one), dates_of(other)
    return not ((end and since and end < since) or (until and start and until < start))


def _values(release: Release, selection: Selection, key: str) -> str:
    values = getattr(selection, key)
    if not values:
        return _("{what}: all").format(what=_(DIMENSIONS[key]))
    return listed([label_of(release, key, value) for value in values])


def dates_words(start: date, end: date) -> str:
    """From one day to another, as short as can be said of whole months and years.

    >>> dates_words(date(2025, 2, 1), date(2025, 2, 28)), dates_words(date(2025, 1, 1), date(2025, 12, 31))
    ('February 2025', '2025')
    >>> dates_words(date(2025, 2, 1), date(2025, 4, 30)), dates_words(date(2025, 2, 3), date(2025, 2, 3))
    ('February 2025 to April 2025', 'February 3, 2025')
    """
    first, last = date_words(start), date_words(end)
    if start.day == 1 and ends_month(end):
        if (start.month, end.month) == (1, 12) and start.year == end.year:
            return str(start.year)
        first, last = month_name(start), month_name(end)
    return first if first == last else _("{start} to {end}").format(start=first, end=last)


def _dates(selection: Selection) -> str:
    if selection.from_date and selection.to_date:
        return dates_words(selection.from_date, selection.to_date)
    start, end = (date_words(day) if day else "" for day in dates_of(selection))
    if start:
        return _("From {date}").format(date=start)
    return _("Until {date}").format(date=end) if end else _("All dates")
