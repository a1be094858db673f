# ruff: noqa: S608 - names come from the release's own tables, conditions are compiled, every value is a parameter
"""Files of GIS programs, written by GDAL from a stream of Arrow batches: GeoPackage, FlatGeobuf, Shapefile.

Charter: a `Wanted` and a path in, a file out that says of itself what it is. GDAL's limits are checked before.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from pyogrio.raw import open_arrow, write_arrow

from portal.errors import BadRequest
from portal.files.about import about, dictionary, exclusions, facts, readme, title
from portal.files.forms import SHAPE_BYTES
from portal.files.wanted import Wanted
from portal.queries import rows
from portal.queries.lists import geometry_types
from portal.selection import quoted

NAME: Final = 10
"""Characters of a name in a Shapefile."""
TEXT: Final = 254
"""Bytes of a text in a Shapefile."""
_WIDTH: Final = 24
_LAST_BYTES: Final = 1 << 20
"""Where no more than this is free, a file that could not be written is for want of room."""
_NAMES: Final = {"POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOINT": "MultiPoint",
                 "MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon",
                 "GEOMETRYCOLLECTION": "GeometryCollection"}  # fmt: skip


def kinds(of: Wanted) -> list[str]:
    """Which kinds of geometry the table has, as GeoParquet names them."""
    geometry = of.ask.table.geometry
    if geometry is None:
        return []
    if geometry.point:
        return ["Point"]
    return [_NAMES.get(kind, kind) for kind in geometry_types(of.release, of.ask.table)]


def geopackage(of: Wanted, path: Path) -> Path:
    """A layer of rows, and three tables about it: the dictionary, what is left out, and the rest."""
    _write(of, path, "GPKG", of.ask.table.name, layer_options={"DESCRIPTION": title(of)})
    for name, records in (
        ("openward_dictionary", dictionary(of)),
        ("openward_exclusions", exclusions(of)),
        ("openward_about", [{"what": what, "is": value} for what, value in facts(of)]),
    ):
        if records:
            told = pa.Table.from_pylist(records)
            with _no_room(path):
                write_arrow(told, path, layer=name, driver="GPKG", append=True)
                _must_hold(path, name, told.num_rows)
    _settled(path, of)
    return path


def _settled(path: Path, of: Wanted) -> None:
    """The same rows are the same file: GDAL notes the moment, and commits as often as its threads come to it."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE gpkg_contents SET last_change = ?", [f"{of.release.created:%Y-%m-%dT%H:%M:%S.000Z}"])
    with path.open("r+b") as raw:  # SQLite counts commits at 24, and tells at 92 for which count its version at 96 is
        for at, told in ((24, 1), (92, 1), (96, 3_000_000)):
            raw.seek(at)
            raw.write(struct.pack(">I", told))


def flatgeobuf(of: Wanted, path: Path) -> Path:
    """With an index of space, unless rows without a geometry would be lost by it."""
    told = json.dumps(about(of), ensure_ascii=False)
    options = {
        "SPATIAL_INDEX": "NO" if _unplaced(of) else "YES", "TITLE": title(of), "DESCRIPTION": told,
        "TEMPORARY_DIR": str(path.parent),
    }  # fmt: skip
    _write(of, path, "FlatGeobuf", of.ask.table.name, layer_options=options)
    return path


def shapefile(of: Wanted, path: Path) -> Path:
    """A zip of the Shapefile, README.txt and fields.csv, which has the full names of the columns."""
    names = short_names(of.ask.table.fields)
    made = path.with_suffix(".shp")
    options = {"ENCODING": "UTF-8", "2GB_LIMIT": "YES", "DBF_DATE_LAST_UPDATE": f"{of.release.created:%Y-%m-%d}"}
    _write(of, made, "ESRI Shapefile", made.stem, renamed=names, layer_options=options)
    note = (
        "Shapefile: names have at most 10 characters; fields.csv has the full ones. Texts of more than "
        f"{TEXT} bytes are cut. Times are texts. Each file holds at most 2 GB."
    )
    table = "field,name\r\n" + "".join(f"{short},{name}\r\n" for name, short in names.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for file in sorted(made.parent.glob(f"{made.stem}.*")):
            if file != path:
                with file.open("rb") as source, archive.open(_entry(file.name), "w", force_zip64=True) as into:
                    while chunk := source.read(1 << 20):
                        into.write(chunk)
        archive.writestr(_entry("README.txt"), readme(of, (note,)), zipfile.ZIP_DEFLATED)
        archive.writestr(_entry("fields.csv"), table, zipfile.ZIP_DEFLATED)
    return path


def short_names(names: tuple[str, ...]) -> dict[str, str]:
    """Full names -> names of at most 10 characters, no two the same whatever their case.

    >>> short_names(("status", "requested_datetime", "requested_date"))
    {'status': 'status', 'requested_datetime': 'requested_', 'requested_date': 'requeste_2'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short, n = name[:NAME], 1
        while short.lower() in taken:
            n += 1
            short = f"{name[: NAME - len(str(n)) - 1]}_{n}"
        found[name] = short
        taken.add(short.lower())
    return found


def check_shapefile(of: Wanted) -> None:
    """Refuse what would take more than 2 GB."""
    table = of.ask.table
    texts = [name for name in table.fields if table.types[name].startswith(("VARCHAR", "ENUM"))]
    where, params = of.ask.where(of.release)
    longest = ", ".join(["count(*)", *(f"max(strlen({quoted(name)}::VARCHAR))" for name in texts)])
    if table.geometry and not table.geometry.point:
        longest += f", sum(octet_length(ST_AsWKB({table.geometry.sql})::BLOB))"
    n, *sizes = of.release.query(f"SELECT {longest} FROM {quoted(table.name)} WHERE {where}", params)[0]
    shapes = n * 28 if len(sizes) == len(texts) else int(sizes.pop() or 0)
    row = sum(max(80, min(size or 0, TEXT)) for size in sizes) + _WIDTH * (len(table.fields) - len(texts)) + 1
    largest = max(n * row, shapes)
    if largest > SHAPE_BYTES:
        raise BadRequest(
            f"A Shapefile holds at most 2 GB and these {n:,} rows take {largest / 1e9:.1f} GB in it: select fewer, such as "
            "a year, or take the GeoPackage, FlatGeobuf or GeoParquet."
        )


def _write(
    of: Wanted, path: Path, driver: str, layer: str, renamed: dict[str, str] | None = None, **options: Any
) -> None:
    reader = rows.batches(of.release, of.ask, rows.typed_columns(of.ask.table, iso=driver == "ESRI Shapefile"))
    schema = pa.schema([_field(field, renamed or {}) for field in reader.schema])
    written = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal written
        for batch in reader:
            written += batch.num_rows
            yield pa.RecordBatch.from_arrays(_cast(batch, schema), schema=schema)

    stream = pa.RecordBatchReader.from_batches(schema, batches())
    drawn = {}
    if "geometry" in reader.schema.names:
        told = kinds(of)
        drawn = {
            "geometry_name": "geometry",
            "geometry_type": told[0] if len(told) == 1 else "Unknown",
            "crs": "EPSG:4326",
        }
    with _no_room(path):
        write_arrow(stream, path, layer=layer, driver=driver, **drawn, **options)
        _must_hold(path, layer, written)
        if driver == "GPKG" and drawn:
            _must_be_indexed(path)
        elif driver == "ESRI Shapefile":
            _must_be_whole(path, written)


def _must_hold(path: Path, layer: str, written: int) -> None:
    """Read what was written: GDAL does not tell that a file could not be closed whole, and counts without looking."""
    with open_arrow(path, layer=layer, use_pyarrow=True) as (_, reader):
        found = sum(batch.num_rows for batch in reader)
    if found != written:
        raise DataLayerError(f"{path.name}: {written:,} rows of {layer} were written, {found:,} can be read")


def _must_be_indexed(path: Path) -> None:
    """GDAL goes on without the index of space, where there is no room for it."""
    with closing(sqlite3.connect(path)) as file:
        if not file.execute(
            "SELECT count(*) FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
        ).fetchone()[0]:
            raise DataLayerError(f"{path.name}: its index of space could not be written")


def _must_be_whole(path: Path, written: int) -> None:
    """The parts of a Shapefile are as long as they say: GDAL reads what is cut off as empty."""
    for part in (path, path.with_suffix(".shx"), path.with_suffix(".dbf")):
        with part.open("rb") as file:
            head = file.read(32)
        if part.suffix == ".dbf":
            _, before, size = struct.unpack("<IHH", head[4:12])
            length = before + written * size
        else:
            length = 2 * struct.unpack(">I", head[24:28])[0]
        if part.stat().st_size < length:
            raise DataLayerError(f"{part.name}: {part.stat().st_size:,} of {length:,} bytes were written")


@contextmanager
def _no_room(path: Path) -> Iterator[None]:
    """What GDAL says of a full disk, in its many ways, as every other writer says it."""
    try:
        yield
    except (DataSourceError, DataLayerError, FeatureError, pa.ArrowException) as error:
        if shutil.disk_usage(path.parent).free >= _LAST_BYTES:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _field(field: pa.Field, renamed: dict[str, str]) -> pa.Field:
    of = field.type
    if pa.types.is_timestamp(of):
        of = pa.timestamp("ms", "UTC")
    elif pa.types.is_uint8(of) or pa.types.is_uint16(of):
        of = pa.int32()
    elif pa.types.is_uint32(of):
        of = pa.int64()
    return pa.field(renamed.get(field.name, field.name), of)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> list[pa.Array]:
    return [column.cast(field.type, safe=False) for column, field in zip(batch.columns, schema, strict=True)]


def _unplaced(of: Wanted) -> bool:
    geometry = of.ask.table.geometry
    assert geometry is not None  # noqa: S101 - the format is of tables with one
    there = "lat" if geometry.point else geometry.sql
    where, params = of.ask.where(of.release)
    sql = f"SELECT count(*) FROM {quoted(of.ask.table.name)} WHERE ({where}) AND {there} IS NULL"
    return bool(of.release.query(sql, params)[0][0])


def _entry(name: str) -> zipfile.ZipInfo:
    """Without the time of its making, which would make another file of the same rows."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
