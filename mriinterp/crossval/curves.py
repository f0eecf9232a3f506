"""The figures of a training: learning curves, ROC with its band, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.base.errors import capital
from mriinterp.crossval.baselines import BASELINES
from mriinterp.crossval.calibration import calibration_bins
from mriinterp.training.loop import History

__all__ = ["calibration_figure", "learning_figure", "roc_figure", "sets_figure"]

DRAWS, POINTS = 400, 101
MARGIN = {"t": 20, "b": 50}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b7280")

TINTS = (("#0072b2", "#66aad1", "#b3d5e8"), ("#d55e00", "#e69e66", "#f2cfb3"))  # of a group: training, validation, test


def _curve(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return sensitivity at evenly spaced false positive rates."""
    from sklearn.metrics import roc_curve

    wrong, right, _ = roc_curve(labels, scores, sample_weight=weights)
    return np.interp(np.linspace(0, 1, POINTS), wrong, right)


def roc_figure(inside: pd.DataFrame) -> go.Figure:
    """Return sensitivity over false positive rate: all folds together with a band by patients, each fold, baselines.

    Parameters
    ----------
    inside : DataFrame
        Rows of ``predictions.tsv`` out of fold.
    """
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
            figure.add_scatter(
                x=rate, y=curve, mode="lines", name=f"fold {fold}", line={"width": 1, "color": "#9ca3af"}
            )
    figure.add_scatter(
        x=rate, y=_curve(labels, scores), mode="lines", name="together", line={"color": "#0072b2", "width": 3}
    )
    for name, words in BASELINES.items():
        if name in inside:
            curve = _curve(labels, inside[name].to_numpy())
            figure.add_scatter(x=rate, y=curve, mode="lines", name=words, line={"dash": "dot"})
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="chance", line={"dash": "dash", "color": "#9ca3af"})
    return figure.update_layout(
        xaxis_title="Healthy scans called ill / share",
        yaxis_title="Ill scans called ill / share",
        height=480,
        margin=MARGIN,
    )


def learning_figure(histories: Mapping[str, History], epochs: int | None = None) -> go.Figure:
    """Return cross-entropy over epochs, training dotted, validation a line, a dot where weights are kept.

    Parameters
    ----------
    histories : mapping of str to History
        By name of the fold.
    epochs : int, optional
        Reach of the axis; default: as many as there are.
    """
    figure = go.Figure()
    for at, (name, history) in enumerate(histories.items()):
        colour = COLOURS[at % len(COLOURS)]
        x = list(range(1, len(history.train_loss) + 1))
        kept = {"x": x, "mode": "lines+markers" if len(x) == 1 else "lines", "legendgroup": name}
        figure.add_scatter(
            y=history.train_loss, name=f"{name}, training", line={"color": colour, "dash": "dot"}, **kept
        )
        figure.add_scatter(y=history.validation_loss, name=f"{name}, validation", line={"color": colour}, **kept)
        if x:
            figure.add_scatter(
                x=[history.best + 1], y=[history.validation_loss[history.best]], mode="markers", showlegend=False,
                marker={"color": colour, "size": 9}, hovertext=f"{name}: kept", legendgroup=name,
            )  # fmt: skip
    axis: dict[str, Any] = {"title": {"text": "Epoch"}, "dtick": 1 if (epochs or 99) <= 12 else None}
    if epochs:
        axis["range"] = [0.5, epochs + 0.5]
    return figure.update_layout(xaxis=axis, yaxis_title="Cross-entropy", height=400, margin=MARGIN)


def calibration_figure(inside: pd.DataFrame) -> go.Figure:
    """Return the share of ill scans over their mean probability, before and after the temperature; as `roc_figure`."""
    figure = go.Figure()
    for column, name in (("probability", "as it is"), ("probability_calibrated", "after temperature")):
        bins = calibration_bins(inside[column], inside["label"])
        figure.add_scatter(x=bins["probability"], y=bins["ill"], mode="lines+markers", name=name)
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="Perfect", line={"dash": "dash", "color": "#9ca3af"})
    return figure.update_layout(
        xaxis_title="Mean probability", yaxis_title="Share of ill scans", height=400, margin=MARGIN
    )


def sets_figure(sets: pd.DataFrame) -> go.Figure:
    """Return the scans of each fold by set and group, as bars that follow each other.

    Parameters
    ----------
    sets : DataFrame
        A row a fold; columns "SET, GROUP", as `mriinterp.crossval.train_check.TrainCheck` has them.
    """
    figure = go.Figure()
    groups = list(dict.fromkeys(column.partition(", ")[2] for column in sets.columns))
    names = list(dict.fromkeys(column.partition(", ")[0] for column in sets.columns))
    for column in sets.columns:
        name, _, group = column.partition(", ")
        figure.add_bar(
            y=list(map(capital, sets.index)), x=sets[column], orientation="h", name=capital(column), textposition="inside", insidetextanchor="middle",
            text=[str(n) if n else "" for n in sets[column]], hovertemplate=f"%{{y}}, {column}: %{{x}}<extra></extra>",
            marker={"color": TINTS[groups.index(group)][names.index(name)]},
        )  # fmt: skip
    return figure.update_layout(
        barmode="stack", height=150 + 46 * len(sets), margin={"t": 10, "b": 40}, yaxis={"autorange": "reversed"},
        xaxis_title="Scans", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    )  # fmt: skip
