"""Figures of the trust benchmark: methods beside controls, curves, and one table of everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.figures.theme import apply_theme, wrap

__all__ = ["cascade_lines", "deletion_curves", "quantity_dots", "trust_heatmap"]

METHOD, CONTROL = "#1f5fa8", "#8a8a8a"
PALETTE = ["#1f5fa8", "#c8502d", "#2c8a57", "#7b4ea3", "#b8860b", "#2596a8", "#a83268", "#5b6b1f"]
ROW_PX = 26
SHORT = {  # column heads; the whole label shows under the pointer
    ("deletion", "abpc"): "Deletion",
    ("deletion", "abpc_read"): "Deletion, as read",
    ("regional", "rho"): "Area ranks",
    ("infidelity", "infidelity"): "Infidelity",
    ("localisation", "mass_accuracy"): "Mass in truth",
    ("localisation", "mass_accuracy_read"): "Mass, as read",
    ("localisation", "auprc_read"): "AUPRC in truth",
    ("localisation", "rho_areas"): "Areas of truth",
    ("randomisation", "excess"): "Random- isation",
    ("stability", "noise"): "Change by noise",
    ("stability", "shift"): "Change by shift",
    ("reproducibility", "icc"): "Retrained networks",
    ("group_effect", "auc_truth"): "Group effect",
}


def quantity_dots(
    table: pd.DataFrame,
    measure: str,
    quantity: str,
    *,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """One quantity of every method with its interval; the range of the controls is shaded.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    measure, quantity : str
    labels : mapping, optional
        Names of methods for people.
    """
    rows = table[(table["measure"] == measure) & (table["quantity"] == quantity) & table["mean"].notna()]
    if rows.empty:
        raise ValueError(f"expected results of {measure}/{quantity}, got none")
    names = [(labels or {}).get(name, name) for name in rows["method"]]
    figure = go.Figure()
    controls = rows[rows["control"]]
    if len(controls):
        figure.add_vrect(
            x0=controls["mean"].min(), x1=controls["mean"].max(), fillcolor=CONTROL, opacity=0.15, line_width=0
        )
    reach = {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows["mean"]).fillna(0),
        "arrayminus": (rows["mean"] - rows["low"]).fillna(0),
    }
    figure.add_trace(
        go.Scatter(
            x=rows["mean"],
            y=names,
            mode="markers",
            error_x=reach,
            marker={"size": 9, "color": [CONTROL if c else METHOD for c in rows["control"]]},
            customdata=rows[["n"]].to_numpy(),
            hovertemplate="%{y}<br>%{x:.3~g}<br>n = %{customdata[0]}<extra></extra>",
        )
    )
    first = rows.iloc[0]
    better = {"higher": " (higher is better)", "lower": " (lower is better)"}.get(first["better"], "")
    title = f"{first['label']}, {first['unit']}{better}<br>mean and 95 % interval; grey: controls and their range"
    figure.update_layout(
        height=130 + ROW_PX * len(rows),
        margin={"l": 10, "r": 10, "t": 20, "b": 60},
        xaxis={"title": {"text": title}},
        yaxis={"autorange": "reversed", "automargin": True},
        showlegend=False,
    )
    return apply_theme(figure, theme)


def trust_heatmap(
    table: pd.DataFrame,
    quantities: Sequence[tuple[str, str]],
    *,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Methods by measures: each cell its number, coloured by where it stands among all methods and controls.

    Parameters
    ----------
    quantities : sequence of (measure, quantity)
        Columns.
    """
    columns, texts, colours, full = [], {}, {}, {}
    for measure, quantity in quantities:
        rows = table[(table["measure"] == measure) & (table["quantity"] == quantity) & table["mean"].notna()]
        if rows.empty:
            continue
        first = rows.iloc[0]
        arrow = "↑" if first["better"] == "higher" else "↓"
        name = wrap(f"{SHORT.get((measure, quantity), first['label'])} {arrow}", 9)
        columns.append(name)
        full[name] = first["label"]
        signed = rows["mean"] * (1 if first["better"] == "higher" else -1)
        place = (signed.rank() - 1) / max(len(rows) - 1, 1)
        for method, mean, colour, beats in zip(rows["method"], rows["mean"], place, rows["beats"], strict=True):
            texts[method, name] = f"{mean:.3g}{' *' if beats == 'all' else ''}"
            colours[method, name] = colour
    methods = list(dict.fromkeys(table["method"]))
    methods.sort(key=lambda name: name.startswith("control_"))
    grid = [[colours.get((m, c), np.nan) for c in columns] for m in methods]
    text = [[texts.get((m, c), "–") for c in columns] for m in methods]
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=columns,
            y=[(labels or {}).get(m, m) for m in methods],
            text=text,
            texttemplate="%{text}",
            customdata=[[full[c] for c in columns] for _ in methods],
            colorscale="Blues",
            zmin=0,
            zmax=1.4,  # the best stays light enough for its number
            showscale=False,
            hovertemplate="%{y}<br>%{customdata}<br>%{text}<extra></extra>",
        )
    )
    figure.update_layout(height=150 + ROW_PX * len(methods), margin={"l": 10, "r": 10, "t": 80, "b": 30})
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(side="top", tickangle=0, tickfont={"size": 11})
    return apply_theme(figure, theme)


def deletion_curves(
    details: Mapping[tuple[str, str], Mapping[str, Any]],
    methods: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Fall of the score as blocks are replaced: most relevant first (full) and least relevant first (dashed).

    Parameters
    ----------
    details : mapping of (method, subject) to details
        From `mriinterp.trust.load_details(folder, "deletion")`, or of one
        subject.
    methods : sequence of str
        Lines to draw, mean over subjects.
    """
    figure = go.Figure()
    for number, method in enumerate(methods):
        own = [d for (name, _), d in details.items() if name == method and "most" in d]
        if not own:
            continue
        share = [0.0, *own[0]["share"]]
        colour = CONTROL if method.startswith("control_") else PALETTE[number % len(PALETTE)]
        for part, dash in (("most", "solid"), ("least", "dash")):
            fall = np.mean([[0.0, *(np.array(d[part], float) - d["clean"])] for d in own], axis=0)
            name = (labels or {}).get(method, method)
            figure.add_trace(
                go.Scatter(
                    x=[100 * s for s in share],
                    y=fall,
                    name=f"{name}, {part} relevant first",
                    legendgroup=method,
                    line={"color": colour, "dash": dash},
                    hovertemplate="%{x:.0f} % replaced: %{y:.2f}<extra>" + name + "</extra>",
                )
            )
    figure.update_layout(
        height=420,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        xaxis={"title": {"text": "Share of the brain replaced by the control mean, %"}},
        yaxis={"title": {"text": "Change of the logit margin"}},
    )
    return apply_theme(figure, theme)


def cascade_lines(
    details: Mapping[tuple[str, str], Mapping[str, Any]],
    methods: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Similarity to the original map as layers are made random, from the output down.

    Parameters
    ----------
    details : mapping of (method, subject) to details
        From `mriinterp.trust.load_details(folder, "randomisation")`.
    """
    figure = go.Figure()
    for number, method in enumerate(methods):
        own = [d for (name, _), d in details.items() if name == method and d.get("rho")]
        if not own:
            continue
        name = (labels or {}).get(method, method)
        figure.add_trace(
            go.Scatter(
                x=["as trained", *own[0]["layers"]],
                y=[1.0, *np.mean([d["rho"] for d in own], axis=0)],
                name=name,
                line={"color": CONTROL if method.startswith("control_") else PALETTE[number % len(PALETTE)]},
                hovertemplate="random down to %{x}: ρ = %{y:.2f}<extra>" + name + "</extra>",
            )
        )
    figure.update_layout(
        height=400,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        xaxis={"title": {"text": "Layers made random, from the output down to …"}},
        yaxis={"title": {"text": "Spearman's ρ with the original map"}, "range": [-0.3, 1.05]},
    )
    return apply_theme(figure, theme)
