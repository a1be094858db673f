"""Open311 GeoReport v2, in JSON and XML.

Charter: an interface that tells neither how many requests there are nor that
it left some out. A span of time is taken as complete only once the endpoint
has shown that it would send more rows than it sent for the span; else the span
is halved.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import DefusedXmlException, ElementTree  # type: ignore[import-untyped]

from etl.config.connections import Open311Connection
from etl.errors import SourceError
from etl.extract import records
from etl.extract.raw import Part, RawCopy, RawWriter
from etl.extract.source import Fetching, Known, Progress
from etl.extract.transport import Garbled, Refused, Transport, secret_of

SHORTEST = dt.timedelta(minutes=1)
BORDER = dt.timedelta(seconds=1)
FEWEST = 10
"""No endpoint cuts its answers to fewer rows than this, unless the configuration says so."""
WIDEST = dt.timedelta(days=90)
BATCH = 50
BATCH_LETTERS = 1_500
MARKS = ("service_request_id", "token", "requested_datetime", "service_code", "status")
CORE = ("service_request_id", "status", "requested_datetime")
STANDARD = (
    "status_notes", "service_name", "service_code", "description", "agency_responsible", "service_notice",
    "updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url", "token",
)  # fmt: skip


class Open311Adapter(records.Asked[Open311Connection]):
    """An endpoint: its requests by spans of time, and those still open again by their numbers."""

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """What was requested since the last fetch less the overlap, and every request that may have changed since."""
        c = self._connection
        secret = secret_of(c.api_key_env)
        whole = records.wants_whole(known, fetching, c.refresh_days)
        old = records.moment((known.watermark or {}).get("until"))
        first = dt.datetime.combine(c.since, dt.time(), dt.UTC)
        begin = first if whole or old is None else records.before(min(old, fetching.now), days=c.overlap_days)
        key = json.dumps([c.url, c.jurisdiction_id, c.format, c.discovery, records.stamp(begin, "seconds"), whole])
        writer = fetching.archive.begin(fetching.source, c.kind, key, fetching.now)
        with self._transport(c.patience, secrets=[secret] if secret else []) as transport:
            asking = _Asking(c, transport, writer, secret)
            asking.describe()
            asking.windows(begin, fetching.now, fetching.progress)
            if known.watermark is not None:
                asking.again(known.open_ids(records.before(fetching.now, days=c.watch_days)))
        parts = [part for part in writer.parts if part.note.get("rows")]
        until = max(m for m in (old, fetching.now) if m)
        return records.finish(
            writer,
            known,
            # Where the endpoint would not send all, what is missing is not withdrawn.
            whole=whole and not any(part.note.get("warning") for part in parts),
            watermark={"until": records.stamp(until, "seconds")},
            as_of=fetching.now,
            columns=_columns(parts),
        )

    def reader(self, copy: RawCopy) -> Callable[[bytes], Sequence[records.Record]]:
        """The requests of each answer, but for those that the answer before it held in the very same words."""
        del copy
        before: dict[str, records.Record] = {}

        def read(body: bytes) -> Sequence[records.Record]:
            nonlocal before
            kept: list[records.Record] = []
            here: dict[str, records.Record] = {}
            for record in _requests(body):
                number = _number(record)
                if not number or record not in (before.get(number), here.get(number)):
                    kept.append(record)
                here[number] = record
            before = here
            return kept

        return read


class _Asking:
    """One fetch: what is known of the endpoint's limit grows with each answer."""

    def __init__(self, connection: Open311Connection, transport: Transport, writer: RawWriter, key: str | None) -> None:
        self._c, self._transport, self._writer = connection, transport, writer
        self._base = connection.url
        self._largest = max((int(p.note.get("largest", 0)) for p in writer.parts), default=0)
        self._common = {"jurisdiction_id": connection.jurisdiction_id, "api_key": key}
        self._described = False
        self._horizon = dt.datetime.max.replace(tzinfo=dt.UTC)

    # --- what the endpoint says of itself ---

    def describe(self) -> None:
        """Find the endpoint in the discovery document, and keep its list of services."""
        names = {part.name: part for part in self._writer.parts}
        if self._c.discovery:
            found = names.get(self._file("discovery"))
            self._base = str(found.note["endpoint"]) if found else self._discover()
        if self._file("services") in names:
            self._described = True
            return
        try:
            answer = self._get(f"{self._base}/services.{self._c.format}", {}, _document)
        except Refused as error:
            if error.status in (401, 403):
                raise
            return  # some endpoints have no list of services; their requests name them
        self._described = True
        records.add_part(self._writer, f"services.{self._c.format}", answer.content, {})

    def _discover(self) -> str:
        answer = self._get(self._c.url, {}, _document, common=False)
        endpoint = _endpoint(_document(answer.content))
        if endpoint is None:
            raise SourceError(
                f"{self._c.url}: names no endpoint of GeoReport v2; give the endpoint's own address as 'url'"
            )
        records.add_part(self._writer, f"discovery.{self._c.format}", answer.content, {"endpoint": endpoint})
        return endpoint

    def _file(self, name: str) -> str:
        return f"{name}.{self._c.format}.gz"

    # --- spans of time ---

    def windows(self, begin: dt.datetime, end: dt.datetime, progress: Progress) -> None:
        """Every span from `begin` to `end`, each as long as the endpoint answers completely."""
        self._horizon = end
        done = [part for part in self._writer.parts if "end" in part.note]
        position = records.moment(done[-1].note["end"]) if done else begin
        longest = dt.timedelta(days=self._c.window_days)
        size, number = longest, len(done)
        while position is not None and position < end:
            until = min(position + size, end)
            answer, rows = self._span(position, until, 1)
            length, complete = until - position, self._complete(len(rows))
            if not complete and length > SHORTEST:
                size = max(length / 2, SHORTEST)
                continue
            note: dict[str, Any] = {"start": records.stamp(position), "end": records.stamp(until)}
            if not complete:
                note |= self._more(position, until, rows)
            number += 1
            self._keep(f"window-{number:06d}", answer, rows, note)
            position = until
            if 2 * len(rows) < max(self._largest, FEWEST):
                size = min(size * 2, longest)
            progress(int((until - begin).total_seconds()), int((end - begin).total_seconds()))

    def _complete(self, count: int) -> bool:
        """True where the endpoint is known to send more rows than these if there are more."""
        limit = self._c.row_limit
        if limit is not None:
            return count < limit
        if count < FEWEST or count < self._largest:
            return True
        self._largest = count
        return False

    def _more(self, start: dt.datetime, end: dt.datetime, rows: Sequence[records.Record]) -> dict[str, Any]:
        """The shortest span is still too full: a wide one shows a higher limit, or pages hold the rest, or it is said."""
        if self._c.row_limit is None and self._shows_more_than(len(rows), end):
            return {}
        seen, page = {_number(row) for row in rows}, 2
        while True:
            answer, more = self._page(start, end, page)
            fresh = {_number(row) for row in more} - seen
            if answer is None or not fresh:
                break
            seen |= fresh
            # The first page is kept last: only with it the span counts as done.
            self._keep(f"page-{len(self._writer.parts):06d}", answer, more, {})
            page += 1
        if page > 2:
            return {}
        return {"warning": f"{len(rows)} requests within one minute: the endpoint sends no more, some may be missing"}

    def _shows_more_than(self, count: int, end: dt.datetime) -> bool:
        until = min(end + WIDEST / 2, self._horizon)
        _, rows = self._page(until - WIDEST, until, 1)
        self._largest = max(self._largest, len(rows))
        return len(rows) > count

    def _page(
        self, start: dt.datetime, end: dt.datetime, page: int
    ) -> tuple[httpx.Response | None, list[dict[str, Any]]]:
        """An answer that the endpoint may refuse to give: a page after the last one, or a span that is too wide."""
        try:
            return self._span(start, end, page)
        except Refused as error:
            if error.status in (400, 404):
                return None, []
            raise

    def _span(self, start: dt.datetime, end: dt.datetime, page: int) -> tuple[httpx.Response, list[dict[str, Any]]]:
        # Whether borders belong to a span is not said everywhere: spans overlap by a second.
        params = {
            "start_date": records.stamp(start - BORDER, "seconds"),
            "end_date": records.stamp(end, "seconds"),
            "page_size": str(self._c.page_size) if self._c.page_size else None,
            "page": str(page) if page > 1 else None,
        }
        return self._ask(f"{self._base}/requests.{self._c.format}", params)

    # --- requests by number ---

    def again(self, numbers: Sequence[str]) -> None:
        """Ask for requests by their numbers: closing one does not change when it was requested."""
        done = [part.note["after"] for part in self._writer.parts if "after" in part.note]
        waiting = sorted({number for number in numbers if number and (not done or number > done[-1])})
        count = len(done)
        for batch in _batches(waiting, min(BATCH, self._c.row_limit or BATCH)):
            missing = batch
            if len(batch) > 1:
                answer, rows = self._by_number(batch)
                there = {_number(row) for row in rows}
                missing = [number for number in batch if number not in there]
                if answer is not None and rows:
                    count += 1
                    note = {} if missing else {"after": batch[-1]}
                    self._keep(f"again-{count:05d}-{len(self._writer.parts):06d}", answer, rows, note)
            for number in missing:
                self._single(number)

    def _by_number(self, batch: Sequence[str]) -> tuple[httpx.Response | None, list[dict[str, Any]]]:
        try:
            return self._ask(f"{self._base}/requests.{self._c.format}", {"service_request_id": ",".join(batch)})
        except Refused as error:
            if error.status in (400, 404, 414):
                return None, []  # not every endpoint takes lists
            raise

    def _single(self, number: str) -> None:
        try:
            answer, rows = self._ask(f"{self._base}/requests/{quote(number, safe='')}.{self._c.format}", {})
        except Refused as error:
            if error.status in (400, 404, 410):
                return  # it is not public any more
            raise
        self._keep(f"request-{len(self._writer.parts):06d}", answer, rows, {"after": number})

    # --- answers ---

    def _keep(self, name: str, answer: httpx.Response, rows: Sequence[records.Record], note: dict[str, Any]) -> None:
        note |= {"rows": len(rows), "largest": self._largest, "columns": records.names_in(rows)}
        records.add_part(self._writer, f"{name}.{self._c.format}", answer.content, note)

    def _ask(self, url: str, params: Mapping[str, str | None]) -> tuple[httpx.Response, list[dict[str, Any]]]:
        try:
            answer = self._get(url, params, _requests)
        except Refused as error:
            # "Nothing found" is a 404 at some endpoints. A wrong address is one, too, but that has no list of services.
            if error.status == 404 and self._described and "start_date" in params and _errors(error.body):
                return httpx.Response(200, content=b"[]" if self._c.format == "json" else b"<service_requests/>"), []
            raise
        errors = _errors(answer.content)
        if errors:
            code, said = errors
            if code == "404":
                return answer, []
            raise SourceError(f"{url}: {self._transport.clean(said or code)[:200]}; check the source's settings")
        return answer, _requests(answer.content)

    def _get(
        self, url: str, params: Mapping[str, str | None], reads: Callable[[bytes], object], common: bool = True
    ) -> httpx.Response:
        sent = {k: v for k, v in {**(self._common if common else {}), **params}.items() if v is not None}

        def check(response: httpx.Response) -> None:
            reads(response.content)

        return self._transport.get(url, sent, {"Accept": f"application/{self._c.format}, */*;q=0.1"}, check)


def _batches(numbers: Sequence[str], most: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for number in numbers:
        if batch and (len(batch) >= most or sum(len(n) + 3 for n in batch) + len(number) > BATCH_LETTERS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _columns(parts: Sequence[Part]) -> dict[str, str]:
    """The standard's columns may be left out of every answer; without the core of it there is no request."""
    found = {name: "" for part in parts for name in part.note.get("columns", ())}
    stated = (*(name for name in CORE if name in found or not parts), *STANDARD)
    return {name: "datetime" if name.endswith("_datetime") else "" for name in (*stated, *found)}


def _number(record: records.Record) -> str:
    return records.text(record.get("service_request_id") or record.get("token")) or ""


# --- documents -------------------------------------------------------------------------------


def _document(body: bytes) -> Any:
    """A JSON or XML document as records; endpoints do not always answer in the format that was asked for."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        try:
            return _element(ElementTree.fromstring(body.strip()))
        except DefusedXmlException as error:
            raise Garbled("sends XML with entities, which are not read", SourceError) from error
        except ParseError as error:
            raise Garbled("sends XML that breaks off") from error
    if start not in (b"{", b"[", b""):
        raise Garbled("sends something that is neither JSON nor XML", SourceError)
    try:
        return records.parse_json(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise Garbled("sends JSON that breaks off") from error


def _element(element: Element) -> Any:
    """Text, or a record of the children; children of one name are a list."""
    children: dict[str, Any] = {}
    for child in element:
        name, value = str(child.tag).rpartition("}")[2], _element(child)
        if name in children:
            earlier = children[name]
            children[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            children[name] = value
    if children:
        return children
    return (element.text or "").strip() or None


def _list(document: Any, *names: str) -> list[Any]:
    """A list by the names it may be wrapped in; one thing alone is a list of it."""
    while isinstance(document, dict):
        name = next((n for n in names if n in document), None)
        if name is None:
            return [document]
        document = document[name]
    if document is None:
        return []
    return document if isinstance(document, list) else [document]


def _requests(body: bytes) -> list[dict[str, Any]]:
    """The requests of an answer; an error document has none."""
    document = _document(body)
    if _error_of(document) or document == {}:
        return []
    found = _list(document, "service_requests", "requests", "request")
    records_only = all(isinstance(row, dict) for row in found)
    if records_only and (not found or any(name in row for row in found for name in MARKS)):
        return found
    raise Garbled("sends something that is not a list of service requests", SourceError)


def _errors(body: bytes) -> tuple[str, str] | None:
    """Code and description of an error document, None where there is none."""
    try:
        return _error_of(_document(body))
    except (Garbled, SourceError):
        return None


def _error_of(document: Any) -> tuple[str, str] | None:
    found = _list(document, "errors", "error")
    if not found or found == [document]:
        found = document if isinstance(document, list) else []
    first = found[0] if found else None
    if isinstance(first, str):
        return "", first
    if (
        isinstance(first, dict)
        and "description" in first
        and not ({"service_request_id", "token", "status"} & set(first))
    ):
        return records.text(first.get("code")) or "", records.text(first["description"]) or ""
    return None


def _endpoint(document: Any) -> str | None:
    """The address of the GeoReport v2 endpoint in a discovery document; the production one before a test one."""
    found = document.get("discovery", document) if isinstance(document, dict) else {}
    endpoints = _list(found.get("endpoints") if isinstance(found, dict) else None, "endpoint")
    fitting = [
        e
        for e in endpoints
        if isinstance(e, dict)
        and "georeport_v2" in str(e.get("specification", "")).lower()
        and urlsplit(str(e.get("url", ""))).scheme in ("http", "https")
    ]
    fitting.sort(key=lambda e: str(e.get("type", "")).lower() != "production")
    return str(fitting[0]["url"]).rstrip("/") if fitting else None
