"""An order in which neighbours on the map are neighbours in the file (Hilbert curve).

Charter: integer grid coordinates in, sort keys out. Files and tables sorted
by it let a reader skip what a map window does not show.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hilbert_key(gx: NDArray[np.uint32], gy: NDArray[np.uint32], order: int = 32) -> NDArray[np.uint64]:
    """Position of each grid cell along a Hilbert curve over a 2**order square.

    Source: the bitwise x, y → d conversion of Hilbert curves (Warren, Hacker's Delight, ch. 16), vectorised.
    """
    x = gx.astype(np.uint64)
    y = gy.astype(np.uint64)
    key = np.zeros(x.shape, dtype=np.uint64)
    one, three = np.uint64(1), np.uint64(3)
    mask = np.uint64(2**order - 1)
    for bit in range(order - 1, -1, -1):
        side = np.uint64(1 << bit)
        rx = (x >> np.uint64(bit)) & one
        ry = (y >> np.uint64(bit)) & one
        key += side * side * ((three * rx) ^ ry)
        flip = (ry == 0) & (rx == 1)
        x = np.where(flip, mask - x, x)
        y = np.where(flip, mask - y, y)
        swap = ry == 0
        x, y = np.where(swap, y, x), np.where(swap, x, y)
    return key
