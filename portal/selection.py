"""Which requests: one frozen value that is the URL's query, the SQL's WHERE and an English sentence.

Within a key the values are alternatives (or); between keys, and between boundary layers, they add up (and).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from portal.age import Age
from portal.outline import Circle, Outline

if TYPE_CHECKING:
    from portal.filtered import Filter
    from portal.release import Release

NOT_STATED = "(none)"
"""The value that selects requests where the field is empty, as in `?department=(none)`."""

COLUMNS = {
    "service": "service_code",
    "group": "service_group",
    "department": "department",
    "status": "status",
    "outcome": "outcome",
    "channel": "channel",
    "on_time": "on_time",
}
"""Query key (and name of the dimension) -> column of `requests`."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")

Query = str | Mapping[str, Any]
Test = Callable[[str, Sequence[str]], tuple[str, list[Any]]]


def quoted(identifier: str) -> str:
    """A column's name, quoted for SQL; ValueError if it is not a plain lower-case name."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"not a column name: {identifier!r}")
    return f'"{identifier}"'


@dataclass(frozen=True)
class Selection:
    """The selected requests; the default selects all. Values are sorted and unique, so equals are equal."""

    service: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    on_time: tuple[str, ...] = ()
    area: tuple[tuple[str, str], ...] = ()  # (layer, code)
    from_date: date | None = None  # local, inclusive
    to_date: date | None = None  # local, inclusive
    age: Age | None = None
    filter: Filter | None = None
    near: Circle | None = None
    within: Outline | None = None

    def __post_init__(self) -> None:
        for key in (*COLUMNS, "area"):
            values = getattr(self, key)
            object.__setattr__(self, key, tuple(sorted(set(values))))

    @classmethod
    def from_query(cls, query: Query, release: Release) -> Selection:
        """The selection that a query string (or mapping, or multi-dict) asks for.

        Unknown keys and empty values are ignored. Raises BadSelection for a value that the release does not
        have, for a date that is not one, and for too many or too long values.
        """
        from portal.selection_query import read

        return read(query, release)

    def pairs(self) -> list[tuple[str, str]]:
        """The query's keys and values in canonical order."""
        pairs = [(key, value) for key in COLUMNS for value in getattr(self, key)]
        pairs += [("area", f"{layer}:{code}") for layer, code in self.area]
        pairs += [("from", self.from_date.isoformat())] if self.from_date else []
        pairs += [("to", self.to_date.isoformat())] if self.to_date else []
        told = (("age", self.age), ("filter", self.filter), ("near", self.near), ("within", self.within))
        pairs += [(key, value.text()) for key, value in told if value]
        return sorted(pairs)

    def to_query(self) -> str:
        """The canonical query string without '?'; empty for all requests."""
        return urlencode(self.pairs())

    def where(self, test: Test | None = None) -> tuple[str, list[Any]]:
        """A parameterised SQL condition over `requests` (index, Parquet file or a reader's own table).

        `test(column, values)` may render one column's test in another way (`Release.where`).
        """
        clauses: list[str] = []
        params: list[Any] = []
        columns: list[tuple[str, Sequence[str]]] = [(COLUMNS[key], getattr(self, key)) for key in COLUMNS]
        columns += [(layer, self.codes(layer)) for layer in self.layers()]
        for column, values in columns:
            if values:
                clause, bound = (test or any_of)(column, values)
                clauses.append(clause)
                params += bound
        if self.from_date:
            clauses.append("requested_date >= ?")
            params.append(self.from_date)
        if self.to_date:
            clauses.append("requested_date <= ?")
            params.append(self.to_date)
        for narrowed in (self.age, self.near, self.within):
            if narrowed:
                clause, bound = narrowed.where()
                clauses.append(clause)
                params += bound
        if self.filter:
            clause, bound = self.filter.where(quick=test is not None)
            clauses.append(clause)
            params += bound
        return " AND ".join(clauses) or "TRUE", params

    def placed(self) -> Selection:
        """Of what it names only what columns for counting do not tell: the circle, the outline, the filter."""
        return Selection(near=self.near, within=self.within, filter=self.filter)

    def places(self) -> list[Circle | Outline]:
        """The circle and the outline, where there are any."""
        return [place for place in (self.near, self.within) if place]

    def layers(self) -> list[str]:
        """Boundary layers that the selection names, sorted."""
        return sorted({layer for layer, _ in self.area})

    def codes(self, layer: str) -> tuple[str, ...]:
        """The selected areas' codes in a layer."""
        return tuple(code for name, code in self.area if name == layer)

    def holds(self, other: Selection) -> bool:
        """Whether every request of the other selection is one of this: by what they name, not by what there is."""
        return (
            all(_within(getattr(self, key), getattr(other, key)) for key in COLUMNS)
            and all(_within(self.codes(layer), other.codes(layer)) for layer in self.layers())
            and (self.from_date is None or (other.from_date is not None and self.from_date <= other.from_date))
            and (self.to_date is None or (other.to_date is not None and other.to_date <= self.to_date))
            and (self.age is None or self.age.holds(other.age))
            and self.near in (None, other.near)
            and self.within in (None, other.within)
            and self.filter in (None, other.filter)
        )

    def beyond(self, wider: Selection) -> Selection:
        """What it asks of requests that the wider selection, which holds it, has not asked of them already."""
        asked: dict[str, Any] = {
            field.name: field.default
            for field in fields(self)
            if getattr(self, field.name) == getattr(wider, field.name)
        }
        return replace(self, **asked)

    def replace(self, **changes: Any) -> Selection:
        """A copy with other values: `selection.replace(status=("open",))`; `()` or None removes a filter."""
        return replace(self, **changes)

    def __bool__(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.pairs())

    def sentence(self, release: Release) -> str:
        """What is selected, in words, in the reader's language."""
        from portal.text import _, date_words

        parts = []
        if self.service:
            parts.append(_("for {list}").format(list=self._names(release, "service")))
        if self.group:
            parts.append(_("of the group {list}").format(list=self._names(release, "group")))
        if self.department:
            parts.append(_("handled by {list}").format(list=self._names(release, "department")))
        parts += [_("in {list}").format(list=self._names(release, layer)) for layer in self.layers()]
        parts += self._drawn()
        if self.channel:
            parts.append(_("reported by {list}").format(list=self._names(release, "channel")))
        start, end = (date_words(day) if day else None for day in (self.from_date, self.to_date))
        if start and end:
            parts.append(_("made from {start} to {end}").format(start=start, end=end))
        elif start:
            parts.append(_("made since {start}").format(start=start))
        elif end:
            parts.append(_("made until {end}").format(end=end))
        if self.age:
            parts.append(_("open for {time}, until they were closed or until now").format(time=self.age.words()))
        if self.status:
            parts.append(_("that are {list}").format(list=self._names(release, "status")))
        if self.outcome:
            parts.append(_("with the outcome {list}").format(list=self._names(release, "outcome")))
        if self.on_time:
            parts.append(_("whose standard is {list}").format(list=self._names(release, "on_time")))
        return _("Requests {parts}").format(parts=", ".join(parts)) if parts else _("All requests")

    def _drawn(self) -> list[str]:
        from portal.text import _, number

        near, parts = self.near, []
        if near:
            words = _("within {n} m of {lat}, {long}")
            parts.append(words.format(n=number(near.radius_m), lat=f"{near.lat:.5f}", long=f"{near.long:.5f}"))
        if self.within:
            parts.append(_("in the outline that was drawn"))
        return [*parts, _("that match {filter}").format(filter=self.filter.text())] if self.filter else parts

    def _names(self, release: Release, dimension: str) -> str:
        from portal.components.labels import ON_TIME, OUTCOMES, STATUSES
        from portal.text import _, listed

        coded = {"status": STATUSES, "outcome": OUTCOMES, "on_time": ON_TIME}.get(dimension, {})
        known = release.allowed(dimension)

        def name(value: str) -> str:
            if value == NOT_STATED:
                return _("(not stated)")
            return _(coded[value]).lower() if value in coded else known.get(value, value)

        return listed([name(v) for v in (getattr(self, dimension) if dimension in COLUMNS else self.codes(dimension))])


EVERYTHING: Final = Selection()
"""All requests."""


def _within(values: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not values or (bool(others) and set(others) <= set(values))


def any_of(column: str, values: Sequence[str]) -> tuple[str, list[Any]]:
    """A condition that a column holds one of the values, NOT_STATED standing for NULL."""
    name = quoted(column)
    stated = [value for value in values if value != NOT_STATED]
    tests = []
    if len(stated) == 1:
        tests.append(f"{name} = ?")
    elif stated:
        tests.append(f"{name} IN ({', '.join('?' * len(stated))})")
    if len(stated) < len(values):
        tests.append(f"{name} IS NULL")
    return (tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"), stated
