"""The few counts of requests that the figures are made of.

Each counts the selection's rows (`Release.chosen`) by small columns. A time and whether it is an event are one number
(`elapsed_key`, `elapsed_code`, `elapsed_coarse`), which is 0 where a row is excluded from response figures, else twice the
time and one or two more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from portal.errors import NotFound
from portal.kept import Answers
from portal.release import Release
from portal.selection import COLUMNS, Selection, quoted

P = ParamSpec("P")
T = TypeVar("T")

Ints = NDArray[np.int64]
Column = Any  # a pyarrow Array or ChunkedArray: it has no types of its own

OUTCOMES = ("done", "no_action", "not_found", "duplicate", "referred", "unknown")
ON_TIME = ("on_time", "late", "pending", "no_standard")
STATUSES = ("open", "closed")
PLACED = ("source", "geocoder", "none")
MONTH = "month"


def kept(function: Callable[Concatenate[Release, P], T]) -> Callable[Concatenate[Release, P], T]:
    """Keep a function's answers per selection; lists and dicts are handed out as copies."""
    return _keeping(function, lambda release: release.cache)


def once(function: Callable[Concatenate[Release, P], T]) -> Callable[Concatenate[Release, P], T]:
    """Keep a function's answers for good: those that depend on no selection."""
    return _keeping(function, lambda release: release.constants)


def _keeping(
    function: Callable[Concatenate[Release, P], T], cache_of: Callable[[Release], Answers]
) -> Callable[Concatenate[Release, P], T]:
    @wraps(function)
    def asked(release: Release, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (f"{function.__module__}.{function.__qualname__}", _frozen(args), _frozen(tuple(sorted(kwargs.items()))))
        answer = cache_of(release).get(key, lambda: function(release, *args, **kwargs))
        return cast(T, answer.copy()) if isinstance(answer, list | dict) else answer

    return cast("Callable[Concatenate[Release, P], T]", asked)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else value


def column(release: Release, dimension: str) -> str:
    """The column of `requests` behind a dimension, quoted for SQL; raises NotFound, naming the dimensions there are."""
    return quoted(counted(release, dimension))


def counted(release: Release, dimension: str) -> str:
    """The name of the column of `requests` behind a dimension; raises NotFound, naming the dimensions there are."""
    if dimension in COLUMNS:
        return COLUMNS[dimension]
    if any(layer.layer == dimension for layer in release.layers):
        return dimension
    known = ", ".join([*COLUMNS, *(layer.layer for layer in release.layers)])
    raise NotFound(f"There is no dimension '{dimension[:40]}'; there are: {known}.")


@dataclass(frozen=True)
class Counts:
    """Counts by a key and the small categories; the category arrays hold positions in the tuples above, -1 for none."""

    keys: list[Any]  # the key's values, None for NULL
    group: Ints  # position in `keys`
    status: Ints
    outcome: Ints
    on_time: Ints
    placed: Ints  # where the point comes from
    excluded: NDArray[np.bool_]  # from response figures
    n: Ints

    def by_key(self, rows: NDArray[np.bool_] | slice = slice(None)) -> Ints:
        """Requests of each key, of the given rows only."""
        return np.bincount(self.group[rows], self.n[rows], minlength=len(self.keys)).astype(np.int64)

    @property
    def located(self) -> NDArray[np.bool_]:
        """Which have a point."""
        return (self.placed >= 0) & (self.placed != PLACED.index("none"))

    def total(self, rows: NDArray[np.bool_] | slice = slice(None)) -> int:
        """Requests of the given rows."""
        return int(self.n[rows].sum())


def counts(release: Release, selection: Selection, key: str) -> Counts:
    """Everything that is a count, by `key`: the name of a column."""
    return kept_scans(release, selection).get(("counts", selection, key), lambda: _counts(release, selection, key))


def _counts(release: Release, selection: Selection, key: str) -> Counts:
    """By `facet`, which stands for the combination of all categories."""
    found = release.chosen(selection).tally(key, "facet")
    keys, group = told(release, key, found.codes[0])
    categories, which = release.facets, found.codes[1]
    return Counts(
        keys=keys,
        group=group,
        status=positions(categories["status"], STATUSES)[which],
        outcome=positions(categories["outcome"], OUTCOMES)[which],
        on_time=positions(categories["on_time"], ON_TIME)[which],
        placed=positions(categories["location_source"], PLACED)[which],
        excluded=categories["excluded"].to_numpy()[which].astype(bool),
        n=found.n,
    )


def told(release: Release, name: str, codes: Ints) -> tuple[list[Any], Ints]:
    """What the codes of a column stand for, each once (None first), and each code's position among them."""
    used, group = np.unique(codes, return_inverse=True)
    labels = release.counting.labels(name)
    return [labels[code] for code in used.tolist()], group.astype(np.int64)


@dataclass(frozen=True)
class Flow:
    """What left in each month (since 1970-01): `closed` by the local month of closing, and `untold` by the month of
    request: those that are not open, but of which nobody can say when they were closed."""

    closed: dict[int, int]
    untold: dict[int, int]


def by_month(release: Release, selection: Selection) -> tuple[Counts, Flow]:
    """Counts by month of request, and what left in each month."""

    def read() -> Flow:
        requested, closed, is_open, n = months_of(release, selection)
        untold, left = (closed < 0) & ~is_open, closed >= 0
        return Flow(_summed(closed[left], n[left]), _summed(requested[untold], n[untold]))

    return counts(release, selection, MONTH), kept_scans(release, selection).get(("flow", selection), read)


def months_of(release: Release, selection: Selection) -> tuple[Ints, Ints, NDArray[np.bool_], Ints]:
    """Requests by their month, the month of their closing (both since 1970-01, -1: not known), and whether they are
    open; and how many there are of each."""
    found = release.chosen(selection).tally(MONTH, "closed_month", "status")
    requested, closed = (
        np.array([-1, *release.counting.labels(name)[1:]], np.int64)[codes]
        for name, codes in zip((MONTH, "closed_month"), found.codes, strict=False)
    )
    return requested, closed, is_status(release, "open")[found.codes[2]], found.n


def is_status(release: Release, name: str) -> NDArray[np.bool_]:
    """For each code of `status` whether it is that one."""
    return np.array([label == name for label in release.counting.labels("status")])


def _summed(months: Ints, n: Ints) -> dict[int, int]:
    totals = np.bincount(months, n)
    return {int(month): int(totals[month]) for month in np.flatnonzero(totals)}


@dataclass(frozen=True)
class Binned:
    """Requests by key and elapsed bin: events and censored are of shape (keys, bins)."""

    keys: list[Any]
    events: Ints
    censored: Ints


def binned(release: Release, selection: Selection, key: str) -> Binned:
    """Response times by `key`: the name of a column."""
    return kept_scans(release, selection).get(("binned", selection, key), lambda: _binned(release, selection, key))


def _binned(release: Release, selection: Selection, key: str) -> Binned:
    found = release.chosen(selection).tally(key, "elapsed_code")
    place, closed, timed = timing(found.codes[1])
    keys, group = told(release, key, found.codes[0])
    bins = len(bin_edges(release))

    def dense(rows: NDArray[np.bool_]) -> Ints:
        flat = np.bincount(group[rows] * bins + place[rows], found.n[rows], minlength=len(keys) * bins)
        return flat.astype(np.int64).reshape(len(keys), bins)

    return Binned(keys, dense(timed & closed), dense(timed & ~closed))


def timing(code: Ints) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Of codes of times: the time, whether it is an event's, and whether there is one at all."""
    return (code - 1) >> 1, (code - 1) & 1 == 1, code > 0


def kept_scans(release: Release, selection: Selection) -> Answers:
    """Counts of everything are kept for good: most pages stand beside them. Those of a selection come and go."""
    return release.scans if selection else release.constants


ANY_KEY = COLUMNS["service"]
"""Where the key does not matter: most pages ask by service too, and then share the count."""


def any_counts(release: Release, selection: Selection) -> Counts:
    """`counts` by whatever key there is a count at hand for."""
    at_hand = kept_scans(release, selection).find(lambda key: key[:2] == ("counts", selection))
    return at_hand[0][1] if at_hand else counts(release, selection, ANY_KEY)


def any_binned(release: Release, selection: Selection) -> Binned:
    """`binned` by whatever key there is a count at hand for."""
    at_hand = kept_scans(release, selection).find(lambda key: key[:2] == ("binned", selection))
    return at_hand[0][1] if at_hand else binned(release, selection, ANY_KEY)


def bin_minutes(release: Release) -> NDArray[np.float64]:
    """The time that stands for each elapsed bin, in minutes: its middle, so that it is right within 0.5%.

    Bins of one minute (up to two hours) stand for themselves.
    """

    edges = bin_edges(release)
    return (edges[:, 0] + edges[:, 1] - 1) / 2


def wide_bins(release: Release) -> NDArray[np.bool_]:
    """Which elapsed bins stand for more than one minute."""
    edges = bin_edges(release)
    return np.asarray(edges[:, 1] - edges[:, 0] > 1)


def bin_edges(release: Release) -> Ints:
    """First minute of each elapsed bin, and the first after it: shape (bins, 2)."""

    def read() -> Ints:
        rows = release.query("SELECT from_minutes, to_minutes FROM elapsed_bins ORDER BY bin")
        return np.array(rows, np.int64).reshape(-1, 2)

    return release.constants.get("bin_edges", read)


@dataclass(frozen=True)
class Minutes:
    """Requests by elapsed minute, ascending; the last one may stand for all that took at least so long."""

    minutes: Ints
    events: Ints
    censored: Ints


def minutes(release: Release, selection: Selection, below: int | None = None) -> Minutes:
    """Response times exact to the minute, of those that took less than `below` minutes (default: all)."""
    return kept_scans(release, selection).get(
        ("minutes", selection, below), lambda: _minutes(release, selection, below)
    )


def _minutes(release: Release, selection: Selection, below: int | None) -> Minutes:
    column = release.counting["elapsed_key"]
    found = release.chosen(selection).tally(column if below is None else column.below(2 * below + 1))
    key, closed, timed = timing(found.codes[0])
    if below is not None:
        timed = timed & (key < below)
    minutes, group = np.unique(key[timed], return_inverse=True)
    closed, n = closed[timed], found.n[timed]
    events, censored = (
        np.bincount(group[rows], n[rows], minlength=minutes.size).astype(np.int64) for rows in (closed, ~closed)
    )
    return Minutes(minutes, events, censored)


@dataclass(frozen=True)
class CoarseSeries:
    """Requests by key, month and coarse bin: events and censored are of shape (keys, months, bins)."""

    keys: list[Any]
    first_month: int  # since 1970-01
    requested: Ints  # (keys, months), with those that are excluded from response figures
    events: Ints
    censored: Ints


def coarse_series(release: Release, selection: Selection, key: str, values: Collection[str | None]) -> CoarseSeries:
    """The response times of every month and some values (None for NULL) of `key`: the name of a column.

    It is not kept, as each value takes half a megabyte in ten years: what the figures are made into (`monthly_by`) is,
    and is small.
    """
    labels = release.counting.labels(key)
    wanted = [code for code, label in enumerate(labels) if label in values]
    table = np.zeros(len(labels), np.uint16)
    table[wanted] = np.arange(1, len(wanted) + 1)
    column = release.counting[key].through(table, len(wanted) + 1)
    found = release.chosen(selection).tally(column, MONTH, "elapsed_coarse")
    ours = found.codes[0] > 0
    (value, month, code), n = (codes[ours] for codes in found.codes), found.n[ours]
    used, group = np.unique(value, return_inverse=True)
    first = int(month.min(initial=65535)) if month.size else 0
    shape = (used.size, int(month.max(initial=first)) - first + 1, len(coarse_minutes(release)))
    row = group * shape[1] + month - first
    place, closed, timed = timing(code)

    def dense(chosen: NDArray[np.bool_]) -> Ints:
        flat = np.bincount(row[chosen] * shape[2] + place[chosen], n[chosen], minlength=int(np.prod(shape)))
        return flat.astype(np.int64).reshape(shape)

    requested = np.bincount(row, n, minlength=shape[0] * shape[1]).astype(np.int64).reshape(shape[:2])
    return CoarseSeries(
        [labels[wanted[i - 1]] for i in used.tolist()],
        int(release.counting.labels(MONTH)[first] or 0),
        requested, dense(timed & closed), dense(timed & ~closed),
    )  # fmt: skip


def coarse_minutes(release: Release) -> NDArray[np.float64]:
    """The time that stands for each coarse bin, in minutes: its middle."""

    def read() -> NDArray[np.float64]:
        rows = release.query(
            "SELECT (min(from_minutes) + max(to_minutes) - 1) / 2 FROM elapsed_bins GROUP BY coarse ORDER BY coarse"
        )
        return np.array([row[0] for row in rows], np.float64)

    return release.constants.get("coarse_minutes", read)


def ints(values: Column) -> Ints:
    """A column of integers, -1 for NULL."""
    filled = values.fill_null(-1) if values.null_count and pa.types.is_signed_integer(values.type) else values
    if filled.null_count:
        filled = filled.cast(pa.int64()).fill_null(-1)
    return np.asarray(filled.to_numpy()).astype(np.int64)


def distinct(values: Column) -> tuple[list[Any], Ints]:
    """The distinct values of a column (None for NULL, first) and each row's position among them."""
    codes, labels = _categories(values)
    used = np.unique(codes)
    return [None if code < 0 else labels[code] for code in used], np.searchsorted(used, codes)


def positions(values: Column, names: tuple[str, ...]) -> Ints:
    """Each row's position in `names`, -1 for NULL and for what is not among them."""
    codes, labels = _categories(values)
    table = np.array([names.index(label) if label in names else -1 for label in labels] + [-1], np.int64)
    return np.asarray(table[codes])


def _categories(values: Column) -> tuple[Ints, list[Any]]:
    """Codes (-1 for NULL) and labels of a column that is an ENUM, a number or text."""
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return ints(whole.indices), whole.dictionary.to_pylist()
