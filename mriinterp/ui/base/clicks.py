"""Clicks in charts and tables, and jumps of a viewer's crosshair that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from mriinterp.ui.session.keys import JUMPS, Key

__all__ = ["clicked", "clicked_row", "jump_to", "jump_to_peak", "mark_cells", "show_chart", "take_jump"]


def clicked(chart: str) -> list[Any]:
    """Return what the mark that was clicked in a chart carries (its ``customdata``); empty without a click."""
    event = Key[Any](chart).get()
    points = list(event["selection"]["points"]) if event else []
    return list(points[0].get("customdata") or []) if points else []


def clicked_row(table: str) -> int | None:
    """Return the number of the row that was clicked in a table, if one was."""
    event = Key[Any](table).get()
    rows = list(event["selection"]["rows"]) if event else []
    return rows[0] if rows else None


def show_chart(figure: go.Figure, key: str, on_click: Callable[[], None]) -> None:
    """Show a figure whose marks can be clicked; `on_click` runs before the page does, and asks `clicked`."""
    st.plotly_chart(
        figure.update_layout(dragmode=False, clickmode="event+select"),
        key=key,
        on_select=on_click,
        selection_mode="points",
        config={"displayModeBar": False},
    )


def mark_cells(
    figure: go.Figure,
    cells: Sequence[tuple[Any, Any, str, list]],
    *,
    size: int,
    hint: str,
    axes: tuple[str | None, str | None] = (None, None),
) -> None:
    """Put unseen marks over the cells of a heat map: Plotly selects points, never cells.

    Parameters
    ----------
    cells : sequence of (x, y, text, customdata)
    size : int
        Of a mark in pixels.
    hint : str
        What a click does; below the text under the pointer.
    axes : (str, str), optional
        Names of the axes of the heat map.
    """
    unseen = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=[x for x, *_ in cells], y=[y for _, y, *_ in cells], mode="markers", showlegend=False, selected=unseen,
        unselected=unseen, marker={"symbol": "square", "size": size, "opacity": 0}, xaxis=axes[0], yaxis=axes[1],
        text=[text for *_, text, _ in cells], customdata=[data for *_, data in cells],
        hovertemplate=f"%{{text}}<br>{hint}<extra></extra>",
    )  # fmt: skip


def jump_to(viewer: str, mm: Sequence[float]) -> None:
    """Move a viewer's crosshair when it is shown next."""
    JUMPS.begin({})[viewer] = (float(mm[0]), float(mm[1]), float(mm[2]))


def jump_to_peak(
    chart: str, viewer: str, lead: Callable[[Sequence[float]], Sequence[float]] = lambda place: place
) -> None:
    """Move a viewer's crosshair to the place that a clicked bar carries: ``customdata`` of [area, x, y, z].

    `lead`: from there to the viewer's own space.
    """
    place = clicked(chart)[1:4]
    if len(place) == 3 and place[0] is not None:
        jump_to(viewer, lead(place))


def take_jump(viewer: str) -> tuple[float, float, float] | None:
    """Return where a viewer was asked to move, once."""
    return JUMPS.get({}).pop(viewer, None)
