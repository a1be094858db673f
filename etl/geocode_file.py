"""A table of addresses through a city's geocoder: every row out again, with where it is and how sure that is.

Charter: composes reader, geocoder, boundaries and writer, chunk by chunk in flat memory. What an address means is
geo.geocoding's, which columns are read geocode_columns', how rows become a file geocode_output's.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etl.config import CityConfig, GeocoderSettings
from etl.config.connections import FileConnection
from etl.errors import ConfigError, SourceError
from etl.extract import formats, packed
from etl.extract.files import MalformedRows
from etl.extract.tabular import ROW_NUMBER
from etl.geocode_columns import Columns, Lines, chosen, hint, is_lines, points_of, texts_of
from etl.geocode_output import Sink, free_name, must_be_free, to_stream, writing
from etl.geocode_truth import Judged, Truth
from etl.geocoder_reference import ReferenceFiles
from etl.layers import read_layers
from etl.locating import CityLocator
from etl.providers.chain import chain_of
from etl.transform.placing import DEGREE_DIGITS, DRAWN_TO, METRE_DIGITS, SCORE_DIGITS, alternatives_text
from geo.boundaries import Vintage, assign
from geo.crs import Floats, from_wgs84
from geo.geocoding.certainty import certainty
from geo.geocoding.crew import Crew
from geo.geocoding.doubt import contradicts
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import METHODS, Located, Objects
from geo.geocoding.passport import Passport
from geo.geocoding.results import COLUMNS, taken

Tell = Callable[[str], None]
Progress = Callable[[str, int, int | None, int], None]
"""Told the step, how much of how much is done, and how many rows that is."""

BLOCK_OR_BETTER: Final = METHODS[1 : METHODS.index("block") + 1]
MEDIAN_STEPS: Final = 10_000
EXAMPLE: Final = (
    "geocoder: {streets: [{path: centerlines.gpkg, name: STREET, left_from: L_F_ADD, left_to: L_T_ADD, "
    "right_from: R_F_ADD, right_to: R_T_ADD}]}"
)
MOST_REMEMBERED: Final = 300_000
"""Distinct addresses whose answers are kept while a table is read: some 200 MB."""
_SEP: Final = "\x1f"


@dataclass(frozen=True)
class Job:
    """What is asked for. `source` None: standard input; `out` None: standard output."""

    source: Path | None
    out: Path | None
    columns: Columns = field(default_factory=Columns)
    reverse: bool = False
    everything: bool = False
    """Coordinates also for results below the city's policy."""
    force: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    member: str | None = None
    calibration: Path | None = None
    """Where the calibration is written."""

    @property
    def name(self) -> str:
        """What the user calls the input."""
        return str(self.source) if self.source is not None else "standard input"


@dataclass
class Summary:
    """What came out, counted as it went."""

    rows: int = 0
    blank: int = 0
    """Rows without an address (or, in reverse, without a point)."""
    malformed: int = 0
    methods: Counter[str] = field(default_factory=Counter)
    drawn: int = 0
    contradictions: int | None = None
    seconds: float = 0.0
    ready_seconds: float = 0.0
    out: str | None = None
    judged: Judged | None = None
    _scores: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MEDIAN_STEPS + 1, dtype=np.int64))

    def scored(self, score: Floats) -> None:
        """Count the scores of located rows."""
        at = np.rint(np.clip(score, 0, 1) * MEDIAN_STEPS).astype(np.int64)
        self._scores += np.bincount(at, minlength=MEDIAN_STEPS + 1)

    @property
    def asked(self) -> int:
        """Rows with something to look for."""
        return self.rows - self.blank

    @property
    def median_score(self) -> float | None:
        """The middle score of what was located, to 0.0001."""
        total = int(self._scores.sum())
        return float(np.searchsorted(np.cumsum(self._scores), (total + 1) // 2) / MEDIAN_STEPS) if total else None

    @property
    def block_or_better(self) -> float | None:
        """The share of rows with an address that were located at their block or better."""
        good = sum(n for name, n in self.methods.items() if name in BLOCK_OR_BETTER)
        return good / self.asked if self.asked and self.methods else None

    def document(self) -> dict[str, Any]:
        """As one JSON document."""
        share = self.block_or_better
        return {
            "rows": self.rows, "without_address": self.blank, "malformed_rows_left_out": self.malformed,
            "methods": {name: self.methods[name] for name in METHODS if self.methods[name]},
            "block_or_better": None if share is None else round(share, 4), "with_coordinates": self.drawn,
            "median_score": self.median_score, "contradictions": self.contradictions,
            "seconds": round(self.seconds, 2), "seconds_until_ready": round(self.ready_seconds, 2),
            "rows_per_second": round(self.rate), "out": self.out,
            "accuracy": None if self.judged is None else self.judged.figures(),
        }  # fmt: skip

    @property
    def rate(self) -> float:
        """Rows a second, once everything was read and built."""
        return self.rows / max(self.seconds - self.ready_seconds, 1e-9)

    def lines(self, *, calibrated: bool = False) -> list[str]:
        """For people."""
        what = "address" if self.methods else "point"
        out = [f"{self.rows:,} rows, {self.blank:,} without {'an ' if what == 'address' else 'a '}{what}"]
        if self.malformed:
            out.append(f"{self.malformed:,} more could not be split into the header's columns and were left out")
        for name in (*METHODS[1:], METHODS[0]):
            if count := self.methods[name]:
                told = "not found" if name == "none" else name
                out.append(f"  {told:16}{count:>12,}  {count / max(self.asked, 1):6.1%}")
        share, median = self.block_or_better, self.median_score
        if share is not None:
            shown = "-" if median is None else f"{median:.3f}"
            out.append(f"block or better: {share:.2%} of the rows with an address; median score {shown}")
            out.append(f"with coordinates (the city's policy): {self.drawn:,}")
        if self.contradictions is not None:
            out.append(f"points that contradict their address: {self.contradictions:,}")
        out.append(
            f"{self.seconds:.1f} s, {self.ready_seconds:.1f} s of them to get ready; {self.rate:,.0f} rows/s"
            + (f"; wrote {self.out}" if self.out else "")
        )
        return out if self.judged is None else [*out, *self.judged.lines(calibrated=calibrated)]


@dataclass(frozen=True)
class Prepared:
    """A city ready to answer."""

    config: CityConfig
    settings: GeocoderSettings
    layers: Mapping[str, Sequence[Vintage]]
    locator: CityLocator


def standard_out(source: Path | None, terminal: bool) -> Path | None:
    """Where rows go unless told: beside the input if standard output is a terminal, else None, which is that."""
    if source is None or not terminal:
        return None
    stem = source.name
    while "." in stem.lstrip("."):
        stem = stem.rpartition(".")[0]
    return source.with_name(f"{stem}.geocoded.csv")


@contextmanager
def prepared(
    config: CityConfig,
    name: str,
    folders: Sequence[Path],
    cache: Path,
    *,
    calibrating: bool = False,
    tell: Tell = lambda _line: None,
    progress: Progress = lambda _step, _done, _total, _rows: None,
) -> Iterator[Prepared]:
    """Read a city's reference and layers from `folders` and build its geocoder; the services' cache is at `cache`.

    ConfigError for a city (`name`: its YAML) that has nothing to find addresses in; SourceError names a file that is
    not there. `calibrating`: a calibration that the YAML names is not used.
    """
    settings = config.geocoder
    local = settings is not None and any((settings.streets, settings.addresses, settings.places, settings.named_places))
    if settings is None or not (local or settings.providers):
        raise ConfigError(
            f"{name}: names nothing to find addresses in; add what the city has, such as {EXAMPLE}, or a service: "
            "geocoder: {providers: [{kind: census}]}; docs/geocoder.md has all of it"
        )
    if calibrating:
        settings = settings.model_copy(update={"calibration": None})
        config = config.model_copy(update={"geocoder": settings})
    progress("reading the city's files", 0, None, 0)
    layers = read_layers(config, folders)
    geocoder = None
    if local:
        files = ReferenceFiles.of(config, folders)
        assert files is not None  # noqa: S101 - there is a section
        passport = files.passport()
        reference, _ = files.read()
        if not settings.streets:
            tell(f"{name}: names no streets (centerlines), without which crossings and ranges of numbers are not found")
        progress("building the geocoder", 0, None, 0)
        areas = [vintages[-1] for vintages in layers.values() if vintages]
        geocoder = Geocoder.build(reference, settings.parser, areas, passport)
    with ExitStack() as stack:
        chain = None
        if settings.providers:
            cache.parent.mkdir(parents=True, exist_ok=True)

            def answered(done: int, total: int) -> None:
                progress("asking the services", done, total, 0)

            chain = stack.enter_context(
                chain_of(settings.providers, cache, inside=config.city.bbox, tell=tell, progress=answered)
            )
        crew = None if geocoder is None else stack.enter_context(Crew(geocoder))
        yield Prepared(config, settings, layers, CityLocator(geocoder, chain, tell, crew))


def geocode_file(
    job: Job,
    config: CityConfig,
    name: str,
    folders: Sequence[Path],
    cache: Path,
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    tell: Tell = lambda _line: None,
    progress: Progress = lambda _step, _done, _total, _rows: None,
) -> Summary:
    """Do the job with the city that `config` (of the file `name`) describes; arguments as in `prepared`.

    Raises EtlError and GeoError in one line each, before anything is written where that can be known; an output file
    is there whole or not at all.
    """
    start = time.perf_counter()
    _agree(job)
    if job.out is not None:
        must_be_free(job.out, job.source, force=job.force)
    if job.calibration is not None and job.calibration.exists() and not job.force:
        raise ConfigError(f"{job.calibration}: is there already; give --force to replace it, or another name")
    with ExitStack() as stack:
        path = job.source or stack.enter_context(_spooled(stdin or sys.stdin.buffer))
        table = _reading(job, path)
        there = list(table.columns())
        used = chosen(job.columns, there, job.name, reverse=job.reverse)
        for line in _said(used, there, job):
            tell(line)
        calibrating = job.calibration is not None
        city = stack.enter_context(
            prepared(config, name, folders, cache, calibrating=calibrating, tell=tell, progress=progress)
        )
        if (job.reverse or calibrating) and city.locator.geocoder is None:
            what = "--reverse" if job.reverse else "--write-calibration"
            raise ConfigError(f"{name}: {what} needs a reference of the city's own; the services do not serve for it")
        work = _Reverse(city, used, there) if job.reverse else _Forward(city, used, there, everything=job.everything)
        out = stdout or sys.stdout.buffer
        at_terminal = job.out is None and getattr(out, "isatty", lambda: False)()
        sink = stack.enter_context(to_stream(out, terminal=at_terminal) if job.out is None else writing(job.out))
        work.summary.ready_seconds = time.perf_counter() - start
        _stream(table, there, path.stat().st_size, work, sink, progress)
    summary = work.summary
    summary.out = None if job.out is None else str(job.out)
    summary.judged = work.judged()
    if job.calibration is not None and summary.judged is not None:
        about = {"city": config.city.id, "made_of": Path(job.name).name, "rows": summary.rows}
        _write_text(job.calibration, summary.judged.calibration(about))
    summary.seconds = time.perf_counter() - start
    return summary


def _agree(job: Job) -> None:
    if job.calibration is not None and not job.columns.has_truth:
        raise ConfigError(
            "--write-calibration needs trusted coordinates: --truth-lat and --truth-long, or --truth-point"
        )
    if job.reverse and (job.columns.has_truth or job.columns.address or job.columns.street):
        raise ConfigError(
            "--reverse goes from points to addresses; it takes --lat and --long, or --point, and nothing else"
        )


def _said(used: Columns, there: Sequence[str], job: Job) -> Iterator[str]:
    if used != job.columns:
        found = {k: v for k, v in vars(used).items() if v is not None and getattr(job.columns, k) is None}
        yield f"{job.name}: taking " + ", ".join(f"'{column}' as {what}" for what, column in found.items())
    more = None if job.reverse else hint(used, there)
    if more is not None:
        yield f"{job.name}: {more}"


@contextmanager
def _spooled(stream: IO[bytes]) -> Iterator[Path]:
    """What comes from a pipe as a file, which readers can go back in."""
    with tempfile.TemporaryDirectory(prefix="openward-") as folder:
        path = Path(folder) / "input"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        yield path


def _reading(job: Job, path: Path) -> formats.TableFile:
    """The reader of the input; a text without a header of columns is one address a line."""
    stated = {
        key: value for key in ("encoding", "delimiter", "sheet", "member") if (value := getattr(job, key)) is not None
    }
    try:
        connection = FileConnection(path=str(path), **stated)
    except ValueError as error:
        raise ConfigError(f"--delimiter: '{job.delimiter}' is not one character, nor \\t") from error
    encoding = job.encoding or "utf-8"
    try:
        content = packed.unwrap(path, job.name, member=job.member)
        plain = job.source is None or packed.suffix_of(content.inner_name) == ".txt"
        if plain and not job.reverse and formats.detect(content) == "csv" and b"\x00" not in content.head(formats.HEAD):
            delimiter = connection.delimiter if job.delimiter is not None else None
            if is_lines(content, job.columns, delimiter, encoding):
                return Lines(content, encoding)
        return formats.open_table(path, job.name, connection, ())
    except SourceError as error:
        raise type(error)(_in_words_of_options(str(error))) from error


def _in_words_of_options(text: str) -> str:
    """Readers speak of a source's keys in the YAML; here they are options."""
    for key in ("encoding", "member", "delimiter", "sheet"):
        text = text.replace(f"set '{key}' of the source", f"give --{key}")
    return text


def _stream(
    table: formats.TableFile, there: Sequence[str], size: int, work: _Work, sink: Sink, progress: Progress
) -> None:
    """Every chunk of the table through the work into the sink."""
    malformed = MalformedRows()
    summary = work.summary

    read = worked = 0
    progress("locating", 0, size, 0)

    def taken(done: int) -> None:
        nonlocal read
        read = done

    try:
        for chunk in table.tables(there, malformed, taken):
            summary.rows += len(chunk)
            summary.malformed += len(malformed.rows)
            malformed.rows.clear()
            out, lon, lat = work.add(chunk.drop_columns([ROW_NUMBER]))
            sink.write(out, lon, lat)
            # Readers are far ahead of the work: of a plain file its cells tell better how much of it is done.
            worked += chunk.nbytes - len(chunk) * (4 * len(there) + 8)
            progress("locating", min(read, worked, size - 1), size, summary.rows)
    except SourceError as error:
        raise type(error)(_in_words_of_options(str(error))) from error
    summary.malformed += len(malformed.rows)


class _Work:
    """What both directions share: the summary, and names for new columns that no column of the input has."""

    def __init__(self, city: Prepared, used: Columns, there: Sequence[str], new: Sequence[str]) -> None:
        self.city, self.used = city, used
        self.summary = Summary()
        self.names: dict[str, str] = {}
        taken = list(there)
        for name in new:
            self.names[name] = free_name(name, taken)
            taken.append(self.names[name])
        self.today = np.array([np.datetime64(dt.date.today())])  # noqa: DTZ011 - the day where the user is

    def _name_layers(self, there: Sequence[str]) -> None:
        """A layer's column and that of its probability, called alike."""
        for layer in self.city.layers:
            taken = {name.lower() for name in (*there, *self.names.values())}
            more = (f"geocode_{layer}_area_{i}" for i in range(2, len(taken) + 4))
            tried = (layer, f"geocode_{layer}", f"geocode_{layer}_area", *more)
            name = next(n for n in tried if not {n.lower(), f"{n}_probability".lower()} & taken)
            self.names |= {layer: name, f"{layer}_probability": f"{name}_probability"}

    def add(self, chunk: pa.Table) -> tuple[pa.Table, Floats, Floats]:
        """A chunk with its new columns, and the points of its rows."""
        raise NotImplementedError

    def judged(self) -> Judged | None:
        """Results beside trusted points, where there are any."""
        return None

    def _joined(self, chunk: pa.Table, new: Mapping[str, Any]) -> pa.Table:
        columns = [*chunk.columns, *new.values()]
        return pa.table(columns, names=[*chunk.column_names, *(self.names[name] for name in new)])

    def _days(self, rows: int) -> NDArray[np.datetime64]:
        return np.repeat(self.today, rows)


@dataclass(frozen=True)
class _Answers:
    """What was found, one entry a distinct address: results, the coordinates that are told, and the new columns."""

    found: Located
    lon: Floats
    lat: Floats
    columns: pa.Table

    def and_(self, more: _Answers) -> _Answers:
        """These and more behind them; alternatives are in the columns and not kept twice."""
        parts: dict[str, Any] = {
            name: np.concatenate([getattr(self.found, name), getattr(more.found, name)]) for name in COLUMNS
        }
        columns = pa.concat_tables([self.columns, more.columns]).combine_chunks()
        return _Answers(Located(**parts), np.append(self.lon, more.lon), np.append(self.lat, more.lat), columns)


class _Forward(_Work):
    """From addresses to places."""

    def __init__(self, city: Prepared, used: Columns, there: Sequence[str], *, everything: bool) -> None:
        new = [
            "geocode_address", "geocode_method", "geocode_score", "geocode_radius_m", "geocode_corrected", "geocode_zip",
            "lat", "long", "geocode_alternatives",
        ]  # fmt: skip
        if used.has_point:
            new += ["geocode_distance_m", "geocode_contradicts"]
        super().__init__(city, used, there, new)
        if self.names["lat"] != "lat" or self.names["long"] != "long":  # never one of each
            taken = [*there, *(n for key, n in self.names.items() if key not in ("lat", "long"))]
            self.names |= {name: free_name(f"geocode_{name}", taken) for name in ("lat", "long")}
        self._name_layers(there)
        self._everything = everything
        self._known: _Answers | None = None
        self._where: dict[str, int] = {}
        self._truth = Truth(city.config.city.crs, city.config.city.bbox) if used.has_truth else None
        if used.has_point:
            self.summary.contradictions = 0

    def add(self, chunk: pa.Table) -> tuple[pa.Table, Floats, Floats]:
        address, code, place = texts_of(chunk, self.used)
        filled = pc.not_equal(pc.utf8_trim_whitespace(address), "").to_numpy(zero_copy_only=False)
        parts = [pc.replace_substring(part, _SEP, " ") for part in (address, code, place)]
        keys = pc.binary_join_element_wise(*parts, _SEP).dictionary_encode()
        known, at = self._answers(keys.dictionary.to_pylist())
        index = at[keys.indices.to_numpy()]
        new = {name: known.columns[name].take(pa.array(index)) for name in known.columns.column_names}
        if self.used.has_point:
            new |= self._compared(chunk, known.found, index)
        lon, lat = known.lon[index], known.lat[index]
        self._count(known.found, index, filled, np.isfinite(lon))
        if self._truth is not None:
            used = self.used
            true_lon, true_lat = points_of(chunk, used.truth_lat, used.truth_long, used.truth_point)
            self._truth.add(taken(known.found, index[filled]), true_lon[filled], true_lat[filled])
        return self._joined(chunk, new), lon, lat

    def _answers(self, keys: Sequence[str]) -> tuple[_Answers, NDArray[np.int64]]:
        """Answers, and where among them that to each of the keys is; what was asked for before is not looked up again."""
        known, where = self._known, self._where
        missing = [key for key in keys if key not in where]
        if not missing and known is not None:
            return known, np.array([where[key] for key in keys], dtype=np.int64)
        asked = [key.split(_SEP) for key in missing]
        texts, zips, places = ([parts[i] for parts in asked] for i in range(3))
        found = self.city.locator.locate(texts, zips, places)
        shown = self._shown(found)
        lon, lat = (np.where(shown, np.round(v, DEGREE_DIGITS), np.nan) for v in (found.lon, found.lat))
        fresh = _Answers(found, lon, lat, pa.table(self._columns(found, lon, lat)))
        first = 0 if known is None else len(known.lon)
        both = fresh if known is None else known.and_(fresh)
        here = {key: first + i for i, key in enumerate(missing)}
        at = np.array([here[key] if key in here else where[key] for key in keys], dtype=np.int64)
        if len(both.lon) <= MOST_REMEMBERED:
            self._known = both
            where.update(here)
        return both, at

    def judged(self) -> Judged | None:
        if self._truth is None:
            return None
        geocoder = self.city.locator.geocoder
        return self._truth.judged(Passport() if geocoder is None else geocoder.passport)

    def _shown(self, found: Located) -> NDArray[np.bool_]:
        """Results that get coordinates."""
        located: NDArray[np.bool_] = found.method > 0
        if self._everything:
            return located
        settings = self.city.settings
        last = METHODS.index(DRAWN_TO[settings.draw])
        west, south, east, north = self.city.config.city.bbox
        with np.errstate(invalid="ignore"):
            inside = (found.lon >= west) & (found.lon <= east) & (found.lat >= south) & (found.lat <= north)
        return located & (found.method <= last) & inside & (np.round(found.score, SCORE_DIGITS) >= settings.min_score)

    def _columns(self, found: Located, lon: Floats, lat: Floats) -> dict[str, pa.Array]:
        """The new columns of distinct addresses."""
        none = found.method == 0
        ties: Objects = np.full(len(found), None, dtype=object)
        for row, others in found.alternatives.items():
            ties[row] = alternatives_text(others)
        columns = {
            "geocode_address": pa.array(found.matched, pa.string(), mask=none),
            "geocode_method": pa.array(found.methods(), pa.string()),
            "geocode_score": pa.array(np.round(found.score, SCORE_DIGITS), pa.float64(), mask=none),
            "geocode_radius_m": pa.array(np.round(found.radius_m, METRE_DIGITS), pa.float64(), mask=none),
            "geocode_corrected": pa.array(found.corrected, pa.bool_(), mask=none),
            "geocode_zip": pa.array(found.zip, pa.string(), mask=found.zip == ""),
            "lat": _degrees(lat),
            "long": _degrees(lon),
            "geocode_alternatives": pa.array(ties, pa.string()),
        }
        for layer, vintages in self.city.layers.items():
            told = certainty(vintages, lon, lat, found.radius_m, self._days(len(lon)), self.city.config.city.crs)
            chance = np.round(told.probability, SCORE_DIGITS)
            columns[layer] = pa.array(told.assigned, pa.string())
            columns[f"{layer}_probability"] = pa.array(chance, pa.float64(), mask=np.isnan(chance))
        return columns

    def _compared(self, chunk: pa.Table, found: Located, index: NDArray[np.int64]) -> dict[str, pa.Array]:
        """How far each row's own point lies from the place of its address, and whether both can be right."""
        lon, lat = points_of(chunk, self.used.lat, self.used.long, self.used.point)
        there = taken(found, index)
        crs = self.city.config.city.crs
        far = _apart_m(lon, lat, there.lon, there.lat, crs)
        wrong = contradicts(lon, lat, None, there.lon, there.lat, there.radius_m, crs)
        unknown = ~np.isfinite(far)
        assert self.summary.contradictions is not None  # noqa: S101 - there are points
        self.summary.contradictions += int((wrong & ~unknown).sum())
        return {
            "geocode_distance_m": pa.array(np.round(far, METRE_DIGITS), pa.float64(), mask=unknown),
            "geocode_contradicts": pa.array(wrong, pa.bool_(), mask=unknown),
        }

    def _count(
        self, found: Located, index: NDArray[np.int64], filled: NDArray[np.bool_], shown: NDArray[np.bool_]
    ) -> None:
        summary = self.summary
        summary.blank += int((~filled).sum())
        method = found.method[index]
        counts = np.bincount(method[filled], minlength=len(METHODS)).tolist()
        for name, count in zip(METHODS, counts, strict=True):
            summary.methods[name] += count
        summary.drawn += int(shown.sum())
        summary.scored(found.score[index][method > 0])


class _Reverse(_Work):
    """From points to the words of what is nearest."""

    def __init__(self, city: Prepared, used: Columns, there: Sequence[str]) -> None:
        nearest = [f"nearest_{what}{end}" for what in ("address", "block", "crossing") for end in ("", "_distance_m")]
        super().__init__(city, used, there, nearest)
        self._name_layers(there)

    def add(self, chunk: pa.Table) -> tuple[pa.Table, Floats, Floats]:
        lon, lat = points_of(chunk, self.used.lat, self.used.long, self.used.point)
        geocoder = self.city.locator.geocoder
        assert geocoder is not None  # noqa: S101 - geocode_file has seen to it
        index, distinct = pd.factorize(lon + 1j * lat, use_na_sentinel=False)
        x, y = distinct.real.copy(), distinct.imag.copy()
        found = geocoder.reverse(x, y)
        columns: dict[str, pa.Array] = {}
        for what in ("address", "block", "crossing"):
            far = np.round(getattr(found, f"{what}_distance_m"), METRE_DIGITS)
            columns[f"nearest_{what}"] = pa.array(getattr(found, what), pa.string())
            columns[f"nearest_{what}_distance_m"] = pa.array(far, pa.float64(), mask=~np.isfinite(far))
        for layer, vintages in self.city.layers.items():
            columns[layer] = pa.array(assign(list(vintages), x, y, self._days(len(x))), pa.string())
        some = np.isfinite(lon)
        self.summary.blank += int((~some).sum())
        self.summary.drawn += int(some.sum())
        new = {name: column.take(pa.array(index)) for name, column in columns.items()}
        return self._joined(chunk, new), lon, lat


def _degrees(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def _apart_m(lon: Floats, lat: Floats, other_lon: Floats, other_lat: Floats, crs: str) -> Floats:
    x, y = from_wgs84(lon, lat, crs)
    other_x, other_y = from_wgs84(other_lon, other_lat, crs)
    far: Floats = np.hypot(x - other_x, y - other_y)
    return far


def _write_text(path: Path, text: str) -> None:
    """A small file, whole or not at all."""
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
