"""A citation that stays true: whose data, which release, which filter, at which address; as text, BibTeX, CSL-JSON or RIS.

Charter: what is cited in, text out; no HTTP and no pages.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from portal.components.shell import site_title
from portal.selection import Selection
from portal.text import _, date_words, local

if TYPE_CHECKING:
    from portal.release import Release

FORMATS: Final = {
    "text": ("text/plain; charset=utf-8", "txt"),
    "bibtex": ("application/x-bibtex; charset=utf-8", "bib"),
    "csl": ("application/vnd.citationstyles.csl+json", "json"),
    "ris": ("application/x-research-info-systems; charset=utf-8", "ris"),
}
"""Name -> media type and ending of a file."""
_TEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


@dataclass(frozen=True)
class Citation:
    """What is cited."""

    city: str
    city_id: str
    title: str
    release_id: str
    said: str
    url: str
    published: date
    accessed: date
    synthetic: bool

    def text(self) -> str:
        """One sentence after another."""
        made_up = " [" + _("made-up data") + "]" if self.synthetic else ""
        words = _("{city}. {title}{synthetic}. Release {id}, {day}. {filter}. {url} (accessed {accessed}).")
        return words.format(
            city=self.city, title=self.title, synthetic=made_up, id=self.release_id, day=date_words(self.published),
            filter=self.said, url=self.url, accessed=date_words(self.accessed),
        )  # fmt: skip

    def bibtex(self) -> str:
        """A @misc entry, which every style knows."""
        fields = {
            "author": f"{{{_tex(self.city)}}}", "title": f"{{{_tex(self._title())}}}", "year": str(self.published.year),
            "month": str(self.published.month), "note": _tex(f"Release {self.release_id}. {self.said}"),
            "url": self.url.replace("{", "%7B").replace("}", "%7D"), "urldate": self.accessed.isoformat(),
        }  # fmt: skip
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
        return f"@misc{{{self._key()},\n" + ",\n".join(lines) + "\n}\n"

    def csl(self) -> str:
        """CSL-JSON: a list of one item."""
        item: dict[str, Any] = {
            "id": self._key(), "type": "dataset", "title": self._title(), "author": [{"literal": self.city}],
            "publisher": self.city, "issued": _parts(self.published), "accessed": _parts(self.accessed),
            "version": self.release_id, "note": self.said, "URL": self.url,
        }  # fmt: skip
        return json.dumps([item], ensure_ascii=False, indent=1)

    def ris(self) -> str:
        """RIS, a tag a line."""
        tags = [
            ("TY", "DATA"), ("AU", self.city), ("TI", self._title()), ("PY", str(self.published.year)),
            ("DA", self.published.strftime("%Y/%m/%d")), ("ET", self.release_id), ("N1", self.said), ("PB", self.city),
            ("UR", self.url), ("Y2", self.accessed.strftime("%Y/%m/%d")), ("ER", ""),
        ]  # fmt: skip
        return "".join(f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in tags)

    def told(self, form: str) -> str:
        """In one of FORMATS."""
        return {"text": self.text, "bibtex": self.bibtex, "csl": self.csl, "ris": self.ris}[form]()

    def _title(self) -> str:
        return self.title + (" [made-up data]" if self.synthetic else "")

    def _key(self) -> str:
        return re.sub(r"[^a-z0-9-]", "", f"{self.city_id}-{self.release_id}".lower())


def cite(
    release: Release, selection: Selection, base: str, release_id: str = "", today: date | None = None
) -> Citation:
    """The citation of a release, the current one if no other is named, and of what is selected in it."""
    cited, zone = release_id or release.id, release.city.timezone
    return Citation(
        city=release.city.name,
        city_id=release.city.id,
        title=site_title(release),
        release_id=cited,
        said=selection.sentence(release),
        url=base + permanent(cited, selection),
        published=local(moment_of(cited) or release.created, zone).date(),
        accessed=today or local(datetime.now(UTC), zone).date(),
        synthetic=release.city.synthetic,
    )


def permanent(release_id: str, selection: Selection) -> str:
    """The path, and query, that goes on showing what was cited."""
    query = selection.to_query()
    return f"/r/{release_id}" + (f"?{query}" if query else "")


def moment_of(release_id: str) -> datetime | None:
    """When a release was made: its id begins with it, so that it is known also when nothing else is kept."""
    try:
        return datetime.strptime(release_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in " ".join(text.split()))


def _parts(day: date) -> dict[str, list[list[int]]]:
    return {"date-parts": [[day.year, day.month, day.day]]}
