"""What somebody wants as a file: which table, which rows of it, in which format, compressed or not.

Charter: the address in, a `Wanted` out, which has the file's name and its strong ETag; errors name what there is instead.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

import duckdb
import pyarrow as pa
import pyogrio
import xlsxwriter

from portal.answered import file_name as named
from portal.errors import BadRequest, NotFound
from portal.expressions import cql2, written
from portal.files.forms import FORMS, PRESSED, Form
from portal.given_text import utf8
from portal.queries.tabled import Ask
from portal.selection import Selection
from portal.selection_query import MAX_QUERY_BYTES
from portal.tables import table as table_of

if TYPE_CHECKING:
    from portal.release import Release

_WRITERS: Final = (
    duckdb.__version__,
    pa.__version__,
    pyogrio.__version__,
    pyogrio.__gdal_version_string__,
    xlsxwriter.__version__,
)
WRITER: Final = " ".join(("2", *_WRITERS))
"""What the bytes of a file depend on besides what is wanted: change it when what is written changes."""


@dataclass(frozen=True)
class Wanted:
    """One file. `query` is what it is narrowed to, in canonical form; '' for the whole table."""

    release: Release
    ask: Ask
    form: Form
    query: str
    compress: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is the whole table."""
        return not self.query

    @property
    def ending(self) -> str:
        """Such as csv or csv.gz."""
        return self.form.key + (f".{PRESSED[self.compress].ending}" if self.compress else "")

    @property
    def media_type(self) -> str:
        """Of the file as it is sent."""
        return PRESSED[self.compress].media_type if self.compress else self.form.media_type

    @property
    def name(self) -> str:
        """Such as testville-synthetic-requests-20250620T180000Z-bfa16020-selection.csv."""
        part = "" if self.whole else "selection"
        return f"{named(self.release, self.ask.table.name, self.release.id, part)}.{self.ending}"

    @property
    def etag(self) -> str:
        """The same as long as the bytes are."""
        said = f"{self.release.id}\n{self.ask.table.name}\n{self.ending}\n{self.query}\n{WRITER}"
        return f'"{hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]}"'


def wanted(release: Release, file: str, query: str, compress: str, filtered: str) -> Wanted:
    """The file that an address asks for; `query` is its whole query string, `filtered` the condition in it."""
    name, _, ending = file.partition(".")
    for key, pressed in PRESSED.items():
        if ending.endswith(f".{pressed.ending}"):
            ending, compress = ending.removesuffix(f".{pressed.ending}"), key
    if ending not in FORMS:
        raise (BadRequest if ending else NotFound)(
            f"There is no format '{ending[:20]}'; there are: {', '.join(FORMS)}."
        )
    if not utf8(query):
        raise BadRequest("The query is not UTF-8.")
    table, form = table_of(release, name), FORMS[ending]
    if compress and compress not in PRESSED:
        raise BadRequest(f"compress is {' or '.join(PRESSED)}, not '{compress[:20]}'.")
    if compress and not form.text:
        raise BadRequest(f"A file of the format {ending} is not compressed again; leave compress out.")
    if form.mapped and table.geometry is None:
        others = ", ".join(key for key, of in FORMS.items() if not of.mapped)
        raise BadRequest(f"The table {name} has no geometry, so it is not to be had as {ending}; there are: {others}.")
    if name == "requests":
        selection = Selection.from_query(query, release)
        return Wanted(release, Ask(table, selection), form, selection.to_query(), compress)
    given = {key: value for key, value in parse_qsl(query[:MAX_QUERY_BYTES]) if key != "filter"}
    if Selection.from_query(given, release):
        raise BadRequest(
            f"The filters of requests do not apply to the table {name}; 'filter' does, a condition in CQL2."
        )
    condition = cql2.read(filtered) if filtered else None
    asked = Ask(table, condition=condition)
    asked.where(release)  # it is wrong now, or not at all
    said = urlencode({"filter": written.text(condition)}) if condition else ""
    return Wanted(release, asked, form, said, compress)
