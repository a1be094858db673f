"""Each kind of source in the YAML finds its adapter, and no message of one ever shows a secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from etl.config.connections import KINDS
from etl.config.mapping import RequestSource
from etl.errors import ConfigError
from etl.extract.adapters import adapter_of

MAPPING: dict[str, Any] = {
    "columns": {
        "service_request_id": "id",
        "service_code": "code",
        "status": "status",
        "requested_datetime": {"column": "opened"},
    },
    "statuses": {"Open": "open"},
}
SOURCES: dict[str, dict[str, Any]] = {
    "file": {"path": "calls.csv"},
    "socrata": {"url": "https://data.example.org", "dataset": "abcd-1234"},
    "open311": {"url": "https://example.org/open311/v2"},
    "arcgis": {"url": "https://example.org/rest/services/Calls/FeatureServer/0"},
    "ckan": {"url": "https://example.org", "resource": "0a1b2c3d-1111-2222-3333-444455556666"},
    "sql": {"url_env": "CRM_URL", "query": "SELECT 1"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_adapter(kind: str) -> None:
    if kind == "file":
        pytest.importorskip("etl.extract.file_source")
    source = RequestSource.model_validate({"kind": kind, **SOURCES[kind], **MAPPING})
    adapter = adapter_of(source)
    assert type(adapter).__name__.lower() == f"{kind}adapter"
    for name in ("fetch", "columns", "tables"):
        assert callable(getattr(adapter, name))


def test_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="'fax' is not a kind of source; allowed: file, socrata"):
        adapter_of(SimpleNamespace(connection=SimpleNamespace(kind="fax"), null_values=()))
