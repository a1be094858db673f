"""Small systems on 127.0.0.1 that answer as the real ones are documented to, with faults to inject.

Each has `url`, `faults` (taken from the front, one a request; None lets a request pass) and `requests` (what was
asked: path and parameters, in order).
"""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

HTML_PAGE = b"<!DOCTYPE html><html><head><title>Oops</title></head><body>Back soon</body></html>"


@dataclass
class Asked:
    """One request as a server saw it."""

    path: str
    params: dict[str, str]
    headers: Message


@dataclass
class Answer:
    """What a server sends."""

    body: bytes = b""
    status: int = 200
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Fault:
    """Something that goes wrong with one request; the answer it spoils is given."""

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        """The answer to send instead, or None if the fault has dealt with the connection itself."""
        raise NotImplementedError


@dataclass
class Status(Fault):
    """Another status, such as 429 or 503."""

    status: int
    after: str | None = None
    body: bytes = b'{"message": "no"}'

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        return Answer(self.body, self.status, headers={"Retry-After": self.after} if self.after else {})


class Page(Fault):
    """A web page with status 200, as gateways send it."""

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        return Answer(HTML_PAGE, 200, "text/html")


class Truncated(Fault):
    """Half of the body, with the whole one's Content-Length."""

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", answer.type)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: len(answer.body) // 2])
        handler.close_connection = True
        return None


class Cut(Fault):
    """Half of the body as if it were the whole: the document is incomplete."""

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        answer.body = answer.body[: len(answer.body) // 2]
        return answer


class Reset(Fault):
    """The connection breaks before any answer."""

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        return None


@dataclass
class Hang(Fault):
    """No answer for longer than the client waits."""

    seconds: float = 0.6

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        time.sleep(self.seconds)
        handler.close_connection = True
        return None


@dataclass
class Doing(Fault):
    """Something happens at the source just before this request is answered; the answer is then made anew."""

    what: Callable[[], Any]

    def apply(self, answer: Answer, handler: BaseHTTPRequestHandler) -> Answer | None:
        return answer


class LocalServer:
    """A server whose `answer` a subclass, or a function, gives; use it with `with`."""

    def __init__(self, answer: Callable[[Asked], Answer] | None = None) -> None:
        self.faults: list[Fault | None] = []
        self.requests: list[Asked] = []
        self._answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body go out as two writes: without this each answer waits for a delayed acknowledgement.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                outer._serve(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        # A client that gave up is what several faults are about.
        self._httpd.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}"
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(timeout=5)

    def answer(self, asked: Asked) -> Answer:
        """The answer of a system that is well."""
        assert self._answer is not None
        return self._answer(asked)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), handler.headers)
        self.requests.append(asked)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Doing):
            fault.what()
        answer: Answer | None = self.answer(asked)
        if fault is not None and answer is not None:
            answer = fault.apply(answer, handler)
        if answer is None:
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status != 304:
            handler.send_header("Content-Type", answer.type)
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)


# --- Socrata ----------------------------------------------------------------------------------


class SocrataServer(LocalServer):
    """SODA 2.1 over a list of rows with `:id` and `:updated_at`; SoQL is close enough to SQLite's SQL to be run by it."""

    dataset = "abcd-1234"

    def __init__(
        self,
        table: list[dict[str, Any]],
        *,
        kinds: dict[str, str] | None = None,
        token: str | None = None,
        view: bool = True,
        cap: int = 50_000,
    ) -> None:
        super().__init__()
        self.table, self.token, self.view, self.cap = table, token, view, cap
        self.kinds = kinds or {name: "text" for name in dict.fromkeys(n for r in table for n in r) if name[0] != ":"}

    def answer(self, asked: Asked) -> Answer:
        if self.token and asked.headers["X-App-Token"] != self.token:
            return _json({"code": "permission_denied", "error": True, "message": "Invalid app_token specified"}, 403)
        if asked.path == f"/api/views/{self.dataset}.json" and self.view:
            columns = [{"fieldName": name, "dataTypeName": kind} for name, kind in self.kinds.items()]
            return _json({"id": self.dataset, "rowsUpdatedAt": 1_767_225_600, "columns": columns})
        if asked.path != f"/resource/{self.dataset}.json":
            return _json({"code": "not_found", "error": True, "message": "Not found"}, 404)
        try:
            found = self._select(asked.params)
        except sqlite3.Error as error:
            return _json({"code": "query.compiler.malformed", "error": True, "message": str(error)}, 400)
        head = {"X-SODA2-Fields": json.dumps(list(self.kinds)), "X-SODA2-Types": json.dumps(list(self.kinds.values()))}
        return _json(found, headers=head)

    def _select(self, params: dict[str, str]) -> list[dict[str, Any]]:
        names = [":id", ":updated_at", ":created_at", *self.kinds]
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(f"CREATE TABLE t (position, {', '.join(quoted(n) for n in names)})")
            marks = ", ".join("?" * (len(names) + 1))
            for position, row in enumerate(self.table):
                values = [json.dumps(v) if isinstance(v, (dict, list)) else v for v in (row.get(n) for n in names)]
                db.execute(f"INSERT INTO t VALUES ({marks})", [position, *values])
            where = re.sub(r"(?<!['\w]):(\w+)", r'":\1"', params.get("$where", "1=1"))
            order = re.sub(r":(\w+)", r'":\1"', params.get("$order", "position"))
            limit = min(int(params.get("$limit", 1000)), self.cap)
            query = (
                f"SELECT position FROM t WHERE {where} ORDER BY {order} LIMIT {limit} OFFSET {params.get('$offset', 0)}"
            )
            positions = [row[0] for row in db.execute(query)]
        assert params["$select"] == ":*,*"
        # Fields that are null are left out.
        return [{n: v for n, v in self.table[p].items() if v is not None} for p in positions]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(document).encode(), status, "application/json;charset=utf-8", headers or {})


# --- Open311 ----------------------------------------------------------------------------------


class Open311Server(LocalServer):
    """GeoReport v2: the newest `row_limit` requests of a span of at most 90 days, or the requests of given numbers."""

    def __init__(
        self,
        table: list[dict[str, Any]],
        *,
        row_limit: int = 50,
        pages: bool = False,
        lists: bool = True,
        nothing_is_404: bool = False,
        key: str | None = None,
    ) -> None:
        super().__init__()
        self.table, self.row_limit, self.pages, self.lists = table, row_limit, pages, lists
        self.nothing_is_404, self.key = nothing_is_404, key
        self.base = f"{self.url}/open311/v2"

    def answer(self, asked: Asked) -> Answer:
        path, _, form = asked.path.rpartition(".")
        if self.key and asked.params.get("api_key") != self.key:
            return self._error(403, f"Invalid api_key {asked.params.get('api_key')} received", form)
        if path == "/discovery":
            return self._send(self._discovery(), "discovery", form)
        if path == "/open311/v2/services":
            return self._send([{"service_code": "006", "service_name": "Curb", "group": "Streets"}], "service", form)
        if path == "/open311/v2/requests":
            return self._requests(asked.params, form)
        if path.startswith("/open311/v2/requests/"):
            number = path.rpartition("/")[2]
            found = [r for r in self.table if str(r.get("service_request_id")) == number]
            if not found:
                return self._error(404, f"Service request not found with id or token {number}", form)
            return self._send(found, "request", form)
        return self._error(404, "Not found", form if form in ("json", "xml") else "json")

    def _requests(self, params: dict[str, str], form: str) -> Answer:
        if "service_request_id" in params:
            numbers = params["service_request_id"].split(",")
            if len(numbers) > 1 and not self.lists:
                return self._error(404, "No such request", form)
            found = [r for r in self.table if str(r.get("service_request_id")) in numbers]
            return self._send(found[: self.row_limit], "request", form)
        start, end = (datetime.fromisoformat(params[name]) for name in ("start_date", "end_date"))
        if end - start > timedelta(days=90, seconds=5):
            return self._error(400, "The span must not be longer than 90 days", form)
        found = [r for r in self.table if start <= datetime.fromisoformat(r["requested_datetime"]) <= end]
        found.sort(key=lambda r: datetime.fromisoformat(r["requested_datetime"]), reverse=True)
        first = (int(params.get("page", 1)) - 1) * self.row_limit if self.pages else 0
        found = found[first : first + self.row_limit]
        if not found and self.nothing_is_404:
            return self._error(404, "No requests found", form)
        return self._send(found, "request", form)

    def _discovery(self) -> Any:
        wiki = "http://wiki.open311.org/GeoReport_v2"
        return {
            "endpoints": [
                {"specification": wiki, "url": f"{self.url}/test", "type": "test"},
                {"specification": "http://example.org/other", "url": f"{self.url}/other", "type": "production"},
                {"specification": wiki, "url": self.base, "type": "production"},
            ]
        }

    def _error(self, code: int, description: str, form: str) -> Answer:
        if form == "json":
            return _json([{"code": code, "description": description}], code)
        return self._send([{"code": code, "description": description}], "error", form, code)

    def _send(self, found: Any, name: str, form: str, status: int = 200) -> Answer:
        if form == "json":
            return _json(found, status)
        plural = {"request": "service_requests", "discovery": "discovery"}.get(name, f"{name}s")
        if name == "discovery":
            inner = "<endpoints>" + "".join(_xml("endpoint", e) for e in found["endpoints"]) + "</endpoints>"
        else:
            inner = "\n".join(_xml(name, row) for row in found)
        body = f'<?xml version="1.0" encoding="utf-8"?>\n<{plural}>\n{inner}</{plural}>\n'
        return Answer(body.encode(), status, "text/xml; charset=utf-8")


def _xml(name: str, row: dict[str, Any]) -> str:
    fields = "".join(f"<{k}>{escape('' if v is None else str(v))}</{k}>" for k, v in row.items())
    return f"<{name}>{fields}</{name}>"


# --- ArcGIS -----------------------------------------------------------------------------------


class ArcgisServer(LocalServer):
    """A layer of a feature service over `table`: attributes by name, dates as epoch milliseconds, `x` and `y` apart."""

    def __init__(
        self,
        table: list[dict[str, Any]],
        fields: dict[str, str],
        *,
        domains: dict[str, dict[Any, str]] | None = None,
        most: int = 1000,
        edit_field: str | None = "EditDate",
        token: str | None = None,
        ordered: bool = True,
        about: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.table, self.fields, self.domains, self.most = table, fields, domains or {}, most
        self.edit_field, self.token, self.ordered, self.about = edit_field, token, ordered, about or {}
        self.hidden: set[int] = set()
        self.layer = f"{self.url}/arcgis/rest/services/Calls/FeatureServer/0"

    def answer(self, asked: Asked) -> Answer:
        if self.token and asked.params.get("token") != self.token:
            return self._error(498, f"Invalid token {asked.params.get('token')}.")
        path = asked.path.removeprefix("/arcgis/rest/services/Calls/FeatureServer/0")
        if path == "":
            return _json(self._describe())
        if path != "/query":
            return self._error(400, "Invalid URL")
        try:
            return _json(self._query(asked.params))
        except sqlite3.Error as error:
            return self._error(400, "Unable to perform query operation.", [str(error)])

    def _error(self, code: int, message: str, details: list[str] | None = None) -> Answer:
        return _json({"error": {"code": code, "message": message, "details": details or []}})

    def _describe(self) -> dict[str, Any]:
        def domain(name: str) -> dict[str, Any] | None:
            words = self.domains.get(name)
            coded = [{"name": v, "code": k} for k, v in words.items()] if words else None
            return {"type": "codedValue", "name": name, "codedValues": coded} if coded else None

        return {
            "id": 0,
            "geometryType": "esriGeometryPoint",
            "maxRecordCount": self.most,
            "objectIdField": "OBJECTID",
            "fields": [{"name": n, "type": f"esriFieldType{k}", "domain": domain(n)} for n, k in self.fields.items()],
            "advancedQueryCapabilities": {"supportsPagination": True, "supportsOrderBy": self.ordered},
            **({"editFieldsInfo": {"editDateField": self.edit_field}} if self.edit_field else {}),
            **self.about,
        }

    def _query(self, params: dict[str, str]) -> dict[str, Any]:
        found = self._where(params)
        if params.get("returnCountOnly") == "true":
            return {"count": len(found)}
        if params.get("returnIdsOnly") == "true":
            return {"objectIdFieldName": "OBJECTID", "objectIds": [row["OBJECTID"] for row in found]}
        assert params["outFields"] == "*"
        assert params["outSR"] == "4326"
        if self.ordered and params.get("orderByFields") == "OBJECTID ASC":
            found = sorted(found, key=lambda row: row["OBJECTID"])
        found = [row for row in found if row["OBJECTID"] not in self.hidden]
        most = min(self.most, int(params.get("resultRecordCount", self.most)))
        document: dict[str, Any] = {
            "objectIdFieldName": "OBJECTID",
            "spatialReference": {"wkid": 4326},
            "features": [
                {
                    "attributes": {n: row.get(n) for n in self.fields},
                    "geometry": {"x": row.get("x", "NaN"), "y": row.get("y", "NaN")},
                }
                for row in found[:most]
            ],
        }
        if len(found) > most:
            document["exceededTransferLimit"] = True
        return document

    def _where(self, params: dict[str, str]) -> list[dict[str, Any]]:
        if "objectIds" in params:
            wanted = {int(n) for n in params["objectIds"].split(",")}
            return [row for row in self.table if row["OBJECTID"] in wanted]

        def milliseconds(match: re.Match[str]) -> str:
            return str(int(datetime.fromisoformat(f"{match[1]}+00:00").timestamp() * 1000))

        where = re.sub(r"timestamp '([^']*)'", milliseconds, params["where"])
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(f"CREATE TABLE t (position, {', '.join(quoted(n) for n in self.fields)})")
            for position, row in enumerate(self.table):
                values = [position, *(row.get(n) for n in self.fields)]
                db.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(values))})", values)
            return [self.table[r[0]] for r in db.execute(f"SELECT position FROM t WHERE {where} ORDER BY position")]


# --- CKAN -------------------------------------------------------------------------------------


class CkanServer(LocalServer):
    """A datastore resource over rows with `_id`; `datastore_search_sql` is run by SQLite."""

    resource = "0a1b2c3d-1111-2222-3333-444455556666"

    def __init__(
        self,
        table: list[dict[str, Any]],
        fields: dict[str, str],
        *,
        cap: int = 32_000,
        sql: bool = True,
        token: str | None = None,
    ) -> None:
        super().__init__()
        self.table, self.fields, self.cap, self.sql, self.token = table, fields, cap, sql, token
        self.lost = 0

    def answer(self, asked: Asked) -> Answer:
        if self.token and asked.headers["Authorization"] != self.token:
            return self._error(403, "Authorization Error", f"Access denied for {asked.headers['Authorization']}")
        if asked.path == "/api/3/action/datastore_search":
            if asked.params["resource_id"] != self.resource:
                return self._error(404, "Not Found Error", "Resource was not found.")
            return self._search(asked.params)
        if asked.path == "/api/3/action/datastore_search_sql" and self.sql:
            return self._sql(asked.params["sql"])
        return self._error(400, "Bad request", "Action name not known")

    def _error(self, status: int, kind: str, message: str) -> Answer:
        return _json({"success": False, "error": {"__type": kind, "message": message}}, status)

    def _result(self, found: list[dict[str, Any]], **more: Any) -> Answer:
        fields = [{"id": n, "type": k} for n, k in self.fields.items()]
        return _json({"success": True, "result": {"fields": fields, "records": found, **more}})

    def _search(self, params: dict[str, str]) -> Answer:
        name = params["sort"].removesuffix(" asc").strip('"')
        ordered = sorted(self.table, key=lambda row: row[name])
        offset, limit = int(params["offset"]), min(int(params["limit"]), self.cap)
        return self._result(
            ordered[: len(ordered) - self.lost][offset : offset + limit], total=len(ordered), limit=limit
        )

    def _sql(self, query: str) -> Answer:
        with closing(sqlite3.connect(":memory:")) as db:
            db.row_factory = sqlite3.Row
            db.execute(f"CREATE TABLE {quoted(self.resource)} ({', '.join(self._column(n) for n in self.fields)})")
            for row in self.table:
                values = [row.get(n) for n in self.fields]
                db.execute(f"INSERT INTO {quoted(self.resource)} VALUES ({', '.join('?' * len(values))})", values)
            try:
                return self._result([dict(row) for row in db.execute(query)])
            except sqlite3.Error as error:
                return self._error(409, "Validation Error", str(error))

    def _column(self, name: str) -> str:
        return f"{quoted(name)} {'INTEGER' if self.fields[name] == 'int' else 'TEXT'}"
