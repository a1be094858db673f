"""Every table in every format: the same rows, read by the programs that people use, and what the file says of itself."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from portal.expressions import tree, written
from portal.files import mapped, sheets
from portal.files.forms import FORMS
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import MAX_LONG_CHARS
from portal.tables import tables
from tests.portal.expressions.trees import conditions

ROWS = tuple(form for form in FORMS if form != "txt")


def fetched(client: TestClient, path: Path, table: str, form: str, **params: str) -> Path:
    answer = client.get(f"/download/{table}.{form}", params=params)
    assert answer.status_code == 200, answer.text
    path.mkdir(exist_ok=True)
    file = path / f"{table}.{form}"
    file.write_bytes(answer.content)
    return file


def read(file: Path, form: str, table: str) -> list[dict[str, Any]]:
    """The rows by a reader that is not ours; names as in the file, a Shapefile's as in its fields.csv."""
    if form == "csv":
        return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    if form == "jsonl":
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    if form == "parquet":
        return pq.read_table(file).to_pylist()
    if form == "xlsx":
        names, *values = CalamineWorkbook.from_path(file).get_sheet_by_name(table[:31]).to_python()
        return [dict(zip(names, row, strict=True)) for row in values]
    if form == "gpkg" and not pyogrio.read_info(file, layer=table)["geometry_type"]:
        frame = pyogrio.read_dataframe(file, layer=table)
    else:
        frame = geopandas.read_file(file, **({"layer": table} if form == "gpkg" else {}))
    if form == "shp.zip":
        named = csv.reader(io.StringIO(zipfile.ZipFile(file).read("fields.csv").decode()))
        frame = frame.rename(columns=dict(named))
    return list(frame.to_dict("records"))


def told(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None or value is pd.NaT or value != value:
        return ""
    return str(value)


@pytest.mark.parametrize("form", ROWS)
def test_every_table_in_every_format(client: TestClient, release: Release, tmp_path: Path, form: str) -> None:
    for name, table in tables(release).items():
        if FORMS[form].mapped and table.geometry is None:
            answer = client.get(f"/download/{name}.{form}")
            assert answer.status_code == 400 and "no geometry" in answer.json()["detail"]
            continue
        found = read(fetched(client, tmp_path / form, name, form), form, name)
        texts = [field for field in table.fields if table.types[field].startswith(("VARCHAR", "ENUM"))]
        columns = ", ".join(f'"{field}"::VARCHAR' for field in texts)
        expected = release.query(f'SELECT {columns} FROM "{name}" ORDER BY rowid')
        assert len(found) == len(expected), name
        if form != "fgb":  # which sorts by place where it has an index
            for row, values in zip(found, expected, strict=True):
                for field, value in zip(texts, values, strict=True):
                    text = told(row, field).removeprefix("'") if form == "csv" else told(row, field)
                    assert text == (value or "").removeprefix("'" if form == "csv" else "\0"), (name, field)
        if table.geometry and form not in ("csv", "jsonl", "xlsx", "parquet"):
            frame = geopandas.read_file(
                tmp_path / form / f"{name}.{form}", **({"layer": name} if form == "gpkg" else {})
            )
            assert frame.crs.to_epsg() == 4326
            there = "lat" if table.geometry.point else "geom_4326"
            ((n,),) = release.query(f'SELECT count({there}) FROM "{name}"')
            assert frame.geometry.notna().sum() == n
            assert frame.geometry.dropna().is_valid.all()


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_a_condition_gives_the_same_rows_in_every_format(
    few_client: TestClient, few: Release, tmp_path: Path, condition: tree.Condition
) -> None:
    said = written.text(condition)
    assume(len(said) < MAX_LONG_CHARS)
    where, params = Selection(filter=Filter.made(condition, few)).where()
    expected = sorted(few.query(f"SELECT service_request_id FROM requests WHERE {where}", params))
    for form in ROWS:
        file = fetched(few_client, tmp_path / form, "requests", form, filter=said)
        found = read(file, form, "requests") if expected or form not in ("fgb", "shp.zip", "gpkg", "geojsons") else []
        assert sorted((row["service_request_id"].removeprefix("'" if form == "csv" else "\0"),) for row in found) == [
            (name.removeprefix("'" if form == "csv" else "\0"),) for (name,) in expected
        ], form


def test_a_file_says_what_it_is(client: TestClient, release: Release, tmp_path: Path) -> None:
    given = {"status": "open"}
    files = {form: fetched(client, tmp_path, "requests", form, **given) for form in ROWS}
    facts = {
        "geojson": files["geojson"].read_text(),
        "parquet": pq.read_schema(files["parquet"]).metadata[b"openward"].decode(),
        "fgb": pyogrio.read_info(files["fgb"])["layer_metadata"]["DESCRIPTION"],
        "shp.zip": zipfile.ZipFile(files["shp.zip"]).read("README.txt").decode(),
        "gpkg": "".join(
            pyogrio.read_dataframe(files["gpkg"], layer=layer).to_json()
            for layer in ("openward_about", "openward_dictionary", "openward_exclusions")
        ),
        "xlsx": "".join(
            str(list(load_workbook(files["xlsx"])[sheet].values)) for sheet in ("about", "dictionary", "exclusions")
        ),
    }
    for form in ("csv", "jsonl", "geojsons"):
        link = client.head(f"/download/requests.{form}", params=given).headers["link"]
        (address,) = [part.partition(">")[0].strip(" <") for part in link.split(",") if 'rel="about"' in part]
        facts[form] = client.get(address).text
    description = next(f.description for f in tables(release)["requests"].schema if f.name == "outcome")
    reason = release.query("SELECT reason FROM exclusions LIMIT 1")[0][0]
    for form, text in facts.items():
        assert release.id in text and "status=open" in text.replace("\\/", "/"), form
        assert description[:40] in text and reason in text, form
        licence = release.city.license
        assert (licence.path or licence.title or licence.name).replace("/", "\\/") in text.replace("\\/", "/").replace(
            "/", "\\/"
        )


def test_json_sequences_are_of_rfc_8142(client: TestClient) -> None:
    answer = client.get("/download/requests.geojsons?status=open")
    assert answer.headers["content-type"] == "application/geo+json-seq"
    records = answer.content.split(b"\x1e")
    assert records[0] == b"" and len(records) > 10
    assert all(record.endswith(b"\n") and json.loads(record)["type"] == "Feature" for record in records[1:])


def test_names_in_a_shapefile_are_each_its_own(release: Release) -> None:
    for table in tables(release).values():
        short = mapped.short_names(table.fields)
        assert list(short) == list(table.fields)
        assert len({name.lower() for name in short.values()}) == len(short)
        assert all(len(name) <= 10 for name in short.values())
    many = tuple(f"requested_time_{i}" for i in range(120))
    assert len(set(mapped.short_names(many).values())) == 120


def test_limits_are_said_before_anything_is_made(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 20)
    monkeypatch.setattr(mapped, "SHAPE_BYTES", 20_000)
    for form, said in (("xlsx", "at most 20 rows"), ("shp.zip", "at most 2 GB")):
        answer = client.get(f"/download/requests.{form}?status=open&x=limits&to=2024-11-11")
        assert (
            answer.status_code == 400 and said in answer.json()["detail"] and "select fewer" in answer.json()["detail"]
        )
        assert client.head(f"/download/requests.{form}?status=open&to=2024-11-11").status_code == 400


def test_no_cell_of_a_workbook_is_a_formula(client: TestClient, tmp_path: Path) -> None:
    file = fetched(client, tmp_path, "requests", "xlsx", service="=heating")
    sheet = load_workbook(file)["requests"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert "=heating" in {cell.value for cell in cells} and {cell.data_type for cell in cells} <= {
        "s",
        "n",
        "b",
        "d",
        "inlineStr",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("requests.docx", 400), ("requests.csv.bz2", 400), ("requests.gpkg.gz", 400), ("requests.csv?compress=br", 400),
        ("requests.parquet?compress=gzip", 400), ("nothing.csv", 404), ("areas.csv?status=open", 400),
        ("areas.csv?filter=nothing%20%3D%201", 400), ("areas.csv?filter=%28%28%28", 400), ("areas.csv?filter=" + "%28" * 3000, 400),
        ("requests.csv?filter=" + "NOT%20" * 800 + "TRUE", 400), ("serve.duckdb", 400), ("..%2frequests.csv", 404),
        ("requests." + "x" * 5000, 400), ("meta.csv", 404), ("request_numbers.csv", 404),
    ],
)  # fmt: skip
def test_what_is_not_to_be_had(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/download/{path}")
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", answer.text
    assert len(answer.text) < 1000


def test_a_table_narrowed_by_a_condition(client: TestClient, release: Release) -> None:
    asked = {"filter": "layer = 'district' AND area <> '1'"}
    found = client.get("/download/areas.geojson", params=asked).json()
    where = "layer = 'district' AND area <> '1'"
    assert len(found["features"]) == release.query(f"SELECT count(*) FROM areas WHERE {where}")[0][0] > 0
    assert "filter=" in found["query"]
    assert "selection" in client.head("/download/areas.csv", params=asked).headers["content-disposition"]
