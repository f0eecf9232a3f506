"""Averages of a cohort that was explained out of fold: one a fold, and how alike the folds are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mriinterp.cohort.pooled import OUT_OF_FOLD
from mriinterp.study import Study
from mriinterp.study.seen import sets_of_fold
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.cohort.averages import StudyView, open_result
from mriinterp.ui.cohort.data import View

__all__ = ["OUT_OF_FOLD", "fold_folders", "is_of_fold", "out_of_fold_folder", "scans_out_of_fold", "show_agreement"]

FOLDER = "out_of_fold"


def out_of_fold_folder(study: Study) -> Path | None:
    """Return where the pages keep a study's cohort that is explained out of fold; None for a study without a folder."""
    return None if study.output is None else study.output / FOLDER


def fold_folders(study: Study) -> dict[str, Path]:
    """Return the averages that are there of all folds together, and of each fold, by its name."""
    folder = out_of_fold_folder(study)
    if folder is None or not study.folds:
        return {}
    known = {OUT_OF_FOLD: folder} | {name: folder / f"fold{number}" for number, name in enumerate(study.folds, 1)}
    return {name: path for name, path in known.items() if (path / "run.json").is_file()}


def scans_out_of_fold(study: Study) -> list[str]:
    """Return the scans that some fold never saw; empty unless the cards of all folds say which they saw."""
    found: list[str] = []
    for recipe in study.folds.values():
        sets = sets_of_fold(recipe)
        if sets is None:
            return []
        found += [name for name in sets["test"] if name in study.subjects.index]
    return found


def is_of_fold(study: Study, view: View) -> bool:
    """Return whether averages are those of all folds together, or of one."""
    return isinstance(view, StudyView) and Path(view.result.folder) in fold_folders(study).values()


def show_agreement(study: Study, view: View, method: str) -> None:
    """Show how alike the averages of the folds are; nothing for other averages."""
    folder = out_of_fold_folder(study)
    if folder is None or not is_of_fold(study, view):
        return
    pooled = open_result(folder)
    words = (
        pooled.agreement_words(method) if pooled and method in pooled.methods else "The other folds are not there yet."
    )
    st.markdown(
        f":blue-badge[:material/visibility_off: Out of fold] {escape_markdown(words)}",
        help="Every scan is explained by the network that never saw its patient. Agreement of the folds’ averages: of the "
        "areas’ mean shares, and of the mean maps’ voxels in the brain. 1: full agreement.",
    )
