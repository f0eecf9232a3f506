"""Go on after a problem: it becomes a line of the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mriinterp.base.errors import words_of
from mriinterp.subjects import Report

__all__ = ["attempt"]

T = TypeVar("T")


def attempt(make: Callable[[], T], what: str, report: Report) -> T | None:
    """Return what `make` makes; where it cannot, report the reason as an error."""
    try:
        return make()
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        report.add("error", f"{what}: {words_of(error)}")
        return None
