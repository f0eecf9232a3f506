"""The home folder of the program's own results, and what happens where it cannot be written.

A read-only or full disk, a home that is a file, an account without a home:
none of them stops an explanation. Results stay in memory, and the reason is
reported once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from mriinterp.base.errors import words_of

__all__ = ["default_folder", "try_to_keep", "why_not_kept"]

NOWHERE = Path(os.devnull) / "mriinterp"  # nothing can be read or written there

logger = logging.getLogger(__name__)

_problems: dict[Path, dict[str, str]] = {}  # by home: what could not be kept at the last try, and why
_warned: set[Path] = set()


def default_folder() -> Path:
    """Return the home: ``$MRIINTERP_HOME``, else the user's cache folder.

    A folder in ``~/.cache``, where earlier versions kept results on every
    system but Windows, stays in use if there is no newer one. An account
    without a home gets a path where nothing can be written.
    """
    if home := os.environ.get("MRIINTERP_HOME"):
        return Path(home)
    try:
        folder = user_cache_path("mriinterp", appauthor=False, opinion=False)
    except RuntimeError:  # no home; earlier versions of platformdirs leave "~" in the path
        return NOWHERE
    if not folder.is_absolute():
        return NOWHERE
    earlier = Path(os.path.expanduser("~")) / ".cache" / "mriinterp"
    return earlier if os.path.isdir(earlier) and not os.path.exists(folder) else folder


def try_to_keep(home: Path, what: str, write: Callable[[], object]) -> bool:
    """Write a result into a home; where that fails, warn once and go on.

    Parameters
    ----------
    home : Path
        One warning is logged for each home.
    what : str
        The kind of result, for the warning.
    write : callable
        Writes it; an OSError means that the disk does not take it.

    Returns
    -------
    bool
        Whether the result is on disk now.
    """
    problems = _problems.setdefault(home, {})
    try:
        write()
    except OSError as error:
        problems[what] = "this account has no home folder" if home == NOWHERE else words_of(error)
        if home not in _warned:
            _warned.add(home)
            logger.warning(
                "%s could not be kept in %s: %s. Results stay in memory until the program ends; to keep them, make the "
                "folder writable, or name another with MRIINTERP_HOME",
                what, home, problems[what],
            )  # fmt: skip
        return False
    problems.pop(what, None)
    return True


def why_not_kept(home: Path | None = None) -> str:
    """Return why results cannot be kept in a home (default: `default_folder`); "" if they can."""
    return next(iter(_problems.get(home or default_folder(), {}).values()), "")
