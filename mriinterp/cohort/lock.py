"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["is_held", "only_run"]

LOCK = "lock"
WAIT_SECONDS = 1.0  # `is_held` takes the lock for a moment


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs; the system releases it however the process ends.

    Raises
    ------
    ValueError
        If another process holds it.
    PermissionError
        If one may not write into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=WAIT_SECONDS)
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


def is_held(folder: Path) -> bool:
    """Return whether a process holds a folder by `only_run`; False where that cannot be known."""
    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False
