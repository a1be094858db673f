"""The formats that files are made in, and the ways of compressing those that are text.

Charter: names, media types and limits; no rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EXCEL_ROWS: Final = 1_048_576
"""Rows of a sheet of Excel, the one with the names of the columns among them."""
SHAPE_BYTES: Final = 2**31 - 1
"""Bytes of each file of a Shapefile."""


@dataclass(frozen=True)
class Form:
    """A format; `text`: it is made piece by piece while it is sent; `mapped`: it is of geometries only."""

    key: str
    title: str
    media_type: str
    text: bool = False
    mapped: bool = False
    note: str = ""


FORMS: Final = {
    form.key: form
    for form in (
        Form("csv", "CSV", "text/csv; charset=utf-8", text=True, note="RFC 4180, without geometries but lat and long"),
        Form("geojson", "GeoJSON", "application/geo+json", text=True, mapped=True, note="RFC 7946"),
        Form("geojsons", "GeoJSON Text Sequence", "application/geo+json-seq", text=True, mapped=True, note="RFC 8142"),
        Form("jsonl", "JSON Lines", "application/jsonl", text=True, note="a line a row"),
        Form(
            "parquet", "GeoParquet", "application/vnd.apache.parquet", note="GeoParquet 1.1; Parquet without geometry"
        ),
        Form("gpkg", "GeoPackage", "application/geopackage+sqlite3"),
        Form("fgb", "FlatGeobuf", "application/vnd.flatgeobuf", mapped=True),
        Form(
            "shp.zip", "Shapefile", "application/zip", mapped=True, note="at most 2 GB, names of at most 10 characters"
        ),
        Form(
            "xlsx",
            "Excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            note=f"at most {EXCEL_ROWS - 1:,} rows",
        ),
        Form(
            "txt",
            "About the file",
            "text/plain; charset=utf-8",
            text=True,
            note="dictionary, licence, filter, exclusions",
        ),
    )
}


@dataclass(frozen=True)
class Pressed:
    """A way of compressing."""

    ending: str
    media_type: str


PRESSED: Final = {"gzip": Pressed("gz", "application/gzip"), "zstd": Pressed("zst", "application/zstd")}
