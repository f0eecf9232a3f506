"""Read Python code together with what it imports from beside it; nothing is run."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from mriinterp.base.files import check_file
from mriinterp.base.names import on_disk
from mriinterp.models.code import Code, CodeFile

__all__ = ["MAX_BYTES", "MAX_FILES", "imported", "installed_at", "read_code"]

MAX_BYTES = 1 << 20  # of one file, and of all: more is not readable on a page
MAX_FILES = 64

# Entries of sys.path as the program was started, the folder it was started in apart: what lies there is installed.
_ENTRIES = tuple(os.path.realpath(entry) for entry in sys.path if entry)


def read_code(path: str | Path, allow: Callable[[Path], bool] | None = None) -> Code:
    """Read a Python file and every module beside it that it imports, at any depth; run nothing.

    Parameters
    ----------
    path : path
    allow : callable, optional
        Whether a file may be read, for servers that limit what study files
        name; links are for the callable to follow.

    Returns
    -------
    Code

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or one of them is too large, not UTF-8, no
        Python, or not allowed.
    """
    path = check_file(path, "a Python file")
    if path.suffix.lower() != ".py":
        raise ValueError(f"expected a Python file (.py), got {path.name}")
    folder = path.absolute().parent
    found = {path.name: _read(path.absolute(), path.name)}
    waiting = [path.name]
    while waiting:
        file = found[waiting.pop()]
        for name, place in _beside(file, folder):
            if name in found:
                continue
            if allow is not None and not allow(place):
                raise ValueError(
                    f"{file.name}: expected imports from allowed folders, got a link that leads out: {name}"
                )
            if len(found) == MAX_FILES:
                raise ValueError(
                    f"{path.name}: expected at most {MAX_FILES} Python files beside it that it imports, got more; "
                    "install them as a package"
                )
            found[name] = _read(place, name)
            waiting.append(name)
            if sum(len(file.content) for file in found.values()) > MAX_BYTES:
                raise ValueError(
                    f"{path.name}: expected at most {MAX_BYTES >> 10} KB with all files beside it that it imports, got "
                    "more; install them as a package"
                )
    first, *others = found
    return Code(tuple(found[name] for name in (first, *sorted(others))))


def _read(path: Path, name: str) -> CodeFile:
    check_file(path, "a Python file")
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{name}: expected a Python file of at most {MAX_BYTES >> 10} KB, got a larger one")
    file = CodeFile(name, path, content)
    _imports(file.text, name)  # SyntaxError in words
    return file


@lru_cache(maxsize=256)
def _imports(text: str, name: str) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Return every import of a text, also those in functions: level, module, names taken from it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        kind = type(error).__name__
        raise ValueError(f"{name}{line}: expected Python code that runs, got {kind}: {error}") from error
    found: list[tuple[int, str, tuple[str, ...]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
    return tuple(dict.fromkeys(found))


def imported(file: CodeFile) -> list[str]:
    """Return the names of all modules that a file imports, without those below a package."""
    return sorted({module.partition(".")[0] for level, module, _ in _imports(file.text, file.name) if not level})


def _beside(file: CodeFile, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of the folder that a file imports: name and path of each."""
    parts = [part for part in file.module.split(".") if part]
    package = parts if file.is_package else parts[:-1]
    for level, module, names in _imports(file.text, file.name):
        if level > len(package) + 1:
            raise ValueError(
                f"{file.name}: expected imports from the folder of the network's file, got one from above it"
            )
        base = [] if level == 0 else package[: len(package) - level + 1]
        dotted = [*base, *filter(None, module.split("."))]
        if level == 0 and not _is_local(dotted[0], folder):
            continue
        for wanted in (dotted, *([*dotted, name] for name in names)):
            for depth in range(1, len(wanted) + 1):
                if found := _module_file(folder, wanted[:depth]):
                    yield found.relative_to(folder).as_posix(), found


def _module_file(folder: Path, parts: list[str]) -> Path | None:
    """Return the file of a module, as Python finds it: a package first."""
    for path in (folder.joinpath(*parts, "__init__.py"), folder.joinpath(*parts[:-1], f"{parts[-1]}.py")):
        path = on_disk(path)
        if os.path.lexists(path) and path.name in os.listdir(path.parent):  # in these very letters, on any system
            return path
    return None


def _is_local(name: str, folder: Path) -> bool:
    """Return whether a name means a file beside the network's: not one of Python, this package, or installed from here."""
    if name in sys.stdlib_module_names or name == "mriinterp":
        return False
    own = _module_file(folder, [name])
    place = installed_at(name)
    if own is None:  # a package without __init__.py, which an installed one goes before
        return place is None and folder.joinpath(name).is_dir()
    return place is None or os.path.realpath(own) != os.path.realpath(place)


def installed_at(name: str) -> str | None:
    """Return the file of an installed module; None if there is none, be there one in the present folder.

    Installed is what is found where Python looked when the program was
    started, the present folder apart.
    """
    here = os.path.realpath(os.curdir)
    spec = PathFinder.find_spec(name, [entry for entry in _ENTRIES if entry != here])
    if spec is not None:
        return spec.origin or next(iter(spec.submodule_search_locations or ()), None)
    for finder in sys.meta_path:  # packages that are installed from a folder they are worked on in
        if "editable" in getattr(finder, "__module__", "").lower() and (spec := finder.find_spec(name, None)):
            return spec.origin
    return None
