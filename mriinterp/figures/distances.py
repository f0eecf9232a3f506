"""Matrices of distances and similarities, each cell with its number.

Every cell carries ``customdata`` of [row, column], the names of the pair, so
that a click can open it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mriinterp.base.numerals import decimals
from mriinterp.compare import Metric, get_metric
from mriinterp.figures.ink import ink_on
from mriinterp.figures.theme import apply_theme, plain, wrap

__all__ = ["distance_heatmap", "group_distances"]

COLOURS = {"distance": "Blues_r", "similarity": "Blues"}  # dark is more alike in every matrix
CELL_PX = 62
EMPTY_INK = "#7a7a7a"  # on the page itself, be it light or dark
MATRICES_PX = 650  # of all cells beside each other, at least
TEXT_PX, LEAST_TEXT_PX, LETTER = 12, 7, 0.56  # of numbers: letters are so wide for their height


def distance_heatmap(
    matrix: pd.DataFrame, metric: str = "euclidean", *, digits: int | None = None, theme: str | None = None
) -> go.Figure:
    """Draw every map against every other.

    Parameters
    ----------
    matrix : DataFrame
        Of `mriinterp.compare.distance_matrix`; NaN is a pair that cannot be compared.
    metric : str
        A key of `mriinterp.compare.METRICS`; says unit and scale.
    digits : int, optional
        Decimals of the numbers; None: 2.
    """
    chosen = get_metric(metric)
    colours = _colours(chosen, [matrix])
    figure = go.Figure(_cells(matrix, chosen, digits, colours))
    _size_numbers(figure, len(matrix.columns))
    figure.update_layout(
        height=130 + CELL_PX * max(len(matrix), 2),
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        coloraxis=colours,
    )
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(automargin=True, showgrid=False, tickangle=-30)
    return apply_theme(figure, theme)


def group_distances(
    matrices: Mapping[Any, pd.DataFrame],
    between: pd.Series | None = None,
    metric: str = "euclidean",
    *,
    digits: int | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw the distances between methods, one matrix a group, and between the groups for each method.

    Parameters
    ----------
    matrices : mapping of group to DataFrame
        Of `mriinterp.compare.distance_matrix`, all with the same names.
    between : Series, optional
        Of `mriinterp.compare.paired_values`: one value a method.
    metric, digits
        See `distance_heatmap`; all numbers share one colour scale.
    """
    if not matrices:
        raise ValueError("expected at least one matrix, got none")
    chosen = get_metric(metric)
    names = list(matrices)
    size = max(len(matrix) for matrix in matrices.values())
    titles = [plain(name) for name in names]
    widths = [float(size)] * len(names)
    if between is not None:
        titles.append(" vs ".join(titles))
        widths.append(1.4)
    figure = make_subplots(
        rows=1,
        cols=len(titles),
        column_widths=widths,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.03,
    )
    column = None if between is None else pd.DataFrame({titles[-1]: between})
    colours = _colours(chosen, [*matrices.values(), *([] if column is None else [column])])
    for n, name in enumerate(names, 1):
        figure.add_trace(_cells(matrices[name], chosen, digits, colours, group=str(name)), row=1, col=n)
    if column is not None:
        figure.add_trace(_cells(column, chosen, digits, colours), row=1, col=len(titles))
        figure.update_xaxes(showticklabels=False, row=1, col=len(titles))
    _size_numbers(figure, sum(widths))
    figure.update_layout(
        height=170 + CELL_PX * max(size, 2) * 3 // 4,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        coloraxis=colours,
    )
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(automargin=True, showgrid=False, tickangle=-30)
    return apply_theme(figure, theme)


def _cells(
    matrix: pd.DataFrame, metric: Metric, digits: int | None, colours: Mapping[str, Any], group: str = ""
) -> go.Heatmap:
    values = matrix.to_numpy(float) * metric.scale
    digits = 2 if digits is None else digits
    text = [[decimals(v, digits) for v in row] for row in values]
    rows, columns = [str(n) for n in matrix.index], [str(n) for n in matrix.columns]
    unit = "" if metric.unit.startswith("1 =") else f" ({metric.unit})"
    where = f"<extra>{plain(group)}</extra>" if group else "<extra></extra>"
    return go.Heatmap(
        z=[[None if np.isnan(v) else float(v) for v in row] for row in values],
        x=[plain(name) for name in columns],
        y=[plain(name) for name in rows],
        text=[
            [_inked(word, v, colours) for word, v in zip(words, row, strict=True)]
            for words, row in zip(text, values, strict=True)
        ],
        hovertext=text,
        customdata=[[[r, c] for c in columns] for r in rows],
        coloraxis="coloraxis",
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hovertemplate=f"%{{y}} – %{{x}}<br>{metric.label}: %{{hovertext}}{unit}{where}",
    )


def _size_numbers(figure: go.Figure, columns: float) -> None:
    """Give the numbers of all matrices the size that fits their cells; none where they could not be read."""
    letters = max((len(word) for heat in figure.data for row in heat.hovertext for word in row), default=1)
    size = min(TEXT_PX, int((MATRICES_PX / max(columns, 1) - 6) / (LETTER * letters)))
    figure.update_traces(textfont_size=max(size, 1), texttemplate="%{text}" if size >= LEAST_TEXT_PX else "")


def _inked(words: str, value: float, colours: Mapping[str, Any]) -> str:
    """Return a cell's number in the colour that is read on the cell's."""
    place = (value - colours["cmin"]) / (colours["cmax"] - colours["cmin"])
    ink = EMPTY_INK if np.isnan(value) else ink_on(colours["colorscale"], place)
    return f'<span style="color:{ink}">{words}</span>'


def _colours(metric: Metric, matrices: Iterable[pd.DataFrame]) -> dict[str, Any]:
    """Return the colour axis that all matrices share."""
    values = np.concatenate([matrix.to_numpy(float).ravel() for matrix in matrices]) * metric.scale
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    title = f"{metric.label} ({metric.unit})"
    words = f"{'smaller' if metric.kind == 'distance' else 'larger'}, darker: more alike"
    return {
        "colorscale": COLOURS[metric.kind],
        "cmin": low,
        "cmax": high,
        "colorbar": {"title": {"text": wrap(title, 26) + f"<br>{words}", "side": "right"}, "thickness": 14},
    }
