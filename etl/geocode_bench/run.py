"""The whole evaluation: which parts are run, over which data, and what is said of them.

Charter: composes the other modules; the lines, the figures and nothing else come out of here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from etl.geocode_bench import hostile as hostile_text
from etl.geocode_bench import made_up, measures, speed, suggesting
from etl.geocode_bench.boston import FOLDER as BOSTON
from etl.geocode_bench.boston import Boston
from etl.geocode_bench.city import CRS, City, make_city
from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure, summary, table
from etl.geocode_bench.san_francisco import FOLDER as SAN_FRANCISCO
from etl.geocode_bench.san_francisco import SanFrancisco
from geo.geocoding.model import Reference

PARTS: Final = ("accuracy", "typos", "speed", "suggest")
Batch = tuple[list[Figure], measures.Judged | None]


Say = Callable[[str], object]
"""Takes a line of the report."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    segments: int = 100_000
    homes: int = 1_000_000
    cases: int = 20_000
    typos: int = 1_000
    addresses: int = 500_000
    typings: int = 2_000


class Bench:
    """An evaluation over a folder of real data (None: the made-up city alone)."""

    def __init__(self, data: Path | None, sizes: Sizes, seed: int) -> None:
        self.data, self.sizes, self.seed = data, sizes, seed

    @cached_property
    def city(self) -> City:
        """The made-up city."""
        return make_city(self.sizes.segments, self.sizes.homes, self.seed)

    @cached_property
    def san_francisco(self) -> SanFrancisco | None:
        """San Francisco, where its data is there."""
        return SanFrancisco(self.data) if self.data and (self.data / SAN_FRANCISCO).is_dir() else None

    @cached_property
    def boston(self) -> Boston | None:
        """Boston, where its data is there."""
        return Boston(self.data) if self.data and (self.data / BOSTON).is_dir() else None

    def accuracy(self) -> Iterator[Batch]:
        """Real addresses, held-out ones, those of the default point, and the made-up city's."""
        if self.san_francisco:
            yield self.san_francisco.accuracy()
        if self.boston:
            yield self.boston.held_out(self.seed)
            yield self.boston.default_point()
        yield from made_up.accuracy(self.city, self.sizes.cases, self.seed)

    def typos(self) -> Iterator[Batch]:
        """Planted typos in all three cities."""
        if self.san_francisco:
            yield from self.san_francisco.typos(self.sizes.typos, self.seed)
        if self.boston:
            yield from self.boston.typos(self.sizes.typos, self.seed)
        yield from made_up.typos(self.city, self.sizes.typos, self.seed)

    def speed(self) -> Iterator[Batch]:
        """Speed and memory on the made-up city, and hostile texts."""
        with tempfile.TemporaryDirectory(prefix="openward-bench-") as folder:
            for figures in speed.speed(self.city, Path(folder), self.sizes.addresses, self.seed):
                yield figures, None
        ours = Ours(Reference(crs=CRS, segments=self.city.segments))
        yield list(hostile_text.hostile(ours)), None

    def suggest(self) -> Iterator[Batch]:
        """Search as you type on the made-up city."""
        yield list(suggesting.suggest(self.city, self.sizes.typings, self.seed)), None


def run(
    data: Path | None,
    only: tuple[str, ...] = (),
    *,
    seed: int = 11,
    verbose: bool = False,
    say: Say,
    sizes: Sizes | None = None,
) -> list[Figure]:
    """Run the parts named (all), say their tables as they come, and return all figures."""
    bench = Bench(data, sizes or Sizes(), seed)
    parts: dict[str, Callable[[], Iterator[Batch]]] = {
        "accuracy": bench.accuracy, "typos": bench.typos, "speed": bench.speed, "suggest": bench.suggest,
    }  # fmt: skip
    if data is None:
        say("no folder of real cities' data: the made-up city alone")
    every: list[Figure] = []
    for part in only or PARTS:
        for figures, judged in parts[part]():
            every += figures
            for line in table(figures):
                say(line)
            if verbose and judged is not None:
                say("\n  farthest from the truth:")
                for line in measures.worst(judged):
                    say(line)
                say("\n  score 0.9 or more, but over 200 m off:")
                for line in measures.worst(judged, confident_only=True):
                    say(line)
                say("\n  well-formed, but not located at block or better:")
                for line in measures.missed(judged):
                    say(line)
    say(f"\n{summary(every)}")
    for figure in every:
        if not figure.holds:
            say(f"FAIL  {figure.section}: {figure.name}")
    return every


def default_data() -> Path | None:
    """The folder of real cities' data beside the repository, where it is there."""
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    return folder if folder.is_dir() else None
