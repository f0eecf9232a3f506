"""Figures of a number against relevance per area: correlations of areas, and the people behind one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.base.errors import capital
from mriinterp.figures.area_bars import LINE, ROW_PX, peaks_of
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, plain, plain_area, wrap

__all__ = ["number_dots", "number_scatter"]

MARK = "#8b5cf6"  # neither group's


def number_dots(
    areas: pd.DataFrame, n: int = 12, *, chosen: str = "", peaks: pd.DataFrame | None = None, theme: str | None = None
) -> go.Figure:
    """Draw Spearman's ρ of the areas with the smallest p, with intervals.

    Parameters
    ----------
    areas : DataFrame
        Of `mriinterp.cohort.number_comparison.compare_number`: area, rho, low, high, p_fdr, smallest p first.
    n : int
    chosen : str
        The area that is shown beside; drawn larger and in the colour of a mark, as the colours of groups mean groups.
    peaks : DataFrame, optional
        Area table with peak_x, peak_y, peak_z for the clicks: every dot carries ``customdata`` of [area, x, y, z].
    """
    rows = areas[areas["rho"].notna()].head(n)
    names = rows["area"].astype(str).tolist()
    stars = ["" if not p < 0.05 else " *" for p in rows["p_fdr"]]
    figure = go.Figure(
        go.Scatter(
            x=rows["rho"].to_numpy(float), y=[plain_area(a) + s for a, s in zip(names, stars, strict=True)], mode="markers",
            marker={"size": [13 if a == chosen else 9 for a in names],
                    "color": [MARK if a == chosen else LINE for a in names]},
            error_x={"type": "data", "symmetric": False, "array": (rows["high"] - rows["rho"]).to_numpy(float),
                     "arrayminus": (rows["rho"] - rows["low"]).to_numpy(float), "color": LINE, "width": 4},
            customdata=peaks_of(peaks, names), selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
            hovertemplate="%{y}<br>ρ %{x:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": LINE, "width": 1})
    figure.update_layout(
        height=90 + ROW_PX * max(len(names), 3),
        margin={"l": 10, "r": 10, "t": 10, "b": 50},
        showlegend=False,
        xaxis={"title": {"text": "Spearman’s ρ, 95% interval; * FDR < 0.05"}, "range": [-1, 1]},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return apply_theme(figure, theme)


def number_scatter(
    values: pd.Series,
    numbers: pd.Series,
    groups: pd.Series,
    *,
    number: str,
    unit: str = "",
    names: tuple[str, ...] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw one dot a person: a number across, the mean relevance of a voxel of an area upwards.

    Parameters
    ----------
    values, numbers, groups : Series
        Of people; the name of `values` is the area.
    number, unit : str
        Name of the number; unit of relevance.
    names : tuple of str, optional
        Groups in the order of their colours.
    """
    figure = go.Figure()
    for order, group in enumerate(names or tuple(dict.fromkeys(groups))):
        rows = (groups == group).to_numpy()
        if rows.any():
            figure.add_trace(
                go.Scatter(
                    x=numbers[rows].to_numpy(float), y=values[rows].to_numpy(float), mode="markers", name=plain(group),
                    marker={"color": GROUP_COLOURS[order % len(GROUP_COLOURS)], "size": 8, "opacity": 0.85,
                            "line": {"width": 0.5, "color": "white"}},
                    text=[plain(person) for person in values.index[rows]], hovertemplate="%{text}<br>%{x:.3~g}, %{y:.3~g}",
                )
            )  # fmt: skip
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": plain(capital(number))}},
        yaxis={"title": {"text": f"{plain_area(str(values.name))}<br>{wrap(plain(unit or 'mean relevance of a voxel'), 40)}"},
               "exponentformat": "power", "automargin": True},
    )  # fmt: skip
    if not np.isfinite(values.to_numpy(float)).all():
        raise ValueError("expected finite values of every person, got NaN or infinity")
    return apply_theme(figure, theme)
