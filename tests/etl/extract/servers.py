"""Small systems on 127.0.0.1 that answer as the real ones are documented to, with faults to inject.

Each has `url`, `faults` (taken from the front, one a request; None lets a request pass) and `requests` (what was
asked: path and parameters, in order).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

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
