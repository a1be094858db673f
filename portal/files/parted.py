"""How the requests of a release are divided: by year, by department, by area of each layer; what each part is called.

Charter: parts with their names, the filter that selects the same rows, and which part each row is of, from the mapped columns
alone. A row is in one part of each way of dividing: those without a department or an area make a part of their own.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.choosing import EPOCH
from portal.columns import Column
from portal.selection import NOT_STATED, Selection
from portal.text import natural

if TYPE_CHECKING:
    from portal.release import Release

MOST_PARTS: Final = 200
"""Parts of one way of dividing, besides that of what is not stated: a layer with more areas is left out, and that is told."""
LONGEST: Final = 60
UNKNOWN: Final = "not-stated"
_PLAIN: Final = re.compile(f"[a-z0-9][a-z0-9-]{{0,{LONGEST - 1}}}")


@dataclass(frozen=True)
class Part:
    """Requests of one year, department or area; `key` None: of none. `stem` is the name of its files, without an ending."""

    stem: str
    kind: str
    layer: str
    key: str | None
    title: str
    selection: Selection
    rows: int

    def told(self) -> dict[str, Any]:
        """As the list of files has it; `layer` of an area only."""
        about = {"part": self.kind, "key": self.key, "title": self.title, "query": self.selection.to_query()}
        return about | ({"layer": self.layer} if self.layer else {})


@dataclass(frozen=True)
class Division:
    """One way of dividing. `numbers` gives the place of each row's part among `parts`."""

    parts: tuple[Part, ...]
    numbers: Column

    def split(self, start: int, stop: int) -> Iterator[tuple[Part, NDArray[np.int64]]]:
        """Parts that have rows from `start` to before `stop`, with their places from `start` on, ascending."""
        numbers = self.numbers.read(slice(start, stop))
        order = np.argsort(numbers, kind="stable")
        counts = np.bincount(numbers, minlength=len(self.parts))
        ends = np.cumsum(counts)
        for i in np.flatnonzero(counts):
            yield self.parts[i], order[ends[i] - counts[i] : ends[i]]


def divisions(release: Release, wanted: Sequence[str]) -> tuple[list[Division], list[dict[str, Any]]]:
    """The ways of dividing that are wanted (year, department, layers), and those that are left out, with the reason."""
    found: list[Division] = []
    left_out: list[dict[str, Any]] = []
    asked = [("year", "")] if "year" in wanted else []
    asked += [("department", "")] if "department" in wanted and "department" in release.columns else []
    asked += [("layer", layer.layer) for layer in release.layers] if "layers" in wanted else []
    for kind, layer in asked:
        if kind == "year" and _counted(release.chosen(Selection()).columns["requested_day"])[0]:
            why = "there are requests of 1970-01-01 or before, of which the index does not tell the day"
            left_out.append({"part": kind, "why": why})
            continue
        division = _by_year(release) if kind == "year" else _by_code(release, kind, layer)
        named = sum(part.key is not None for part in division.parts)
        if named > MOST_PARTS:
            why = f"there are {named}; files are made of at most {MOST_PARTS}"
            left_out.append({"part": kind, **({"layer": layer} if layer else {}), "why": why})
        else:
            found.append(division)
    return found, left_out


def _by_year(release: Release) -> Division:
    """By the year of the local day, which `from` and `to` of a selection are of."""
    days = release.chosen(Selection()).columns["requested_day"]
    counted = _counted(days)
    years = np.arange(counted.size).astype("datetime64[D]").astype("datetime64[Y]").astype(int) + EPOCH.year
    seen = np.unique(years[counted > 0])
    parts = []
    for year in seen.tolist():
        selection = Selection(from_date=date(year, 1, 1), to_date=date(year, 12, 31))
        rows = int(counted[years == year].sum())
        parts.append(Part(f"requests_year_{year}", "year", "", str(year), str(year), selection, rows))
    places = np.searchsorted(seen, years).astype(np.uint16)
    return Division(tuple(parts), days.through(places, max(len(parts), 1)))


def _by_code(release: Release, kind: str, layer: str) -> Division:
    """By department, or by the area of a layer."""
    dimension = layer or kind
    columns = release.chosen(Selection()).columns
    codes, labels, named = columns[dimension], columns.labels(dimension), release.allowed(dimension)
    counted = _counted(codes)
    used = sorted(
        (i for i in np.flatnonzero(counted).tolist() if i), key=lambda i: natural(named.get(labels[i], labels[i]))
    )
    used += [0] if counted[0] else []
    # A layer may be called as a way of dividing is: its files are not.
    prefix = f"requests_layer_{layer}" if layer == "year" or layer.startswith("layer") else f"requests_{dimension}"
    stems = slugs([labels[i] for i in used])
    parts = []
    for i, slug in zip(used, stems, strict=True):
        key = labels[i]
        value = NOT_STATED if key is None else key
        selection = Selection(area=((layer, value),)) if layer else Selection(department=(value,))
        title = "not stated" if key is None else named.get(key, key)
        parts.append(Part(f"{prefix}_{slug}", kind, layer, key, title, selection, int(counted[i])))
    places = np.zeros(counted.size, np.uint16)
    places[used] = np.arange(len(used))
    return Division(tuple(parts), codes.through(places, max(len(parts), 1)))


def _counted(column: Column, at_once: int = 1 << 20) -> NDArray[np.int64]:
    """Rows by code."""
    found = np.zeros(max(column.size, 1), np.int64)
    for start in range(0, len(column.codes), at_once):
        found += np.bincount(column.read(slice(start, start + at_once)), minlength=found.size)
    return found


def slugs(keys: Sequence[str | None]) -> list[str]:
    """Names for codes, no two the same and the same in every release, unless codes that look alike come or go.

    >>> slugs(["PWD", "Back Bay", "back-bay", "N/A", "東", None])
    ['pwd', 'back-bay-6947391e', 'back-bay', 'n-a', '469e009b', 'not-stated']
    """
    plain = [UNKNOWN if key is None else _slug(key) for key in keys]
    count = Counter(plain)
    found: dict[int, str] = {}
    for i, (key, slug) in enumerate(zip(keys, plain, strict=True)):
        plainly = _PLAIN.fullmatch(slug) and slug != UNKNOWN
        if key is None or (plainly and (key == slug or count[slug] == 1)):
            found[i] = slug
    for i, (key, slug) in enumerate(zip(keys, plain, strict=True)):
        if i not in found:
            marked = (f"{slug[:LONGEST].strip('-')}-{_mark(str(key), n)}".strip("-") for n in (8, 16, 32))
            found[i] = next(name for name in marked if name not in found.values())
    return [found[i] for i in range(len(keys))]


def _slug(key: str) -> str:
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _mark(key: str, digits: int) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
