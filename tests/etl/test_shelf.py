"""Ready files beside a release: when they are made, what fails, what the chain says of them, and what retention leaves."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import errno
import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from etl.config.downloads import Downloads
from etl.disk import sha256_of
from etl.errors import ConfigError, FilesError, ReleaseError
from etl.pipeline import RunReport, prepare, run, stock
from etl.publish import chain, manifest, shelf
from etl.publish.verify import Folder, Portal, find_file, verify_kept, verify_release
from portal.app import create_app
from portal.files.fixed import make
from portal.settings import PortalSettings
from tests.etl.conftest import NOW, ROWS, TinyCity, make_city
from tests.etl.operating import operate

Rows = list[dict[str, str]]
DAY = dt.timedelta(days=1)
CLOSED = {"STATUS": "closed", "CLOSED": "04/05/2024 09:00"}


def ran(tiny: TinyCity, rows: Rows, now: dt.datetime = NOW, maker: shelf.Maker = make) -> RunReport:
    """A run that makes ready files, as the command line's do."""
    path = tiny.write(rows)
    place = tiny.place()
    return run(place, prepare(place.config, tiny.yaml, {"calls": path}), now=now, make_files=maker)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases with ready files, made once."""
    folder = tmp_path_factory.mktemp("published")
    tiny, rows = make_city(folder, f"sqlite:///{folder / 'store.sqlite'}"), copy.deepcopy(ROWS)
    ran(tiny, rows)
    rows[1] |= CLOSED
    ran(tiny, rows, NOW + DAY)
    return tiny.releases


@pytest.fixture
def releases(published: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    return Path(shutil.copytree(published, tmp_path / "releases", symlinks=True))


def both(releases: Path) -> tuple[Path, Path]:
    first, second = (releases / link.release_id for link in chain.read_log(releases))
    return first, second


def bad(found: list[chain.Finding]) -> list[tuple[str, str, str]]:
    return [(f.release_id, f.name, f.note) for f in found if not f.ok]


def hidden(releases: Path) -> list[str]:
    """What lies there and is not to be seen."""
    return [path.name for path in releases.iterdir() if path.name.startswith(".")]


def test_a_run_makes_them_once_and_again_where_they_are_missing(tiny: TinyCity, rows: Rows) -> None:
    report = ran(tiny, rows)
    folder = tiny.releases / str(report.release_id)
    told = json.loads((folder / manifest.PATH).read_text())
    assert report.stocked and report.stocked.files == len(told["files"]) > 10
    assert told["release_id"] == folder.name
    assert told["requests_sha256"] == sha256_of(folder / "requests.parquet")
    for file in told["files"]:
        path = folder / "files" / file["path"]
        assert (path.stat().st_size, sha256_of(path)) == (file["bytes"], file["sha256"])
    again = ran(tiny, rows, NOW + DAY)
    assert (again.release_id, again.stocked, again.current) == (None, None, folder.name)
    before = (folder / manifest.PATH).read_bytes()
    shutil.rmtree(folder / "files")
    found = ran(tiny, rows, NOW + 2 * DAY)
    assert found.release_id is None and found.stocked and (folder / manifest.PATH).read_bytes() == before


def test_a_release_and_the_store_are_the_same_with_and_without(tiny: TinyCity, rows: Rows) -> None:
    tiny.write(rows)
    before = tiny.place().config.fingerprint()
    tiny.config["downloads"] = {"parts": "none"}
    report = ran(tiny, rows)
    assert report.release_id and report.stocked is None and not (tiny.releases / report.release_id / "files").exists()
    assert tiny.place().config.fingerprint() == before
    tiny.config["downloads"] = {"parts": ["year"], "formats": ["csv"]}
    later = ran(tiny, rows, NOW + DAY)
    assert later.release_id is None and later.stocked and later.stocked.files == 1
    (path,) = (tiny.releases / report.release_id / "files").glob("requests*")
    assert path.name == "requests_year_2024.csv.gz"


@pytest.mark.parametrize(
    "wrong", [{"parts": []}, {"parts": "all"}, {"parts": ["month"]}, {"formats": ["xlsx"]}, {"x": 1}]
)
def test_a_mistake_in_the_section_is_told(tiny: TinyCity, wrong: dict[str, Any]) -> None:
    tiny.config["downloads"] = wrong
    tiny.write([])
    with pytest.raises(ConfigError, match="downloads"):
        tiny.place()


def test_nothing_leaves_that_is_not_published(tiny: TinyCity, rows: Rows) -> None:
    tiny.config["privacy"] = {"publish": []}
    tiny.write(rows)
    with pytest.raises(ReleaseError, match="no release has been published"):
        stock(tiny.place(), make)
    folder = tiny.releases / str(ran(tiny, rows).release_id) / "files"
    published = [field["name"] for field in tiny.package()["resources"][0]["schema"]["fields"]]
    assert not {"lat", "long", "address", "geometry"} & set(published)
    with gzip.open(folder / "requests_ward_3.csv.gz", "rt", encoding="utf-8", newline="") as text:
        assert next(csv.reader(text)) == published
    for path in folder.glob("*.parquet"):
        schema = pq.read_schema(path)
        assert schema.names == published and b"geo" not in schema.metadata


# --- what fails -----------------------------------------------------------------------------------------------------


def full(
    _release: Path, into: Path, _parts: Sequence[str], _formats: Sequence[str], _progress: Any
) -> Mapping[str, Any]:
    """A maker whose disk is full after the first file."""
    (into / "requests.csv.gz").write_bytes(b"half of i")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_unpublishes_nothing_and_leaves_nothing(tiny: TinyCity, rows: Rows) -> None:
    report = ran(tiny, rows, maker=full)
    assert report.release_id and report.current == tiny.current() and report.stocked is None
    assert "No space left on device" in report.not_stocked and "\n" not in report.not_stocked
    assert not (tiny.releases / report.release_id / "files").exists() and not hidden(tiny.releases)
    assert bad(chain.verify(tiny.releases)) == []
    with pytest.raises(FilesError, match="No space left"):
        stock(tiny.place(), full)
    assert stock(tiny.place(), make) is not None and stock(tiny.place(), make) is None


def test_the_last_of_a_disk_is_left_to_others(tiny: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = shutil.disk_usage(tiny.releases.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk._replace(total=100 << 30, free=900 << 20))
    report = ran(tiny, rows)
    assert report.release_id == tiny.current() and report.stocked is None and not hidden(tiny.releases)
    assert "the last 944 MB of the disk are left to other things" in report.not_stocked
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk._replace(total=20 << 30, free=900 << 20))
    assert stock(tiny.place(), make) is not None


@pytest.mark.parametrize("limit", [0, 3000])
def test_the_real_maker_meets_a_disk_that_is_full(
    tiny: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    from portal.files import poured

    left, real = [limit], poured._append

    def append(path: Path, data: bytes, mode: str = "ab") -> None:
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data, mode)

    monkeypatch.setattr(poured, "_append", append)
    report = ran(tiny, rows)
    assert report.release_id and "No space left" in report.not_stocked and not hidden(tiny.releases)


@pytest.mark.parametrize("left", ["../escape.csv.gz", "a.csv.gz.exe.x", "A.csv.gz", "unlisted"])
def test_a_maker_is_held_to_its_word(releases: Path, left: str) -> None:
    second = _without(releases)

    def odd(_release: Path, into: Path, *_more: Any) -> Mapping[str, Any]:
        (into / "b.csv.gz").write_bytes(b"x")
        if "/" not in left:
            (into / left).write_bytes(b"x")
        files = ["b.csv.gz", left] if left != "unlisted" else ["b.csv.gz"]
        return {"files": [{"path": name} for name in files]}

    with pytest.raises((ReleaseError, OSError)):
        shelf.stock(releases, Downloads(), odd)
    assert not hidden(releases) and not (second / "files").exists()


def test_who_is_killed_over_it_leaves_what_the_next_one_takes_away(releases: Path) -> None:
    second = _without(releases)

    def killed(_release: Path, into: Path, *_more: Any) -> Mapping[str, Any]:
        (into / "requests.csv.gz").write_bytes(b"half of i")
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    child = os.fork()
    if not child:
        shelf.stock(releases, Downloads(), killed)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert [name.startswith(".building-files-") for name in hidden(releases)] == [True]
    assert not (second / "files").exists() and bad(chain.verify(releases)) == []
    chain.tidy(releases)  # as every run does
    assert not hidden(releases)
    assert shelf.stock(releases, Downloads(), make) and bad(chain.verify(releases)) == []


def test_the_command_line_makes_them_and_says_so(
    tiny: TinyCity, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = operate(tiny, tmp_path / "home", monkeypatch)
    first = city.run(rows)
    assert first.code == 0 and "ready files of " in first.out and first.named("files_made")[0]["files"] > 10
    assert (
        city.call("release", "files", tiny.yaml).out == "nothing to make: there are ready files, or none are wanted\n"
    )
    assert city.call("release", "verify", "twin").code == 0
    shutil.rmtree(city.current / "files")
    made = city.call("release", "files", tiny.yaml)
    assert made.code == 0 and f"ready files of {city.current.name}" in made.out
    monkeypatch.setattr("portal.files.fixed.make", full)
    rows[1] |= CLOSED
    short = city.run(rows)
    assert short.code == 5 and "published " in short.out and short.named("files_not_made")
    assert short.named("refused")[0]["error"].startswith(
        "the ready files of the current release could not be made (No space"
    )
    assert city.json()["runs"][0]["status"] == "published"
    monkeypatch.undo()
    city = operate(tiny, tmp_path / "home", monkeypatch)
    assert city.call("release", "files", tiny.yaml).code == 0


# --- the chain ------------------------------------------------------------------------------------------------------


def test_the_next_release_carries_the_hash_of_the_list(releases: Path, serve: Callable[[Any], str]) -> None:
    first, second = both(releases)
    previous = chain.read_package(second)["openward"]["previous"]
    assert previous["files_sha256"] == sha256_of(first / manifest.PATH)
    assert chain.read_package(first)["openward"]["previous"] is None
    listed = len(json.loads((first / manifest.PATH).read_text())["files"])
    inside, outside = chain.verify(releases), verify_kept(Folder(releases))
    assert bad(inside) == bad(outside) == []
    assert sum(f.name.startswith("files/") and f.release_id == first.name for f in inside) == listed + 1
    url = serve(create_app(PortalSettings(releases=releases)))
    with Portal(url) as portal:
        over = verify_kept(portal)
        assert [vars(f) for f in over] == [vars(f) for f in outside]
        digest = sha256_of(first / "files" / "requests_year_2024.csv.gz")
        assert (first.name, "files/requests_year_2024.csv.gz") in find_file(portal, digest)
        _spoil(first / "files" / "requests_year_2024.csv.gz")
        told = [(first.name, "files/requests_year_2024.csv.gz", "differs from its hash")]
        assert bad(verify_kept(portal)) == bad(chain.verify(releases)) == bad(verify_release(first)) == told


def test_who_rewrites_the_list_as_well_is_found_out_by_the_release_after(releases: Path) -> None:
    first, second = both(releases)
    victim = first / "files" / "requests_year_2024.csv.gz"
    before = sha256_of(victim)
    _spoil(victim)
    path = first / manifest.PATH
    path.write_text(path.read_text().replace(before, sha256_of(victim)))
    told = [(first.name, "files/files.json", "differs from the hash in the chain")]
    assert bad(chain.verify(releases)) == bad(verify_kept(Folder(releases))) == told
    assert find_file(Folder(releases), sha256_of(victim)) == []
    (first / manifest.PATH).unlink()
    assert bad(chain.verify(releases)) == [(first.name, "files/files.json", "is missing")]
    assert bad(chain.verify(releases, only=second.name)) == []
    shutil.rmtree(second / "files")
    shutil.copytree(first / "files", second / "files")
    assert bad(verify_release(second)) == []  # without its list they are nobody's


def test_files_that_came_later_or_are_of_another_release_show(tiny: TinyCity, rows: Rows) -> None:
    tiny.run(rows)
    rows[1] |= CLOSED
    ran(tiny, rows, NOW + DAY)
    first, second = both(tiny.releases)
    assert "files_sha256" not in chain.read_package(second)["openward"]["previous"]
    assert bad(chain.verify(tiny.releases)) == [], "a release without ready files is whole"
    shutil.copytree(second / "files", first / "files")
    told = [(first.name, "files/files.json", "is not named by the release after it")]
    assert bad(chain.verify(tiny.releases)) == bad(verify_kept(Folder(tiny.releases))) == told
    assert (first.name, "files/files.json", "is of another release") in bad(verify_release(first))


def test_a_list_that_leads_out_of_its_folder_is_not_followed(releases: Path) -> None:
    listed = both(releases)[1] / manifest.PATH
    told = json.loads(listed.read_text())
    for path in ("../../../etc/passwd", "/etc/passwd", "a/b.csv", ".hidden.csv", "", "a.csv\n", 7):
        told["files"][0]["path"] = path
        listed.write_text(json.dumps(told))
        for verify in (chain.verify, lambda folder: verify_kept(Folder(folder))):
            with pytest.raises(ReleaseError, match="cannot be read"):
                verify(releases)


def test_retention_takes_the_files_and_leaves_the_list(tiny: TinyCity, rows: Rows) -> None:
    ran(tiny, rows)
    rows[1] |= CLOSED
    ran(tiny, rows, NOW + DAY)
    first, second = both(tiny.releases)
    digest = sha256_of(first / "files" / "requests_year_2024.csv.gz")
    rows[0] |= {"CLOSED": "02/01/2024 12:00"}
    tiny.config["retention"] = {"keep_days": 30, "then": "none"}
    ran(tiny, rows, NOW + 90 * DAY)
    assert sorted(path.name for path in first.rglob("*")) == ["datapackage.json", "files", "files.json"]
    assert (second / "files" / "requests_year_2024.csv.gz").exists()
    assert bad(chain.verify(tiny.releases)) == bad(verify_kept(Folder(tiny.releases))) == []
    assert (first.name, "files/requests_year_2024.csv.gz") in find_file(Folder(tiny.releases), digest)


def _spoil(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])


def _without(releases: Path) -> Path:
    """The current release without its ready files."""
    second = both(releases)[1]
    shutil.rmtree(second / "files")
    return second
