"""Check a study file and report every problem at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from mriinterp.base.errors import words_of
from mriinterp.base.files import check_file
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.space import MNI_CORRELATION, looks_skull_stripped, mni_correlation
from mriinterp.models import Model, TrustCode, architecture_names, packaged_models, read_card
from mriinterp.study.folders import StudyFolders
from mriinterp.study.inputs import check_inputs, scan_of
from mriinterp.study.settings import StudySettings, parse_study
from mriinterp.study.sources import FileScan
from mriinterp.study.table import TableStudy, read_table_of, with_split
from mriinterp.study.tomlfile import read_toml
from mriinterp.study.training import training_digest
from mriinterp.subjects import Report, check_split, summary_table

__all__ = ["check_classes", "check_study"]

SCANS_READ = 4  # opened and looked at; all others are only known to exist
MIN_GROUP = 2

T = TypeVar("T")


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
        If there is no such file, no leave to read it, or it is a folder or a pipe.
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
    settings = replace(settings, model=replace(settings.model, trust_code=trust_code))
    frame = _check_table(settings, report)
    _check_output(settings, report)
    atlas = _attempt(settings.atlas.load, "Atlas", report)
    if atlas is not None and atlas.empty:
        report.add("warning", f"Areas of the atlas without a voxel ({len(atlas.empty)})", atlas.empty)
    model = _check_model(settings, frame, report)
    if frame is not None:
        _check_scans(settings, frame, model, scans, report, progress, cancel)
    return report


def _attempt(make: Callable[[], T], what: str, report: Report) -> T | None:
    """Return what `make` makes; where it cannot, report the reason as an error."""
    try:
        return make()
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        report.add("error", f"{what}: {words_of(error)}")
        return None


def _check_table(settings: StudySettings, report: Report) -> pd.DataFrame | None:
    """Return the table with its split, all findings reported; None if it cannot be read."""
    result = _attempt(lambda: read_table_of(settings), "Table", report)
    if result is None:
        return None
    frame, found = result
    report.extend(found)
    if frame.empty:
        return None
    split = _attempt(lambda: with_split(frame, settings), "Split", report)
    if split is None:
        return frame.assign(split="")
    _attempt(lambda: check_split(split), "Split", report)
    small = [f"{g} ({n})" for g, n in split.groupby("group")["subject"].nunique().items() if n < MIN_GROUP]
    if small:
        report.add("warning", f"Groups of fewer than {MIN_GROUP} people, which have no deviation", small)
    for side in ("train", "test"):
        if not (split["split"] == side).any():
            report.add("warning", f"No scan is in the {side} set")
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


def check_classes(settings: StudySettings, model: Model) -> list[tuple[str, str]]:
    """Return level and text of everything in which groups and the network's classes disagree."""
    findings = []
    head = model.heads[0]
    if head.kind == "scale":
        findings.append(
            ("info", f"{model.card.name} gives a value on the scale {head.name}, no classes: nothing is right or wrong")
        )
        return findings
    classes = dict(settings.classes) or {g: g for g in settings.groups}
    known = ", ".join(head.classes)
    for group, name in classes.items():
        if settings.classes and name not in head.classes:
            findings.append(("error", f"Group {group} is declared as class {name!r} of the network, which has {known}"))
    without = [g for g in (settings.reference, settings.positive) if g and classes.get(g) not in head.classes]
    if without and not settings.classes:
        example = ", ".join(f'{g} = "{c}"' for g, c in zip(without, head.classes, strict=False))
        findings.append(
            (
                "error",
                f"Groups {', '.join(without)} are no classes of the network ({known}); say which is which under "
                f"[groups.classes], e.g. {example}",
            )
        )
    mapped = [c for g, c in classes.items() if g in settings.groups and c in head.classes]
    twice = sorted({c for c in mapped if mapped.count(c) > 1})
    if twice:
        findings.append(("warning", f"Several groups stand for one class of the network: {', '.join(twice)}"))
    return findings


def _check_model(settings: StudySettings, frame: pd.DataFrame | None, report: Report) -> Model | None:
    recipe = settings.model
    absent = [str(f) for f in recipe.files() if not f.is_file()]
    if absent:
        report.add("error", f"Files of the network that are not there ({len(absent)})", absent)
    named = bool(recipe.code) or recipe.source in architecture_names() or recipe.source in packaged_models()
    if not named and not recipe.source.lower().endswith((".json", ".pt2")):
        available = ", ".join([*packaged_models(), *architecture_names()])
        report.add("error", f"Network {recipe.source!r} is neither a card (.json) nor known; available: {available}")
        return None
    if absent:
        if not named and Path(recipe.source).is_file():
            _attempt(lambda: read_card(recipe.source), "Model card", report)
        return None
    model = _attempt(lambda: recipe.load("cpu"), "Network", report)
    if model is None:
        return None
    for level, text in check_classes(settings, model):
        report.add(level, text)
    report.add("info", f"Network: {model.card.name} ({model.card.architecture}), reads {model.grid}")
    for note in model.notes:
        report.add("info", f"{model.card.name}: {note}")
    if model.card.simulated and not settings.simulated:
        report.add(
            "warning", "The network was trained on simulated brains only; what it says of real scans is no diagnosis"
        )
    _check_folds(settings, report)
    if settings.normalisation == "voxelwise" and frame is not None:
        return _check_fitted(settings, report) or model
    return model


def _check_folds(settings: StudySettings, report: Report) -> None:
    """Check whether the weights or the card of each fold are there and make a network."""
    for name, files in settings.folds.items():
        absent = [file for file in files if not Path(file).is_file()]
        if absent:
            report.add("error", f"Weights of fold {name!r} that are not there ({len(absent)})", absent)
        else:
            _attempt(lambda files=files: settings.model.fold(files).load("cpu"), f"Fold {name!r}", report)


def _check_fitted(settings: StudySettings, report: Report) -> Model | None:
    """Return the network with its fitted normalisation, if that is there and up to date."""
    try:
        study = TableStudy(settings)
    except (ValueError, OSError):
        return None  # reported with the table
    command = f"python -m mriinterp study normalise {settings.argument}"
    if not study.fitted_card.is_file():
        report.add("error", f"The voxelwise normalisation is not fitted yet: {command}")
        return None
    model = _attempt(lambda: study.model_recipe.load("cpu"), "Fitted network", report)
    if model is not None and model.card.about.get("fitted", {}).get("digest") != training_digest(study):
        report.add("warning", f"The training scans have changed since the normalisation was fitted; again: {command}")
    return model


def _chosen(frame: pd.DataFrame, groups: tuple[str, ...], n: int) -> list[str]:
    """Return rows to open: the first of each group, then the last, then from the middle."""
    by_group = [frame.index[frame["group"] == g].tolist() for g in groups]
    order = [rows[round(at * (len(rows) - 1))] for at in (0, 1, 0.5, 0.25, 0.75) for rows in by_group if rows]
    return list(dict.fromkeys(order))[:n]


def _check_scans(settings, frame, model, n, report, progress, cancel) -> None:
    """Open a few scans: can they be read, do they lie in MNI space, what does the network say?"""
    rows = _chosen(frame, settings.groups, n)
    if settings.prepare is not None:
        _check_raw(settings, frame, rows, report, progress, cancel)
        return
    if model is not None and not check_inputs(settings, model, report):
        model = None
    unreadable, doubtful, elsewhere, with_skull, unusual, other_grid, predictions = [], [], [], [], [], [], []
    for done, row in enumerate(rows, start=1):
        check_cancel(cancel)
        name = frame.at[row, "id"]
        try:
            scan = scan_of(frame.loc[row], settings).load()
        except (OSError, ValueError) as error:
            unreadable.append(f"{name} ({error})")
            tell(progress, done, len(rows))
            continue
        doubtful += [f"{name} ({note})" for note in scan.notes]
        correlation = mni_correlation(scan)
        if correlation < MNI_CORRELATION:
            elsewhere.append(f"{name} ({correlation:.2f})")
        elif model is not None and model.card.skull_stripped and not looks_skull_stripped(scan):
            with_skull.append(name)
        if model is not None:
            if not (scan.source or scan.grid).matches(model.grid):
                other_grid.append(f"{name} ({scan.source or scan.grid})")
            unusual += [f"{name} ({text})" for text in model.warnings_of(scan)]
            predictions.append(_prediction(model, scan, name, frame.at[row, "group"], report))
        tell(progress, done, len(rows))
    total = len(rows)
    findings = (
        ("error", f"Scans that cannot be read ({len(unreadable)} of {total} opened)", unreadable),
        ("warning", f"Scans whose files are doubtful ({total} opened)", doubtful),
        (
            "error" if settings.check_space else "warning",  # reported all the same
            f"Scans that do not lie in MNI space ({len(elsewhere)} of {total} opened; correlation with the template "
            f"below {MNI_CORRELATION}). Where they come as they were scanned, add a section [prepare] to the study file: "
            "each is then prepared once, and kept; or register them first, for example with CAT12, FSL or ANTs",
            elsewhere,
        ),
        (
            "warning",
            f"Scans that still show skull or scalp ({len(with_skull)} of {total} opened); the network knows brains only. A "
            "section [prepare] in the study file has the brain found",
            with_skull,
        ),
        ("warning", f"Scans of unusual intensities, whose maps may be wrong ({total} opened)", unusual),
        ("info", f"Scans resampled to the network's grid ({len(other_grid)} of {total} opened)", other_grid),
        ("info", f"What the network says of {total} scans", [text for text in predictions if text]),
    )
    for level, message, names in findings:
        if names:
            report.add(level, message, names)


def _check_raw(settings, frame, rows, report, progress, cancel) -> None:
    """Open a few raw scans, and say how many are prepared already."""
    unreadable, doubtful = [], []
    for done, row in enumerate(rows, start=1):
        check_cancel(cancel)
        name = frame.at[row, "id"]
        try:
            scan = FileScan(Path(frame.at[row, "path"]), settings.allow_unknown_space).load()
            doubtful += [f"{name} ({note})" for note in scan.notes]
        except (OSError, ValueError) as error:
            unreadable.append(f"{name} ({error})")
        tell(progress, done, len(rows))
    for level, message, names in (
        ("error", f"Scans that cannot be read ({len(unreadable)} of {len(rows)} opened)", unreadable),
        ("warning", f"Scans whose files are doubtful ({len(rows)} opened)", doubtful),
    ):
        if names:
            report.add(level, message, names)
    study = _attempt(lambda: TableStudy(settings), "Study", report)
    if study is None:
        return
    words = f"Scans are prepared here ({settings.prepare.kind} registration) before they are explained, and kept in {study.prepared_folder}"
    report.add("info", f"{words}: {_prepared_count(study, cancel)} of {len(study.subjects)} are there")
    report.add(
        "info", f"To prepare them all, with a page to judge them by: python -m mriinterp prepare {settings.argument}"
    )


def _prepared_count(study: TableStudy, cancel: Cancel | None) -> int:
    """Count the scans that need not be prepared any more."""
    count = 0
    for subject in study.subjects.index if study.prepared_folder.is_dir() else ():
        check_cancel(cancel)
        with suppress(OSError):
            count += study.prepare_job(subject).is_done()
    return count


def _prediction(model: Model, scan, name: str, group: str, report: Report) -> str:
    try:
        prediction = model.predict(scan)
    except (ValueError, RuntimeError) as error:
        report.add("error", f"The network fails on {name}: {error}")
        return ""
    values = list(prediction.outputs.values())
    if not np.isfinite(values).all():
        report.add("error", f"The network's outputs for {name} are not finite: {values}")
    if model.heads[0].kind == "scale":
        return f"{name} ({group}): {prediction.predicted} {prediction.outputs[prediction.predicted]:.3f}"
    if model.card.simulated:
        return ""
    return f"{name} ({group}): {prediction.predicted} {prediction.probabilities[prediction.predicted]:.0%}"
