"""Named limits between one release and the next: what breaks one is held until a person accepts it.

Charter: measuring a built release by source, comparing it with the one before, and the words for what is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from etl.config import CityConfig
from etl.config.limits import Limits
from etl.errors import HeldError

NULLABLE = (
    "service_group", "agency_responsible", "channel", "updated_datetime", "expected_datetime", "closed_datetime", "address",
)  # fmt: skip
Profile = Mapping[str, Any]


@dataclass(frozen=True)
class Acceptance:
    """Who let a release through although a limit held it, and why."""

    by: str
    reason: str


@dataclass(frozen=True)
class Breach:
    """One limit of one source that does not hold: what was found, and what was allowed."""

    source: str
    limit: str
    found: str
    allowed: str

    def __str__(self) -> str:
        """As a data officer reads it."""
        return f"{self.source}: {self.limit}: {self.found}, allowed {self.allowed}"


def profile(
    db: duckdb.DuckDBPyConnection, table: str, withdrawn: Mapping[str, int], quarantined: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """What each source looks like in a built release: rows, shares of what is missing, the newest request.

    `table` has the released rows with every stored field; counts of what is not released come from the store.
    """
    names = {row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()}
    fields = [name for name in NULLABLE if name in names]
    nulls = "".join(f", avg(({name} IS NULL)::INT)" for name in fields)
    rows = db.execute(
        f"""SELECT source::VARCHAR, count(*), avg((location_source = 'none')::INT), avg((status = 'closed')::INT),
                   avg((status = 'unmapped')::INT), strftime(max(requested_datetime), '%Y-%m-%dT%H:%M:%SZ'){nulls}
            FROM {table} GROUP BY 1 ORDER BY 1"""  # noqa: S608
    ).fetchall()
    return {
        row[0]: {
            "rows": row[1],
            "unlocated": round(row[2], 6),
            "closed": round(row[3], 6),
            "unmapped": round(row[4], 6),
            "newest": row[5],
            "nulls": {name: round(share, 6) for name, share in zip(fields, row[6:], strict=True)},
            "withdrawn": withdrawn.get(row[0], 0),
            "quarantined": quarantined.get(row[0], 0),
        }
        for row in rows
    }


def breaches(
    config: CityConfig, now_is: Mapping[str, Profile], was: Mapping[str, Profile], moment: dt.datetime
) -> list[Breach]:
    """Every limit that does not hold, in the order of the sources. `was` is empty before the first release."""
    found: list[Breach] = []
    for source, settings in config.sources.items():
        limits, new, old = settings.limits, now_is.get(source), was.get(source)
        if new is not None and limits.newest_age_days is not None:
            age = (moment - dt.datetime.fromisoformat(new["newest"])).total_seconds() / 86400
            if age > limits.newest_age_days:
                found.append(
                    Breach(
                        source,
                        "newest_age_days",
                        f"the newest request is {age:.1f} days old",
                        f"{limits.newest_age_days:g}",
                    )
                )
        if old is None or old["rows"] < limits.least_rows:
            continue
        if new is None:
            found.append(Breach(source, "rows_fall", f"0 rows after {old['rows']:,}", "some"))
            continue
        found += _compared(source, limits, new, old)
    return found


def _compared(source: str, limits: Limits, new: Profile, old: Profile) -> list[Breach]:
    change = new["rows"] / old["rows"] - 1
    tests: list[tuple[str, float | None, float, str]] = [
        ("rows_fall", limits.rows_fall, -change, f"{new['rows']:,} rows after {old['rows']:,}"),
        ("rows_rise", limits.rows_rise, change, f"{new['rows']:,} rows after {old['rows']:,}"),
        ("unlocated_rise", limits.unlocated_rise, *_rise("without a location", new["unlocated"], old["unlocated"])),
        ("unmapped_rise", limits.unmapped_rise, *_rise("with an unmapped status", new["unmapped"], old["unmapped"])),
    ]
    closed, told = _rise("closed", new["closed"], old["closed"])
    tests.append(("closed_change", limits.closed_change, abs(closed), told))
    for field in sorted(set(new["nulls"]) & set(old["nulls"])):
        share, told = _rise(f"without {field}", new["nulls"][field], old["nulls"][field])
        tests.append(("null_rise", limits.null_rise, share, told))
    for name, limit in (("withdrawn", limits.withdrawn_rise), ("quarantined", limits.quarantined_rise)):
        if name not in old:  # the release before had too few to tell
            continue
        share, told = _rise(name, new[name] / max(new["rows"], 1), old[name] / max(old["rows"], 1))
        tests.append((f"{name}_rise", limit, share, told))
    back = (dt.datetime.fromisoformat(old["newest"]) - dt.datetime.fromisoformat(new["newest"])).total_seconds() / 86400
    tests.append(
        (
            "newest_back_days",
            limits.newest_back_days,
            back,
            f"the newest request is of {new['newest']}, it was {old['newest']}",
        )
    )
    return [
        Breach(source, name, told, f"{allowed:g}")
        for name, allowed, value, told in tests
        if allowed is not None and value > allowed + 1e-9
    ]


def _rise(what: str, new: float, old: float) -> tuple[float, str]:
    return new - old, f"{new:.1%} {what} after {old:.1%}"


def must_hold(found: Sequence[Breach], accept: Acceptance | None) -> None:
    """HeldError that names the first broken limits, unless someone accepts them."""
    if found and accept is None:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        told = "; ".join(str(breach) for breach in found[:3])
        raise HeldError(
            f"everything is stored, but the release is held: {told}{more}. Look at it, then correct the source or "
            "run again with --accept REASON"
        )
