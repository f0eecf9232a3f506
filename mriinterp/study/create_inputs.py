"""What a new study names for a network of several images or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mriinterp.models import Model
from mriinterp.subjects import Report, read_subjects

__all__ = ["check_folders", "find_numbers", "find_scans"]

Folders = dict[str, str | Path | None]


def check_folders(
    images: str | Path | Mapping[str, str | Path] | None, pattern: str | Mapping[str, str] | None, model: Model
) -> Folders:
    """Return the folder of each image that a network reads, in its order; "" is that of one without a name.

    Raises
    ------
    ValueError
        If other images are named than the network reads, or a pattern names an image that is not there.
    """
    wanted, named = model.card.images, dict(images) if isinstance(images, Mapping) else {}
    if isinstance(pattern, Mapping) and (strange := set(pattern) - set(named)):
        raise ValueError(
            f"expected patterns of the images {', '.join(named) or '(one without a name)'}, got also {', '.join(strange)}"
        )
    if len(wanted) < 2 and not named:
        return {"": None if isinstance(images, Mapping) else images}
    if set(named) != set(wanted):
        got = ", ".join(named) or "one folder"
        how = f"name the folder of each: --images {' '.join(f'{name}=DIR' for name in wanted)}"
        reads = f"the images {', '.join(wanted)}" if wanted else "one image without a name"
        raise ValueError(
            f"expected folders for {reads}, which {model.card.name} reads, got {got}"
            + (f"; {how}" if wanted else "; name one folder (--images DIR), or the images on its card")
        )
    return {name: named[name] for name in wanted}


def find_scans(
    table: Path, folders: Folders, pattern: str | Mapping[str, str] | None, *, raw: bool = False
) -> tuple[pd.DataFrame, Report]:
    """Return the scans that have all images, and what was found; scans that lack one are named.

    `raw`: scans may be folders of DICOM files, too.
    """
    first, *others = folders

    def read(name: str) -> tuple[pd.DataFrame, Report]:
        chosen = pattern.get(name) if isinstance(pattern, Mapping) else pattern
        columns = {"path": ""} if name else None  # a column of paths would name the same file for each image
        return read_subjects(table, folders[name], pattern=chosen, columns=columns, raw=raw)

    frame, report = read(first)
    for name in others:
        missing = ~frame["id"].isin(read(name)[0]["id"])
        report.filtered(frame["id"][missing], len(frame), f"their image {name} is missing", "warning")
        frame = frame[~missing].reset_index(drop=True)
    return frame, report


def find_numbers(columns: Mapping[str, str], frame: pd.DataFrame, model: Model) -> dict[str, str]:
    """Return the column of each number that a network reads; a number with a value of its own may lack one.

    Raises
    ------
    ValueError
        If a number has no column, or a column is named for what the network does not read.
    """
    known = {number.name: number for number in model.card.numbers}
    if strange := [name for name in columns if name not in known]:
        raise ValueError(
            f"expected numbers that {model.card.name} reads ({', '.join(known) or 'none'}), got {', '.join(strange)}"
        )
    found = {name: columns.get(name, name) for name in known}
    found = {n: c for n, c in found.items() if c in frame or n in columns or known[n].default is None}
    if lacking := [f"{name}={column}" for name, column in found.items() if column not in frame]:
        raise ValueError(
            f"expected a column of the table for each number that {model.card.name} reads, found none for "
            f"{', '.join(lacking)}; name it (--numbers {lacking[0].partition('=')[0]}=COLUMN); available: "
            f"{', '.join(map(str, frame.columns))}"
        )
    return found
