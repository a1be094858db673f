"""Receipts of where requests are: sources of the places, methods of the geocoder, totals of areas that are uncertain."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.receipts.model import Kind
from portal.receipts.parts import REQUESTS, condition, literal
from portal.receipts.words import ROWS, SHARE
from portal.selection import NOT_STATED, Selection, quoted
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release


def located(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Requests by where their place comes from."""
    del release, arguments
    return f"""\
SELECT coalesce(location_source, {literal(NOT_STATED)}) AS key, count(*) AS requests,
       count(*) / sum(count(*)) OVER () AS share
FROM {REQUESTS}
WHERE {condition(selection)}
GROUP BY ALL ORDER BY requests DESC, key;"""


def methods(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Requests that the geocoder placed, by how it found them."""
    del release, arguments
    return f"""\
SELECT coalesce(geocode_method, 'generalised') AS key, count(*) AS requests,
       median(geocode_score) AS score, median(geocode_radius_m) AS radius_m,
       count(*) / (SELECT count(*) FROM {REQUESTS} WHERE {condition(selection)}) AS share
FROM {REQUESTS}
WHERE location_source = 'geocoder' AND {condition(selection)}
GROUP BY ALL ORDER BY requests DESC, key;"""


def expected_totals(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Each area's total when requests near a border count by their probability."""
    layer = release.layer(arguments["layer"]).layer
    return f"""\
-- Of every area the requests that are surely there, and of the others the sum of their probabilities.
WITH chosen AS (
  SELECT * FROM {REQUESTS} WHERE {condition(selection)}
), unsure AS (
  SELECT * FROM 'area_probabilities.parquet' SEMI JOIN chosen USING (source, service_request_id)
  WHERE layer = {literal(layer)}
), certain AS (
  SELECT {quoted(layer)}::VARCHAR AS area, count(*) AS n
  FROM chosen ANTI JOIN unsure USING (source, service_request_id) GROUP BY 1
), perhaps AS (
  SELECT area, sum(probability) AS n FROM unsure GROUP BY area
)
SELECT area AS key, coalesce(certain.n, 0) + coalesce(perhaps.n, 0) AS expected
FROM certain FULL JOIN perhaps USING (area) WHERE area IS NOT NULL ORDER BY area;"""


KINDS: Final = (
    Kind(
        "located",
        N_("Where the places come from"),
        N_("Requests at the source's own point, at the place of their address, and without a place."),
        (ROWS,),
        {"key": N_("source, geocoder or none"), "requests": N_("requests"), "share": SHARE},
        located,
        keyed=True,
    ),
    Kind(
        "methods",
        N_("How the geocoder found them"),
        N_("Requests at the place of their address, by how it was found; the score is the chance of being right, the radius holds the true place in 95 of 100 cases."),  # noqa: E501
        (ROWS,),
        {"key": N_("the method"), "requests": N_("requests"), "score": N_("median score, 0 to 1"),
         "radius_m": N_("median radius, metres"), "share": N_("share of all selected requests, 0 to 1")},
        methods,
        keyed=True,
    ),
    Kind(
        "expected-totals",
        N_("Totals of areas when locations are uncertain"),
        N_("Requests that are surely in an area count as one there; those near a border count in each area with the probability that they are in it."),  # noqa: E501
        (ROWS,),
        {"key": N_("the area's code"), "expected": N_("expected number of requests")},
        expected_totals,
        arguments=("layer",),
        keyed=True,
        files=("requests.parquet", "area_probabilities.parquet"),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
