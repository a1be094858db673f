"""The register of standards: what each service promises, how often it was kept, and whether that changed in a year."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.answers import Quantile
from portal.answers_figures import Changed
from portal.answers_standards import DueMonth, Register, Standard, Target
from portal.figures.change import share_change
from portal.figures.kaplan_meier import quantiles
from portal.queries.control import due_month, due_months
from portal.queries.estimates import estimate
from portal.queries.month_numbers import month_number
from portal.queries.periods import dated, year_before
from portal.queries.scans import ON_TIME, STATUSES, distinct, ints, kept, once, positions
from portal.queries.summary import quantile, share
from portal.release import Release
from portal.selection import NOT_STATED, Selection

Ints = NDArray[np.int64]

ALL: Final = "(all)"
"""The key of all selected services together."""
NINE_OF_TEN: Final = (0.05, 0.5, 0.95)


@once
def targets(release: Release) -> dict[str, Target]:
    """The standard of each service that has one: hours from request to the due time, over the whole record.

    Where a service has no request with a due time, it is the target that the city states for it.
    """
    wanted = ", ".join(map(str, NINE_OF_TEN))
    rows = release.query(
        f"""SELECT service_code::VARCHAR, quantile_disc(date_diff('second', requested_datetime, expected_datetime) // 60,
                   [{wanted}]) FROM requests WHERE expected_datetime >= requested_datetime GROUP BY 1"""
    )
    found = {key: Target(middle / 60, low / 60, high / 60) for key, (low, middle, high) in rows if key is not None}
    for key, hours in release.query("SELECT service_code, target_hours FROM services WHERE target_hours IS NOT NULL"):
        found.setdefault(key, Target(hours, hours, hours))
    return found


@kept
def standards(release: Release, selection: Selection) -> Register:
    """The register: one scan over services and months of both years, and one over the late ones of the period."""
    now = dated(release, selection)
    before = year_before(release, now)
    table = _Table(release, now, before)
    lateness = _lateness(release, now)
    known = targets(release)
    names = dict(release.query("SELECT service_code, service_name FROM services"))
    rows, without = [], []
    for at, key in enumerate(table.keys):
        name = names.get(key) or (NOT_STATED if key is None else str(key))
        code = NOT_STATED if key is None else str(key)
        requests = table.requests(at)
        if not requests:
            continue
        if table.with_standard(at) == 0 and code not in known:
            without.append((code, name, requests))
            continue
        rows.append(table.row(at, code, name, known.get(code), lateness.get(key, _NOT_KNOWN)))
    for key, name in names.items():
        if key not in table.keys and key in known and not _chosen(selection):
            rows.append(table.row(None, key, name, known[key], _NOT_KNOWN))
    rows.sort(key=lambda row: (-row.on_time.n, row.name))
    total = table.row(slice(None), ALL, "", None, lateness.get(ALL, _NOT_KNOWN))
    return Register(now, before, tuple(rows), tuple(sorted(without, key=lambda row: -row[2])), total)


_NOT_KNOWN = Quantile(None, None, None)


def _chosen(selection: Selection) -> bool:
    """Whether some services were asked for: those that nobody asked about are then not listed."""
    return bool(selection.replace(from_date=None, to_date=None))


def total_change(release: Release, selection: Selection) -> Changed | None:
    """The change of the share on time of all selected requests together; None where there is no year before."""
    now = dated(release, selection)
    before = year_before(release, now)
    return None if before is None else attainment_change(*(tuple(due_months(release, of)) for of in (now, before)))


class _Table:
    """Counts by service, month (from the first of the year before to the last) and what became of the standard."""

    def __init__(self, release: Release, now: Selection, before: Selection | None) -> None:
        both = now if before is None else now.replace(from_date=before.from_date)
        where, params = release.where(both)
        if before is not None and now.from_date is not None and now.from_date.day > 1:
            # The month in which the period begins is in no year before its first day.
            where, params = (
                f"{where} AND (requested_date <= ? OR requested_date >= ?)",
                [*params, before.to_date, now.from_date],
            )
        found = release.table(
            f"SELECT service_code AS k, month, facet, count(*) AS n FROM requests WHERE {where} GROUP BY ALL", params
        )
        self.keys, service = distinct(found["k"])
        month, facet, n = ints(found["month"]), ints(found["facet"]), ints(found["n"])
        state = positions(release.facets["on_time"], ON_TIME)[facet]
        still_open = positions(release.facets["status"], STATUSES)[facet] == STATUSES.index("open")
        self.first = int(month.min(initial=65535)) if len(month) else 0
        self.size = int(month.max(initial=self.first)) - self.first + 1
        self.before = before is not None
        # Between both periods may lie months of neither.
        self.end_before = month_number(before.to_date) + 1 - self.first if before and before.to_date else 0
        self.start = max(month_number(now.from_date) - self.first, 0) if now.from_date else 0
        flat = service * self.size + month - self.first

        def cube(rows: NDArray[np.bool_]) -> Ints:
            sums = np.bincount(flat[rows], n[rows], len(self.keys) * self.size)
            return sums.astype(np.int64).reshape(len(self.keys), self.size)

        self.all = cube(np.ones(len(n), bool))
        self.state = {name: cube(state == at) for at, name in enumerate(ON_TIME)}
        self.open_late = cube((state == ON_TIME.index("late")) & still_open)

    def requests(self, at: int) -> int:
        """Of the period."""
        return int(self.all[at, self.start :].sum())

    def with_standard(self, at: int) -> int:
        """In both years."""
        return int(sum(self.state[name][at].sum() for name in ("on_time", "late", "pending")))

    def row(self, at: Any, key: str, name: str, target: Target | None, lateness: Quantile) -> Standard:
        """One service, all (a slice), or one without requests (None)."""

        def series(cube: Ints) -> Ints:
            if at is None:
                return np.zeros(self.size, np.int64)
            return cube[at].sum(axis=0) if isinstance(at, slice) else cube[at]

        state = {name: series(cube) for name, cube in self.state.items()}
        months = tuple(
            due_month(self.first + i, int(state["on_time"][i]), int(state["late"][i]), int(state["pending"][i]))
            for i in range(self.size)
        )
        now, then = months[self.start :], months[: max(self.end_before, 0)]
        late = int(state["late"][self.start :].sum())
        return Standard(
            service=key,
            name=name,
            target=target,
            requests=int(series(self.all)[self.start :].sum()),
            no_standard=int(state["no_standard"][self.start :].sum()),
            pending=int(state["pending"][self.start :].sum()),
            open_late=int(series(self.open_late)[self.start :].sum()),
            on_time=share(sum(m.on_time for m in now), sum(m.due for m in now)),
            before=share(sum(m.on_time for m in then), sum(m.due for m in then)) if self.before else None,
            change=attainment_change(now, then) if self.before else None,
            lateness=lateness,
            late=late,
            months=months,
        )


def attainment_change(now: tuple[DueMonth, ...], before: tuple[DueMonth, ...]) -> Changed:
    """The change of the share on time against the same months of the year before, month by month.

    A month of which so many are not yet due that the others flatter is left out of both years.
    """
    then = {(m.month.year + 1, m.month.month): m for m in before}
    pairs = [(m, then[m.month.year, m.month.month]) for m in now if (m.month.year, m.month.month) in then]
    told = [(a, b) for a, b in pairs if not a.young and not b.young]
    sides = [
        (np.array([m.on_time for m in side], float), np.array([m.due for m in side], float))
        for side in ([a for a, _ in told], [b for _, b in told])
    ]
    found = share_change(sides[0], sides[1])

    now_, before_, difference, ratio = map(estimate, (found.now, found.before, found.difference, found.ratio))
    return Changed(now_, before_, difference, ratio, int(found.months.sum()))


def _lateness(release: Release, selection: Selection) -> dict[Any, Quantile]:
    """By service, and of all: hours past the due time by which half of the late ones were closed, open ones censored.

    Whole hours; not reached where more than half are still open.
    """
    where, params = release.where(selection.replace(on_time=("late",)))
    moment = release.as_of.replace(tzinfo=None)
    found = release.table(
        f"""SELECT service_code AS k, date_diff('second', expected_datetime, coalesce(closed_datetime, ?)) // 3600 AS hours,
                   status = 'closed' AS closed, count(*) AS n
            FROM requests WHERE {where} AND expected_datetime IS NOT NULL GROUP BY ALL""",
        [moment, *params],
    )
    keys, service = distinct(found["k"])
    times, place = np.unique(ints(found["hours"]), return_inverse=True)
    closed, n = ints(found["closed"].cast("int64")) == 1, ints(found["n"])
    if not len(times):
        return {}

    def dense(rows: NDArray[np.bool_]) -> Ints:
        sums = np.bincount(service[rows] * len(times) + place[rows], n[rows], len(keys) * len(times))
        return sums.astype(np.int64).reshape(len(keys), len(times))

    events, censored = dense(closed), dense(~closed)
    each = quantiles(times, events, censored, [0.5])
    every = quantiles(times, events.sum(axis=0), censored.sum(axis=0), [0.5])
    told = {key: quantile(each[i, 0] * 60) for i, key in enumerate(keys)}
    return told | {ALL: quantile(every[0] * 60)}


def has_standards(release: Release) -> bool:
    """Whether the city publishes standards, or measures of its own: then it has a page of them."""
    if release.package.openward.standards != "none":
        return True
    return any(resource.rows for name in ("measures", "feedback") if (resource := release.package.resource(name)))
