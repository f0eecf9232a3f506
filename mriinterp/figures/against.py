"""One subject's areas beside the averages of groups."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from mriinterp.areas.table import top_areas
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, plain, plain_area
from mriinterp.stats import mean_interval

__all__ = ["against_groups"]

ROW_PX = 30


def against_groups(
    table: pd.DataFrame, values: pd.DataFrame, groups: pd.Series, name: str, n: int = 12, *, theme: str | None = None
) -> go.Figure:
    """Draw the shares of the subject's first areas as bars, the groups' as dots, their means with 95% intervals.

    Parameters
    ----------
    table : DataFrame
        Area table of the subject, hemispheres merged.
    values : DataFrame, shape (subjects, areas)
        Shares of the others; columns named by area.
    groups : Series
        Group of every subject of `values`.
    name : str
        The subject's.
    """
    rows = top_areas(table, n)
    areas = [area for area in rows["area"] if area in values.columns]
    shares = rows.set_index("area").loc[areas, "share"]
    labels = [plain_area(area) for area in areas]
    figure = go.Figure(
        go.Bar(
            x=100 * shares,
            y=labels,
            orientation="h",
            name=plain(name),
            marker_color="#9aa5b1",
            hovertemplate="%{x:.2f}%",
        )
    )
    for place, (group, members) in enumerate(values.groupby(groups.reindex(values.index))):
        mean, low, high = (100 * side for side in mean_interval(members[areas].to_numpy()))
        reach = {"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low}
        colour = GROUP_COLOURS[place % len(GROUP_COLOURS)]
        figure.add_trace(_scans(members[areas], labels, colour))
        figure.add_trace(
            go.Scatter(
                x=mean,
                y=labels,
                mode="markers",
                name=f"{plain(group)} (n = {len(members)})",
                marker={"color": colour, "size": 9},
                error_x=reach,
                hovertemplate="%{x:.2f}%",
            )
        )
    figure.update_layout(
        height=110 + ROW_PX * max(len(areas), 3),
        margin={"l": 10, "r": 10, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_xaxes(title={"text": "Share of the relevance in all areas / %"}, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="")
    return apply_theme(figure, theme)


def _scans(members: pd.DataFrame, labels: list[str], colour: str) -> go.Scatter:
    """Return the dots of a group's scans, of every area a row."""
    return go.Scatter(
        x=100 * members.to_numpy().ravel(),
        y=labels * len(members),
        mode="markers",
        marker={"color": colour, "size": 5, "opacity": 0.35},
        text=[plain(name) for name in members.index.repeat(len(labels))],
        hovertemplate="%{text}: %{x:.2f}%<extra></extra>",
        showlegend=False,
    )
