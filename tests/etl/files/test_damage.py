"""Whatever happens to a file on its way, it is read or refused in one line; nothing else ever escapes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.config.connections import FileConnection
from etl.errors import EtlError
from etl.extract.files import MalformedRows
from etl.extract.formats import open_table
from tests.etl.files import making as m


def _shape(folder: Path) -> bytes:
    m.frame().drop(columns="opened").to_file(folder / "a.shp")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.glob("a.*")):
            archive.write(path, path.name)
    return out.getvalue()


MAKERS: dict[str, Callable[[Path], bytes]] = {
    "a.csv": lambda _: m.csv_bytes(),
    "a.csv.gz": lambda _: m.pack("a.csv", m.csv_bytes(), "gz")[1],
    "a.zip": lambda _: m.pack("a.csv", m.csv_bytes(), "zip")[1],
    "a.json": lambda _: m.json_bytes(),
    "a.geojson": lambda _: m.geojson_bytes(),
    "a.xlsx": lambda _: m.xlsx_bytes(),
    "a.parquet": lambda _: m.geoparquet_bytes(),
    "a.gpkg": m.geopackage_bytes,
    "shape.zip": _shape,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of each format."""
    return {name: maker(tmp_path_factory.mktemp("whole")) for name, maker in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, whole: dict[str, bytes], name: str, data: st.DataObject
) -> None:
    body = bytearray(whole[name])
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body) - 1)) :]
    path = tmp_path / name
    path.write_bytes(body)
    try:
        table = open_table(path, "the file", FileConnection(path=name), ("",))
        columns = list(table.columns())
        sizes = [len(t) for t in table.tables(columns, MalformedRows(), lambda _done: None)]
        assert sum(sizes) <= 100
    except EtlError as error:
        text = str(error)
        assert "\n" not in text
        assert text.startswith("the file: ")
        assert str(tmp_path) not in text
