"""Relevance per area of groups and of several maps, as bars beside each other.

Every bar carries ``customdata`` of [area, x, y, z] as in `mriinterp.figures.area_bars`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.figures.area_bars import HOVER_PLACE, LINE, ROW_PX, peaks_of, places, quantity_label
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, plain, plain_area, wrap

__all__ = ["group_bars", "method_bars"]

TITLE_LETTERS = 56  # of a line below the narrowest chart
SCANS_SHARES = "Mean of the scans' shares of relevance / %"


def group_bars(
    comparison: pd.DataFrame,
    names: tuple[str, str],
    n: int = 10,
    *,
    values: pd.DataFrame | None = None,
    groups=None,
    peaks: pd.DataFrame | None = None,
    quantity: str = "share",
    unit: str = "",
    areas: list[str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw the areas of two groups beside each other, with confidence intervals and a dot for each subject.

    Parameters
    ----------
    comparison : DataFrame
        Of `mriinterp.stats.group_means` or `compare_groups`: area, mean_a,
        low_a, high_a, n_a, mean_b, low_b, high_b, n_b; with p_fdr, areas that
        differ have a star.
    names : tuple of 2 str
        Names of group a and b.
    n : int
        The areas with the largest mean in either group.
    values : DataFrame, shape (subjects, areas), optional
        Drawn as dots; columns named by area, the index names subjects.
    groups : sequence, optional
        Group of every row of `values`.
    peaks : DataFrame, optional
        Area table with peak_x, peak_y, peak_z for the clicks.
    quantity, unit : str
        What the values are; shares, those of the scans, are shown in percent.
    areas : list of str, optional
        These areas instead of the `n` largest.
    """
    factor = 100 if quantity == "share" else 1
    rows = comparison.set_index(comparison["area"].astype(str))
    if areas is None:
        size = rows[["mean_a", "mean_b"]].abs().max(axis=1).dropna()
        areas = size.sort_values(ascending=False, kind="stable").index[:n].tolist()
    missing = [area for area in areas if area not in rows.index]
    if missing:
        raise KeyError(f"expected areas of the comparison, got {missing}; available: {', '.join(rows.index[:10])} …")
    rows = rows.loc[areas]
    where = peaks_of(peaks, areas)
    figure = go.Figure()
    at = np.arange(len(areas), dtype=float)
    for side, name, colour, offset in zip("ab", names, GROUP_COLOURS, (-0.2, 0.2), strict=False):
        mean = rows[f"mean_{side}"].to_numpy(float) * factor
        low, high = (rows[f"{end}_{side}"].to_numpy(float) * factor for end in ("low", "high"))
        count = int(rows[f"n_{side}"].max()) if len(rows) else 0
        hover = (
            f"{plain(name)}: %{{x:.3~g}}{'%' if factor == 100 else ''}<br>{HOVER_PLACE}<extra>%{{hovertext}}</extra>"
        )
        figure.add_trace(
            go.Bar(
                x=mean, y=at + offset, width=0.36, orientation="h", name=f"{plain(name)} (n = {count})", opacity=0.75, hovertext=[plain_area(area) for area in areas],
                marker={"color": colour}, customdata=where, hovertemplate=hover,
                error_x={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low, "width": 4,
                         "color": LINE},
            )
        )  # fmt: skip
        if values is not None:
            figure.add_trace(_dots(values[np.asarray(groups) == name], areas, at + offset, factor, colour, name))
    tested = "p_fdr" in rows
    stars = rows["p_fdr"].to_numpy(float) < 0.05 if tested else np.zeros(len(rows), bool)
    ticks = [plain_area(area) + (" *" if star else "") for area, star in zip(areas, stars, strict=True)]
    label = SCANS_SHARES if quantity == "share" else quantity_label(quantity, unit)
    figure.update_layout(
        height=110 + 2 * ROW_PX * max(len(areas), 2),
        margin={"l": 10, "r": 10, "t": 30, "b": 60},
        clickmode="event+select",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        yaxis={"tickvals": at, "ticktext": ticks, "range": [len(areas) - 0.5, -0.5], "automargin": True},
        xaxis={
            "title": {
                "text": f"{wrap(plain(label), TITLE_LETTERS)}<br>bars: mean and 95% interval{'; * FDR < 0.05' if tested else ''}"
            }
        },
    )
    return apply_theme(figure, theme)


def _dots(values: pd.DataFrame, areas: list[str], at, factor: float, colour: str, name: str) -> go.Scatter:
    """Return one dot a subject; customdata [area, subject]."""
    data = values[areas].to_numpy(float) * factor
    spread = np.linspace(-0.12, 0.12, len(data)) if len(data) > 1 else np.zeros(len(data))
    y = at[None, :] + spread[:, None]
    who = [[area, str(subject)] for subject in values.index for area in areas]
    hover = [f"{plain(subject)} ({plain(name)})" for _, subject in who]
    return go.Scatter(
        x=data.ravel(), y=y.ravel(), mode="markers", customdata=who, name=f"{plain(name)}, each subject",
        showlegend=False, text=hover, hovertext=[plain_area(area) for area, _ in who],
        marker={"color": colour, "size": 4, "opacity": 0.8, "line": {"width": 0.5, "color": "white"}},
        hovertemplate="%{text}<br>%{x:.3~g}<extra>%{hovertext}</extra>",
    )  # fmt: skip


def method_bars(
    tables: Mapping[Any, pd.DataFrame],
    n: int = 10,
    *,
    by: str = "share",
    unit: str = "",
    what: str = "",
    theme: str | None = None,
) -> go.Figure:
    """Draw the same areas for several maps (methods, subjects, networks) beside each other.

    Parameters
    ----------
    tables : mapping of label to DataFrame
        Area tables of one atlas, hemispheres merged or not, all alike.
    n : int
        The areas with the largest mean of `by` over all tables.
    by, unit : str
        See `area_bars`.
    what : str
        Whose relevance it is, e.g. "the mean map's relevance".
    """
    if not tables:
        raise ValueError("expected at least one area table, got none")
    values = pd.DataFrame({label: table.set_index("area")[by] for label, table in tables.items()})
    order = values.mean(axis=1).dropna().sort_values(ascending=False, kind="stable").index[:n].tolist()
    factor = 100 if by == "share" else 1
    figure = go.Figure()
    for number, (label, table) in enumerate(tables.items()):
        rows = table.set_index("area", drop=False).loc[order]
        figure.add_trace(
            go.Bar(
                x=rows[by].to_numpy(float) * factor, y=[plain_area(a) for a in order], orientation="h", name=plain(label),
                marker={"color": GROUP_COLOURS[number % len(GROUP_COLOURS)]}, customdata=places(rows, "area"),
                hovertemplate=f"%{{y}}<br>{by} %{{x:.3~g}}{'%' if factor == 100 else ''}<br>{HOVER_PLACE}",
            )
        )  # fmt: skip
    figure.update_layout(
        barmode="group",
        height=110 + max(ROW_PX, 12 * len(tables) + 10) * max(len(order), 3),
        margin={"l": 10, "r": 10, "t": 30, "b": 60},
        clickmode="event+select",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": plain(quantity_label(by, unit, what))}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return apply_theme(figure, theme)
