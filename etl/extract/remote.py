"""Files in object stores and other places that fsspec reaches, such as s3://bucket/key.

Charter: one file to a stream of bytes, asked again while that may help.
Credentials come from the environment alone and are in no message.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit

from etl.config.connections import FileConnection
from etl.errors import SourceError, SourceUnavailable

BLOCK = 4 << 20
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
LASTING = ("NoCredentials", "PartialCredentials", "InvalidAccessKey", "ParamValidation", "ProfileNotFound")


@dataclass(frozen=True)
class RemoteFile:
    """One file that fsspec reaches. `shown` is its address for messages."""

    url: str
    shown: str
    connection: FileConnection
    sleep: Callable[[float], None] = time.sleep

    def version(self) -> tuple[str | None, int | None]:
        """What the store calls this version of the file (None: it says nothing), and its bytes."""
        info = self._persist(lambda: self._info(self._store))
        return _version(info), info.get("size")

    def blocks(self, version: str | None, progress: Callable[[int, int | None], None]) -> Iterator[bytes]:
        """The file's bytes; a connection that breaks off is taken up where it broke, if the file is still `version`."""
        done = failures = 0
        while True:
            with self._persist(partial(self._open, version, done)) as (handle, size):
                while (block := self._read(handle)) is not None:
                    if not block:
                        return
                    failures = 0
                    done += len(block)
                    progress(done, size)
                    yield block
            failures += 1
            if failures >= self.connection.patience.attempts:
                raise SourceUnavailable(f"{self.shown}: breaks off after {done:,} bytes; run again later")
            self._wait(failures)

    def _read(self, handle: Any) -> bytes | None:
        """The next bytes; None if the connection broke."""
        try:
            block: bytes = handle.read(BLOCK)
            return block
        except Exception as error:
            self._refuse(error)
            return None

    def _open(self, version: str | None, start: int) -> Any:
        system = self._store
        info = self._info(system)
        if version is not None and _version(info) != version:
            raise SourceUnavailable(f"{self.shown}: has changed while it was read; run again")
        handle = system.open(_inner(system, self.url), "rb")
        if start:
            handle.seek(start)
        return _with_size(handle, info.get("size"))

    def _info(self, system: Any) -> dict[str, Any]:
        info: dict[str, Any] = system.info(_inner(system, self.url))
        if info.get("type") == "directory":
            raise SourceError(f"{self.shown}: is a folder; give the address of a file")
        return info

    @cached_property
    def _store(self) -> Any:
        return self._system()

    def _system(self) -> Any:
        import fsspec

        scheme = urlsplit(self.url).scheme
        options: dict[str, Any] = {"skip_instance_cache": True}
        if scheme in ("s3", "s3a"):
            options |= self._s3_options()
        try:
            system = fsspec.filesystem(scheme, **options)
        except (ValueError, ImportError, TypeError) as error:
            raise SourceError(
                f"{self.shown}: addresses of {scheme}:// cannot be read here; use a path, https:// or s3://"
            ) from error
        if hasattr(system, "retries"):
            system.retries = 1  # the city's patience counts, not the library's
        return system

    def _s3_options(self) -> dict[str, Any]:
        timeout = self.connection.patience.timeout_seconds
        endpoint = self.connection.s3_endpoint
        return {
            # Public buckets are read without a signature, which a client without credentials cannot give.
            "anon": not any(os.environ.get(name) for name in CREDENTIALS),
            "config_kwargs": {
                "connect_timeout": timeout,
                "read_timeout": timeout,
                "retries": {"total_max_attempts": 1},
            },
            "use_listings_cache": False,
            "default_cache_type": "readahead",
            **({"endpoint_url": endpoint} if endpoint else {}),
        }

    def _persist(self, once: Callable[[], Any]) -> Any:
        patience = self.connection.patience
        for attempt in range(1, patience.attempts + 1):
            try:
                return once()
            except SourceError:
                raise
            except Exception as error:
                self._refuse(error)
                if attempt == patience.attempts:
                    tries = f"tried {attempt} times" if attempt > 1 else "tried once"
                    raise SourceUnavailable(
                        f"{self.shown}: cannot be reached or answers with an error ({type(error).__name__}; {tries}); "
                        "run again later"
                    ) from error
                self._wait(attempt)
        raise AssertionError  # attempts is at least 1

    def _wait(self, attempt: int) -> None:
        longest = self.connection.patience.longest_wait_seconds
        # Half fixed, half by chance, so that several clients do not come back together.
        self.sleep(min(longest, 2.0 ** (attempt - 1)) * (0.5 + random.random() / 2))  # noqa: S311 - no secret

    def _refuse(self, error: Exception) -> None:
        """SourceError if asking again cannot help. The library's words stay out: they may hold keys."""
        if isinstance(error, FileNotFoundError):
            raise SourceError(f"{self.shown}: there is no such file; check the bucket and the key") from error
        if isinstance(error, PermissionError) or any(w in type(error).__name__ for w in LASTING):
            raise SourceError(
                f"{self.shown}: may not be read; check the credentials in the environment "
                "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) and what they may read"
            ) from error
        if isinstance(error, IsADirectoryError):
            raise SourceError(f"{self.shown}: is a folder; give the address of a file") from error
        status = _status(error)
        if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
            raise SourceError(
                f"{self.shown}: the store refuses with HTTP {status}; check the address, the region "
                "(AWS_DEFAULT_REGION) and 's3_endpoint'"
            ) from error
        if isinstance(error, ValueError | TypeError | NotImplementedError):
            raise SourceError(f"{self.shown}: is not an address that can be read; check the path") from error


def _version(info: dict[str, Any]) -> str | None:
    found = info.get("ETag") or info.get("etag")
    return str(found) if found else None


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error of the AWS library."""
    cause: BaseException | None = error
    while cause is not None:
        answer = getattr(cause, "response", None)
        if isinstance(answer, dict):
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status if isinstance(status, int) else None
        cause = cause.__cause__ or cause.__context__
    return None


def _inner(system: Any, url: str) -> str:
    return str(system._strip_protocol(url))


@contextmanager
def _with_size(handle: Any, size: int | None) -> Iterator[tuple[Any, int | None]]:
    with handle:
        yield handle, size
