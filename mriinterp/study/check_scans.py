"""Check some scans of a study: can they be read, where do they lie, what does the network say?"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.space import MNI_CORRELATION, looks_skull_stripped, mni_correlation
from mriinterp.image.volume import Volume
from mriinterp.models import Model
from mriinterp.prepare.source import open_raw
from mriinterp.study.attempt import attempt
from mriinterp.study.inputs import check_inputs, scan_of
from mriinterp.study.settings import StudySettings
from mriinterp.study.table_study import TableStudy
from mriinterp.subjects import Report

__all__ = ["check_scans"]


def _chosen(frame: pd.DataFrame, groups: tuple[str, ...], n: int) -> list[str]:
    """Return rows to open: the first of each group, then the last, then from the middle."""
    by_group = [frame.index[frame["group"] == g].tolist() for g in groups]
    order = [rows[round(at * (len(rows) - 1))] for at in (0, 1, 0.5, 0.25, 0.75) for rows in by_group if rows]
    return list(dict.fromkeys(order))[:n]


def check_scans(
    settings: StudySettings,
    frame: pd.DataFrame,
    model: Model | None,
    n: int,
    report: Report,
    progress: Progress | None,
    cancel: Cancel | None,
) -> None:
    """Open a few scans: can they be read, do they lie in MNI space, what does the network say?"""
    rows = _chosen(frame, settings.groups, n)
    if settings.prepare is not None:
        _check_raw(settings, settings.prepare.kind, frame, rows, report, progress, cancel)
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
            f"Scans that still show skull or scalp ({len(with_skull)} of {total} opened); the network was trained on brains alone. A "
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


def _check_raw(
    settings: StudySettings,
    registration: str,
    frame: pd.DataFrame,
    rows: list[str],
    report: Report,
    progress: Progress | None,
    cancel: Cancel | None,
) -> None:
    """Open a few raw scans, and say how many are prepared already."""
    unreadable, doubtful, found = [], [], []
    for done, row in enumerate(rows, start=1):
        check_cancel(cancel)
        name = frame.at[row, "id"]
        try:
            raw = open_raw(
                frame.at[row, "path"],
                series=settings.series,
                allow_unknown_space=settings.allow_unknown_space,
                cancel=cancel,
            )
            doubtful += [f"{name} ({note})" for note in raw.volume.notes]
            found += [f"{name} ({raw.found})"] if raw.series else []
        except (OSError, ValueError) as error:
            unreadable.append(f"{name} ({error})")
        tell(progress, done, len(rows))
    for level, message, names in (
        ("error", f"Scans that cannot be read ({len(unreadable)} of {len(rows)} opened)", unreadable),
        ("warning", f"Scans whose files are doubtful ({len(rows)} opened)", doubtful),
        ("info", f"Series of DICOM folders ({len(rows)} opened)", found),
    ):
        if names:
            report.add(level, message, names)
    study = attempt(lambda: TableStudy(settings), "Study", report)
    if study is None:
        return
    words = f"Scans are prepared here ({registration} registration) before they are explained, and kept in {study.prepared_folder}"
    report.add("info", f"{words}: {_prepared_count(study, cancel)} of {len(study.subjects)} are there")
    report.add("info", f"To prepare them all, with a page to judge them by: mriinterp prepare {settings.argument}")


def _prepared_count(study: TableStudy, cancel: Cancel | None) -> int:
    """Count the scans that need not be prepared any more."""
    count = 0
    for subject in study.subjects.index if study.prepared_folder.is_dir() else ():
        check_cancel(cancel)
        with suppress(OSError, ValueError):
            count += study.prepare_job(subject).is_done()
    return count


def _prediction(model: Model, scan: Volume, name: str, group: str, report: Report) -> str:
    try:
        prediction = model.predict(scan)
    except (ValueError, RuntimeError) as error:
        report.add("error", f"The network fails on {name}: {error}")
        return ""
    values = list(prediction.outputs.values())
    if not np.isfinite(values).all():
        report.add("error", f"The network's outputs for {name} are not finite: {values}")
    if model.card.simulated:
        return ""
    if model.heads[0].kind == "scale":
        return f"{name} ({group}): {prediction.predicted} {prediction.outputs[prediction.predicted]:.3f}"
    return f"{name} ({group}): {prediction.predicted} {prediction.probabilities[prediction.predicted]:.0%}"
