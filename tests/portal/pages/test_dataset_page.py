"""A page of each table: its numbers are those of the published file, and a long table does not keep its page waiting."""

from __future__ import annotations

import re
import threading
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.expressions.fields import kind_of_type
from portal.queries import profile_of_fields
from portal.queries.profile_of_fields import FEW, counted, profile
from portal.release import Release, Releases
from portal.settings import PortalSettings
from portal.tables import table, tables
from portal.text import number
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A release with incidents and a geocoder: as many tables as there may be."""
    root = tmp_path_factory.mktemp("linked")
    build_release(root, rows=3000, geocoder=True, incidents=True)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def cells(page: str, field: str) -> list[str]:
    """The cells of a field's row, in words."""
    (row,) = re.findall(rf'<tr><th scope="row"><code>{field}</code></th>(.*?)</tr>', page, re.DOTALL)
    return [words(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]


@pytest.mark.parametrize("name", ["requests", "incidents", "areas", "services", "feedback", "exclusions", "changes"])
def test_the_profile_is_that_of_the_published_file(linked: Release, name: str) -> None:
    """Counted from the index here, and from the Parquet file by DuckDB on its own there."""
    found, of = profile(linked, name), table(linked, name)
    file = f"'{linked.folder / f'{name}.parquet'}'"
    assert found.rows == duckdb.sql(f"SELECT count(*) FROM {file}").fetchall()[0][0]
    assert list(found.fields) == list(of.fields)
    for field in found.fields.values():
        sql = f'SELECT count("{field.name}"), count(DISTINCT "{field.name}") FROM {file}'
        assert (field.filled, field.distinct) == duckdb.sql(sql).fetchall()[0], field.name
        assert not field.about
        if field.values:
            sql = (
                f"""SELECT "{field.name}"::VARCHAR, count(*) FROM {file} WHERE "{field.name}" IS NOT NULL GROUP BY 1"""
            )
            assert {str(value): n for value, n in field.values} == _told(duckdb.sql(sql).fetchall()), field.name
            assert [n for _, n in field.values] == sorted((n for _, n in field.values), reverse=True)
        if field.low is not None:
            sql = f'SELECT min("{field.name}"), max("{field.name}") FROM {file}'
            assert (field.low, field.high) == duckdb.sql(sql).fetchall()[0], field.name
            assert kind_of_type(of.types[field.name]) in ("number", "date", "time")


def _told(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    return {{"true": "True", "false": "False"}.get(value, value): n for value, n in rows}


def test_every_table_has_a_page_that_tells_every_column(linked: Release, tmp_path: Path) -> None:
    settings = PortalSettings(releases=linked.folder.parent)
    with TestClient(create_app(settings)) as portal:
        data = portal.get("/data").text
        for name, of in tables(linked).items():
            assert f'href="/data/{name}"' in data
            answer = portal.get(f"/data/{name}")
            assert answer.status_code == 200
            for field in of.schema:
                meaning, filled, values = cells(answer.text, field.name)
                assert field.description in meaning
                told = profile(linked, name).fields[field.name]
                rows = profile(linked, name).rows
                assert filled.startswith("all" if told.filled == rows else number(told.filled))
                assert (values == "none") == (told.filled == 0)
            for href in re.findall(r'href="(/download/[^"]+|/datapackage.json|/data.json|/dcat[^"]+)"', answer.text):
                assert portal.head(unescape(href)).status_code == 200, href
            (ways,) = re.findall(r'<ul class="api">(.*?)</ul>', answer.text, re.DOTALL)
            for url in re.findall(r"<code>http://testserver(.*?)</code>", ways):
                assert portal.get(unescape(url)).status_code == 200, url
        assert portal.get("/data/nothing").status_code == 404
        assert portal.get("/data/requests/x").status_code == 404
        assert portal.get("/data/" + "x" * 5000).status_code in (404, 414)


def test_what_is_told_of_a_column(client: TestClient, release: Release) -> None:
    page = client.get("/data/requests").text
    ((rows, points, low, high),) = release.query("SELECT count(*), count(lat), min(lat), max(lat) FROM requests")
    meaning, filled, values = cells(page, "lat")
    assert "by the source or the geocoder, and by the privacy policy" in meaning
    assert filled == f"{number(points)} ({number(rows - points)} missing, {round(100 * (1 - points / rows))}%)"
    assert values.startswith(f"{low:.6f}".rstrip("0") + " to " + f"{high:.6f}".rstrip("0"))
    _, filled, values = cells(page, "status")
    assert filled == "all"
    counts = release.query("SELECT status::VARCHAR, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC")
    assert values == " ".join(f"{value} {number(n)}" for value, n in counts)
    assert cells(page, "district")[0].endswith("(text; by the point and the boundaries of its day)")
    assert "Every row is invented" in page
    assert "Not in it: 12 rows" in page
    assert "Places may be told less exactly" in page


def test_it_speaks_spanish(client: TestClient) -> None:
    page = client.get("/data/requests?lang=es").text
    assert '<html lang="es">' in page
    assert "status" in page


# --- long tables ------------------------------------------------------------------------------


def test_estimates_of_a_long_table_are_close_and_told_as_such(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = table(release, "requests")
    exact = counted(release, of)
    monkeypatch.setattr(profile_of_fields, "AT_ONCE", 10)
    monkeypatch.setattr(profile_of_fields, "EXACT", 1000)
    rough = counted(release, of)
    assert rough.rows == exact.rows
    estimated = 0
    for name, field in rough.fields.items():
        true = exact.fields[name]
        assert (field.filled, field.low, field.high, field.values) == (true.filled, true.low, true.high, true.values)
        if field.about:
            estimated += 1
            assert abs(field.distinct - true.distinct) <= 0.2 * true.distinct, name
        else:
            assert field.distinct == true.distinct
        assert len(field.values) <= FEW
    assert estimated >= 5


def test_a_page_does_not_wait_for_a_long_table(releases_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, real = threading.Event(), counted

    def slowly(release: Release, of: Any) -> Any:
        assert go.wait(30)
        return real(release, of)

    monkeypatch.setattr(profile_of_fields, "AT_ONCE", 10)
    monkeypatch.setattr(profile_of_fields, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(profile_of_fields, "counted", slowly)
    settings = PortalSettings(releases=releases_path)
    app = create_app(settings)
    with TestClient(app) as portal:
        try:
            answer = portal.get("/data/requests")
            assert answer.status_code == 200
            assert "still being counted" in answer.text
            assert cells(answer.text, "status")[1:] == ["–", "–"]
            assert "5,000 rows" in answer.text, "of these the package tells"
        finally:
            go.set()
        profile_of_fields._JOBS["requests"].wait(app.state.releases.current())
        answer = portal.get("/data/requests")
        assert "still being counted" not in answer.text
        assert cells(answer.text, "status")[1] == "all"
        assert cells(answer.text, "service_request_id")[2] == "5,000 different"


def test_a_profile_that_fails_leaves_the_page(releases_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(release: Release, of: Any) -> Any:
        raise duckdb.OutOfMemoryException("no room")

    monkeypatch.setattr(profile_of_fields, "AT_ONCE", 10)
    monkeypatch.setattr(profile_of_fields, "counted", never)
    with TestClient(create_app(PortalSettings(releases=releases_path))) as portal:
        answer = portal.get("/data/requests")
        assert answer.status_code == 200
        assert "could not be counted" in answer.text
