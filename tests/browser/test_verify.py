"""A file's fingerprint, worked out in the browser: the same as that of hashlib, whatever the size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("size", [0, 55, 56, 64, 119, (4 << 20) + 65])
def test_the_fingerprint_is_hashlibs(visit: Callable[[str], Any], tmp_path: Path, size: int) -> None:
    file = tmp_path / "some.bin"
    file.write_bytes(bytes((i * 31 + i // 251) % 256 for i in range(size)))
    page = visit("/verify")
    page.wait_for_selector("#site #verify-input")
    page.set_input_files("#site #verify-input", str(file))
    page.wait_for_url("**/verify?*sha256=*")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert f"sha256={digest}" in page.url
    page.wait_for_selector("text=No: it is no file of these releases")


def test_a_file_of_the_release_is_told(visit: Callable[[str], Any], site: str, tmp_path: Path) -> None:
    import httpx

    release = httpx.get(f"{site}/api/v1/release").json()
    file = tmp_path / "areas.parquet"
    file.write_bytes(httpx.get(f"{site}/download/release/{release['release_id']}/areas.parquet").content)
    page = visit("/verify")
    page.wait_for_selector("#site #verify-input")
    page.set_input_files("#site #verify-input", str(file))
    page.wait_for_selector("text=Yes: not a byte of it differs")
