"""What the parts of a SoQL text mean in the tree: functions, figures, comparisons, and times as the city's clocks show them.

Charter: parts that the parser has read in, nodes of the tree out; no text is parsed here but that of times. Times of the
tables are UTC, SoQL's "floating timestamps" are told by the city's clocks: a column that holds a time is compared as it is,
with values turned to UTC, and is turned to the city's time where it is shown or cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

from portal.errors import BadSelection
from portal.expressions import tree
from portal.expressions.fields import Field, Fields, Kind, moment
from portal.expressions.functions import FUNCTIONS
from portal.expressions.mapped import columns_in
from portal.expressions.soql_words import MISMATCH, NO_COLUMN, NO_FUNCTION, SoqlError
from portal.outline import LARGEST_M, Circle

FIGURES: Final[Mapping[str, str]] = {
    "count": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max", "median": "median", "stddev_samp": "stddev",
}  # fmt: skip
"""SoQL's aggregates -> ours (`portal.queries.tabled`)."""
_CALLS: Final[Mapping[str, str]] = {
    "lower": "lower", "upper": "upper", "length": "length", "char_length": "length", "starts_with": "starts_with",
    "contains": "contains", "unaccent": "without_accents", "date_trunc_y": "year_start", "date_trunc_ym": "month_start",
    "date_trunc_ymd": "day_start", "date_extract_y": "year_of", "date_extract_m": "month_of", "date_extract_d": "day_of",
    "date_extract_hh": "hour_of", "date_extract_mm": "minute_of", "date_extract_ss": "second_of",
    "date_extract_dow": "weekday_of", "date_extract_woy": "week_of",
}  # fmt: skip
_OF_DAYS: Final = (
    "date_trunc_y", "date_trunc_ym", "date_trunc_ymd", "date_extract_y", "date_extract_m", "date_extract_d",
    "date_extract_dow", "date_extract_woy",
)  # fmt: skip
_CASELESS: Final = {"caseless_starts_with": "starts_with", "caseless_contains": "contains"}
_PLACE: Final = "#"
"""Begins the names that figures of groups have among themselves: no field's name does."""


@dataclass(frozen=True)
class Figure:
    """A figure of a group; `of` None counts its rows."""

    name: str
    of: tree.Expression | None


class Meaning:
    """What can be named, and what has been asked for so far: figures, and names that the query itself gives."""

    def __init__(self, fields: Fields, zone: str, days: Mapping[str, str] | None = None) -> None:
        """`days` are columns that hold the day, by the city's clocks, of a column of times: quicker to cut."""
        self.fields: dict[str, Field] = dict(fields)
        self.zone = zone
        self.days = days or {}
        self.constants: dict[str, datetime] = {}
        """Columns that hold the same time (UTC) in each row."""
        self.places: tuple[str, str] | None = None
        """A column of row ids, and that of the numbers that they stand for, which are quicker to compare."""
        self.figures: dict[Figure, str] = {}
        self.aliases: dict[str, tree.Expression] = {}
        self._local: set[str] = set()

    def column(self, name: str) -> tree.Expression:
        """What a name stands for: the query's own first."""
        low = name.lower()
        if low in self.aliases:
            return self.aliases[low]
        if low not in self.fields or low.startswith(_PLACE):
            known = ", ".join(name for name in self.fields if name[0].isalpha())
            raise SoqlError(f"No such column: {name[:60]}; there are: {known[:600]}.", NO_COLUMN)
        return tree.Column(low)

    def kind(self, node: tree.Expression) -> Kind:
        """What kind of value a node is."""
        match node:
            case tree.Column(name):
                return self.fields[name].kind
            case tree.Call(name, _):
                return FUNCTIONS[name].gives
            case tree.Arithmetic():
                return "number"
        value = node.value
        told: tuple[tuple[type, Kind], ...] = ((bool, "bool"), (str, "text"), (datetime, "time"), (date, "date"))
        return (
            "nothing" if value is None else next((kind for type_, kind in told if isinstance(value, type_)), "number")
        )

    def named(self, name: str, of: tree.Expression, sql: str) -> tree.Column:
        """A name for what another query works out, told by `sql` there."""
        kind = self.kind(of)
        self.fields[name] = Field(kind, sql)
        if kind == "time" and not self._instant(of):
            self._local.add(name)
        return tree.Column(name)

    def shown(self, node: tree.Expression) -> tree.Expression:
        """A value as it is shown: times as the city's clocks tell them."""
        return tree.Call("at_zone", (node, tree.Literal(self.zone))) if self._instant(node) else node

    def is_figure(self, name: str) -> bool:
        """Whether a column's name is one of a figure."""
        return name in self.figures.values()

    # --- comparisons ----------------------------------------------------------

    def alike(self, nodes: Sequence[tree.Expression]) -> list[tree.Expression]:
        """Values that are compared: texts become times, numbers or truths where they stand beside one."""
        if any(isinstance(node, tree.Column) and node.name in self.constants for node in nodes):
            return [self._constant(node) for node in nodes]
        if self.places and tree.Column(self.places[0]) in nodes:
            return _numbered(nodes, self.places[1])
        others = [node for node in nodes if not isinstance(node, tree.Literal)]
        kinds = {self.kind(node) for node in others}
        if kinds & {"time", "date"}:
            instants = all(self._instant(node) for node in others)
            days = kinds == {"date"}
            return [
                self._moment(node, instants, days)
                if isinstance(node, tree.Literal)
                else node if instants else self.shown(node)
                for node in nodes
            ]  # fmt: skip
        if kinds in ({"number"}, {"bool"}):
            return [_plain(node, "number" in kinds) if isinstance(node, tree.Literal) else node for node in nodes]
        return list(nodes)

    def _constant(self, node: tree.Expression) -> tree.Expression:
        """What a column of one time holds; texts beside it as times, which are UTC where they say nothing else."""
        if isinstance(node, tree.Column) and node.name in self.constants:
            return tree.Literal(self.constants[node.name])
        text = isinstance(node, tree.Literal) and isinstance(node.value, str)
        return tree.Literal(moment(str(node.value))) if text and isinstance(node, tree.Literal) else node

    def _instant(self, node: tree.Expression) -> bool:
        return isinstance(node, tree.Column) and self.kind(node) == "time" and node.name not in self._local

    def _moment(self, node: tree.Literal, instants: bool, days: bool) -> tree.Literal:
        """A text as a time: in UTC beside columns that hold times, else as the city's clocks tell it."""
        if not isinstance(node.value, str):
            return node
        text = node.value.strip()
        found = moment(text)
        zoned = len(text) != 10 and datetime.fromisoformat(text.replace("z", "Z")).tzinfo is not None
        time = found if isinstance(found, datetime) else datetime(found.year, found.month, found.day)
        here = ZoneInfo(self.zone)
        try:
            if instants and not zoned:
                time = time.replace(tzinfo=here).astimezone(UTC).replace(tzinfo=None)
            elif zoned and not instants:
                time = time.replace(tzinfo=UTC).astimezone(here).replace(tzinfo=None)
        except OverflowError:
            raise SoqlError(f"'{text[:40]}' lies outside the years 1 to 9999.", MISMATCH) from None
        return tree.Literal(time.date() if days and time == datetime(time.year, time.month, time.day) else time)

    # --- functions ------------------------------------------------------------

    def called(self, name: str, args: Sequence[tree.Expression]) -> tree.Expression | tree.Condition:
        """A function's value."""
        places: dict[str, Callable[[Sequence[tree.Expression]], tree.Condition]] = {
            "within_circle": self._circle,
            "within_box": self._box,
            "within_polygon": lambda args: self._outline("within_polygon", "within", args),
            "intersects": lambda args: self._outline("intersects", "intersects", args),
        }
        if name in places:
            return places[name](args)
        if name in _CASELESS:
            folded = tuple(tree.Call("lower", (arg,)) for arg in args)
            return self._call(_CASELESS[name], folded)
        if name not in _CALLS:
            known = ", ".join([*FIGURES, *_CALLS, *_CASELESS, *places])
            raise SoqlError(f"No such function: {name[:60]}; there are: {known}.", NO_FUNCTION)
        if name in _OF_DAYS:
            args = [self._day(arg) for arg in args]
        return self._call(_CALLS[name], tuple(self.shown(arg) for arg in args))

    def _day(self, of: tree.Expression) -> tree.Expression:
        """The column of days that stands for one of times, where there is one."""
        day = self.days.get(of.name) if isinstance(of, tree.Column) else None
        return tree.Column(day) if day in self.fields else of

    def _call(self, name: str, args: tuple[tree.Expression, ...]) -> tree.Call:
        if len(args) != len(FUNCTIONS[name].takes):
            raise SoqlError(
                f"A function has {len(args)} arguments where it takes {len(FUNCTIONS[name].takes)}.", MISMATCH
            )
        return tree.Call(name, args)

    def figure(self, name: str, of: tree.Expression | None, distinct: bool) -> tree.Column:
        """A figure of a group, under a name of its own."""
        if of is not None and any(self.is_figure(column) for column in columns_in(of)):
            raise SoqlError("A figure of figures cannot be told.", "query.soql.aggregate-in-ungrouped-context")
        if (distinct and name != "count") or (of is None and name != "count"):
            raise SoqlError(f"{name}(…) takes one value; only count takes * or distinct.")
        kind = self.kind(of) if of is not None else "nothing"
        if kind == "geometry" and (distinct or name != "count"):
            raise SoqlError(f"{name} takes no geometry.", MISMATCH)
        if name not in ("count", "min", "max") and kind != "number":
            raise SoqlError(f"{name} takes a number, not {kind}.", MISMATCH)
        figure = Figure("count_distinct" if distinct else FIGURES[name], of)
        if figure not in self.figures:
            place = f"{_PLACE}a{len(self.figures)}"
            told = tree.Literal(0) if of is None or name not in ("min", "max") else of
            self.named(place, told, f'"{place[1:]}"')
            self.figures[figure] = place
        return tree.Column(self.figures[figure])

    # --- places ---------------------------------------------------------------

    def _circle(self, args: Sequence[tree.Expression]) -> tree.Condition:
        column, (lat, long, metres) = self._placed("within_circle", args, 3)
        try:
            place = Circle.read(f"{lat},{long},{metres}")
        except BadSelection:
            raise SoqlError(
                f"within_circle takes a latitude, a longitude and 1 to {LARGEST_M} meters.", MISMATCH
            ) from None
        return tree.Around(column, place.lat, place.long, place.radius_m)

    def _box(self, args: Sequence[tree.Expression]) -> tree.Condition:
        """Corners as SoQL has them: the north-western one, latitude first, then the south-eastern one."""
        column, (north, west, south, east) = self._placed("within_box", args, 4)
        if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
            raise SoqlError(
                "within_box takes the latitude and longitude of the NW corner, then of the SE one.", MISMATCH
            )
        ring = ", ".join(
            f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
        )
        return tree.Spatial("intersects", column, f"POLYGON (({ring}))")

    def _outline(self, name: str, op: str, args: Sequence[tree.Expression]) -> tree.Condition:
        wkt = args[1].value if len(args) == 2 and isinstance(args[1], tree.Literal) else None
        if not isinstance(wkt, str):
            raise SoqlError(f"{name} takes a geometry column and a text in WKT.", MISMATCH)
        return tree.Spatial("within" if op == "within" else "intersects", self._geometry(name, args[0]), wkt)

    def _placed(self, name: str, args: Sequence[tree.Expression], numbers: int) -> tuple[str, list[float]]:
        values = [arg.value for arg in args[1:] if isinstance(arg, tree.Literal)]
        told = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v)]
        if len(args) != numbers + 1 or len(told) != numbers:
            raise SoqlError(f"{name} takes a geometry column and {numbers} numbers.", MISMATCH)
        return self._geometry(name, args[0]), told

    def _geometry(self, name: str, node: tree.Expression) -> str:
        if not isinstance(node, tree.Column) or self.kind(node) != "geometry":
            known = [name for name, field in self.fields.items() if field.kind == "geometry"]
            raise SoqlError(f"{name} takes a geometry column; there are: {', '.join(known) or 'none'}.", MISMATCH)
        return node.name


_ROW: Final = re.compile(r"row-[0-9]{12}", re.ASCII)


def _numbered(nodes: Sequence[tree.Expression], number: str) -> list[tree.Expression]:
    """The id of a row and one that it is compared with, as the numbers that they stand for."""
    texts = [str(node.value) for node in nodes if isinstance(node, tree.Literal)]
    if len(nodes) != 2 or len(texts) != 1 or not _ROW.fullmatch(texts[0]):
        raise SoqlError(
            "The id of a row is compared with one such as 'row-000000000012', and with nothing else.", MISMATCH
        )
    told = tree.Literal(int(texts[0][4:]))
    return [told if isinstance(node, tree.Literal) else tree.Column(number) for node in nodes]


_NUMBER: Final = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII)


def _plain(node: tree.Literal, number: bool) -> tree.Literal:
    """A text beside a number or a truth, read as one where it can be."""
    if not isinstance(node.value, str):
        return node
    if not number:
        return tree.Literal({"true": True, "false": False}.get(node.value.lower(), node.value))
    return tree.Literal(float(node.value)) if _NUMBER.fullmatch(node.value) else node
