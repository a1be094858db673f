"""Redaction of free text: what must go, what must stay, and that a column comes out as its texts do."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.privacy import lexicon
from etl.privacy.evaluate import evaluate, left_over, wrongly_removed
from etl.privacy.patterns import RULES, luhn
from etl.privacy.planted import HELD_OUT, Example, Item, examples
from etl.privacy.redact import Redactor

SEED = 20_240  # none of the seeds that the rules were developed with


@pytest.fixture(scope="module")
def redactor():
    return Redactor()


@pytest.fixture(scope="module")
def planted():
    return examples(SEED)


@pytest.fixture(scope="module")
def figures(redactor, planted):
    return evaluate(redactor, planted)


# --- the thresholds of the requirement -----------------------------------------


def test_patterns_are_found(figures):
    assert figures.patterns.planted > 900
    assert figures.patterns.share >= 0.99
    for kind in ("phone", "email", "plate", "card", "ssn"):
        assert figures.kinds[kind].planted >= 90
        assert figures.kinds[kind].share >= 0.97, kind


def test_names_are_found(figures):
    assert figures.names.planted > 900
    assert figures.names.lower >= 0.95


def test_few_words_are_wrongly_removed(figures):
    assert figures.words > 15_000
    assert figures.removed_share <= 0.005


def test_figures_for_publication(figures):
    out = figures.as_dict()
    assert out["examples"] == 2400
    assert set(out["recall"]) == {"name", "phone", "email", "plate", "card", "ssn", "patterns"}
    assert out["recall"]["name"]["at_least"] < out["recall"]["name"]["recall"] <= 1


def test_most_planted_names_are_in_no_list(planted):
    known = lexicon.letters()
    assert not [n for n in HELD_OUT if lexicon.fold(n) in known]
    parts = [
        lexicon.fold(word)
        for e in planted
        for i in e.items
        if i.kind == "name"
        for word in e.text[i.start : i.end].replace("-", " ").replace(",", " ").split()
        if len(word) > 2
    ]
    assert sum(p not in known for p in parts) / len(parts) > 0.5


def test_planted_are_repeatable_and_varied(planted):
    assert examples(SEED) == planted
    assert examples(SEED + 1) != planted
    assert len({e.text for e in planted if e.items}) > 1_900
    assert sum(bool(e.items) for e in planted) >= 2_000


def test_the_measure_can_fail(planted):
    class Nothing:
        def redact(self, text):
            return text

    class Everything:
        def redact(self, text):
            return "[name]"

    none, everything = evaluate(Nothing(), planted), evaluate(Everything(), planted)
    assert none.names.share < 0.02
    assert none.patterns.share < 0.02
    assert none.removed == 0
    assert everything.names.share == 1
    assert everything.removed_share > 0.99


def test_half_a_name_left_is_not_found():
    example = Example("Spoke with Ana Lopez", (Item("name", 11, 20),))
    assert left_over(example, "Spoke with [name] Lopez")
    assert not left_over(example, "Spoke with [name]")
    assert wrongly_removed(example, "with [name]").total() == 1
    # The word also stands elsewhere: that one may stay.
    twice = Example("Lopez St: Ana Lopez", (Item("name", 10, 19),))
    assert not left_over(twice, "Lopez St: [name]")
    assert left_over(twice, "Lopez St: [name] Lopez")


# --- what must go ---------------------------------------------------------------

GO = {
    "[phone]": (
        "617-555-0123|(617) 555-0123|(617)555-0123|617.555.0123|617 555 0123|6175550123|+1 617 555 0123"
        "|1-617-555-0123|+16175550123"
        "|1 (617) 555-0123 x45|617-555-0123 ext. 12|617/555-0123|617 - 555 - 0123|617–555–0123|555-0123|call "
        "555 0123|my cell is 5550123"
        "|six one seven five five five zero one two three|617-555-O123|+44 20 7946 0958|６１７-５５５-０１２３"
        "|617\u00a0555\u00a00123"
        "|617\u200b-555\u200b-0123|[617] 555-0123|phone#617-555-0123"
    ),
    "[e-mail]": (
        "jane.doe@example.com|JANE@COMCAST.NET|jane at gmail dot com|jane[at]gmail.com|jane (at) yahoo (dot) "
        "com|jane_d @ hotmail . com"
        "|jane dot doe at gmail dot com|jane at gmail.com|j.doe+311@mail.example.co.uk|jane@gmail"
    ),
    "[plate]": (
        "plate 123 ABC|MA plate 1ABC23|license plate ABC-1234|lic. 7XYZ123|vehicle tag 358 WSP|MA reg 123ABC"
        "|reg# 1AB 234|white honda 123 QBC parked"
        "|7XYZ123|NH plates 345 6789|license plate number is 4GHT88|MA 1ABC23|ABC 1234 is the plate|placa "
        "123 XBC|lic plate 81234"
        "|Toyota - Tundra - 7x77884|plate: SOXFAN here|plate RD-51020"
    ),
    "[card]": (
        "4111 1111 1111 1111|4111-1111-1111-1111|4111111111111111|378282246310005|3782 822463 10005"
        "|6011.1111.1111.1117"
        "|card number 5500 0000 0000 0005"
    ),
    "[ssn]": (
        "123-45-6789|123 45 6789|123.45.6789|SSN 123456789|social security number is 123456789|ss# "
        "123-45-6789|seguro social 123456789"
        "|social: ssn ending in 6789"
    ),
}


@pytest.mark.parametrize(("mark", "text"), [(m, t) for m, texts in GO.items() for t in texts.split("|")])
def test_numbers_and_addresses_go(redactor, mark, text):
    for whole in (text, f"Please note {text} thanks"):
        out = redactor.redact(whole)
        assert mark in out
        assert not any(c.isdigit() for c in out), out
        assert "gmail" not in out.lower()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Spoke with Kwabena Asante-Boateng", "Kwabena Asante Boateng"),
        ("MRS. DE LA ROSA FELL ON THE ICE", "ROSA"),
        ("Tenant: Nguyễn Thị Hương has no heat", "Nguyễn Thị Hương"),
        ("Lopes, Djoana (2nd floor) requested a new bin", "Lopes Djoana"),
        ("crew: R. Iannuzzi, M. Pham", "Iannuzzi Pham"),
        ("complainant O'Neill-Santos says plow hit fence", "Neill Santos"),
        ("my landlord (Giovanni Petrocelli) wont fix the door", "Giovanni Petrocelli"),
        ("Regards, Sunil K.", "Sunil"),
        ("vecina Doña Carmen se queja del ruido", "Carmen"),
        ("m. lefebvre called again", "lefebvre"),
        ("spoke w/ mr haddad he said ok", "haddad"),
        ("Siobhan’s bike was stolen", "Siobhan"),
        ("REPLACED MANTLES  Q.WEBSTER / Z.O'MALLEY", "WEBSTER MALLEY"),
        ("per Insp. McGillicuddy, no violation", "McGillicuddy"),
        ("owner Li Wei says it is fixed", "Li Wei"),
        ("Ma\u200bria Gonza\u00adlez called", "Maria Gonzalez"),
    ],
)
def test_names_go(redactor, text, parts):
    out = redactor.redact(text)
    assert "[name]" in out
    for part in parts.split():
        assert part not in out


# --- what must stay -------------------------------------------------------------

STAY = (
    "Case 101001234567 closed|see case # 1439332|Duplicate of 101001502343|123 Elm St|1200-1240 Boylston St"
    "|2015-06-12 09:28:25.783|06/12/2015 12:37"
    "|ZIP 02134|Boston MA 02134-1234|fee of $1,250.00|42.3594, -71.0587|(37.7491108211609, "
    "-122.507941657857)|hydrant 1234|pole 345-1234"
    "|Permit # 2015-0012345|NEW CART#0714423912|replaced with a new one:0515630640|8:00 am 4/27/15|graffiti "
    "tag 2 ft high|call 311|Route 128 at exit 15"
    "|unit 1205|Ward 12 Precinct 5|truck idling 45 min|car in front of 45 Elm|tag removed 4/12/15|regarding "
    "123 Main St|work order 555-1234"
    "|parked car 200 yds from school|license plate missing|light post LP#0942-02|Pothole on Marion St near "
    "Franklin Park|Martin Luther King Blvd needs sweeping"
    "|Brown Construction left debris|Green Line stop at Park Street is icy|Will the city mark the crosswalk "
    "on Hill Street?|Please grant a permit for May"
    "|CREW WILL RETURN MONDAY TO PATCH POTHOLE|no recogen la basura en mi calle hace dos semanas|Contacted "
    "DCR regarding the issue"
    "|Spoke with owner, will comply|Per policy, bulk items must be scheduled|Met with contractor on site"
    "|garbge not picked up on recyling day agian"
    "|The Police Department responded to the complaint and took action to fix the condition."
)


@pytest.mark.parametrize("text", STAY.split("|"))
def test_what_is_nobodys_stays(redactor, text):
    assert redactor.redact(text) == text


def test_the_citys_vocabulary_stays():
    text = "Debris on Okonkwo near the Thornell fountain"
    assert Redactor().redact(text) != text
    city = Redactor(keep=["Thornell Fountain", "Okonkwo Street"])
    assert city.redact(text) == text
    assert city.redact("Spoke with Ana Okonkwo") == "Spoke with [name]"


# --- columns --------------------------------------------------------------------


def test_a_column_comes_out_as_its_texts(redactor, planted):
    texts = [e.text for e in planted]
    assert redactor.redact_all(pa.array(texts)).to_pylist() == [redactor.redact(t) for t in texts]


def test_nulls_types_and_chunks(redactor):
    texts = [None, "call 617-555-0123", "", None, "ok", "call 617-555-0123"]
    want = [None, "call [phone]", "", None, "ok", "call [phone]"]
    dictionary = pa.dictionary(pa.int32(), pa.string())
    for column in (
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.array(texts, dictionary),
        pa.chunked_array([texts[:2], texts[2:]]),
        pa.array(texts).slice(0),
    ):
        out = redactor.redact_all(column)
        assert out.type == column.type
        assert type(out) is type(column)
        assert out.to_pylist() == want
    assert redactor.redact_all(pa.array(texts).slice(1, 3)).to_pylist() == want[1:4]
    assert redactor.redact_all(pa.array([], pa.string())).to_pylist() == []
    assert redactor.redact_all(pa.chunked_array([], pa.string())).to_pylist() == []
    assert redactor.redact_all(pa.array([None, None], pa.string())).to_pylist() == [None, None]


WORDS = st.sampled_from(
    "Maria maria Nguyen O'Brien Mr. spoke with plate MA 123 ABC 617 555-0123 -12 4111 1111 at gmail dot com "
    "@ [name] [phone] de la , / . - Thanks St J. A. "
    "Will Rose Hill \u200b \u00a0 é 'S ' ’ Ⅷ ß İ \u0301 １２ tag: SSN 078-05-1120 born 1/2/80 \n".split(" ")
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80), st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS, max_size=8).map("".join)
    )
)
def test_any_text(text):
    redactor = _shared()
    once = redactor.redact(text)
    assert redactor.redact(once) == once
    assert len(once) <= 4 * len(text) + 16
    column = pa.array([text, None, once])
    assert redactor.redact_all(column).to_pylist() == [once, None, once]


_ONE = []


def _shared():
    if not _ONE:
        _ONE.append(Redactor(keep=["Rose Hill"]))
    return _ONE[0]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000,
        "1 " * 10_000,
        "a.b-c@" * 3_000,
        "John " * 3_000,
        "MA " * 5_000,
        "one two " * 3_000,
        "( [ { " * 3_000,
    ],
)
def test_no_text_takes_long(redactor, text):
    redactor.redact(text)


def test_every_rule_has_a_gate_that_arrow_knows():
    for rule in RULES:
        assert rule.rewrite("nothing here") == "nothing here"
        assert pa.compute.match_substring_regex(pa.array(["nothing here"]), rule.gate).to_pylist() == [False]


def test_check_digit():
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
