"""All SQL of the portal but that of the tiles, one function a question; answers are `portal.answers`.

Values reach SQL as parameters; names of columns come from the release's own list, never from a client.
"""

from portal.queries.backlog import backlog
from portal.queries.change import shifted, year_ago
from portal.queries.compare import compare
from portal.queries.course import course
from portal.queries.groups import by
from portal.queries.integrity import absent, edits, precision, privacy_audit
from portal.queries.lists import areas, choices, exclusions, quality, request
from portal.queries.located import doubts, located, methods, told_places
from portal.queries.location_bands import location_bands, unsure
from portal.queries.months import covered_until, monthly, monthly_by, volumes
from portal.queries.ordered import latest, oldest, ordered, page
from portal.queries.periods import dated, last_months, last_year, year_before
from portal.queries.published import chain, dictionary, files, status
from portal.queries.record import linked, reporting
from portal.queries.report import narrowed, report
from portal.queries.summary import period, response, totals
from portal.selection import EVERYTHING

__all__ = [
    "EVERYTHING",
    "absent",
    "areas",
    "backlog",
    "by",
    "chain",
    "choices",
    "compare",
    "course",
    "covered_until",
    "dated",
    "dictionary",
    "doubts",
    "edits",
    "exclusions",
    "files",
    "last_months",
    "last_year",
    "latest",
    "linked",
    "located",
    "location_bands",
    "methods",
    "monthly",
    "monthly_by",
    "narrowed",
    "oldest",
    "ordered",
    "page",
    "period",
    "precision",
    "privacy_audit",
    "quality",
    "report",
    "reporting",
    "request",
    "response",
    "shifted",
    "status",
    "told_places",
    "totals",
    "unsure",
    "volumes",
    "year_ago",
    "year_before",
]
