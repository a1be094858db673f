"""The feed: what RFC 4287 asks for, the newest first, names that last, and nothing that a row does not publish."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from html import escape, unescape
from urllib.parse import unquote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.app import create_app
from portal.feed import MOST_PAGES
from portal.outline import Outline
from portal.release import Release
from portal.selection import Selection
from portal.settings import PortalSettings

ATOM = "{http://www.w3.org/2005/Atom}"
POINT = "{http://www.georss.org/georss}point"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TAG_URI = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*")
AROUND = Outline(((-7115000, 4232000), (-7105000, 4232000), (-7105000, 4238000))).text()
QUERIES = (
    "",
    "service=pothole&status=open",
    "service=%3Dheating",
    "near=42.35,-71.1,800",
    urlencode({"within": AROUND}),
    "area=district:2&lang=es",
    "from=2025-01-01&to=2025-02-01",
    "from=2019-01-01&to=2019-02-01",
)


def parsed(portal: TestClient, query: str) -> ET.Element:
    answer = portal.get(f"/feed.atom?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    return ET.fromstring(answer.content)  # noqa: S314 - our own


def one(node: ET.Element, name: str) -> str:
    """The text of an element that must be there exactly once, and say something."""
    (found,) = node.findall(ATOM + name)
    assert found.text
    return found.text


@pytest.mark.parametrize("query", QUERIES)
def test_a_feed_has_all_that_atom_asks_for(portal: TestClient, query: str) -> None:
    root = parsed(portal, query)
    assert root.tag == f"{ATOM}feed"
    for node in (root, *root.findall(f"{ATOM}entry")):
        assert TAG_URI.fullmatch(one(node, "id")), one(node, "id")
        assert one(node, "title")
        assert RFC3339.fullmatch(one(node, "updated"))
        links = {link.get("rel"): link.get("href", "") for link in node.findall(f"{ATOM}link")}
        assert urlsplit(links["alternate"]).netloc == "data.example.org"
    (author,) = root.findall(f"{ATOM}author")
    assert one(author, "name")
    (own,) = [link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    again = portal.get(own.get("href", "").removeprefix("https://data.example.org"))
    assert again.status_code == 200 and ET.fromstring(again.content).find(f"{ATOM}id").text == one(root, "id")  # type: ignore[union-attr]  # noqa: S314
    ids = [one(entry, "id") for entry in root.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids)) <= 100
    told = [one(entry, "updated") for entry in root.findall(f"{ATOM}entry")]
    assert not told or one(root, "updated") == max(told)


@pytest.mark.parametrize("query", QUERIES)
def test_its_entries_are_the_newest_rows_and_tell_no_more_than_they(
    portal: TestClient, release: Release, query: str
) -> None:
    rows = queries.latest(release, Selection.from_query(query, release), 100)
    entries = parsed(portal, query).findall(f"{ATOM}entry")
    assert len(entries) == len(rows)
    for row, entry in zip(rows, entries, strict=True):
        (link,) = entry.findall(f"{ATOM}link")
        page = urlsplit(link.get("href", ""))
        assert unquote(page.path) == f"/requests/{row.service_request_id}"
        (point,) = entry.findall(POINT) or [None]
        assert (point is None) == (row.lat is None)
        if point is not None:
            assert point.text == f"{row.lat:.6f} {row.long:.6f}"
        if row.requested_datetime:
            assert one(entry, "published") == row.requested_datetime.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert datetime.fromisoformat(one(entry, "updated")) <= release.as_of.astimezone(UTC)
    if rows:
        assert portal.get(f"{page.path}?{page.query}").status_code == 200


def pages_of(portal: TestClient, query: str) -> list[tuple[ET.Element, dict[str, str]]]:
    """The pages of a feed from the first on, each with its links, as `next` leads through them."""
    found = []
    address = f"/feed.atom?{query}"
    while address and len(found) <= 1.2 * MOST_PAGES:
        answer = portal.get(address)
        assert answer.status_code == 200
        root = ET.fromstring(answer.content)  # noqa: S314 - our own
        links = {link.get("rel", ""): link.get("href", "") for link in root.findall(f"{ATOM}link")}
        found.append((root, links))
        address = links.get("next", "").removeprefix("https://data.example.org")
    return found


@pytest.mark.parametrize(
    "query", ["", "service=pothole&status=open", "area=district:2&lang=es", "service=no_such_rows"]
)
def test_its_pages_hold_every_row_once_in_their_order(portal: TestClient, release: Release, query: str) -> None:
    query = query.replace("no_such_rows", "pothole&from=2019-01-01&to=2019-02-01")
    pages = pages_of(portal, query)
    selection = Selection.from_query(query, release)
    wanted = queries.latest(release, selection, 1000) + (
        [row for at in range(1000, 10_000, 1000) for row in queries.latest(release, selection, 1000, at)]
    )
    told = [one(entry, "id").rpartition("/")[2] for root, _links in pages for entry in root.findall(f"{ATOM}entry")]
    assert [unquote(name) for name in told] == [row.service_request_id for row in wanted[: 100 * MOST_PAGES]]
    assert len(pages) == max(-(-len(wanted) // 100), 1)
    assert len({one(root, "id") for root, _links in pages}) == 1  # pages of one feed
    for i, (_root, links) in enumerate(pages):
        assert ("previous" in links) == (i > 0) and ("next" in links) == (i + 1 < len(pages))
        if len(pages) > 1:
            assert links["first"] == pages[0][1]["self"] and links["last"] == pages[-1][1]["self"]
        if i:
            assert links["previous"] == pages[i - 1][1]["self"] and f"page={i + 1}" in links["self"]


def test_a_feed_has_no_page_after_its_last_one_and_not_endlessly_many(
    portal: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert portal.get("/feed.atom?service=pothole&page=99").status_code == 404
    for page in ("0", "-1", "x", "101", "1.5", "99999999999999999999"):
        assert portal.get(f"/feed.atom?page={page}").status_code == 400, page
    monkeypatch.setattr("portal.feed.MOST_PAGES", 3)
    last = pages_of(portal, "status=closed")[-1][1]
    assert "page=3" in last["self"] and "next" not in last


def test_what_was_written_by_others_stays_text(portal: TestClient) -> None:
    text = portal.get("/feed.atom?service=%3Dheating").text
    assert "Heating &lt;b&gt;off&lt;/b&gt;" in text and "<b>" not in text


def test_a_reader_that_has_it_is_told_so(portal: TestClient) -> None:
    first = portal.get("/feed.atom?service=pothole")
    again = portal.get("/feed.atom?service=pothole", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == first.headers["etag"]
    assert "set-cookie" not in first.headers and first.headers["access-control-allow-origin"] == "*"


def test_nonsense_is_refused(portal: TestClient) -> None:
    for query in ("service=no-such", "near=1,2", "within=x", "from=yesterday"):
        assert portal.get(f"/feed.atom?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/map?service=pothole", "/areas/district/2?status=open", "/departments/parks"])
def test_pages_lead_to_their_feed_in_words_and_in_their_heads(portal: TestClient, release: Release, path: str) -> None:
    head, body = portal.get(path).text.split("</head>")
    (link,) = re.findall(r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="([^"]+)">', head)
    address = unescape(link).removeprefix("https://data.example.org")
    assert f'href="{escape(address)}"' in body and portal.get(address).status_code == 200
    selection = Selection.from_query(address.partition("?")[2], release)
    assert selection and not selection.from_date and not selection.to_date


def test_a_place_is_followed_by_its_point_and_never_by_what_was_typed(with_geocoder: Release) -> None:
    settings = PortalSettings(releases=with_geocoder.folder.parent)
    with TestClient(create_app(settings)) as client:
        for _ in range(100):
            answer = client.get("/places?q=51+Main+St")
            if answer.status_code == 200:
                break
            time.sleep(0.1)
        (link,) = re.findall(r'atom\+xml" title="[^"]+" href="([^"]+)">', answer.text.split("</head>")[0])
        query = unescape(link).partition("?")[2]
        assert query.startswith("near=") and "Main" not in query
        assert client.get(f"/feed.atom?{query}").status_code == 200
