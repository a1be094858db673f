"""Layers of ArcGIS feature and map services.

Charter: Esri's query language and its habits: errors with status 200, answers
cut at maxRecordCount, codes for words, milliseconds for times. Pages follow
one another by object id, and the layer's own count says whether all came.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from etl.config.connections import ArcgisConnection
from etl.errors import SourceError, SourceUnavailable
from etl.extract import records
from etl.extract.raw import RawCopy, RawWriter
from etl.extract.source import Fetching, Known, Progress
from etl.extract.transport import Garbled, Transport, secret_of

PAGE_SIZE = 2_000
IDS_AT_ONCE = 100
LAYER = "layer.json"
WIDEST_ZONE = dt.timedelta(hours=14)
PASSING = frozenset({"408", "429", "500", "502", "503", "504"})
TOKEN_CODES = frozenset({"401", "403", "498", "499"})


class ArcgisAdapter(records.Asked[ArcgisConnection]):
    """A layer: whole, or what was edited since where the layer keeps edit dates."""

    def __init__(
        self,
        connection: ArcgisConnection,
        null_values: Sequence[str],
        transport: Callable[..., Transport] = Transport,
    ) -> None:
        """`transport` makes the HTTP client, so that a test can do without waiting."""
        super().__init__(connection, (*null_values, "NaN"), transport)

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """Features edited since the watermark less the overlap, or all."""
        c = self._connection
        token = secret_of(c.token_env)
        whole = records.wants_whole(known, fetching, c.refresh_days)
        old = records.moment((known.watermark or {}).get("edited"))
        since = None if whole or old is None else records.before(old, minutes=c.overlap_minutes)
        key = json.dumps([c.url, c.where, c.edit_field, since and records.stamp(since)])
        writer = fetching.archive.begin(fetching.source, c.kind, key, fetching.now)
        with self._transport(c.patience, secrets=[token] if token else []) as transport:
            asking = _Asking(c, transport, writer, token)
            layer = asking.describe()
            where = layer.filter(c, since)
            asking.pages(layer, where, fetching.progress)
            asking.settle(layer, where)
        pages = [part for part in writer.parts if part.note.get("rows")]
        newest = max((int(p.note["edited"]) for p in pages if p.note.get("edited")), default=None)
        mark = max((m for m in (old, _moment(newest)) if m), default=None)
        return records.finish(
            writer,
            known,
            whole=since is None or layer.edit_field is None,
            watermark={"edited": records.stamp(mark)} if mark else None,
            as_of=max((m for m in (_moment(layer.last_edit), _moment(newest)) if m), default=None),
            columns=records.columns_of(pages, layer.columns()),
        )

    def reader(self, copy: RawCopy) -> Callable[[bytes], Sequence[records.Record]]:
        """Features as records: codes as the words they stand for, times as ISO 8601."""
        part = next((p for p in copy.parts if p.name == f"{LAYER}.gz"), None)
        if part is None:
            raise SourceError(f"{copy.folder}: this raw copy has no description of its layer; fetch again")
        layer = _Layer(records.parse_json(records.read_part(copy, part)), None)
        return lambda body: [layer.record(feature) for feature in records.parse_json(body).get("features", ())]


class _Layer:
    """What a layer says of itself."""

    def __init__(self, document: Mapping[str, Any], edit_field: str | None) -> None:
        fields = [f for f in document.get("fields") or () if isinstance(f, dict) and "name" in f]
        self.kinds = {str(f["name"]): str(f.get("type", "")).removeprefix("esriFieldType") for f in fields}
        self.dates = frozenset(name for name, kind in self.kinds.items() if kind == "Date")
        self.words = {str(f["name"]): words for f in fields if (words := _words(f.get("domain")))}
        by_kind = next((name for name, kind in self.kinds.items() if kind == "OID"), None)
        self.object_id = str(document.get("objectIdField") or by_kind or "OBJECTID")
        tracked = (document.get("editFieldsInfo") or {}).get("editDateField")
        found = edit_field or tracked
        self.edit_field = next((n for n in self.kinds if found and n.lower() == str(found).lower()), None)
        if edit_field and self.edit_field is None:
            raise SourceError(f"edit_field: the layer has no '{edit_field}'; it has {', '.join(self.kinds)}")
        self._tracked = self.edit_field is not None and str(tracked).lower() == self.edit_field.lower()
        zone = (document.get("dateFieldsTimeReference") or {}).get("timeZone")
        self._elsewhere = zone not in (None, "", "UTC") and not self._tracked
        self.last_edit = _integer((document.get("editingInfo") or {}).get("lastEditDate"))
        self.points = document.get("geometryType") == "esriGeometryPoint"
        self.most = _integer(document.get("maxRecordCount"))
        abilities = document.get("advancedQueryCapabilities") or {}
        self.sizes = bool(abilities.get("supportsPagination") or document.get("supportsPagination"))

    def columns(self) -> dict[str, str]:
        """Names and kinds; a point's coordinates are x and y."""
        if not self.points:
            return dict(self.kinds)
        hidden = {f"attributes.{name}": self.kinds[name] for name in ("x", "y") if name in self.kinds}
        return {**self.kinds, "x": "Double", "y": "Double", **hidden}

    def filter(self, connection: ArcgisConnection, since: dt.datetime | None) -> str:
        """The configured filter, and from when on."""
        parts = [f"({connection.where})"]
        if since is not None and self.edit_field is not None:
            # Where times are kept in a zone of the server's, literals are read in it: begin early enough for any zone.
            begin = since - WIDEST_ZONE if self._elsewhere else since
            literal = f"timestamp '{begin.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}'"
            unknown = "" if self._tracked else f" OR {self.edit_field} IS NULL"
            parts.append(f"({self.edit_field} >= {literal}{unknown})")
        return " AND ".join(parts)

    def record(self, feature: Mapping[str, Any]) -> dict[str, Any]:
        """A feature's values by name, its point as x and y; attributes of these names stay as attributes.x."""
        attributes = feature.get("attributes") or {}
        found = {name: self._value(name, value) for name, value in attributes.items()}
        geometry = feature.get("geometry")
        if self.points:
            point = geometry if isinstance(geometry, dict) else {}
            found |= {"x": point.get("x"), "y": point.get("y"), "attributes": attributes}
        return found

    def _value(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in self.dates:
            at = _moment(_integer(value))
            return value if at is None else records.stamp(at, "milliseconds" if at.microsecond else "seconds")
        return self.words.get(name, {}).get(records.text(value), value)


class _Asking:
    """One fetch of one layer."""

    def __init__(
        self, connection: ArcgisConnection, transport: Transport, writer: RawWriter, token: str | None
    ) -> None:
        self._c, self._transport, self._writer = connection, transport, writer
        self._common = {"f": "json", **({"token": token} if token else {})}

    def describe(self) -> _Layer:
        """The layer's description, asked anew for each run as its limits may change, kept once."""
        answer, document = self._get(self._c.url, {})
        if "fields" not in document:
            raise SourceError(
                f"{self._c.url}: is not a layer with fields; the address must end with the layer's number"
            )
        if not any(part.name == f"{LAYER}.gz" for part in self._writer.parts):
            records.add_part(self._writer, LAYER, answer.content, {})
        try:
            return _Layer(document, self._c.edit_field)
        except SourceError as error:
            raise SourceError(f"{self._c.url}: {error}") from error

    def pages(self, layer: _Layer, where: str, progress: Progress) -> None:
        """Features by growing object ids, after those that are there."""
        kept = [part for part in self._writer.parts if part.note.get("rows")]
        last = max((int(part.note["last"]) for part in kept), default=None)
        done, total = sum(int(part.note["rows"]) for part in kept), self._count(where)
        size = min(self._c.page_size or PAGE_SIZE, layer.most or PAGE_SIZE)
        while True:
            after = f"{where} AND ({layer.object_id} > {last})" if last is not None else where
            sizes = {"resultRecordCount": str(size)} if layer.sizes else {}
            answer, document = self._query(layer, {"where": after, "orderByFields": f"{layer.object_id} ASC", **sizes})
            features = document.get("features") or []
            if not features:
                return
            last = self._keep(layer, answer, features, last)
            done += len(features)
            progress(done, max(done, total))

    def settle(self, layer: _Layer, where: str) -> None:
        """Compare with the layer's own count; what is missing is asked for by its object id."""
        if self._count(where) <= sum(int(part.note.get("rows", 0)) for part in self._writer.parts):
            return
        _, document = self._get(f"{self._c.url}/query", {"where": where, "returnIdsOnly": "true"})
        there = {_integer(value) for value in document.get("objectIds") or ()}
        missing = sorted(n for n in there - self._seen(layer) if n is not None)
        got: set[int] = set()
        for ids in _slices(missing, IDS_AT_ONCE):
            answer, document = self._query(layer, {"objectIds": ",".join(map(str, ids))})
            features = document.get("features") or []
            if features:
                self._keep(layer, answer, features, None)
                got |= set(_ids(layer, features))
        left = set(missing) - got
        # Fewer may have been deleted in the meantime; many are a layer that does not send what it counts.
        if left and self._still(where, left):
            raise SourceUnavailable(
                f"{self._c.url}: counts {len(left):,} features that it does not send; run again later or tell its owner"
            )

    def _still(self, where: str, left: set[int]) -> bool:
        _, document = self._get(f"{self._c.url}/query", {"where": where, "returnIdsOnly": "true"})
        return bool(left & {n for value in document.get("objectIds") or () if (n := _integer(value)) is not None})

    def _seen(self, layer: _Layer) -> set[int]:
        found: set[int] = set()
        for part in self._writer.parts:
            if part.note.get("rows"):
                body = records.unpack((self._writer.folder / part.name).read_bytes(), self._writer.folder / part.name)
                found |= set(_ids(layer, records.parse_json(body)["features"]))
        return found

    def _count(self, where: str) -> int:
        _, document = self._get(f"{self._c.url}/query", {"where": where, "returnCountOnly": "true"})
        return _integer(document.get("count")) or 0

    def _query(self, layer: _Layer, params: Mapping[str, str]) -> tuple[httpx.Response, dict[str, Any]]:
        geometry = {"returnGeometry": "true", "outSR": "4326"} if layer.points else {"returnGeometry": "false"}
        return self._get(f"{self._c.url}/query", {**params, **geometry, "outFields": "*"})

    def _keep(self, layer: _Layer, answer: httpx.Response, features: list[Any], last: int | None) -> int:
        ids = list(_ids(layer, features))
        if len(ids) < len(features):
            raise SourceError(
                f"{self._c.url}: features come without their object id ({layer.object_id}); tell its owner"
            )
        if last is not None and max(ids) <= last:
            raise SourceError(f"{self._c.url}: does not heed the filter on {layer.object_id}; tell the layer's owner")
        note: dict[str, Any] = {"rows": len(features), "last": max(ids)}
        note["columns"] = records.names_in(f.get("attributes") or {} for f in features)
        if layer.edit_field:
            edits = (_integer((f.get("attributes") or {}).get(layer.edit_field)) for f in features)
            note["edited"] = max((e for e in edits if e is not None), default=None)
        records.add_part(self._writer, f"page-{len(self._writer.parts):05d}.json", answer.content, note)
        return max(ids)

    def _get(self, url: str, params: Mapping[str, str]) -> tuple[httpx.Response, dict[str, Any]]:
        def check(document: Any) -> None:
            if not isinstance(document, dict):
                raise Garbled("sends something that no ArcGIS service sends", SourceError)
            error = document.get("error")
            if isinstance(error, dict):
                self._refuse(url, error)

        return records.get_json(self._transport, url, {**params, **self._common}, check=check)

    def _refuse(self, url: str, error: Mapping[str, Any]) -> None:
        code = records.text(error.get("code")) or "?"
        said = self._transport.clean(" ".join(map(str, [error.get("message") or "", *(error.get("details") or ())])))[
            :200
        ]
        if code in PASSING:
            raise Garbled(f"answers with error {code} ({said})")
        advice = "check the token of the source" if code in TOKEN_CODES else "check the source's filter and columns"
        raise SourceError(f"{self._transport.clean(url)}: error {code} ({said}); {advice}")


def _ids(layer: _Layer, features: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    for feature in features:
        number = _integer((feature.get("attributes") or {}).get(layer.object_id))
        if number is not None:
            yield number


def _slices(numbers: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), most):
        yield numbers[start : start + most]


def _words(domain: Any) -> dict[str | None, str]:
    if not isinstance(domain, dict) or domain.get("type") != "codedValue":
        return {}
    return {
        records.text(v.get("code")): str(v.get("name")) for v in domain.get("codedValues") or () if isinstance(v, dict)
    }


def _integer(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        try:
            return int(float(str(value)))
        except (ValueError, OverflowError):
            return None


def _moment(milliseconds: int | None) -> dt.datetime | None:
    if milliseconds is None:
        return None
    try:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
