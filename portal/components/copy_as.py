# ruff: noqa: S608 - this SQL is text to copy, never run by the portal; its values are quoted
"""The selected requests as lines of code: for a shell, Python, R, and SQL over the release's own Parquet file.

Charter: addresses and a selection in, code out, whole as it stands; no page. Tests run each of them against a served portal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import html

from portal.components.parts import code, more
from portal.package import file_url
from portal.receipts.parts import condition
from portal.selection import Selection
from portal.text import N_, _

if TYPE_CHECKING:
    from portal.release import Release

TIMES: Final = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")

NAMES: Final = {
    "curl": N_("A line for a shell (curl)"),
    "pandas": N_("Python with pandas"),
    "geopandas": N_("Python with geopandas"),
    "duckdb": N_("Python with DuckDB"),
    "sql": N_("SQL (DuckDB) over the release's Parquet file"),
    "r": N_("R"),
}


def lines(release: Release, selection: Selection, base: str) -> dict[str, str]:
    """The code by name of NAMES. `base` is where visitors see the portal; what a release does not hold is left out."""
    query = selection.to_query()
    address = {
        form: f"{base}/download/requests.{form}{f'?{query}' if query else ''}" for form in ("csv", "geojson", "parquet")
    }
    whole = file_url(release.id, "requests.parquet", base)
    times = [name for name in TIMES if name in release.fields]
    found = {
        "curl": f"curl --fail --output requests.csv {_shell(address['csv'])}",
        "pandas": _block(
            "import pandas as pd",
            "",
            f"requests = pd.read_csv({_text(address['csv'])}, parse_dates={times}, low_memory=False)",
            "print(requests.shape)",
        ),
        "geopandas": _block(
            "import io",
            "from urllib.request import urlopen",
            "",
            "import geopandas as gpd",
            "",
            f"file = urlopen({_text(address['parquet'])})",
            "requests = gpd.read_parquet(io.BytesIO(file.read()))",
            "print(requests.shape)",
        ),
        "duckdb": _block(
            "import duckdb",
            "",
            f"requests = duckdb.sql({_text(_sql(address['parquet']))})",
            "print(requests.shape)",
        ),
        "sql": _spatial(selection) + f"SELECT * FROM '{_quoted(whole)}'\nWHERE {condition(selection)};",
        "r": _block(f"requests <- read.csv({_text(address['csv'])})", "print(dim(requests))"),
    }  # fmt: skip
    if "lat" not in release.columns:
        del found["geopandas"]
    return found


def copy_as(release: Release, selection: Selection, base: str) -> list[Any]:
    """The blocks to copy from, one for each language, folded but the first."""
    blocks: list[Any] = []
    for name, text in lines(release, selection, base).items():
        blocks.append(more(_(NAMES[name]), code(text, _(NAMES[name]), wraps=True), opened=not blocks))
    return [html.H3(_("Copy as code"), id="copy-as"), html.Div(blocks, className="copy-as")]


def _spatial(selection: Selection) -> str:
    return "INSTALL spatial; LOAD spatial;\n" if "ST_" in condition(selection) else ""


def _sql(address: str) -> str:
    return f"SELECT * FROM read_parquet('{_quoted(address)}')"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _text(text: str) -> str:
    """In double quotes, as Python and R both read it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(*rows: str) -> str:
    return "\n".join(rows)
