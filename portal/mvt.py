"""Points as a Mapbox Vector Tile 2.1 layer, encoded for all features at once.

Charter: numbers and texts in, bytes out; nothing of requests. Source: the Mapbox Vector Tile Specification 2.1 and the
encoding of protocol buffers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EXTENT: Final = 4096
ABSENT: Final = -1
"""In a column of attributes: this feature has no such attribute."""
_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_TAGS, _TYPE, _GEOMETRY = 0x12, 0x18, 0x22
_TEXT_VALUE, _NUMBER_VALUE = 0x0A, 0x28
_POINT, _MOVE_TO_ONE = 1, 9


def points_layer(
    name: str, x: Ints, y: Ints, attributes: Mapping[str, tuple[Ints, Sequence[str | int]]], extent: int = EXTENT
) -> bytes:
    """A layer of points at tile coordinates `x`, `y`; empty where there is none.

    `attributes`: name -> the place of each feature's value among the values that follow (ABSENT: it has none). Texts and
    whole numbers from 0 on.
    """
    if not len(x):
        return b""
    keys, values, tags = b"", b"", []
    first = 0
    for k, (key, (place, several)) in enumerate(attributes.items()):
        keys += _field(_KEY, key.encode())
        values += b"".join(_field(_VALUE, _value(value)) for value in several)
        there = place != ABSENT
        tags += [np.where(there, k, ABSENT), np.where(there, place + first, ABSENT)]
        first += len(several)
    body = _field(_NAME, name.encode()) + _features(x, y, tags) + keys + values
    body += bytes([_EXTENT]) + varint(extent) + bytes([_VERSION, 2])
    return _field(_LAYER, body)


def varint(number: int) -> bytes:
    """A number from 0 on, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + varint(len(content)) + content


def _value(value: str | int) -> bytes:
    if isinstance(value, str):
        return _field(_TEXT_VALUE, value.encode())
    return bytes([_NUMBER_VALUE]) + varint(value)


def _features(x: Ints, y: Ints, tags: Sequence[Ints]) -> bytes:
    """Every feature as its numbers in a row of a table, each number as a varint; lengths follow from the widths."""
    told = np.stack(tags, axis=1) if tags else np.empty((len(x), 0), np.int64)
    told_bytes = _widths(told).sum(axis=1)
    place = np.stack([np.full(len(x), _MOVE_TO_ONE), (x << 1) ^ (x >> 63), (y << 1) ^ (y >> 63)], axis=1)
    place_bytes = _widths(place).sum(axis=1)

    def fixed(number: int) -> Ints:
        return np.full((len(x), 1), number)

    def column(numbers: Ints) -> Ints:
        return numbers[:, None]

    tagged = told_bytes > 0
    inner = [
        column(np.where(tagged, _TAGS, ABSENT)), column(np.where(tagged, told_bytes, ABSENT)), told,
        fixed(_TYPE), fixed(_POINT), fixed(_GEOMETRY), column(place_bytes), place,
    ]  # fmt: skip
    content = np.concatenate(inner, axis=1)
    length = _widths(content).sum(axis=1)
    return _varints(np.concatenate([fixed(_FEATURE), column(length), content], axis=1).ravel())


def _widths(numbers: Ints) -> Ints:
    """How many bytes each number takes as a varint; none where it is ABSENT."""
    widths = (numbers >= 0).astype(np.int64)
    for i in range(1, 5):
        widths += numbers >= 1 << 7 * i
    return widths


def _varints(numbers: Ints) -> bytes:
    """The numbers that are not ABSENT, one varint after the other."""
    numbers = numbers[numbers >= 0]
    widths = _widths(numbers)
    starts = np.cumsum(widths) - widths
    out = np.zeros(int(widths.sum()), np.uint8)
    for i in range(int(widths.max(initial=0))):
        some = np.flatnonzero(widths > i)
        more = widths[some] > i + 1
        out[starts[some] + i] = (numbers[some] >> 7 * i) & 0x7F | np.where(more, 0x80, 0)
    return out.tobytes()


def distinct(values: NDArray[Any]) -> tuple[Ints, list[Any]]:
    """An attribute's column from its values: each one's place, and the values that occur."""
    several, place = np.unique(values, return_inverse=True)
    return place.astype(np.int64), several.tolist()
