"""What the benchmark of figures asks: random selections, places and days, and the statements that answer the same.

Charter: questions only; nothing is timed or compared here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from portal import queries
from portal.answers_figures import Comparison
from portal.bench_draws import random_selection
from portal.outline import Circle
from portal.queries.backlog import end_of
from portal.queries.change import QUARTER_MONTHS
from portal.queries.month_numbers import month_number
from portal.queries.ordered import ORDERS
from portal.queries.periods import YEAR_MONTHS, dated, last_months
from portal.queries.record import has_links
from portal.queries.report import QUARTER_DAYS, narrowed
from portal.release import Release
from portal.selection import COLUMNS, Selection, quoted

LIST_ROWS: Final = 25


@dataclass(frozen=True)
class Part:
    """One statement of another database, and which part of our answer it is to agree with."""

    figure: str
    selection: Selection
    of: Callable[[Any], Any] = lambda answer: answer
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What is asked once: of us, and of another database in as many statements as it takes."""

    ours: Callable[[], Any]
    parts: tuple[Part, ...]


def _some(release: Release, rng: random.Random, without: str | None = None) -> Selection:
    """A random selection that filters something, without naming a dimension."""
    while True:
        selection = random_selection(release, rng)
        if without is not None:
            selection = narrowed(selection, without, None)
        if selection:
            return selection


def _yearly(release: Release, rng: random.Random) -> Selection:
    return dated(release, _some(release, rng).replace(from_date=None, to_date=None))


def _key(dimension: str) -> str:
    return quoted(COLUMNS.get(dimension, dimension))


def _plain(name: str, answer: Callable[[Release, Selection], Any]) -> Callable[[Release, random.Random], Question]:
    def make(release: Release, rng: random.Random) -> Question:
        selection = _some(release, rng)
        return Question(lambda: answer(release, selection), (Part(name, selection, more={"key": '"month"'}),))

    return make


def _by(release: Release, rng: random.Random) -> Question:
    selection = _some(release, rng)
    part = Part("by", selection, more={"key": _key("service")})
    return Question(lambda: queries.by(release, selection, "service"), (part,))


def _backlog(release: Release, rng: random.Random) -> Question:
    selection = _some(release, rng).replace(from_date=None, to_date=None)
    day = queries.covered_until(release) - timedelta(days=rng.randint(0, 365))
    part = Part("backlog", selection, more={"moment": end_of(release, day)})
    return Question(lambda: queries.backlog(release, selection, day), (part,))


def _compare(release: Release, rng: random.Random) -> Question:
    dimension = rng.choice(["department", *(layer.layer for layer in release.layers)])
    selection = _some(release, rng, without=dimension)
    part = Part("compare", selection, more={"key": _key(dimension)})
    return Question(lambda: queries.compare(release, selection, dimension), (part,))


def _year_ago_part(selection: Selection, of: Callable[[Any], Any] = lambda answer: answer) -> Part:
    months = {"first": 0, "last": -1}
    if selection.from_date and selection.to_date:  # the whole months of them
        next_day = selection.to_date + timedelta(days=1)
        months = {
            "first": month_number(selection.from_date) + (selection.from_date.day > 1),
            "last": month_number(next_day) - 1,
        }
    return Part("year_ago", selection.replace(from_date=None, to_date=None), of, months)


def _year_ago(release: Release, rng: random.Random) -> Question:
    selection = _yearly(release, rng)
    return Question(lambda: queries.year_ago(release, selection), (_year_ago_part(selection),))


def _shifted_part(release: Release, selection: Selection, of: Callable[[Any], Any] = lambda answer: answer) -> Part:
    start, end = last_months(release, QUARTER_MONTHS, selection.to_date)
    first, _ = last_months(release, YEAR_MONTHS + QUARTER_MONTHS, end)
    months = {"now": month_number(start), "before": month_number(start) - QUARTER_MONTHS, "key": _key("service")}
    return Part("shifted", selection.replace(from_date=first, to_date=end), of, months)


def _shifted(release: Release, rng: random.Random) -> Question:
    selection = _some(release, rng).replace(from_date=None)
    return Question(lambda: queries.shifted(release, selection, "service"), (_shifted_part(release, selection),))


def _page_of_a_list(release: Release, rng: random.Random) -> Question:
    """Any page in any order: of the rows that a visitor can go to, however far down."""
    selection, order = random_selection(release, rng), rng.choice(list(ORDERS))
    page = rng.randint(1, max(release.chosen(selection).n // LIST_ROWS, 1))
    return Question(lambda: queries.ordered(release, selection, order, page, LIST_ROWS), ())


def _near(release: Release, rng: random.Random) -> Question | None:
    """What is told of the surroundings of a place."""
    if "lat" not in release.columns:
        return None
    place = None
    while place is None:
        row = release.query("SELECT lat, long FROM requests WHERE rowid = ?", [rng.randrange(release.rows)])[0]
        place = row if row[0] is not None else None
    around = Selection(near=Circle(round(place[0], 6), round(place[1], 6), rng.choice((250, 500, 1000))))
    here = dated(release, around)

    def ours() -> tuple[Any, ...]:
        return (
            queries.totals(release, here), queries.response(release, here), queries.by(release, here, "service"),
            queries.by(release, here, "department"), queries.oldest(release, around.replace(status=("open",)), 1),
        )  # fmt: skip

    return Question(ours, ())


def _linked(release: Release, rng: random.Random) -> Question | None:
    return _plain("linked", queries.linked)(release, rng) if has_links(release) else None


def _reporting(release: Release, rng: random.Random) -> Question | None:
    """Not asked of the rival: it needs a join of requests with their incidents that nobody would keep in one table."""
    if not has_links(release) or not release.layers:
        return None
    layer = rng.choice(release.layers).layer
    selection = _some(release, rng, without=layer)
    return Question(lambda: queries.reporting(release, selection, layer), ())


FIGURES: Final[dict[str, Callable[[Release, random.Random], Question | None]]] = {
    "totals": _plain("totals", queries.totals),
    "response time": _plain("response", queries.response),
    "by service": _by,
    "monthly": _plain("monthly", queries.monthly),
    "backlog": _backlog,
    "compare, all areas": _compare,
    "year ago": _year_ago,
    "shifted": _shifted,
    "course": _plain("course", queries.course),
    "a page of a list": _page_of_a_list,
    "near a place": _near,
    "linked": _linked,
    "reporting": _reporting,
}


def card(release: Release, dimension: str, rng: random.Random) -> Question | None:
    """A report card's data as its page gathers it: the report, the months, the course, what is linked."""
    keys = [choice.value for choice in queries.choices(release, dimension) if choice.requests]
    if not keys:
        return None
    key, selection = rng.choice(keys), random_selection(release, rng)
    base = dated(release, narrowed(selection, dimension, None))
    here = narrowed(base, dimension, key)
    ever = here.replace(from_date=None, to_date=None)
    until = base.to_date or queries.covered_until(release)

    def ours() -> tuple[Any, ...]:
        made = queries.report(release, selection, dimension, key)
        return made, *(
            f(release, s) for f, s in ((queries.course, here), (queries.monthly, ever), (queries.linked, here))
        )

    def open_at(day: date) -> dict[str, Any]:
        return {"moment": end_of(release, day)}

    def grouped(name: str) -> dict[str, Any]:
        return {"key": _key(name)}

    parts = [
        Part("totals", here, lambda a: a[0].totals),
        Part("totals", base, lambda a: a[0].city),
        Part("response", here, lambda a: a[0].response),
        Part("response", base, lambda a: a[0].city_response),
        Part("compare", base, lambda a: _only(a[0].compared), grouped(dimension)),
        Part("backlog", ever, lambda a: a[0].backlog, open_at(until)),
        Part("backlog", ever, lambda a: a[0].backlog_before, open_at(until - timedelta(days=QUARTER_DAYS))),
        Part("by", here, lambda a: a[0].services, grouped("service")),
        Part("by", base, lambda a: [*a[0].city_services.values()], grouped("service")),
        _shifted_part(release, here.replace(from_date=None), lambda a: a[0].shifted),
        Part("course", here, lambda a: a[1]),
        Part("monthly", ever, lambda a: a[2], {"key": '"month"'}),
        Part("linked", here, lambda a: a[3]),
        _year_ago_part(here, lambda a: a[0].year_ago),
    ]
    if not ever.status or "open" in ever.status:
        parts.append(Part("oldest", ever.replace(status=("open",)), lambda a: a[0].oldest))
    if dimension != "department":
        parts.append(Part("by", here, lambda a: a[0].departments, grouped("department")))
    return Question(ours, tuple(parts))


def _only(compared: Any) -> Any:
    return Comparison(() if compared is None else (compared,), 1.0, 1.0)
