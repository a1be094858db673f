"""What someone who does not keep the releases can verify: a portal over HTTP, a folder, a file; and what retention leaves."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import openward
from etl.config.limits import Retention
from etl.errors import ReleaseError, SourceUnavailable
from etl.publish import chain
from etl.publish.retention import no_longer_kept
from etl.publish.verify import Folder, Portal, find_file, verify_kept, verify_release
from portal.app import create_app
from portal.settings import PortalSettings
from tests.etl.conftest import NOW, ROWS, TinyCity, make_city

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny city's folder with three releases, and its store."""
    folder = tmp_path_factory.mktemp("kept")
    tiny, rows = make_city(folder, f"sqlite:///{folder / 'store.sqlite'}"), [dict(row) for row in ROWS]
    tiny.run(rows)
    rows[1] |= {"STATUS": "closed", "CLOSED": "04/05/2024 09:00"}
    tiny.run(rows, now=NOW + DAY)
    rows[0] |= {"CLOSED": "02/01/2024 12:00"}
    tiny.run(rows, now=NOW + 2 * DAY)
    return folder


@pytest.fixture
def released(kept: Path, tmp_path: Path) -> Path:
    """They, in a copy of the city for each test."""
    shutil.copytree(kept, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "releases"


def _ids(releases: Path) -> list[str]:
    return [link.release_id for link in chain.read_log(releases)]


def _bad(found: list[chain.Finding]) -> list[tuple[str, str, str]]:
    return [(f.release_id, f.name, f.note) for f in found if not f.ok]


def _call(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(openward.main, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_portal_is_verified_over_http_until_a_byte_differs(released: Path, serve: Callable[[Any], str]) -> None:
    url = serve(create_app(PortalSettings(releases=released)))
    first, second, _ = _ids(released)
    with Portal(url) as portal:
        found = verify_kept(portal)
        assert _bad(found) == []
        resources = sum(len(chain.read_package(released / name)["resources"]) for name in _ids(released))
        assert len(found) == resources + 2 * 3 + 1, "each file, each description and link, and what is current"
        assert find_file(portal, chain.sha256_of(released / first / "requests.parquet")) == [
            (first, "requests.parquet")
        ]
    code, out, _ = _call("release", "verify", url)
    assert (code, out) == (0, f"ok: 3 releases, {len(found)} checks\n")
    victim = released / second / "requests.parquet"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    code, out, err = _call("release", "verify", url)
    assert code == 6 and out == f"BAD  {second} requests.parquet: differs from its hash\n" and "1 of" in err
    assert _call("release", "verify", url, "--release", first)[0] == 0
    code, _, err = _call("release", "verify", url, "--file", victim)
    assert code == 6 and "is no file of the releases" in err
    victim.write_bytes(whole)
    assert "requests.parquet of release " + second in _call("release", "verify", url, "--file", victim)[1]


def test_a_rewritten_release_shows_although_its_own_hashes_were_made_anew(released: Path) -> None:
    first, second, _ = _ids(released)
    package = released / first / "datapackage.json"
    package.write_text(package.read_text().replace("Twin Squares", "Twin Circles"))
    assert _bad(verify_kept(Folder(released))) == [(first, "datapackage.json", "differs from the hash in the chain")]
    log = (released / "chain.jsonl").read_text()
    old = chain.read_log(released)[0].sha256
    (released / "chain.jsonl").write_text(log.replace(old, chain.sha256_of(package)))
    assert _bad(verify_kept(Folder(released))) == [(second, "previous", f"does not carry the hash of {first}")]


@pytest.mark.parametrize("verified", [chain.verify, lambda releases: verify_kept(Folder(releases))])
def test_a_chain_whose_beginning_was_cut_off_shows(
    released: Path, verified: Callable[[Path], list[chain.Finding]]
) -> None:
    first, second, _ = _ids(released)
    _, *rest = [json.loads(line) for line in (released / "chain.jsonl").read_text().splitlines()]
    rest[0]["previous"] = None
    (released / "chain.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rest))
    assert _bad(verified(released)) == [(second, "previous", f"followed {first}, which is not in the chain")]


@pytest.mark.parametrize("verified", [chain.verify, lambda releases: verify_kept(Folder(releases))])
def test_a_release_under_another_day_shows(released: Path, verified: Callable[[Path], list[chain.Finding]]) -> None:
    second, third, older = *_ids(released)[1:], "20200101T000000Z-00000000"
    log = (released / "chain.jsonl").read_text()
    (released / "chain.jsonl").write_text(log.replace(second, older))
    (released / second).rename(released / older)
    assert _bad(verified(released)) == [
        (older, "release_id", f"calls itself {second}"),
        (third, "previous", f"does not carry the hash of {older}"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"resources": [], "openward": {}}',
        '{"resources": [], "openward": {"release_id": "20200101T000000Z-00000000", "previous": "x"}}',
        '{"resources": [{"path": "x\\u001b[2K\\rok: all well", "hash": "sha256:' + "0" * 64 + '"}], '
        '"openward": {"release_id": "20200101T000000Z-00000000"}}',
    ],
)
def test_a_description_that_is_none_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "datapackage.json").write_text(text)
    code, out, err = _call("release", "verify", tmp_path)
    assert code and not out and "datapackage.json cannot be read" in err
    assert "Traceback" not in err and err.count("\n") <= 2 and all(each.isprintable() for each in err.splitlines())


def test_what_is_no_portal_is_told_in_one_line(serve: Callable[[Any], str]) -> None:
    from fastapi import FastAPI

    with pytest.raises(ReleaseError, match="not a portal's address"):
        Portal("ftp://example.org")
    with Portal(serve(FastAPI())) as portal, pytest.raises(ReleaseError, match="is it an Openward portal"):
        verify_kept(portal)
    with Portal("http://127.0.0.1:9") as portal, pytest.raises(SourceUnavailable, match="does not answer"):
        verify_kept(portal)


def test_a_folder_of_one_release_is_verified_by_itself_and_against_a_chain(released: Path, tmp_path: Path) -> None:
    first = _ids(released)[0]
    alone = tmp_path / "downloaded"
    shutil.copytree(released / first, alone)
    (alone / "serve.duckdb").unlink()  # no download
    assert _bad(verify_release(alone, chain.read_log(released))) == []
    assert _call("release", "verify", alone, "--chain", released)[0] == 0
    (alone / "areas.parquet").unlink()
    assert _bad(verify_release(alone)) == [(first, "areas.parquet", "is missing")]
    (alone / "datapackage.json").write_text((alone / "datapackage.json").read_text() + " ")
    assert (first, "datapackage.json", "differs from the hash in the chain") in _bad(
        verify_release(alone, chain.read_log(released))
    )


def test_retention_keeps_days_then_months_and_hashes_for_ever(tiny: TinyCity, released: Path) -> None:
    names = _ids(released)
    hashes = {name: chain.sha256_of(released / name / "requests.parquet") for name in names}
    fingerprint = tiny.place().config.fingerprint()
    tiny.config["retention"] = {"keep_days": 30, "then": "none"}
    tiny.yaml.write_text(yaml.safe_dump(tiny.config), encoding="utf-8")
    assert tiny.place().config.fingerprint() == fingerprint, "what is kept of old releases makes no new one"
    tiny.run_again(now=NOW + 90 * DAY)
    assert [p.name for p in sorted((released / names[0]).iterdir())] == ["datapackage.json"]
    assert (released / names[-1] / "requests.parquet").exists() and (released / names[-2] / "requests.parquet").exists()
    assert _bad(verify_kept(Folder(released))) == [] and _bad(chain.verify(released)) == []
    assert find_file(Folder(released), hashes[names[0]]) == [(names[0], "requests.parquet")]
    (released / names[1] / "requests.parquet").unlink()  # one file alone is no retention
    assert _bad(chain.verify(released)) == [(names[1], "requests.parquet", "is missing")]


def test_the_policy_by_itself() -> None:
    days = [dt.datetime(2025, 1, 1, 4, tzinfo=dt.UTC) + n * DAY for n in range(400)]
    ids = [f"{day:%Y%m%dT%H%M%SZ}-00000000" for day in days]
    now = days[-1]

    def kept(**policy: Any) -> list[str]:
        return [name[:8] for name in ids if name not in no_longer_kept(ids, Retention(**policy), now)]

    assert len(kept()) == 400
    recent = [f"{day:%Y%m%d}" for day in days[-31:]]
    firsts = [f"2025{month:02}01" for month in range(1, 13)] + ["20260101"]
    assert kept(keep_days=30) == sorted({*firsts, *recent})
    assert kept(keep_days=30, then="none") == recent
    assert kept(keep_days=30, then="yearly")[0] == "20250101"
    assert kept(keep_days=1, then="none")[-2:] == [f"{day:%Y%m%d}" for day in days[-2:]]
    assert no_longer_kept(ids[:1], Retention(keep_days=1, then="none"), now + 900 * DAY) == []


def test_what_the_etl_wrote_of_changes_is_in_the_difference(released: Path) -> None:
    import pyarrow.parquet as pq

    from portal.queries.diff import diff
    from portal.release import Releases

    names = _ids(released)
    releases = Releases(released)
    current = releases.current()
    seen = 0
    for old, new in itertools.pairwise(names):
        rows = diff(current, old, new).page(1000).rows
        told = {(r.key["service_request_id"], name): (was, now) for r in rows for name, was, now in r.fields}
        for change in pq.read_table(released / new / "changes.parquet").to_pylist():
            seen += 1
            assert told[change["service_request_id"], change["field"]] == (change["old"], change["new"])
    releases.close()
    assert seen >= 3
