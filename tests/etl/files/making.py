"""The same small table in every format and packing, and what it must be read as."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from etl.config.connections import FileConnection, Patience
from etl.extract.file_source import FileAdapter
from etl.extract.files import MalformedRows
from etl.extract.raw import RawArchive, RawCopy
from etl.extract.source import Fetching, Known

NOW = dt.datetime(2024, 7, 1, 12, 0, 0, tzinfo=dt.UTC)
FIELDS = ("id", "status", "cost", "urgent", "opened", "x", "y")
ROWS: list[tuple[Any, ...]] = [
    (90071992547409, "Open", 1.5, True, dt.datetime(2024, 3, 10, 9, 30, 15), -73.99, 40.71),
    (2, 'said "no", twice\nand left', 0.0000001, False, dt.datetime(2024, 3, 11), -73.5, 40.5),
    (3, None, 1200.0, True, dt.datetime(2023, 12, 31, 23, 59, 59), -73.25, 40.25),
    (4, "Größe 7 Ω", -3.25, False, dt.datetime(2024, 2, 29, 0, 0, 1), -74.0, 41.0),
]
EXPECTED = [
    {"id": "90071992547409", "status": "Open", "cost": "1.5", "urgent": "true", "opened": "2024-03-10T09:30:15",
     "x": "-73.99", "y": "40.71", "__row__": 1},
    {"id": "2", "status": 'said "no", twice\nand left', "cost": "0.0000001", "urgent": "false",
     "opened": "2024-03-11T00:00:00", "x": "-73.5", "y": "40.5", "__row__": 2},
    {"id": "3", "status": None, "cost": "1200", "urgent": "true", "opened": "2023-12-31T23:59:59",
     "x": "-73.25", "y": "40.25", "__row__": 3},
    {"id": "4", "status": "Größe 7 Ω", "cost": "-3.25", "urgent": "false", "opened": "2024-02-29T00:00:01",
     "x": "-74", "y": "41", "__row__": 4},
]  # fmt: skip


def texts() -> list[dict[str, str | None]]:
    """The expected rows without their numbers."""
    return [{k: v for k, v in row.items() if k != "__row__"} for row in EXPECTED]  # type: ignore[misc]


def csv_bytes(delimiter: str = ",") -> bytes:
    """The table as delimited text."""
    import csv

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(FIELDS)
    writer.writerows([[v or "" for v in row.values()] for row in texts()])
    return out.getvalue().encode()


def _spelled(row: dict[str, str | None]) -> str:
    plain = ("id", "cost", "urgent", "x", "y")
    return "{" + ", ".join(f"{json.dumps(k)}: {v if k in plain else json.dumps(v)}" for k, v in row.items()) + "}"


def json_bytes() -> bytes:
    """The table as a list of objects."""
    return ("[" + ",\n".join(_spelled(row) for row in texts()) + "]").encode()


def jsonl_bytes() -> bytes:
    """The table as JSON lines."""
    return ("\n".join(_spelled(row) for row in texts()) + "\n").encode()


def geojson_bytes() -> bytes:
    """The table as a FeatureCollection."""
    features = []
    for row in texts():
        own = _spelled({k: v for k, v in row.items() if k not in "xy"})
        features.append(
            f'{{"type": "Feature", "properties": {own}, '
            f'"geometry": {{"type": "Point", "coordinates": [{row["x"]}, {row["y"]}]}}}}'
        )
    return ('{"type": "FeatureCollection", "features": [' + ",".join(features) + "]}").encode()


def xlsx_bytes() -> bytes:
    """The table in the first of two sheets, after an empty row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Requests"
    sheet.append([])
    sheet.append(FIELDS)
    for row in ROWS:
        sheet.append(row)
    book.create_sheet("Notes").append(["made by hand"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet_bytes() -> bytes:
    """The table as typed Parquet."""
    out = io.BytesIO()
    pq.write_table(pa.table({name: [row[i] for row in ROWS] for i, name in enumerate(FIELDS)}), out)
    return out.getvalue()


def frame(crs: Any = "EPSG:4326") -> Any:
    """The table as a frame of points."""
    data = {name: [row[i] for row in ROWS] for i, name in enumerate(FIELDS) if name not in "xy"}
    data["opened"] = pd.to_datetime(data["opened"])
    points = [shapely.Point(row[5], row[6]) for row in ROWS]
    made = gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326")
    return made.to_crs(crs) if crs else made.set_crs(None, allow_override=True)


def geoparquet_bytes() -> bytes:
    """The table as GeoParquet."""
    out = io.BytesIO()
    frame().to_parquet(out)
    return out.getvalue()


def geopackage_bytes(folder: Path, crs: Any = "EPSG:4326") -> bytes:
    """The table as a GeoPackage; `folder` is written to."""
    path = folder / "made.gpkg"
    path.unlink(missing_ok=True)
    frame(crs).to_file(path, layer="requests")
    return path.read_bytes()


def zipped(**members: bytes) -> bytes:
    """A zip; two underscores of a name are a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def pack(name: str, data: bytes, packing: str) -> tuple[str, bytes]:
    """Name and bytes of a file in a packing."""
    if packing == "gz":
        return f"{name}.gz", gzip.compress(data)
    if packing == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", "what the columns mean")
            archive.writestr("__MACOSX/._x.csv", b"\x00")
            archive.writestr(f"export/{name}", data)
        return f"{Path(name).stem}.zip", out.getvalue()
    return name, data


def adapter(path: object, null_values: Sequence[str] = ("",), **options: Any) -> FileAdapter:
    """The adapter of a file, with little patience."""
    patience = Patience(timeout_seconds=5, attempts=2, longest_wait_seconds=0)
    return FileAdapter(FileConnection(path=str(path), **{"patience": patience, **options}), null_values)


def fetching(tmp_path: Path, progress: Callable[[int, int | None], None] | None = None) -> Fetching:
    """Where the test's raw copies go."""
    return Fetching(RawArchive(tmp_path / "raw"), "requests", NOW, tmp_path, progress or (lambda _d, _t: None))


def fetched(tmp_path: Path, made: FileAdapter, known: Known | None = None) -> RawCopy:
    """A raw copy that must come."""
    copy = made.fetch(known or Known(), fetching(tmp_path))
    assert copy is not None
    return copy


def rows(
    made: FileAdapter, copy: RawCopy, columns: Sequence[str] | None = None, malformed: MalformedRows | None = None
) -> list[dict[str, Any]]:
    """All rows of a copy."""
    wanted = list(made.columns(copy)) if columns is None else columns
    found: list[dict[str, Any]] = []
    for table in made.tables(copy, wanted, malformed or MalformedRows(), lambda _d, _t: None):
        assert all(str(f.type) == "string" for f in table.schema if f.name != "__row__")
        assert str(table.schema.field("__row__").type) == "int64"
        found += table.to_pylist()
    return found


def read_file(
    tmp_path: Path, name: str, data: bytes, columns: Sequence[str] | None = None, **options: Any
) -> list[Any]:
    """Rows of a file with these bytes, through a raw copy."""
    (tmp_path / name).write_bytes(data)
    made = adapter(name, **options)
    return rows(made, fetched(tmp_path, made), columns)
