"""A study file as TOML: read and written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_text
from mriinterp.base.names import composed
from mriinterp.study.folders import StudyFolders

__all__ = ["read_toml", "write_study_file"]

PATHS = "Windows paths are written with /, or in single quotes"


def read_toml(path: Path) -> dict[str, Any]:
    """Read the entries of a study file; FileNotFoundError if there is none, ValueError if it is no usable TOML."""
    StudyFolders.of_server().check(path, "study file")
    text = read_text(path, "a study file (.toml)")
    try:
        return tomllib.loads(composed(text))
    except RecursionError:
        raise ValueError(f"{path.name}: expected a study file in TOML, got one that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{path.name}: expected a study file in TOML, got something else: {error}; {PATHS}") from error


def write_study_file(entries: Mapping[str, Any], path: str | Path) -> None:
    """Write entries of a study file (see `mriinterp.study.schema.SCHEMA`) as TOML."""
    note = "# Study file of mriinterp. Relative paths start at the folder of this file.\n"
    write_text(path, note + tomli_w.dumps(entries))
