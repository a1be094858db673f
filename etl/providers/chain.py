"""Services as geocoders: each behind its cache, and all of them in a row.

Charter: what is asked, when asking stops, and what is told. A service that fails is asked no more by the same chain; what
it answered before is used and kept, the rest is not located, and the trouble is told once. Only when not one answer came,
neither from the web nor from the cache, is it an error.
"""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np

from etl.config.providers import CensusProvider, GeocodingService, NominatimProvider, PeliasProvider
from etl.errors import SourceError, SourceUnavailable
from etl.extract.transport import secret_of
from etl.providers.answers import Answer, Box, located
from etl.providers.asking import Asking
from etl.providers.cache import AnswerCache, key_of
from etl.providers.census import CensusService
from etl.providers.geopy_services import NominatimService, PeliasService
from geo.geocoding.model import LONGEST_TEXT, Located
from geo.geocoding.protocol import AddressLocator
from geo.geocoding.results import filled, nothing

LOGGER: Final = logging.getLogger("openward.etl.providers")
POSTCODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{2,9}")

Progress = Callable[[int, int], None]
"""Told how many of how many questions have an answer."""


class Service(Protocol):
    """One geocoding service: how many questions it takes at once, and where it is (part of the cache's key)."""

    @property
    def kind(self) -> str:
        """A key of answers.GRADES."""
        ...

    @property
    def place(self) -> str:
        """The address and every option that shapes answers."""
        ...

    @property
    def batch(self) -> int:
        """Questions in one request."""
        ...

    def question(self, text: str, zip: str) -> str | None:
        """What is sent for an address; None if nothing is."""
        ...

    def ask(self, questions: Sequence[str]) -> Iterator[dict[int, Answer]]:
        """Answers by position, as they come; SourceError when no more come."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...


class ProviderLocator:
    """One service as an AddressLocator."""

    def __init__(
        self,
        service: Service,
        settings: GeocodingService,
        cache: AnswerCache,
        *,
        inside: Box | None = None,
        tell: Callable[[str], None] = LOGGER.warning,
        progress: Progress | None = None,
    ) -> None:
        """`inside`: places elsewhere are not taken; `tell` gets one line when the service fails or the run's share is used."""
        self._service, self._settings, self._cache = service, settings, cache
        self._inside, self._tell, self._progress = inside, tell, progress
        self._left = settings.most_per_run
        self._trouble: str | None = None
        self._answered = False
        self._told: set[str] = set()

    def locate(self, texts: Sequence[str], *, zips: Sequence[str] | None = None) -> Located:
        """As AddressLocator has it. SourceUnavailable when the service fails and there is not one answer; StoreError from
        the cache.
        """
        questions = self._questions(texts, zips)
        keys = [None if q is None else key_of(self._service.kind, self._service.place, q) for q in questions]
        wanted = {key: q for key, q in zip(keys, questions, strict=True) if key is not None and q is not None}
        answers = self._kept(list(wanted))
        if len(answers) < len(wanted) and self._trouble is None:
            self._ask(wanted, answers)
        self._answered = self._answered or bool(answers)
        if self._trouble is not None and wanted and not self._answered:
            raise SourceUnavailable(self._trouble)
        return located(self._service.kind, [None if key is None else answers.get(key) for key in keys], self._inside)

    def close(self) -> None:
        """Give the connections back."""
        self._service.close()

    def _questions(self, texts: Sequence[str], zips: Sequence[str] | None) -> list[str | None]:
        _check(texts, zips)
        questions: list[str | None] = []
        for i, text in enumerate(texts):
            plain = clean(text)
            code = clean(zips[i]) if zips is not None else ""
            code = code if POSTCODE.fullmatch(code) else ""
            questions.append(self._service.question(plain, code) if plain else None)
        return questions

    def _kept(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        return self._cache.many(keys, self._settings.keep_days, self._settings.keep_nothing_days)

    def _ask(self, wanted: Mapping[bytes, str], answers: dict[bytes, Answer]) -> None:
        """Ask for what is missing until it is all there, the service fails or this run's share is used."""
        missing = [key for key in wanted if key not in answers]
        if len(missing) > self._left:
            self._tell_once(
                f"{self._settings.url}: one run may ask for {self._settings.most_per_run:,} addresses (most_per_run); "
                "a later run asks for the rest"
            )
            missing = missing[: self._left]
        for start in range(0, len(missing), self._service.batch):
            part = missing[start : start + self._service.batch]
            # Another process may have asked meanwhile.
            answers |= self._kept(part)
            asked = [key for key in part if key not in answers]
            if not asked:
                continue
            self._left -= len(asked)
            try:
                for got in self._service.ask([wanted[key] for key in asked]):
                    new = {asked[i]: answer for i, answer in got.items()}
                    self._cache.keep(new)
                    answers |= new
                    if self._progress:
                        self._progress(len(answers), len(wanted))
            except SourceError as error:
                self._trouble = str(error)
                self._tell_once(self._trouble)
                return

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._tell(line)


class ProviderChain:
    """Locators in a row, each asked for what the ones before did not find; an AddressLocator itself, to be used with `with`."""

    def __init__(self, locators: Sequence[AddressLocator], closing: Sequence[Callable[[], None]] = ()) -> None:
        """`closing` is called at the end, in order."""
        self._locators, self._closing = locators, closing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give connections and the cache back."""
        for close in self._closing:
            close()

    def locate(self, texts: Sequence[str], *, zips: Sequence[str] | None = None) -> Located:
        """As AddressLocator has it. SourceUnavailable, of the first service, when not one of them gave any answer."""
        _check(texts, zips)
        found = nothing(len(texts))
        failed: list[SourceUnavailable] = []
        for locator in self._locators:
            open_ = np.flatnonzero(found.method == 0).tolist()
            if not open_:
                break
            try:
                more = locator.locate(
                    [texts[i] for i in open_], zips=None if zips is None else [zips[i] for i in open_]
                )
            except SourceUnavailable as error:
                failed.append(error)
                continue
            found = filled(found, more, open_)
        if failed and len(failed) == len(self._locators):
            raise failed[0]
        return found


def chain_of(
    providers: Sequence[CensusProvider | NominatimProvider | PeliasProvider],
    cache_path: Path,
    *,
    inside: Box | None = None,
    tell: Callable[[str], None] = LOGGER.warning,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    **transport: Any,
) -> ProviderChain:
    """The configured services in order, with one cache at `cache_path`; without any, nothing is opened, sent or found.

    `inside`: the city's box (west, south, east, north in EPSG:4326); results elsewhere are not taken. `tell`: gets a line
    for each service that fails. `clock` (seconds since 1970) and `sleep` keep the services' rates; `transport` goes to
    etl.extract.transport.Transport. ConfigError when a key's environment variable is not set, StoreError when the cache
    cannot be opened.
    """
    if not providers:
        return ProviderChain(())
    # Before anything is opened: a key that is not there is told first.
    keys = [secret_of(p.api_key_env) if isinstance(p, PeliasProvider) else None for p in providers]
    cache = AnswerCache(cache_path, clock=clock)
    locators = []
    for settings, key in zip(providers, keys, strict=True):
        asking = Asking(
            settings.patience,
            partial(_wait, cache, settings.url, 1 / settings.rate_per_second, sleep),
            contact=settings.email if isinstance(settings, NominatimProvider) else None,
            secrets=[key] if key else (),
            sleep=sleep,
            **transport,
        )
        service = _service(settings, asking, inside, key)
        locators.append(ProviderLocator(service, settings, cache, inside=inside, tell=tell, progress=progress))
    return ProviderChain(locators, [*(locator.close for locator in locators), cache.close])


def clean(text: object) -> str:
    """An address on one line without control characters; '' where there is nothing that could be one."""
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return ""
    kept = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)
    line = " ".join(unicodedata.normalize("NFC", kept).split())
    return line if any(c.isalnum() for c in line) else ""


def _check(texts: Sequence[str], zips: Sequence[str] | None) -> None:
    if zips is not None and len(zips) != len(texts):
        raise ValueError("zips: must have one entry a text")


def _wait(cache: AnswerCache, place: str, interval: float, sleep: Callable[[float], None]) -> None:
    seconds = cache.turn(place, interval)
    if seconds > 0:
        sleep(seconds)


def _service(
    settings: CensusProvider | NominatimProvider | PeliasProvider, asking: Asking, inside: Box | None, key: str | None
) -> Service:
    if isinstance(settings, CensusProvider):
        return CensusService(settings, asking)
    if isinstance(settings, NominatimProvider):
        return NominatimService(settings, asking, inside)
    return PeliasService(settings, asking, inside, key)
