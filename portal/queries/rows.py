# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter
"""Whole rows of the selection, as streams: for files. Memory stays flat however many there are."""

from __future__ import annotations

import pyarrow as pa

from portal.release import Release
from portal.selection import Selection, quoted

_ISO = "'%Y-%m-%dT%H:%M:%SZ'"


def csv_rows(release: Release, selection: Selection) -> pa.RecordBatchReader:
    """All published fields as a spreadsheet may safely open them, times in ISO 8601 with Z.

    A text that begins with = + - @, a tab or a carriage return is given a ' in front: spreadsheets would run
    it as a formula.
    """
    return _stream(release, selection, [f"{_csv(release, name)} AS {quoted(name)}" for name in release.fields])


def geojson_rows(release: Release, selection: Selection) -> pa.RecordBatchReader:
    """One column, `feature`: each request as the text of a GeoJSON feature; geometry null without a point."""
    members = ", ".join(f"{quoted(name)}: {_json(release, name)}" for name in release.fields)
    return _stream(
        release,
        selection,
        [f"""'{{"type":"Feature","geometry":' || {_geojson_point(release)} ||
             ',"properties":' || to_json({{{members}}}) || '}}' AS feature"""],
    )  # fmt: skip


def parquet_rows(release: Release, selection: Selection) -> pa.RecordBatchReader:
    """All published fields and `geometry` as WKB (EPSG:4326)."""
    columns = [f"{_plain(release, name)} AS {quoted(name)}" for name in release.fields]
    if _has_points(release):
        columns.append("CASE WHEN lat IS NOT NULL THEN ST_AsWKB(ST_Point(long, lat))::BLOB END AS geometry")
    return _stream(release, selection, columns)


def _stream(release: Release, selection: Selection, columns: list[str]) -> pa.RecordBatchReader:
    where, params = release.where(selection)
    return release.batches(f"SELECT {', '.join(columns)} FROM requests WHERE {where}", params)


def _has_points(release: Release) -> bool:
    return {"lat", "long"} <= release.columns


def _geojson_point(release: Release) -> str:
    if not _has_points(release):
        return "'null'"
    return """CASE WHEN lat IS NULL THEN 'null'
        ELSE '{"type":"Point","coordinates":[' || long || ',' || lat || ']}' END"""


def _csv(release: Release, name: str) -> str:
    column = quoted(name)
    if release.types[name].startswith("TIMESTAMP"):
        return f"strftime({column}, {_ISO})"
    if release.types[name] == "VARCHAR" or release.types[name].startswith("ENUM"):
        text = f"{column}::VARCHAR"
        return f"CASE WHEN left({text}, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN '''' || {text} ELSE {text} END"
    return column


def _json(release: Release, name: str) -> str:
    return f"strftime({quoted(name)}, {_ISO})" if release.types[name].startswith("TIMESTAMP") else quoted(name)


def _plain(release: Release, name: str) -> str:
    return f"{quoted(name)}::VARCHAR" if release.types[name].startswith("ENUM") else quoted(name)
