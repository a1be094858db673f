"""How far results lie from trusted points: error by method, radii, scores, and the calibration that follows.

Charter: results and trusted points in, figures, their lines and a Passport out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.crs import Floats, from_wgs84
from geo.geocoding.calibration import factors_of, scores_of
from geo.geocoding.model import METHODS, Located
from geo.geocoding.passport import RIGHT_M, SUREST, Passport, within

QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)
BANDS: Final = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass
class Truth:
    """Results beside trusted points, gathered chunk by chunk: a few numbers a row."""

    crs: str
    bbox: tuple[float, float, float, float]
    rows: int = 0
    """Rows with an address."""
    untrusted: int = 0
    """Of these, without a trusted point in the city's box."""
    _parts: list[tuple[NDArray[np.int8], Floats, Floats, Floats, Floats, Floats, Floats]] = field(default_factory=list)

    def add(self, found: Located, lon: Floats, lat: Floats) -> None:
        """Results of rows with an address, and their trusted points in degrees."""
        west, south, east, north = self.bbox
        with np.errstate(invalid="ignore"):
            good = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        self.rows += len(lon)
        self.untrusted += int((~good).sum())
        good &= found.method > 0
        self._parts.append(
            (
                found.method[good], found.score[good], found.radius_m[good], found.lon[good], found.lat[good], lon[good],
                lat[good],
            )
        )  # fmt: skip

    def judged(self, passport: Passport) -> Judged:
        """All of it, and what `passport`, which the results were made with, becomes by it."""
        method, score, radius, lon, lat, true_lon, true_lat = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        x, y = from_wgs84(lon, lat, self.crs)
        true_x, true_y = from_wgs84(true_lon, true_lat, self.crs)
        error = np.hypot(x - true_x, y - true_y)
        none = np.full(len(method), None, dtype=object)
        found = Located(method, score, radius, lon, lat, none, np.zeros(len(method), dtype=bool), none)
        more = factors_of(found, true_lon, true_lat, self.crs)
        factor = np.array([more.get(name, 1.0) for name in METHODS])[method]
        # Scores as they will be with the new radii, before the table; a table of before is of no use to the next one.
        rescored = np.minimum(score / np.maximum(within(radius), 1e-9) * within(radius * factor), SUREST)
        factors = {
            **passport.factors,
            **{name: round(f * passport.factors.get(name, 1.0), 3) for name, f in more.items()},
        }
        made = Passport(radii=passport.radii, factors=factors, scores=scores_of(rescored, error <= RIGHT_M))
        return Judged(
            self.rows, self.untrusted, method, score, radius, error, made, radius * factor, made.corrected(rescored)
        )


@dataclass(frozen=True)
class Judged:
    """Every located row with a trusted point: what was stated, how far off it is, and what calibration makes of it."""

    rows: int
    untrusted: int
    method: NDArray[np.int8]
    score: Floats
    radius_m: Floats
    error_m: Floats
    passport: Passport
    new_radius_m: Floats
    new_score: Floats

    def figures(self) -> dict[str, Any]:
        """As one document: by method and by band of score."""
        methods = {name: self._method(self.method == code) for code, name in enumerate(METHODS) if code}
        everything = self._method(np.ones(len(self.method), dtype=bool))
        sure = self.score >= 0.9
        return {
            "rows": self.rows,
            "without_trusted_point": self.untrusted,
            "compared": len(self.method),
            "by_method": {name: found for name, found in [*methods.items(), ("all", everything)] if found["rows"]},
            "confident_but_wrong": _share((self.error_m > RIGHT_M)[sure]),
            "scores": _bands(self.score, self.error_m <= RIGHT_M),
        }

    def _method(self, mine: NDArray[np.bool_]) -> dict[str, Any]:
        error, radius = self.error_m[mine], self.radius_m[mine]
        at = np.quantile(error, QUANTILES).round(1).tolist() if error.size else [None] * len(QUANTILES)
        return {
            "rows": int(error.size),
            **{f"error_m_p{round(q * 100)}": value for q, value in zip(QUANTILES, at, strict=True)},
            "over_200_m": _share(error > RIGHT_M),
            "within_radius": _share(error <= radius),
            "within_new_radius": _share(error <= self.new_radius_m[mine]),
        }

    def calibration(self, about: dict[str, Any]) -> str:
        """The file that the YAML's `geocoder.calibration` reads; the figures that it rests on stand beside it."""
        return self.passport.to_json({**about, "measured": self.figures()})

    def lines(self, *, calibrated: bool) -> list[str]:
        """For people."""
        told = self.figures()
        compared = f"compared with trusted points: {len(self.method):,} of {self.rows:,} rows with an address"
        out = [f"{compared} ({self.untrusted:,} have no trusted point in the city)"]
        if not len(self.method):
            return out
        out.append(
            f"{'method':16}{'rows':>10}{'median':>9}{'90%':>9}{'95%':>9}{'99%':>9}{'>200 m':>9}{'in radius':>11}"
        )
        for name, row in told["by_method"].items():
            quantiles = "".join(f"{row[f'error_m_p{round(q * 100)}']:>7,.0f} m" for q in QUANTILES)
            new = f" ({row['within_new_radius']:.1%} calibrated)" if calibrated else ""
            out.append(
                f"{name:16}{row['rows']:>10,}{quantiles}{row['over_200_m']:>9.1%}{row['within_radius']:>11.1%}{new}"
            )
        out.append(
            f"{'score':16}{'rows':>10}{'stated':>9}{'right':>9}   (right: within {RIGHT_M:.0f} m of the trusted point)"
        )
        out += [
            f"{band['from']:.2f} to {band['to']:.2f}    {band['rows']:>10,}{band['stated']:>9.3f}{band['right']:>9.3f}"
            for band in told["scores"]
        ]
        if told["confident_but_wrong"] is not None:
            out.append(f"score 0.9 or more, yet over {RIGHT_M:.0f} m off: {told['confident_but_wrong']:.2%}")
        return out


def _bands(score: Floats, right: NDArray[np.bool_]) -> list[dict[str, float]]:
    found = []
    for low, high in pairwise(BANDS):
        mine = (score >= low) & ((score < high) | (high == BANDS[-1]))
        if mine.any():
            stated, true = float(score[mine].mean()), float(right[mine].mean())
            found.append(
                {"from": low, "to": high, "rows": int(mine.sum()), "stated": round(stated, 4), "right": round(true, 4)}
            )
    return found


def _share(yes: NDArray[np.bool_]) -> float | None:
    return round(float(yes.mean()), 4) if yes.size else None
