"""How the selected requests were placed: by the source's own point, by the geocoder and how, or not at all."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from portal.answers import Doubts, LocatedBy, MethodRow, ToldPlaces
from portal.queries.scans import PLACED, any_counts, kept, kept_scans, once
from portal.release import Release
from portal.selection import EVERYTHING, Selection

DOUBTFUL = ("location_contradicts_address", "location_default_point", "location_mistaken")
"""Flags of requests whose point was kept although something speaks against it."""
GENERALISED = "generalised"
"""Found by the geocoder, of a request whose place is told less exactly: how is not told."""


def tells_methods(release: Release) -> bool:
    """Whether a release says how its geocoder found each place, in a column that is quick to count."""
    return release.types.get("geocode_method", "").startswith("ENUM")


@kept
def located(release: Release, selection: Selection = EVERYTHING) -> LocatedBy:
    """The selected requests by how they were placed. The sources of places are a part of `facet`, which is counted
    already; a scan of its own is only for how the geocoder found what it found."""
    counts = any_counts(release, selection)
    placed = {name: counts.total(counts.placed == i) for i, name in enumerate(PLACED)}
    methods: dict[str, int] = {}
    if placed["geocoder"] and tells_methods(release):
        where, params = release.where(selection)
        rows = release.query(
            f"""SELECT geocode_method, count(*) FROM requests
                WHERE location_source = 'geocoder' AND {where} GROUP BY 1 ORDER BY 2 DESC, 1""",
            params,
        )
        methods = {method or GENERALISED: n for method, n in rows}
    return LocatedBy(
        requests=counts.total(), source=placed["source"], geocoder=placed["geocoder"], none=placed["none"],
        methods=methods,
    )  # fmt: skip


def told_places(release: Release, selection: Selection = EVERYTHING) -> ToldPlaces:
    """The selected requests by how exactly their places are told."""
    return kept_scans(release, selection).get(("told places", selection), lambda: _told_places(release, selection))


def _told_places(release: Release, selection: Selection) -> ToldPlaces:
    found: dict[tuple[str, str], int] = {}
    names = [name for name in ("location_source", "location_precision") if name in release.counting]
    tally = release.chosen(selection).tally(*names)
    labels = [release.counting.labels(name) for name in names]
    for *codes, n in zip(*tally.codes, tally.n, strict=True):
        source, precision = (*(labels[i][code] for i, code in enumerate(codes)), None)[:2]
        key = (source or "none", precision or "")
        found[key] = found.get(key, 0) + int(n)

    def count(source: str | None = None, precision: str | None = None) -> int:
        return sum(n for (s, p), n in found.items() if source in (None, s) and precision in (None, p))

    return ToldPlaces(
        requests=count(), none=count("none"), withheld=count(precision="withheld"), block_face=count(precision="block_face"),
        area=count(precision="area"), geocoder=count("geocoder"),
    )  # fmt: skip


@once
def doubts(release: Release) -> Doubts | None:
    """What was wrong with the points that sources gave, over the whole release; None where that is not told."""
    if not {"location_note", "location_source"} <= release.columns:
        return None
    rows = release.query(
        """SELECT location_note::VARCHAR, location_source <> 'none', count(*) FROM requests
           WHERE location_note IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    placed: dict[str, int] = {}
    lost: dict[str, int] = {}
    for note, on_map, n in rows:
        (placed if on_map else lost)[note] = n
    flagged = {}
    for flag in DOUBTFUL:
        counted = release.query("SELECT count(*) FROM requests WHERE contains(flags, ?)", [flag])
        flagged[flag] = int(counted[0][0])
    return Doubts(placed, lost, {flag: n for flag, n in flagged.items() if n})


@once
def methods(release: Release) -> list[MethodRow]:
    """For each method of the geocoder how many places it found, and how sure they are; [] where that is not told."""
    if not tells_methods(release):
        return []
    figures = [
        f"median({name})" if name in release.columns else "NULL" for name in ("geocode_score", "geocode_radius_m")
    ]
    rows = release.query(
        f"""SELECT coalesce(geocode_method::VARCHAR, '{GENERALISED}'), count(*), {", ".join(figures)}
            FROM requests WHERE location_source = 'geocoder' GROUP BY 1 ORDER BY 2 DESC, 1"""
    )
    return [MethodRow(*row) for row in rows]
