"""Whatever is asked, the OpenAPI document tells what is answered: every address of /api/v1, by schemathesis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup

from portal.app import create_app
from portal.settings import PortalSettings

CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip
EXAMPLES = 6


@pytest.fixture(scope="module")
def address(serve: Callable[[Any], str], releases_path: Path) -> str:
    """Base URL of the portal over the small release."""
    return serve(create_app(PortalSettings(releases=releases_path)))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_declared(address: str, mode: GenerationMode) -> None:
    """Each address, asked for what the document allows and for what it does not: none fails, all are told of there."""
    document = f"{address}/api/v1/openapi.json"
    wrong, asked = [], set()
    for found in schemathesis.openapi.from_url(document).get_all_operations():
        operation = found.ok()
        if not operation.path.startswith("/api/v1/"):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            holds()
        except Unsatisfiable:  # nothing is refused at an address without parameters
            assert mode is GenerationMode.NEGATIVE
        except (Exception, FailureGroup) as error:
            wrong.append(f"{operation.path}: {error}"[:1500])
        asked.add(operation.path)
    paths = httpx.get(document).json()["paths"]
    assert asked == {path for path in paths if path.startswith("/api/v1/")}
    assert not wrong, "\n\n".join(wrong)
