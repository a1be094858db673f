"""What may leave: generalised places, redacted texts, hidden counts, and an audit that stops a release."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from etl.errors import ReleaseError
from etl.publish import chain, policy
from tests.etl.conftest import NOW, TinyCity

Ask = Callable[..., list[tuple[Any, ...]]]
Rows = list[dict[str, str]]
DAY = dt.timedelta(days=1)


def _released(tiny: TinyCity, ask: Ask, sql: str) -> list[tuple[Any, ...]]:
    return ask(tiny.releases / str(tiny.current()), sql)


@pytest.fixture
def careful(tiny_on: TinyCity) -> TinyCity:
    """Potholes on their block, noise in its district, everything else where it is."""
    tiny_on.config["privacy"] = {
        "publish": ["address", "location", "agency_responsible", "status_notes"],
        "locations": {
            "services": {"pothole": "block_face", "noise": "area"},
            "area_layer": "district",
        },
    }
    return tiny_on


def test_sensitive_places_are_generalised_everywhere_in_a_release(careful: TinyCity, rows: Rows, ask: Ask) -> None:
    rows[2] |= {"LAT": "42.351", "LON": "-71.111", "ADDRESS": "9 Main St"}
    exact = dict(rows[0], ID="8", SERVICE="Graffiti", LAT="42.3512", LON="-71.1013", ADDRESS="8 Main St")
    careful.run([*rows, exact])
    got = _released(
        careful,
        ask,
        "SELECT service_request_id, location_precision, lat, long, address, ward, status_notes FROM requests ORDER BY 1",
    )
    by_id = {row[0]: row[1:] for row in got}
    assert by_id["1"][0] == "block_face" and (by_id["1"][1], by_id["1"][2]) != (42.35, -71.10)
    assert by_id["1"][3] == "Main St" and by_id["1"][4] is None and by_id["1"][5] is None
    assert by_id["3"][0] == "area" and by_id["3"][3] is None
    assert by_id["8"] == ("exact", 42.3512, -71.1013, "8 Main St", "3", "Fixed it")
    audit = careful.package()["openward"]["privacy"]
    assert audit["locations"]["violations"] == 0
    assert audit["locations"]["sensitive"] == {"block_face": 2, "area": 2}
    folder = careful.releases / str(careful.current())
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
        true = db.execute(
            "SELECT count(*) FROM requests WHERE service_code <> 'graffiti' AND lat = 42.35 AND long IN (-71.1, -71.08)"
        ).fetchone()
    assert true == (0,)


def test_what_was_published_of_a_place_stays_although_the_source_mends_it(
    careful: TinyCity, rows: Rows, ask: Ask
) -> None:
    careful.run(rows)
    place = "SELECT lat, long FROM requests WHERE service_request_id = '1'"
    before = _released(careful, ask, place)
    rows[0] |= {"LAT": "42.35004", "LON": "-71.10006"}
    careful.run(rows, now=NOW + DAY)
    assert _released(careful, ask, place) == before
    told = _released(careful, ask, "SELECT field, old, new FROM changes")
    assert told == [], "the change of a sensitive place is not told"


def test_texts_are_published_redacted_and_the_audit_says_how_well(careful: TinyCity, rows: Rows, ask: Ask) -> None:
    note = "Fixed. Spoke with Maria Gonzalez at 617-555-0123, plate MA 1ABC23"
    careful.run([*rows, dict(rows[0], ID="8", SERVICE="Graffiti", NOTE=note)])
    (text,) = _released(careful, ask, "SELECT status_notes FROM requests WHERE service_request_id = '8'")[0]
    assert text.startswith("Fixed. Spoke with [name]")
    assert not any(part in text for part in ("Maria", "Gonzalez", "555", "1ABC23"))
    figures = careful.package()["openward"]["privacy"]["text"]
    assert figures["fields"] == ["status_notes"] and figures["examples"] >= 2_000
    assert figures["recall"]["patterns"]["recall"] >= 0.99
    assert figures["recall"]["name"]["recall"] >= 0.95
    assert figures["share_wrongly_removed"] <= 0.02


def test_a_redactor_that_misses_too_much_stops_the_release(
    careful: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.privacy.redact import Redactor

    monkeypatch.setattr(Redactor, "redact", lambda _self, text: text)
    with pytest.raises(ReleaseError, match="audit of texts holds this release back"):
        careful.run(rows)
    assert careful.current() is None


def test_a_place_that_slips_through_stops_the_release(
    careful: TinyCity, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = careful.run(rows[:1])

    def careless(self: Any, batch: Any) -> Any:
        import pyarrow as pa

        empty = pa.nulls(len(batch), pa.string())
        return batch.append_column("location_precision", pa.array(["exact"] * len(batch))).append_column(
            "description", empty
        )

    monkeypatch.setattr(policy.PublicRows, "rows", careless)
    with pytest.raises(ReleaseError, match="audit of places holds this release back"):
        careful.run(rows, now=NOW + DAY)
    folder = chain.current_folder(careful.releases)
    assert folder is not None and folder.name == first.release_id


def test_small_counts_are_hidden_in_the_tables_that_the_policy_names(tiny: TinyCity, rows: Rows, ask: Ask) -> None:
    tiny.config["privacy"]["small_cells"] = {"minimum": 3, "tables": ["monthly", "exclusions"]}
    many = [dict(rows[0], ID=str(n)) for n in range(100, 109)]
    tiny.run([*rows, *many, dict(rows[0], ID="200", OPENED="soon")])
    counts = _released(
        tiny, ask, "SELECT layer, area, requests, suppressed FROM monthly WHERE service_code = 'pothole'"
    )
    told = {(layer, area): (n, hidden) for layer, area, n, hidden in counts if n is None or n > 5}
    assert all((n is None) == hidden for n, hidden in told.values())
    assert not _released(tiny, ask, "SELECT 1 FROM monthly WHERE requests IN (1, 2) OR closed IN (1, 2)")
    assert not _released(tiny, ask, "SELECT 1 FROM exclusions WHERE rows IN (1, 2)")
    assert _released(tiny, ask, "SELECT count(*) > 0 FROM exclusions WHERE rows IS NULL") == [(True,)]
    profile = chain.read_package(tiny.releases / "current")["openward"]["profile"]
    assert profile and all("rows" in of and "quarantined" not in of for of in profile.values())
    (source,) = json.loads((tiny.releases / "status.json").read_text())["sources"]
    assert source["quarantined"] is None and source["reasons"] == {}
    assert source["runs"] and not any({"read", "quarantined"} & set(run) for run in source["runs"])
