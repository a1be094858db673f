"""A selection is its query, its SQL and its sentence."""

from __future__ import annotations

from datetime import UTC, date
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.age import USUAL, Age
from portal.errors import BadSelection
from portal.release import Release
from portal.selection import COLUMNS, NOT_STATED, Selection
from portal.selection_query import MAX_LONG_CHARS
from tests.release_factory import AS_OF, CHANNELS, DEPARTMENTS, DISTRICTS, ENUMS, SERVICES, WARDS

VALUES = {
    "service": [s[0] for s in SERVICES],
    "group": ENUMS["service_group"],
    "department": list(DEPARTMENTS),
    "status": ["open", "closed"],
    "outcome": ENUMS["outcome"],
    "channel": list(CHANNELS),
    "on_time": ENUMS["on_time"],
}


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from([*values, NOT_STATED]), max_size=3).map(tuple)


days = st.none() | st.dates(date(2021, 1, 1), date(2026, 1, 1))
AS_OF_UTC = AS_OF.replace(tzinfo=UTC)
ages = st.none() | st.builds(
    lambda least, more: Age(least, more and least + more, AS_OF_UTC),
    st.integers(0, 400),
    st.none() | st.integers(1, 400),
)
areas = st.lists(
    st.tuples(st.just("district"), st.sampled_from([d[0] for d in DISTRICTS] + [NOT_STATED]))
    | st.tuples(st.just("ward"), st.sampled_from(WARDS)),
    max_size=3,
).map(tuple)
selections = st.builds(
    Selection,
    **{key: some(values) for key, values in VALUES.items()},
    area=areas,
    from_date=days,
    to_date=st.none(),
    age=ages,
) | st.builds(Selection, to_date=days, area=areas)


@settings(max_examples=150, deadline=None)
@given(selections)
def test_a_selection_survives_its_query(release: Release, selection: Selection) -> None:
    query = selection.to_query()
    again = Selection.from_query(query, release)
    assert again == selection and hash(again) == hash(selection)
    assert again.to_query() == query


@settings(max_examples=60, deadline=None)
@given(selections)
def test_the_index_and_a_reader_get_the_same_rows(release: Release, selection: Selection) -> None:
    for where, params in (selection.where(), release.where(selection)):
        assert where.count("?") == len(params)
    plain, plain_params = selection.where()
    fast, fast_params = release.where(selection)
    sql = "SELECT count(*), sum(rid) FROM requests WHERE "
    assert release.query(sql + plain, plain_params) == release.query(sql + fast, fast_params)


@settings(max_examples=60, deadline=None)
@given(selections)
def test_every_selection_has_a_sentence(release: Release, selection: Selection) -> None:
    sentence = selection.sentence(release)
    assert sentence and "{" not in sentence


def test_the_sentence_says_what_is_selected(release: Release) -> None:
    query = "service=tree&department=parks&area=district:2&from=2024-01-01&to=2024-02-01&status=open"
    sentence = Selection.from_query(query, release).sentence(release)
    for words in ("Tree request", "Parks & Recreation", "South", "2024", "open"):
        assert words in sentence
    assert Selection().sentence(release) == "All requests"


def test_ages_are_whole_days_until_the_closing_or_until_now(release: Release) -> None:
    def n(query: str) -> int:
        where, params = Selection.from_query(query, release).where()
        found = release.query(f"SELECT count(*) FROM requests WHERE {where}", params)[0][0]
        assert release.chosen(Selection.from_query(query, release)).n == found, query
        return int(found)

    told = [n(f"age={text}") for text in USUAL]
    known = "status = 'open' AND requested_datetime <= ? OR status = 'closed' AND closed_datetime >= requested_datetime"
    assert sum(told) == release.query(f"SELECT count(*) FROM requests WHERE {known}", [AS_OF])[0][0] > 0
    assert all(told) and n("age=0-") == sum(told)
    long = "SELECT count(*) FROM requests WHERE status = 'open' AND requested_datetime <= ? - INTERVAL 30 DAY"
    assert n("status=open&age=30-") == release.query(long, [AS_OF])[0][0] > 0
    took = "SELECT count(*) FROM requests WHERE status = 'closed' AND closed_datetime - requested_datetime < INTERVAL 1 DAY"
    assert n("status=closed&age=-1") == release.query(f"{took} AND closed_datetime >= requested_datetime")[0][0] > 0
    assert Selection.from_query("age=-7", release).to_query() == "age=0-7"


def test_order_and_repetition_do_not_matter(release: Release) -> None:
    one = Selection.from_query("service=tree&service=noise&service=tree", release)
    assert one == Selection.from_query({"service": ["noise", "tree"]}, release)
    assert one.to_query() == "service=noise&service=tree"


def test_empty_values_and_unknown_keys_are_ignored(release: Release) -> None:
    assert Selection.from_query("service=&utm_source=x&from=&lang=es", release) == Selection()
    assert not Selection()


def test_values_add_within_a_key_and_narrow_between_keys(release: Release) -> None:
    def n(query: str) -> int:
        where, params = Selection.from_query(query, release).where()
        return int(release.query(f"SELECT count(*) FROM requests WHERE {where}", params)[0][0])

    assert n("status=open") + n("status=closed") == n("") == n("status=open&status=closed")
    assert n("area=district:1") + n("area=district:2") == n("area=district:1&area=district:2")
    assert n("area=district:1&area=ward:1") < min(n("area=district:1"), n("area=ward:1"))
    assert n("department=(none)") == n("service=noise")


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("service=nope", "service"),
        ("service=pothole'--", "service"),
        ("status=OPEN", "status"),
        ("area=district", "area"),
        ("area=nowhere:1", "area"),
        ("area=district:99", "area"),
        ('area=district"; DROP TABLE requests;--:1', "area"),
        ("from=yesterday", "from"),
        ("age=old", "age"),
        ("age=-", "age"),
        ("age=7", "age"),
        ("age=30-7", "age"),
        ("age=7-7", "age"),
        ("age=0-40000", "age"),
        ("age=99999-", "age"),
        ("age=1-2&age=2-3", "age"),
        ("age=٣-٤", "age"),
        ("from=2024-02-30", "from"),
        ("to=20240101", "to"),
        ("from=2024-01-02&to=2024-01-01", "from"),
        ("from=2024-01-01&from=2024-01-02", "from"),
        ("&".join(["service=tree"] * 51), "service"),
        ("service=" + "x" * 201, "service"),
        ("x=" + "y" * 17_000, "query"),
        ("&".join(f"area=district:{'x' * 190}" for _ in range(25)), "query"),
        ("filter=" + "status='é'".replace("é", "é" * 3000), "query"),
        ("filter=" + "response_hours>1e9 or ".replace(" ", "+") * 150 + "response_hours>1e9", "filter"),
        ("&".join(f"k{i}=v" for i in range(700)), "query"),
        ("service=%00", "service"),
        ("service=\ud800", "service"),
    ],
)
def test_what_the_release_does_not_have_is_refused_by_name(release: Release, query: str, key: str) -> None:
    with pytest.raises(BadSelection) as caught:
        Selection.from_query(query, release)
    assert caught.value.key == key
    assert caught.value.status == 400
    assert len(str(caught.value)) < 500


def test_a_selection_of_any_length_that_is_taken_can_be_asked_for_again(release: Release) -> None:
    """Also escaped, whatever that adds, and in canonical form, which may be longer than what was said."""
    numbers = ",".join(f"'R{i:08d}'" for i in range(240))
    lengths = []
    for said in (f"service_request_id IN ({numbers})", "response_hours>1e9 or " * 100 + "response_hours>1e9"):
        assert len(said) < MAX_LONG_CHARS
        selection = Selection.from_query(urlencode({"filter": said}), release)
        lengths.append(len(selection.to_query()))
        assert Selection.from_query(selection.to_query(), release) == selection
    assert max(lengths) > 4096


def test_a_refusal_names_a_few_values_that_would_do(release: Release) -> None:
    with pytest.raises(BadSelection) as caught:
        Selection.from_query("department=police", release)
    assert "police" in str(caught.value) and "parks" in str(caught.value)


def test_dates_in_the_wrong_order_are_both_named(release: Release) -> None:
    with pytest.raises(BadSelection, match="the first date, 2024-01-02, is after the last one, 2024-01-01"):
        Selection.from_query("from=2024-01-02&to=2024-01-01", release)


def test_a_column_can_only_be_a_plain_name() -> None:
    with pytest.raises(ValueError):
        Selection(area=(('x" OR 1=1 --', "1"),)).where()


def test_all_dimensions_are_columns_of_the_release(release: Release) -> None:
    assert set(COLUMNS.values()) <= release.columns
