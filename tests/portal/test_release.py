"""Releases are opened read-only, shut in, and a new one is noticed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import duckdb
import pytest

from portal import queries
from portal import release as module
from portal.errors import NoRelease, NotFound
from portal.kept import Answers
from portal.release import Release, Releases
from portal.settings import PortalSettings
from tests.release_factory import build_release


def test_without_a_release_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NoRelease, match="openward etl run"):
        Releases(tmp_path).current()


def test_a_new_release_is_noticed_and_the_old_one_still_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.0)
    first = build_release(tmp_path, rows=300).name
    releases = Releases(tmp_path / "releases")
    old = releases.current()
    assert old.id == first and queries.totals(old).requests == 300
    second = build_release(tmp_path, rows=400, seed=2).name
    new = releases.current()
    assert new.id == second and queries.totals(new).requests == 400
    assert releases.get(first) is old and queries.response(old).n > 0
    assert [doc.release_id for doc in queries.chain(new)] == [second, first]
    third = build_release(tmp_path, rows=500, seed=3).name
    assert releases.current().id == third
    with pytest.raises(NotFound, match=third):
        releases.get(first)
    assert queries.totals(old).requests == 300  # a request under way still holds it
    releases.close()


def test_the_chain_is_read_again_when_it_has_grown_and_without_a_torn_line(tmp_path: Path) -> None:
    first = build_release(tmp_path, rows=300).name
    second = build_release(tmp_path, rows=300, seed=2)
    log = tmp_path / "releases" / "chain.jsonl"
    whole = log.read_bytes()
    before = whole.splitlines(keepends=True)[0]
    releases = Releases(tmp_path / "releases")
    release = releases.current()

    def ids() -> list[str]:
        return [doc.release_id for doc in queries.chain(release)]

    log.write_bytes(before)  # `current` moves first
    assert ids() == [first]
    for torn in (whole[len(before) : -9], '{"release_id": "é'.encode()[:-1], b"7"):
        log.write_bytes(before + torn)
        assert ids() == [first]
    log.write_bytes(whole)
    assert ids() == [second.name, first]
    assert [doc.present for doc in queries.chain(release)] == [True, True]
    (tmp_path / "releases" / first).rename(tmp_path / "removed")
    assert [doc.present for doc in queries.chain(release)] == [True, False]
    log.unlink()
    assert ids() == []
    releases.close()


def test_a_broken_new_release_leaves_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.0)
    first = build_release(tmp_path, rows=300)
    releases = Releases(tmp_path / "releases")
    releases.current()
    second = build_release(tmp_path, rows=300, seed=2)
    (second / "serve.duckdb").write_bytes(b"not a database")
    assert releases.current().id == first.name
    fresh = Releases(tmp_path / "releases")
    with pytest.raises(NoRelease, match=second.name):
        fresh.current()
    releases.close()


@pytest.mark.parametrize(
    "older",
    ["DROP TABLE facets", "DROP TABLE elapsed_bins", "ALTER TABLE requests DROP COLUMN elapsed_coarse"],
)
def test_an_index_of_another_version_leaves_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: str
) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.0)
    first = build_release(tmp_path, rows=300)
    releases = Releases(tmp_path / "releases")
    releases.current()
    second = build_release(tmp_path, rows=300, seed=2)
    with duckdb.connect(str(second / "serve.duckdb")) as db:
        db.execute(older)
    assert releases.current().id == first.name
    assert queries.totals(releases.current()).requests == 300
    with pytest.raises(NoRelease, match=f"{second.name} was built by another version of Openward: publish it again"):
        Releases(tmp_path / "releases").current()
    duckdb.connect(str(second / "serve.duckdb")).close()  # for writing: the portal let go of it
    releases.close()


def test_another_format_is_refused_with_a_reason(tmp_path: Path) -> None:
    folder = build_release(tmp_path, rows=300)
    package = json.loads((folder / "datapackage.json").read_text())
    package["openward"]["format"] = 99
    (folder / "datapackage.json").write_text(json.dumps(package))
    with pytest.raises(NoRelease, match="format 99"):
        Releases(tmp_path / "releases").current()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM requests",
        "CREATE TABLE x (a INTEGER)",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY requests TO '/tmp/openward-leak.csv'",
        "ATTACH '/tmp/openward-other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '64GB'",
    ],
)
def test_the_index_can_neither_be_changed_nor_left(release: Release, sql: str) -> None:
    for ask in (release.query, release.table, release.piece):
        with pytest.raises(duckdb.Error):
            ask(sql)


def test_settings_hold_for_every_cursor(release: Release) -> None:
    names = ("perfect_ht_threshold", "threads", "enable_external_access", "allow_unsigned_extensions")
    found = release.query("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))[0]
    assert found == (24, 2, False, False)


def test_streams_have_a_small_cache_of_their_own(release: Release) -> None:
    limit = "SELECT current_setting('memory_limit')"
    assert release.piece(limit).column(0)[0].as_py() == "61.0 MiB"
    assert release.query(limit)[0][0] == "953.6 MiB"
    sql = "SELECT service_request_id FROM requests WHERE rid < ? ORDER BY rid"
    assert release.piece(sql, [50]) == release.table(sql, [50])


def test_rows_that_the_small_cache_does_not_hold_are_read_all_the_same(tmp_path: Path) -> None:
    def wide(db: duckdb.DuckDBPyConnection) -> None:
        db.execute("CREATE TABLE wide AS SELECT n, repeat('outline ', 500000) || n AS text FROM range(20) t(n)")

    release = Release(build_release(tmp_path, rows=300, change=wide), PortalSettings())
    found = release.piece("SELECT text FROM wide WHERE n < ?", [20])
    assert found.nbytes > 64_000_000 and found == release.table("SELECT text FROM wide")
    release.close()


def test_threads_share_a_release(release: Release) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(release.query("SELECT count(*) FROM requests")[0][0]))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5000] * 12


def test_the_fields_are_those_that_the_package_publishes(release: Release) -> None:
    assert "synthetic" in release.fields and "service_request_id" in release.fields
    assert not {"rid", "gx", "elapsed_minutes", "geometry"} & set(release.fields)


def test_unknown_layers_are_named_with_those_there_are(release: Release) -> None:
    with pytest.raises(NotFound, match="district, ward"):
        release.layer("precinct")


@pytest.mark.parametrize("name", ["../x", "..", "current", "", "a/b", "20250620T180000Z-00000000"])
def test_only_folders_of_releases_can_be_named(settings: PortalSettings, name: str) -> None:
    releases = Releases(settings.releases, settings)
    with pytest.raises(NotFound):
        releases.folder(name)
    releases.close()


def test_the_cache_forgets_what_was_not_asked_for_longest() -> None:
    kept = Answers(2)
    for key in ("a", "b", "a", "c"):
        kept.get(key, lambda key=key: key.upper())
    made = []
    kept.get("a", lambda: made.append("a"))
    kept.get("b", lambda: made.append("b"))
    assert made == ["b"]
    assert Answers(0).get("x", lambda: 1) == 1 and Answers(0).get("x", lambda: 2) == 2
