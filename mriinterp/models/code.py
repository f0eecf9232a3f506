"""Python files of other people: read whole, with what they import from beside them, and run from what was read.

What a person is shown has to be what runs. So a file is read once, together
with every module beside it that it imports; the digest covers all of them, and
they run from the text that was read: neither a file that is exchanged
meanwhile, nor byte code in ``__pycache__``, nor another encoding named in the
file can put something else in their place.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

__all__ = ["Code", "CodeFile"]


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
