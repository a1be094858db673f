"""Many files written at once while rows go by: texts as gzip, tables as Parquet. Memory stays flat however many there are.

Charter: bytes and tables in, files out; what is in them is not known here. Threads compress, one hand writes, in the order in
which it was given: the same input is the same bytes.

A text is one gzip member, because browsers stop after the first (so it can be sent as it lies with Content-Encoding): pieces
are compressed each by itself, end at a whole byte (Z_SYNC_FLUSH) and follow one another as blocks of one stream. No file is
held open, so that their number is bounded by nothing.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from portal.files.pieces import GZIP_LEVEL

THREADS: Final = max(2, min(8, os.cpu_count() or 2))
AHEAD: Final = 2 * THREADS
PIECE_BYTES: Final = 1 << 20
"""Text that is compressed at once: less, and what repeats in it is found less often."""
HELD_BYTES: Final = 64 << 20
"""Text of all files that waits to be a piece; then the longest go as they are."""
ROW_GROUP: Final = 122_880
_HEAD: Final = b"\x1f\x8b\x08\x00" + b"\0\0\0\0" + b"\x00\xff"
"""gzip, deflate, no name, no time, no system."""
_LAST: Final = b"\x03\x00"
"""An empty block that says that it is the last."""


Bytes = bytes | memoryview


class Text:
    """One text on its way; `bytes` are those of the text itself."""

    def __init__(self, path: Path) -> None:
        self.path, self.bytes = path, 0
        self._crc, self._waiting, self.held = 0, list[Bytes](), 0
        _append(path, _HEAD, "xb")

    def take(self, data: Bytes) -> None:
        """More of it; what is a part of something larger keeps all of that."""
        self._waiting.append(data)
        self.held += len(data)

    def given(self) -> bytes:
        """What waited."""
        data = b"".join(self._waiting)
        self._crc = zlib.crc32(data, self._crc)
        self.bytes += len(data)
        self._waiting, self.held = [], 0
        return data

    def end(self) -> None:
        """The last bytes."""
        _append(self.path, _LAST + struct.pack("<II", self._crc, self.bytes & 0xFFFFFFFF))


class Table:
    """One Parquet file on its way."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._into = _Appended(path)
        self._schema = schema
        self._writer = pq.ParquetWriter(self._into, schema, compression="zstd")

    def take(self, rows: pa.Table, places: NDArray[np.int64]) -> None:
        """Some of the rows, as row groups of their own."""
        for start in range(0, places.size, ROW_GROUP):
            piece = rows.take(pa.array(places[start : start + ROW_GROUP]))
            plain = [
                column.cast(field.type) if column.type != field.type else column
                for column, field in zip(piece.columns, self._schema, strict=True)
            ]
            self._writer.write_table(pa.Table.from_arrays(plain, schema=self._schema), ROW_GROUP)
            self._into.flush()

    def end(self) -> None:
        """The footer."""
        self._writer.close()
        self._into.flush()


class Pouring:
    """The files that are being written; a context manager: what fails leaves no thread behind."""

    def __init__(self) -> None:
        self._crew = ThreadPoolExecutor(THREADS, thread_name_prefix="ready-files")
        self._coming: deque[tuple[Text, Future[bytes]]] = deque()
        self._texts: list[Text] = []
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._crew.shutdown(wait=True, cancel_futures=True)

    def text(self, path: Path) -> Text:
        """A new text."""
        self._texts.append(Text(path))
        return self._texts[-1]

    def pour(self, text: Text, data: Bytes) -> None:
        """More of a text."""
        text.take(data)
        self._held += len(data)
        if text.held >= PIECE_BYTES:
            self._press(text)
        while self._held > HELD_BYTES:
            self._press(max(self._texts, key=lambda other: other.held))

    def each(self, jobs: list[Callable[[], None]]) -> None:
        """Do all of these, in threads."""
        for done in [self._crew.submit(job) for job in jobs]:
            done.result()

    def end(self) -> None:
        """Write what still waits, and the ends of all texts."""
        for text in self._texts:
            if text.held:
                self._press(text)
        self._write(0)
        for text in self._texts:
            text.end()
        self._texts = []

    def _press(self, text: Text) -> None:
        self._held -= text.held
        self._coming.append((text, self._crew.submit(_pressed, text.given())))
        self._write(AHEAD)

    def _write(self, left: int) -> None:
        while len(self._coming) > left:
            text, coming = self._coming.popleft()
            _append(text.path, coming.result())


def _pressed(data: bytes) -> bytes:
    press = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH)


def _append(path: Path, data: bytes, mode: str = "ab") -> None:
    with path.open(mode) as file:
        file.write(data)


class _Appended(io.RawIOBase):
    """What Arrow writes to: kept until it is flushed to the end of a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._at, self._parts = path, 0, list[bytes]()
        _append(path, b"", "xb")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            _append(self._path, b"".join(parts))
