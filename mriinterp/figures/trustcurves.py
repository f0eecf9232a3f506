"""Curves of the trust benchmark: deletion, and the cascade of random layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mriinterp.figures.theme import apply_theme, plain, wrap
from mriinterp.figures.trust import NULL_MAP, OWN

__all__ = ["cascade_lines", "deletion_curves"]

PALETTE = ["#3b82c4", "#7b4ea3", "#2c9a62", "#b8860b", "#2596a8", "#c23b78", "#7d8f2b", "#c8502d"]
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
LABEL_LETTERS = 46

Details = Mapping[tuple[str, str], Mapping[str, Any]]


def _colour(method: str, number: int) -> str:
    return NULL_MAP if method.startswith("null_") else PALETTE[number % len(PALETTE)]


def _lines(
    details: Details, methods: Sequence[str], subject: str | None, labels: Mapping[str, str] | None, part: str
) -> list[tuple[str, str, float, list]]:
    """Return name, colour, width and details behind each line: means of methods, then the subject's own."""
    found: list[tuple[str, str, float, list]] = []
    for number, method in enumerate(methods):
        rows = [d for (name, _), d in details.items() if name == method and d.get(part)]
        if rows:
            found.append((wrap((labels or {}).get(method, method), LABEL_LETTERS), _colour(method, number), 2, rows))
    own = details.get((methods[0], subject), {}) if methods and subject is not None else {}
    if own.get(part):
        found.append((plain(subject), OWN, 3, [own]))
    return found


def _layout(figure: go.Figure, height: int, across: str, up: str) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        xaxis={"title": {"text": across}},
        yaxis={"title": {"text": up}},
        legend=LEGEND,
    )


def deletion_curves(
    details: Details,
    methods: Sequence[str],
    *,
    subject: str | None = None,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw the fall of the score as blocks are replaced: most relevant first (full), least relevant first (dashed).

    Parameters
    ----------
    details : mapping of (method, subject) to details
        From `mriinterp.trust.load_details(folder, "deletion")`, or of one
        subject.
    methods : sequence of str
        Lines to draw, mean over subjects.
    subject : str, optional
        Draws the first method's curves of this subject, too.
    """
    figure = go.Figure()
    for name, colour, width, rows in _lines(details, methods, subject, labels, "most"):
        share = [0.0, *rows[0]["share"]]
        for part, dash in (("most", "solid"), ("least", "dash")):
            figure.add_trace(
                go.Scatter(
                    x=[100 * s for s in share],
                    y=np.mean([[0.0, *(np.array(d[part], float) - d["clean"])] for d in rows], axis=0),
                    name=name,
                    legendgroup=name,
                    showlegend=part == "most",
                    mode="lines",
                    line={"color": colour, "dash": dash, "width": width},
                    hovertemplate=f"{name}, {part} relevant first<br>%{{x:.0f}}% replaced: %{{y:.2f}}<extra></extra>",
                )
            )
    _layout(figure, 430, "Share of the brain replaced by the control mean, %", "Change of the logit margin")
    return apply_theme(figure, theme)


def cascade_lines(
    details: Details,
    methods: Sequence[str],
    *,
    subject: str | None = None,
    labels: Mapping[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw the similarity to the original map as layers are made random, from the output down.

    Parameters
    ----------
    details : mapping of (method, subject) to details
        From `mriinterp.trust.load_details(folder, "randomisation")`.
    methods, subject
        As in `deletion_curves`.
    """
    figure = go.Figure()
    for name, colour, width, rows in _lines(details, methods, subject, labels, "rho"):
        figure.add_trace(
            go.Scatter(
                x=["as trained", *rows[0]["layers"]],
                y=[1.0, *np.mean([d["rho"] for d in rows], axis=0)],
                name=name,
                line={"color": colour, "width": width},
                hovertemplate="random down to %{x}: ρ = %{y:.2f}<extra>" + name + "</extra>",
            )
        )
    across = "Layers made random, from the output down to …"
    _layout(figure, 400, across, "Spearman's ρ with the original map")
    figure.update_layout(showlegend=True, yaxis={"range": [-0.3, 1.05]})
    return apply_theme(figure, theme)
