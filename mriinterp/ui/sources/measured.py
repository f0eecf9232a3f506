"""Where the measured figures of a study lie, read once and kept until they change."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.names import shortened
from mriinterp.results.home import default_folder
from mriinterp.trust.agreement import load_agreement
from mriinterp.trust.badge import badge_signs
from mriinterp.trust.findings import findings
from mriinterp.trust.kept_badges import SOURCES, BadgeFigures, badge_table_of, read_badge_figures, size_of_results
from mriinterp.trust.lights import best_words, ranked_methods
from mriinterp.trust.measure_registry import get_measure
from mriinterp.trust.results import COLUMNS, load_plan, load_results
from mriinterp.trust.summary import summary

__all__ = [
    "BROKEN",
    "agreement_table",
    "badge_table",
    "best_words_of",
    "findings_of",
    "known_folders",
    "may_be_measured",
    "measure_table",
    "measured",
    "of_network",
    "plan_of",
    "results_folder",
    "results_of",
    "signs_of",
    "single_folder",
    "table_of",
    "table_or_empty",
    "where_from",
]

logger = logging.getLogger(__name__)

BROKEN = (OSError, ValueError, KeyError, TypeError)  # what reading a damaged or half-written folder may raise
SHIPPED = Path(__file__).parents[2] / "trust" / "measured"  # the demo study's own benchmark


def results_folder(study: str, model: str = "") -> Path:
    """Return the folder of a study's benchmark on this computer; with the digest of a network, of that network alone."""
    mark = (
        study
        if study.isidentifier()
        else f"{shortened(Path(study).stem)}-{hashlib.sha256(study.encode()).hexdigest()[:8]}"
    )
    return default_folder() / "trust" / (f"{mark}-{model[:8]}" if model else mark)


def single_folder(study: str, model: str = "", like: dict[str, Any] | None = None) -> Path:
    """Return where the measures of single subjects are kept: they belong in no mean.

    Parameters
    ----------
    model : str
        Digest of the network: numbers of another one lie elsewhere.
    like : dict, optional
        Plan of the benchmark they are comparable with: those of other
        settings lie elsewhere, too.
    """
    own = results_folder(study)
    settings = {key: (like or {}).get(key) for key in ("settings", "reference_scans", "version")}
    mark = hashlib.sha256(json.dumps([model, settings], sort_keys=True).encode()).hexdigest()[:12]
    return own.with_name(f"{own.name}-subjects-{mark}")


def measured(study: str, model: str = "") -> Path | None:
    """Return the folder of the figures to show; None if nothing was measured.

    Of those of this computer and those shipped with the demo study, the ones
    taken with the network come first, then those with more subjects × methods.
    A folder without results (a benchmark that has just begun) or one that
    cannot be read does not count.

    Parameters
    ----------
    model : str
        Digest of the network that is looked at.
    """
    return next(iter(known_folders(study, model)), None)


def known_folders(study: str, model: str = "") -> list[Path]:
    """Return all folders with figures of a study, in the order of `measured`."""
    own = [results_folder(study, model), results_folder(study)] if model else [results_folder(study)]
    sizes = {folder: size_of(folder) for folder in (*own, SHIPPED / study)}
    known = [folder for folder, (people, methods) in sizes.items() if people * methods]
    known.sort(key=lambda folder: sizes[folder][0] * sizes[folder][1], reverse=True)
    return sorted(known, key=lambda folder: not of_network(plan_of(folder), model))


def may_be_measured(study: str) -> bool:
    """Return whether there is a folder of figures of a study, without reading it."""
    return any((folder / "plan.json").is_file() for folder in (results_folder(study), SHIPPED / study))


def of_network(plan: dict[str, Any], model: str | None) -> bool:
    """Return whether figures were taken with a network; True where either side does not say."""
    digest = (plan.get("model") or {}).get("sha256")
    return not model or digest is None or digest == model


def size_of(folder: Path) -> tuple[int, int]:
    """Return the subjects and methods that a folder has numbers of; (0, 0) where there are none."""
    if not (folder / "plan.json").is_file():
        return 0, 0
    try:
        stamp = stamp_of(folder)
        _plan(str(folder), stamp)
        return _size(str(folder), stamp)
    except BROKEN as error:
        logger.warning("the trust figures in %s cannot be read: %s", folder, error)
        return 0, 0


def where_from(folder: Path) -> str:
    """Return which figures are shown, in words."""
    people, methods = size_of(folder)
    place = "shipped with the package" if folder.parent == SHIPPED else "taken on this computer"
    return f"{place}: {people} subjects, {methods} methods"


def stamp_of(folder: Path) -> str:
    """Return a text that changes when the results of a folder do."""
    return file_stamp([*(folder / name for name in SOURCES), *sorted((folder / "units").rglob("*.json"))], read=0)


@st.cache_data(max_entries=8, show_spinner=False)
def _results(folder: str, stamp: str) -> pd.DataFrame:
    return load_results(folder)


@st.cache_data(max_entries=8, show_spinner=False)
def _summary(folder: str, stamp: str) -> pd.DataFrame:
    return summary(Path(folder), read=_results(folder, stamp))


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(folder: str, stamp: str) -> BadgeFigures | None:
    return read_badge_figures(Path(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _size(folder: str, stamp: str) -> tuple[int, int]:
    kept = _kept(folder, stamp)
    return size_of_results(_results(folder, stamp)) if kept is None else (kept.people, kept.methods)


@st.cache_data(max_entries=8, show_spinner=False)
def _badge_table(folder: str, stamp: str) -> pd.DataFrame:
    kept = _kept(folder, stamp)
    return badge_table_of(Path(folder), _results(folder, stamp)) if kept is None else kept.table


@st.cache_data(max_entries=8, show_spinner=False)
def _measure_table(folder: str, stamp: str, measure: str) -> pd.DataFrame:
    wanted = [(measure, quantity.name) for quantity in get_measure(measure).quantities]
    return summary(Path(folder), wanted, read=_results(folder, stamp))


@st.cache_data(max_entries=8, show_spinner=False)
def _plan(folder: str, stamp: str) -> dict:
    return load_plan(folder)


def results_of(folder: Path) -> pd.DataFrame:
    """Return every number of a folder, a row each."""
    return _results(str(folder), stamp_of(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _agreement(folder: str, stamp: str) -> pd.DataFrame:
    return load_agreement(folder)


def agreement_table(folder: Path | None) -> pd.DataFrame:
    """Return how alike maps of different methods are; empty where maps were not compared."""
    return _agreement("", "") if folder is None else _agreement(str(folder), stamp_of(folder))


def table_of(folder: Path) -> pd.DataFrame:
    """Return the summary of a folder."""
    return _summary(str(folder), stamp_of(folder))


def table_or_empty(folder: Path | None) -> pd.DataFrame:
    """Return `table_of`, or a table without rows where nothing was measured."""
    return summary(pd.DataFrame(columns=COLUMNS)) if folder is None else table_of(folder)


@st.cache_data(max_entries=8, show_spinner=False)
def _findings(folder: str, stamp: str) -> list[str]:
    return findings(_summary(folder, stamp))


def findings_of(folder: Path | None) -> list[str]:
    """Return the findings of a folder in sentences; none without one."""
    return [] if folder is None else _findings(str(folder), stamp_of(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _ranked(folder: str, stamp: str) -> list[tuple[str, int]]:
    return ranked_methods(_summary(folder, stamp))


@st.cache_data(max_entries=64, show_spinner=False)
def _best_words(folder: str, stamp: str, method: str) -> str:
    return best_words(_summary(folder, stamp), method, _ranked(folder, stamp))


def best_words_of(folder: Path | None, method: str) -> str:
    """Return which methods of a folder do best, and where one stands among them; "" without one."""
    return "" if folder is None else _best_words(str(folder), stamp_of(folder), method)


@st.cache_data(max_entries=64, show_spinner=False)
def _signs(folder: str, stamp: str, method: str) -> str:
    return badge_signs(_badge_table(folder, stamp), method)


def signs_of(folder: Path, method: str) -> str:
    """Return the marks of a method's findings in a folder: ``"✓✓✗"``."""
    return _signs(str(folder), stamp_of(folder), method)


def badge_table(folder: Path) -> pd.DataFrame:
    """Return the few rows of the summary that badges are made of: much less work than all."""
    return _badge_table(str(folder), stamp_of(folder))


def measure_table(folder: Path, measure: str) -> pd.DataFrame:
    """Return the rows of the summary that one measure has: much less work than all."""
    return _measure_table(str(folder), stamp_of(folder), measure)


def plan_of(folder: Path | None) -> dict:
    """Return the plan of the benchmark in a folder; empty without one."""
    return {} if folder is None else _plan(str(folder), stamp_of(folder))
