"""Expected times: what is forecast is what the release's own past says, and past forecasts are held against what came."""

from __future__ import annotations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from portal.queries import expected as module
from portal.queries.expected import BASES, calibration, drawn_layer, expected
from portal.release import Release


def test_forecasts_of_past_months_hold_in_a_city_that_does_not_drift(release: Release) -> None:
    found = calibration(release)
    assert found is not None and found.pooled is not None
    assert [row.month for row in found.months] == sorted(row.month for row in found.months if row.month)
    assert sum(row.requests for row in found.months) == found.pooled.requests > 500
    assert found.pooled.half.low is not None and found.pooled.half.low - 0.03 < 0.5 < found.pooled.half.high + 0.03  # type: ignore[operator]
    assert found.pooled.most.low is not None and found.pooled.most.low - 0.03 < 0.9 < found.pooled.most.high + 0.03  # type: ignore[operator]
    assert all(0.3 < factor < 3 for factor in found.factors)


def test_a_forecast_is_of_the_last_year_of_its_service(release: Release) -> None:
    found = expected(release, "parking", None)
    assert found is not None and found.basis in BASES[2:] and found.half_hours and found.most_hours
    assert found.half_hours < found.most_hours
    since = "month >= (SELECT max(month) FROM requests) - 11"
    hours = release.query(
        f"SELECT median(elapsed_minutes) / 60 FROM requests WHERE service_code = 'parking' AND event AND {since}"
    )[0][0]
    assert found.half_hours == pytest.approx(hours, rel=0.25)
    assert expected(release, "tree", None) != found


def test_what_was_known_on_a_day_is_nothing_of_later(release: Release) -> None:
    """A request that was closed after a month began was still open then, however soon it was closed later."""
    month = release.query("SELECT max(month) FROM requests")[0][0] - 2
    known = module._known(release, month, month)
    total, closed = int(known.n.sum()), int(known.n[known.closed].sum())
    before = f"month < {month} AND elapsed_bin IS NOT NULL"
    assert total == release.query(f"SELECT count(*) FROM requests WHERE {before}")[0][0]
    assert (
        closed
        == release.query(f"SELECT count(*) FROM requests WHERE {before} AND event AND closed_month < {month}")[0][0]
    )
    assert 0 < closed < int(module._known(release, month, None).n[module._known(release, month, None).closed].sum())
    assert (np.asarray(known.bin) >= 0).all()


def test_the_api_tells_the_forecast_with_its_calibration(client: TestClient, release: Release) -> None:
    layer = drawn_layer(release)
    answer = client.get("/api/v1/expected/parking", params={"area": "2"})
    assert answer.status_code == 200 and layer == "district"
    told = answer.json()["result"]
    found = expected(release, "parking", "2")
    assert found is not None and told["forecast"]["half_hours"] == pytest.approx(found.half_hours)
    assert told["calibration"]["pooled"]["forecasts"] > 0 and answer.headers["X-Openward-Release"] == release.id
    assert client.get("/api/v1/expected/nonsense").status_code == 404
    assert client.get("/api/v1/expected/parking?area=99").status_code == 404
