"""The printed brief: always two pages, nothing outside them, the page's own figures, and no way to anything else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader

from portal import queries
from portal.app import create_app
from portal.brief.make import brief
from portal.brief.place_map import View, place_map
from portal.brief.sheet import PAPERS, Sheet, readable
from portal.brief_routes import file_name
from portal.release import Release, Releases
from portal.selection import Selection
from portal.settings import PortalSettings
from portal.text import duration_words, number, speaking
from tests.release_factory import build_release

LONG = "Saint-Étienne-du-Très-Long-Nom ‘Upper’ and “Lower” Meadows – Ünterwald/Łódź/Nguyễn " * 3
UNWRITABLE = "東京都 ** __bold__ [link](http://evil.example) 🙂 العربية"


def read(data: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(data))


def words(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(data).pages).split())


def drawn(
    release: Release, dimension: str, key: str, paper: str = "letter", selection: Selection | None = None
) -> bytes:
    address = f"https://open.example.org/areas/{dimension}/{key}"
    return brief(
        release, selection or Selection(), dimension, key, "District", "https://open.example.org", address, paper
    )


def outside(data: bytes) -> list[str]:
    """Words whose origin lies outside the margins of their page (10 mm), by the content streams themselves."""
    found: list[str] = []
    for page in read(data).pages:
        width, height = float(page.mediabox.width), float(page.mediabox.height)

        def visit(
            text: str, cm: Any, tm: Any, _font: Any, _size: Any, width: float = width, height: float = height
        ) -> None:
            x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
            if text.strip() and not (28 <= x <= width - 28 and 28 <= y <= height - 20):
                found.append(f"{text!r} at {x:.0f}, {y:.0f}")

        page.extract_text(visitor_text=visit)
    return found


@pytest.fixture(scope="module")
def extremes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A city of long and strange names, and an area of three requests."""
    root = tmp_path_factory.mktemp("brief")

    def change(db: Any) -> None:
        db.execute("UPDATE areas SET name = ? WHERE layer = 'district' AND area = '1'", [LONG])
        db.execute("UPDATE areas SET name = ? WHERE layer = 'district' AND area = '2'", [UNWRITABLE])
        db.execute("UPDATE departments SET name = ? || department", [LONG])
        db.execute("UPDATE services SET service_name = ? || service_code", [LONG])
        db.execute(
            "DELETE FROM requests WHERE ward = '7' AND rid NOT IN (SELECT rid FROM requests WHERE ward = '7' LIMIT 3)"
        )

    build_release(root, rows=4000, files=False, change=change)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


CASES = [("district", "1"), ("district", "2"), ("district", "4"), ("ward", "7"), ("department", "parks")]


@pytest.mark.parametrize("paper", sorted(PAPERS))
@pytest.mark.parametrize(("dimension", "key"), CASES)
def test_two_pages_whatever_the_names_and_numbers(extremes: Release, dimension: str, key: str, paper: str) -> None:
    for tag in ("en", "es"):
        with speaking(tag, "en"):
            data = drawn(extremes, dimension, key, paper)
        pages = read(data).pages
        assert len(pages) == 2
        for page in pages:
            assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(
                [mm * 72 / 25.4 for mm in PAPERS[paper]], abs=0.6
            )
        assert outside(data) == []


def test_the_check_for_what_is_outside_can_fail() -> None:
    sheet = Sheet("a4", "#0b5cad", "t", "a", "en", read_time())
    sheet.add_page()
    sheet.line_of(2, 100, "too far to the left", 10)
    assert len(outside(sheet.finished())) == 1


def read_time() -> Any:
    from datetime import UTC, datetime

    return datetime(2025, 1, 1, tzinfo=UTC)


def test_a_selection_of_nothing_and_the_longest_one_are_two_pages_too(extremes: Release) -> None:
    services = tuple(extremes.allowed("service"))
    nothing = Selection(status=("open",), outcome=("done",))
    everything = Selection(service=services, department=tuple(extremes.allowed("department")))
    for selection in (nothing, everything):
        data = drawn(extremes, "ward", "3", "letter", selection)
        assert len(read(data).pages) == 2
        assert outside(data) == []


def test_says_the_figures_of_the_page(release: Release) -> None:
    report = queries.report(release, Selection(), "district", "1")
    said = words(drawn(release, "district", "1"))
    half = report.response.quantiles[50].hours
    for figure in (
        number(report.totals.requests), number(report.totals.open), duration_words(half),
        number(report.backlog.open), release.id, "Testville", release.allowed("district")["1"],
    ):  # fmt: skip
        assert figure in said
    for row in report.services[:8]:
        assert number(row.requests) in said
    assert "Not real data" in said
    assert "https://open.example.org/areas/district/1" in said


def test_without_the_stamp_for_a_real_city(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    real = release.city.model_copy(update={"synthetic": False})
    monkeypatch.setattr(Release, "city", property(lambda self: real))
    assert "Not real data" not in words(drawn(release, "district", "1"))


def test_is_tagged_titled_and_in_its_language(release: Release) -> None:
    with speaking("es", "en"):
        document = read(drawn(release, "district", "1"))
    root = document.trailer["/Root"]
    assert root["/Lang"] == "es"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert release.allowed("district")["1"] in str(document.metadata.title)
    kinds: dict[str, int] = {}
    for element in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]:
        element = element.get_object()
        kinds[element["/S"]] = kinds.get(element["/S"], 0) + 1
        if element["/S"] == "/Figure":
            assert len(str(element["/Alt"])) > 20
    assert kinds["/H1"] == 1
    assert kinds["/H2"] >= 6
    assert kinds["/Figure"] >= 5


def test_marks_enclose_everything_that_is_drawn(release: Release) -> None:
    for page in read(drawn(release, "district", "1")).pages:
        depth, loose = 0, []
        for operands, operator in page.get_contents() and _operations(page):
            depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
            assert 0 <= depth <= 1
            if operator in (b"Tj", b"TJ", b"S", b"f", b"f*", b"B", b"B*") and not depth:
                loose.append((operator, operands))
        assert not loose


def _operations(page: Any) -> Any:
    from pypdf.generic import ContentStream

    return ContentStream(page.get_contents(), page.pdf).operations


def test_fonts_are_embedded(release: Release) -> None:
    for page in read(drawn(release, "district", "1")).pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            assert "/FontFile2" in descendant["/FontDescriptor"].get_object()


def test_accents_and_quotes_of_names_can_be_read_back(extremes: Release) -> None:
    said = words(drawn(extremes, "district", "1"))
    assert "Saint-Étienne-du-Très-Long-Nom ‘Upper’ and “Lower” Meadows" in said
    assert "Ünterwald/Łódź/Nguyễn" in said


def test_names_are_no_markup_and_no_links(extremes: Release) -> None:
    data = drawn(extremes, "district", "2")
    assert "__bold__ [link](http://evil.example)" in words(data)
    links = {
        note.get_object()["/A"]["/URI"] for page in read(data).pages for note in page.get("/Annots", [])
    }  # fmt: skip
    assert links
    assert all(link.startswith("https://open.example.org/") for link in links)


def test_the_map_counts_every_located_request_and_keeps_them_in_their_area(release: Release) -> None:
    report = queries.report(release, Selection(), "district", "1")
    shown = place_map(release, View.of(release, report), 90, (0.6, 1.6))
    assert shown.here is not None
    where, params = release.where(report.here)
    located = release.query(f"SELECT count(*) FROM requests WHERE gx IS NOT NULL AND {where}", params)[0][0]
    assert shown.located == located > 100
    west, south, east, north = shown.here.bounds
    inside = (shown.cells[:, 0] >= west) & (shown.cells[:, 0] <= east)
    inside &= (shown.cells[:, 1] >= south) & (shown.cells[:, 1] <= north)
    assert shown.cells[inside, 2].sum() >= 0.97 * located


def test_the_same_release_gives_the_same_bytes(release: Release) -> None:
    assert drawn(release, "district", "1") == drawn(release, "district", "1")


@pytest.mark.parametrize("accent", ["#ffffff", "#ffd800", "#0b3c6f", "#00ff00"])
def test_accents_can_be_read_on_white(accent: str) -> None:
    def channel(part: int) -> float:
        c = part / 255
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    red, green, blue = map(channel, readable(accent))
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


def test_words_that_do_not_fit_are_broken_or_cut() -> None:
    sheet = Sheet("a4", "#0b5cad", "t", "a", "en", read_time())
    sheet.add_page()
    sheet.face(10)
    assert sheet.get_string_width(sheet.fitted("x" * 500, 40)) <= 40
    for line in sheet.broken([("x" * 500 + " and more", False), (".", True), ("y" * 30, False)], 40, 10):
        assert sum(sheet.get_string_width(word) for word, _bold in line) <= 40 + 3
    assert "".join(word for line in sheet.broken("a b c", 40, 10) for word, _bold in line) == "a b c"


# --- over HTTP -----------------------------------------------------------------


def test_is_served_with_the_headers_of_a_file(client: TestClient, release: Release) -> None:
    answer = client.get("/areas/district/1/brief.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-openward-release"] == release.id
    assert answer.headers["cache-control"] == "no-cache"
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9_.-]+\.pdf"', answer.headers["content-disposition"])
    again = client.get("/areas/district/1/brief.pdf", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert not again.content
    assert client.head("/areas/district/1/brief.pdf").status_code == 200


def test_paper_language_and_filters_follow_the_query(client: TestClient) -> None:
    plain = read(client.get("/departments/parks/brief.pdf").content).pages[0].mediabox
    assert float(plain.width) == pytest.approx(612, abs=1)  # Letter: the city's clock is an American one
    a4 = client.get("/departments/parks/brief.pdf?paper=a4&lang=es&from=2024-01-01").content
    assert float(read(a4).pages[0].mediabox.height) == pytest.approx(841.9, abs=1)
    assert read(a4).trailer["/Root"]["/Lang"] == "es"
    assert "/departments/parks?from=2024-01-01&lang=es" in words(a4)
    filtered = words(client.get("/areas/district/1/brief.pdf?service=pothole").content)
    assert "Service: Pothole repair" in filtered


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/areas/district/nowhere/brief.pdf", 404),
        ("/areas/nothing/1/brief.pdf", 404),
        ("/areas/district/..%2F..%2Fetc%2Fpasswd/brief.pdf", 404),
        ("/departments/nobody/brief.pdf", 404),
        ("/departments/(none)/brief.pdf", 404),
        ("/areas/district/1/brief.pdf?paper=a0", 400),
        ("/areas/district/1/brief.pdf?service=nothing", 400),
        ("/areas/district/1/brief.pdf?from=yesterday", 400),
    ],
)
def test_what_is_not_there_is_no_brief(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "pdf" not in answer.headers["content-type"]


def test_the_page_leads_to_it(client: TestClient) -> None:
    page = client.get("/areas/district/1?service=pothole").text
    assert "/areas/district/1/brief.pdf?service=pothole" in page


def test_the_file_name_is_plain(release: Release) -> None:
    assert file_name(release, "district", 'Peña "x"/../\r\n2').startswith(
        f"{release.city.id}-synthetic-district-Pena-x-2-"
    )


def test_needs_no_network_and_no_written_file(
    releases_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import socket

    def refused(*_arguments: Any, **_named: Any) -> None:
        raise AssertionError("a brief asked for the network or a temporary file")

    settings = PortalSettings(releases=releases_path)
    with TestClient(create_app(settings)) as client:
        client.get("/areas/district/2/brief.pdf")
        monkeypatch.setattr(socket.socket, "connect", refused)
        monkeypatch.setattr("tempfile.NamedTemporaryFile", refused)
        monkeypatch.setattr("tempfile.TemporaryFile", refused)
        assert client.get("/areas/district/3/brief.pdf").status_code == 200
