"""The batch geocoder of the US Census Bureau: many addresses in one CSV, and ties asked for one by one.

Charter: from a text to the five columns of a batch, and from the answer's rows to candidates. A batch of which rows are
missing is asked for again; the rows that did come are never thrown away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx

from etl.config.providers import CensusProvider
from etl.errors import EtlError, SourceError
from etl.extract.transport import Garbled
from etl.providers.answers import LONGEST_MATCHED, MOST_CANDIDATES, Answer, Candidate, usable
from etl.providers.asking import Asking

BATCH_PATH: Final = "/geocoder/locations/addressbatch"
SINGLE_PATH: Final = "/geocoder/locations/address"
LONGEST_STREET: Final = 100
STATES: Final = frozenset(
    "AL AK AS AZ AR CA CO CT DE DC FL GA GU HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MP MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA PR RI SC SD TN TX UT VI VT VA WA WV WI WY".split()
)
COUNTRY: Final = frozenset({"US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"})
ZIP: Final = re.compile(r"(\d{5})(?:-\d{4})?")


def columns(text: str, code: str, city: str, state: str) -> tuple[str, str, str, str] | None:
    """Street, city, state and ZIP of an address in one line; what it does not say is as given. None: no street in it.

    No column holds a comma or a quote, which the batch's reader would stumble over.
    """
    parts = [part.split() for part in text.replace('"', " ").split(",") if part.split()]
    if len(parts) > 1 and " ".join(parts[-1]).upper() in COUNTRY:
        parts.pop()
    tailed = False
    if parts and len(parts) + len(parts[-1]) > 2 and (found := ZIP.fullmatch(parts[-1][-1])):
        code, tailed = found[1], len(parts) > 1
        _drop_word(parts)
    if len(parts) > 1 and parts[-1][-1].upper() in STATES:
        state, tailed = parts[-1][-1].upper(), True
        _drop_word(parts)
    if len(parts) > 1 and (tailed or " ".join(parts[-1]).casefold() == city.casefold()):
        city = " ".join(parts.pop())
    street = " ".join(word for part in parts for word in part)
    if not street or len(street) > LONGEST_STREET or not any(c.isalpha() for c in street):
        return None
    return street, city[:LONGEST_STREET], state, code


def _drop_word(parts: list[list[str]]) -> None:
    parts[-1].pop()
    if not parts[-1]:
        parts.pop()


class CensusService:
    """The service as a chain asks it."""

    kind: Final = "census"

    def __init__(self, settings: CensusProvider, asking: Asking) -> None:
        """`asking` is closed with the service."""
        self._settings, self._asking = settings, asking
        self.batch = settings.batch_rows
        self.place = f"{settings.url} {settings.benchmark}"

    def question(self, text: str, zip: str) -> str | None:
        """The row of an address without its number; None if it is nothing that can be asked."""
        code = ZIP.fullmatch(zip)
        found = columns(text, code[1] if code else "", self._settings.city or "", self._settings.state or "")
        return None if found is None or not (found[1] or found[3]) else ",".join(found)

    def ask(self, questions: Sequence[str]) -> Iterator[dict[int, Answer]]:
        """Answers by the question's position, as they come; EtlError when no more come."""
        rows: dict[int, Answer | None] = {}

        def check(response: httpx.Response) -> None:
            # What one try brought stays when the next one fails.
            whole = _rows(response.text, len(questions), rows)
            if not whole or len(rows) < len(questions):
                raise Garbled(f"answers {len(rows):,} of {len(questions):,} addresses")

        # Only the position in the batch goes along with an address.
        content = "".join(f"{i + 1},{question}\n" for i, question in enumerate(questions)).encode()
        trouble: EtlError | None = None
        try:
            self._asking.post(
                f"{self._settings.url}{BATCH_PATH}",
                {"benchmark": self._settings.benchmark},
                ("addressFile", "addresses.csv", content),
                check,
            )
        except EtlError as error:
            trouble = error
        yield {i: answer for i, answer in rows.items() if answer is not None}
        if trouble is not None:
            raise trouble
        for i in sorted(i for i, answer in rows.items() if answer is None):
            yield {i: self._tie(questions[i])}

    def close(self) -> None:
        """Give the connections back."""
        self._asking.close()

    def _tie(self, question: str) -> Answer:
        """The places that a tied address may be: the batch does not tell them."""
        params = dict(zip(("street", "city", "state", "zip"), question.split(","), strict=True))
        found: list[Answer] = []

        def check(response: httpx.Response) -> None:
            try:
                matches = response.json()["result"]["addressMatches"]
                found.append(tuple(c for match in matches[:MOST_CANDIDATES] if (c := _match(match))))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise Garbled("answers a tied address in an unknown form", SourceError) from None

        self._asking.get(
            f"{self._settings.url}{SINGLE_PATH}",
            {
                **{name: value for name, value in params.items() if value},
                "benchmark": self._settings.benchmark,
                "format": "json",
            },
            check=check,
        )
        return found[-1]


def _rows(text: str, count: int, into: dict[int, Answer | None]) -> bool:
    """Read an answer's rows by position (None: a tie); True unless a row was not one."""
    whole = True
    reader = csv.reader(io.StringIO(text), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return whole
        except csv.Error:
            return False
        if not any(field.strip() for field in row):
            continue
        number = int(row[0]) if row[0].strip().isascii() and row[0].strip().isdigit() and len(row[0]) < 9 else 0
        try:
            if not 1 <= number <= count:
                raise ValueError("a number that was not sent")
            into[number - 1] = _answer(row)
        except (ValueError, IndexError):
            whole = False


def _answer(row: Sequence[str]) -> Answer | None:
    said = row[2].strip().casefold()
    if said == "no_match":
        return ()
    if said == "tie":
        return None
    if said != "match":
        raise ValueError("an unknown outcome")
    # The last column is the side of the street: without it the row was cut.
    if len(row) < 8 or row[7].strip().upper() not in ("L", "R"):
        raise ValueError("a row that breaks off")
    lon, _, lat = row[5].partition(",")
    point = usable(lon, lat)
    if point is None:
        raise ValueError("no coordinates")
    kind = "exact" if row[3].strip().casefold() == "exact" else "non_exact"
    return (_made(kind, row[4], point),)


def _match(match: Mapping[str, Any]) -> Candidate | None:
    point = usable(match["coordinates"]["x"], match["coordinates"]["y"])
    return _made("tie", str(match["matchedAddress"]), point) if point else None


def _made(kind: str, matched: str, point: tuple[float, float]) -> Candidate:
    matched = " ".join(matched.split())[:LONGEST_MATCHED]
    found = ZIP.fullmatch(matched.rpartition(",")[2].strip())
    return Candidate(kind, matched, *point, zip=found[1] if found else "")
