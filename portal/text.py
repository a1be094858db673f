"""Words: translation, and numbers, shares, dates and durations as people say them.

Charter: everything between a value and the words that show it. Which words a
page uses stays in the page; the language of an answer is set once per
request with `speaking`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from portal.locale.po import Catalogue, read_po

LOCALE = Path(__file__).parent / "locale"
SOURCE_LANGUAGE = "en"
FEW = 30
"""Below this many requests a median or a share says too little to be compared."""

_language: ContextVar[str] = ContextVar("language", default=SOURCE_LANGUAGE)
_main_language: ContextVar[str] = ContextVar("main_language", default=SOURCE_LANGUAGE)


def N_(message: str) -> str:
    """Mark a message for translation where it is written, to be translated where it is shown."""
    return message


def _(message: str) -> str:
    """The message in the language of this answer."""
    return _catalogue(_language.get()).one.get(message, message)


def ngettext(singular: str, plural: str, count: float) -> str:
    """The singular or plural message for `count`, in the language of this answer."""
    forms = _catalogue(_language.get()).many.get(singular, (singular, plural))
    return forms[0] if count == 1 else forms[1]


@cache
def _catalogue(language: str) -> Catalogue:
    path = LOCALE / language / "LC_MESSAGES" / "openward.po"
    return read_po(path) if path.is_file() else Catalogue.empty()


def language() -> str:
    """The language of this answer, as a BCP 47 tag."""
    return _language.get()


def main_language() -> str:
    """The language that an address means when it names none."""
    return _main_language.get()


@contextmanager
def speaking(tag: str, main: str = SOURCE_LANGUAGE) -> Iterator[None]:
    """Answer in the language `tag` within the block; `main` is the one that addresses need not name."""
    token, main_token = _language.set(tag), _main_language.set(main)
    try:
        yield
    finally:
        _language.reset(token)
        _main_language.reset(main_token)


def choose_language(languages: Sequence[str], asked: str | None, accept: str = "") -> str:
    """The language to answer in: the one asked for, else the browser's best, else the city's first.

    >>> choose_language(["en", "es"], None, "fr;q=0.9, es-MX;q=0.8, en;q=0.1")
    'es'
    >>> choose_language(["en", "es"], "xx")
    'en'
    """
    spoken = list(languages) or [SOURCE_LANGUAGE]
    if asked in spoken:
        return str(asked)
    wishes: list[tuple[float, str]] = []
    for item in accept.split(","):
        tag, _sep, quality = item.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        wishes.append((-weight, tag.split("-")[0].lower()))
    for weight, tag in sorted(wishes, key=lambda wish: wish[0]):
        if weight < 0 and tag in spoken:
            return tag
    return spoken[0]


@contextmanager
def answering(languages: Sequence[str], query: str, accept: str = "") -> Iterator[str]:
    """Answer, within the block, in the language that an address's query names, else as `choose_language`: it is yielded.

    Without `accept` it is the same for whoever asks.
    """
    asked = parse_qs(query.removeprefix("?")).get("lang", [""])[0]
    tag = choose_language(languages, asked, accept)
    with speaking(tag, main=languages[0] if languages else tag):
        yield tag


LANGUAGE_NAMES = {"en": "English", "es": "Español"}


def number(value: float) -> str:
    """A count with separators.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{value:,.0f}"


def share(part: float, whole: float | None = None) -> str:
    """A share as people say it; of a small whole, the counts themselves.

    >>> share(0.347), share(3, 8), share(1, 4000), share(3999, 4000)
    ('35%', '3 of 8', 'less than 1%', 'more than 99%')
    """
    if whole is not None:
        if whole == 0:
            return _("none yet")
        if whole < FEW:
            return _("{part} of {whole}").format(part=number(part), whole=number(whole))
        part = part / whole
    if 0 < part < 0.005:
        return _("less than 1%")
    if 0.995 <= part < 1:
        return _("more than 99%")
    return f"{part * 100:.0f}%"


def duration_words(hours: float | None) -> str:
    """A duration in the unit that people would use; None is a quantile that is not reached.

    >>> duration_words(0.25), duration_words(6), duration_words(60), duration_words(24 * 41), duration_words(None)
    ('15 minutes', '6 hours', '2.5 days', '41 days', 'not yet reached')
    """
    if hours is None:
        return _("not yet reached")
    if hours < 1.5:
        minutes = max(round(hours * 60), 0)
        if minutes < 1:
            return _("under a minute")
        return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    if hours < 48:
        return ngettext("{n} hour", "{n} hours", _rounded(hours)).format(n=_short(hours))
    days = hours / 24
    if days < 100:
        return ngettext("{n} day", "{n} days", _rounded(days)).format(n=_short(days))
    months = days / 30.44
    if months < 24:
        return ngettext("{n} month", "{n} months", _rounded(months)).format(n=_short(months))
    return ngettext("{n} year", "{n} years", _rounded(days / 365.25)).format(n=_short(days / 365.25))


def span_words(low: float, high: float | None) -> str:
    """A range of durations, with the unit said once where it is the same.

    >>> span_words(15, 17), span_words(40, 100), span_words(5, None)
    ('15 to 17 hours', '40 hours to 4.2 days', '5 hours to not yet reached')
    """
    first, last = duration_words(low), duration_words(high)
    if first == last:
        return first
    value, space, unit = first.partition(" ")
    if space and high is not None and last.partition(" ")[2] == unit:
        first = value
    return _("{low} to {high}").format(low=first, high=last)


def _rounded(value: float) -> float:
    return round(value, 1) if value < 10 else float(round(value))


def _short(value: float) -> str:
    """At most one decimal, and none from ten on."""
    text = f"{_rounded(value):.1f}"
    return text.removesuffix(".0")


MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"), N_("July"),
    N_("August"), N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip
MONTHS_SHORT = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May."), N_("Jun"), N_("Jul"),
    N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip


def month_name(day: date) -> str:
    """'March 2026'."""
    return _("{month} {year}").format(month=_(MONTHS[day.month - 1]), year=day.year)


def month_short(day: date) -> str:
    """'Mar': for axes."""
    return _(MONTHS_SHORT[day.month - 1]).rstrip(".")


def day_short(day: date) -> str:
    """'Nov 22': for axes."""
    return _("{month} {day}").format(month=month_short(day), day=day.day)


def date_words(day: date) -> str:
    """'November 22, 2026'."""
    return _("{month} {day}, {year}").format(month=_(MONTHS[day.month - 1]), day=day.day, year=day.year)


def local(moment: datetime, timezone: str) -> datetime:
    """A UTC time (aware, or naive and meaning UTC) in the city's zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC"))
    return aware.astimezone(ZoneInfo(timezone))


def time_words(moment: datetime, timezone: str) -> str:
    """'November 22, 2026, 6:58 p.m.' in the city's zone."""
    here = local(moment, timezone)
    return _("{date}, {time}").format(date=date_words(here.date()), time=_clock(here))


def _clock(here: datetime) -> str:
    return _("{hour}:{minute:02d} {half}").format(
        hour=here.hour % 12 or 12, minute=here.minute, half=_("a.m.") if here.hour < 12 else _("p.m.")
    )


def ago_words(moment: datetime, now: datetime) -> str:
    """'12 minutes ago'; what lies ahead by a clock's fault is just now. Both moments are aware."""
    hours = (now - moment).total_seconds() / 3600
    return _("just now") if hours < 1 / 60 else _("{time} ago").format(time=duration_words(hours))


def seconds_words(seconds: float) -> str:
    """How long a run took.

    >>> seconds_words(0.4), seconds_words(41.5), seconds_words(600)
    ('under a second', '42 seconds', '10 minutes')
    """
    if seconds >= 90:
        return duration_words(seconds / 3600)
    whole = int(seconds + 0.5)
    return ngettext("{n} second", "{n} seconds", whole).format(n=whole) if whole else _("under a second")


def time_short(moment: datetime, timezone: str) -> str:
    """'Nov 22, 2026, 6:58 p.m.' in the city's zone: for long tables."""
    here = local(moment, timezone)
    day = _("{month} {day}, {year}").format(month=month_short(here), day=here.day, year=here.year)
    return _("{date}, {time}").format(date=day, time=_clock(here))


def size_words(n_bytes: int) -> str:
    """A file's size.

    >>> size_words(812), size_words(48_200), size_words(23_400_000)
    ('812 bytes', '48 kB', '23 MB')
    """
    if n_bytes < 1000:
        return ngettext("{n} byte", "{n} bytes", n_bytes).format(n=n_bytes)
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if n_bytes < scale * 1000:
            return f"{_short(n_bytes / scale)} {unit}"
    return f"{n_bytes / 1e9:,.0f} GB"


def listed(words: Sequence[str]) -> str:
    """'a, b and c'."""
    if len(words) < 2:
        return "".join(words)
    return _("{first} and {last}").format(first=", ".join(words[:-1]), last=words[-1])


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts names as people do, numbers anywhere in them as numbers.

    >>> sorted(["Ward 10", "ward 2", "12th Street", "9th Street", "Ward 2 East"], key=natural)
    ['9th Street', '12th Street', 'ward 2', 'Ward 2 East', 'Ward 10']
    """
    runs = re.findall(r"\d+|\D+", name.casefold().strip())
    return tuple((0, int(run), "") if run.isdecimal() else (1, 0, run.strip()) for run in runs)
