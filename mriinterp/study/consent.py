"""Permission to run the code of studies, given once by a person who has seen it, and kept by digest.

Each permission is a file in the home, named by the SHA-256 of the code. Nothing
else counts: neither the name nor the place of the code, nor the study that it
came with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.base.files import check_file, read_json
from mriinterp.base.fingerprint import file_digest, file_stamp
from mriinterp.models import Code
from mriinterp.results.home import default_folder, try_to_keep
from mriinterp.study.base import Study
from mriinterp.study.recipes import ModelRecipe

__all__ = ["Agreement", "ForeignCode", "agree", "agreements", "code_of", "recipes_of", "withdraw"]

_NAME = re.compile(r"[0-9a-f]{64}\.json")
FOLDER = "agreed_code"

_unkept: dict[str, Agreement] = {}  # where the home cannot be written: until the program ends


@dataclass(frozen=True)
class Agreement:
    """Permission to run a piece of code.

    Parameters
    ----------
    digest : str
    file : str
        Where it lay then.
    day : str
        ``2026-11-27``.
    """

    digest: str
    file: str
    day: str


@dataclass(frozen=True)
class ForeignCode:
    """Code that a study needs to be run.

    Parameters
    ----------
    path : Path
    digest : str
        SHA-256.
    code : Code or None
        What was read; None for an exported program, which is not readable.
    """

    path: Path
    digest: str
    code: Code | None = None


def _folder() -> Path:
    return default_folder() / FOLDER


def agreements() -> dict[str, Agreement]:
    """Return every permission that was given, by digest; a file that is damaged is ignored."""
    try:
        names = [path for path in _folder().iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        names = []
    found = dict(_unkept)
    for path in names:
        with suppress(OSError, ValueError, KeyError, TypeError):
            entries = read_json(path)
            if entries["sha256"] == path.stem:
                found[path.stem] = Agreement(path.stem, str(entries["file"]), str(entries["day"]))
    return found


def agree(digest: str, file: str | Path) -> None:
    """Keep the permission to run the code of a digest: on disk, or until the program ends where the home cannot be written.

    Raises
    ------
    ValueError
        If it is no SHA-256 in hexadecimal digits.
    """
    if not _NAME.fullmatch(f"{digest}.json"):
        raise ValueError(f"expected a SHA-256 of 64 hexadecimal digits, got {digest!r}")
    found = Agreement(digest, str(file), datetime.now(UTC).astimezone().date().isoformat())
    text = json.dumps({"sha256": digest, "file": found.file, "day": found.day}, indent=1) + "\n"
    home = default_folder()
    if not try_to_keep(home, "permission to run code", lambda: write_text(_folder() / f"{digest}.json", text)):
        _unkept[digest] = found


def withdraw(digest: str) -> None:
    """Withdraw the permission for the code of a digest; OSError if the home cannot be written."""
    _unkept.pop(digest, None)
    if _NAME.fullmatch(f"{digest}.json"):
        with suppress(FileNotFoundError, NotADirectoryError):
            (_folder() / f"{digest}.json").unlink()


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: str) -> str:
    return file_digest(path)


def recipes_of(study: Study) -> list[ModelRecipe]:
    """Return how to load the network of a study and each of its folds."""
    return [study.model_recipe, *study.folds.values()]


def code_of(recipes: Iterable[ModelRecipe]) -> list[ForeignCode]:
    """Return all code that networks need to be run, as it is now; what several need stands once.

    Raises
    ------
    OSError, ValueError
        If a file of it is not there, or cannot be shown (see `mriinterp.models.read_code`).
    """
    return list({item.digest: item for recipe in recipes for item in _code_of(recipe)}.values())


def _code_of(recipe: ModelRecipe) -> Iterator[ForeignCode]:
    if (code := recipe.python()) is not None:
        yield ForeignCode(code.path, code.digest, code)
    for path in recipe.programs():
        check_file(path, "an exported program")
        yield ForeignCode(path, _digest(path, file_stamp([path], read=0)))
