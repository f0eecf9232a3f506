"""Folders for what is on disk for a moment only: scans on their way to another program."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["remove_leftovers", "scratch_folder"]

PREFIX = "mriinterp-scratch-"
STALE_SECONDS = 3600.0  # no step keeps its folder as long as that


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that is removed at the end; those of processes that were killed are removed first."""
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        yield Path(name)


def remove_leftovers(older: float = STALE_SECONDS) -> None:
    """Remove scratch folders of this user that a killed process has left behind.

    Parameters
    ----------
    older : float
        Seconds since anything was written there.
    """
    user = os.getuid() if hasattr(os, "getuid") else None
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # gone meanwhile, or another user's
            stat = folder.lstat()
            if (user is None or stat.st_uid == user) and time.time() - stat.st_mtime > older:
                shutil.rmtree(folder, ignore_errors=True)
