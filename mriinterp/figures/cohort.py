"""Figures of how subjects and groups differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import scipy
from plotly.subplots import make_subplots

from mriinterp.base.errors import capital
from mriinterp.base.numerals import decimals, format_value
from mriinterp.figures.area_bars import LINE, ROW_PX, peaks_of
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, plain, plain_area

__all__ = ["effect_bars", "outliers", "subjects_heatmap"]

STRIP_PX = 34
OUTLIER = 3.5  # robust standard deviations (Iglewicz & Hoaglin 1993)
SIGNIFICANT = 0.05
DIVERGING = [[0, "#2166ac"], [0.25, "#92c5de"], [0.5, "#f7f7f7"], [0.75, "#f4a582"], [1, "#b2182b"]]


def outliers(values: pd.DataFrame, groups, limit: float = OUTLIER) -> pd.DataFrame:
    """Return subjects whose areas lie far from the median of their group.

    Parameters
    ----------
    values : DataFrame, shape (subjects, areas)
    groups : sequence of subjects
    limit : float
        In robust standard deviations (1.4826 × median absolute deviation).

    Returns
    -------
    DataFrame, shape (subjects, 2)
        ``distance``, Euclidean, from the median of its group;
        ``score``, how far that is from the group's usual distance, in robust
        standard deviations; ``outlier``. Groups of fewer than three members
        have no outliers.
    """
    groups = np.asarray(groups)
    if len(groups) != len(values):
        raise ValueError(f"expected one group a subject, got {len(groups)} for {len(values)} subjects")
    data = np.nan_to_num(values.to_numpy(float))
    distance, score = np.zeros(len(values)), np.zeros(len(values))
    for group in pd.unique(groups):
        rows = np.flatnonzero(groups == group)
        own = np.linalg.norm(data[rows] - np.median(data[rows], axis=0), axis=1)
        distance[rows] = own
        spread = 1.4826 * np.median(np.abs(own - np.median(own)))
        if len(rows) >= 3 and spread > 0:
            score[rows] = (own - np.median(own)) / spread
    return pd.DataFrame({"distance": distance, "score": score, "outlier": score > limit}, index=values.index)


def subjects_heatmap(
    values: pd.DataFrame,
    groups,
    *,
    n: int = 30,
    standardise: bool = True,
    cluster: bool = True,
    quantity: str = "share of relevance",
    names: tuple[str, ...] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw areas × subjects, similar ones beside each other.

    Parameters
    ----------
    values : DataFrame, shape (subjects, areas)
        Index: subjects; columns: areas.
    groups : sequence of subjects
        Colours of the strip above.
    n : int
        Areas with the largest mean.
    standardise : bool
        Show each area as standard deviations from its mean over all subjects;
        otherwise the values, in percent.
    cluster : bool
        Order subjects within their group, and areas, by average linkage; otherwise as given.
    quantity : str
        What a value is.
    names : tuple of str, optional
        Groups in the order of their colours; None: by the alphabet.

    Returns
    -------
    plotly.graph_objects.Figure
        Cells carry ``customdata`` of [subject, area]; ▼ marks outliers of
        their group (`outliers`).
    """
    groups = np.asarray(groups)
    odd = outliers(values, groups)
    top = values.mean().sort_values(ascending=False, kind="stable").index[:n]
    shown = values[top].astype(float)
    if standardise:
        deviation = shown.std(ddof=1)
        shown = (shown - shown.mean()) / deviation.where(deviation > 0, 1.0)
    data = shown.fillna(0.0).to_numpy()
    columns = np.arange(len(data))
    if cluster:
        columns = np.concatenate([rows[_order(data[rows])] for rows in _by_group(groups)])
        top = top[_order(data.T)]
    picture = shown.iloc[columns][top].T
    subjects = [str(s) for s in picture.columns]
    height = ROW_PX // 3 * 2 * max(len(top), 5)
    share = STRIP_PX / (STRIP_PX + height)
    figure = make_subplots(
        rows=2, cols=1, row_heights=[share, 1 - share], shared_xaxes=True, vertical_spacing=4 / (STRIP_PX + height)
    )
    names = names or tuple(sorted(pd.unique(groups), key=str))
    _strip(figure, subjects, groups[columns], odd.iloc[columns], names)
    factor, bar = _heat(standardise, quantity)
    figure.add_trace(
        go.Heatmap(
            z=(picture.to_numpy() * factor).astype(np.float32),
            x=[plain(subject) for subject in subjects],
            y=[plain_area(area) for area in top],
            customdata=[[[subject, str(area)] for subject in subjects] for area in top],
            hovertemplate="%{x}<br>%{y}: %{z:.2f}<extra></extra>",
            **bar,
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False, row=2, col=1)
    figure.update_yaxes(visible=False, range=[-0.6, 1.8], row=1, col=1)
    figure.update_xaxes(showgrid=False, showticklabels=len(subjects) <= 60, tickangle=-90, row=2, col=1)
    figure.update_xaxes(showgrid=False, zeroline=False, row=1, col=1)
    figure.update_layout(
        height=150 + STRIP_PX + height,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        clickmode="event+select",
    )
    return apply_theme(figure, theme)


def _heat(standardise: bool, quantity: str) -> tuple[float, dict]:
    if standardise:
        title = f"{capital(quantity)}:<br>standard deviations from<br>the mean of all subjects"
        return 1.0, {
            "zmin": -3, "zmax": 3, "colorscale": DIVERGING,
            "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 14},
        }  # fmt: skip
    bar = {"title": {"text": f"{capital(quantity)} / %", "side": "right"}, "thickness": 14}
    return 100.0, {"zmin": 0, "colorscale": "Viridis", "colorbar": bar}


def _by_group(groups: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(groups == group) for group in pd.unique(groups)]


def _order(data: np.ndarray) -> np.ndarray:
    """Order rows by an average-linkage tree, similar ones beside each other."""
    if len(data) < 3:
        return np.arange(len(data))
    hierarchy = scipy.cluster.hierarchy
    return hierarchy.leaves_list(hierarchy.linkage(data, "average", optimal_ordering=len(data) <= 300))


def _strip(figure: go.Figure, subjects: list[str], groups: np.ndarray, odd: pd.DataFrame, names) -> None:
    """Draw a square a subject in its group's colour, and a mark above outliers."""
    for number, group in enumerate(names):
        own = [s for s, g in zip(subjects, groups, strict=True) if g == group]
        figure.add_trace(
            go.Scatter(
                x=[plain(s) for s in own], y=[0] * len(own), mode="markers", name=f"{plain(group)} (n = {len(own)})", customdata=[[s] for s in own],
                marker={"symbol": "square", "size": 10, "color": GROUP_COLOURS[number % len(GROUP_COLOURS)]},
                hovertemplate=f"%{{x}}<extra>{plain(group)}</extra>",
            ), row=1, col=1,
        )  # fmt: skip
    marked = [(s, float(v)) for s, o, v in zip(subjects, odd["outlier"], odd["score"], strict=True) if o]
    figure.add_trace(
        go.Scatter(
            x=[plain(s) for s, _ in marked], y=[1] * len(marked), mode="markers", name="far from its group",
            customdata=[[s] for s, _ in marked], text=[decimals(v, 1) for _, v in marked], showlegend=bool(marked),
            marker={"symbol": "triangle-down", "size": 9, "color": LINE},
            hovertemplate="%{x}: %{text} robust standard deviations farther than usual<extra></extra>",
        ), row=1, col=1,
    )  # fmt: skip


def effect_bars(
    comparison: pd.DataFrame,
    names: tuple[str, str],
    n: int = 20,
    *,
    peaks: pd.DataFrame | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw Hedges' g of the areas that differ most, with confidence intervals; filled where FDR < 0.05.

    Parameters
    ----------
    comparison : DataFrame
        Of `mriinterp.stats.compare_groups`.
    names : tuple of 2 str
        Names of group a and b: g is positive where a has more.
    n : int
    peaks : DataFrame, optional
        Area table; ``customdata`` is [area, x, y, z] as in `mriinterp.figures.area_bars`.
    """
    order = comparison["g"].abs().sort_values(ascending=False, kind="stable").index[:n]
    rows = comparison.loc[order].sort_values("g", ascending=False, kind="stable")
    found = (rows["p_fdr"] < SIGNIFICANT).to_numpy()
    g = rows["g"].to_numpy(float)
    colour = np.where(g >= 0, GROUP_COLOURS[0], GROUP_COLOURS[1])
    figure = go.Figure(
        go.Scatter(
            x=g,
            y=[plain_area(area) for area in rows["area"]],
            mode="markers",
            customdata=peaks_of(peaks, rows["area"].astype(str).tolist()),
            text=[f"p (FDR) = {format_value(p, 2)}" for p in rows["p_fdr"]],
            marker={
                "size": 11, "color": colour, "symbol": np.where(found, "circle", "circle-open").tolist(),
                "line": {"color": colour, "width": 2},
            },
            error_x={"type": "data", "symmetric": False, "array": rows["g_high"] - g, "arrayminus": g - rows["g_low"],
                     "color": LINE, "width": 3},
            hovertemplate="%{y}<br>g = %{x:.2f}<br>%{text}<extra></extra>",
            showlegend=False,
        )
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": LINE, "width": 1})
    words = f"Hedges' g, {names[0]} − {names[1]}", "in standard deviations, 95% intervals", "● FDR < 0.05 · ○ not"
    figure.update_layout(
        height=110 + ROW_PX * max(len(rows), 3),
        margin={"l": 10, "r": 10, "t": 20, "b": 70},
        xaxis={"title": {"text": "<br>".join(plain(line) for line in words)}},
        yaxis={"autorange": "reversed", "automargin": True},
        clickmode="event+select",
    )
    return apply_theme(figure, theme)
