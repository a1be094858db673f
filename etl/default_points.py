"""Points that a source writes where it does not know the place: looked for in what it says, never listed by hand.

Charter: the evidence of a run's rows together with the stored ones. What counts as evidence is geo.geocoding.doubt's;
what becomes of the rows on such a point is decided when they are cleaned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine

from etl.config import CityConfig, RequestSource
from etl.duck import quoted
from etl.store.bulk import within_reach
from etl.store.staging import Staging
from etl.transform.placing import CONTRADICTS, Finder, on_defaults
from geo.crs import Floats
from geo.geocoding.doubt import MIN_ROWS, SOURCE_RADIUS_M, DefaultPoint, PointTally
from geo.geocoding.model import Objects
from geo.points import KnownSentinel, believe

UNIT: Final = 100_000
"""Points are the same that agree to 1e-5 degrees, as in geo.geocoding.doubt."""

MENDED: Final = ("swapped", "sign", "projected", "scaled")
SAID: Final = (
    "source_lat", "source_long", "lat", "long", "location_source", "location_note", "address", "zip", "flags",
)  # fmt: skip


class Search:
    """Looks for default points of one source once its rows are staged and decided."""

    def __init__(
        self, config: CityConfig, source: RequestSource, finder: Finder, known: Sequence[KnownSentinel]
    ) -> None:
        """`known` are those that were found before."""
        self._config, self._source, self._finder, self._known = config, source, finder, known

    def found(self, staging: Staging, engine: Engine, *, anew: bool) -> list[DefaultPoint]:
        """Default points that were not known, most rows first. Reads the store only where rows give reason to.

        Those rows are the new and the changed ones; all of them where they are read `anew`, by other rules.
        """
        if not self._reason(staging, "(FROM staged ANTI JOIN losers USING (seq))" if anew else "fresh"):
            return []
        self._spots(staging, engine)
        points = staging.table(
            "SELECT x, y, sum(rows)::BIGINT AS rows FROM spot GROUP BY x, y ORDER BY x, y"
        ).to_pandas()
        points = points[self._believable(points["x"].to_numpy() / UNIT, points["y"].to_numpy() / UNIT)]
        tally = self._tally(staging, points)
        return tally.detect()

    def _reason(self, staging: Staging, rows: str) -> bool:
        """Whether a point of these rows that was believed might be one.

        One address that lies elsewhere is enough: a city that is asked every few minutes brings them one at a time. Of
        rows without address it takes two on one point, since some sources give none at all. Where nothing is
        contradicted because the policy does not ask, two different addresses will do.
        """
        quiet = self._config.geocoder is None or self._config.geocoder.contradiction == "off"
        elsewhere = f"location_note = {quoted(CONTRADICTS)} OR flags LIKE '%location_contradicts_address%'"
        doubtful = "count(DISTINCT address) > 1" if quiet else f"count(*) FILTER ({elsewhere}) > 0"
        return bool(
            staging.count(
                f"""(SELECT 1 FROM ({_SPOTS.format(relation=rows)})
                     WHERE x IS NOT NULL AND (location_source = 'source' OR location_note = {quoted(CONTRADICTS)})
                       AND NOT coalesce(flags LIKE '%location_default_point%', FALSE)
                     GROUP BY x, y HAVING count(*) FILTER (address IS NULL) > 1 OR {doubtful} LIMIT 1)"""  # noqa: S608
            )
        )

    def _spots(self, staging: Staging, engine: Engine) -> None:
        """`spot`: rows by point and address, of what is staged and of what is stored besides."""
        key = ", ".join(staging.kind.key)
        stored = {name: name for name in (*staging.kind.key, *SAID)}
        where = f"source = {quoted(staging.source)} AND withdrawn IS NULL"
        staged = f"SELECT {key}, {', '.join(SAID)} FROM staged ANTI JOIN losers USING (seq)"  # noqa: S608
        with within_reach(staging.db, engine, "request", stored, where) as relation:
            kept = f"SELECT {key}, {', '.join(SAID)} FROM {relation} ANTI JOIN staged USING ({key})"  # noqa: S608
            rows = _SPOTS.format(relation=f"({staged} UNION ALL {kept})")
            staging.db.execute(
                f"""CREATE OR REPLACE TABLE spot AS SELECT x, y, address, min(zip) AS zip, count(*) AS rows
                    FROM ({rows}) WHERE x IS NOT NULL GROUP BY x, y, address"""  # noqa: S608
            )

    def _believable(self, lon: Floats, lat: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Points inside the city that neither the YAML nor an earlier run has told from places."""
        city = self._config.city
        listed = [KnownSentinel(s.lat, s.long, s.radius_m) for s in self._source.sentinels]
        fine = np.isfinite(believe(lon, lat, bbox=city.bbox, crs=city.crs, sentinels=listed).lon)
        return np.asarray(fine & ~on_defaults(lon, lat, self._known))

    def _tally(self, staging: Staging, points: pd.DataFrame) -> PointTally:
        """The evidence: by address on points with rows enough to be judged, as mere numbers on the others."""
        crowded = points[points["rows"] >= MIN_ROWS]
        if crowded.empty:
            return PointTally.empty()
        pairs = self._on(staging, crowded, "x, y, address, zip, rows")
        addresses: Objects = pairs["address"].to_numpy(dtype=object)
        texts, index = np.unique((pairs["address"].fillna("") + "\x1f" + pairs["zip"].fillna("")), return_inverse=True)
        split = [text.split("\x1f", 1) for text in texts]
        located = self._finder.locate([a for a, _ in split], [z for _, z in split])
        tally = PointTally.of(
            pairs["x"].to_numpy() / UNIT, pairs["y"].to_numpy() / UNIT,
            addresses, located.lon[index], located.lat[index], located.radius_m[index],
            self._config.city.crs, source_radius_m=self._source.radius_m or SOURCE_RADIUS_M,
            rows=pairs["rows"].to_numpy(dtype=np.int64),
        )  # fmt: skip
        rest = points[points["rows"] < MIN_ROWS]
        return tally.merge(PointTally(_without_addresses(rest)))

    @staticmethod
    def _on(staging: Staging, points: pd.DataFrame, columns: str) -> pd.DataFrame:
        staging.db.register("wanted", pa.Table.from_pandas(points[["x", "y"]], preserve_index=False))
        found = staging.table(f"SELECT {columns} FROM spot JOIN wanted USING (x, y) ORDER BY x, y, address")  # noqa: S608
        staging.db.unregister("wanted")
        return found.to_pandas()


_SPOTS = f"""
    SELECT round_even({UNIT} * CASE WHEN mended THEN long ELSE source_long END, 0)::BIGINT AS x,
           round_even({UNIT} * CASE WHEN mended THEN lat ELSE source_lat END, 0)::BIGINT AS y,
           address, zip, location_source, location_note, flags
    FROM (SELECT *, coalesce(location_source = 'source' AND location_note IN {MENDED}, FALSE) AS mended
          FROM {{relation}})
    WHERE abs(source_lat) < 1e12 AND abs(source_long) < 1e12"""  # noqa: S608


def _without_addresses(points: pd.DataFrame) -> pd.DataFrame:
    """Points with too few rows to be judged: they say what is usual. Their rows count as placed where they are said."""
    rows = points["rows"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "x": points["x"].to_numpy(dtype=np.int64),
            "y": points["y"].to_numpy(dtype=np.int64),
            "address": np.ones(len(points), dtype=np.uint64),
            "rows": rows,
            "placed": rows,
            "contradicted": np.zeros(len(points), dtype=np.int64),
        }
    )
