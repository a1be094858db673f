"""Resources of a CKAN datastore.

Charter: offsets that may shift under the reader. Each page begins with the
last row of the page before it: if that row is not there, rows were taken away
in the meantime, and reading steps back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from etl.config.connections import CkanConnection
from etl.errors import SourceError, SourceUnavailable
from etl.extract import records
from etl.extract.raw import Part, RawCopy, RawWriter
from etl.extract.source import Fetching, Known, Progress
from etl.extract.transport import Garbled, Refused, Transport, secret_of

PAGE_SIZE = 10_000
OVERLAP = dt.timedelta(hours=1)
STEPS_BACK = 20
API = "/api/3/action"


class CkanAdapter(records.Asked[CkanConnection]):
    """A resource: whole, or what was updated since where a column says so and the portal allows the question."""

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """Rows updated since the watermark less an hour, or all."""
        c = self._connection
        token = secret_of(c.token_env)
        whole = c.updated_field is None or records.wants_whole(known, fetching, c.refresh_days)
        old = (known.watermark or {}).get("updated")
        headers = {"Authorization": token} if token else {}
        with self._transport(c.patience, headers=headers, secrets=[token] if token else []) as transport:
            whole = whole or old is None or not _allows_sql(transport, c)
            writer = self._begin(fetching, None if whole else old)
            asking = _Asking(c, transport, writer)
            if whole:
                asking.pages(fetching.progress)
            else:
                asking.since(str(old), fetching.progress)
        pages = [part for part in writer.parts if part.note.get("rows")]
        mark = _greatest([old, *(part.note.get("updated") for part in pages)]) if c.updated_field else None
        return records.finish(
            writer,
            known,
            whole=whole,
            watermark={"updated": mark} if mark else None,
            columns=records.columns_of(pages, _stated(writer.parts)),
        )

    def reader(self, copy: RawCopy) -> Callable[[bytes], Sequence[records.Record]]:
        """The rows of each page, but for its first one where that is the last one of the page before."""
        del copy
        last: records.Record | None = None

        def read(body: bytes) -> Sequence[records.Record]:
            nonlocal last
            rows: list[dict[str, Any]] = records.parse_json(body)["result"]["records"]
            found = rows[1:] if rows and rows[0] == last else rows
            last = rows[-1] if rows else last
            return found

        return read

    def _begin(self, fetching: Fetching, since: object) -> RawWriter:
        c = self._connection
        key = json.dumps([c.url, c.resource, c.key, since])
        return fetching.archive.begin(fetching.source, c.kind, key, fetching.now)


class _Asking:
    """One fetch of one resource."""

    def __init__(self, connection: CkanConnection, transport: Transport, writer: RawWriter) -> None:
        self._c, self._transport, self._writer = connection, transport, writer
        self._url = _api(connection)
        self._size = connection.page_size or PAGE_SIZE

    def pages(self, progress: Progress) -> None:
        """All rows in the order of the key, after those that are there."""
        kept = [part for part in self._writer.parts if part.note.get("rows")]
        offset = int(kept[-1].note["next"]) if kept else 0
        last: str | None = kept[-1].note["last"] if kept else None
        back = 0
        while True:
            overlap = 0 if last is None else 1
            answer, result = self._page(offset - overlap, self._size + overlap)
            rows = result["records"]
            if last is not None and (not rows or self._key(rows[0]) != last):
                back += 1
                if back > STEPS_BACK:
                    raise SourceUnavailable(
                        f"{self._url}: {self._c.resource} changes while it is read; run again later"
                    )
                offset, last = self._step_back(offset, last), None
                continue
            if len(rows) <= overlap:
                break
            offset, last = offset + len(rows) - overlap, self._key(rows[-1])
            self._keep(answer, result, {"next": offset, "last": last})
            progress(offset, _total(result))
        total = _total(result)
        if total is not None and offset < total and not result.get("total_was_estimated"):
            raise SourceUnavailable(
                f"{self._url}: counts {total:,} rows of {self._c.resource} and sends {offset:,}; run again later"
            )

    def since(self, mark: str, progress: Progress) -> None:
        """Rows updated since a watermark, by SQL, in the order of the key."""
        column, key = _name(self._c.updated_field or ""), _name(self._c.key)
        kept = [part for part in self._writer.parts if part.note.get("rows")]
        last: str | None = kept[-1].note["last"] if kept else None
        done = sum(int(part.note["rows"]) for part in kept)
        while True:
            after = f" AND {key} > {_quoted(last)}" if last is not None else ""
            sql = (
                f"SELECT * FROM {_name(self._c.resource)} WHERE {column} >= {_quoted(_earlier(mark))}{after} "  # noqa: S608
                f"ORDER BY {key} LIMIT {self._size}"
            )
            answer, result = _get(self._transport, self._url, "datastore_search_sql", {"sql": sql})
            rows = result["records"]
            if not rows:
                return
            if last is not None and self._key(rows[0]) == last:
                raise SourceError(
                    f"{self._url}: does not heed the filter on '{self._c.key}'; leave 'updated_field' out"
                )
            last, done = self._key(rows[-1]), done + len(rows)
            self._keep(answer, result, {"last": last})
            progress(done, None)

    def _page(self, offset: int, limit: int) -> tuple[httpx.Response, dict[str, Any]]:
        params = {
            "resource_id": self._c.resource,
            "offset": str(offset),
            "limit": str(limit),
            "sort": f"{_name(self._c.key)} asc",
        }
        return _get(self._transport, self._url, "datastore_search", params)

    def _step_back(self, offset: int, last: str) -> int:
        """An offset from which the rows up to `last` and all after it are certainly read."""
        while offset > 0:
            offset = max(0, offset - self._size)
            _, result = self._page(offset, 1)
            rows = result["records"]
            if rows and _at_most(self._key(rows[0]), last):
                return offset
        return 0

    def _key(self, row: Mapping[str, Any]) -> str:
        found = records.text(row.get(self._c.key))
        if found is None:
            raise SourceError(
                f"{self._url}: rows of {self._c.resource} have no '{self._c.key}'; set 'key' to a unique column"
            )
        return found

    def _keep(self, answer: httpx.Response, result: Mapping[str, Any], note: dict[str, Any]) -> None:
        rows = result["records"]
        note |= {"rows": len(rows), "columns": records.names_in(rows)}
        if not self._writer.parts:
            fields = [f for f in result.get("fields") or () if isinstance(f, dict) and "id" in f]
            note["kinds"] = {str(f["id"]): str(f.get("type", "")) for f in fields}
        if self._c.updated_field:
            note["updated"] = _greatest([records.text(row.get(self._c.updated_field)) for row in rows])
        records.add_part(self._writer, f"page-{len(self._writer.parts) + 1:05d}.json", answer.content, note)


def _api(connection: CkanConnection) -> str:
    return connection.url if connection.url.endswith(API) else f"{connection.url}{API}"


def _allows_sql(transport: Transport, connection: CkanConnection) -> bool:
    """Many portals switch SQL off, each with another status."""
    sql = f"SELECT {_name(connection.key)} FROM {_name(connection.resource)} LIMIT 1"  # noqa: S608
    try:
        _get(transport, _api(connection), "datastore_search_sql", {"sql": sql})
    except Refused as error:
        if error.status in (400, 403, 404, 409):
            return False
        raise
    return True


def _get(
    transport: Transport, api: str, action: str, params: Mapping[str, str]
) -> tuple[httpx.Response, dict[str, Any]]:
    url = f"{api}/{action}"

    def check(document: Any) -> None:
        if not isinstance(document, dict) or "success" not in document:
            raise Garbled("sends something that no CKAN portal sends", SourceError)
        if document["success"] is not True:
            error = document.get("error")
            said = error.get("message") if isinstance(error, dict) and "message" in error else error
            line = transport.clean(records.text(said) or "no reason given")[:200]
            raise Refused(f"{transport.clean(url)}: refuses ({line}); check the source's settings", 400, b"")
        result = document.get("result")
        if not isinstance(result, dict) or not isinstance(result.get("records"), list):
            raise Garbled("sends an answer without records", SourceError)

    answer, document = records.get_json(transport, url, params, check=check)
    return answer, document["result"]


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _total(result: Mapping[str, Any]) -> int | None:
    found = records.text(result.get("total"))
    return int(found) if found and found.isdecimal() else None


def _stated(parts: Sequence[Part]) -> dict[str, str]:
    return dict(next((part.note["kinds"] for part in parts if part.note.get("kinds")), {}))


def _number(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _at_most(value: str, other: str) -> bool:
    """Whether a key comes no later than another. Texts are ordered as the portal likes: nothing is known of them."""
    a, b = _number(value), _number(other)
    return a is not None and b is not None and a <= b


def _greatest(values: Sequence[object]) -> str | None:
    """The last of times or of numbers; None where they are neither, so that nothing can be concluded from them."""
    found = [str(value) for value in values if value not in (None, "")]
    moments = [m for value in found if (m := records.moment(value))]
    if found and len(moments) == len(found):
        return max(zip(moments, found, strict=True))[1]
    numbers = [n for value in found if (n := _number(value)) is not None]
    if found and len(numbers) == len(found):
        return max(zip(numbers, found, strict=True))[1]
    return None


def _earlier(mark: str) -> str:
    """A watermark less the overlap, written as it was."""
    at = records.moment(mark)
    if at is None:
        return mark
    text = (at - OVERLAP).replace(tzinfo=None).isoformat(sep="T" if "T" in mark else " ")
    return f"{text}+00:00" if mark.strip().endswith("Z") or "+" in mark else text
