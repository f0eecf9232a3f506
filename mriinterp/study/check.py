"""Check a study file and report every problem at once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mriinterp.base.errors import words_of
from mriinterp.base.files import check_file
from mriinterp.base.progress import Cancel, Progress
from mriinterp.models import TrustCode
from mriinterp.models.permission import as_permission
from mriinterp.study.attempt import attempt
from mriinterp.study.check_network import check_network
from mriinterp.study.check_scans import check_scans
from mriinterp.study.folders import StudyFolders
from mriinterp.study.settings import StudySettings, parse_study
from mriinterp.study.table_study import read_table_of, with_split
from mriinterp.study.tomlfile import read_toml
from mriinterp.subjects import Report, check_split, summary_table
from mriinterp.subjects.sites import check_sites

__all__ = ["check_study"]

SCANS_READ = 4  # opened and looked at; all others are only known to exist
MIN_GROUP = 2


def check_study(
    path: str | Path,
    *,
    scans: int = SCANS_READ,
    trust_code: TrustCode = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Report:
    """Check everything a study file names, and go on after each problem.

    Parameters
    ----------
    path : path
        The study file.
    scans : int
        Scans opened, spread over the groups; all others only need to exist.
    trust_code : bool or collection of str
        See `mriinterp.study.load_study`.

    Returns
    -------
    Report
        Errors make results wrong or impossible; warnings leave scans out.

    Raises
    ------
    OSError, ValueError
        If there is no such file, no permission to read it, or it is a folder or a pipe.
    """
    report, path = Report(), Path(path)
    StudyFolders.of_server().check(path, "study file")
    check_file(path, "a study file (.toml)")
    try:
        entries = read_toml(path)
    except ValueError as error:
        report.add("error", words_of(error))
        return report
    settings, problems = parse_study(entries, path)
    for problem in problems:
        report.add("error", f"{path.name}: {problem}")
    if settings is None:
        report.add("info", "Table, network and scans were not looked at: correct the file first")
        return report
    settings = replace(settings, model=replace(settings.model, trust_code=as_permission(trust_code)))
    frame = _check_table(settings, report)
    _check_output(settings, report)
    atlas = attempt(settings.atlas.load, "Atlas", report)
    if atlas is not None and atlas.empty:
        report.add("warning", f"Areas of the atlas without a voxel ({len(atlas.empty)})", atlas.empty)
    model = check_network(settings, frame, report)
    if frame is not None:
        check_scans(settings, frame, model, scans, report, progress, cancel)
    return report


def _check_table(settings: StudySettings, report: Report) -> pd.DataFrame | None:
    """Return the table with its split, all findings reported; None if it cannot be read."""
    result = attempt(lambda: read_table_of(settings), "Table", report)
    if result is None:
        return None
    frame, found = result
    report.extend(found)
    if frame.empty:
        return None
    split = attempt(lambda: with_split(frame, settings), "Split", report)
    if split is None:
        return frame.assign(split="")
    attempt(lambda: check_split(split), "Split", report)
    small = [f"{g} ({n})" for g, n in split.groupby("group")["subject"].nunique().items() if n < MIN_GROUP]
    if small:
        report.add("warning", f"Groups of fewer than {MIN_GROUP} people, which have no deviation", small)
    for side in ("train", "test"):
        if not (split["split"] == side).any():
            report.add("warning", f"No scan is in the {side} set")
    if "site" in split:
        check_sites(split, report)
    for row in summary_table(split, settings.groups).reset_index().to_dict("records"):
        counts = ", ".join(f"{g}: {row[f'images {g}']} of {row[f'patients {g}']} people" for g in settings.groups)
        report.add("info", f"Scans, {row['split']}: {row['images']} ({counts})")
    return split


def _check_output(settings: StudySettings, report: Report) -> None:
    """Check whether results can be written."""
    folder = settings.output
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        report.add("error", f"Output: expected a folder, got a file: {folder}")
    elif not os.access(folder, os.W_OK):
        report.add("error", f"Output: no permission to write into {folder}")
