"""An OpenAPI document held against the answers of who serves it, by schemathesis."""

from __future__ import annotations

from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup


def no_failure_of_ours(ctx: Any, response: Any, case: Any) -> None:
    """501 is none: oEmbed has it said of a format that is not known."""
    if response.status_code != 501:
        checks.not_a_server_error(ctx, response, case)


CHECKS = [
    no_failure_of_ours, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip


def broken(
    document: str, mode: GenerationMode, examples: int, below: str = "/", but: tuple[str, ...] = ()
) -> list[str]:
    """What is not as the document says of the addresses `below` a path: each is asked for what the document allows, or
    for what it does not. All are asked but those that are named."""
    wrong, asked = [], set()
    for found in schemathesis.openapi.from_url(document).get_all_operations():
        operation = found.ok()
        if not operation.path.startswith(below):
            continue

        @settings(
            max_examples=examples,
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
    told = {path for path in httpx.get(document).json()["paths"] if path.startswith(below)}
    assert asked == told - set(but)
    return wrong
