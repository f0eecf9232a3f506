"""Runs of pages: what is looked up once in each, and what waits until there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from mriinterp.base.progress import Cancel, check_cancel

__all__ = ["is_quiet", "once_a_run", "page_run", "wait_until_quiet"]

Found = TypeVar("Found")

QUIET_SECONDS = 1.5  # after a page was made, in which the browser draws it and its reader may go on to the next one
LOOK_SECONDS = 0.1
CURRENT_SECONDS = 0.5  # for which a run of a page takes what it has looked up as it is


class _Runs:
    """Runs of pages that go on, and when the last one ended."""

    lock = threading.Lock()
    begun = 0
    going_on = 0
    ended = float("-inf")
    looked_up: ClassVar[dict[Hashable, tuple[float, Any]]] = {}


@contextmanager
def page_run() -> Iterator[None]:
    """Count a run of a page while it goes on."""
    with _Runs.lock:
        _Runs.going_on += 1
        _Runs.begun += 1
        _Runs.looked_up.clear()
    try:
        yield
    finally:
        with _Runs.lock:
            _Runs.going_on -= 1
            _Runs.ended = time.monotonic()


def once_a_run(key: Hashable, look_up: Callable[[], Found]) -> Found:
    """Return what a function finds: called once in a run of a page, though the page asks many times.

    For files on a disk that may be a slow one. Each run that begins looks
    again, and so does one that takes long, and whoever asks outside of runs.
    """
    with _Runs.lock:
        begun, now = _Runs.begun, time.monotonic()
        known = _Runs.looked_up.get(key) if _Runs.going_on else None
    if known is not None and now - known[0] < CURRENT_SECONDS:
        return known[1]
    found = look_up()
    with _Runs.lock:
        if begun == _Runs.begun:  # else a run that has begun meanwhile would take what was found before it
            _Runs.looked_up[key] = now, found
    return found


def is_quiet(seconds: float = 0.0) -> bool:
    """Return whether no page is being made and none was for some seconds."""
    return not _Runs.going_on and time.monotonic() - _Runs.ended >= seconds


def wait_until_quiet(cancel: Cancel | None = None, seconds: float = QUIET_SECONDS) -> None:
    """Wait until no page is being made and none was for some seconds; `Cancelled` if that is wanted meanwhile."""
    while not is_quiet(seconds):
        check_cancel(cancel)
        time.sleep(LOOK_SECONDS)
