"""Totals of areas with the band that uncertain locations leave them."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

import numpy as np

from portal.figures.location_band import Band, Uncertain, bands
from portal.queries.scans import counts, distinct, ints, kept, once
from portal.release import Release
from portal.selection import EVERYTHING, Selection, quoted

TABLE = "area_probabilities"


def location_bands(release: Release, layer: str, selection: Selection = EVERYTHING) -> dict[str, Band]:
    """For each area of a layer its total and band; {} where the release does not tell where uncertain requests may lie.

    Areas of the same layer that the selection names are left out of it: a request that is drawn next door may be here.
    """
    release.layer(layer)
    if TABLE not in release.tables:
        return {}
    return _bands(release, selection.replace(area=tuple(pair for pair in selection.area if pair[0] != layer)), layer)


@once
def unsure(release: Release) -> dict[str, int]:
    """For each layer how many requests may lie in another area than the one they are drawn in; {}: not told, or none."""
    if TABLE not in release.tables:
        return {}
    rows = dict(release.query(f"SELECT layer, count(DISTINCT rid) FROM {TABLE} GROUP BY 1"))
    return {layer.layer: rows[layer.layer] for layer in release.layers if rows.get(layer.layer)}


@kept
def _bands(release: Release, selection: Selection, layer: str) -> dict[str, Band]:
    where, params = release.where(selection)
    own = quoted(layer)
    chosen = f"(SELECT rid, gx, gy, {own} AS drawn FROM requests WHERE {where}) r"
    # A point, and how likely it is here: requests that share both share their fate.
    found = release.table(
        f"""SELECT p.area, p.probability, count(*) AS n
            FROM (SELECT rid, area, probability FROM {TABLE} WHERE layer = ? AND area IS NOT NULL) p
            JOIN {chosen} USING (rid) GROUP BY p.area, p.probability, r.gx, r.gy""",
        [layer, *params],
    )
    if not found.num_rows:
        return {}
    unsure_drawn = release.query(
        f"""SELECT drawn::VARCHAR, count(*) FROM {chosen}
            WHERE rid IN (SELECT rid FROM {TABLE} WHERE layer = ?) GROUP BY 1""",
        [*params, layer],
    )
    names, group = distinct(found["area"])
    chance, n = np.asarray(found["probability"].to_numpy(), np.float64), ints(found["n"])
    unsure = {str(name): Uncertain(chance[group == i], n[group == i]) for i, name in enumerate(names)}
    drawn = counts(release, selection, layer)
    totals = {str(key): int(total) for key, total in zip(drawn.keys, drawn.by_key(), strict=True) if key is not None}
    return bands(totals, {area: n for area, n in unsure_drawn if area is not None}, unsure)
