"""Delimited files: what is read, and the one line for each way of not being one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from etl.errors import EtlError, MappingError, SourceError
from etl.extract.files import MAX_HEADER_BYTES, ROW_NUMBER, MalformedRows, open_delimited


def _read(path: Path, columns: list[str], **options: str) -> tuple[list[dict[str, object]], MalformedRows]:
    malformed = MalformedRows()
    rows: list[dict[str, object]] = []
    for chunk in open_delimited(path, **options).chunks(columns, malformed):
        rows += chunk.to_pylist()
    return rows, malformed


@pytest.mark.parametrize("packed", [False, True])
def test_rows_are_text_numbered_from_one_whatever_the_name_says(tmp_path: Path, packed: bool) -> None:
    text = '\ufeffa,b,c\n1,"x, ""y""\nz",\n2,NA,é\n'.encode()
    path = tmp_path / "rows.txt"
    path.write_bytes(gzip.compress(text) if packed else text)
    rows, malformed = _read(path, ["b", "a"], null_values=("", "NA"))  # type: ignore[arg-type]
    assert rows == [{"b": 'x, "y"\nz', "a": "1", ROW_NUMBER: 1}, {"b": None, "a": "2", ROW_NUMBER: 2}]
    assert not malformed.rows


def test_rows_with_another_number_of_fields_are_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    rows, malformed = _read(path, ["a"])
    assert [row["a"] for row in rows] == ["1", "7"]
    assert [text for _, text in malformed.rows] == ["3", "4,5,6"]


def test_other_encodings_and_delimiters_are_read_when_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("näme;b\nMüller;1\n".encode("cp1252"))
    rows, _ = _read(path, ["näme"], encoding="cp1252", delimiter=";")
    assert rows[0]["näme"] == "Müller"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"  \n \n", "nothing but blanks"),
        (b"a,b\n", "header and no records"),
        (b"a,b", "header and no records"),
        (b"a,a\n1,2\n", "'a' appears more than once"),
        (bytes(range(256)) * 100, "binary data"),
        (b"PK\x03\x04rest", "zip archive or an Excel workbook"),
        (b"PAR1rest", "a Parquet file"),
        (b"x" * (MAX_HEADER_BYTES + 10), "line 1 is longer than 1 MB"),
        (b"a,b\n" + b"x" * (40 << 20), "a record is longer than 16 MB"),
        (b"a,b\n1,2\ncaf\xe9,3\n", "not valid UTF-8"),
        (b"a,b\n1,2\ncaf\xe9", "not valid UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "binary data"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)[:-200], "damaged or cut short|Truncated"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told) as caught:
        _read(path, ["a"])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_missing_column_is_named_with_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(MappingError, match=r"columns 'x', 'y' are missing; the file has a, b"):
        _read(path, ["a", "x", "y"])


@pytest.mark.parametrize(("name", "told"), [("none.csv", "cannot be read"), (".", "is a folder")])
def test_a_path_that_is_no_file_is_told(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(EtlError, match=told):
        open_delimited(tmp_path / name)
