"""Makes the brief of one area or department: two pages, whatever its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal import queries
from portal.brief.first import first_page
from portal.brief.second import second_page
from portal.brief.sheet import Sheet
from portal.text import _, language

if TYPE_CHECKING:
    from portal.release import Release
    from portal.selection import Selection

US_ZONES = "America/"


def default_paper(timezone: str) -> str:
    """Letter where the city's clock is an American one, else A4.

    >>> default_paper("America/New_York"), default_paper("Europe/Madrid")
    ('letter', 'a4')
    """
    return "letter" if timezone.startswith(US_ZONES) else "a4"


def brief(release: Release, selection: Selection, dimension: str, key: str, kind: str, base: str, address: str,
          paper: str) -> bytes:  # fmt: skip
    """The PDF, in the language of this answer.

    `selection` is that of the page, `kind` what the place is ('Council district'), `address` the page's own address,
    `base` the portal's without a slash at its end. The same arguments always give the same bytes.
    """
    report = queries.report(release, queries.narrowed(selection, dimension, None), dimension, key)
    name = release.allowed(dimension)[key]
    title = _("{name}: service requests, brief of two pages").format(name=name)
    city = release.city
    sheet = Sheet(paper, city.accent, title, city.attribution or city.name, language(), release.created)
    first_page(sheet, release, report, name, kind, address)
    second_page(sheet, release, report, name, base, address)
    return sheet.finished()
