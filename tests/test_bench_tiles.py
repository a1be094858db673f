"""The benchmark of tiles: what it tells, and that it would notice a maker whose tiles are others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import openward
from etl.errors import StoreError
from etl.tiles_in_postgis import statement, tiles_in_postgis
from geo.tiles import Tile
from portal import request_tiles
from portal.bench_draws import places, random_selection, random_tile
from portal.bench_tile_agreement import difference, told
from portal.bench_tiles import ZOOMS, Timed, bench_tiles, rows_for_rival
from portal.release import Release, Releases
from portal.tiles import tile
from tests.portal.tile_points import within
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release with requests at one place, and with some that have none."""
    root = tmp_path_factory.mktemp("tiles")
    build_release(root, rows=20_000)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


def test_the_command_tells_each_zoom_and_what_visitors_get(release: Release) -> None:
    folder = str(release.folder.parent)
    asked = ["bench", "tiles", folder, "--repeat", "2", "--clients", "2", "--workers", "1", "--seconds", "1"]
    result = CliRunner().invoke(openward.main, asked)
    assert result.exit_code == 0, result.output
    lines = {line[:12].strip(): line[12:].split() for line in result.output.splitlines()}
    for name in (*(f"zoom {z}" for z in ZOOMS), "all"):
        p50, p95, most, cpu, size, passed = lines[name]
        assert 0 < float(p50) <= float(p95) <= float(most) and float(cpu) >= 0 and size.replace(",", "").isdigit()
        assert passed == ("pass" if float(p95) <= 25 else "FAIL")
    assert "tiles, " in result.output and "on the wire" in result.output and "PostGIS" not in result.output


def test_a_slow_tile_fails_and_so_does_a_heavy_one() -> None:
    quick = Timed("zoom 9", [5.0] * 20, [1000], [5.0])
    assert quick.line(25.0).endswith("pass")
    assert Timed("zoom 9", [5.0] * 18 + [26.0] * 2, [1000], [5.0]).line(25.0).endswith("FAIL")
    assert Timed("zoom 9", [5.0] * 20, [500_001], [5.0]).line(25.0).endswith("FAIL")
    beside = Timed("zoom 9", [5.0], [1], [5.0], [(5.0, 50.0)])
    assert beside.beside().split()[-2:] == ["10.0", "same"]
    beside.differences.append("1 request here, 2 there")
    assert beside.beside().endswith("DIFFERENT TILES")


@pytest.mark.parametrize("z", [9, 13, 16, 17, 19])
def test_what_a_tile_tells_is_read_as_another_decoder_reads_it(release: Release, z: int) -> None:
    rng = random.Random(z)  # noqa: S311 - nothing secret
    for _ in range(10):
        place = random_tile(places(release, 1), z, rng)
        data = tile(release, "requests", place.z, place.x, place.y, random_selection(release, rng))
        marks = within(data)
        assert told(data) == (len(marks), sum(mark["properties"]["n"] for mark in marks))
    assert told(b"") == (0, 0)


def test_values_reach_sql_as_parameters() -> None:
    sql, params = statement(Tile(14, 4956, 6059), '"department" = ? AND requested_date >= ?', ["it's", "2025-01-01"])
    assert '"department" = %(v0)s AND requested_date >= %(v1)s' in sql
    assert params == {"v0": "it's", "v1": "2025-01-01"}


@pytest.mark.parametrize("many", [True, False], ids=["cells", "rows"])
def test_postgis_makes_the_same_tiles(
    release: Release, postgis_url: str, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    monkeypatch.setattr(request_tiles, "SMALL_ROWS", 0 if many else 10**9)
    said: list[str] = []
    with tiles_in_postgis(postgis_url, *rows_for_rival(release), say=said.append) as make:
        found = bench_tiles(release, 6, clients=0, seed=3, say=said.append, rival=make, rival_n=6)
    assert [text for one in found for text in one.differences] == []
    assert [len(one.beside_ms) for one in found] == [6] * len(ZOOMS)
    assert any("made by PostGIS (ST_AsMVT)" in line for line in said)


def test_a_postgis_with_other_rows_is_noticed(release: Release, postgis_url: str) -> None:
    batches, filtered = rows_for_rival(release)
    less = batches.from_batches(batches.schema, (batch.slice(0, batch.num_rows - 2000) for batch in batches))
    said: list[str] = []
    with tiles_in_postgis(postgis_url, less, filtered, say=said.append) as make:
        found = bench_tiles(release, 6, clients=0, seed=3, say=said.append, rival=make, rival_n=6)
    assert any(one.differences for one in found)
    assert any(line.startswith("DIFFERENT: ") for line in said)


def test_a_tile_of_other_requests_is_a_difference(release: Release) -> None:
    place = random_tile(places(release, 1), 12, random.Random(1))  # noqa: S311 - nothing secret
    data = tile(release, "requests", place.z, place.x, place.y)
    assert difference(data, data) == ""
    assert difference(data, b"").endswith(" requests here, 0 there")


def test_a_server_that_cannot_be_used_is_one_clear_error(release: Release, tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(StoreError, match="cannot be used"), tiles_in_postgis(nowhere, *rows_for_rival(release)):
        pass
