"""When no page is being made: work that no one waits for goes on then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mriinterp.base.progress import Cancel, check_cancel

__all__ = ["is_quiet", "page_run", "wait_until_quiet"]

QUIET_SECONDS = 3.0  # after a page was made, in which the browser draws it and its reader may go on to the next one
LOOK_SECONDS = 0.1


class _Runs:
    """Runs of pages that go on, and when the last one ended."""

    lock = threading.Lock()
    going_on = 0
    ended = float("-inf")


@contextmanager
def page_run() -> Iterator[None]:
    """Count a run of a page while it goes on."""
    with _Runs.lock:
        _Runs.going_on += 1
    try:
        yield
    finally:
        with _Runs.lock:
            _Runs.going_on -= 1
            _Runs.ended = time.monotonic()


def is_quiet(seconds: float = 0.0) -> bool:
    """Return whether no page is being made and none was for some seconds."""
    return not _Runs.going_on and time.monotonic() - _Runs.ended >= seconds


def wait_until_quiet(cancel: Cancel | None = None, seconds: float = QUIET_SECONDS) -> None:
    """Wait until no page is being made and none was for some seconds; `Cancelled` if that is wanted meanwhile."""
    while not is_quiet(seconds):
        check_cancel(cancel)
        time.sleep(LOOK_SECONDS)
