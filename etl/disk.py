"""Files and folders of ours on disk: their checksum, and the assurance that they are really there.

Charter: the little that raw copies and releases both need of a file system. What lies in the files stays out.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

SPARED_SHARE: Final = 0.02
SPARED_BYTES: Final = 1 << 30
"""What can be done without leaves this much of a disk free, or the share of it if that is less: stores, logs and the next
release need it more."""


def sha256_of(path: Path) -> str:
    """Checksum of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk and would outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def spare(path: Path) -> None:
    """OSError where what can be done without would take the last of the disk that `path` is on."""
    disk = shutil.disk_usage(path)
    if disk.free < min(SPARED_BYTES, SPARED_SHARE * disk.total):
        raise OSError(
            errno.ENOSPC, f"the last {disk.free / 1e6:,.0f} MB of the disk are left to other things", str(path)
        )
