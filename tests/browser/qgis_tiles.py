"""Tiles in QGIS, without its window: `python3 tests/browser/qgis_tiles.py ADDRESS --image map.png [--query status=open]`.

Charter: a served portal in, a picture out; no test, as QGIS (Debian: python3-qgis) is large. It takes the Python that QGIS
was installed for, and nothing of ours: the address of /tiles/ leads to everything, as docs/tiles.md describes for people.
Requests that are one are drawn in red, cells of several in blue and larger with their number, names of areas from the
attribute `name`. The picture is told off if anything of that is missing in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.parse
import urllib.request
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.core import (  # type: ignore[import-not-found]
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProject,
    QgsProperty,
    QgsRectangle,
    QgsSymbolLayer,
    QgsVectorTileBasicLabeling,
    QgsVectorTileBasicLabelingStyle,
    QgsVectorTileBasicRenderer,
    QgsVectorTileBasicRendererStyle,
    QgsVectorTileLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor  # type: ignore[import-not-found]

ONE, SEVERAL, BOUNDARY = "#c02010", "#1040c0", "#207020"
BASE = {"land": "#f4f1ea", "water": "#b9d7e8", "park": "#d5e8cd", "rail": "#888888", "street": "#c8c3ba"}


def told(address: str) -> Any:
    """A JSON document."""
    with urllib.request.urlopen(address) as answer:  # noqa: S310
        return json.load(answer)


def layer_of(name: str, document: dict[str, Any]) -> Any:
    """What 'New Vector Tiles connection' makes of a TileJSON's address and zooms."""
    parts = {"type": "xyz", "url": document["tiles"][0], "zmin": document["minzoom"], "zmax": document["maxzoom"]}
    layer = QgsVectorTileLayer(urllib.parse.urlencode(parts), name)
    if not layer.isValid():
        sys.exit(f"QGIS does not take {name}: {document['tiles'][0]}")
    return layer


def style(symbol: Any, layer: str, geometry: Any, where: str = "") -> Any:
    """One rule of the renderer."""
    made = QgsVectorTileBasicRendererStyle(layer, layer, geometry)
    made.setSymbol(symbol)
    made.setFilterExpression(where)
    made.setEnabled(True)
    return made


def labels(layer: str, field: str, geometry: Any, colour: str) -> Any:
    """Labels from an attribute."""
    settings = QgsPalLayerSettings()
    settings.fieldName = field
    text = settings.format()
    text.setColor(QColor(colour))
    text.setSize(8)
    settings.setFormat(text)
    made = QgsVectorTileBasicLabelingStyle()
    made.setStyleName(layer)
    made.setLayerName(layer)
    made.setGeometryType(geometry)
    made.setLabelSettings(settings)
    labelling = QgsVectorTileBasicLabeling()
    labelling.setStyles([made])
    return labelling


def styled(name: str, document: dict[str, Any]) -> Any:
    """The layer with rules for what its TileJSON names."""
    layer, ids = layer_of(name, document), [part["id"] for part in document["vector_layers"]]
    point, line, polygon = QgsWkbTypes.PointGeometry, QgsWkbTypes.LineGeometry, QgsWkbTypes.PolygonGeometry
    if name == "requests":
        one = QgsMarkerSymbol.createSimple({"color": ONE, "outline_style": "no", "size": "1.4"})
        several = QgsMarkerSymbol.createSimple({"color": SEVERAL, "outline_style": "no", "size": "2"})
        size = QgsProperty.fromExpression('1.6 + ln("n") * 0.7')
        several.symbolLayer(0).setDataDefinedProperty(QgsSymbolLayer.PropertySize, size)
        styles = [style(several, ids[0], point, '"n" > 1'), style(one, ids[0], point, '"n" = 1')]
    elif name == "basemap":
        fills = {
            kind: QgsFillSymbol.createSimple({"color": colour, "outline_style": "no"}) for kind, colour in BASE.items()
        }
        lines = {kind: QgsLineSymbol.createSimple({"color": colour, "width": "0.3"}) for kind, colour in BASE.items()}
        styles = [style(fills[kind], kind, polygon) for kind in ids] + [style(lines[kind], kind, line) for kind in ids]
    else:
        edge = {"style": "no", "outline_color": BOUNDARY, "outline_width": "0.5"}
        styles = [style(QgsFillSymbol.createSimple(edge), ids[0], polygon)]
        layer.setLabeling(labels(ids[0], "name", polygon, BOUNDARY))
    renderer = QgsVectorTileBasicRenderer()
    renderer.setStyles(styles)
    layer.setRenderer(renderer)
    return layer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the portal")
    parser.add_argument("--image", required=True)
    parser.add_argument("--query", default="", help="filters, as in the address of a page")
    parser.add_argument("--areas", default="", help="layer of areas, such as areas-district; otherwise the first")
    parser.add_argument("--box", default="", help="west,south,east,north; otherwise the bounds of the TileJSON")
    asked = parser.parse_args()
    application = QgsApplication([], False)
    application.initQgis()
    listed = told(f"{asked.address.rstrip('/')}/tiles/")["tilejson"]
    areas = asked.areas or next((name for name in listed if name.startswith("areas-")), "")
    wanted = [name for name in ("requests", areas, "basemap") if name in listed]
    documents = {name: told(listed[name] + (f"?{asked.query}" if asked.query else "")) for name in wanted}
    layers = [styled(name, document) for name, document in documents.items()]
    box = [float(end) for end in asked.box.split(",")] if asked.box else documents["requests"]["bounds"]
    degrees, metres = (QgsCoordinateReferenceSystem(name) for name in ("EPSG:4326", "EPSG:3857"))
    extent = QgsCoordinateTransform(degrees, metres, QgsProject.instance()).transformBoundingBox(QgsRectangle(*box))
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(metres)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(1200, 900))
    settings.setBackgroundColor(QColor("#ffffff"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    picture.save(asked.image)
    colours: dict[str, int] = {}
    for y in range(picture.height()):
        for x in range(picture.width()):
            colour = picture.pixelColor(x, y).name()
            colours[colour] = colours.get(colour, 0) + 1
    found = {
        name: colours.get(colour, 0)
        for name, colour in (("one", ONE), ("several", SEVERAL), ("areas", BOUNDARY), *BASE.items())
    }
    errors = [error.message for error in job.errors()]
    print(f"QGIS {Qgis.QGIS_VERSION}, {', '.join(wanted)}; pixels of each colour: {found}; errors: {errors or 'none'}")
    missing = errors or not (found["one"] or found["several"]) or (areas and not found["areas"])
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
