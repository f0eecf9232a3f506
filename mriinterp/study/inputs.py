"""Inputs of a network beside one image of a scan: further images, and numbers from the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mriinterp.models import Model
from mriinterp.study.sources import FileScan, InputsScan
from mriinterp.subjects import Report, read_subjects

if TYPE_CHECKING:
    from mriinterp.study.settings import StudySettings

__all__ = ["COLUMN", "check_inputs", "numbers_of", "read_images", "scan_of"]

COLUMN = "image: {}"  # of the frame: the file of an image beside the first


def read_images(settings: StudySettings) -> tuple[pd.DataFrame, Report]:
    """Return frame and report of a study's table with a file for every image; scans that lack one are left out.

    Raises
    ------
    FileNotFoundError, ValueError
        As of `read_subjects`; for a number that is no column of the table.
    """
    names = list(settings.inputs) or [""]
    frame, report = _read(settings, names[0])
    for name in names[1:]:
        other, _ = _read(settings, name, keep_missing=True)
        paths = dict(zip(other["id"], other["path"], strict=True))
        frame[COLUMN.format(name)] = [paths.get(scan, "") for scan in frame["id"]]
        missing = frame[COLUMN.format(name)] == ""
        report.filtered(frame["id"][missing], len(frame), f"their image {name} is missing", "warning")
        frame = frame[~missing].reset_index(drop=True)
    if lacking := [f"{name} ({column})" for name, column in settings.numbers.items() if column not in frame]:
        raise ValueError(
            f"expected columns of the table for the numbers of subjects.numbers, missing: {', '.join(lacking)}; "
            f"available: {', '.join(map(str, frame.columns))}"
        )
    return frame, report


def _read(settings: StudySettings, name: str, *, keep_missing: bool = False) -> tuple[pd.DataFrame, Report]:
    """Return the table with the files of one image: below its folder, or in the column of its name."""
    place, columns = settings.inputs.get(name, settings.images), settings.columns
    if name and place is not None:
        column = "" if place.exists() else place.name
        columns, place = {**columns, "path": column}, settings.table.parent if column else place
    return read_subjects(
        settings.table,
        place,
        kind=settings.kind,
        columns=columns,
        groups=settings.labels,
        corrupt=settings.corrupt,
        prefixes=settings.prefixes,
        pattern=settings.patterns.get(name, settings.pattern),
        keep_missing=keep_missing,
        raw=settings.prepare is not None,
    )


def scan_of(row: Mapping[str, Any], settings: StudySettings) -> FileScan | InputsScan:
    """Return the scan of a row of the frame.

    Raises
    ------
    ValueError
        For a cell that holds no number where the network reads one.
    """
    first = FileScan(Path(row["path"]), settings.allow_unknown_space)
    if not settings.inputs and not settings.numbers:
        return first
    names = list(settings.inputs) or ["image"]
    scans = [first, *(replace(first, path=Path(row[COLUMN.format(name)])) for name in names[1:])]
    return InputsScan(tuple(zip(names, scans, strict=True)), numbers_of(row, settings))


def numbers_of(row: Mapping[str, Any], settings: StudySettings) -> tuple[tuple[str, float], ...]:
    """Return the numbers of a scan by the names that the network knows; ValueError for a cell that holds none."""
    return tuple((name, _number(row, name, column)) for name, column in settings.numbers.items())


def _number(row: Mapping[str, Any], name: str, column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"{row['id']}: expected a number for {name} in the column {column}, got {row[column]!r}")
    return value


def check_inputs(settings: StudySettings, model: Model, report: Report) -> bool:
    """Return whether a study names all that its network reads; add what is missing to the report."""
    lacking = [name for name in model.card.images if name not in settings.inputs]
    if len(model.card.images) > 1 and lacking:
        report.add(
            "error",
            f"The network reads the images {', '.join(model.card.images)}: name the folder of each under [subjects], "
            "images = {t1 = …, …}",
            lacking,
        )
    numbers = [n.name for n in model.card.numbers if n.default is None and n.name not in settings.numbers]
    if numbers:
        report.add("error", "The network reads numbers: name their columns under [subjects], numbers = [...]", numbers)
    several = not model.card.images and len(settings.inputs) > 1
    if several:
        report.add(
            "error", "The network reads one image, the study names several; its card says which it reads (images)"
        )
    return not ((len(model.card.images) > 1 and lacking) or numbers or several)
