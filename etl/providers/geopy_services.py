"""Nominatim and Pelias through geopy, which knows their addresses and parameters; the asking itself is the project's.

Charter: one question a request, and from what the two say of a result to the kind of match that it is. A result with
another house number than the one asked for counts as its street only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from geopy.adapters import BaseSyncAdapter  # type: ignore[import-untyped]
from geopy.exc import GeopyError  # type: ignore[import-untyped]
from geopy.geocoders import Nominatim, Pelias  # type: ignore[import-untyped]

from etl.config.providers import GeocodingService, NominatimProvider, PeliasProvider
from etl.errors import SourceError
from etl.extract.transport import Garbled, Refused
from etl.providers.answers import LONGEST_MATCHED, MOST_CANDIDATES, Answer, Box, Candidate, reach, usable
from etl.providers.asking import Asking, agent

LIMIT: Final = 5
NOT_ADDRESSES: Final = frozenset({400, 414, 422})
"""Statuses that may be about one address alone."""
MOST_REFUSED: Final = 3
"""So many addresses in a row that are refused or answered in an unknown form are about the service."""
ZIP: Final = re.compile(r"\b(\d{5})(?:-\d{4})?\s*$")
NUMBER: Final = re.compile(r"\s*(\d+(?:-\d+)?)[A-Za-z]?(?![\w])")
WRONG_SHAPE: Final = (
    GeopyError, KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
PELIAS_AREAS: Final = frozenset(
    "neighbourhood borough locality localadmin county macrocounty region macroregion country dependency postalcode "
    "macrohood empire continent ocean marinearea coarse".split()
)


class _Adapter(BaseSyncAdapter):
    """geopy's way to the web, led through the project's client."""

    def __init__(self, asking: Asking, fits: Callable[[Any], bool]) -> None:
        super().__init__(proxies=None, ssl_context=None)
        self._asking, self._fits = asking, fits

    def get_json(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> Any:  # noqa: ARG002 - geopy's form
        """The parsed answer; the time-out is the client's own."""
        found: list[Any] = []

        def check(response: httpx.Response) -> None:
            try:
                found.append(response.json())
            except (ValueError, RecursionError):
                raise Garbled("answers with something that is not JSON") from None
            if not self._fits(found[-1]):
                raise Garbled("answers in an unknown form", SourceError)

        self._asking.get(url, headers=headers, check=check)
        return found[-1]

    def get_text(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> str:  # noqa: ARG002 - geopy's form
        """The answer as it came."""
        return self._asking.get(url, headers=headers).text


class _OneByOne:
    """What both services share."""

    batch: Final = 1

    def __init__(self, settings: GeocodingService, asking: Asking, within: Box | None) -> None:
        self._settings, self._asking = settings, asking
        # geopy wants (lat, lon).
        self._box = [(within[1], within[0]), (within[3], within[2])] if within else None
        self._refused = 0
        parts = urlsplit(settings.url)
        self._scheme, self._domain = parts.scheme, f"{parts.netloc}{parts.path}"

    def question(self, text: str, zip: str) -> str | None:
        """The address in one line, with the city, state and ZIP that it does not say itself."""
        if not any(c.isalpha() for c in text):
            return None
        said = text.casefold()
        parts = [text]
        city, state = self._settings.city, self._settings.state
        if city and city.casefold() not in said:
            parts.append(city)
        if state and not re.search(rf"\b{re.escape(state.casefold())}\b", said):
            parts.append(state)
        found = ZIP.search(text)
        own = found is not None and found.start() > 0
        return ", ".join(parts) + (f" {zip}" if zip and not own else "")

    def ask(self, questions: Sequence[str]) -> Iterator[dict[int, Answer]]:
        """Answers by the question's position; SourceError when no more come.

        An address that is refused, or answered in an unknown form, has no answer; several in a row end the asking.
        """
        for i, question in enumerate(questions):
            try:
                places = self._geocode(question) or []
                answer = tuple(c for p in places[:MOST_CANDIDATES] if (c := self._candidate(question, p.raw)))
            except Refused as error:
                self._refused += 1
                if error.status not in NOT_ADDRESSES or self._refused >= MOST_REFUSED:
                    raise
                continue
            except WRONG_SHAPE:
                self._refused += 1
                if self._refused >= MOST_REFUSED:
                    raise SourceError(f"{self._settings.url}: answers in an unknown form; check the address") from None
                continue
            self._refused = 0
            yield {i: answer}

    def close(self) -> None:
        """Give the connections back."""
        self._asking.close()

    def _adapter(self, fits: Callable[[Any], bool]) -> Callable[..., _Adapter]:
        return lambda **_: _Adapter(self._asking, fits)

    def _geocode(self, question: str) -> Sequence[Any] | None:
        raise NotImplementedError

    def _candidate(self, question: str, raw: Mapping[str, Any]) -> Candidate | None:
        raise NotImplementedError


class NominatimService(_OneByOne):
    """Nominatim's search."""

    kind: Final = "nominatim"

    def __init__(self, settings: NominatimProvider, asking: Asking, within: Box | None) -> None:
        """`within`: the box that results must lie in; `asking` is closed with the service."""
        super().__init__(settings, asking, within)
        self._countries = list(settings.countries)
        self.place = f"{settings.url} {within} {self._countries}"
        self._client = Nominatim(
            domain=self._domain,
            scheme=self._scheme,
            user_agent=agent(settings.email),
            adapter_factory=self._adapter(lambda found: isinstance(found, list)),
        )

    def _geocode(self, question: str) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self._client.geocode(
            question,
            exactly_one=False,
            limit=LIMIT,
            addressdetails=True,
            country_codes=self._countries or None,
            viewbox=self._box,
            bounded=self._box is not None,
        )
        return found

    def _candidate(self, question: str, raw: Mapping[str, Any]) -> Candidate | None:
        point = usable(raw.get("lon"), raw.get("lat"))
        if point is None:
            return None
        address = raw.get("address") or {}
        south, north, west, east = (*(raw.get("boundingbox") or ()), None, None, None, None)[:4]
        return Candidate(
            nominatim_kind(question, raw),
            _line(raw.get("display_name")),
            *point,
            zip=_zip(address.get("postcode")),
            reach_m=reach(west, south, east, north),
        )


def nominatim_kind(question: str, raw: Mapping[str, Any]) -> str:
    """The kind of match of one of Nominatim's results, by its class, type, address type and rank.

    A house that is not a node but a way without a building is a point on an interpolation line or a TIGER range.
    """
    group, type_ = str(raw.get("class") or raw.get("category") or ""), str(raw.get("type") or "")
    known_as, rank = str(raw.get("addresstype") or ""), raw.get("place_rank")
    number = (raw.get("address") or {}).get("house_number")
    rank = rank if isinstance(rank, int) else 0
    if known_as == "road" or rank in (26, 27) or (group == "highway" and rank < 26 and not known_as):
        return "street"
    if number:
        asked = NUMBER.match(question)
        if asked is None:
            return "place"
        if not same_number(asked[1], str(number)):
            return "other_number"
        return "interpolated" if group == "place" and raw.get("osm_type") != "node" else "house"
    if type_ == "houses":
        return "interpolated"
    if group == "boundary" or group == "place" or 0 < rank < 26:
        return "area"
    # Something without a house number, where one was asked for, is at best near.
    return "other_number" if NUMBER.match(question) else "place"


class PeliasService(_OneByOne):
    """Pelias' search."""

    kind: Final = "pelias"

    def __init__(self, settings: PeliasProvider, asking: Asking, within: Box | None, key: str | None) -> None:
        """`within`: the box that results must lie in; `key` must be among the secrets of `asking`, which is closed here."""
        super().__init__(settings, asking, within)
        self._countries = list(settings.countries)
        self.place = f"{settings.url} {within} {self._countries}"
        self._client = Pelias(
            self._domain,
            api_key=key,
            scheme=self._scheme,
            user_agent=agent(None),
            adapter_factory=self._adapter(
                lambda found: isinstance(found, dict) and isinstance(found.get("features"), list)
            ),
        )

    def _geocode(self, question: str) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self._client.geocode(
            question, exactly_one=False, boundary_rect=self._box, countries=self._countries or None
        )
        return found

    def _candidate(self, question: str, raw: Mapping[str, Any]) -> Candidate | None:
        lon, lat, *_ = raw["geometry"]["coordinates"]
        point = usable(lon, lat)
        if point is None:
            return None
        said = raw.get("properties") or {}
        box = (*(raw.get("bbox") or ()), None, None, None, None)[:4]
        trust = said.get("confidence")
        return Candidate(
            pelias_kind(question, said),
            _line(said.get("label") or said.get("name")),
            *point,
            zip=_zip(said.get("postalcode")),
            reach_m=reach(*box),
            trust=float(trust) if isinstance(trust, (int, float)) else 1.0,
        )


def pelias_kind(question: str, said: Mapping[str, Any]) -> str:
    """The kind of match of one of Pelias' results, by its layer, match_type and accuracy."""
    layer, match, accuracy = (str(said.get(name) or "") for name in ("layer", "match_type", "accuracy"))
    asked = NUMBER.match(question)
    if layer == "address":
        if asked and not same_number(asked[1], str(said.get("housenumber") or "")):
            return "other_number"
        if "interpolated" in (match, accuracy):
            return "interpolated"
        return "house" if accuracy == "point" else "centroid"
    if layer == "street":
        return "fallback_street" if match == "fallback" else "street"
    if layer == "intersection":
        return "intersection"
    if layer in PELIAS_AREAS:
        return "area"
    return "other_number" if asked else "place"


def same_number(asked: str, found: str) -> bool:
    """The number found is the one asked for, or one is a range that holds the other; '120-55' may be one number of Queens.

    >>> [same_number("688", n) for n in ("688", "688A", "686-692", "690", "")]
    [True, True, True, False, False]
    >>> [same_number("120-55", n) for n in ("120-55", "12055", "120")]
    [True, True, False]
    >>> [same_number("686-692", n) for n in ("686", "690", "694", "686-692")]
    [True, True, False, True]
    """
    digits = [int(part) for part in re.findall(r"\d{1,9}", found)]
    if "-" in asked:
        low, high = (int(part[:18]) for part in asked.split("-"))
        return asked.replace("-", "") == re.sub(r"\D", "", found) or any(low <= number <= high for number in digits)
    number = int(asked[:18])
    spanned = len(digits) == 2 and "-" in found and digits[0] <= number <= digits[1]
    return number in digits or spanned


def _line(text: Any) -> str:
    return " ".join(str(text or "").split())[:LONGEST_MATCHED]


def _zip(text: Any) -> str:
    found = ZIP.search(str(text or ""))
    return found[1] if found else ""
