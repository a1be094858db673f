"""Reading a city's YAML, and saying in one line what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from etl.config.root import CityConfig
from etl.errors import ConfigError

MAX_CONFIG_BYTES = 2_000_000

KINDS = frozenset(
    [
        "str",
        "TimeColumn",
        "LatLong",
        "PointColumn",
        "Projected",
        "datetime",
        "literal['newest']",
        "connection",
        "tuple[str, ...]",
    ]
)
"""How pydantic names the kinds that a value may be of; they say nothing to a reader of the YAML."""


def _one_line(error: ValidationError) -> str:
    """The first mistake as 'key: found …; allowed …', and how many more there are."""
    mistakes = error.errors()
    # Where a value may be of several kinds, each kind has its mistake: the one that got furthest says most.
    where = [part for part in mistakes[0]["loc"] if part not in KINDS]
    alike = [m for m in mistakes if [p for p in m["loc"] if p not in KINDS][: len(where)] == where]
    first = max(alike, key=lambda mistake: len(mistake["loc"]))
    parts = [str(part) for part in first["loc"] if part not in KINDS]
    key = ".".join(parts) or "the file"
    found: Any = first.get("input")
    message = first["msg"].removeprefix("Value error, ")
    if parts and parts[-1] == "[key]":
        key, message = ".".join(parts[:-2]), f"the key {found!r} is not text to YAML; put it in quotes"
    if first["type"] == "extra_forbidden":
        message = "is not a key of this section"
    text = f"{key}: {message}"
    if not isinstance(found, (dict, list, tuple, BaseModel)) and first["type"] != "missing":
        shown = repr(found)
        text += f" (found {shown if len(shown) <= 80 else shown[:77] + '…'})"
    if len(mistakes) > 1:
        text += f"; and {len(mistakes) - 1} more"
    return " ".join(text.split())


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML's safe loader, but a key that is given twice is a mistake and not the last one's word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' is given twice; keep one of them", key_node.start_mark
                )
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_city(path: Path) -> CityConfig:
    """Read and validate a city's YAML; ConfigError names the file, the key, what was found and what is allowed."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a city's YAML file") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: {len(raw):,} bytes is no configuration; the limit is {MAX_CONFIG_BYTES:,}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    try:
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        if "\\t" in problem or "\t" in problem:
            problem = "a tab; YAML is indented with spaces"
        raise ConfigError(f"{path}{where}: {' '.join(str(problem).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds {type(data).__name__}, not a mapping with the keys city, sources, …")
    try:
        return CityConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_one_line(error)}") from error
