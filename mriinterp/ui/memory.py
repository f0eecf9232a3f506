"""Memory that is free, given back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["give_back"]


def give_back(*, collect: bool = False) -> None:
    """Return free memory to the system, where the C library would keep it (glibc).

    A scan of half a gigabyte leaves pages behind that a server of many sessions would only ever collect.

    Parameters
    ----------
    collect : bool
        Free first what only circular references keep; this stops all work for a third of a second.
    """
    if collect:
        gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # none in other C libraries
        if trim is not None:
            trim(0)
