"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["made_folder", "replacing", "write_text"]


def made_folder(path: Path | str) -> Path:
    """An output folder, made if need be; ValueError if it cannot be one."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"expected an output folder, got a file: {path}") from None
    except OSError as error:
        raise ValueError(f"expected an output folder that can be made, got {path}: {error.strerror}") from error
    return path


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary name beside `path`; renamed to it when the block succeeds, removed when it fails.

    Raises
    ------
    ValueError
        If the folder would have to be made where a file stands.
    """
    path = Path(path)
    made_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())  # or a power cut could leave the new name with nothing behind it
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text with line ends as they are."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
