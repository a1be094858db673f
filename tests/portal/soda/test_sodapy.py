"""SODA by the client that scripts use, sodapy, against a portal that is served: rows, groups, pages, errors."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from requests.adapters import HTTPAdapter
from sodapy import Socrata

from etl.config.connections import SocrataConnection
from etl.extract.socrata import SocrataAdapter
from etl.extract.source import Known
from portal.app import create_app
from portal.release import Release
from portal.settings import PortalSettings
from portal.soda.datasets import dataset, four_by_four
from portal.tables import table, tables
from tests.etl.extract.support import AT_ONCE, QUICK, fetching
from tests.etl.extract.support import rows as rows_of

NUMBERS = ("lat", "long", "response_hours", "geocode_score", "geocode_radius_m")


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], releases_path: Path) -> str:
    return serve(create_app(PortalSettings(releases=releases_path)))


@pytest.fixture(scope="module")
def soda(site: str) -> Iterator[Socrata]:
    adapter = {"prefix": "http://", "adapter": HTTPAdapter()}
    with Socrata(site.removeprefix("http://"), "a-token-that-is-ignored", session_adapter=adapter) as client:
        yield client


def one(release: Release, sql: str) -> Any:
    return release.query(sql)[0][0]


def test_rows_are_those_of_the_release_and_typed_as_soda_has_them(soda: Socrata, release: Release) -> None:
    rows = soda.get("requests", where="lat is not null and department is null", order="service_request_id", limit=20)
    names = [name for name in release.fields if name in table(release, "requests").filterable]
    expected = release.query(
        f"SELECT {', '.join(names)} FROM requests WHERE lat IS NOT NULL AND department IS NULL "
        "ORDER BY service_request_id, rowid LIMIT 20"
    )
    assert len(rows) == 20
    local = "SELECT strftime(timezone('America/New_York', timezone('UTC', ?::TIMESTAMP)), '%Y-%m-%dT%H:%M:%S.000')"
    for row, values in zip(rows, expected, strict=True):
        meant = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        geometry = row.pop("geometry")
        assert geometry == {"type": "Point", "coordinates": [meant["long"], meant["lat"]]}
        assert set(row) == set(meant) and "department" not in row
        assert float(row["lat"]) == meant["lat"] and isinstance(row["lat"], str)
        assert row["synthetic"] is meant["synthetic"]
        assert row["requested_date"] == f"{meant['requested_date']}T00:00:00.000"
        assert row["requested_datetime"] == release.query(local, [meant["requested_datetime"]])[0][0]
        assert row["status"] == meant["status"]


def test_groups_and_figures(soda: Socrata, release: Release) -> None:
    rows = soda.get(
        "requests",
        select="date_trunc_ym(requested_datetime) as month, count(*), avg(response_hours) as mean, max(requested_datetime)",
        where="status = 'closed'", group="month", order="month", **{"$having": "count(*) > 100"},
    )  # fmt: skip
    expected = release.query(
        "SELECT strftime(requested_date, '%Y-%m-01T00:00:00.000') AS m, count(*), avg(response_hours), "
        "strftime(timezone('America/New_York', timezone('UTC', max(requested_datetime))), '%Y-%m-%dT%H:%M:%S.000') "
        "FROM requests WHERE status = 'closed' GROUP BY m HAVING count(*) > 100 ORDER BY m"
    )
    assert len(expected) > 5
    told = [(row["month"], int(row["count"]), float(row["mean"]), row["max_requested_datetime"]) for row in rows]
    assert [row[:2] + row[3:] for row in told] == [row[:2] + row[3:] for row in expected]
    assert [row[2] for row in told] == pytest.approx([row[2] for row in expected])


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        ("select count(*) as n where ward = '1'", "SELECT count(*)::VARCHAR FROM requests WHERE ward = '1'"),
        ("select count(department) as n", "SELECT count(department)::VARCHAR FROM requests"),
        ("select count(distinct department) as n", "SELECT count(DISTINCT department)::VARCHAR FROM requests"),
        ("select distinct ward as n order by ward desc", "SELECT DISTINCT ward::VARCHAR AS w FROM requests ORDER BY w DESC NULLS LAST"),
        ("select upper(status) as n group by n order by n", "SELECT DISTINCT upper(status::VARCHAR) AS s FROM requests ORDER BY s"),
        ("select sum(1) * 0 + count(*) / 2 as n", "SELECT count(*) / 2 FROM requests"),
        ("select date_extract_y(requested_date) as n, count(*) as c group by n having c > 1000 order by c desc",
         "SELECT year(requested_date) AS y FROM requests GROUP BY y HAVING count(*) > 1000 ORDER BY count(*) DESC"),
        ("select service_name as n group by n search 'LIGHT street'",
         "SELECT DISTINCT service_name FROM requests WHERE service_name LIKE '%light%'"),
        ("select service_request_id as n order by :id desc limit 3 offset 2",
         "SELECT service_request_id FROM requests ORDER BY rowid DESC LIMIT 3 OFFSET 2"),
        ("select response_hours as n where response_hours is not null order by response_hours desc, service_request_id limit 5",
         "SELECT response_hours FROM requests ORDER BY response_hours DESC NULLS LAST, service_request_id LIMIT 5"),
    ],
)  # fmt: skip
def test_whole_statements(soda: Socrata, release: Release, query: str, sql: str) -> None:
    told = [row.get("n") for row in soda.get("requests", query=query)]
    meant = [value for (value,) in release.query(sql)]
    assert meant
    plain = [f"{value:g}" if isinstance(value, float) and value == int(value) else value for value in meant]
    assert told == [None if value is None else str(value) for value in plain]


def test_all_pages_are_all_rows_once(soda: Socrata, release: Release) -> None:
    ids = [row["service_request_id"] for row in soda.get_all("requests", select="service_request_id", limit=1500)]
    assert ids == [name for (name,) in release.query("SELECT service_request_id FROM requests ORDER BY rowid")]
    by_day = soda.get_all("requests", select=":id", order="requested_date desc", limit=1700)
    assert len({row[":id"] for row in by_day}) == len(ids)
    assert len(soda.get("requests", select="ward", limit=2_000_000)) == len(ids), "no cap"
    assert len(soda.get("requests", select="ward")) == 1000


def test_simple_filters_and_words(soda: Socrata, release: Release) -> None:
    assert soda.get("requests", select="count(*)", status="open", ward="3") == [
        {"count": str(one(release, "SELECT count(*) FROM requests WHERE status = 'open' AND ward = '3'"))}
    ]
    day = one(release, "SELECT max(requested_date) FROM requests")
    assert soda.get("requests", select="count(*) as n", requested_date=f"{day}T00:00:00.000") == [
        {"n": str(one(release, f"SELECT count(*) FROM requests WHERE requested_date = DATE '{day}'"))}
    ]
    found = soda.get("requests", q="POTHOLE main", limit=5000)
    assert found
    for row in found:
        said = " ".join(str(value) for value in row.values()).lower()
        assert "pothole" in said and "main" in said
    assert len(found) == one(
        release, "SELECT count(*) FROM requests WHERE service_code = 'pothole' AND lower(address) LIKE '%main%'"
    )


def test_every_table_by_its_name_and_its_id(soda: Socrata, release: Release, site: str) -> None:
    listed = {each["resource"]["id"]: each for each in soda.datasets()}
    for known in tables(release).values():
        id_ = four_by_four(release, known)
        assert re.fullmatch(r"[2-9a-km-z]{4}-[2-9a-km-z]{4}", id_) and dataset(release, id_) is known
        rows = one(release, f"SELECT count(*) FROM {known.name}")
        assert soda.get(id_, select="count(*)") == soda.get(known.name, select="count(*)") == [{"count": str(rows)}]
        metadata = soda.get_metadata(id_)
        assert metadata["id"] == id_ and metadata == soda.get_metadata(known.name)
        answer = requests.get(f"{site}/resource/{id_}.json", timeout=10)
        assert (
            answer.headers["X-SODA2-Fields"]
            == requests.get(f"{site}/resource/{id_}.csv", timeout=10).headers["X-SODA2-Fields"]
        )
        columns = {column["fieldName"]: column["dataTypeName"] for column in metadata["columns"]}
        told = dict(zip(json_of(answer, "Fields"), json_of(answer, "Types"), strict=True))
        assert {name: type_.replace("floating_timestamp", "calendar_date") for name, type_ in told.items()} == columns
        assert listed[id_]["resource"]["columns_field_name"] == list(columns)
    assert soda.datasets(q="no such thing") == []


def json_of(answer: requests.Response, what: str) -> list[str]:
    found: list[str] = json.loads(answer.headers[f"X-SODA2-{what}"])
    return found


def test_csv_and_geojson_hold_the_same_rows(soda: Socrata, release: Release, site: str) -> None:
    where = "ward = '2' and status = 'open'"
    rows = soda.get("requests", where=where, limit=5000)
    head, *lines = soda.get("requests", content_type="csv", where=where, limit=5000)
    assert len(lines) == len(rows) > 20
    for line, row in zip(lines, rows, strict=True):
        told = {name: value for name, value in zip(head, line, strict=True) if value != "" and name != "geometry"}
        meant = {name: str(value).lower() if value in (True, False) else value for name, value in row.items()}
        meant = {
            name: f"'{value}" if value[:1] in ("=", "+", "@") else value
            for name, value in meant.items()
            if name != "geometry"
        }
        assert told == {name: f"'{v}" if v[:1] == "-" and name not in NUMBERS else v for name, v in meant.items()}
    frame = pd.read_csv(
        io.StringIO(requests.get(f"{site}/resource/requests.csv", params={"$limit": 9}, timeout=10).text)
    )
    assert len(frame) == 9 and frame["lat"].dtype == float
    features = soda.get("requests", content_type="geojson", where=where, limit=5000)
    assert features["type"] == "FeatureCollection" and len(features["features"]) == len(rows)
    for feature, row in zip(features["features"], rows, strict=True):
        assert feature["geometry"] == row.get("geometry")
        assert {k: v for k, v in feature["properties"].items() if v is not None} == {
            k: v for k, v in row.items() if k != "geometry"
        }


def test_the_release_itself_is_asked_again_only_when_it_is_new(site: str) -> None:
    first = requests.get(f"{site}/resource/requests.json", params={"$select": "count(*)"}, timeout=10)
    assert (
        first.headers["Access-Control-Allow-Origin"] == "*"
        and "X-SODA2-Types" in first.headers["Access-Control-Expose-Headers"]
    )
    again = {"If-None-Match": first.headers["ETag"]}
    assert requests.get(f"{site}/resource/requests.json?$select=count(*)", headers=again, timeout=10).status_code == 200
    assert requests.get(first.url, headers=again, timeout=10).status_code == 304
    accepted = requests.get(f"{site}/resource/requests", headers={"Accept": "text/csv"}, timeout=10)
    assert next(csv.reader(io.StringIO(accepted.text)))[0] == "source"
    assert requests.get(f"{site}/resource/requests.json?$limit=0", timeout=10).content == b"[]\n"


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("nope.json", {}, 404, "dataset.missing"),
        ("requests.xml", {}, 404, "dataset.missing"),
        ("requests.json", {"$where": "nope = 1"}, 400, "query.soql.no-such-column"),
        ("requests.json", {"nope": "1"}, 400, "query.soql.no-such-column"),
        ("requests.json", {"$bogus": "1"}, 400, "query.compiler.malformed"),
        ("requests.json", {"$where": "status = '" + "x" * 9000}, 400, "query.compiler.malformed"),
        ("requests.json", {"$order": "status", "$limit": "50001"}, 400, "query.compiler.malformed"),
        ("requests.geojson", {"$select": "status"}, 400, "query.compiler.malformed"),
        ("services.geojson", {}, 400, "query.compiler.malformed"),
        ("requests.json", {"$q": "a b c d e f"}, 400, "query.compiler.malformed"),
    ],
)  # fmt: skip
def test_errors_have_the_shape_of_soda(site: str, path: str, params: dict[str, str], status: int, code: str) -> None:
    answer = requests.get(f"{site}/resource/{path}", params=params, timeout=10)
    told = answer.json()
    assert (answer.status_code, told["code"], told["errorCode"], told["error"]) == (status, code, code, True)
    assert 10 < len(told["message"]) < 1000 and answer.headers["Content-Type"].startswith("application/json")


def test_sodapy_tells_the_message(soda: Socrata) -> None:
    with pytest.raises(requests.HTTPError, match="No such column: nope"):
        soda.get("requests", where="nope = 1")


def test_system_fields_page_by_keys_as_careful_readers_do(soda: Socrata, release: Release) -> None:
    seen: list[str] = []
    where: str | None = None
    while rows := soda.get("requests", select=":*,ward", order=":updated_at,:id", where=where, limit=1800):
        seen += [row[":id"] for row in rows]
        at, last = rows[-1][":updated_at"], rows[-1][":id"]
        where = f":updated_at > '{at}' OR (:updated_at = '{at}' AND :id > '{last}')"
    assert len(seen) == release.rows and seen == sorted(set(seen))
    assert at == f"{release.created:%Y-%m-%dT%H:%M:%S}.000Z"
    assert len(soda.get("requests", where=f":updated_at >= '{at}' and status = 'open'", limit=5000)) == one(
        release, "SELECT count(*) FROM requests WHERE status = 'open'"
    )
    assert soda.get("requests", where=f":created_at > '{at}'") == []
    either = f":id = '{seen[5]}' or :id = '{seen[7]}'"
    assert soda.get("requests", where=either, select=":id") == [{":id": seen[5]}, {":id": seen[7]}]
    for bad in (
        f":id in ('{seen[5]}')",
        f"not :id = '{seen[5]}'",
        "lower(:id) = 'x'",
        ":id > 'x'",
        ":id is null",
        ":id > :id",
    ):
        with pytest.raises(requests.HTTPError, match="400"):
            soda.get("requests", where=bad)
    assert list(soda.get("services", limit=1, exclude_system_fields="false")[0])[:3] == [
        ":id",
        ":created_at",
        ":updated_at",
    ]


def test_our_own_source_reads_all_that_is_published(site: str, release: Release, tmp_path: Path) -> None:
    connection = SocrataConnection(
        kind="socrata",
        url=site,
        dataset=four_by_four(release, table(release, "requests")),
        page_size=1900,
        patience=QUICK,
    )
    source = SocrataAdapter(connection, ("",), transport=AT_ONCE)
    copy = source.fetch(Known(), fetching(tmp_path, release.created))
    assert copy is not None and copy.whole
    names = ["service_request_id", "service_name", "status", "lat", "requested_date"]
    found = {row["service_request_id"]: tuple(row[name] for name in names) for row in rows_of(source, copy, names)}
    wanted = release.query(
        "SELECT service_request_id, service_name, status::VARCHAR, lat, strftime(requested_date, '%Y-%m-%dT00:00:00.000') FROM requests"
    )
    assert found == {row[0]: tuple(None if value is None else str(value) for value in row) for row in wanted}
