"""One structured line per event: what a log collector reads while nobody watches.

Charter: naming events and writing them as JSON. Values are ours: counts, names and times, never rows, never secrets.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from collections.abc import Iterable
from typing import IO, Any

LOGGER = logging.getLogger("openward.etl")
FIELDS = "openward_fields"
HIDDEN = "***"
SHORTEST_SECRET = 4
"""A shorter word would be struck out of every sentence that happens to hold it."""

_secrets: tuple[str, ...] = ()


def emit(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event with its fields."""
    LOGGER.log(level, event, extra={FIELDS: fields})


def hide(secrets: Iterable[str]) -> None:
    """Strike these values out of every line from now on, whoever put them there; an empty list forgets those before."""
    global _secrets  # noqa: PLW0603 - one process, one set of secrets
    _secrets = tuple(sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True))


def clean(text: str) -> str:
    """The text without any secret."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _cleaned(value: Any) -> Any:
    """A value that JSON can hold, without secrets wherever they are in it."""
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(str(value))


def _moment(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, event, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        entry |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = repr(record.exc_info[1])
        return json.dumps(_cleaned(entry), ensure_ascii=False)


class PlainLines(logging.Formatter):
    """A record as one line for people: time (UTC), level, event, then name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = _cleaned(getattr(record, FIELDS, {}))
        told = " ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
            for name, value in fields.items()
            if value not in (None, [], {})
        )
        line = f"{_moment(record)[:19]}Z {record.levelname.lower():<7} {clean(record.getMessage())} {told}"
        return " ".join(line.split())


class _Lines(logging.Handler):
    """Lines on a stream. Standard error is looked up each time: while bars are shown, they stand in its place."""

    def __init__(self, stream: IO[str] | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self._stream or sys.stderr
            stream.write(f"{self.format(record)}\n")
            stream.flush()
        except Exception:
            self.handleError(record)


def log_to(stream: IO[str] | None = None, formatter: logging.Formatter | None = None) -> None:
    """Write events to a stream (standard error) as JSON or otherwise, in place of where they went before."""
    handler = _Lines(stream)
    handler.setFormatter(formatter or JsonLines())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def silence() -> None:
    """Write events nowhere: at a terminal bars and a report say the same to a person."""
    LOGGER.handlers[:] = [logging.NullHandler()]
    LOGGER.propagate = False


def is_structured() -> bool:
    """Whether events go out as JSON, so that nothing else should be written beside them."""
    return any(isinstance(handler.formatter, JsonLines) for handler in LOGGER.handlers)
