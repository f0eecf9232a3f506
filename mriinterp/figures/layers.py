"""The layers of a network as bars: how many cells are left, and of how many channels."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from mriinterp.base.errors import capital
from mriinterp.figures.theme import apply_theme, plain
from mriinterp.models.sizes import LayerSize

__all__ = ["layer_bars"]

COLOURS = {"input": "#6b7280", "convolution": "#0072b2", "pooling": "#e69f00", "dense": "#009e73"}
MOST_NUMBERED = 24  # layers that have room for a number each


def layer_bars(
    layers: Sequence[LayerSize], shape: Sequence[int], outputs: Sequence[str], *, theme: str | None = None
) -> go.Figure:
    """Draw the longest side of each layer's grid as a bar, its channels above it.

    Parameters
    ----------
    layers : sequence of LayerSize
    shape : sequence of int
        Of the scan.
    outputs : sequence of str
        Names of what the network returns.
    """
    rows = [LayerSize("scan", "input", 1, tuple(shape)), *layers]
    figure = go.Figure()
    numbered = len(rows) <= MOST_NUMBERED
    for kind, colour in COLOURS.items():
        chosen = [(at, row) for at, row in enumerate(rows) if row.kind == kind]
        if not chosen:
            continue
        figure.add_bar(
            x=[at for at, _ in chosen], y=[max(row.cells, default=1) for _, row in chosen], name=capital(kind), marker={"color": colour},
            text=[f"×{row.channels}" if numbered and kind != "input" else "" for _, row in chosen], textposition="outside",
            cliponaxis=False, hovertext=[f"{plain(row.name)}<br>{_size(row)}" for _, row in chosen],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        height=270, margin={"t": 30, "b": 30, "l": 10, "r": 10}, bargap=0.25,
        yaxis={"title": {"text": "cells, longest side"}, "rangemode": "tozero"},
        xaxis={"tickvals": [0, len(rows) - 1], "ticktext": ["scan", plain(", ".join(outputs))], "showgrid": False},
        legend={"orientation": "h", "y": 1.1, "yanchor": "bottom"},
    )  # fmt: skip
    return apply_theme(figure, theme)


def _size(row: LayerSize) -> str:
    if not row.cells:
        return f"{row.channels} units"
    cells = "×".join(map(str, row.cells))
    return f"{cells} voxels" if row.kind == "input" else f"{cells} cells, {row.channels} channels"
