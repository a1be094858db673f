"""Files that are built before they are sent: Parquet, GeoPackage, FlatGeobuf, Shapefile, Excel.

Charter: a `Wanted` in, an open file without a name out: its folder is gone before the first byte is sent, its bytes are once
nobody holds it. What is wanted again shortly, as by programs that read ranges, is kept for a while. So many are built at
once, others are asked to wait. The same file is the same bytes each time, as far as the format lets it.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from portal.errors import BadRequest
from portal.files import mapped, sheets
from portal.files.about import about
from portal.files.pieces import Busy
from portal.files.wanted import Wanted
from portal.queries import rows

AT_ONCE: Final = 2
KEPT: Final = 4
KEPT_BYTES: Final = 512 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024

building = threading.BoundedSemaphore(AT_ONCE)


class Built:
    """A file without a name; it is closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self.length = os.fstat(self._file).st_size
        weakref.finalize(self, os.close, self._file)

    def measure(self, of: Wanted) -> int:
        """Bytes of the file: all of them are there."""
        del of
        return self.length

    def sent(self, of: Wanted, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`. Several may read at once."""
        del of
        at, end = start, self.length if stop is None else stop
        while at < end and (chunk := os.pread(self._file, min(CHUNK_BYTES, end - at), at)):
            yield chunk
            at += len(chunk)


_kept: OrderedDict[tuple[str, str], Built] = OrderedDict()
_lock = threading.Lock()


def built(of: Wanted) -> Built:
    """The file, made now unless it was lately.

    Raises Busy at once, rather than hold a thread, while as many are being built as may be.
    """
    key = (str(of.release.folder), of.etag)
    with _lock:
        if found := _kept.get(key):
            _kept.move_to_end(key)
            return found
    check(of)
    if not building.acquire(blocking=False):
        raise Busy("Other files are being built just now: try again in a minute, or take the CSV or GeoJSON.")
    try:
        made = _build(of)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Busy(
            "There is no room to build this file just now: try again later, select fewer rows, or take the CSV or GeoJSON."
        ) from error
    finally:
        building.release()
    if made.length <= KEPT_BYTES // KEPT:
        with _lock:
            _kept[key] = made
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return made


def forget() -> None:
    """Let go of what is kept: for tests and measuring."""
    with _lock:
        _kept.clear()


def check(of: Wanted) -> None:
    """Refuse what the format cannot hold before anything is written."""
    if of.form.key == "xlsx":
        n = sum(span.rows for span in rows.spans(of.release, of.ask))
        if n > sheets.MOST_ROWS:
            raise BadRequest(
                f"A sheet of Excel holds at most {sheets.MOST_ROWS:,} rows below its names and these are {n:,}: "
                "select fewer, such as a year, or take the CSV or Parquet."
            )
    if of.form.key == "shp.zip":
        mapped.check_shapefile(of)


def _build(of: Wanted) -> Built:
    with tempfile.TemporaryDirectory(prefix="openward-") as folder:
        path = Path(folder) / f"{of.ask.table.name}.{of.form.key.rpartition('.')[2]}"
        return Built(_BUILDERS[of.form.key](of, path))


def parquet_metadata(of: Wanted) -> dict[str, str]:
    """What a Parquet file says of itself; with a geometry it is GeoParquet."""
    metadata = {"openward": json.dumps(about(of), ensure_ascii=False)}
    if of.ask.table.geometry is not None:
        geo = {
            "version": "1.1.0",
            "primary_column": "geometry",
            "columns": {"geometry": {"encoding": "WKB", "geometry_types": mapped.kinds(of)}},
        }
        metadata["geo"] = json.dumps(geo)
    return metadata


def _parquet(of: Wanted, path: Path) -> Path:
    reader = rows.batches(of.release, of.ask, rows.typed_columns(of.ask.table))
    schema = reader.schema.with_metadata(parquet_metadata(of))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return path


_BUILDERS: Final[dict[str, Callable[[Wanted, Path], Path]]] = {
    "parquet": _parquet,
    "gpkg": mapped.geopackage,
    "fgb": mapped.flatgeobuf,
    "shp.zip": mapped.shapefile,
    "xlsx": sheets.workbook,
}
