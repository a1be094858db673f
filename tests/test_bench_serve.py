"""The benchmark of pages and tiles tells each page and each tile layer, and forgets nothing of its own afterwards."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

import openward
from portal import queries
from tests.release_factory import build_release


def test_the_command_tells_pages_tiles_and_memory(tmp_path: Path) -> None:
    build_release(tmp_path, rows=2000)
    before = {name: getattr(queries, name) for name in queries.__all__}
    result = CliRunner().invoke(openward.main, ["bench", "serve", str(tmp_path / "releases"), "--repeat", "1"])
    assert result.exit_code == 0, result.output
    lines = {line[:30].strip(): line[30:].split() for line in result.output.splitlines()}
    for name in ("/", "/map", "/areas/district", "tiles requests 9", "tiles areas-district 18", "tiles basemap 12"):
        data_p50, data_p95, p50, p95, most, cpu = (float(figure) for figure in lines[name][:6])
        assert 0 < data_p50 <= data_p95 <= most and p50 <= p95 <= most and cpu >= 0, name
    assert "data of all pages: p95" in result.output and "all tiles: p95" in result.output
    assert {name: getattr(queries, name) for name in queries.__all__} == before
