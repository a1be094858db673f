"""Reading addresses: a table of made-up ones, the laws that hold for any text, and what is not an address at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.geocoding import words
from geo.geocoding.model import NO_STREET, StreetName
from geo.geocoding.parsers import parser_of
from geo.geocoding.reading import Reading, read, read_many, street_name

NAMES = """
West Broadway = W|BROADWAY||
W BROADWAY = W|BROADWAY||
broadway = |BROADWAY||
NORTH ST = |NORTH|ST|
W St = |W|ST|
E ST NW = |E|ST|NW
N E ST = N|E|ST|
N W 5TH ST = NW|5TH|ST|
Main St N W = |MAIN|ST|NW
AVENUE A = |AVENUE A||
Ave. N = |AVENUE N||
AVENUE OF THE AMERICAS = |AVENUE OF THE AMERICAS||
Ave of the Americas = |AVENUE OF THE AMERICAS||
Boulevard of the Pines = |BOULEVARD OF THE PINES||
ST FRANCIS BLVD = |SAINT FRANCIS|BLVD|
Saint Francis Boulevard = |SAINT FRANCIS|BLVD|
ST JAMES ST = |SAINT JAMES|ST|
Mt Vernon Ave = |MOUNT VERNON|AVE|
Ft Hill Rd = |FORT HILL|RD|
Dr Alma Reyes Way = |DOCTOR ALMA REYES|WAY|
PARK AVE S = |PARK|AVE|S
THE EMBARCADERO = |EMBARCADERO||
The Alameda = |ALAMEDA||
La Plaza = |LA PLAZA||
EL CAMINO DEL MAR = |EL CAMINO DEL MAR||
CAMINO REAL = |CAMINO REAL||
Plaza del Sol = |PLAZA DEL SOL||
MARTIN L KING JR BLVD NW = |MARTIN LUTHER KING JR|BLVD|NW
MLK Blvd = |MARTIN LUTHER KING JR|BLVD|
Dr. Martin Luther King Junior Blvd = |MARTIN LUTHER KING JR|BLVD|
JFK Pkwy = |JOHN F KENNEDY|PKWY|
O'FARRELL ST = |OFARRELL|ST|
LAPU-LAPU ST = |LAPU LAPU|ST|
STREET RD = |STREET|RD|
Court St = |COURT|ST|
Avenue St = |AVENUE|ST|
PARK PLACE DR = |PARK PLACE|DR|
Park Pl Dr = |PARK PLACE|DR|
LAKE VIEW TER = |LAKE VIEW|TER|
SOUTH PARK = |SOUTH|PARK|
NORTH POINT ST = N|POINT|ST|
Charlesgate West = |CHARLESGATE||W
Harlow Ave Ext = |HARLOW AVENUE|EXT|
Elm STRRET = |ELM|ST|
Elm Aveneu = |ELM|AVE|
Elm Boulvard = |ELM|BLVD|
Elm Terr = |ELM|TER|
Twentieth Ave = |20TH|AVE|
Twenty-First St = |21ST|ST|
TWENTY FIRST ST = |21ST|ST|
ninety ninth street = |99TH|ST|
One Hundred Twenty Fifth St = |125TH|ST|
03RD ST = |3RD|ST|
2TH AVE = |2TH|AVE|
20 TH AVE = |20TH|AVE|
5 AVE = |5TH|AVE|
WEST 127 STREET = W|127TH|ST|
EAST   85 STREET = E|85TH|ST|
Beach 95 St = |BEACH 95TH|ST|
Public Alley No. 101 = |PUBLIC ALLEY 101||
US HWY 101 = |US HIGHWAY 101||
US-101 = |US HIGHWAY 101||
U.S. Route 101 = |US HIGHWAY 101||
HIGHWAY 101 = |HIGHWAY 101||
Rte 9 = |HIGHWAY 9||
STATE ROUTE 9 = |STATE HIGHWAY 9||
SR 9 = |STATE HIGHWAY 9||
CA-1 = |STATE HIGHWAY 1||
Texas Highway 71 = |STATE HIGHWAY 71||
CR 12 = |COUNTY ROAD 12||
County Road 12 = |COUNTY ROAD 12||
I-80 = |INTERSTATE 80||
INTERSTATE 80 E = |INTERSTATE 80||E
FM 1960 = |FARM TO MARKET ROAD 1960||
Kings Highway = |KINGS|HWY|
I ST = |I|ST|
Peña Blvd = |PENA|BLVD|
Straßburg Ave = |STRASSBURG|AVE|
Łódź Way = |LODZ|WAY|
Msgr Doyle Way = |MONSIGNOR DOYLE|WAY|
\u202eElm St = |ELM|ST|
Elm\x00 St 🚧 = |ELM|ST|
"""

# Address = kind; number or first-second (b: block); street; further streets; then unit=, zip=, city=, place=, suffix=.
ADDRESSES = """
1671 25TH AVE, OAKVILLE, CA, 94122 = address; 1671; 25TH AVE; zip=94122 city=OAKVILLE
1671 25th ave oakville ca 94122 = address; 1671; 25TH AVE; zip=94122 city=OAKVILLE
1671 25th Ave, Oakville, CA 94122-1234 = address; 1671; 25TH AVE; zip=94122 city=OAKVILLE
1671 25th Ave, Oakville CA 94122 = address; 1671; 25TH AVE; zip=94122 city=OAKVILLE
1671 25th Ave, Oakville, CA 94122, USA = address; 1671; 25TH AVE; zip=94122 city=OAKVILLE
12 MAIN ST SPRINGFIELD IL 62701 = address; 12; MAIN ST; zip=62701 city=SPRINGFIELD
12 MAIN ST SPRINGFIELD IL = address; 12; MAIN ST; city=SPRINGFIELD
12 MAIN ST HARTFORD CT 06101 = address; 12; MAIN ST; zip=06101 city=HARTFORD
12 MAIN ST SPRINGFIELD = address; 12; MAIN ST; city=SPRINGFIELD
12 MAIN CT = address; 12; MAIN CT
12 Main St NW Washington DC 20002 = address; 12; MAIN ST NW; zip=20002 city=WASHINGTON
75 W Rutley Sq  Foxbury  MA  02118 = address; 75; W RUTLEY SQ; zip=02118 city=FOXBURY
75 Elm St  West Foxbury  MA = address; 75; ELM ST; city=WEST FOXBURY
 455 VALE ST = address; 455; VALE ST
0 Major Way = address; 0; MAJOR WAY
999999 Elm St = address; 999999; ELM ST
#12 Elm St = address; 12; ELM ST
No. 12 Elm St = address; 12; ELM ST
1125A Elm St = address; 1125; ELM ST; suffix=A
120-B Elm St = address; 120; ELM ST; suffix=B
12 1/2 Elm St = address; 12; ELM ST; suffix=1/2
12½ Elm St = address; 12; ELM ST; suffix=1/2
686-692 Harbor St = address; 686-692; HARBOR ST
51-49 Elm St = address; 51-49; ELM ST
38A-38 Elm St = address; 38-38; ELM ST; suffix=A
1-3A Elm St = address; 1-3; ELM ST
2-2R Elm St = address; 2-2; ELM ST
11 HF-13 Elm St = address; 11-13; ELM ST; suffix=1/2
6 -24 Elm St = address; 6-24; ELM ST
686–692 Elm St = address; 686-692; ELM ST
120-55 QUEENS BLVD = address; 120-55; QUEENS BLVD
41-19 23 AVENUE = address; 41-19; 23RD AVE
364 WEST  127 STREET = address; 364; W 127TH ST
EAST  164 STREET = street; ; E 164TH ST
43 STREET = street; ; 43RD ST
5 AVE, NEW YORK = street; ; 5TH AVE; city=NEW YORK
12 AVENUE N = address; 12; AVENUE N
1006 GERALD AVENUE = address; 1006; GERALD AVE
11 Delano Park = address; 11; DELANO PARK
350 ELLIS ST, Apt 8F, OAKVILLE, CA, 94102 = address; 350; ELLIS ST; unit=APT_8F zip=94102 city=OAKVILLE
350 ELLIS ST APT 8F = address; 350; ELLIS ST; unit=APT_8F
350 ELLIS ST #4 = address; 350; ELLIS ST; unit=#4
350 ELLIS ST # 4 = address; 350; ELLIS ST; unit=#4
350 ELLIS ST, #4 = address; 350; ELLIS ST; unit=#4
350 ELLIS ST UNIT 2 = address; 350; ELLIS ST; unit=UNIT_2
350 ELLIS ST Suite 200 = address; 350; ELLIS ST; unit=STE_200
350 ELLIS ST FL 3 = address; 350; ELLIS ST; unit=FL_3
350 ELLIS ST 2ND FLOOR = address; 350; ELLIS ST; unit=FL_2
350 ELLIS ST, 2nd Floor, Oakville = address; 350; ELLIS ST; unit=FL_2 city=OAKVILLE
350 ELLIS ST REAR = address; 350; ELLIS ST; unit=REAR
12 FRONT ST = address; 12; FRONT ST
12 Lower Ter = address; 12; LOWER TER
Intersection of 16TH ST and GUERRA ST = intersection; ; 16TH ST; GUERRA ST
INTERSECTION of Dart St & Buck St  Foxton  MA = intersection; ; DART ST; BUCK ST; city=FOXTON
INTERSECTION Dart St & Buck St = intersection; ; DART ST; BUCK ST
Dart St & Buck St, Foxton, MA = intersection; ; DART ST; BUCK ST; city=FOXTON
Dart St & Buck St Foxton MA 02118 = intersection; ; DART ST; BUCK ST; city=FOXTON zip=02118
Dart / Buck = intersection; ; DART; BUCK; place=DART_BUCK
Dart St/Buck St = intersection; ; DART ST; BUCK ST
Dart St AT Buck St = intersection; ; DART ST; BUCK ST
Dart St @ Buck St = intersection; ; DART ST; BUCK ST
Dart St and Buck St = intersection; ; DART ST; BUCK ST
Dart St + Buck St = intersection; ; DART ST; BUCK ST
Dart St X Buck St = intersection; ; DART ST; BUCK ST
Dart St near Buck St = intersection; ; DART ST; BUCK ST
CORNER OF A ST AND B ST = intersection; ; A ST; B ST
NE corner of Dart St & Buck St = intersection; ; DART ST; BUCK ST
Dart & Buck Streets = intersection; ; DART ST; BUCK ST
16th & Dart = intersection; ; 16TH; DART; place=16TH_AND_DART
16 & Dart St = intersection; ; 16TH; DART ST
5 AVE & 42 ST = intersection; ; 5TH AVE; 42ND ST
First and Main Sts = intersection; ; 1ST ST; MAIN ST
Dart St & Buck St & Elm St = intersection; ; DART ST; BUCK ST, ELM ST
Intersection of DILLS DR and VISTA CT = intersection; ; DILLS DR; VISTA CT
Intersection of CANAL ST and  = street; ; CANAL ST
Intersection of CANAL ST = street; ; CANAL ST
Intersection of SERRA BLVD OFF RAMP and BROTHER WAY = intersection; ; SERRA BOULEVARD OFF RAMP; BROTHER WAY
Garden St & Garden Street Arch = intersection; ; GARDEN ST; GARDEN STREET ARCH
Vale St btwn 16th St and 17th St = street; ; VALE ST; 16TH ST, 17TH ST
Vale St between 16th St & 17th St = street; ; VALE ST; 16TH ST, 17TH ST
Vale St from 16th St to 17th St = street; ; VALE ST; 16TH ST, 17TH ST
1200 block of Vale St between 16th St and 17th St = block; b1200; VALE ST; 16TH ST, 17TH ST
400 Block of 20TH AVE = block; b400; 20TH AVE
400 BLK 20TH AVE = block; b400; 20TH AVE
the 400 block of Elm St, Oakville = block; b400; ELM ST; city=OAKVILLE
1200 block 20th = block; b1200; 20TH
On the 400 block of Elm St = block; b400; ELM ST
300-block Elm St = block; b300; ELM ST
Elm St, 300 block = block; b300; ELM ST
Elm St b/w 5th St and 6th St = street; ; ELM ST; 5TH ST, 6TH ST
Bus stop at 5th St and Pine = intersection; ; 5TH ST; PINE; place=BUS_STOP
foo@example.com = nothing; ;
12 Block Island Ave = address; 12; BLOCK ISLAND AVE
BUILDING 666 ELLIS STREET, , OAKVILLE, CA, 94109 = address; 666; ELLIS ST; zip=94109 city=OAKVILLE
BUILDING 3850 18TH STREET/ 255 DORL STREET = address; 3850; 18TH ST
Hill Lake Park,    1 11TH AVE, OAKVILLE, CA, 94118 = address; 1; 11TH AVE; zip=94118 city=OAKVILLE place=HILL_LAKE_PARK
Moss Recreation Center, 1800 CHESTER ST, OAKVILLE = address; 1800; CHESTER ST; city=OAKVILLE place=MOSS_RECREATION_CENTER
Moss Recreation Center 1800 CHESTER ST = address; 1800; CHESTER ST; place=MOSS_RECREATION_CENTER
Silver Gate Park, OAKVILLE, CA, 94122 = place; ; SILVER GATE PARK; zip=94122 city=OAKVILLE place=SILVER_GATE_PARK
Rand and Bright Mini Park, , OAKVILLE, CA = place; ; ; city=OAKVILLE place=RAND_AND_BRIGHT_MINI_PARK
Haig Street Mall, OAKVILLE = place; ; HAIG STREET MALL; city=OAKVILLE place=HAIG_STREET_MALL
Park Pres Blvd, OAKVILLE, CA, 94118 = street; ; PARK PRES BLVD; zip=94118 city=OAKVILLE
Norway Maple (172-172A L St) = address; 172-172; L ST; place=NORWAY_MAPLE
(45-47 Hather Rd) = address; 45-47; HATHER RD
12 Elm St (near the school) = address; 12; ELM ST
across from 12 Main St = address; 12; MAIN ST
In front of 12 Main St = address; 12; MAIN ST
near 12 Main St = address; 12; MAIN ST
rear of 12 Main St = address; 12; MAIN ST
opp 12 Main St = address; 12; MAIN ST
corner 12 Main St = address; 12; MAIN ST
Corner St = street; ; CORNER ST
Malcolm X Blvd = street; ; MALCOLM X BLVD
Main St 12 = address; 12; MAIN ST
Apt 4, 12 Main St, Oakville = address; 12; MAIN ST; unit=APT_4 city=OAKVILLE
12 Mass Ave = address; 12; MASS AVE
12 Avenue of the Americas = address; 12; AVENUE OF THE AMERICAS
12 St James St = address; 12; SAINT JAMES ST
12 W St Louis Ave = address; 12; W SAINT LOUIS AVE
100 Public Alley No. 809 = address; 100; PUBLIC ALLEY 809
1234 US Hwy 101 = address; 1234; US HIGHWAY 101
1234 State Route 9 N = address; 1234; STATE HIGHWAY 9 N
12 Elm St at Oak St = address; 12; ELM ST; OAK ST
Not associated with a specific address = nothing; ;
N/A = nothing; ;
N/A, OAKVILLE, CA = nothing; ;
UNKNOWN = nothing; ;
none = nothing; ;
Citywide = nothing; ;
See Notes = nothing; ;
PO Box 123 = nothing; ;
P.O. Box 12, Oakville, CA, 94122 = nothing; ;
12345 = nothing; ;
415 555 1212 = nothing; ;
1234567 = nothing; ;
&&& /// = nothing; ;
, , , = nothing; ;
"""


def _lines(table: str) -> list[tuple[str, str]]:
    cut = (line.rpartition(" = ") for line in table.split("\n") if line)
    return [(text, wanted.strip()) for text, _, wanted in cut]


def _told(reading: Reading) -> str:
    """A reading in the table's words."""
    rest = reading.rest
    number = "" if reading.number < 0 else str(reading.number_first)
    if reading.hyphen:
        number += f"-{reading.number_second}"
    found = [rest.kind, ("b" if reading.block else "") + number, rest.street.text()]
    if rest.cross:
        found.append(", ".join(name.text() for name in rest.cross))
    extras = {
        "suffix": reading.number_suffix, "unit": rest.unit.replace(" ", "_"), "zip": rest.zip, "city": rest.city,
        "place": rest.place.replace(" ", "_"),
    }  # fmt: skip
    extra = " ".join(f"{key}={value}" for key, value in sorted(extras.items()) if value)
    return "; ".join([*found, extra] if extra else found).strip()


def _sorted_extras(wanted: str) -> str:
    parts = wanted.split("; ")
    if "=" in parts[-1]:
        keys = ("suffix=", "unit=", "zip=", "city=", "place=")
        starts = sorted(at for at in (parts[-1].find(key) for key in keys) if at >= 0)
        cut = [parts[-1][a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        parts[-1] = " ".join(sorted(cut))
    return "; ".join(parts).strip()


@pytest.mark.parametrize(("text", "wanted"), _lines(NAMES))
def test_a_streets_name_is_one_whatever_its_spelling(text: str, wanted: str) -> None:
    assert "|".join(street_name(text)) == wanted


@pytest.mark.parametrize(("text", "wanted"), _lines(ADDRESSES))
def test_an_address_is_read(text: str, wanted: str) -> None:
    assert _told(read(text)) == _sorted_extras(wanted)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("12 North Point St", ("", "NORTH POINT", "ST", "")),
        ("12 North Point", ("N", "POINT", "", "")),
        ("12 Hwy 101", ("", "US HIGHWAY 101", "", "")),
        ("12 Vista West Ave", ("", "VISTA", "AVE", "W")),
        ("12 Broadway New York NY 10001", ("", "BROADWAY", "", "")),
        ("1125 A Market St", ("", "MARKET", "ST", "")),
        ("12 Main St Springfield", ("", "MAIN SAINT SPRINGFIELD", "", "")),
        ("12 Silver View", ("", "SILVER VIEW", "", "")),
    ],
)
def test_other_ways_to_read_a_street_are_kept(text: str, other: tuple[str, ...]) -> None:
    assert StreetName(*other) in read(text).rest.others


# --- laws ---------------------------------------------------------------------------------------

_VOCABULARY = (
    sorted(
        set(words.SUFFIXES) | set(words.DIRECTIONS) | set(words.UNITS) | set(words.LONE_UNITS) | set(words.STATE_CODES)
    )
    + "OF THE AND & AT X BETWEEN 12 5 20TH HWY US I STATE MLK DR ( ) # 1/2 BLOCK TWENTY FIRST ONE HUNDRED MAIN LA TH".split()
)
_texts = st.lists(st.sampled_from(_VOCABULARY) | st.text("AB12-,. ", min_size=1, max_size=4), max_size=9).map(" ".join)
_any_text = _texts | st.text(max_size=60)


@given(_any_text)
def test_a_canonical_name_is_its_own_name(text: str) -> None:
    name = street_name(text)
    assert street_name(name.text()) == name
    assert name.text().isascii()
    assert name.text() == name.text().upper()


@given(_texts)
def test_neither_case_nor_blanks_change_a_name(text: str) -> None:
    assert street_name(text.lower()) == street_name(f"  {text.replace(' ', '   ')} ")


@given(_any_text)
@settings(max_examples=300)
def test_any_text_is_read_without_error(text: str) -> None:
    reading = read(text)
    rest = reading.rest
    assert rest.kind in {"address", "block", "intersection", "street", "place", "nothing"}
    assert -1 <= reading.number <= reading.number_high <= 999_999
    assert {reading.number_first, reading.number_second} == {reading.number, reading.number_high}
    assert (rest.kind not in {"address", "block"}) or (reading.number >= 0 and rest.street != NO_STREET)
    assert rest.kind != "intersection" or rest.cross
    assert rest.kind != "place" or rest.place
    assert rest.kind != "nothing" or reading.number < 0
    if text.isascii():
        assert read(text.lower()) == read(text.upper())


@given(st.lists(_any_text | st.none(), max_size=8))
def test_many_read_as_each_alone(texts: list[str | None]) -> None:
    found = read_many(texts)
    assert len(found) == len(texts)
    for at, text in enumerate(texts):
        alone = read(text)
        assert found.rests[found.rest[at]] == alone.rest
        assert (found.number[at], found.number_high[at], found.block[at]) == (
            alone.number, alone.number_high, alone.block,
        )  # fmt: skip


@given(_any_text, st.sampled_from(["us", "generic"]))
def test_every_parser_bears_any_text(text: str, name: str) -> None:
    parser = parser_of(name)
    assert len(parser.read_many([text, None])) == 2
    assert parser.street_name(parser.street_name(text).text()) == parser.street_name(text)


# --- columns and hostile input -------------------------------------------------------------------


def test_columns_of_any_kind_read_the_same() -> None:
    texts = ["12 Elm St", None, "400 block of Oak Ave", "12 Elm St"]
    wanted = [12, -1, 400, 12]
    for column in (texts, np.array(texts, dtype=object), pd.Series(texts), pd.Series(texts, dtype="string"), pa.array(texts),
                   pa.chunked_array([texts[:2], texts[2:]])):  # fmt: skip
        found = read_many(column)
        assert found.number.tolist() == wanted
        assert found.block.tolist() == [False, False, True, False]
    assert len(read_many([])) == 0
    assert read_many([12, float("nan"), "12 Elm St"]).number.tolist() == [-1, -1, 12]


@pytest.mark.parametrize(
    "text",
    [
        "A" * 10_000_000, "1 " * 5_000_000, "12 Elm St" + " " * 10_000, "\x00" * 200, "🚧" * 100, "\u202e\u200f" * 50,
        "(" * 300, "& " * 149, "- " * 149, "12-" * 99, "/" * 300, "#" * 300, "\ud800" * 20,
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_address_reads_as_nothing(text: str) -> None:
    assert read(text).rest.kind == "nothing"


def test_hostile_marks_do_not_hide_an_address() -> None:
    assert _told(read("\u202e12\x00 Elm\u200f St 🚧")) == "address; 12; ELM ST"
    assert _told(read("12 Elm St\ud800")) == "address; 12; ELM ST"
    assert read("'; DROP TABLE requests; --").rest.street != NO_STREET  # harmless words


def test_what_the_fast_reader_misses_goes_to_usaddress(monkeypatch: pytest.MonkeyPatch) -> None:
    import usaddress

    asked: list[str] = []
    answer = {"AddressNumber": "12", "StreetName": "Elm", "StreetNamePostType": "Street", "ZipCode": "62701"}

    def told(text: str) -> tuple[dict[str, str], str]:
        asked.append(text)
        return answer, "Street Address"

    def broken(text: str) -> None:
        raise RuntimeError(text)

    text = "the big old yellow mill with the 2 broken windows behind the green gate {} "
    monkeypatch.setattr(usaddress, "tag", told)
    assert _told(read(text.format("one"))) == "address; 12; ELM ST; zip=62701"
    assert read("12 Elm St").rest.street.base == "ELM"
    assert len(asked) == 1
    monkeypatch.setattr(usaddress, "tag", broken)
    assert read(text.format("two")).rest.kind == "place"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hauptstraße 12a", (12, "A", "HAUPTSTRASSE", "", "")),
        ("12 rue de Rivoli", (12, "", "RUE DE RIVOLI", "", "")),
        ("Rue de Rivoli 12, 75001 Paris", (12, "", "RUE DE RIVOLI", "75001", "PARIS")),
        ("Calle Mayor, 12, 28013 Madrid", (12, "", "CALLE MAYOR", "28013", "MADRID")),
        ("12 bis, rue Émile-Zola", (12, "BIS", "RUE EMILE ZOLA", "", "")),
        ("Tartu maantee", (-1, "", "TARTU MAANTEE", "", "")),
        ("Улица Мира 7", (7, "", "УЛИЦА МИРА", "", "")),
        ("10115", (-1, "", "", "", "")),
    ],
)
def test_the_generic_parser_reads_numbers_in_front_and_behind(text: str, wanted: tuple[object, ...]) -> None:
    found = parser_of("generic").read_many([text])
    rest = found.rests[found.rest[0]]
    assert (found.number[0], found.number_suffix[0], rest.street.base, rest.zip, rest.city) == wanted


def test_an_unknown_parser_is_named() -> None:
    with pytest.raises(ValueError, match="'klingon' is no parser"):
        parser_of("klingon")


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("350 W 1200 N, Millbrook, UT 84000", StreetName("W", "1200", "", "N")),
        ("2500 New York Ave, NE", StreetName("", "NEW YORK", "AVE", "NE")),
        ("2500 New York Ave, NE, Washington, DC 20002", StreetName("", "NEW YORK", "AVE", "NE")),
        ("12 Main St, Omaha, NE 68102", StreetName("", "MAIN", "ST", "")),
        ("1200 N ST NW WASHINGTON DC 20021", StreetName("", "N", "ST", "NW")),
        ("1400 DOUGLAS  ST  NE", StreetName("", "DOUGLAS", "ST", "NE")),
        ("N MILWAUKEE AND W LAKE", StreetName("N", "MILWAUKEE", "", "")),
    ],
)
def test_grids_and_quadrants(text: str, street: StreetName) -> None:
    assert read(text).rest.street == street
