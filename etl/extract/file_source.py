"""A file as a source: on disk, at a web address, or in an object store.

Charter: from where the city's YAML points to one raw copy, and from a raw copy
to its reader. What formats there are is told in `etl.extract.formats`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from etl.config.connections import FileConnection
from etl.disk import sha256_of
from etl.errors import SourceError, SourceUnavailable
from etl.extract import formats, packed
from etl.extract.files import MalformedRows
from etl.extract.raw import JOURNAL, MANIFEST, Part, RawCopy, RawWriter, sha256_of_parts
from etl.extract.remote import RemoteFile
from etl.extract.source import Fetching, Known, Progress
from etl.extract.spatial import beside
from etl.extract.transport import Transport, secret_of

KIND = "file"
BLOCK = 1 << 20
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|error)\b", re.IGNORECASE)
OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
COMPLAINT = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:error|errors|errorCode|message|detail)"\s*:')
DOWNLOAD = ".download"


@dataclass(frozen=True)
class FileAdapter:
    """The adapter of `kind: file`."""

    connection: FileConnection
    null_values: Sequence[str]

    # --- fetch --------------------------------------------------------------------------------

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """The file as one raw copy, None if it is the one that was loaded last."""
        path = self.connection.path
        if not path:
            raise SourceError(
                f"{fetching.source}: the source has no path; set it in the city's YAML, or give --input "
                f"{fetching.source}=FILE"
            )
        if SCHEME.match(path) and "@" in urlsplit(path).netloc:
            raise SourceError(
                f"{_shown(path)}: must not hold a name or a password; credentials come from the environment"
            )
        if path.lower().startswith(("http://", "https://")):
            return self._from_web(path, known, fetching)
        if SCHEME.match(path) and not path.lower().startswith("file://"):
            return self._from_store(path, known, fetching)
        return self._from_disk(path, known, fetching)

    def _from_disk(self, shown: str, known: Known, fetching: Fetching) -> RawCopy | None:
        local = unquote(urlsplit(shown).path) if shown.lower().startswith("file://") else shown
        path = fetching.base / local
        files = _local_files(path, shown)
        before = _states(files)
        if known.sha256 is not None and known.sha256 == _print_of(files, shown):
            return None
        writer = self._begin(f"{path.resolve()} {before}", fetching)
        have = {part.name for part in writer.parts}
        total = sum(size for size, _ in before)
        done = 0
        for name, file in files.items():
            start = done

            def told(taken: int, start: int = start) -> None:
                fetching.progress(start + taken, total)

            if _safe(name) not in have:
                writer.add(_safe(name), _blocks(file, shown, told), {"name": shown})
            done += file.stat().st_size
        if _states(files) != before:
            writer.drop()
            raise SourceUnavailable(f"{shown}: was written to while it was read; run again when it is complete")
        return writer.finish(whole=True)

    def _from_web(self, url: str, known: Known, fetching: Fetching) -> RawCopy | None:
        shown = _shown(url)
        token = secret_of(self.connection.token_env)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        etag, modified = _version_for(url, known)
        # Outside of the writer's folder, so that a download that was killed is gone on with.
        path = fetching.archive.root / fetching.source / DOWNLOAD
        path.parent.mkdir(parents=True, exist_ok=True)
        with Transport(self.connection.patience, headers=headers, secrets=_secrets(url, token)) as transport:
            got = transport.download(url, path, etag=etag, modified=modified, progress=fetching.progress)
        if got is None:
            return None
        try:
            self._expect(path, shown)
            if known.sha256 is not None and known.sha256 == _print_of({path.name: path}, shown):
                return None
            note = {"name": shown, "etag": got.etag, "modified": got.modified}
            writer = self._begin(f"{url} {sha256_of(path)}", fetching)
            if not writer.parts:
                writer.add(_safe(_last(url)), _blocks(path, shown), note)
        finally:
            path.unlink(missing_ok=True)
        return _finish(url, known, writer)

    def _from_store(self, url: str, known: Known, fetching: Fetching) -> RawCopy | None:
        shown = _shown(url)
        remote = RemoteFile(url, shown, self.connection)
        version, size = remote.version()
        if version is not None and version == _version_for(url, known)[0]:
            return None
        if size == 0:
            raise SourceError(f"{shown}: is empty; there is nothing to load")
        # Without a version nobody knows whether what an interrupted fetch has is still the file.
        writer = self._begin(f"{url} {version or fetching.now}", fetching)
        if not writer.parts:
            writer.add(_safe(_last(url)), remote.blocks(version, fetching.progress), {"name": shown, "etag": version})
        return _finish(url, known, writer)

    def _begin(self, what: str, fetching: Fetching) -> RawWriter:
        # A digest, because an address may hold a token.
        return fetching.archive.begin(fetching.source, KIND, _hash(what), fetching.now)

    def _expect(self, path: Path, shown: str) -> None:
        """SourceUnavailable if a web server answered with something else than a file of a table."""
        with path.open("rb") as file:
            head = file.read(1 << 12)
        if not head:
            raise SourceUnavailable(f"{shown}: answers with nothing; run again later")
        if PAGE.match(head):
            raise SourceUnavailable(
                f"{shown}: answers with a page and not with a file; run again later, and check the address if it lasts"
            )
        wanted: str | None = self.connection.format
        if wanted == "auto":
            wanted = packed.TABLE_SUFFIXES.get(packed.suffix_of(_last(shown)))
        as_json = wanted in (None, "json", "geojson")
        if OBJECT.match(head) if not as_json else COMPLAINT.match(head) and not self._has_records(path, head):
            said = "" if len(head) > 300 else f" ({' '.join(head.decode('utf-8', 'replace').split())[:120]})"
            raise SourceUnavailable(
                f"{shown}: answers with a JSON document and not with a file{said}; run again later, "
                "and check the address if it lasts"
            )

    def _has_records(self, path: Path, head: bytes) -> bool:
        """Whether what looks like an error may be data: it is long, or the list that the YAML names is in it."""
        last = (self.connection.records or "").rpartition(".")[2].encode()
        return path.stat().st_size > len(head) or b"\n{" in head or (bool(last) and b'"%b"' % last in head)

    # --- read ---------------------------------------------------------------------------------

    def columns(self, copy: RawCopy) -> dict[str, str]:
        """Names of the columns, with the kind that the file states."""
        return self._table(copy).columns()

    def tables(
        self, copy: RawCopy, columns: Sequence[str], malformed: MalformedRows, progress: Progress
    ) -> Iterator[pa.Table]:
        """The named columns as tables of text, with `__row__`."""
        total = _main(copy).bytes
        yield from self._table(copy).tables(columns, malformed, lambda done: progress(min(done, total), total))

    def _table(self, copy: RawCopy) -> formats.TableFile:
        part = _main(copy)
        name = str(part.note.get("name", part.name))
        return formats.open_table(copy.path(part), name, self.connection, self.null_values)


def _main(copy: RawCopy) -> Part:
    """The part that is read; the others are a shapefile's, which lie beside it."""
    if not copy.parts:
        raise SourceError(f"{copy.folder}: this raw copy has no file; fetch again")
    return copy.parts[0]


def _local_files(path: Path, shown: str) -> dict[str, Path]:
    """What is copied, by the name that it gets: the file, and what belongs to a shapefile."""
    if path.is_dir():
        raise SourceError(f"{shown}: is a folder; give the path of a file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise SourceError(f"{shown}: cannot be read ({why}); check the path and its permissions") from error
    if empty:
        raise SourceError(f"{shown}: is empty; there is nothing to load")
    if path.suffix.lower() != ".shp":
        return {path.name: path}
    return {f"{path.stem}.shp": path, **{f"{path.stem}{ending}": file for ending, file in beside(path).items()}}


def _print_of(files: dict[str, Path], shown: str) -> str:
    """What RawCopy.sha256 will be of these files."""
    try:
        return sha256_of_parts(sha256_of(file) for file in files.values())
    except OSError as error:
        raise SourceError(f"{shown}: cannot be read ({error.strerror}); check the disk") from error


def _finish(url: str, known: Known, writer: RawWriter) -> RawCopy | None:
    """The copy with what the next fetch asks by; None if its bytes are those that were loaded last."""
    found = hashlib.sha256("\n".join(part.sha256 for part in writer.parts).encode()).hexdigest()
    if known.sha256 == found:
        writer.drop()
        return None
    note = writer.parts[0].note
    watermark = {"of": _hash(url), "etag": note.get("etag"), "modified": note.get("modified")}
    return writer.finish(whole=True, watermark=watermark if note.get("etag") or note.get("modified") else None)


def _states(files: dict[str, Path]) -> list[tuple[int, int]]:
    return [(s.st_size, s.st_mtime_ns) for s in (file.stat() for file in files.values())]


def _blocks(path: Path, shown: str, told: Callable[[int], None] | None = None) -> Iterator[bytes]:
    done = 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                done += len(block)
                yield block
                if told:
                    told(done)
    except OSError as error:
        raise SourceError(f"{shown}: cannot be read ({error.strerror}); check the disk") from error


def _version_for(url: str, known: Known) -> tuple[str | None, str | None]:
    """ETag and time of the version that was loaded last, if it came from this address."""
    mark: Any = known.watermark or {}
    return (mark.get("etag"), mark.get("modified")) if mark.get("of") == _hash(url) else (None, None)


def _shown(url: str) -> str:
    """An address without names, passwords and parameters."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secrets(url: str, token: str | None) -> list[str]:
    """What may be secret in an address: the values of its parameters, beside the token."""
    parts = urlsplit(url)
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    found = [token, *(v for v in values if len(v) >= 8)]
    return [secret for secret in found if secret]


def _last(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name) or "data"


def _safe(name: str) -> str:
    """The name that RawWriter would make of it, whose stem all parts of a shapefile share; never a reserved one."""
    stem, dot, ending = name.partition(".")
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "data"
    made = f"{safe[:80]}{dot}{re.sub(r'[^A-Za-z0-9.-]+', '_', ending)[-80:]}".strip("._")
    return f"data-{made}" if made in (MANIFEST, JOURNAL) else made


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
