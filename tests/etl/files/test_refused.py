"""Every way in which a file can be wrong: one line that says what, where and what to do."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.errors import SourceError
from etl.extract import json_records, packed, workbook
from etl.extract.packed import Content, unwrap
from etl.extract.source import Known
from tests.etl.files import making as m


def _xlsx(*lines: list[Any]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(out)
    return out.getvalue()


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _locked() -> bytes:
    """What an encrypted workbook looks like: an OLE file with the stream EncryptedPackage."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 1000 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 500


def _locked_zip() -> bytes:
    data = bytearray(m.zipped(a__csv=b"a\n1\n"))
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(start) + offset
        data[at] |= 1
    return bytes(data)


def _stored(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


GZIPPED = gzip.compress(
    b"a,b\n" + b"".join(hashlib.sha256(bytes([i])).hexdigest().encode() for i in range(99)) + b",2\n" * 50
)
WRONG: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("a.csv.gz", gzip.compress(b""), {}, "is empty"),
    ("a.csv.gz", GZIPPED[:-600], {}, "gzip data are damaged or cut short"),
    ("a.csv.gz", gzip.compress(gzip.compress(b"a\n1\n")), {}, "gzip twice"),
    ("a.csv", b"\n <!DOCTYPE html><table>", {}, "is a web page"),
    ("a.xls", b"<html><table>", {}, "is a web page"),
    ("a.csv", b"a,b\n", {}, "header and no records"),
    ("a.csv", bytes(range(256)) * 100, {}, "binary data"),
    ("a.csv", b"a\n1\n", {"member": "b.csv"}, "is no zip archive, yet 'member'"),
    ("a.csv", b"a\n1\n", {"format": "parquet"}, "is not a Parquet file"),
    ("a.csv", b"a\n1\n", {"format": "excel"}, "is not a workbook"),
    ("a.csv", b"a\n1\n", {"format": "geopackage"}, "is not a geopackage"),
    ("a.csv", b"a\n1\n", {"format": "shapefile"}, "is not a shapefile"),
    ("a.csv", b"a\n1\n", {"format": "json"}, "is not valid JSON near character 1 "),
    ("a.parquet", b"\x00garbage" * 99, {}, "is not a Parquet file, or a damaged one"),
    ("a.parquet", m.parquet_bytes()[:-500], {}, "is not a Parquet file, or a damaged one"),
    ("a.parquet", _parquet(pa.table({"a": pa.array([], pa.int64())})), {}, "header and no records"),
    ("a.xlsx", b"\x00garbage" * 99, {}, "is not a workbook that can be read"),
    ("a.xlsx", m.xlsx_bytes()[:-300], {}, "damaged"),
    ("a.xlsx", _locked(), {}, "protected by a password"),
    ("a.xlsx", m.xlsx_bytes(), {"sheet": "May"}, "no sheet 'May'; it has 'Requests', 'Notes'"),
    ("a.xlsx", _xlsx(), {}, "sheet is empty"),
    ("a.xlsx", _xlsx(["a", "b"]), {}, "header and no records"),
    ("a.xlsx", _xlsx(["a", "a"], [1, 2]), {}, "column 'a' appears more than once"),
    ("a.zip", m.zipped(), {}, "is an empty zip archive"),
    ("a.zip", m.zipped(a__csv=b""), {}, "'a.csv' is empty"),
    ("a.zip", m.zipped(a__csv=b"a\n1\n", b__csv=b"a\n1\n"), {}, "several tables; set 'member' .* 'a.csv', 'b.csv'"),
    ("a.zip", m.zipped(a__csv=b"a\n1\n"), {"member": "c.csv"}, "no member 'c.csv'; it holds 'a.csv'"),
    ("a.zip", m.zipped(a__pdf=b"x", b__doc=b"y"), {}, "none of its members is a table; it holds 'a.pdf', 'b.doc'"),
    ("a.zip", m.zipped(a__csv=m.zipped(b__csv=b"a\n1\n")), {}, "archive in an archive"),
    ("a.zip", m.zipped(a__csv=b"a,b\n" * 999)[:-40], {}, "zip data are damaged"),
    ("a.zip", _stored(a__csv=b"a,b\n1,2\n").replace(b"1,2", b"1,3"), {}, "zip data are damaged"),
    ("a.zip", _locked_zip(), {}, "'a.csv' is protected by a password"),
    ("a.json", b" \n ", {}, "nothing but blanks"),
    ("a.json", b"[]", {}, "holds no records"),
    ("a.json", b'[{"a": 1}, {"a": ', {}, "breaks off in the middle"),
    ("a.json", b'[{"a": 1}, {"a": 2}', {}, "breaks off in the middle"),
    ("a.json", b'{"r": [{"a": 1}]', {"records": "r"}, "breaks off in the middle"),
    ("a.json", b'[{"a": 1}, {"a" 2}]', {}, "not valid JSON near character"),
    ("a.json", b'[{"a": 1}] more', {}, "not valid JSON near character 12"),
    ("a.json", b'[{"a": "caf\xe9"}]', {}, "not valid UTF-8"),
    ("a.json", b'[{"a": ' + b"[" * 940 + b"]" * 940 + b"}]", {}, "record 1 is nested too deeply"),
    ("a.parquet", _parquet(pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"])), {}, "'a' appears more than"),
    ("a.json", b"[" * 200_000, {"format": "json"}, "nested too deeply|breaks off"),
    (
        "a.json",
        b'{"meta": 1, "result": {"records": [{"a": 1}]}}',
        {},
        "set 'records' of the source to 'result.records'",
    ),
    ("a.json", b'{"meta": 1, "result": {"rows": 1}}', {"records": "result.records"}, "has no 'result.records'.*rows"),
    ("a.json", b'{"meta": 1, "result": {}}', {"records": "data"}, "has no 'data'; it holds meta, result"),
    ("a.json", b'{"meta": 1}', {"records": "meta.x"}, "'meta' is no object"),
    ("a.json", b'{"meta": {"a": 1}}', {"records": "meta"}, "'meta' is no list"),
    ("a.json", b'[{"a": 1}]', {"records": "result"}, "is itself a list of records; remove 'records'"),
    ("a.json", b'[{"a": 1}]', {"encoding": "klingon"}, "'klingon' is not an encoding"),
    ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 4000, {}, "damaged geopackage|no layer"),
    ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 200, {}, "there is no .dbf beside it"),
]


@pytest.mark.parametrize(
    ("name", "data", "options", "told"), WRONG, ids=[f"{name}: {told}" for name, _, _, told in WRONG]
)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path, name: str, data: bytes, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        m.read_file(tmp_path, name, data, **options)
    text = str(caught.value)
    assert text.startswith(f"{name}: ")
    assert "\n" not in text
    assert str(tmp_path) not in text, "the user does not know the raw copy"
    assert len(text) < 400


def test_a_layer_is_chosen_by_name_and_another_is_told(tmp_path: Path) -> None:
    data = m.geopackage_bytes(tmp_path)
    assert len(m.read_file(tmp_path, "a.gpkg", data, ["id"], sheet="requests")) == 4
    with pytest.raises(SourceError, match=r"^a\.gpkg: has no layer 'May'; it has 'requests'$"):
        m.read_file(tmp_path, "a.gpkg", data, ["id"], sheet="May")


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("name", ["a.parquet", "a.shp"])
def test_a_missing_crs_matters_only_where_the_point_is_asked_for(tmp_path: Path, name: str) -> None:
    source = m.frame(None).drop(columns="opened")
    source.to_parquet(tmp_path / name) if name.endswith("parquet") else source.to_file(tmp_path / name)
    made = m.adapter(name)
    copy = m.fetched(tmp_path, made)
    assert [r["id"] for r in m.rows(made, copy, ["id"])] == [r["id"] for r in m.EXPECTED]
    with pytest.raises(SourceError, match=rf"^{name}: does not say in which CRS its coordinates are"):
        m.rows(made, copy, ["x"])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("none.csv", "none.csv: cannot be read (No such file or directory); check the path and its permissions"),
        ("folder", "folder: is a folder; give the path of a file"),
        ("empty.csv", "empty.csv: is empty; there is nothing to load"),
        ("a\x00b", "a\x00b: cannot be read (not a path); check the path and its permissions"),
    ],
)
def test_a_path_that_is_no_file_is_told_before_anything_is_copied(tmp_path: Path, path: str, told: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SourceError, match=f"^{re.escape(told)}$"):
        m.adapter(path).fetch(Known(), m.fetching(tmp_path))
    assert not (tmp_path / "raw").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(SourceError, match=r"a\.csv: cannot be read \(Permission denied\)"):
        m.adapter("a.csv").fetch(Known(), m.fetching(tmp_path))


def test_a_source_without_a_path_says_how_to_give_one(tmp_path: Path) -> None:
    from etl.config.connections import FileConnection
    from etl.extract.file_source import FileAdapter

    with pytest.raises(SourceError, match=r"requests: the source has no path; .* --input requests=FILE"):
        FileAdapter(FileConnection(), ()).fetch(Known(), m.fetching(tmp_path))


# --- what an archive must not do --------------------------------------------------------------


def test_a_member_that_unpacks_to_far_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MIN_LIMIT", 1 << 20)
    with pytest.raises(SourceError, match=r"'a\.csv' unpacks to 3 MB, more than 200 times the archive's size"):
        m.read_file(tmp_path, "a.zip", m.zipped(a__csv=b"a,b\n" + b"0,0\n" * (3 << 18)))


@pytest.mark.parametrize("packing", ["gz", "gz in zip", "lying zip"])
def test_a_bomb_that_does_not_state_its_size_is_stopped_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str
) -> None:
    monkeypatch.setattr(packed, "MIN_LIMIT", 1 << 20)
    bomb = gzip.compress(b"a,b\n" + b"0,0\n" * (3 << 18))
    if packing == "gz":
        name, data = "a.csv.gz", bomb
    elif packing == "gz in zip":
        name, data = "a.zip", m.zipped(a__csv__gz=bomb)
    else:
        name, data = "a.zip", _lying(m.zipped(a__csv=b"a,b\n" + b"0,0\n" * (3 << 18)))
    with pytest.raises(SourceError, match=r"more than 200 times|damaged or cut short"):
        m.read_file(tmp_path, name, data)


def _lying(data: bytes) -> bytes:
    """A zip whose directory states 100 bytes for each of its members."""
    made = bytearray(data)
    at = made.index(b"PK\x01\x02") + 24
    made[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(made)


def test_names_in_an_archive_are_never_paths(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../../evil.parquet", m.parquet_bytes())
    before = {p for p in tmp_path.parent.rglob("*") if "evil" in p.name}
    assert m.read_file(tmp_path, "a.zip", out.getvalue(), m.FIELDS) == m.EXPECTED
    assert {p for p in tmp_path.parent.rglob("*") if "evil" in p.name} == before


def test_what_was_unpacked_is_deleted_even_when_the_reader_stops_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(m.parquet_bytes()))
    with unwrap(tmp_path / "a.parquet.gz", "a", member=None).unpacked() as path:
        assert path.is_relative_to(scratch)
    assert list(scratch.iterdir()) == []


def test_a_stray_cell_far_away_is_refused_before_memory_is_reserved(tmp_path: Path) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "a"
    book.active["ZZ1000000"] = 1
    book.save(out)
    with pytest.raises(SourceError, match="spans more than 64,000,000 cells"):
        m.read_file(tmp_path, "a.xlsx", out.getvalue())
    assert workbook.MAX_CELLS == 64_000_000


def test_one_huge_object_is_not_taken_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_RECORD", 1 << 20)
    data = json.dumps({"result": [{"n": i, "text": "x" * 100} for i in range(40_000)]}).encode()
    with pytest.raises(SourceError, match="longer than 1 MB and no list of records; set 'records'"):
        m.read_file(tmp_path, "a.json", data)
    assert len(m.read_file(tmp_path, "a.json", data, ["n"], records="result")) == 40_000


def test_contents_compare_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert unwrap(tmp_path / "a.csv", "a.csv", member=None) == Content(tmp_path / "a.csv", "a.csv")
