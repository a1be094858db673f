"""Socrata (Tyler) data sets by SODA 2.1.

Charter: SoQL, system fields and Socrata's page order. A page begins after the
last row of the page before it by (:updated_at, :id), so that rows which change
while the set is read move to its end and are read there; none slips between
two pages.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from etl.config.connections import SocrataConnection
from etl.errors import SourceError
from etl.extract import records
from etl.extract.raw import Part, RawCopy, RawWriter
from etl.extract.source import Fetching, Known, Progress
from etl.extract.transport import Garbled, Refused, Transport, secret_of

PAGE_SIZE = 10_000
VIEW = "view.json"


class SocrataAdapter(records.Asked[SocrataConnection]):
    """A data set: whole at first, then what was updated since."""

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """Rows updated since the watermark less the overlap, or all."""
        c = self._connection
        token = secret_of(c.app_token_env)
        whole = records.wants_whole(known, fetching, c.refresh_days)
        old = records.moment((known.watermark or {}).get("updated_at"))
        since = None if whole or old is None else records.before(old, minutes=c.overlap_minutes)
        key = json.dumps([c.url, c.dataset, c.where, since and records.stamp(since)])
        writer = fetching.archive.begin(fetching.source, c.kind, key, fetching.now)
        headers = {"Accept": "application/json", **({"X-App-Token": token} if token else {})}
        with self._transport(c.patience, headers=headers, secrets=[token] if token else []) as transport:
            self._view(transport, writer)
            self._pages(transport, writer, since, fetching.progress)
        pages = [part for part in writer.parts if part.note.get("rows")]
        newest = max((m for p in pages if (m := records.moment(p.note["last"][0]))), default=None)
        mark = max((m for m in (old, newest) if m), default=None)
        return records.finish(
            writer,
            known,
            whole=since is None,
            watermark={"updated_at": records.stamp(mark)} if mark else None,
            as_of=_as_of(writer.parts, newest),
            columns=records.columns_of(writer.parts, _stated(writer.parts)),
        )

    def _view(self, transport: Transport, writer: RawWriter) -> None:
        """What the data set says of its columns. Some portals hide it; then the pages' headers must do."""
        if writer.parts:
            return
        c = self._connection

        def check(document: Any) -> None:
            if not isinstance(document, dict):
                raise Garbled("sends something that does not describe a data set", SourceError)

        try:
            answer, document = records.get_json(transport, f"{c.url}/api/views/{c.dataset}.json", check=check)
        except Refused as error:
            if error.status == 404:
                return  # the resource itself will say whether it exists
            if error.status in (401, 403):
                return
            raise
        kinds = {
            str(column["fieldName"]): str(column.get("dataTypeName", ""))
            for column in document.get("columns", ())
            if isinstance(column, dict) and "fieldName" in column
        }
        note = {"kinds": kinds, "updated": str(document.get("rowsUpdatedAt", ""))}
        records.add_part(writer, VIEW, answer.content, note)

    def _pages(self, transport: Transport, writer: RawWriter, since: dt.datetime | None, progress: Progress) -> None:
        c = self._connection
        pages = [part for part in writer.parts if part.note.get("rows")]
        last: tuple[str, str] | None = tuple(pages[-1].note["last"]) if pages else None
        done, number = sum(int(p.note["rows"]) for p in pages), len(pages)
        while True:
            answer, rows = self._page(transport, since, last)
            # A short page is no end: portals cap $limit as they like. An empty one is.
            if not rows:
                return
            keys = [_key(row, c.url) for row in rows]
            # Times compare as text; how the portal compares ids is its own affair.
            if last is not None and (last in keys or keys[0][0] < last[0]):
                raise SourceError(
                    f"{c.url}: pages of {c.dataset} do not follow one another by :updated_at and :id; "
                    "ask the portal's owner, or load an export as a file"
                )
            number, last, done = number + 1, keys[-1], done + len(rows)
            note: dict[str, Any] = {"rows": len(rows), "last": list(last), "columns": records.names_in(rows)}
            if number == 1:
                note["kinds"] = _header_kinds(answer)
            records.add_part(writer, f"page-{number:05d}.json", answer.content, note)
            progress(done, None)

    def _page(
        self, transport: Transport, since: dt.datetime | None, last: tuple[str, str] | None
    ) -> tuple[httpx.Response, list[dict[str, Any]]]:
        c = self._connection
        conditions = [c.where] if c.where else []
        if last is not None:
            at, row = _quoted(last[0]), _quoted(last[1])
            conditions.append(f":updated_at > {at} OR (:updated_at = {at} AND :id > {row})")
        elif since is not None:
            conditions.append(f":updated_at >= {_quoted(records.stamp(since))}")
        params = {"$select": ":*,*", "$order": ":updated_at,:id", "$limit": str(c.page_size or PAGE_SIZE)}
        if conditions:
            params["$where"] = " AND ".join(f"({condition})" for condition in conditions)
        return records.get_json(
            transport,
            f"{c.url}/resource/{c.dataset}.json",
            params,
            check=records.list_of_records,
        )


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _key(row: Mapping[str, Any], url: str) -> tuple[str, str]:
    try:
        return str(row[":updated_at"]), str(row[":id"])
    except KeyError as error:
        raise SourceError(
            f"{url}: rows come without the system fields :id and :updated_at; is this a SODA 2.1 data set?"
        ) from error


def _header_kinds(answer: httpx.Response) -> dict[str, str]:
    """Columns as the headers of a page state them; portals leave the headers out where they would be too long."""
    try:
        fields = json.loads(answer.headers.get("x-soda2-fields", "[]"))
        kinds = json.loads(answer.headers.get("x-soda2-types", "[]"))
        return {str(f): str(k) for f, k in zip(fields, kinds, strict=True)}
    except (ValueError, TypeError):
        return {}


def _stated(parts: Sequence[Part]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        for name, kind in part.note.get("kinds", {}).items():
            found.setdefault(name, kind)
    return found


def _as_of(parts: Sequence[Part], newest: dt.datetime | None) -> dt.datetime | None:
    """When the set was last updated, as it says itself or as its rows show."""
    said = next((part.note["updated"] for part in parts if part.note.get("updated")), "")
    if str(said).isdigit():
        at = dt.datetime.fromtimestamp(int(said), dt.UTC)
        return max(at, newest) if newest else at
    return newest
