"""Response times of many groups at once, as published tables of figures tell them.

Charter: counts by bins of minutes in, hours out: the estimates of the pages by month (`portal.queries.months`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.figures.kaplan_meier import Floats, quantiles

SHARES: Final = (0.5, 0.9)


def hours(edges: NDArray[Any], events: NDArray[Any], censored: NDArray[Any]) -> Floats:
    """The median and the 90th percentile with their 95% intervals, of shape (groups, 2, 3), in hours; NaN: not reached.

    `edges` are the first minutes of the bins and the end of the last, shape (bins + 1,); counts are of shape (groups, bins).
    """
    edges = np.asarray(edges, np.int64)
    middle = (edges[:-1] + edges[1:] - 1) / 2
    return quantiles(middle, events, censored, SHARES, np.diff(edges) > 1) / 60
