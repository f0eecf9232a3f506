"""Settings of the C library's memory allocator: used pages are used again, and given back when work is done.

glibc returns every large block to the system when it is freed, and takes
fresh pages, which the system must clear first, for the next one. A network's
activations are such blocks: half the processor time of a forward pass goes
into them (`docs/benchmarks.md`). Other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Mapping

__all__ = ["VARIABLE", "give_back", "keep_pages"]

VARIABLE = "MRIINTERP_ALLOCATOR"  # "system" leaves the C library as it is
# Numbers of the parameters in glibc's malloc.h
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
SETTINGS = {
    MMAP_THRESHOLD: 1 << 30,  # blocks up to 1 GiB come from the heap, not from pages of their own
    TRIM_THRESHOLD: 1 << 30,  # free bytes at the end of the heap that are kept
    TOP_PAD: 64 << 20,  # bytes taken at once when the heap grows
    ARENA_MAX: 1,  # one heap for all threads: those of other threads hold 64 MiB at most, less than one activation
}


def keep_pages(environment: Mapping[str, str] = os.environ) -> bool:
    """Let glibc keep the pages of large blocks; call it where a process starts, before it starts threads.

    Parameters
    ----------
    environment : mapping
        ``MRIINTERP_ALLOCATOR=system`` switches it off.

    Returns
    -------
    bool
        Whether all settings were taken; False where the C library is another.
    """
    if environment.get(VARIABLE, "").strip().lower() == "system":
        return False
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return False
    taken = [mallopt(name, value) for name, value in SETTINGS.items()]
    return all(answer == 1 for answer in taken)


def give_back(*, collect: bool = False) -> None:
    """Return free memory to the system, where the C library would keep it (glibc).

    Parameters
    ----------
    collect : bool
        Free first what only circular references keep; this stops all work for a third of a second.
    """
    if collect:
        gc.collect()
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str):
    """Return a function of glibc, or None where it is not the C library."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return getattr(library, name, None) if hasattr(library, "gnu_get_libc_version") else None
