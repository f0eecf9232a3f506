"""The page about a training: curves, ROC, calibration, confusion, baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.crossval.baselines import BASELINES
from mriinterp.crossval.calibration import calibration_bins
from mriinterp.crossval.fold import FittedFold
from mriinterp.crossval.folds import HELD_OUT, RULE
from mriinterp.crossval.measures import NETWORK, POOLED, confusion_table
from mriinterp.crossval.presets import Preset
from mriinterp.export.report import Report
from mriinterp.figures.colours import format_value
from mriinterp.study import TableStudy

__all__ = ["training_report"]

DRAWS, POINTS = 400, 101
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
        See `mriinterp.crossval.measures.measures_table`.
    verdicts : sequence of str
    failed : mapping of str to str
        Scans that were left out, and why.
    """
    inside = predictions[predictions["fold"] != HELD_OUT]
    page = Report(f"Training: {study.title}", f"{len(fitted)} folds; {preset.label}", simulated=study.simulated)
    beaten = all("does better" in text for text in verdicts)
    page.text("Does the network beat simple models?", *verdicts, warning=not beaten)
    _leak(page, measures)
    page.table("Out of fold, all folds together", _values(measures, POOLED), _interval_words(inside))
    if (predictions["fold"] == HELD_OUT).any():
        caption = "Patients that no network and no choice has seen; the mean margin of all folds' networks."
        page.table("Test set, held out", _values(measures, HELD_OUT), caption)
    page.table("By fold", _by_fold(measures))
    page.figure("ROC", _roc(inside), "Out of fold. Band: 95 % of draws of patients.")
    page.figure("Learning", _learning(fitted), "Cross-entropy by epoch; dots: the epoch whose weights were kept.")
    page.figure("Calibration", _calibration(inside), "Fifths of the scans by probability; share of ill scans in each.")
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
        numbers = f"AUC {row.value:.3f} (95 % CI {row.low:.3f}–{row.high:.3f})"
        if row.low > 0.5:
            text = f"A network trained on permuted labels is ABOVE chance: {numbers}. Something leaks between folds."
        else:
            text = f"A network trained on permuted labels falls to chance: {numbers}."
        page.text("Leakage", text, warning=row.low > 0.5)


def _interval_words(inside: pd.DataFrame) -> str:
    return (
        f"{len(inside)} scans of {inside['subject'].nunique()} patients, each judged by the network that never saw the "
        "patient. 95 % intervals by a bootstrap over patients."
    )


def _text(row) -> str:
    if not np.isfinite(row.low):
        return format_value(row.value) if np.isfinite(row.value) else "not defined"
    return f"{row.value:.3f} ({row.low:.3f}–{row.high:.3f})"


def _values(measures: pd.DataFrame, where: str) -> pd.DataFrame:
    part = measures[measures["set"] == where]
    names = {NETWORK: "network", **BASELINES}
    table = pd.DataFrame({"measure": list(WORDS.values())})
    for what, words in names.items():
        rows = {row.measure: _text(row) for row in part[part["classifier"] == what].itertuples()}
        if rows:
            table[words] = [rows.get(name, "") for name in WORDS]
    return table


def _by_fold(measures: pd.DataFrame) -> pd.DataFrame:
    part = measures[(measures["classifier"] == NETWORK) & ~measures["set"].isin((POOLED, HELD_OUT))]
    table = pd.DataFrame({"measure": list(WORDS.values())})
    for where, fold in part.groupby("set"):
        rows = {row.measure: _text(row) for row in fold.itertuples()}
        table[f"fold {where}"] = [rows.get(name, "") for name in WORDS]
    return table


def _curve(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return sensitivity at evenly spaced false positive rates."""
    from sklearn.metrics import roc_curve

    wrong, right, _ = roc_curve(labels, scores, sample_weight=weights)
    return np.interp(np.linspace(0, 1, POINTS), wrong, right)


def _roc(inside: pd.DataFrame) -> go.Figure:
    rate = np.linspace(0, 1, POINTS)
    labels, scores = inside["label"].to_numpy(), inside["margin"].to_numpy()
    _, of = np.unique(inside["subject"], return_inverse=True)
    rng, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS):
        weights = rng.multinomial(of.max() + 1, np.full(of.max() + 1, 1 / (of.max() + 1)))[of].astype(float)
        if weights[labels == 1].any() and weights[labels == 0].any():
            drawn.append(_curve(labels, scores, weights))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    figure = go.Figure()
    band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=rate, y=low, **band)
    figure.add_scatter(x=rate, y=high, fill="tonexty", fillcolor="rgba(0,114,178,.18)", **band)
    for fold, part in inside.groupby("fold"):
        if part["label"].nunique() == 2:
            curve = _curve(part["label"].to_numpy(), part["margin"].to_numpy())
            figure.add_scatter(x=rate, y=curve, mode="lines", name=f"fold {fold}", line={"width": 1}, opacity=0.6)
    figure.add_scatter(
        x=rate, y=_curve(labels, scores), mode="lines", name="together", line={"color": "#0072b2", "width": 3}
    )
    for name, words in BASELINES.items():
        if name in inside:
            curve = _curve(labels, inside[name].to_numpy())
            figure.add_scatter(x=rate, y=curve, mode="lines", name=words, line={"dash": "dot"})
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="chance", line={"dash": "dash", "color": "#9ca3af"})
    return figure.update_layout(
        xaxis_title="healthy scans called ill / share", yaxis_title="ill scans called ill / share", height=520
    )


def _learning(fitted: Sequence[FittedFold]) -> go.Figure:
    figure = go.Figure()
    colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
    for at, fold in enumerate(fitted):
        history, colour = fold.history, colours[at % len(colours)]
        epochs = list(range(1, len(history.train_loss) + 1))
        named = f"fold {fold.round.number}"
        figure.add_scatter(
            x=epochs,
            y=history.train_loss,
            name=f"{named}, training",
            mode="lines",
            line={"color": colour, "dash": "dot"},
        )
        figure.add_scatter(
            x=epochs, y=history.validation_loss, name=f"{named}, validation", mode="lines", line={"color": colour}
        )
        figure.add_scatter(
            x=[history.best + 1], y=[history.validation_loss[history.best]], mode="markers", showlegend=False,
            marker={"color": colour, "size": 9}, hovertext=f"{named}: kept",
        )  # fmt: skip
    return figure.update_layout(xaxis_title="epoch", yaxis_title="cross-entropy", height=420)


def _calibration(inside: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for column, name in (("probability", "as it is"), ("probability_calibrated", "after temperature")):
        bins = calibration_bins(inside[column], inside["label"])
        figure.add_scatter(x=bins["probability"], y=bins["ill"], mode="lines+markers", name=name)
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"dash": "dash", "color": "#9ca3af"})
    return figure.update_layout(xaxis_title="mean probability", yaxis_title="share of ill scans", height=420)
