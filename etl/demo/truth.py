"""The answer sheet: what is true of every record and of the city, for tests and for trust.

Charter: truth/requests.parquet (a row for each row of requests.csv, in its order), truth/places.parquet
and truth/truth.json. None of it is an input of the ETL.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.demo import plan
from etl.demo.city import SyntheticCity
from etl.demo.clock import Clock
from etl.demo.dirt import Dirt
from etl.demo.frame import AS_OF_LOCAL, CITY, CRS, FIRST_DAY, LAST_DAY, REDRAWN, TIMEZONE, VERSION, ZIPS
from etl.demo.places import KINDS, PlaceTable
from etl.demo.records import NEVER, PROCESSES, Rows
from etl.demo.render import FIRST_ID
from etl.demo.services import CHANNELS, DEPARTMENTS, NEVER_CLOSED, PACE, SERVICES, TAIL_FACTOR

SCHEMA: Final = pa.schema(
    [
        pa.field("row", pa.int64(), metadata={"what": "row of requests.csv, from 0"}),
        pa.field("case_id", pa.int64(), metadata={"what": "true id, also where the file has none"}),
        pa.field("service_code", pa.dictionary(pa.int8(), pa.string())),
        pa.field("department", pa.dictionary(pa.int8(), pa.string())),
        pa.field("channel", pa.dictionary(pa.int8(), pa.string())),
        pa.field("place", pa.int32(), metadata={"what": "row of places.parquet"}),
        pa.field("neighborhood", pa.dictionary(pa.int16(), pa.string())),
        pa.field("district_former", pa.int8()),
        pa.field("district_current", pa.int8()),
        pa.field("district", pa.int8(), metadata={"what": "of the map in force when it was opened"}),
        pa.field("zip", pa.dictionary(pa.int16(), pa.string())),
        pa.field("lat", pa.float64()),
        pa.field("lon", pa.float64()),
        pa.field("opened_utc", pa.timestamp("s")),
        pa.field("closed_utc", pa.timestamp("s"), metadata={"what": "also after as_of; null: never"}),
        pa.field("open_at_as_of", pa.bool_()),
        pa.field("process", pa.dictionary(pa.int8(), pa.string())),
        pa.field("outcome", pa.dictionary(pa.int8(), pa.string()), metadata={"what": "also of those still open"}),
        pa.field("incident", pa.int64(), metadata={"what": "case_id of the first report of the same incident"}),
        pa.field("repeat_of", pa.int64(), metadata={"what": "case_id closed there up to 14 days before, or null"}),
        pa.field("factor", pa.float32(), metadata={"what": "planted factor on the hours to close"}),
        pa.field("dirt", pa.int32(), metadata={"what": "bits of truth.json's dirt"}),
    ]
)


class TruthTables:
    """Writes slices of truth as Arrow tables with shared dictionaries."""

    def __init__(self, places: PlaceTable, neighborhoods: tuple[str, ...], clock: Clock) -> None:
        self._places, self._clock = places, clock
        departments = list(DEPARTMENTS)
        self._department = np.array([departments.index(service.department) for service in SERVICES], dtype=np.int8)
        self._texts = {
            "service_code": pa.array([service.code for service in SERVICES]),
            "department": pa.array(departments),
            "channel": pa.array(CHANNELS),
            "neighborhood": pa.array([area_code(i) for i in range(len(neighborhoods))]),
            "zip": pa.array(ZIPS),
            "process": pa.array(PROCESSES),
            "outcome": pa.array(plan.OUTCOMES),
        }

    def table(self, rows: Rows, dirt: Dirt, first_row: int) -> pa.Table:
        """Truth of one slice."""
        places, place = self._places, rows.place
        former, current = places.district_former[place] + 1, places.district_current[place] + 1
        district = np.where(rows.after, current, former)
        never = rows.closed_utc >= NEVER
        columns: dict[str, Any] = {
            "row": np.arange(first_row, first_row + len(rows)),
            "case_id": FIRST_ID + rows.number * 3,
            "service_code": rows.service,
            "department": self._department[rows.service],
            "channel": rows.channel,
            "place": place,
            "neighborhood": places.neighborhood[place],
            "district_former": former.astype(np.int8),
            "district_current": current.astype(np.int8),
            "district": district.astype(np.int8),
            "zip": places.zip_area[place],
            "lat": places.lat_micro[place] / 1e6,
            "lon": places.lon_micro[place] / -1e6,
            "opened_utc": rows.opened_utc.view("datetime64[s]"),
            "closed_utc": pa.array(rows.closed_utc.view("datetime64[s]"), mask=never),
            "open_at_as_of": rows.closed_utc > self._clock.as_of_utc,
            "process": rows.process,
            "outcome": rows.outcome,
            "incident": FIRST_ID + rows.incident * 3,
            "repeat_of": pa.array(FIRST_ID + rows.repeat_of * 3, mask=rows.repeat_of < 0),
            "factor": np.where(district == plan.WORSE_DISTRICT, plan.WORSE_FACTOR, 1.0).astype(np.float32),
            "dirt": dirt.bits,
        }
        arrays = []
        for field in SCHEMA:
            values = columns[field.name]
            array = values if isinstance(values, pa.Array) else pa.array(values)
            if field.name in self._texts:
                array = pa.DictionaryArray.from_arrays(array.cast(field.type.index_type), self._texts[field.name])
            arrays.append(array)
        return pa.table(arrays, schema=SCHEMA)


def area_code(index: int) -> str:
    """Code of a neighborhood in the published layer."""
    return f"N{index + 1:02d}"


def place_table(places: PlaceTable) -> pa.Table:
    """truth/places.parquet: every place a request can name, with its plain address."""
    return pa.table(
        {
            "kind": pa.array([KINDS[k] for k in places.kind.tolist()]),
            "address": places.address_forms.slice(0, len(places)),
            "lat": places.lat_micro / 1e6,
            "lon": places.lon_micro / -1e6,
            "neighborhood": pa.array([area_code(int(i)) for i in places.neighborhood]),
            "district_former": places.district_former + 1,
            "district_current": places.district_current + 1,
            "zip": pa.array(ZIPS).take(pa.array(places.zip_area)),
        }
    )


def write_facts(path: Path, city: SyntheticCity, *, requests: int, seed: int, counts: dict[str, int],
                dirt: dict[str, int], people: dict[str, Any], reported: dict[str, Any]) -> None:  # fmt: skip
    """truth.json: parameters, planted effects and the shares of dirt, planned and drawn."""
    areas = city.areas
    moved = areas.district_former != areas.district_current
    facts: dict[str, Any] = {
        "city": CITY, "version": VERSION, "seed": seed, "requests": requests, "crs_of_the_plan": CRS,
        "time": {
            "timezone": TIMEZONE, "first_day": FIRST_DAY.isoformat(), "last_day": LAST_DAY.isoformat(),
            "as_of_local": AS_OF_LOCAL.isoformat(), "as_of_utc": int(Clock().as_of_utc),
            "written": "local clock; clocks go forward in March (02:00–03:00 does not exist) and back in November "
            "(01:00–02:00 twice)",
        },
        "redrawing": {
            "in_force": REDRAWN.isoformat(), "people_moved": float(areas.population[moved].sum() / areas.population.sum()),
            "source_states_former_district_for_days": plan.STALE_DAYS,
        },
        "worse_district": {"district": plan.WORSE_DISTRICT, "factor": plan.WORSE_FACTOR,
                           "of": "the map in force when the request was opened"},
        "composition_district": {"district": plan.COMPOSITION_DISTRICT, "slow_services_named_times": plan.SLOW_TILT,
                                 "factor": 1.0},
        "reporting_rates": {"by_neighborhood": plan.REPORTING_RATES, "elsewhere": 1.0},
        "demographics": people,
        "reported": reported,
        "repeat_share": plan.REPEAT_SHARE,
        "further_reports": {"together": plan.TOGETHER_SHARE, "triage_median_hours": plan.TRIAGE_MEDIAN_HOURS,
                            "triage_sigma": plan.TRIAGE_SIGMA},
        "outcome_shares": dict(zip(plan.OUTCOMES, plan.OUTCOME_SHARES, strict=True)),
        "closing": {
            "distribution": "hours = exp(Normal(ln median_hours, sigma)), times tail_factor with probability tail, "
            "times the district's factor; own closings; never with probability never_closed",
            "tail_factor": TAIL_FACTOR, "never_closed": NEVER_CLOSED, "department_pace": PACE,
        },
        "services": {
            service.code: {
                **{k: v for k, v in asdict(service).items() if k in
                   ("name", "group", "department", "target_hours", "sigma", "tail", "again", "season", "places")},
                "median_hours": service.hours_median(), "slow": service.slow,
                "quantile_hours": {str(p): service.quantile_hours(p / 100) for p in (50, 75, 90)},
            }
            for service in SERVICES
        },
        "neighborhoods": {area_code(i): name for i, name in enumerate(areas.neighborhood_names)},
        "counts": counts,
        "dirt": {kind: {"bit": plan.BITS[kind], "planned_share": plan.DIRT[kind], "rows": dirt[kind]} for kind in plan.DIRT},
    }  # fmt: skip
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def count_dirt(bits: npt.NDArray[np.int32], into: dict[str, int]) -> None:
    """Add the rows of each kind of damage to ``into``."""
    for kind, bit in plan.BITS.items():
        into[kind] = into.get(kind, 0) + int(np.count_nonzero(bits & bit))
