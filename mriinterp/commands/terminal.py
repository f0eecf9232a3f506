"""Terminal output: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from mriinterp.base.command import quoted
from mriinterp.base.errors import words_of
from mriinterp.base.progress import TimeLeft, describe_seconds

__all__ = ["ProgressLine", "print_error", "print_line", "quoted"]

BAR_WIDTH = 24
TERMINAL_EVERY, FILE_EVERY = 0.2, 15.0  # seconds between two reports


def print_line(text: str = "") -> None:
    """Print a line of a result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(error: BaseException | str) -> None:
    """Print an error or warning to standard error, on one line."""
    sys.stderr.write(f"mriinterp: {error if isinstance(error, str) else words_of(error)}\n")
    sys.stderr.flush()


class ProgressLine:
    """A line with share done and time left; `progress(done, total)` itself.

    On a terminal the line is rewritten; into a file it is written anew every
    few seconds.
    """

    def __init__(self, label: str, stream: TextIO | None = None):
        self.label = label
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self._left = TimeLeft()
        self._last = time.monotonic()
        self._open = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._last < (TERMINAL_EVERY if self.terminal else FILE_EVERY):
            return
        self._last = now
        if not self.terminal and done >= total and not self._open:
            return  # it was over before there was anything to report
        filled = round(BAR_WIDTH * done / max(total, 1))
        left = describe_seconds(self._left.estimate(done, total))
        line = f"{self.label}  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done}/{total}, {left} left"
        self.stream.write(f"\r{line}\x1b[K" if self.terminal else f"{line}\n")
        self.stream.flush()
        self._open = True

    def close(self) -> None:
        """Clear the line."""
        if self.terminal and self._open:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
