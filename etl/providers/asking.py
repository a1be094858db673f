"""The project's web client, as geocoding services want to be asked: in turns, by name, and with few traces.

Charter: pace, the POST of a batch, and logs without addresses. Patience, sizes, time-outs and secrets are
etl.extract.transport's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from etl.config.connections import Patience
from etl.errors import SourceError
from etl.extract.transport import AGENT, HTML, REDIRECTS, Garbled, Transport

MAX_ANSWER: Final = 64 << 20
LOGGERS: Final = ("httpx", "geopy")
_PARAMETERS: Final = re.compile(r"\?[^\s\"']*")


def agent(contact: str | None) -> str:
    """The name under which services are asked; it always names Openward."""
    return f"{AGENT[:-1]}; {contact})" if contact else AGENT


class _NoAddresses(logging.Filter):
    """httpx and geopy log what they ask for: the parameters, which hold addresses and keys, do not pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _PARAMETERS.sub("?***", record.getMessage()), ()
        return True


class Asking(Transport):
    """A Transport that waits for its turn before every try, and can send a batch."""

    def __init__(
        self, patience: Patience, turn: Callable[[], None], *, contact: str | None = None, **more: Any
    ) -> None:
        """`turn` returns when the service may be asked; `contact` goes into the user agent; `more`: as Transport has it."""
        super().__init__(patience, headers={"User-Agent": agent(contact)}, max_body=MAX_ANSWER, **more)
        self._turn = turn
        self._quiet = _NoAddresses()
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self._quiet)

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self._quiet)

    def post(
        self,
        url: str,
        fields: Mapping[str, str],
        file: tuple[str, str, bytes],
        check: Callable[[httpx.Response], None],
    ) -> None:
        """Send a form with one file (its field, name and content); `check` as in `get`, and errors likewise.

        Redirects are refused: a batch of addresses goes where the configuration says and nowhere else.
        """
        field, name, content = file

        def once() -> None:
            self._turn()
            request = self._client.build_request(
                "POST", url, data=dict(fields), files={field: (name, content, "text/csv")}, headers=self._headers
            )
            response = self._client.send(request, stream=True)
            try:
                if response.status_code in REDIRECTS:
                    raise SourceError(f"{self._place(url)}: redirects a batch; give the final address")
                self._accept(response, url, ())
                body = self._body(response)
            finally:
                response.close()
            if HTML.match(body[:1024]):
                raise Garbled("answers with a web page instead of data")
            check(httpx.Response(response.status_code, content=body, request=request))

        self._persist(url, once)

    @contextmanager
    def _open(
        self,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        fine: tuple[int, ...] = (),
    ) -> Iterator[httpx.Response]:
        self._turn()
        with super()._open(url, params, headers, fine) as response:
            yield response
