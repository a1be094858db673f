"""Reads a layer with GDAL in a process of its own, as its HTTP client would keep this one's server waiting.

    python -m tests.portal.ogc.gdal_reads URL '{"layer": …, "bbox": [...], "where": "…"}'

Writes the features as JSON: `{"crs": …, "columns": […], "rows": [[…, wkt], …]}`.
"""

from __future__ import annotations

import json
import sys

import pyogrio


def main(url: str, options: str) -> None:
    """Read and write."""
    asked = json.loads(options)
    if "bbox" in asked:
        asked["bbox"] = tuple(asked["bbox"])
    pyogrio.set_gdal_config_options({"CPL_DEBUG": "OAPIF", "GDAL_HTTP_TIMEOUT": "30"} | asked.pop("config", {}))
    frame = pyogrio.read_dataframe(url, **asked)
    rows = [
        [None if value != value or value is None else str(value) for value in row[:-1]]
        + [row[-1].wkt if row[-1] is not None else None]
        for row in frame.itertuples(index=False)
    ]
    print(json.dumps({"crs": str(frame.crs), "columns": list(frame.columns), "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
