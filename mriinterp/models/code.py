"""Python files of other people: read whole, with what they import from beside them, and run from what was read.

What a person is shown has to be what runs. So a file is read once, together
with every module beside it that it imports; the digest covers all of them, and
they run from the text that was read: neither a file that is exchanged
meanwhile, nor byte code in ``__pycache__``, nor another encoding named in the
file can put something else in their place.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath

from mriinterp.base.files import check_file
from mriinterp.base.names import on_disk

__all__ = [
    "Code",
    "CodeFile",
    "CodeRefused",
    "TrustCode",
    "as_leave",
    "check_leave",
    "imported",
    "installed_at",
    "may_run",
    "read_code",
]

MAX_BYTES = 1 << 20  # of one file, and of all: more is not readable on a page
MAX_FILES = 64

TrustCode = bool | Collection[str]
"""Leave to run code: for all (True), for none (False), or for the code of these SHA-256 digests."""

# Entries of sys.path as the program was started, the folder it was started in apart: what lies there is installed.
_ENTRIES = tuple(os.path.realpath(entry) for entry in sys.path if entry)


class CodeRefused(ValueError):
    """Code that has no leave to run.

    Attributes
    ----------
    digest : str
        SHA-256 of the code.
    """

    def __init__(self, words: str, digest: str):
        super().__init__(words)
        self.digest = digest


def as_leave(trust_code: TrustCode) -> bool | frozenset[str]:
    """Return leave in the form that can be compared and sent to other processes; one text is one digest."""
    if isinstance(trust_code, bool):
        return trust_code
    return frozenset([trust_code] if isinstance(trust_code, str) else trust_code)


def may_run(trust_code: TrustCode, digest: str) -> bool:
    """Return whether leave covers the code of a digest."""
    leave = as_leave(trust_code)
    return leave if isinstance(leave, bool) else digest in leave


def check_leave(trust_code: TrustCode, digest: str, words: str) -> None:
    """Raise `CodeRefused` where leave does not cover the code of a digest.

    Parameters
    ----------
    trust_code : bool or collection of str
    digest : str
    words : str
        What leave is expected for: ``"to run net.py, …"``.
    """
    if may_run(trust_code, digest):
        return
    if not trust_code:
        raise CodeRefused(
            f"expected leave {words}, got none. It may do anything: if you trust whoever made it, --trust-code on the "
            "command line or trust_code=True",
            digest,
        )
    raise CodeRefused(
        f"expected leave {words}, got it for other code: this one, SHA-256 {digest[:16]}…, is new or has changed",
        digest,
    )


@dataclass(frozen=True)
class CodeFile:
    """A Python file as it was read.

    Parameters
    ----------
    name : str
        Path from the folder of the first file, with ``/``.
    path : Path
    content : bytes
    """

    name: str
    path: Path
    content: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def text(self) -> str:
        """What runs: UTF-8, lines ended by ``\\n``; an encoding that the file names does not count."""
        return _decoded(self.content, self.name)

    @property
    def module(self) -> str:
        """Name of the module, with dots, as files beside it import it."""
        parts = PurePosixPath(self.name).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__.py`` of a folder."""
        return PurePosixPath(self.name).name == "__init__.py"

    def shown(self) -> str:
        """Return the text with every character visible: what hides or reorders others is written as ``\\u202e``."""
        return "".join(map(_visible, self.text))

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """Numbers of the lines with characters that would hide or reorder what is shown."""
        lines = self.text.split("\n")
        return tuple(n for n, line in enumerate(lines, 1) if any(_visible(c) != c for c in line))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if character in "\n\t" or kind not in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"):
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


@dataclass(frozen=True)
class Code:
    """A Python file and all it imports from its folder.

    Parameters
    ----------
    files : tuple of CodeFile
        The file itself, then the others by name.
    """

    files: tuple[CodeFile, ...]

    @property
    def path(self) -> Path:
        """Of the file itself."""
        return self.files[0].path

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, or, of several, of what ``sha256sum`` writes of them in their order."""
        if len(self.files) == 1:
            return self.files[0].digest
        lines = "".join(f"{file.digest}  {file.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    @cached_property
    def modules(self) -> dict[str, CodeFile]:
        """The files by the name of their module."""
        return {file.module: file for file in self.files}

    @cached_property
    def folders(self) -> frozenset[str]:
        """Names of packages without an ``__init__.py``."""
        parents = {".".join(name.split(".")[:n]) for name in self.modules for n in range(1, name.count(".") + 1)}
        return frozenset(parents - self.modules.keys())

    def has(self, module: str) -> bool:
        """Return whether a module, named with dots, lies beside the file and is covered."""
        return module in self.modules or module in self.folders


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


def _decoded(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name}: expected Python code in UTF-8, got other bytes on line {content[: error.start].count(10) + 1}; "
            "save the file as UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError(f"{name}: expected Python code, got a binary file")
    return text.replace("\r\n", "\n").replace("\r", "\n")  # as Python ends lines


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
