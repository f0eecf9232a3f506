"""Relevance per area of one map, as bars.

Every bar carries ``customdata`` of [area, x, y, z]: the area as its table
names it and the place of its peak in RAS+ mm (None where there is none), so
that a click can move a crosshair there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.areas.table import top_areas
from mriinterp.base.numerals import format_value
from mriinterp.figures.colours import GROUP_COLOURS
from mriinterp.figures.theme import apply_theme, plain, plain_area, wrap

__all__ = ["area_bars", "peaks_of", "places", "quantity_label"]

ROW_PX = 26
LINE = "#6b7280"  # seen on light and dark pages
SIDE_COLOURS = {"L": "#0072B2", "R": "#E69F00", "": "#7F7F7F"}
SIGN_COLOURS = {"positive": "#D55E00", "negative": "#0072B2"}  # warm and cold as in the maps
SIDE_WORDS = {"L": "left", "R": "right", "": "no side"}
ASYMMETRY_TITLE = "Asymmetry<br>(L−R)/(|L|+|R|)"
TITLE_LETTERS = {True: 26, False: 48}  # of a line, beside another axis or alone


def quantity_label(by: str, unit: str = "", what: str = "") -> str:
    """Return what a column of an area table is, with its unit; `what`: a name of the relevance it holds."""
    labels = {
        "share": f"Share of {what or 'the relevance'} in all areas / %",
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
    ends: tuple[str, str] | None = None,
    theme: str | None = None,
) -> go.Figure:
    """Draw the `n` areas with the most relevance of a map.

    Parameters
    ----------
    table : DataFrame
        Of `mriinterp.areas.table.area_table`. Hemispheres merged: one bar an area
        and a dot for its asymmetry beside it. Not merged: left and right
        stacked, ordered by their sum.
    n : int
    by : str
        Column: share, sum, mean or peak.
    unit : str
        Of that column where it is not a share; a table scaled to sum 1 has none.
    ends : (str, str), optional
        What values below and above 0 mean. A table of both (see
        `mriinterp.areas.part_table.part_table`) then has two bars an area, to
        either side of 0; of one side alone bars have its colour and name.
    theme : {"light", "dark"}, optional
    """
    factor = 100 if by == "share" else 1
    two_sided = ends is not None and by == "share" and "against" in table
    if ends is not None and two_sided:
        figure = _both_signs(top_areas(table, n, by), ends)
    elif "hemisphere" in table.columns:
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
    narrow = any(trace.xaxis == "x2" for trace in figure.data)
    title = wrap(plain(quantity_label(by, unit, _one_sign(table, ends))), TITLE_LETTERS[narrow])
    figure.update_layout(xaxis={"title": {"text": title}, "rangemode": "normal" if two_sided else "tozero"})
    if ends and "hemisphere" not in table and table.attrs.get("part") in SIGN_COLOURS and not two_sided:
        figure.data[0].marker.color = SIGN_COLOURS[table.attrs["part"]]
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="")
    return apply_theme(figure, theme)


def _one_sign(table: pd.DataFrame, ends: tuple[str, str] | None) -> str:
    """Return a name of the relevance in a table that holds the values of one sign; "" for any other table."""
    words = dict(zip(("negative", "positive"), ends or ("", ""), strict=True)).get(table.attrs.get("part"), "")
    return f"the relevance “{words}”" if words else ""


def _categories(figure: go.Figure) -> list[str]:
    return [label for trace in figure.data for label in trace.y]


def places(table: pd.DataFrame, name: str) -> list[list]:
    """Return the rows of customdata: [area, x, y, z], mm or None."""
    columns = table[["peak_x", "peak_y", "peak_z"]].to_numpy(float)
    mm = [[None if np.isnan(v) else round(float(v), 2) for v in row] for row in columns]
    return [[area, *place] for area, place in zip(table[name].astype(str), mm, strict=True)]


HOVER_PLACE = "peak at (%{customdata[1]}, %{customdata[2]}, %{customdata[3]}) mm"


def _merged(rows: pd.DataFrame, by: str, factor: float) -> go.Figure:
    labels = [plain_area(area) for area in rows["area"]]
    unit = "%" if factor == 100 else ""
    bars = go.Bar(
        x=rows[by].to_numpy(float) * factor,
        y=labels,
        orientation="h",
        customdata=places(rows, "area"),
        marker={"color": GROUP_COLOURS[1]},
        name=by,
        hovertemplate=f"%{{y}}<br>{by} %{{x:.3~g}}{unit}<br>{HOVER_PLACE}<extra></extra>",
        showlegend=False,
    )
    return _with_asymmetry(go.Figure(bars), rows, labels)


def _both_signs(rows: pd.DataFrame, ends: tuple[str, str]) -> go.Figure:
    """Draw two bars an area, above 0 to the right and below 0 to the left, as shares of both together."""
    labels = [plain_area(area) for area in rows["area"]]
    figure = go.Figure()
    for side, reading, words, direction in (("supports", "positive", ends[1], 1), ("against", "negative", ends[0], -1)):
        share = 100 * rows[side].to_numpy(float)
        peaks = rows[["area"]].assign(**{f"peak_{axis}": rows[f"{side}_{axis}"] for axis in "xyz"})
        figure.add_trace(
            go.Bar(
                x=direction * share,
                y=labels,
                orientation="h",
                customdata=places(peaks, "area"),
                marker={"color": SIGN_COLOURS[reading]},
                name=plain(words),
                text=[format_value(value) for value in share],
                textposition="none",
                hovertemplate=f"%{{y}}<br>{plain(words)}: %{{text}}%<br>{HOVER_PLACE}<extra></extra>",
            )
        )
    ticks = _ticks(100 * float(np.nanmax(rows[["supports", "against"]].to_numpy(float), initial=0)))
    figure.update_layout(barmode="relative")
    if "hemisphere" not in rows:
        _with_asymmetry(figure, rows, labels)
        figure.update_traces(marker={"color": LINE}, selector={"name": "asymmetry"})  # blue and orange are signs here
    # A share has no sign, whichever way its bar goes.
    figure.update_xaxes(tickvals=ticks, ticktext=[f"{abs(tick):g}" for tick in ticks], selector=0)
    return figure


def _ticks(largest: float) -> list[float]:
    """Return round numbers to either side of 0, at most four a side."""
    step = next((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if 4 * s >= largest), 50)
    return [n * step for n in range(-4, 5) if abs(n * step) <= largest + step]


def _with_asymmetry(figure: go.Figure, rows: pd.DataFrame, labels: list[str]) -> go.Figure:
    """Add a dot an area for its asymmetry, beside the bars."""
    if "asymmetry" not in rows or rows["asymmetry"].isna().all():
        return figure
    value = rows["asymmetry"].to_numpy(float)
    dots = go.Scatter(
        x=value,
        y=labels,
        xaxis="x2",
        mode="markers",
        customdata=places(rows, "area"),
        marker={"color": [SIDE_COLOURS["L" if v >= 0 else "R"] for v in value], "size": 9},
        error_x={"type": "data", "symmetric": False, "array": np.maximum(-value, 0), "arrayminus": np.maximum(value, 0),
                 "width": 0, "thickness": 2, "color": LINE},
        name="asymmetry",
        hovertemplate="%{y}<br>asymmetry %{x:.2f} (1: all on the left, −1: all on the right)<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    figure.add_trace(dots)
    figure.update_layout(
        xaxis={"domain": [0, 0.68], "anchor": "y"},
        xaxis2={
            "domain": [0.74, 1], "range": [1.15, -1.15], "tickvals": [1, 0, -1], "ticktext": ["left", "0", "right"],
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
    unit = "%" if factor == 100 else ""
    for side, colour in SIDE_COLOURS.items():
        rows = table[(table["hemisphere"] == side) & table["_base"].isin(order)].set_index("_base", drop=False)
        rows = rows.loc[[name for name in order if name in rows.index]]
        if rows.empty:
            continue
        figure.add_trace(
            go.Bar(
                x=rows[by].to_numpy(float) * factor,
                y=[plain_area(name) for name in rows["_base"]],
                orientation="h",
                customdata=places(rows, "area"),
                marker={"color": colour},
                name=SIDE_WORDS[side],
                hovertemplate=f"%{{y}}, {SIDE_WORDS[side]}<br>{by} %{{x:.3~g}}{unit}<br>{HOVER_PLACE}<extra></extra>",
            )
        )
    figure.update_layout(barmode="relative" if by in ("share", "sum") else "group")
    figure.update_yaxes(categoryorder="array", categoryarray=[plain_area(name) for name in order])
    return figure


def _base(name: str, side: str) -> str:
    """Return the name without its side: the last or first part of two or more, where it names the side."""
    if not side:
        return name
    for cut in (name[:-2], name[2:]):
        if name in (f"{cut}_{side}", f"{cut}-{side}", f"{cut} {side}", f"{side}_{cut}", f"{side}-{cut}"):
            return cut
    return name


def peaks_of(peaks: pd.DataFrame | None, areas: list[str]) -> list[list]:
    known = {} if peaks is None else {row[0]: row for row in places(peaks, "area")}
    return [known.get(area, [area, None, None, None]) for area in areas]
