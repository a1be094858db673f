"""A city without layers of its own: addresses are looked up by a service on the web, once, and no run fails with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.store.engine import open_store
from etl.store.models import Request
from tests.etl.conftest import TinyCity, make_city
from tests.etl.providers.services import NominatimServer


def _city(folder: Path, server: NominatimServer) -> TinyCity:
    tiny = make_city(folder, f"sqlite:///{folder / 'store.sqlite'}")
    nominatim = {
        "kind": "nominatim",
        "url": server.url,
        "rate_per_second": 50,
        "patience": {"attempts": 1, "timeout_seconds": 2},
    }
    tiny.config["geocoder"] = {"providers": [nominatim]}
    return tiny


def _row(ident: int, address: str) -> dict[str, str]:
    return {
        "ID": str(ident), "OPENED": "04/01/2024 10:00", "STATUS": "open", "SERVICE": "Pothole", "DEPT": "PW",
        "CHANNEL": "phone", "ADDRESS": address,
    }  # fmt: skip


def _stored(tiny: TinyCity) -> dict[str, Any]:
    with open_store(tiny.store_url).connect() as connection:
        return {row.service_request_id: row for row in connection.execute(sa.select(Request.__table__))}


def test_a_service_places_what_no_layer_does_and_is_asked_once(tmp_path: Path) -> None:
    with NominatimServer() as server:
        tiny = _city(tmp_path, server)
        tiny.run([_row(1, "12 Elm St"), _row(2, "12 Elm St"), _row(3, "1 Nowhere Rd")])
        asked = len(server.requests)
        assert asked == 2, "each address once"
        tiny.run(
            [_row(1, "12 Elm St"), _row(2, "12 Elm St"), _row(3, "1 Nowhere Rd"), _row(4, "12 elm st")], force=True
        )
        assert len(server.requests) == asked, "what was answered is kept"
    found = _stored(tiny)
    for ident in ("1", "2", "4"):
        assert found[ident].location_source == "geocoder" and found[ident].geocode_method == "address_point"
        assert found[ident].geocode_radius_m > 0 and 0 < found[ident].geocode_score < 0.9
    assert found["3"].location_source == "none"


def test_a_service_that_is_gone_leaves_requests_unplaced_and_the_run_whole(tmp_path: Path) -> None:
    with NominatimServer() as server:
        tiny = _city(tmp_path, server)
    tiny.run([_row(1, "12 Elm St")])
    assert _stored(tiny)["1"].location_source == "none"
