"""Processes of a local pool, and how many of them a machine can take."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import wait

from mriinterp.base.allocator import keep_pages

__all__ = ["cores", "give_way", "memory_bytes", "start_worker"]

LATER = 15  # nice value of work that can wait


def start_worker() -> None:
    """Set up a process of a local pool: Ctrl-C is left to the parent, and the process ends when the parent has ended.

    It keeps its pages, as `mriinterp.base.allocator` has it.
    """
    keep_pages()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch parent").start()


def give_way() -> None:
    """Let all other threads go before this one where both want a core; on Linux alone threads have priorities of their own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LATER)


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return the memory of the machine; None where it is unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
