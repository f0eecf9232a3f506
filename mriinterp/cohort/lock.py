"""One run at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["only_run"]

if os.name == "nt":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs; the system lets go of it however the process ends.

    Raises
    ------
    ValueError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+b") as stream:
        try:
            _take(stream.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise ValueError(
                f"expected a folder that no other run is writing into, got one that is in use: {folder.parent}"
            ) from error
        except OSError:
            pass  # a file system without locks; all files appear whole, so two runs only repeat each other
        yield
