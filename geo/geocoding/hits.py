"""Places that were found for addresses, in columns, and the likeliest of them.

Charter: log-likelihoods in, one posterior over all places of a row out; a tie stays a tie, as others. Where the places
come from is `housenumbers`' and `meetings`', what a posterior is worth in the end is `passport`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import Floats
from geo.geocoding.model import METHODS, Ints, Method

Bools = NDArray[np.bool_]
_T = TypeVar("_T", bound=np.generic)
CODE: Final = {method: code for code, method in enumerate(METHODS)}

NOTHING_OF_IT: Final = -8.0
"""The chance that the reference does not have what was meant, whatever was found."""

TOGETHER_M: Final = 60.0
"""Places so near to one another are one answer."""
APART_M: Final = 120.0
"""Alternatives closer to the answer than this are not worth telling."""
WORTH_TELLING: Final = 0.05
MOST_ALTERNATIVES: Final = 5


@dataclass
class Hits:
    """Places that were found for rows, in columns; `scale_m` is what the error grows with."""

    row: list[Ints]
    likelihood: list[Floats]
    x_m: list[Floats]
    y_m: list[Floats]
    method: list[NDArray[np.int8]]
    scale_m: list[Floats]
    zip: list[Ints]
    name: list[Ints]
    corrected: list[Bools]
    cross: list[Ints]
    spots: list[tuple[Ints, Spot, int, Floats | float]]
    """Single places that are not in the columns yet: thousands of arrays of one entry would cost more than they hold."""

    @classmethod
    def none(cls) -> Hits:
        """Nothing found yet."""
        return cls([], [], [], [], [], [], [], [], [], [], [])

    def add(
        self, row: Ints, likelihood: Floats, x: Floats, y: Floats, method: NDArray[np.int8] | int, scale: Floats | float,
        zips: Ints | int, name: Ints | int, corrected: Bools | bool, cross: Ints | int = -1,
    ) -> None:  # fmt: skip
        """Places for rows, one entry each; what is a single value goes for all of them."""
        n = len(row)
        self.row.append(row)
        self.likelihood.append(likelihood)
        self.x_m.append(x)
        self.y_m.append(y)
        self.method.append(np.broadcast_to(np.asarray(method, dtype=np.int8), n))
        self.scale_m.append(np.broadcast_to(np.asarray(scale, dtype=np.float64), n))
        self.zip.append(np.broadcast_to(np.asarray(zips, dtype=np.int64), n))
        self.name.append(np.broadcast_to(np.asarray(name, dtype=np.int64), n))
        self.corrected.append(np.broadcast_to(np.asarray(corrected, dtype=bool), n))
        self.cross.append(np.broadcast_to(np.asarray(cross, dtype=np.int64), n))

    def spot(self, rows: Ints, spot: Spot, method: Method, said: Floats | float = 0.0) -> None:
        """One place for some rows."""
        self.spots.append((rows, spot, CODE[method], said))

    def _in_columns(self) -> None:
        """Put the single places into the columns."""
        if not self.spots:
            return
        rows, spots, method, said = zip(*self.spots, strict=True)
        count = np.array([len(part) for part in rows])
        which = np.repeat(np.arange(len(spots)), count)
        likelihood = np.array([spot.likelihood for spot in spots])[which]
        end = np.cumsum(count)
        for i, more in enumerate(said):
            if not isinstance(more, float) or more:
                likelihood[end[i] - count[i] : end[i]] += more
        self.add(
            np.concatenate(rows), likelihood, np.array([spot.x_m for spot in spots])[which],
            np.array([spot.y_m for spot in spots])[which], np.array(method, dtype=np.int8)[which],
            np.array([spot.scale_m for spot in spots])[which], 0, np.array([spot.name for spot in spots])[which],
            np.array([spot.corrected for spot in spots])[which], np.array([spot.cross for spot in spots])[which],
        )  # fmt: skip
        self.spots.clear()

    def settled(self, count: int) -> Bools:
        """Of rows 0 to `count`, those that were found at block or better."""
        self._in_columns()
        out = np.zeros(count, dtype=bool)
        for row, method in zip(self.row, self.method, strict=True):
            out[row[method <= CODE["block"]]] = True
        return out

    def columns(self) -> Found:
        """All of them in one."""
        self._in_columns()
        return Found(
            row=_joined(self.row, np.int64),
            likelihood=_joined(self.likelihood, np.float64),
            x_m=_joined(self.x_m, np.float64),
            y_m=_joined(self.y_m, np.float64),
            method=_joined(self.method, np.int8),
            scale_m=_joined(self.scale_m, np.float64),
            zip=_joined(self.zip, np.int64),
            name=_joined(self.name, np.int64),
            corrected=_joined(self.corrected, np.bool_),
            cross=_joined(self.cross, np.int64),
        )


@dataclass(frozen=True)
class Found:
    """Places that were found, one entry each, in no order."""

    row: Ints
    likelihood: Floats
    x_m: Floats
    y_m: Floats
    method: NDArray[np.int8]
    scale_m: Floats
    zip: Ints
    name: Ints
    corrected: Bools
    cross: Ints

    def take(self, which: Ints | Bools) -> Found:
        """Some of them."""
        return Found(*(getattr(self, field)[which] for field in self.__dataclass_fields__))


class Spot(NamedTuple):
    """One place of one text; `cross` is the other street's name where it is a crossing, -1 elsewhere."""

    x_m: float
    y_m: float
    likelihood: float
    name: int
    corrected: bool
    cross: int = -1
    scale_m: float = 0.0


@dataclass(frozen=True)
class Other:
    """A place that an address may mean besides the likeliest."""

    x_m: float
    y_m: float
    method: int
    name: int
    cross: int
    posterior: float


@dataclass
class Best:
    """The likeliest place of each row."""

    method: NDArray[np.int8]
    likelihood: Floats
    posterior: Floats
    x_m: Floats
    y_m: Floats
    scale_m: Floats
    zip: Ints
    name: Ints
    cross: Ints
    corrected: Bools
    others: dict[int, list[Other]]

    @classmethod
    def none(cls, n: int) -> Best:
        """Nothing found for any of n rows."""
        return cls(
            np.zeros(n, np.int8), np.full(n, -np.inf), np.zeros(n), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n),
            np.zeros(n, np.int64), np.full(n, -1, np.int64), np.full(n, -1, np.int64), np.zeros(n, bool), {},
        )  # fmt: skip

    def choose(self, found: Found) -> None:
        """Take for each row what is likeliest of what was found for it; a row without any stays as it is."""
        if not len(found.row):
            return
        order = np.lexsort((found.method, -found.likelihood, found.row))
        found = found.take(order)
        new = np.ones(len(order), dtype=bool)
        new[1:] = found.row[1:] != found.row[:-1]
        first = np.flatnonzero(new)
        group = np.cumsum(new) - 1
        top = found.likelihood[first]
        weight = np.exp(found.likelihood - top[group])
        apart = np.hypot(found.x_m - found.x_m[first][group], found.y_m - found.y_m[first][group])
        # The same place found twice counts once: only the likeliest of a cluster weighs.
        same = apart <= TOGETHER_M
        mass = np.where(same, 0.0, weight)
        doubles = _repeats(found, group)
        mass[doubles] = 0.0
        others = np.add.reduceat(mass, first)
        row = found.row[first]
        posterior = 1.0 / (1.0 + others + np.exp(NOTHING_OF_IT - top))
        self.method[row], self.likelihood[row], self.posterior[row] = found.method[first], top, posterior
        self.x_m[row], self.y_m[row], self.scale_m[row] = found.x_m[first], found.y_m[first], found.scale_m[first]
        self.zip[row], self.name[row], self.cross[row] = found.zip[first], found.name[first], found.cross[first]
        self.corrected[row] = found.corrected[first]
        for r in row[np.isin(row, list(self.others))] if self.others else ():
            self.others.pop(int(r), None)
        share = mass * posterior[group]
        told = np.flatnonzero((share >= WORTH_TELLING) & (apart > APART_M))
        for i in told:
            mine = self.others.setdefault(int(found.row[i]), [])
            near = any(np.hypot(o.x_m - found.x_m[i], o.y_m - found.y_m[i]) <= TOGETHER_M for o in mine)
            if len(mine) < MOST_ALTERNATIVES and not near:
                mine.append(
                    Other(
                        float(found.x_m[i]),
                        float(found.y_m[i]),
                        int(found.method[i]),
                        int(found.name[i]),
                        int(found.cross[i]),
                        float(share[i]),
                    )
                )


def _repeats(found: Found, group: Ints) -> Ints:
    """Entries that lie where a likelier entry of the same row lies already."""
    cell = (np.floor(found.x_m / TOGETHER_M).astype(np.int64) << 24) ^ np.floor(found.y_m / TOGETHER_M).astype(np.int64)
    frame = pd.DataFrame({"group": group, "cell": cell})
    return np.flatnonzero(frame.duplicated().to_numpy())


def _joined(parts: Sequence[NDArray[_T]], kind: type[_T]) -> NDArray[_T]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
