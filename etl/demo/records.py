"""The requests themselves as numbers, one slice of time after another.

Charter: what truly happened: who asked for what, where and when, and when it closed. How the
source garbles it is dirt's; how it is written is render's. Times are UTC seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from etl.demo.calendar import CLOCK_STEP_SECONDS, CLOCK_STEPS, chunks, clock_tables, daily_counts
from etl.demo.clock import DAY_S, EPOCH_DAY, Clock
from etl.demo.frame import FIRST_DAY, REDRAWN
from etl.demo.places import DRAW_STEPS, PlaceTable, table_index
from etl.demo.plan import (
    DIRT,
    OUTCOME_SHARES,
    OUTCOMES,
    REPEAT_SHARE,
    REPORTING_RATES,
    TOGETHER_SHARE,
    TRIAGE_MEDIAN_HOURS,
    TRIAGE_SIGMA,
    WORSE_DISTRICT,
    WORSE_FACTOR,
)
from etl.demo.services import NEVER_CLOSED, SERVICES, TAIL_FACTOR, channel_mix

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK_ROWS: Final = 100_000
NEVER: Final = 1 << 40
"""UTC seconds of a closing that does not come."""
OWN, TRIAGE, TOGETHER = 0, 1, 2
PROCESSES: Final = ("own", "triage", "together")
REDRAWN_DAY: Final = (REDRAWN - FIRST_DAY).days
NO_COPY, IDENTICAL, CONFLICTING = 0, 1, 2


@dataclass(frozen=True)
class Rows:
    """One slice of requests, in the order of the file; each array has one value a row."""

    number: Ints
    """Of the request, from 0; a copy has its original's."""
    copy: npt.NDArray[np.int8]
    service: npt.NDArray[np.int8]
    place: npt.NDArray[np.int32]
    channel: npt.NDArray[np.int8]
    opened_utc: Ints
    closed_utc: Ints
    process: npt.NDArray[np.int8]
    outcome: npt.NDArray[np.int8]
    incident: Ints
    """Number of the first report of the same incident: its own, where it is the first."""
    repeat_of: Ints
    """Number of the request that was closed at the same place up to 14 days before, or -1."""
    after: npt.NDArray[np.bool_]
    """Opened under the second map of districts."""

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Ints) -> Rows:
        """Some of the rows, in that order."""
        return Rows(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


class Simulation:
    """Draws the requests of one city; ``stream`` may be called once for each run."""

    def __init__(self, places: PlaceTable, neighborhoods: tuple[str, ...], clock: Clock, seed: int) -> None:
        self._places = places
        self._clock = clock
        self._seed = seed
        self.redrawn_utc = int(clock.to_utc(np.array([(REDRAWN_DAY + EPOCH_DAY) * DAY_S]))[0])
        self._seconds = clock_tables()
        self._rate = np.array([REPORTING_RATES.get(name, 1.0) for name in neighborhoods])
        self._again = np.array([service.again for service in SERVICES])
        self._profile = np.array([table_index(service.places, service.slow, 0) for service in SERVICES])
        self._log_median = np.log([service.hours_median() for service in SERVICES])
        self._sigma = np.array([service.sigma for service in SERVICES])
        self._tail = np.array([service.tail for service in SERVICES])
        mean_rate = [self._rate[places.neighborhood[places.draw[row]]].mean() for row in self._profile]
        expected = self._again * np.array(mean_rate)
        self._extra_share = expected / (1.0 + expected)

    def stream(self, total: int) -> Iterator[Rows]:
        """All requests by time, CHUNK_ROWS or so at a time; exactly ``total`` rows with the copies."""
        counts = daily_counts(total, np.random.default_rng([self._seed, 4]))
        first = 0
        for index, (start, stop) in enumerate(chunks(counts, CHUNK_ROWS)):
            rng = np.random.default_rng([self._seed, 5, index])
            rows = self._slice(counts[start:stop], start, first, rng)
            first += int(rows.number.max(initial=first - 1)) - first + 1
            yield rows

    def _slice(self, counts: Ints, first_day: int, first_number: int, rng: np.random.Generator) -> Rows:
        size = int(counts.sum())
        copies = round(size * (DIRT["copy_identical"] + DIRT["copy_conflicting"]))
        day_of = np.repeat(np.arange(len(counts)), counts.sum(axis=1)) + first_day
        service = np.repeat(np.tile(np.arange(len(SERVICES), dtype=np.int8), len(counts)), counts.ravel())
        if copies:
            keep = np.ones(size, dtype=bool)
            keep[rng.choice(size, copies, replace=False)] = False
            day_of, service = day_of[keep], service[keep]
        rows = self._draw(day_of, service, rng)
        order = np.argsort(rows.opened_utc, kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) + first_number
        rows.incident[:] = rank[rows.incident]
        rows.repeat_of[:] = np.where(rows.repeat_of >= 0, rank[rows.repeat_of], -1)
        times = np.ones(len(order), dtype=np.int64)
        copied = rng.choice(len(order), copies, replace=False) if copies else np.zeros(0, dtype=np.int64)
        times[copied] = 2
        index = np.repeat(order, times)
        result = rows.take(index)
        second = np.flatnonzero(np.diff(index, prepend=-1) == 0)
        conflicts = rng.random(len(second)) < DIRT["copy_conflicting"] / (
            DIRT["copy_identical"] + DIRT["copy_conflicting"]
        )
        result.copy[second] = np.where(conflicts, CONFLICTING, IDENTICAL)
        result.number[:] = rank[index]
        return result

    def _draw(self, day_of: Ints, service: npt.NDArray[np.int8], rng: np.random.Generator) -> Rows:
        """Every row's own story, then further reports and repeats tied to earlier rows."""
        size = len(day_of)
        places = self._places
        step = rng.integers(0, CLOCK_STEPS, size, dtype=np.int32)
        second = self._seconds[service, step] + rng.integers(0, CLOCK_STEP_SECONDS, size, dtype=np.int32)
        local = (day_of + EPOCH_DAY) * DAY_S + np.minimum(second, DAY_S - 1)
        opened = np.minimum(self._clock.to_utc(local), self._clock.as_of_utc - 1)
        after = day_of >= REDRAWN_DAY
        table = self._profile[service] + after
        place = places.draw[table, rng.integers(0, DRAW_STEPS, size, dtype=np.int32)]
        fate = rng.random(size)
        extra = fate < self._extra_share[service]
        repeat = ~extra & (fate > 1.0 - REPEAT_SHARE)
        log_hours = self._own_log_hours(service, rng)
        factor = self._factor(place, after)
        closed = opened + _seconds_from_log_hours(log_hours + np.log(factor))
        never = rng.random(size) < NEVER_CLOSED
        closed[never] = NEVER
        process = np.zeros(size, dtype=np.int8)
        incident = np.arange(size)
        repeat_of = np.full(size, -1, dtype=np.int64)
        outcome = _choose(OUTCOME_SHARES, rng.random(size))
        channel = self._channel(service, day_of, rng)

        first = np.flatnonzero(~extra & ~repeat)
        self._ask_again(first, np.flatnonzero(repeat), service, place, opened, closed, log_hours, never, repeat_of,
                        rng)  # fmt: skip
        self._report_again(
            first, np.flatnonzero(extra), service, place, opened, closed, process, incident, outcome, rng
        )
        after = opened >= self.redrawn_utc
        return Rows(
            np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int8), service, place, channel, opened, closed,
            process, outcome, incident, repeat_of, after,
        )  # fmt: skip

    def _own_log_hours(self, service: npt.NDArray[np.int8], rng: np.random.Generator) -> Floats:
        noise = rng.standard_normal(len(service), dtype=np.float32)
        late = rng.random(len(service), dtype=np.float32) < self._tail[service]
        return np.asarray(self._log_median[service] + self._sigma[service] * noise + late * np.log(TAIL_FACTOR))

    def _factor(self, place: npt.NDArray[np.int32], after: npt.NDArray[np.bool_]) -> Floats:
        district = np.where(after, self._places.district_current[place], self._places.district_former[place])
        return np.where(district + 1 == WORSE_DISTRICT, WORSE_FACTOR, 1.0)

    def _channel(self, service: npt.NDArray[np.int8], day_of: Ints, rng: np.random.Generator) -> npt.NDArray[np.int8]:
        """Mix of the service and the quarter-year."""
        quarters = int(day_of.max(initial=0)) // 91 + 1
        edges = np.array([[np.cumsum(channel_mix(s, q * 0.25)) for q in range(quarters)] for s in SERVICES])
        mine = edges[service, day_of // 91].astype(np.float32)
        u = rng.random(len(service), dtype=np.float32)[:, None]
        return np.asarray((u > mine[:, :-1]).sum(axis=1), dtype=np.int8)

    def _ask_again(self, first: Ints, rows: Ints, service: npt.NDArray[np.int8], place: npt.NDArray[np.int32],
                   opened: Ints, closed: Ints, log_hours: Floats, never: npt.NDArray[np.bool_], repeat_of: Ints,
                   rng: np.random.Generator) -> None:  # fmt: skip
        """Repeats: a new request where one of the same service was closed up to 14 days before."""
        earlier = _pick(first, np.ones(len(first)), service, rows, rng)
        pause = (rng.uniform(0.2, 13.5, len(rows)) * DAY_S).astype(np.int64)
        at = closed[np.maximum(earlier, 0)] + pause
        soon = at - opened[np.maximum(earlier, 0)] < 20 * DAY_S
        fits = (earlier >= 0) & (at < self._clock.as_of_utc) & soon
        rows, earlier, at = rows[fits], earlier[fits], at[fits]
        place[rows], opened[rows], repeat_of[rows] = place[earlier], at, earlier
        factor = self._factor(place[rows], at >= self.redrawn_utc)
        closed[rows] = np.where(never[rows], NEVER, at + _seconds_from_log_hours(log_hours[rows] + np.log(factor)))

    def _report_again(self, first: Ints, rows: Ints, service: npt.NDArray[np.int8], place: npt.NDArray[np.int32],
                      opened: Ints, closed: Ints, process: npt.NDArray[np.int8], incident: Ints,
                      outcome: npt.NDArray[np.int8], rng: np.random.Generator) -> None:  # fmt: skip
        """Further reports of an open incident, more of them where people report more."""
        weight = self._rate[self._places.neighborhood[place[first]]]
        original = _pick(first, weight, service, rows, rng)
        rows, original = rows[original >= 0], original[original >= 0]
        as_of = self._clock.as_of_utc
        window = np.minimum(np.minimum(closed[original], as_of) - opened[original], 5 * DAY_S)
        at = opened[original] + (window * rng.random(len(rows)) ** 2).astype(np.int64)
        place[rows], opened[rows], incident[rows] = place[original], np.minimum(at, as_of - 1), original
        together = rng.random(len(rows)) < TOGETHER_SHARE
        triage = np.log(TRIAGE_MEDIAN_HOURS) + TRIAGE_SIGMA * rng.standard_normal(len(rows))
        factor = self._factor(place[rows], opened[rows] >= self.redrawn_utc)
        own = opened[rows] + _seconds_from_log_hours(triage + np.log(factor))
        minutes = rng.integers(0, 1_800, len(rows))
        along = np.where(closed[original] >= NEVER, NEVER, np.maximum(closed[original], opened[rows] + 60) + minutes)
        closed[rows] = np.where(together, along, own)
        process[rows] = np.where(together, TOGETHER, TRIAGE)
        duplicate = OUTCOMES.index("duplicate")
        as_first = together & (rng.random(len(rows)) < 0.5)
        outcome[rows] = np.where(as_first, outcome[original], duplicate)


def _seconds_from_log_hours(log_hours: Floats) -> Ints:
    return np.maximum(np.exp(log_hours) * 3_600.0, 60.0).astype(np.int64)


def _choose(shares: tuple[float, ...], u: Floats) -> npt.NDArray[np.int8]:
    edges = np.cumsum(shares)
    edges[-1] = 1.0
    return np.searchsorted(edges, u, side="right").astype(np.int8)


def _pick(first: Ints, weight: Floats, service: npt.NDArray[np.int8], rows: Ints, rng: np.random.Generator) -> Ints:
    """For each of ``rows`` one of ``first`` of the same service, by weight; -1 where there is none."""
    by_service = np.argsort(service[first], kind="stable")
    pool = first[by_service]
    edges = np.concatenate([[0.0], np.cumsum(weight[by_service])])
    bounds = np.searchsorted(service[pool], np.arange(len(SERVICES) + 1))
    low, high = edges[bounds[service[rows]]], edges[bounds[service[rows].astype(np.int64) + 1]]
    at = np.searchsorted(edges, low + (high - low) * rng.random(len(rows)), side="right") - 1
    at = np.clip(at, 0, max(len(pool) - 1, 0))
    some = high > low
    result = np.full(len(rows), -1, dtype=np.int64)
    result[some] = pool[at[some]]
    return result
