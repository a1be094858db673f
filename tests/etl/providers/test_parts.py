"""The cache, the reading of addresses into columns, and the settings."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from etl.config.geocoder import GeocoderSettings
from etl.config.providers import CensusProvider, NominatimProvider, PeliasProvider, Provider
from etl.errors import StoreError
from etl.providers.answers import Candidate, apart, located, read, written
from etl.providers.cache import AnswerCache, key_of
from etl.providers.census import _rows, columns
from etl.providers.chain import clean
from etl.providers.geopy_services import nominatim_kind, pelias_kind, same_number
from geo.geocoding.results import filled, nothing

ANSWER = (Candidate("house", "12 ELM ST", -71.06, 42.35, "02108", 12.5, 0.5),)
FOREVER = (1e6, 1e6)


def test_an_answer_is_kept_and_found_again(tmp_path: Path) -> None:
    key, other = key_of("census", "http://a", "12 Elm St"), key_of("census", "http://b", "12 Elm St")
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        cache.keep({key: ANSWER})
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        assert cache.many([key, other], *FOREVER) == {key: ANSWER}
    assert (tmp_path / "answers.sqlite").stat().st_mode & 0o077 == 0


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    now = [0.0]
    with AnswerCache(tmp_path / "answers.sqlite", most=3, clock=lambda: now[0]) as cache:
        for i in range(10):
            now[0] = float(i)
            cache.keep({bytes([i]): ANSWER})
        assert len(cache) == 3
        assert sorted(cache.many([bytes([i]) for i in range(10)], *FOREVER)) == [b"\x07", b"\x08", b"\x09"]


def test_a_damaged_answer_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with AnswerCache(path) as cache:
        cache.keep({b"1": ANSWER, b"2": ()})
        with sqlite3.connect(path) as db:
            db.execute("UPDATE answer SET body = '[[1,2' WHERE key = ?", [b"1"])
        db.close()
        assert cache.many([b"1", b"2"], *FOREVER) == {b"2": ()}


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough to look like one " * 20])
def test_a_file_that_is_no_cache_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"^[^\n]*cannot be used[^\n]*$"):
        AnswerCache(path)
    assert path.read_bytes() == content


def _write_for_ever(path: str, ready: Any, first: int) -> None:
    with AnswerCache(Path(path)) as cache:
        for i in range(10_000_000):
            cache.keep({f"{first + i}-{part}".encode(): ANSWER for part in range(2)})
            ready.send(first + i)


def test_two_processes_and_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    context = multiprocessing.get_context("spawn")
    stored: list[int] = []
    runs = []
    for first in (0, 1_000_000_000):
        end, far = context.Pipe(duplex=False)
        process = context.Process(target=_write_for_ever, args=(str(path), far, first), daemon=True)
        process.start()
        far.close()
        runs.append((process, end))
    for _, end in runs:
        stored += [end.recv() for _ in range(20)]
    for process, end in runs:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        while True:
            try:
                stored.append(end.recv())
            except EOFError:
                break
    with AnswerCache(path) as cache:
        keys = [f"{i}-{part}".encode() for i in stored for part in range(2)]
        assert len(cache.many(keys, *FOREVER)) == len(keys)
        assert len(cache) % 2 == 0
        cache.keep({b"later": ()})


def test_turns(tmp_path: Path) -> None:
    now = [1000.0]
    with AnswerCache(tmp_path / "a.sqlite", clock=lambda: now[0]) as cache:
        assert [cache.turn("x", 2.0) for _ in range(3)] == [0.0, 2.0, 4.0]
        assert cache.turn("y", 2.0) == 0.0
        now[0] = 1005.0
        assert cache.turn("x", 2.0) == 1.0
        # The clock was set back by an hour: nobody waits an hour.
        now[0] = -2600.0
        assert cache.turn("x", 2.0) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 Elm St", ("12 Elm St", "Boston", "MA", "02101")),
        ("12 Elm St 02108", ("12 Elm St", "Boston", "MA", "02108")),
        ("12 Elm St, Salem, NH 03079-1234, USA", ("12 Elm St", "Salem", "NH", "03079")),
        ("12 Elm St, Salem, nh, 03079", ("12 Elm St", "Salem", "NH", "03079")),
        ("12 Elm St, Apt 4, boston", ("12 Elm St Apt 4", "boston", "MA", "02101")),
        ("12 Elm St, Apt 4", ("12 Elm St Apt 4", "Boston", "MA", "02101")),
        ("12 Elm Ct", ("12 Elm Ct", "Boston", "MA", "02101")),
        ("90210", None),
        (",,,", None),
        ("", None),
        ("x" * 101, None),
    ],
)
def test_columns(text: str, expected: tuple[str, ...] | None) -> None:
    assert columns(text, "02101", "Boston", "MA") == expected


@given(st.text(max_size=60) | st.text(alphabet='12 ,"StMA0', max_size=40))
def test_columns_never_break_the_batch(text: str) -> None:
    plain = clean(text)
    found = columns(plain, "", "Boston", "MA") if plain else None
    if found:
        row = ",".join(found)
        assert row.count(",") == 3
        assert '"' not in row
        assert len(row.splitlines()) == 1
        row.encode()


@given(st.text(max_size=200) | st.text(alphabet='1",MatchExacTieN_o\n-.', max_size=200))
def test_rows_are_never_more_than_were_asked_for(text: str) -> None:
    into: dict[int, Any] = {}
    _rows(text, 3, into)
    assert set(into) <= {0, 1, 2}


def test_a_row_without_its_end_is_none() -> None:
    whole = '"1","x","Match","Exact","12 ELM ST, BOSTON, MA, 02108","-71.06,42.35","8","L"'
    for length in range(len(whole) + 1):
        into: dict[int, Any] = {}
        # The last quote of a last field may be missing nowhere.
        assert _rows(whole[:length], 1, into) == (length in (0, len(whole)))
        assert bool(into) == (length == len(whole))


@given(st.text(max_size=30), st.text(max_size=30))
def test_numbers_and_kinds_take_any_text(asked: str, found: str) -> None:
    assert nominatim_kind(asked, {"address": {"house_number": found}, "class": found, "type": asked})
    assert pelias_kind(asked, {"layer": "address", "housenumber": found})


@given(st.integers(0, 10**9), st.text(max_size=40))
def test_same_number_takes_any_text(number: int, found: str) -> None:
    assert same_number(str(number), str(number)) or number > 999_999_999
    assert isinstance(same_number(str(number), found), bool)


@given(st.text())
def test_clean_text_is_one_short_line(text: str) -> None:
    line = clean(text)
    assert line == clean(line)
    assert len(line.splitlines()) <= 1
    line.encode()


def test_candidates_that_are_the_same_place_are_no_tie() -> None:
    near = ANSWER[0]._replace(lat=42.3501)
    far = ANSWER[0]._replace(lat=42.36)
    assert apart((-71.06, 42.35), (-71.06, 42.36)) == pytest.approx(1111.95)
    found = located("nominatim", [(ANSWER[0], near), (ANSWER[0], far), None, ()])
    assert list(found.alternatives) == [1]
    assert found.score.tolist() == [0.5, 0.25, 0.0, 0.0]
    moved = filled(nothing(3), located("nominatim", [(ANSWER[0], far)]), [2])
    assert list(moved.alternatives) == [2]
    assert moved.method.tolist() == [0, 0, 1]


@given(
    st.lists(
        st.builds(
            Candidate,
            st.text(),
            st.text(),
            st.floats(1, 180),
            st.floats(1, 90),
            st.text(),
            st.floats(0, 1e6),
            st.just(1.0),
        ),
        max_size=4,
    )
)
def test_answers_survive_being_written(candidates: list[Candidate]) -> None:
    assert read(written(tuple(candidates))) == tuple(candidates)


# --- settings --------------------------------------------------------------------------------------

SETTINGS: TypeAdapter[Any] = TypeAdapter(Provider)


def test_no_service_is_asked_unless_it_is_named() -> None:
    assert GeocoderSettings().providers == ()
    named = GeocoderSettings.model_validate({"providers": [{"kind": "census"}]})
    assert [p.kind for p in named.providers] == ["census"]


def test_settings_by_kind() -> None:
    assert isinstance(SETTINGS.validate_python({"kind": "census"}), CensusProvider)
    assert isinstance(SETTINGS.validate_python({"kind": "nominatim", "url": "https://n.example"}), NominatimProvider)
    given = {"kind": "pelias", "url": "https://p.example/", "api_key_env": "PELIAS_KEY"}
    made = SETTINGS.validate_python(given)
    assert isinstance(made, PeliasProvider)
    assert made.url == "https://p.example"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "nominatim", "url": "https://nominatim.openstreetmap.org", "rate_per_second": 2}, "1 a second"),
        ({"kind": "nominatim", "url": "https://NOMINATIM.openstreetmap.org./", "rate_per_second": 1.1}, "1 a second"),
        ({"kind": "nominatim", "url": "https://u:p@n.example"}, "password"),
        ({"kind": "pelias", "url": "https://p.example?api_key=x"}, "base address"),
        ({"kind": "pelias", "url": "ftp://p.example"}, "web address"),
        ({"kind": "pelias", "url": "https://p.example", "api_key": "x"}, "Extra inputs"),
        ({"kind": "nominatim", "url": "https://n.example", "email": "a@b)\r\nX: y"}, "pattern"),
        ({"kind": "census", "batch_rows": 10_001}, "10000"),
        ({"kind": "census", "city": "Boston, MA"}, "pattern"),
        ({"kind": "google"}, "kind"),
    ],
)
def test_settings_that_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SETTINGS.validate_python(given)
