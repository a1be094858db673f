"""Runs from file to release, on SQLite and on PostGIS: nothing lost, nothing doubled, history kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl.errors import BusyError, ReleaseError, SourceError
from etl.intake import Counts as SourceCounts
from etl.publish import build, chain
from etl.publish.validate import Check
from etl.store.engine import exclusive, migrate, open_store
from etl.store.models import Base, Boundary, Change, Quarantined, Request, Run
from tests.etl.conftest import NOW, TinyCity

Ask = Callable[..., list[tuple[Any, ...]]]
Rows = list[dict[str, str]]


def _all(tiny: TinyCity, query: sa.Select[Any]) -> list[Any]:
    with open_store(tiny.store_url).connect() as connection:
        return list(connection.execute(query).all())


def test_every_row_becomes_a_record_with_its_place_outcome_and_doubts(tiny_on: TinyCity, rows: Rows, ask: Ask) -> None:
    report = tiny_on.run(rows)
    assert report.sources["calls"] == SourceCounts(read=4, new=4)
    folder = tiny_on.releases / str(report.release_id)
    got = ask(
        folder,
        """SELECT service_request_id, status, outcome, department, channel, district, ward, location_note, on_time,
                  response_hours, flags, requested_datetime
           FROM requests ORDER BY 1""",
    )
    assert got == [
        ("1", "closed", "done", "PW", "phone", "1", "3", None, "on_time", 24.0, None, dt.datetime(2024, 2, 1, 15)),
        ("2", "open", None, "PW", "app", "1", "3", None, "late", None, None, dt.datetime(2024, 4, 1, 14)),
        ("3", "closed", "duplicate", "police", "unmapped", None, None, "sentinel", "no_standard", None,
         "closed_before_requested;unmapped_channel", dt.datetime(2024, 4, 2, 14)),
        ("4", "unmapped", None, "police", "phone", None, None, "sentinel", None, None, "unmapped_status",
         dt.datetime(2024, 4, 5, 14)),
    ]  # fmt: skip


def test_a_second_run_of_the_same_file_changes_and_publishes_nothing(tiny_on: TinyCity, rows: Rows) -> None:
    first = tiny_on.run(rows)
    for options in ({}, {"force": True}):
        again = tiny_on.run(rows, **options)
        assert again.release_id is None
        assert again.current == first.release_id
    assert len(chain.read_log(tiny_on.releases)) == 1
    assert _all(tiny_on, sa.select(Change)) == []
    assert {r.last_run for r in _all(tiny_on, sa.select(Request.last_run))} == {first.run_id}


def test_a_changed_row_is_updated_and_each_field_keeps_what_it_was(tiny_on: TinyCity, rows: Rows, ask: Ask) -> None:
    first = tiny_on.run(rows)
    rows[1] |= {"STATUS": "closed", "CLOSED": "04/05/2024 09:00", "NOTE": "Fixed; call Ann"}
    later = NOW + dt.timedelta(days=1)
    second = tiny_on.run(rows, now=later)
    assert second.sources["calls"] == SourceCounts(read=4, changed=1, unchanged=3, field_changes=4)
    history = _all(
        tiny_on, sa.select(Change.service_request_id, Change.field, Change.old, Change.new).order_by(Change.field)
    )
    assert [tuple(row) for row in history] == [
        ("2", "closed_datetime", None, "2024-04-05T13:00:00Z"),
        ("2", "outcome", None, "done"),
        ("2", "status", "open", "closed"),
        ("2", "status_notes", None, "Fixed; call Ann"),
    ]
    folder = tiny_on.releases / str(second.release_id)
    published = ask(folder, "SELECT field, old, new, first_seen FROM changes ORDER BY 1")
    assert [row[0] for row in published] == ["closed_datetime", "outcome", "status"], "free text must not leave"
    assert {row[3] for row in published} == {later.replace(tzinfo=None)}
    previous = chain.read_package(folder)["openward"]["previous"]
    assert previous["release_id"] == first.release_id


def test_rows_that_cannot_be_trusted_are_quarantined_with_a_reason_and_counted(
    tiny_on: TinyCity, rows: Rows, ask: Ask
) -> None:
    bad = [
        rows[0] | {"ID": ""},
        rows[0] | {"ID": "5", "OPENED": "yesterday"},
        rows[0] | {"ID": "6", "OPENED": ""},
        rows[0] | {"ID": "7", "OPENED": "01/01/2031 10:00"},
        rows[0] | {"ID": "8", "OPENED": "01/01/1901 10:00"},
        dict(rows[0]),
        rows[1] | {"STATUS": "closed", "CLOSED": "04/09/2024 10:00"},
    ]
    path = tiny_on.write(rows + bad)
    path.write_text(path.read_text() + "9,too few\n")
    report = _run_file(tiny_on, path)
    counts = report.sources["calls"]
    assert (counts.read, counts.new, counts.duplicates, counts.quarantined) == (12, 4, 1, 7)
    reasons = _all(tiny_on, sa.select(Quarantined.reason).order_by(Quarantined.reason))
    assert [row[0] for row in reasons] == [
        "conflicting_duplicate", "requested_datetime_implausible", "requested_datetime_in_future",
        "requested_datetime_missing", "requested_datetime_unreadable", "service_request_id_missing",
        "wrong_number_of_fields",
    ]  # fmt: skip
    folder = tiny_on.releases / str(report.release_id)
    assert ask(folder, "SELECT sum(rows) FROM exclusions WHERE kind = 'quarantined'") == [(7,)]
    assert ask(folder, "SELECT status FROM requests WHERE service_request_id = '2'") == [("closed",)], "newest wins"


def _run_file(tiny: TinyCity, path: Path) -> Any:
    from etl.pipeline import prepare, run

    place = tiny.place()
    return run(place, prepare(place.config, tiny.yaml, {"calls": path}), now=NOW)


def test_an_input_that_breaks_off_leaves_records_and_releases_as_they_were(tiny_on: TinyCity, rows: Rows) -> None:
    first = tiny_on.run(rows)
    before = _all(tiny_on, sa.select(Request).order_by(Request.service_request_id))
    path = tiny_on.write([rows[0] | {"STATUS": "open", "CLOSED": ""}] * 20_000)
    path.write_bytes(path.read_bytes() + b"\xe9\xe9,broken\n")
    with pytest.raises(SourceError, match="not valid UTF-8"):
        _run_file(tiny_on, path)
    assert _all(tiny_on, sa.select(Request).order_by(Request.service_request_id)) == before
    assert [link.release_id for link in chain.read_log(tiny_on.releases)] == [first.release_id]
    failed = _all(tiny_on, sa.select(Run.message).where(Run.status == "failed"))
    assert len(failed) == 1 and "UTF-8" in failed[0][0]


def test_a_crash_between_load_and_publication_is_made_good_by_the_next_run(
    tiny_on: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: Any, **_kwargs: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build.files, "write_places", killed)
        with pytest.raises(KeyboardInterrupt):
            tiny_on.run(rows)
    assert chain.current_folder(tiny_on.releases) is None
    assert not list(tiny_on.releases.glob(".building-*"))
    report = tiny_on.run(rows)
    assert report.release_id is not None
    assert report.sources == {}


def test_a_release_that_fails_its_checks_is_not_promoted(
    tiny: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tiny.run(rows)
    rows[0]["ADDRESS"] = "3 Main St"
    with monkeypatch.context() as patch:
        patch.setattr(build, "validate", lambda *_args: [Check("made to fail", False, "by the test")])
        with pytest.raises(ReleaseError, match="was not promoted"):
            tiny.run(rows)
    folder = chain.current_folder(tiny.releases)
    assert folder is not None and folder.name == first.release_id
    assert sorted(p.name for p in tiny.releases.iterdir()) == sorted(
        [str(first.release_id), "chain.jsonl", "current", "status.json"]
    )


def test_two_runs_at_once_are_kept_apart(tiny_on: TinyCity, rows: Rows) -> None:
    tiny_on.write(rows)
    with exclusive(open_store(tiny_on.store_url), "twin"), pytest.raises(BusyError, match="another run of 'twin'"):
        tiny_on.run(rows)
    assert tiny_on.run(rows).release_id


def test_both_stores_publish_the_same_bytes(tmp_path: Path, postgis_url: str, rows: Rows) -> None:
    from tests.etl.conftest import make_city

    hashes = []
    for name, url in (("a", f"sqlite:///{tmp_path / 'a.sqlite'}"), ("b", postgis_url)):
        (tmp_path / name).mkdir()
        tiny = make_city(tmp_path / name, url)
        rows[0]["NOTE"] = 'a "quoted", comma\nand a line; \\N é'
        rows[0]["ADDRESS"] = '1 "Main", St\n#2'
        report = tiny.run(rows)
        package = chain.read_package(tiny.releases / str(report.release_id))
        hashes.append({r["name"]: r["hash"] for r in package["resources"]})
    assert hashes[0] == hashes[1]


def test_geometry_is_kept_by_each_store_in_its_own_way(tiny_on: TinyCity, rows: Rows) -> None:
    tiny_on.run(rows)
    engine = open_store(tiny_on.store_url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            text = connection.execute(
                sa.text("SELECT ST_AsText(geom), ST_SRID(geom) FROM request WHERE service_request_id = '1'")
            ).one()
            assert tuple(text) == ("POINT(-71.1 42.35)", 4326)
            inside = "SELECT count(*) FROM boundary b JOIN request r ON ST_Contains(b.geom, r.geom)"
            assert connection.execute(sa.text(inside)).scalar_one() == 4
        else:
            import shapely

            raw = connection.execute(sa.text("SELECT geom FROM request WHERE service_request_id = '1'")).scalar_one()
            assert shapely.from_wkb(raw).wkt == "POINT (-71.1 42.35)"
        assert connection.execute(sa.select(sa.func.count()).select_from(Boundary)).scalar_one() == 4


def test_a_city_without_an_outline_of_its_land_gets_that_of_its_areas(tiny: TinyCity, rows: Rows, ask: Ask) -> None:
    folder = tiny.releases / str(tiny.run(rows).release_id)
    kinds = "SELECT kind, count(*) FROM basemap GROUP BY 1 ORDER BY 1"
    assert ask(folder, kinds) == [("land", 1), ("street", 1)]
    import geopandas as gpd

    found = gpd.read_parquet(folder / "basemap.parquet").set_index("kind").geometry["land"]
    assert found.bounds == (-71.15, 42.3, -71.0, 42.4)


def test_models_and_migrations_agree(store_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    engine = open_store(store_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": lambda _o, name, kind, _r, _c: kind != "table" or name in Base.metadata.tables},
        )
        differences = [
            d for d in compare_metadata(context, Base.metadata) if not (d[0] == "remove_index" and "geom" in d[1].name)
        ]
    assert differences == []


def test_a_configuration_that_publishes_no_places_lets_none_out(tiny: TinyCity, rows: Rows, ask: Ask) -> None:
    tiny.config["privacy"] = {"publish": []}
    report = tiny.run(rows)
    folder = tiny.releases / str(report.release_id)
    columns = {row[0] for row in ask(folder, "DESCRIBE requests")}
    assert not columns & {"address", "lat", "long", "geometry", "agency_responsible", "status_notes", "media_url"}
    assert ask(folder, "SELECT DISTINCT location_note FROM requests") == [("withheld",)]
    import duckdb

    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
        assert db.execute("SELECT count(gx) + count(gy) FROM requests").fetchone() == (0,)
    text = json.dumps(chain.read_package(folder)) + "".join(
        p.read_bytes().decode("latin-1") for p in folder.glob("*.parquet")
    )
    assert "Main St" not in text.replace(_streets(folder), "")


def _streets(folder: Path) -> str:
    return (folder / "basemap.parquet").read_bytes().decode("latin-1")


def test_a_source_whose_every_row_is_refused_changes_nothing(tiny_on: TinyCity, rows: Rows) -> None:
    first = tiny_on.run(rows)
    tiny_on.config["sources"]["calls"]["columns"]["requested_datetime"]["formats"] = ["%d.%m.%Y %H:%M"]
    with pytest.raises(SourceError, match=r"every one of its 8 rows was refused.*requested_datetime_unreadable"):
        tiny_on.run([row | {"OPENED": "2024/01/01"} for row in rows])
    folder = chain.current_folder(tiny_on.releases)
    assert folder is not None and folder.name == first.release_id
    assert _all(tiny_on, sa.select(Quarantined)) == []


def test_a_forced_run_publishes_nothing_although_rows_are_quarantined(tiny_on: TinyCity, rows: Rows) -> None:
    bad = [*rows, rows[0] | {"ID": ""}]
    first = tiny_on.run(bad)
    assert first.release_id and tiny_on.run(bad, force=True).release_id is None
    assert tiny_on.run(rows).release_id, "fewer quarantined rows are a change"
