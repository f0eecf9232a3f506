"""Atomic writes: files appear whole or not at all."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mriinterp.base.names import shortened

__all__ = ["FolderError", "made_folder", "remove_unfinished", "replacing", "write_text"]

_UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}\.part$")  # as `replacing` names them
STALE_SECONDS = 600.0  # since the last write: whoever began the file has gone


class FolderError(OSError, ValueError):
    """An output folder that cannot be made."""


def made_folder(path: Path | str) -> Path:
    """Return an output folder, made if need be; FolderError (a ValueError and an OSError) if it cannot be one."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise FolderError(f"expected an output folder, got a file: {path}") from None
    except OSError as error:
        raise FolderError(f"expected an output folder that can be made, got {path}: {error.strerror}") from error
    return path


def remove_unfinished(paths: Iterable[Path], older: float = STALE_SECONDS) -> None:
    """Remove files that a process which ended too early has left half-written.

    Parameters
    ----------
    paths : iterable of Path
        Files of any name; only those that `replacing` began are looked at.
    older : float
        Seconds since the last write to such a file; 0 where no other process can be writing.
    """
    now = time.time()
    for path in paths:
        if _UNFINISHED.match(path.name):
            with suppress(OSError):  # removed meanwhile, or open elsewhere (Windows)
                if now - path.stat().st_mtime >= older:
                    path.unlink()


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside `path`, renamed to it when the block succeeds and removed when it fails.

    Raises
    ------
    FolderError
        If the folder would have to be made where a file stands, or cannot be made.
    """
    path = Path(path)
    made_folder(path.parent)
    temporary = path.with_name(f".{shortened(path.name, 200)}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())  # or a power cut could leave the new name with nothing behind it
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text with line ends as they are."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
