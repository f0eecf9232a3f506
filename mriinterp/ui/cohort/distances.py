"""How far apart the averages of methods are, and of groups; a cell opens its pair in the viewer."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from mriinterp.cohort.packed import packed_distances
from mriinterp.compare import METRICS, distance_matrix, paired_values
from mriinterp.figures.distances import group_distances
from mriinterp.image.template import brain_mask
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import hidden_list, size_words
from mriinterp.ui.base.clicks import clicked, mark_cells, show_chart
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.cohort.averages import StudyView, averages_ready
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.planes import open_pair
from mriinterp.ui.sources.resources import on_grid_of, study_of

__all__ = ["distances_of", "make_clickable", "open_clicked", "show_distances"]

CELL_MARK_PX = 40
WORDS = {
    "euclidean": "Euclidean distance of averages scaled to sum 1, in 10⁻⁴, as in the paper: 0 is equal. ",
    "spearman": "Spearman’s rank correlation inside the brain: 1 is equal. ",
}


def _mask(name: str, view: View) -> Volume:
    mask = study_of(name).brain_mask() if isinstance(view, StudyView) else brain_mask(view.grid)
    some = next(view.mean(m, g) for m in view.methods for g in view.groups if view.has(m, g))
    return on_grid_of(mask, some, order=0)


@st.cache_data(max_entries=16, show_spinner="Comparing the averages …")
def _matrices(key: str, metric: str, _view: View, _name: str) -> tuple[dict[str, pd.DataFrame], pd.Series | None]:
    if metric == "euclidean" and isinstance(_view, StudyView) and _view.chosen is None:
        packed = packed_distances(_view.result, _view.size_kind)
        if packed is not None:
            return packed
    mask = _mask(_name, _view) if metric == "spearman" else None
    read = _view.all_means(_view.size)
    matrices = {group: distance_matrix(maps, metric, mask=mask, errors="nan") for group, maps in read.items()}
    between = None
    if _view.pair and set(_view.pair) <= set(read):
        one, two = (read[group] for group in _view.pair)
        if set(one) & set(two):
            between = paired_values(one, two, metric, mask=mask, errors="nan")
    return matrices, between


def distances_of(name: str, view: View, metric: str) -> tuple[dict[str, pd.DataFrame], pd.Series | None]:
    """Return how far apart averages are: of methods, by group, and of the compared groups, by method."""
    return _matrices(f"{view.key} {study_of(name).opened}", metric, view, name)


def _clickable(figure: go.Figure, cells: list[list[list[str]]], n: int) -> None:
    """Let the cells of the n-th matrix be clicked."""
    heat = figure.data[n]
    rows = zip(heat.y, cells, strict=True)
    flat = [(x, y, f"{y} – {x}", data) for y, row in rows for x, data in zip(heat.x, row, strict=True)]
    mark_cells(figure, flat, size=CELL_MARK_PX, hint="click to see both", axes=(heat.xaxis, heat.yaxis))
    heat.hoverinfo, heat.hovertemplate = "skip", None


def _figure(view: View, matrices: dict[str, pd.DataFrame], between: pd.Series | None, metric: str) -> go.Figure:
    labels = {method: view.label(method) for method in view.methods}
    named = {group: table.rename(index=labels, columns=labels) for group, table in matrices.items()}
    pairs = None if between is None else between.rename(index=labels)
    figure = group_distances(named, pairs, metric)
    make_clickable(figure, view, matrices, between)
    return figure


def make_clickable(figure: go.Figure, view: View, matrices: dict[str, pd.DataFrame], between: pd.Series | None) -> None:
    """Let every cell of `mriinterp.figures.distances.group_distances` be clicked."""
    for n, (group, table) in enumerate(matrices.items()):
        _clickable(figure, [[[a, group, b, group] for b in table.columns] for a in table.index], n)
    if between is not None:
        a, b = view.compared
        _clickable(figure, [[[method, a, method, b]] for method in between.index], len(matrices))


def open_clicked(key: str) -> None:
    a, group_a, b, group_b = (clicked(key) or [None] * 4)[:4]
    if a is not None and (a, group_a) != (b, group_b):
        open_pair((a, group_a), (b, group_b))


def show_distances(name: str, view: View) -> None:
    """Show matrices of methods for each group, and group against group for each method."""
    if not averages_ready(view, view.methods, below=True):
        return
    if not any(view.has(method, group) for method in view.methods for group in view.groups):
        st.info("No average remains to compare.", icon=":material/group_off:")
        return
    read = f"{size_words(view.part)}, each map before it is averaged"
    for metric, words in WORDS.items():
        matrices, between = distances_of(name, view, metric)
        key = f"cohort_{metric}"
        st.markdown(f"**{METRICS[metric].label}**")
        show_chart(_figure(view, matrices, between, metric), key, partial(open_clicked, key))
        st.caption(f"{words}{read}. Click a cell to see that pair above.")
    hidden = hidden_list({view.label(method): view.hidden_share(method) for method in view.methods})
    st.caption(escape_markdown(hidden))
