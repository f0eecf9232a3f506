"""Whether a file on disk is still the one that was read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mriinterp.base.files import check_file

__all__ = ["file_digest", "file_stamp"]

SMALL = 1 << 16  # bytes; a file up to this size is read, and compared by what is in it


def file_stamp(paths: Iterable[str | os.PathLike], *, read: int = SMALL) -> str:
    """Return a digest that changes when any of the files or folders does.

    Size and times change when a file is written again; number and time of
    change of the inode differ for one that was put in the place of another, with
    size and time of that one. It holds for this machine and as long as files
    are not moved: for what is kept in memory, not for what is kept on disk.

    Parameters
    ----------
    paths : iterable of path
        A path that leads nowhere counts, too: the stamp changes when it does. Of a
        folder, only what is directly in it counts, not what is in those files.
    read : int
        Bytes up to which the content of a file counts as well.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in dict.fromkeys(map(Path, paths)):
        digest.update(f"{path}\n".encode(errors="surrogateescape"))
        try:
            stat = path.stat()
            changed = 0 if os.name == "nt" else stat.st_ctime_ns  # Windows: when it was made
            digest.update(f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {changed}\n".encode())
            if stat.st_size <= read and path.is_file():
                digest.update(path.read_bytes())
        except (OSError, ValueError):  # gone, not to be read, or no path at all
            digest.update(b"none\n")
    return digest.hexdigest()[:32]


def file_digest(path: str | os.PathLike) -> str:
    """Return the SHA-256 of what is in a file, 64 hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is a folder, or a pipe or device, which might never end.
    """
    with check_file(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
