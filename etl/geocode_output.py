"""Tables as one file, written as they come: CSV, packed CSV, GeoParquet 1.1 or GeoJSON.

Charter: how rows become bytes, and that a file is there whole or not at all. What the rows say is decided elsewhere.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from etl.disk import sync
from etl.errors import ConfigError
from geo.crs import WGS84, Floats

FORMULA: Final = r"^[=+\-@\t\r]"
NUMBER: Final = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
"""A number is no formula, whatever its sign."""
CONTROLS: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
"""What a terminal would obey; tabs and line ends stay."""
SUFFIXES: Final = (".csv.gz", ".csv", ".parquet", ".geojson")


class Sink(Protocol):
    """Takes tables of one schema; `lon` and `lat` are the points of its rows in degrees, NaN for none."""

    def write(self, table: pa.Table, lon: Floats, lat: Floats) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Finish what was written; it is not called where the writing failed."""
        ...


def suffix_of(path: Path) -> str:
    """The ending that says what is written; ConfigError names those that can be."""
    name = path.name.lower()
    found = next((s for s in SUFFIXES if name.endswith(s)), None)
    if found is None:
        raise ConfigError(
            f"{path}: is no kind of file that can be written; end the name in {', '.join(sorted(SUFFIXES))}"
        )
    return found


def must_be_free(path: Path, source: Path | None, *, force: bool) -> None:
    """ConfigError if the file is there already, or is the one that is read."""
    suffix_of(path)
    if source is not None and path.exists() and path.samefile(source):
        raise ConfigError(f"{path}: is the file that is read; give --out another name")
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it first, or give --out another name")
    if path.exists() and not force:
        raise ConfigError(f"{path}: is there already; give --force to replace it, or --out another name")


@contextmanager
def writing(path: Path) -> Iterator[Sink]:
    """A file that is written aside and takes its name at the end; nothing is left of it where the block fails."""
    suffix = suffix_of(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            sink = _sink(suffix, file)
            yield sink
            sink.close()
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _sink(suffix: str, file: IO[bytes]) -> Sink:
    if suffix == ".parquet":
        return _Parquet(file)
    if suffix == ".geojson":
        return _GeoJson(file)
    if suffix == ".csv.gz":
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=file, mtime=0)
        return CsvSink(cast(IO[bytes], packed), packed.close)
    return CsvSink(file)


class CsvSink:
    """CSV as a spreadsheet may safely open it.

    A text that begins with = + - @, a tab or a carriage return and is no number is given a ' in front.
    """

    def __init__(self, file: IO[bytes], closing: Callable[[], None] | None = None, *, terminal: bool = False) -> None:
        """Write to `file`; at a terminal without control characters."""
        self._file, self._closing, self._terminal = file, closing, terminal
        self._begun = False

    def write(self, table: pa.Table, lon: Floats, lat: Floats) -> None:  # noqa: ARG002 - they are columns as well
        """Add rows, before the first ones the header."""
        if not self._begun:
            self._begun = True
            line = io.StringIO()
            csv.writer(line).writerow(self._safe(pa.array(table.column_names, pa.string())).to_pylist())
            self._file.write(line.getvalue().encode())
        columns = [self._safe(c) if pa.types.is_string(c.type) else c for c in table.columns]
        part = io.BytesIO()
        options = pacsv.WriteOptions(include_header=False, quoting_style="needed", eol="\r\n")
        names = [str(i) for i in range(len(columns))]
        pacsv.write_csv(pa.table(columns, names=names), part, options)
        self._file.write(part.getbuffer())

    def close(self) -> None:
        """Finish a packed file."""
        if self._closing is not None:
            self._closing()

    def _safe(self, text: Any) -> Any:
        if self._terminal:
            text = pc.replace_substring_regex(text, CONTROLS, " ")
        risky = pc.match_substring_regex(text, FORMULA)
        if not pc.any(risky).as_py():
            return text
        formula = pc.and_(risky, pc.invert(pc.match_substring_regex(text, NUMBER)))
        return pc.if_else(formula, pc.binary_join_element_wise("'", text, ""), text)


class _GeoJson:
    """A FeatureCollection (RFC 7946); rows without a point have no geometry."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._separator = b'{"type": "FeatureCollection", "features": [\n'

    def write(self, table: pa.Table, lon: Floats, lat: Floats) -> None:
        spots = zip(lon.tolist(), lat.tolist(), strict=True)
        dump = json.dumps
        lines = [
            dump(
                {
                    "type": "Feature",
                    "geometry": None if x != x else {"type": "Point", "coordinates": [x, y]},
                    "properties": row,
                },
                ensure_ascii=False,
            )
            for (x, y), row in zip(spots, table.to_pylist(), strict=True)
        ]
        if lines:
            self._file.write(self._separator + ",\n".join(lines).encode())
            self._separator = b",\n"

    def close(self) -> None:
        begun = self._separator == b",\n"
        self._file.write(b"\n]}\n" if begun else self._separator + b"]}\n")


class _Parquet:
    """GeoParquet 1.1: points as WKB in EPSG:4326, their box told at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: pq.ParquetWriter | None = None
        self._geometry = "geometry"
        self._box = [np.inf, np.inf, -np.inf, -np.inf]

    def write(self, table: pa.Table, lon: Floats, lat: Floats) -> None:
        if self._writer is None:
            self._geometry = free_name("geometry", table.column_names)
        some = np.isfinite(lon) & np.isfinite(lat)
        shapes = np.full(len(lon), None, dtype=object)
        shapes[some] = shapely.to_wkb(shapely.points(lon[some], lat[some]))
        table = table.append_column(self._geometry, pa.array(shapes, pa.binary()))
        if some.any():
            low, high = (lon[some].min(), lat[some].min()), (lon[some].max(), lat[some].max())
            self._box = [*map(min, self._box[:2], low), *map(max, self._box[2:], high)]
        if self._writer is None:
            # With Arrow's own copy of the schema its readers would not see what is added at the end.
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd", store_schema=False)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is None:
            return
        column: dict[str, Any] = {
            "encoding": "WKB", "geometry_types": ["Point"], "crs": CRS.from_user_input(WGS84).to_json_dict(),
        }  # fmt: skip
        if np.isfinite(self._box).all():
            column["bbox"] = [float(v) for v in self._box]
        about = {"version": "1.1.0", "primary_column": self._geometry, "columns": {self._geometry: column}}
        self._writer.add_key_value_metadata({"geo": json.dumps(about)})
        self._writer.close()


def free_name(name: str, taken: Sequence[str]) -> str:
    """A name that no column has, however written: the name itself, else with 'geocode_' in front, else with a number."""
    used = {t.lower() for t in taken}
    prefixed = name if name.startswith("geocode_") else f"geocode_{name}"
    numbered = (f"{prefixed}_{i}" for i in range(2, len(used) + 4))
    return next(n for n in (name, prefixed, *numbered) if n.lower() not in used)


@contextmanager
def to_stream(file: IO[bytes], *, terminal: bool) -> Iterator[Sink]:
    """CSV to an open stream, such as standard output."""
    with ExitStack() as stack:
        stack.callback(file.flush)
        yield CsvSink(file, terminal=terminal)
