"""Methods from Python files of the reader's own, for a benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mriinterp.methods import method_names
from mriinterp.models import read_code
from mriinterp.models.run_code import run_code

__all__ = ["register_files"]


def register_files(files: Iterable[str | Path]) -> dict[str, str]:
    """Run Python files that register relevance methods; return the SHA-256 of each method's file by the method's name.

    Whoever names a file on the command line wants it run: only the reader's
    own command may call this, never what stands in a study.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, raises anything, or registers no method.
    """
    found: dict[str, str] = {}
    for file in files:
        before, code = set(method_names()), read_code(file)
        run_code(code)
        new = [name for name in method_names() if name not in before]
        if not new:
            raise ValueError(
                f"{code.path.name}: expected a file that registers a method (@register_method, see CONTRIBUTING.md), got none"
            )
        found |= dict.fromkeys(new, code.digest)
    return found
