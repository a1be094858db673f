"""Shares and their intervals."""

from __future__ import annotations

from math import sqrt

from portal.figures.kaplan_meier import Z95


def wilson(k: int, n: int, z: float = Z95) -> tuple[float, float] | None:
    """The score interval of a share k/n (Wilson 1927), as two numbers 0…1; None when n is 0.

    Unlike k/n ± z·se it stays within 0…1 and does not collapse at k = 0 or k = n.

    >>> [round(x, 4) for x in wilson(0, 10)]
    [0.0, 0.2775]
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a share")
    if n == 0:
        return None
    share = k / n
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    margin = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, middle - margin)
    high = 1.0 if k == n else min(1.0, middle + margin)
    return low, high
