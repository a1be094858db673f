"""What is freed goes back to the system.

Charter: one call of the C library.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache


def give_back() -> None:
    """Give freed memory back; nothing happens without glibc.

    By itself glibc keeps what lies between blocks in use, in each of its arenas: after downloads of some MB a piece, 150 MB
    that nobody uses. It takes some milliseconds.
    """
    if (libc := _libc()) is not None:
        libc.malloc_trim(0)


@cache
def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
