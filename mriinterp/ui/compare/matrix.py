"""The compare page's matrix: how far every map is from every other; a cell opens its pair."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from mriinterp.areas.part_table import part_table
from mriinterp.compare import METRICS, distance_matrix, get_metric
from mriinterp.figures.distances import CELL_PX, distance_heatmap
from mriinterp.figures.theme import plain, wrap
from mriinterp.methods.meaning import size_words
from mriinterp.ui.base.clicks import clicked, jump_to, mark_cells, show_chart
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import last_place
from mriinterp.ui.compare.entries import Entry, readable_map
from mriinterp.ui.maps.place import Place
from mriinterp.ui.session.keys import SHOW, A, B
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.sources.resources import atlas_of, on_grid_of, study_of

__all__ = ["FIRST_METRIC", "matrix_of", "show_matrix"]

FIRST_METRIC = "euclidean"
IN_BRAIN = ("spearman", "ssim", "dice")  # measures that ties in the empty background would flatter
LABEL_LETTERS = 14  # of a line beside or above the matrix
MOST_UPRIGHT = 4  # columns whose names fit above the matrix without turning


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner="Comparing the maps …")
def _matrix(
    keys: tuple[str, ...], metric: str, part: str, study: str, opened: str, _entries: Sequence[Entry]
) -> pd.DataFrame:
    if get_metric(metric).input == "areas":
        maps = {entry.label: part_table(entry.relevance, atlas_of(study), part) for entry in _entries}
        return distance_matrix(maps, metric, errors="nan")
    like = _entries[0].relevance.volume
    maps = {entry.label: readable_map(on_grid_of(entry.relevance.volume, like), part) for entry in _entries}
    mask = on_grid_of(study_of(study).brain_mask(), like, order=0) if metric in IN_BRAIN else None
    return distance_matrix(maps, metric, mask=mask, errors="nan")


def matrix_of(study_name: str, entries: Sequence[Entry], metric: str, part: str) -> pd.DataFrame:
    """Return how far every map is from every other, by the labels of their columns."""
    keys = tuple(f"{entry.key}{entry.label}" for entry in entries)
    return _matrix(keys, metric, part, study_name, study_of(study_name).opened, entries)


def _clickable(figure: go.Figure, matrix: pd.DataFrame) -> go.Figure:
    """Let the cells be clicked, and give the matrix the size of its place."""
    names = [plain(name) for name in matrix.index]
    cells = [
        (names[column], names[row], f"{names[row]} – {names[column]}", [row, column])
        for row in range(len(names))
        for column in range(len(names))
    ]
    figure.data[0].update(hoverinfo="skip", hovertemplate=None)
    mark_cells(figure, cells, size=CELL_PX - 6, hint="click to see both")
    figure.update_layout(
        height=90 + (CELL_PX - 6) * max(len(names), 3),
        coloraxis={"showscale": False},  # every cell has its number, and the caption its unit
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )
    wrapped = {"tickvals": names, "ticktext": [wrap(name, LABEL_LETTERS) for name in names]}
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], **wrapped)
    figure.update_xaxes(
        range=[-0.5, len(names) - 0.5], side="top", tickangle=0 if len(names) <= MOST_UPRIGHT else -35, **wrapped
    )
    return figure


def show_matrix(study_name: str, entries: Sequence[Entry], part: str, place: Place) -> None:
    """Show every map against every other; a click on a cell opens that pair."""
    metric = st.selectbox(
        "Distance or similarity",
        list(METRICS),
        format_func=lambda name: METRICS[name].label,
        key=linked("metric", FIRST_METRIC, options=list(METRICS)),
        persist_state="session",
    )
    matrix = matrix_of(study_name, entries, metric, part)
    figure = _clickable(distance_heatmap(matrix, metric), matrix)
    show_chart(figure, "compare_matrix", lambda: _open_pair(place.viewer))
    chosen = METRICS[metric]
    alike = f"{'smaller' if chosen.kind == 'distance' else 'larger'} and darker is more alike"
    inside = ", inside the brain" if metric in IN_BRAIN else ""
    st.caption(
        f"Unit: {chosen.unit}; {alike}. {size_words(part)}{inside}. "
        "**Click a cell** to see both maps and their difference."
    )


def _open_pair(viewer: str) -> None:
    row, column = (clicked("compare_matrix") or [0, 0])[:2]
    if row != column:
        SHOW.put("pair")
        A.put(int(row) + 1)
        B.put(int(column) + 1)
        if (at := last_place(viewer)) is not None:
            jump_to(viewer, at)  # to the same place: the viewer comes in sight
