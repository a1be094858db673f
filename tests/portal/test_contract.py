"""Whatever is asked, the OpenAPI document tells what is answered: every address of /api/v1, by schemathesis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from schemathesis import GenerationMode

from portal.app import create_app
from portal.settings import PortalSettings
from tests.portal.contract import broken

EXAMPLES = 6


@pytest.fixture(scope="module")
def address(serve: Callable[[Any], str], releases_path: Path) -> str:
    """Base URL of the portal over the small release."""
    return serve(create_app(PortalSettings(releases=releases_path)))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_declared(address: str, mode: GenerationMode) -> None:
    """Each address, asked for what the document allows and for what it does not: none fails, all are told of there."""
    wrong = broken(f"{address}/api/v1/openapi.json", mode, EXAMPLES, below="/api/v1/")
    assert not wrong, "\n\n".join(wrong)
