"""The benchmark of downloads: what it tells, and when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import openward
from portal.bench_downloads import Measured, Sent
from tests.release_factory import build_release


def test_the_command_tells_each_download_and_the_copy_beside_it(tmp_path: Path) -> None:
    build_release(tmp_path, rows=4000)
    result = CliRunner().invoke(
        openward.main, ["bench", "downloads", str(tmp_path / "releases"), "--rows", "3000", "--repeat", "2"]
    )
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    told = [line for line in lines if line[0] in ("1", "2")]
    assert len(told) == 2
    for line in told:
        rows, _mb, first, whole, _cpu, _grown, copy, _copy_cpu = (float(value.replace(",", "")) for value in line[1:])
        assert 2900 <= rows <= 4000 and 0 <= first <= whole and copy > 0
    assert "times COPY" in result.output


def test_each_limit_can_fail() -> None:
    good = Sent(1, 1, first_s=0.5, all_s=6.0, grown_mb=20)
    assert Measured([good], [5.0]).passed and not Measured([good], [3.0]).passed
    assert not Measured([good, Sent(1, 1, 1.5, 6.0, 20)], [5.0]).passed
    assert not Measured([good, Sent(1, 1, 0.5, 6.0, 200)], [5.0]).passed


def test_ready_files_are_measured_and_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_release(tmp_path, rows=1000)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    result = CliRunner().invoke(openward.main, ["bench", "files", str(tmp_path / "releases")])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("1,000 requests; load") and lines[1].endswith("MB at most")
    told = {line.split(":")[0]: int(line.split()[1]) for line in lines if " files, " in line}
    assert set(told) == {"csv", "parquet"} and min(told.values()) > 10
    assert list(scratch.iterdir()) == [] and not (tmp_path / "releases" / "current" / "files").exists()
