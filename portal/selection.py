"""Which requests: one frozen value that is the URL's query, the SQL's WHERE and an English sentence.

Within a key the values are alternatives (or); between keys, and between boundary layers, they add up (and).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from portal.errors import BadSelection
from portal.outline import Circle, Outline

if TYPE_CHECKING:
    from portal.release import Release

NOT_STATED = "(none)"
"""The value that selects requests where the field is empty, as in `?department=(none)`."""

MAX_VALUES = 50
MAX_QUERY_BYTES = 4096
MAX_VALUE_CHARS = 200
MAX_OUTLINE_CHARS = 3500

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

KEYS = (*COLUMNS, "from", "to", "area", "near", "within")

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
        given = _pairs(query)
        chosen: dict[str, Any] = {}
        for key in COLUMNS:
            values = given.get(key)
            if values:
                chosen[key] = tuple(_checked(key, values, release.allowed(key)))
        areas = given.get("area")
        if areas:
            chosen["area"] = tuple(_checked_areas(areas, release))
        for key in ("from", "to"):
            if dates := given.get(key):
                chosen[f"{key}_date"] = _date(key, dates)
        for key, kind in (("near", Circle), ("within", Outline)):
            if places := given.get(key):
                if len(set(places)) > 1:
                    raise BadSelection(key, places[1], why="only one place can be given")
                if "lat" not in release.columns:
                    raise BadSelection(key, places[0][:40], why="this release tells no points")
                chosen[key] = kind.read(places[0])
        selection = cls(**chosen)
        first, last = selection.from_date, selection.to_date
        if first and last and first > last:
            raise BadSelection("from", first.isoformat(), why=f"the first date, {first}, is after the last one, {last}")
        return selection

    def pairs(self) -> list[tuple[str, str]]:
        """The query's keys and values in canonical order."""
        pairs = [(key, value) for key in COLUMNS for value in getattr(self, key)]
        pairs += [("area", f"{layer}:{code}") for layer, code in self.area]
        pairs += [("from", self.from_date.isoformat())] if self.from_date else []
        pairs += [("to", self.to_date.isoformat())] if self.to_date else []
        pairs += [(key, place.text()) for key, place in (("near", self.near), ("within", self.within)) if place]
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
        for place in (self.near, self.within):
            if place:
                clause, bound = place.where()
                clauses.append(clause)
                params += bound
        return " AND ".join(clauses) or "TRUE", params

    def placed(self) -> Selection:
        """Of what it names only the circle and the outline."""
        return Selection(near=self.near, within=self.within)

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
            and self.near in (None, other.near)
            and self.within in (None, other.within)
        )

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
        return [*parts, _("in the outline that was drawn")] if self.within else parts

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


def _pairs(query: Query) -> dict[str, list[str]]:
    """Non-empty values by known key, bounded in number and length."""
    items: Iterable[tuple[str, Any]]
    if isinstance(query, str):
        text = query.removeprefix("?")
        if len(text.encode("utf-8", "replace")) > MAX_QUERY_BYTES:
            raise BadSelection("query", text[:40], why=f"the query is longer than {MAX_QUERY_BYTES} bytes")
        try:
            items = parse_qsl(text, max_num_fields=8 * MAX_VALUES)
        except ValueError:
            raise BadSelection("query", text[:40], why="the query has too many fields") from None
    elif hasattr(query, "multi_items"):
        items = query.multi_items()
    else:
        items = query.items()
    found: dict[str, list[str]] = {}
    for key, value in items:
        if key in KEYS:
            many = [value] if isinstance(value, str | date) else list(value or ())
            found.setdefault(key, []).extend(str(v) for v in many if v)
    for key, values in found.items():
        if len(values) > MAX_VALUES:
            raise BadSelection(key, values[0], why=f"more than {MAX_VALUES} values")
        for value in values:
            longest = MAX_OUTLINE_CHARS if key == "within" else MAX_VALUE_CHARS
            if len(value) > longest:
                raise BadSelection(key, value[:40], why=f"a value longer than {longest} characters")
    if sum(len(k) + len(v.encode("utf-8", "replace")) for k, vs in found.items() for v in vs) > MAX_QUERY_BYTES:
        raise BadSelection("query", "", why=f"the query is longer than {MAX_QUERY_BYTES} bytes")
    return found


def _checked(key: str, values: list[str], allowed: Mapping[str, str]) -> list[str]:
    for value in values:
        if value not in allowed and value != NOT_STATED:
            raise BadSelection(key, value, list(allowed))
    return values


def _checked_areas(values: list[str], release: Release) -> list[tuple[str, str]]:
    layers = [layer.layer for layer in release.layers]
    areas = []
    for value in values:
        layer, colon, code = value.partition(":")
        if not colon or layer not in layers:
            raise BadSelection("area", value, [f"{name}:…" for name in layers])
        if code != NOT_STATED and code not in (allowed := release.allowed(layer)):
            raise BadSelection("area", value, [f"{layer}:{known}" for known in list(allowed)[:8]])
        areas.append((layer, code))
    return areas


def _date(key: str, values: list[str]) -> date:
    if len(set(values)) > 1:
        raise BadSelection(key, values[1], why="only one date can be given")
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", values[0], re.ASCII):  # fromisoformat takes weeks as well
            raise ValueError
        return date.fromisoformat(values[0])
    except ValueError:
        raise BadSelection(key, values[0], why=f"'{values[0][:20]}' is not a date such as 2025-01-31") from None
