"""Every format in every packing gives the same table of text."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.errors import MappingError
from etl.extract import tabular
from etl.extract.files import MalformedRows
from etl.extract.packed import Content
from tests.etl.files import making as m

MAKERS: dict[str, Callable[[Path], bytes]] = {
    "rows.csv": lambda _: m.csv_bytes(),
    "rows.tsv": lambda _: m.csv_bytes("\t"),
    "rows.json": lambda _: m.json_bytes(),
    "rows.jsonl": lambda _: m.jsonl_bytes(),
    "rows.geojson": lambda _: m.geojson_bytes(),
    "rows.xlsx": lambda _: m.xlsx_bytes(),
    "rows.parquet": lambda _: m.parquet_bytes(),
    "places.parquet": lambda _: m.geoparquet_bytes(),
    "rows.gpkg": m.geopackage_bytes,
}


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
@pytest.mark.parametrize("name", MAKERS)
def test_every_format_in_every_packing_is_the_same_table(tmp_path: Path, name: str, packing: str) -> None:
    packed_name, data = m.pack(name, MAKERS[name](tmp_path), packing)
    assert m.read_file(tmp_path, packed_name, data, m.FIELDS) == m.EXPECTED


@pytest.mark.parametrize("name", MAKERS)
def test_content_tells_the_format_when_the_name_does_not(tmp_path: Path, name: str) -> None:
    assert m.read_file(tmp_path, "export", MAKERS[name](tmp_path), m.FIELDS) == m.EXPECTED


@pytest.mark.parametrize("name", MAKERS)
def test_columns_are_those_asked_for_in_their_order(tmp_path: Path, name: str) -> None:
    got = m.read_file(tmp_path, name, MAKERS[name](tmp_path), ["y", "id"])
    assert [list(row) for row in got] == [["y", "id", "__row__"]] * 4
    assert got[1] == {"y": "40.5", "id": "2", "__row__": 2}


@pytest.mark.parametrize("name", MAKERS)
def test_missing_columns_are_named_with_those_that_are_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(MappingError, match=rf"^{name}: columns 'no', 'nor' are missing; the file has .*status") as told:
        m.read_file(tmp_path, name, MAKERS[name](tmp_path), ["id", "no", "nor"])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", MAKERS)
def test_null_words_and_blanks_are_null_in_every_format(tmp_path: Path, name: str) -> None:
    got = m.read_file(tmp_path, name, MAKERS[name](tmp_path), ["status", "cost"], null_values=("Open", "1200"))
    assert [(row["status"], row["cost"]) for row in got][::2] == [(None, "1.5"), (None, None)]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("rows.csv", ["", "", "", "", "", "", ""]),
        ("rows.json", ["", "", "", "", "", "", ""]),
        ("rows.geojson", ["", "", "", "", "", "number", "number"]),
        ("rows.xlsx", ["integer", "text", "number", "boolean", "time", "number", "number"]),
        ("rows.parquet", ["integer", "text", "number", "boolean", "time", "number", "number"]),
        ("rows.gpkg", ["integer", "text", "number", "boolean", "time", "number", "number"]),
    ],
)
def test_columns_state_the_kind_that_the_file_states(tmp_path: Path, name: str, kinds: list[str]) -> None:
    (tmp_path / name).write_bytes(MAKERS[name](tmp_path))
    made = m.adapter(name)
    assert made.columns(m.fetched(tmp_path, made)) == dict(zip(m.FIELDS, kinds, strict=True))


# --- delimited text ---------------------------------------------------------------------------


def test_a_tab_is_found_where_none_is_configured_and_a_stated_delimiter_wins(tmp_path: Path) -> None:
    assert m.read_file(tmp_path, "a.csv", b"a\tb\n1\t2,5\n")[0]["b"] == "2,5"
    assert m.read_file(tmp_path, "b.tsv", b"a\tb,c\n1\t2,5\n", delimiter=",")[0] == {
        "a\tb": "1\t2", "c": "5", "__row__": 1,
    }  # fmt: skip
    assert m.read_file(tmp_path, "c.csv", b"a;b\n1;2\n", delimiter=";")[0]["b"] == "2"


def test_badly_cut_rows_are_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n4,5\n")
    made, malformed = m.adapter("a.csv"), MalformedRows()
    got = m.rows(made, m.fetched(tmp_path, made), ["a"], malformed)
    assert [row["a"] for row in got] == ["1", "4"]
    assert [text for _, text in malformed.rows] == ["3"]


def test_a_table_that_calls_itself_a_workbook_is_read_as_text(tmp_path: Path) -> None:
    assert m.read_file(tmp_path, "export.xls", b"a\tb\n1\t2\n") == [{"a": "1", "b": "2", "__row__": 1}]


def test_progress_counts_the_bytes_of_the_copy(tmp_path: Path) -> None:
    for name, maker in MAKERS.items():
        (tmp_path / name).write_bytes(maker(tmp_path))
        made, seen = m.adapter(name), []
        copy = m.fetched(tmp_path, made)
        list(made.tables(copy, ["id"], MalformedRows(), lambda done, total, seen=seen: seen.append((done, total))))
        assert seen[-1] == (copy.bytes, copy.bytes), name


def test_tables_are_no_longer_than_a_batch_and_rows_are_numbered_through(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n" + "".join(f"{i}\n" for i in range(1, 300_001)))
    made = m.adapter("a.csv")
    tables = list(made.tables(m.fetched(tmp_path, made), ["n"], MalformedRows(), lambda _d, _t: None))
    assert max(len(t) for t in tables) <= 1 << 17
    assert all(str(row) == n for t in tables for n, row in zip(*t.to_pydict().values(), strict=True))
    assert sum(len(t) for t in tables) == 300_000


def test_a_gzip_in_a_zip_is_unpacked_too(tmp_path: Path) -> None:
    data = m.zipped(a__csv__gz=gzip.compress(m.csv_bytes()))
    assert m.read_file(tmp_path, "a.zip", data, m.FIELDS) == m.EXPECTED


def test_a_member_is_chosen_by_its_path_or_its_name(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("2023/a.csv", "n\n1\n")
        archive.writestr("2024/b.csv", "n\n2\n")
        archive.writestr("2024/b.json", '[{"n": 3}]')
    for options, n in (({"member": "2023/a.csv"}, "1"), ({"member": "b.csv"}, "2"), ({"format": "json"}, "3")):
        assert m.read_file(tmp_path, "a.zip", out.getvalue(), **options)[0]["n"] == n


# --- numbers ----------------------------------------------------------------------------------


@given(st.floats(), st.floats(width=32))
def test_numbers_are_spelled_without_loss_and_without_an_exponent(double: float, single: float) -> None:
    for value, type_ in ((double, pa.float64()), (single, pa.float32())):
        (text,) = tabular.text_of(pa.array([value], type_)).to_pylist()
        if math.isnan(value):
            assert text is None
            continue
        assert pa.array([float(text)], type_)[0].as_py() == value
        assert "e" not in text
        assert not text.endswith(".0")


# --- JSON -------------------------------------------------------------------------------------


def test_numbers_keep_their_spelling_and_nested_values_have_dotted_names(tmp_path: Path) -> None:
    data = b"""{"help": "u", "result": {"total": 2, "records": [
      {"id": 12345678901234567890123, "cost": 1.50, "e": 1E5, "at": {"lat": 40.10, "tags": ["a", 1.0, {"b": null}]}},
      {"id": 2, "late": true, "at": null}]}, "more": [1, 2]}"""
    got = m.read_file(tmp_path, "a.json", data, records="result.records")
    assert got == [
        {"id": "12345678901234567890123", "cost": "1.50", "e": "1E5", "at.lat": "40.10",
         "at.tags": '["a", 1.0, {"b": null}]', "late": None, "at": None, "__row__": 1},
        {"id": "2", "cost": None, "e": None, "at.lat": None, "at.tags": None, "late": "true", "at": None, "__row__": 2},
    ]  # fmt: skip


def test_what_is_no_record_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1}, 7, null, {"a": 2}]')
    made, malformed = m.adapter("a.json"), MalformedRows()
    assert [r["a"] for r in m.rows(made, m.fetched(tmp_path, made), ["a"], malformed)] == ["1", "2"]
    assert malformed.rows == [(2, "7"), (3, "null")]


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    assert m.read_file(tmp_path, "a.json", b'[{"a": "x\\ud800"}, {"a": "y"}]')[0]["a"] == "x?"


def test_json_longer_than_the_window_is_read_whole(tmp_path: Path) -> None:
    records = [{"n": i, "text": 'é{"]' * (i % 200), "deep": {"k": i * 10**9}} for i in range(9000)]
    data = json.dumps({"meta": {"pad": "x" * 3_000_000}, "rows": records}, ensure_ascii=False).encode()
    assert len(data) > 4 << 20
    got = m.read_file(tmp_path, "a.json", data, ["n", "text", "deep.k"], records="rows")
    assert [(r["n"], r["text"] or "", r["deep.k"]) for r in got] == [
        (str(r["n"]), r["text"], str(r["deep"]["k"]))
        for r in records  # type: ignore[index]
    ]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text("abcß.", min_size=1), VALUES, min_size=1), min_size=1, max_size=5),
    st.integers(1, 40),
    st.sampled_from(["list", "lines", "path"]),
)
@example([{"a": None}], 1, "path")  # cut within 1.25, of which 1 is a number, too
def test_any_records_survive_any_cut_of_the_window(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], block: int, shape: str
) -> None:
    from etl.extract import json_records

    text = {
        "list": json.dumps(records, indent=1),
        "lines": "\n".join(json.dumps(r, ensure_ascii=False) for r in records),
        "path": json.dumps({"a": 1.25, "b": {"c": records, "d": [[]]}, "z": "}"}),
    }[shape]
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(text, encoding="utf-8")
    reader = json_records.JsonRecords(Content(path, "a.json"), "b.c" if shape == "path" else None, "utf-8", ("",))
    was, json_records.BLOCK = json_records.BLOCK, block
    try:
        names = list(reader.columns())
        got = pa.concat_tables(reader.tables(names, MalformedRows(), lambda _: None)).to_pylist()
    finally:
        json_records.BLOCK = was

    def told(value: Any) -> str | None:
        return value or None if value is None or isinstance(value, str) else json.dumps(value)

    assert [{k: row[k] for k in names} for row in got] == [{k: told(r.get(k)) for k in names} for r in records]


def test_geojson_has_a_point_for_every_shape_and_attributes_named_x_stay(tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
    features = [
        {"type": "Feature", "id": "f1", "properties": {"x": 984000, "n": {"m": 1}}, "geometry": square},
        {"type": "Feature", "id": 2, "properties": None, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": []}},
    ]
    got = m.read_file(tmp_path, "a.json", json.dumps({"features": features, "type": "FeatureCollection"}).encode())
    assert [(r["x"], r["y"]) for r in got] == [("1", "1"), (None, None), (None, None)]
    assert got[0]["attributes.x"] == "984000"
    assert (got[0]["n.m"], got[0]["id"], got[1]["id"]) == ("1", "f1", "2")
    lines = "\x1e" + "\n\x1e".join(json.dumps(f) for f in features)
    assert m.read_file(tmp_path, "b.geojsonl", lines.encode(), ["x"])[0]["x"] == "1"


def test_old_geojson_with_a_crs_is_reprojected(tmp_path: Path) -> None:
    path = tmp_path / "m.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    point = {
        "type": "Feature",
        "properties": {"a": 1},
        "geometry": {"type": "Point", "coordinates": [-8237642, 4970241]},
    }
    data = json.dumps({"type": "FeatureCollection", "crs": crs, "features": [point]}).encode()
    (row,) = m.read_file(tmp_path, path.name, data, ["x", "y"])
    assert float(row["x"]) == pytest.approx(-74.0, abs=1e-4)
    assert float(row["y"]) == pytest.approx(40.7128, abs=1e-2)


# --- workbooks --------------------------------------------------------------------------------


def _book(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    data = _book(first=[["a"], [1]], second=[["b"], [2.5]])
    assert m.read_file(tmp_path, "a.xlsx", data) == [{"a": "1", "__row__": 1}]
    assert m.read_file(tmp_path, "b.xlsx", data, sheet="second") == [{"b": "2.5", "__row__": 1}]


def test_cells_keep_their_value(tmp_path: Path) -> None:
    day, moment = dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5, 678000)
    data = _book(s=[
        ["n", "day", "moment", None, "mixed"],
        [12345678901234, day, moment, "no name", 1],
        [None, None, None, None, None],
        [0.1, day, day, None, "x"],
        [-1, None, None, None, dt.time(8, 15)],
    ])  # fmt: skip
    got = m.read_file(tmp_path, "a.xlsx", data)
    assert got == [
        {"n": "12345678901234", "day": "2024-01-02", "moment": "2024-01-02T03:04:05.678", "mixed": "1", "__row__": 1},
        {"n": "0.1", "day": "2024-01-02", "moment": "2024-01-02T00:00:00", "mixed": "x", "__row__": 2},
        {"n": "-1", "day": None, "moment": None, "mixed": "08:15:00", "__row__": 3},
    ]


ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Mai">
<table:table-row><table:table-cell office:value-type="string"><text:p>id</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>opened</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>
<table:table-cell office:value-type="date" office:date-value="2024-03-10T09:30:15"><text:p>x</text:p></table:table-cell>
</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"""


def test_an_opendocument_sheet_is_a_workbook_and_no_archive(tmp_path: Path) -> None:
    out = io.BytesIO()
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.replace("\n", ""))
        archive.writestr("META-INF/manifest.xml", manifest)
    for name in ("a.ods", "export"):
        assert m.read_file(tmp_path, name, out.getvalue(), sheet="Mai") == [
            {"id": "7", "opened": "2024-03-10T09:30:15", "__row__": 1}
        ]


# --- Parquet ----------------------------------------------------------------------------------


def test_parquet_types_as_text(tmp_path: Path) -> None:
    from decimal import Decimal

    moment = dt.datetime(2024, 5, 1, 9, 30, 0, 120000)
    table = pa.table({
        "zoned": pa.array([moment, None], pa.timestamp("us", "America/New_York")),
        "naive": pa.array([moment, None], pa.timestamp("ns")),
        "day": pa.array([dt.date(2024, 5, 1), None]),
        "money": pa.array([Decimal("1.50"), None]),
        "single": pa.array([0.1, float("nan")], pa.float32()),
        "big": pa.array([12345678901234.0, 1e22]),
        "word": pa.array(["a", None]).dictionary_encode(),
        "place": pa.array([{"lat": 1.5, "in": {"zip": "01"}}, None]),
        "tags": pa.array([["a", "b"], None]),
        "a.b": pa.array([1, 2]),
    })  # fmt: skip
    out = io.BytesIO()
    pq.write_table(table, out)
    first, second = m.read_file(tmp_path, "a.parquet", out.getvalue())
    assert first == {
        "zoned": "2024-05-01T09:30:00.12Z", "naive": "2024-05-01T09:30:00.12", "day": "2024-05-01", "money": "1.50",
        "single": "0.1", "big": "12345678901234", "word": "a", "place.lat": "1.5", "place.in.zip": "01",
        "tags": '["a", "b"]', "a.b": "1", "__row__": 1,
    }  # fmt: skip
    assert {k for k, v in second.items() if v is not None} == {"big", "a.b", "__row__"}
    assert second["big"] == "10000000000000000000000"


def test_row_numbers_run_through_row_groups(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(200_000))}), out, row_group_size=30_000)
    got = m.read_file(tmp_path, "a.parquet", out.getvalue())
    assert [r["__row__"] for r in got] == list(range(1, 200_001))
    assert got[-1]["n"] == "199999"


# --- geometries -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpkg", "parquet", "shp", "shp.zip"])
def test_other_crs_are_reprojected(tmp_path: Path, kind: str) -> None:
    source = m.frame("EPSG:2263").drop(columns=["opened"])
    if kind == "gpkg":
        source.to_file(tmp_path / "p.gpkg")
    elif kind == "parquet":
        source.to_parquet(tmp_path / "p.parquet")
    else:
        source.to_file(tmp_path / "p.shp")
    if kind == "shp.zip":
        with zipfile.ZipFile(tmp_path / "p.shp.zip", "w") as archive:
            for path in tmp_path.glob("p.*"):
                if path.suffix != ".zip":
                    archive.write(path, f"deep/{path.name.replace('.dbf', '.DBF')}")
    made = m.adapter(f"p.{kind}")
    copy = m.fetched(tmp_path, made)
    assert [part.name.rpartition(".")[2] for part in copy.parts] == (
        ["shp", "shx", "dbf", "prj", "cpg"] if kind == "shp" else [kind.rpartition(".")[2]]
    )
    got = m.rows(made, copy, ["id", "status", "x", "y"])
    assert [(r["id"], r["status"]) for r in got] == [(r["id"], r["status"]) for r in m.EXPECTED]
    for row, expected in zip(got, m.EXPECTED, strict=True):
        assert float(row["x"]) == pytest.approx(float(str(expected["x"])), abs=1e-8)
        assert float(row["y"]) == pytest.approx(float(str(expected["y"])), abs=1e-8)


def test_polygons_get_a_point_on_them_and_nothing_stays_nothing(tmp_path: Path) -> None:
    source = m.frame()
    horseshoe = shapely.from_wkt("POLYGON((0 0, 10 0, 10 10, 9 10, 9 1, 1 1, 1 10, 0 10, 0 0))")
    source = source.set_geometry([horseshoe, None, shapely.Point(), shapely.MultiPoint([(3, 4)])], crs="EPSG:4326")
    source.to_parquet(tmp_path / "a.parquet")
    made = m.adapter("a.parquet")
    got = m.rows(made, m.fetched(tmp_path, made), ["x", "y"])
    assert shapely.contains_xy(horseshoe, float(got[0]["x"]), float(got[0]["y"]))
    assert [(r["x"], r["y"]) for r in got[1:]] == [(None, None), (None, None), ("3", "4")]


def test_moments_of_a_geopackage_keep_their_zone(tmp_path: Path) -> None:
    import pandas as pd

    source = m.frame().head(2)
    source["zoned"] = pd.to_datetime(["2024-01-01T10:00:00Z", "2024-06-01T10:00:00.5Z"], format="ISO8601")
    source["zoned"] = source["zoned"].dt.tz_convert("America/New_York")
    source.to_file(tmp_path / "a.gpkg")
    made = m.adapter("a.gpkg")
    got = m.rows(made, m.fetched(tmp_path, made), ["zoned"])
    assert [r["zoned"] for r in got] == ["2024-01-01T10:00:00Z", "2024-06-01T10:00:00.5Z"]
