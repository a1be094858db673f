"""The command line of Openward: composes geo, etl and portal, and holds no logic of its own."""

from __future__ import annotations

import inspect
import itertools
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

PROG = "openward"


class Refusal(click.ClickException):
    """A package's own error as one line on standard error and its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(" ".join(message.split()))
        vars(self)["exit_code"] = code

    def show(self, file: Any = None) -> None:
        """One line, nothing else: an event where standard error is a log of events."""
        from etl import events

        if events.is_structured():
            events.emit("refused", level=logging.ERROR, exit_code=self.exit_code, error=self.message)
        else:
            click.echo(events.clean(f"{PROG}: {self.message}"), file=file or sys.stderr)


class Commands(click.Group):
    """A group whose commands' known errors become one clear line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a package's error is a refusal, not a traceback."""
        from etl.errors import EtlError
        from geo.errors import GeoError
        from portal.errors import PortalError

        try:
            return super().invoke(ctx)
        except EtlError as error:
            raise Refusal(str(error), error.exit_code) from error
        except GeoError as error:
            raise Refusal(str(error), 3) from error
        except PortalError as error:
            raise Refusal(str(error), 6) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = error.strerror or str(error)
            raise Refusal(f"{where}cannot be used ({reason}); check the path and its permissions", 5) from error


def _examples(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n\b\nExamples:\n{text}"
        return command

    return add


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="openward", prog_name=PROG)
def main() -> None:
    """Openward: from a city's service requests to a portal of honest figures and open data.

    \b
    Start with:
      openward demo --serve                      an invented city, complete
      openward etl run cities/boston.yaml --input requests=FILE.csv.gz
      openward serve boston
    """
    from etl import events

    events.silence()
    events.hide(())


HOME_HELP = "folder that holds one folder for each city (OPENWARD_HOME, default ./var)"


def _settings(home: Path | None) -> Any:
    from etl.settings import EtlSettings

    settings = EtlSettings()
    return settings if home is None else settings.model_copy(update={"home": home})


@contextmanager
def _place(config: Any, settings: Any, releases: Path | None = None, existing: bool = False) -> Iterator[Any]:
    """Open a city's record store for as long as the block lasts."""
    from etl.pipeline import Place
    from etl.store.engine import open_store

    engine = open_store(settings.store_of(config.city.id), existing=existing)
    try:
        yield Place(
            config, engine, releases or settings.releases_of(config.city.id), settings.folder_of(config.city.id)
        )
    finally:
        engine.dispose()


def _releases(place: str, home: Path | None) -> Path:
    """A folder of releases (anything with a separator, or that is one), or the releases of a city by its id."""
    folder = Path(place)
    if len(folder.parts) > 1 or folder.is_absolute() or (folder / "chain.jsonl").exists():
        return folder
    found: Path = _settings(home).releases_of(place)
    return found


@contextmanager
def _told(log: str, *, watching: bool = False) -> Iterator[Any]:
    """A reporter for as long as the block lasts, and events as --log says: never bars in a log.

    At a terminal a single run tells its events by its report; a watch has them as lines too.
    """
    from etl import events
    from etl.progress import Bars, Silent

    terminal = sys.stderr.isatty()
    if log == "json" or (log == "auto" and not terminal):
        events.log_to()
    elif terminal and not watching:
        events.silence()
    else:
        events.log_to(formatter=events.PlainLines())
    with nullcontext(Silent()) if events.is_structured() else Bars() as reporter:
        yield reporter


def _run(
    city: Path,
    inputs: Mapping[str, Path | str],
    settings: Any,
    releases: Path | None = None,
    *,
    options: Any = None,
    log: str = "auto",
    metrics: Any = None,
    watching: bool = False,
) -> Path:
    """One run of the ETL, told line by line; returns the folder of releases. A held release is told, then raised."""
    from etl import events
    from etl.config import load_city
    from etl.errors import FilesError, HeldError, SourceUnavailable
    from etl.pipeline import Options, prepare, run
    from etl.report import run_lines
    from etl.settings import secrets_of

    chosen = options or Options()
    with _told(log, watching=watching) as reporter:
        config = load_city(city)
        events.hide(secrets_of(config, settings))
        if metrics is not None:
            metrics.of(config)
        reporter.step("reading inputs and boundaries", 0)
        prepared = prepare(config, city, inputs, ask=not chosen.replay)
        with _place(config, settings, releases) as place:
            held = None
            try:
                report = run(
                    place, prepared, options=chosen, reporter=reporter, make_files=_make_files, estimators=_estimators()
                )
            except HeldError as error:
                if error.report is None:
                    raise
                held, report = error, error.report
            finally:
                if metrics is not None:
                    metrics.read(place)
    if not (watching and events.is_structured()):  # a service's output is one log
        for line in run_lines(report, place.releases, held=held is not None):
            click.echo(events.clean(line))
    if held is not None:
        raise held
    if report.not_stocked:
        raise FilesError(report.not_stocked)
    if report.unavailable:
        raise SourceUnavailable(
            f"{len(report.unavailable)} of {len(config.every_source)} sources did not answer "
            f"({', '.join(report.unavailable)}); the others were loaded"
        )
    found: Path = place.releases
    return found


def _estimators() -> Any:
    """The portal's: tables of figures say what its pages say."""
    from etl.publish.figures import Estimators
    from portal.figures import tabled
    from portal.figures.rates import wilson

    return Estimators(tabled.hours, wilson)


def _make_files(*arguments: Any) -> Any:
    """The portal's maker of ready files: the ETL puts beside a release what downloads are made of."""
    from portal.files.fixed import make

    return make(*arguments)


def _pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path | str]:
    found: dict[str, Path | str] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise click.BadParameter(f"'{value}' is not NAME=FILE, such as requests=cases.csv")
        found[name] = path if "://" in path else Path(path)
    return found


def _files(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    found = {}
    for name, path in _pairs(ctx, param, values).items():
        if isinstance(path, str):
            raise click.BadParameter(f"'{path}' is an address; this needs a file")
        found[name] = path
    return found


def _parsed(module: str, name: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option by a function of a module, whose ValueError is the mistake's message."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
        import importlib

        try:
            return None if value is None else getattr(importlib.import_module(module), name)(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return read


def _reason(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("must say something: it is published with the release")
    return value.strip() if value is not None else None


def _acceptance(reason: str | None, by: str | None) -> Any:
    """Who lets limits pass and why; None where nobody does."""
    import getpass

    from etl.publish.limits import Acceptance

    if reason is None:
        return None
    try:
        return Acceptance(by or getpass.getuser(), reason)
    except (OSError, KeyError) as error:  # a container's user may have no name
        raise click.UsageError("--accept: this user has no name here; say who you are with --by NAME") from error


city_argument = click.argument("city", type=click.Path(path_type=Path, dir_okay=False))
home_option = click.option("--home", type=click.Path(path_type=Path, file_okay=False), help=HOME_HELP)
releases_option = click.option(
    "--releases", type=click.Path(path_type=Path, file_okay=False), help="folder of releases (OPENWARD_RELEASES)"
)
inputs_option = click.option(
    "--input", "inputs", multiple=True, callback=_pairs, metavar="NAME=FILE",
    help="file or address of a source, in place of the YAML's; may be repeated",
)  # fmt: skip
log_option = click.option(
    "--log", type=click.Choice(["auto", "json", "plain"]), default="auto", show_default=True,
    help="auto: bars at a terminal, else one JSON line an event on standard error",
)  # fmt: skip
metrics_file_option = click.option(
    "--metrics-file", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH",
    help="write Prometheus metrics there after the run, for the node exporter's textfile collector",
)  # fmt: skip


@main.command()
@click.option(
    "--requests", type=click.IntRange(1_000, 100_000_000), default=120_000, show_default=True, help="how many to invent"
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="the same seed gives the same city")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="only write the city's files there, and stop"
)
@click.option("--serve", "serving", is_flag=True, help="serve the portal afterwards")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8050, show_default=True)
@home_option
@_examples("  openward demo --serve\n  openward demo --requests 10000000 --seed 1 --out /tmp/big")
def demo(requests: int, seed: int, out: Path | None, serving: bool, host: str, port: int, home: Path | None) -> None:
    """Invent a city, load it into the embedded store, and publish it."""
    from etl.demo import generate
    from etl.progress import Bars

    embedded = _settings(home).model_copy(update={"store_url": None, "releases": None})
    kept = embedded.home / "demo"
    folder = out or kept / "city"
    made, recipe = folder / "made-of", f"{requests} requests, seed {seed}"
    if out is not None or not made.exists() or made.read_text(encoding="utf-8") != recipe:
        if out is None:
            shutil.rmtree(kept, ignore_errors=True)  # its records must not mix with those of another invented city
        with Bars() as bars:
            generate(
                folder, requests=requests, seed=seed, progress=lambda n, of: bars.step("inventing the city", n, of)
            )
        made.write_text(recipe, encoding="utf-8")
    if out is not None:
        click.echo(
            f"wrote {requests:,} requests and their city to {folder}; load them with: openward etl run {folder}/demo.yaml"
        )
        return
    releases = _run(folder / "demo.yaml", {}, embedded)
    if serving:
        _serve(releases, host, port, 1)
    else:
        click.echo("look at it with: openward serve demo")


@main.group()
def etl() -> None:
    """Load a city's records and publish releases.

    \b
    Exit codes:
       0  done, also when nothing had changed
       1  a mistake of Openward's own
       2  the YAML or the command line is wrong
       3  a source cannot be read, and will not be by itself
       4  a source lacks a mapped column
       5  the record store, or a path, cannot be used
       6  a release was refused, or does not verify
       7  another run of this city is under way
       8  a source did not answer; the others were loaded and published
       9  everything is stored, but a limit holds the release: look, then --accept
      10  'openward doctor' found something that must be put right
    """


@etl.command("run")
@city_argument
@inputs_option
@click.option("--force", is_flag=True, help="load files again that are already loaded")
@click.option(
    "--accept", metavar="REASON", callback=_reason,
    help="publish although a limit holds the release; who and why are kept and published",
)  # fmt: skip
@click.option("--by", metavar="NAME", callback=_reason, help="who accepts; default: this user's name")
@log_option
@metrics_file_option
@home_option
@releases_option
@_examples(
    "  openward etl run cities/boston.yaml --input requests=cases_2015.csv.gz\n"
    "  openward etl run city.yaml --accept 'the 2019 archive was taken out on purpose' --by 'A. Officer'\n"
    "  openward etl run city.yaml --log json --metrics-file /var/lib/node_exporter/openward.prom\n"
    "  OPENWARD_STORE_URL=postgresql+psycopg://… openward etl run city.yaml"
)
def etl_run(
    city: Path, inputs: dict[str, Path | str], force: bool, accept: str | None, by: str | None, log: str,
    metrics_file: Path | None, home: Path | None, releases: Path | None,
) -> None:  # fmt: skip
    """Load the sources of CITY (a YAML file) and publish a release if anything changed."""
    from etl.metrics import Metrics
    from etl.pipeline import Options

    options = Options(force=force, accept=_acceptance(accept, by))
    metrics = Metrics()
    with metrics.around(metrics_file):
        _run(city, inputs, _settings(home), releases, options=options, log=log, metrics=metrics)


@etl.command("watch")
@city_argument
@click.option(
    "--every", metavar="DURATION", default="15m", show_default=True, callback=_parsed("etl.watch", "seconds_of"),
    help="from the beginning of one run to that of the next: 90s, 15m, 2h, 1d; at least 10s",
)  # fmt: skip
@click.option(
    "--metrics", "address", metavar="HOST:PORT", callback=_parsed("etl.metrics", "address_of"),
    help="serve Prometheus metrics there; a port alone is on loopback",
)  # fmt: skip
@inputs_option
@log_option
@metrics_file_option
@home_option
@releases_option
@_examples(
    "  openward etl watch cities/boston.yaml --every 15m\n"
    "  openward etl watch /city/city.yaml --every 1h --metrics 127.0.0.1:9309 --log json"
)
def etl_watch(
    city: Path, every: float, address: tuple[str, int] | None, inputs: dict[str, Path | str], log: str,
    metrics_file: Path | None, home: Path | None, releases: Path | None,
) -> None:  # fmt: skip
    """Run CITY now and then every so often, until SIGTERM or Ctrl-C; a second one does not wait for the run.

    The YAML is read again before each run. A run that fails is logged, and tried again when the next one is due.
    """
    from etl.metrics import Metrics
    from etl.watch import Watch

    metrics = Metrics()

    def turn() -> None:
        with metrics.around(metrics_file):
            _run(city, inputs, _settings(home), releases, log=log, metrics=metrics, watching=True)

    with _told(log, watching=True):
        pass  # from the first event on, before the first run
    stop = metrics.serve(*address) if address else None
    watch = Watch(every, turn)
    try:
        with watch.signals():
            watch.run()
    finally:
        if stop is not None:
            stop()


@etl.command("replay")
@city_argument
@click.option("--source", "sources", multiple=True, metavar="NAME", help="only this source; may be repeated")
@click.option(
    "--input", "inputs", multiple=True, callback=_pairs, metavar="NAME=FILE",
    help="where a source's file was, if layers lie beside it; the file itself is not read",
)  # fmt: skip
@log_option
@home_option
@releases_option
@_examples("  openward etl replay cities/boston.yaml\n  openward etl replay cities/boston.yaml --source requests")
def etl_replay(
    city: Path, sources: tuple[str, ...], inputs: dict[str, Path | str], log: str, home: Path | None,
    releases: Path | None,
) -> None:  # fmt: skip
    """Read the kept raw copies of CITY again, without asking any source, and publish if anything comes out otherwise.

    With an empty store it is filled again from nothing but the copies.
    """
    from etl.config import load_city
    from etl.pipeline import Options
    from etl.report import must_be_source

    config = load_city(city)
    for name in sources:
        must_be_source(config, name)
    options = Options(replay=True, only=frozenset(sources))
    _run(city, inputs, _settings(home), releases, options=options, log=log)


@etl.command("status")
@city_argument
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="how many runs to show")
@click.option("--json", "as_json", is_flag=True, help="one JSON document instead of lines")
@home_option
@releases_option
@_examples("  openward etl status cities/boston.yaml\n  openward etl status cities/boston.yaml --json")
def etl_status(city: Path, limit: int, as_json: bool, home: Path | None, releases: Path | None) -> None:
    """Show how fresh each source of CITY is, what is stored, what is new about it, and the last runs."""
    import datetime as dt

    from etl.config import load_city
    from etl.report import status_lines, status_of

    now = dt.datetime.now(dt.UTC)
    with _place(load_city(city), _settings(home), releases, existing=True) as place:
        found = status_of(place, limit, now)
    for line in [json.dumps(found, ensure_ascii=False, indent=1)] if as_json else status_lines(found, now):
        click.echo(line)


@etl.command("quarantine")
@city_argument
@click.option("--count", is_flag=True, help="count by source and reason instead of listing rows")
@click.option("--source", metavar="NAME", help="only rows of this source")
@click.option("--reason", metavar="WORD", help="only rows refused for this reason, as --count names it")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="how many rows to list")
@home_option
@_examples(
    "  openward etl quarantine cities/boston.yaml --count\n"
    "  openward etl quarantine cities/boston.yaml --reason requested_datetime_unreadable\n"
    "  openward etl quarantine cities/boston.yaml --limit 5000 > rows.jsonl"
)
def etl_quarantine(
    city: Path, count: bool, source: str | None, reason: str | None, limit: int, home: Path | None
) -> None:
    """List the rows of CITY that could not be trusted, one JSON object a line, with the reason for each."""
    from etl.config import load_city
    from etl.report import must_be_source, quarantine_lines

    config = load_city(city)
    must_be_source(config, source)
    with _place(config, _settings(home), existing=True) as place:
        for line in quarantine_lines(place, count=count, limit=limit, source=source, reason=reason):
            click.echo(line)


@main.command()
@click.argument("city", required=False, type=click.Path(path_type=Path, dir_okay=False))
@inputs_option
@click.option("--timeout", type=click.FloatRange(0.5, 60), default=5, show_default=True, help="seconds for each source")
@click.option("--json", "as_json", is_flag=True, help="one JSON document instead of lines")
@home_option
@releases_option
@_examples("  openward doctor\n  openward doctor cities/boston.yaml\n  openward doctor city.yaml --json")
def doctor(
    city: Path | None, inputs: dict[str, Path | str], timeout: float, as_json: bool, home: Path | None,
    releases: Path | None,
) -> None:  # fmt: skip
    """Check configuration, sources, store, disk and release of CITY, and say what to do; nothing is changed.

    Exit code 0 when nothing failed (warnings may be there), else 10.
    """
    from etl.doctor import examine
    from etl.errors import DoctorError

    found = []
    for finding in examine(city, _settings(home), releases=releases, inputs=inputs, timeout=timeout):
        found.append(finding)
        if not as_json:
            click.echo(finding.line())
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in found], ensure_ascii=False, indent=1))
    bad = sum(finding.level == "fail" for finding in found)
    if bad:
        raise DoctorError(f"{bad} of {len(found)} checks failed")


@main.group()
def release() -> None:
    """Look at published releases."""


place_argument = click.argument("place")


@release.command("list")
@place_argument
@home_option
@_examples("  openward release list boston\n  openward release list /srv/openward/releases")
def release_list(place: str, home: Path | None) -> None:
    """List the releases of PLACE: a city's id, or a folder of releases."""
    from etl.report import release_lines

    for line in release_lines(_releases(place, home)):
        click.echo(line)


@release.command("files")
@city_argument
@log_option
@home_option
@releases_option
@_examples(
    "  openward release files cities/boston.yaml\n"
    "  openward demo && openward release files var/demo/city/demo.yaml\n"
    "  openward release files city.yaml --log json"
)
def release_files(city: Path, log: str, home: Path | None, releases: Path | None) -> None:
    """Make the ready files of CITY's current release (whole tables, requests by year, department, area) if it has none.

    'openward etl run' does so by itself once a release is published; this is for a run that was killed over it, or whose
    disk was full. What is made is said by 'downloads' in the city's YAML.
    """
    from etl.config import load_city
    from etl.pipeline import stock
    from etl.report import stocked_line

    with _told(log) as reporter, _place(load_city(city), _settings(home), releases, existing=True) as place:
        made = stock(place, _make_files, reporter)
    click.echo(stocked_line(made) if made else "nothing to make: there are ready files, or none are wanted")


@release.command("verify")
@place_argument
@click.option("--release", "only", help="only this release")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="only say which release and file this downloaded file is",
)  # fmt: skip
@click.option("--chain", metavar="URL|DIR", help="whose chain a single release's folder must be part of")
@home_option
@_examples(
    "  openward release verify boston\n"
    "  openward release verify https://data.example.org\n"
    "  openward release verify https://data.example.org --file requests.parquet\n"
    "  openward release verify ./20260701T040000Z-1a2b3c4d --chain https://data.example.org\n"
    "  openward release verify /srv/openward/releases --release 20260701T040000Z-1a2b3c4d"
)
def release_verify(place: str, only: str | None, file: Path | None, chain: str | None, home: Path | None) -> None:
    """Hash every file of PLACE's releases again and follow the chain; exit 6 if anything differs.

    PLACE is a city's id, a folder of releases, one release's folder, or the address of a portal, whose files are
    fetched and hashed without being kept.
    """
    from etl.disk import sha256_of
    from etl.errors import ReleaseError
    from etl.progress import Bars
    from etl.publish import verify as outside
    from etl.publish.chain import PACKAGE, read_log, verify

    seen = itertools.count(1)
    with ExitStack() as stack:
        bars = stack.enter_context(Bars())

        def kept(where: str) -> outside.Kept:
            return (
                stack.enter_context(outside.Portal(where)) if "://" in where else outside.Folder(_releases(where, home))
            )

        def say(words: str) -> None:
            bars.step(f"hashing {words}", next(seen))

        if file is not None:
            found = outside.find_file(kept(place), sha256_of(file), say)
        elif "://" in place:
            findings = outside.verify_kept(kept(place), only, say)
        elif (Path(place) / PACKAGE).is_file():
            findings = outside.verify_release(Path(place), kept(chain).chain() if chain else None, say)
        else:
            releases = _releases(place, home)
            total = len(read_log(releases))
            findings = verify(releases, only, lambda _name: bars.step("hashing releases", next(seen), total))
    if file is not None:
        if not found:
            raise ReleaseError(f"{file}: is no file of the releases that are described there")
        for name, path in found:
            click.echo(f"ok: {file} is {path} of release {name}")
        return
    bad = [f for f in findings if not f.ok]
    for finding in bad:
        click.echo(f"BAD  {finding.release_id} {finding.name}: {finding.note}")
    names = {f.release_id for f in findings}
    if bad:
        raise ReleaseError(f"{len(bad)} of {len(findings)} checks failed in {len(names)} releases")
    click.echo(f"ok: {len(names)} releases, {len(findings)} checks")


def _serve(releases: Path, host: str, port: int, workers: int) -> None:
    import uvicorn

    os.environ["OPENWARD_RELEASES"] = str(releases.resolve())
    click.echo(f"Openward at http://{host}:{port}/  (Ctrl-C stops it)")
    uvicorn.run(
        "portal.app:from_environment", factory=True, host=host, port=port, workers=workers,
        log_level="warning", access_log=False, server_header=False,
    )  # fmt: skip


@main.command()
@place_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 to be reached from elsewhere")
@click.option("--port", type=click.IntRange(1, 65535), default=8050, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="processes")
@home_option
@_examples("  openward serve boston\n  openward serve /srv/openward/releases --host 0.0.0.0 --port 80 --workers 2")
def serve(place: str, host: str, port: int, workers: int, home: Path | None) -> None:
    """Serve the portal over the releases of PLACE: a city's id, or a folder of releases."""
    from etl.errors import ReleaseError

    releases = _releases(place, home)
    if not releases.is_dir():
        raise ReleaseError(f"{releases}: there are no releases; run 'openward etl run' first, or give their folder")
    _serve(releases, host, port, workers)


def _column(option: str, what: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(option, *names, metavar="COLUMN", help=what)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--city", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="CITY.yaml",
    help="whose section 'geocoder' says what addresses are found in",
)  # fmt: skip
@click.option(
    "--reference", "folders", multiple=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR", help="where the city's files are, if neither beside the YAML nor beside FILE; may be repeated",
)  # fmt: skip
@_column("--address", "the address; default: the column that is called so")
@_column("--number", "the house number, where it stands alone; with --street")
@_column("--street", "the street, where it stands alone")
@_column("--zip", "the address's ZIP")
@_column("--place", "town or neighborhood, as people write it behind the street")
@_column("--lat", "the row's own latitude: compared with the address, or looked up with --reverse")
@_column("--long", "the row's own longitude")
@_column("--point", "the same as one text: '(37.77, -122.39)' or 'POINT (-122.39 37.77)'")
@click.option("--reverse", is_flag=True, help="from points to the nearest address, block and crossing")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help=".csv, .csv.gz, .parquet (GeoParquet) or .geojson; default: CSV to a pipe, else FILE's name with .geocoded.csv",
)  # fmt: skip
@click.option("--force", is_flag=True, help="replace a file that is there")
@click.option(
    "--all", "everything", is_flag=True, help="coordinates also for results below the city's draw and min_score"
)
@_column("--truth-lat", "a trusted latitude: how far results lie from it is told by method")
@_column("--truth-long", "a trusted longitude")
@_column("--truth-point", "the same as one text")
@click.option(
    "--write-calibration", "calibration", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.json",
    help="write what the trusted points tell of radii and scores, for the YAML's geocoder.calibration",
)  # fmt: skip
@click.option("--encoding", metavar="NAME", help="of a text that is not UTF-8, such as cp1252")
@click.option("--delimiter", metavar="CHARACTER", help="of a CSV; default: a comma, or a tab where the header shows it")
@click.option("--sheet", metavar="NAME", help="of a workbook, or layer of a GeoPackage; default: the first")
@click.option("--member", metavar="NAME", help="file in a zip; default: its only table")
@click.option("--json", "as_json", is_flag=True, help="the summary as JSON: on standard output if --out is given")
@home_option
@_examples(
    "  openward geocode requests.csv --city cities/san_francisco.yaml --out requests.parquet\n"
    "  openward geocode requests.csv --city cities/san_francisco.yaml --reference layers/ \\\n"
    "      --truth-point Point --write-calibration calibration.json\n"
    "  openward demo --requests 20000\n"
    "  openward geocode var/demo/city/requests.csv --city var/demo/city/demo.yaml --zip ZIP --out located.csv\n"
    "  openward geocode var/demo/city/requests.csv --city var/demo/city/demo.yaml --reverse --lat LAT --long LON > near.csv\n"
    "  echo '400 Block of 20th Ave' | openward geocode - --city cities/san_francisco.yaml --reference layers/"
)
def geocode(
    file: Path, city: Path, folders: tuple[Path, ...], reverse: bool, out: Path | None, force: bool, everything: bool,
    calibration: Path | None, encoding: str | None, delimiter: str | None, sheet: str | None, member: str | None,
    as_json: bool, home: Path | None, **columns: str | None,
) -> None:  # fmt: skip
    """Find the addresses of FILE, a table of any kind that is read here, or - for standard input.

    Every row comes out with all of its columns and where it is: coordinates, how they were found, the chance that they
    are right, the radius that holds the place in 95 of 100 cases, other places it may be, and its areas. Standard
    input may be a table, or one address a line. Exit codes are those of 'openward etl'.
    """
    from etl import events
    from etl.config import load_city
    from etl.geocode_columns import Columns
    from etl.geocode_file import Job, geocode_file, standard_out
    from etl.geocode_progress import RowBar
    from etl.settings import secrets_of

    config, settings = load_city(city), _settings(home)
    events.hide(secrets_of(config, settings))
    source = None if str(file) == "-" else file
    job = Job(
        source, out or standard_out(source, sys.stdout.isatty()), Columns(**columns), reverse=reverse,
        everything=everything, force=force, encoding=encoding, delimiter=delimiter, sheet=sheet, member=member,
        calibration=calibration,
    )  # fmt: skip
    looked = [city.parent, *folders, *([source.parent] if source is not None else [])]
    cache = settings.folder_of(config.city.id) / "geocoding.sqlite"
    try:
        with RowBar() as bar:
            summary = geocode_file(
                job, config, str(city), list(dict.fromkeys(looked)), cache, tell=bar.tell, progress=bar.step
            )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read on has had enough
        return
    if as_json:
        click.echo(json.dumps(summary.document(), ensure_ascii=False, indent=1), err=job.out is None)
        return
    for line in summary.lines(calibrated=calibration is not None):
        click.echo(events.clean(line), err=True)


@main.group()
def bench() -> None:
    """Measure Openward on this machine; alone on it, please."""


@bench.command("etl")
@city_argument
@click.option(
    "--input", "inputs", multiple=True, callback=_files, metavar="NAME=FILE", required=True, help="as for etl run"
)
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--postgis", envvar="OPENWARD_BENCH_POSTGIS_URL", help="a server on which databases may be created")
@click.option("--changes", type=click.IntRange(0), default=0, help="time a third run, of so many changed rows, as well")
@_examples(
    "  openward bench etl cities/boston.yaml --input requests=cases_2015.csv.gz\n"
    "  openward bench etl big/demo.yaml --input requests=big/requests.csv --changes 20000 --repeat 1"
)
def bench_etl(city: Path, inputs: dict[str, Path], repeat: int, postgis: str | None, changes: int) -> None:
    """Time whole runs over CITY's file on each store, beside bare loads of it by ogr2ogr and COPY."""
    from etl.bench import etl as measure

    for line in measure(city, inputs, repeat, postgis, changes):
        click.echo(line)


@bench.command("serve")
@place_argument
@click.option(
    "--repeat",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="selections of each page, tiles of each zoom",
)
@home_option
@_examples("  openward bench serve demo\n  openward bench serve /srv/openward/releases --repeat 100")
def bench_serve(place: str, repeat: int, home: Path | None) -> None:
    """Time pages and tiles of PLACE's current release for random filters, in process, with nothing kept."""
    from portal.bench import bench_serve as measure
    from portal.release import Releases

    measure(Releases(_releases(place, home)).current(), n=repeat, say=click.echo)


@bench.command("tiles")
@place_argument
@click.option("--repeat", type=click.IntRange(1, 10_000), default=100, show_default=True, help="tiles of each zoom")
@click.option(
    "--clients", type=click.IntRange(0, 1000), default=10, show_default=True, help="visitors over HTTP; 0: none"
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="processes that serve them")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=20, show_default=True, help="of asking over HTTP")
@click.option("--postgis", envvar="OPENWARD_BENCH_POSTGIS_URL", help="a server on which databases may be created")
@click.option(
    "--postgis-repeat",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="tiles of each zoom asked of PostGIS too",
)
@home_option
@_examples(
    "  openward bench tiles demo\n"
    "  openward bench tiles /srv/openward/releases --clients 40 --workers 8\n"
    "  openward bench tiles demo --postgis postgresql://user@localhost/postgres"
)
def bench_tiles(
    place: str, repeat: int, clients: int, workers: int, seconds: float, postgis: str | None, postgis_repeat: int,
    home: Path | None,
) -> None:  # fmt: skip
    """Time tiles of PLACE's current release for random filters, beside the same tiles of PostGIS, and over HTTP."""
    from portal.bench_tiles import bench_tiles as measure
    from portal.bench_tiles import rows_for_rival
    from portal.release import Releases

    release = Releases(_releases(place, home)).current()
    if postgis is None:
        measure(release, repeat, clients, workers, seconds, say=click.echo)
        return
    from etl.tiles_in_postgis import tiles_in_postgis

    with tiles_in_postgis(postgis, *rows_for_rival(release), say=click.echo) as make:
        measure(release, repeat, clients, workers, seconds, say=click.echo, rival=make, rival_n=postgis_repeat)


@bench.command("downloads")
@place_argument
@click.option("--rows", type=click.IntRange(1), default=5_000_000, show_default=True, help="about so many requests")
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True, help="downloads, and copies")
@home_option
@_examples(
    "  openward bench downloads demo --rows 100000\n  openward bench downloads /srv/openward/releases --repeat 5"
)
def bench_downloads(place: str, rows: int, repeat: int, home: Path | None) -> None:
    """Time a large CSV of PLACE's current release over HTTP, beside DuckDB's own COPY of the same rows."""
    from portal.bench_downloads import bench_downloads as measure
    from portal.release import Releases

    measure(Releases(_releases(place, home)).current(), rows, repeat, say=click.echo)


@bench.command("files")
@place_argument
@home_option
@_examples("  openward bench files demo\n  TMPDIR=/srv/scratch openward bench files /srv/openward/releases")
def bench_files(place: str, home: Path | None) -> None:
    """Time the making of the ready files of PLACE's current release, in a temporary folder."""
    from portal.bench_ready import bench_ready as measure

    measure(_releases(place, home), say=click.echo)


@bench.command("figures")
@place_argument
@click.option(
    "--repeat", type=click.IntRange(1, 10_000), default=60, show_default=True, help="selections of each figure"
)
@click.option("--postgis", envvar="OPENWARD_BENCH_POSTGIS_URL", help="a server on which databases may be created")
@click.option(
    "--postgis-repeat", type=click.IntRange(1, 1000), default=3, show_default=True, help="of them asked of PostGIS too"
)
@home_option
@_examples(
    "  openward bench figures demo\n"
    "  openward bench figures /srv/openward/releases --repeat 100 --postgis postgresql://user@localhost/postgres"
)
def bench_figures(place: str, repeat: int, postgis: str | None, postgis_repeat: int, home: Path | None) -> None:
    """Time report cards' data and single figures of PLACE's current release, beside the same figures in SQL."""
    from portal.bench_figures import bench_figures as measure
    from portal.bench_figures import rows_for_rival
    from portal.release import Releases

    release = Releases(_releases(place, home)).current()
    if postgis is None:
        measure(release, repeat, say=click.echo)
        return
    from etl.figures_in_postgis import figures_in_postgis

    with figures_in_postgis(postgis, *rows_for_rival(release), say=click.echo) as ask:
        measure(release, repeat, say=click.echo, rival=ask, rival_n=postgis_repeat)


@bench.command("demo")
@click.option("--requests", type=click.IntRange(1_000), default=1_000_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True)
@_examples("  openward bench demo --requests 10000000")
def bench_demo(requests: int, seed: int, repeat: int) -> None:
    """Time the making of the demo city."""
    from etl.bench import demo as measure

    for line in measure(requests, seed, repeat):
        click.echo(line)


@bench.command("geocode")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="folder of real cities' data; default: ../shared/data, where it is there",
)
@click.option(
    "--only", multiple=True, type=click.Choice(["accuracy", "typos", "speed", "suggest"]), help="may be repeated"
)
@click.option("--seed", type=click.IntRange(0), default=11, show_default=True, help="of the made-up city and all draws")
@click.option("--verbose", is_flag=True, help="list the results farthest from the truth, and what was not located")
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="write the figures there as well")
@_examples(
    "  openward bench geocode\n"
    "  openward bench geocode --only accuracy --only typos --verbose\n"
    "  openward bench geocode --only speed --json figures.json"
)
def bench_geocode(data: Path | None, only: tuple[str, ...], seed: int, verbose: bool, file: Path | None) -> None:
    """Judge the geocoder on real and made-up addresses, beside a lookup by usaddress; with typos, speed, suggestions."""
    from etl.geocode_bench.figures import as_records
    from etl.geocode_bench.run import default_data, run

    figures = run(data or default_data(), only, seed=seed, verbose=verbose, say=click.echo)
    if file is not None:
        file.write_text(json.dumps(as_records(figures), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
