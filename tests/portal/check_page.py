"""Checks a page against its receipts: every mark's value is what the receipt makes, and its words say that value."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from portal.html import to_html
from portal.receipts import receipt
from portal.release import Release
from portal.routes import render
from portal.selection import Selection
from tests.portal.page_numbers import Numbers, read
from tests.portal.run_receipt import run

CLOSE = {"time_ratio": 2e-5, "time_ratio_low": 1e-4, "time_ratio_high": 1e-4}
"""Columns that a receipt interpolates."""
HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0, "month": 24 * 30.44, "year": 24 * 365.25}
SHOWN = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)(?P<unit>%| (?:minute|hour|day|month|year)s?(?!\w))?")
SAYS_A_LIMIT = re.compile(r"less than|more than|under a|fewer than|at least|\d of \d|not yet")
"""Words that tell no number of their own, or two."""

Row = dict[str, Any]


class Receipts:
    """Runs each receipt of a release once."""

    def __init__(self, release: Release) -> None:
        self.release, self.answers = release, dict[str, dict[str, Row]]()

    def value(self, address: str, item: str) -> float | None:
        """One number of a receipt; a sum where the item names several."""
        if " + " in item:
            return sum(self.value(address, one) or 0.0 for one in item.split(" + "))
        rows = self.rows(address)
        row, _, column = item.rpartition("/")
        if row not in rows:
            raise AssertionError(f"{address} has no row '{row}'")
        found: float | None = rows[row][column]
        return found

    def rows(self, address: str) -> dict[str, Row]:
        """The rows of a receipt by their keys."""
        if address not in self.answers:
            parts = urlsplit(address)
            arguments = {key: values[0] for key, values in parse_qs(parts.query).items()}
            name = unquote(parts.path.removeprefix("/receipts/"))
            selection = Selection.from_query(parts.query, self.release)
            self.answers[address] = run(self.release, receipt(self.release, name, selection, arguments))
        return self.answers[address]


def wrong_numbers(release: Release, page: str) -> tuple[list[str], int]:
    """What a page says that its receipts do not, and how many numbers were looked at."""
    found = page_of(release, page)
    return wrong_marks(Receipts(release), found), len(found.marks)


def page_of(release: Release, page: str) -> Numbers:
    """What is on a page, which must be there."""
    path, _, query = page.partition("?")
    shown = render(release, path, query)
    assert shown.status == 200, page
    return read(to_html(shown.body), release)


def wrong_marks(receipts: Receipts, found: Numbers) -> list[str]:
    """What a page's marks say that its receipts do not, and words that do not say what is marked."""
    wrong = []
    for mark in found.marks:
        address, item = mark["data-receipt"], mark["data-item"]
        ends = [("value", item)] + ([("data-high", mark["data-to"])] if "data-to" in mark else [])
        for attribute, of in ends:
            said = float(mark[attribute]) if mark[attribute] else None
            value = _made(receipts, address, of, mark)
            near = CLOSE.get(of.rpartition("/")[2], 1e-8)
            if (said is None) != (value is None) or (
                said is not None and said != pytest.approx(value, rel=near, abs=1e-9)
            ):
                wrong.append(f"'{mark['words']}' is {said}, but {address} says {of} = {value}")
        if not _says(mark):
            wrong.append(f"the words '{mark['words']}' do not say {mark['value']} ({address} {item})")
    return wrong


def _made(receipts: Receipts, address: str, item: str, mark: Row) -> float | None:
    value = receipts.value(address, item)
    if value is None:
        return None
    if "data-over" in mark:
        return value / (receipts.value(*mark["data-over"].split(" ", 1)) or float("nan"))
    if "data-less" in mark:
        return value - (receipts.value(*mark["data-less"].split(" ", 1)) or 0.0)
    return value


def _says(mark: Row) -> bool:
    """Whether a number in the words is the value, as exactly as it is written."""
    words, values = mark["words"], [float(mark[name]) for name in ("value", "data-high") if mark.get(name)]
    shown = list(SHOWN.finditer(words))
    if not values or SAYS_A_LIMIT.search(words):
        return bool(values) or not shown
    units = [one["unit"] for one in shown]
    last = next((unit for unit in reversed(units) if unit), None)
    return all(any(_is(value, one["number"], one["unit"] or last) for one in shown) for value in values)


def _is(value: float, number: str, unit: str | None) -> bool:
    plain = number.replace(",", "")
    written, decimals = float(plain), len(plain.partition(".")[2])
    scale = HOURS[unit.strip().rstrip("s")] if unit and unit != "%" else None
    candidates = (
        [value / scale, value] if scale else [value * 100, (value - 1) * 100, value] if unit else [value, value * 100]
    )
    return any(abs(abs(one) - written) <= 0.5 * 10**-decimals + 1e-9 for one in candidates)
