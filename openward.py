"""The command line of Openward: composes geo, etl and portal, and holds no logic of its own."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        """One line, nothing else."""
        click.echo(f"{PROG}: {self.message}", file=file or sys.stderr)


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
        command.__doc__ = f"{command.__doc__}\n\n\b\nExamples:\n{text}"
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
        yield Place(config, engine, releases or settings.releases_of(config.city.id))
    finally:
        engine.dispose()


def _releases(place: str, home: Path | None) -> Path:
    """A folder of releases (anything with a separator, or that is one), or the releases of a city by its id."""
    folder = Path(place)
    if len(folder.parts) > 1 or folder.is_absolute() or (folder / "chain.jsonl").exists():
        return folder
    found: Path = _settings(home).releases_of(place)
    return found


def _run(city: Path, inputs: dict[str, Path], force: bool, settings: Any, releases: Path | None) -> Path:
    """One run of the ETL, told on standard output; returns the folder of releases."""
    from rich.console import Console

    from etl.config import load_city
    from etl.pipeline import Options, prepare, run
    from etl.progress import Bars

    config = load_city(city)
    with Bars(Console(stderr=True)) as bars:
        bars.step("reading inputs and boundaries", 0)
        prepared = prepare(config, city, inputs)
        with _place(config, settings, releases) as place:
            report = run(place, prepared, options=Options(force=force), reporter=bars)
    for name, counts in report.sources.items():
        click.echo(
            f"{name}: {counts.read:,} rows read: {counts.new:,} new, {counts.changed:,} changed, "
            f"{counts.unchanged:,} unchanged, {counts.duplicates:,} doubled, {counts.quarantined:,} quarantined"
        )
    if not report.sources:
        click.echo("every input is already loaded: nothing changed")
    if report.release_id:
        click.echo(f"published {report.release_id} in {place.releases}")
    else:
        click.echo(f"nothing published; the current release is {report.current}")
    found: Path = place.releases
    return found


def _pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    found = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise click.BadParameter(f"'{value}' is not NAME=FILE, such as requests=cases.csv")
        found[name] = Path(path)
    return found


city_argument = click.argument("city", type=click.Path(path_type=Path, dir_okay=False))
home_option = click.option("--home", type=click.Path(path_type=Path, file_okay=False), help=HOME_HELP)
releases_option = click.option(
    "--releases", type=click.Path(path_type=Path, file_okay=False), help="folder of releases (OPENWARD_RELEASES)"
)


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
    from rich.console import Console

    from etl.demo import generate
    from etl.progress import Bars

    embedded = _settings(home).model_copy(update={"store_url": None, "releases": None})
    kept = embedded.home / "demo"
    folder = out or kept / "city"
    made, recipe = folder / "made-of", f"{requests} requests, seed {seed}"
    if out is not None or not made.exists() or made.read_text(encoding="utf-8") != recipe:
        if out is None:
            shutil.rmtree(kept, ignore_errors=True)  # its records must not mix with those of another invented city
        with Bars(Console(stderr=True)) as bars:
            generate(
                folder, requests=requests, seed=seed, progress=lambda n, of: bars.step("inventing the city", n, of)
            )
        made.write_text(recipe, encoding="utf-8")
    if out is not None:
        click.echo(
            f"wrote {requests:,} requests and their city to {folder}; load them with: openward etl run {folder}/demo.yaml"
        )
        return
    releases = _run(folder / "demo.yaml", {}, False, embedded, None)
    if serving:
        _serve(releases, host, port, 1)
    else:
        click.echo("look at it with: openward serve demo")


@main.group()
def etl() -> None:
    """Load a city's records and publish releases."""


@etl.command("run")
@city_argument
@click.option(
    "--input", "inputs", multiple=True, callback=_pairs, metavar="NAME=FILE", help="file of a source; may be repeated"
)
@click.option("--force", is_flag=True, help="load files again that are already loaded")
@home_option
@releases_option
@_examples(
    "  openward etl run cities/boston.yaml --input requests=cases_2015.csv.gz\n"
    "  OPENWARD_STORE_URL=postgresql+psycopg://… openward etl run city.yaml"
)
def etl_run(city: Path, inputs: dict[str, Path], force: bool, home: Path | None, releases: Path | None) -> None:
    """Load the sources of CITY (a YAML file) and publish a release if anything changed."""
    _run(city, inputs, force, _settings(home), releases)


@etl.command("status")
@city_argument
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="how many runs to show")
@home_option
@_examples("  openward etl status cities/boston.yaml")
def etl_status(city: Path, limit: int, home: Path | None) -> None:
    """Show the last runs of CITY and what is stored."""
    from etl.config import load_city
    from etl.report import status_lines

    with _place(load_city(city), _settings(home), existing=True) as place:
        for line in status_lines(place, limit):
            click.echo(line)


@etl.command("quarantine")
@city_argument
@click.option("--count", is_flag=True, help="count by source and reason instead of listing rows")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="how many rows to list")
@home_option
@_examples(
    "  openward etl quarantine cities/boston.yaml --count\n  openward etl quarantine cities/boston.yaml --limit 5000 > rows.jsonl"
)
def etl_quarantine(city: Path, count: bool, limit: int, home: Path | None) -> None:
    """List the rows of CITY that could not be trusted, one JSON object a line, with the reason for each."""
    from etl.config import load_city
    from etl.report import quarantine_lines

    with _place(load_city(city), _settings(home), existing=True) as place:
        for line in quarantine_lines(place, count=count, limit=limit):
            click.echo(line)


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


@release.command("verify")
@place_argument
@click.option("--release", "only", help="only this release")
@home_option
@_examples(
    "  openward release verify boston\n  openward release verify /srv/openward/releases --release 20260701T040000Z-1a2b3c4d"
)
def release_verify(place: str, only: str | None, home: Path | None) -> None:
    """Hash every file of PLACE's releases again and follow the chain; exit 6 if anything differs."""
    from rich.console import Console

    from etl.errors import ReleaseError
    from etl.progress import Bars
    from etl.publish.chain import read_log, verify

    releases = _releases(place, home)
    total, seen = len(read_log(releases)), itertools.count(1)
    with Bars(Console(stderr=True)) as bars:
        findings = verify(releases, only, lambda _name: bars.step("hashing releases", next(seen), total))
    bad = [f for f in findings if not f.ok]
    for finding in bad:
        click.echo(f"BAD  {finding.release_id} {finding.name}: {finding.note}")
    names = {f.release_id for f in findings}
    if bad:
        raise ReleaseError(f"{len(bad)} of {len(findings)} checks failed in {len(names)} releases")
    click.echo(f"ok: {len(names)} releases, {len(findings)} checks")


def _serve(releases: Path, host: str, port: int, workers: int) -> None:
    import os

    import uvicorn

    os.environ["OPENWARD_RELEASES"] = str(releases.resolve())
    click.echo(f"Openward at http://{host}:{port}/  (Ctrl-C stops it)")
    uvicorn.run(
        "portal.app:from_environment", factory=True, host=host, port=port, workers=workers,
        log_level="warning", server_header=False,
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


@main.group()
def bench() -> None:
    """Measure Openward on this machine; alone on it, please."""


@bench.command("etl")
@city_argument
@click.option(
    "--input", "inputs", multiple=True, callback=_pairs, metavar="NAME=FILE", required=True, help="as for etl run"
)
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--postgis", envvar="OPENWARD_BENCH_POSTGIS_URL", help="a server on which databases may be created")
@_examples("  openward bench etl cities/boston.yaml --input requests=cases_2015.csv.gz")
def bench_etl(city: Path, inputs: dict[str, Path], repeat: int, postgis: str | None) -> None:
    """Time whole runs over CITY's file on each store, beside a bare ogr2ogr load of it."""
    from etl.bench import etl as measure

    for line in measure(city, inputs, repeat, postgis):
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


if __name__ == "__main__":
    main()
