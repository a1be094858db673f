"""Small reads of the store that a release and a report need; bulk reads are `bulk`'s.

Charter: counts, newest times, versions. Shaping a release is etl.publish's business.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, func, select

from etl.store.models import Quarantined, Request, Run
from etl.store.state import utc


def count_requests(connection: Connection) -> int:
    """How many requests are stored, withdrawn ones among them."""
    return connection.execute(select(func.count()).select_from(Request)).scalar_one()


def newest_time(connection: Connection, now: dt.datetime) -> dt.datetime | None:
    """The newest opening, update or closing time not after `now` (UTC); due times do not count."""
    times = [
        utc(connection.execute(select(func.max(column)).where(column <= now)).scalar())
        for column in (Request.requested_datetime, Request.updated_datetime, Request.closed_datetime)
    ]
    return max((time for time in times if time is not None), default=None)


def quarantine_counts(connection: Connection) -> list[tuple[str, str, int]]:
    """(source, reason, rows) of what is quarantined, ordered."""
    query = (
        select(Quarantined.source, Quarantined.reason, func.count())
        .group_by(Quarantined.source, Quarantined.reason)
        .order_by(Quarantined.source, Quarantined.reason)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def withdrawn_counts(connection: Connection) -> dict[str, int]:
    """Requests that their source no longer has, by source."""
    query = select(Request.source, func.count()).where(Request.withdrawn.is_not(None)).group_by(Request.source)
    return {row[0]: row[1] for row in connection.execute(query)}


def data_version(connection: Connection) -> int:
    """The last run that changed what a release is made of; 0 before any did."""
    changed = select(func.max(Run.run_id)).where(Run.status.in_(["loaded", "published", "held"]))
    return connection.execute(changed).scalar() or 0
