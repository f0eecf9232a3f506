"""Figures of the trust benchmark: methods beside null maps, and one table of everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.base.numerals import decimals
from mriinterp.figures.theme import apply_theme, plain, wrap

__all__ = ["METHOD", "NULL_MAP", "OWN", "agreement_dots", "quantity_dots", "shortcut_dots", "trust_heatmap"]

METHOD, NULL_MAP, OWN = "#3b82c4", "#8a8a8a", "#d9662b"  # readable on white and on black
ROW_PX = 28
LABEL_LETTERS = 46
TITLE_LETTERS = 64
FEW, NARROW, WIDE = 10, 8, 15  # columns of a table that have room for longer heads; letters
SCALE = [[0.0, "#f2f6fb"], [0.5, "#b9d5ee"], [1.0, "#6aaade"]]  # dark numbers stay readable on all of it
INK = "#16202c"


def _name(labels: Mapping[str, str] | None, method: str) -> str:
    return wrap((labels or {}).get(method, method), LABEL_LETTERS)


def _dots(figure: go.Figure, rows: pd.DataFrame, names: Sequence[str], colours: Sequence[str], what: str) -> None:
    """Add means with their intervals, a trace for each colour: an error bar has the colour of its dot."""
    for colour in dict.fromkeys(colours):
        chosen = [one == colour for one in colours]
        part = rows[chosen]
        figure.add_trace(
            go.Scatter(
                x=part["mean"],
                y=[name for name, yes in zip(names, chosen, strict=True) if yes],
                name=what,
                mode="markers",
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (part["high"] - part["mean"]).fillna(0),
                    "arrayminus": (part["mean"] - part["low"]).fillna(0),
                    "color": colour,
                },
                marker={"size": 9, "color": colour},
                customdata=part[["people" if "people" in part else "n"]].to_numpy(),
                hovertemplate="%{y}<br>%{x:.3~g}<br>n = %{customdata[0]}<extra></extra>",
                showlegend=colour != NULL_MAP,
            )
        )


def _own(figure: go.Figure, own: Mapping[str, float], names: Mapping[str, str], label: str) -> None:
    """Add the chosen subject's numbers, as diamonds."""
    label = plain(label)
    known = {method: value for method, value in own.items() if method in names and np.isfinite(value)}
    if known:
        figure.add_trace(
            go.Scatter(
                x=list(known.values()),
                y=[names[method] for method in known],
                name=label,
                mode="markers",
                marker={"symbol": "diamond-open", "size": 11, "color": OWN, "line": {"width": 2}},
                hovertemplate="%{y}<br>" + label + ": %{x:.3~g}<extra></extra>",
            )
        )


def _layout(figure: go.Figure, rows: int, title: str, names: Sequence[str]) -> None:
    figure.update_layout(
        height=120 + ROW_PX * rows,
        margin={"l": 10, "r": 10, "t": 40, "b": 50},
        xaxis={"title": {"text": wrap(title, TITLE_LETTERS)}, "automargin": True},
        yaxis={"automargin": True, "categoryorder": "array", "categoryarray": list(names), "autorange": "reversed"},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
    )


def quantity_dots(
    table: pd.DataFrame,
    measure: str,
    quantity: str,
    *,
    own: Mapping[str, float] | None = None,
    own_label: str = "",
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw one quantity of every method with its interval; the range of the null maps is shaded.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    measure, quantity : str
    own : mapping of method to value, optional
        One subject's numbers, drawn beside the means under `own_label`.
    labels : mapping, optional
        Names of methods for people.
    """
    rows = table[(table["measure"] == measure) & (table["quantity"] == quantity) & table["mean"].notna()]
    if rows.empty:
        raise ValueError(f"expected results of {measure}/{quantity}, got none")
    names = {method: _name(labels, method) for method in rows["method"]}
    figure = go.Figure()
    nulls = rows[rows["null_map"]]
    if len(nulls):
        figure.add_vrect(x0=nulls["mean"].min(), x1=nulls["mean"].max(), fillcolor=NULL_MAP, opacity=0.18, line_width=0)
    colours = [NULL_MAP if null else METHOD for null in rows["null_map"]]
    groups = rows["people"].str.contains(r"\+|groups").any()
    what = "One comparison of two groups, bootstrap interval" if groups else "Mean over subjects, 95% interval"
    _dots(figure, rows, list(names.values()), colours, f"{what} (grey: null maps)")
    _own(figure, own or {}, names, own_label)
    first = rows.iloc[0]
    better = {"higher": " (higher is better)", "lower": " (lower is better)"}.get(first["better"], "")
    title = f"{first['label']}, {first['unit']}{better}"
    _layout(figure, len(rows), title, list(names.values()))
    return apply_theme(figure, theme)


def agreement_dots(
    found: pd.DataFrame,
    *,
    own_label: str = "",
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw how similar a method's maps are to those of the others.

    Parameters
    ----------
    found : DataFrame
        From `mriinterp.trust.agreement.agreement_of`.
    """
    rows = found.rename(columns={"rho": "mean"})
    names = {other: _name(labels, other) for other in rows["other"]}
    figure = go.Figure()
    colours = [NULL_MAP if other.startswith("null_") else METHOD for other in rows["other"]]
    _dots(figure, rows, list(names.values()), colours, "Mean over subjects, 95% interval (grey: null maps)")
    _own(figure, dict(zip(found["other"], found["own_rho"], strict=True)), names, own_label)
    _layout(
        figure, len(rows), "Spearman's ρ of the maps as they are read, over cells of 4 voxels", list(names.values())
    )
    return apply_theme(figure, theme)


def shortcut_dots(
    found: pd.DataFrame, where: str, *, labels: Mapping[str, str] | None = None, theme: str | None = None
) -> go.Figure:
    """Draw the share of the relevance where a shortcut is: a network trained with it beside one without.

    Parameters
    ----------
    found : DataFrame
        From `mriinterp.trust.shortcut_results.shortcut_summary`.
    where : str
        The place, in words.
    """
    names = [_name(labels, method) for method in found["method"]]
    figure = go.Figure()
    lines = [(value, name) for _, row in found.iterrows() for value, name in _line(row, _name(labels, row["method"]))]
    figure.add_trace(
        go.Scatter(
            x=[value for value, _ in lines],
            y=[name for _, name in lines],
            mode="lines",
            line={"color": NULL_MAP},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for column, label, colour in (
        ("without", "trained without it", METHOD),
        ("with", "trained with the shortcut", OWN),
    ):
        figure.add_trace(
            go.Scatter(
                x=found[column],
                y=names,
                name=label,
                mode="markers",
                marker={"size": 10, "color": colour},
                hovertemplate="%{y}<br>" + label + ": %{x:.3f}<extra></extra>",
            )
        )
    _layout(figure, len(found), f"Share of |relevance| {where}", names)
    return apply_theme(figure, theme)


def _line(row: pd.Series, name: str) -> list[tuple[float | None, str]]:
    return [(row["without"], name), (row["with"], name), (None, name)]


def trust_heatmap(
    table: pd.DataFrame,
    heads: Mapping[tuple[str, str], str],
    *,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw methods × measures: each cell its number, coloured by its place among all methods and null maps; – where it has none.

    Parameters
    ----------
    heads : mapping of (measure, quantity) to str
        Columns and their heads; the whole label shows under the pointer.
    """
    columns, texts, colours, full = [], {}, {}, {}
    for (measure, quantity), head in heads.items():
        rows = table[(table["measure"] == measure) & (table["quantity"] == quantity) & table["mean"].notna()]
        if rows.empty:
            continue
        first = rows.iloc[0]
        arrow = "↑" if first["better"] == "higher" else "↓"
        name = wrap(f"{head} {arrow}", NARROW) if len(heads) > FEW else wrap(f"{head.replace('- ', '')} {arrow}", WIDE)
        columns.append(name)
        full[name] = first["label"]
        signed = rows["mean"] * (1 if first["better"] == "higher" else -1)
        place = (signed.rank() - 1) / max(len(rows) - 1, 1)
        for method, mean, colour, beats in zip(rows["method"], rows["mean"], place, rows["beats"], strict=True):
            texts[method, name] = f"{_digits(mean)}{' *' if beats == 'all' else ''}"
            colours[method, name] = colour
    methods = list(dict.fromkeys(table["method"]))
    methods.sort(key=lambda name: name.startswith("null_"))
    names = [_name(labels, m) for m in methods]
    figure = go.Figure(
        go.Heatmap(
            z=[[colours.get((m, c), np.nan) for c in columns] for m in methods],
            x=columns,
            y=names,
            text=[[texts.get((m, c), "") for c in columns] for m in methods],
            texttemplate="%{text}",
            textfont={"color": INK, "size": 12},
            customdata=[[full[c] for c in columns] for _ in methods],
            colorscale=SCALE,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="%{y}<br>%{customdata}<br>%{text}<extra></extra>",
        )
    )
    for method, name in zip(methods, names, strict=True):  # a cell without a number shows no text of its own
        for column in columns:
            if (method, column) not in texts:
                figure.add_annotation(x=column, y=name, text="–", showarrow=False)
    nulls = sum(name.startswith("null_") for name in methods)
    if 0 < nulls < len(methods):
        figure.add_hline(y=len(methods) - nulls - 0.5, line={"color": NULL_MAP, "width": 3})
    figure.update_layout(height=90 + ROW_PX * len(methods), margin={"l": 10, "r": 10, "t": 60, "b": 10})
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(side="top", tickangle=0, tickfont={"size": 12}, showgrid=False)
    return apply_theme(figure, theme)


def _digits(value: float) -> str:
    """Return a number of at most six signs: what a cell has room for."""
    size = abs(value)
    return decimals(value, 3 if size < 0.1 else 2 if size < 10 else 1 if size < 100 else 0)
