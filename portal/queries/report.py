"""The report card of one area or department: every figure of its page, gathered once for page, brief and API."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from portal.answers_figures import Report
from portal.queries.backlog import backlogs
from portal.queries.change import shifted, year_ago
from portal.queries.compare import compare
from portal.queries.groups import by
from portal.queries.months import covered_until
from portal.queries.ordered import oldest
from portal.queries.periods import dated
from portal.queries.summary import response, totals
from portal.release import Release
from portal.selection import NOT_STATED, Selection

OLDEST: Final = 8
TOP_SERVICES: Final = 12
QUARTER_DAYS: Final = 91


def narrowed(selection: Selection, dimension: str, key: str | None) -> Selection:
    """The selection of one value of a dimension, whatever it named of it before; `key` None: of any."""
    if dimension in Selection.__dataclass_fields__:
        return selection.replace(**{dimension: () if key is None else (key,)})
    others = tuple(pair for pair in selection.area if pair[0] != dimension)
    return selection.replace(area=others if key is None else (*others, (dimension, key)))


def report(release: Release, selection: Selection, dimension: str, key: str) -> Report:
    """All figures of one value of a dimension, beside the rest of the city and a year ago."""
    base = dated(release, narrowed(selection, dimension, None))
    here = narrowed(base, dimension, key)
    ever = here.replace(from_date=None, to_date=None)
    until = base.to_date or covered_until(release)
    now, before = backlogs(release, ever, (until, until - timedelta(days=QUARTER_DAYS)))
    compared = compare(release, base, dimension, only=key)
    services = by(release, here, "service", TOP_SERVICES + 1)
    return Report(
        dimension=dimension,
        key=key,
        base=base,
        here=here,
        ever=ever,
        totals=totals(release, here),
        city=totals(release, base),
        response=response(release, here),
        city_response=response(release, base),
        compared=next((row for row in compared.rows if row.key == key), None),
        late_phi=compared.late_phi,
        year_ago=year_ago(release, here),
        backlog=now,
        backlog_before=before,
        oldest=oldest(release, ever, OLDEST),
        services=[row for row in services if row.key != NOT_STATED][:TOP_SERVICES],
        city_services={row.key: row for row in by(release, base, "service")},
        departments=[] if dimension == "department" else by(release, here, "department"),
        shifted=shifted(release, here.replace(from_date=None), "service"),
    )
