"""GeoReport v2: what our own Open311 source reads of it is what was published, and every answer has the official shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import duckdb
import jsonschema
import pytest
import yaml
from fastapi.testclient import TestClient

from etl.config import load_city
from etl.config.connections import Open311Connection
from etl.extract.open311 import Open311Adapter
from etl.extract.source import Known
from etl.pipeline import Place, prepare, run
from etl.store.engine import open_store
from portal.app import create_app
from portal.release import Release
from portal.settings import PortalSettings
from tests.demo_factory import small_demo
from tests.etl.extract.support import AT_ONCE, QUICK, fetching, rows

ROOT = "/open311/v2"
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def _or_null(**kind: Any) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}]}


TEXT = _or_null(type="string")
TIME = {"type": "string", "pattern": r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
"""W3C's note on dates and times, with the zone that the specification asks for."""
MAY = ("status_notes", "service_name", "agency_responsible", "service_notice", "address", "address_id", "zipcode")
REQUESTS = {
    "type": "array",
    "items": {
        "required": ["service_request_id", "status", "service_code", "requested_datetime"],
        "properties": {
            "service_request_id": {"type": "string"},
            "status": {"type": "string", "enum": ["open", "closed"]},
            "service_code": {"type": "string"},
            "requested_datetime": TIME,
            "updated_datetime": _or_null(**TIME),
            "expected_datetime": _or_null(**TIME),
            "description": _or_null(type="string", maxLength=4000),
            "lat": _or_null(type="number"),
            "long": _or_null(type="number"),
            "media_url": _or_null(type="string", pattern="^https?://"),
            **dict.fromkeys(MAY, TEXT),
        },
        "additionalProperties": False,
    },
}
"""The constraints of open311/schema-validation's schema/georeport-v2/request.json, and no field beyond the specification's."""
SERVICES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "required": ["service_code", "service_name", "metadata", "type"],
        "properties": {
            "service_code": {"type": "string"},
            "service_name": {"type": "string"},
            "description": TEXT,
            "metadata": {"type": "boolean"},
            "type": {"enum": ["realtime", "batch", "blackbox"]},
            "keywords": TEXT,
            "group": TEXT,
        },
        "additionalProperties": False,
    },
}
DEFINITION = {
    "required": ["service_code", "attributes"],
    "properties": {"service_code": {"type": "string"}, "attributes": {"type": "array"}},
}
ERRORS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string", "minLength": 5}},
    },
}
DISCOVERY = {
    "required": ["changeset", "contact", "key_service", "endpoints"],
    "properties": {
        "endpoints": {
            "type": "array",
            "minItems": 1,
            "items": {"required": ["specification", "url", "changeset", "type", "formats"]},
        }
    },
}


def valid(document: Any, schema: dict[str, Any]) -> None:
    jsonschema.validate(document, schema)


def told(portal: TestClient, query: str) -> list[dict[str, Any]]:
    answer = portal.get(f"{ROOT}/requests.json?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    found: list[dict[str, Any]] = answer.json()
    valid(found, REQUESTS)
    return found


def published(release: Release, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    return release.query(sql, params)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["service_request_id"] for row in found]


# --- our own source as the client -------------------------------------------------------------


@pytest.fixture(scope="module")
def served(serve: Callable[[Any], str], releases_path: Path) -> str:
    return serve(create_app(PortalSettings(releases=releases_path)))


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("discovery", [True, False])
def test_our_own_source_reads_all_that_is_published(
    served: str, release: Release, tmp_path: Path, form: str, discovery: bool
) -> None:
    url = f"{served}/open311/discovery.{form}" if discovery else f"{served}{ROOT}"
    settings = {"url": url, "discovery": discovery, "format": form, "since": "2021-12-01", "window_days": 90}
    if discovery:
        settings["page_size"] = 50  # spans are halved until they fit
    source = Open311Adapter(Open311Connection(kind="open311", patience=QUICK, **settings), ("",), transport=AT_ONCE)
    until = dt.datetime(2025, 6, 21, tzinfo=dt.UTC)
    copy = source.fetch(Known(), fetching(tmp_path, until))
    assert copy is not None
    assert copy.whole
    names = ["service_request_id", "status", "service_code", "requested_datetime", "updated_datetime", "expected_datetime",
             "address", "lat", "long"]  # fmt: skip
    found = {row["service_request_id"]: tuple(row[name] for name in names) for row in rows(source, copy, names)}

    def text(value: Any) -> str | None:
        return f"{value.isoformat()}Z" if isinstance(value, dt.datetime) else None if value is None else str(value)

    wanted = published(
        release,
        """SELECT service_request_id, status, service_code, requested_datetime,
                  CASE WHEN status = 'closed' THEN coalesce(closed_datetime, updated_datetime) ELSE updated_datetime END,
                  expected_datetime, address, lat, long FROM requests""",
    )
    assert len(wanted) == 5000
    assert found == {row[0]: tuple(text(value) for value in row) for row in wanted}


def test_open_requests_are_asked_again_by_their_numbers(served: str, release: Release, tmp_path: Path) -> None:
    """As our source does between two fetches: lists of numbers, and what a list lacks one by one."""
    opened = [n for (n,) in published(release, "SELECT service_request_id FROM requests WHERE status = 'open'")]
    settings = {"url": f"{served}{ROOT}", "since": "2025-06-01"}
    source = Open311Adapter(Open311Connection(kind="open311", patience=QUICK, **settings), ("",), transport=AT_ONCE)
    until = dt.datetime(2025, 6, 21, tzinfo=dt.UTC)
    known = Known(
        watermark={"until": "2025-06-20T00:00:00Z"}, whole_at=until, open_ids=lambda _since: [*opened, "gone/1?%"]
    )
    copy = source.fetch(known, fetching(tmp_path, until))
    found = rows(source, copy, ["service_request_id", "status"])
    assert len(opened) > 100
    assert {row["service_request_id"] for row in found if row["status"] == "open"} >= set(opened)


def test_a_city_that_another_city_reads_is_published_the_same_again(
    serve: Callable[[Any], str], tmp_path: Path
) -> None:
    """A file → store → release → this interface → our Open311 source → store → release."""
    small_demo(tmp_path / "city")

    def publish(name: str, settings: dict[str, Any]) -> Path:
        path = tmp_path / "city" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(settings))
        place = Place(load_city(path), open_store(f"sqlite:///{tmp_path / name}.sqlite"), tmp_path / name / "releases")
        assert run(place, prepare(place.config, path, {}), now=NOW).release_id
        return tmp_path / name / "releases"

    city = yaml.safe_load((tmp_path / "city" / "demo.yaml").read_text())
    first = publish("first", city)
    url = serve(create_app(PortalSettings(releases=first))) + ROOT
    city["sources"] = {"requests": {"kind": "open311", "url": url, "since": "2020-01-01", "window_days": 90}}
    second = publish("second", city)
    sql = """SELECT service_request_id, service_code, replace(status, 'unmapped', 'open'), requested_datetime, address
             FROM read_parquet('{}/current/requests.parquet') ORDER BY 1"""
    once, again = (duckdb.sql(sql.format(releases)).fetchall() for releases in (first, second))
    assert len(once) > 1000
    assert again == once
    # The second city cleans points by rules of its own; those that it takes as they came have not moved.
    sql = f"""SELECT count(*), count(*) FILTER (a.lat = b.lat AND a.long = b.long)
              FROM read_parquet('{first}/current/requests.parquet') a
              JOIN read_parquet('{second}/current/requests.parquet') b USING (service_request_id)
              WHERE a.location_source = 'source' AND b.location_source = 'source'"""
    ((taken, unmoved),) = duckdb.sql(sql).fetchall()
    assert taken > 0.7 * len(once)
    assert unmoved == taken


# --- what is asked for ------------------------------------------------------------------------


def test_the_documents_have_the_official_shape(portal: TestClient, release: Release) -> None:
    valid(found := portal.get(f"{ROOT}/services.json").json(), SERVICES)
    assert {row["service_code"] for row in found} == set(release.allowed("service"))
    for code in ("pothole", "=heating"):
        definition = portal.get(f"{ROOT}/services/{quote(code)}.json").json()
        valid(definition, DEFINITION)
        assert definition == {"service_code": code, "attributes": []}
    for path in ("/open311/discovery.json", f"{ROOT}/discovery.json"):
        document = portal.get(path).json()
        valid(document, DISCOVERY)
        (endpoint,) = document["endpoints"]
        assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
        assert endpoint["url"] == "https://data.example.org/open311/v2"
        assert endpoint["type"] == "test", "an invented city is no production"


@pytest.mark.parametrize(
    "path",
    ["/discovery", "/services", "/services/pothole", "/requests", "/requests/R00000012", "/requests/none", "/nothing"],
)
def test_both_formats_say_the_same(portal: TestClient, path: str) -> None:
    """By the Spark convention: the JSON is the XML without the names of lists and of their items."""

    def plain(node: ET.Element) -> Any:
        children = list(node)
        lists = ("service_requests", "services", "attributes", "endpoints", "formats", "errors")
        if node.tag in lists:
            return [plain(child) for child in children]
        return {child.tag: plain(child) for child in children} if children else node.text

    def texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: texts(of) for key, of in value.items()}
        if isinstance(value, list):
            return [texts(of) for of in value]
        return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)

    one, other = (portal.get(f"{ROOT}{path}.{form}?page_size=40") for form in ("json", "xml"))
    assert one.status_code == other.status_code
    assert other.headers["content-type"] == "text/xml; charset=utf-8"
    assert other.text.startswith('<?xml version="1.0" encoding="utf-8"?>')
    as_json = texts(one.json())
    if path == "/nothing":
        as_json = [error | {"description": error["description"].replace(".json", ".xml")} for error in as_json]
    assert plain(ET.fromstring(other.content)) == as_json  # noqa: S314 - our own


def test_numbers_override_all_else(portal: TestClient) -> None:
    numbers = ["R00000012", "R00004000", "no-such-number", "R00000047"]
    found = told(portal, f"service_request_id={','.join(numbers)}&status=closed&start_date=2031-01-01&page=7")
    assert sorted(ids(found)) == ["R00000012", "R00000047", "R00004000"]
    one = portal.get(f"{ROOT}/requests/R00000012.json").json()
    valid(one, REQUESTS)
    assert one == [row for row in found if row["service_request_id"] == "R00000012"]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", "requested_datetime >= TIMESTAMP '2025-06-20 16:00' - INTERVAL 90 DAY"),
        ("start_date=2024-05-01T00:00:00Z&end_date=2024-06-01T00:00:00Z", "requested_datetime BETWEEN '2024-05-01' AND '2024-06-01'"),
        ("start_date=2024-05-01&end_date=2024-05-31", "requested_datetime >= '2024-05-01' AND requested_datetime < '2024-06-01'"),
        ("start_date=2024-05-01T02:00:00+02:00&end_date=2024-05-03T20:00:00-04:00",
         "requested_datetime BETWEEN '2024-05-01' AND '2024-05-04'"),
        ("start_date=2024-05-01", "requested_datetime BETWEEN '2024-05-01' AND TIMESTAMP '2024-05-01' + INTERVAL 90 DAY"),
        ("end_date=2022-03-01T00:00:00Z",
         "requested_datetime <= '2022-03-01' AND requested_datetime >= TIMESTAMP '2022-03-01' - INTERVAL 90 DAY"),
        ("start_date=2024-05-01&status=open", "status = 'open' AND requested_datetime BETWEEN '2024-05-01' AND '2024-07-30'"),
        ("start_date=2024-05-01&status=closed&service_code=pothole,%3Dheating",
         "status = 'closed' AND service_code IN ('pothole', '=heating') AND requested_datetime BETWEEN '2024-05-01' AND '2024-07-30'"),
        ("start_date=2024-05-01&status=open,closed&service_code=litter&service_code=tree&jurisdiction_id=x&api_key=y&status=",
         "service_code IN ('litter', 'tree') AND requested_datetime BETWEEN '2024-05-01' AND '2024-07-30'"),
        ("updated_after=2024-05-01T00:00:00Z&updated_before=2024-06-01T00:00:00Z",
         ("CASE WHEN status = 'closed' THEN coalesce(closed_datetime, updated_datetime) ELSE updated_datetime END "
         "BETWEEN '2024-05-01' AND '2024-06-01'")),
        ("start_date=2024-05-01&lat=42.35&long=-71.1&radius=900",
         ("requested_datetime BETWEEN '2024-05-01' AND '2024-07-30' "
         "AND ST_Distance_Sphere(ST_Point(lat, long), ST_Point(42.35, -71.1)) <= 900")),
    ],
)  # fmt: skip
def test_a_query_finds_what_sql_finds(portal: TestClient, release: Release, query: str, where: str) -> None:
    wanted = published(
        release, f"SELECT service_request_id FROM requests WHERE {where} ORDER BY requested_datetime DESC, rid"
    )
    assert 0 < len(wanted) < 1000
    found = told(portal, query)
    if "radius" in query:  # by a sphere here and by a plane there: points at the very edge may differ
        assert len(set(ids(found)) ^ {number for (number,) in wanted}) <= 0.01 * len(wanted) + 1
    else:
        assert ids(found) == [number for (number,) in wanted]


def test_the_checks_of_the_shape_can_fail(portal: TestClient) -> None:
    (row,) = told(portal, "service_request_id=R00000012")
    for member, value in (
        ("status", "unmapped"), ("status", None), ("requested_datetime", "2025-01-01T00:00:00"), ("lat", "42.3"),
        ("service_code", 6), ("updated_datetime", "2025-01-01"), ("description", "x" * 4001), ("more", 1),
    ):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            valid([row | {member: value}], REQUESTS)


def test_pages_neither_overlap_nor_leave_anything_out(portal: TestClient) -> None:
    query = "start_date=2024-05-01&end_date=2024-07-29"
    whole = ids(told(portal, query))
    path, found = f"{ROOT}/requests.json?{query}&page_size=70", []
    while path:
        answer = portal.get(path)
        found += ids(answer.json())
        link = answer.headers.get("link", "")
        assert not link or (link.startswith("<https://data.example.org/") and link.endswith('>; rel="next"'))
        path = link.partition(">")[0].removeprefix("<https://data.example.org")
    assert found == whole
    assert len(whole) > 210
    assert told(portal, f"{query}&page_size=70&page=99") == []


def test_what_the_specification_has_no_word_for_is_told_to_who_asks(portal: TestClient, release: Release) -> None:
    (plain,) = told(portal, "service_request_id=R00000012")
    more = portal.get(f"{ROOT}/requests/R00000012.json?extensions=true").json()[0]
    extended = more.pop("extended_attributes")
    assert more == plain
    assert set(extended) <= set(release.fields)
    ((district, channel),) = published(
        release, "SELECT district::VARCHAR, channel::VARCHAR FROM requests WHERE service_request_id = 'R00000012'"
    )
    assert (extended.get("district"), extended.get("channel")) == (district, channel)


def test_numbers_are_found_by_the_index_of_numbers_as_without_it(tmp_path: Path) -> None:
    from tests.release_factory import build_release

    def index(db: duckdb.DuckDBPyConnection) -> None:
        """As the ETL makes it, and odd numbers: two requests of one number, signs that mean something in an address."""
        db.execute("UPDATE requests SET service_request_id = 'twice' WHERE rid IN (7, 90)")
        db.execute("UPDATE requests SET service_request_id = 'a/b?c=é .x' WHERE rid = 11")
        db.execute(
            """CREATE TABLE request_numbers AS
               SELECT md5_number_lower(service_request_id) AS number, rid FROM requests ORDER BY number, rid"""
        )

    build_release(tmp_path, rows=300, change=index)
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases"))) as portal:
        every = told(portal, "start_date=2022-01-01&end_date=2022-03-31")
        assert len(every) > 10
        again = told(portal, f"service_request_id={','.join(dict.fromkeys(ids(every)))},none")
        assert [row for row in again if row in every] == sorted(every, key=again.index)
        twice = portal.get(f"{ROOT}/requests/twice.json").json()
        assert len(twice) == 2
        assert told(portal, "service_request_id=twice") == twice
        odd = portal.get(f"{ROOT}/requests/{quote('a/b?c=é .x', safe='')}.json").json()
        assert ids(odd) == ["a/b?c=é .x"]
        assert portal.get(f"{ROOT}/requests/a.json").status_code == 404


def test_a_status_that_is_not_known_is_not_told_to_be_closed(tmp_path: Path) -> None:
    from tests.release_factory import build_release

    def change(db: duckdb.DuckDBPyConnection) -> None:
        db.execute("ALTER TABLE requests ALTER status TYPE VARCHAR")
        db.execute("UPDATE requests SET status = 'unmapped' WHERE rid < 5")
        db.execute("ALTER TABLE requests ALTER status TYPE ENUM('open', 'closed', 'unmapped')")
        numbers.extend(n for (n,) in db.execute("SELECT service_request_id FROM requests WHERE rid < 5").fetchall())

    numbers: list[str] = []
    build_release(tmp_path, rows=400, change=change)
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases"))) as portal:
        found = told(portal, f"service_request_id={','.join(numbers)}")
        assert len(found) == 5
        assert {row["status"] for row in found} == {"open"}
        assert all("not known" in row["status_notes"] for row in found)
        day = min(row["requested_datetime"] for row in found)[:10]
        assert set(ids(told(portal, f"start_date={day}&status=open"))) & set(numbers)


def test_a_generalised_place_stays_generalised(portal: TestClient, release: Release) -> None:
    """What is told is what is published, and what is withheld is not told: neither plainly nor in the extensions."""
    wanted = published(
        release,
        """SELECT service_request_id, lat, long, address, location_precision::VARCHAR FROM requests
           WHERE location_precision IN ('block_face', 'area', 'withheld') USING SAMPLE 150 ROWS (reservoir, 1)""",
    )
    assert {row[4] for row in wanted} == {"block_face", "area", "withheld"}
    numbers = ",".join(row[0] for row in wanted)
    answer = portal.get(f"{ROOT}/requests.json?extensions=true&service_request_id={numbers}")
    by_number = {row["service_request_id"]: row for row in answer.json()}
    for number, lat, long, address, precision in wanted:
        row = by_number[number]
        assert (row["lat"], row["long"], row["address"]) == (lat, long, address)
        if precision == "withheld":
            assert row["lat"] is None
            assert "lat" not in row["extended_attributes"]
        assert row["extended_attributes"]["location_precision"] == precision


# --- what is refused --------------------------------------------------------------------------

BAD = (
    "status=done", "service_code=no-such-service", "start_date=yesterday", "start_date=2024-13-01", "end_date=20240101",
    "start_date=2024-01-01&end_date=2025-01-01", "start_date=2025-01-01&end_date=2024-01-01", "page=0", "page=-1",
    "page=1e9", "page_size=1001", "page_size=0", "page=99999999999999999999", "lat=42", "lat=x&long=1&radius=1",
    "lat=42&long=-71&radius=99999999", "lat=nan&long=-71&radius=10", "start_date=0001-01-01T00:00:00%2B23:00",
    "start_date=9999-12-31&end_date=9999-12-31T23:59:59-23:59", "updated_after=2000-01-01&updated_before=2020-01-01",
    "service_request_id=" + ",".join(map(str, range(201))), "service_request_id=" + "x" * 201, "service_request_id=%00",
    "service_code=%27%3B%20DROP%20TABLE%20requests%3B--", "a=" + "b" * 30_000, "&".join(["status=open"] * 1500),
)  # fmt: skip


@pytest.mark.parametrize("query", BAD, ids=lambda query: query[:40])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_makes_no_sense_is_refused_in_one_line(portal: TestClient, query: str, form: str) -> None:
    answer = portal.get(f"{ROOT}/requests.{form}?{query}")
    assert answer.status_code == 400
    if form == "json":
        valid(answer.json(), ERRORS)
        assert answer.json()[0]["code"] == 400
        words = answer.json()[0]["description"]
    else:
        error = ET.fromstring(answer.content)  # noqa: S314 - our own
        assert (error.tag, error.findtext("error/code")) == ("errors", "400")
        words = error.findtext("error/description") or ""
    assert "\n" not in words
    assert len(words) < 400


def test_a_time_at_the_end_of_the_calendar_is_no_error_of_ours(portal: TestClient) -> None:
    for query in ("start_date=9999-12-31", "end_date=0001-01-01T00:00:00Z", "updated_before=9999-12-31T23:59:59Z"):
        assert portal.get(f"{ROOT}/requests.json?{query}").status_code in (200, 400), query


@pytest.mark.parametrize(
    "path", ["/requests/none.json", "/services/none.json", "/requests/12", "/tokens/1.json", "/requests.csv", "/"]
)
def test_what_is_not_there_is_told_in_the_same_shape(portal: TestClient, path: str) -> None:
    answer = portal.get(f"{ROOT}{path}")
    assert answer.status_code == 404
    valid(answer.json(), ERRORS)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_nothing_can_be_written(portal: TestClient, form: str) -> None:
    answer = portal.post(f"{ROOT}/requests.{form}", data={"service_code": "pothole", "lat": "42", "long": "-71"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "reading only" in answer.text
    assert portal.put(f"{ROOT}/requests/1.{form}").status_code == 405


def test_any_page_may_read_it_and_what_one_has_is_not_sent_again(portal: TestClient) -> None:
    answer = portal.get(f"{ROOT}/requests.json?page_size=50")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-encoding"] == "gzip"
    again = portal.get(f"{ROOT}/requests.json?page_size=50", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert portal.get(f"{ROOT}/requests.json?page_size=51").headers["etag"] != answer.headers["etag"]
    assert portal.head(f"{ROOT}/services.xml").status_code == 200


def test_without_a_release_it_says_so_in_its_own_shape(tmp_path: Path) -> None:
    with TestClient(create_app(PortalSettings(releases=tmp_path)), raise_server_exceptions=False) as portal:
        answer = portal.get(f"{ROOT}/services.json")
    assert answer.status_code == 503
    valid(answer.json(), ERRORS)
