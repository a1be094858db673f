"""JSON, JSON lines and GeoJSON as tables of text, one record after another in flat memory.

Charter: from bytes to records whose numbers are spelled as the file spells
them. Nothing is parsed into floating point, so that neither 1.50 nor a request
number of 20 digits changes.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import shapely

from etl.errors import SourceError
from etl.extract import points, tabular
from etl.extract.files import MalformedRows
from etl.extract.packed import Bounded, Content

BLOCK = 1 << 20
MAX_RECORD = 64 << 20
BLANK = re.compile(r"[ \t\r\n\ufeff\x1e]*")
REST_OF_NUMBER = re.compile(r"[0-9.eE+-]*")
COLLECTION = re.compile(rb'"type"\s*:\s*"FeatureCollection"|"features"\s*:\s*\[')
FEATURE = re.compile(rb'"type"\s*:\s*"Feature(?:Collection)?"')


class _Number(str):
    """A number in the spelling of the file."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=lambda _word: None)


def spelled(value: Any) -> str:
    """A nested value as JSON, its numbers as they were.

    >>> spelled({"a": [_Number("1.50"), "1.50", None, True]})
    '{"a": [1.50, "1.50", null, true]}'
    """
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {spelled(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(spelled(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def flat(record: dict[str, Any], before: str = "") -> Iterator[tuple[str, str | None]]:
    """Names and texts of a record; what is nested has dotted names, lists are JSON."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        elif value is None or isinstance(value, str):
            yield before + key, value
        else:
            yield before + key, spelled(value)


class _Scanner:
    """A text of JSON of which only a window is in memory."""

    def __init__(self, stream: Bounded, encoding: str, name: str) -> None:
        self._stream, self.name, self._text, self._at, self._ended = stream, name, "", 0, False
        try:
            self._decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding.lower() == "utf-8" else encoding)()
        except LookupError as error:
            raise SourceError(
                f"{name}: '{encoding}' is not an encoding that Python knows, such as utf-8 or cp1252"
            ) from error
        self.passed = 0

    def _more(self) -> bool:
        if self._ended:
            return False
        data = self._stream.read(max(BLOCK, len(self._text) - self._at))
        self._ended = not data
        try:
            text = self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{self.name}: is not valid {error.encoding.upper()}; set 'encoding' of the source or save it as UTF-8"
            ) from error
        self.passed += self._at
        self._text, self._at = self._text[self._at :] + text, 0
        return True

    def peek(self) -> str:
        """The next character that is not blank; '' at the end."""
        while True:
            match = BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, allowed: str) -> str:
        """The next character, which must be one of `allowed`."""
        found = self.peek()
        if not found or found not in allowed:
            raise self.broken(f"'{allowed[0]}' was expected")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                # A number that touches the window's end, or is '1' of '1.' or '1e', may go on behind it.
                if REST_OF_NUMBER.match(self._text, end).end() < len(self._text) or not self._more():  # type: ignore[union-attr]
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > MAX_RECORD:
                    raise SourceError(
                        f"{self.name}: a value is longer than {MAX_RECORD >> 20} MB and no list of records; "
                        "set 'records' of the source to the path of the list, such as result.records"
                    ) from error
                if not self._more():
                    raise self.broken(error.msg, error.pos) from error
            except RecursionError as error:
                raise self.broken("it is nested too deeply") from error

    def broken(self, why: str, at: int | None = None) -> SourceError:
        """The error for text that is not JSON from the window's character `at` on."""
        if not self.peek() or why.startswith("Unterminated") or (at or 0) >= len(self._text.rstrip()):
            return SourceError(f"{self.name}: breaks off in the middle of its JSON; fetch the file again")
        return SourceError(
            f"{self.name}: is not valid JSON near character {self.passed + (self._at if at is None else at) + 1:,} ({why}); "
            "fetch the file again or set 'format' of the source"
        )

    def items(self) -> Iterator[Any]:
        """Values of the list that begins here."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def entries(self) -> Iterator[str]:
        """Keys of the object that begins here; who asks takes each one's value."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self.broken("a name in quotes was expected")
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return


@dataclass(frozen=True)
class JsonRecords:
    """The records of one JSON file; `records` is the path of their list, `features`: they are GeoJSON."""

    content: Content
    records: str | None
    encoding: str
    null_values: tuple[str, ...]
    features: bool = False
    _crs: dict[str, Any] = field(default_factory=dict, compare=False)

    def columns(self) -> dict[str, str]:
        """Every name that any record has. JSON states no kinds."""
        names: dict[str, str] = {}
        for _, record in self._each(MalformedRows()):
            names |= dict.fromkeys(record, "")
        self._require_records(names)
        return {**names, **(points.GEOMETRY_KINDS if self.features else {})}

    def _require_records(self, names: dict[str, str]) -> None:
        if not names:
            raise SourceError(f"{self.content.name}: holds no records; nothing was loaded")

    def tables(
        self, columns: Sequence[str], malformed: MalformedRows, progress: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        """The named columns as text; a column that only some records have is null in the others."""
        self._require(columns)
        yield from tabular.finished(self._made(list(columns), malformed, progress), self.null_values)

    def _require(self, columns: Sequence[str]) -> None:
        """Read until each column was seen, which the first records mostly settle."""
        seen: dict[str, str] = dict(points.GEOMETRY_KINDS) if self.features else {}
        missing = set(columns) - set(seen)
        any_record = False
        for _, record in self._each(MalformedRows()):
            any_record = True
            seen |= dict.fromkeys(record, "")
            missing -= record.keys()
            if not missing:
                return
        if not any_record:
            self._require_records({})
        tabular.require(self.content.name, columns, list(seen))

    def _made(
        self, columns: list[str], malformed: MalformedRows, progress: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        rows: list[list[str | None]] = []
        for taken, record in self._each(malformed):
            rows.append([record.get(c) for c in columns])
            if len(rows) == tabular.BATCH_ROWS:
                yield tabular.rows_to_table(columns, rows)
                rows = []
                progress(taken())
        if rows:
            yield tabular.rows_to_table(columns, rows)
        progress(self.content.packed_bytes)

    def _each(self, malformed: MalformedRows) -> Iterator[tuple[Callable[[], int], dict[str, str | None]]]:
        with self.content.opened() as (stream, taken):
            scanner = _Scanner(stream, self.encoding, self.content.name)
            for number, record in enumerate(self._records(scanner), 1):
                try:
                    if not isinstance(record, dict):
                        malformed.rows.append((number, spelled(record)[:1000]))
                        continue
                    made = self._feature(record) if self.features else dict(flat(record))
                except RecursionError as error:
                    raise SourceError(f"{self.content.name}: record {number:,} is nested too deeply") from error
                yield taken, made

    # --- where the records are ----------------------------------------------------------------

    @cached_property
    def _path(self) -> tuple[str, ...]:
        if self.records:
            return tuple(self.records.split("."))
        return ("features",) if self.features and COLLECTION.search(self.content.head(BLOCK)) else ()

    def _records(self, scanner: _Scanner) -> Iterator[Any]:
        first = scanner.peek()
        if not first or first not in "[{":
            raise (
                scanner.broken("a list or an object was expected")
                if first
                else SourceError(f"{scanner.name}: holds nothing but blanks; there is nothing to load")
            )
        if first == "[":
            if self._path:
                raise SourceError(f"{scanner.name}: is itself a list of records; remove 'records' of the source")
            yield from scanner.items()
            self._end(scanner)
        elif self._path:
            yield from self._inside(scanner, self._path)
            self._end(scanner)
        else:
            yield from self._lines(scanner)

    def _inside(self, scanner: _Scanner, path: tuple[str, ...], walked: str = "") -> Iterator[Any]:
        """Records of the list at `path` of the object that begins here; the rest of the object is read, too."""
        if not path:
            if scanner.peek() != "[":
                raise SourceError(
                    f"{scanner.name}: '{walked}' is no list; set 'records' of the source to the path of the list "
                    "of records"
                )
            yield from scanner.items()
            return
        if scanner.peek() != "{":
            raise SourceError(f"{scanner.name}: '{walked}' is no object, so there is no '{walked}.{path[0]}' in it")
        seen = []
        found = False
        for key in scanner.entries():
            seen.append(key)
            if key == path[0] and not found:
                found = True
                yield from self._inside(scanner, path[1:], f"{walked}.{key}" if walked else key)
            else:
                self._aside(scanner, key, walked, late=found)
        if not found:
            raise SourceError(
                f"{scanner.name}: has no '{'.'.join(filter(None, (walked, path[0])))}'; "
                f"{f'{walked!r} holds' if walked else 'it holds'} {', '.join(seen[:20])}; "
                "set 'records' of the source to the path of the list of records"
            )

    def _aside(self, scanner: _Scanner, key: str, walked: str, *, late: bool) -> None:
        value = scanner.value()
        if not self.features or walked or key != "crs" or value is None:
            return
        if late and points.to_degrees(_crs_name(value), scanner.name) is not None and "name" not in self._crs:
            raise SourceError(
                f"{scanner.name}: states its CRS after its features; save it again in EPSG:4326, as GeoJSON should be"
            )
        self._crs["name"] = _crs_name(value)

    def _end(self, scanner: _Scanner) -> None:
        if scanner.peek():
            raise scanner.broken("nothing more was expected")

    def _lines(self, scanner: _Scanner) -> Iterator[Any]:
        first = scanner.value()
        if not scanner.peek() and isinstance(first, dict) and not self.features:
            lists = list(_lists(first))
            if lists:
                names = " or ".join(f"'{name}'" for name in lists[:5])
                raise SourceError(
                    f"{scanner.name}: is one object that holds lists; set 'records' of the source to {names}"
                )
        yield first
        while scanner.peek():
            yield scanner.value()

    # --- GeoJSON ------------------------------------------------------------------------------

    def _feature(self, feature: dict[str, Any]) -> dict[str, str | None]:
        properties = feature.get("properties")
        record = {points.attribute(k): v for k, v in flat(properties if isinstance(properties, dict) else {})}
        if isinstance(feature.get("id"), str):
            record.setdefault("id", feature["id"])
        record[points.X], record[points.Y] = self._point(feature.get("geometry"))
        return record

    def _point(self, geometry: Any) -> tuple[str | None, str | None]:
        if not isinstance(geometry, dict):
            return None, None
        transformer = self._transformer
        at = geometry.get("coordinates")
        if geometry.get("type") == "Point" and transformer is None:
            if isinstance(at, list) and len(at) >= 2 and all(isinstance(v, _Number) for v in at[:2]):
                return str(at[0]), str(at[1])
            return None, None
        shape = shapely.from_geojson(spelled(geometry), on_invalid="ignore")
        x, y = points.of_shapes([shape], transformer)
        return x[0].as_py(), y[0].as_py()

    @property
    def _transformer(self) -> Any:
        if "transformer" not in self._crs:
            name = self._crs.get("name")
            self._crs["transformer"] = points.to_degrees(name, self.content.name) if name else None
        return self._crs["transformer"]


def _crs_name(value: Any) -> Any:
    """What the old `crs` member of GeoJSON names."""
    try:
        return str(value["properties"]["name"])
    except (KeyError, TypeError):
        return "unknown"


def _lists(value: dict[str, Any], before: str = "") -> Iterator[str]:
    """Paths of the lists of objects in an object."""
    for key, inner in value.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield before + key
        elif isinstance(inner, dict):
            yield from _lists(inner, f"{before}{key}.")
