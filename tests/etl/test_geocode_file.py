"""`openward geocode`: tables of every kind in, every row out again with its place, and what is said when it cannot be."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import openward
from etl import geocode_file
from etl.config import load_city
from etl.config.geocoder import GeocoderSettings
from etl.errors import ConfigError, SourceError
from etl.geocode_columns import Columns, points_of, texts_of
from etl.geocode_file import standard_out
from etl.geocode_output import CsvSink, free_name, writing
from etl.geocoder_reference import ReferenceFiles, passport_of
from geo.geocoding.passport import Passport
from tests.etl.conftest import CITY
from tests.etl.providers.services import CensusServer

STREETS = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Oak")
"""They run north from Main Street, a hundredth of a degree apart; Hill Street is their other end."""
WEST, STEP, SOUTH, NORTH = -71.14, 0.012, 42.35, 42.3515
COLUMNS = {"left_from": "lf", "left_to": "lt", "right_from": "rf", "right_to": "rt"}
NEW = [
    "geocode_address", "geocode_method", "geocode_score", "geocode_radius_m", "geocode_corrected", "geocode_zip", "lat",
    "long", "geocode_alternatives", "district", "district_probability",
]  # fmt: skip


def _lon(street: str) -> float:
    return WEST + STEP * STREETS.index(street)


def _on(street: str, number: int) -> tuple[float, float]:
    """Where a number is, as the middle of the street has it."""
    return SOUTH + (NORTH - SOUTH) * number / 100, _lon(street)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A folder with a city's YAML (town.yaml), its centerlines and two districts."""
    rows = [(f"{n} St", [(_lon(n), SOUTH), (_lon(n), NORTH)], 1) for n in STREETS]
    for number, (west, east) in enumerate(pairwise(STREETS)):
        rows += [
            (n, [(_lon(west), y), (_lon(east), y)], 100 * number + 1)
            for n, y in (("Main St", SOUTH), ("Hill St", NORTH))
        ]
    first = np.array([number for _, _, number in rows])
    frame = gpd.GeoDataFrame(
        {"name": [r[0] for r in rows], "lf": first, "lt": first + 98, "rf": first + 1, "rt": first + 97},
        geometry=[shapely.LineString(r[1]) for r in rows], crs="EPSG:4326",
    )  # fmt: skip
    frame.to_file(tmp_path / "centerlines.gpkg")
    for name in ("old", "new"):
        middle = _lon("Cedar") + STEP / 2
        shapes = [shapely.box(-71.15, 42.3, middle, 42.4), shapely.box(middle, 42.3, -71.0, 42.4)]
        gpd.GeoDataFrame({"code": ["1", "2"], "label": ["W", "E"]}, geometry=shapes, crs=4326).to_file(
            tmp_path / f"{name}.geojson"
        )
    _write(tmp_path, {"streets": [{"path": "centerlines.gpkg", "name": "name", **COLUMNS}]})
    return tmp_path


def _write(folder: Path, section: dict[str, Any] | None) -> None:
    config = copy.deepcopy(CITY)
    del config["basemap"]
    if section is not None:
        config["geocoder"] = section
    (folder / "town.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _go(folder: Path, *arguments: object, stdin: bytes | str | None = None) -> Result:
    """The command with this city, its caches in the folder."""
    args = ["geocode", *map(str, arguments), "--city", str(folder / "town.yaml"), "--home", str(folder / "var")]
    return CliRunner().invoke(openward.main, args, input=stdin)


def _refused(result: Result, code: int) -> str:
    """The one line of a refusal."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("openward: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.output
    return lines[0]


def _table(text: str | bytes) -> list[dict[str, str]]:
    text = text.decode() if isinstance(text, bytes) else text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _csv(folder: Path, text: str, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


CALLS = "ID,Address,Note\n1,51 Oak St,x\n2,Elm St & Main St,\n3,,y\n4,99 Nowhere Blvd,z\n5,51 Oak St,\n"


def test_every_row_comes_out_with_all_its_columns_and_its_place(town: Path) -> None:
    out = town / "out.csv"
    result = _go(town, _csv(town, CALLS), "--out", out)
    assert result.exit_code == 0, result.output
    rows = _table(out.read_bytes())
    assert list(rows[0]) == ["ID", "Address", "Note", *NEW]
    assert [row["ID"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row["geocode_method"] for row in rows] == ["address_range", "intersection", "none", "none", "address_range"]
    lat, lon = _on("Oak", 51)
    assert float(rows[0]["lat"]) == pytest.approx(lat, abs=2e-4)
    assert float(rows[0]["long"]) == pytest.approx(lon, abs=3e-4)
    assert (rows[0]["district"], float(rows[0]["district_probability"])) == ("2", 1)
    assert rows[0]["geocode_address"] == "51 OAK ST"
    assert rows[3]["lat"] == rows[3]["geocode_score"] == rows[3]["district"] == ""
    assert {k: v for k, v in rows[0].items() if k in NEW} == {k: v for k, v in rows[4].items() if k in NEW}
    assert "address_range" in result.stderr
    assert "1 without an address" in result.stderr
    assert not list(town.glob(".*part"))


def test_a_pipe_gets_csv_and_the_summary_goes_to_standard_error(town: Path) -> None:
    result = _go(town, _csv(town, CALLS), "--json")
    assert [row["geocode_method"] for row in _table(result.stdout)][:2] == ["address_range", "intersection"]
    told = json.loads(result.stderr[result.stderr.index("{") :])
    assert (told["rows"], told["without_address"], told["with_coordinates"]) == (5, 1, 3)
    assert told["methods"] == {"none": 1, "address_range": 2, "intersection": 1}
    assert told["block_or_better"] == 0.75
    filed = _go(town, town / "in.csv", "--json", "--out", town / "out.csv")
    assert json.loads(filed.stdout)["out"] == str(town / "out.csv")


def test_an_address_is_looked_up_once_whatever_chunk_it_comes_in(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    numbers, streets = draw.integers(1, 90, 150_000), draw.integers(0, len(STREETS), 150_000)
    texts = [f"{n} {STREETS[s]} St" for n, s in zip(numbers.tolist(), streets.tolist(), strict=True)]
    table = pa.table({"address": texts})
    pq.write_table(table, town / "in.parquet")
    told = []
    for most in (300_000, 100):  # the second one forgets
        monkeypatch.setattr(geocode_file, "MOST_REMEMBERED", most)
        result = _go(town, town / "in.parquet", "--out", town / "out.parquet", "--force", "--json")
        assert result.exit_code == 0, result.output
        told.append((json.loads(result.stdout)["methods"], pq.read_table(town / "out.parquet")))
        assert json.loads(result.stdout)["with_coordinates"] == 150_000 - told[-1][1]["lat"].null_count
    assert told[0] == told[1]
    assert told[0][1]["address"].to_pylist() == texts
    assert sum(told[0][0].values()) == 150_000
    matched = told[0][1]["geocode_address"].to_pylist()
    assert all(m is None or m.upper() == t.upper() for m, t in zip(matched, texts, strict=True))


def test_standard_input_is_one_address_a_line_or_a_table(town: Path) -> None:
    lines = _table(_go(town, "-", stdin="51 Oak St\n\nElm St and Main St\n").stdout)
    assert [row["address"] for row in lines] == ["51 Oak St", "", "Elm St and Main St"]
    assert [row["geocode_method"] for row in lines] == ["address_range", "none", "intersection"]
    table = _table(_go(town, "-", stdin=CALLS).stdout)
    assert [row["ID"] for row in table] == ["1", "2", "3", "4", "5"]
    packed = _table(_go(town, "-", stdin=gzip.compress(CALLS.encode())).stdout)
    assert packed == table
    commas = _table(_go(town, "-", stdin="51 Oak St, Twin Squares\n").stdout)
    assert commas[0]["geocode_address"] == "51 OAK ST"
    assert "name it with --address" in _refused(_go(town, "-", stdin="id,what\n1,51 Oak St\n"), 4)


@pytest.mark.parametrize("kind", ["xlsx", "jsonl", "parquet", "geojson", "csv.gz", "tsv", "zip"])
def test_tables_of_every_kind_are_read(town: Path, kind: str) -> None:
    frame = pd.DataFrame({"ID": ["1", "2"], "Address": ["51 Oak St", None]})
    path = town / f"in.{kind}"
    if kind == "xlsx":
        frame.to_excel(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "geojson":
        gpd.GeoDataFrame(frame, geometry=[shapely.Point(-71.1, 42.35)] * 2, crs=4326).to_file(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    result = _go(town, path, "--out", town / "out.csv")
    assert result.exit_code == 0, result.output
    rows = _table((town / "out.csv").read_bytes())
    assert [(r["ID"], r["geocode_method"]) for r in rows] == [("1", "address_range"), ("2", "none")]


def test_the_same_rows_are_written_as_csv_geoparquet_and_geojson(town: Path) -> None:
    source = _csv(town, CALLS)
    for ending in ("csv", "csv.gz", "parquet", "geojson"):
        assert _go(town, source, "--out", town / f"out.{ending}").exit_code == 0
    plain = (town / "out.csv").read_bytes()
    assert gzip.decompress((town / "out.csv.gz").read_bytes()) == plain
    rows = _table(plain)
    for ending in ("parquet", "geojson"):
        path = town / f"out.{ending}"
        frame = gpd.read_parquet(path) if ending == "parquet" else gpd.read_file(path)
        assert frame.crs is not None and frame.crs.to_epsg() == 4326
        assert frame["ID"].tolist() == [row["ID"] for row in rows]
        for shape, row in zip(frame.geometry, rows, strict=True):
            assert (shape is None) == (row["lat"] == "")
            assert shape is None or (shape.x, shape.y) == (float(row["long"]), float(row["lat"]))
    notes = json.loads(pq.read_schema(town / "out.parquet").metadata[b"geo"])
    assert notes["version"] == "1.1.0"
    assert notes["columns"]["geometry"]["bbox"] == gpd.read_parquet(town / "out.parquet").total_bounds.tolist()
    types = pq.read_schema(town / "out.parquet")
    assert (types.field("lat").type, types.field("geocode_corrected").type) == (pa.float64(), pa.bool_())


def test_number_street_and_zip_may_stand_apart(town: Path) -> None:
    source = _csv(town, "No,Road,Code\n51,Oak St,2111.0\n,Main St,\n7,,\n")
    rows = _table(_go(town, source, "--number", "No", "--street", "Road", "--zip", "Code").stdout)
    assert rows[0]["geocode_address"] == "51 OAK ST"
    assert [row["geocode_method"] for row in rows] == ["address_range", "street", "none"]


def test_what_is_below_the_citys_bar_has_no_coordinates_unless_all_is_asked_for(town: Path) -> None:
    source = _csv(town, "Address\nMain St\n51 Oak St\n")
    vague, exact = _table(_go(town, source).stdout)
    assert vague["geocode_method"] == "street" and vague["geocode_score"] and vague["geocode_radius_m"]
    assert vague["lat"] == vague["long"] == vague["district"] == ""
    assert exact["lat"]
    told = _table(_go(town, source, "--all").stdout)[0]
    assert float(told["lat"]) == pytest.approx(SOUTH, abs=1e-3)
    _write(town, {"streets": [{"path": "centerlines.gpkg", "name": "name", **COLUMNS}], "min_score": 1.0})
    assert [row["lat"] for row in _table(_go(town, source).stdout)] == ["", ""]


def test_columns_of_the_input_are_never_written_over(town: Path) -> None:
    source = _csv(town, "Address,Lat,District,geocode_zip\n51 Oak St,a,b,c\n")
    row = _table(_go(town, source).stdout)[0]
    assert (row["Lat"], row["District"], row["geocode_zip"]) == ("a", "b", "c")
    assert row["geocode_lat"] and row["geocode_long"] and row["geocode_district"] == "2"
    assert row["geocode_district_probability"] and "district_probability" not in row
    assert "geocode_zip_2" in row and "long" not in row
    again = _csv(town, _go(town, source).stdout, "again.csv")
    twice = _table(_go(town, again).stdout)[0]
    assert twice["geocode_method"] == twice["geocode_method_2"] == "address_range"


def test_own_points_are_compared_with_the_address(town: Path) -> None:
    near, far = _on("Oak", 51), _on("Ash", 51)
    source = _csv(town, f"Address,Y,X\n51 Oak St,{near[0]},{near[1]}\n51 Oak St,{far[0]},{far[1]}\n51 Oak St,0,0\n")
    result = _go(town, source, "--lat", "Y", "--long", "X")
    rows = _table(result.stdout)
    assert [row["geocode_contradicts"] for row in rows] == ["false", "true", ""]
    assert float(rows[0]["geocode_distance_m"]) < 40
    assert float(rows[1]["geocode_distance_m"]) > 4000
    assert "contradict their address: 1" in result.stderr


def test_points_become_words(town: Path) -> None:
    lat, lon = _on("Oak", 51)
    source = _csv(town, f'Point\n"({lat}, {lon})"\nPOINT ({lon} {lat})\nnowhere\n"(0, 0)"\n')
    result = _go(town, source, "--reverse")
    rows = _table(result.stdout)
    assert rows[0]["nearest_address"].endswith("Oak St")
    assert rows[0]["nearest_block"].endswith("Oak St")
    assert float(rows[0]["nearest_block_distance_m"]) < 2
    assert rows[0]["district"] == "2"
    assert {k: v for k, v in rows[0].items() if k != "Point"} == {k: v for k, v in rows[1].items() if k != "Point"}
    assert [row["nearest_address"] for row in rows[2:]] == ["", ""]
    assert "2 without a point" in result.stderr


def test_an_output_is_replaced_only_if_told_to_and_never_left_half_written(town: Path) -> None:
    source, out = _csv(town, CALLS), town / "out.csv"
    out.write_text("mine", encoding="utf-8")
    assert "--force" in _refused(_go(town, source, "--out", out), 2)
    assert out.read_text(encoding="utf-8") == "mine"
    assert _go(town, source, "--out", out, "--force").exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("ID,")
    assert "is the file that is read" in _refused(_go(town, source, "--out", source, "--force"), 2)
    broken = town / "broken.csv.gz"
    rows = b"ID,Address\n" + b"".join(b"%d,51 Oak St %d\n" % (i, i * 7919 % 10007) for i in range(60_000))
    broken.write_bytes(gzip.compress(rows)[:-1000])
    before = out.read_bytes()
    _refused(_go(town, broken, "--out", out, "--force"), 3)
    assert out.read_bytes() == before
    with pytest.raises(RuntimeError), writing(town / "new.parquet"):
        raise RuntimeError
    assert not (town / "new.parquet").exists()
    assert not list(town.glob(".*part"))


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["no.csv"], 3, "cannot be read"),
        (["in.csv", "--address", "Adress"], 4, "column 'Adress' is missing; the file has ID, Address, Note"),
        (["in.csv", "--number", "ID"], 2, "--number and --street go together"),
        (["in.csv", "--lat", "ID"], 2, "--lat and --long go together"),
        (["in.csv", "--address", "Address", "--number", "ID", "--street", "Note"], 2, "say the same thing"),
        (["in.csv", "--reverse"], 4, "name them with --lat and --long"),
        (["in.csv", "--reverse", "--truth-point", "Note"], 2, "--reverse goes from points"),
        (["in.csv", "--write-calibration", "c.json"], 2, "needs trusted coordinates"),
        (["in.csv", "--out", "out.docx"], 2, "end the name in .csv"),
        (["in.csv", "--out", "nowhere/out.csv"], 2, "make it first"),
        (["in.csv", "--delimiter", "ab"], 2, "is not one character"),
        (["latin.csv"], 3, "give --encoding"),
    ],
)
def test_mistakes_are_told_in_one_line(
    town: Path, arguments: list[str], code: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(town)
    _csv(town, CALLS)
    (town / "latin.csv").write_bytes("Address\n5 Café St\n".encode("latin-1"))
    assert expected in _refused(_go(town, *arguments), code)
    assert not (town / "var").exists()


def test_a_city_without_anything_to_look_in_is_told_what_to_add(town: Path) -> None:
    source = _csv(town, CALLS)
    nothing: list[dict[str, Any] | None] = [None, {}]
    for section in nothing:
        _write(town, section)
        line = _refused(_go(town, source), 2)
        assert "geocoder: {streets: [{path: centerlines.gpkg" in line
        assert "providers" in line


def test_the_reference_may_lie_elsewhere(town: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away")
    source = _csv(away, CALLS)
    (town / "centerlines.gpkg").rename(away / "lines.gpkg")
    _write(town, {"streets": [{"path": "lines.gpkg", "name": "name", **COLUMNS}]})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    source = source.rename(elsewhere / "in.csv")
    assert "'lines.gpkg' is in none of" in _refused(_go(town, source), 3)
    assert _go(town, source, "--reference", away).exit_code == 0


# --- services ------------------------------------------------------------------------------------


@pytest.fixture
def census() -> Iterator[CensusServer]:
    """A service on this machine that answers as the census's does."""
    with CensusServer() as server:
        yield server


def _provider(server: CensusServer) -> dict[str, Any]:
    patience = {"timeout_seconds": 1, "attempts": 1, "longest_wait_seconds": 0}
    return {
        "kind": "census",
        "url": server.url,
        "city": "Twin Squares",
        "state": "MA",
        "rate_per_second": 50,
        "patience": patience,
    }


def test_a_city_with_services_only_asks_them_once(town: Path, census: CensusServer) -> None:
    _write(town, {"providers": [_provider(census)]})
    source = _csv(town, "Address\n12 Elm St\n12 Elm St\n99 Nowhere Blvd\n")
    rows = _table(_go(town, source).stdout)
    assert [row["geocode_method"] for row in rows] == ["address_range", "address_range", "none"]
    assert float(rows[0]["lat"]) == pytest.approx(42.351)
    asked = len(census.bodies)
    assert census.bodies[0].upper().count("12 ELM ST") == 1
    assert _table(_go(town, source).stdout) == rows
    assert len(census.bodies) == asked
    assert "needs a reference of the city's own" in _refused(_go(town, source, "--reverse", "--point", "Address"), 2)


def test_services_are_asked_only_for_what_the_reference_does_not_find(town: Path, census: CensusServer) -> None:
    _write(
        town, {"streets": [{"path": "centerlines.gpkg", "name": "name", **COLUMNS}], "providers": [_provider(census)]}
    )
    source = _csv(town, "Address\n51 Oak St\n1 Oak Ave North Nowhere Blvd\n\n99 Zzyzx Xing\n")
    result = _go(town, source)
    assert result.exit_code == 0, result.output
    asked = "\n".join(census.bodies).upper()
    assert "99 ZZYZX XING" in asked
    assert "51 OAK ST" not in asked


def test_a_service_that_does_not_answer_stops_only_who_has_nothing_else(town: Path, census: CensusServer) -> None:
    provider = _provider(census)
    census.__exit__(None, None, None)
    _write(town, {"providers": [provider]})
    source = _csv(town, "Address\n51 Oak St\n99 Zzyzx Xing\n")
    _refused(_go(town, source, "--out", town / "out.csv"), 8)
    assert not (town / "out.csv").exists()
    _write(town, {"streets": [{"path": "centerlines.gpkg", "name": "name", **COLUMNS}], "providers": [provider]})
    result = _go(town, source)
    assert [row["geocode_method"] for row in _table(result.stdout)] == ["address_range", "none"]
    assert "going on without it" in result.stderr or "127.0.0.1" in result.stderr


# --- trusted points and calibration --------------------------------------------------------------


def _trusted(folder: Path, rows: int = 600) -> Path:
    """Addresses with points 60 m east of where they are, one in ten on another street."""
    draw = np.random.default_rng(5)
    lines = ["Address,LAT,LON"]
    for i in range(rows):
        street, number = STREETS[draw.integers(len(STREETS))], int(draw.integers(1, 98))
        truth = STREETS[(STREETS.index(street) + (i % 10 == 0)) % len(STREETS)]
        lat, lon = _on(truth, number)
        lines.append(f"{number} {street} St,{lat},{lon + 60 / 82_300}")
    return _csv(folder, "\n".join(lines) + "\n", "trusted.csv")


def test_trusted_points_tell_errors_and_make_a_calibration_that_is_used(town: Path) -> None:
    source, made = _trusted(town), town / "calibration.json"
    truth = ["--truth-lat", "LAT", "--truth-long", "LON"]
    result = _go(town, source, *truth, "--write-calibration", made, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stderr[result.stderr.index("{") :])["accuracy"]["by_method"]["address_range"]
    assert told["rows"] == 600
    assert 45 < told["error_m_p50"] < 80
    assert told["over_200_m"] == pytest.approx(0.1, abs=0.01)
    passport = Passport.from_json(made.read_text(encoding="utf-8"))
    assert passport.factors["address_range"] > 1.2
    assert passport.scores
    assert passport.scores[-1][1] == pytest.approx(0.9, abs=0.03)
    before = _table(_go(town, source).stdout)[0]
    section = {"streets": [{"path": "centerlines.gpkg", "name": "name", **COLUMNS}], "calibration": "calibration.json"}
    _write(town, section)
    after = _table(_go(town, source).stdout)[0]
    factor = float(after["geocode_radius_m"]) / float(before["geocode_radius_m"])
    assert factor == pytest.approx(passport.factors["address_range"], abs=0.01)
    assert float(after["geocode_score"]) < 0.95 < float(before["geocode_score"])
    config = load_city(town / "town.yaml")
    files = ReferenceFiles.of(config, [town])
    assert files is not None and config.geocoder is not None
    assert files.passport() == passport_of(config.geocoder, [town]) == passport
    assert "is there already" in _refused(_go(town, source, *truth, "--write-calibration", made), 2)
    again = _go(town, source, *truth, "--write-calibration", made, "--force")
    assert again.exit_code == 0
    assert Passport.from_json(made.read_text(encoding="utf-8")) == passport  # the one that is in use has no part in it


def test_a_calibration_that_is_none_is_told_by_its_name(town: Path) -> None:
    settings_ = GeocoderSettings(calibration="calibration.json")
    assert passport_of(GeocoderSettings(), [town]) is None
    with pytest.raises(SourceError, match=r"calibration\.json' is in none of"):
        passport_of(settings_, [town])
    (town / "calibration.json").write_text('{"factors": {}}', encoding="utf-8")
    with pytest.raises(SourceError, match=r"calibration.json: is not a calibration.*--write-calibration'"):
        passport_of(settings_, [town])
    (town / "calibration.json").write_bytes(b"\xff")
    with pytest.raises(SourceError, match=r"is not UTF-8"):
        passport_of(settings_, [town])


# --- hostile cells -------------------------------------------------------------------------------


def test_hostile_cells_are_harmless(town: Path) -> None:
    cells = [
        "5" * 10_000_000, "=HYPERLINK(1)", "+1+1", "-2", "@SUM(A1)", "a\x00\x1b[2Jb", "\u202e51 Oak St", "💣" * 200,
        "'; DROP TABLE x; --", "line\nbreak", '"', "\x1f\x1f\x1f", "51 Oak St",
    ]  # fmt: skip
    path = town / "in.jsonl"
    path.write_text("".join(json.dumps({"address": c, "=cmd": c}) + "\n" for c in cells), encoding="utf-8")
    out = town / "out.csv"
    result = _go(town, path, "--out", out)
    assert result.exit_code == 0, result.output
    csv.field_size_limit(20_000_000)
    rows = _table(out.read_bytes())
    kept = [row["address"] for row in rows]
    assert kept == [cells[0], *("'" + c for c in cells[1:3]), "-2", "'@SUM(A1)", *cells[5:]]
    assert "'=cmd" in rows[0]
    assert rows[-1]["geocode_method"] == "address_range"
    assert rows[0]["geocode_method"] == "none"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_csv_holds_every_text_and_no_formula(rows: list[tuple[str, str]]) -> None:
    file = io.BytesIO()
    nowhere = np.full(len(rows), np.nan)
    table = pa.table({"a": [a for a, _ in rows], "b": [b for _, b in rows]})
    CsvSink(file).write(table, nowhere, nowhere)
    found = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))[1:]
    for (a, b), line in zip(rows, found, strict=True):
        for text, cell in ((a, line[0]), (b, line[1])):
            assert cell in (text, f"'{text}")
            assert not cell.startswith(("=", "@", "\t", "\r"))
            if cell.startswith(("+", "-")):
                float(cell)


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_is_a_point_or_none(texts: list[str]) -> None:
    table = pa.table({"p": pa.chunked_array([pa.array(texts, pa.string())])})
    lon, lat = points_of(table, None, None, "p")
    assert (np.isnan(lon) == np.isnan(lat)).all()
    assert (np.abs(lat[~np.isnan(lat)]) <= 90).all()
    address, code, place = texts_of(table, Columns(address="p", zip="p", place="p"))
    assert len(address) == len(code) == len(place) == len(texts)
    assert address.null_count == code.null_count == place.null_count == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(37.77, -122.39)", (-122.39, 37.77)), ("37.77,-122.39", (-122.39, 37.77)), ("POINT(-122.39 37.77)", (-122.39, 37.77)),
        ("point (-122.39 37.77)", (-122.39, 37.77)), ("(0, 0)", None), ("(122.39, -37.77)", None), ("37.77", None), ("", None),
    ],
)  # fmt: skip
def test_points_as_texts(text: str, expected: tuple[float, float] | None) -> None:
    lon, lat = points_of(pa.table({"p": pa.chunked_array([[text]])}), None, None, "p")
    assert (None if np.isnan(lon[0]) else (lon[0], lat[0])) == expected


@pytest.mark.parametrize(
    ("stated", "zip_"), [("2111.0", "02111"), ("94107-1234", "94107"), ("0", ""), ("", ""), ("EC1A 1BB", "EC1A 1BB")]
)
def test_zips_as_tables_have_them(stated: str, zip_: str) -> None:
    table = pa.table({"a": pa.chunked_array([["1 A St"]]), "z": pa.chunked_array([[stated]])})
    assert texts_of(table, Columns(address="a", zip="z"))[1].to_pylist() == [zip_]


def test_names_that_are_free() -> None:
    assert free_name("lat", ["a"]) == "lat"
    assert free_name("lat", ["LAT"]) == "geocode_lat"
    assert free_name("lat", ["lat", "geocode_lat"]) == "geocode_lat_2"
    assert free_name("geocode_zip", ["geocode_zip"]) == "geocode_zip_2"


def test_rows_go_beside_the_input_only_from_a_terminal() -> None:
    assert standard_out(Path("a/calls.2015.csv.gz"), True) == Path("a/calls.geocoded.csv")
    assert standard_out(Path("a/calls.csv"), False) is None
    assert standard_out(None, True) is None


def test_options_that_do_not_go_together() -> None:
    with pytest.raises(ConfigError, match="--truth-lat and --truth-long go together"):
        Columns(truth_lat="a")


# --- a real city ---------------------------------------------------------------------------------


def test_san_franciscos_requests_are_located_beside_their_own_points(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "san_francisco"
    city = Path(__file__).parents[2] / "cities" / "san_francisco.yaml"
    out = tmp_path / "out.parquet"
    arguments = [
        "geocode",
        folder / "requests_sample.csv",
        "--city",
        city,
        "--out",
        out,
        "--truth-point",
        "Point",
        "--json",
    ]
    result = CliRunner().invoke(openward.main, [*map(str, arguments), "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["rows"] == 10_000
    assert told["block_or_better"] >= 0.95
    assert told["accuracy"]["by_method"]["all"]["error_m_p50"] <= 15
    frame = gpd.read_parquet(out)
    assert len(frame) == 10_000
    assert frame["geocode_neighborhood"].notna().sum() > 9_000
