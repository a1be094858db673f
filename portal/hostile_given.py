"""What every door is tried with: conditions, parameters, bodies and addresses that ask for nothing there is.

Charter: plain tables, as bytes on the wire; who asks them where is `portal.hostile`.
"""

from __future__ import annotations

import json
from typing import Final, Literal
from urllib.parse import quote

Shape = Literal["problem", "soda", "ckan", "open311", "page"]
"""In which form a door tells errors."""

DEEP: Final = {
    "parentheses": "(" * 1500 + "1=1" + ")" * 1500,
    "unclosed": "(" * 3000,
    "not not not": "NOT " * 800 + "status = 'open'",
    "brackets": "[" * 3000,
    "functions": "upper(" * 500 + "status" + ")" * 500 + " = 'X'",
    "sums": "1" + "+1" * 1500 + " = response_hours",
    "minuses": "-" * 3000 + "1 = response_hours",
    "or or or": " OR ".join(["status='a'"] * 300),
}
"""Short enough for every door, and nested as deep as that allows."""

INJECTED: Final = {
    "a second statement": "1=1; DROP TABLE requests",
    "union": "status = 'x' UNION SELECT * FROM meta",
    "subselect": "status IN (SELECT value FROM meta)",
    "a comment": "status = 'open' -- ",
    "a file": "read_text('/etc/passwd') = 'x'",
    "the environment": "getenv('HOME') = 'x'",
    "a hidden column": "rid = 1",
    "an endless number": "response_hours = 1e400",
    "a number of 2,000 digits": "response_hours = " + "9" * 2000,
    "a date that is none": "requested_datetime > TIMESTAMP('9999-99-99T99:99:99Z')",
    "a type that does not fit": "status > 5",
    "no condition": "status",
    "half a text": "status = 'open",
}
BYTES: Final = {
    "NUL": "%00",
    "no UTF-8": "%ff%fe",
    "a lone surrogate": "%ed%a0%80",
    "too long a form": "%c0%af",
}
"""Within a text of an otherwise good question."""

LONG: Final = {"20 kB": 20_000, "1 MB": 1_000_000}
SELECTED: Final = {
    "status that is none": "status=%27%20OR%201%3D1%20--",
    "status 10,000 times": "&".join(["status=open"] * 10_000),
    "10,000 keys": "&".join(f"p{i}=1" for i in range(10_000)),
    "a status for each of 51 services": "&".join(f"service=s{i}" for i in range(51)),
    "a day that is none": "from=2025-13-45",
    "a year of six digits": "to=999999-01-01",
    "days in the wrong order": "from=2025-02-01&to=2025-01-01",
    "an endless age": "age=" + "9" * 100,
    "a place beyond infinity": "near=1e309,0,100",
    "a place that is no number": "near=nan,nan,1",
    "a circle of the whole world": "near=0,0,99999999",
    "an outline that is none": "within=%7f%7f%7f",
    "an outline without end": "within=" + "_" * 3000,
    "an area of no layer": "area=nothing:1",
    "NUL in an area": "area=district:%00",
    "no UTF-8 in a department": "department=%ff",
}
SELECTING: Final = (
    ("/api/v1", "/api/v1/totals"), ("/api/v1", "/api/v1/monthly"), ("/api/v1", "/api/v1/by/service"),
    ("/api/v1", "/api/v1/compare/department"), ("/api/v1", "/api/v1/requests"),
    ("/api/v1 diff", "/api/v1/diff/{release}/{release}"),
    *(("/download", f"/download/requests.{form}") for form in
      ("csv", "csv.gz", "geojson", "geojsons", "jsonl", "parquet", "gpkg", "fgb", "shp.zip", "xlsx", "txt")),
    ("/tiles", "/tiles/{release}/requests/5/9/11.mvt"), ("/tiles", "/tiles/{release}/requests.json"),
    ("/feed.atom", "/feed.atom"), ("/cite", "/cite"), ("/embed", "/embed/map"), )  # fmt: skip
PAGES: Final = (
    "/map/standalone.svg",
    "/map/print",
    "/departments/no-such/brief.pdf",
    "/data",
    "/trends",
    "/map",
    "/r/{release}",
    "/releases/{release}/{release}",
)
FILTERED: Final = ("/api/v1/tables/areas/rows", "/download/areas.csv", "/download/areas.geojson")
PAGED: Final = {
    "limit of 500 digits": "limit=" + "9" * 500,
    "negative limit": "limit=-1",
    "limit in words": "limit=1e3",
    "a cursor that is none": "cursor=" + "A" * 150,
    "a cursor of another answer": "cursor=W10",
    "sort that is none": "sort=status;DROP%20TABLE%20requests",
    "sort by 200 fields": "sort=" + ",".join(["status"] * 200),
    "fields that are none": "fields=rid,gx",
}
FIGURES: Final = {
    "figures that are none": "figures=read_text(status)",
    "1,000 figures": "figures=" + ",".join(["count"] * 1000),
    "groups that are none": "by=getenv(status)",
    "groups by everything": "by=" + ",".join(f"status{i}" for i in range(300)),
    "an offset of 500 digits": "by=status&offset=" + "9" * 500,
    "a negative offset": "by=status&offset=-5",
}
OGC: Final = {
    "4,000 numbers in a box": "bbox=" + "0," * 4000,
    "an endless box": "bbox=1e309,0,1,1",
    "a box that is no number": "bbox=nan,nan,nan,nan",
    "a time that is none": "datetime=" + "2" * 900,
    "a time at the end of time": "datetime=9999-12-31T23:59:59-23:59",
    "a system that is none": "crs=" + "x" * 900,
    "a format that is none": "f=" + "x" * 900,
    "sorted by what is none": "sortby=status;DROP%20TABLE",
    "a key that is none": "rid=1",
    "limit of 500 digits": "limit=" + "9" * 500,
    "10,000 times a key": "&".join(["status=open"] * 10_000),
    "deep JSON": "filter-lang=cql2-json&filter=" + quote('{"op":"not","args":[' * 300 + "true" + "]}" * 300),
    "deep lists": "filter-lang=cql2-json&filter=" + "[" * 7000,
    "JSON that is null": "filter-lang=cql2-json&filter=null",
    "no arguments": "filter-lang=cql2-json&filter=" + quote('{"op":"and","args":[]}'),
    "infinity in JSON": "filter-lang=cql2-json&filter="
    + quote('{"op":"=","args":[{"property":"response_hours"},Infinity]}'),
    "900 corners": "filter="
    + quote(f"S_INTERSECTS(geometry, POLYGON(({', '.join(f'{i} {i}' for i in range(900))}, 0 0)))"),
    "a point beyond the world": "filter=" + quote("S_INTERSECTS(geometry, POINT(1e308 1e308))") + "&filter-crs=x",
    "a place of a text": "filter=" + quote("S_INTERSECTS(status, POINT(0 0))"),
}
SODA: Final = {
    "a clause that is none": "$drop=requests",
    "a column that is none": "rid=1",
    "all of another table": "$query=" + "SELECT%20*%20FROM%20meta",
    "two statements": "$query=" + "SELECT%20*;%20DROP%20TABLE%20requests",
    "rows of 500 digits": "$limit=" + "9" * 500,
    "negative rows": "$limit=-1",
    "rows in words": "$limit=many",
    "an offset of 500 digits": "$offset=" + "9" * 500,
    "a negative offset": "$offset=-1",
    "sorted by a statement": "$order=" + quote("status; DROP TABLE requests"),
    "grouped by a file": "$select=count(*)&$group=" + quote("read_text('/etc/passwd')"),
    "1,000 columns": "$select=" + ",".join(["status"] * 1000),
    "10,000 times a clause": "&".join(["$limit=1"] * 10_000),
    "10,000 keys": "&".join(f"p{i}=1" for i in range(10_000)),
    "a search of 5,000 letters": "$q=" + "x" * 5000,
    "a search of NUL": "$q=a%00b",
    "a search of no UTF-8": "$q=a%ffb",
}
CKAN: Final = {
    "no table": "",
    "a table that is none": "resource_id=" + quote("meta; DROP TABLE requests"),
    "rows of 500 digits": "resource_id=requests&limit=" + "9" * 500,
    "negative rows": "resource_id=requests&limit=-1",
    "an offset of 500 digits": "resource_id=requests&offset=" + "9" * 500,
    "a column that is none": "resource_id=requests&fields=rid",
    "sorted by a statement": "resource_id=requests&sort=" + quote("status; DROP TABLE requests"),
    "a filter that is no JSON": "resource_id=requests&filters=" + quote("{status: 'open'"),
    "a deep filter": "resource_id=requests&filters=" + "[" * 9000,
    "a filter of a column that is none": "resource_id=requests&filters=" + quote('{"rid": 1}'),
    "a search of 5,000 letters": "resource_id=requests&q=" + "x" * 5000,
    "a search of NUL": "resource_id=requests&q=a%00b",
    "a search of no UTF-8": "resource_id=requests&q=a%ffb",
    "10,000 keys": "resource_id=requests&" + "&".join(f"p{i}=1" for i in range(5000)),
}
BODIES: Final = {
    "no JSON": b"{",
    "a deep list": b'{"filters":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a deep object": b'{"resource_id":"requests","filters":{"status":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}",
    "no object": b"[1,2,3]",
    "a number of 10,000 digits": b'{"resource_id":"requests","limit":' + b"9" * 10_000 + b"}",
    "endless rows": b'{"resource_id":"requests","limit":1e999}',
    "rows that are no number": b'{"resource_id":"requests","limit":NaN}',
    "a column that is no text": b'{"resource_id":"requests","fields":[{"a":1}]}',
    "a lone surrogate": b'{"resource_id":"requests","filters":{"status":"\\ud800"}}',
    "a lone surrogate in the search": b'{"resource_id":"requests","q":"\\ud800"}',
    "NUL": b'{"resource_id":"requests","filters":{"status":"a\\u0000b"}}',
    "no UTF-8": b'{"resource_id":"requests","q":"\xff\xfe"}',
    "5,000 values": b'{"resource_id":"requests","filters":{"status":' + json.dumps(["x"] * 5000).encode() + b"}}",
    "1 MB": b'{"resource_id":"requests","q":"' + b"x" * 1_000_000 + b'"}',
}
OPEN311: Final = {
    "a status that is none": "status=" + quote("open' OR 1=1 --"),
    "10,000 times a status": "&".join(["status=open"] * 10_000),
    "1,000 numbers": "service_request_id=" + ",".join(f"n{i}" for i in range(1000)),
    "a day that is none": "start_date=2025-13-45T00:00:00Z",
    "ten years": "start_date=2010-01-01T00:00:00Z&end_date=2020-01-01T00:00:00Z",
    "a page of 500 digits": "page=" + "9" * 500,
    "a page before the first": "page=-1",
    "a page too long": "page_size=100000",
    "a place that is no number": "lat=nan&long=0&radius=10",
    "an endless circle": "lat=1&long=1&radius=1e309",
    "a service that is none": "service_code=" + "x" * 300,
    "NUL": "service_code=a%00b",
    "no UTF-8": "service_request_id=a%ffb",
    "30 kB": "service_request_id=" + "x" * 30_000,
}
PATHS: Final[dict[tuple[str, Shape], tuple[str, ...]]] = {
    ("/api/v1", "problem"): (
        "/api/v1/tables/meta/rows", "/api/v1/tables/%00", "/api/v1/fingerprints/{79 digits}", "/api/v1/fingerprints/%ff",
        "/api/v1/requests/{long}", "/api/v1/by/rid", "/api/v1/expected/%00", "/api/v1/receipts/{long}",
        "/api/v1/places/locate?q={long}", "/api/v1/places/reverse?lat=nan&long=1e999", "/api/v1/places/suggest?q={long}",
        "/api/v1/equity/nothing/income", "/api/v1/location-bands/%00", "/api/v1/report/rid/1", "/api/v1/choices/rid",
        "/api/v1/compare/rid", "/api/v1/receipts/{long}.sql", "/api/v1/tables/{long}/groups",
    ),
    ("/api/v1 diff", "problem"): (
        "/api/v1/diff/..%2f..%2fetc/passwd", "/api/v1/diff/{release}/{long}", "/api/v1/diff/{release}/{release}?table=meta",
        "/api/v1/diff/{release}/{release}?cursor={79 digits}", "/api/v1/diff/{release}/{release}?limit={digits}",
        "/api/v1/diff/{release}/{release}?field=rid",
    ),
    ("/download", "problem"): (
        "/download/meta.csv", "/download/requests.exe", "/download/release/..%2f..%2f/passwd",
        "/download/release/{release}/serve.duckdb", "/download/release/{release}/..%2fchain.jsonl", "/download/%00.csv",
        "/download/requests.csv?compress={long}", "/download/current/files/{long}", "/download/current/files/..%2fserve.duckdb",
        "/download/release/{release}/files/%00", "/download/release/{release}/files/..%2f..%2fchain.jsonl",
    ),
    ("/ogc", "problem"): (
        "/ogc/collections/%00/items", "/ogc/collections/requests/items/{long}", "/ogc/collections/requests/items/a%ffb",
        "/ogc/collections/requests/tiles/WebMercatorQuad/99/0/0", "/ogc/%2e%2e/x",
        "/ogc/collections/requests/tiles/WebMercatorQuad/5/{digits}/0", "/ogc/collections/{long}", "/ogc/collections/meta/queryables",
        "/ogc/collections/meta/sortables", "/ogc/collections/areas-x/tiles", "/ogc/collections/requests/tiles/{long}",
        "/ogc/tileMatrixSets/{long}", "/ogc/conformance?x=1", "/ogc/collections/requests?f=exe",
    ),
    ("/tiles", "problem"): (
        "/tiles/{release}/requests/99/0/0.mvt", "/tiles/{release}/requests/5/{digits}/0.mvt",
        "/tiles/{release}/requests/5/-1/0.mvt", "/tiles/..%2f/requests/5/1/0.mvt", "/tiles/{release}/meta/5/9/11.mvt",
    ),
    ("/feed.atom", "problem"): ("/feed.atom?page={digits}", "/feed.atom?page=-1"),
    ("/cite", "problem"): ("/cite?release=..%2f..%2fetc", "/cite?release={long}", "/cite?format=exe"),
    ("/embed", "problem"): (
        "/embed/charts/x?page=//evil.example", "/embed/charts/x?page={long}", "/embed/charts/%00?page=/",
        "/charts/x.svg?page=//evil.example", "/charts/{long}.csv?page=/", "/map/standalone.exe",
    ),
    ("/oembed", "problem"): (
        "/oembed?url={long}", "/oembed?url=http://evil.example/map", "/oembed?url=http%3A%2F%2F[http%3A%2F%2F[",
        "/oembed?url=x&maxwidth={digits}",
    ),
    ("/resource", "soda"): (
        "/resource/meta.json", "/resource/requests.exe", "/resource/%00.json", "/resource/{long}.json",
    ),
    ("/api/views", "soda"): (
        "/api/views/meta.json", "/api/views/%ff", "/api/views/{long}", "/api/catalog/v1?limit={digits}",
        "/api/catalog/v1?offset=-1", "/api/catalog/v1?q={long}", "/api/catalog/v1?q=%ff",
    ),
    ("/api/3/action", "ckan"): (
        "/api/3/action/datastore_search_sql?sql=SELECT%201", "/api/action/%00", "/api/3/action/%00", "/api/3/action/{long}",
        "/api/3/action/package_show?id=..%2f", "/api/3/action/package_search?rows={digits}",
    ),
    ("/open311", "open311"): (
        "/open311/v2/requests/%00.json", "/open311/v2/requests/{long}.xml", "/open311/v2/services/%ff.json",
        "/open311/v2/tokens/1.json",
    ),
    ("catalogue", "problem"): (
        "/sitemap-0.xml", "/sitemap-{digits}.xml", "/download/meta.csv-metadata.json", "/download/%ff.csv-metadata.json",
    ),
    ("pages", "page"): (
        "/?status=%27", "/areas/nothing/1/brief.pdf",
        "/verify?sha256={long}", "/verify?sha256=%00", "/verify?sha256=%27%20OR%201=1", "/r/..%2f..%2fetc", "/r/{long}",
        "/r/%00", "/releases/{release}/..%2f", "/releases/{release}/{release}?table=meta",
        "/releases/{release}/{release}?at_row={digits}", "/releases/{release}/{release}?kind=x",
        "/releases/{release}/{release}?field=rid", "/data/meta", "/data/%00", "/data/{long}", "/requests/%ff",
    ),
}  # fmt: skip
"""Addresses by themselves: door and shape -> paths. `{release}` is what is served; the others are in `_filled`."""
