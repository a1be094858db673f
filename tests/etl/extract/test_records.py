"""Records as text: nothing rounded, nothing renamed, nothing lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from etl.errors import MappingError, SourceError
from etl.extract import records
from etl.extract.files import MalformedRows
from etl.extract.raw import RawArchive, RawCopy
from tests.etl.extract.support import NOW

BODY = b"""[
 {"id": 123456789012345678901234567890, "lat": 42.10, "big": 1E5, "nan": NaN, "yes": true, "no": false,
  "place": {"street": "Main", "point": [-71.50, {"z": 1.0}]}, "blank": "", "dotted.name": "x"},
 {"id": "N/A", "place": null}
]"""


def copy_of(folder: Path) -> RawCopy:
    writer = RawArchive(folder).begin("calls", "test", "key", NOW)
    rows = records.parse_json(BODY)
    records.add_part(writer, "about.json", b"{}", {})
    for number in (1, 2):
        note = {"rows": len(rows), "columns": records.names_in(rows)}
        records.add_part(writer, f"page-{number}.json", BODY, note)
    return writer.finish(whole=True, columns=records.columns_of(writer.parts, {"stated": "number"}))


def test_values_are_the_very_text_of_the_source(tmp_path: Path) -> None:
    copy = copy_of(tmp_path)
    wanted = [
        "id",
        "lat",
        "big",
        "nan",
        "yes",
        "no",
        "place.street",
        "place.point",
        "place.point.0",
        "blank",
        "dotted.name",
        "stated",
    ]
    first, second = records.Paged(("", "N/A")).tables(copy, wanted, MalformedRows(), lambda _d, _t: None)
    assert [first.column(name)[0].as_py() for name in wanted] == [
        "123456789012345678901234567890", "42.10", "1E5", None, "true", "false",
        "Main", '[-71.50,{"z":1.0}]', "-71.50", None, "x", None,
    ]  # fmt: skip
    assert [first.column(name)[1].as_py() for name in wanted] == [None] * len(wanted)
    assert second.column("__row__").to_pylist() == [3, 4]


def test_the_same_body_has_the_same_checksum(tmp_path: Path) -> None:
    assert copy_of(tmp_path / "a").sha256 == copy_of(tmp_path / "b").sha256


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"calls: columns 'a', 'b\.c' are missing; the source has stated, id, lat"):
        records.require(copy_of(tmp_path), ["id", "a", "place.point.1", "b.c"])


def test_a_damaged_part_is_said(tmp_path: Path) -> None:
    copy = copy_of(tmp_path)
    path = copy.path(copy.parts[1])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match="damaged; restore it from a backup"):
        list(records.Paged(()).tables(copy, ["id"], MalformedRows(), lambda _d, _t: None))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.678Z", dt.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC)),
        ("2026-01-02 03:04", dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)),
        ("2026-01-02", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        ("2026-01-02T03:04:05-0800", dt.datetime(2026, 1, 2, 11, 4, 5, tzinfo=dt.UTC)),
        ("01/02/2026", None),
        ("2026-13-02", None),
        (None, None),
    ],
)
def test_moments(text: str | None, moment: dt.datetime | None) -> None:
    assert records.moment(text) == moment
