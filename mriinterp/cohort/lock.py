"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["only_run"]


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs; the system lets go of it however the process ends.

    Raises
    ------
    ValueError
        If another process holds it.
    PermissionError
        If one may not write into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"expected a folder that no other run is writing into, got one that is in use: {folder.parent}"
        ) from error
    except PermissionError:
        raise
    except (OSError, NotImplementedError):
        pass  # a file system without locks; all files appear whole, so two runs only repeat each other
    try:
        yield
    finally:
        lock.release()
