"""Files of who lives where: what is read from them, and what is said of a mistake in one line."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from pydantic import ValidationError
from shapely import box

from etl.config.demographics import Demographics
from etl.demographics import Demographic, read_file
from etl.errors import SourceError
from geo.boundaries import Vintage
from tests.demo_factory import small_demo

CODES = ["0101", "0102", "0200", "0300"]
AREAS = gpd.GeoDataFrame(
    {"area": CODES, "name": ["North", "South", "Harbor", "Hill"], "population": [1.0] * 4},
    geometry=[box(i, 0, i + 1, 1) for i in range(4)], crs="EPSG:4326",
)  # fmt: skip
LAYER = [Vintage("tract", AREAS)]


def entry(**changes: object) -> Demographics:
    given = {
        "layer": "tract", "file": "people.csv", "area": "code", "year": 2014, "source": "ACS",
        "measures": [{"id": "income", "title": "Income", "unit": "dollars", "column": "income", "moe": "margin"}],
    }  # fmt: skip
    return Demographics.model_validate(given | changes)


def read(tmp_path: Path, text: str, **changes: object) -> list[Demographic]:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return read_file(entry(**changes), path, LAYER)


def values(rows: list[Demographic]) -> dict[str, tuple[float, float | None]]:
    return {row.area: (row.value, row.moe) for row in rows}


def test_codes_names_second_heads_and_unknown_values_are_read(tmp_path: Path) -> None:
    text = 'code,income,margin\nId,Estimate,Margin\n0101,"$41,000",500\nSouth,30000,**\n0200,-,**\n9999,1,1\n0300,5,\n'
    found = read(tmp_path, text, skip_rows=1)
    assert values(found) == {"0101": (41000, 500), "0102": (30000, None), "0300": (5, None)}
    assert found[0].year == 2014 and found[0].title == "Income" and found[0].unit == "dollars"


def test_parts_of_areas_are_put_together(tmp_path: Path) -> None:
    race = {
        "id": "race",
        "title": "Share",
        "unit": "share",
        "column": "share",
        "where": {"race": "A"},
        "combine": "mean",
    }
    text = "code,race,share\n1011,A,0.2\n1012,A,0.4\n1011,B,0.8\n1021,A,0.5\n"
    rows = [line.split(",") for line in text.splitlines()]
    text = "\n".join(",".join(["0" + r[0] if r[0][0] == "1" else r[0], *r[1:]]) for r in rows)
    assert values(read(tmp_path, text, code_length=4, measures=[race])) == {
        "0101": (pytest.approx(0.3), None), "0102": (0.5, None),
    }  # fmt: skip


def test_short_codes_are_filled_and_ratios_are_of_sums(tmp_path: Path) -> None:
    rent = {"id": "rent", "title": "Renters", "unit": "share", "numerator": "renters", "denominator": "homes"}
    text = "code,renters,homes\n101,10,20\n101,20,20\n102,1,4\n200,3,0\n"
    assert values(read(tmp_path, text, code_length=4, measures=[rent])) == {"0101": (0.75, None), "0102": (0.25, None)}


def test_percents_become_shares_with_their_margins(tmp_path: Path) -> None:
    poor = {"id": "poor", "title": "Poor", "unit": "share", "column": "p", "moe": "m", "written_as": "percent"}
    found = read(tmp_path, "code,p,m\n0101,37.5%,5\n0102,12,2\n", measures=[poor])
    assert values(found) == {"0101": (0.375, 0.05), "0102": (0.12, 0.02)}


@pytest.mark.parametrize(
    ("text", "changes", "told"),
    [
        ("code,income,margin\n0101,many,1\n0102,2,1\n", {}, ["column 'income'", "area '0101'", "'many'", "null_values"]),
        ("code,income,margin\n0101,-666666666,1\n0102,2,1\n", {}, ["column 'income'", "area '0101'", "-6.66667e+08"]),
        ("code,income,margin\n0101,1,1\n0101,2,1\n0102,2,1\n", {}, ["column 'income'", "area '0101'", "2 rows", "combine"]),
        ("code,pay,margin\n0101,1,1\n", {}, ["column 'income' is missing", "code, pay, margin"]),
        ("code,income,margin\n101,1,1\n102,1,1\n", {}, ["column 'code'", "0 of 4", "'101'", "'0101'", "code_length"]),
        ("code,income,margin\n", {}, ["no rows"]),
        (
            "code,s\n0101,1.5\n0102,0.5\n",
            {"measures": [{"id": "s", "title": "S", "unit": "share", "column": "s"}]},
            ["column 's'", "area '0101'", "1.5"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_names_file_column_and_area_in_one_line(
    tmp_path: Path, text: str, changes: dict[str, object], told: list[str]
) -> None:
    with pytest.raises(SourceError) as error:
        read(tmp_path, text, **changes)
    message = str(error.value)
    assert "people.csv" in message and "\n" not in message
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ({"column": "a", "numerator": "b", "denominator": "c"}, "either column, or numerator"),
        ({"numerator": "b"}, "go together"),
        ({"numerator": "b", "denominator": "c", "unit": "years"}, "make a share"),
        ({"column": "a", "moe": "m", "combine": "mean"}, "no margin"),
        ({"column": "a", "unit": "years", "written_as": "percent"}, "percent"),
    ],
)
def test_a_measure_that_contradicts_itself_is_told(measure: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        entry(measures=[{"id": "x", "title": "X", "unit": "share"} | measure])


def test_san_franciscos_files_are_read_whole(shared_data: Path) -> None:
    from etl.config.loader import load_city
    from etl.demographics import read_demographics
    from etl.layers import read_layers

    config = load_city(Path(__file__).parents[2] / "cities" / "san_francisco.yaml")
    folders = [shared_data / "san_francisco"]
    found = read_demographics(config, folders, read_layers(config, folders))
    rows = {(r.layer, r.area, r.measure): r for r in found.rows}
    assert len(rows) == len(found.rows) == 195 * 6 + 41 * 3
    income = rows[("census_tract", "06075010100", "income")]
    assert (income.value, income.moe, income.year) == (55313, 11819, 2014)
    assert rows[("analysis_neighborhood", "Golden Gate Park", "population")].value == 45
    for area in ("06075010100", "06075016400"):
        shares = [rows[("census_tract", area, race)].value for race in ("asian", "black", "white")]
        assert 0 < sum(shares) <= 1


def test_the_demo_citys_figures_go_from_its_file_into_the_release_and_back_out(tmp_path: Path) -> None:
    """Published as generated; a changed file is published again, and without the section the table is gone."""
    import json

    import duckdb
    from click.testing import CliRunner

    from openward import main

    files = small_demo(tmp_path / "demo")
    home = tmp_path / "home"

    def published() -> tuple[list[tuple[str, str, float, float | None]], list[str]]:
        result = CliRunner().invoke(main, ["etl", "run", str(files.city)])
        assert result.exit_code == 0, result.output
        folder = (home / "demo" / "releases" / "current").resolve()
        names = [r["name"] for r in json.loads((folder / "datapackage.json").read_text())["resources"]]
        if "demographics" not in names:
            return [], names
        rows = duckdb.sql(
            f"SELECT measure, area, value, moe FROM '{folder / 'demographics.parquet'}' ORDER BY ALL"
        ).fetchall()
        return rows, names

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENWARD_HOME", str(home))
        first, _ = published()
        lines = files.demographics.read_text().splitlines()
        cells = lines[1].split(",")
        assert len(first) == 4 * 24
        assert ("income", "N01", float(cells[3]), float(cells[4])) in first
        assert ("language", "N01", pytest.approx(int(cells[5]) / int(cells[2])), None) in first
        truth = json.loads(files.truth.read_text())["demographics"]["share_in_worse_district"]
        shares = {area: value for measure, area, value, _ in first if measure == "language"}
        assert max(truth, key=truth.__getitem__) in sorted(shares, key=shares.__getitem__)[-3:]
        lines[1] = ",".join([*cells[:3], "12345", *cells[4:]])
        files.demographics.write_text("\n".join(lines) + "\n")
        assert ("income", "N01", 12345.0, float(cells[4])) in published()[0]
        text = files.city.read_text()
        start, end = text.index("# Who lives where"), text.index("basemap:")
        files.city.write_text(text[:start] + text[end:])
        assert "demographics" not in published()[1]
