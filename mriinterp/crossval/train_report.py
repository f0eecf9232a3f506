"""The page about a training: curves, ROC, calibration, confusion, baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mriinterp.base.numerals import format_value
from mriinterp.crossval.baselines import BASELINES
from mriinterp.crossval.curves import calibration_figure, learning_figure, roc_figure
from mriinterp.crossval.fold import FittedFold
from mriinterp.crossval.folds import HELD_OUT, RULE
from mriinterp.crossval.presets import Preset
from mriinterp.crossval.train_measures import NETWORK, POOLED, confusion_table
from mriinterp.export.html_report import Report
from mriinterp.study import TableStudy

__all__ = ["measure_values", "training_report", "values_by_fold"]

WORDS = {
    "auc": "AUC",
    "auc_from_labels": "AUC from predicted labels (as published 2018)",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "brier": "Brier score (0 best, 0.25 a coin)",
    "brier_calibrated": "Brier score after temperature",
    "calibration_slope": "calibration slope (1 best, below 1 too sure)",
    "calibration_slope_calibrated": "calibration slope after temperature",
    "temperature": "temperature (fitted on validation scans)",
}


def training_report(
    study: TableStudy,
    preset: Preset,
    fitted: Sequence[FittedFold],
    predictions: pd.DataFrame,
    measures: pd.DataFrame,
    verdicts: Sequence[str],
    failed: Mapping[str, str],
) -> Report:
    """Return the report of a training as a page.

    Parameters
    ----------
    study : TableStudy
    preset : Preset
    fitted : sequence of FittedFold
    predictions, measures : DataFrame
        See `mriinterp.crossval.train_measures.measures_table`.
    verdicts : sequence of str
    failed : mapping of str to str
        Scans that were left out, and why.
    """
    inside = predictions[predictions["fold"] != HELD_OUT]
    page = Report(f"Training: {study.title}", f"{len(fitted)} folds; {preset.label}", simulated=study.simulated)
    beaten = all("does better" in text for text in verdicts)
    page.text("Does the network beat simple models?", *verdicts, warning=not beaten)
    _leak(page, measures)
    page.table("Out of fold, all folds together", measure_values(measures, POOLED), _interval_words(inside))
    if (predictions["fold"] == HELD_OUT).any():
        caption = "Patients that no network and no choice has seen; the mean margin of all folds' networks."
        page.table("Test set, held out", measure_values(measures, HELD_OUT), caption)
    page.table("By fold", values_by_fold(measures))
    page.figure("ROC", roc_figure(inside), "Out of fold. Band: 95% of draws of patients.")
    page.figure(
        "Learning",
        learning_figure({f"fold {one.round.number}": one.history for one in fitted}),
        "Cross-entropy by epoch; dots: the epoch whose weights were kept.",
    )
    page.figure(
        "Calibration", calibration_figure(inside), "Fifths of the scans by probability; share of ill scans in each."
    )
    page.table("Confusion, out of fold", confusion_table(predictions))
    facts = {
        "patients": int(predictions["subject"].nunique()),
        "scans": len(predictions),
        "held out": int((predictions["fold"] == HELD_OUT).sum()),
        "how patients are placed": RULE,
        "fitted inside each fold": "normalisation, mean training scan, temperature, baselines",
        "left out": dict(failed) or "nothing",
    }
    return page.facts("Data", facts)


def _leak(page: Report, measures: pd.DataFrame) -> None:
    rows = measures[measures["classifier"] == "network, permuted labels"]
    for row in rows.itertuples():
        numbers = f"AUC {row.value:.3f} (95% CI {row.low:.3f}–{row.high:.3f})"
        if row.low > 0.5:
            text = f"A network trained on permuted labels is ABOVE chance: {numbers}. Something leaks between folds."
        else:
            text = f"A network trained on permuted labels falls to chance: {numbers}."
        page.text("Leakage", text, warning=row.low > 0.5)


def _interval_words(inside: pd.DataFrame) -> str:
    return (
        f"{len(inside)} scans of {inside['subject'].nunique()} patients, each judged by the network that never saw the "
        "patient. 95% intervals by a bootstrap over patients."
    )


def _text(row) -> str:
    if not np.isfinite(row.low):
        return format_value(row.value) if np.isfinite(row.value) else "not defined"
    return f"{row.value:.3f} ({row.low:.3f}–{row.high:.3f})"


def measure_values(measures: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return the measures of network and baselines in a set, as text with intervals: a row a measure."""
    part = measures[measures["set"] == where]
    names = {NETWORK: "network", **BASELINES}
    table = pd.DataFrame({"measure": list(WORDS.values())})
    for what, words in names.items():
        rows = {row.measure: _text(row) for row in part[part["classifier"] == what].itertuples()}
        if rows:
            table[words] = [rows.get(name, "") for name in WORDS]
    return table


def values_by_fold(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the network's measures in each fold, as text with intervals: a row a measure."""
    part = measures[(measures["classifier"] == NETWORK) & ~measures["set"].isin((POOLED, HELD_OUT))]
    table = pd.DataFrame({"measure": list(WORDS.values())})
    for where, fold in part.groupby("set"):
        rows = {row.measure: _text(row) for row in fold.itertuples()}
        table[f"fold {where}"] = [rows.get(name, "") for name in WORDS]
    return table
