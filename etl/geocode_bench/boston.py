"""Boston: its address points against held-out parts of themselves, and its cases on the default point.

Charter: reads the shared files; what is true of them and of no other city stands here. Coordinates are as the file
has them, rounded to about 10 m.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from etl.geocode_bench import measures
from etl.geocode_bench.baseline import Lookup, key
from etl.geocode_bench.cases import Cases, cases_of, distinct, strict, tidy
from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure
from etl.geocode_bench.san_francisco import Neighborhoods
from etl.geocode_bench.typos import Streets, plant
from geo.boundaries import read_vintage
from geo.crs import Floats
from geo.geocoding.model import Points, Reference
from geo.geocoding.reference import PointColumns, points_of

CRS = "EPSG:26986"
FOLDER = "boston"
DEFAULT_POINT: Final = (42.3594, -71.0587)
_COLUMNS = PointColumns(
    address="LOCATION_STREET_NAME", zip="LOCATION_ZIPCODE", place="neighborhood", lat="LATITUDE", lon="LONGITUDE"
)


def on_default(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Which places are the default point, at the file's own rounding."""
    return (np.abs(lat - DEFAULT_POINT[0]) < 6e-5) & (np.abs(lon - DEFAULT_POINT[1]) < 6e-5)


def address_points(folder: Path) -> pd.DataFrame:
    """The file of address points without those on the default point, with `text`: the address as a request has it."""
    rows = pd.read_csv(folder / FOLDER / "address_points.csv.gz", dtype=str, keep_default_na=False)
    lat, lon = (pd.to_numeric(rows[c], errors="coerce").to_numpy() for c in ("LATITUDE", "LONGITUDE"))
    good = np.isfinite(lat) & np.isfinite(lon) & ~on_default(lon, lat) & (lat != 0)
    rows = rows[good & (rows["LOCATION_STREET_NAME"].str.strip() != "")].reset_index(drop=True)
    code = rows["LOCATION_ZIPCODE"].str.extract(r"^(\d+)")[0].fillna("").str.zfill(5).replace("00000", "")
    return rows.assign(text=rows["LOCATION_STREET_NAME"].str.strip() + ", Boston, MA " + code)


def _cases(rows: pd.DataFrame) -> tuple[Cases, int]:
    place = rows[["LONGITUDE", "LATITUDE"]].astype(float).to_numpy(np.float64)
    text, lon, lat, torn = distinct(rows["text"].tolist(), place[:, 0], place[:, 1])
    return cases_of(text, lon, lat), torn


def streets_of(points: Points) -> Streets:
    """Which numbers the city's streets have."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for street, low, high in zip(points.street, points.number.tolist(), points.number_high.tolist(), strict=True):
        found[key(str(street))].append((low, high))
    return Streets(found)


class Boston:
    """The address points as read, and what is asked of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = address_points(folder)

    def held_out(self, seed: int, part: float = 0.2) -> tuple[list[Figure], measures.Judged]:
        """Leave out a fifth of the addresses (each with all of its rows), build from the rest, locate the fifth."""
        names = self.rows["text"].map(tidy)
        distinct_names = np.sort(names.unique())
        out = np.random.default_rng(seed).permutation(distinct_names)[: int(len(distinct_names) * part)]
        away = names.isin(set(out)).to_numpy()
        points = points_of(self.rows[~away], _COLUMNS)
        asked, torn = _cases(self.rows[away])
        ours = Ours(Reference(crs=CRS, points=points))
        all_of_them = measures.judge(ours, asked)
        left = {key(s) for s in points.street.tolist()}
        gone = np.array([(p := strict(t)) is not None and key(p.street()) not in left for t in asked.text], dtype=bool)
        asked = asked.take(~gone)  # of a street that is not in the reference at all, nobody can know where it is
        mine, rival = measures.judge(ours, asked), measures.judge(Lookup(points=points), asked)
        areas = Neighborhoods(
            read_vintage(self.folder / FOLDER / "neighborhoods.geojson", "neighborhood", area="name"), CRS
        )
        section = "Boston: a fifth of the address points held out"
        good, wrong = all_of_them.within(measures.BLOCK_OR_BETTER), all_of_them.confident_wrong()
        said = [
            Figure(section, "addresses held out", len(gone)),
            Figure(section, "  whose whole street went with them (not counted below)", int(gone.sum()), n=len(gone)),
            Figure(section, "  located, these included", measures.share(good), "%", n=len(gone)),
            Figure(section, "  confident but wrong, these included", measures.share(wrong), "%", n=len(gone)),
            Figure(section, "  with places over 200 m apart", torn, n=len(gone)),
            *measures.passport(section, mine, rival),
            *measures.areas(section, mine, areas.of, areas.border_m),
        ]
        return said, mine

    def typos(self, each: int, seed: int) -> Iterator[tuple[list[Figure], measures.Judged]]:
        """Planted typos against all address points, with city and ZIP behind the street and without."""
        points = points_of(self.rows, _COLUMNS)
        ours, rival, streets = (
            Ours(Reference(crs=CRS, points=points)),
            Lookup(points=points, fuzzy=True),
            streets_of(points),
        )
        asked, _ = _cases(self.rows)
        for tail in (True, False):
            planted = plant(asked, streets, seed, each, tail=tail)
            mine = measures.judge(ours, planted)
            section = f"Boston: one typo each, {'with city and ZIP' if tail else 'without them'}"
            figures = list(measures.typos(section, mine, measures.judge(rival, planted)))
            yield (figures if tail else [replace(f, low=None, high=None) for f in figures]), mine

    def default_point(self) -> tuple[list[Figure], measures.Judged]:
        """Cases on the default point with a usable address: how many are found, and how far from others' real points.

        The truth is that of other cases with the same address and a real point, where there are some. The address is
        left out of the reference, so that it cannot be found by itself.
        """
        columns = ["Location", "LATITUDE", "LONGITUDE"]
        path = self.folder / FOLDER / "requests_2015_jan_sep.csv.gz"
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=columns)
        text = rows["Location"].str.replace(r"\s{2,}", ", ", regex=True).str.strip()
        lat, lon = (pd.to_numeric(rows[c], errors="coerce").to_numpy() for c in ("LATITUDE", "LONGITUDE"))
        lost = on_default(lon, lat)
        usable = np.array([strict(t) is not None for t in text], dtype=bool)
        real = np.isfinite(lat) & np.isfinite(lon) & ~lost & usable
        known_text, known_lon, known_lat, _ = distinct(text[real].tolist(), lon[real], lat[real])
        known = {tidy(t): i for i, t in enumerate(known_text)}
        asked = list(dict.fromkeys(tidy(t) for t in text[lost & usable]))
        at = np.array([known.get(t, -1) for t in asked], dtype=np.int64)
        truth = [np.where(at >= 0, np.asarray(v)[at], np.nan) for v in (known_lon, known_lat)]
        names = self.rows["LOCATION_STREET_NAME"].map(tidy)
        streets = {tidy(t).partition(",")[0] for t in asked}
        section = "Boston: cases on the default point"
        found = []
        for reference in (self.rows, self.rows[~names.isin(streets).to_numpy()]):
            ours = Ours(Reference(crs=CRS, points=points_of(reference, _COLUMNS)))
            found.append(measures.judge(ours, cases_of(asked, *truth)))
        whole, hidden = found
        said = [
            Figure(section, "cases on the default point", int(lost.sum())),
            Figure(section, "  with a usable address", int((lost & usable).sum())),
            Figure(section, "  distinct addresses of these", len(asked)),
            Figure(section, "  of these with a real point in another case", int((at >= 0).sum())),
        ]
        for name, mine in (("", whole), (", own points hidden", hidden)):
            good, compared = mine.within(measures.BLOCK_OR_BETTER), np.isfinite(mine.error_m)
            values = mine.error_m[compared & mine.within(measures.ADDRESS_LEVEL)]
            said.append(Figure(section, f"located at block or better{name}", measures.share(good), "%", n=len(asked)))
            for q, what in ((0.5, "median error"), (0.9, "90% of errors within")):
                value = float(np.quantile(values, q)) if values.size else float("nan")
                said.append(Figure(section, f"  {what}{name}", value, "m", n=values.size))
            wrong = measures.share(mine.confident_wrong(), at >= 0)
            said.append(
                Figure(section, f"  score 0.9 or more, but over 200 m off{name}", wrong, "%", n=int((at >= 0).sum()))
            )
        return said, hidden
