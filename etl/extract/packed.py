"""One file inside its packing: plain, gzip, a member of a zip, or a gzip in a zip.

Charter: from a path to bytes, bounded and checked, with one line for each way
of being damaged. Members are only streamed: no name in an archive becomes a path.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from etl.errors import SourceError

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
MIN_LIMIT = 1 << 30
MAX_RATIO = 200
BLOCK = 1 << 20
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError,
    KeyError, IndexError,
)  # fmt: skip
"""What Python's zipfile raises for archives that are damaged, encrypted or packed in an unknown way."""
SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
TABLE_SUFFIXES: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".geojson": "geojson",
    ".geojsonl": "geojson",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".pq": "parquet",
    ".gpkg": "geopackage",
    ".shp": "shapefile",
}


def suffix_of(name: str) -> str:
    """The ending of a name without its .gz, in small letters."""
    path = PurePosixPath(name.replace("\\", "/").lower())
    return path.with_suffix("").suffix if path.suffix in (".gz", ".gzip") else path.suffix


@dataclass(frozen=True)
class Content:
    """The bytes of one table file. `name` is the file as its user knows it; `beside`: other parts of a shapefile."""

    path: Path
    name: str
    member: str | None = None
    gzipped: bool = False
    beside: Mapping[str, Path] = field(default_factory=dict)

    @property
    def packed_bytes(self) -> int:
        """Bytes that this content takes in its file; progress counts in them."""
        return self.path.stat().st_size

    @property
    def inner_name(self) -> str:
        """The name that tells the format: the member's, else the file's."""
        return self.member or self.name

    @property
    def plain(self) -> bool:
        """Whether the file's bytes are the content."""
        return self.member is None and not self.gzipped

    @contextmanager
    def opened(self) -> Iterator[tuple[Bounded, Callable[[], int]]]:
        """The unpacked bytes, and a function that tells how many packed bytes were taken."""
        with ExitStack() as stack:
            try:
                raw = stack.enter_context(self.path.open("rb"))
                stream: Any = raw
                if self.member is not None:
                    archive = stack.enter_context(_archive(raw, self.name))
                    stream = stack.enter_context(archive.open(self.member))
                    if self.gzipped:
                        stream = stack.enter_context(gzip.open(stream))
                elif self.gzipped:
                    stream = stack.enter_context(pa.CompressedInputStream(pa.PythonFile(raw, "rb"), "gzip"))
            except OSError as error:
                raise SourceError(f"{self.name}: cannot be read ({error.strerror or error})") from error
            except ZIP_ERRORS as error:
                raise SourceError(f"{self.name}: {_damage(self, error)}") from error
            yield Bounded(stream, self), raw.tell

    def head(self, size: int) -> bytes:
        """The first bytes of the unpacked content."""
        with self.opened() as (stream, _):
            return stream.read(size)

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """A path with the unpacked bytes, for readers that jump about in a file; what was unpacked is deleted after."""
        if self.plain:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="openward-") as folder:
            target = Path(folder) / f"content{suffix_of(self.inner_name)}"
            self._unpack(self, target)
            for ending, other in self._siblings():
                self._unpack(other, target.with_suffix(ending))
            yield target

    def _siblings(self) -> list[tuple[str, Content]]:
        if self.member is None or suffix_of(self.member) != ".shp":
            return []
        stem = self.member[:-4].lower()
        with self.path.open("rb") as raw, _archive(raw, self.name) as archive:
            names = {name.lower(): name for name in archive.namelist()}
        found = [(ending, names.get(stem + ending)) for ending in SHAPE_PARTS[1:]]
        return [(ending, replace(self, member=name)) for ending, name in found if name]

    def _unpack(self, content: Content, target: Path) -> None:
        with content.opened() as (stream, _):
            try:
                with target.open("wb") as file:
                    while block := stream.read(BLOCK):
                        file.write(block)
            except OSError as error:
                raise SourceError(
                    f"{self.name}: cannot be unpacked into {target.parent.parent} ({error.strerror}); make room there"
                ) from error


class Bounded(io.RawIOBase):
    """Passes bytes on until they are more than any honest packing of such a file holds; tells damage in one line."""

    def __init__(self, stream: Any, content: Content) -> None:
        """`stream` gives the unpacked bytes of `content`."""
        self._stream = stream
        self._content = content
        self._left = None if content.plain else max(MIN_LIMIT, MAX_RATIO * content.packed_bytes)

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """As of any stream; SourceError for damage and for a packing bomb."""
        try:
            data: bytes = self._stream.read(-1 if size is None else size)
        except (*ZIP_ERRORS, pa.ArrowInvalid) as error:
            raise SourceError(f"{self._content.name}: {_damage(self._content, error)}") from error
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise SourceError(
                    f"{self._content.name}: unpacks to more than {MAX_RATIO} times its size, as no table does; "
                    "unpack it by hand if it is right"
                )
        return data

    def readinto(self, buffer: Any) -> int:
        """As of any stream."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _damage(content: Content, error: Exception) -> str:
    text = " ".join(str(error).split())[:120]
    if "encrypted" in text or "password" in text.lower():
        return f"'{content.member}' is protected by a password; unpack it and give the file itself"
    if isinstance(error, NotImplementedError):
        return f"'{content.member}' is packed in a way that cannot be read ({text}); pack it as an ordinary zip"
    packing = "zip" if content.member is not None else "gzip"
    return f"the {packing} data are damaged or cut short ({text}); fetch the file again"


def _archive(raw: IO[bytes], name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except ZIP_ERRORS as error:
        raise SourceError(f"{name}: the zip data are damaged or cut short ({error}); fetch the file again") from error


def is_workbook(path: Path, name: str) -> bool:
    """Whether a zip is itself a workbook (xlsx, xlsb, ods) and not an archive of files."""
    with path.open("rb") as raw, _archive(raw, name) as archive:
        names = archive.namelist()
        if "[Content_Types].xml" in names:
            return any(n.startswith("xl/") for n in names)
        if "mimetype" not in names or "content.xml" not in names:
            return False
        try:
            with archive.open("mimetype") as kind:
                return b"opendocument.spreadsheet" in kind.read(100)
        except ZIP_ERRORS as error:
            raise SourceError(f"{name}: {_damage(Content(path, name, 'mimetype'), error)}") from error


def unwrap(path: Path, name: str, *, member: str | None, wanted: str = "auto") -> Content:
    """The table file in `path`, through zip and gzip. `member` chooses in a zip; `wanted` is the format if it is known."""
    try:
        if path.is_dir():
            raise SourceError(f"{name}: is a folder; give the path of a file")
        if path.stat().st_size == 0:
            raise SourceError(f"{name}: is empty; there is nothing to load")
        with path.open("rb") as raw:
            magic = raw.read(4)
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror}); check the path and its permissions") from error
    content = Content(path, name)
    if magic.startswith(ZIP_MAGIC) and not is_workbook(path, name):
        content = _member(content, member, wanted)
    elif member is not None:
        raise SourceError(f"{name}: is no zip archive, yet 'member' of the source names '{member}' in it; remove it")
    head = content.head(4)
    if head.startswith(GZIP_MAGIC):
        content = replace(content, gzipped=True)
        head = content.head(4)
        if head.startswith(GZIP_MAGIC):
            raise SourceError(f"{name}: is packed with gzip twice; unpack it once")
    if not head:
        raise SourceError(f"{content.name}: is empty; there is nothing to load")
    if not content.plain and head.startswith(ZIP_MAGIC):
        with content.unpacked() as inner:
            if not is_workbook(inner, content.name):
                raise SourceError(f"{content.name}: is an archive in an archive; unpack the outer one")
    return content


def _member(content: Content, member: str | None, wanted: str) -> Content:
    with content.path.open("rb") as raw, _archive(raw, content.name) as archive:
        infos = [i for i in archive.infolist() if not _is_noise(i)]
    names = [info.filename for info in infos]
    if not names:
        raise SourceError(f"{content.name}: is an empty zip archive; there is nothing to load")
    chosen = _named(content, names, member) if member is not None else _only_table(content, names, wanted)
    size = next(info.file_size for info in infos if info.filename == chosen)
    if size > max(MIN_LIMIT, MAX_RATIO * content.packed_bytes):
        raise SourceError(
            f"{content.name}: '{chosen}' unpacks to {size >> 20:,} MB, more than {MAX_RATIO} times the archive's size; "
            "unpack it by hand if it is right"
        )
    if size == 0:
        raise SourceError(f"{content.name}: '{chosen}' is empty; there is nothing to load")
    return replace(content, member=chosen)


def _is_noise(info: zipfile.ZipInfo) -> bool:
    if not info.filename:
        return True
    path = PurePosixPath(info.filename)
    link = stat.S_ISLNK(info.external_attr >> 16)
    return info.is_dir() or link or path.parts[:1] == ("__MACOSX",) or path.name.startswith(".")


def _named(content: Content, names: list[str], member: str) -> str:
    exact = [n for n in names if n == member] or [n for n in names if PurePosixPath(n).name == member]
    if len(exact) != 1:
        raise SourceError(f"{content.name}: has no member '{member}'; it holds {_list(names)}")
    return exact[0]


def _only_table(content: Content, names: list[str], wanted: str) -> str:
    tables = [n for n in names if suffix_of(n) in TABLE_SUFFIXES]
    if wanted != "auto":
        tables = [n for n in tables if TABLE_SUFFIXES[suffix_of(n)] == wanted] or tables
    # A text file beside a table is a note about it.
    tables = [n for n in tables if suffix_of(n) != ".txt"] or tables
    if not tables and len(names) == 1:
        return names[0]
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise SourceError(f"{content.name}: none of its members is a table; it holds {_list(names)}")
    raise SourceError(f"{content.name}: holds several tables; set 'member' of the source to one of {_list(tables)}")


def _list(names: list[str]) -> str:
    shown = ", ".join(f"'{n}'" for n in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
