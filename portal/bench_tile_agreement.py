"""Whether two tiles tell the same requests: without that their times compare nothing.

Two tiles agree if the points within their edges are as many and stand for as many requests. From the zoom on where each
place has its own point, a tile that would be too heavy is put together more coarsely here: then requests alone count.

Charter: MVT bytes in, sums and differences in words out; no queries. Source: the Mapbox Vector Tile Specification 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from geo.tiles import EXTENT

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_LAYER, _FEATURE, _KEY, _VALUE, _TAGS, _GEOMETRY = 3, 2, 3, 4, 2, 4
_WHOLE_NUMBERS = (4, 5)


class Told(NamedTuple):
    """What a tile tells within its edges."""

    points: int
    requests: int


def told(data: bytes) -> Told:
    """Points of a tile of requests, and the sum of their `n`."""
    points = requests = 0
    for field, layer in _fields(data):
        if field != _LAYER or not isinstance(layer, bytes):
            continue
        parts = [(name, part) for name, part in _fields(layer) if isinstance(part, bytes)]
        keys = [part.decode() for name, part in parts if name == _KEY]
        values = [next(_fields(part), (0, 0)) for name, part in parts if name == _VALUE]
        for feature in (dict(_fields(part)) for name, part in parts if name == _FEATURE):
            tags, geometry = (
                [*_varints(part)] if isinstance(part := feature[name], bytes) else [] for name in (_TAGS, _GEOMETRY)
            )
            if not all(0 <= (number >> 1) ^ -(number & 1) < EXTENT for number in geometry[1:3]):
                continue
            points += 1
            for key, value in zip(tags[::2], tags[1::2], strict=True):
                kind, number = values[value]
                if keys[key] == "n" and kind in _WHOLE_NUMBERS and isinstance(number, int):
                    requests += number
    return Told(points, requests)


def difference(ours: bytes, theirs: bytes) -> str:
    """What differs, in words; empty where both tell the same."""
    mine, other = told(ours), told(theirs)
    if mine.requests != other.requests:
        return f"{mine.requests:,} requests here, {other.requests:,} there"
    if mine.points > other.points:
        return f"{mine.points:,} points here, {other.points:,} there"
    return ""


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and contents of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield tag >> 3, number
            continue
        length, at = _varint(data, at) if kind == _BYTES else ({_DOUBLE: 8, _FLOAT: 4}[kind], at)
        yield tag >> 3, data[at : at + length]
        at += length


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        number, at = _varint(data, at)
        yield number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
