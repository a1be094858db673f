"""What the store remembers of its sources and runs: where each stands, what each run did, what drifted.

Charter: small rows, read and written whole. Requests and their history stay out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from etl.store.models import Drift, Run, SourceRun, SourceState


@dataclass(frozen=True)
class State:
    """Where a source stands after its last load. Times are UTC."""

    source: str
    kind: str
    copy: str | None = None
    copy_sha256: str | None = None
    mapping_sha256: str | None = None
    watermark: Mapping[str, Any] | None = None
    as_of: dt.datetime | None = None
    whole_at: dt.datetime | None = None
    columns: Mapping[str, str] | None = None
    loaded: dt.datetime | None = None


@dataclass(frozen=True)
class Drifted:
    """One thing about a source that was not so before, or a word that no rule maps."""

    kind: str
    name: str
    detail: str | None = None
    rows: int | None = None


def utc(value: dt.datetime | None) -> dt.datetime | None:
    """A stored time with its zone: SQLite gives it without."""
    if value is None:
        return None
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def states(connection: Connection) -> dict[str, State]:
    """Every source's state by its name."""
    return {
        row.source: State(
            source=row.source,
            kind=row.kind,
            copy=row.copy,
            copy_sha256=row.copy_sha256,
            mapping_sha256=row.mapping_sha256,
            watermark=json.loads(row.watermark) if row.watermark else None,
            as_of=utc(row.as_of),
            whole_at=utc(row.whole_at),
            columns=json.loads(row.columns),
            loaded=utc(row.loaded),
        )
        for row in connection.execute(sa.select(SourceState.__table__))
    }


def remember(connection: Connection, state: State, run_id: int) -> None:
    """Write a source's state in place of what it was."""
    connection.execute(sa.delete(SourceState).where(SourceState.source == state.source))
    connection.execute(
        sa.insert(SourceState).values(
            source=state.source,
            kind=state.kind,
            copy=state.copy,
            copy_sha256=state.copy_sha256,
            mapping_sha256=state.mapping_sha256,
            watermark=json.dumps(state.watermark) if state.watermark is not None else None,
            as_of=state.as_of,
            whole_at=state.whole_at,
            columns=json.dumps(dict(state.columns or {}), ensure_ascii=False),
            loaded=state.loaded,
            run_id=run_id,
        )
    )


def begin_run(connection: Connection, started: dt.datetime, config_sha256: str) -> int:
    """A new run; its number."""
    key = connection.execute(
        sa.insert(Run).values(started=started, status="running", config_sha256=config_sha256, inputs="{}", counts="{}")
    ).inserted_primary_key
    return int(key[0]) if key else 0


def end_run(connection: Connection, run_id: int, status: str, **values: Any) -> None:
    """How a run ended, unless it has been told already."""
    connection.execute(sa.update(Run).where(Run.run_id == run_id).values(status=status, **values))


def note_source_run(
    connection: Connection,
    run_id: int,
    source: str,
    started: dt.datetime,
    finished: dt.datetime,
    status: str,
    copy: str | None = None,
    counts: Mapping[str, int] | None = None,
    message: str | None = None,
) -> None:
    """What a run did with a source."""
    connection.execute(
        sa.insert(SourceRun).values(
            run_id=run_id, source=source, started=started, finished=finished, status=status, copy=copy,
            counts=json.dumps(dict(counts or {})), message=message,
        )
    )  # fmt: skip


def note_drift(
    connection: Connection, source: str, found: Iterable[Drifted], run_id: int, now: dt.datetime
) -> list[Drifted]:
    """Keep what drifted; returns what had not been seen before. Words that are mapped by now are forgotten."""
    before = {
        (row.kind, row.name): row
        for row in connection.execute(sa.select(Drift.__table__).where(Drift.source == source))
    }
    fresh = []
    for one in found:
        old = before.pop((one.kind, one.name), None)
        values = {"detail": one.detail, "rows": one.rows, "last_seen": now, "run_id": run_id}
        if old is None:
            fresh.append(one)
            connection.execute(
                sa.insert(Drift).values(source=source, kind=one.kind, name=one.name, first_seen=now, **values)
            )
        else:
            mine = (Drift.source == source) & (Drift.kind == one.kind) & (Drift.name == one.name)
            connection.execute(sa.update(Drift).where(mine).values(**values))
    return fresh


def forget_words(connection: Connection, source: str, kinds: Sequence[str]) -> None:
    """Words of a source that no rule mapped, before its rows are all read again by other rules."""
    connection.execute(sa.delete(Drift).where(Drift.source == source, Drift.kind.in_(kinds)))
