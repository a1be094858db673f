"""Features in QGIS, without its window: `python3 tests/browser/qgis_features.py ADDRESS [--where "status = 'open'"]`.

Charter: a served portal in, figures out; no test, as QGIS (Debian: python3-qgis) is large. It takes the Python that QGIS was
installed for, and nothing of ours. Each collection is opened as 'Add WFS / OGC API - Features layer' does; its features are
counted whole where there are few, in a box and by a filter, and held against `numberMatched`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.core import (  # type: ignore[import-not-found]
    Qgis,
    QgsApplication,
    QgsFeatureRequest,
    QgsRectangle,
    QgsVectorLayer,
)

MOST = 20_000
"""Features of a collection that are read whole."""


def told(address: str) -> Any:
    """A JSON document."""
    with urllib.request.urlopen(address) as answer:  # noqa: S310
        return json.load(answer)


def matched(address: str, collection: str, **query: str) -> int:
    """How many features the API says there are."""
    asked = urllib.parse.urlencode({"limit": "1", **query})
    return int(told(f"{address}/collections/{collection}/items?{asked}")["numberMatched"])


def layer_of(address: str, collection: str, where: str = "") -> Any:
    """The layer, as its dialogue makes it."""
    source = f"url='{address}' typename='{collection}' pageSize='5000' restrictToRequestBBOX='1'"
    layer = QgsVectorLayer(source, collection, "OAPIF")
    if not layer.isValid() or (where and not layer.setSubsetString(where)):
        sys.exit(f"QGIS does not take {collection} {where}")
    return layer


def count(layer: Any, box: Any = None) -> tuple[int, float]:
    """Features that QGIS reads, and in how many seconds; each must have a geometry that is sound."""
    request = QgsFeatureRequest()
    if box is not None:
        request.setFilterRect(box)
    begun, n = time.perf_counter(), 0
    for feature in layer.getFeatures(request):
        if box is not None and not feature.geometry().intersects(box):
            sys.exit(f"{layer.name()}: {feature.attribute('id')} is not in the box")
        n += 1
    return n, time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the portal")
    parser.add_argument("--where", default="\"status\" = 'open' AND \"service_code\" = 'PW04'", help="as QGIS has it")
    parser.add_argument("--cql2", default="status = 'open' AND service_code = 'PW04'", help="the same for the API")
    asked = parser.parse_args()
    address = f"{asked.address.rstrip('/')}/ogc"
    application = QgsApplication([], False)
    application.initQgis()
    wrong = 0
    print(f"QGIS {Qgis.QGIS_VERSION} (OAPIF)")
    for of in told(f"{address}/collections?f=json")["collections"]:
        name, [west, south, east, north] = of["id"], of["extent"]["spatial"]["bbox"][0]
        wide, high = (east - west) / 3, (north - south) / 3
        box = QgsRectangle(west + wide, south + high, east - wide, north - high)
        sides = ",".join(f"{side:.9f}" for side in (west + wide, south + high, east - wide, north - high))
        checks = [("a box", layer_of(address, name), box, matched(address, name, bbox=sides))]
        whole = matched(address, name)
        if whole <= MOST:
            checks.append(("whole", layer_of(address, name), None, whole))
        if name == "requests":
            there = matched(address, name, filter=asked.cql2)
            checks.append((asked.cql2, layer_of(address, name, asked.where), None, there))
        for what, layer, within, there in checks:
            found, seconds = count(layer, within)
            wrong += found != there
            fields = f"{layer.fields().count()} fields, {layer.crs().authid()}"
            print(
                f"{name:28}{what:50}{found:>9,} of {there:>9,}{seconds:7.1f} s   {fields}"
                + ("   WRONG" * (found != there))
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
