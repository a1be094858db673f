"""Tables of text: what every reader of files hands on, whatever the file calls its types.

Charter: typed Arrow columns to text, blanks to null, row numbers, and the one
message about columns that are not there. Formats stay out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import MappingError

ROW_NUMBER = "__row__"
BATCH_ROWS = 1 << 16


def require(name: str, columns: Sequence[str], there: Sequence[str]) -> None:
    """MappingError that names each of `columns` that the file `name` does not have, and those that are there."""
    missing = [c for c in columns if c not in there]
    if missing:
        names = ", ".join(f"'{c}'" for c in missing)
        plural = "s" if len(missing) > 1 else ""
        verb = "are" if len(missing) > 1 else "is"
        raise MappingError(f"{name}: column{plural} {names} {verb} missing; the file has {', '.join(there)}")


def finished(tables: Iterable[pa.Table], null_values: Sequence[str]) -> Iterator[pa.Table]:
    """The tables with null for null words and blanks, and `__row__` (1, 2, … through all of them)."""
    words = pa.array(sorted({"", *null_values}), pa.string())
    row = 1
    for table in tables:
        if not len(table):
            continue
        columns = [_without(column, words) for column in table.columns]
        numbers = pa.array(range(row, row + len(table)), pa.int64())
        row += len(table)
        yield pa.table([*columns, numbers], names=[*table.column_names, ROW_NUMBER])


def _without(column: pa.ChunkedArray, words: pa.Array) -> pa.ChunkedArray:
    known = pc.is_in(column, value_set=words)
    return pc.if_else(known, pa.scalar(None, pa.string()), column)


def rows_to_table(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pa.Table:
    """A table of text from rows."""
    return pa.table([_strings([row[i] for row in rows]) for i in range(len(columns))], names=list(columns))


def _strings(values: list[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # half of a character, which JSON can escape and UTF-8 cannot write
        whole = [v if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values]
        return pa.array(whole, pa.string())


def number_text(value: float) -> str | None:
    """A floating-point number as people write it: no '.0' and no exponent; None if it is not a number.

    >>> number_text(3.0), number_text(-0.0), number_text(1.5), number_text(1e-7), number_text(float("nan"))
    ('3', '0', '1.5', '0.0000001', None)
    """
    if value != value:
        return None
    if value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def kind_of(type_: pa.DataType) -> str:
    """What the portal calls an Arrow type: integer, number, boolean, time or text."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    return "time" if pa.types.is_temporal(type_) else "text"


def text_of(array: pa.Array) -> pa.Array:
    """A column of any type as text: ISO 8601 times (Z where the type has a zone), true and false, plain numbers.

    >>> import datetime as dt
    >>> text_of(pa.array([dt.datetime(2024, 5, 1, 9, 30)], pa.timestamp("us", "America/New_York")))[0].as_py()
    '2024-05-01T09:30:00Z'
    """
    type_ = array.type
    if pa.types.is_dictionary(type_):
        array = array.cast(type_.value_type)
        type_ = array.type
    if pa.types.is_string(type_):
        return array
    if pa.types.is_timestamp(type_):
        return _moments(array)
    if pa.types.is_floating(type_):
        return _numbers(array)
    if pa.types.is_decimal(type_):
        return pa.array([None if v is None else format(v, "f") for v in array.to_pylist()], pa.string())
    if pa.types.is_time(type_):
        return _short_fraction(array.cast(pa.string()))
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return pa.array([_decoded(v) for v in array.to_pylist()], pa.string())
    if pa.types.is_nested(type_):
        return pa.array([_document(v) for v in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def _moments(array: pa.Array) -> pa.Array:
    zoned = array.type.tz is not None
    naive = array.cast(pa.timestamp(array.type.unit))  # a zone's instants are UTC underneath
    text = _short_fraction(pc.replace_substring(naive.cast(pa.string()), " ", "T"))
    return pc.binary_join_element_wise(text, "Z", "") if zoned else text


def _short_fraction(text: pa.Array) -> pa.Array:
    text = pc.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+$", r"\1")
    return pc.replace_substring_regex(text, r"\.0+$", "")


def _numbers(array: pa.Array) -> pa.Array:
    text = array.cast(pa.string())
    double = array.cast(pa.float64())
    # Arrow writes large and small ones with an exponent, which no request number survives.
    odd = pc.or_(pc.match_substring(text, "e"), pc.or_(pc.is_nan(double), pc.equal(double, 0.0)))
    if not pc.any(odd).as_py():
        return pc.replace_substring_regex(text, r"\.0$", "")
    single = pa.types.is_float32(array.type) or pa.types.is_float16(array.type)
    values = [float(t) if single and t else v for t, v in zip(text.to_pylist(), double.to_pylist(), strict=True)]
    return pa.array([None if v is None else number_text(v) for v in values], pa.string())


def _decoded(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()


def _document(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)
