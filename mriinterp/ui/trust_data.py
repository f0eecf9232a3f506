"""Where the measured figures of a study lie, read once and kept until they change."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.store import default_folder
from mriinterp.trust.agreement import load_agreement
from mriinterp.trust.badge import BADGE
from mriinterp.trust.results import COLUMNS, load_plan, load_results, summary

__all__ = [
    "agreement_table",
    "badge_table",
    "measured",
    "plan_of",
    "results_folder",
    "results_of",
    "single_folder",
    "table_of",
    "table_or_empty",
]

SHIPPED = Path(__file__).parents[1] / "trust" / "measured"  # the demo study's own benchmark


def results_folder(study: str) -> Path:
    """Where this computer keeps the benchmark of a study."""
    mark = study if study.isidentifier() else f"{Path(study).stem}-{hashlib.sha256(study.encode()).hexdigest()[:8]}"
    return default_folder() / "trust" / mark


def single_folder(study: str) -> Path:
    """Where the measures of single subjects are kept: they belong in no mean."""
    own = results_folder(study)
    return own.with_name(f"{own.name}-subjects")


def measured(study: str) -> Path | None:
    """The folder of the figures to show: those of this computer, else those shipped with the demo study."""
    own, shipped = results_folder(study), SHIPPED / study
    return next((folder for folder in (own, shipped) if (folder / "plan.json").is_file()), None)


def stamp_of(folder: Path) -> float:
    """A number that changes when the results of a folder do."""
    files = [
        folder / "plan.json",
        folder / "trust_results.csv",
        folder / "agreement.json",
        *(folder / "units").rglob("*.json"),
    ]
    return max((path.stat().st_mtime for path in files if path.is_file()), default=0.0)


@st.cache_data(max_entries=8, show_spinner=False)
def _results(folder: str, stamp: float) -> pd.DataFrame:
    return load_results(folder)


@st.cache_data(max_entries=8, show_spinner=False)
def _summary(folder: str, stamp: float) -> pd.DataFrame:
    return summary(Path(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _badge_table(folder: str, stamp: float) -> pd.DataFrame:
    results = _results(folder, stamp)
    pairs = list(zip(results["measure"], results["quantity"], strict=True))
    return summary(results[[pair in BADGE for pair in pairs]])


@st.cache_data(max_entries=8, show_spinner=False)
def _plan(folder: str, stamp: float) -> dict:
    return load_plan(folder)


def results_of(folder: Path) -> pd.DataFrame:
    """Every number of a folder, a row each."""
    return _results(str(folder), stamp_of(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _agreement(folder: str, stamp: float) -> pd.DataFrame:
    return load_agreement(folder)


def agreement_table(folder: Path | None) -> pd.DataFrame:
    """How alike maps of different methods are; empty where maps were not compared."""
    return _agreement("", 0.0) if folder is None else _agreement(str(folder), stamp_of(folder))


def table_of(folder: Path) -> pd.DataFrame:
    """The summary of a folder."""
    return _summary(str(folder), stamp_of(folder))


def table_or_empty(folder: Path | None) -> pd.DataFrame:
    """`table_of`, or a table without rows where nothing was measured."""
    return summary(pd.DataFrame(columns=COLUMNS)) if folder is None else table_of(folder)


def badge_table(folder: Path) -> pd.DataFrame:
    """The few rows of the summary that badges are made of: much less work than all."""
    return _badge_table(str(folder), stamp_of(folder))


def plan_of(folder: Path) -> dict:
    """What the benchmark of a folder was asked to do."""
    return _plan(str(folder), stamp_of(folder))
