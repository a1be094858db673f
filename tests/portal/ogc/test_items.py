"""Features of collections: which ones an answer has, how many there are in all, and where they are in which system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from portal.release import Release
from tests.portal.ogc.conftest import ALL_SYSTEMS, CITY, CRS84, LATLONG, MERCATOR, names

Ask = Callable[..., httpx.Response]
Items = Callable[..., dict[str, Any]]
WEST, SOUTH, EAST, NORTH = -71.20, 42.30, -71.00, 42.40
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def counted(city: Release, where: str, *params: Any, table: str = "requests") -> int:
    return int(city.query(f"SELECT count(*) FROM {table} WHERE {where}", params)[0][0])


def test_features_are_those_of_the_download(site: str, city: Release, items: Items) -> None:
    found = items("requests", limit=10_000)
    downloaded = httpx.get(f"{site}/download/requests.geojson").json()["features"]
    assert found["numberMatched"] == found["numberReturned"] == len(downloaded) == city.rows
    told = [(one["geometry"], one["properties"]) for one in found["features"]]
    assert told == [(one["geometry"], one["properties"]) for one in downloaded]
    assert len(set(names(found))) == city.rows
    assert found["features"][0]["id"] == "city_311:" + found["features"][0]["properties"]["service_request_id"]


@pytest.mark.parametrize("collection", ["requests", "incidents", "areas-district"])
@pytest.mark.parametrize("more", [{}, {"sortby": "-requested_datetime"}, {"bbox": "-71.15,42.32,-71.02,42.39"}])
def test_pages_follow_one_another_without_gap_or_overlap(
    ask: Ask, items: Items, collection: str, more: dict[str, str]
) -> None:
    if collection == "areas-district" and "sortby" in more:
        more = {"sortby": "-valid_from,name"}
    whole = items(collection, limit=10_000, **more)
    size = max(whole["numberMatched"] // 7, 1)
    at, found, pages = f"/collections/{collection}/items", list[str](), 0
    answer = ask(at, limit=size, **more)
    while True:
        page = answer.json()
        assert page["numberMatched"] == whole["numberMatched"]
        assert page["numberReturned"] == len(page["features"]) <= size
        found += names(page)
        pages += 1
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        assert f'<{following[0]}>; rel="next"' in answer.headers["link"]
        answer = httpx.get(following[0])
    assert found == names(whole) and pages >= 7


def test_the_order_is_the_one_that_was_asked_for(items: Items) -> None:
    rows = [one["properties"] for one in items("requests", limit=10_000, sortby="status,-response_hours")["features"]]

    def rank(row: dict[str, Any]) -> tuple[bool, float]:
        hours = row["response_hours"]
        return hours is None, -(hours or 0)

    statuses = [row["status"] for row in rows]
    assert statuses == sorted(statuses) and len(set(statuses)) == 2
    assert [rank(row) for row in rows if row["status"] == "closed"] == sorted(
        rank(row) for row in rows if row["status"] == "closed"
    )


def test_a_cursor_of_another_question_is_refused(ask: Ask, items: Items) -> None:
    [cursor] = [
        link["href"].split("cursor=")[1] for link in items("requests", limit=5)["links"] if link["rel"] == "next"
    ]
    assert ask("/collections/requests/items", cursor=cursor, limit=7).status_code == 200
    for more in ({"status": "open"}, {"sortby": "status"}, {"cursor": "abc"}, {"cursor": cursor[:-6]}):
        assert ask("/collections/requests/items", **({"cursor": cursor} | more)).status_code == 400
    assert ask("/collections/incidents/items", cursor=cursor).status_code == 400


# --- where --------------------------------------------------------------------

places = st.tuples(*(st.floats(low, high) for low, high in ((-71.25, -70.95), (42.25, 42.45)) * 2))


@relaxed
@given(at=places)
def test_a_box_holds_what_sql_says(city: Release, items: Items, at: tuple[float, float, float, float]) -> None:
    west, east, south, north = *sorted(at[::2]), *sorted(at[1::2])
    found = items("requests", bbox=f"{west},{south},{east},{north}", limit=1)
    where = "long BETWEEN ? AND ? AND lat BETWEEN ? AND ?"
    assert found["numberMatched"] == counted(city, where, west, east, south, north)
    swapped = items("requests", bbox=f"{south},{west},{north},{east}", bbox__crs=LATLONG, limit=1)
    assert swapped["numberMatched"] == found["numberMatched"]
    with_heights = items("requests", bbox=f"{west},{south},-10,{east},{north},10", limit=1)
    assert with_heights["numberMatched"] == found["numberMatched"]


@pytest.fixture(scope="module")
def told_in(items: Items) -> Callable[[str], list[dict[str, Any]]]:
    """All features as they are told in a system; asked for once."""
    return cache(lambda system: items("requests", crs=system, limit=10_000)["features"])


@relaxed
@given(at=places, system=st.sampled_from([MERCATOR, CITY]))
def test_a_box_of_a_grid_holds_the_points_within_it_there(
    items: Items, told_in: Callable[[str], list[dict[str, Any]]], at: tuple[float, float, float, float], system: str
) -> None:
    """By where each feature is told in that system, but for a millimetre at the edges, to which it is rounded."""
    to = Transformer.from_crs("OGC:CRS84", ALL_SYSTEMS[system], always_xy=True)
    (x0, y0), (x1, y1) = to.transform(at[0], at[1]), to.transform(at[2], at[3])
    x0, x1, y0, y1 = *sorted((x0, x1)), *sorted((y0, y1))
    found = set(names(items("requests", bbox=f"{x0},{y0},{x1},{y1}", bbox__crs=system, limit=10_000)))
    for one in told_in(system):
        if one["geometry"] is None:
            assert one["id"] not in found
            continue
        x, y = one["geometry"]["coordinates"]
        inside = min(x - x0, x1 - x, y - y0, y1 - y)  # how far
        if abs(inside) > 0.002:
            assert (one["id"] in found) == (inside > 0), inside


def test_a_box_over_the_antimeridian(city: Release, items: Items) -> None:
    located = counted(city, "lat IS NOT NULL")
    assert items("requests", bbox="170,42,-71.1,43")["numberMatched"] == counted(city, "long <= -71.1")
    assert items("requests", bbox="-71.1,42,-170,43")["numberMatched"] == counted(city, "long >= -71.1")
    assert items("requests", bbox="170,42,-170,43")["numberMatched"] == 0
    assert items("requests", bbox="42,170,43,-71", bbox__crs=LATLONG)["numberMatched"] == located
    assert items("requests", bbox="-180,-90,180,90")["numberMatched"] == located < city.rows
    assert items("areas-district", bbox="170,42,-71.1,43")["numberMatched"] == counted(
        city, "layer = 'district' AND ST_XMin(geom_4326) <= -71.1", table="areas"
    )


def test_a_box_without_extent(city: Release, items: Items) -> None:
    [(long, lat, n)] = city.query(
        "SELECT long, lat, count(*) FROM requests WHERE lat IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1"
    )
    assert items("requests", bbox=f"{long},{lat},{long},{lat}")["numberMatched"] == n >= 2
    assert items("areas-district", bbox="-71.123,42.31,-71.123,42.31")["numberMatched"] == 2
    assert items("areas-district", bbox="-71.19,42.31,-71.01,42.31")["numberMatched"] == 6


@pytest.mark.parametrize(
    "box", ["1,2,3", "1,2,3,4,5", "a,b,c,d", "0,50,10,40", "nan,0,1,1", "0,0,inf,1", "", "400,0,500,1", "0,91,1,95"]
)
def test_a_box_that_is_none_is_refused(ask: Ask, box: str) -> None:
    answer = ask("/collections/requests/items", bbox=box)
    assert answer.status_code == 400 and "bbox" in answer.json()["detail"]


def test_a_box_of_a_grid_that_is_none_is_refused(ask: Ask) -> None:
    for box in ("200,0,100,50", "0,0,1e300,1e300", "0,5,10,4"):
        assert ask("/collections/requests/items", bbox=box, bbox__crs=CITY).status_code == 400, box
    far = ask("/collections/requests/items", bbox="1e12,1e12,2e12,2e12", bbox__crs=CITY)
    assert far.status_code == 400 or far.json()["numberMatched"] == 0


@pytest.mark.parametrize("collection", ["requests", "incidents", "areas-district"])
@pytest.mark.parametrize("system", ALL_SYSTEMS)
def test_coordinates_are_those_of_the_system(ask: Ask, items: Items, collection: str, system: str) -> None:
    answer = ask(f"/collections/{collection}/items", crs=system, limit=200)
    assert answer.headers["content-crs"] == f"<{system}>"
    to = Transformer.from_crs("OGC:CRS84", ALL_SYSTEMS[system], always_xy=False)  # axes as the authority has them
    told = 0
    for plain, changed in zip(items(collection, limit=200)["features"], answer.json()["features"], strict=True):
        assert plain["properties"] == changed["properties"] and plain["id"] == changed["id"]
        assert (plain["geometry"] is None) == (changed["geometry"] is None)
        if plain["geometry"]:
            told += 1
            for (x, y), (a, b) in zip(_corners(plain), _corners(changed), strict=True):
                assert to.transform(x, y) == pytest.approx((a, b), abs=1e-9 if system in (CRS84, LATLONG) else 0.00051)
    assert told > 5
    one = answer.json()["features"][0]
    alone = ask(f"/collections/{collection}/items/{quote(one['id'], safe='')}", crs=system)
    assert alone.headers["content-crs"] == f"<{system}>"
    assert {key: alone.json()[key] for key in one} == one


def _corners(feature: dict[str, Any]) -> list[list[float]]:
    found = feature["geometry"]["coordinates"]
    while isinstance(found[0], list) and isinstance(found[0][0], list):
        found = [corner for part in found for corner in part]
    return found if isinstance(found[0], list) else [found]


# --- when ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "sql"),
    [
        ("2024-03-01T00:00:00Z/2024-03-31T23:59:59Z", "BETWEEN '2024-03-01' AND '2024-03-31 23:59:59'"),
        ("2024-03-01T00:00:00-05:00/..", ">= '2024-03-01 05:00:00'"),
        ("2024-03-01T00:00:00z/", ">= '2024-03-01'"),
        ("../2023-01-01T12:00:00Z", "<= '2023-01-01 12:00:00'"),
        ("/2023-01-01", "< '2023-01-02'"),
        ("2024-03-01", "BETWEEN '2024-03-01' AND '2024-03-01 23:59:59.999999'"),
        ("2024-03-01/2024-03-03", "BETWEEN '2024-03-01' AND '2024-03-03 23:59:59.999999'"),
    ],
)
def test_times(city: Release, items: Items, when: str, sql: str) -> None:
    for collection in ("requests", "incidents"):
        meant = counted(city, f"requested_datetime {sql}", table=collection)
        assert items(collection, datetime=when)["numberMatched"] == meant
        assert meant > 0 or collection == "incidents"  # of which there are few


def test_one_moment(city: Release, items: Items) -> None:
    [(moment, n)] = city.query(
        "SELECT requested_datetime, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    )
    assert items("requests", datetime=f"{moment.isoformat()}Z")["numberMatched"] == n


def test_areas_are_those_that_held_then(items: Items) -> None:
    """The districts were drawn anew on the first day of 2024."""
    old = [f"{n}" for n in (1, 2, 3, 4)]
    new = [f"{n}@2024-01-01" for n in (1, 2, 3, 4)]
    assert sorted(names(items("areas-district"))) == sorted(old + new)
    for when, held in (
        ("2023-12-31T23:59:59Z", old), ("2024-01-01T00:00:00Z", new), ("2023-12-31/2024-01-01", old + new),
        ("../2023-06-01T00:00:00Z", old), ("2024-06-01T00:00:00Z/..", new),
    ):  # fmt: skip
        assert sorted(names(items("areas-district", datetime=when))) == sorted(held), when


@pytest.mark.parametrize(
    "when", ["yesterday", "2024", "../..", "/", "2024-13-01", "2024-03-02/2024-03-01", "2024-03-01/2024-03-02/2024-03-03", "",
             "2024-03-01T25:00:00Z", "0001-01-01T00:00:00+23:00", "2024-03-01T00:00:00Z/P1D"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(ask: Ask, when: str) -> None:
    assert ask("/collections/requests/items", datetime=when).status_code == 400


# --- which --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "sql"),
    [
        ("status", "open", "status = 'open'"),
        ("service_code", "=heating", "service_code = '=heating'"),
        ("service_name", "Heating <b>off</b>, 'urgent'", "service_code = '=heating'"),
        ("district", "3", "district = '3'"),
        ("synthetic", "true", "synthetic"),
        ("requested_date", "2024-03-01", "requested_date = '2024-03-01'"),
        ("geocode_radius_m", "15", "geocode_radius_m = 15"),
        ("status", "nothing", "FALSE"),
    ],
)
def test_properties_by_name(city: Release, items: Items, name: str, value: str, sql: str) -> None:
    meant = counted(city, sql)
    found = items("requests", **{name: value}, limit=10_000)
    assert found["numberMatched"] == meant == found["numberReturned"]
    assert (meant > 0) == (value != "nothing")


def test_several_parameters_narrow_together(city: Release, items: Items) -> None:
    found = items(
        "requests", bbox="-71.15,42.32,-71.02,42.39", datetime="2023-01-01/..", status="closed", filter="response_hours > 48",
    )  # fmt: skip
    where = "long BETWEEN -71.15 AND -71.02 AND lat BETWEEN 42.32 AND 42.39 AND requested_datetime >= '2023-01-01'"
    assert found["numberMatched"] == counted(city, f"{where} AND status = 'closed' AND response_hours > 48") > 0


@pytest.mark.parametrize(
    "given_",
    ["foo=1", "limit=0", "limit=-1", "limit=ten", "limit=1&limit=2", "offset=3", "bbox-crs=EPSG:4326", "crs=x", "f=xml",
     "synthetic=yes", "geocode_radius_m=x", "geocode_radius_m=nan", "requested_date=soon", "sortby=nothing", "sortby=", "lat=",
     "sortby=geometry", "filter-lang=cql", "filter-crs=1", "filter=", "geometry=1", "%ff=1", "status=%ff",
     "sortby=" + ",".join(["status"] * 6), "status=" + "x" * 2000],
)  # fmt: skip
def test_what_is_not_understood_is_refused(site: str, given_: str) -> None:
    answer = httpx.get(f"{site}/ogc/collections/requests/items?{given_}")
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 400 and answer.json()["detail"]


def test_a_larger_limit_is_the_largest(ask: Ask) -> None:
    found = ask("/collections/requests/items", limit=10**9).json()
    assert found["numberReturned"] == found["numberMatched"]
    assert len(ask("/collections/requests/items").json()["features"]) == 100


@pytest.mark.parametrize("collection", ["requests", "incidents", "areas-district"])
def test_a_feature_by_its_id(ask: Ask, items: Items, collection: str) -> None:
    for one in items(collection, limit=7)["features"]:
        answer = ask(f"/collections/{collection}/items/{quote(one['id'], safe='')}")
        found = answer.json()
        assert answer.headers["content-type"] == "application/geo+json"
        assert {key: found[key] for key in one} == one
        rels = {link["rel"]: link["href"] for link in found["links"]}
        assert {"self", "alternate", "collection"} <= set(rels)
        assert httpx.get(rels["self"]).json() == found
    for nothing in (
        "x",
        "city_311:",
        ":",
        "city_311:no",
        "1@2024-13-01",
        "1@2023-01-01",
        "%00",
        "a" * 400,
        "../requests",
    ):
        assert ask(f"/collections/{collection}/items/{quote(nothing, safe='')}").status_code == 404, nothing


def test_answers_are_kept_until_they_change(ask: Ask) -> None:
    first = ask("/collections/requests/items", status="open", limit=3)
    assert datetime.fromisoformat(first.json()["timeStamp"]).tzinfo is not None
    for header in (first.headers["etag"], f'"x", {first.headers["etag"]}'):
        again = ask("/collections/requests/items", {"If-None-Match": header}, status="open", limit=3)
        assert again.status_code == 304 and not again.content
        assert again.headers["content-crs"] == first.headers["content-crs"]
    other = ask("/collections/requests/items", {"If-None-Match": first.headers["etag"]}, status="open", limit=4)
    assert other.status_code == 200 and other.headers["etag"] != first.headers["etag"]
    assert first.headers["vary"].startswith("Accept") and "max-age" in first.headers["cache-control"]
    assert first.headers["access-control-allow-origin"] == "*"
    assert {"Link", "Content-Crs"} <= set(first.headers["access-control-expose-headers"].split(", "))
    assert ask("/collections/requests/items", {"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_heads_and_other_methods(site: str) -> None:
    at = f"{site}/ogc/collections/requests/items?limit=3"
    head, got = httpx.head(at), httpx.get(at)
    assert head.status_code == 200 and not head.content and head.headers["link"] == got.headers["link"]
    assert httpx.post(at, json={}).status_code == 405
