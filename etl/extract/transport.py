"""HTTP as the adapters need it: asked again while that may help, refused in one line when it cannot.

Charter: patience, completeness and secrecy of web requests. What is asked and
what the answers mean belong to the adapters.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import httpx

from etl.config.connections import Patience
from etl.errors import ConfigError, EtlError, SourceError, SourceUnavailable

MAX_BODY = 256 << 20
MAX_DOWNLOAD = 64 << 30
MAX_REDIRECTS = 5
AGENT = "openward (open-data portal of a city)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# 202: the system still prepares the answer; 425: too early.
TRANSIENT = frozenset({202, 408, 425, 429})
HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
ADVICE = {
    400: "check the source's settings (filter, columns, names)",
    401: "check the token or key of the source",
    403: "check the token or key of the source and that it may read this",
    404: "check the address",
    410: "it was taken away; look for its successor",
    414: "the filter is too long; shorten it",
}

T = TypeVar("T")


class Garbled(Exception):
    """An answer that is not what it should be, which asking again may mend. `lasting`: what it is if it does not."""

    def __init__(self, what: str, lasting: type[SourceError] = SourceUnavailable) -> None:
        """`what` follows the address in the message."""
        super().__init__(what)
        self.what, self.lasting = what, lasting


class Refused(SourceError):
    """The system answered with a status that asking again will not change."""

    def __init__(self, message: str, status: int, body: bytes) -> None:
        """`body` is the system's own error document, as it came."""
        super().__init__(message)
        self.status, self.body = status, body


class _Busy(Exception):
    def __init__(self, what: str, after: str | None = None) -> None:
        super().__init__(what)
        self.what, self.after = what, after


@dataclass(frozen=True)
class Download:
    """A file that was fetched whole, with what the server calls this version of it."""

    etag: str | None
    modified: str | None
    bytes: int


def secret_of(variable: str | None) -> str | None:
    """The secret in an environment variable, None where none is named; ConfigError if it is named but not set."""
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"environment variable {variable} is not set; the source's connection names it")
    return value


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class _Redaction(logging.Filter):
    """httpx logs addresses with their parameters: no secret passes."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._clean(record.getMessage()), ()
        return True


class Transport:
    """One client for one system: connections are reused, and what may pass by itself is waited for."""

    def __init__(
        self,
        patience: Patience,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], dt.datetime] = _utc_now,
        max_body: int = MAX_BODY,
    ) -> None:
        """`secrets` never appear in a message or a log, and headers that hold one never go to another host."""
        self._patience, self._sleep, self._jitter, self._clock, self._max_body = (
            patience,
            sleep,
            jitter,
            clock,
            max_body,
        )
        self._secrets = tuple(
            sorted(
                {form for s in secrets if s for form in (s, quote(s, safe=""), quote_plus(s))}, key=len, reverse=True
            )
        )
        self._headers = {"User-Agent": AGENT, **(headers or {})}
        self._client = httpx.Client(timeout=patience.timeout_seconds, follow_redirects=False)
        self._redaction = _Redaction(self.clean)
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self._redaction)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self._redaction)

    def clean(self, text: object) -> str:
        """One line without secrets."""
        line = " ".join(str(text).split())
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        check: Callable[[httpx.Response], None] | None = None,
    ) -> httpx.Response:
        """The complete answer. `check` may raise Garbled, which is asked again, or SourceError, which is not.

        SourceUnavailable when patience ends; Refused (a SourceError) for a status that will not get better.
        """

        def once() -> httpx.Response:
            with self._open(url, params, headers) as response:
                body = self._body(response)
            kept = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _OF_THE_WIRE]
            answer = httpx.Response(response.status_code, headers=kept, content=body, request=response.request)
            if HTML.match(body[:1024]):
                raise Garbled("answers with a web page instead of data")
            if check:
                check(answer)
            return answer

        return self._persist(url, once)

    def download(
        self,
        url: str,
        path: Path,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
        modified: str | None = None,
        progress: Callable[[int, int | None], None] | None = None,
        max_bytes: int = MAX_DOWNLOAD,
    ) -> Download | None:
        """A whole file to `path`; None if the server says that the version of `etag` or `modified` is still current.

        A half file that an earlier call left at `path` is gone on with if the server still has the same version.
        """
        beside = path.with_name(f"{path.name}.resume")

        def once() -> Download | None:
            return self._download_once(url, path, beside, dict(headers or {}), (etag, modified), progress, max_bytes)

        got = self._persist(url, once)
        beside.unlink(missing_ok=True)
        return got

    def _download_once(
        self,
        url: str,
        path: Path,
        beside: Path,
        headers: dict[str, str],
        known: tuple[str | None, str | None],
        progress: Callable[[int, int | None], None] | None,
        max_bytes: int,
    ) -> Download | None:
        # Ranges count the bytes on the wire, so that these must be the file's own.
        headers["Accept-Encoding"] = "identity"
        name = hashlib.sha256(self.clean(url).encode()).hexdigest()
        have, version = _half(path, beside, name)
        if have and version:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        else:
            etag, modified = known
            headers |= {"If-None-Match": etag} if etag else {}
            headers |= {"If-Modified-Since": modified} if modified else {}
        try:
            with self._open(url, None, headers, fine=(304,)) as response:
                if response.status_code == 304:
                    return None
                start = have if _goes_on(response, have) else 0
                if not start:
                    _note(beside, name, response)
                return self._keep(response, path, start, progress, max_bytes)
        except Refused as error:
            if error.status == 416:  # the half file is longer than the file is by now
                path.unlink(missing_ok=True)
                raise Garbled("the file has changed while it was downloaded") from error
            raise

    def _keep(
        self,
        response: httpx.Response,
        path: Path,
        start: int,
        progress: Callable[[int, int | None], None] | None,
        max_bytes: int,
    ) -> Download:
        length = response.headers.get("content-length", "")
        total = start + int(length) if length.isdigit() and "content-encoding" not in response.headers else None
        if (total or 0) > max_bytes:
            raise SourceError(
                f"{_shown(response.request.url)}: has {total:,} bytes, more than the limit of {max_bytes:,}"
            )
        done = start
        with path.open("ab" if start else "wb") as file:
            for block in response.iter_bytes():
                if done == 0 and HTML.match(block[:1024]):
                    raise Garbled("answers with a web page instead of a file")
                done += len(block)
                if done > max_bytes:
                    raise SourceError(
                        f"{_shown(response.request.url)}: is longer than the limit of {max_bytes:,} bytes"
                    )
                file.write(block)
                if progress:
                    progress(done, total)
        if total is not None and done != total:
            raise Garbled(f"broke off after {done:,} of {total:,} bytes")
        return Download(response.headers.get("etag"), response.headers.get("last-modified"), done)

    @contextmanager
    def _open(
        self,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        fine: tuple[int, ...] = (),
    ) -> Iterator[httpx.Response]:
        """An answer whose status is good, its body still to be read."""
        sent = {**self._headers, **(headers or {})}
        request = self._client.build_request("GET", url, params=dict(params) if params else None, headers=sent)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._client.send(request, stream=True)
            try:
                if response.status_code not in REDIRECTS:
                    self._accept(response, url, fine)
                    yield response
                    return
                request = self._redirected(response, url, sent)
            finally:
                response.close()
        raise SourceError(f"{_shown(url)}: redirects more than {MAX_REDIRECTS} times; check the address")

    def _redirected(self, response: httpx.Response, url: str, headers: dict[str, str]) -> httpx.Request:
        here = response.request.url
        target = urljoin(str(here), response.headers.get("location", ""))
        there = httpx.URL(target)
        if there.scheme not in ("http", "https") or not there.host:
            raise SourceError(f"{_shown(url)}: redirects to something that is not a web address; check the address")
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
            if self.clean(target) != " ".join(target.split()):
                raise SourceError(f"{_shown(url)}: redirects to {there.host} with the token; give the final address")
            for name in [n for n, v in headers.items() if n.lower() in _SECRET_HEADERS or self.clean(v) != v]:
                del headers[name]
        return self._client.build_request("GET", there, headers=headers)

    def _accept(self, response: httpx.Response, url: str, fine: tuple[int, ...]) -> None:
        status = response.status_code
        if status in fine or (200 <= status < 300 and status != 202):
            return
        if status in TRANSIENT or status >= 500:
            raise _Busy(f"answers with HTTP {status}", response.headers.get("retry-after"))
        body = self._body(response)
        said = self.clean(_said(body))[:200]
        advice = ADVICE.get(status, "check the address and the source's settings")
        raise Refused(f"{self._place(url)}: HTTP {status}{f' ({said})' if said else ''}; {advice}", status, body)

    def _body(self, response: httpx.Response) -> bytes:
        blocks, size = [], 0
        for block in response.iter_bytes():
            size += len(block)
            if size > self._max_body:
                limit = f"{self._max_body >> 20} MB" if self._max_body >= 1 << 20 else f"{self._max_body:,} bytes"
                raise SourceError(
                    f"{self._place(response.request.url)}: one answer is larger than {limit}; lower the source's page_size"
                )
            blocks.append(block)
        return b"".join(blocks)

    def _persist(self, url: str, once: Callable[[], T]) -> T:
        """Try until it works, it cannot work, or patience ends."""
        attempts = self._patience.attempts
        lasting: type[SourceError] = SourceUnavailable
        what = ""
        for attempt in range(1, attempts + 1):
            after = None
            lasting = SourceUnavailable
            try:
                return once()
            except EtlError:
                raise
            except _Busy as error:
                what, after = error.what, error.after
            except Garbled as error:
                what, lasting = error.what, error.lasting
            except httpx.TimeoutException:
                what = f"does not answer within {self._patience.timeout_seconds:g} seconds"
            except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError) as error:
                raise SourceError(f"{self._place(url)}: is not an address that can be asked; check the URL") from error
            except (httpx.RequestError, httpx.StreamError) as error:
                what = self._trouble(url, error)
            if attempt < attempts:
                self._sleep(self._wait(url, attempt, what, after))
        tries = f"tried {attempts} times" if attempts > 1 else "tried once"
        advice = "run again later" if lasting is SourceUnavailable else "check the address and the kind of the source"
        raise lasting(f"{self._place(url)}: {self.clean(what)} ({tries}); {advice}")

    def _trouble(self, url: str, error: Exception) -> str:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise SourceError(
                    f"{self._place(url)}: its certificate cannot be verified ({self.clean(cause.verify_message)}); check the address"
                ) from error
            if isinstance(cause, UnicodeError):
                raise SourceError(f"{self._place(url)}: is not a host name; check the URL") from error
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.ConnectError):
            return "cannot be reached"
        if isinstance(error, httpx.DecodingError):
            return "sends a damaged answer"
        return "breaks the connection off before the answer is complete"

    def _wait(self, url: str, attempt: int, what: str, after: str | None) -> float:
        longest = self._patience.longest_wait_seconds
        stated = _seconds(after, self._clock())
        if stated is None:
            # Half fixed, half by chance, so that several clients do not come back together.
            return float(min(longest, 2.0 ** (attempt - 1)) * (0.5 + self._jitter() / 2))
        if stated > longest:
            back = self._clock() + dt.timedelta(seconds=min(stated, 366 * 86_400))
            raise SourceUnavailable(
                f"{self._place(url)}: {what} and asks to come back at {back:%Y-%m-%d %H:%M:%S} UTC; run again then"
            )
        return stated

    def _place(self, url: str | httpx.URL) -> str:
        return self.clean(_shown(url))


_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})
_SECRET_HEADERS = frozenset({"authorization", "x-app-token", "cookie", "proxy-authorization", "x-esri-authorization"})


def _shown(url: str | httpx.URL) -> str:
    """An address for messages: without parameters and names, which may be secret."""
    try:
        parts = urlsplit(str(url))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "the source's address"


def _seconds(after: str | None, now: dt.datetime) -> float | None:
    """What Retry-After says, as seconds from now."""
    if not after:
        return None
    if after.strip().isdigit():
        return float(after)
    try:
        moment = parsedate_to_datetime(after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - now).total_seconds())


def _said(body: bytes) -> str:
    """What an error document says, if it is short and readable."""
    text = body[:4096].decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except ValueError:
        return "" if HTML.match(body[:1024]) else re.sub(r"<[^>]*>", " ", text)
    for key in ("errors", "error", "message", "description", "detail"):
        found = found[0] if isinstance(found, list) and found else found
        inner = found.get(key) if isinstance(found, dict) else None
        # Some say {"error": true, "message": "…"}, others {"error": {"message": "…"}}.
        found = inner if isinstance(inner, (str, dict, list)) and inner else found
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _half(path: Path, beside: Path, name: str) -> tuple[int, str | None]:
    """Bytes of a half file and the version they belong to; (0, None) where there is nothing to go on with."""
    try:
        note = json.loads(beside.read_bytes())
        if note["of"] == name and note["version"]:
            return path.stat().st_size, str(note["version"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, None


def _note(beside: Path, name: str, response: httpx.Response) -> None:
    etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
    # A weak ETag does not promise the same bytes, and re-compressed bytes cannot be counted.
    version = etag if etag and not etag.startswith("W/") else modified
    if "content-encoding" in response.headers:
        version = None
    beside.write_text(json.dumps({"of": name, "version": version}), encoding="utf-8")


def _goes_on(response: httpx.Response, have: int) -> bool:
    if response.status_code != 206:
        return False
    if not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
        raise Garbled("sends another part of the file than the one asked for")
    return True
