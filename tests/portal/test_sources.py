"""Sources and runs: the page, its notices elsewhere, the API, and a status.json that nobody should trust."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.app import create_app
from portal.components.sources import Clock, run_words, state_sentence
from portal.html import to_html
from portal.pages import sources
from portal.pages.sources import moved_words
from portal.release import Release, Releases
from portal.routes import render
from portal.selection import Selection
from portal.settings import PortalSettings
from portal.status import MAX_BYTES, SourceRun, SourceStatus, read_status
from portal.text import speaking
from tests.release_factory import build_release, write_status

NOW = datetime(2025, 6, 21, 12, tzinfo=UTC)
WITH_FIGURES = ("/", "/map", "/trends", "/areas", "/areas/district", "/areas/district/1", "/departments",
                "/departments/parks")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of releases of its own, so that its status.json may be written over."""
    root = tmp_path_factory.mktemp("sources")
    build_release(root, rows=600)
    return root / "releases"


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Release]:
    releases = Releases(folder)
    yield releases.current()
    releases.close()


@pytest.fixture
def told(folder: Path) -> Iterator[Path]:
    """A status.json in which one source answers, one does not, and one was never asked."""
    path = write_status(folder, NOW)
    yield path
    path.unlink(missing_ok=True)


def shown(release: Release, path: str, query: str = "") -> str:
    """The words of a page, without its markup."""
    return words_of(to_html(render(release, path, query).body))


def words_of(markup: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup)))


def the_page(release: Release) -> str:
    with speaking("en"):
        return words_of(to_html(sources.layout(release, Selection(), now=NOW).body))


def test_each_source_says_how_it_stands(served: Release, told: Path) -> None:
    page = the_page(served)
    assert "Answered 12 minutes ago. Its newest data is from 3 hours ago." in page
    assert "Did not answer when it was last asked, 60 minutes ago. It last answered 2 days ago." in page
    assert "It has not been asked yet." in page
    assert "The city's open-data site (Socrata)" in page and "A file that the city provides" in page
    assert "1 of 3" in page


def test_refused_rows_have_their_reason_in_words_and_an_unknown_code_speaks_for_itself(
    served: Release, told: Path
) -> None:
    page = the_page(served)
    assert "12 rows of “City 311” are in quarantine" in page
    assert "It does not say when the request was made." in page
    assert "The score is not between 0 and 100." in page
    assert "quite new" in page


def test_runs_are_told_in_the_city_s_time_with_what_became_of_their_rows(served: Release, told: Path) -> None:
    page = the_page(served)
    assert "Jun 21, 2025, 7:48 a.m." in page  # 11:48 UTC
    assert "24 new, 6 changed and 4,970 unchanged" in page
    assert "Answered, nothing new" in page and "42 seconds" in page
    assert "The last 20 runs of “City 311”" in page and "The last 5 runs of “City 311”" in page
    markup = to_html(render(served, "/sources").body)
    assert markup.count('class="dot hollow"') >= 2 and 'class="mark"' in markup


def test_edits_and_withdrawn_requests_are_counted_shown_and_linked(served: Release, told: Path) -> None:
    page, markup = the_page(served), to_html(render(served, "/sources").body)
    found = queries.edits(served)
    assert found is not None and found.total == 30 and len(found.latest) == 20
    assert [e.first_seen for e in found.latest] == sorted((e.first_seen for e in found.latest), reverse=True)
    assert all(edit.service_request_id in page for edit in found.latest)
    assert "Closed with an earlier date" in page and "earlier" in page
    assert "3 requests were in the record" in page
    for name in ("retroactive_edits", "withdrawn"):
        assert f'href="/download/release/{served.id}/{name}.parquet"' in markup


@pytest.mark.parametrize(("hours", "words"), [(-72.0, "3 days earlier"), (0.5, "30 minutes later"), (None, "–")])
def test_an_edit_says_by_how_much(hours: float | None, words: str) -> None:
    assert moved_words(hours) == words


@pytest.mark.parametrize("path", ["/", "/sources"])
def test_a_source_that_does_not_answer_is_told_with_since_when(served: Release, told: Path, path: str) -> None:
    page = shown(served, path)
    assert "The source “Survey” has not answered since June 19, 2025, 7:00 a.m. The figures are as of June 20" in page
    assert "a.m.." not in page and "p.m.." not in page


def test_several_that_do_not_answer_are_one_sentence(served: Release, folder: Path, told: Path) -> None:
    document = json.loads(told.read_text())
    for source in document["sources"]:
        source["state"] = "unavailable"
    write_status(folder, NOW, sources=document["sources"])
    assert "3 sources do not answer, among them “City 311”, “Survey” and “Trees”." in shown(served, "/")


@pytest.mark.parametrize(
    ("end", "words"),
    [("held", "is held back until someone has looked at it"), ("failed", "The last run failed"), ("published", "")],
)
def test_a_run_that_published_nothing_is_told_on_the_overview(
    served: Release, folder: Path, told: Path, end: str, words: str
) -> None:
    write_status(folder, NOW, last_run=end, sources=[])
    page = to_html(render(served, "/").body)
    assert words in words_of(page)
    assert ("remark warn" in page) == bool(words)


@pytest.mark.parametrize("path", WITH_FIGURES)
def test_pages_with_figures_say_what_no_figure_counts(served: Release, path: str) -> None:
    page = shown(served, path, "?department=parks" if path != "/" else "")
    assert "12 rows that could not be trusted and 3 rows that their source withdrew" in page
    markup = to_html(render(served, path).body)
    assert '<a href="/sources">Which, and why</a>' in markup
    assert "15 rows" not in page, "rows of the survey are in no figure of requests anyway"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"quarantined": 0, "withdrawn": 0}, "every one could be trusted, and none was withdrawn"),
        ({"quarantined": 0}, "No row is missing from the record because it could not be trusted"),
        ({"quarantined": 4, "withdrawn": 0}, "Left out of every figure, in the whole record: 1 row that could not be trusted ."),
        ({"quarantined": 0, "withdrawn": 1}, "Left out of every figure, in the whole record: 1 row that its source withdrew ."),
    ],
)  # fmt: skip
def test_a_record_says_what_is_missing_from_it(tmp_path: Path, counts: dict[str, int], words: str) -> None:
    folder = build_release(tmp_path, rows=50)
    package = json.loads((folder / "datapackage.json").read_text())
    package["openward"]["counts"] = {"requests": 50, **counts}
    (folder / "datapackage.json").write_text(json.dumps(package))
    releases = Releases(tmp_path / "releases")
    assert words in shown(releases.current(), "/departments")
    releases.close()


def test_without_a_status_the_page_says_so_and_the_rest_goes_on(served: Release) -> None:
    page = shown(served, "/sources")
    assert "No run has left word of itself" in page and "has not answered" not in page
    assert "3 requests were in the record" in page
    assert "remark warn" not in to_html(render(served, "/").body)


def test_a_city_without_sources_says_so(served: Release, folder: Path, told: Path) -> None:
    write_status(folder, NOW, sources=[])
    assert "names no source" in shown(served, "/sources")


BROKEN: dict[str, Any] = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "too deep": "[" * 100_000,
    "a source that is none": '{"sources": [7]}',
    "no kind": '{"sources": [{"source": "a", "state": "loaded"}]}',
    "a control character": json.dumps({"sources": [{"source": "a\u0000", "kind": "file", "state": "loaded"}]}),
    "negative rows": json.dumps({"sources": [{"source": "a", "kind": "file", "state": "never", "quarantined": -1}]}),
    "a year that no zone has": '{"written": "0001-01-01T00:00:00Z"}',
    "a year too far": '{"written": "9999-12-31T23:59:59Z"}',
    "endless seconds": '{"sources": [{"source": "a", "kind": "file", "state": "loaded", "runs": '
    '[{"started": "2025-01-01T00:00:00Z", "seconds": 1e999, "status": "loaded"}]}]}',
    "too large": '{"sources": []}' + " " * MAX_BYTES,
    "too many": json.dumps({"sources": [{"source": "a", "kind": "file", "state": "never"}] * 501}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_status_that_cannot_be_read_changes_nothing_else(served: Release, told: Path, text: str) -> None:
    told.write_text(text)
    assert read_status(told.parent).unreadable
    assert "cannot be read just now" in shown(served, "/sources")
    page = render(served, "/")
    assert page.status == 200 and "remark warn" not in to_html(page.body)


def test_a_folder_in_its_place_is_no_status(tmp_path: Path) -> None:
    (tmp_path / "status.json").mkdir()
    assert read_status(tmp_path).unreadable
    assert not read_status(tmp_path / "nowhere").unreadable


def test_what_a_status_says_is_text(served: Release, folder: Path, told: Path) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    run = {"started": "2025-06-21T11:00:00Z", "seconds": 1, "status": nasty, "read": 1}
    source = {
        "source": nasty,
        "kind": nasty,
        "state": nasty,
        "quarantined": 1,
        "reasons": {nasty: 1},
        "runs": [run] * 4,
    }
    write_status(folder, NOW, sources=[source, {**source, "state": "unavailable"}], last_run=nasty)
    for path in ("/sources", "/"):
        markup = to_html(render(served, path).body)
        assert "<img" not in markup and "&lt;img" in markup


def test_a_status_is_read_anew_once_it_is_replaced(folder: Path, told: Path) -> None:
    first = read_status(folder)
    assert read_status(folder) is first
    write_status(folder, NOW + timedelta(hours=1))
    assert read_status(folder).etag != first.etag


@pytest.fixture
def api(folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(PortalSettings(releases=folder)), raise_server_exceptions=False) as client:
        yield client


def test_the_api_answers_the_status_with_an_etag(api: TestClient, told: Path) -> None:
    answer = api.get("/api/v1/status")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache" and answer.headers["access-control-allow-origin"] == "*"
    said, written = answer.json(), json.loads(told.read_text())
    assert [s["source"] for s in said["sources"]] == [s["source"] for s in written["sources"]]
    assert said["written"] == written["written"]
    assert said["sources"][0]["runs"][0] == written["sources"][0]["runs"][0]
    again = api.get("/api/v1/status", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert api.head("/api/v1/status").headers["etag"] == answer.headers["etag"]


def test_the_api_leaves_out_what_it_does_not_know(api: TestClient, folder: Path, told: Path) -> None:
    source = {"source": "a", "kind": "file", "state": "never", "message": "postgresql://user:secret@host"}
    write_status(folder, NOW, sources=[source], token="secret")
    assert "secret" not in api.get("/api/v1/status").text


def test_the_api_says_why_there_is_no_status(api: TestClient, folder: Path) -> None:
    assert api.get("/api/v1/status").status_code == 404
    path = folder / "status.json"
    path.write_text("{")
    answer = api.get("/api/v1/status")
    path.unlink()
    assert answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"


def test_the_status_needs_no_release(tmp_path: Path) -> None:
    write_status(tmp_path, NOW)
    with TestClient(create_app(PortalSettings(releases=tmp_path)), raise_server_exceptions=False) as client:
        assert client.get("/api/v1/status").json()["last_run"] == "published"
        assert client.get("/sources").status_code == 503


def test_the_status_is_described(api: TestClient) -> None:
    operation = api.get("/api/v1/openapi.json").json()["paths"]["/api/v1/status"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Status")
    assert "304" in operation["responses"]


def test_new_tables_are_listed_and_can_be_taken(api: TestClient, served: Release) -> None:
    page = api.get("/data").text
    for name in ("retroactive_edits", "withdrawn", "measures", "feedback"):
        address = f"/download/release/{served.id}/{name}.parquet"
        assert address in page
        assert api.get(address).content[:4] == b"PAR1"


def test_an_accepted_limit_names_who_and_why(tmp_path: Path) -> None:
    folder = build_release(tmp_path, rows=300)
    package = json.loads((folder / "datapackage.json").read_text())
    accepted = {"by": "A. <Officer>", "reason": "the archive was taken out", "limits": ["requests: rows_fall: 1"]}
    package["openward"] |= {"accepted": accepted, "privacy": PRIVATE}
    (folder / "datapackage.json").write_text(json.dumps(package))
    releases = Releases(tmp_path / "releases")
    page = shown(releases.current(), "/sources")
    assert "A. <Officer> accepted that: “the archive was taken out”" in page and "requests: rows_fall: 1" in page
    assert "Names of people 400 388 97% 95%" in page and "0.12%" in page and "400 made-up examples" in page
    releases.close()


PRIVATE = {
    "published": ["description"],
    "locations": None,
    "text": {
        "examples": 400, "recall": {"name": {"planted": 400, "found": 388, "recall": 0.97, "at_least": 0.948}, "odd": 7},
        "share_wrongly_removed": 0.0012,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "privacy", [None, {}, {"locations": 3, "text": []}, {"text": {"recall": {"name": {}}}}, {"x": 1}]
)
def test_privacy_figures_of_another_shape_are_left_out(tmp_path: Path, privacy: Any) -> None:
    folder = build_release(tmp_path, rows=50)
    package = json.loads((folder / "datapackage.json").read_text())
    package["openward"]["privacy"] = privacy
    (folder / "datapackage.json").write_text(json.dumps(package))
    releases = Releases(tmp_path / "releases")
    assert render(releases.current(), "/sources").status == 200
    releases.close()


def test_a_release_from_before_says_what_it_does_not_hold(tmp_path: Path) -> None:
    import duckdb

    folder = build_release(tmp_path, rows=300)
    package = json.loads((folder / "datapackage.json").read_text())
    for name in ("privacy", "accepted", "profile"):
        del package["openward"][name]
    del package["openward"]["counts"]["withdrawn"]
    (folder / "datapackage.json").write_text(json.dumps(package))
    with duckdb.connect(str(folder / "serve.duckdb")) as db:
        for name in ("retroactive_edits", "withdrawn", "measures", "feedback"):
            db.execute(f"DROP TABLE {name}")
        db.execute("ALTER TABLE requests DROP location_precision")
    releases = Releases(tmp_path / "releases")
    page = shown(releases.current(), "/sources")
    assert page.count("This release does not say") == 4 and "no figures of a privacy audit" in page
    for path in (*WITH_FIGURES, "/methods", "/data"):
        assert render(releases.current(), path).status == 200
    releases.close()


def test_a_count_too_small_to_be_told_is_not_told(tmp_path: Path) -> None:
    import duckdb

    folder = build_release(tmp_path, rows=300)
    with duckdb.connect(str(folder / "serve.duckdb")) as db:
        db.execute("UPDATE exclusions SET rows = NULL WHERE kind = 'withdrawn'")
    releases = Releases(tmp_path / "releases")
    assert "too few to be told" in shown(releases.current(), "/methods")
    releases.close()


@pytest.mark.parametrize(
    ("service", "words"),
    [("rodent", "somewhere on this block"), ("noise", "somewhere in this area"), ("=heating", "place withheld")],
)
def test_a_place_that_is_not_exact_does_not_look_exact(served: Release, service: str, words: str) -> None:
    latest = queries.latest(served, Selection(service=(service,)), limit=12)
    inexact = [row for row in latest if row.location_precision not in ("exact", "none")]
    page = shown(served, "/map", f"?service={service.replace('=', '%3D')}")
    assert page.count(words) == len(inexact)
    assert queries.request(served, latest[0].service_request_id).location_precision == latest[0].location_precision


@pytest.mark.parametrize("state", ["loaded", "unchanged", "unavailable", "refused", "never", "quite_new"])
def test_every_state_is_a_sentence_even_where_nothing_else_is_known(state: str) -> None:
    said = state_sentence(SourceStatus(source="a", kind="file", state=state), Clock(NOW, "UTC"))
    assert said.endswith(".") and len(said) > 5


def test_a_run_without_rows_has_no_words() -> None:
    assert run_words(SourceRun(started=NOW, status="unavailable")) == "–"


# --- points that sources got wrong ---------------------------------------------------------------


def _with_default_points(releases: Path, *points: dict[str, Any]) -> None:
    path = write_status(releases, datetime.now(UTC))
    document = json.loads(path.read_text())
    document["sources"][0]["default_points"] = list(points)
    path.write_text(json.dumps(document))


def test_default_points_and_contradictions_are_told(tmp_path: Path) -> None:
    build_release(tmp_path, rows=1000, geocoder=True)
    releases = Releases(tmp_path / "releases")
    release = releases.current()
    point = {
        "lat": 42.3594,
        "long": -71.0587,
        "rows": 1234,
        "addresses": 987,
        "why": "x",
        "first_seen": "2025-06-01T10:00:00Z",
    }
    _with_default_points(tmp_path / "releases", point, {"rows": 77, "addresses": 70, "why": "y"})
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", to_html(render(release, "/sources").body)))
    assert "2 points stand for “unknown”" in shown and "42.35940, -71.05870" in shown
    assert "1,234" in shown and "987" in shown and "not told" in shown
    kept = release.query("SELECT count(*) FROM requests WHERE flags LIKE '%location_contradicts_address%'")[0][0]
    assert kept and f"{kept:,} requests have a point and an address that lie farther apart" in shown
    doubts = queries.doubts(release)
    assert doubts is not None and doubts.kept == {"location_contradicts_address": kept}
    assert sum(doubts.lost.values()) == queries.totals(release).not_located
    assert "Withheld" not in shown.split("Points that sources got wrong")[1].split("Withdrawn requests")[0]
    releases.close()


def test_a_status_without_default_points_says_that_none_was_found(release: Release) -> None:
    html = to_html(render(release, "/sources").body)
    assert "No point has been found that a source writes" in html


@pytest.mark.parametrize("wrong", [{"lat": 99.0, "long": 0, "rows": 1}, {"lat": "x"}, {"rows": -1}])
def test_default_points_of_another_shape_make_the_status_unreadable_and_hurt_nothing(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    build_release(tmp_path, rows=200)
    _with_default_points(tmp_path / "releases", wrong)
    assert read_status(tmp_path / "releases").unreadable
    releases = Releases(tmp_path / "releases")
    assert render(releases.current(), "/sources").status == 200
    releases.close()
