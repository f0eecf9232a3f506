"""Progress and cancelling: how a long computation reports to its caller, and is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

__all__ = ["Cancel", "Cancelled", "Progress", "TimeLeft", "check_cancel", "divided", "tell"]

Progress = Callable[[int, int], None]
Cancel = Callable[[], bool]


class Cancelled(Exception):
    """Raised by a computation whose `cancel` callback returned True."""


def check_cancel(cancel: Cancel | None) -> None:
    """Raise Cancelled if the caller asked for it."""
    if cancel is not None and cancel():
        raise Cancelled("cancelled on request")


def tell(progress: Progress | None, done: int, total: int) -> None:
    """Report `done` of `total` steps to a callback, if there is one."""
    if progress is not None:
        progress(done, total)


def divided(progress: Progress | None, sizes: Sequence[int]) -> list[Progress]:
    """Return a progress for each part of a work; together they count the sizes of all parts.

    Examples
    --------
    >>> first, second = divided(lambda done, total: print(done, "of", total), [2, 10])
    >>> second(1, 2)
    7 of 12
    """
    total = sum(sizes)

    def part(before: int, size: int) -> Progress:
        return lambda done, of: tell(progress, before + round(done * size / max(of, 1)), total)

    return [part(sum(sizes[:number]), size) for number, size in enumerate(sizes)]


EARLY = 0.02  # share of the work that is too little to foretell the rest


class TimeLeft:
    """Seconds left, from the pace so far.

    Examples
    --------
    >>> clock = iter([0.0, 2.0]).__next__
    >>> TimeLeft(clock=clock).estimate(1, 4)
    6.0
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._start = clock()

    def estimate(self, done: int, total: int) -> float | None:
        """Return seconds until `total`; None before a step and a fiftieth are done, when time went into the start."""
        if done <= 0 or done < EARLY * total:
            return None
        return (self._clock() - self._start) / done * (total - done)


def describe_seconds(seconds: float | None) -> str:
    """Return a duration in words: ``"8 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    if seconds is None:
        return "unknown"
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
