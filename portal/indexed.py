"""A selection as SQL over a release's own index: the same rows as `Selection.where`, several times as fast.

Charter: what the index's types are (ENUM codes, the number of a combination of status, outcome and standard) in,
parameterised conditions out. No database is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from portal.selection import NOT_STATED, Selection, any_of, quoted

MASK_BITS = 64

FACETED = ("status", "outcome", "on_time")
"""Keys of a Selection that the column `facet` decides."""


class Indexed:
    """Conditions over the columns `requests` of one index."""

    def __init__(self, types: Mapping[str, str], codes: Mapping[str, Mapping[str, int]], facets: pa.Table) -> None:
        """`codes`: label -> code of the columns that are an ENUM; `facets`: its rows in the order of `facet`."""
        self._types, self._codes, self._facets = types, codes, facets

    def where(self, selection: Selection) -> tuple[str, list[Any]]:
        """`selection.where()` for the index: the same rows, several times as fast.

        Status, outcome and standard together are one test of `facet`, the number of their combination:
        10 ms on 10 million rows, where a test of each takes 20.
        """
        admitted = self.admitted(selection)
        clause, params = selection.replace(**dict.fromkeys(FACETED, ())).where(self.one_of)
        if admitted.all():
            return clause, params
        if not admitted.any():
            return "FALSE", []
        mask = sum(1 << int(combination) for combination in np.unique(np.flatnonzero(admitted) >> 3))
        test = f"(({mask}::UBIGINT >> (facet >> 3)) & 1) = 1"
        return (test if clause == "TRUE" else f"{test} AND {clause}"), params

    def admitted(self, selection: Selection) -> NDArray[np.bool_]:
        """For each facet, whether the selection's status, outcome and standard admit it."""
        admitted = np.ones(self._facets.num_rows, dtype=bool)
        for key in FACETED:
            values = getattr(selection, key)
            if values:
                names = [None if value == NOT_STATED else value for value in values]
                admitted &= np.array([name in names for name in self._facets[key].to_pylist()], dtype=bool)
        return admitted

    def one_of(self, column: str, values: Sequence[str]) -> tuple[str, list[Any]]:
        """A condition that the column holds one of the values, by ENUM codes where it is an ENUM.

        Comparing codes takes 6–20 ms on 10 million rows where comparing texts takes 18–75; a bit mask costs
        the same for many values as for one, and a single value of the column's own type lets DuckDB skip row
        groups without it. The codes are the release's own integers.
        """
        codes = self._codes.get(column)
        if codes is None:
            return any_of(column, values)
        name = quoted(column)
        wanted = sorted({codes[value] for value in values if value in codes})
        tests, params = [], []
        if len(wanted) == 1:
            tests.append(f"{name} = ?::{self._types[column]}")
            params = [next(value for value in values if value in codes)]
        elif len(wanted) == len(codes) > 1:
            tests.append(f"{name} IS NOT NULL")
        elif wanted and len(codes) <= MASK_BITS:
            mask = sum(1 << code for code in wanted)
            tests.append(f"(({mask}::UBIGINT >> enum_code({name})::UBIGINT) & 1) = 1")
        elif wanted:
            tests.append(f"enum_code({name}) IN ({', '.join(map(str, wanted))})")
        if NOT_STATED in values:
            tests.append(f"{name} IS NULL")
        return (f"({' OR '.join(tests)})" if tests else "FALSE"), params
