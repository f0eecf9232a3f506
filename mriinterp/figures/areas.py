"""Relevance per area as bars: of one map, of groups, of several methods.

Every bar carries ``customdata`` of [area, x, y, z]: the area as its table
names it and the place of its peak in RAS+ mm (None where there is none), so
that a click can move a crosshair there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.areas import top_areas
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, area_label, wrap

__all__ = ["area_bars", "group_bars", "method_bars", "quantity_label"]

ROW_PX = 26
LINE = "#6b7280"  # seen on light and dark pages
SIDE_COLOURS = {"L": "#0072B2", "R": "#E69F00", "": "#7F7F7F"}
SIDE_WORDS = {"L": "left", "R": "right", "": "no side"}
ASYMMETRY_TITLE = "Asymmetry of the means<br>(L − R) / (|L| + |R|)"


def quantity_label(by: str, unit: str = "") -> str:
    """What a column of an area table is, with its unit."""
    labels = {
        "share": "Share of the relevance in all areas / %",
        "sum": f"Sum of relevance over the area ({unit or 'share of all areas'})",
        "mean": f"Mean relevance of a voxel ({unit or 'share of all areas'})",
        "peak": f"Largest relevance of a voxel ({unit or 'share of all areas'})",
    }
    return labels.get(by, f"{by} ({unit})" if unit else by)


def area_bars(
    table: pd.DataFrame,
    n: int = 10,
    *,
    by: str = "share",
    unit: str = "",
    theme: str | None = None,
) -> go.Figure:
    """The `n` areas with the most relevance of a map.

    Parameters
    ----------
    table : DataFrame
        Of `mriinterp.areas.area_table`. Hemispheres merged: one bar an area
        and a dot for its asymmetry beside it. Not merged: left and right
        stacked, ordered by their sum.
    n : int
    by : str
        Column: share, sum, mean or peak.
    unit : str
        Of that column where it is not a share; a table scaled to sum 1 has none.
    theme : {"light", "dark"}, optional
    """
    factor = 100 if by == "share" else 1
    if "hemisphere" in table.columns:
        figure = _sides(table, n, by, factor)
    else:
        figure = _merged(top_areas(table, n, by), by, factor)
    rows = len(set(_categories(figure)))
    figure.update_layout(
        height=90 + ROW_PX * max(rows, 3),
        margin={"l": 10, "r": 10, "t": 30, "b": 60},
        bargap=0.25,
        clickmode="event+select",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_layout(xaxis={"title": {"text": wrap(quantity_label(by, unit), 48)}, "rangemode": "tozero"})
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="")
    return apply_theme(figure, theme)


def _categories(figure: go.Figure) -> list[str]:
    return [label for trace in figure.data for label in trace.y]


def _place(table: pd.DataFrame, name: str) -> list[list]:
    """Rows of customdata."""
    columns = table[["peak_x", "peak_y", "peak_z"]].to_numpy(float)
    places = [[None if np.isnan(v) else round(float(v), 2) for v in row] for row in columns]
    return [[area, *place] for area, place in zip(table[name].astype(str), places, strict=True)]


HOVER_PLACE = "peak at (%{customdata[1]}, %{customdata[2]}, %{customdata[3]}) mm"


def _merged(rows: pd.DataFrame, by: str, factor: float) -> go.Figure:
    labels = [area_label(area) for area in rows["area"]]
    unit = " %" if factor == 100 else ""
    bars = go.Bar(
        x=rows[by].to_numpy(float) * factor,
        y=labels,
        orientation="h",
        customdata=_place(rows, "area"),
        marker={"color": GROUP_COLOURS[1]},
        name=by,
        hovertemplate=f"%{{y}}<br>{by} %{{x:.3~g}}{unit}<br>{HOVER_PLACE}<extra></extra>",
        showlegend=False,
    )
    figure = go.Figure(bars)
    if "asymmetry" not in rows or rows["asymmetry"].isna().all():
        return figure
    value = rows["asymmetry"].to_numpy(float)
    dots = go.Scatter(
        x=value,
        y=labels,
        xaxis="x2",
        mode="markers",
        customdata=_place(rows, "area"),
        marker={"color": [SIDE_COLOURS["L" if v >= 0 else "R"] for v in value], "size": 9},
        error_x={"type": "data", "symmetric": False, "array": np.maximum(-value, 0), "arrayminus": np.maximum(value, 0),
                 "width": 0, "thickness": 2, "color": LINE},
        name="asymmetry",
        hovertemplate="%{y}<br>asymmetry %{x:.2f} (1: all on the left, −1: all on the right)<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    figure.add_trace(dots)
    figure.update_layout(
        xaxis={"domain": [0, 0.72], "anchor": "y"},
        xaxis2={
            "domain": [0.76, 1], "range": [1.15, -1.15], "tickvals": [1, 0, -1], "ticktext": ["left", "0", "right"],
            "title": {"text": ASYMMETRY_TITLE}, "zeroline": True, "anchor": "free", "position": 0,
        },
    )  # fmt: skip
    return figure


def _sides(table: pd.DataFrame, n: int, by: str, factor: float) -> go.Figure:
    if by not in table:
        raise KeyError(f"expected a column of the table, got {by!r}; available: {', '.join(table.columns)}")
    base = [_base(name, side) for name, side in zip(table["area"].astype(str), table["hemisphere"], strict=True)]
    table = table.assign(_base=base)
    total = table.groupby("_base", sort=False)[by].sum(min_count=1).dropna()
    order = total.sort_values(ascending=False, kind="stable").index[:n]
    figure = go.Figure()
    unit = " %" if factor == 100 else ""
    for side, colour in SIDE_COLOURS.items():
        rows = table[(table["hemisphere"] == side) & table["_base"].isin(order)].set_index("_base", drop=False)
        rows = rows.loc[[name for name in order if name in rows.index]]
        if rows.empty:
            continue
        figure.add_trace(
            go.Bar(
                x=rows[by].to_numpy(float) * factor,
                y=[area_label(name) for name in rows["_base"]],
                orientation="h",
                customdata=_place(rows, "area"),
                marker={"color": colour},
                name=SIDE_WORDS[side],
                hovertemplate=f"%{{y}}, {SIDE_WORDS[side]}<br>{by} %{{x:.3~g}}{unit}<br>{HOVER_PLACE}<extra></extra>",
            )
        )
    figure.update_layout(barmode="relative" if by in ("share", "sum") else "group")
    figure.update_yaxes(categoryorder="array", categoryarray=[area_label(name) for name in order])
    return figure


def _base(name: str, side: str) -> str:
    """The name without its side: the last or first part of two or more, where it names the side."""
    if not side:
        return name
    for cut in (name[:-2], name[2:]):
        if name in (f"{cut}_{side}", f"{cut}-{side}", f"{cut} {side}", f"{side}_{cut}", f"{side}-{cut}"):
            return cut
    return name


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
    """Areas of two groups beside each other, with confidence intervals and a dot for each subject.

    Parameters
    ----------
    comparison : DataFrame
        Of `mriinterp.stats.compare_groups`: area, mean_a, low_a, high_a, n_a,
        mean_b, low_b, high_b, n_b, p_fdr.
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
        What the values are; shares are shown in percent.
    areas : list of str, optional
        These areas instead of the `n` largest.
    """
    factor = 100 if quantity == "share" else 1
    rows = comparison.set_index(comparison["area"].astype(str))
    if areas is None:
        size = rows[["mean_a", "mean_b"]].max(axis=1).dropna()
        areas = size.sort_values(ascending=False, kind="stable").index[:n].tolist()
    missing = [area for area in areas if area not in rows.index]
    if missing:
        raise KeyError(f"expected areas of the comparison, got {missing}; available: {', '.join(rows.index[:10])} …")
    rows = rows.loc[areas]
    places = peaks_of(peaks, areas)
    figure = go.Figure()
    at = np.arange(len(areas), dtype=float)
    for side, name, colour, offset in zip("ab", names, GROUP_COLOURS, (-0.2, 0.2), strict=False):
        mean = rows[f"mean_{side}"].to_numpy(float) * factor
        low, high = (rows[f"{end}_{side}"].to_numpy(float) * factor for end in ("low", "high"))
        count = int(rows[f"n_{side}"].max()) if len(rows) else 0
        hover = f"{name}: %{{x:.3~g}}{' %' if factor == 100 else ''}<br>{HOVER_PLACE}<extra>%{{customdata[0]}}</extra>"
        figure.add_trace(
            go.Bar(
                x=mean, y=at + offset, width=0.36, orientation="h", name=f"{name} (n = {count})", opacity=0.75,
                marker={"color": colour}, customdata=places, hovertemplate=hover,
                error_x={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low, "width": 4,
                         "color": LINE},
            )
        )  # fmt: skip
        if values is not None:
            figure.add_trace(_dots(values[np.asarray(groups) == name], areas, at + offset, factor, colour, name))
    ticks = [area_label(a) + (" *" if p < 0.05 else "") for a, p in zip(areas, rows["p_fdr"], strict=True)]
    figure.update_layout(
        height=110 + 2 * ROW_PX * max(len(areas), 2),
        margin={"l": 10, "r": 10, "t": 30, "b": 60},
        clickmode="event+select",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        yaxis={"tickvals": at, "ticktext": ticks, "range": [len(areas) - 0.5, -0.5], "automargin": True},
        xaxis={"title": {"text": quantity_label(quantity, unit) + "<br>bars: mean and 95 % interval; * FDR < 0.05"}},
    )
    return apply_theme(figure, theme)


def peaks_of(peaks: pd.DataFrame | None, areas: list[str]) -> list[list]:
    known = {} if peaks is None else {row[0]: row for row in _place(peaks, "area")}
    return [known.get(area, [area, None, None, None]) for area in areas]


def _dots(values: pd.DataFrame, areas: list[str], at, factor: float, colour: str, name: str) -> go.Scatter:
    """One dot a subject; customdata [area, subject]."""
    data = values[areas].to_numpy(float) * factor
    spread = np.linspace(-0.12, 0.12, len(data)) if len(data) > 1 else np.zeros(len(data))
    y = at[None, :] + spread[:, None]
    who = [[area, str(subject)] for subject in values.index for area in areas]
    return go.Scatter(
        x=data.ravel(), y=y.ravel(), mode="markers", customdata=who, name=f"{name}, each subject", showlegend=False,
        marker={"color": colour, "size": 4, "opacity": 0.8, "line": {"width": 0.5, "color": "white"}},
        hovertemplate=f"%{{customdata[1]}} ({name})<br>%{{x:.3~g}}<extra>%{{customdata[0]}}</extra>",
    )  # fmt: skip


def method_bars(
    tables: Mapping[Hashable, pd.DataFrame],
    n: int = 10,
    *,
    by: str = "share",
    unit: str = "",
    theme: str | None = None,
) -> go.Figure:
    """The same areas for several maps (methods, subjects, networks) beside each other.

    Parameters
    ----------
    tables : mapping of label to DataFrame
        Area tables of one atlas, hemispheres merged or not, all alike.
    n : int
        The areas with the largest mean of `by` over all tables.
    by, unit : str
        See `area_bars`.
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
                x=rows[by].to_numpy(float) * factor, y=[area_label(a) for a in order], orientation="h", name=str(label),
                marker={"color": GROUP_COLOURS[number % len(GROUP_COLOURS)]}, customdata=_place(rows, "area"),
                hovertemplate=f"%{{y}}<br>{by} %{{x:.3~g}}{' %' if factor == 100 else ''}<br>{HOVER_PLACE}",
            )
        )  # fmt: skip
    figure.update_layout(
        barmode="group",
        height=110 + max(ROW_PX, 12 * len(tables) + 10) * max(len(order), 3),
        margin={"l": 10, "r": 10, "t": 30, "b": 60},
        clickmode="event+select",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": quantity_label(by, unit)}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return apply_theme(figure, theme)
