"""Releases: valid by strangers' tools, chained, and honest about any tampering."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import duckdb
import geopandas as gpd
import pyarrow as pa
import pytest

from etl.errors import ReleaseError
from etl.publish import chain, fields
from etl.publish.validate import must_hold, validate
from tests.etl.conftest import NOW, ROWS, TinyCity, make_city

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny city's folder after two runs, with its store."""
    folder = tmp_path_factory.mktemp("kept")
    tiny, rows = make_city(folder, f"sqlite:///{folder / 'store.sqlite'}"), [dict(row) for row in ROWS]
    tiny.run(rows)
    rows[1] |= {"STATUS": "closed", "CLOSED": "04/05/2024 09:00"}
    tiny.run(rows, now=NOW + dt.timedelta(days=1))
    return folder


@pytest.fixture
def released(kept: Path, tmp_path: Path) -> Path:
    """They, in a copy of the city for each test."""
    shutil.copytree(kept, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "releases"


def test_the_package_is_valid_by_frictionless(released: Path) -> None:
    from frictionless import Package

    folder = chain.current_folder(released)
    assert folder is not None
    descriptor = json.loads((folder / "datapackage.json").read_text())
    errors = list(Package.metadata_validate(descriptor))
    assert errors == []
    package = Package.from_descriptor(descriptor)
    assert {r.name for r in package.resources} == {
        "requests", "areas", "basemap", "located_by", "services", "departments", "changes", "exclusions", "retroactive_edits",
        "withdrawn", "measures", "feedback", "feedback_monthly", "incidents",
    }  # fmt: skip
    for resource in package.resources:
        assert resource.hash and resource.custom["openward:bytes"] == (folder / str(resource.path)).stat().st_size
        assert all(field.description for field in resource.schema.fields)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("requests", {"Point"}), ("areas", {"Polygon", "MultiPolygon"}), ("basemap", {"LineString", "Polygon"})],
)
def test_places_are_geoparquet_that_geopandas_reads(released: Path, name: str, kinds: set[str]) -> None:
    folder = chain.current_folder(released)
    assert folder is not None
    frame = gpd.read_parquet(folder / f"{name}.parquet")
    assert frame.crs.to_epsg() == 4326
    assert set(frame.geometry.dropna().geom_type) <= kinds
    assert frame.geometry.notna().any()


def test_the_chain_holds_until_a_byte_is_changed(released: Path) -> None:
    assert all(f.ok for f in chain.verify(released))
    links = chain.read_log(released)
    assert [link.previous for link in links] == [None, links[0].release_id]
    victim = released / links[0].release_id / "requests.parquet"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    bad = [f for f in chain.verify(released) if not f.ok]
    assert [(f.release_id, f.name) for f in bad] == [(links[0].release_id, "requests.parquet")]


def test_rewriting_an_old_release_with_fresh_hashes_still_shows(released: Path) -> None:
    links = chain.read_log(released)
    package = released / links[0].release_id / "datapackage.json"
    package.write_text(package.read_text().replace("Twin Squares", "Twin Circles"))
    forged = [chain.Link(links[0].release_id, chain.sha256_of(package), None), links[1]]
    (released / "chain.jsonl").write_text("".join(json.dumps(vars(link)) + "\n" for link in forged))
    bad = [f for f in chain.verify(released) if not f.ok]
    assert [(f.release_id, f.name) for f in bad] == [(links[1].release_id, "previous")]


def test_a_release_that_is_no_longer_kept_leaves_its_hash(released: Path) -> None:
    import shutil

    old = chain.read_log(released)[0].release_id
    shutil.rmtree(released / old)
    findings = chain.verify(released)
    assert all(f.ok for f in findings)
    assert any(f.release_id == old and "not kept" in f.note for f in findings)


def test_a_log_that_a_killed_run_left_short_is_completed(released: Path) -> None:
    log = released / "chain.jsonl"
    whole = log.read_text()
    log.write_text(whole.splitlines(keepends=True)[0])
    assert all(f.ok for f in chain.verify(released)), "the current release itself says what it follows"
    assert len({f.release_id for f in chain.verify(released)}) == 2
    chain.note_in_log(released)
    assert log.read_text() == whole


def test_a_current_release_that_does_not_follow_the_log_is_found_out(released: Path) -> None:
    log = released / "chain.jsonl"
    first, second = log.read_text().splitlines(keepends=True)
    log.write_text(first.replace(chain.read_log(released)[0].release_id, "20200101T000000Z-00000000"))
    assert [f.name for f in chain.verify(released) if not f.ok] == ["current"]
    assert second


def test_nothing_to_verify_and_unknown_releases_are_told(released: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no release has been published"):
        chain.verify(tmp_path / "none")
    with pytest.raises(ReleaseError, match="there is no release 'x'"):
        chain.verify(released, only="x")


def test_validation_sees_what_must_not_be_promoted(released: Path, tiny: TinyCity) -> None:
    folder = chain.current_folder(released)
    assert folder is not None
    package = chain.read_package(folder)
    public = fields.request_fields(tiny.place().config)
    assert all(check.ok for check in validate(folder, package, public))
    path = folder / "requests.parquet"
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE r AS SELECT * FROM read_parquet('{path}')")
        db.execute("UPDATE r SET status = 'done', service_request_id = '1', response_hours = -1")
        db.execute("ALTER TABLE r ADD COLUMN status_notes VARCHAR")
        db.execute(f"COPY r TO '{path}' (FORMAT parquet)")
    failed = {check.name for check in validate(folder, package, public) if not check.ok}
    assert failed == {
        "columns of requests", "request numbers are unique", "status has known values",
        "no response time is negative",
    }  # fmt: skip
    with pytest.raises(ReleaseError, match=r"columns of requests.*status_notes.*and 3 more"):
        must_hold(validate(folder, package, public))


def test_the_index_holds_the_published_rows_in_map_order(released: Path) -> None:
    folder = chain.current_folder(released)
    assert folder is not None
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
        table = db.execute("SELECT rid, service_request_id FROM requests ORDER BY rid").fetchall()
        file = db.execute(
            "SELECT row_number() OVER () - 1, service_request_id FROM read_parquet(?)",
            [str(folder / "requests.parquet")],
        ).fetchall()
        assert table == file
        bins = db.execute(
            """SELECT count(*) FROM requests r JOIN elapsed_bins b ON r.elapsed_bin = b.bin
               WHERE r.elapsed_minutes < b.from_minutes OR r.elapsed_minutes >= b.to_minutes"""
        ).fetchone()
        assert bins == (0,)
        wrong = db.execute(
            """SELECT count(*) FROM requests r LEFT JOIN facets f USING (facet)
               WHERE f.status IS DISTINCT FROM r.status::VARCHAR OR f.outcome IS DISTINCT FROM r.outcome::VARCHAR
                  OR f.on_time IS DISTINCT FROM r.on_time::VARCHAR OR f.excluded <> (r.event IS NULL)
                  OR f.location_source IS DISTINCT FROM r.location_source::VARCHAR
                  OR r.elapsed_code IS DISTINCT FROM 2 * r.elapsed_bin + r.event::INTEGER
                  OR r.elapsed_key IS DISTINCT FROM 2 * r.elapsed_minutes + r.event::INTEGER
                  OR r.elapsed_coarse IS DISTINCT FROM
                     2 * (SELECT b.coarse FROM elapsed_bins b WHERE b.bin = r.elapsed_bin) + r.event::INTEGER
                  OR (r.event IS NOT NULL AND r.event <> (r.status = 'closed'))"""
        ).fetchone()
        assert wrong == (0,)
        current = db.execute(
            "SELECT count(*) FILTER (current), count(*) FROM areas WHERE layer = 'district'"
        ).fetchone()
        assert current == (2, 4)


def test_the_columns_for_counting_are_the_index(released: Path) -> None:
    folder = chain.current_folder(released)
    assert folder is not None
    with pa.memory_map(str(folder / "serve.counting")) as file:
        batch = pa.ipc.open_file(file).get_batch(0)
        labels = json.loads(batch.schema.metadata[b"labels"])
        sizes = json.loads(batch.schema.metadata[b"sizes"])
        table = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
        rows = db.execute(
            """SELECT service_code::VARCHAR, service_group::VARCHAR, department::VARCHAR, channel::VARCHAR,
                      district::VARCHAR, month, closed_month, facet, requested_date - DATE '1970-01-01',
                      epoch(requested_datetime), epoch(closed_datetime), elapsed_key, elapsed_code,
                      gx, service_request_id
               FROM requests ORDER BY rid"""
        ).fetchall()
        numbers = db.execute("SELECT rid FROM request_numbers ORDER BY rid").fetchall()
        looked_up = db.execute(
            """SELECT count(*) FROM request_numbers n JOIN requests r USING (rid)
               WHERE n.number = md5_number_lower(r.service_request_id)"""
        ).fetchone()
    names = ("service_code", "service_group", "department", "channel", "district", "month", "closed_month")
    for i, name in enumerate(names):
        told = [None, *labels[name]]
        assert [told[code] for code in table[name]] == [row[i] for row in rows], name
    assert table["facet"] == [row[7] for row in rows] and table["requested_day"] == [row[8] for row in rows]
    for i, name, more in (
        (9, "requested_at", 0),
        (10, "closed_at", 0),
        (11, "elapsed_key", 1),
        (12, "elapsed_code", 1),
    ):
        assert table[name] == [0 if row[i] is None else row[i] + more for row in rows], name
    assert table["gx"] == [row[13] or 0 for row in rows] and table.pop("service_request_id") == [
        row[14] for row in rows
    ]
    assert sizes == {name: max(values) + 1 for name, values in table.items()}
    assert len(numbers) == len(rows) and looked_up == (len(rows),)


def test_a_changed_file_for_counting_is_found(released: Path) -> None:
    folder = chain.current_folder(released)
    assert folder is not None and all(finding.ok for finding in chain.verify(released))
    path = folder / "serve.counting"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert [finding.name for finding in chain.verify(released) if not finding.ok] == ["serve.counting"]
    finally:
        path.write_bytes(whole)


def test_a_column_without_any_value_is_served_as_text(tiny: TinyCity, rows: Rows) -> None:
    for row in rows:
        row["CHANNEL"] = ""
    report = tiny.run(rows)
    with duckdb.connect(str(tiny.releases / str(report.release_id) / "serve.duckdb"), read_only=True) as db:
        kinds = dict(
            db.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'requests'").fetchall()
        )
    assert kinds["channel"] == "VARCHAR"
    assert kinds["status"].startswith("ENUM(")


@pytest.mark.parametrize("synthetic", [True, False])
def test_every_file_says_whose_it_is_and_whether_it_is_invented(tiny: TinyCity, rows: Rows, synthetic: bool) -> None:
    import pyarrow.parquet as pq

    tiny.config["city"]["synthetic"] = synthetic
    folder = tiny.releases / str(tiny.run(rows).release_id)
    files = sorted(folder.glob("*.parquet"))
    assert len(files) == 14
    for path in files:
        said = json.loads(pq.read_metadata(path).metadata[b"openward"])
        assert (said["city"], said["synthetic"]) == ("Twin Squares", synthetic)
    assert ("SYNTHETIC" in chain.read_package(folder)["description"]) is synthetic
    assert ("synthetic" in pq.read_schema(folder / "requests.parquet").names) is synthetic


def test_a_current_release_that_is_gone_does_not_verify(released: Path) -> None:
    import shutil

    folder = chain.current_folder(released)
    assert folder is not None
    shutil.rmtree(folder)
    bad = [f for f in chain.verify(released) if not f.ok]
    assert [(f.name, f.note) for f in bad] == [("current", "current points at nothing that exists")]


def test_a_line_that_a_killed_run_left_unfinished_is_written_again(released: Path) -> None:
    log = released / "chain.jsonl"
    whole = log.read_text()
    log.write_text(whole[:-20])
    assert len(chain.read_log(released)) == 1
    chain.note_in_log(released)
    assert log.read_text() == whole


def test_frictionless_finds_nothing_wrong_with_the_files(released: Path) -> None:
    from frictionless import Package

    folder = chain.current_folder(released)
    assert folder is not None
    report = Package(str(folder / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
