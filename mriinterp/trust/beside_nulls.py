"""Numbers of maps as a table: mean and interval of each method, and whether it beats every null map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mriinterp.base.numerals import NONE, decimals
from mriinterp.stats import mean_interval
from mriinterp.trust.words import label_of

__all__ = ["COLUMNS", "beside_null_maps", "dots", "shown_table"]

COLUMNS = ["method", "subject", "quantity", "value"]


def beside_null_maps(table: pd.DataFrame) -> pd.DataFrame:
    """Return each method's mean of each quantity beside those of the null maps; higher is better.

    Parameters
    ----------
    table : DataFrame
        Columns method, subject, quantity, value. NaN: the number has no meaning for that map.

    Returns
    -------
    DataFrame
        Columns quantity, method, null_map, n, mean, low, high (95%, over subjects), beats (bool: the interval of the
        difference within subjects lies above 0 for each null map). Methods first, best first.
    """
    rows = []
    for quantity, part in table.groupby("quantity", sort=False):
        wide = part.pivot_table(index="subject", columns="method", values="value", dropna=False, sort=False)
        nulls = [name for name in wide if str(name).startswith("null_")]
        for method in wide:
            values = wide[method].dropna().to_numpy()
            mean, low, high = mean_interval(values) if len(values) else (np.nan,) * 3
            lows = []
            for null in nulls:
                apart = (wide[method] - wide[null]).dropna().to_numpy()
                lows.append(float(mean_interval(apart)[1]) if len(apart) > 1 else np.nan)
            rows.append(
                {
                    "quantity": quantity, "method": method, "null_map": method in nulls, "n": len(values),
                    "mean": float(mean), "low": float(low), "high": float(high),
                    "beats": method not in nulls and bool(lows) and all(value > 0 for value in lows),
                }
            )  # fmt: skip
    found = pd.DataFrame(rows)
    return found.sort_values(["null_map", "mean"], ascending=[True, False], ignore_index=True, kind="stable")


def shown_table(summary: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return methods × quantities as text, mean [95% interval]; a star where all null maps are beaten."""
    first = next(iter(names))
    order = summary[summary["quantity"] == first]["method"]
    table = pd.DataFrame({"method": [label_of(name) for name in order]})
    for quantity, words in names.items():
        rows = summary[summary["quantity"] == quantity].set_index("method")
        table[words] = [_cell(rows.loc[name]) if name in rows.index else NONE for name in order]
    return table


def _cell(row: pd.Series) -> str:
    if not np.isfinite(row["mean"]):
        return NONE
    interval = f" [{decimals(row['low'], 2)}, {decimals(row['high'], 2)}]" if np.isfinite(row["low"]) else ""
    return f"{decimals(row['mean'], 2)}{interval}{' *' if row['beats'] else ''}"


def dots(summary: pd.DataFrame, quantity: str, title: str, chance: float | None = None) -> go.Figure:
    """Return a figure of one quantity: a dot and its interval a method, null maps in grey."""
    rows = summary[(summary["quantity"] == quantity) & summary["mean"].notna()].iloc[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=rows["mean"],
        y=[label_of(name) for name in rows["method"]],
        mode="markers",
        marker={"size": 9, "color": ["#9ca3af" if null else "#0072b2" for null in rows["null_map"]]},
        error_x={"array": rows["high"] - rows["mean"], "arrayminus": rows["mean"] - rows["low"], "thickness": 1},
    )
    if chance is not None:
        figure.add_vline(x=chance, line={"dash": "dash", "color": "#9ca3af"}, annotation_text="chance")
    return figure.update_layout(xaxis_title=title, height=90 + 26 * len(rows), margin_t=20, showlegend=False)
