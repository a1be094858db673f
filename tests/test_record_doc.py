"""The commands for a time stamp in docs/record.md, with an authority of our own in place of one on the network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, unavailable

CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
"""


def _run(folder: Path, *arguments: str, ok: bool = True) -> str:
    done = subprocess.run(["openssl", *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A folder with a time-stamping authority and a chain."""
    if shutil.which("openssl") is None:
        unavailable("there is no openssl")
    (tmp_path / "tsa.cnf").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "chain.jsonl").write_text('{"release_id": "20260701T040000Z-1a2b3c4d"}\n')
    _run(
        tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.pem", "-days", "2",
        "-subj", "/CN=A witness", "-addext", "extendedKeyUsage=critical,timeStamping",
    )  # fmt: skip
    shutil.copy(tmp_path / "tsa.pem", tmp_path / "tsa-ca.pem")
    return tmp_path


def test_a_time_stamp_holds_for_this_chain_and_for_no_other(authority: Path) -> None:
    commands = [line for line in (ROOT / "docs/record.md").read_text().splitlines() if line.startswith("openssl ts ")]
    query, verify = (line.split()[1:] for line in commands)
    _run(authority, *query)
    _run(
        authority,
        "ts",
        "-reply",
        "-config",
        "tsa.cnf",
        "-section",
        "tsa",
        "-queryfile",
        "chain.tsq",
        "-out",
        "chain.tsr",
    )
    assert "Verification: OK" in _run(authority, *verify)
    chain = authority / "chain.jsonl"
    chain.write_text(chain.read_text().replace("1a2b", "1a2c"))
    assert "Verification: FAILED" in _run(authority, *verify, ok=False)
