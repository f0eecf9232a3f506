"""What a cross-validation has found, in numbers: network and baselines, by fold and together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.crossval.baselines import BASELINES
from mriinterp.crossval.calibration import brier, calibration_slope
from mriinterp.crossval.folds import HELD_OUT
from mriinterp.stats.patients import PatientBootstrap

__all__ = ["NETWORK", "POOLED", "confusion_table", "measures_table", "verdicts"]

NETWORK, POOLED = "network", "pooled"
AGE_BANDS = (0, 60, 70, 80, 200)


def _rows(what: str, where: str, part: pd.DataFrame, column: str) -> list[dict]:
    if part["label"].nunique() < 2:
        return []
    found = PatientBootstrap(part["subject"], part["label"]).measure(part[column])
    said = {"classifier": what, "scans": len(part), "patients": part["subject"].nunique(), "set": where}
    rows = [{**said, "measure": name, "value": e.value, "low": e.low, "high": e.high} for name, e in found.items()]
    labels = next(row for row in rows if row["measure"] == "balanced_accuracy")
    return [*rows, {**labels, "measure": "auc_from_labels"}]  # one threshold: the area is the balanced accuracy


def _calibration(part: pd.DataFrame, where: str) -> list[dict]:
    said = {"classifier": NETWORK, "scans": len(part), "patients": part["subject"].nunique(), "set": where}
    values = {
        "brier": brier(part["margin"], part["label"]),
        "brier_calibrated": brier(part["margin"] / part["temperature"], part["label"]),
        "calibration_slope": calibration_slope(part["margin"], part["label"]),
        "calibration_slope_calibrated": calibration_slope(part["margin"] / part["temperature"], part["label"]),
        "temperature": float(part["temperature"].mean()),
    }
    return [{**said, "measure": name, "value": v, "low": np.nan, "high": np.nan} for name, v in values.items()]


def measures_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return every measure of network and baselines: in each fold, pooled over folds, and held out.

    Parameters
    ----------
    predictions : DataFrame
        A row a scan: subject, label, fold, margin, temperature, and a column
        of scores a baseline.

    Returns
    -------
    DataFrame
        Columns classifier, set (number of the fold, pooled, test), measure,
        value, low, high (95%, by patients), scans, patients.
    """
    inside = predictions[predictions["fold"] != HELD_OUT]
    parts = dict(list(inside.groupby("fold"))) | {POOLED: inside}
    held = predictions[predictions["fold"] == HELD_OUT]
    if len(held):
        parts[HELD_OUT] = held
    columns = {NETWORK: "margin", **{name: name for name in BASELINES if name in predictions}}
    rows: list[dict] = []
    for where, part in parts.items():
        for what, column in columns.items():
            rows += _rows(what, where, part, column)
        rows += _calibration(part, where)
    order = ["classifier", "set", "measure", "value", "low", "high", "scans", "patients"]
    return pd.DataFrame(rows)[order]


def verdicts(predictions: pd.DataFrame) -> list[str]:
    """Return a sentence a baseline on whether the network does better out of fold: by AUC, on the same patients."""
    inside = predictions[predictions["fold"] != HELD_OUT]
    draws = PatientBootstrap(inside["subject"], inside["label"])
    said = []
    for name, words in BASELINES.items():
        if name not in inside:
            continue
        d = draws.difference(inside["margin"], inside[name])
        difference, low, high = (decimals(v, 3, plus=True) for v in (d.value, d.low, d.high))
        numbers = f"difference of AUC {difference}, 95% CI {low} to {high}"
        if d.low > 0:
            said.append(f"The network does better than {words} ({numbers}).")
        elif d.high < 0:
            said.append(f"The network does WORSE than {words} ({numbers}).")
        else:
            said.append(f"The network does NOT do better than {words} as far as these patients tell ({numbers}).")
    return said


def confusion_table(predictions: pd.DataFrame, by: Sequence[str] = ("sex", "age", "site")) -> pd.DataFrame:
    """Return right and wrong decisions out of fold: all, and by sex, band of age and site where they are known."""
    inside = predictions[predictions["fold"] != HELD_OUT]
    parts: dict[str, pd.DataFrame] = {"all": inside}
    for name in by:
        if name not in inside:
            continue
        column = inside[name]
        if pd.api.types.is_numeric_dtype(column):
            column = pd.cut(column, AGE_BANDS, right=False).map(
                lambda b: f"{b.left:.0f}–{b.right - 1:.0f}" if b.right < AGE_BANDS[-1] else f"{b.left:.0f} and over"
            )
        for value, part in inside.groupby(column.astype(object).where(column.notna() & (column != "")), dropna=True):
            parts[f"{name} {value}"] = part
    return pd.DataFrame([{"scans of": name, **_counts(part)} for name, part in parts.items()])


def _counts(part: pd.DataFrame) -> Mapping[str, float]:
    ill, called = part["label"] == 1, part["margin"] > 0
    counts = {
        "ill, called ill": int((ill & called).sum()),
        "ill, called healthy": int((ill & ~called).sum()),
        "healthy, called healthy": int((~ill & ~called).sum()),
        "healthy, called ill": int((~ill & called).sum()),
    }
    share = {
        "sensitivity": counts["ill, called ill"] / ill.sum() if ill.any() else np.nan,
        "specificity": counts["healthy, called healthy"] / (~ill).sum() if (~ill).any() else np.nan,
    }
    return {**counts, **share}
