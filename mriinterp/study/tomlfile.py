"""A study file as TOML: read and written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_text
from mriinterp.study.folders import StudyFolders

__all__ = ["read_toml", "write_study_file"]

PATHS = "Windows paths are written with /, or in single quotes"


def read_toml(path: Path) -> dict[str, Any]:
    """Entries of a study file; FileNotFoundError if there is none, ValueError if it is no TOML or not allowed here."""
    StudyFolders.of_server().check(path, "study file")
    text = read_text(path, "a study file (.toml)")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"{path.name}: expected a study file in TOML, got one that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{path.name}: expected a study file in TOML, got something else: {error}; {PATHS}") from error


def write_study_file(entries: Mapping[str, Any], path: str | Path) -> None:
    """Write entries of a study file (see `mriinterp.study.schema.SCHEMA`) as TOML.

    Values are texts, numbers, truth values, lists, and tables of them.
    """
    lines, tables = [], []

    def put(section: str, inside: Mapping[str, Any]) -> None:
        simple = {k: v for k, v in inside.items() if not isinstance(v, Mapping)}
        nested = {k: v for k, v in inside.items() if isinstance(v, Mapping)}
        if section and (simple or not nested):
            tables.append(f"\n[{section}]")
        tables.extend(f"{_key(k)} = {_value(v)}" for k, v in simple.items())
        for key, value in nested.items():
            put(f"{section}.{_key(key)}" if section else _key(key), value)

    put("", entries)
    lines.append("# Study file of mriinterp. Relative paths start at the folder of this file.")
    write_text(path, "\n".join(lines + tables) + "\n")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\\" in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
