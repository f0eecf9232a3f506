"""Averages of a cohort that was explained out of fold: one a fold, and how alike the folds are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.base.tables import read_tsv
from mriinterp.study import Study
from mriinterp.study.seen import sets_of_fold
from mriinterp.ui.cohort_data import View
from mriinterp.ui.cohort_study import StudyView
from mriinterp.ui.words import escape_markdown

__all__ = ["OUT_OF_FOLD", "fold_folders", "is_of_fold", "out_of_fold_folder", "scans_out_of_fold", "show_agreement"]

OUT_OF_FOLD = "out of fold"
FOLDER, AGREEMENT = "out_of_fold", "agreement.tsv"


def out_of_fold_folder(study: Study) -> Path | None:
    """Return where the pages keep a study's cohort that is explained out of fold; None for a study without a folder."""
    return None if study.output is None else study.output / FOLDER


def fold_folders(study: Study) -> dict[str, Path]:
    """Return the averages of each fold that are there, by its name."""
    folder = out_of_fold_folder(study)
    if folder is None or not study.folds:
        return {}
    known = {name: folder / f"fold{number}" for number, name in enumerate(study.folds, 1)}
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
    """Return whether averages are those of a fold."""
    return isinstance(view, StudyView) and Path(view.result.folder) in fold_folders(study).values()


@st.cache_data(max_entries=8, show_spinner=False)
def _agreement(path: str, stamp: int) -> pd.DataFrame:
    return read_tsv(Path(path), text=("method", "group"))


def show_agreement(study: Study, view: View, method: str) -> None:
    """Show how alike the averages of the folds are; nothing for other averages."""
    folder = out_of_fold_folder(study)
    if folder is None or not is_of_fold(study, view):
        return
    path, words = folder / AGREEMENT, "The other folds are not there yet."
    if path.is_file():
        table = _agreement(str(path), path.stat().st_mtime_ns)
        rows = table[table["method"] == method]
        parts = [
            f"**{escape_markdown(row.group)}** ICC of area shares {row.icc:.2f}, ρ of mean maps {row.rho:.2f}"
            for row in rows.itertuples()
        ]
        words = f"Agreement of {rows['folds'].max():.0f} folds: {' · '.join(parts)}" if parts else ""
    st.markdown(
        f":blue-badge[:material/visibility_off: Out of fold] {words}",
        help="Every scan is explained by the network that never saw its patient. 1: the folds say the same.",
    )
