"""Writes the demo city: maps, requests and their truth, in flat memory however many requests.

Charter: the order of the steps and the files; what is in them is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from etl.demo import truth as truth_of
from etl.demo.city import build_city
from etl.demo.clock import Clock
from etl.demo.dirt import soil
from etl.demo.layers import write_layers
from etl.demo.notes import make_notes
from etl.demo.people import truth_of_people, write_people
from etl.demo.places import make_places
from etl.demo.records import Simulation
from etl.demo.render import SCHEMA, Renderer
from etl.demo.reported import truth_of_reported, write_reported


@dataclass(frozen=True)
class DemoFiles:
    """Paths of everything written."""

    city: Path
    """The city's YAML; its relative paths name the files beside it."""
    requests: Path
    neighborhoods: Path
    districts_former: Path
    districts_current: Path
    zip_codes: Path
    streets: Path
    water: Path
    parks: Path
    land: Path
    address_points: Path
    demographics: Path
    measures: Path
    satisfaction: Path
    truth_requests: Path
    truth_places: Path
    truth: Path


def city_yaml() -> bytes:
    """The shipped cities/demo.yaml, in a checkout or from the wheel."""
    return (resources.files("cities") / "demo.yaml").read_bytes()


def generate(
    out: Path,
    *,
    requests: int = 120_000,
    seed: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> DemoFiles:
    """Write the invented city into ``out``: the same bytes for the same ``requests``, ``seed`` and version.

    ``requests`` is the number of rows of requests.csv, copies included. ``progress`` is called with the rows
    written and ``requests`` after each slice. Existing files of these names are replaced.
    """
    if requests < 1:
        raise ValueError(f"requests must be at least 1 (found {requests})")
    (out / "truth").mkdir(parents=True, exist_ok=True)
    city = build_city(seed)
    layers = write_layers(city, out)
    reported = write_reported(out, seed)
    files = DemoFiles(
        city=out / "demo.yaml",
        requests=out / "requests.csv",
        truth_requests=out / "truth" / "requests.parquet",
        truth_places=out / "truth" / "places.parquet",
        truth=out / "truth" / "truth.json",
        demographics=write_people(city.areas, out, seed),
        measures=reported.measures,
        satisfaction=reported.satisfaction,
        **layers,
    )
    files.city.write_bytes(city_yaml())
    places = make_places(city, seed)
    pq.write_table(truth_of.place_table(places), files.truth_places, compression="zstd")
    clock, names = Clock(), city.areas.neighborhood_names
    simulation = Simulation(places, names, clock, seed)
    notes = make_notes(seed)
    renderer, truths = Renderer(places, notes, clock), truth_of.TruthTables(places, names, clock)
    dirt_rows: dict[str, int] = {}
    counts = {"rows": 0, "open_at_as_of": 0, "further_reports": 0, "repeats": 0}

    def tables() -> Iterator[tuple[pa.Table, pa.Table]]:
        for index, rows in enumerate(simulation.stream(requests)):
            rng = np.random.default_rng([seed, 6, index])
            dirt = soil(rows, places, notes, clock, simulation.redrawn_utc, rng)
            truth = truths.table(rows, dirt, counts["rows"])
            truth_of.count_dirt(dirt.bits, dirt_rows)
            counts["rows"] += len(rows)
            counts["open_at_as_of"] += int((rows.closed_utc > clock.as_of_utc).sum())
            counts["further_reports"] += int((rows.process != 0).sum())
            counts["repeats"] += int((rows.repeat_of >= 0).sum())
            yield renderer.table(rows, dirt, rng), truth

    _write(tables(), files, requests, progress)
    truth_of.write_facts(files.truth, city, requests=requests, seed=seed, counts=counts, dirt=dirt_rows,
                         people=truth_of_people(city.areas), reported=truth_of_reported())  # fmt: skip
    return files


def _write(
    tables: Iterator[tuple[pa.Table, pa.Table]],
    files: DemoFiles,
    total: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write each slice in a second thread while the next is drawn."""
    options = pacsv.WriteOptions(batch_size=16_384)
    with (
        pacsv.CSVWriter(files.requests, SCHEMA, write_options=options) as csv,
        pq.ParquetWriter(files.truth_requests, truth_of.SCHEMA, compression="zstd", compression_level=1) as parquet,
        ThreadPoolExecutor(1) as thread,
    ):

        def save(request_table: pa.Table, truth_table: pa.Table) -> int:
            csv.write_table(request_table)
            parquet.write_table(truth_table)
            return int(request_table.num_rows)

        done = 0
        pending: Future[int] | None = None
        for request_table, truth_table in tables:
            if pending is not None:
                done += pending.result()
                if progress:
                    progress(done, total)
            pending = thread.submit(save, request_table, truth_table)
        if pending is not None:
            done += pending.result()
            if progress:
                progress(done, total)
