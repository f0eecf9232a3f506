"""Propose files with nearly the name that was searched for; they are never taken."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from mriinterp.base.names import name_pieces, near_names
from mriinterp.base.progress import Cancel
from mriinterp.subjects.images import walk_images
from mriinterp.subjects.table_report import Report

__all__ = ["near_images", "near_paths", "report_near"]

_WORD = re.compile(r"[^\W_]+")
_OTHER_NUMBER = re.compile(
    r"(?<![^\W_])(?:run|echo|acq|rec|task|inv|flip|part|chunk|desc|space|res|dir|ce|mod)-[^\W_]+"
)
_MOST_WORDS = 8  # of an id


def near_images(
    folder: Path, names: Iterable[str], pattern: str | None = None, cancel: Cancel | None = None
) -> dict[str, list[str]]:
    """Return images whose path holds a name up to zeros before numbers, case, separators, ``sub-`` and ``ses-``.

    Parameters
    ----------
    folder : Path
    names : iterable of str

    Returns
    -------
    dict of name to list of str
        Paths relative to the folder; only names for which there are any.
    """
    wanted: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        if pieces := name_pieces(name):
            wanted[pieces].append(name)
    found: dict[str, list[str]] = defaultdict(list)
    for path in walk_images(folder, pattern, cancel) if wanted else ():
        runs = (pieces for part in path.parts for pieces in _runs(_OTHER_NUMBER.sub("", part)))
        hits = {name for pieces in runs for name in wanted.get(pieces, ())}
        for name in hits:
            found[name].append(path.as_posix())
    return dict(found)


def _runs(part: str) -> Iterable[tuple[str, ...]]:
    """Yield the pieces of all runs of whole words in one part of a path."""
    words = [name_pieces(word) for word in _WORD.findall(part)]
    for start in range(len(words)):
        run: tuple[str, ...] = ()
        for word in words[start : start + _MOST_WORDS]:
            run += word
            yield run


def near_paths(written: str, folders: Iterable[Path]) -> list[str]:
    """Return files that lie where a path leads and have nearly its name."""
    path = Path(written.replace("\\", "/"))
    for folder in folders:
        place = folder / path.parent
        if place.is_dir():
            return near_names(path.name, sorted(f.name for f in place.iterdir() if f.is_file()))
    return []


def report_near(near: Mapping[str, Iterable[str]], report: Report) -> None:
    """Report names for which only near ones were found, with these."""
    lines = [f"{name} ({', '.join(list(others)[:3])}?)" for name, others in near.items()]
    if lines:
        report.add("warning", f"Nearly the same name, not taken ({len(lines)}); correct the table, or the files", lines)
